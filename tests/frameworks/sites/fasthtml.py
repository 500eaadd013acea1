"""In FastHTML."""

from __future__ import annotations

from datetime import date
from typing import Any

from fasthtml.core import APIRouter, FastHTML
from starlette.convertors import Convertor, register_url_convertor
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
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from ondemand import OnDemand, prerender
from tests.frameworks import content

NAME = "FastHTML"
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


async def ws(websocket: WebSocket) -> None:  # FastHTML's own are for JSON
    await websocket.accept()
    await websocket.send_text(f"echo {await websocket.receive_text()}")
    await websocket.close()


def bare() -> FastHTML:
    register_url_convertor("day", Day())
    app = FastHTML(
        secret_key="secret",
        middleware=[Middleware(Inner)],
        routes=[WebSocketRoute("/ws", ws)],
        on_startup=[content.startup],
    )
    rt = app.route
    app.static_route_exts(prefix="/static/", static_path=str(content.FILES))

    @rt("/")
    def home():
        return HTMLResponse(content.home())

    @rt("/about")
    @prerender
    def about():
        return HTMLResponse(content.simple("About"))

    @prerender
    @rt("/above")
    def above():
        return HTMLResponse(content.simple("Above"))

    @rt("/plain")
    def plain():
        return HTMLResponse(content.simple("Plain"))

    @rt("/unlinked")
    def unlinked():
        return HTMLResponse(content.simple("Unlinked"))

    @rt("/login")
    def login():
        return HTMLResponse(content.simple("Login"))

    @app.get("/members")
    @prerender
    async def members():
        return HTMLResponse(content.simple("Members"))

    @app.get("/headers")
    @prerender
    async def headers():
        return HTMLResponse(content.simple("Headers"))

    books = APIRouter(prefix="/books")

    @books.get("/{slug}")
    @prerender(paths=content.book_paths)
    def book(slug: str):
        status, text = content.book(slug)
        return HTMLResponse(text, status)

    books.to_app(app)

    @app.get("/numbers/{n}")
    @prerender(paths=content.NUMBERS)
    def number(n: int):
        return HTMLResponse(content.number(n))

    @app.get("/times/{n:int}")
    def times(n: int):
        return HTMLResponse(content.number(n))

    @app.get("/docs/{rest:path}")
    @prerender(paths=content.DOCS)
    def doc(rest: str):
        return HTMLResponse(content.doc(rest))

    @app.get("/days/{day:day}")
    @prerender(paths=content.DAYS)
    def on_day(req: Request):
        return HTMLResponse(content.on_day(req.path_params["day"]))

    @app.get("/greet")
    def greet(req: Request):
        return HTMLResponse(content.greet(req.cookies.get("name")))

    @app.get("/counter")
    @prerender(False)
    async def counter():
        return HTMLResponse(content.counter())

    @app.get("/hello")
    @prerender(False)
    def hello():
        return HTMLResponse(content.hello())

    @prerender(False)
    @app.get("/teapot")
    def teapot():
        return HTMLResponse(content.teapot())

    @app.get("/local")
    @prerender(False)
    def local():
        return HTMLResponse(content.local())

    @app.get("/stream")
    @prerender
    async def stream():
        return StreamingResponse(content.async_chunks(), media_type="text/html")

    @app.get("/live-stream")
    @prerender(False)
    def live_stream():
        return StreamingResponse(content.chunks(), media_type="text/html")

    @app.get("/old")
    @prerender
    def old():
        return RedirectResponse("/about")

    @app.get("/data.json")
    @prerender
    def data():
        return JSONResponse(content.data())

    @app.get("/started")
    @prerender
    def started():
        return HTMLResponse(content.since_start())

    @app.get("/building")
    @prerender
    def building():
        return HTMLResponse(content.building())

    @app.get("/boom")
    @prerender(False)
    def boom():
        raise RuntimeError("boom")

    @rt("/form")
    class Form:
        @prerender
        def get():
            return HTMLResponse(content.simple("Form"))

        async def post(req: Request):
            return PlainTextResponse(await req.body())

    return app


def wrap(app: FastHTML, place: str, settings: dict[str, Any]) -> Any:
    if place == "outermost":
        return OnDemand(app, **settings)
    app.add_middleware(OnDemand, **settings)
    return app


def app() -> Any:
    return content.made_for_build(bare, wrap)
