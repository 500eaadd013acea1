"""What `OnDemand` knows about one app: its configuration, its routes, its published snapshots; and what it does in front of the
app where the configuration asks for it."""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ondemand._asgi import ASGIApp, Headers, Message, Receive, Scope, Send, inner_apps
from ondemand.config import Config
from ondemand.discovery import RouteTable, check, discover, host_matches, skipped_middleware
from ondemand.errors import ConfigError, OnDemandWarning, RequestError, StoreError
from ondemand.frameworks.reading import by_starlette, in_debug_mode
from ondemand.guarding import Guards, guarded
from ondemand.layers import Redirects, RuleHeaders, WithProps
from ondemand.modes import is_debug, is_developed, say, use_snapshots
from ondemand.notices import send_plain_error, send_text, send_to_developer
from ondemand.origin import refusal
from ondemand.paths import FRESH, PathsContext, Props
from ondemand.proxies import Hosts, Proxies
from ondemand.recording import is_building
from ondemand.routing import Guard, Route, decide, path_fault, to_query, to_url
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.reload import Published
from ondemand.snapshots.server import Answer, SnapshotServer, Terms, request_headers
from ondemand.snapshots.store import Store

if TYPE_CHECKING:
    from ondemand.exchange import Exchange
    from ondemand.own_pages import OwnPages
    from ondemand.pages import PageRoute, SitePages
    from ondemand.responses import Response
    from ondemand.snapshots.public import PublicFolder
    from ondemand.templates import Templates

__all__ = ["Site"]

log = logging.getLogger("ondemand")

MAX_REWRITES = 3
"""Rewrites of one request; one more is a loop (Astro: 508)."""


class Unused(NamedTuple):
    """Why a snapshot is not used, in words. is_news: somebody should build again."""

    why: str
    is_news: bool = True


class Site:
    """What `OnDemand` knows about one app: its configuration, its routes, its published snapshots."""

    def __init__(self, wrapper: Any, outer: Any, config: Config, *, alone: bool = False) -> None:
        """wrapper: the `OnDemand`. outer: the framework's app around it, if it made itself known in the scope. alone: no app
        is wrapped."""
        self.config = config
        self.alone = alone
        self.apps = [outer, *inner_apps(wrapper.app)]
        self.debugged = any(map(in_debug_mode, self.apps))
        self.in_tasks = not by_starlette(wrapper.app)
        self.debug = is_debug(config, debugged=self.debugged)
        self._templates: Templates | None = None
        self._build_host = config.origin.partition("//")[2]
        self.pages = self._own_pages()
        self.app_table = self._discover(wrapper, outer)
        self.table = self.app_table
        if self.pages is not None:
            self.table = RouteTable(self.app_table.routes, known=self.app_table.known or alone, pages=self.pages)
        self._check_redirects()
        self._check_pages()
        if config.templates is not None and not isinstance(config.templates, Path):
            self.templates()  # its templates find `page` from here on, also where the app renders them itself
        self.prefix = config.prefix
        self.proxies = Proxies(config.trusted_proxies, Hosts(config.allowed_hosts))
        self.locales = config.locales
        self.checks_host = bool(config.allowed_hosts)
        self.hosts = self.table.hosts
        self.redirects_slashes = config.trailing_slash != "ignore"
        self.spells_freely = self.redirects_slashes or self.pages is not None
        self._closed = any(route.mark and route.mark.unknown == "404" for route in self.app_table)
        self._redirected = frozenset(pattern.text for pattern in config.redirects)
        self._has_guards = any(rule.guard is not None for _, rule in config.rules)
        self._inner_roots = _inner_root_paths(wrapper.app)
        self._named_app = outer if outer is not None else wrapper
        self._props = {
            id(route): Props(route, clock=monotonic, fresh=math.inf if is_building() else FRESH)
            for route in self.app_table
            if (mark := route.mark or route.group) is not None and (mark.paths is not None or mark.props is not None)
        }
        self._streams_vary = any(rule.stream is not None for _, rule in config.rules)
        self._checks_origin = config.check_origin == "all" or any(rule.check_origin for _, rule in config.rules)
        self.app: ASGIApp = wrapper.app
        self.own: OwnPages | None = None
        self._inner_app = self.app
        if config.error_pages == "all" or self.pages is not None:
            from ondemand.own_pages import AppErrors, OwnPages

            self.app = AppErrors(self.app, self) if config.error_pages == "all" and not alone else self.app
            if self.pages is not None:
                self.app = self.own = OwnPages(self.app, self, self.pages, alone=alone)
        if self._props:
            self.app = WithProps(self.app, self)
        if config.redirects:
            self.app = Redirects(self.app, self)
        if any(rule.headers or rule.vary for _, rule in config.rules):
            self.app = RuleHeaders(self.app, self)
        self.skipped = [
            name
            for name in skipped_middleware(self._named_app, cast("type[Any]", type(wrapper)))
            if name not in config.skips
        ]
        self.make_page: Callable[..., Exchange] = self._first_page
        self.published: Published | None = None
        self._public = _public_folder(config.public) if config.public is not None else None
        self.has_duties = self._has_guards or self._closed or self._checks_origin or self._public is not None
        if not is_building():
            use, why = use_snapshots(config, debugged=self.debugged, developed=is_developed())
            self._warn(snapshots=use)
            self._publish(use, why)

    def _first_page(self, *arguments: Any) -> Exchange:
        """Make a page; the first one loads what pages are made of, which a worker that serves snapshots never needs."""
        from ondemand.exchange import Exchange

        self.make_page = Exchange
        return Exchange(*arguments)

    def _own_pages(self) -> SitePages | None:
        """The pages of the site's own. Raises `ConfigError` for a file name that is none, and for two with one path."""
        pages = self.config.pages
        if pages is None:
            return None
        from ondemand.pages import SitePages

        routes = list(pages.registered(self.config))
        if pages.folder is not None:
            from ondemand.page_files import page_files

            routes += page_files(self.config.root / pages.folder, self.config, self.templates, fresh=self.debug)
        return SitePages(routes, pages.handlers, self.config)

    def templates(self) -> Templates:
        """The site's templates, found when first asked for."""
        if self._templates is None:
            from ondemand.contexts import templates_of

            self._templates = templates_of(self.config, fresh=self.debug)
        return self._templates

    def _check_pages(self) -> None:
        """A page of our own on a path of the app's would hide it."""
        shapes = {route.pattern.shape: route for route in self.app_table if route not in self.config.routes}
        for page in self.pages.routes if self.pages is not None else ():
            other = shapes.get(page.pattern.shape)
            if other is not None and (other.answers_get or _share_methods(page, other)):
                where = f" ({other.source})" if other.source else ""
                path = page.pattern.text
                raise ConfigError(
                    f"{page.name} has the path {path}, which a route of the app has too{where}. Change one."
                )

    def _check_redirects(self) -> None:
        for source in self.config.redirects:
            same = [route for route in self.table if route.pattern.text == source.text]
            if len(same) > 1:  # its own, and another
                where = next((f" ({route.source})" for route in same if route.source), "")
                raise ConfigError(f"{source.text} is a configured redirect and a route{where}. Remove one of them.")

    def _discover(self, wrapper: Any, outer: Any) -> RouteTable:
        table = discover(wrapper.app, self.config)
        return table if table.known or outer is None else discover(outer, self.config)

    def _warn(self, *, snapshots: bool) -> None:
        for warned in check(self.table, self.config):
            warnings.warn(f"{warned.message} {warned.remedy}", OnDemandWarning, stacklevel=2)
        if self.skipped and snapshots:
            warnings.warn(
                f"Snapshots skip {', '.join(self.skipped)}: it lies inside OnDemand, which answers in front of it. "
                "Add OnDemand before it (so that it stays outside), guard the pages that need it (Rule(guard=...)), or say that "
                "it is meant: "
                f"skips={self.skipped!r}.",
                OnDemandWarning,
                stacklevel=2,
            )

    def _publish(self, use: bool, why: str) -> None:
        if not use:
            say(f"snapshots are off ({why}): the app renders everything")
            return
        self.published = Published(
            Store(self.config.dist),
            self.terms,
            memory=self.config.memory,
            keep=self.config.keep,
            clock=monotonic,
            quick=not self.redirects_slashes and not self.hosts and not self.checks_host,
        )
        server = self.published.server
        if server is None:
            say(f"no build in {self.config.dist}: the app renders everything")
        else:
            generation = server.generation
            say(
                f"{len(generation)} snapshots of generation {generation.name} from {self.config.dist} "
                "(ONDEMAND_SNAPSHOTS=0 turns them off)"
            )

    # --- paths

    def strip(self, scope: Scope) -> str | None:
        """The path without root_path and `base`, each taken off at a segment boundary; None if it lies outside `base`.

        uvicorn's path holds the root_path, hypercorn's and granian's does not, so a path without it is taken as it is.
        """
        path: str = scope["path"]
        if self.pages is not None and path.startswith("//"):
            path = "/" + path.lstrip("/")
        below = _without(path, scope.get("root_path") or "")
        if below is not None and self._has_base(scope):
            return below
        return _without(below or path, self.prefix)

    def _has_base(self, scope: Scope) -> bool:
        """True if the root_path ends with `base` already, as that of `FastAPI(root_path="/base")` does, and the path is below
        it and not below both."""
        if not self.prefix:
            return False
        root = (scope.get("root_path") or "").rstrip("/")
        below = _without(scope["path"], root)
        return root.endswith(self.prefix) and below is not None and _without(below, self.prefix) is None

    def inside(self, scope: Scope) -> Scope:
        """The scope that the app is given: with `base` as part of its root_path."""
        if not self.prefix or self._has_base(scope):
            return scope
        return {**scope, "root_path": (scope.get("root_path") or "").rstrip("/") + self.prefix}

    def canonical(self, server: SnapshotServer | None, path: str, scope: Scope) -> str | None:
        """Where `trailing_slash` sends this request, or None: to the other spelling of `path`, if something is there."""
        if path == "/" and self.prefix:
            return self._canonical_root(scope)
        if self.pages is not None and any(self.pages.matching(path)):
            return None  # it is answered as it stands
        other = self._other_spelling(path) or (path + "/" if self.pages is not None and path != "/" else None)
        wanted = other is not None and other.endswith("/") == (self.config.trailing_slash == "always")
        if other is None or not wanted or path_fault(path) is not None:
            return None
        if not self._exists(server, other, scope["method"]):
            return None
        front = (scope.get("root_path") or "").rstrip("/")
        return to_url("/" + (front + other).lstrip("/")) + to_query(bytes(scope["query_string"]))

    def _canonical_root(self, scope: Scope) -> str | None:
        """As `canonical`, for the first page of a site below `base`."""
        path: str = scope["path"]
        always = self.config.trailing_slash == "always"
        if self.pages is None or path.endswith("/") == always or not any(self.pages.matching("/")):
            return None
        front = (scope.get("root_path") or "").rstrip("/")
        return to_url(front + "/" if always else front) + to_query(bytes(scope["query_string"]))

    def _exists(self, server: SnapshotServer | None, path: str, method: str) -> bool:
        answer = (server.find(path) or self.find_other_spelling(server, path)) if server is not None else None
        is_file = "." in path.rpartition("/")[2]
        if answer is not None and (answer.snapshot.kind == "page" or is_file):
            return method in {"GET", "HEAD"}
        if is_file and server is None and self._public is not None and self._public.find(path) is not None:
            return method in {"GET", "HEAD"}
        route = self.table.match(path, method="GET" if method == "HEAD" else method, host=self._build_host)
        return route is not None and (route.own or not route.pattern.takes_rest)

    def find_other_spelling(self, server: SnapshotServer, path: str) -> Answer | None:
        """The page that was captured under the other spelling of `path`; files have one spelling."""
        other = self._other_spelling(path)
        if other is None or "." in other.rpartition("/")[2] or path.endswith("//"):
            return None
        if not self.redirects_slashes:  # both are answered, but only by pages of our own
            route = self.table.match(path)
            if route is None or not route.own:
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
        path, route = snapshot.path, self.route_of(snapshot)
        if (unused := self.why_unused(snapshot, route, older=older)) is not None:
            if unused.is_news:
                log.warning("the snapshot of %s is not used: %s. Build again.", path, unused.why)
            return None
        covering = list(self.config.rules.covering(path, route))
        vary = [name.lower().encode("latin-1") for _, rule in covering for name in rule.vary]
        return Terms(
            guards=self.guards(path, route),
            ignores_query=any(rule.query == "ignore" for _, rule in covering)
            or (route is not None and route.own)
            or (snapshot.kind == "asset" and snapshot.route is None),  # a file of the public folder
            vary=frozenset(vary),
        )

    def why_unused(self, snapshot: Snapshot, route: Route | None, *, older: bool = False) -> Unused | None:
        """Why the running code does not use this snapshot (any more); None if it does. route: the one that has its path now.
        older: see `terms`."""
        if snapshot.route in self._redirected:
            return Unused("where a configured redirect leads depends on the root_path of the request", is_news=False)
        if snapshot.route is None and snapshot.kind == "asset" and route is not None:  # a file of the public folder
            taken = older or route.pattern.is_literal
            return Unused(f"the route {route.pattern.text} has its path", is_news=False) if taken else None
        if self.table.known and snapshot.route != (route.pattern.text if route is not None else None):
            return Unused(f"its route {snapshot.route} is gone")
        if _is_as_built(route, snapshot):
            return None  # its file would have to be read to know more
        decision = decide(route, self.config, snapshot.path)
        return None if decision.is_static or snapshot.route is None else Unused(decision.why)

    def route_of(self, snapshot: Snapshot) -> Route | None:
        """The route that answers its path now."""
        route = self.table.match(snapshot.path, host=self._build_host)
        if route is not None and route.own and self.pages is not None:  # others of our own cover what it does not know
            named = (one for one, _ in self.pages.matching(snapshot.path) if one.pattern.text == snapshot.route)
            route = next(named, route)
        return route

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

    async def answers(self, server: SnapshotServer | None, page: Exchange) -> bool:
        """True if the origin check, guards, `unknown="404"` or the public folder answered."""
        scope, path = page.scope, page.path
        method = scope["method"]
        route = None
        if self._has_guards or self._closed or self._checks_origin:
            route = self.table.match(path, method=method, host=self._build_host)
        if self._checks_origin and (reason := self.origin_refusal(page, route)) is not None:
            log.info("refused %s %s: %s", method, path, reason.partition("\n")[2].strip())
            await send_text(scope, page.send, 403, reason)
            return True
        if (guards := self.guards(path, route)) and await guarded(guards, page):
            return True
        return await self._answers_itself(server, page, route)

    def origin_refusal(self, page: Exchange, route: Route | None, *, ours: bool = False) -> str | None:
        """Why a form that another site sends to `route` is refused; None if it is not. ours: a page of our own answers, if
        only that there is none."""
        if page.scope["method"] in {"GET", "HEAD", "OPTIONS"}:  # which change nothing
            return None
        wanted = next(
            (
                rule.check_origin
                for _, rule in self.config.rules.covering(page.path, route)
                if rule.check_origin is not None
            ),
            self.config.check_origin == "all" or (ours and self.config.check_origin == "pages"),
        )
        if not wanted:
            return None
        own = self.proxies.origin(page.scope, self.config.site)
        return refusal(page.scope, [own] if self.config.site in ("", own) else [own, self.config.site])

    async def _answers_itself(self, server: SnapshotServer | None, page: Exchange, route: Route | None) -> bool:
        """True if the public folder or `unknown="404"` answered."""
        scope, path, send = page.scope, page.path, page.send
        if scope["method"] not in {"GET", "HEAD"}:
            return False
        if self._public is not None and server is None and (file := self._public.find(path)) is not None:
            reply = self._public.reply(file, scope["method"], request_headers(scope))
            if reply is not None:
                await reply.send(scope, send)
                return True
        closed = route is not None and not route.own and route.mark is not None and route.mark.unknown == "404"
        if closed and server is not None and path not in server.generation:
            await self.error_page(page, 404, [], scope, page.receive, send)
            return True
        return False

    # --- what a page asks of its site

    def route(self, path: str, scope: Scope) -> Route | None:
        """The route of the app that answers `path`."""
        host = request_headers(scope).get(b"host", b"").decode("latin-1") if self.hosts else ""
        return self.table.match(path, method=scope["method"], host=host)

    def paths_context(self, route: Route, app: Any, state: Mapping[str, Any] | None) -> PathsContext:
        """What the `paths` of `route` is called with."""
        config, pattern = self.config, route.pattern
        return PathsContext(app, state or {}, pattern.text, config.base, config.trailing_slash, pattern)

    def paths_context_in(self, route: Route, state: Mapping[str, Any] | None) -> PathsContext:
        """As `paths_context`, within a request."""
        return self.paths_context(route, self._named_app, state)

    def props_of(self, route: PageRoute) -> Props | None:
        """Where the props of a page of our own come from; None if it names neither `props` nor paths."""
        mark = route.mark
        if mark is None or (mark.paths is None and mark.props is None):
            return None
        source = self._props.get(id(route))
        if source is None or source.mark is not mark:
            source = Props(route, clock=monotonic, fresh=math.inf if is_building() else FRESH)
            self._props[id(route)] = source
        return source

    def is_published(self, path: str) -> bool | None:
        """True if the published build made `path`, in either spelling; None if there is no build."""
        server = self.published.server if self.published is not None else None
        if server is None:
            return None
        other = self._other_spelling(path)
        return path in server.generation or (other is not None and other in server.generation)

    def remember_props(self, route: Route, path: str, props: Mapping[str, Any]) -> None:
        """A build found them on its way through `paths`."""
        source = self.props_of(cast("PageRoute", route)) if route.own else self._props.get(id(route))
        if source is not None:
            source.remember(path, props)

    async def gives_props(self, page: Exchange) -> bool:
        """Give the page the props of its route; False if there is no such page."""
        route = self.route(page.path, page.scope)
        source = self._props.get(id(route)) if route is not None else None
        if source is None or route is None or route.own:
            return True
        context = self.paths_context_in(route, page.scope.get("state"))
        mark = route.mark or route.group
        closed = mark is not None and mark.unknown == "404" and not page.is_captured  # a build tells of unknown params
        props = await source.of(page.path, page.params, context, closed=closed)
        page.take_props(props)
        return props is not None

    def turn(self, page: Exchange, path: str, query: str) -> None:
        """From here on `page` is that of `path` (decoded, without `base`). Raises `RequestError` (508) for one too many."""
        old = page.scope
        root = page.root_path
        full = self.prefix + path
        if root and old["path"].startswith(root):
            full = root.removesuffix(self.prefix) + full
        scope = {
            name: value for name, value in old.items() if name not in _OF_ROUTING and not name.startswith("fastapi")
        }
        scope.update(path=full, raw_path=to_url(full).encode("ascii"), query_string=query.encode("ascii", "replace"))
        scope["root_path"] = root
        if page.become(path, scope) > MAX_REWRITES:
            loop = RequestError("Loop Detected")
            loop.status = 508
            raise loop

    async def rewrite(self, page: Exchange, path: str, query: str, send: Send) -> None:
        """Answer `page` with what `path` (decoded, without `base`) answers."""
        try:
            self.turn(page, path, query)
        except RequestError as loop:
            await send_text(page.scope, send, loop.status, str(loop))
            return
        if (guards := self.guards(path)) and await guarded(guards, page, send):
            return
        await self.app(page.scope, page.receive, send)

    def streams(self, page: Exchange) -> bool:
        """False if the answer to `page` is rendered whole before its first byte is sent: as the page says, else the most
        specific rule, else the site."""
        if page.route is not None and page.route.loaded.stream is not None:
            return page.route.loaded.stream
        route = page.route or (self.route(page.path, page.scope) if self._streams_vary else None)
        covering = self.config.rules.covering(page.path, route) if self._streams_vary else ()
        return next((rule.stream for _, rule in covering if rule.stream is not None), self.config.stream)

    async def missing(self, page: Exchange) -> Any:
        """The response for a path that no page of ours answers, where no app is wrapped: the site's own page `/404`."""
        from ondemand.responses import Response

        server = self.published.server if self.published is not None else None
        if self.pages is not None and (server is None or server.find("/404") is None) and not self.guards("/404"):
            for route, params in self.pages.matching("/404"):
                if route.pattern.is_literal and page.begins_error():
                    page.take_route(route, params, None)
                    return await route.loaded.answer(page)
        return Response(None, 404)

    async def show_failure(self, page: Exchange, error: Exception, name: str, receive: Receive, send: Send) -> None:
        """Answer with the page for what a page of ours raised; in debug mode, with what it was and where."""
        page.forget_caching()
        if self.debug:
            page.response_given(given=True)
            await send_to_developer(error, name, page.scope, send)
        else:
            await self.error_page(page, 500, [], page.scope, receive, send, error)

    async def error_page(
        self,
        page: Exchange,
        status: int,
        headers: Headers,
        scope: Scope,
        receive: Receive,
        send: Send,
        error: Exception | None = None,
    ) -> None:
        """Answer with the site's page for `status`: its snapshot, else its route (`/404`), else a plain one of ours.

        headers: those of the response that asked for it; all but those of its body are kept. error: what was raised, for
        `page.props["error"]`.
        """
        kept = [(name, value) for name, value in headers if name.lower() not in _OF_BODY]

        async def as_error(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name for name, _ in kept} | _OF_COPY
                own = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in said]
                message = {**message, "status": status, "headers": [*own, *kept]}
            await send(message)

        path = f"/{status}"
        server = self.published.server if self.published is not None else None
        answer = server.find(path) if server is not None else None
        page.response_given(given=False)  # what it says of the answer holds for the error's page too
        if answer is not None and not self.guards(path):
            accept = request_headers(scope).get(b"accept-encoding")
            try:
                reply = answer.reply(scope["method"], {} if accept is None else {b"accept-encoding": accept})
            except StoreError:
                reply = None  # the app has it
            if reply is not None:
                await reply.send(scope, as_error)
                return
        inner: Scope = {**scope, "method": "HEAD" if scope["method"] == "HEAD" else "GET"}
        route = self.table.match(path, method="GET", host=self._build_host)
        if route is None or not route.pattern.is_literal or self.guards(path) or not page.begins_error():
            await send_plain_error(status, inner, as_error)
            return
        if route.own:
            await self._own_error_page(page, cast("PageRoute", route), error, inner, as_error)
            return
        inner = {
            name: value for name, value in inner.items() if name not in _OF_ROUTING and not name.startswith("fastapi")
        }
        inner.update(path=self.prefix + path, raw_path=(self.prefix + path).encode("ascii"), query_string=b"")
        inner["root_path"] = page.root_path
        await self._inner_app(inner, page.receive_nothing, as_error)

    async def _own_error_page(self, page: Exchange, route: PageRoute, error: Any, scope: Scope, send: Send) -> None:
        """Answer with a page for errors of our own; with a plain one if it fails too."""
        status = int(route.pattern.text[1:])
        page.take_route(route, {}, {"error": error})
        try:
            response = await route.loaded.answer(page)
            await response(scope, page.receive_nothing, send)
        except Exception:
            log.exception("%s, the page for errors, failed", route.name)
            if page.has_started:
                raise
            page.response_given(given=False)
            await send_plain_error(status, scope, send)

    def render(self, page: Exchange, name: str, values: Mapping[str, Any], stream: bool | None) -> Response:
        """See `Page.render`."""
        from ondemand.rendering import render

        streams = page.streams if stream is None or page.is_captured else stream
        return render(self.templates().get(name), page, values, stream=streams)


def _is_as_built(route: Route | None, snapshot: Snapshot) -> bool:
    """True for a page file that nobody has read yet and that is not newer than its snapshot."""
    if route is None or not route.own:
        return False
    page = cast("PageRoute", route)
    try:
        return page.in_file and not page.is_loaded and os.stat(page.name).st_mtime < snapshot.time
    except OSError:
        return False


def _share_methods(page: PageRoute, other: Route) -> bool:
    """True if an endpoint of ours answers a method that a route of the app has too."""
    if not page.is_endpoint or other.methods is None:
        return False
    return page.methods is None or not (page.methods & other.methods).isdisjoint(other.methods - {"HEAD", "OPTIONS"})


_OF_ROUTING = frozenset(["app_root_path", "endpoint", "path_params", "route", "router", "starlette.exception_handlers"])
"""What frameworks write into a scope while they look for the route."""

_OF_COPY = frozenset([b"etag", b"last-modified", b"accept-ranges", b"cache-control", b"cache-status"])
"""What a snapshot says about itself, and not about the answer that shows it."""

_OF_BODY = frozenset(
    b"content-type content-length transfer-encoding content-encoding content-range content-disposition content-language "
    b"content-md5 digest content-digest repr-digest etag last-modified accept-ranges".split()
)
"""What the headers of an answer say about a body that is not sent."""


def _public_folder(folder: Path) -> PublicFolder:
    from ondemand.snapshots.public import PublicFolder

    return PublicFolder(folder)


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
