import asyncio


async def GET(page):
    await asyncio.sleep(0)
    raise TypeError("async failure")
