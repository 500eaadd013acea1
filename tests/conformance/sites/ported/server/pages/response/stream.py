import asyncio

from ondemand import Response


async def body():
    yield "first\n"
    await asyncio.sleep(0.4)
    yield "second\n"


def GET(page):
    return Response(body(), headers={"Content-Type": "text/event-stream"})
