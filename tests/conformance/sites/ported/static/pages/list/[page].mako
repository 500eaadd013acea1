<%!
def static_paths(context):
    return context.paginate(["ant", "bee", "cat", "dog", "eel"], page_size=2)

def frontmatter(page):
    return {"part": page.props["page"]}
%>\
<!DOCTYPE html><ul>\
% for one in part.data:
<li>${one}</li>\
% endfor
</ul><p>${part.current_page} of ${part.last_page} prev=${part.url.prev or "-"} next=${part.url.next or "-"}</p>\
