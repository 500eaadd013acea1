<%!
def frontmatter(page):
    page.response.headers["content-type"] = "text/plain; charset=utf-8"
%>\
<!DOCTYPE html><p>plain é</p>\
