"""FastAPI handlers that render templates of ours, some of which wait for their last part."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Response

from benchmarks.parts import HEAD, LAST, last_part
from ondemand import OnDemand
from ondemand.fastapi import Page

app = FastAPI()
app.add_middleware(OnDemand, templates=Path(__file__).parent / "templates", snapshots=False)


@app.get("/mako/late")
async def mako_late(page: Page) -> Response:
    return page.render("late.mako", last=last_part())


@app.get("/mako/prompt")
async def mako_prompt(page: Page) -> Response:
    return page.render("prompt.mako", last=LAST)


@app.get("/jinja/late")
async def jinja_late(page: Page) -> Response:
    return page.render("late.html", head=HEAD, last=last_part())


@app.get("/jinja/prompt")
async def jinja_prompt(page: Page) -> Response:
    return page.render("prompt.html", head=HEAD, last=LAST)
