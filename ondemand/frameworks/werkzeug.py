"""Quart and Flask: both keep their routes in a `werkzeug.routing.Map`.

Flask runs under asgiref's WsgiToAsgi or a2wsgi; `inner_apps` finds it in either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from ondemand.frameworks.reading import Group, as_it_chooses, cut, source, token
from ondemand.marks import ATTRIBUTE, Mark, mark_of
from ondemand.routing import Convertor, Pattern, RegexPattern, Route

__all__ = ["middleware", "routes"]

_PARAM = re.compile(r"<(?:[A-Za-z_]\w*(?:\(.*?\))?:)?([A-Za-z_]\w*)>")


def routes(app: Any, group: Group) -> Iterable[Route]:
    """The rules of `app.url_map` that requests reach, first those of which werkzeug says that they weigh less."""
    found: list[Route] = []
    for rule in app.url_map.iter_rules():
        if rule.build_only or rule.websocket:
            continue
        host = _host(rule, app)
        if host is None:
            continue
        route = _route(rule, app, group)
        route.host = group.host or host
        found.append(route)
    return as_it_chooses(found)


def middleware(app: Any) -> Iterable[str]:
    """None: what runs before requests are functions, and says nothing of itself."""
    return ()


def _host(rule: Any, app: Any) -> str | None:
    """The Host pattern that the rule is bound to, "" for any; None for a rule that no request reaches."""
    if app.url_map.host_matching:
        return _PARAM.sub(r"{\1}", rule.host or "")
    if not rule.subdomain:
        return ""
    name = app.config.get("SERVER_NAME")
    if not getattr(app, "subdomain_matching", False) or not name:
        return None
    return _PARAM.sub(r"{\1}", f"{rule.subdomain}.{name}")


def _route(rule: Any, app: Any, group: Group) -> Route:
    view: Any = app.view_functions.get(rule.endpoint)
    view = getattr(view, "view_class", view)
    folder = _static_folder(rule, app)
    if folder:
        rest = rule.rule.rpartition("/")[0]
        route = Route(Pattern(f"{group.prefix}{rest}/{{path:path}}", params=group.params), methods=rule.methods)
        route.directory = (folder,)
    else:
        route = Route(_pattern(rule, app, group), methods=rule.methods or None)
    route.endpoint = view
    route.mark = mark_of(app.view_functions.get(rule.endpoint)) or mark_of(view)
    route.group = _blueprint_mark(rule.endpoint, app) or getattr(app, ATTRIBUTE, None) or group.mark
    route.source = source(view) if view is not None else ""
    return route


def _static_folder(rule: Any, app: Any) -> str | None:
    """The folder of the app's own route for static files, or of a blueprint's."""
    owner, _, name = rule.endpoint.rpartition(".")
    holder = app.blueprints.get(owner) if owner else app
    if name != "static" or holder is None or not rule.rule.endswith("<path:filename>"):
        return None
    return str(holder.static_folder) if holder.has_static_folder else None


def _blueprint_mark(endpoint: str, app: Any) -> Mark | None:
    """The mark of the nearest blueprint around an endpoint ("outer.inner.view")."""
    name = endpoint
    while name := name.rpartition(".")[0]:
        mark = getattr(app.blueprints.get(name), ATTRIBUTE, None)
        if mark is not None:
            return mark
    return None


def _pattern(rule: Any, app: Any, group: Group) -> Pattern:
    known: Mapping[str, Any] = rule._converters
    convertors = {name: _convertor(converter) for name, converter in known.items()}
    text = _PARAM.sub(lambda found: _token(found[1], known, convertors), rule.rule)
    if not re.search(r"[{}*]", _PARAM.sub("", rule.rule)):
        strict = app.url_map.strict_slashes if rule.strict_slashes is None else rule.strict_slashes
        return Pattern(group.prefix + text, params={**group.params, **convertors}, loose=not strict)
    pieces = re.split(_PARAM, rule.rule)  # text, name, text, ...
    expression = "".join(
        f"(?P<{piece}>{convertors[piece].regex})" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)
    )
    around = Pattern(group.prefix or "/", params=group.params).expression.removesuffix("/")
    return RegexPattern(group.prefix + rule.rule, around + expression)


def _token(name: str, known: Mapping[str, Any], convertors: Mapping[str, Convertor]) -> str:
    kind = type(known[name]).__name__.removesuffix("Converter").lower()
    return token(name, {"integer": "int"}.get(kind, kind), convertors[name].regex)


def _convertor(converter: Any) -> Convertor:
    def to_text(value: Any) -> str:
        return unquote(converter.to_url(value))

    return Convertor(cut(converter.regex), to_text)
