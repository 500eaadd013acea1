<%!
def frontmatter(page):
    page.locals = {"user": "other"}
%>\
<!DOCTYPE html><p>${page.locals["user"]}</p>\
