"""on_request: middleware in front of pages, and of the wrapped app where asked (Astro: onRequest, sequence)."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from ondemand._asgi import ASGIApp, Headers, Message, Receive, Scope, Send
from ondemand.errors import AnswerError, ConfigError
from ondemand.responses import Response

if TYPE_CHECKING:
    from ondemand.exchange import Exchange

__all__ = ["Handler", "run", "running", "sequence"]

Next = Callable[..., Awaitable[Any]]
Handler = Callable[..., Any]


def sequence(*handlers: Handler) -> Handler:
    """Several middlewares as one; the first is the outermost. Each is `async (page, next)`: see `Pages.on_request`.

    Raises `ConfigError` for what cannot be called.
    """
    for handler in handlers:
        if not callable(handler):
            raise ConfigError(f"sequence() was given {handler!r}. It takes async functions of page and next.")

    async def in_sequence(page: Exchange, next: Next) -> Any:  # noqa: A002 - Astro's name
        return await run(handlers, page, next)

    return in_sequence


async def run(handlers: Sequence[Handler], page: Exchange, last: Next) -> Any:
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
        name = getattr(handler, "__qualname__", repr(handler))
        what = "returned nothing and never called next" if response is None else f"returned {type(response).__name__}"
        raise AnswerError(f"The middleware {name} {what}. Return what `await next()` gives, or a Response.")
    return response


class _Passed(Response):
    """What an ASGI app answers, as a response that middleware can look at before it is sent. The app runs until it has
    begun to answer; the rest of its answer is fetched while it is sent."""

    is_final = False

    def __init__(self, start: Message, messages: asyncio.Queue[Message], task: asyncio.Task[None]) -> None:
        super().__init__(b"")
        self.status_code = start["status"]
        self._start = start
        self._messages = messages
        self._task = task
        self.raw_headers: Headers = [(bytes(name).lower(), bytes(value)) for name, value in start.get("headers", ())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({**self._start, "status": self.status_code, "headers": [*self.raw_headers]})
        while (message := await self._next()) is not None:
            await send(message)
        await self._task

    async def read(self) -> bytes:
        """The rest of what the app answers."""
        parts: list[bytes] = []
        while (message := await self._next()) is not None:
            parts.append(message.get("body", b""))
        return b"".join(parts)

    async def _next(self) -> Message | None:
        """The next message of the app, or None when it has returned. Raises what the app raised."""
        arrival = asyncio.ensure_future(self._messages.get())
        try:
            await asyncio.wait({arrival, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if arrival.done():
                self._messages.task_done()
                return arrival.result()
        finally:
            arrival.cancel()
        self._task.result()
        return None


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
    first = asyncio.ensure_future(messages.get())
    try:
        await asyncio.wait({first, task}, return_when=asyncio.FIRST_COMPLETED)
    except BaseException:
        first.cancel()
        raise
    if not first.done():
        first.cancel()
        task.result()
        raise AnswerError("The app returned without an answer.")
    start = first.result()
    messages.task_done()
    return _Passed(start, messages, task)


async def _finish(answered: Awaitable[None]) -> None:
    await answered
