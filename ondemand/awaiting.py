"""Templates that wait: `await_` and `flush`, in the engine that runs in a greenlet and in the one that awaits by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Generator, Mapping
from contextvars import copy_context
from typing import Any, cast

from ondemand.errors import AwaitError
from ondemand.streaming import CHUNK, ENDED, READY, STUBBORN, STUCK, TURN, Iteration, Work, close_coroutine, steps_of

__all__ = ["Generating", "Rendering", "written_unawaited"]

log = logging.getLogger("ondemand")

_stubborn: list[Any] = []
"""Greenlets that cannot be ended: freeing them would run them again."""


class _Started:
    """What a template is given for an awaitable: it can be awaited, and whoever takes it for the result is told so."""

    __slots__ = ("task",)

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.task.__await__()

    def _is_no_result(self, *_: Any) -> Any:
        raise written_unawaited(self)

    __str__ = __html__ = __bool__ = __len__ = __iter__ = __getitem__ = __contains__ = __call__ = _is_no_result

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise written_unawaited(self)


class _Template(Work):
    """A template that is being rendered with its values."""

    def __init__(self, values: Mapping[str, Any], limit: int | None) -> None:
        self.values: dict[str, Any] = {"await_": self.await_, "flush": self.flush, **values}
        self._limit = limit
        self._fresh = False  # tasks were started and have not had a turn
        self._started: list[asyncio.Task[Any]] = []

    def start(self) -> None:
        for name, value in self.values.items():
            if hasattr(value, "__await__") and not isinstance(value, asyncio.Future):
                task: asyncio.Task[Any] = asyncio.ensure_future(cast("Coroutine[Any, Any, Any]", value))
                self.values[name] = _Started(task)
                self._started.append(task)
                self._fresh = True

    def tasks(self) -> list[asyncio.Task[Any]]:
        return [*self._started]  # those that were given are somebody else's as well

    def abandon(self) -> None:
        for value in self.values.values():
            close_coroutine(value)
        self.values = {}

    def name_of(self, value: Any) -> str:
        """The name under which the template was given `value`, or ""."""
        return next((name for name, given in self.values.items() if given is value), "")

    def await_(self, awaitable: Awaitable[Any], /) -> Any:
        raise NotImplementedError

    def flush(self) -> str:
        raise NotImplementedError


class Rendering(_Template):
    """A template that is rendered by `render(self)`, which writes by `write`; in a greenlet, where there are any."""

    def __init__(
        self, render: Callable[[Rendering], None], values: Mapping[str, Any], *, limit: int | None = CHUNK
    ) -> None:
        """values: what the template is given, to which `await_` and `flush` are added. limit: see `CHUNK`; None for any."""
        super().__init__(values, limit)
        self._render = render
        self._stopped = self._over = False
        self._cancelled: asyncio.Task[Any] | None = None
        self._cancels = 0
        self._refused = 0
        self._parts: list[str] = []
        self._greenlet: Any = None  # False where there are none
        self.write, self._reset = self._writer()

    def _writer(self) -> tuple[Callable[[str], None], Callable[[], None]]:
        limit = self._limit if self._limit is not None else sys.maxsize
        append, room, full = self._parts.append, limit, self._full

        def write(text: str) -> None:
            nonlocal room
            append(text)
            room -= len(text)
            if room < 0:
                room = limit
                full()

        def reset() -> None:
            nonlocal room
            room = limit

        return write, reset

    def take(self) -> bytes:
        if not self._parts:
            return b""
        data = "".join(self._parts).encode("utf-8", "replace")
        self._parts.clear()
        self._reset()
        return data

    # --- driven from outside

    def start(self) -> None:
        task = asyncio.current_task()
        self._cancels = task.cancelling() if task is not None else 0
        super().start()

    def run(self, value: Any) -> Any:
        running = self._greenlet
        if running is None:
            running = self._greenlet = _borrow(self)
            if running is False:
                return self._at_end(_outcome(self))
        given = running.switch(value)
        return self._at_end(running) if given is ENDED else given

    def throw(self, error: BaseException) -> Any:
        if isinstance(error, asyncio.CancelledError):
            self._cancelled = asyncio.current_task()
        running = self._greenlet
        if not running:
            raise error
        given = running.throw(error)
        return self._at_end(running) if given is ENDED else given

    def _at_end(self, outcome: Any) -> Any:
        """Raise what ended the template. outcome: that, or the greenlet that knows."""
        self._greenlet = None
        error: BaseException | None = (
            outcome if outcome is None or isinstance(outcome, BaseException) else _give_back(outcome)
        )
        try:
            if error is None:
                raise StopIteration
            if isinstance(error, StopIteration):  # it would be taken for the end
                raise RuntimeError("The template raised StopIteration.") from error  # noqa: TRY004
            raise error
        finally:
            del error, outcome

    def render(self) -> None:
        """Run the template, in its greenlet."""
        self._render(self)

    def stop(self) -> None:
        self._stopped = True

    def abandon(self) -> None:
        self._stopped = self._over = True
        for _ in range(STUBBORN):
            if not self._greenlet:
                break
            with contextlib.suppress(BaseException):
                self.throw(asyncio.CancelledError())
        else:
            _stubborn.append(self._greenlet)
            log.error("A template cannot be stopped: it catches every exception. It stays in memory, half rendered.")
            return
        super().abandon()
        self.write, self._reset = _ended, _nothing  # no circle is left for the garbage collector

    # --- called by the template

    def await_(self, awaitable: Awaitable[Any], /) -> Any:
        """Wait for `awaitable` and give its result; what is ready goes out meanwhile. Raises what it raises, `AwaitError`
        in another thread or after the template was rendered, `TypeError` for what is no awaitable."""
        if not self._inside():
            close_coroutine(awaitable)
            raise AwaitError(OUTSIDE)
        if self._refuses():
            close_coroutine(awaitable)
            self._refused += 1
            if self._refused > STUBBORN and self._greenlet:
                self._greenlet.parent.switch(STUCK)
            raise asyncio.CancelledError
        if isinstance(awaitable, _Started):
            awaitable = awaitable.task
        if isinstance(awaitable, asyncio.Future):
            if awaitable not in self._started and not awaitable.done():
                awaitable = asyncio.shield(awaitable)  # a visitor who leaves cancels what is waited for
            if self._fresh and not awaitable.done():
                self._fresh = False
                self._wait(TURN)
            if awaitable.done():
                return awaitable.result()
        steps = steps_of(awaitable)
        try:
            waiting = steps.send(None)
            while True:
                try:
                    value = self._wait(waiting)
                except BaseException as error:
                    waiting = steps.throw(error)
                else:
                    waiting = steps.send(value)
        except StopIteration as end:
            return end.value

    def flush(self) -> str:
        """Send what is ready. Gives "", so that `${flush()}` writes nothing."""
        if not self._inside():
            raise AwaitError(OUTSIDE)
        if self._limit is not None and self._parts:
            self._full()
        return ""

    def _wait(self, waiting: Any) -> Any:
        if not self._greenlet:
            raise AwaitError("await_ has to wait, which takes greenlets: pip install greenlet.")
        if self._over:
            raise asyncio.CancelledError
        return self._greenlet.parent.switch(waiting)

    def _refuses(self) -> bool:
        """True if the task was cancelled: whoever caught that in the template had no right to."""
        task = self._cancelled
        if task is not None and task.cancelling() <= self._cancels:  # it was a time limit in the template
            self._cancelled = task = None
        return self._stopped or task is not None

    def _inside(self) -> bool:
        running = self._greenlet
        return running is False or (running is not None and _current() is running)

    def _full(self) -> None:
        if self._stopped:
            self._parts.clear()
        elif self._greenlet and self._inside():
            self._greenlet.parent.switch(READY)


class Generating(_Template):
    """A template whose engine gives it bit by bit, as an async generator, and awaits what it calls by itself."""

    def __init__(
        self,
        generate: Callable[[Mapping[str, Any]], AsyncIterable[str]],
        values: Mapping[str, Any],
        *,
        limit: int | None = CHUNK,
    ) -> None:
        super().__init__(values, limit)
        self._each = Iteration(self._chunks(generate), limit=limit)
        self.take = self._each.take
        self.stop = self._each.stop

    def _chunks(self, generate: Callable[[Mapping[str, Any]], AsyncIterable[str]]) -> AsyncIterable[str]:
        return _Late(lambda: generate(self.values))

    def run(self, value: Any) -> Any:
        with _as_running(self):
            return self._each.run(value)

    def throw(self, error: BaseException) -> Any:
        with _as_running(self):
            return self._each.throw(error)

    def await_(self, awaitable: Awaitable[Any], /) -> Any:
        """What the engine awaits: see `Rendering.await_`. In `await_(f())` it has awaited f() before it comes here."""
        if isinstance(awaitable, _Started):
            awaitable = awaitable.task
        elif isinstance(awaitable, asyncio.Future) and not awaitable.done():
            awaitable = asyncio.shield(awaitable)
        return _Turn(awaitable) if hasattr(awaitable, "__await__") else awaitable

    def flush(self) -> str:
        return self._each.flush()


class _Late:
    """An async iterable that is made when it is iterated."""

    def __init__(self, make: Callable[[], AsyncIterable[str]]) -> None:
        self._make = make

    def __aiter__(self) -> Any:
        return aiter(self._make())


_running = threading.local()


@contextlib.contextmanager
def _as_running(work: Work) -> Generator[None]:
    before, _running.work = getattr(_running, "work", None), work
    try:
        yield
    finally:
        _running.work = before


OUTSIDE = (
    "await_ and flush work only where the template is rendered: not in another thread or greenlet, nor when the rendering is "
    "over. Wait in page code and give the template the result."
)


def written_unawaited(value: Any) -> AwaitError:
    """The error for an awaitable that a template writes; a coroutine is closed."""
    rendering = getattr(_current(), "rendering", None) or getattr(_running, "work", None)
    name = rendering.name_of(value) if isinstance(rendering, _Template) else ""
    kind = "" if isinstance(value, _Started) else f" ({type(value).__name__})"
    close_coroutine(value)
    return AwaitError(
        f"The template uses {name or 'something'}, which has to be awaited{kind}: write await_({name or '...'}), "
        f"as in ${{await_({name or '...'})}} or {{{{ await_({name or '...'}) }}}}."
    )


def _ended(text: str) -> None:
    raise AwaitError("The template has been rendered: nothing can be written any more.")


def _nothing() -> None: ...


# Making a greenlet costs ten times what running one does: those that are done wait here, in each thread, for the next template.
_IDLE = 64
_types: list[Any] = []
_thread = threading.local()


def _borrow(rendering: Rendering) -> Any:
    """A greenlet that will run `rendering`, in a copy of the context; False where there are none."""
    if not _types:
        _types.append(_greenlet_type())
    if _types[0] is None:
        return False
    try:
        running = _thread.idle.pop()
    except (AttributeError, IndexError):
        running = _types[0](_serve)
    if running.parent is not (current := _current()):
        running.parent = current
    running.gr_context = copy_context()
    running.rendering = rendering
    return running


def _give_back(running: Any) -> BaseException | None:
    """Keep it for the next; what its template ended with."""
    error, running.outcome, running.rendering, running.gr_context = running.outcome, None, None, None
    idle: list[Any] = _thread.__dict__.setdefault("idle", [])
    if len(idle) < _IDLE:
        idle.append(running)
    else:
        running.switch()  # it ends: nothing frees one that waits
    return error


def _serve(*_: Any) -> None:
    """What a greenlet does: render, say so, be lent again."""
    own = _current()
    while own.rendering is not None:
        own.outcome = _outcome(own.rendering)
        own.parent.switch(ENDED)


def _outcome(rendering: Rendering) -> BaseException | None:
    try:
        rendering.render()
    except BaseException as error:
        return error
    return None


def _greenlet_type() -> Any:
    try:
        from greenlet import greenlet
    except ImportError:
        return None

    class _Greenlet(greenlet):
        rendering: Any = None
        outcome: Any = None

    return _Greenlet


def _current() -> Any:
    if not _types or _types[0] is None:
        return None
    return _types[0].getcurrent()


class _Turn:
    """An awaitable in a template; tasks that were just started are given a turn first."""

    def __init__(self, awaitable: Awaitable[Any]) -> None:
        self._awaitable = awaitable

    def __await__(self) -> Generator[Any, Any, Any]:
        if isinstance(self._awaitable, asyncio.Future) and not self._awaitable.done():
            yield TURN
        return (yield from steps_of(self._awaitable))
