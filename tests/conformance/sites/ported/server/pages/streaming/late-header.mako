<%!
def frontmatter(page):
    page.response.headers["x-from-page"] = "yes"
%>\
<!DOCTYPE html><html><body><p>start</p><%include file="/Wait.mako" args="ms=400, label='slow'"/>\
<%include file="/SetsHeader.mako"/></body></html>\
