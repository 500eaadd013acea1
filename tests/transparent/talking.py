"""A server that writes down all that is said between it and an app, in order, and compares an app with itself behind
OnDemand."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from tests.asking import innermost, make_scope, outermost

Message = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]
Note = Callable[..., None]
Event = tuple[Any, ...]

NOTHING = [{"type": "http.request", "body": b"", "more_body": False}]
ENDS = {"websocket.close", "lifespan.shutdown.complete", "lifespan.shutdown.failed", "lifespan.startup.failed"}


def chunks(*bodies: bytes) -> list[Message]:
    """A request body as it comes in, piece by piece."""
    last = len(bodies) - 1
    return [{"type": "http.request", "body": body, "more_body": i < last} for i, body in enumerate(bodies)]


class Server:
    """Asks one app. What happens is in `events`, each a tuple: its first word is what it was."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.messages: list[Message] = []
        """What the app sent, the objects themselves."""

    def note(self, *what: Any) -> None:
        """The app or the test says something for the comparison."""
        self.events.append(("note", *what))

    def notes(self) -> list[Any]:
        return [event[1] if len(event) == 2 else event[1:] for event in self.events if event[0] == "note"]

    def sent(self) -> list[Message]:
        return [event[1] for event in self.events if event[0] == "sent"]

    def kinds(self) -> list[str]:
        """The events without what they hold."""
        return [event[0] for event in self.events]

    @property
    def status(self) -> int:
        return self.sent()[0]["status"]

    @property
    def body(self) -> bytes:
        return b"".join(bytes(message.get("body", b"")) for message in self.sent())

    async def connect(
        self,
        app: App,
        scope: Message,
        incoming: Iterable[Message],
        *,
        last: Message,
        leaves_after: int | None = None,
        breaks_after: int | None = None,
    ) -> BaseException | None:
        """Call `app`, and return what it raised.

        incoming: what `receive` gives. Then it waits until the client is gone and gives `last`.
        leaves_after: the client is gone when the app has sent so many messages; else when the answer has ended.
        breaks_after: the server refuses each message after so many with an OSError.
        """
        queue, gone, sent = deque(incoming), asyncio.Event(), 0

        async def receive() -> Message:
            self.events.append(("asked",))
            if not queue:
                await gone.wait()
            message = queue.popleft() if queue else {**last}
            self.events.append(("given", message["type"], message.get("body")))
            return message

        async def send(message: Message) -> None:
            nonlocal sent
            if breaks_after is not None and sent >= breaks_after:
                self.events.append(("refused", message["type"]))
                raise OSError("the client is gone")
            self.messages.append(message)
            copy = {**message}
            if "headers" in copy:
                copy["headers"] = list(copy["headers"])
            self.events.append(("sent", copy))
            sent += 1
            ended = message["type"] in ENDS or (
                message["type"] == "http.response.body" and not message.get("more_body", False)
            )
            if ended or sent == leaves_after:
                gone.set()

        try:
            await app(scope, receive, send)
        except BaseException as error:
            self.events.append(("raised", type(error), str(error)))
            return error
        self.events.append(("returned",))
        return None

    async def ask(
        self,
        app: App,
        target: str = "/",
        *,
        scope: Message | None = None,
        incoming: Iterable[Message] | None = None,
        leaves_after: int | None = None,
        breaks_after: int | None = None,
        **options: Any,
    ) -> BaseException | None:
        """One http request. options: of `make_scope`."""
        return await self.connect(
            app,
            make_scope(target, **options) if scope is None else scope,
            NOTHING if incoming is None else incoming,
            last={"type": "http.disconnect"},
            leaves_after=leaves_after,
            breaks_after=breaks_after,
        )

    async def open(
        self, app: App, target: str, *incoming: Message, leaves_after: int | None = None, **options: Any
    ) -> BaseException | None:
        """One WebSocket: the client says `incoming`, and leaves when the app closes."""
        scope = make_scope(target, **{"type": "websocket", "scheme": "ws", "subprotocols": [], **options})
        del scope["method"]
        last = {"type": "websocket.disconnect", "code": 1005, "reason": ""}
        first: Message = {"type": "websocket.connect"}
        return await self.connect(app, scope, [first, *incoming], last=last, leaves_after=leaves_after)

    async def live(self, app: App, during: Callable[[dict[str, Any]], Awaitable[Any]]) -> BaseException | None:
        """The life of an app: startup, then `during(state)` if it started, then shutdown."""
        state: dict[str, Any] = {}
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state}
        started, over = asyncio.Event(), asyncio.Event()
        turn = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive() -> Message:
            message = next(turn)
            if message["type"] == "lifespan.shutdown":
                await over.wait()
            self.events.append(("given", message["type"], None))
            return message

        async def send(message: Message) -> None:
            self.events.append(("sent", {**message}))
            if message["type"].startswith("lifespan.startup"):
                started.set()

        async def run() -> BaseException | None:
            try:
                await app(scope, receive, send)
            except BaseException as error:
                self.events.append(("raised", type(error), str(error)))
                return error
            finally:
                started.set()
            self.events.append(("returned",))
            return None

        task = asyncio.ensure_future(run())
        await started.wait()
        if self.sent() and self.sent()[-1]["type"] == "lifespan.startup.complete":
            await during(state)
        over.set()
        return await task


Scenario = Callable[[Server, App], Awaitable[Any]]
Make = Callable[[Note], App]


class Front:
    """One way to use OnDemand: a kind of app ("Starlette", "FastAPI" or "ASGI"), an idiom, and settings."""

    def __init__(self, kind: str, idiom: str, **settings: Any) -> None:
        self.kind = kind
        self._wrap = {"outermost": outermost, "innermost": innermost}[idiom]
        self._settings = settings

    def wrap(self, app: App) -> App:
        return self._wrap(app, **self._settings)

    def app(self, *routes: BaseRoute, **options: Any) -> App:
        """An app of the framework with these routes; FastAPI gets them as routes of its own."""
        if self.kind == "Starlette":
            return Starlette(routes=routes, **options)
        assert self.kind == "FastAPI"
        app = FastAPI(**options)
        for route in routes:
            if isinstance(route, Route) and not isinstance(route.endpoint, type):
                methods = {*(route.methods or ())} - {"HEAD"}  # with GET Starlette adds it, FastAPI does not
                app.add_api_route(route.path, route.endpoint, methods=[*methods], response_model=None)
            elif isinstance(route, WebSocketRoute) and not isinstance(route.endpoint, type):
                app.add_api_websocket_route(route.path, route.endpoint)
            else:
                app.router.routes.append(route)
        return app

    def around(self, raw: App) -> App:
        """An app that hands every request to `raw`; of plain ASGI: `raw` itself."""
        return raw if self.kind == "ASGI" else self.app(Mount("/", raw))

    def compare(self, make: Make, scenario: Scenario) -> Server:
        """Play `scenario` with the app that `make` makes, as it is and with OnDemand in front.

        Asserts that all events are the same, and returns those of the app as it is. `make` is given the function with
        which the app notes what it does.
        """
        plain, wrapped = Server(), Server()
        run(scenario(plain, make(plain.note)))
        run(scenario(wrapped, self.wrap(make(wrapped.note))))
        assert wrapped.events == plain.events
        return plain

    def ask(self, make: Make, target: str = "/", **options: Any) -> Server:
        """`compare` for a single request."""

        async def scenario(server: Server, app: App) -> None:
            await server.ask(app, target, **options)

        return self.compare(make, scenario)

    def ask_raw(self, raw: App, target: str = "/", **options: Any) -> Server:
        """`ask` for an app that notes nothing, inside an app of this kind."""
        return self.ask(lambda note: self.around(raw), target, **options)


def run(coroutine: Awaitable[Any]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await coroutine

    asyncio.run(limited())


def header(message: Mapping[str, Any], name: bytes) -> list[bytes]:
    return [value for key, value in message["headers"] if key.lower() == name]


def settings_of(snapshots: bool, folder: Path) -> dict[str, Any]:
    """snapshots: they are on, and nothing was built; else off, as in any test."""
    return {"dist": folder / "dist", "snapshots": True} if snapshots else {}
