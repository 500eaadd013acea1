from ondemand import Response


def GET(page):
    raise Response("thrown", 409)
