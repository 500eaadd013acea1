def entry(value):
    if isinstance(value, str):
        return value
    return {"file": value.filename, "type": value.content_type, "size": value.size}


async def POST(page):
    form = await page.request.form()
    return {"entries": [[name, entry(value)] for name, value in form.multi_items()]}
