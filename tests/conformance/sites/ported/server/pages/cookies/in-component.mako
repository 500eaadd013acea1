<%!
def frontmatter(page):
    page.cookies.set("early", "yes")
%>\
<!DOCTYPE html><html><body><p>page</p><%include file="/SetsCookie.mako"/><p>end</p></body></html>\
