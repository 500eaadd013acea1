<%!
def frontmatter(page):
    return page.rewrite("/500")
%>\
