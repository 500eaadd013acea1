<%!
def frontmatter(page):
    return page.rewrite("/response/status")
%>\
