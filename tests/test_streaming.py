"""ondemand.streaming: bodies that are made while they are sent, from templates and iterators, and what ends them."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import logging
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware

from ondemand import OnDemand, Page, Pages, Redirect, Response
from ondemand.errors import AwaitError, ResponseStarted
from ondemand.rendering import Rendered, render
from ondemand.streaming import CHUNK
from ondemand.templates import Templates
from tests.asking import Wrap, ask, make_scope


class Visitor:
    """Asks a response or an app, sees every message as it comes, and may leave or stop reading."""

    def __init__(self, app: Any, *, method: str = "GET", target: str = "/", reads: bool = True) -> None:
        self.messages: list[dict[str, Any]] = []
        self.sent = asyncio.Event()
        self._gone = asyncio.Event()
        self._reading = asyncio.Event()
        if reads:
            self._reading.set()
        self._asked = False
        self.receives = 0
        scope = make_scope(target, method=method)
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        self.receives += 1
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self._reading.wait()
        self.messages.append(message)
        self.sent.set()

    def leave(self) -> None:
        self._gone.set()

    def read(self, reads: bool = True) -> None:
        (self._reading.set if reads else self._reading.clear)()

    @property
    def chunks(self) -> list[bytes]:
        return [message["body"] for message in self.messages[1:]]

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def ended(self) -> bool:
        last = self.messages[-1] if self.messages else {"type": ""}
        return last["type"] == "http.response.body" and not last.get("more_body", False)


async def turns(number: int = 20) -> None:
    """Let everything that can run do so."""
    for _ in range(number):
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run it; no task is left, and no complaint of asyncio or of the garbage collector comes (warnings are errors)."""
    complaints: list[Any] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        await asyncio.wait_for(test(), 20)
        await turns(3)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    gc.collect()
    assert complaints == []


Make = Callable[..., Rendered]


@pytest.fixture(params=["mako", "html"])
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A response from the text of a Mako template; with engine="html", `${x}` becomes `{{ x }}`."""
    templates = Templates([tmp_path])
    count = 0

    def made(text: str, *, engine: str = "mako", stream: bool = True, page: Any = None, **values: Any) -> Rendered:
        nonlocal count
        count += 1
        if engine == "html":
            text = text.replace("${", "{{ ").replace("}", " }}")
        (tmp_path / f"t{count}.{engine}").write_text(text)
        return render(templates.get(f"t{count}.{engine}"), page or Page.for_test("/x"), values, stream=stream)

    return made


# ------------------------------------------------------------------------------------------------------ order, and when


def test_what_is_ready_goes_out_at_each_real_wait(make: Make, engine: str) -> None:
    async def test() -> None:
        first, second = asyncio.Future[str](), asyncio.Future[str]()
        visitor = Visitor(make("a${await_(first)}b${await_(second)}c", engine=engine, first=first, second=second))
        await turns()
        assert visitor.chunks == [b"a"]
        second.set_result("2")
        await turns()
        assert visitor.chunks == [b"a"]
        first.set_result("<1>")
        await visitor.task
        assert visitor.chunks == [b"a", b"&lt;1&gt;b2c"]
        assert visitor.ended
        assert "content-length" not in {name.decode() for name, _ in visitor.messages[0]["headers"]}

    run(test)


def test_awaitables_start_at_once_and_together(make: Make, engine: str) -> None:
    async def test() -> None:
        started: list[str] = []
        gate = asyncio.Event()

        async def part(name: str) -> str:
            started.append(name)
            await gate.wait()
            return name

        visitor = Visitor(make("<${await_(a)}${await_(b)}${await_(c)}>", engine=engine, **{n: part(n) for n in "abc"}))
        await turns()
        assert (started, visitor.body) == (["a", "b", "c"], b"<" if engine == "mako" else visitor.body)
        gate.set()
        await visitor.task
        assert visitor.body == b"<abc>"

    run(test)


def test_what_does_not_wait_is_one_message_with_its_length(make: Make, engine: str) -> None:
    async def quick() -> str:
        return "quick"

    async def test() -> None:
        done = asyncio.Future[str]()
        done.set_result("done")
        text = "a ${await_(quick())} ${await_(done)} ${await_(given)}"
        visitor = Visitor(make(text, engine=engine, quick=quick, done=done, given=quick()))
        await visitor.task
        assert visitor.chunks == [b"a quick done quick"]
        assert (b"content-length", b"18") in visitor.messages[0]["headers"]
        assert visitor.receives == 0  # nobody watched for its leaving

    run(test)


def test_a_page_that_never_waits_costs_no_task_and_no_thread(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        response = make("a ${1}")
        tasks, made = asyncio.all_tasks(), []
        loop = asyncio.get_running_loop()
        messages: list[Any] = []

        async def send(message: Any) -> None:
            messages.append(message)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "create_task", lambda *a, **k: made.append(a))
            patch.setattr(loop, "run_in_executor", lambda *a, **k: made.append(a))
            await response(make_scope("/"), None, send)  # type: ignore[arg-type]
        assert (made, asyncio.all_tasks()) == ([], tasks)
        assert len(messages) == 2

    run(test)


def test_the_iterators_of_a_response(make: Make) -> None:
    async def test() -> None:
        gate = asyncio.Event()

        async def chunks() -> AsyncIterator[str | bytes]:
            yield "a"
            yield b""
            yield b"b"
            await gate.wait()
            yield "ć"
            yield "d"

        visitor = Visitor(Response(chunks()))
        await turns()
        assert visitor.chunks == [b"ab"]
        gate.set()
        await visitor.task
        assert visitor.chunks == [b"ab", "ćd".encode()]

    run(test)


@pytest.mark.parametrize("kind", ["template", "async", "plain"])
def test_small_writes_are_joined(make: Make, kind: str) -> None:
    rows = [f"<li>{number}</li>" for number in range(20_000)]

    async def each() -> AsyncIterator[str]:
        for row in rows:
            yield row

    async def test() -> None:
        response = {
            "template": lambda: make("% for row in rows:\n${row | n}\\\n% endfor", rows=rows),
            "async": lambda: Response(each()),
            "plain": lambda: Response(row for row in rows),
        }[kind]()
        visitor = Visitor(response)
        await visitor.task
        assert visitor.body.decode() == "".join(rows)
        sizes = [len(chunk) for chunk in visitor.chunks]
        if kind != "plain":  # its thread is left after 10 ms at the latest
            assert all(CHUNK <= size < CHUNK + 100 for size in sizes[:-1])
        assert max(sizes) < CHUNK * 2

    run(test)


def test_flush_sends_what_is_ready(make: Make, engine: str) -> None:
    async def test() -> None:
        seen: list[bytes] = []
        visitor: Visitor

        def look() -> str:
            seen.append(visitor.body)
            return ""

        visitor = Visitor(make("a${flush()}b${look()}c${flush()}${look()}", engine=engine, look=look))
        await visitor.task
        assert visitor.body == b"abc"
        assert seen[-1] == b"abc"
        assert visitor.chunks[0] == b"a"

    run(test)


def test_without_streaming_everything_waits_and_goes_out_once(make: Make, engine: str) -> None:
    async def test() -> None:
        later = asyncio.Future[str]()
        visitor = Visitor(make("a${flush()}${await_(later)}" + "b" * 40_000, engine=engine, later=later, stream=False))
        await turns()
        assert visitor.messages == []
        later.set_result("1")
        await visitor.task
        assert visitor.chunks == [b"a1" + b"b" * 40_000]
        assert (b"content-length", b"40002") in visitor.messages[0]["headers"]

        async def chunks() -> AsyncIterator[str]:
            yield "a"
            await asyncio.sleep(0)
            yield "b"

        response = Response(chunks())
        response.streams = False
        whole = Visitor(response)
        await whole.task
        assert whole.chunks == [b"ab"]

    run(test)


def test_an_exception_in_a_page_that_does_not_stream_is_no_half_page(make: Make) -> None:
    async def test() -> None:
        visitor = Visitor(make("a${await_(sleep(0))}${1 / 0}", sleep=asyncio.sleep, stream=False))
        with pytest.raises(ZeroDivisionError):
            await visitor.task
        assert visitor.messages == []

    run(test)


@pytest.mark.parametrize("text", ["a", "a${await_(later)}b", "a" * 100_000, "a${flush()}b"])
def test_head_has_no_body(make: Make, engine: str, text: str) -> None:
    async def test() -> None:
        ended: list[str] = []

        async def later() -> str:
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append("later")
            return ""

        visitor = Visitor(make(text, engine=engine, **({"later": later()} if "later" in text else {})), method="HEAD")
        await visitor.task
        assert (visitor.chunks, visitor.ended) == ([b""], True)
        lengths = [value for name, value in visitor.messages[0]["headers"] if name == b"content-length"]
        assert lengths == ([b"1"] if text == "a" else [])
        assert ended == (["later"] if "later" in text else [])

    run(test)


# --------------------------------------------------------------------------------------------------------------- await_


def test_what_an_awaitable_raises_surfaces_where_it_is_awaited(make: Make) -> None:
    async def bad() -> None:
        await asyncio.sleep(0)
        raise KeyError("bad")

    async def test() -> None:
        text = "% try:\n${await_(bad)}\n% except KeyError as error:\ncaught ${error.args[0]}\n% endtry"
        visitor = Visitor(make(text, bad=bad()))
        await visitor.task
        assert visitor.body == b"caught bad\n"
        alone = Visitor(make("${await_(bad)}", bad=bad()))
        with pytest.raises(KeyError):
            await alone.task
        assert alone.messages == []

    run(test)


def test_a_failed_awaitable_that_nobody_awaits_is_collected(make: Make, engine: str) -> None:
    async def bad() -> None:
        raise KeyError("bad")

    async def never() -> None:
        await asyncio.sleep(3600)

    async def test() -> None:
        visitor = Visitor(
            make("a${await_(sleep(0.001))}", engine=engine, sleep=asyncio.sleep, bad=bad(), never=never())
        )
        await visitor.task
        assert visitor.body == b"aNone"
        broken = Visitor(make("a${1 / 0}", engine=engine, bad=bad(), never=never()))
        with pytest.raises(ZeroDivisionError):
            await broken.task

    run(test)


@pytest.mark.parametrize(
    "text", ["${weather}", "${weather | h}", "${capture(lambda: context.write(str(1))) and weather}"]
)
def test_an_awaitable_that_is_written_says_what_to_write(make: Make, text: str) -> None:
    async def weather() -> str:
        return "sun"

    async def test() -> None:
        visitor = Visitor(make(text, weather=weather()))
        with pytest.raises(AwaitError, match=r"\$\{await_\(weather\)\}"):
            await visitor.task
        visitor = Visitor(make("${weather()}", weather=weather))
        with pytest.raises(AwaitError, match=r"\$\{await_\(\.\.\.\)\}"):
            await visitor.task
        visitor = Visitor(make("${weather}", weather=weather(), engine="html"))
        with pytest.raises(AwaitError, match=r"\{\{ await_\(weather\) \}\}"):
            await visitor.task

    run(test)


@pytest.mark.parametrize("value", ["text", None, 1, [1]])
def test_what_is_no_awaitable_is_a_type_error(make: Make, value: Any) -> None:
    with pytest.raises(TypeError, match=f"await_ was given {type(value).__name__}"):
        ask(make("${await_(x)}", x=value), "/")


def test_await_works_only_where_the_template_is_rendered(make: Make) -> None:
    async def later() -> None: ...

    async def test() -> None:
        kept: list[Any] = []
        caught: list[BaseException] = []

        def in_thread(await_: Any, flush: Any) -> str:
            kept.append(await_)

            def work() -> None:
                for call in (lambda: await_(later()), flush):
                    try:
                        call()
                    except BaseException as error:
                        caught.append(error)

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            return "ok"

        visitor = Visitor(make("${in_thread(await_, flush)}", in_thread=in_thread))
        await visitor.task
        assert visitor.body == b"ok"
        assert [type(error) for error in caught] == [AwaitError, AwaitError]
        with pytest.raises(AwaitError, match="another thread"):
            kept[0](later())

    run(test)


def test_waits_nest_in_everything_that_mako_buffers(make: Make) -> None:
    async def test() -> None:
        async def slow(value: str) -> str:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return value

        text = (
            "<%def name='box()' buffered='True'>[${await_(slow('<1>'))}]</%def>A ${box()} "
            "<%block filter='trim'> <${await_(slow('2'))}> </%block> ${capture(lambda: box())} "
            "<%def name='wrap()'>{${caller.body()}}</%def><%self:wrap>${await_(slow('3'))}</%self:wrap> ${inner(await_)}"
        )

        def inner(await_: Any) -> Any:
            async def outer() -> str:
                return f"{await_(slow('4'))}{await slow('5')}"

            return await_(outer())

        visitor = Visitor(make(text, slow=slow, inner=inner))
        await visitor.task
        assert visitor.body == b"A [&lt;1&gt;] <2>  {3} 45"

    run(test)


def test_context_variables_and_time_limits_hold_across_waits(make: Make) -> None:
    variable = contextvars.ContextVar("variable", default="unset")

    async def test() -> None:
        variable.set("outer")

        async def seen() -> str:
            await asyncio.sleep(0)
            return variable.get()

        def limited(await_: Any) -> str:
            out = ""
            with anyio.move_on_after(0.01) as scope:
                await_(asyncio.sleep(3600))
            out += f"{scope.cancelled_caught} "
            try:
                await_(within())
            except TimeoutError:
                out += "timeout "
            variable.set("template")
            return out + await_(seen())

        async def within() -> None:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(3600)

        visitor = Visitor(
            make("${get()} ${limited(await_)} ${get()} ${await_(a)}", get=variable.get, limited=limited, a=seen())
        )
        await visitor.task
        assert visitor.body == b"outer True timeout template template outer"
        assert variable.get() == "outer"

    run(test)


def test_a_time_limit_inside_a_template_does_not_spoil_a_message_that_the_visitor_reads_slowly(make: Make) -> None:
    async def test() -> None:
        def limited(await_: Any) -> str:
            with anyio.move_on_after(0.01) as scope:
                await_(asyncio.sleep(3600))
            return f"{scope.cancelled_caught}"

        visitor = Visitor(
            make("begin ${limited(await_)} ${await_(sleep(0, 'end'))}", limited=limited, sleep=asyncio.sleep),
            reads=False,
        )
        await asyncio.sleep(0.05)
        visitor.read()
        await visitor.task
        assert visitor.body == b"begin True end"

    run(test)


def test_the_same_future_is_awaited_by_many_pages(make: Make) -> None:
    async def test() -> None:
        shared = asyncio.Future[str]()

        async def natively() -> str:
            return await shared

        visitors = [Visitor(make("a${await_(shared)}", shared=shared), reads=number > 1) for number in range(4)]
        others = [asyncio.create_task(natively()) for _ in range(3)]
        await turns()
        shared.set_result("!")
        await turns()
        for visitor in visitors:
            visitor.read()
        for visitor in visitors:
            await visitor.task
            assert visitor.body == b"a!"
        await asyncio.gather(*others)

    run(test)


# ---------------------------------------------------------------------------------------------------- when it goes wrong


def test_an_exception_before_the_first_byte_is_that_of_the_page(make: Make, engine: str) -> None:
    async def test() -> None:
        for method in ("GET", "HEAD"):
            visitor = Visitor(
                make("${await_(sleep(0.001)) or ''}a${1 / 0}", engine=engine, sleep=asyncio.sleep), method=method
            )
            with pytest.raises(ZeroDivisionError):
                await visitor.task
            assert visitor.messages == []

    run(test)


def test_an_exception_after_the_first_byte_is_logged_once_and_the_answer_has_no_end(
    make: Make, engine: str, caplog: pytest.LogCaptureFixture, wrap: Wrap
) -> None:
    app = FastAPI()

    @app.get("/page/{slug}")
    async def home(slug: str) -> Any:
        return make("a${await_(sleep(0.001)) or ''}${1 / 0}", engine=engine, sleep=asyncio.sleep)

    async def test() -> None:
        visitor = Visitor(wrap(app, snapshots=False), target="/page/x")
        with pytest.raises(ZeroDivisionError):
            await visitor.task
        assert (visitor.chunks, visitor.ended) == ([b"a"], False)

    with caplog.at_level(logging.ERROR, "ondemand"):
        run(test)
    (record,) = [record for record in caplog.records if record.name == "ondemand"]
    assert record.getMessage().startswith("/page/{slug} failed after its first byte")
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


def test_iterators_that_fail(caplog: pytest.LogCaptureFixture) -> None:
    async def early() -> AsyncIterator[str]:
        yield "a"
        raise KeyError

    async def late() -> AsyncIterator[str]:
        yield "a"
        await asyncio.sleep(0)
        raise KeyError

    def plain() -> Iterator[str]:
        yield "a"
        raise KeyError

    async def test() -> None:
        for chunks, sent in ((early(), []), (late(), [b"a"]), (plain(), [])):
            visitor = Visitor(Response(chunks))
            with pytest.raises(KeyError):
                await visitor.task
            assert visitor.chunks == sent
            assert not visitor.ended

    run(test)


def test_what_comes_too_late_is_refused(make: Make, wrap: Wrap) -> None:
    app = FastAPI()
    caught: list[BaseException] = []

    def late(page: Any) -> str:
        for change in (
            lambda: page.cookies.set("a", "1"),
            lambda: page.response.headers.update({"x": "1"}),
            lambda: setattr(page.response, "status", 404),
        ):
            try:
                change()
            except ResponseStarted as error:
                caught.append(error)
        return ""

    @app.get("/")
    async def home() -> Any:
        page = Page.of(None)
        page.response.headers["x-early"] = "1"
        return make("a${await_(sleep(0.001)) or ''}${late(page)}", sleep=asyncio.sleep, late=late, page=page)

    answer = ask(wrap(app, snapshots=False), "/")
    assert (answer.body, answer.header("x-early"), len(caught)) == (b"a", "1", 3)


# ------------------------------------------------------------------------------------------------ the visitor who leaves


def test_a_visitor_who_leaves_ends_everything(make: Make, engine: str) -> None:
    async def test() -> None:
        ended: list[str] = []

        async def never(name: str) -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0)
                ended.append(name)

        visitor = Visitor(make("a${await_(one)}b${await_(two)}", engine=engine, one=never("one"), two=never("two")))
        await turns()
        visitor.leave()
        await visitor.task
        assert sorted(ended) == ["one", "two"]
        assert (visitor.body, visitor.ended) == (b"a", False)

    run(test)


def test_finally_blocks_of_templates_and_iterators_run(make: Make) -> None:
    ended: list[str] = []

    async def async_one() -> AsyncIterator[str]:
        try:
            yield "a"
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            ended.append("async")

    async def at_yield() -> AsyncIterator[str]:
        try:
            while True:
                yield "a" * CHUNK
        finally:
            ended.append("at yield")

    def plain() -> Iterator[str]:
        try:
            while True:
                time.sleep(0.001)
                yield "a"
        finally:
            ended.append("plain")

    def guarded(await_: Any) -> None:
        try:
            await_(asyncio.sleep(3600))
        finally:
            ended.append("template")

    async def test() -> None:
        for response, reads in (
            (Response(async_one()), True),
            (Response(plain()), True),
            (make("a${guarded(await_)}", guarded=guarded), True),
        ):
            visitor = Visitor(response, reads=reads)
            await visitor.sent.wait()
            visitor.leave()
            await visitor.task
            assert not visitor.ended
        for _ in range(200):  # the thread closes it
            await asyncio.sleep(0.001)
        assert sorted(ended) == ["async", "plain", "template"]
        ended.clear()
        visitor = Visitor(Response(at_yield()), reads=False)
        await turns()
        visitor.task.cancel()  # the server gives up
        with pytest.raises(asyncio.CancelledError):
            await visitor.task
        assert ended == ["at yield"]

    run(test)


def test_a_template_cannot_swallow_that_it_was_cancelled(make: Make) -> None:
    async def test() -> None:
        tried: list[str] = []

        def swallows(await_: Any) -> str:
            while True:
                try:
                    await_(asyncio.sleep(3600))
                except:  # noqa: E722
                    tried.append("")
                    if len(tried) > 50:
                        return "!"

        for cancel in (lambda visitor: visitor.leave(), lambda visitor: visitor.task.cancel()):
            tried.clear()
            visitor = Visitor(make("a${swallows(await_)}b${await_(sleep(0))}c", swallows=swallows, sleep=asyncio.sleep))
            await turns()
            cancel(visitor)
            with contextlib.suppress(asyncio.CancelledError):
                await visitor.task
            assert len(tried) == 51
            assert (visitor.body, visitor.ended) == (b"a", False)

    run(test)


def test_a_template_that_never_gives_up_is_left_behind(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        def stubborn(await_: Any) -> str:
            while True:
                with contextlib.suppress(BaseException):
                    await_(asyncio.sleep(3600))

        visitor = Visitor(make("a${stubborn(await_)}", stubborn=stubborn))
        await turns()
        visitor.leave()
        await visitor.task

    with caplog.at_level(logging.ERROR, "ondemand"):
        run(test)
    assert "cannot be stopped" in caplog.text


def test_a_send_that_fails_ends_the_page(make: Make) -> None:
    async def test() -> None:
        ended: list[str] = []

        def guarded(await_: Any) -> None:
            try:
                await_(asyncio.sleep(0.001))
                await_(asyncio.sleep(3600))
            finally:
                ended.append("template")

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                raise OSError("the connection is gone")

        async def receive() -> Any:
            await asyncio.sleep(3600)

        with pytest.raises(OSError, match="gone"):
            await make("a${guarded(await_)}", guarded=guarded)(make_scope("/"), receive, send)
        assert ended == ["template"]

    run(test)


def test_a_body_that_is_uploaded_stays_readable_while_the_answer_streams() -> None:
    app = FastAPI()

    @app.post("/")
    async def echo() -> Any:
        page = Page.of(None)

        async def chunks() -> AsyncIterator[bytes]:
            yield b"begin "
            await asyncio.sleep(0.01)
            async for chunk in page.request.stream():
                yield chunk

        return Response(chunks())

    assert ask(OnDemand(app, snapshots=False), "/", method="POST", body=b"uploaded").body == b"begin uploaded"


# -------------------------------------------------------------------------------------------------------------- bounds


@pytest.mark.parametrize("kind", ["template", "async", "plain"])
def test_a_large_body_is_held_back_by_its_reader(make: Make, kind: str) -> None:
    size, row = 40, "x" * 1023 + "\n"
    count = size * 1024

    async def each() -> AsyncIterator[str]:
        for _ in range(count):
            yield row

    async def test() -> None:
        total = 0

        async def send(message: Any) -> None:
            nonlocal total
            total += len(message.get("body", b""))
            if total % (1 << 20) < CHUNK:
                await asyncio.sleep(0)

        async def receive() -> Any:
            await asyncio.sleep(3600)

        response: Any = {
            "template": lambda: make("% for _ in range(count):\n${row | n}\\\n% endfor", count=count, row=row),
            "async": lambda: Response(each()),
            "plain": lambda: Response(row for _ in range(count)),
        }[kind]()
        tracemalloc.start()
        try:
            await response(make_scope("/"), receive, send)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert total == size << 20
        assert peak < 3 << 20

    run(test)


def test_a_plain_iterator_does_not_hold_up_the_loop_and_keeps_its_context() -> None:
    variable = contextvars.ContextVar("variable", default="unset")

    def blocks() -> Iterator[str]:
        for _ in range(3):
            time.sleep(0.05)
            yield f"{variable.get()} {threading.current_thread() is threading.main_thread()};"
            variable.set("inner")

    async def test() -> None:
        variable.set("outer")
        visitor = Visitor(Response(blocks()))
        ticks = 0
        while not visitor.task.done():
            await asyncio.sleep(0.005)
            ticks += 1
        assert ticks > 10
        assert visitor.body == b"outer False;inner False;inner False;"
        assert len([chunk for chunk in visitor.chunks if chunk]) == 3
        assert variable.get() == "outer"

    run(test)


# ----------------------------------------------------------------------------------------------------------- frameworks


@pytest.mark.parametrize("between", ["nothing", "base", "gzip", "both"])
def test_below_the_middleware_of_starlette(make: Make, wrap: Wrap, between: str) -> None:
    app = FastAPI()
    done: list[str] = []

    @app.get("/")
    async def home() -> Any:
        async def later() -> str:
            await asyncio.sleep(0.001)
            return Page.of(None).url.pathname

        response = make("a ${page.url.pathname} ${await_(later)}" + "b" * 3000, page=Page.of(None), later=later())
        response.background = BackgroundTask(done.append, "background")
        return response

    if between in {"base", "both"}:

        async def dispatch(request: Any, call_next: Any) -> Any:
            answer = await call_next(request)
            answer.headers["x-base"] = "1"
            return answer

        app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)
    if between in {"gzip", "both"}:
        app.add_middleware(GZipMiddleware, minimum_size=1)
    wrapped = wrap(app, snapshots=False)
    assert ask(wrapped, "/").body == b"a / /" + b"b" * 3000
    if between in {"gzip", "both"}:
        assert ask(wrapped, "/", headers={"accept-encoding": "gzip"}).header("content-encoding") == "gzip"
    assert done[0] == "background"


def test_leaving_below_base_http_middleware(make: Make, wrap: Wrap) -> None:
    app = FastAPI()
    ended: list[str] = []

    @app.get("/")
    async def home() -> Any:
        async def never() -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append("never")

        return make("a${await_(never)}", never=never())

    async def dispatch(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)

    async def test() -> None:
        visitor = Visitor(wrap(app, snapshots=False))
        while visitor.body != b"a":
            await asyncio.sleep(0)
        visitor.leave()
        await visitor.task
        assert ended == ["never"]

    run(test)


def test_iterators_too_see_the_page(wrap: Wrap) -> None:
    app = FastAPI()

    @app.get("/async")
    async def streams() -> Any:
        async def chunks() -> AsyncIterator[str]:
            await asyncio.sleep(0)
            yield Page.of(None).url.pathname

        return Response(chunks())

    @app.get("/plain")
    async def plain() -> Any:
        return Response(Page.of(None).url.pathname for _ in range(1))

    wrapped = wrap(app, snapshots=False)
    assert [ask(wrapped, path).text for path in ("/async", "/plain")] == ["/async", "/plain"]


GREENLESS = """
import asyncio, sys
sys.modules["greenlet"] = None
from pathlib import Path
from ondemand import Page
from ondemand.errors import AwaitError
from ondemand.rendering import render
from ondemand.templates import Templates
templates = Templates([Path(sys.argv[1])])
async def quick(): return "quick"
async def run(response):
    out = b""
    async def send(message):
        nonlocal out
        out += message.get("body", b"")
    async def receive(): await asyncio.sleep(3600)
    await response({"type": "http", "method": "GET", "path": "/"}, receive, send)
    return out
page = Page.for_test()
print(asyncio.run(run(render(templates.get("t.mako"), page, {"q": quick}))))
try:
    asyncio.run(run(render(templates.get("w.mako"), page, {"sleep": asyncio.sleep})))
except AwaitError as error:
    print(error)
"""


def test_without_greenlets_templates_render_and_a_wait_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "t.mako").write_text("t ${await_(q())} ${flush()}")
    (tmp_path / "w.mako").write_text("w ${await_(sleep(1))}")
    command = [sys.executable, "-X", "dev", "-c", GREENLESS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert said[0] == "b't quick '"
    assert "pip install greenlet" in said[1]


# ----------------------------------------------------------------------------------------------------- what reviews found


@pytest.mark.parametrize("text", ["${await_(x) or ''}${1 / 0}", "<% await_(x)\nraise Redirect('/y') %>"])
def test_head_is_what_get_is_until_the_first_byte(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.mako").write_text(
        "<%!\nimport asyncio\nfrom ondemand import Redirect\nprerender = False\n"
        "async def frontmatter(page): return {'x': asyncio.sleep(0.001)}\n%>" + text
    )
    app = OnDemand(pages=tmp_path)
    get, head = ask(app, "/t"), ask(app, "/t", method="HEAD")
    assert (head.status, head.header("location")) == (get.status, get.header("location"))
    assert head.body == b""


def test_a_task_that_others_wait_for_is_not_cancelled(make: Make, engine: str) -> None:
    async def test() -> None:
        shared = asyncio.ensure_future(asyncio.sleep(3600, "x"))
        unused = Visitor(make("a", engine=engine, shared=shared))
        await unused.task
        leaves = Visitor(make("a${await_(shared)}", engine=engine, shared=shared))
        await asyncio.sleep(0.01)
        leaves.leave()
        await leaves.task
        assert not shared.cancelled()
        assert not shared.done()
        shared.cancel()

    run(test)


def test_awaitables_of_any_kind_start_together(make: Make, engine: str) -> None:
    started: list[str] = []

    class Query:
        def __init__(self, name: str) -> None:
            self.name = name

        def __await__(self) -> Any:
            started.append(self.name)
            yield from asyncio.sleep(0).__await__()
            return self.name

    async def test() -> None:
        visitor = Visitor(make("${await_(a)}${await_(b)}", engine=engine, a=Query("a"), b=Query("b")))
        await visitor.task
        assert visitor.body == b"ab"
        assert started == ["a", "b"]

    run(test)


def test_greenlets_do_not_pile_up(make: Make, engine: str) -> None:
    if engine != "mako":
        return
    from greenlet import greenlet

    def count() -> int:
        gc.collect()
        return sum(
            issubclass(type(one), greenlet) for one in gc.get_objects()
        )  # lazy objects answer `isinstance` themselves

    async def wave() -> None:
        visitors = [Visitor(make("${await_(x)}", engine=engine, x=asyncio.sleep(0.01, "x"))) for _ in range(200)]
        for visitor in visitors:
            await visitor.task

    run(wave)
    before = count()
    run(wave)
    run(wave)
    assert count() <= max(before, 70)


def test_what_a_plain_generator_gave_is_on_the_wire_while_it_takes_its_time() -> None:
    going = threading.Event()

    def chunks() -> Iterator[str]:
        yield "one"
        assert going.wait(10)
        yield "two"

    async def test() -> None:
        visitor = Visitor(Response(chunks()))
        while b"one" not in visitor.body:
            await asyncio.sleep(0.005)
        assert visitor.body == b"one"
        going.set()
        await visitor.task
        assert visitor.body == b"onetwo"

    run(test)


def test_a_plain_generator_of_what_is_no_text_is_told_so() -> None:
    async def test() -> None:
        visitor = Visitor(Response(iter([1])))  # type: ignore[list-item]
        with pytest.raises(TypeError, match="A body is made of text and bytes, not of int"):
            await visitor.task

    run(test)


def test_a_redirect_after_the_first_byte_is_too_late(make: Make, engine: str, tmp_path: Path) -> None:
    raised: list[BaseException] = []
    pages = Pages()

    @pages.page("/", prerender=False)
    async def home(page: Any) -> Any:
        yield "x"
        await asyncio.sleep(0)
        try:
            page.redirect("/y")
        except ResponseStarted as error:
            raised.append(error)
        raise Redirect("/y")

    with pytest.raises(ResponseStarted, match="Redirect"):
        ask(OnDemand(pages=pages), "/")
    assert len(raised) == 1


def test_a_body_that_nobody_reads_does_not_hide_that_the_visitor_left() -> None:
    pages = Pages()

    async def test() -> None:
        over = asyncio.Event()

        @pages.page("/", prerender=False)
        async def endless(page: Any) -> Any:
            try:
                while True:
                    yield "x"
                    await asyncio.sleep(0.001)
            finally:
                over.set()

        messages = [{"type": "http.request", "body": b"x" * 50_000, "more_body": True} for _ in range(6)]
        messages.append({"type": "http.disconnect"})
        started = asyncio.Event()

        async def receive() -> Any:
            await started.wait()
            return messages.pop(0) if messages else await asyncio.get_running_loop().create_future()

        async def send(message: Any) -> None:
            started.set()

        headers = {"content-type": "application/json", "origin": "http://testserver"}
        await asyncio.wait_for(
            OnDemand(pages=pages)(make_scope("/", method="POST", headers=headers), receive, send), 10
        )
        assert over.is_set()

    run(test)


@pytest.mark.parametrize(
    "use", ["${v}", "${v['a']}", "${v.title}", "% for x in v:\n${x}\n% endfor", "% if v:\nx\n% endif"]
)
def test_whoever_takes_an_awaitable_for_its_result_is_told(use: str, tmp_path: Path) -> None:
    from ondemand.frames import describe

    (tmp_path / "t.mako").write_text(f"a\n{use}\n")
    template = Templates([tmp_path]).get("t.mako")

    async def test() -> None:
        visitor = Visitor(render(template, Page.for_test("/"), {"v": asyncio.sleep(0, {"a": 1})}))
        with pytest.raises(AwaitError) as told:
            await visitor.task
        assert "The template uses v, which has to be awaited: write await_(v)" in describe(told.value)

    run(test)


def test_what_a_template_was_given_can_be_awaited_together(make: Make, engine: str) -> None:
    async def both(*given: Any) -> str:
        return "".join(await asyncio.gather(*given))

    async def test() -> None:
        a, b = asyncio.sleep(0.001, "a"), asyncio.sleep(0.001, "b")
        visitor = Visitor(make("${await_(both(a, b))}", engine=engine, both=both, a=a, b=b))
        await visitor.task
        assert visitor.body == b"ab"

    run(test)
