<%!
from ondemand import Response

def frontmatter(page):
    return Response(None, 500, {"X-Why": "broken"})
%>\
