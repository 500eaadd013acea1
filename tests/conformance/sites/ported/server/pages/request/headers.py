def GET(page):
    headers = page.request.headers
    return {
        "cookie": headers.get("cookie"),
        "agent": headers.get("User-Agent"),
        "multi": headers.get("x-multi"),
        "missing": headers.get("x-missing"),
        "names": sorted({name for name in headers if name.startswith("x-")}),
    }
