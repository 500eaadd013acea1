async def POST(page):
    await page.request.text()
    return page.rewrite("/request/text")
