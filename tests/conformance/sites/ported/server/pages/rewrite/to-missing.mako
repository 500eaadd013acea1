<%!
def frontmatter(page):
    return page.rewrite("/rewrite/nowhere")
%>\
