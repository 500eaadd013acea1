"""In Sanic."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

from sanic import HTTPResponse, Request, Sanic, Websocket, html, json, redirect, text
from sanic.views import HTTPMethodView

from ondemand import OnDemand, prerender
from tests.frameworks import content

NAME = "Sanic"
PLACES = ("outermost",)
CANNOT: dict[str, str] = {}

_numbers = itertools.count()


def bare() -> Sanic:
    app = Sanic(f"suite-{next(_numbers)}")  # one process may have one app of a name
    app.config.MOTD = False
    app.config.TOUCHUP = False  # it rewrites Sanic's own classes, once in a process
    app.static("/static", content.FILES, name="static")

    @app.before_server_start
    async def startup(app: Sanic) -> None:
        content.startup()

    @app.on_response
    async def inner(request: Request, response: HTTPResponse) -> None:
        response.headers["X-Inner"] = "yes"

    @app.get("/")
    async def home(request: Request) -> HTTPResponse:
        return html(content.home())

    @app.get("/about")
    @prerender
    async def about(request: Request) -> HTTPResponse:
        return html(content.simple("About"))

    @prerender
    @app.get("/above")
    async def above(request: Request) -> HTTPResponse:
        return html(content.simple("Above"))

    @app.get("/plain")
    async def plain(request: Request) -> HTTPResponse:
        return html(content.simple("Plain"))

    @app.get("/unlinked")
    async def unlinked(request: Request) -> HTTPResponse:
        return html(content.simple("Unlinked"))

    @app.get("/login")
    async def login(request: Request) -> HTTPResponse:
        return html(content.simple("Login"))

    @app.get("/members", ctx_prerender=True)
    async def members(request: Request) -> HTTPResponse:
        return html(content.simple("Members"))

    @app.get("/headers")
    @prerender
    async def headers(request: Request) -> HTTPResponse:
        return html(content.simple("Headers"))

    @app.get("/books/<slug>", unquote=True)
    @prerender(paths=content.book_paths)
    async def book(request: Request, slug: str) -> HTTPResponse:
        status, body = content.book(slug)
        return html(body, status)

    @app.get("/numbers/<n:int>")
    @prerender(paths=content.NUMBERS)
    async def number(request: Request, n: int) -> HTTPResponse:
        return html(content.number(n))

    @app.get("/times/<n:int>")
    async def times(request: Request, n: int) -> HTTPResponse:
        return html(content.number(n))

    @app.get("/docs/<rest:path>")
    @prerender(paths=content.DOCS)
    async def doc(request: Request, rest: str) -> HTTPResponse:
        return html(content.doc(rest))

    @app.get("/days/<day:ymd>")
    @prerender(paths=content.DAYS)
    async def on_day(request: Request, day: date) -> HTTPResponse:
        return html(content.on_day(day))

    @app.get("/greet")
    async def greet(request: Request) -> HTTPResponse:
        return html(content.greet(request.cookies.get("name")))

    @app.get("/counter", ctx_prerender=False)
    async def counter(request: Request) -> HTTPResponse:
        return html(content.counter())

    @app.get("/hello")
    @prerender(False)
    def hello(request: Request) -> HTTPResponse:
        return html(content.hello())

    @prerender(False)
    @app.get("/teapot")
    async def teapot(request: Request) -> HTTPResponse:
        return html(content.teapot())

    @app.get("/local")
    @prerender(False)
    async def local(request: Request) -> HTTPResponse:
        return html(content.local())

    @app.get("/stream")
    @prerender
    async def stream(request: Request) -> None:
        response = await request.respond(content_type="text/html; charset=utf-8")
        async for chunk in content.async_chunks():
            await response.send(chunk)
        await response.eof()

    @app.get("/live-stream")
    @prerender(False)
    async def live_stream(request: Request) -> None:
        response = await request.respond(content_type="text/html; charset=utf-8")
        for chunk in content.chunks():
            await response.send(chunk)
        await response.eof()

    @app.get("/old")
    @prerender
    async def old(request: Request) -> HTTPResponse:
        return redirect("/about")

    @app.get("/data.json")
    @prerender
    async def data(request: Request) -> HTTPResponse:
        return json(content.data())

    @app.get("/started")
    @prerender
    async def started(request: Request) -> HTTPResponse:
        return html(content.since_start())

    @app.get("/building")
    @prerender
    async def building(request: Request) -> HTTPResponse:
        return html(content.building())

    @app.get("/boom")
    @prerender(False)
    async def boom(request: Request) -> HTTPResponse:
        raise RuntimeError("boom")

    class Form(HTTPMethodView):
        @prerender
        async def get(self, request: Request) -> HTTPResponse:
            return html(content.simple("Form"))

        async def post(self, request: Request) -> HTTPResponse:
            return text(request.body.decode())

    app.add_route(Form.as_view(), "/form")

    @app.websocket("/ws")
    async def ws(request: Request, ws: Websocket) -> None:
        await ws.send(f"echo {await ws.recv()}")

    return app


def wrap(app: Sanic, place: str, settings: dict[str, Any]) -> Any:
    return OnDemand(app, **settings)


def app() -> Any:
    return content.made_for_build(bare, wrap)
