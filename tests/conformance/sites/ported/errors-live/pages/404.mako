<%!
def frontmatter(page):
    page.response.headers["X-Error-Page"] = "404"
    cookie = page.cookies.get("seen")
    page.cookies.set("lost", "1")
    return {"seen": "new" if cookie is None else cookie.value}
%>\
<!DOCTYPE html><html><body><h1>Not found: ${page.url.pathname}</h1>\
<p>${page.request.method} ${seen} ${page.response.status}</p></body></html>\
