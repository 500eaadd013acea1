<%!
def frontmatter(page):
    page.response.headers["X-Lost"] = "1"
    page.cookies.set("kept", "1")
    return page.redirect("https://example.com/a?b=c", 307)
%>\
