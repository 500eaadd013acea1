<%!
prerender = False

def frontmatter(page):
    return page.rewrite("/404")
%>\
