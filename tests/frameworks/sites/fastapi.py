"""In FastAPI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from ondemand import OnDemand, prerender
from tests.frameworks import content

NAME = "FastAPI"
PLACES = ("outermost", "innermost")
CANNOT: dict[str, str] = {}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    content.startup()
    yield


def bare() -> FastAPI:
    app = FastAPI(lifespan=lifespan)
    app.mount("/static", StaticFiles(directory=content.FILES))

    @app.middleware("http")
    async def inner(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers["X-Inner"] = "yes"
        return response

    @app.get("/", response_class=HTMLResponse)
    async def home() -> str:
        return content.home()

    @app.get("/about", response_class=HTMLResponse)
    @prerender
    async def about() -> str:
        return content.simple("About")

    @prerender
    @app.get("/above", response_class=HTMLResponse)
    async def above() -> str:
        return content.simple("Above")

    @app.get("/plain", response_class=HTMLResponse)
    async def plain() -> str:
        return content.simple("Plain")

    @app.get("/unlinked", response_class=HTMLResponse)
    async def unlinked() -> str:
        return content.simple("Unlinked")

    @app.get("/login", response_class=HTMLResponse)
    async def login() -> str:
        return content.simple("Login")

    @app.get("/members", response_class=HTMLResponse)
    @prerender
    async def members() -> str:
        return content.simple("Members")

    @app.get("/headers", response_class=HTMLResponse)
    @prerender
    async def headers() -> str:
        return content.simple("Headers")

    books = APIRouter(prefix="/books")

    @books.get("/{slug}", response_class=HTMLResponse)
    @prerender(paths=content.book_paths)
    async def book(slug: str) -> HTMLResponse:
        status, text = content.book(slug)
        return HTMLResponse(text, status)

    app.include_router(books)

    @app.get("/numbers/{n}", response_class=HTMLResponse)
    @prerender(paths=content.NUMBERS)
    async def number(n: int) -> str:
        return content.number(n)

    @app.get("/times/{n:int}", response_class=HTMLResponse)
    async def times(n: int) -> str:
        return content.number(n)

    @app.get("/docs/{rest:path}", response_class=HTMLResponse)
    @prerender(paths=content.DOCS)
    async def doc(rest: str) -> str:
        return content.doc(rest)

    @app.get("/days/{day}", response_class=HTMLResponse)
    @prerender(paths=content.DAYS)
    async def on_day(day: date) -> str:
        return content.on_day(day)

    @app.get("/greet", response_class=HTMLResponse)
    async def greet(request: Request) -> str:
        return content.greet(request.cookies.get("name"))

    @app.get("/counter", response_class=HTMLResponse)
    @prerender(False)
    async def counter() -> str:
        return content.counter()

    @app.get("/hello", response_class=HTMLResponse)
    @prerender(False)
    def hello() -> str:
        return content.hello()

    @prerender(False)
    @app.get("/teapot", response_class=HTMLResponse)
    async def teapot() -> str:
        return content.teapot()

    @app.get("/local", response_class=HTMLResponse)
    @prerender(False)
    async def local() -> str:
        return content.local()

    @app.get("/stream")
    @prerender
    async def stream() -> StreamingResponse:
        return StreamingResponse(content.async_chunks(), media_type="text/html")

    @app.get("/live-stream")
    @prerender(False)
    async def live_stream() -> StreamingResponse:
        return StreamingResponse(content.chunks(), media_type="text/html")

    @app.get("/old")
    @prerender
    async def old() -> RedirectResponse:
        return RedirectResponse("/about")

    @app.get("/data.json")
    @prerender
    async def data() -> dict[str, int]:
        return dict(content.data())  # type: ignore[arg-type]

    @app.get("/started", response_class=HTMLResponse)
    @prerender
    async def started() -> str:
        return content.since_start()

    @app.get("/building", response_class=HTMLResponse)
    @prerender
    async def building() -> str:
        return content.building()

    @app.get("/boom")
    @prerender(False)
    async def boom() -> str:
        raise RuntimeError("boom")

    @app.get("/form", response_class=HTMLResponse)
    @prerender
    async def form() -> str:
        return content.simple("Form")

    @app.post("/form", response_class=PlainTextResponse)
    async def sent(request: Request) -> str:
        return (await request.body()).decode()

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(f"echo {await websocket.receive_text()}")
        await websocket.close()

    return app


def wrap(app: FastAPI, place: str, settings: dict[str, Any]) -> Any:
    if place == "outermost":
        return OnDemand(app, **settings)
    app.add_middleware(OnDemand, **settings)
    return app


def app() -> Any:
    return content.made_for_build(bare, wrap)
