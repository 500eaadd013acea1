"""In BlackSheep, whose routes are listed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from blacksheep import (
    Application,
    FromCookie,
    Request,
    Response,
    Router,
    StreamedContent,
    WebSocket,
    html,
    json,
    redirect,
    text,
)

from ondemand import OnDemand, Route
from tests.frameworks import content

NAME = "BlackSheep"
PLACES = ("outermost",)
CANNOT = {
    "routes_are_read": "BlackSheep shows its routes only after its start: list them, OnDemand(app, routes=[...]).",
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


class FromName(FromCookie[str]):
    name = "name"


def bare() -> Application:
    app = Application(router=Router())
    app.serve_files(content.FILES, root_path="/static")
    get, post, ws = app.router.get, app.router.post, app.router.ws

    @app.on_start
    async def startup(app: Application) -> None:
        content.startup()

    async def inner(request: Request, handler: Any) -> Response:
        response = await handler(request)
        response.set_header(b"X-Inner", b"yes")
        return response

    app.middlewares.append(inner)

    @get("/")
    async def home() -> Response:
        return html(content.home())

    @get("/about")
    async def about() -> Response:
        return html(content.simple("About"))

    @get("/above")
    async def above() -> Response:
        return html(content.simple("Above"))

    @get("/plain")
    async def plain() -> Response:
        return html(content.simple("Plain"))

    @get("/unlinked")
    async def unlinked() -> Response:
        return html(content.simple("Unlinked"))

    @get("/login")
    async def login() -> Response:
        return html(content.simple("Login"))

    @get("/members")
    async def members() -> Response:
        return html(content.simple("Members"))

    @get("/headers")
    async def headers() -> Response:
        return html(content.simple("Headers"))

    @get("/books/{slug}")
    async def book(slug: str) -> Response:
        status, body = content.book(slug)
        return html(body, status)

    @get("/numbers/{int:n}")
    async def number(n: int) -> Response:
        return html(content.number(n))

    @get("/times/{int:n}")
    async def times(n: int) -> Response:
        return html(content.number(n))

    @get("/docs/{path:rest}")
    async def doc(rest: str) -> Response:
        return html(content.doc(rest))

    @get("/days/{day}")
    async def on_day(day: date) -> Response:
        return html(content.on_day(day))

    @get("/greet")
    async def greet(name: FromName | None) -> Response:
        return html(content.greet(name.value if name is not None else None))

    @get("/counter")
    async def counter() -> Response:
        return html(content.counter())

    @get("/hello")
    def hello() -> Response:
        return html(content.hello())

    @get("/teapot")
    async def teapot() -> Response:
        return html(content.teapot())

    @get("/local")
    async def local() -> Response:
        return html(content.local())

    @get("/stream")
    async def stream() -> Response:
        return Response(200, content=StreamedContent(b"text/html; charset=utf-8", _bytes))

    @get("/live-stream")
    async def live_stream() -> Response:
        return Response(200, content=StreamedContent(b"text/html; charset=utf-8", _bytes))

    @get("/old")
    async def old() -> Response:
        return redirect("/about")

    @get("/data.json")
    async def data() -> Response:
        return json(content.data())

    @get("/started")
    async def started() -> Response:
        return html(content.since_start())

    @get("/building")
    async def building() -> Response:
        return html(content.building())

    @get("/boom")
    async def boom() -> Response:
        raise RuntimeError("boom")

    @get("/form")
    async def form() -> Response:
        return html(content.simple("Form"))

    @post("/form")
    async def sent(request: Request) -> Response:
        return text(await request.text())

    @ws("/ws")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(f"echo {await websocket.receive_text()}")

    return app


async def _bytes() -> AsyncIterator[bytes]:
    async for chunk in content.async_chunks():
        yield chunk.encode()


def wrap(app: Application, place: str, settings: dict[str, Any]) -> Any:
    return OnDemand(app, routes=ROUTES, **settings)


def app() -> Any:
    return content.made_for_build(bare, wrap)
