"""ondemand.requests: the request as page code sees it, for whatever a server puts into the scope and says through `receive`."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from ondemand import (
    BodyError,
    BodyTooLarge,
    BodyUsed,
    ClientDisconnected,
    OnDemand,
    Page,
    RequestError,
    Response,
    Rule,
    current_page,
)
from ondemand.requests import Inbox, Request
from tests.asking import ask, make_scope

some = settings(max_examples=300, deadline=None, derandomize=True)

Messages = Iterable[dict[str, Any]]


def body(*chunks: bytes, ends: bool = True) -> list[dict[str, Any]]:
    """The messages of a body that came in these chunks."""
    more = [True] * (len(chunks) - 1) + [not ends]
    return [{"type": "http.request", "body": chunk, "more_body": m} for chunk, m in zip(chunks, more, strict=True)]


LEFT = {"type": "http.disconnect"}


class Server:
    """What a server says through `receive`: what it was told to, and then nothing until it is told more."""

    def __init__(self, messages: Messages = ()) -> None:
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.asked = 0
        self.at_once = 0
        self._listening = 0
        for message in messages:
            self.say(message)

    def say(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            self._queue.put_nowait(message)

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        self._listening += 1
        self.at_once = max(self.at_once, self._listening)
        try:
            return await self._queue.get()
        finally:
            self._listening -= 1


def request(
    messages: Messages | Server = (),
    *,
    target: str = "/",
    method: str = "POST",
    limit: int | None = None,
    headers: dict[str, str] | None = None,
    **scope: Any,
) -> Request:
    server = messages if isinstance(messages, Server) else Server(messages)
    made = make_scope(target, method=method, headers=headers, **scope)
    return Request(made, Inbox(server.receive), origin="http://testserver", limit=limit)


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """The result of an async function, which must not take longer than ten seconds."""

    async def limited() -> Any:
        return await asyncio.wait_for(work(), 10)

    return asyncio.run(limited())


async def turns(number: int = 20) -> None:
    """Let whatever is ready run."""
    for _ in range(number):
        await asyncio.sleep(0)


# --------------------------------------------------------------------------------------------------- method, URL, headers


def test_a_request_has_its_method_in_upper_case() -> None:
    assert request(method="post").method == "POST"


@pytest.mark.parametrize(
    ("path", "query", "url"),
    [
        ("/", b"", "/"),
        ("/a b", b"", "/a%20b"),
        ("/é", b"q=%C3%A9&r=1+2", "/%C3%A9?q=%C3%A9&r=1+2"),
        ("/50%", b"", "/50%25"),
        ("/a?b#c", b"d", "/a%3Fb%23c?d"),
        ("//host/x", b"", "//host/x"),
        ("/a\r\nb", b"", "/a%0D%0Ab"),
        ("/a", b"\xff", "/a?%FF"),
    ],
)
def test_a_url_is_path_and_query(path: str, query: bytes, url: str) -> None:
    found = request(path=path, raw_path=None, query_string=query)
    assert found.path == path
    assert found.url == "http://testserver" + url


def test_a_scope_without_query_is_a_request_without_query() -> None:
    scope = make_scope("/a")
    del scope["query_string"]
    found = Request(scope, Inbox(Server().receive), origin="https://example.com", limit=None)
    assert found.url == "https://example.com/a"
    assert dict(found.query) == {}


def test_headers_and_query_are_read_when_first_asked_for_and_stay() -> None:
    found = request(target="/?a=1", headers={"X-Own": "1"})
    assert found.headers is found.headers
    assert found.query is found.query
    assert (found.headers["x-own"], found.query["a"]) == ("1", "1")


def test_who_asks_for_the_headers_is_heard() -> None:
    found, heard = request(headers={"X-Own": "1"}), []
    found.on_headers = lambda: heard.append("headers")
    assert found.url.pathname == "/"
    assert dict(found.query) == {}
    assert heard == []
    assert found.headers["x-own"] == "1"
    assert found.headers.get("x") is None
    assert heard == ["headers", "headers"]


def test_what_a_reader_does_leaves_the_scope_as_it_was() -> None:
    scope = make_scope("/?a=1", method="POST", headers={"x": "1"})
    before = {name: value for name, value in scope.items() if name != "headers"}
    headers = list(scope["headers"])

    async def read() -> None:
        found = Request(scope, Inbox(Server(body(b"x")).receive), origin="http://testserver", limit=None)
        dict(found.headers)
        dict(found.query)
        _ = found.url
        await found.text()

    run(read)
    assert {name: value for name, value in scope.items() if name != "headers"} == before
    assert scope["headers"] == headers


# --------------------------------------------------------------------------------------------------------------- the body


@pytest.mark.parametrize(
    "messages",
    [
        body(b"hello world"),
        body(b"hello", b" ", b"world"),
        body(b"", b"hello world", b""),
        body(*[bytes([byte]) for byte in b"hello world"]),
        [{"type": "http.request", "body": b"hello world"}],
        [*body(b"hello world", ends=False), {"type": "http.request"}],
    ],
)
def test_a_body_is_whole_however_it_came(messages: Messages) -> None:
    async def all_of_them() -> None:
        assert await request(messages).bytes() == b"hello world"
        assert await request(messages).text() == "hello world"
        chunks = [chunk async for chunk in request(messages).stream()]
        assert b"".join(chunks) == b"hello world"
        assert b"" not in chunks

    run(all_of_them)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        ("é😀".encode(), "é😀"),
        (b"\xef\xbb\xbfx", "x"),
        (b"\xef\xbb\xbf\xef\xbb\xbfx", "\ufeffx"),
        (b"a\xffb", "a\ufffdb"),
        (b"\xc3", "\ufffd"),
        (b"\0\r\n", "\0\r\n"),
    ],
)
def test_text_is_utf_8_as_fetch_reads_it(raw: bytes, text: str) -> None:
    async def read() -> str:
        return await request(body(raw[:1], raw[1:])).text()

    assert run(read) == text


READERS: dict[str, Callable[[Request], Awaitable[Any]]] = {
    "text": lambda one: one.text(),
    "json": lambda one: one.json(),
    "bytes": lambda one: one.bytes(),
    "form": lambda one: one.form(),
    "stream": lambda one: _first(one.stream()),
}
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def _first(chunks: AsyncIterator[bytes]) -> bytes:
    async for chunk in chunks:
        return chunk
    return b""


async def _all(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("first", READERS)
@pytest.mark.parametrize("second", READERS)
def test_a_body_is_read_once(first: str, second: str) -> None:
    async def twice() -> None:
        found = request(body(b"1", b"2"), headers=FORM)
        assert not found.body_used
        await READERS[first](found)
        assert found.body_used
        with pytest.raises(BodyUsed, match="page code"):
            await READERS[second](found)
        assert found.body_used

    run(twice)


def test_a_body_that_was_refused_counts_as_used() -> None:
    async def read() -> None:
        found = request(body(b"no json"))
        with pytest.raises(BodyError):
            await found.json()
        with pytest.raises(BodyUsed):
            await found.text()

    run(read)


def test_a_body_that_is_no_form_is_not_touched() -> None:
    async def read() -> None:
        found = request(body(b"x=1"), headers={"content-type": "application/json"})
        with pytest.raises(BodyError, match="no form"):
            await found.form()
        assert not found.body_used
        assert await found.text() == "x=1"

    run(read)


def test_a_stream_that_is_made_and_not_read_uses_nothing() -> None:
    async def read() -> None:
        found = request(body(b"x"))
        stream = found.stream()
        assert not found.body_used
        assert await found.text() == "x"
        with pytest.raises(BodyUsed):
            await anext(stream)

    run(read)


def test_a_stream_can_be_left_and_taken_up_again() -> None:
    async def read() -> None:
        found = request(body(b"1", b"2", b"3"))
        stream = found.stream()
        assert await anext(stream) == b"1"
        assert [chunk async for chunk in stream] == [b"2", b"3"]

    run(read)


@pytest.mark.parametrize("method", ["GET", "HEAD", "get"])
@pytest.mark.parametrize("reader", ["text", "bytes", "stream"])
def test_get_and_head_have_no_body_whatever_was_sent(method: str, reader: str) -> None:
    async def read() -> None:
        server = Server(body(b"surprise"))
        found = request(server, method=method, limit=0, headers={"content-length": "8"})
        assert not await READERS[reader](found)
        assert server.asked == 0

    run(read)


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "PATCH", "PUT", "QUERY"])
def test_every_other_method_may_have_a_body(method: str) -> None:
    async def read() -> None:
        assert await request(body(b"x"), method=method).text() == "x"

    run(read)


# --- its size


@pytest.mark.parametrize(
    ("size", "limit", "accepted"),
    [(10, 10, True), (11, 10, False), (0, 0, True), (1, 0, False), (11, None, True), (5, 10, True)],
)
@pytest.mark.parametrize("declares", [True, False])
def test_a_body_has_as_many_bytes_as_it_may(size: int, limit: int | None, accepted: bool, declares: bool) -> None:
    headers = {"content-length": str(size)} if declares else {}
    chunks = [b"x"] * size or [b""]

    async def read() -> None:
        for found, argument in (
            (request(body(*chunks), limit=limit, headers=headers), {}),
            (request(body(*chunks), limit=3, headers=headers), {"limit": limit}),
        ):
            if accepted:
                assert await found.bytes(**argument) == b"x" * size
            else:
                with pytest.raises(BodyTooLarge, match=f"larger than {limit} bytes") as raised:
                    await found.bytes(**argument)
                assert raised.value.status == 413

    run(read)


@pytest.mark.parametrize("reader", ["text", "json", "bytes", "form"])
def test_every_reader_takes_a_limit(reader: str) -> None:
    async def read() -> None:
        with pytest.raises(BodyTooLarge):
            await getattr(request(body(b"12345"), headers=FORM), reader)(limit=4)
        with pytest.raises(BodyTooLarge):
            await getattr(request(body(b"12345"), headers=FORM, limit=4), reader)()
        assert await getattr(request(body(b"12345"), headers=FORM, limit=4), reader)(limit=5)
        assert await getattr(request(body(b"12345"), headers=FORM, limit=4), reader)(limit=None)

    run(read)


@pytest.mark.parametrize("declared", ["1000000000", "9" * 5000, "18446744073709551617"])
def test_a_body_that_declares_too_much_is_refused_before_it_is_read(declared: str) -> None:
    async def read() -> None:
        server = Server(body(b"x"))
        with pytest.raises(BodyTooLarge):
            await request(server, limit=10_000_000, headers={"content-length": declared}).bytes()
        assert server.asked == 0

    run(read)


@pytest.mark.parametrize("declared", ["", "-1", "abc", "1e9", "٥", "1, 1000000000", "+5", "0x5"])
def test_a_length_that_is_none_is_not_believed(declared: str) -> None:
    async def read() -> None:
        raw = [(b"content-length", declared.encode())]
        assert (
            await Request(
                {**make_scope("/", method="POST"), "headers": raw},
                Inbox(Server(body(b"x")).receive),
                origin="",
                limit=1,
            ).bytes()
            == b"x"
        )

    run(read)


def test_a_body_without_an_end_is_read_up_to_its_limit() -> None:
    async def read() -> None:
        server = Server(body(*[b"x" * 1000] * 100, ends=False))
        with pytest.raises(BodyTooLarge):
            await request(server, limit=4500).bytes()
        assert server.asked == 5

    run(read)


def test_a_stream_gives_what_came_before_it_was_too_much() -> None:
    async def read() -> None:
        stream = request(body(b"12", b"34", b"56")).stream(limit=5)
        assert [await anext(stream), await anext(stream)] == [b"12", b"34"]
        with pytest.raises(BodyTooLarge):
            await anext(stream)

    run(read)


def test_the_sites_limit_holds_for_its_pages() -> None:
    async def read() -> None:
        assert await Page.for_test("/", method="POST", body=b"1234", body_limit=4).request.bytes() == b"1234"
        with pytest.raises(BodyTooLarge):
            await Page.for_test("/", method="POST", body=b"12345", body_limit=4).request.bytes()
        assert (
            len(await Page.for_test("/", method="POST", body=b"x" * 11_000_000, body_limit=None).request.bytes())
            > 10**7
        )
        with pytest.raises(BodyTooLarge):
            await Page.for_test("/", method="POST", body=b"x" * 11_000_000).request.bytes()

    run(read)


# --- JSON


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        (b' "\\u00e9\xc3\xa9" ', "éé"),
        (b"\xef\xbb\xbf[1]", [1]),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"1e400", float("inf")),
        (b'"\\ud800"', "\ud800"),
    ],
)
def test_json_is_read_whatever_its_type_says(raw: bytes, value: object) -> None:
    async def read() -> Any:
        return await request(body(raw), headers={"content-type": "text/plain"}).json()

    assert run(read) == value


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b" ", b"{", b"{'a': 1}", b"nope", b"[1] 2", b"[1,]", b"\xff", b'"\xff"', b'"\xc3"', b"\0"),
        *(b"NaN", b"[Infinity]", b"-Infinity", b"1" * 5000, b"\xff\xfe[\x001\x00]\x00", b"\xef\xbb\xbf"),
        *(b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000),
    ],
    ids=range(20),
)
def test_what_is_no_json_is_the_visitors_fault(raw: bytes) -> None:
    async def read() -> None:
        with pytest.raises(BodyError, match="JSON") as raised:
            await request(body(raw)).json()
        assert raised.value.status == 400
        assert isinstance(raised.value, RequestError)
        assert len(str(raised.value)) < 400

    run(read)


@some
@given(st.binary(max_size=60) | st.text('[]{}",:0123456789.eE+-\\untrfals \t\n', max_size=40).map(str.encode))
def test_any_body_is_json_or_an_error(raw: bytes) -> None:
    async def read() -> None:
        try:
            value = await request(body(raw)).json()
        except BodyError:
            return
        json.dumps(value)

    run(read)


# --- the visitor leaves


@pytest.mark.parametrize("reader", READERS)
def test_a_visitor_who_leaves_before_the_end_is_told_of(reader: str) -> None:
    async def read() -> None:
        found = request([*body(b"half", ends=False), LEFT], headers=FORM)
        read_all = READERS[reader] if reader != "stream" else lambda one: _all(one.stream())
        with pytest.raises(ClientDisconnected, match="left") as raised:
            await read_all(found)
        assert raised.value.status == 400
        await found.disconnected()

    run(read)


def test_waiting_for_the_visitor_to_leave_keeps_the_body() -> None:
    async def both() -> None:
        server = Server()
        found = request(server)
        waiting = asyncio.ensure_future(found.disconnected())
        await turns()
        server.say(*body(b"1", b"2", b"3"))
        await turns()
        assert not waiting.done()
        assert not found.body_used
        assert await found.text() == "123"
        assert not waiting.done()
        server.say(LEFT)
        await waiting
        await found.disconnected()
        assert server.at_once == 1

    run(both)


def test_waiting_begins_while_the_body_is_read() -> None:
    async def both() -> None:
        server = Server()
        found = request(server)
        reading = asyncio.ensure_future(found.text())
        await turns()
        waiting = [asyncio.ensure_future(found.disconnected()) for _ in range(3)]
        await turns()
        server.say(*body(b"1", b"2", ends=False))
        await turns()
        assert not reading.done()
        server.say(*body(b"3"))
        assert await reading == "123"
        await turns()
        assert not any(one.done() for one in waiting)
        server.say(LEFT)
        await asyncio.gather(*waiting)
        assert server.at_once == 1

    run(both)


def test_leaving_ends_the_reading_and_the_waiting() -> None:
    async def both() -> None:
        server = Server(body(b"1", ends=False))
        found = request(server)
        reading = asyncio.ensure_future(found.text())
        waiting = asyncio.ensure_future(found.disconnected())
        await turns()
        server.say(LEFT)
        await waiting
        with pytest.raises(ClientDisconnected):
            await reading

    run(both)


def test_a_body_that_was_complete_is_read_also_when_the_visitor_has_left() -> None:
    async def read() -> None:
        found = request([*body(b"1", b"2"), LEFT])
        await found.disconnected()
        assert await found.text() == "12"

    run(read)


def test_giving_up_the_waiting_loses_nothing() -> None:
    async def both() -> None:
        server = Server()
        found = request(server)
        for _ in range(3):
            waiting = asyncio.ensure_future(found.disconnected())
            await turns()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        reading = asyncio.ensure_future(found.text())
        await turns()
        server.say(*body(b"x"))
        assert await reading == "x"
        assert server.asked == 1

    run(both)


def test_giving_up_the_reading_leaves_the_waiting() -> None:
    async def both() -> None:
        server = Server()
        found = request(server)
        reading = asyncio.ensure_future(found.text())
        waiting = asyncio.ensure_future(found.disconnected())
        await turns()
        reading.cancel()
        server.say(*body(b"x"))
        await turns()
        assert not waiting.done()
        server.say(LEFT)
        await waiting

    run(both)


def test_the_pattern_of_the_documentation_works() -> None:
    async def both(leaves: bool) -> str:
        server = Server(body(b""))
        found = request(server)
        work = asyncio.ensure_future(asyncio.Event().wait() if leaves else turns())
        gone = asyncio.ensure_future(found.disconnected())
        if leaves:
            server.say(LEFT)
        done, pending = await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        return "left" if gone in done else "done"

    assert run(lambda: both(True)) == "left"
    assert run(lambda: both(False)) == "done"


def test_a_server_that_fails_fails_everyone_who_listens() -> None:
    async def fail() -> dict[str, Any]:
        await asyncio.sleep(0)
        raise OSError("the connection broke")

    async def both() -> None:
        found = Request(make_scope("/", method="POST"), Inbox(fail), origin="", limit=None)
        results = await asyncio.gather(found.text(), found.disconnected(), return_exceptions=True)
        assert [type(one) for one in results] == [OSError, OSError]
        with pytest.raises(OSError, match="broke"):
            await found.disconnected()

    run(both)
    gc.collect()


# --- the inbox, shared with the wrapped app


def test_the_app_is_given_what_the_server_said() -> None:
    async def read() -> None:
        messages = [*body(b"1", b"2"), LEFT]
        inbox = Inbox(Server(messages).receive)
        assert [await inbox.receive() for _ in range(5)] == [*messages, LEFT, LEFT]
        assert inbox.used_by == "the app"

    run(read)


def test_page_code_cannot_read_what_the_app_has_begun_to_read() -> None:
    async def read() -> None:
        inbox = Inbox(Server(body(b"1", b"2")).receive)
        found = Request(make_scope("/", method="POST"), inbox, origin="", limit=None)
        await inbox.receive()
        assert found.body_used
        with pytest.raises(BodyUsed, match="the app"):
            await found.text()

    run(read)


def test_a_body_that_was_kept_is_there_again() -> None:
    async def read() -> None:
        inbox = Inbox(Server([*body(b"1", b"2", b"3"), LEFT]).receive)
        found = Request(make_scope("/", method="POST"), inbox, origin="", limit=None)
        inbox.keep()
        assert await found.text() == "123"
        inbox.rewind()
        assert not found.body_used
        assert await found.text() == "123"
        inbox.rewind()  # nothing was kept a second time
        assert await inbox.receive() == LEFT

    run(read)


@pytest.mark.parametrize("taken", [0, 1, 2, 3])
def test_what_was_read_in_part_is_there_again_in_order(taken: int) -> None:
    async def read() -> None:
        messages = [*body(b"1", b"2", b"3"), LEFT]
        inbox = Inbox(Server(messages).receive)
        found = Request(make_scope("/", method="POST"), inbox, origin="", limit=None)
        inbox.keep()
        stream = found.stream()
        for _ in range(taken):
            await anext(stream)
        inbox.rewind()
        assert [await inbox.receive() for _ in range(4)] == messages

    run(read)


def test_what_came_while_nobody_read_stays_behind_what_was_kept() -> None:
    async def read() -> None:
        server = Server(body(b"1", ends=False))
        inbox = Inbox(server.receive)
        found = Request(make_scope("/", method="POST"), inbox, origin="", limit=None)
        inbox.keep()
        stream = found.stream()
        assert await anext(stream) == b"1"
        waiting = asyncio.ensure_future(found.disconnected())
        server.say(*body(b"2", b"3"))
        await turns()
        inbox.rewind()
        assert await found.text() == "123"
        waiting.cancel()

    run(read)


@some
@given(
    st.lists(st.binary(max_size=3), min_size=1, max_size=5),
    st.lists(st.sampled_from(["keep", "take", "rewind", "wait"]), max_size=10),
)
def test_whatever_is_kept_and_rewound_the_body_is_whole(chunks: list[bytes], steps: list[str]) -> None:
    async def play() -> None:
        inbox = Inbox(Server([*body(*chunks), LEFT]).receive)
        kept: list[bytes] | None = None
        read: list[bytes] = []
        for step in steps:
            if step == "keep":
                inbox.keep()
                kept = []
            elif step == "rewind":
                inbox.rewind()
                if kept is not None:
                    read = read[: len(read) - len(kept)]
                kept = None
            elif step == "wait":
                await inbox.disconnected()
            elif len(read) < len(chunks):
                inbox.used_by = ""
                message = await inbox.receive()
                read.append(message["body"])
                if kept is not None:
                    kept.append(message["body"])
        while len(read) < len(chunks):
            read.append((await inbox.receive())["body"])
        assert read == chunks

    run(play)


# --- through an app


def served(endpoint: Callable[[StarletteRequest], Awaitable[Any]], **settings_: Any) -> OnDemand:
    return OnDemand(Starlette(routes=[Route("/", endpoint, methods=["GET", "POST"])]), output="server", **settings_)


@pytest.mark.parametrize(
    ("raw", "status"),
    [(b"[1]", 200), (b"[", 400), (b"[" * 100_000, 400), (b"NaN", 400), (b'"' + b"x" * 200 + b'"', 413)],
)
def test_what_a_visitor_sent_wrongly_is_answered(raw: bytes, status: int) -> None:
    async def endpoint(_: StarletteRequest) -> Any:
        return Response.json(await current_page().request.json(limit=150_000 if raw.startswith(b"[") else 100))

    assert ask(served(endpoint), "/", method="POST", body=raw).status == status


def test_a_page_that_read_its_body_may_stream_its_answer() -> None:
    """Starlette listens for the visitor's leaving while it streams."""

    async def endpoint(_: StarletteRequest) -> Any:
        data = await current_page().request.json()

        async def chunks() -> AsyncIterator[str]:
            yield "a"
            yield str(data)

        return StreamingResponse(chunks())

    answer = ask(served(endpoint), "/", method="POST", body=b"[1]")
    assert (answer.status, answer.text) == (200, "a[1]")


def test_an_app_may_ask_whether_the_visitor_has_left_after_a_page_read_the_body() -> None:
    async def endpoint(one: StarletteRequest) -> Any:
        text = await current_page().request.text()
        return PlainTextResponse(f"{text} {await one.is_disconnected()}")

    assert ask(served(endpoint), "/", method="POST", body=b"x").text == "x False"


def test_a_guard_may_read_the_body_that_the_app_reads() -> None:
    async def guard(page: Page) -> Any:
        return None if await page.request.text() == "let me in" else Response("no", 403)

    async def endpoint(one: StarletteRequest) -> Any:
        return PlainTextResponse(await one.body())

    app = served(endpoint, rules={"/**": Rule(guard=guard)})
    assert ask(app, "/", method="POST", body=b"let me in").text == "let me in"
    assert ask(app, "/", method="POST", body=b"please").status == 403


# ---------------------------------------------------------------------------------------------------------- linear time


def test_a_body_in_many_pieces_takes_linear_time() -> None:
    async def read() -> float:
        found = request(body(*[b"x"] * 50_000))
        started = time.process_time()
        assert len(await found.bytes()) == 50_000
        return time.process_time() - started

    assert run(read) < 5
