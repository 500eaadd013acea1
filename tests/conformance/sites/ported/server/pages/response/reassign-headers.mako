<%!
def frontmatter(page):
    page.response.headers = {"x-new": "1"}
%>\
<!DOCTYPE html><p>never</p>\
