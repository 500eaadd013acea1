<%!
def frontmatter(page):
    return page.redirect("/cookies/counter")
%>\
