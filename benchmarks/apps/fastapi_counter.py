"""The counter as a FastAPI handler that renders a template of ours."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Response

from benchmarks.rows import ROWS
from ondemand import OnDemand
from ondemand.fastapi import Page

app = FastAPI()
app.add_middleware(OnDemand, templates=Path(__file__).parent / "templates", snapshots=False)


@app.get("/")
async def counter(page: Page) -> Response:
    cookie = page.cookies.get("n")
    n = (cookie.number(default=0) if cookie else 0) + 1
    page.cookies.set("n", n, path="/", same_site="lax")
    return page.render("counter.mako", n=n, rows=ROWS)
