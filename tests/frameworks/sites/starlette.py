"""In Starlette."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from ondemand import OnDemand, prerender
from tests.frameworks import content

NAME = "Starlette"
PLACES = ("outermost", "innermost")
CANNOT: dict[str, str] = {}


class Day(Convertor[date]):
    regex = r"\d{4}-\d{2}-\d{2}"

    def convert(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_string(self, value: date) -> str:
        return value.isoformat()


class Inner(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["X-Inner"] = "yes"
        return response


async def home(request: Request) -> Response:
    return HTMLResponse(content.home())


@prerender
async def about(request: Request) -> Response:
    return HTMLResponse(content.simple("About"))


async def above(request: Request) -> Response:
    return HTMLResponse(content.simple("Above"))


async def plain(request: Request) -> Response:
    return HTMLResponse(content.simple("Plain"))


async def unlinked(request: Request) -> Response:
    return HTMLResponse(content.simple("Unlinked"))


async def login(request: Request) -> Response:
    return HTMLResponse(content.simple("Login"))


@prerender
async def members(request: Request) -> Response:
    return HTMLResponse(content.simple("Members"))


@prerender
async def headers(request: Request) -> Response:
    return HTMLResponse(content.simple("Headers"))


@prerender(paths=content.book_paths)
async def book(request: Request) -> Response:
    status, text = content.book(request.path_params["slug"])
    return HTMLResponse(text, status)


@prerender(paths=content.NUMBERS)
async def number(request: Request) -> Response:
    return HTMLResponse(content.number(request.path_params["n"]))


async def times(request: Request) -> Response:
    return HTMLResponse(content.number(request.path_params["n"]))


@prerender(paths=content.DOCS)
async def doc(request: Request) -> Response:
    return HTMLResponse(content.doc(request.path_params["rest"]))


@prerender(paths=content.DAYS)
async def on_day(request: Request) -> Response:
    return HTMLResponse(content.on_day(request.path_params["day"]))


async def greet(request: Request) -> Response:
    return HTMLResponse(content.greet(request.cookies.get("name")))


@prerender(False)
async def counter(request: Request) -> Response:
    return HTMLResponse(content.counter())


@prerender(False)
def hello(request: Request) -> Response:
    return HTMLResponse(content.hello())


async def teapot(request: Request) -> Response:
    return HTMLResponse(content.teapot())


@prerender(False)
async def local(request: Request) -> Response:
    return HTMLResponse(content.local())


@prerender
async def stream(request: Request) -> Response:
    return StreamingResponse(content.async_chunks(), media_type="text/html")


@prerender(False)
async def live_stream(request: Request) -> Response:
    return StreamingResponse(content.chunks(), media_type="text/html")


@prerender
async def old(request: Request) -> Response:
    return RedirectResponse("/about")


@prerender
async def data(request: Request) -> Response:
    return JSONResponse(content.data())


@prerender
async def started(request: Request) -> Response:
    return HTMLResponse(content.since_start())


@prerender
async def building(request: Request) -> Response:
    return HTMLResponse(content.building())


@prerender(False)
async def boom(request: Request) -> Response:
    raise RuntimeError("boom")


class Form(HTTPEndpoint):
    @prerender
    async def get(self, request: Request) -> Response:
        return HTMLResponse(content.simple("Form"))

    async def post(self, request: Request) -> Response:
        return PlainTextResponse(await request.body())


async def ws(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"echo {await websocket.receive_text()}")
    await websocket.close()


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    content.startup()
    yield


def bare() -> Starlette:
    register_url_convertor("day", Day())
    routes = [
        Route("/", home),
        Route("/about", about),
        prerender(Route("/above", above)),
        Route("/plain", plain),
        Route("/unlinked", unlinked),
        Route("/login", login),
        Route("/members", members),
        Route("/headers", headers),
        Route("/books/{slug}", book),
        Route("/numbers/{n:int}", number),
        Route("/times/{n:int}", times),
        Route("/docs/{rest:path}", doc),
        Route("/days/{day:day}", on_day),
        Route("/greet", greet),
        Route("/counter", counter),
        Route("/hello", hello),
        prerender(False)(Route("/teapot", teapot)),
        Route("/local", local),
        Route("/stream", stream),
        Route("/live-stream", live_stream),
        Route("/old", old),
        Route("/data.json", data),
        Route("/started", started),
        Route("/building", building),
        Route("/boom", boom),
        Route("/form", Form),
        WebSocketRoute("/ws", ws),
        Mount("/static", StaticFiles(directory=content.FILES)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Inner)], lifespan=lifespan)


def wrap(app: Starlette, place: str, settings: dict[str, Any]) -> Any:
    if place == "outermost":
        return OnDemand(app, **settings)
    app.add_middleware(OnDemand, **settings)
    return app


def app() -> Any:
    return content.made_for_build(bare, wrap)
