def GET(page):
    raise RuntimeError("endpoint failure")
