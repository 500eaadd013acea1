"""Starlette >= 1.0 and what is built on it: `app.routes`, with Mount and Host entered.

FastAPI >= 0.137.2 keeps included routers as one node: `fastapi.routing.iter_route_contexts` flattens it. FastHTML hides the page
function in the closure of its endpoint.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from ondemand._asgi import inner_apps
from ondemand.errors import ConfigError
from ondemand.frameworks.reading import Group, find_app, hiding, is_a, loaded, opaque, read, shadowed, source
from ondemand.marks import ATTRIBUTE, Mark, mark_of
from ondemand.routing import Convertor, Pattern, Route

__all__ = ["middleware", "registry", "routes"]

_OF_FASTHTML = frozenset(["app", "state", "scope", "body", "htmx", "hdrs", "ftrs", "bodykw", "htmlkw", "ws"])
"""What FastHTML gives to a parameter of this name that has no annotation, and is no parameter of the request."""


class _Place(NamedTuple):
    """Where the reader stands: the group, and what the convertors are called."""

    group: Group
    convertors: Mapping[str, Convertor]


def registry() -> Mapping[str, Convertor]:
    """Starlette's convertors, those of the user included, by name."""
    known: dict[str, Any] = loaded("starlette.convertors.CONVERTOR_TYPES") or {}
    return {name: _convertor(convertor) for name, convertor in known.items()}


def _convertor(convertor: Any) -> Convertor:
    writer = getattr(convertor.to_string, "__module__", "")
    own = writer in {"starlette.convertors", "fasthtml.core"}  # patterns of ours write these as it does
    return Convertor(str(convertor.regex), None if own else convertor.to_string)


def routes(app: Any, group: Group) -> Iterator[Route]:
    """The routes of an app or router, then its frontends, which FastAPI tries last."""
    router = getattr(app, "router", None)
    mark = getattr(app, ATTRIBUTE, None) or getattr(router, ATTRIBUTE, None) or group.mark
    place = _Place(group._replace(mark=mark), registry())
    yield from _read(app.routes, place)
    for frontends in getattr(router if router is not None else app, "_low_priority_routes", ()):
        for frontend in getattr(frontends, "routes", ()):
            route = opaque(place.group._replace(prefix=group.prefix + str(frontend.path).rstrip("/")))
            route.directory = tuple(str(folder) for folder in getattr(frontend.app, "all_directories", ()))
            route.unlisted = ""
            route.declares = tuple(dict.fromkeys(_declared(getattr(frontends, "dependant", None))))
            yield route


def middleware(app: Any) -> Iterator[str]:
    """The app's own, then that of single routes and mounts (`Route(middleware=...)`, `Mount(middleware=...)`)."""
    for entry in getattr(app, "user_middleware", ()):
        name = getattr(entry.cls, "__name__", "")
        if name == "SessionMiddleware" and is_a(app, "fasthtml.core.FastHTML"):
            name = ""  # which every app of FastHTML has, and which refuses nobody: whether a page uses it is found out
        yield name
    yield from _mounted(getattr(app, "routes", ()))


def _mounted(nodes: Any, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    for node in nodes:
        app = getattr(node, "app", None)
        for inner in inner_apps(app) if app is not None else ():
            yield type(inner).__name__
            for entry in getattr(inner, "user_middleware", ()):
                yield getattr(entry.cls, "__name__", "")
            if isinstance(below := getattr(inner, "routes", None), list | tuple) and id(inner) not in seen:
                yield from _mounted(below, seen | {id(inner)})


def _read(nodes: Iterable[Any], place: _Place) -> Iterator[Route]:
    for node in nodes:
        if getattr(node, "original_router", None) is not None:
            yield from _read_included(node, place)
        else:
            yield from _read_one(node, node, place, place.group.mark)


def _read_included(node: Any, place: _Place) -> Iterator[Route]:
    """A router that FastAPI keeps as one node: flattened by FastAPI's own function."""
    try:
        from fastapi.routing import iter_route_contexts
    except ImportError:
        raise ConfigError(
            "This FastAPI cannot show the routes of included routers: 0.137.2 or later is needed. "
            "Run: pip install 'fastapi>=0.137.2'"
        ) from None
    marks = _marks_in_order(node.original_router, place.group.mark)
    for context in iter_route_contexts([node]):
        original: Any = context.original_route
        mark = next((mark for route, mark in marks if route is original), place.group.mark)
        yield from _read_one(context, original, place, mark)


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


def _read_one(node: Any, original: Any, place: _Place, mark: Mark | None) -> Iterator[Route]:
    kind = _kind(original)
    if kind == "mount":
        yield from _read_mount(node, original, place.group, mark)
    elif kind == "host":
        inner = place.group._replace(host=str(original.host), mark=getattr(original, ATTRIBUTE, None) or mark)
        app = find_app(node.app)
        if app is not None:
            yield from read(app, inner)
            yield hiding(inner)
        else:
            yield opaque(inner)
    elif kind == "route":
        yield _route(node, original, place, mark)


def _kind(node: Any) -> str:
    names = {cls.__name__ for cls in type(node).__mro__}
    for name, kind in (("Mount", "mount"), ("Host", "host"), ("WebSocketRoute", ""), ("Route", "route")):
        if name in names:
            return kind
    return ""


def _read_mount(node: Any, original: Any, group: Group, mark: Mark | None) -> Iterator[Route]:
    own: Mapping[str, Any] = getattr(original, "param_convertors", {})
    params = {name: _convertor(convertor) for name, convertor in own.items() if name != "path"}  # what a mount hands on
    mark = getattr(original, ATTRIBUTE, None) or mark
    outer = shadowed(group, str(node.path))
    inner = group._replace(prefix=outer.prefix + node.path, mark=mark, params={**outer.params, **params})
    for app in inner_apps(node.app):
        directories = getattr(app, "all_directories", None)
        if directories is not None:
            route = opaque(inner)
            route.directory, route.unlisted = tuple(str(directory) for directory in directories), ""
            yield route
            return
    app = find_app(node.app)
    if app is not None and id(app) not in group.inside:
        yield from read(app, inner)
        yield hiding(inner)
    else:
        yield opaque(inner)


def _route(node: Any, original: Any, place: _Place, mark: Mark | None) -> Route:
    path = str(node.path)
    group = shadowed(place.group, path)
    methods: Iterable[str] | None = node.methods
    endpoint = _of_fasthtml(node.endpoint)
    if inspect.isclass(endpoint) and methods is None:
        methods = [
            name.upper()
            for name in ("get", "head", "post", "put", "patch", "delete", "options")
            if hasattr(endpoint, name)
        ]
    pattern = Pattern((group.prefix + path) or "/", place.convertors, params=group.params)
    dependant: Any = getattr(node, "dependant", None)
    if typed := {name: to_text for name, to_text in _typed(dependant) if pattern.names.count(name)}:
        params = {
            name: Convertor(place.convertors["str"].regex, to_text)
            for name, to_text in typed.items()
            if pattern.convertor(name) == "str"
        }
        pattern = Pattern(pattern.text, place.convertors, params={**params, **group.params})
    route = Route(pattern, methods=methods or None)
    route.endpoint = endpoint
    route.mark = mark_of(endpoint) or getattr(original, ATTRIBUTE, None)
    route.group = mark
    route.host = getattr(original, "host", None) or group.host  # FastHTML binds single routes to a host
    route.source = source(endpoint)
    route.framework = _is_frameworks_own(endpoint)
    declared = _declared(dependant)
    if endpoint is not node.endpoint:
        declared = _declared_in_fasthtml(endpoint, node.endpoint, pattern.names)
    route.declares = tuple(dict.fromkeys(declared))
    return route


def _typed(dependant: Any) -> Iterator[tuple[str, Callable[[Any], object]]]:
    """The parameters of the path that FastAPI reads by an annotation, and what writes a value of its type: (name, function)."""
    for field in getattr(dependant, "path_params", ()):
        if field.field_info.annotation not in {str, int, float}:
            yield field.alias, functools.partial(_written, field)
    for inner in getattr(dependant, "dependencies", ()):
        yield from _typed(inner)


def _written(field: Any, value: Any) -> object:
    """A date, an enum and whatever else pydantic reads from text, as pydantic writes it; text and numbers as they are."""
    return value if type(value) in {str, int, float} else field.serialize(value, mode="json")


def _is_frameworks_own(endpoint: Any) -> bool:
    """True for its pages about the app; not for what its users have it serve (`static_route_exts` of FastHTML)."""
    module, name = getattr(endpoint, "__module__", ""), getattr(endpoint, "__qualname__", "")
    return module in {"fastapi.applications", "fasthtml.core"} and not name.startswith("static_route")


def _of_fasthtml(endpoint: Any) -> Any:
    """The page function that a FastHTML endpoint, a closure, calls."""
    if getattr(endpoint, "__module__", "") != "fasthtml.core" or not inspect.isfunction(endpoint):
        return endpoint
    return inspect.getclosurevars(endpoint).nonlocals.get("f", endpoint)


def _declared_in_fasthtml(function: Any, endpoint: Any, in_path: tuple[str, ...]) -> Iterator[str]:
    """FastHTML looks a parameter up in the path, the cookies, the headers, the query and the form, by its name."""
    before: Any = inspect.getclosurevars(endpoint).nonlocals.get("before")
    for guard in cast("list[Any]", before if isinstance(before, list | tuple) else filter(None, [before])):
        yield f"what runs before it ({getattr(guard, '__name__', type(guard).__name__)})"
    if not inspect.isfunction(function):
        return
    try:
        signature = inspect.signature(function, eval_str=True)
    except NameError:
        signature = inspect.signature(function)
    for name, parameter in signature.parameters.items():
        if name in in_path or parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            continue
        annotation, short = parameter.annotation, name.lower()
        bare = annotation is parameter.empty
        if (bare and ("request".startswith(short) or short in _OF_FASTHTML)) or _is_by_request(annotation):
            continue
        if "session".startswith(short) and (bare or annotation is dict):
            yield "the session"
        elif bare and short == "auth":
            yield "who is logged in (auth)"
        else:
            yield f"the parameter {name!r} of the request"


def _is_by_request(annotation: Any) -> bool:
    """True for an annotation by which FastHTML gives the request, the app, or what belongs to them."""
    names = (
        "starlette.requests.HTTPConnection",
        "starlette.applications.Starlette",
        "starlette.datastructures.State",
        "fasthtml.core.HtmxHeaders",
    )
    kinds = tuple(kind for name in names if (kind := loaded(name)) is not None)
    return inspect.isclass(annotation) and issubclass(annotation, kinds)


def _declared(dependant: Any, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    """What a FastAPI dependency tree declares to read from the visitor."""
    if dependant is None or id(dependant) in seen:
        return
    for kind in ("query", "header", "cookie"):
        for param in getattr(dependant, f"{kind}_params", ()):
            yield f"the {kind} parameter {getattr(param, 'alias', param.name)!r}"
    call: Any = getattr(dependant, "call", None)
    base: Any = loaded("fastapi.security.base.SecurityBase")
    if base is not None and call is not None:
        plain = inspect.unwrap(getattr(call, "func", call))
        plain = getattr(plain, "__self__", plain)
        if isinstance(plain, base):
            yield f"the security dependency {type(plain).__name__}"
    for inner in getattr(dependant, "dependencies", ()):
        yield from _declared(inner, seen | {id(dependant)})
