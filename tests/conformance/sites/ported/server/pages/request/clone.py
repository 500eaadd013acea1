async def POST(page):
    body = await page.request.text()  # a text can be used twice: no request needs to be copied
    return {"a": body, "b": body}
