"""What a live host must answer beyond what the manifest says: only the app itself knows. Read in the process that holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ondemand._asgi import ASGIApp, Message
from ondemand.capture import Visitor
from ondemand.discovery import RouteTable
from ondemand.guarding import Guards, guarded
from ondemand.routing import to_url
from ondemand.site import Site
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.store import Generation, Store, etag_of

__all__ = ["ERROR_PAGES", "Expected", "expect", "other_spelling"]

ERROR_PAGES = frozenset({"/404", "/500"})
"""The paths of the pages for errors, without a last slash: nobody visits them."""

_NEVER = 0
"""The status of an app that raised, or that did not answer in time."""


@dataclass(slots=True)
class Expected:
    """dist: the folder of the store. prefix: what `base` puts in front of paths. origin: the site's own.

    guards: path of everything behind a guard -> the status with which it answers a visitor without cookies or credentials,
    None if it lets everyone pass, 0 if that cannot be told. live: literal paths that are rendered on demand -> their route.
    both: the routes whose app answers both spellings of a path, where the site's `trailing_slash` is "ignore".
    missing: status and ETag of the body of what the app answers to a path that there is not.
    """

    dist: str = ""
    prefix: str = ""
    origin: str = ""
    trailing_slash: str = "ignore"
    guards: Mapping[str, int | None] = field(default_factory=dict[str, "int | None"])
    live: Mapping[str, str] = field(default_factory=dict[str, str])
    both: frozenset[str | None] = frozenset()
    missing: tuple[int, str] = (404, "")


def other_spelling(path: str) -> str | None:
    """`path` with its last slash taken off or put on; None for what has one spelling: "/", files, pages for errors."""
    bare = path.rstrip("/")
    if not bare or bare in ERROR_PAGES or "." in bare.rpartition("/")[2]:
        return None
    return bare if path.endswith("/") else path + "/"


async def expect(app: ASGIApp, site: Site, state: Mapping[str, Any] | None, unknown: str) -> Expected:
    """Ask the app, without its snapshots, what a visitor without cookies or credentials gets. Never raises for what it does.

    state: the lifespan's, None if the app has none. Raises `StoreError` for a damaged store.
    """
    config = site.config
    generation = Store(config.dist).open()
    visitor = _Nobody(app, site, state)
    expected = Expected(str(config.dist), site.prefix, config.site, config.trailing_slash)
    guards: dict[str, int | None] = {}
    both: set[str | None] = set()
    asked: set[str | None] = set()
    for snapshot in generation.all() if generation is not None else ():
        route = site.table.match(snapshot.path, host=visitor.host)
        if found := site.guards(snapshot.path, route):
            guards[snapshot.path] = await visitor.pass_guards(found, snapshot.path)
        elif config.trailing_slash == "ignore" and snapshot.route not in asked and _is_document(snapshot):
            other = other_spelling(snapshot.path)
            if other is not None:
                asked.add(snapshot.route)
                if await visitor.finds(other, snapshot):
                    both.add(snapshot.route)
    expected.live = _live(site.table, generation)
    for path in expected.live:
        if found := site.guards(path, site.table.match(path, host=visitor.host)):
            guards[path] = await visitor.pass_guards(found, path)
    expected.guards, expected.both = guards, frozenset(both)
    status, etag, _ = await visitor.ask(unknown)
    expected.missing = (status, etag)
    return expected


def _is_document(snapshot: Snapshot) -> bool:
    return snapshot.kind == "page" and snapshot.status == 200


def _live(table: RouteTable, generation: Generation | None) -> dict[str, str]:
    """The literal paths that are answered to GET on every host, and by no snapshot."""
    live: dict[str, str] = {}
    for route in table:
        if not (route.pattern.is_literal and route.answers_get) or route.host:
            continue
        path = route.pattern.fill({})
        known = {path, path.rstrip("/"), path.rstrip("/") + "/"}
        if known.isdisjoint(ERROR_PAGES) and (generation is None or known.isdisjoint(generation)):
            live[path] = route.pattern.text
    return live


class _Nobody:
    """A visitor without cookies, credentials or a query, in front of the app as it is served without snapshots; nothing of its
    requests says that a build asks."""

    def __init__(self, app: ASGIApp, site: Site, state: Mapping[str, Any] | None) -> None:
        config = site.config
        self._app = app
        self._site = site
        self.host = config.origin.partition("://")[2]
        timeout = config.page_timeout
        self._visitor = Visitor(app, origin=config.origin, prefix=site.prefix, state=state, timeout=timeout)

    async def ask(self, path: str) -> tuple[int, str, str]:
        """Status, ETag of the body and Location of what the app answers; (0, "", "") if it does not."""
        answer = _Recorded()
        if not await self._within(self._app(self._visitor.scope(path), answer.receive, answer.send)):
            return _NEVER, "", ""
        return answer.status, etag_of(bytes(answer.body)), answer.location

    async def finds(self, path: str, snapshot: Snapshot) -> bool:
        """True if the app answers `path` with the page of `snapshot`, or leads to it."""
        status, etag, location = await self.ask(path)
        if 300 <= status < 400:
            return location.partition("?")[0].endswith(to_url(self._site.prefix + snapshot.path))
        return status == 200 and etag == snapshot.encodings[""].etag

    async def pass_guards(self, guards: Guards, path: str) -> int | None:
        """The status of the guard that answers, None if all let pass, 0 if one fails."""
        answer = _Recorded()
        scope = self._site.inside(self._visitor.scope(path))
        root = scope.get("root_path") or ""
        page = self._site.make_page(self._site, scope, answer.receive, answer.send, path, root)
        refused = await self._within(guarded(guards, page))
        return None if refused is False else answer.status

    async def _within(self, asked: Any) -> Any:
        """What it returns, True for None; None if it raises, or takes longer than `page_timeout`."""
        task = asyncio.ensure_future(asked)
        await asyncio.wait({task}, timeout=self._site.config.page_timeout)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
        if not task.done() or task.cancelled() or task.exception() is not None:
            return None
        return True if task.result() is None else task.result()


class _Recorded:
    """The server's side of one request, and what it was answered."""

    def __init__(self) -> None:
        self.status = _NEVER
        self.location = ""
        self.body = bytearray()
        self._asked = False
        self._left = asyncio.Event()

    async def receive(self) -> Message:
        if self._asked:
            await self._left.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in cast("list[tuple[bytes, bytes]]", message.get("headers", ())):
                if name.lower() == b"location":
                    self.location = value.decode("latin-1")
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if not message.get("more_body", False):
                self._left.set()
