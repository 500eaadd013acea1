from ondemand import Response


def GET(page):
    return Response(None, 404, status_text="Not found")
