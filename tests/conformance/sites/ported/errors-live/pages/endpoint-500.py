from ondemand import Response


def GET(page):
    return Response(None, 500)
