"""`sites/server` of the data as `Pages` in code: the functions of `server.py` under `@pages.page` and `@pages.endpoint`; where
a component waits, an async generator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from ondemand import OnDemand, Page, Pages, Redirect, StaticPath
from tests.conformance.sites import server
from tests.conformance.sites.server import BEGIN, END, escaped, late_failure, later
from tests.conformance.vectors.pagination import pattern_of

__all__ = ["FILES", "app"]

pages = Pages()


async def expression() -> AsyncIterator[str]:
    value = asyncio.ensure_future(later(0.4, "later"))
    yield f"{BEGIN}<p>now</p><p>"
    yield await value
    yield f"</p><p>end</p>{END}"


async def first_is_faster() -> AsyncIterator[str]:
    fast, slow = asyncio.ensure_future(later(0.4, "fast")), asyncio.ensure_future(later(0.8, "slow"))
    yield f"{BEGIN}<p>start</p>"
    yield f"<i>{await fast}</i><p>between</p>"
    yield f"<i>{await slow}</i><p>end</p>{END}"


async def fails_late() -> AsyncIterator[str]:
    failing = asyncio.ensure_future(late_failure(0.4))
    yield f"{BEGIN}<p>start</p>"
    yield await failing


async def late_redirect() -> AsyncIterator[str]:
    yield f"{BEGIN}<p>start</p>"
    await asyncio.sleep(0.1)
    raise Redirect("/cookies/counter")


async def late_header(page: Page) -> AsyncIterator[str]:
    page.response.headers["x-from-page"] = "yes"
    yield f"{BEGIN}<p>start</p>"
    yield f"<i>{await later(0.4, 'slow')}</i>"
    page.response.headers["x-from-component"] = "yes"
    page.response.status = 418
    yield f"<i>component</i>{END}"


STREAMED: dict[str, Any] = {
    "streaming/expression.astro": expression,
    "streaming/first-is-faster.astro": first_is_faster,
    "streaming/fails-late.astro": fails_late,
    "streaming/late-redirect.astro": late_redirect,
    "streaming/late-header.astro": late_header,
}


def path_of(file: str) -> str:
    return pattern_of("/" + file.rpartition(".")[0])


@pages.page("/params/props-ignored/{slug}", paths=[StaticPath({"slug": "a"}, props={"title": "A"})])
async def props_ignored(page: Page) -> str:
    return f"<!DOCTYPE html><p>{escaped(page.params['slug'])} {page.props.get('title', 'no title')}</p>"


for file, function in {**server.site.pages, **STREAMED}.items():
    if file == "params/props-ignored/[slug].astro":
        continue  # marked for FastAPI, where a mark is on the function
    pages.page(path_of(file))(function)
for file, functions in server.site.endpoints.items():
    methods = {method: staticmethod(function) for method, function in functions.items()}
    pages.endpoint(path_of(file))(type(f"Endpoint of {file}", (), methods))

FILES = server.FILES
app = OnDemand(pages=pages, output="server", snapshots=False, cookie_defaults={})
