<%!
def frontmatter(page):
    return page.redirect("/guide/")
%>\
