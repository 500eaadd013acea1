<%!
import asyncio

async def wait():
    await asyncio.sleep(0.4)
    return "later"

def frontmatter(page):
    return {"later": wait()}
%>\
<!DOCTYPE html><html><body><p>now</p><p>${await_(later)}</p><p>end</p></body></html>\
