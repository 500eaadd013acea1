def GET(page):
    page.cookies.set("a", {"n": 1})
    value = page.cookies["a"].json()
    page.cookies.delete("a")
    return {"json": value, "after": page.cookies.get("a")}
