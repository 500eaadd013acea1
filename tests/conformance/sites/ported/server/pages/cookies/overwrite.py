def GET(page):
    page.cookies.set("a", "1")
    page.cookies.set("b", "2")
    page.cookies.set("a", "3")
    return "ok"
