prerender = False


def GET(page):
    return {"live": True, "q": page.url.search_params.get("q")}


async def POST(page):
    return {"got": await page.request.json()}
