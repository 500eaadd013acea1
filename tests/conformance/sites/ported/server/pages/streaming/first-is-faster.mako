<%!
import asyncio

async def wait(ms, label):
    await asyncio.sleep(ms / 1000)
    return label

def frontmatter(page):
    return {"fast": wait(400, "fast"), "slow": wait(800, "slow")}
%>\
<!DOCTYPE html><html><body><p>start</p><i>${await_(fast)}</i><p>between</p><i>${await_(slow)}</i><p>end</p></body></html>\
