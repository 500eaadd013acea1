def POST(page):
    return page.rewrite("/request/text")
