"""Sanic: `app.router.routes`, which are all there once the app has started.

A handler is marked by `prerender`, or by `ctx_prerender=` where it is routed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ondemand.errors import MarkError
from ondemand.frameworks.reading import Group, as_it_chooses, cut, source, token
from ondemand.marks import Mark, is_value, mark_of
from ondemand.routing import Convertor, Pattern, Route

__all__ = ["middleware", "routes"]

_PARAM = re.compile(r"<([A-Za-z_]\w*).*>", re.DOTALL)
"""A part of a path that is a parameter: what follows the name, a type or an expression, may hold anything."""


def routes(app: Any, group: Group) -> Iterable[Route]:
    """Those of the app and its blueprints."""
    found: dict[tuple[str, str, frozenset[str]], Route] = {}  # Sanic keeps a route with hosts once for each of them
    for node in app.router.routes:
        if not getattr(node.extra, "websocket", False):
            for host in sorted(host or "" for host in getattr(node.extra, "hosts", None) or [None]):
                found.setdefault((node.path, host, frozenset(node.methods)), _route(node, group, host))
    return as_it_chooses(found.values())


def middleware(app: Any) -> Iterable[str]:
    """None: what runs before requests are functions, and says nothing of itself."""
    return ()


def _route(node: Any, group: Group, host: str) -> Route:
    handler: Any = node.handler
    if folder := _folder(node):
        prefix = group.prefix + "/" + node.path.rpartition("/")[0].strip("/")
        route = Route(Pattern(f"{prefix.rstrip('/')}/{{path:path}}", params=group.params), methods=node.methods)
        route.directory = (folder,)
        return route
    view = getattr(handler, "view_class", handler)
    route = Route(_pattern(node, group), methods=node.methods)
    route.endpoint = view
    route.mark = mark_of(handler) or mark_of(view) or _context_mark(node)
    route.group, route.host = group.mark, group.host or host
    route.source = source(view)
    return route


def _folder(node: Any) -> str | None:
    """The folder of `app.static`; None for a single file."""
    handler: Any = node.handler
    folder = getattr(handler, "keywords", {}).get("file_or_directory") if getattr(node.extra, "static", False) else None
    return str(folder) if folder is not None and "<" in node.path else None


def _context_mark(node: Any) -> Mark | None:
    value = getattr(node.ctx, "prerender", None)
    if value is None:
        return None
    if not is_value(value):
        raise MarkError(f"ctx_prerender={value!r} ({source(node.handler)}): it takes True, False or 'auto'.")
    return Mark(value)


def _pattern(node: Any, group: Group) -> Pattern:
    params: Mapping[int, Any] = node.defined_params
    known = {param.name: param for param in params.values()}
    convertors = {name: Convertor(cut(param.pattern.pattern), _text) for name, param in known.items()}
    kinds = {name: "int" if param.label == "int" else "" for name, param in known.items()}
    parts = (_PARAM.fullmatch(part) or part for part in node.parts)
    texts = (
        part if isinstance(part, str) else token(part[1], kinds[part[1]], convertors[part[1]].regex) for part in parts
    )
    text = "/" + "/".join(texts).strip("/") + ("/" if node.strict and node.uri.endswith("/") and node.path else "")
    return Pattern((group.prefix + text) or "/", params={**group.params, **convertors}, loose=not node.strict)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        raise TypeError("True and False are no values of a parameter")
    return value.isoformat() if isinstance(value, date) else str(value)
