<%!
import asyncio

async def wait(ms, label):
    await asyncio.sleep(ms / 1000)
    return label

def frontmatter(page):
    return {"slow": wait(800, "slow"), "fast": wait(400, "fast")}
%>\
<!DOCTYPE html><html><body><p>start</p><i>${await_(slow)}</i><i>${await_(fast)}</i><p>end</p></body></html>\
