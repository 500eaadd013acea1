"""Which routes does this app have? Those that its framework shows (`frameworks/` has a reader for each), the `routes=[...]` of
its OnDemand, and whatever a crawl finds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ondemand._asgi import inner_apps
from ondemand.config import Config
from ondemand.frameworks.reading import Group, find_app, middleware, read
from ondemand.marks import every_unreached, unreached
from ondemand.matching import Index
from ondemand.recording import is_building
from ondemand.routing import Route, decide

if TYPE_CHECKING:
    from ondemand.pages import PageRoute, SitePages

__all__ = ["RouteTable", "Warned", "discover", "find_wrapper", "lead_nowhere", "skipped_middleware"]


class RouteTable:
    """The routes of an app in the order in which it tries them.

    `known`: the app showed its routes, so that a path that none of them covers is answered by none of them.
    """

    def __init__(self, routes: Sequence[Route], *, known: bool, pages: SitePages | None = None) -> None:
        """routes: also those that only hide what lies behind them (`Route.hides`). pages: those of our own: of a page and a
        route that cover one path, the one that says more about it answers; where they say as much, the page answers GET."""
        own = pages.routes if pages is not None else ()
        self.routes = (*own, *(route for route in routes if not route.hides))
        self.known = known
        self._pages = pages
        self._order = tuple(routes)
        self._index = Index([route.pattern for route in self._order])

    def __iter__(self) -> Iterator[Route]:
        return iter(self.routes)

    def match(self, path: str, *, method: str = "GET", host: str = "") -> Route | None:
        """The route that answers `method` on `path` (decoded) for requests to `host`: the first that covers it, as
        the app itself would choose; None if none does. A route for other methods only lets later ones be tried."""
        if method == "HEAD":
            method = "GET"
        theirs = self._match(path, method, host)
        if self._pages is None:
            return theirs
        for route, _ in self._pages.matching(path):
            if theirs is None or theirs.pattern.specificity < route.pattern.specificity:
                return route
            if method == "GET" and theirs.pattern.specificity == route.pattern.specificity:
                return route
            break
        return theirs

    def _match(self, path: str, method: str, host: str) -> Route | None:
        for position in self._index.candidates(path):
            route = self._order[position]
            if route.methods is not None and method not in route.methods:
                continue
            if route.host and not host_matches(route.host, host):
                continue
            if route.pattern.match(path) is not None:
                return None if route.hides else route
        return None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The Host patterns that some of the routes are bound to."""
        return tuple(dict.fromkeys(route.host for route in self.routes if route.host))


def host_matches(pattern: str, host: str) -> bool:
    """True if the Host header `host` is one that Starlette's `Host(pattern)` takes, whatever the port."""
    name = host if host.endswith("]") else host.rsplit(":", 1)[0]
    return _host_expression(pattern).match(name) is not None


@functools.lru_cache(maxsize=256)
def _host_expression(pattern: str) -> re.Pattern[str]:
    from ondemand.frameworks.starlette import registry  # only its apps have hosts

    convertors = {"str": "[^/]+", "path": ".*", **{name: known.regex for name, known in registry().items()}}
    pieces: list[str] = []
    position = 0
    for token in re.finditer(r"\{[A-Za-z_]\w*(?::([A-Za-z_]\w*))?\}", pattern):
        pieces += [re.escape(pattern[position : token.start()]), convertors.get(token.group(1) or "str", "[^/]+")]
        position = token.end()
    last = pattern[position:]
    pieces.append(re.escape(last if last.endswith("]") else last.rsplit(":", 1)[0]))
    return re.compile("".join(pieces) + "$", re.IGNORECASE)


class Warned(NamedTuple):
    """Something wrong with the marks or rules, in the words of a finding: kind, route, message, remedy."""

    kind: str
    route: str
    message: str
    remedy: str


def discover(app: Any, config: Config) -> RouteTable:
    """Read the routes of `app` (through whatever wraps it), behind the configured redirects and `config.routes`."""
    routes = [*config.redirects.routes(static=config.output == "static"), *config.routes]
    root = find_app(app)
    if root is not None:
        routes += read(root, Group())
    return RouteTable(routes, known=root is not None)


# --- what is wrong with marks and rules -------------------------------------------------------------------------------


def check(table: RouteTable, config: Config, *, alone: bool = False) -> list[Warned]:
    """Rules that cover nothing, and marked functions that no route runs. alone: no other app is in this process, so that each
    mark is meant for this one. Raises `MarkError` for a callable mark that answers something else than True, False or "auto"."""
    found: list[Warned] = []
    for route in table:
        if not _unread(route):
            decide(route, config)
    for pattern, _ in config.rules:
        if table.known and not any(pattern.overlaps(route.pattern) for route in table):
            message = f"The rule {pattern.text!r} covers no route of the app."
            found.append(Warned("unused-rule", pattern.text, message, "Correct its pattern, or remove it."))
    read = (route.endpoint for route in table if not _unread(route))
    for place in unreached(endpoint for endpoint in read if endpoint is not None):
        message = f"{place} is marked with prerender, but no route runs it, so the mark has no effect."
        remedy = "Put @prerender directly on the function, or use functools.wraps in the decorator above it."
        found.append(Warned("lost-mark", place, message, remedy))
    if alone and not table.known:
        message = "{} is marked with prerender, but the app does not show its routes, so the mark has no effect."
        remedy = "List its route, and say it there: OnDemand(app, routes=[Route('/path', prerender=...)])."
        found += [Warned("lost-mark", place, message.format(place), remedy) for place in every_unreached()]
    return found


def lead_nowhere(table: RouteTable, config: Config) -> Iterator[Warned]:
    """Configured redirects with parameters that lead to no route."""
    for source, target in config.redirects.inside():
        others = (route for route in table if route.pattern.text != source.text)
        if table.known and not any(target.overlaps(route.pattern) for route in others):
            message = f"{source.text} redirects to {target.text}, which no route answers."
            yield Warned("broken-link", source.text, message, "Correct where it leads to.")


def _unread(route: Route) -> bool:
    """True for a page file that nobody needed yet: what it says is read when its first request comes."""
    own = cast("PageRoute", route)
    return route.own and own.in_file and not own.is_loaded and not is_building()


def find_wrapper(app: Any, kind: type[Any]) -> Any:
    """The OnDemand of `app`: itself, what it wraps, or an entry of its `user_middleware`; None if there is none.

    An entry of `user_middleware` is returned as its keyword arguments: the framework makes the object later.
    """
    for inner in inner_apps(app):
        if isinstance(inner, kind):
            return inner
        for entry in getattr(inner, "user_middleware", ()):
            if isinstance(entry.cls, type) and issubclass(entry.cls, kind):
                return dict(entry.kwargs)
    return None


_SECURITY = re.compile(
    r"TrustedHost|HTTPSRedirect|SSL_REDIRECT|Authenti|Authoriz|Auth(?![a-z])|LoginRequired|Session|CORS|(?i:csrf)",
    re.ASCII,
)


def skipped_middleware(app: Any, wrapper: type[Any]) -> list[str]:
    """The names of security middleware inside our own, which snapshots therefore skip, outermost first."""
    names: list[str] = []
    inside = False
    for inner in inner_apps(app):
        around = [*middleware(inner)]
        entries = [entry.cls for entry in getattr(inner, "user_middleware", ())]
        ours = next((i for i, cls in enumerate(entries) if isinstance(cls, type) and issubclass(cls, wrapper)), None)
        if ours is not None:
            inside, around = True, around[ours + 1 :]
        if isinstance(inner, wrapper):
            inside = True
        elif inside:
            names += [type(inner).__name__, *around]
    return [name for name in dict.fromkeys(names) if _SECURITY.search(name)]
