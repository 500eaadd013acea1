"""Litestar: `app.routes`, each with its handlers.

A handler is marked by `prerender`, above or below its own decorator, or by `opt={"prerender": ...}`, its own or that of a
layer around it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from datetime import date, time
from typing import Any

from ondemand.errors import MarkError
from ondemand.frameworks.reading import (
    Group,
    as_it_chooses,
    find_app,
    hiding,
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

_OF_VISITOR = {"headers": "the request's headers", "cookies": "the request's cookies", "query": "the request's query"}


def routes(app: Any, group: Group) -> Iterable[Route]:
    """Paths without parameters, then mounts, then the rest, as Litestar looks them up."""
    mark = getattr(app, ATTRIBUTE, None) or group.mark
    group = group._replace(mark=mark)
    found: list[Route] = []
    mounted: list[Route] = []
    for node in app.routes:
        kind = type(node).__name__
        if kind == "ASGIRoute" and (node.route_handler.is_mount or getattr(node.route_handler, "is_static", False)):
            mounted += _mounted(node, group)
        elif kind == "ASGIRoute":
            found.append(Route(_pattern(node, group), methods=None))
        elif kind == "HTTPRoute":
            handlers = (handler for handler in node.route_handlers if "OPTIONS" not in handler.http_methods)
            found += (_route(node, handler, group) for handler in handlers)
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
    inner = group._replace(prefix=group.prefix + node.path.rstrip("/"), mark=_mark(node.route_handler) or group.mark)
    app = find_app(node.route_handler.fn)
    if app is not None and id(app) not in group.inside:
        for route in read(app, inner):
            if route.pattern.text == inner.prefix + "/":  # Litestar leads to it without the slash too
                route.pattern = Pattern(route.pattern.text, params=inner.params, loose=True)
            yield route
        yield hiding(inner)
    else:
        yield opaque(inner)


def _route(node: Any, handler: Any, group: Group) -> Route:
    if folders := _folders(handler):
        prefix = group.prefix + node.path.rpartition("/{")[0]
        route = Route(Pattern(f"{prefix}/{{path:path}}", params=group.params), methods=handler.http_methods)
        route.directory = folders
        return route
    route = Route(_pattern(node, group), methods=handler.http_methods)
    route.endpoint = handler.fn
    route.mark = _mark(handler)
    route.group = _layer_mark(handler) or group.mark
    route.host = group.host
    route.source = source(handler.fn)
    route.framework = (getattr(handler.fn, "__module__", "") or "").startswith("litestar.")
    route.declares = tuple(dict.fromkeys(_declared(handler, route.pattern.names)))
    return route


def _mark(handler: Any) -> Mark | None:
    """The mark of the handler or its function, else what `opt` says. Raises `MarkError`."""
    mark = getattr(handler, ATTRIBUTE, None) or mark_of(handler.fn)
    value = handler.opt.get("prerender")
    if mark is not None or value is None:
        return mark
    if not is_value(value):
        raise MarkError(f"opt={{'prerender': {value!r}}} ({source(handler.fn)}): it takes True, False or 'auto'.")
    return Mark(value)


def _layer_mark(handler: Any) -> Mark | None:
    """The mark of the nearest controller or router around it."""
    for layer in reversed(handler.ownership_layers[:-1]):
        mark = getattr(layer, ATTRIBUTE, None)
        if mark is not None:
            return mark
    return None


def _folders(handler: Any) -> tuple[str, ...]:
    """The folders of `create_static_files_router`; none where it answers folders with their index pages."""
    if getattr(handler.fn, "__module__", "") != "litestar.static_files.config" or not inspect.isfunction(handler.fn):
        return ()
    files: Any = inspect.getclosurevars(handler.fn).nonlocals.get("static_files")
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
        regex = {"path": ".+", "int": "-?[0-9]+", "float": r"-?[0-9]+(?:\.[0-9]+)?"}.get(kind, "[^/]+")
        convertors[part.name] = Convertor(regex, _text)
        text += "/" + token(part.name, kind, regex)
    return Pattern((group.prefix + text) or "/", params=convertors, loose=True)


def _text(value: Any) -> str:
    """A value of one of Litestar's types of parameters, as its parser reads it."""
    if isinstance(value, bool):
        raise TypeError("True and False are no values of a parameter")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value.total_seconds()) if hasattr(value, "total_seconds") else str(value)


def _declared(handler: Any, in_path: tuple[str, ...]) -> Iterator[str]:
    """What a handler declares to read from the visitor, and the guards that decide about it."""
    for guard in handler.resolve_guards():
        yield f"the guard {getattr(guard, '__name__', type(guard).__name__)}"
    dependencies = handler.resolve_dependencies()
    for name, field in handler.parsed_fn_signature.parameters.items():
        if name in _OF_VISITOR:
            yield _OF_VISITOR[name]
        elif name not in in_path and name not in _GIVEN and name not in dependencies:
            said = field.kwarg_definition
            kind = next((kind for kind in ("header", "cookie") if getattr(said, kind, None)), "query")
            alias = getattr(said, kind, None) or name
            yield f"the {kind} parameter {alias!r}"
