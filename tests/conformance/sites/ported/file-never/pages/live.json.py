prerender = False


def GET(page):
    return {"pathname": page.url.pathname}
