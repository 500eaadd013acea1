def GET(page):
    return {"built": True}
