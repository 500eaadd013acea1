def GET(page):
    return {"rest": page.params["rest"], "pathname": page.url.pathname, "raw": page.request.url.pathname}
