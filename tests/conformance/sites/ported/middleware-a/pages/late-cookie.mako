<%!
def frontmatter(page):
    page.cookies.set("from-page", "1")
%>\
<!DOCTYPE html><p>cookies</p>\
