def default(page):
    return "default"
