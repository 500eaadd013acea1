from ondemand import Response


def GET(page):
    return Response("x", 299, {"content-type": "text/plain; charset=utf-8"}, status_text="Mostly Fine")
