prerender = False


async def ALL(page):
    return {"method": page.request.method, "pathname": page.url.pathname, "text": await page.request.text()}
