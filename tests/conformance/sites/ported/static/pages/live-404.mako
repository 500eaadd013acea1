<%!
from ondemand import Response

prerender = False

def frontmatter(page):
    page.cookies.set("from-live", "1")
    return Response(None, 404, {"X-Reason": "gone", "Content-Type": "text/plain"})
%>\
