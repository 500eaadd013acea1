"""Which routes does this app have? All knowledge of how frameworks keep their routes is here, and only here.

FastAPI >= 0.137.2: `fastapi.routing.iter_route_contexts`. Starlette >= 1.0: `app.routes`, with Mount and Host entered.
Any other ASGI app: the `routes=[...]` of its OnDemand, and whatever a crawl finds.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ondemand._asgi import inner_apps
from ondemand.config import Config
from ondemand.errors import ConfigError
from ondemand.marks import ATTRIBUTE, Mark, mark_of, unreached, unwrap
from ondemand.matching import Index
from ondemand.recording import is_building
from ondemand.routing import Pattern, Route, decide

if TYPE_CHECKING:
    from ondemand.pages import PageRoute, SitePages

__all__ = ["RouteTable", "Warned", "discover", "find_wrapper", "lead_nowhere", "skipped_middleware"]


class RouteTable:
    """The routes of an app in the order in which it tries them.

    `known`: the app showed its routes, so that a path that none of them covers is answered by none of them.
    """

    def __init__(self, routes: Sequence[Route], *, known: bool, pages: SitePages | None = None) -> None:
        """routes: also those that only hide what lies behind them (`Route.hides`). pages: those of our own: of a page and a
        route that cover one path, the one that says more about it answers; where they say as much, the page answers GET."""
        own = pages.routes if pages is not None else ()
        self.routes = (*own, *(route for route in routes if not route.hides))
        self.known = known
        self._pages = pages
        self._order = tuple(routes)
        self._index = Index([route.pattern for route in self._order])

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)

    def match(self, path: str, *, method: str = "GET", host: str = "") -> Route | None:
        """The route that answers `method` on `path` (decoded) for requests to `host`: the first that covers it, as
        the app itself would choose; None if none does. A route for other methods only lets later ones be tried."""
        if method == "HEAD":
            method = "GET"
        theirs = self._match(path, method, host)
        if self._pages is None:
            return theirs
        for route, _ in self._pages.matching(path):
            if theirs is None or theirs.pattern.specificity < route.pattern.specificity:
                return route
            if method == "GET" and theirs.pattern.specificity == route.pattern.specificity:
                return route
            break
        return theirs

    def _match(self, path: str, method: str, host: str) -> Route | None:
        for position in self._index.candidates(path):
            route = self._order[position]
            if route.methods is not None and method not in route.methods:
                continue
            if route.host and not host_matches(route.host, host):
                continue
            if route.pattern.match(path) is not None:
                return None if route.hides else route
        return None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The Host patterns that some of the routes are bound to."""
        return tuple(dict.fromkeys(route.host for route in self.routes if route.host))


def host_matches(pattern: str, host: str) -> bool:
    """True if the Host header `host` is one that Starlette's `Host(pattern)` takes, whatever the port."""
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return _host_expression(pattern).match(name) is not None


@functools.lru_cache(maxsize=256)
def _host_expression(pattern: str) -> re.Pattern[str]:
    convertors = {"str": "[^/]+", "path": ".*", **_convertors()}
    pieces: list[str] = []
    position = 0
    for token in re.finditer(r"\{[A-Za-z_]\w*(?::([A-Za-z_]\w*))?\}", pattern):
        pieces += [re.escape(pattern[position : token.start()]), convertors.get(token.group(1) or "str", "[^/]+")]
        position = token.end()
    last = pattern[position:]
    pieces.append(re.escape(last if last.endswith("]") else last.rsplit(":", 1)[0]))
    return re.compile("".join(pieces) + "$", re.IGNORECASE)


class Warned(NamedTuple):
    """Something wrong with the marks or rules, in the words of a finding: kind, route, message, remedy."""

    kind: str
    route: str
    message: str
    remedy: str


class _Group(NamedTuple):
    """Where in the app the reader stands."""

    prefix: str = ""
    host: str = ""
    mark: Mark | None = None
    convertors: Mapping[str, str] = {}
    inside: tuple[int, ...] = ()  # the ids of the apps around it: an app may be mounted in itself


def discover(app: Any, config: Config) -> RouteTable:
    """Read the routes of `app` (through whatever wraps it), behind the configured redirects and `config.routes`."""
    routes = [*config.redirects.routes(static=config.output == "static"), *config.routes]
    root = next((inner for inner in inner_apps(app) if _has_routes(inner)), None)
    if root is not None:
        routes += _read_app(root, _Group(convertors=_convertors()))
    return RouteTable(routes, known=root is not None)


def _read_app(app: Any, group: _Group) -> Iterator[Route]:
    """The routes of an app or router, then its frontends, which FastAPI tries last."""
    router = getattr(app, "router", None)
    mark = getattr(app, ATTRIBUTE, None) or getattr(router, ATTRIBUTE, None) or group.mark
    group = group._replace(mark=mark, inside=(*group.inside, id(app)))
    yield from _read(app.routes, group)
    for frontends in getattr(router if router is not None else app, "_low_priority_routes", ()):
        for frontend in getattr(frontends, "routes", ()):
            route = _opaque(group.prefix + str(frontend.path).rstrip("/"), group)
            route.directory = tuple(str(folder) for folder in getattr(frontend.app, "all_directories", ()))
            route.declares = tuple(dict.fromkeys(_declared(getattr(frontends, "dependant", None))))
            yield route


def _has_routes(app: Any) -> bool:
    routes = getattr(app, "routes", None)
    return isinstance(routes, list | tuple) and all(
        hasattr(route, "matches") for route in cast("Iterable[Any]", routes)
    )


def _convertors() -> dict[str, str]:
    module = sys.modules.get("starlette.convertors")
    registry: dict[str, Any] = getattr(module, "CONVERTOR_TYPES", {})
    return {name: str(convertor.regex) for name, convertor in registry.items()}


def _read(routes: Iterable[Any], group: _Group) -> Iterator[Route]:
    for node in routes:
        if getattr(node, "original_router", None) is not None:
            yield from _read_included(node, group)
        else:
            yield from _read_one(node, node, group, group.mark)


def _read_included(node: Any, group: _Group) -> Iterator[Route]:
    """A router that FastAPI keeps as one node: flattened by FastAPI's own function."""
    try:
        from fastapi.routing import iter_route_contexts
    except ImportError:
        raise ConfigError(
            "This FastAPI cannot show the routes of included routers: 0.137.2 or later is needed. "
            "Run: pip install 'fastapi>=0.137.2'"
        ) from None
    marks = _marks_in_order(node.original_router, group.mark)
    for context in iter_route_contexts([node]):
        original: Any = context.original_route
        mark = next((mark for route, mark in marks if route is original), group.mark)
        yield from _read_one(context, original, group, mark)


def _marks_in_order(router: Any, inherited: Mark | None) -> Iterator[tuple[Any, Mark | None]]:
    """Each route of `router` with the mark of the nearest router around it, in the order in which FastAPI flattens them:
    a router may be included twice, below routers with different marks."""
    mark = getattr(router, ATTRIBUTE, None) or inherited
    for route in getattr(router, "routes", ()):
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _marks_in_order(inner, mark)
        else:
            yield route, mark


def _read_one(node: Any, original: Any, group: _Group, mark: Mark | None) -> Iterator[Route]:
    kind = _kind(original)
    if kind == "mount":
        yield from _read_mount(node, original, group, mark)
    elif kind == "host":
        inner = group._replace(host=str(original.host), mark=getattr(original, ATTRIBUTE, None) or mark)
        apps = [app for app in inner_apps(node.app) if _has_routes(app)]
        if apps:
            yield from _read_app(apps[0], inner)
            yield _hiding(inner)
        else:
            yield _opaque(group.prefix, inner)
    elif kind == "route":
        yield _route(node, original, group, mark)


def _kind(node: Any) -> str:
    names = {cls.__name__ for cls in type(node).__mro__}
    for name, kind in (("Mount", "mount"), ("Host", "host"), ("WebSocketRoute", ""), ("Route", "route")):
        if name in names:
            return kind
    return ""


def _read_mount(node: Any, original: Any, group: _Group, mark: Mark | None) -> Iterator[Route]:
    inner = group._replace(prefix=group.prefix + node.path, mark=getattr(original, ATTRIBUTE, None) or mark)
    for app in inner_apps(node.app):
        directories = getattr(app, "all_directories", None)
        if directories is not None:
            route = _opaque(inner.prefix, inner)
            route.directory = tuple(str(directory) for directory in directories)
            yield route
            return
        if _has_routes(app) and id(app) not in group.inside:
            yield from _read_app(app, inner)
            yield _hiding(inner)
            return
    yield _opaque(inner.prefix, inner)


def _hiding(group: _Group) -> Route:
    """What is behind a mount or host is never tried below its path: it answers everything there, if only with 404."""
    route = _opaque(group.prefix, group)
    route.hides = True
    return route


def _opaque(prefix: str, group: _Group) -> Route:
    """An app that shows no routes, mounted at `prefix`: everything below is its own business."""
    route = Route(Pattern(f"{prefix}/{{path:path}}", group.convertors), methods=None)
    route.group, route.host = group.mark, group.host
    return route


def _route(node: Any, original: Any, group: _Group, mark: Mark | None) -> Route:
    path: str = node.path
    methods: Iterable[str] | None = node.methods
    if inspect.isclass(node.endpoint) and methods is None:
        methods = [
            name.upper()
            for name in ("get", "head", "post", "put", "patch", "delete", "options")
            if hasattr(node.endpoint, name)
        ]
    route = Route(Pattern((group.prefix + path) or "/", group.convertors), methods=methods or None)
    route.endpoint = node.endpoint
    route.mark = mark_of(node.endpoint) or getattr(original, ATTRIBUTE, None)
    route.group, route.host = mark, group.host
    route.source = _source(node.endpoint)
    route.framework = getattr(node.endpoint, "__module__", "") == "fastapi.applications"
    route.declares = tuple(dict.fromkeys(_declared(getattr(node, "dependant", None))))
    return route


def _source(endpoint: Any) -> str:
    functions = [target for target in unwrap(endpoint) if getattr(target, "__name__", "") != "__call__"]
    codes = [code for target in functions if (code := getattr(target, "__code__", None)) is not None]
    if codes:
        return f"{codes[-1].co_filename}:{codes[-1].co_firstlineno}"
    try:
        cls = cast("Any", endpoint if inspect.isclass(endpoint) else type(endpoint))
        return f"{inspect.getsourcefile(cls)}:{inspect.getsourcelines(cls)[1]}"
    except (OSError, TypeError):
        return ""


def _declared(dependant: Any, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    """What a FastAPI dependency tree declares to read from the visitor."""
    if dependant is None or id(dependant) in seen:
        return
    for kind in ("query", "header", "cookie"):
        for param in getattr(dependant, f"{kind}_params", ()):
            yield f"the {kind} parameter {getattr(param, 'alias', param.name)!r}"
    call: Any = getattr(dependant, "call", None)
    module = sys.modules.get("fastapi.security.base")
    base: Any = getattr(module, "SecurityBase", None)
    if base is not None and call is not None:
        plain = inspect.unwrap(getattr(call, "func", call))
        plain = getattr(plain, "__self__", plain)
        if isinstance(plain, base):
            yield f"the security dependency {type(plain).__name__}"
    for inner in getattr(dependant, "dependencies", ()):
        yield from _declared(inner, seen | {id(dependant)})


# --- what is wrong with marks and rules -------------------------------------------------------------------------------


def check(table: RouteTable, config: Config) -> list[Warned]:
    """Rules that cover nothing, and marked functions that no route runs. Raises `MarkError` for a callable mark that
    answers something else than True, False or "auto"."""
    found: list[Warned] = []
    for route in table:
        if not _unread(route):
            decide(route, config)
    for pattern, _ in config.rules:
        if table.known and not any(pattern.overlaps(route.pattern) for route in table):
            message = f"The rule {pattern.text!r} covers no route of the app."
            found.append(Warned("unused-rule", pattern.text, message, "Correct its pattern, or remove it."))
    read = (route.endpoint for route in table if not _unread(route))
    for place in unreached(endpoint for endpoint in read if endpoint is not None):
        message = f"{place} is marked with prerender, but no route runs it, so the mark has no effect."
        remedy = "Put @prerender directly on the function, or use functools.wraps in the decorator above it."
        found.append(Warned("lost-mark", place, message, remedy))
    return found


def lead_nowhere(table: RouteTable, config: Config) -> Iterator[Warned]:
    """Configured redirects with parameters that lead to no route."""
    for source, target in config.redirects.inside():
        others = (route for route in table if route.pattern.text != source.text)
        if table.known and not any(target.overlaps(route.pattern) for route in others):
            message = f"{source.text} redirects to {target.text}, which no route answers."
            yield Warned("broken-link", source.text, message, "Correct where it leads to.")


def _unread(route: Route) -> bool:
    """True for a page file that nobody needed yet: what it says is read when its first request comes."""
    own = cast("PageRoute", route)
    return route.own and own.in_file and not own.is_loaded and not is_building()


def find_wrapper(app: Any, kind: type[Any]) -> Any:
    """The OnDemand of `app`: itself, what it wraps, or an entry of its `user_middleware`; None if there is none.

    An entry of `user_middleware` is returned as its keyword arguments: the framework makes the object later.
    """
    for inner in inner_apps(app):
        if isinstance(inner, kind):
            return inner
        for entry in getattr(inner, "user_middleware", ()):
            if isinstance(entry.cls, type) and issubclass(entry.cls, kind):
                return dict(entry.kwargs)
    return None


_SECURITY = re.compile(r"TrustedHost|HTTPSRedirect|Authenti|Authoriz|Auth(?![a-z])|Session|CORS|(?i:csrf)", re.ASCII)


def skipped_middleware(app: Any, wrapper: type[Any]) -> list[str]:
    """The names of security middleware inside our own, which snapshots therefore skip, outermost first."""
    names: list[str] = []
    inside = False
    for inner in inner_apps(app):
        entries = list(getattr(inner, "user_middleware", ()))
        classes: list[Any] = [entry.cls for entry in entries]
        ours = next((i for i, cls in enumerate(classes) if isinstance(cls, type) and issubclass(cls, wrapper)), None)
        if ours is not None:
            inside, entries = True, entries[ours + 1 :]
        if isinstance(inner, wrapper):
            inside = True
        elif inside and _SECURITY.search(type(inner).__name__):
            names.append(type(inner).__name__)
        if inside:
            names += [name for entry in entries if _SECURITY.search(name := getattr(entry.cls, "__name__", ""))]
            names += _mounted(getattr(inner, "routes", ()))
    return list(dict.fromkeys(names))


def _mounted(routes: Any, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    """Security middleware of single routes and mounts (`Route(middleware=...)`, `Mount(middleware=...)`)."""
    for node in cast("list[Any]", routes) if isinstance(routes, list) else ():
        app = getattr(node, "app", None)
        for inner in inner_apps(app) if app is not None else ():
            if _SECURITY.search(type(inner).__name__):
                yield type(inner).__name__
            for entry in getattr(inner, "user_middleware", ()):
                if _SECURITY.search(name := getattr(entry.cls, "__name__", "")):
                    yield name
            if _has_routes(inner) and id(inner) not in seen:
                yield from _mounted(inner.routes, seen | {id(inner)})
