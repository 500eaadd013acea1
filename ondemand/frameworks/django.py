"""Django: the URLconf, as its resolver has read it.

Paths of `path()` are patterns; those of `re_path()` are regular expressions, of which no path can be made. The wrapper goes
around `get_asgi_application()`, so that all middleware of the settings is inside.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

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
    """Where in the URLconf the reader stands. text: the pattern so far, None once only Django can tell what it covers. shown: as
    a reader of the URLconf knows it. chain: Django's own patterns so far. language: that of the path, where it names one.
    staff: below a site of `django.contrib.admin`."""

    group: Group
    text: str | None
    shown: str
    params: Mapping[str, Convertor]
    chain: tuple[Any, ...] = ()
    language: str = ""
    staff: bool = False


class _ResolverPattern(RegexPattern):
    """Which paths, where only Django can tell: asked pattern by pattern, as its resolver asks them."""

    __slots__ = ("_chain", "_languages", "_start")

    def __init__(self, place: _Place, languages: Iterable[str]) -> None:
        super().__init__(place.shown, "(?!)")
        group = place.group
        self._start = re.compile(Pattern(group.prefix or "/", params=group.params).expression.removesuffix("/") + "/")
        self._chain = place.chain
        self._languages = [*languages]

    def match(self, path: str) -> dict[str, str] | None:
        start = self._start.match(path)
        if start is None:
            return None
        override: Any = loaded("django.utils.translation.override")
        for language in self._languages:
            with override(language):
                found = self._asked(path[start.end() :])
            if found is not None:
                return found
        return None if self._languages else self._asked(path[start.end() :])

    def _asked(self, rest: str) -> dict[str, str] | None:
        params: dict[str, str] = {}
        for pattern in self._chain:
            found: tuple[str, Any, Mapping[str, object]] | None = pattern.match(rest)
            if found is None:
                return None
            rest = found[0]
            params |= {name: str(value) for name, value in found[2].items() if value is not None}
        return params

    def loosened(self) -> Pattern:
        return self


def routes(app: Any, group: Group) -> Iterator[Route]:
    """The routes of the root URLconf (`settings.ROOT_URLCONF`) in its order. Django's app object holds none of it."""
    if is_building():  # which asks at hosts that nobody has: each would be a traceback, or a mail to the admins
        logging.getLogger("django.security.DisallowedHost").disabled = True
    resolver: Any = loaded("django.urls.get_resolver")(None)
    yield from _below(resolver, _Place(group, group.prefix + "/", group.prefix + "/", group.params))


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
        here = place._replace(staff=staff, chain=(*place.chain, node.pattern))
        for inner in _into(node.pattern, here, ends=not includes):
            if includes:
                yield from _below(node, inner)
            else:
                yield _route(node, inner)


def _into(pattern: Any, place: _Place, *, ends: bool) -> Iterator[_Place]:
    """The places that the pattern of a path (ends) or an include leads to: more than one where the path begins with a
    language."""
    names = {cls.__name__ for cls in type(pattern).__mro__}
    if "LocalePrefixPattern" in names:
        for code, prefix in _languages(pattern):
            text = None if place.text is None else place.text + prefix
            yield place._replace(text=text, shown=place.shown + prefix, language=code)
    elif "RoutePattern" in names:
        yield _into_route(pattern, place)
    else:
        yield _into_regex(pattern.regex.pattern, place, ends=ends)


def _languages(pattern: Any) -> list[tuple[str, str]]:
    """The languages that a path may begin with (`i18n_patterns`), and how it says so."""
    settings: Any = loaded("django.conf.settings")
    default: str = settings.LANGUAGE_CODE
    first = (default, f"{default}/" if pattern.prefix_default_language else "")
    if not any("LocaleMiddleware" in name for name in settings.MIDDLEWARE):
        return [first]  # nothing ever takes another language out of the path
    bare = [] if pattern.prefix_default_language else [first]
    return [*bare, *((code, f"{code}/") for code in _all_languages() if (code, "") not in bare)]


def _all_languages() -> list[str]:
    return [code for code, _ in loaded("django.conf.settings").LANGUAGES]


def _into_route(pattern: Any, place: _Place) -> _Place:
    own = {name: Convertor(cut(one.regex), one.to_url) for name, one in pattern.converters.items()}
    override: Any = loaded("django.utils.translation.override")
    with override(place.language) if place.language else contextlib.nullcontext():
        route = str(pattern)
    shown = _PARAM.sub(lambda found: token(found[2], found[1] or "str", own[found[2]].regex), route)
    is_translated = not isinstance(getattr(pattern, "_route", ""), str) and not place.language
    plain = not is_translated and not re.search(r"[{}*]", _PARAM.sub("", route)) and own.keys().isdisjoint(place.params)
    text = place.text + shown if plain and place.text is not None else None
    return place._replace(text=text, shown=place.shown + shown, params={**place.params, **own})


def _into_regex(regex: str, place: _Place, *, ends: bool) -> _Place:
    """A regular expression that holds nothing special is a path, if it says where it begins and, for a view, ends."""
    start = regex.removeprefix("^")
    bare = start.removesuffix("$").removesuffix(r"\Z")
    is_whole = start != regex and (not ends or bare != start)
    text = None
    if is_whole and place.text is not None and not _SPECIAL.search(_ESCAPE.sub("", bare)):
        text = place.text + _ESCAPE.sub(r"\1", bare)
    return place._replace(text=text, shown=place.shown + start)


def _route(node: Any, place: _Place) -> Route:
    callback: Any = node.callback
    view = getattr(callback, "view_class", callback)
    route = Route(_pattern(node, place), methods=_methods(callback, view))
    route.directory = _folder(node, route)
    route.endpoint = view
    route.runs = _run
    route.mark = mark_of(callback) or (mark_of(view) if view is not callback else None)
    route.group, route.host = place.group.mark, place.group.host
    route.source = source(view)
    route.framework = place.staff or _is_for_staff(view)
    if _asks_who_it_is(callback, view):
        route.declares = ("who is logged in",)
    if isinstance(route.pattern, RegexPattern):
        route.unlisted = "a regular expression"
    return route


async def _run(function: Callable[..., Any], *arguments: Any) -> Any:
    """In a thread, as Django runs plain views, and as there not with a connection to a database that is gone."""
    from asgiref.sync import sync_to_async

    def run() -> Any:
        for connection in loaded("django.db.connections").all(initialized_only=True):
            if connection.connection is not None and not connection.is_usable():
                connection.close()
        return function(*arguments)

    return await sync_to_async(run)()


def _pattern(node: Any, place: _Place) -> Pattern:
    if place.text is not None:
        try:
            return Pattern(place.text, params=place.params)
        except ConfigError:  # a name that patterns of ours cannot have
            pass
    folder = node.default_args.get("document_root")
    if folder is not None and (found := re.match(r"(.*)\(\?P<path>\.\*\)\$?\Z", place.shown)):
        plain = _ESCAPE.sub(r"\1", found[1])
        if not _SPECIAL.search(_ESCAPE.sub("", found[1])):
            return Pattern(plain + "{path:path}")
    return _ResolverPattern(place, [place.language] if place.language else _translated(place.chain))


def _translated(chain: Iterable[Any]) -> list[str]:
    """The languages that a path may be written in which names none; none if it is not translated."""
    lazy = [one for one in chain if not isinstance(getattr(one, "_route", getattr(one, "_regex", "")), str)]
    return _all_languages() if lazy else []


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
        if getattr(view, "dispatch", None) is not loaded("django.views.generic.base.View").dispatch:
            return None  # it decides by itself
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
