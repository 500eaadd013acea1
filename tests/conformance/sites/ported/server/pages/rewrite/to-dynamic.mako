<%!
def frontmatter(page):
    return page.rewrite("/params/from-rewrite")
%>\
