<%!
from ondemand import Response

def frontmatter(page):
    return Response.json({"ok": True, "name": "Zoë"}, 201)
%>\
