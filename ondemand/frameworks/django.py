"""Django: the URLconf, as its resolver has read it.

Paths of `path()` are patterns; those of `re_path()` are regular expressions, of which no path can be made. The wrapper goes
around `get_asgi_application()`, so that all middleware of the settings is inside.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from ondemand.errors import ConfigError
from ondemand.frameworks.reading import Group, cut, loaded, source, token
from ondemand.marks import mark_of, unwrap
from ondemand.recording import is_building
from ondemand.routing import Convertor, Pattern, RegexPattern, Route

__all__ = ["middleware", "routes"]

_PARAM = re.compile(r"<(?:([^>:]+):)?([A-Za-z_]\w*)>")
_ESCAPE = re.compile(r"\\([^\w\s])")
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")

_FOR_STAFF = ("django.contrib.admin.", "django.contrib.admindocs.", "django.contrib.auth.", "wagtail.")
"""Packages whose views are for who is logged in, but for `_FOR_ALL`."""

_FOR_ALL = ("wagtail.views", "wagtail.documents.views.serve", "wagtail.images.views.serve", "wagtail.contrib.sitemaps.")

_HARMLESS = frozenset(["SessionMiddleware", "CsrfViewMiddleware", "AuthenticationMiddleware"])
"""Of Django's own middleware: they refuse no GET. That a page shows nothing of a session, a token or a user is proven."""


class _Place(NamedTuple):
    """Where in the URLconf the reader stands. text: the pattern so far, expression: as a regular expression; text is None once
    only that says it. staff: below a site of `django.contrib.admin`."""

    group: Group
    text: str | None
    expression: str
    shown: str
    params: Mapping[str, Convertor]
    staff: bool = False


def routes(app: Any, group: Group) -> Iterator[Route]:
    """The routes of the root URLconf (`settings.ROOT_URLCONF`) in its order. Django's app object holds none of it."""
    if is_building():  # which asks at hosts that nobody has: each would be a traceback, or a mail to the admins
        logging.getLogger("django.security.DisallowedHost").disabled = True
    resolver: Any = loaded("django.urls.get_resolver")(None)
    start = Pattern(group.prefix or "/", params=group.params).expression.removesuffix("/") + "/"
    yield from _below(resolver, _Place(group, group.prefix + "/", start, group.prefix + "/", group.params))


def middleware(app: Any) -> Iterator[str]:
    """The classes of `settings.MIDDLEWARE`, all of which are inside: the wrapper goes around Django as a whole."""
    settings: Any = loaded("django.conf.settings")
    for name in settings.MIDDLEWARE:
        module, _, cls = name.rpartition(".")
        if module.startswith("django.") and cls in _HARMLESS:
            continue
        if cls == "SecurityMiddleware" and settings.SECURE_SSL_REDIRECT:
            yield "SecurityMiddleware (SECURE_SSL_REDIRECT)"
        yield cls


def _below(resolver: Any, place: _Place) -> Iterator[Route]:
    for node in resolver.url_patterns:
        staff = place.staff or getattr(node, "app_name", None) == "admin"
        includes = hasattr(node, "url_patterns")
        for inner in _into(node.pattern, place._replace(staff=staff), ends=not includes):
            if includes:
                yield from _below(node, inner)
            else:
                yield _route(node, inner)


def _into(pattern: Any, place: _Place, *, ends: bool) -> Iterator[_Place]:
    """The places that the pattern of a path (ends) or an include leads to: more than one where the path begins with a
    language."""
    names = {cls.__name__ for cls in type(pattern).__mro__}
    if "LocalePrefixPattern" in names:
        for prefix in _languages(pattern):
            text = None if place.text is None else place.text + prefix
            yield place._replace(text=text, expression=place.expression + re.escape(prefix), shown=place.shown + prefix)
    elif "RoutePattern" in names:
        yield _into_route(str(pattern), pattern.converters, place)
    else:
        yield _into_regex(pattern.regex.pattern, place, ends=ends)


def _languages(pattern: Any) -> list[str]:
    """What stands for a language at the begin of a path (`i18n_patterns`)."""
    settings: Any = loaded("django.conf.settings")
    bare = None if pattern.prefix_default_language else settings.LANGUAGE_CODE
    return ["" if code == bare else f"{code}/" for code, _ in cast("list[tuple[str, str]]", settings.LANGUAGES)]


def _into_route(route: str, converters: Mapping[str, Any], place: _Place) -> _Place:
    own = {name: Convertor(cut(converter.regex), converter.to_url) for name, converter in converters.items()}
    params = {**place.params, **own}
    shown = _PARAM.sub(lambda found: token(found[2], found[1] or "str", own[found[2]].regex), route)
    pieces = re.split(_PARAM, route)  # text, converter, name, text, ...
    expression = "".join(
        re.escape(piece) if at % 3 == 0 else f"(?P<{piece}>{own[piece].regex})" if at % 3 == 2 else ""
        for at, piece in enumerate(pieces)
    )
    plain = place.text is not None and not re.search(r"[{}*]", _PARAM.sub("", route))
    text = cast("str", place.text) + shown if plain else None
    return place._replace(text=text, expression=place.expression + expression, shown=place.shown + shown, params=params)


def _into_regex(regex: str, place: _Place, *, ends: bool) -> _Place:
    """A regular expression that holds nothing special is a path. One that does not begin with `^` is searched for, and one of
    a view that does not end with `$` covers whatever begins like it."""
    start = regex.removeprefix("^")
    loose = "" if regex.startswith("^") else ".*?"
    bare = start.removesuffix("$").removesuffix(r"\Z")
    shown = place.shown + start
    open_end = ends and bare == start
    expression = place.expression + loose + bare + (".*" if open_end else "")
    is_path = not (loose or open_end or _SPECIAL.search(_ESCAPE.sub("", bare)))
    if is_path and place.text is not None:
        literal = _ESCAPE.sub(r"\1", bare)
        return place._replace(text=place.text + literal, expression=place.expression + bare, shown=shown)
    return place._replace(text=None, expression=expression, shown=shown)


def _route(node: Any, place: _Place) -> Route:
    callback: Any = node.callback
    view = getattr(callback, "view_class", callback)
    route = Route(_pattern(node, place), methods=_methods(callback, view))
    route.directory = _folder(node, route)
    route.endpoint = view
    route.in_thread = True  # its ORM, in the thread in which Django runs plain views
    route.mark = mark_of(callback) or (mark_of(view) if view is not callback else None)
    route.group, route.host = place.group.mark, place.group.host
    route.source = source(view)
    route.framework = place.staff or _is_for_staff(view)
    if _asks_who_it_is(callback, view):
        route.declares = ("who is logged in",)
    if isinstance(route.pattern, RegexPattern):
        route.unlisted = "a regular expression"
    return route


def _pattern(node: Any, place: _Place) -> Pattern:
    if place.text is not None:
        return Pattern(place.text, params=place.params)
    folder = node.default_args.get("document_root")
    if folder is not None and (found := re.match(r"(.*)\(\?P<path>\.\*\)\$?\Z", place.shown)):
        return Pattern(found[1].replace("\\", "") + "{path:path}")
    try:
        return RegexPattern(place.shown, place.expression)
    except ConfigError:  # two of the expressions that it is made of use one name
        return RegexPattern(place.shown, re.sub(r"\(\?P<\w+>", "(?:", place.expression))


def _folder(node: Any, route: Route) -> tuple[str, ...]:
    """The folder of `django.conf.urls.static.static()`."""
    folder = node.default_args.get("document_root")
    is_mount = route.pattern.text.endswith("/{path:path}")
    return (str(folder),) if folder is not None and is_mount else ()


def _methods(callback: Any, view: Any) -> list[str] | None:
    """The methods of a class-based view, or those that `require_http_methods` lets in; None: whatever the function answers."""
    if inspect.isclass(view):
        names: list[str] = getattr(view, "http_method_names", [])
        found = [name.upper() for name in names if hasattr(view, name)]
        return [*found, "HEAD"] if "GET" in found and "HEAD" not in found else found
    for target in unwrap(callback):
        if inspect.isfunction(target) and target.__module__ != "django.views.decorators.http":
            allowed: Any = inspect.getclosurevars(target).nonlocals.get("request_method_list")
            if allowed is not None:
                return [*allowed]
    return None


def _is_for_staff(view: Any) -> bool:
    modules = {getattr(target, "__module__", "") or "" for target in unwrap(view)}
    return any(module.startswith(_FOR_STAFF) and not module.startswith(_FOR_ALL) for module in modules)


def _asks_who_it_is(callback: Any, view: Any) -> bool:
    """True behind `login_required`, `permission_required`, `user_passes_test`, `staff_member_required` and their mixins: they
    all leave this name, which their wrappers hand on."""
    places = [callback, view, *(getattr(view, name, None) for name in ("dispatch", "get") if inspect.isclass(view))]
    return any(hasattr(place, "redirect_field_name") for place in places)
