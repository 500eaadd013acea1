<%!
def frontmatter(page):
    page.locals["trail"].append("page")
%>\
<!DOCTYPE html><p>${">".join(page.locals["trail"])}</p>\
