<%!
def frontmatter(page):
    page.response.status = 404
%>\
<!DOCTYPE html><p>own page with status 404</p>\
