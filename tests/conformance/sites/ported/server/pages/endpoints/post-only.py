def POST(page):
    return "only post"
