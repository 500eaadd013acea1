<%!
def frontmatter(page):
    raise "just text"
%>\
