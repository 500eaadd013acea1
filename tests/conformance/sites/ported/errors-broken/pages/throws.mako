<%!
def frontmatter(page):
    raise RuntimeError("page broke")
%>\
