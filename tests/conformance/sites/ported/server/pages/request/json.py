async def POST(page):
    return {"got": await page.request.json()}
