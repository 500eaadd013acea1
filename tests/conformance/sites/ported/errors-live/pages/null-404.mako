<%!
from ondemand import Response

def frontmatter(page):
    return Response(None, 404, {"X-Why": "fish", "Content-Type": "text/fish"}, status_text="Gone fishing")
%>\
