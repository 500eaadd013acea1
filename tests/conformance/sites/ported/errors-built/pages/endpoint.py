prerender = False


def GET(page):
    raise RuntimeError("broke")
