<%!
prerender = True

def frontmatter(page):
    return page.redirect("/prerendered/page")
%>\
