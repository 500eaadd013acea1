def GET(page):
    return "get"
