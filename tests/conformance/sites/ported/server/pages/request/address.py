def GET(page):
    return {"clientAddress": page.client_address, "forwarded": page.request.headers.get("x-forwarded-for")}
