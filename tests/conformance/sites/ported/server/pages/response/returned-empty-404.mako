<%!
from ondemand import Response

def frontmatter(page):
    return Response("", 404, {"content-type": "text/plain; charset=utf-8"})
%>\
