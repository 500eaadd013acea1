"""In Falcon, whose routes are listed: each resource is for any number of pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any

import falcon
import falcon.asgi
from falcon.asgi import App, Request, Response, WebSocket
from falcon.routing import BaseConverter

from ondemand import OnDemand, Route
from tests.frameworks import content

NAME = "Falcon"
PLACES = ("outermost",)
CANNOT = {
    "routes_are_read": "Falcon keeps no public list of its responders: list them, OnDemand(app, routes=[...]).",
    "a_mark_below": "Its routes are listed, and say so there: Route(path, prerender=True); a mark on them fails the build.",
    "a_mark_above": "Its routes are listed, and say so there: Route(path, prerender=True); a mark on them fails the build.",
    "a_converter_of_dates": "Its routes are listed, and have no converter but int, float, uuid and path: `paths` gives text.",
}

ROUTES = [
    *(Route(path) for path in ("/", "/about", "/above", "/plain", "/unlinked", "/login", "/greet", "/times/{n:int}")),
    *(Route(path, prerender=True) for path in ("/members", "/headers", "/stream", "/old", "/data.json")),
    *(Route(path, prerender=True) for path in ("/started", "/building", "/form")),
    *(Route(path, prerender=False) for path in ("/counter", "/hello", "/teapot", "/local", "/live-stream", "/boom")),
    Route("/form", methods=["POST"]),
    Route("/books/{slug}", paths=content.book_paths),
    Route("/numbers/{n:int}", paths=content.NUMBERS),
    Route("/docs/{rest:path}", paths=content.DOCS),
    Route("/days/{day}"),
]


class Day(BaseConverter):
    def convert(self, value: str) -> date | None:
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None


class Inner:
    async def process_startup(self, scope: Any, event: Any) -> None:
        content.startup()

    async def process_response(self, req: Request, resp: Response, resource: object, req_succeeded: bool) -> None:
        resp.set_header("X-Inner", "yes")


class Simple:
    def __init__(self, make: Callable[..., str], *given: str) -> None:
        self.make = make
        self.given = given

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        resp.content_type = falcon.MEDIA_HTML
        resp.text = self.make(*self.given, **params)


class Book:
    async def on_get(self, req: Request, resp: Response, slug: str) -> None:
        resp.content_type = falcon.MEDIA_HTML
        resp.status, resp.text = content.book(slug)


class Greet:
    async def on_get(self, req: Request, resp: Response) -> None:
        resp.content_type = falcon.MEDIA_HTML
        resp.text = content.greet(req.cookies.get("name"))


class Hello:
    async def on_get(self, req: Request, resp: Response) -> None:
        resp.content_type = falcon.MEDIA_HTML
        resp.text = await asyncio.to_thread(content.hello)  # falcon.sync_to_async leaves the request's context behind


class Stream:
    async def on_get(self, req: Request, resp: Response) -> None:
        resp.content_type = falcon.MEDIA_HTML
        resp.stream = _bytes()


class Old:
    async def on_get(self, req: Request, resp: Response) -> None:
        raise falcon.HTTPFound("/about")


class Data:
    async def on_get(self, req: Request, resp: Response) -> None:
        resp.media = content.data()


class Boom:
    async def on_get(self, req: Request, resp: Response) -> None:
        raise RuntimeError("boom")


class Form(Simple):
    async def on_post(self, req: Request, resp: Response) -> None:
        resp.content_type = falcon.MEDIA_TEXT
        resp.data = await req.stream.read()


class Echo:
    async def on_websocket(self, req: Request, ws: WebSocket) -> None:
        await ws.accept()
        await ws.send_text(f"echo {await ws.receive_text()}")


def bare() -> App:
    app = falcon.asgi.App(middleware=[Inner()])
    app.router_options.converters["day"] = Day
    app.add_static_route("/static", content.FILES)
    app.add_route("/", Simple(content.home))
    for title in ("About", "Above", "Plain", "Unlinked", "Login", "Members", "Headers"):
        app.add_route(f"/{title.lower()}", Simple(content.simple, title))
    app.add_route("/books/{slug}", Book())
    app.add_route("/numbers/{n:int}", Simple(content.number))
    app.add_route("/times/{n:int}", Simple(content.number))
    app.add_route("/docs/{rest:path}", Simple(content.doc))
    app.add_route("/days/{day:day}", Simple(content.on_day))
    app.add_route("/greet", Greet())
    app.add_route("/counter", Simple(content.counter))
    app.add_route("/hello", Hello())
    app.add_route("/teapot", Simple(content.teapot))
    app.add_route("/local", Simple(content.local))
    app.add_route("/stream", Stream())
    app.add_route("/live-stream", Stream())
    app.add_route("/old", Old())
    app.add_route("/data.json", Data())
    app.add_route("/started", Simple(content.since_start))
    app.add_route("/building", Simple(content.building))
    app.add_route("/boom", Boom())
    app.add_route("/form", Form(content.simple, "Form"))
    app.add_route("/ws", Echo())
    return app


async def _bytes() -> AsyncIterator[bytes]:
    async for chunk in content.async_chunks():
        yield chunk.encode()


def wrap(app: App, place: str, settings: dict[str, Any]) -> Any:
    return OnDemand(app, routes=ROUTES, **settings)


def app() -> Any:
    return content.made_for_build(bare, wrap)
