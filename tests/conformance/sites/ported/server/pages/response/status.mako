<%!
def frontmatter(page):
    page.response.status = 404
    page.response.status_text = "Not found"
%>\
<!DOCTYPE html><html><body><h1>No such product</h1></body></html>\
