"""Quart and Flask: both keep their routes in a `werkzeug.routing.Map`.

Flask runs under asgiref's WsgiToAsgi or a2wsgi; `inner_apps` finds it in either.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import unquote

from ondemand._asgi import CURRENT
from ondemand.frameworks.reading import Group, cut, find_app, hiding, is_a, loaded, opaque, read, source, token
from ondemand.marks import ATTRIBUTE, Mark, mark_of
from ondemand.recording import is_building
from ondemand.routing import Convertor, Pattern, RegexPattern, Route

__all__ = ["middleware", "routes"]

_PARAM = re.compile(r"<(?:[A-Za-z_]\w*(?:\(.*?\))?:)?([A-Za-z_]\w*)>")


def routes(app: Any, group: Group) -> Iterable[Route]:
    """The rules of `app.url_map` that requests reach, in the order in which its matcher tries them."""
    if is_building():
        _watch_sessions(app)
    dispatcher: Any = getattr(app, "wsgi_app", None)
    if is_a(dispatcher, "werkzeug.middleware.dispatcher.DispatcherMiddleware"):
        for prefix, mounted in dispatcher.mounts.items():
            below = group._replace(prefix=group.prefix + prefix.rstrip("/"))
            inner_app = find_app(mounted)
            yield from read(inner_app, below) if inner_app is not None else [opaque(below)]
            yield hiding(below)
    app.url_map.update()
    domains = app.url_map._matcher._root  # its first transition is the host's
    inner = [state for domain, state in domains.static.items() if domain]
    inner += [*(state for _, state in domains.dynamic), *(s for domain, s in domains.static.items() if not domain)]
    for rule in chain.from_iterable(map(_in_order, inner)):
        host = _host(rule, app)
        if rule.websocket or host is None:
            continue
        route = _route(rule, app, group)
        route.host = group.host or host
        yield route


def _watch_sessions(app: Any) -> None:
    """Let sessions tell a build when page code looks at them: Quart says nothing of it in its answers, and what a session is
    made of was read before."""
    interface: Any = app.session_interface
    plain: Callable[..., Any] = interface.open_session
    if hasattr(plain, "__wrapped__"):
        return

    @functools.wraps(plain)
    def opened(*arguments: Any) -> Any:
        return _watched(plain(*arguments))

    @functools.wraps(plain)
    async def opened_later(*arguments: Any) -> Any:
        return _watched(await plain(*arguments))

    interface.open_session = opened_later if inspect.iscoroutinefunction(plain) else opened


def _watched(session: Any) -> Any:
    cls: type[Any] = session.__class__
    if hasattr(session, "setdefault") and not issubclass(cls, _Watching):
        with contextlib.suppress(TypeError):  # of a class whose objects cannot change it
            session.__class__ = _watching(cls)
    return session


@functools.cache
def _watching(cls: type[Any]) -> type[Any]:
    return type(cls.__name__, (_Watching, cls), {"__module__": cls.__module__})


class _Watching:
    """A session that tells when it is looked at."""

    __slots__ = ()


def _telling(name: str) -> Callable[..., Any]:
    def told(self: Any, *arguments: Any, **named: Any) -> Any:
        recording = getattr(CURRENT.get(None), "_recording", None)
        if recording is not None:
            recording.sees("session")
        return getattr(super(_Watching, self), name)(*arguments, **named)

    return told


for _name in (
    "__contains__",
    "__getitem__",
    "__iter__",
    "__len__",
    "get",
    "items",
    "keys",
    "pop",
    "setdefault",
    "values",
):
    setattr(_Watching, _name, _telling(_name))


def _in_order(state: Any) -> Iterator[Any]:
    """The rules below a state of werkzeug's matcher: literal parts of a path before parameters, and of those the lighter
    before the heavier."""
    yield from state.rules
    for inner in (*state.static.values(), *(inner for _, inner in state.dynamic)):
        yield from _in_order(inner)


def middleware(app: Any) -> Iterable[str]:
    """None: what runs before requests are functions, and says nothing of itself."""
    return ()


def _host(rule: Any, app: Any) -> str | None:
    """The Host pattern that the rule is bound to, "" for any; None for a rule that no request reaches."""
    if app.url_map.host_matching:
        return _PARAM.sub(r"{\1}", rule.host) if rule.host else None
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
        if isinstance(route.pattern, RegexPattern):
            route.unlisted = "a rule with braces or a star"
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
    path = re.sub("/{2,}", "/", rule.rule) if rule.merge_slashes else rule.rule
    text = _PARAM.sub(lambda found: _token(found[1], known, convertors), path)
    if not re.search(r"[{}*]", _PARAM.sub("", path)):
        strict = app.url_map.strict_slashes if rule.strict_slashes is None else rule.strict_slashes
        return Pattern(group.prefix + text, params={**group.params, **convertors}, loose=not strict)
    pieces = re.split(_PARAM, path)  # text, name, text, ...
    expression = "".join(
        f"(?P<{piece}>{convertors[piece].regex})" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces)
    )
    around = Pattern(group.prefix or "/", params=group.params).expression.removesuffix("/")
    return RegexPattern(group.prefix + path, around + expression)


def _token(name: str, known: Mapping[str, Any], convertors: Mapping[str, Convertor]) -> str:
    kind = type(known[name]).__name__.removesuffix("Converter").lower()
    return token(name, {"integer": "int"}.get(kind, kind), convertors[name].regex)


def _convertor(converter: Any) -> Convertor:
    def to_text(value: Any) -> str:
        if value is None or isinstance(value, bool):
            raise TypeError(f"{value} is no value of a parameter")
        return unquote(converter.to_url(value))

    base: Any = loaded("werkzeug.routing.converters.BaseConverter")
    takes_anything = converter.__class__.to_url is base.to_url
    return Convertor(cut(converter.regex), None if takes_anything else to_text)
