"""What the readers share: which of them reads an app, where in the app they stand, what they make of an endpoint.

A framework is never imported here: its apps are known by its own class, which is loaded where there is such an app.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, cast

from ondemand._asgi import inner_apps
from ondemand.errors import ConfigError
from ondemand.marks import Mark, unwrap
from ondemand.routing import Convertor, Pattern, Route

__all__ = [
    "Group",
    "as_it_chooses",
    "by_starlette",
    "cut",
    "find_app",
    "hiding",
    "hosts",
    "in_debug_mode",
    "is_a",
    "loaded",
    "middleware",
    "opaque",
    "read",
    "shadowed",
    "shows_routes",
    "source",
    "token",
]


class Group(NamedTuple):
    """Where in the app a reader stands. prefix: the path so far, params: the convertors of its parameters. inside: the ids of the
    apps around it, as an app may be mounted in itself."""

    prefix: str = ""
    host: str = ""
    mark: Mark | None = None
    params: Mapping[str, Convertor] = {}
    inside: tuple[int, ...] = ()


class Reader(Protocol):
    """What a module here offers."""

    def routes(self, app: Any, group: Group) -> Iterable[Route]:
        """The routes of `app`, first the one that it tries first."""
        ...

    def middleware(self, app: Any) -> Iterable[str]:
        """The names of the classes that `app` runs around its routes, or around some of them."""
        ...


class _Framework(NamedTuple):
    """name: as its users call it. package: its distribution. oldest: the version from which on its routes are read. app: its
    class, as "module.class". reader: the module here that reads it."""

    name: str
    package: str
    oldest: str
    app: str
    reader: str


FRAMEWORKS = (
    _Framework("FastHTML", "python-fasthtml", "0.14", "fasthtml.core.FastHTML", "starlette"),
    _Framework("FastAPI", "fastapi", "0.137.2", "fastapi.applications.FastAPI", "starlette"),
    _Framework("Starlette", "starlette", "1.0", "starlette.applications.Starlette", "starlette"),
    _Framework("Quart", "quart", "0.20", "quart.app.Quart", "werkzeug"),
    _Framework("Flask", "flask", "3.0", "flask.app.Flask", "werkzeug"),
    _Framework("Litestar", "litestar", "2.13", "litestar.app.Litestar", "litestar"),
    _Framework("Django", "django", "5.2", "django.core.handlers.asgi.ASGIHandler", "django"),
    _Framework("Django", "django", "5.2", "django.core.handlers.wsgi.WSGIHandler", "django"),
    _Framework("Sanic", "sanic", "25.3", "sanic.app.Sanic", "sanic"),
)
"""Frameworks whose apps show their routes, those that are built on another before it. Any router that keeps a list of Starlette's
routes is read as Starlette is."""


def loaded(name: str) -> Any:
    """What `name` ("module.attribute") is, or None where the module is not loaded."""
    module, _, attribute = name.rpartition(".")
    return getattr(sys.modules.get(module), attribute, None)


def is_a(value: object, name: str) -> bool:
    """True if `value` is an instance of the class `name` ("module.class"), which need not be there."""
    return isinstance(cls := loaded(name), type) and isinstance(value, cls)


def _framework(app: Any) -> _Framework | None:
    return next((framework for framework in FRAMEWORKS if is_a(app, framework.app)), None)


def _has_routes(app: Any) -> bool:
    routes = getattr(app, "routes", None)
    return isinstance(routes, list | tuple) and all(
        hasattr(route, "matches") for route in cast("Iterable[Any]", routes)
    )


def shows_routes(app: Any) -> bool:
    """True if a reader here reads `app` itself."""
    return _framework(app) is not None or _has_routes(app)


def find_app(app: Any) -> Any:
    """The outermost app that shows its routes: `app`, or one that it wraps; None if there is none."""
    return next((inner for inner in inner_apps(app) if shows_routes(inner)), None)


def read(app: Any, group: Group) -> Iterable[Route]:
    """The routes of an app that `shows_routes`. Raises `ConfigError` for a version of its framework that cannot be read."""
    for framework in FRAMEWORKS:
        if is_a(app, framework.app):
            _check_version(framework)
    return _reader(app).routes(app, group._replace(inside=(*group.inside, id(app))))


def middleware(app: Any) -> Iterable[str]:
    """See `Reader.middleware`; none for an app that shows no routes."""
    if not shows_routes(app):
        return ()
    return _reader(app).middleware(app)


def _reader(app: Any) -> Reader:
    framework = _framework(app)
    module = importlib.import_module(f"ondemand.frameworks.{framework.reader if framework else 'starlette'}")
    return cast("Reader", module)


def hosts(app: Any) -> Iterator[str]:
    """The hosts that `app` says it answers to, as it writes them: "example.com", "*.example.com", ".example.com"."""
    for inner in inner_apps(app):
        if is_a(inner, "django.core.handlers.base.BaseHandler"):
            yield from loaded("django.conf.settings").ALLOWED_HOSTS
        if is_a(inner, "quart.app.Quart") or is_a(inner, "flask.app.Flask"):
            yield from inner.config.get("TRUSTED_HOSTS") or ()
        if is_a(inner, "litestar.app.Litestar"):
            yield from getattr(inner.allowed_hosts, "allowed_hosts", inner.allowed_hosts) or ()
        for entry in getattr(inner, "user_middleware", ()):
            if getattr(entry.cls, "__name__", "") == "TrustedHostMiddleware":
                yield from entry.kwargs.get("allowed_hosts") or ()


def by_starlette(app: Any) -> bool:
    """True for an app of Starlette or of what is built on it, and for one that shows no routes."""
    framework = _framework(find_app(app))
    return framework is None or framework.reader == "starlette"


def in_debug_mode(app: Any) -> bool:
    """True for an app that shows its developer what fails: `app.debug`, or DEBUG in Django's settings."""
    if is_a(app, "django.core.handlers.base.BaseHandler"):
        return loaded("django.conf.settings").DEBUG is True
    return getattr(app, "debug", False) is True


def _check_version(framework: _Framework) -> None:
    package = sys.modules.get(framework.package)
    version = vars(package).get("__version__") if package is not None else None
    if not isinstance(version, str):
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as installed

        try:
            version = installed(framework.package)
        except PackageNotFoundError:  # run from a checkout
            return
    if _numbers(version) < _numbers(framework.oldest):
        raise ConfigError(
            f"{framework.name} {version} keeps its routes in another way: {framework.oldest} or later is needed. "
            f"Run: pip install '{framework.package}>={framework.oldest}'"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def hiding(group: Group) -> Route:
    """What is behind a mount or host is never tried below its path: it answers everything there, if only with 404."""
    route = opaque(group)
    route.hides = True
    return route


def opaque(group: Group) -> Route:
    """An app that shows no routes: everything below is its own business."""
    route = Route(Pattern(f"{group.prefix}/{{path:path}}", params=group.params), methods=None)
    route.group, route.host = group.mark, group.host
    route.unlisted = "an app that does not show its routes"
    return route


def source(endpoint: Any) -> str:
    """Where an endpoint is defined, as "file:line"; "" if nobody can tell."""
    functions = [target for target in unwrap(endpoint) if getattr(target, "__name__", "") != "__call__"]
    codes = [code for target in functions if (code := getattr(target, "__code__", None)) is not None]
    if codes:
        return f"{codes[-1].co_filename}:{codes[-1].co_firstlineno}"
    try:
        cls = cast("Any", endpoint if inspect.isclass(endpoint) else type(endpoint))
        return f"{inspect.getsourcefile(cls)}:{inspect.getsourcelines(cls)[1]}"
    except (OSError, TypeError):
        return ""


def shadowed(group: Group, path: str) -> Group:
    """The group for a path below it: parameters of its own prefix that have names of the path's get others, as the inner
    value is the one that pages are given."""
    names = set(re.findall(r"\{([^\W\d]\w*)", path)) & set(re.findall(r"\{([^\W\d]\w*)", group.prefix))
    for name in names:
        group = group._replace(
            prefix=re.sub(rf"\{{{name}\b", f"{{{name}_", group.prefix),
            params={(f"{known}_" if known == name else known): how for known, how in group.params.items()},
        )
    return group


def cut(expression: str) -> str:
    """A framework's regular expression without names of groups and without anchors, as a `Convertor` wants it."""
    return re.sub(r"\(\?P<\w+>", "(?:", expression).removeprefix("^").removesuffix("$").removesuffix(r"\Z")


def _crosses(regex: str) -> bool:
    """True if a parameter with this expression may hold a slash."""
    return "/" in re.sub(r"\[\^[^\]]*\]", "", regex) or any(
        re.fullmatch(regex, text, re.DOTALL) is not None for text in ("a/b", "1/2", "/", "ab/cd.ef")
    )


def token(name: str, kind: str, regex: str) -> str:
    """A parameter as patterns are written. kind: what its framework calls it."""
    if _crosses(regex):
        return f"{{{name}:path}}"
    return f"{{{name}:{kind}}}" if kind in {"int", "float"} else f"{{{name}}}"


def as_it_chooses(routes: Iterable[Route]) -> list[Route]:
    """Routes in the order of a framework that tries what says more about a path before what says less."""
    return sorted(routes, key=lambda route: (route.pattern.is_literal, route.pattern.specificity), reverse=True)
