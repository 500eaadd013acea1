<%!
from benchmarks.parts import HEAD, last_part

prerender = False


async def frontmatter(page):
    return {"last": last_part()}
%>\
${HEAD | n}${await_(last) | n}</body></html>
