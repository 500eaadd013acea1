"""P1: what page objects cost a FastAPI handler, inside FastAPI's own layers, without a server around them.

A bare handler with a path parameter, the same with `page: Page` that it does not touch, and one that counts in a cookie; the
counter is put beside one that does the same with FastAPI's own Request and Response.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response

from benchmarks.in_process import MICROSECONDS, repeat, time_of
from benchmarks.rounds import interleave
from benchmarks.settings import Settings
from benchmarks.table import Row, ratio
from ondemand import OnDemand
from ondemand.fastapi import Page

__all__ = ["measure"]

GOAL = 1.25


def _bare() -> FastAPI:
    app = FastAPI()

    @app.get("/products/{number}")
    async def product(number: int) -> Any:
        return {"number": number}

    return app


def _with_page() -> FastAPI:
    app = FastAPI()

    @app.get("/products/{number}")
    async def product(number: int, page: Page) -> Any:
        return {"number": number}

    app.add_middleware(OnDemand, snapshots=False)
    return app


def _counting() -> FastAPI:
    app = FastAPI()

    @app.get("/products/{number}")
    async def product(number: int, page: Page) -> Any:
        n = page.cookies["n"].number(default=0) + 1 if "n" in page.cookies else 0
        page.cookies.set("n", n)
        page.response.headers["cache-control"] = "private"
        return {"number": number, "n": n}

    app.add_middleware(OnDemand, snapshots=False)
    return app


def _counting_by_hand() -> FastAPI:
    app = FastAPI()

    @app.get("/products/{number}")
    async def product(number: int, request: Request, response: Response) -> Any:
        n = int(request.cookies["n"]) + 1 if "n" in request.cookies else 0
        response.set_cookie("n", str(n))
        response.headers["cache-control"] = "private"
        return {"number": number, "n": n}

    return app


def measure(settings: Settings) -> list[Row]:
    """P1."""
    many = settings.size(4_000, 300)
    apps = {"bare": _bare(), "page": _with_page(), "counting": _counting(), "by hand": _counting_by_hand()}
    took = interleave(
        settings.rounds, {name: lambda app=app: time_of(app, repeat("/products/5", many)) for name, app in apps.items()}
    )
    return [
        ratio("P1 page: Page, unused", took["page"], "bare handler", took["bare"], GOAL, MICROSECONDS),
        ratio("P1 a counter in a cookie", took["counting"], "by hand", took["by hand"], None, MICROSECONDS),
    ]
