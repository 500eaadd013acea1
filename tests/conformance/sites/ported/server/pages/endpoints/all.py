def ALL(page):
    return f"all {page.request.method}"
