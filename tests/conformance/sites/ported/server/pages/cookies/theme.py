from ondemand import Response


async def POST(page):
    page.cookies.set("prefs", await page.request.json(), path="/", same_site="strict")
    return Response(None, 204)


def GET(page):
    prefs = page.cookies.get("prefs")
    return {"theme": "light"} if prefs is None else prefs.json()
