<%!
prerender = True

def frontmatter(page):
    page.cookies.set("built", "1")
    page.response.headers["x-built"] = "1"
%>\
<!DOCTYPE html><p>has ${str(page.cookies.has("a")).lower()}</p>\
