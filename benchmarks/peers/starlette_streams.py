"""The streams with Starlette's StreamingResponse, as its documentation says."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from benchmarks import parts


async def waiting(request: Request) -> StreamingResponse:
    return StreamingResponse(parts.waiting(), media_type="text/html")


async def joined(request: Request) -> StreamingResponse:
    return StreamingResponse(parts.joined(), media_type="text/html")


async def slow(request: Request) -> StreamingResponse:
    return StreamingResponse(parts.slow(), media_type="text/html")


app = Starlette(routes=[Route("/waiting", waiting), Route("/joined", joined), Route("/slow", slow)])
