def GET(page):
    return {"path": page.params["path"], "pathname": page.url.pathname}
