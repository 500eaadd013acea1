from ondemand import Response


def GET(page):
    return Response(b"\x89PNG\0\xff\xfe", headers={"Content-Type": "image/png"})
