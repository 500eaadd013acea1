<%!
from benchmarks.parts import HEAD, LAST

prerender = False


async def frontmatter(page):
    return {"last": LAST}
%>\
${HEAD | n}${last | n}</body></html>
