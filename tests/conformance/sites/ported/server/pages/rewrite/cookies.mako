<%!
def frontmatter(page):
    page.cookies.set("before-rewrite", "1")
    return page.rewrite("/cookies/overwrite")
%>\
