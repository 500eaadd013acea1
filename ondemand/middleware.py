"""OnDemand: the wrapper. The whole order of a request is in `OnDemand.__call__`, read from top to bottom."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from ondemand._asgi import ASGIApp, Message, Receive, Scope, Send, inner_apps
from ondemand.config import Config, project_root, read_project
from ondemand.discovery import RouteTable, check, discover, host_matches, skipped_middleware
from ondemand.errors import ConfigError, OnDemandWarning, StoreError
from ondemand.recording import CAPTURE, Recording, is_building
from ondemand.routing import Guard, Route, decide, path_fault, to_url
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.reload import Published
from ondemand.snapshots.server import Answer, SnapshotServer, Terms, request_headers
from ondemand.snapshots.store import Store

if TYPE_CHECKING:
    from ondemand.snapshots.public import PublicFolder

__all__ = ["OnDemand", "Site"]

log = logging.getLogger("ondemand")

REGISTER = "ondemand.register"
"""The key in a lifespan scope under which a build collects the wrappers of an app."""

Guards = tuple[tuple[Guard, Mapping[str, str]], ...]


class OnDemand:
    """Serves the snapshots of an app and lets everything else through to it.

        app.add_middleware(OnDemand, site="https://example.com")     # FastAPI, Starlette: add it first
        app = OnDemand(app, routes=["/", "/about"])                  # any ASGI app

    Settings: see `ondemand.config.Config`. They beat `[tool.ondemand]` in pyproject.toml. Raises `ConfigError` for a
    wrong one: here, or, where a framework makes the object later, as a failed start.
    With no build present, everything is rendered by the app.
    """

    def __init__(self, app: ASGIApp | None = None, **settings: Any) -> None:
        self.app: ASGIApp = app if app is not None else _not_found
        # "hybrid" is said once, by the check below
        self._settings = {**settings, "output": "static"} if settings.get("output") == "hybrid" else settings
        self._site: Site | None = None
        try:
            Config.make(settings, root=Path.cwd())
        except ConfigError:
            # Starlette makes its middleware inside the lifespan, where an exception is taken for an app without
            # lifespan, and the site would start broken. `_start` tells it as a failed start, which stops the server.
            if sys._getframe(1).f_code.co_name != "build_middleware_stack":  # pyright: ignore[reportPrivateUsage]
                raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        site = self._site or self.site(scope)

        # 1. A build asks: record what the app itself answers.
        if CAPTURE in scope and isinstance(recording := scope[CAPTURE], Recording):
            await recording.run(site.app, site.inside(scope), receive, send)
            return

        # 2. The path as the site knows it, without what mounts and servers put in front of it.
        path = scope["path"]
        if site.prefix or scope.get("root_path"):
            path = site.strip(scope)
            if path is None:
                await _not_found(scope, receive, send)
                return
            scope = site.inside(scope)

        # 3. A snapshot that was sent before to such a request: a look-up and two messages. What would need a second
        #    look (conditions, ranges, parts of pages, Vary, a query, an escape in the path, guards) is left to step 5.
        published = site.published
        if published is not None:
            if monotonic() >= published.look_again:
                published.look()
            server = published.server
            if server is not None and (ready := server.ready.get(path)) is not None and scope["method"] == "GET":
                pairs = scope["headers"]
                headers = dict(pairs)
                if ready.watched.isdisjoint(headers) and len(headers) == len(pairs) and not scope["query_string"]:
                    quick = ready.quick.get(headers.get(b"accept-encoding"))
                    if quick is not None and b"%" not in (scope.get("raw_path") or b""):
                        ready.used = True
                        await send({"type": "http.response.start", "status": quick[0], "headers": [*quick[1]]})
                        await send({"type": "http.response.body", "body": quick[2]})
                        return
        else:
            server = None

        # 4. A redirect to the spelling that the site uses, if it asked for one and something is there.
        if site.redirects_slashes and (location := site.canonical(server, path, scope)) is not None:
            if not await _guarded(site.guards(path), scope, receive, send):
                await _redirect(location, scope, send)
            return

        # 5. A snapshot, if one was made for exactly this request.
        if server is not None and (scope["method"] == "GET" or scope["method"] == "HEAD"):
            answer = server.find(path) or (site.find_other_spelling(server, path) if site.redirects_slashes else None)
            if answer is not None:
                headers = request_headers(scope)
                if answer.fits(scope, headers) and (not site.hosts or site.serves(headers)):
                    if answer.guards and await _guarded(answer.guards, scope, receive, send):
                        return
                    try:
                        reply = answer.reply(scope["method"], headers)
                    except StoreError as error:
                        if not error.passing:
                            server.drop(answer.snapshot.path, error)
                    else:
                        await reply.send(scope, send)
                        return

        # 6. What the configuration asks for in front of the app.
        if site.has_duties and await site.answers(server, path, scope, receive, send):
            return

        # 7. The app.
        await site.app(scope, receive, send)

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on; read the site when the app has started, and fail the start if it is wrong."""
        if isinstance(register := scope.get(REGISTER), list):
            cast("list[OnDemand]", register).append(self)

        refused = False

        async def started(message: Message) -> None:
            nonlocal refused
            if message["type"] == "lifespan.startup.complete":
                try:
                    self.site(scope)
                except ConfigError as error:
                    refused = True
                    await send({"type": "lifespan.startup.failed", "message": f"ondemand: {error}"})
                    raise
            if not refused:  # what the app says of our exception would be a second answer
                await send(message)

        await self.app(scope, receive, started)

    def site(self, scope: Scope | None = None) -> Site:
        """The site, read from the app when first asked for. Raises `ConfigError`."""
        if self._site is None:
            outer = scope.get("app") if scope is not None else None
            if any(inner is outer for inner in inner_apps(self.app)):
                outer = None  # it is inside, and wrote itself into the scope on an earlier pass
            root = next((folder for app in (outer, self, *inner_apps(self.app)) if (folder := project_root(app))), None)
            root = root or Path.cwd()
            config = Config.make({**read_project(root), **self._settings}, root=root)
            if config.public is not None and not config.public.is_dir():
                raise ConfigError(f"public={str(config.public)!r} is no folder. Make it, or correct the name.")
            self._site = Site(self, outer, config)
        return self._site

    def forget(self) -> None:
        """Read the site anew at the next request: a build of this very object has ended."""
        self._site = None


class Site:
    """What `OnDemand` knows about one app: its configuration, its routes, its published snapshots."""

    def __init__(self, wrapper: OnDemand, outer: Any, config: Config) -> None:
        """outer: the framework's app around the wrapper, if it made itself known in the scope."""
        self.config = config
        self.table = self._discover(wrapper, outer)
        self.prefix = config.prefix
        self.hosts = self.table.hosts
        self.redirects_slashes = config.trailing_slash != "ignore"
        self.app: ASGIApp = _RuleHeaders(wrapper.app, self) if _sets_headers(config) else wrapper.app
        self._build_host = config.origin.partition("//")[2]
        self._closed = any(route.mark and route.mark.unknown == "404" for route in self.table)
        self._has_guards = any(rule.guard is not None for _, rule in config.rules)
        self._inner_roots = _inner_root_paths(wrapper.app)
        self.skipped = [
            name
            for name in skipped_middleware(outer if outer is not None else wrapper, OnDemand)
            if name not in config.skips
        ]
        self.published: Published | None = None
        self._public = _public_folder(config.public) if config.public is not None else None
        self.has_duties = self._has_guards or self._closed or self._public is not None
        if not is_building():
            self._warn()
            self._publish(wrapper, outer)

    def _discover(self, wrapper: OnDemand, outer: Any) -> RouteTable:
        table = discover(wrapper.app, self.config)
        return table if table.known or outer is None else discover(outer, self.config)

    def _warn(self) -> None:
        for warned in check(self.table, self.config):
            warnings.warn(f"{warned.message} {warned.remedy}", OnDemandWarning, stacklevel=2)
        if self.skipped:
            warnings.warn(
                f"Snapshots skip {', '.join(self.skipped)}: it lies inside OnDemand, which answers in front of it. "
                "Add OnDemand before it (so that it stays outside), or say that it is meant: "
                f"skips={self.skipped!r}.",
                OnDemandWarning,
                stacklevel=2,
            )

    def _publish(self, wrapper: OnDemand, outer: Any) -> None:
        use, why = _use_snapshots(self.config, [outer, *inner_apps(wrapper.app)])
        if not use:
            _say(f"snapshots are off ({why}): the app renders everything")
            return
        self.published = Published(
            Store(self.config.dist),
            self.terms,
            memory=self.config.memory,
            keep=self.config.keep,
            clock=monotonic,
            quick=not self.redirects_slashes and not self.hosts,
        )
        server = self.published.server
        if server is None:
            _say(f"no build in {self.config.dist}: the app renders everything")
        else:
            _say(f"{len(server.generation)} snapshots of generation {server.generation.name} from {self.config.dist}")

    # --- paths

    def strip(self, scope: Scope) -> str | None:
        """The path without root_path and `base`, each taken off at a segment boundary; None if it lies outside `base`.

        uvicorn's path holds the root_path, hypercorn's and granian's does not, so a path without it is taken as it is.
        """
        path: str = scope["path"]
        path = _without(path, scope.get("root_path") or "") or path
        return _without(path, self.prefix)

    def inside(self, scope: Scope) -> Scope:
        """The scope that the app is given: with `base` as part of its root_path."""
        if not self.prefix:
            return scope
        return {**scope, "root_path": (scope.get("root_path") or "").rstrip("/") + self.prefix}

    def canonical(self, server: SnapshotServer | None, path: str, scope: Scope) -> str | None:
        """Where `trailing_slash` sends this request, or None: to the other spelling of `path`, if something is there."""
        other = self._other_spelling(path)
        wanted = other is not None and other.endswith("/") == (self.config.trailing_slash == "always")
        if other is None or not wanted or path_fault(path) is not None:
            return None
        if not self._exists(server, other, scope["method"]):
            return None
        query = re.sub(rb"[\x00-\x20\x7f-\xff]", b"", bytes(scope["query_string"]))
        front = (scope.get("root_path") or "").rstrip("/")
        return to_url(front + other) + (f"?{query.decode('latin-1')}" if query else "")

    def _exists(self, server: SnapshotServer | None, path: str, method: str) -> bool:
        answer = (server.find(path) or self.find_other_spelling(server, path)) if server is not None else None
        if answer is not None and answer.snapshot.kind == "page":
            return method in {"GET", "HEAD"}
        route = self.table.match(path, method="GET" if method == "HEAD" else method, host=self._build_host)
        return route is not None and not route.takes_rest

    def find_other_spelling(self, server: SnapshotServer, path: str) -> Answer | None:
        """The page that was captured under the other spelling of `path`; files have one spelling."""
        other = self._other_spelling(path)
        if other is None or "." in other.rpartition("/")[2]:
            return None
        answer = server.find(other)
        return answer if answer is not None and answer.snapshot.kind == "page" else None

    @staticmethod
    def _other_spelling(path: str) -> str | None:
        """`path` with its last slash taken off or put on; None for "/" and for files (`/feed.xml`)."""
        if path == "/":
            return None
        if path.endswith("/"):
            return path[:-1]
        return None if "." in path.rpartition("/")[2] else path + "/"

    def serves(self, headers: Mapping[bytes, bytes]) -> bool:
        """True if this Host leads to the same routes as the host that the build asked for."""
        host = headers.get(b"host", b"").decode("latin-1")
        return all(host_matches(known, host) == host_matches(known, self._build_host) for known in self.hosts)

    # --- what the running code says about a snapshot

    def terms(self, snapshot: Snapshot, older: bool = False) -> Terms | None:
        """See `Terms`; None, with one line in the log, if the code says that this page is not static (any more).

        older: it is of an earlier generation, kept for pages that are open: whatever route answers its path by now is
        newer than it.
        """
        path = snapshot.path
        route = self.table.match(path, host=self._build_host)
        if snapshot.route is None and snapshot.kind == "asset" and route is not None:  # a file of the public folder
            if older or route.pattern.is_literal:
                return None
        elif self.table.known and snapshot.route != (route.pattern.text if route is not None else None):
            log.warning("the snapshot of %s is not used: its route %s is gone. Build again.", path, snapshot.route)
            return None
        elif not (decision := decide(route, self.config, path)).is_static and snapshot.route is not None:
            log.warning("the snapshot of %s is not used: %s. Build again.", path, decision.why)
            return None
        covering = list(self.config.rules.covering(path, route))
        vary = [name.lower().encode("latin-1") for _, rule in covering for name in rule.vary]
        return Terms(
            guards=self.guards(path, route),
            ignores_query=any(rule.query == "ignore" for _, rule in covering),
            vary=frozenset(vary),
        )

    def guards(self, path: str, route: Route | None = None) -> Guards:
        """The guards in front of `path`, most specific first: those of every spelling under which an app inside may
        answer it (with and without the last slash, with empty and dot segments, below a root_path of its own)."""
        if not self._has_guards:
            return ()
        spellings = self._spellings(path)
        found: list[tuple[Guard, Mapping[str, str]]] = []
        for pattern, rule in self.config.rules:
            if rule.guard is None:
                continue
            params = next((params for one in spellings if (params := pattern.match(one)) is not None), None)
            if params is None and route is not None and pattern.text == route.pattern.text:
                params = {}
            if params is not None:
                found.append((rule.guard, params))
        return tuple(found)

    def _spellings(self, path: str) -> list[str]:
        plain = path.replace("\\", "/").rstrip("\n")  # `$` in a router's pattern lets a last newline pass
        below = [plain[len(root) :] for root in self._inner_roots if plain.startswith(root + "/")]
        spellings = {path: None}
        for one in (plain, *below):
            segments: list[str] = []
            for segment in one.split("/"):
                if segment == "..":
                    del segments[-1:]
                elif segment not in {"", "."}:
                    segments.append(segment)
            clean = "/" + "/".join(segments)
            spellings |= dict.fromkeys((clean, clean.rstrip("/") + "/"))
        return list(spellings)

    # --- duties

    async def answers(
        self, server: SnapshotServer | None, path: str, scope: Scope, receive: Receive, send: Send
    ) -> bool:
        """True if guards, `unknown="404"` or the public folder answered."""
        method = scope["method"]
        known = self._has_guards or self._closed
        route = self.table.match(path, method=method, host=self._build_host) if known else None
        guards = self.guards(path, route)
        if guards and await _guarded(guards, scope, receive, send):
            return True
        send = _private(send) if guards else send
        if await self._answers_itself(server, path, route, scope, send):
            return True
        if guards:
            await self.app(scope, receive, send)
        return bool(guards)

    async def _answers_itself(
        self, server: SnapshotServer | None, path: str, route: Route | None, scope: Scope, send: Send
    ) -> bool:
        """True if the public folder or `unknown="404"` answered."""
        method = scope["method"]
        if method not in {"GET", "HEAD"}:
            return False
        if self._public is not None and server is None and (file := self._public.find(path)) is not None:
            reply = self._public.reply(file, method, request_headers(scope))
            if reply is not None:
                await reply.send(scope, send)
                return True
        closed = route is not None and route.mark is not None and route.mark.unknown == "404"
        if closed and server is not None and path not in server.generation:
            page = server.find("/404")
            if page is None:
                await _not_found(scope, _nothing, send)
                return True
            accept = request_headers(scope).get(b"accept-encoding")
            reply = page.reply(method, {} if accept is None else {b"accept-encoding": accept})
            reply.status = 404
            await reply.send(scope, send)
            return True
        return False


class _RuleHeaders:
    """Puts the `headers` and `vary` of rules on the app's answers, live and captured alike."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self._site = site

    def _outer_root(self, scope: Scope) -> str:
        """The root_path without `base`, which the app inside is told as part of it."""
        return str(scope.get("root_path") or "").removesuffix(self._site.prefix)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = self._site.strip({**scope, "root_path": self._outer_root(scope)}) or scope["path"]
        route = self._site.table.match(path, method=scope["method"], host="")
        covering = [rule for _, rule in self._site.config.rules.covering(path, route)]
        fields: dict[bytes, bytes] = {}
        for rule in reversed(covering):
            fields.update({n.lower().encode("latin-1"): v.encode("latin-1") for n, v in rule.headers.items()})
        vary = [name.lower().encode("latin-1") for rule in covering for name in rule.vary]
        if not fields and not vary:
            await self.app(scope, receive, send)
            return

        async def with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in fields]
                message = {**message, "headers": [*kept, *fields.items(), *((b"vary", name) for name in vary)]}
            await send(message)

        await self.app(scope, receive, with_fields)


def _sets_headers(config: Config) -> bool:
    return any(rule.headers or rule.vary for _, rule in config.rules)


def _public_folder(folder: Path) -> PublicFolder:
    from ondemand.snapshots.public import PublicFolder

    return PublicFolder(folder)


async def _guarded(guards: Guards, scope: Scope, receive: Receive, send: Send) -> bool:
    """Ask each guard; True if one of them answered."""
    from ondemand.contexts import Page

    for guard, params in guards:
        response: Any = await guard(Page(scope, params))
        if response is None:
            continue
        if not callable(cast("object", response)):
            name = getattr(guard, "__qualname__", repr(guard))
            raise TypeError(
                f"The guard {name} returned {type(response).__name__}. Return a Response, or None to let pass."
            )
        await response(scope, receive, _private(send))
        return True
    return False


def _private(send: Send) -> Send:
    """Keep shared caches from what a guard decided about."""

    async def private(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(n, v) for n, v in message.get("headers", ()) if n.lower() not in {b"cache-control", b"expires"}]
            message = {**message, "headers": [*headers, (b"cache-control", b"private, no-store")]}
        await send(message)

    return private


def _without(path: str, front: str) -> str | None:
    """`path` without `front`, taken off at a segment boundary, or None if it does not begin with it. A `front` that
    ends in a slash counts as Starlette counts it: the slash behind it must be there too."""
    if not front:
        return path
    if path == front:
        return "/"
    return path[len(front) :] if path.startswith(front + "/") else None


def _inner_root_paths(app: Any) -> tuple[str, ...]:
    """The root_path of each app inside that sets its own (`FastAPI(root_path="/api")`), without a last slash."""
    roots = [getattr(inner, "root_path", None) for inner in inner_apps(app)]
    return tuple(dict.fromkeys(root.rstrip("/") for root in roots if isinstance(root, str) and root.rstrip("/")))


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _redirect(location: str, scope: Scope, send: Send) -> None:
    status = 301 if scope["method"] in {"GET", "HEAD"} else 308
    headers = [(b"location", location.encode("latin-1")), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    body = b"Not Found"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _use_snapshots(config: Config, apps: list[Any]) -> tuple[bool, str]:
    """Whether to answer from snapshots, and why not."""
    override = os.environ.get("ONDEMAND_SNAPSHOTS")
    if override:
        if override.lower() not in {"0", "1", "true", "false", "on", "off"}:
            raise ConfigError(f"ONDEMAND_SNAPSHOTS={override!r} is not accepted. It takes 1 or 0.")
        return override.lower() in {"1", "true", "on"}, f"ONDEMAND_SNAPSHOTS={override}"
    if config.snapshots != "auto":
        return config.snapshots, "snapshots=False"
    if os.environ.get("FASTAPI_ENV") == "development":
        return False, "FASTAPI_ENV=development"
    if any(getattr(app, "debug", False) is True for app in apps):
        return False, "the app is in debug mode"
    if "pytest" in sys.modules:
        return False, "this is a test; snapshots=True turns them on"
    return True, ""


def _say(message: str) -> None:
    """The one line at start: through our own logger, or, where nothing would show it, the server's."""
    target = log
    if not log.isEnabledFor(logging.INFO) or not log.hasHandlers():
        for name in ("uvicorn.error", "hypercorn.error", "_granian"):
            known = logging.getLogger(name)
            if known.hasHandlers() and known.isEnabledFor(logging.INFO):
                target = known
                break
    target.info("ondemand: %s", message)
