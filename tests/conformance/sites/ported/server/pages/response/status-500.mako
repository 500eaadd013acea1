<%!
def frontmatter(page):
    page.response.status = 500
%>\
<!DOCTYPE html><p>my own 500</p>\
