def GET(page):
    return page.redirect("/redirect/landing?from=permanent", 301)
