"""A plain Starlette site for builds, found by its links alone. PAGES: how many; PROSE: their text; DIST: where to publish."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from benchmarks.pages import HOME, page
from ondemand import OnDemand

COUNT = int(os.environ["PAGES"])
TEXT = Path(os.environ["PROSE"]).read_text(encoding="ascii")


async def home(request: Request) -> HTMLResponse:
    return HTMLResponse(HOME)


async def show(request: Request) -> HTMLResponse:
    return HTMLResponse(page(int(request.path_params["number"]), COUNT, TEXT))


site = Starlette(routes=[Route("/", home), Route("/p/{number}", show)])
app = OnDemand(site, dist=os.environ["DIST"], crawl_limit=10_000_000)
