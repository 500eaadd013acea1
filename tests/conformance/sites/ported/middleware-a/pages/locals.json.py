def GET(page):
    return {**page.locals, "pathname": page.url.pathname}
