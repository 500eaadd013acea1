<%!
prerender = False

def frontmatter(page):
    raise RuntimeError("live failure")
%>\
