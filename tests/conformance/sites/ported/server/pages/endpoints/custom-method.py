from ondemand import Response


def PURGE(page):
    return "purged"


def PROPFIND(page):
    return Response("found", 207, {"content-type": "text/plain; charset=utf-8"}, status_text="Multi-Status")
