from ondemand import Response

prerender = True


def GET(page):
    return Response("no extension", 201, {"X-Build": "1", "Content-Type": "text/x-note"})
