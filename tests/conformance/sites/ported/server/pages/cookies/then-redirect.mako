<%!
def frontmatter(page):
    page.cookies.set("flash", "saved", path="/")
    return page.redirect("/cookies/counter", 303)
%>\
