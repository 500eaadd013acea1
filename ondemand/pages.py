"""Pages: the pages and endpoints that a site adds to an app, or that it is made of.

`Pages` is what users write. `SitePages` are the pages of one site in the order in which they are tried.
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ondemand.answers import METHODS, Answer, allowed, answer_of_endpoint, answer_of_page, checked, exported
from ondemand.errors import ConfigError, OnDemandError
from ondemand.filenames import PagePattern, comes_before
from ondemand.frames import place, traceback_of
from ondemand.marks import Mark, Paths, Props, Unknown, Value, checked_mark, mark_of
from ondemand.matching import Index
from ondemand.routing import Route, decide
from ondemand.sequencing import Handler, checked_handler

if TYPE_CHECKING:
    from ondemand.config import Config

__all__ = ["Loaded", "PageRoute", "Pages", "SitePages"]

log = logging.getLogger("ondemand")

F = TypeVar("F", bound=Callable[..., Any])


class Loaded(NamedTuple):
    """What a page or endpoint says of itself, once its file is read.

    mark: as `Route.mark`. methods: those it answers, None for any. answer: see `Answer`. stream: None where it does not
    say. endpoint: the function or class that it runs, None for a template. source: "file:line". fault: why it cannot be used.
    """

    answer: Answer
    mark: Mark | None = None
    methods: frozenset[str] | None = None
    stream: bool | None = None
    endpoint: Any = None
    source: str = ""
    fault: Exception | None = None


class PageRoute(Route):
    """A route of our own: a page or endpoint, from a file or registered. Its file is read when it is first needed."""

    __slots__ = ("_load", "_loaded", "_seen", "_stamp", "in_file", "is_endpoint", "name")

    def __init__(
        self,
        pattern: PagePattern,
        load: Callable[[], Loaded],
        *,
        name: str,
        is_endpoint: bool,
        in_file: bool = False,
        stamp: Callable[[], object] | None = None,
    ) -> None:
        """name: what messages call it: its file, or its function and where that is. in_file: it is a page file. stamp:
        another value when the file has changed and is to be read again; None: it is read once."""
        self.in_file = in_file
        self._load = load
        self._loaded: Loaded | None = None
        self._stamp = stamp
        self._seen: object = None
        self.name = name
        self.is_endpoint = is_endpoint
        super().__init__(pattern, methods=None)
        self.source = name
        self.own = True

    @property
    def loaded(self) -> Loaded:
        """What it says of itself. Where its file cannot be read, its answer raises why, and it is a page of any method."""
        stamp = self._stamp() if self._stamp is not None else None
        if self._loaded is None or stamp != self._seen:
            self._seen = stamp
            try:
                self._loaded = self._load()
            except Exception as error:
                told = None if isinstance(error, OnDemandError) else (type(error), error, traceback_of(error))
                log.error("%s cannot be used: %s", self.name, error, exc_info=told)  # noqa: TRY400
                self._loaded = Loaded(_raising(error), source=self.name, fault=error)
            self.source = self._loaded.source or self.name
        return self._loaded

    @property
    def fault(self) -> Exception | None:
        """Why its file cannot be used, None if it can."""
        return self.loaded.fault

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    # What `Route` keeps is read here, from the file, when it is needed.

    @property
    def mark(self) -> Mark | None:
        return self.loaded.mark

    @mark.setter
    def mark(self, value: Mark | None) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """What it says itself is in its file; `Route` sets None."""

    @property
    def methods(self) -> frozenset[str] | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.loaded.methods

    @methods.setter
    def methods(self, value: Any) -> None:
        """See `mark`."""

    @property
    def endpoint(self) -> Any:
        return self.loaded.endpoint

    @endpoint.setter
    def endpoint(self, value: Any) -> None:
        """See `mark`."""


def _raising(error: Exception) -> Answer:
    passed = error.__traceback__

    async def answer(page: Any) -> Any:
        raise error.with_traceback(passed)

    return answer


class _Registered(NamedTuple):
    path: str
    functions: dict[str, Any]  # by method; a page's under ""
    mark: Mark | None
    stream: bool | None
    where: str
    target: Any


class Pages:
    """Pages and endpoints of a site's own: those of a folder, and those that are registered here.

        pages = Pages("pages")                  # pages/index.mako, pages/blog/[slug].mako, pages/api/user.py, ...

        @pages.page("/about")
        async def about(page):
            return "<h1>About</h1>"

        app = OnDemand(pages=pages)             # a site by itself; OnDemand(app, pages=pages): in front of an app

    folder: relative to the project's root. Paths are Starlette's: "/blog/{slug}", "/docs/{path:path}".
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        if folder is not None and not isinstance(folder, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"Pages({folder!r}): it takes the path of a folder.")
        self.folder = None if folder is None else Path(folder)
        self._registered: dict[str, _Registered] = {}
        self.handlers: list[tuple[Handler, bool]] = []

    def __repr__(self) -> str:
        return f"Pages({str(self.folder)!r})" if self.folder is not None else "Pages()"

    def page(
        self,
        path: str,
        *,
        prerender: Value | Callable[[Config], Value] | None = None,
        paths: Paths | None = None,
        props: Props | None = None,
        unknown: Unknown | None = None,
        stream: bool | None = None,
    ) -> Callable[[F], F]:
        """Register a page: `(page)` or `()`, sync or async, that returns text (HTML), bytes, an iterator of them (streamed),
        what has `__html__`, or a Response. It answers every method, as Astro's pages do.

        stream: False renders it whole before its first byte is sent. The others: as for `prerender`; params that `paths` do
        not name are 404 unless `unknown` says "render".
        Raises `ConfigError` for a bad path and for one that is taken, `MarkError` as `prerender` does.
        """
        _check_path(path)
        mark = _mark(prerender, paths, props, unknown)

        def register(function: F) -> F:
            where = place(function)
            self._add(_Registered(path, {"": checked(function, where)}, mark, stream, where, function))
            return function

        return register

    def endpoint(
        self,
        path: str,
        *,
        prerender: Value | Callable[[Config], Value] | None = None,
        paths: Paths | None = None,
        props: Props | None = None,
        unknown: Unknown | None = None,
        stream: bool | None = None,
    ) -> Callable[[F], F]:
        """Register an endpoint: a class with methods named GET, POST, ... or ALL, each `(self, page)`; or a function, which
        answers the method that it is named after, else GET. Functions for several methods of one path may be registered one
        by one. They return what a page returns, or a dict or list, which is sent as JSON.

        HEAD is answered from GET, OPTIONS always; a method that is missing is 405 with Allow. Arguments and what is raised: as
        for `page`.
        """
        _check_path(path)
        mark = _mark(prerender, paths, props, unknown)

        def register(target: F) -> F:
            functions = {m: checked(one, f"{m} of {place(target)}") for m, one in _functions(target, path).items()}
            self._add(_Registered(path, functions, mark, stream, place(target), target))
            return target

        return register

    def on_request(self, handler: Any = None, *, app: bool = False) -> Any:
        """Register middleware: `async (page, next)`; `await next()` gives the response, which it returns, changed or not;
        or it returns another one, or raises. `await next("/path")` answers what that path answers. The first that is registered
        is the outermost. app: also in front of the wrapped app.

        Bare or called: `@pages.on_request`, `@pages.on_request(app=True)`. (Astro: onRequest.)
        """
        if handler is None:
            return functools.partial(self.on_request, app=app)
        self.handlers.append((checked_handler(handler), app))
        return handler

    def _add(self, one: _Registered) -> None:
        if "[" in str(one.path):
            raise ConfigError(
                f"{one.where} is registered for {one.path!r}, which is how files are named. Write {{name}}."
            )
        PagePattern(one.path)  # says what is wrong with it here
        key = one.path.rstrip("/") or "/"
        known = self._registered.get(key)
        if known is not None and (
            "" in known.functions or "" in one.functions or known.functions.keys() & one.functions
        ):
            raise ConfigError(f"{one.path} is registered twice: {known.where} and {one.where}. Remove one of them.")
        if known is not None:
            if (one.mark, one.stream) not in [(None, None), (known.mark, known.stream)]:
                raise ConfigError(
                    f"{known.where} and {one.where} answer {one.path}. Say how it is rendered at the first alone."
                )
            one = known._replace(functions={**known.functions, **one.functions})
        self._registered[key] = one

    def registered(self, config: Config) -> Iterator[PageRoute]:
        """The routes of what was registered here."""
        for one in self._registered.values():
            is_endpoint = "" not in one.functions
            pattern = PagePattern(one.path, config.trailing_slash, is_endpoint=is_endpoint)
            yield PageRoute(pattern, functools.partial(_load, one), name=one.where, is_endpoint=is_endpoint)


def _load(one: _Registered) -> Loaded:
    marks = [found for function in (one.target, *one.functions.values()) if (found := mark_of(function)) is not None]
    mark = marks[0] if marks else None
    if mark is not None and one.mark is not None:
        raise ConfigError(f"{one.where} is marked with @prerender and with arguments. Keep one of them.")
    mark = closed(mark or one.mark)
    source = one.where.rpartition("(")[2].rstrip(")") if "(" in one.where else one.where
    if "" in one.functions:
        answer = answer_of_page(one.functions[""], one.where)
        return Loaded(answer, mark, None, one.stream, one.target, source)
    answer = answer_of_endpoint(one.functions, one.where)
    return Loaded(answer, mark, methods_of(one.functions), one.stream, one.target, source)


def methods_of(functions: Mapping[str, Any]) -> frozenset[str] | None:
    """What `Route.methods` is for an endpoint that exports `functions`."""
    return None if "ALL" in functions else frozenset(allowed(functions))


def closed(mark: Mark | None) -> Mark | None:
    """A mark of a page of ours: params that its paths do not name are 404, unless it says otherwise."""
    if mark is None or mark.paths is None or mark.unknown is not None or mark.value == "auto":
        return mark
    return mark._replace(unknown="404")


def _check_path(path: object) -> None:
    if not isinstance(path, str):
        raise ConfigError(f'A page was registered for {path!r}. It takes a path: @pages.page("/about").')


def _mark(value: Any, paths: Any, props: Any, unknown: Any) -> Mark | None:
    if value is None and paths is None and props is None and unknown is None:
        return None
    mark = checked_mark(True if value is None else value, paths, props, unknown)
    return mark._replace(value=value)


def _functions(target: Any, path: str) -> dict[str, Any]:
    if inspect.isclass(target):
        made: Any = target()
        functions = exported(made)
        if not functions:
            raise ConfigError(f"The endpoint {place(target)} has no method. Give it GET(self, page), POST, ... or ALL.")
        return functions
    if not callable(target):
        raise ConfigError(f"endpoint({path!r}) was given {target!r}. It takes a function or a class.")
    name = getattr(target, "__name__", "")
    return {name if name in METHODS or (name.isupper() and name.isalpha()) else "GET": target}


def readable(params: Mapping[str, str], route: PageRoute) -> dict[str, Any]:
    """Params of a path as page code reads them: see `Page.params`."""
    return {n: v.strip("/") or None if route.pattern.convertor(n) == "path" else v for n, v in params.items()}


class SitePages:
    """The pages of one site, in the order in which they are tried."""

    def __init__(self, routes: Iterable[PageRoute], handlers: Iterable[tuple[Handler, bool]], config: Config) -> None:
        """Raises `ConfigError` where two of them have one path."""
        self.routes = sorted(routes, key=functools.cmp_to_key(comes_before))
        self.handlers = tuple(handler for handler, _ in handlers)
        self.app_handlers = tuple(handler for handler, app in handlers if app)
        self._order_alike(config)
        self._index = Index([route.pattern for route in self.routes])

    def _order_alike(self, config: Config) -> None:
        """Of routes that cover the same paths, the static ones are tried first: what they do not know falls to the next."""
        shapes: dict[str, list[int]] = {}
        for position, route in enumerate(self.routes):
            shapes.setdefault(route.pattern.shape, []).append(position)
        for positions in shapes.values():
            if len(positions) == 1:
                continue
            alike = [self.routes[position] for position in positions]
            names = " and ".join(route.name for route in alike)
            if alike[0].pattern.is_literal:
                raise ConfigError(f"{names} have the same path, {alike[0].pattern.text}. Rename one of them.")
            alike.sort(key=lambda route: not decide(route, config).is_static)
            if not decide(alike[-2], config).is_static:
                log.warning("%s cover the same paths: only the first on demand is ever asked.", names)
            for position, route in zip(positions, alike, strict=True):
                self.routes[position] = route

    def matching(self, path: str) -> Iterator[tuple[PageRoute, dict[str, str]]]:
        """The routes that cover `path` (decoded), the first to be tried first, each with the params."""
        for position in self._index.candidates(path):
            route = self.routes[position]
            if (params := route.pattern.match(path)) is not None:
                yield route, params
