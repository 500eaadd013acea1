from ondemand import Response

BY_HAND = [("Set-Cookie", "by-hand=2; Path=/"), ("Set-Cookie", "by-hand-too=3")]


def GET(page):
    page.cookies.set("from-api", "1")
    return Response("ok", headers=[*BY_HAND, ("Content-Type", "text/plain; charset=utf-8")])
