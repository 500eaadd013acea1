"""A site whose pages have 8 ids and 10 links each, every link to an id. PAGES: how many; DIST: where to publish."""

from __future__ import annotations

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from benchmarks.pages import HOME
from ondemand import OnDemand

COUNT = int(os.environ["PAGES"])


async def home(request: Request) -> HTMLResponse:
    return HTMLResponse(HOME)


async def show(request: Request) -> HTMLResponse:
    """Page n links to page n+1, so that all are found, and to nine others all over the site."""
    number = int(request.path_params["number"])
    targets = [(number + 1) % COUNT, *((number * 31 + step * 7919) % COUNT for step in range(1, 10))]
    links = "".join(f'<a href="/p/{target}#part-{target % 8}">{target}</a> ' for target in targets)
    parts = "".join(f'<h2 id="part-{part}">Part {part}</h2>' for part in range(8))
    return HTMLResponse(f"<!DOCTYPE html><title>Page {number}</title><h1>Page {number}</h1>{parts}<p>{links}</p>")


site = Starlette(routes=[Route("/", home), Route("/p/{number}", show)])
app = OnDemand(site, dist=os.environ["DIST"], crawl_limit=10_000_000)
