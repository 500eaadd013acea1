<%!
prerender = False

def frontmatter(page):
    cookie = page.cookies.get("name")
    page.cookies.set("seen", "1", path="/")
    return {"name": "stranger" if cookie is None else cookie.value}
%>\
<!DOCTYPE html><p>hello ${name}</p>\
