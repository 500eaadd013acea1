"""In Flask, under asgiref's WsgiToAsgi."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from flask import Flask, Response, redirect, request
from flask.views import MethodView
from werkzeug.routing import BaseConverter

from ondemand import OnDemand, prerender
from tests.frameworks import content

NAME = "Flask (asgiref)"
PLACES = ("outermost",)
CANNOT = {
    "lifespan": "WSGI has no startup: what Flask needs is made when the app is.",
    "a_websocket": "WSGI has no WebSockets.",
}


class Day(BaseConverter):
    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


def bare() -> Flask:
    app = Flask(__name__, static_folder=str(content.FILES), static_url_path="/static")
    app.url_map.converters["day"] = Day

    @app.after_request
    def inner(response: Response) -> Response:
        response.headers["X-Inner"] = "yes"
        return response

    @app.get("/")
    def home() -> str:
        return content.home()

    @app.get("/about")
    @prerender
    def about() -> str:
        return content.simple("About")

    @prerender
    @app.get("/above")
    def above() -> str:
        return content.simple("Above")

    @app.get("/plain")
    def plain() -> str:
        return content.simple("Plain")

    @app.get("/unlinked")
    def unlinked() -> str:
        return content.simple("Unlinked")

    @app.get("/login")
    def login() -> str:
        return content.simple("Login")

    @app.get("/members")
    @prerender
    def members() -> str:
        return content.simple("Members")

    @app.get("/headers")
    @prerender
    def headers() -> str:
        return content.simple("Headers")

    @app.get("/books/<slug>")
    @prerender(paths=content.book_paths)
    def book(slug: str) -> tuple[str, int]:
        status, text = content.book(slug)
        return text, status

    @app.get("/numbers/<int:n>")
    @prerender(paths=content.NUMBERS)
    def number(n: int) -> str:
        return content.number(n)

    @app.get("/times/<int:n>")
    def times(n: int) -> str:
        return content.number(n)

    @app.get("/docs/<path:rest>")
    @prerender(paths=content.DOCS)
    def doc(rest: str) -> str:
        return content.doc(rest)

    @app.get("/days/<day:day>")
    @prerender(paths=content.DAYS)
    def on_day(day: date) -> str:
        return content.on_day(day)

    @app.get("/greet")
    def greet() -> str:
        return content.greet(request.cookies.get("name"))

    @app.get("/counter")
    @prerender(False)
    def counter() -> str:
        return content.counter()

    @app.get("/hello")
    @prerender(False)
    def hello() -> str:
        return content.hello()

    @prerender(False)
    @app.get("/teapot")
    def teapot() -> str:
        return content.teapot()

    @app.get("/local")
    @prerender(False)
    def local() -> str:
        return content.local()

    @app.get("/stream")
    @prerender
    def stream() -> Iterator[str]:
        return content.chunks()

    @app.get("/live-stream")
    @prerender(False)
    def live_stream() -> Iterator[str]:
        return content.chunks()

    @app.get("/old")
    @prerender
    def old() -> Any:
        return redirect("/about")

    @app.get("/data.json")
    @prerender
    def data() -> dict[str, object]:
        return {**content.data()}

    @app.get("/started")
    @prerender
    def started() -> str:
        return content.since_start()

    @app.get("/building")
    @prerender
    def building() -> str:
        return content.building()

    @app.get("/boom")
    @prerender(False)
    def boom() -> str:
        raise RuntimeError("boom")

    class Form(MethodView):
        init_every_request = False

        @prerender
        def get(self) -> str:
            return content.simple("Form")

        def post(self) -> str:
            return request.get_data(as_text=True)

    app.add_url_rule("/form", view_func=Form.as_view("form"))

    return app


def alone(app: Flask) -> Any:
    return WsgiToAsgi(app)


def wrap(app: Flask, place: str, settings: dict[str, Any]) -> Any:
    return OnDemand(WsgiToAsgi(app), **settings)


def app() -> Any:
    return content.made_for_build(bare, wrap)
