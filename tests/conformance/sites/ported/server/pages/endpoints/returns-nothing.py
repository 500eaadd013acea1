def GET(page):
    pass
