async def ALL(page):
    return {"method": page.request.method, "pathname": page.url.pathname, "body": await page.request.text()}
