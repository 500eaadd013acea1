"""The counter with Starlette and its templates of Jinja2, as its documentation says."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from benchmarks.rows import ROWS

templates = Jinja2Templates(directory=Path(__file__).parent / "templates")


async def counter(request: Request) -> Response:
    text = request.cookies.get("n", "")
    n = (int(text) if text.isdecimal() else 0) + 1
    response = templates.TemplateResponse(request, "counter.html", {"n": n, "rows": ROWS})
    response.set_cookie("n", str(n), path="/", samesite="lax")
    return response


app = Starlette(routes=[Route("/", counter)])
