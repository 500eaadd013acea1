<%!
import asyncio

async def frontmatter(page):
    await asyncio.sleep(0)
    raise RuntimeError("async page failure")
%>\
<!DOCTYPE html><p>never</p>\
