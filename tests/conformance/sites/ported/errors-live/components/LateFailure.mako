<%!
import asyncio

async def too_late():
    await asyncio.sleep(0.1)
    raise RuntimeError("too late")
%>\
${await_(too_late())}<i>never</i>\
