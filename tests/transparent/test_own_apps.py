"""What apps do all day, with Starlette's and FastAPI's own means: the same, message for message, behind OnDemand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Annotated, Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, Form
from starlette.background import BackgroundTask
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.transparent.talking import App, Front, Note, Server, chunks, header

FORM = {"content-type": "application/x-www-form-urlencoded"}


def text(message: str) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": message}


# --- posts and uploads


@pytest.mark.parametrize("origin", [None, "https://elsewhere.example", "null"])
def test_a_form_of_a_webhook_is_taken_whatever_its_origin(framework: Front, origin: str | None) -> None:
    """Payment and chat services post forms without Origin, or from pages of their own."""

    def make(note: Note) -> App:
        async def hook(request: Request) -> Response:
            form = await request.form()
            note(form.multi_items())
            return PlainTextResponse("taken", 202)

        return framework.app(Route("/hook", hook, methods=["POST"]))

    headers = FORM if origin is None else {**FORM, "origin": origin}
    server = framework.ask(make, "/hook", method="POST", headers=headers, incoming=chunks(b"event=paid&", b"event=2"))
    assert server.notes() == [[("event", "paid"), ("event", "2")]]
    assert (server.status, server.body) == (202, b"taken")


def test_a_multipart_form_without_origin_is_taken(framework: Front) -> None:
    def make(note: Note) -> App:
        async def hook(request: Request) -> Response:
            async with request.form() as form:
                upload = form["file"]
                assert not isinstance(upload, str)
                note(upload.filename, await upload.read())
            return Response(status_code=204)

        return framework.app(Route("/hook", hook, methods=["POST"]))

    part = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x"}
    pieces = chunks(*(part[i : i + 7] for i in range(0, len(part), 7)))
    server = framework.ask(make, "/hook", method="POST", headers=headers, incoming=pieces)
    assert server.notes() == [("a.txt", b"hello")]
    assert server.status == 204


def test_a_declared_form_of_fastapi_is_taken_without_origin() -> None:
    """With `Form()`, and the 422 of one that lacks a field."""

    def make(note: Note) -> App:
        app = FastAPI()

        @app.post("/hook")
        async def hook(event: Annotated[str, Form()]) -> dict[str, str]:
            note(event)
            return {"event": event}

        return app

    for idiom in ("outermost", "innermost"):
        front = Front("FastAPI", idiom)
        server = front.ask(make, "/hook", method="POST", headers=FORM, incoming=chunks(b"event=paid"))
        assert (server.notes(), server.status) == (["paid"], 200)
        assert front.ask(make, "/hook", method="POST", headers=FORM).status == 422


def test_a_streaming_upload_is_read_chunk_by_chunk(framework: Front) -> None:
    """No chunk is asked for before the app has dealt with the one before."""

    def make(note: Note) -> App:
        async def upload(request: Request) -> Response:
            async for chunk in request.stream():
                note(len(chunk))
            return PlainTextResponse("all read")

        return framework.app(Route("/upload", upload, methods=["PUT"]))

    server = framework.ask(make, "/upload", method="PUT", incoming=chunks(*(b"x" * i for i in range(300))))
    assert server.notes() == [*range(1, 300), 0]  # Starlette leaves out the empty first one, and ends with an empty one
    assert server.kinds()[:7] == ["asked", "given", "asked", "given", "note", "asked", "given"]


def test_a_body_that_the_app_does_not_read_is_not_read(framework: Front) -> None:
    def make(note: Note) -> App:
        async def refuse(request: Request) -> Response:
            return PlainTextResponse("too large", 413)

        return framework.app(Route("/upload", refuse, methods=["POST"]))

    server = framework.ask(make, "/upload", method="POST", incoming=chunks(b"x" * 100_000, b"y"))
    assert server.kinds() == ["sent", "sent", "returned"]
    assert server.status == 413


def test_an_upload_that_breaks_off_is_seen(framework: Front) -> None:
    def make(note: Note) -> App:
        async def upload(request: Request) -> Response:
            try:
                await request.body()
            except ClientDisconnect:
                note("gone")
                raise
            return PlainTextResponse("all read")

        return framework.app(Route("/upload", upload, methods=["POST"]))

    broken = [{"type": "http.request", "body": b"x", "more_body": True}, {"type": "http.disconnect"}]
    server = framework.ask(make, "/upload", method="POST", incoming=broken)
    assert server.notes() == ["gone"]
    assert server.events[-1][:2] == ("raised", ClientDisconnect)


# --- server-sent events


def ticks(note: Note) -> AsyncIterator[str]:
    async def generate() -> AsyncIterator[str]:
        try:
            for number in count():
                await asyncio.sleep(0)
                yield f"data: {number}\n\n"
        finally:
            note("closed")

    return generate()


@pytest.mark.parametrize("leaves_after", [1, 2, 5])
def test_server_sent_events_end_when_the_client_leaves(framework: Front, leaves_after: int) -> None:
    """Servers before ASGI 2.4: the app hears of it from `receive`, and its generator is closed."""

    def make(note: Note) -> App:
        async def events(request: Request) -> Response:
            return StreamingResponse(ticks(note), media_type="text/event-stream")

        return framework.app(Route("/events", events))

    server = framework.ask(make, "/events", leaves_after=leaves_after)
    assert server.notes() == ["closed"]
    assert header(server.sent()[0], b"content-type") == [b"text/event-stream; charset=utf-8"]
    assert [message["body"] for message in server.sent()[1:leaves_after]] == [
        f"data: {number}\n\n".encode() for number in range(leaves_after - 1)
    ]


def test_server_sent_events_end_when_the_server_refuses_more(framework: Front) -> None:
    """Servers since ASGI 2.4: the app hears of it from `send`."""

    def make(note: Note) -> App:
        async def events(request: Request) -> Response:
            return StreamingResponse(ticks(note), media_type="text/event-stream")

        return framework.app(Route("/events", events))

    async def scenario(server: Server, app: App) -> None:
        error = await server.ask(app, "/events", asgi={"version": "3.0", "spec_version": "2.4"}, breaks_after=4)
        server.note(type(error), type(error.__context__) if error else None)

    def make_and_forget_closing(note: Note) -> App:
        return make(lambda *_: None)  # when the generator is closed is up to the collector

    server = framework.compare(make_and_forget_closing, scenario)
    assert server.notes() == [(ClientDisconnect, OSError)]
    assert len(server.sent()) == 4


def test_an_app_that_asks_whether_the_client_is_there_still_gets_the_body(framework: Front) -> None:
    """`request.is_disconnected` cancels a `receive` that waits; none of the messages behind it is lost."""

    def make(note: Note) -> App:
        async def wait(request: Request) -> Response:
            note(await request.body())
            note(await request.is_disconnected())

            async def generate() -> AsyncIterator[bytes]:
                while not await request.is_disconnected():
                    yield b"tick"
                note("noticed")

            return StreamingResponse(generate())

        return framework.app(Route("/wait", wait, methods=["POST"]))

    asgi = {"version": "3.0", "spec_version": "2.4"}
    server = framework.ask(make, "/wait", method="POST", asgi=asgi, incoming=chunks(b"a", b"b"), leaves_after=3)
    assert server.notes() == [b"ab", False, "noticed"]


def test_events_of_fastapi_are_sent_as_they_come() -> None:
    """A generator as an endpoint, where FastAPI knows it."""
    sse = pytest.importorskip("fastapi.sse")

    def make(note: Note) -> App:
        app = FastAPI()

        @app.get("/events", response_class=sse.EventSourceResponse)
        async def events() -> AsyncIterator[dict[str, int]]:
            for number in range(3):
                yield {"number": number}

        return app

    for idiom in ("outermost", "innermost"):
        server = Front("FastAPI", idiom).ask(make, "/events")
        assert server.body.count(b"data:") == 3


# --- background tasks


def test_a_background_task_runs_after_the_response(framework: Front) -> None:
    def make(note: Note) -> App:
        async def later(what: str) -> None:
            await asyncio.sleep(0)
            note(what)

        async def page(request: Request) -> Response:
            return PlainTextResponse("sent", background=BackgroundTask(later, "done"))

        return framework.app(Route("/page", page))

    server = framework.ask(make, "/page")
    assert server.kinds() == ["sent", "sent", "note", "returned"]


def test_a_background_task_that_fails_is_told_to_the_server(framework: Front) -> None:
    def make(note: Note) -> App:
        async def fail() -> None:
            raise ValueError("in the background")

        async def page(request: Request) -> Response:
            return PlainTextResponse("sent", background=BackgroundTask(fail))

        return framework.app(Route("/page", page))

    server = framework.ask(make, "/page")
    assert server.kinds() == ["sent", "sent", "raised"]
    assert server.status == 200


def test_background_tasks_and_dependencies_of_fastapi_end_in_the_same_order() -> None:
    """Dependencies that yield, injected tasks, plain functions that run in threads."""

    def make(note: Note) -> App:
        app = FastAPI()

        async def session() -> AsyncIterator[str]:
            note("open")
            yield "session"
            note("close")

        opens = Depends(session)

        def task() -> None:
            note("task")

        @app.get("/page")
        def page(tasks: BackgroundTasks, opened: str = opens) -> str:
            tasks.add_task(task)
            note("page")
            return opened

        return app

    for idiom in ("outermost", "innermost"):
        server = Front("FastAPI", idiom).ask(make, "/page")
        assert sorted(map(str, server.notes())) == ["close", "open", "page", "task"]


# --- state


def test_request_state_is_seen_within_a_request_and_by_no_other(framework: Front) -> None:
    """What a middleware puts there is there for the page, what the page puts there is there for the middleware."""

    def make(note: Note) -> App:
        async def page(request: Request) -> Response:
            note(sorted(request.state._state.items()))
            request.state.page = request.url.path
            return PlainTextResponse(str(request.state.user))

        app: Any = framework.app(Route("/{name}", page))

        async def login(request: Request, call_next: Any) -> Response:
            note(hasattr(request.state, "user"))
            request.state.user = request.url.path.upper()
            response = await call_next(request)
            note(request.state.page)
            return response

        app.add_middleware(BaseHTTPMiddleware, dispatch=login)
        return app

    async def scenario(server: Server, app: App) -> None:
        await server.ask(app, "/a", state={"pool": 1})
        await server.ask(app, "/b", state={"pool": 1})

    server = framework.compare(make, scenario)
    assert server.notes() == [
        *(False, [("pool", 1), ("user", "/A")], "/a"),
        *(False, [("pool", 1), ("user", "/B")], "/b"),
    ]


def test_two_requests_at_once_keep_their_state_apart(framework: Front) -> None:
    """The second comes while the first waits in the middle of its page."""

    def make(note: Note) -> App:
        entered, left = asyncio.Event(), asyncio.Event()

        async def slow(request: Request) -> Response:
            request.state.name = "slow"
            entered.set()
            await left.wait()
            return PlainTextResponse(f"{request.state.name} {request.url.path}")

        async def quick(request: Request) -> Response:
            await entered.wait()
            request.state.name = "quick"
            left.set()
            return PlainTextResponse(f"{request.state.name} {request.url.path}")

        return framework.app(Route("/slow", slow), Route("/quick", quick))

    async def scenario(server: Server, app: App) -> None:
        talks = {target: Server() for target in ("/slow", "/quick")}
        await asyncio.gather(*(talk.ask(app, target) for target, talk in talks.items()))
        for target, talk in talks.items():
            server.note(target, talk.events)
            assert talk.body.decode() == f"{target[1:]} {target}"

    framework.compare(make, scenario)


def test_the_state_of_the_lifespan_reaches_requests_and_websockets(framework: Front) -> None:
    """Objects of it are the same for all, its keys are each request's own."""

    def make(note: Note) -> App:
        shared: list[str] = []

        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
            note("begin")
            yield {"shared": shared, "number": 1}
            note("end", [*shared])

        async def page(request: Request) -> Response:
            assert request.state.shared is shared
            request.state.shared.append(request.url.path)
            request.state.number += 1
            return PlainTextResponse(str(request.state.number))

        async def socket(socket: WebSocket) -> None:
            assert socket.state.shared is shared
            await socket.close()

        return framework.app(Route("/{name}", page), WebSocketRoute("/{name}", socket), lifespan=lifespan)

    async def scenario(server: Server, app: App) -> None:
        async def during(state: dict[str, Any]) -> None:
            await server.ask(app, "/a", state=state.copy())
            await server.ask(app, "/b", state=state.copy())
            await server.open(app, "/c", state=state.copy())

        await server.live(app, during)

    server = framework.compare(make, scenario)
    assert [m["body"] for m in server.sent() if m["type"] == "http.response.body"] == [b"2", b"2"]
    assert server.notes() == ["begin", ("end", ["/a", "/b"])]


@pytest.mark.parametrize("when", ["startup", "shutdown"])
def test_a_lifespan_that_fails_fails_as_before(framework: Front, when: str) -> None:
    """The server is told by the app, once, and gets the exception itself."""

    def make(note: Note) -> App:
        error = OSError(f"no database at {when}")

        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[None]:
            if when == "startup":
                raise error
            yield
            raise error

        app: Any = framework.app(lifespan=lifespan)
        app.state.error = error
        note(error.args)
        return app

    async def scenario(server: Server, app: App) -> None:
        async def nothing(state: dict[str, Any]) -> None:
            pass

        inner: Any = app
        while not hasattr(inner, "state"):
            inner = inner.app
        assert await server.live(app, nothing) is inner.state.error
        *_, told = server.sent()
        assert told["type"] == f"lifespan.{when}.failed"
        assert f"no database at {when}" in told.pop("message")  # with a traceback

    framework.compare(make, scenario)


def test_the_app_and_its_state_are_where_they_were(framework: Front) -> None:
    """`request.app`, `app.state`, `request.url_for`, the route and its parameters in the scope."""

    def make(note: Note) -> App:
        async def page(request: Request) -> Response:
            note(request.app.state.name, str(request.url_for("page", name="x")), request.path_params)
            note(request.scope["endpoint"] is page, request.scope["app"] is app)
            return PlainTextResponse("")

        app: Any = framework.app(Route("/pages/{name}", page, name="page"))
        app.state.name = "shop"
        return app

    server = framework.ask(make, "/pages/lamp")
    assert server.notes() == [("shop", "http://testserver/pages/x", {"name": "lamp"}), (True, True)]


# --- methods, errors, plain answers


def test_head_is_answered_as_before(framework: Front) -> None:
    """By Starlette for each GET route, by FastAPI with 405, by an endpoint class in its own words, for files."""

    def make(note: Note) -> App:
        async def page(request: Request) -> Response:
            note(request.method)
            return PlainTextResponse("a page")

        class Own(HTTPEndpoint):
            async def head(self, request: Request) -> Response:
                return Response(headers={"x-own": "1", "content-length": "9"})

        return framework.app(Route("/page", page), Route("/own", Own))

    statuses = {}
    for path in ("/page", "/own", "/missing"):
        statuses[path] = framework.ask(make, path, method="HEAD").status
    assert statuses == {"/page": 200 if framework.kind == "Starlette" else 405, "/own": 200, "/missing": 404}


class Teapot(Exception):
    """An exception of the app's own."""


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/missing", "GET", 404),
        ("/page", "DELETE", 405),
        ("/forbidden", "GET", 403),
        ("/teapot", "GET", 418),
        ("/broken", "GET", 500),
        ("/late", "GET", 200),
    ],
)
@pytest.mark.parametrize("own", [True, False], ids=["own handlers", "default handlers"])
def test_error_handlers_answer(framework: Front, path: str, method: str, status: int, own: bool) -> None:
    """For 404, 405, an HTTPException, own and unforeseen exceptions, and one that comes after the answer began."""

    def make(note: Note) -> App:
        async def page(request: Request) -> Response:
            raise {
                "/forbidden": HTTPException(403, "no", {"x-why": "secret"}),
                "/teapot": Teapot("short and stout"),
            }.get(request.url.path, RuntimeError("unforeseen"))

        async def late(request: Request) -> Response:
            async def generate() -> AsyncIterator[bytes]:
                yield b"begun"
                raise Teapot("too late")

            return StreamingResponse(generate())

        def handler(code: int) -> Any:
            async def handle(request: Request, error: Exception) -> Response:
                note(type(error), str(error))
                return JSONResponse({"own": code}, code)

            return handle

        handlers = {404: handler(404), 405: handler(405), 403: handler(403), 500: handler(500), Teapot: handler(418)}
        routes = [Route(path, page) for path in ("/page", "/forbidden", "/teapot", "/broken")]
        return framework.app(*routes, Route("/late", late), exception_handlers=handlers if own else {})

    asgi = {"version": "3.0", "spec_version": "2.4"}  # without a task group, which would wrap what is raised
    server = framework.ask(make, path, method=method, asgi=asgi)
    if own:
        assert server.status == status
        assert ("raised" in server.kinds()) == (path in {"/broken", "/late"})
        assert (server.body == b"begun") if path == "/late" else (server.body == b'{"own":%d}' % status)
    else:
        assert server.status == {418: 500}.get(status, status)


def test_an_exception_reaches_the_server_as_the_object_it_was(framework: Front) -> None:
    """Nothing is wrapped around it, chained to it or noted on it."""
    errors: list[Exception] = []

    def make(note: Note) -> App:
        async def page(request: Request) -> Response:
            errors.append(ValueError("unforeseen"))
            raise errors[-1]

        return framework.app(Route("/page", page))

    async def scenario(server: Server, app: App) -> None:
        error = await server.ask(app, "/page")
        assert error is errors[-1]
        server.note(error.__cause__, error.__context__, getattr(error, "__notes__", None))

    server = framework.compare(make, scenario)
    assert server.notes() == [(None, None, None)]


def test_answers_without_a_body_stay_so(framework: Front) -> None:
    """204, 304 and a redirect, with the headers that the framework gives them."""

    def make(note: Note) -> App:
        async def page(request: Request) -> Response:
            return Response(status_code=int(request.path_params["status"]), headers={"etag": '"a"', "location": "/b"})

        return framework.app(Route("/{status}", page))

    for status in (204, 304, 307):
        server = framework.ask(make, f"/{status}")
        assert (server.status, server.body) == (status, b"")


def test_redirects_of_the_router_for_slashes_stay(framework: Front) -> None:
    def make(note: Note) -> App:
        async def page(request: Request) -> Response:
            return PlainTextResponse("a page")

        return framework.app(Route("/page", page), Route("/folder/", page))

    for target, location in (("/page/?a=1", b"http://testserver/page?a=1"), ("/folder", b"http://testserver/folder/")):
        server = framework.ask(make, target)
        assert (server.status, header(server.sent()[0], b"location")) == (307, [location])


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 200), ({"range": "bytes=2-4"}, 206), ({"range": "bytes=99-"}, 416), ({"if-none-match": "*"}, 304)],
)
def test_static_files_of_the_app_are_answered_by_the_app(
    framework: Front, headers: dict[str, str], status: int, tmp_path: Any
) -> None:
    """Whole, a range, a wrong range, unchanged; with its own ETag and Last-Modified."""
    (tmp_path / "a.txt").write_bytes(b"0123456789")

    def make(note: Note) -> App:
        return framework.app(Mount("/static", StaticFiles(directory=tmp_path)))

    etag = header(framework.ask(make, "/static/a.txt").sent()[0], b"etag")[0].decode()
    asked = {name: etag if value == "*" else value for name, value in headers.items()}
    assert framework.ask(make, "/static/a.txt", headers=asked).status == status


def test_what_fastapi_says_about_itself_is_the_same() -> None:
    """/openapi.json and /docs: OnDemand adds no routes."""

    def make(note: Note) -> App:
        app = FastAPI(title="Shop")

        @app.get("/items/{number}")
        async def item(number: int, q: str = "") -> dict[str, int]:
            return {"number": number}

        return app

    for idiom in ("outermost", "innermost"):
        front = Front("FastAPI", idiom)
        assert b"/items/{number}" in front.ask(make, "/openapi.json").body
        for target in ("/docs", "/redoc", "/items/7?q=a", "/items/x"):
            front.ask(make, target)


# --- WebSockets


def test_a_websocket_echoes(framework: Front) -> None:
    """Text, bytes and JSON, with the subprotocol and the headers of the acceptance; the app closes with its own code."""

    def make(note: Note) -> App:
        async def echo(socket: WebSocket) -> None:
            await socket.accept(subprotocol=socket.scope["subprotocols"][1], headers=[(b"x-a", b"1")])
            await socket.send_text(await socket.receive_text())
            await socket.send_bytes(await socket.receive_bytes())
            await socket.send_json(await socket.receive_json())
            await socket.close(4001, "enough")

        return framework.app(WebSocketRoute("/echo", echo))

    async def scenario(server: Server, app: App) -> None:
        data = {"type": "websocket.receive", "bytes": b"\x00\xff"}
        await server.open(app, "/echo", text("hello"), data, text('{"a": 1}'), subprotocols=["v1", "v2"])

    server = framework.compare(make, scenario)
    assert server.sent() == [
        {"type": "websocket.accept", "subprotocol": "v2", "headers": [(b"x-a", b"1")]},
        {"type": "websocket.send", "text": "hello"},
        {"type": "websocket.send", "bytes": b"\x00\xff"},
        {"type": "websocket.send", "text": '{"a":1}'},
        {"type": "websocket.close", "code": 4001, "reason": "enough"},
    ]


def test_a_websocket_that_the_client_leaves_tells_its_code(framework: Front) -> None:
    def make(note: Note) -> App:
        async def listen(socket: WebSocket) -> None:
            await socket.accept()
            try:
                while True:
                    note(await socket.receive_text())
            except WebSocketDisconnect as error:
                note(error.code, error.reason)

        class Listener(WebSocketEndpoint):
            encoding = "text"

            async def on_receive(self, websocket: WebSocket, data: Any) -> None:
                note(data)

            async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
                note(close_code)

        return framework.app(WebSocketRoute("/listen", listen), WebSocketRoute("/listener", Listener))

    async def scenario(server: Server, app: App) -> None:
        gone = {"type": "websocket.disconnect", "code": 4004, "reason": "bye"}
        await server.open(app, "/listen", text("a"), gone)
        await server.open(app, "/listener", text("b"), gone)

    server = framework.compare(make, scenario)
    assert server.notes() == ["a", (4004, "bye"), "b", 4004]


def test_a_websocket_is_rejected_as_before(framework: Front) -> None:
    """By a close before accepting, by an HTTPException, with a response where the server takes one, as not found."""

    def make(note: Note) -> App:
        async def close(socket: WebSocket) -> None:
            await socket.close(4403)

        async def forbid(socket: WebSocket) -> None:
            raise HTTPException(403)

        async def deny(socket: WebSocket) -> None:
            await socket.send_denial_response(PlainTextResponse("no", 401))

        return framework.app(*(WebSocketRoute(f"/{one.__name__}", one) for one in (close, forbid, deny)))

    sent = {}
    for path in ("/close", "/forbid", "/deny", "/missing"):

        async def scenario(server: Server, app: App, path: str = path) -> None:
            await server.open(app, path, extensions={"websocket.http.response": {}})

        sent[path] = [message["type"] for message in framework.compare(make, scenario).sent()]
    assert sent["/close"] == ["websocket.close"]
    assert sent["/deny"] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert "websocket.accept" not in {*sent["/forbid"], *sent["/missing"]}


def test_an_exception_in_a_websocket_reaches_the_server(framework: Front) -> None:
    errors: list[Exception] = []

    def make(note: Note) -> App:
        async def broken(socket: WebSocket) -> None:
            await socket.accept()
            errors.append(ValueError("unforeseen"))
            raise errors[-1]

        return framework.app(WebSocketRoute("/broken", broken))

    async def scenario(server: Server, app: App) -> None:
        assert await server.open(app, "/broken") is errors[-1]

    framework.compare(make, scenario)


# --- apps in apps


def test_an_app_that_is_mounted_knows_where_it_is(framework: Front) -> None:
    """root_path and path below two mounts and a root_path of the server's."""

    def make(note: Note) -> App:
        async def page(request: Request) -> Response:
            note(request.scope["root_path"], request.scope["path"], str(request.url), str(request.base_url))
            return PlainTextResponse("")

        inner = framework.app(Route("/page", page))
        return framework.app(Mount("/outer", framework.app(Mount("/inner", inner))))

    server = framework.ask(make, "/proxy/outer/inner/page?a=1", root_path="/proxy")
    assert server.notes() == [
        (
            "/proxy/outer/inner",
            "/proxy/outer/inner/page",
            "http://testserver/proxy/outer/inner/page?a=1",
            "http://testserver/proxy/",
        )
    ]


def test_ondemand_around_an_app_that_is_mounted_in_another(framework: Front) -> None:
    """The app around it is not OnDemand's; the one inside is answered as before, below its mount."""

    def make(note: Note) -> App:
        async def page(request: Request) -> Response:
            return PlainTextResponse(str(request.url))

        return framework.app(Route("/page", page))

    async def scenario(server: Server, app: App) -> None:
        around = framework.app(Mount("/shop", app))
        for target in ("/shop/page", "/shop/missing", "/shop", "/elsewhere"):
            await server.ask(around, target)
        await server.open(around, "/shop/page")

    server = framework.compare(make, scenario)
    assert next(m["body"] for m in server.sent() if "body" in m) == b"http://testserver/shop/page"
