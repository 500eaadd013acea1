<%!
from ondemand import Response

def frontmatter(page):
    page.cookies.set("on-404", "1")
    return Response(None, 404)
%>\
