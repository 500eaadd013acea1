<%!
def frontmatter(page):
    page.response.status = 204
%>\
<!DOCTYPE html><p>has a body</p>\
