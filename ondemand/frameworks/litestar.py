"""Litestar: `app.routes`, each with its handlers.

A handler is marked by `prerender`, above or below its own decorator, or by `opt={"prerender": ...}`, its own or that of a
layer around it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta
from pathlib import PurePath
from typing import Any

from ondemand.errors import MarkError
from ondemand.frameworks.reading import (
    Group,
    as_it_chooses,
    find_app,
    hiding,
    is_a,
    opaque,
    read,
    source,
    token,
)
from ondemand.marks import ATTRIBUTE, Mark, is_value, mark_of
from ondemand.routing import Convertor, Pattern, Route

__all__ = ["middleware", "routes"]

_GIVEN = frozenset(["request", "scope", "state", "socket", "data", "body"])
"""Arguments that Litestar gives by their name, and by which nothing of the visitor is declared."""

_REGEXES = {
    "path": ".+",
    "int": r"[+-]?[0-9]+(?:_[0-9]+)*",
    "float": r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?",
}
"""What its types of parameters take; of the others anything, which they may refuse."""

_OF_VISITOR = {"headers": "the request's headers", "cookies": "the request's cookies", "query": "the request's query"}


def routes(app: Any, group: Group) -> Iterable[Route]:
    """Paths without parameters, then mounts, then the rest, as Litestar looks them up."""
    group = group._replace(mark=getattr(app, ATTRIBUTE, None) or group.mark)
    found: list[Route] = []
    mounted: list[Route] = []
    for node in app.routes:
        kind = type(node).__name__
        if kind == "ASGIRoute" and (node.route_handler.is_mount or getattr(node.route_handler, "is_static", False)):
            mounted += _mounted(node, group)
        elif kind == "ASGIRoute":
            found.append(_route(node, node.route_handler, None, group))
        elif kind == "HTTPRoute":
            users = (handler for handler in node.route_handlers if not _is_made(handler))
            found += (_route(node, handler, handler.http_methods, group) for handler in users)
    ordered = as_it_chooses(found)
    first = [route for route in ordered if route.pattern.is_literal]
    return [*first, *mounted, *(route for route in ordered if not route.pattern.is_literal)]


def middleware(app: Any) -> Iterator[str]:
    """What the app's layers name, and what its CORS and CSRF settings put there."""
    entries = [*app.middleware]
    for node in app.routes:
        for handler in getattr(node, "route_handlers", ()):
            for layer in handler.ownership_layers:
                entries += layer.middleware or ()
    for entry in entries:
        cls = getattr(entry, "middleware", entry)
        yield getattr(cls, "__name__", type(cls).__name__)
    if app.cors_config is not None:
        yield "CORSMiddleware"
    if app.csrf_config is not None:
        yield "CSRFMiddleware"


def _mounted(node: Any, group: Group) -> Iterator[Route]:
    own, around = _marks(node.route_handler)
    inner = group._replace(prefix=group.prefix + node.path.rstrip("/"), mark=own or around or group.mark)
    app = find_app(node.route_handler.fn)
    if app is not None and id(app) not in group.inside:
        for route in read(app, inner):
            if route.pattern.text.endswith("/"):  # Litestar hands every path on with a slash at its end
                route.pattern = route.pattern.loosened()
            yield route
        yield hiding(inner)
    else:
        yield opaque(inner)


def _route(node: Any, handler: Any, methods: Iterable[str] | None, group: Group) -> Route:
    function = _plain(handler.fn)
    own, around = _marks(handler)
    folders = _folders(function)
    if folders:
        prefix = group.prefix + node.path.rpartition("/{")[0]
        route = Route(Pattern(f"{prefix}/{{path:path}}", params=group.params), methods=methods)
        route.directory = folders
    else:
        route = Route(_pattern(node, group), methods=methods)
        route.endpoint = function
        route.source = source(function)
        route.framework = (getattr(function, "__module__", "") or "").startswith("litestar.")
    route.mark, route.group, route.host = own, around or group.mark, group.host
    route.declares = tuple(dict.fromkeys(_declared(handler, tuple(node.path_parameters))))
    return route


def _is_made(handler: Any) -> bool:
    """True for the handler of OPTIONS that Litestar makes for each path."""
    module: str = getattr(handler.fn, "__module__", "") or ""
    return module.startswith("litestar.routes.") and handler.http_methods == {"OPTIONS"}


def _plain(function: Any) -> Any:
    """The user's function, which Litestar wraps to run it in a thread."""
    return function.func if is_a(function, "litestar.utils.sync.AsyncCallable") else function


def _marks(handler: Any) -> tuple[Mark | None, Mark | None]:
    """Its own mark, and that of the nearest controller or router around it. Raises `MarkError`."""
    function = _plain(handler.fn)
    controller = getattr(function, "__self__", None)
    mark_of(type(controller))  # it has been reached
    around = [getattr(controller, ATTRIBUTE, None)]
    inherited: Any = None
    for layer in reversed(handler.ownership_layers[:-1]):
        opt: dict[str, Any] = layer.opt or {}
        said = opt.get("prerender")
        inherited = said if inherited is None else inherited
        around.append(_said(said, layer))
    own = getattr(handler, ATTRIBUTE, None) or mark_of(function)
    said = handler.opt.get("prerender")  # Litestar has written into it what the layers say
    if own is None and said is not inherited:
        own = _said(said, function)
    return own, next((mark for mark in around if mark is not None), None)


def _said(value: Any, place: Any) -> Mark | None:
    """The mark that `opt` of a handler or layer says. Raises `MarkError`."""
    if value is None:
        return None
    if not is_value(value):
        where = (
            source(place)
            if inspect.isroutine(place)
            else f"{type(place).__name__} {getattr(place, 'path', '')}".rstrip()
        )
        raise MarkError(f"opt={{'prerender': {value!r}}} ({where}): it takes True, False or 'auto'.")
    return Mark(value)


def _folders(function: Any) -> tuple[str, ...]:
    """The folders of `create_static_files_router`; none where it answers folders with their index pages."""
    if getattr(function, "__module__", "") != "litestar.static_files.config" or not inspect.isfunction(function):
        return ()
    files: Any = inspect.getclosurevars(function).nonlocals.get("static_files")
    if files is None or files.is_html_mode:
        return ()
    return tuple(str(folder) for folder in files.directories)


def _pattern(node: Any, group: Group) -> Pattern:
    """The pattern of a route, from the parts that Litestar has cut its path into."""
    convertors = dict(group.params)
    text = ""
    for part in node.path_components:
        if isinstance(part, str):
            text += f"/{part}"
            continue
        kind = part.full.partition(":")[2]
        regex = _REGEXES.get(kind, "[^/]+")
        convertors[part.name] = Convertor(regex, _text)
        text += "/" + token(part.name, kind, regex)
    return Pattern((group.prefix + text) or "/", params=convertors, loose=True)


def _text(value: Any) -> str:
    """A value of one of Litestar's types of parameters, as its parser reads it."""
    if isinstance(value, bool):
        raise TypeError("True and False are no values of a parameter")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    return value.as_posix() if isinstance(value, PurePath) else str(value)


def _duration(value: timedelta) -> str:
    """As ISO 8601 writes it: of a plain number Litestar keeps the whole seconds."""
    sign, length = ("-", -value) if value < timedelta() else ("", value)
    seconds = length.days * 86400 + length.seconds
    return f"{sign}PT{seconds}.{length.microseconds:06}S" if length.microseconds else f"{sign}PT{seconds}S"


def _declared(handler: Any, in_path: tuple[str, ...]) -> Iterator[str]:
    """What a handler declares to read from the visitor, itself and by what it depends on, and the guards that decide about it."""
    for guard in handler.resolve_guards():
        guard = _plain(guard)
        yield f"the guard {getattr(guard, '__name__', type(guard).__name__)}"
    if hasattr(handler, "http_methods"):  # any other handler is given what ASGI gives
        yield from _parameters(handler.parsed_fn_signature, handler.resolve_dependencies(), in_path)


def _parameters(
    signature: Any, dependencies: Any, in_path: tuple[str, ...], seen: frozenset[str] = frozenset()
) -> Iterator[str]:
    for name, field in signature.parameters.items():
        if name in _OF_VISITOR:
            yield _OF_VISITOR[name]
        elif name in dependencies:
            if name not in seen:
                yield from _parameters(dependencies[name].parsed_fn_signature, dependencies, in_path, seen | {name})
        elif name not in in_path and name not in _GIVEN:
            yield _named(name, field.kwarg_definition)


def _named(name: str, said: Any) -> str:
    """A parameter in the words of its kind: `FromHeader[...]` and its like, or `Parameter(header=...)`; of the query if it
    does not say."""
    kind = getattr(getattr(said, "param_type", None), "value", "query")
    kind = next((other for other in ("header", "cookie") if getattr(said, other, None)), kind)
    return f"the {kind} parameter {getattr(said, kind, None) or getattr(said, 'name', None) or name!r}"
