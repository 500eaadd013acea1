<%!
import asyncio

async def frontmatter(page):
    await asyncio.sleep(0.4)
%>\
<!DOCTYPE html><html><body><p>all at once</p></body></html>\
