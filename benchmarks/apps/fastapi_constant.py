"""A FastAPI app with a middleware that sends the constant page: what FastAPI's own outer layers cost, without OnDemand."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from benchmarks.apps.same_headers import app as constant


class Constant:
    """Where OnDemand would be."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await constant(scope, receive, send)
        else:
            await self.app(scope, receive, send)


app = FastAPI()
app.add_middleware(Constant)
