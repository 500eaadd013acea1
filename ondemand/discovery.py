"""Which routes does this app have? All knowledge of how frameworks keep their routes is here, and only here.

FastAPI >= 0.137.2: `fastapi.routing.iter_route_contexts`. Starlette >= 1.0: `app.routes`, with Mount and Host entered.
Any other ASGI app: the `routes=[...]` of its OnDemand, and whatever a crawl finds.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from ondemand._asgi import inner_apps
from ondemand.config import Config
from ondemand.errors import ConfigError
from ondemand.marks import ATTRIBUTE, Mark, mark_of, unreached
from ondemand.routing import Decision, Pattern, Route, decide

__all__ = ["RouteTable", "Warned", "discover", "find_wrapper", "skipped_middleware"]


class RouteTable:
    """The routes of an app in the order in which it tries them.

    `known`: the app showed its routes, so that a path that none of them covers is answered by none of them.
    """

    def __init__(self, routes: Sequence[Route], *, known: bool) -> None:
        self.routes = tuple(routes)
        self.known = known
        self._exact: dict[str, list[int]] = {}
        self._rest: list[int] = []
        for position, route in enumerate(self.routes):
            if route.pattern.is_literal:
                self._exact.setdefault(route.pattern.text, []).append(position)
            else:
                self._rest.append(position)
        self._by_pattern = {route.pattern.text: route for route in reversed(self.routes)}

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)

    def by_pattern(self, text: str) -> Route | None:
        """The first route with exactly this pattern."""
        return self._by_pattern.get(text)

    def match(self, path: str, *, method: str = "GET", host: str = "") -> Route | None:
        """The route that answers `method` on `path` (decoded) for requests to `host`: the first that covers it, as
        the app itself would choose; None if none does. A route for other methods only lets later ones be tried."""
        if method == "HEAD":
            method = "GET"
        exact = [position for position in self._exact.get(path, ()) if self._fits(position, method, host)]
        best = exact[0] if exact else len(self.routes)
        for position in self._rest:
            if position >= best:
                break
            if self._fits(position, method, host) and self.routes[position].pattern.match(path) is not None:
                return self.routes[position]
        return self.routes[best] if exact else None

    def _fits(self, position: int, method: str, host: str) -> bool:
        route = self.routes[position]
        return (route.methods is None or method in route.methods) and (not route.host or host_matches(route.host, host))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The Host patterns that some of the routes are bound to."""
        return tuple(dict.fromkeys(route.host for route in self.routes if route.host))


def host_matches(pattern: str, host: str) -> bool:
    """True if the Host header `host` is one that Starlette's `Host(pattern)` takes: parameters match one label."""
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    expression = "[^.]+".join(re.escape(piece) for piece in re.split(r"\{[^}]*\}", pattern))
    return re.fullmatch(expression, name, re.IGNORECASE) is not None


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


def discover(app: Any, config: Config) -> RouteTable:
    """Read the routes of `app` (through whatever wraps it), those of `config.routes` first."""
    routes = list(config.routes)
    root = next((inner for inner in inner_apps(app) if _has_routes(inner)), None)
    if root is not None:
        routes += _read(root.routes, _Group(convertors=_convertors()))
    return RouteTable(routes, known=root is not None)


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
    marks = _router_marks(node.original_router, group.mark)
    for context in iter_route_contexts([node]):
        original: Any = context.original_route
        yield from _read_one(context, original, group, marks.get(id(original), group.mark))


def _router_marks(router: Any, inherited: Mark | None) -> dict[int, Mark | None]:
    """The mark of the nearest router around each route of `router`, by the route's id."""
    mark = getattr(router, ATTRIBUTE, None) or inherited
    found: dict[int, Mark | None] = {}
    for route in getattr(router, "routes", ()):
        inner = getattr(route, "original_router", None)
        if inner is not None:
            found.update(_router_marks(inner, mark))
        else:
            found[id(route)] = mark
    return found


def _read_one(node: Any, original: Any, group: _Group, mark: Mark | None) -> Iterator[Route]:
    kind = _kind(original)
    if kind == "mount":
        yield from _read_mount(node, original, group, mark)
    elif kind == "host":
        inner = _Group(group.prefix, str(original.host), getattr(original, ATTRIBUTE, None) or mark, group.convertors)
        apps = [app for app in inner_apps(node.app) if _has_routes(app)]
        if apps:
            yield from _read(apps[0].routes, inner)
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
    inner = _Group(group.prefix + node.path, group.host, getattr(original, ATTRIBUTE, None) or mark, group.convertors)
    for app in inner_apps(node.app):
        directories = getattr(app, "all_directories", None)
        if directories is not None:
            route = _opaque(inner.prefix, inner)
            route.directory = tuple(str(directory) for directory in directories)
            yield route
            return
        if _has_routes(app):
            yield from _read(app.routes, inner)
            return
    yield _opaque(inner.prefix, inner)


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
    code = getattr(inspect.unwrap(endpoint), "__code__", None)
    if code is not None:
        return f"{code.co_filename}:{code.co_firstlineno}"
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
        decide(route, config)
    for pattern, _ in config.rules:
        if table.known and not any(pattern.overlaps(route.pattern) for route in table):
            message = f"The rule {pattern.text!r} covers no route of the app."
            found.append(Warned("unused-rule", pattern.text, message, "Correct its pattern, or remove it."))
    for place in unreached(route.endpoint for route in table if route.endpoint is not None):
        message = f"{place} is marked with prerender, but no route runs it, so the mark has no effect."
        remedy = "Put @prerender directly on the function, or use functools.wraps in the decorator above it."
        found.append(Warned("lost-mark", place, message, remedy))
    return found


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


_SECURITY = re.compile(r"TrustedHost|HTTPSRedirect|Authenti|Authoriz|Auth(?![a-z])|Session|CORS|CSRF", re.ASCII)


def skipped_middleware(app: Any, wrapper: type[Any], table_routes: Iterable[Any] = ()) -> list[str]:
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


def _mounted(routes: Any) -> Iterator[str]:
    """Security middleware of single routes and mounts (`Route(middleware=...)`, `Mount(middleware=...)`)."""
    for node in cast("list[Any]", routes) if isinstance(routes, list) else ():
        app = getattr(node, "app", None)
        for inner in inner_apps(app) if app is not None else ():
            if _SECURITY.search(type(inner).__name__):
                yield type(inner).__name__
            for entry in getattr(inner, "user_middleware", ()):
                if _SECURITY.search(name := getattr(entry.cls, "__name__", "")):
                    yield name
            if _has_routes(inner) and inner is not node:
                yield from _mounted(inner.routes)


def decisions(table: RouteTable, config: Config) -> Iterator[tuple[Route, Decision]]:
    """Each route with its decision."""
    for route in table:
        yield route, decide(route, config)
