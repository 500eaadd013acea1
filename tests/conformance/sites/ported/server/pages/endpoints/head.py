from ondemand import Response

TEXT = {"content-type": "text/plain; charset=utf-8"}


def HEAD(page):
    return Response("not sent", headers={"X-From": "head", **TEXT})


def GET(page):
    return Response("sent", headers={"X-From": "get", **TEXT})
