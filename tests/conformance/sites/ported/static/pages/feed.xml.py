from ondemand import Response


def GET(page):
    body = f'<?xml version="1.0"?><feed><link>{page.site}/</link></feed>'
    return Response(body, headers={"Content-Type": "application/rss+xml"})
