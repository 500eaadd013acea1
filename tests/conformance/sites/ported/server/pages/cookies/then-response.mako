<%!
from ondemand import Response

def frontmatter(page):
    page.cookies.set("with-response", "1")
    return Response("own response", 202, {"content-type": "text/plain; charset=utf-8"})
%>\
