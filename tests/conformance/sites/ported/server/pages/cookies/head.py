def GET(page):
    page.cookies.set("seen", "by-get")
    return "body"
