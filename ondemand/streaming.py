"""Streaming: what makes a body bit by bit, and how it goes out.

A body is made by a `Work`: it runs until it must wait, and says for what, as a coroutine does. `stream` runs it within the task
of the request, sends what is ready whenever it waits, and unwinds it whatever happens: no task of its own, no async generator.
An iterator is work, an `Iteration`; templates are in `awaiting`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterable, Callable, Coroutine, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from types import coroutine
from typing import Any, cast

from ondemand._asgi import Headers, Message, Receive, Scope, Send
from ondemand.errors import AwaitError
from ondemand.routing import to_url

__all__ = [
    "CHUNK",
    "ENDED",
    "READY",
    "STUBBORN",
    "STUCK",
    "TURN",
    "Iteration",
    "Work",
    "begin",
    "close_coroutine",
    "discard",
    "render_now",
    "steps_of",
    "stream",
    "threads",
]

log = logging.getLogger("ondemand")

CHUNK = 16 * 1024
"""Characters or bytes that are gathered before they are sent, unless the body waits."""

READY: Any = object()
"""What work gives when nothing is waited for but what is ready shall go out."""

TURN: Any = object()
"""What work gives when the event loop shall run once, before it is clear whether there is something to wait for."""

STUCK: Any = object()
"""What a template gives that was stopped and goes on catching it."""

START: Any = object()
"""It has not begun."""

ENDED: Any = object()
"""There is no more."""

BATCH = 0.01
"""Seconds that a plain iterator runs in its thread before what it gave is sent."""

CLEANUP = 5.0
"""Seconds that work which was stopped may wait for things in its `finally` blocks."""

STUBBORN = 100
"""How often a template may swallow that it was stopped."""


class Work:
    """What makes a body. `run` and `throw` run it until it waits: they give a future (or None) for the event loop, READY or
    TURN, and raise `StopIteration` at the end."""

    def run(self, value: Any) -> Any:
        raise NotImplementedError

    def throw(self, error: BaseException) -> Any:
        raise NotImplementedError

    def take(self) -> bytes:
        """What is ready; it is forgotten here."""
        raise NotImplementedError

    def start(self) -> None:
        """Begin what runs beside it. An event loop is running."""

    def stop(self) -> None:
        """From here on nothing is waited for: the work is unwound."""

    def tasks(self) -> list[asyncio.Task[Any]]:
        """What runs beside it, and ends with it."""
        return []

    def abandon(self) -> None:
        """It is over: nothing of it may be left."""


# ----------------------------------------------------------------------------------------------------------- iterators


class Iteration(Work):
    """A body from an iterator or async iterator of text and bytes."""

    def __init__(
        self, chunks: Iterable[str | bytes] | AsyncIterable[str | bytes], *, limit: int | None = CHUNK
    ) -> None:
        """limit: see `CHUNK`; None for any."""
        self._parts: list[bytes] = []
        self._size = 0
        self._limit = limit if limit is not None else sys.maxsize
        self._flush = False
        self._steps = self._pull(chunks) if isinstance(chunks, AsyncIterable) else self._batches(iter(chunks))

    def run(self, value: Any) -> Any:
        return self._steps.send(value)

    def throw(self, error: BaseException) -> Any:
        return self._steps.throw(error)

    def take(self) -> bytes:
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return data

    def flush(self) -> str:
        """What comes next goes out at once. Gives "", as that of templates does."""
        self._flush = self._limit < sys.maxsize
        return ""

    def _add(self, chunk: Any) -> bool:
        """True if what is ready shall go out."""
        if chunk.__class__ is str:  # nearly always, and a look at the class costs a tenth
            data = chunk.encode("utf-8", "replace")
        elif isinstance(chunk, bytes | bytearray | memoryview):
            data = bytes(cast("bytes", chunk))
        elif isinstance(chunk, str):
            data = chunk.encode("utf-8", "replace")
        elif (html := getattr(chunk, "__html__", None)) is not None:
            data = str(html()).encode("utf-8", "replace")
        else:
            raise TypeError(f"A body is made of text and bytes, not of {type(chunk).__name__}.")
        if data:
            self._parts.append(data)
            self._size += len(data)
        flush, self._flush = self._flush, False
        return flush or self._size >= self._limit

    def _pull(self, chunks: AsyncIterable[str | bytes]) -> Generator[Any, Any, None]:
        each = aiter(chunks)
        following: Callable[[], Any] = each.__anext__
        try:
            while True:
                try:
                    steps: Generator[Any, Any, Any] = following().__await__()
                    chunk: Any = yield from steps
                except StopAsyncIteration:
                    return
                if self._add(chunk):
                    yield READY
        finally:
            if (close := getattr(each, "aclose", None)) is not None:
                yield from steps_of(close())

    def _batches(self, each: Iterator[str | bytes]) -> Generator[Any, Any, None]:
        """It runs in a worker thread, a while at a time, for it may block."""
        context, loop = copy_context(), asyncio.get_running_loop()
        chunks: deque[Any] = deque()
        stopped = hungry = False
        busy = threading.Lock()
        turn: asyncio.Future[None] = loop.create_future()

        def wake(_: Any = None) -> None:
            if not turn.done():
                turn.set_result(None)

        def batch() -> bool:
            """True at the end."""
            nonlocal hungry
            until, size = time.monotonic() + BATCH, 0
            with busy:
                for chunk in cast("Iterator[Any]", each):
                    chunks.append(chunk)
                    size += len(chunk) if isinstance(chunk, str | bytes) else 1
                    if hungry:
                        hungry = False
                        loop.call_soon_threadsafe(wake)
                    if stopped or size >= CHUNK or time.monotonic() >= until:
                        return False
            return True

        def close() -> None:
            with busy:
                if (end := getattr(each, "close", None)) is not None:
                    end()

        running: asyncio.Future[bool] | None = None
        try:
            ended = False
            while not ended:
                running = loop.run_in_executor(threads(), context.run, batch)
                running.add_done_callback(wake)
                timer = loop.call_later(BATCH, wake)
                try:
                    while True:
                        yield from steps_of(turn)
                        turn = loop.create_future()
                        if running.done():
                            break
                        hungry = not chunks  # what is there goes out while the iterator takes its time
                        while chunks:
                            if self._add(chunks.popleft()):
                                yield READY
                        if not hungry:
                            timer = loop.call_later(BATCH, wake)
                finally:
                    timer.cancel()
                ended = running.result()
                while chunks:
                    if self._add(chunks.popleft()):
                        yield READY
        finally:
            stopped = True
            if running is None or (running.done() and not running.cancelled()):
                yield from steps_of(loop.run_in_executor(threads(), context.copy().run, close))
            elif hasattr(each, "close"):  # its thread runs on until the iterator gives something
                running.add_done_callback(lambda _: loop.run_in_executor(threads(), close).add_done_callback(_forget))


@functools.cache
def threads() -> ThreadPoolExecutor:
    """Where plain functions and iterators run: as many at once as in Starlette, and not in the threads that the event loop needs
    for itself (host names)."""
    return ThreadPoolExecutor(40, thread_name_prefix="ondemand")


def _forget(future: asyncio.Future[Any]) -> None:
    if not future.cancelled():
        future.exception()


def steps_of(awaitable: Any) -> Generator[Any, Any, Any]:
    """What awaiting it does, step by step. Raises `TypeError` for what is no awaitable."""
    if hasattr(awaitable, "__await__"):
        return (yield from cast("Generator[Any, Any, Any]", awaitable.__await__()))
    if inspect.isawaitable(awaitable):  # a generator that types.coroutine made one
        return (yield from cast("Generator[Any, Any, Any]", awaitable))
    raise TypeError(f"await_ was given {type(awaitable).__name__}, and there is nothing to wait for.")


def close_coroutine(value: Any) -> None:
    if hasattr(value, "__await__") and isinstance(value, Coroutine):
        with contextlib.suppress(BaseException):
            cast("Coroutine[Any, Any, Any]", value).close()


class Begun(Work):
    """Work that was run before it is sent, up to where it waits for the first time: see `begin`."""

    def __init__(self, work: Work, first: Any) -> None:
        self._work = work
        self._first = first

    def run(self, value: Any) -> Any:
        first, self._first = self._first, TURN
        if first is ENDED:
            raise StopIteration
        return self._work.run(value) if first is TURN else first

    def throw(self, error: BaseException) -> Any:
        if self._first is ENDED:
            raise error
        self._first = TURN
        return self._work.throw(error)

    def take(self) -> bytes:
        return self._work.take()

    def stop(self) -> None:
        self._work.stop()

    def tasks(self) -> list[asyncio.Task[Any]]:
        return self._work.tasks()

    def abandon(self) -> None:
        self._work.abandon()


# ------------------------------------------------------------------------------------------------------------- driving


async def begin(work: Work) -> Work:
    """Run `work` up to where it waits for the first time, or has made a chunk, in the task that will send it. What it raises
    until then is raised here. Either it is sent, or `discard` ends it."""
    work.start()
    try:
        while (first := work.run(None)) is TURN:  # noqa: ASYNC110 - one turn of the event loop is what it asks for
            await asyncio.sleep(0)
    except StopIteration:
        first = ENDED
    except BaseException:
        work.abandon()
        raise
    if first is not ENDED and first is not READY and first is not None:
        first._asyncio_future_blocking = False  # others may wait for it in the meantime
    return Begun(work, first)


async def discard(work: Work) -> None:
    """End `work` that was begun and is not sent."""
    task = asyncio.current_task()
    assert task is not None
    answer = _Answer(work, task, 200, [], _unsent, head=False, whole=True)
    try:
        await answer.end("A body that is not sent")
    finally:
        work.abandon()


async def _unsent(message: Message) -> None:
    """Nobody is there."""


def render_now(work: Work) -> bytes:
    """All that `work` makes, without an event loop. Raises `AwaitError` if it has to wait."""
    parts: list[bytes] = []
    try:
        while True:
            waiting = work.run(None)
            parts.append(work.take())
            if waiting is not READY and waiting is not TURN:
                raise AwaitError(
                    "This body waits for something, so it is there only when it is sent: "
                    "await response(scope, receive, send)."
                )
    except StopIteration:
        return b"".join((*parts, work.take()))
    finally:
        work.abandon()


async def stream(
    work: Work,
    *,
    status: int,
    headers: Headers,
    scope: Scope,
    receive: Receive,
    send: Send,
    page: Any = None,
    whole: bool = False,
) -> None:
    """Send what `work` makes.

    page: the `Page`, or None; its name is in the log, and it knows when the visitor leaves. whole: send nothing before the end.
    Raises what `work` raises: if bytes are out by then, it was logged, and the server must cut the connection.
    When the visitor leaves, the work is cancelled and nothing is raised.
    """
    waiting = START
    work.start()
    if not work.tasks():
        try:
            waiting = work.run(None)
        except StopIteration:  # it did not wait for anything
            data = work.take()
            work.abandon()
            await send({"type": "http.response.start", "status": status, "headers": _with_length(headers, data)})
            await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else data})
            return
        except BaseException:
            work.abandon()
            raise
    task = asyncio.current_task()
    assert task is not None
    answer = _Answer(work, task, status, headers, send, head=scope.get("method") == "HEAD", whole=whole)
    answer.watch = functools.partial(
        answer.wait_for_end, page if scope.get("method") not in {"GET", "HEAD"} else None, receive
    )
    cancels = task.cancelling()
    try:
        await answer.drive(waiting)
    except asyncio.CancelledError:
        if not answer.gone:
            raise
    except Exception:
        if answer.started and not answer.gone:
            log.exception("%s failed after its first byte; the connection is cut", _name(page, scope))
        raise
    finally:
        try:
            await answer.end(_name(page, scope) if not answer.finished else "")
        finally:
            work.abandon()
    if answer.gone and task.uncancel() > cancels:
        raise asyncio.CancelledError


def _with_length(headers: Headers, data: bytes) -> Headers:
    if any(name.lower() == b"content-length" for name, _ in headers):
        return [*headers]
    return [*headers, (b"content-length", str(len(data)).encode())]


def _name(page: Any, scope: Scope) -> str:
    route = None
    with contextlib.suppress(Exception):
        route = page.route_pattern if page is not None else None
    return str(route or to_url(scope.get("path") or "") or "A page")


class _Answer:
    """One answer on its way out."""

    watch: Callable[[], Coroutine[Any, Any, None]]

    def __init__(
        self,
        work: Work,
        task: asyncio.Task[Any],
        status: int,
        headers: Headers,
        send: Send,
        *,
        head: bool,
        whole: bool,
    ) -> None:
        self.started = False  # the first byte is out
        self.finished = False  # the work has come to its end
        self.gone = False  # the visitor has left, and the task was cancelled for it
        self._work = work
        self._task = task
        self._status = status
        self._headers = headers
        self._send = send
        self._head = head
        self._whole = whole
        self._over = False
        self._watcher: asyncio.Task[None] | None = None
        self._cleaning: Any = READY  # what the work waits for after it was cancelled

    @coroutine
    def drive(self, waiting: Any) -> Generator[Any, Any, None]:
        """Run the work to its end, and send. waiting: what it waits for; START if it has not begun."""
        work, complete = self._work, True
        if waiting is START:
            waiting = self._step(work.run, None)
        while waiting is not ENDED:
            if self.gone:
                self._cleaning = waiting
                return
            if waiting is STUCK:
                raise asyncio.CancelledError
            if waiting is TURN:
                waiting = None  # an event loop that is given nothing runs once
            else:
                if not self._whole and (data := work.take()):
                    if self._head:  # here GET would send its first byte
                        complete = False
                        break
                    if waiting is not None and waiting is not READY:
                        waiting._asyncio_future_blocking = False  # others may wait for it in the meantime
                    sending = self._go(data, more=True)
                    if (held := _next(sending)) is not ENDED:
                        waiting = yield from self._deliver(sending, held, waiting)
                        continue
                if waiting is READY:
                    waiting = self._step(work.run, None)
                    continue
                if self._watcher is None:
                    self._watcher = asyncio.ensure_future(self.watch())
            waiting = yield from self._wait(waiting)
        data = work.take()
        if complete and not self.started:
            self._headers = _with_length(self._headers, data)
        self._over = True
        yield from steps_of(self._go(b"" if self._head else data, more=False))

    def _step(self, ask: Callable[[Any], Any], value: Any) -> Any:
        """Run the work until it waits."""
        try:
            return ask(value)
        except StopIteration:
            self.finished = True
            return ENDED
        except BaseException:
            self.finished = True
            raise

    def _wait(self, waiting: Any) -> Generator[Any, Any, Any]:
        """Let the event loop wait for it, and run the work on."""
        if waiting is not None:
            waiting._asyncio_future_blocking = True  # as `await` leaves it for the event loop
        try:
            value = yield waiting
        except BaseException as error:
            return self._step(self._work.throw, error)
        return self._step(self._work.run, value)

    def _deliver(self, sending: Coroutine[Any, Any, None], held: Any, waiting: Any) -> Generator[Any, Any, Any]:
        """Go on sending, which waits for `held`, while the work waits for `waiting`; give what the work waits for then.

        A cancel that comes meanwhile goes to the work and not to `send`: it may be that of a time limit inside the template,
        and a message of which nobody knows whether it is out would spoil the answer.
        """
        while held is not ENDED:
            outer, release = _shielded(held)
            try:
                yield outer
            except BaseException as error:
                release()
                try:
                    if waiting is ENDED or self.gone:
                        raise
                    waiting = self._step(self._work.throw, error)
                except BaseException as final:
                    with contextlib.suppress(BaseException):
                        sending.throw(final)
                    with contextlib.suppress(BaseException):
                        sending.close()
                    raise
            else:
                held = _next(sending)
        return waiting

    async def _go(self, data: bytes, *, more: bool) -> None:
        if not self.started:
            self.started = True
            await self._send({"type": "http.response.start", "status": self._status, "headers": [*self._headers]})
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def wait_for_end(self, page: Any, receive: Receive) -> None:
        """Cancel the answer when the visitor leaves."""
        if page is not None:
            await page.visitor_leaves()  # which leaves the body to whoever reads it
        else:
            while (await receive())["type"] != "http.disconnect":
                pass
        if not self._over:
            self.gone = True
            self._task.cancel()

    async def end(self, name: str) -> None:
        """Unwind what has not come to its end, and leave no task behind."""
        self._over = True
        if not self.finished:
            self._work.stop()
            try:
                await self._unwind()
            except asyncio.CancelledError:
                pass
            except Exception:
                log.exception("%s failed while it was stopped", name)
        tasks = self._work.tasks()
        if self._watcher is not None:
            tasks.append(self._watcher)
        if not tasks:
            return
        for one in tasks:
            one.cancel()
        if open_tasks := [one for one in tasks if not one.done()]:
            await asyncio.wait(open_tasks, timeout=CLEANUP)
        for one in tasks:
            if one.done():
                _forget(one)

    @coroutine
    def _unwind(self) -> Generator[Any, Any, None]:
        loop = asyncio.get_running_loop()
        until = loop.time() + CLEANUP
        waiting = self._cleaning
        if waiting is READY:
            waiting = self._step(self._work.throw, asyncio.CancelledError())
        for _ in range(STUBBORN):
            self._work.take()
            if waiting is ENDED or waiting is STUCK:
                return
            if waiting is READY or waiting is TURN:
                waiting = self._step(self._work.throw, asyncio.CancelledError())
                continue
            limit = loop.call_at(until, waiting.cancel) if waiting is not None else None
            waiting = yield from self._wait(waiting)
            if limit is not None:
                limit.cancel()


def _next(sending: Coroutine[Any, Any, None]) -> Any:
    try:
        return sending.send(None)
    except StopIteration:
        return ENDED


def _shielded(held: Any) -> tuple[Any, Callable[[], object]]:
    """A future to wait for in the place of `held`, whose cancelling leaves that alone; and what parts the two."""
    if held is None:
        return None, lambda: None
    held._asyncio_future_blocking = False
    outer: Any = asyncio.get_running_loop().create_future()

    def wake(_: Any) -> None:
        if not outer.done():
            outer.set_result(None)

    held.add_done_callback(wake)
    outer._asyncio_future_blocking = True
    return outer, lambda: held.remove_done_callback(wake)
