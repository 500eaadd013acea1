<%!
prerender = True
static_paths = [
    {"params": {"slug": "one"}, "props": {"title": "First"}},
    {"params": {"slug": "two words"}, "props": {"title": "Second"}},
]
%>\
<!DOCTYPE html><h1>${page.props["title"]}</h1>\
