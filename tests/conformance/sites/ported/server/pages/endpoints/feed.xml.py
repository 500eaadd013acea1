from ondemand import Response


def GET(page):
    return Response('<?xml version="1.0"?><feed/>', headers={"Content-Type": "application/xml"})
