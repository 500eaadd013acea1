"""What plain ASGI apps say and see, alone and mounted in Starlette and FastAPI: the same, message for message, behind
OnDemand. What is odd or against the specification included: it is for the server to say so."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from typing import Any

import pytest

from tests.asking import make_scope
from tests.transparent.talking import App, Front, Message, Note, Server, chunks

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}
OURS = "ondemand"
"""What the names of all our own keys in a scope begin with."""


def start(status: int, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [*headers]}


def body(content: bytes = b"", more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


def says(*messages: Message) -> App:
    """An app that sends these."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


# --- answers


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([start(200, (b"content-length", b"2")), body(b"ok")], id="plain"),
        pytest.param([start(200), body(b"a", True), body(b"", True), body(b"b", True), body()], id="chunks"),
        pytest.param([start(204)], id="204 that does not end"),
        pytest.param([start(204), body()], id="204"),
        pytest.param([start(304, (b"etag", b'W/"x"')), body()], id="304"),
        pytest.param([start(206, (b"content-range", b"bytes 0-0/9")), body(b"x")], id="206"),
        pytest.param([start(303, (b"location", b"/\xe9?a=%zz")), body()], id="redirect with odd bytes"),
        pytest.param([start(599), body()], id="a status of its own"),
        pytest.param([], id="nothing"),
        pytest.param([START], id="a start alone"),
        pytest.param([body(b"ok")], id="no start"),
        pytest.param([START, START, body(b"ok")], id="start twice"),
        pytest.param([START, body(b"ok"), START, body(b"again")], id="two answers"),
        pytest.param([START, body(b"ok"), body(b"late")], id="a body after the last"),
        pytest.param([{"type": "http.response.start", "status": 200}, body(b"ok")], id="no headers"),
        pytest.param([START, {"type": "http.response.body"}], id="a body without keys"),
        pytest.param([{**START, "reason": b"Fine", "x": 1}, {**END, "flush": True}], id="keys of its own"),
        pytest.param([{**START, "headers": ((b"a", b"1"), [b"b", b"2"])}, END], id="headers that are no list"),
        pytest.param([START, body(bytearray(b"ok"), True), body(memoryview(b"ok"))], id="bodies that are no bytes"),  # type: ignore[arg-type]
        pytest.param([{"type": "http.response.unheard_of", "a": 1}, START, END], id="a message of its own"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_the_app_sends_is_what_the_server_gets(front: Front, messages: list[Message], method: str) -> None:
    server = front.ask_raw(says(*messages), method=method)
    assert server.messages == messages
    assert [type(m["body"]) for m in server.messages if "body" in m] == [
        type(m["body"]) for m in messages if "body" in m
    ]


def test_headers_keep_their_order_their_case_and_their_doubles(front: Front) -> None:
    headers = [
        *[(b"X-B", b"1"), (b"x-a", b" 2 "), (b"X-b", b"3"), (b"Set-Cookie", b"b=1"), (b"set-cookie", b"a=1")],
        *[(b"Set-Cookie", b"b=1"), (b"Cache-Control", b"no-store"), (b"cache-control", b"private"), (b"ETag", b"bad")],
        *[(b"Vary", b"*"), (b"Content-Type", b"text/html"), (b"Content-Encoding", b"x-own"), (b"Server", b"mine")],
    ]
    server = front.ask_raw(says(start(200, *headers), END))
    assert server.sent()[0]["headers"] == headers


def test_headers_that_can_be_read_only_once_are_left_for_the_server(front: Front) -> None:
    """The specification says: an iterable."""
    pairs = [(b"a", b"1"), (b"b", b"2")]

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({**START, "headers": iter(pairs)})
        await send(END)

    assert front.ask_raw(app).sent()[0]["headers"] == pairs


def test_messages_that_an_app_keeps_for_the_next_answer_are_not_written_to(front: Front) -> None:
    constant = start(200, (b"content-type", b"text/html"))
    app = says(constant, END)

    async def scenario(server: Server, app: App) -> None:
        await server.ask(app)
        await server.ask(app, method="HEAD")

    server = front.compare(lambda note: front.around(app), scenario)
    assert constant == start(200, (b"content-type", b"text/html"))
    assert server.sent() == [constant, END] * 2


@pytest.mark.parametrize(
    ("extension", "messages"),
    [
        (
            "http.response.trailers",
            [
                {**START, "trailers": True},
                body(b"ok"),
                {"type": "http.response.trailers", "headers": [(b"X-Sum", b"1")], "more_trailers": True},
                {"type": "http.response.trailers", "headers": [(b"x-sum", b"2")], "more_trailers": False},
            ],
        ),
        ("http.response.pathsend", [START, {"type": "http.response.pathsend", "path": "/srv/a.html"}]),
        (
            "http.response.zerocopysend",
            [START, {"type": "http.response.zerocopysend", "file": io.BytesIO(b"ok"), "offset": 1, "count": 1}, END],
        ),
        ("http.response.early_hint", [{"type": "http.response.early_hint", "links": [b"</a.css>"]}, START, END]),
        ("http.response.push", [{"type": "http.response.push", "path": "/a.css", "headers": []}, START, END]),
        ("http.response.debug", [{"type": "http.response.debug", "info": {"template": object()}}, START, END]),
    ],
)
def test_messages_of_extensions_pass_untouched(front: Front, extension: str, messages: list[Message]) -> None:
    """They are the very objects, and the app sees that the server knows the extension."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            note(scope["extensions"])
            await says(*messages)(scope, receive, send)

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        await server.ask(app, extensions={extension: {}, "tls": {"tls_version": 0x0304}})
        assert all(got is sent for got, sent in zip(server.messages, messages, strict=True))

    server = front.compare(make, scenario)
    assert server.notes() == [{extension: {}, "tls": {"tls_version": 0x0304}}]


# --- what the app reads


def test_the_app_gets_the_messages_of_the_server_themselves(front: Front) -> None:
    """And no more of them than it asks for; after the last it hears that the client has gone."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            got = [await receive() for _ in range(2)]
            note([any(one is message for message in incoming) for one in got])
            await says(START, END)(scope, receive, send)
            note((await receive())["type"], (await receive())["type"])

        return front.around(app)

    incoming = [*chunks(b"a", b"b"), {"type": "http.own", "x": 1}]
    server = front.ask(make, method="POST", incoming=incoming)
    assert server.notes() == [[True, True], ("http.own", "http.disconnect")]


def test_a_body_that_the_app_never_reads_is_never_asked_for(front: Front) -> None:
    server = front.ask_raw(says(START, END), method="POST", incoming=chunks(b"x" * 10, b"y"))
    assert server.kinds() == ["sent", "sent", "returned"]


def test_an_answer_may_begin_before_the_body_is_read(front: Front) -> None:
    """Each chunk is answered before the next is asked for."""

    async def echo(scope: Message, receive: Receive, send: Send) -> None:
        await send(START)
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await send(body(message["body"], more))

    server = front.ask_raw(echo, method="POST", incoming=chunks(b"a", b"b", b"c"))
    assert server.kinds() == ["sent", *["asked", "given", "sent"] * 3, "returned"]


def test_a_receive_that_is_given_up_loses_nothing(front: Front) -> None:
    """An app that waits for the next chunk with a limit, and asks again."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            note((await receive())["body"])
            waiting = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await says(START, END)(scope, receive, send)
            note((await receive())["type"])

        return front.around(app)

    server = front.ask(make, method="POST", incoming=chunks(b"a"))
    assert server.notes() == [b"a", "http.disconnect"]


def test_what_the_server_raises_reaches_the_app_itself(front: Front) -> None:
    """From `send` and from `receive`, the same object; what the app raises then reaches the server."""
    errors = [OSError("gone"), ConnectionResetError("broken")]

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            for call, error in ((lambda: send(START), errors[0]), (receive, errors[1])):
                try:
                    await call()
                except OSError as caught:
                    note(caught is error, caught.__context__)
            raise errors[0]

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        async def receive() -> Message:
            raise errors[1]

        async def send(message: Message) -> None:
            raise errors[0]

        with pytest.raises(OSError) as caught:
            await app(make_scope("/"), receive, send)
        server.note(caught.value is errors[0])

    server = front.compare(make, scenario)
    assert server.notes() == [(True, None), (True, None), True]


# --- the scope


def scopes() -> dict[str, Message]:
    full = make_scope("/a%2Fb/ä;x=1?q=1&q=2&%zz", method="GET", headers={"X-A": "1", "cookie": "a=1; b=2"})
    doubled = make_scope("/", headers={"accept": "text/html"})
    doubled["headers"] = [*doubled["headers"], (b"accept", b"*/*"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]
    least: Message = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET"}
    return {
        "full": full,
        "more": {**full, "state": {"a": 1}, "extensions": {"tls": {}}, "own.key": object(), "http_version": "2"},
        "doubled headers": doubled,
        "least": {**least, "path": "/", "query_string": b"", "headers": []},
        "headers in a tuple": {**full, "headers": tuple(map(list, full["headers"])), "client": None, "server": None},
        "root_path": {**full, "path": "/api/a", "raw_path": b"/api/a", "root_path": "/api"},
        "root_path that is not in front": {**full, "path": "/a", "root_path": "/api"},
        "POST": {**full, "method": "POST"},
        "odd method": {**full, "method": "MKCOL"},
        "odd path": {**full, "path": "//a/../b/./\x00\ud800", "raw_path": None},
        "websocket": {**full, "type": "websocket", "scheme": "wss", "subprotocols": ["a", "b"]},
    }


@pytest.mark.parametrize("name", scopes())
def test_the_app_sees_the_scope_of_the_server(front: Front, name: str) -> None:
    """All keys with their values, the very objects; what is new bears our name. The server's header list is as it was."""
    given = scopes()[name]
    before = {key: value.copy() if isinstance(value, list | dict) else value for key, value in given.items()}

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            note("keys", sorted(key for key in scope if not key.startswith(OURS)))
            for key, value in given.items():
                note(key, scope[key] is value, scope[key])
            await says(*([START, END] if scope["type"] == "http" else [{"type": "websocket.close"}]))(
                scope, receive, send
            )

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        seen = {**given}
        await server.connect(app, seen, [], last={"type": "http.disconnect"})
        server.note("after", sorted(key for key in seen if not key.startswith(OURS)))

    server = front.compare(make, scenario)
    assert {key: given[key] for key in before} == before
    if front.kind == "ASGI":
        assert server.notes() == [
            ("keys", sorted(given)),
            *((key, True, value) for key, value in given.items()),
            ("after", sorted(given)),
        ]


def test_what_the_app_writes_into_the_scope_is_seen_outside(front: Front) -> None:
    """Metrics and logs of outer middleware read the route, the endpoint and the user from it after the answer."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            scope["user"] = "ada"
            scope["state"]["seen"] = True
            scope["headers"].append((b"x-inside", b"1"))
            del scope["own.key"]
            await says(START, END)(scope, receive, send)

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        scope = make_scope("/", state={}, **{"own.key": 1})
        await server.ask(app, scope=scope)
        server.note(scope["user"], scope["state"], scope["headers"][-1], "own.key" in scope)
        server.note(sorted(key for key in scope if not key.startswith(OURS)))

    server = front.compare(make, scenario)
    assert server.notes()[0] == ("ada", {"seen": True}, (b"x-inside", b"1"), False)


def test_the_scope_is_the_same_object_all_the_way(front: Front) -> None:
    """Of http, websocket and lifespan, and of types that nobody has heard of."""
    seen: list[Message] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.append(scope)
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})

    async def scenario(server: Server, app: App) -> None:
        types = ["http", "websocket", *(["lifespan", "own.type"] if front.kind == "ASGI" else [])]
        for kind in types:
            scope = {**make_scope("/"), "type": kind, "state": {}}
            await server.connect(app, scope, [], last={"type": "lifespan.shutdown"})
            server.note(kind, seen.pop() is scope)

    server = front.compare(lambda note: front.around(app), scenario)
    assert all(same for _, same in server.notes())


def test_an_app_may_ask_itself(front: Front) -> None:
    """With a copy of its scope, as sub-requests and internal redirects do: the inner answer is apart from the outer."""
    itself: list[App] = []

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            if scope["path"] == "/inner":
                note("inner", scope["path"], scope["method"], (await receive())["body"])
                await says(start(404, (b"x-inner", b"1")), body(b"inner", True), body())(scope, receive, send)
                return
            await send(START)
            inner = Server()
            copied = {key: value for key, value in scope.items() if key not in {"app", "router"}}
            copied |= {"path": "/inner", "raw_path": b"/inner", "root_path": "", "method": "POST"}
            await inner.ask(itself[-1], scope=copied, incoming=chunks(b"from outer"))
            note("asked", inner.events)
            note("outer", scope["path"], scope["method"], (await receive())["body"])
            await send(body(inner.body))

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        itself.append(app)
        await server.ask(app, "/outer", incoming=chunks(b"from server"))

    server = front.compare(make, scenario)
    assert [note[0] for note in server.notes()] == ["inner", "asked", "outer"]
    assert server.sent() == [START, body(b"inner")]
    assert server.notes()[2] == ("outer", "/outer", "GET", b"from server")


# --- tasks, context variables, cancellation

NAME: ContextVar[str] = ContextVar("NAME", default="nobody")


def test_context_variables_are_seen_inside_and_outside(front: Front) -> None:
    """The app sees what outer middleware set, outer middleware what the app set: they share one context."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            note(NAME.get())
            NAME.set("app")
            await says(START, END)(scope, receive, send)

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        async def outer(scope: Message, receive: Receive, send: Send) -> None:
            token = NAME.set("outer")

            async def sending(message: Message) -> None:
                server.note("sending", NAME.get())
                await send(message)

            await app(scope, receive, sending)
            server.note(NAME.get())
            NAME.reset(token)  # fails in any other context

        await server.ask(outer)
        server.note(NAME.get())

    server = front.compare(make, scenario)
    assert server.notes() == ["outer", ("sending", "app"), ("sending", "app"), "app", "nobody"]


def test_no_context_variable_is_left_behind(front: Front) -> None:
    """A server that answers all requests of a connection in one task finds its context as it was, also when the app
    failed."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            if scope["path"] == "/fails":
                raise ValueError("unforeseen")
            await says(START, END)(scope, receive, send)

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        for path in ("/", "/fails"):
            before = dict(copy_context())
            await server.ask(app, path)
            after = dict(copy_context())
            server.note(path, sorted(var.name for var in after if var not in before or after[var] is not before[var]))

    server = front.compare(make, scenario)
    if front.kind == "ASGI":
        assert server.notes() == [("/", []), ("/fails", [])]


def test_requests_at_once_do_not_mix(front: Front) -> None:
    """Ten, each of which waits for all others in the middle of its answer."""

    def make(note: Note) -> App:
        inside = 0
        all_inside = asyncio.Event()

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            nonlocal inside
            await send(start(200, (b"x-path", scope["path"].encode())))
            inside += 1
            if inside == 10:
                all_inside.set()
            await all_inside.wait()
            got = (await receive())["body"]
            await send(body(scope["path"].encode(), True))
            await send(body(got))

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        talks = [Server() for _ in range(10)]
        asking = (talk.ask(app, f"/{i}", incoming=chunks(b"body %d" % i)) for i, talk in enumerate(talks))
        await asyncio.gather(*asking)
        for i, talk in enumerate(talks):
            assert talk.body == b"/%dbody %d" % (i, i)
            server.note(talk.events)

    front.compare(make, scenario)


def test_tasks_of_the_app_may_send_and_receive(front: Front) -> None:
    """A task group, as streaming responses have it; and a task that outlives the call."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(receive())
                tasks.create_task(send(START))
            await send(body(b"a", True))

            async def finish() -> None:
                await asyncio.sleep(0)
                await send(body(b"b"))
                note((await receive())["type"], NAME.get())

            NAME.set("left")
            left.append(asyncio.ensure_future(finish()))

        return front.around(app)

    left: list[asyncio.Future[None]] = []

    async def scenario(server: Server, app: App) -> None:
        await server.ask(app)
        await left.pop()

    server = front.compare(make, scenario)
    assert server.notes() == [("http.disconnect", "left")]
    assert server.kinds()[-4:] == ["sent", "asked", "given", "note"]


@pytest.mark.parametrize("swallows", [False, True], ids=["passes it on", "answers all the same"])
def test_a_cancelled_request_is_cancelled_in_the_app(front: Front, swallows: bool) -> None:
    """Once, with its message, and the app may still await while it tidies up."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            await send(START)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:
                note(error.args)
                await asyncio.sleep(0)
                note("tidy")
                if not swallows:
                    raise
            await send(END)

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        begun = asyncio.Event()

        async def send(message: Message) -> None:
            server.events.append(("sent", {**message}))
            begun.set()

        task = asyncio.ensure_future(app(make_scope("/"), asyncio.Event().wait, send))
        await begun.wait()
        task.cancel("the server stops")
        await asyncio.wait([task])
        server.note(task.cancelled(), None if task.cancelled() else task.exception())

    server = front.compare(make, scenario)
    assert server.notes() == [("the server stops",), "tidy", (not swallows, None)]


def test_a_request_that_is_given_up_unfinished_is_closed_quietly(front: Front) -> None:
    """A server that ends drops its tasks: their coroutines are closed, and outside the context that they ran in."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                note("left")

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        async def send(message: Message) -> None:
            server.note("sent", message)

        asked: Any = app(make_scope("/"), asyncio.Event().wait, send)
        copy_context().run(asked.send, None)  # as a task does its first step
        asked.close()
        server.note("closed")

    server = front.compare(make, scenario)
    assert server.notes() == ["left", "closed"]


# --- exceptions


class Own(BaseException):
    """Not even an Exception."""


@pytest.mark.parametrize("when", [0, 1, 2], ids=["before the answer", "in the middle of it", "after it"])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("unforeseen"),
        ExceptionGroup("many", [ValueError("a"), OSError("b")]),
        Own("own"),
        asyncio.CancelledError("by itself"),
        StopAsyncIteration("odd"),
        RecursionError("deep"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_of_the_app_propagates_as_it_is(front: Front, error: BaseException, when: int) -> None:
    """The same object, with nothing chained to it or noted on it, and what was sent before stays."""

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            await says(*[START, END][:when])(scope, receive, send)
            raise error.with_traceback(None)

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        raised = await server.ask(app)
        server.note(raised is error, error.__cause__, error.__context__, getattr(error, "__notes__", None))

    server = front.compare(make, scenario)
    assert server.notes() == [(True, None, None, None)]


# --- WebSockets


def test_each_message_of_a_websocket_passes_untouched(front: Front) -> None:
    """Both ways the very objects, and keys that no specification knows."""
    incoming: list[Message] = [
        {"type": "websocket.connect", "own": 1},
        {"type": "websocket.receive", "text": "a", "bytes": None},
        {"type": "websocket.receive", "bytes": b""},
        {"type": "websocket.disconnect", "code": 1006},
    ]
    outgoing: list[Message] = [
        {"type": "websocket.accept", "subprotocol": "b", "headers": ((b"X-A", b"1"), (b"x-a", b"2"))},
        {"type": "websocket.send", "text": "b", "bytes": None, "own": 1},
        {"type": "websocket.send", "bytes": b"\x00"},
        {"type": "websocket.close", "code": 4000, "reason": "ä"},
    ]

    def make(note: Note) -> App:
        async def app(scope: Message, receive: Receive, send: Send) -> None:
            for got, message in zip(incoming, outgoing, strict=True):
                note(await receive() is got)
                await send(message)

        return front.around(app)

    async def scenario(server: Server, app: App) -> None:
        scope = {**make_scope("/"), "type": "websocket", "subprotocols": ["b"]}
        await server.connect(app, scope, incoming, last={"type": "none"})
        assert all(got is sent for got, sent in zip(server.messages, outgoing, strict=True))

    server = front.compare(make, scenario)
    assert server.notes() == [True] * 4


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "websocket.close", "code": 4401}],
        [
            {"type": "websocket.http.response.start", "status": 401, "headers": []},
            {"type": "websocket.http.response.body"},
        ],
        [{"type": "websocket.accept"}, {"type": "websocket.accept"}],
        [],
    ],
    ids=["closed", "denied with a response", "accepted twice", "nothing"],
)
def test_a_websocket_that_does_not_come_about(front: Front, messages: list[Message]) -> None:
    async def scenario(server: Server, app: App) -> None:
        await server.open(app, "/", extensions={"websocket.http.response": {}})

    server = front.compare(lambda note: front.around(says(*messages)), scenario)
    assert server.messages == messages


# --- the lifespan of a bare app: the others have their own


async def refuses(scope: Message, receive: Receive, send: Send) -> None:
    raise NotImplementedError("no lifespan")


async def ignores(scope: Message, receive: Receive, send: Send) -> None:
    return


async def completes(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    scope["state"]["pool"] = 1
    await send({"type": "lifespan.startup.complete", "own": 1})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def leaves(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})


async def fails(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


async def fails_late(scope: Message, receive: Receive, send: Send) -> None:
    await completes(scope, receive, send)
    await send({"type": "lifespan.shutdown.failed", "message": "no database"})


async def breaks(scope: Message, receive: Receive, send: Send) -> None:
    await completes(scope, receive, send)
    raise ValueError("after all")


@pytest.mark.parametrize("app", [refuses, ignores, completes, leaves, fails, fails_late, breaks])
@pytest.mark.parametrize("on", [False, True], ids=["snapshots off", "nothing built"])
def test_a_lifespan_is_told_as_the_app_tells_it(app: App, on: bool, tmp_path: Any) -> None:
    front = Front("ASGI", "outermost", **({"dist": tmp_path, "snapshots": True} if on else {}))

    async def scenario(server: Server, app: App) -> None:
        async def during(state: dict[str, Any]) -> None:
            server.note(state)

        await server.live(app, during)

    server = front.compare(lambda note: app, scenario)
    if app in {completes, fails_late, breaks}:
        assert server.notes() == [{"pool": 1}]
