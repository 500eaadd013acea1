def GET(page):
    return page.locals["order"]
