<%!
from ondemand import Response

def frontmatter(page):
    return Response(None, 404, status_text="Not found")
%>\
