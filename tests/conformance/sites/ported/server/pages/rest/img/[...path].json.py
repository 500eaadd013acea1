def GET(page):
    return {name: value for name, value in page.params.items() if value is not None}
