prerender = True


def GET(page):
    return "<feed/>"
