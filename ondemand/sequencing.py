"""on_request: middleware in front of pages, and of the wrapped app where asked (Astro: onRequest, sequence)."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Protocol

from ondemand._asgi import ASGIApp, Headers, Message, Receive, Scope, Send
from ondemand.errors import AnswerError, ConfigError
from ondemand.frames import place
from ondemand.responses import Response

if TYPE_CHECKING:
    from ondemand.exchange import Exchange

__all__ = ["Handler", "Next", "checked_handler", "run", "running", "sequence"]


class Next(Protocol):
    """What middleware calls for the response: `await next()`, or `await next("/path")` for that of another path."""

    def __call__(self, target: str | None = None, /) -> Awaitable[Response]: ...


Handler = Callable[..., Any]


def checked_handler(handler: Any) -> Any:
    """`handler`, if it can be called with a page and next. Raises `ConfigError`."""
    try:
        inspect.signature(handler).bind(None, None)
    except ValueError:  # it shows no signature
        return handler
    except TypeError:
        raise ConfigError(
            f"The middleware {place(handler)} does not take two arguments. Write `async def ...(page, next): ...`."
        ) from None
    return handler


def sequence(*handlers: Handler) -> Handler:
    """Several middlewares as one; the first is the outermost. Each is `async (page, next)`: see `Pages.on_request`.

    Raises `ConfigError` for what cannot be called.
    """
    for handler in handlers:
        checked_handler(handler)

    async def in_sequence(page: Exchange, next: Next) -> Any:  # noqa: A002 - Astro's name
        return await run(handlers, page, next)

    return in_sequence


async def run(handlers: Sequence[Handler], page: Exchange, last: Callable[[], Awaitable[Any]]) -> Any:
    """The response that `handlers` make of what `last()` gives.

    Raises `AnswerError` for one that returns nothing and never asked for the next, or something else than a response.
    """
    if not handlers:
        return await last()
    handler, given = handlers[0], None

    async def following(target: str | None = None) -> Any:
        nonlocal given
        if target is not None:
            page.turn_to(target)
        given = await run(handlers[1:], page, last)
        return given

    response = handler(page, following)
    if inspect.isawaitable(response):
        response = await response
    if response is None:
        response = given
    if response is None or not callable(response):
        name = place(handler)
        what = "returned nothing and never called next" if response is None else f"returned {type(response).__name__}"
        raise AnswerError(f"The middleware {name} {what}. Return what `await next()` gives, or a Response.")
    return response


class _Passed(Response):
    """What an ASGI app answers, as a response that middleware can look at before it is sent. The app runs until it has
    begun to answer; the rest of its answer is fetched while it is sent."""

    is_final = False

    def __init__(
        self, before: list[Message], start: Message, messages: asyncio.Queue[Message], task: asyncio.Task[None]
    ) -> None:
        """before: what the app sent before the start of its answer (early hints, pushes, what test clients look at)."""
        super().__init__(b"")
        self._before = before
        self._read: bytes | None = None
        self.status_code = start["status"]
        self._start = start
        self._messages = messages
        self._task = task
        self.raw_headers: Headers = [(bytes(name).lower(), bytes(value)) for name, value in start.get("headers", ())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for message in self._before:
            await send(message)
        await send({**self._start, "status": self.status_code, "headers": [*self.raw_headers]})
        if self._read is not None:
            await send({"type": "http.response.body", "body": self._read})
            return
        while (message := await _message(self._messages, self._task)) is not None:
            await send(message)
        await self._task

    async def read(self) -> bytes:
        """The rest of what the app answers."""
        if self._read is None:
            parts: list[bytes] = []
            while (message := await _message(self._messages, self._task)) is not None:
                parts.append(message.get("body", b""))
            self._read = b"".join(parts)
        return self._read


async def running(app: ASGIApp, scope: Scope, receive: Receive, stack: AsyncExitStack) -> Response:
    """Run `app` until it begins to answer. stack: when it is closed, an app that is not done is cancelled.

    Raises what the app raises before it answers.
    """
    messages: asyncio.Queue[Message] = asyncio.Queue()

    async def put(message: Message) -> None:
        await messages.put(message)
        await messages.join()  # until it is taken: the server's pace is the app's

    offered: dict[str, Any] = scope.get("extensions") or {}
    extensions = {k: v for k, v in offered.items() if "pathsend" not in k and "zerocopy" not in k}
    task = asyncio.ensure_future(_finish(app({**scope, "extensions": extensions}, receive, put)))

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)
    before: list[Message] = []
    while (start := await _message(messages, task)) is not None and start["type"] != "http.response.start":
        before.append(start)
    if start is None:
        raise AnswerError("The app returned without an answer.")
    return _Passed(before, start, messages, task)


async def _message(messages: asyncio.Queue[Message], task: asyncio.Task[None]) -> Message | None:
    """The next message of the app that `task` runs, or None when it has returned. Raises what the app raised."""
    arrival = asyncio.ensure_future(messages.get())
    try:
        await asyncio.wait({arrival, task}, return_when=asyncio.FIRST_COMPLETED)
        if arrival.done():
            messages.task_done()
            return arrival.result()
    finally:
        arrival.cancel()
    task.result()
    return None


async def _finish(answered: Awaitable[None]) -> None:
    await answered
