<%!
from ondemand import Response

def frontmatter(page):
    raise Response("thrown", 409)
%>\
