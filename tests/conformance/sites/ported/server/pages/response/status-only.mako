<%!
def frontmatter(page):
    page.response.status = 201
%>\
<!DOCTYPE html><p>created</p>\
