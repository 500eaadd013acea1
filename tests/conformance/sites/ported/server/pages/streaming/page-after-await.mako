<%!
import asyncio

async def frontmatter(page):
    await asyncio.sleep(0.1)
    page.response.headers["x-after-await"] = "yes"
    page.response.status = 203
    page.response.status_text = "Later"
%>\
<!DOCTYPE html><html><body><p>page</p></body></html>\
