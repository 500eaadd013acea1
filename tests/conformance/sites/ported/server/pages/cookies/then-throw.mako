<%!
def frontmatter(page):
    page.cookies.set("before-throw", "1")
    raise RuntimeError("after the cookie")
%>\
