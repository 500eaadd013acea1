async def ALL(page):
    text = await page.request.text()
    return {"method": page.request.method, "length": len(text), "text": text}
