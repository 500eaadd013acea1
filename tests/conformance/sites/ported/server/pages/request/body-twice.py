from ondemand import BodyUsed


async def POST(page):
    first = await page.request.text()
    used = page.request.body_used
    try:
        await page.request.text()
    except BodyUsed:
        return {"first": first, "used": used, "second": "TypeError"}
    return {"first": first, "used": used, "second": "read"}
