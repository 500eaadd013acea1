<%!
def frontmatter(page):
    raise RuntimeError("the error page is broken too")
%>\
