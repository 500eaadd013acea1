async def PUT(page):
    return {"bytes": list(await page.request.bytes())}
