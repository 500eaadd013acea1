<%!
def frontmatter(page):
    return page.redirect("/")
%>\
