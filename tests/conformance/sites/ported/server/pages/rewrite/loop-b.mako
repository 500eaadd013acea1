<%!
def frontmatter(page):
    return page.rewrite("/rewrite/loop-a")
%>\
