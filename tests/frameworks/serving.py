"""A site of the suite: built once, and served in one event loop."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.convertors import CONVERTOR_TYPES, StringConvertor

from ondemand import BuildError, build
from ondemand._asgi import Lifespan
from ondemand.prerendering.report import Report, RouteReport
from ondemand.snapshots.store import Store
from tests.asking import Answer, ask_async, make_scope
from tests.frameworks import content

__all__ = ["Site", "with_fasthtml"]


@contextmanager
def with_fasthtml() -> Iterator[None]:
    """FastHTML changes convertors of Starlette's for the whole process when it is imported: they are changed only in here."""
    before = StringConvertor.regex, StringConvertor.to_string, dict(CONVERTOR_TYPES)
    importlib.import_module("fasthtml.core")
    theirs = _changed or (StringConvertor.regex, StringConvertor.to_string, dict(CONVERTOR_TYPES))
    _changed[:] = theirs
    try:
        _set(*theirs)
        yield
    finally:
        _set(*before)


_changed: list[Any] = []
"""What FastHTML made of them."""


def _set(regex: str, to_string: Any, convertors: dict[str, Any]) -> None:
    StringConvertor.regex, StringConvertor.to_string = regex, to_string  # type: ignore[method-assign]
    CONVERTOR_TYPES.clear()
    CONVERTOR_TYPES.update(convertors)


class Site:
    """One framework, with OnDemand in one place. served: with its build; unbuilt: with OnDemand and no snapshots; bare: the
    framework alone."""

    def __init__(self, module: ModuleType, place: str, dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.module, self.place = module, place
        monkeypatch.setenv(content.PLACE, place)
        monkeypatch.setenv(content.DIST, str(dist))
        try:
            self.report: Report = build(f"{module.__name__}:app()")
        except BuildError as error:
            assert isinstance(error.report, Report)
            pytest.fail(
                "\n".join(f"{f.policy} {f.kind} {f.path or f.route}: {f.message}" for f in error.report.findings)
            )
        generation = Store(dist).open()
        assert generation is not None
        self.paths = {snapshot.path for snapshot in generation.all()}
        settings = content.settings(dist, debug=False)
        self.served: Any = content.Outer(module.wrap(module.bare(), place, {**settings, "snapshots": True}))
        self.unbuilt: Any = module.wrap(module.bare(), place, {**settings, "snapshots": False})
        self.bare: Any = getattr(module, "alone", lambda app: app)(module.bare())
        self._lifespans = [Lifespan(app) for app in (self.served, self.unbuilt, self.bare)]

    async def start(self) -> None:
        content.started["count"] = 0  # by what ran in this process before
        for lifespan in self._lifespans:
            await lifespan.start()

    async def stop(self) -> None:
        for lifespan in reversed(self._lifespans):
            await lifespan.stop()

    async def ask(self, path: str, *, app: Any = None, **options: Any) -> Answer:
        state = {"state": {}}
        return await asyncio.wait_for(ask_async(app or self.served, path, **{**state, **options}), 20)

    async def fails(self, path: str, *, app: Any = None) -> tuple[Any, ...]:
        """How it fails: status, body and type, or the exception that leaves the app."""
        try:
            answer = await self.ask(path, app=app)
        except Exception as error:
            return type(error).__name__, str(error)
        return answer.status, answer.body, answer.header("content-type")

    async def talk(self, path: str, text: str) -> str:
        """What a WebSocket answers to `text`."""
        scope = {**make_scope(path), "type": "websocket", "scheme": "ws", "subprotocols": [], "state": {}}
        del scope["method"]
        scope["headers"] += [(b"upgrade", b"websocket"), (b"connection", b"upgrade"), (b"sec-websocket-version", b"13")]
        scope["headers"].append((b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="))
        said: list[dict[str, Any]] = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": text}]
        heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        answered = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not said:
                await answered.wait()
            return said.pop(0) if said else {"type": "websocket.disconnect", "code": 1000}

        task = asyncio.ensure_future(self.served(scope, receive, heard.put))
        task.add_done_callback(lambda task: heard.put_nowait({"type": "the end", "error": task.exception()}))
        async with asyncio.timeout(20):
            while (message := await heard.get())["type"] != "websocket.send":
                assert message["type"] == "websocket.accept", message
            answered.set()
            await asyncio.wait({task})
        return str(message.get("text") or (message.get("bytes") or b"").decode())

    def route(self, pattern: str) -> RouteReport:
        routes = (route for route in self.report.routes if route.pattern == pattern)
        return next(route for route in routes if not route.methods or "GET" in route.methods)

    def why(self, path: str) -> str:
        """Why the build made no snapshot of `path`."""
        reason = self.report.reasons.get(path)
        return reason.why if reason is not None else f"it is not in {sorted(self.paths)}"
