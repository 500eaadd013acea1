<%
cookie = page.cookies.get("seen")
seen = "none" if cookie is None else cookie.value
%>\
<i>${page.url.pathname} ${page.request.method} ${seen} ${page.params.get("id", "no-id")}</i>\
