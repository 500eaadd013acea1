<%!
prerender = False

def frontmatter(page):
    return page.redirect("/500")
%>\
