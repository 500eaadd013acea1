"""In Litestar."""

from __future__ import annotations

from datetime import date
from typing import Any

from litestar import Controller, Litestar, MediaType, Request, Response, WebSocket, get, post, websocket
from litestar.params import FromPath
from litestar.response import Redirect, Stream
from litestar.static_files import create_static_files_router

from ondemand import OnDemand, prerender
from tests.frameworks import content

NAME = "Litestar"
PLACES = ("outermost", "innermost")
CANNOT: dict[str, str] = {}


def inner(response: Response[Any]) -> Response[Any]:
    response.headers["X-Inner"] = "yes"
    return response


@get("/", media_type=MediaType.HTML)
async def home() -> str:
    return content.home()


@get("/about", media_type=MediaType.HTML)
@prerender
async def about() -> str:
    return content.simple("About")


@prerender
@get("/above", media_type=MediaType.HTML)
async def above() -> str:
    return content.simple("Above")


@get("/plain", media_type=MediaType.HTML)
async def plain() -> str:
    return content.simple("Plain")


@get("/unlinked", media_type=MediaType.HTML)
async def unlinked() -> str:
    return content.simple("Unlinked")


@get("/login", media_type=MediaType.HTML)
async def login() -> str:
    return content.simple("Login")


@get("/members", media_type=MediaType.HTML, opt={"prerender": True})
async def members() -> str:
    return content.simple("Members")


@get("/headers", media_type=MediaType.HTML, opt={"prerender": True})
async def headers() -> str:
    return content.simple("Headers")


@get("/books/{slug:str}", media_type=MediaType.HTML)
@prerender(paths=content.book_paths)
async def book(slug: FromPath[str]) -> Response[str]:
    status, text = content.book(slug)
    return Response(text, status_code=status, media_type=MediaType.HTML)


@get("/numbers/{n:int}", media_type=MediaType.HTML)
@prerender(paths=content.NUMBERS)
async def number(n: FromPath[int]) -> str:
    return content.number(n)


@get("/times/{n:int}", media_type=MediaType.HTML)
async def times(n: FromPath[int]) -> str:
    return content.number(n)


@get("/docs/{rest:path}", media_type=MediaType.HTML)
@prerender(paths=content.DOCS)
async def doc(rest: FromPath[str]) -> str:
    return content.doc(rest)


@get("/days/{day:date}", media_type=MediaType.HTML)
@prerender(paths=content.DAYS)
async def on_day(day: FromPath[date]) -> str:
    return content.on_day(day)


@get("/greet", media_type=MediaType.HTML)
async def greet(request: Request[Any, Any, Any]) -> str:
    return content.greet(request.cookies.get("name"))


@get("/counter", media_type=MediaType.HTML, opt={"prerender": False})
async def counter() -> str:
    return content.counter()


@get("/hello", media_type=MediaType.HTML, sync_to_thread=True)
@prerender(False)
def hello() -> str:
    return content.hello()


@prerender(False)
@get("/teapot", media_type=MediaType.HTML)
async def teapot() -> str:
    return content.teapot()


@get("/local", media_type=MediaType.HTML, prerender=False)
async def local() -> str:
    return content.local()


@get("/stream")
@prerender
async def stream() -> Stream:
    return Stream(content.async_chunks(), media_type=MediaType.HTML)


@get("/live-stream")
@prerender(False)
async def live_stream() -> Stream:
    return Stream(content.chunks(), media_type=MediaType.HTML)


@get("/old")
@prerender
async def old() -> Redirect:
    return Redirect("/about")


@get("/data.json")
@prerender
async def data() -> dict[str, Any]:
    return dict(content.data())


@get("/started", media_type=MediaType.HTML)
@prerender
async def started() -> str:
    return content.since_start()


@get("/building", media_type=MediaType.HTML)
@prerender
async def building() -> str:
    return content.building()


@get("/boom", opt={"prerender": False})
async def boom() -> str:
    raise RuntimeError("boom")


class Form(Controller):
    path = "/form"

    @get(media_type=MediaType.HTML)
    @prerender
    async def show(self) -> str:
        return content.simple("Form")

    @post(media_type=MediaType.TEXT)
    async def take(self, request: Request[Any, Any, Any]) -> str:
        return (await request.body()).decode()


@websocket("/ws")
async def ws(socket: WebSocket[Any, Any, Any]) -> None:
    await socket.accept()
    await socket.send_text(f"echo {await socket.receive_text()}")
    await socket.close()


def bare() -> Litestar:
    pages = [home, about, above, plain, unlinked, login, members, headers, book, number, times, doc, on_day, greet]
    pages += [counter, hello, teapot, local, stream, live_stream, old, data, started, building, boom]
    static = create_static_files_router(path="/static", directories=[content.FILES])
    return Litestar([*pages, Form, ws, static], after_request=inner, on_startup=[content.startup])


def wrap(app: Litestar, place: str, settings: dict[str, Any]) -> Any:
    if place == "outermost":
        return OnDemand(app, **settings)
    app.asgi_handler = OnDemand(app.asgi_handler, **settings)
    return app


def app() -> Any:
    return content.made_for_build(bare, wrap)
