<%!
from ondemand import Response

def frontmatter(page):
    return Response("own text", 404, {"content-type": "text/plain; charset=utf-8"})
%>\
