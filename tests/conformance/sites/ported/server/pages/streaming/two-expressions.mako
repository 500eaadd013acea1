<%!
import asyncio

async def wait(ms, label):
    await asyncio.sleep(ms / 1000)
    return label

def frontmatter(page):
    return {"one": wait(400, "one"), "two": wait(400, "two")}
%>\
<!DOCTYPE html><html><body><p>now</p><p>${await_(one)}</p><p>${await_(two)}</p></body></html>\
