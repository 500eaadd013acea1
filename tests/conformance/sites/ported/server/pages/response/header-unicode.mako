<%!
def frontmatter(page):
    page.response.headers["x-name"] = "Zoë"
%>\
<!DOCTYPE html><p>latin1 header</p>\
