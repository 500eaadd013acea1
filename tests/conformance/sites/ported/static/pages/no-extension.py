from ondemand import Response


def GET(page):
    return Response("<p>html text</p>", headers={"Content-Type": "text/html"})
