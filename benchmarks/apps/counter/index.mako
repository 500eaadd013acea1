<%!
from benchmarks.rows import ROWS

prerender = False


async def frontmatter(page):
    cookie = page.cookies.get("n")
    count = (cookie.number(default=0) if cookie else 0) + 1
    page.cookies.set("n", count, path="/", same_site="lax")
    return {"n": count, "rows": ROWS}
%><!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Counter</title></head><body>
<h1>Visit ${n}</h1>
<table>
% for number, name, price in rows:
<tr id="row-${number}"><td>${name}</td><td>${price}</td></tr>
% endfor
</table>
</body></html>
