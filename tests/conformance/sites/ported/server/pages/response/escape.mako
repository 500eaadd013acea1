<%!
def frontmatter(page):
    return {"text": "<b>&\"'</b>", "html": "<b>raw</b>"}
%>\
<!DOCTYPE html><p title="${text}">${text}</p><p>${html | n}</p><p>${html}</p><p>${0}${"true"}</p>\
<p>\
% for one in (1, "a"):
${one}\
% endfor
<i>x</i></p>\
