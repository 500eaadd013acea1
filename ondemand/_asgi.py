"""ASGI: the types, one driver of the lifespan protocol, and a look through wrappers.

Source: the ASGI specification, versions 3.0 of the application interface, 2.x of HTTP and lifespan.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any, cast

from ondemand.errors import LifespanError

__all__ = ["CURRENT", "ASGIApp", "Lifespan", "Message", "Receive", "Scope", "Send", "inner_apps"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

CURRENT: ContextVar[Any] = ContextVar("ondemand.page")
"""The `Page` of the request that is being answered. Tasks and worker threads of the request see it too."""

_INNER = ("app", "_app", "asgi_app", "asgi_handler", "application", "wsgi_application", "_base_app")


def inner_apps(app: Any) -> Iterator[Any]:
    """`app` and every app it wraps, outermost first, as far as attributes and closures show them."""
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        inner: Any = next((value for name in _INNER if callable(value := getattr(app, name, None))), None)
        if inner is None and inspect.isfunction(app):
            closed = inspect.getclosurevars(app).nonlocals
            inner = next((value for name, value in closed.items() if name in _INNER and callable(value)), None)
        if inner is None and isinstance(protocols := getattr(app, "application_mapping", None), Mapping):
            inner = cast("Mapping[str, Any]", protocols).get("http")  # Channels
        app = inner if inner is not None else getattr(app, "__self__", None)  # of a method: `quart_app.asgi_app`


class Lifespan:
    """Runs an app's lifespan in one task, from `start` to `stop`, as cancel scopes need it.

    `state`: what the app put into the lifespan state; copy it into the scope of each request.
    An app that raises or returns before it answers has no lifespan, which is no error (ASGI: lifespan, "Scope").
    """

    def __init__(self, app: ASGIApp, *, extra: Mapping[str, Any] | None = None) -> None:
        """extra: more keys for the scope."""
        self._app = app
        self._extra = dict(extra or {})
        self.state: dict[str, Any] = {}
        self.supported = True
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.error: BaseException | None = None

    async def start(self) -> None:
        """Wait for the app to start. Raises `LifespanError` with the app's own message if it could not."""
        self._task = asyncio.create_task(self._run(), name="ondemand lifespan")
        await self._to_app.put({"type": "lifespan.startup"})
        answer = await self._answer()
        if answer is None:
            self.supported = False
        elif answer["type"] == "lifespan.startup.failed":
            await asyncio.wait({self._task}, timeout=1.0)
            self._task.cancel()
            raise LifespanError(str(answer.get("message") or "the app did not say why")) from self.error

    async def stop(self) -> None:
        """Wait for the app to shut down. Raises `LifespanError` if it says that it could not."""
        if self._task is None or not self.supported:
            return
        await self._to_app.put({"type": "lifespan.shutdown"})
        answer = await self._answer()
        await asyncio.gather(self._task, return_exceptions=True)
        if answer is not None and answer["type"] == "lifespan.shutdown.failed":
            raise LifespanError(str(answer.get("message") or "the app did not say why")) from self.error

    async def _run(self) -> None:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
            **self._extra,
        }
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except Exception as error:
            self.error = error

    async def _answer(self) -> Message | None:
        assert self._task is not None
        answer = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return self._from_app.get_nowait() if not self._from_app.empty() else None
