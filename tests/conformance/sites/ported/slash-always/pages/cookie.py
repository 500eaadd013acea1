def GET(page):
    page.cookies.set("in-base", "1")
    return "ok"
