"""In Quart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from quart import Quart, Response, redirect, request, websocket
from quart.views import MethodView
from werkzeug.routing import BaseConverter

from ondemand import OnDemand, prerender
from tests.frameworks import content

NAME = "Quart"
PLACES = ("outermost", "innermost")
CANNOT: dict[str, str] = {}


class Day(BaseConverter):
    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


def bare() -> Quart:
    app = Quart(__name__, static_folder=str(content.FILES), static_url_path="/static")
    app.url_map.converters["day"] = Day

    @app.before_serving
    async def startup() -> None:
        content.startup()

    @app.after_request
    async def inner(response: Any) -> Any:
        response.headers["X-Inner"] = "yes"
        return response

    @app.get("/")
    async def home() -> str:
        return content.home()

    @app.get("/about")
    @prerender
    async def about() -> str:
        return content.simple("About")

    @prerender
    @app.get("/above")
    async def above() -> str:
        return content.simple("Above")

    @app.get("/plain")
    async def plain() -> str:
        return content.simple("Plain")

    @app.get("/unlinked")
    async def unlinked() -> str:
        return content.simple("Unlinked")

    @app.get("/login")
    async def login() -> str:
        return content.simple("Login")

    @app.get("/members")
    @prerender
    async def members() -> str:
        return content.simple("Members")

    @app.get("/headers")
    @prerender
    async def headers() -> str:
        return content.simple("Headers")

    @app.get("/books/<slug>")
    @prerender(paths=content.book_paths)
    async def book(slug: str) -> Any:
        status, text = content.book(slug)
        return text, status

    @app.get("/numbers/<int:n>")
    @prerender(paths=content.NUMBERS)
    async def number(n: int) -> str:
        return content.number(n)

    @app.get("/times/<int:n>")
    async def times(n: int) -> str:
        return content.number(n)

    @app.get("/docs/<path:rest>")
    @prerender(paths=content.DOCS)
    async def doc(rest: str) -> str:
        return content.doc(rest)

    @app.get("/days/<day:day>")
    @prerender(paths=content.DAYS)
    async def on_day(day: date) -> str:
        return content.on_day(day)

    @app.get("/greet")
    async def greet() -> str:
        return content.greet(request.cookies.get("name"))

    @app.get("/counter")
    @prerender(False)
    async def counter() -> str:
        return content.counter()

    @app.get("/hello")
    @prerender(False)
    def hello() -> str:
        return content.hello()

    @prerender(False)
    @app.get("/teapot")
    async def teapot() -> str:
        return content.teapot()

    @app.get("/local")
    @prerender(False)
    async def local() -> str:
        return content.local()

    @app.get("/stream")
    @prerender
    async def stream() -> Response:
        return Response(_bytes(), content_type="text/html; charset=utf-8")

    @app.get("/live-stream")
    @prerender(False)
    async def live_stream() -> Response:
        return Response((chunk.encode() for chunk in content.chunks()), content_type="text/html; charset=utf-8")

    @app.get("/old")
    @prerender
    async def old() -> Any:
        return redirect("/about")

    @app.get("/data.json")
    @prerender
    async def data() -> Any:
        return content.data()

    @app.get("/started")
    @prerender
    async def started() -> str:
        return content.since_start()

    @app.get("/building")
    @prerender
    async def building() -> str:
        return content.building()

    @app.get("/boom")
    @prerender(False)
    async def boom() -> str:
        raise RuntimeError("boom")

    class Form(MethodView):
        init_every_request = False

        @prerender
        async def get(self) -> str:
            return content.simple("Form")

        async def post(self) -> str:
            return (await request.get_data()).decode()

    app.add_url_rule("/form", view_func=Form.as_view("form"))

    @app.websocket("/ws")
    async def ws() -> None:
        await websocket.send(f"echo {await websocket.receive()}")

    return app


async def _bytes() -> AsyncIterator[bytes]:
    async for chunk in content.async_chunks():
        yield chunk.encode()


def wrap(app: Quart, place: str, settings: dict[str, Any]) -> Any:
    if place == "outermost":
        return OnDemand(app, **settings)
    app.asgi_app = OnDemand(app.asgi_app, **settings)  # type: ignore[method-assign]
    return app


def app() -> Any:
    return content.made_for_build(bare, wrap)
