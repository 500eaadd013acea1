"""The late page with Starlette's templates of Jinja2, which are rendered before anything is sent."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from benchmarks.parts import HEAD, last_part

templates = Jinja2Templates(directory=Path(__file__).parent / "templates")


async def whole(request: Request) -> Response:
    return templates.TemplateResponse(request, "late.html", {"head": HEAD, "last": await last_part()})


app = Starlette(routes=[Route("/whole", whole)])
