"""What `paths=` and `props=` of a mark give: the static paths of a route, and the props of its pages.

The same at build and at request time. Props are handed on by reference, never serialised.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import math
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any, cast

from ondemand._asgi import CURRENT
from ondemand.errors import ParamError
from ondemand.marks import StaticPath
from ondemand.pagination import paginate
from ondemand.routing import Pattern, Route, Runs

__all__ = ["PathsContext", "Props", "entries", "params_of", "props_of"]

BOUND = 10_000
"""Pages of one route whose props are remembered."""

FRESH = 10.0
"""Seconds that they are, at request time: then `paths` is asked again."""


@dataclass(frozen=True, slots=True)
class PathsContext:
    """What `paths=` is called with, if it takes an argument (Astro: the argument of getStaticPaths).

    app: the application, as it was imported. state: what its lifespan put into the state.
    route_pattern: the pattern of the route whose paths are wanted.
    """

    app: Any
    state: Mapping[str, Any]
    route_pattern: str
    base: str = "/"
    trailing_slash: str = "ignore"
    pattern: Pattern | None = None

    def paginate(
        self,
        items: Iterable[Any],
        page_size: int | float | None = 10,
        *,
        params: Mapping[str, Any] | None = None,
        props: Mapping[str, Any] | None = None,
        format: Callable[[str], str] | None = None,  # noqa: A002 - Astro's name
    ) -> list[StaticPath]:
        """The static paths of this route for a list in pages: see `ondemand.pagination.paginate`."""
        return paginate(
            items,
            pattern=self.pattern or self.route_pattern,
            page_size=page_size,
            params=params,
            props=props,
            format=format,
            base=self.base,
            trailing_slash=self.trailing_slash,
        )


async def entries(paths: Any, context: PathsContext, *, runs: Runs | None = None) -> AsyncGenerator[Any]:
    """What `paths` gives, one by one: a list, or what a function gives, awaited and iterated as it needs. runs: see `Route`.

    Raises `TypeError` for what is no list or generator, and whatever the user's code raises.
    """
    if callable(paths):
        wants = [
            parameter
            for parameter in inspect.signature(paths).parameters.values()
            if parameter.default is parameter.empty
            and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
        arguments = (context,) if wants else ()
        paths = await _called(paths, *arguments, runs=runs)
    if inspect.isawaitable(paths):
        paths = await paths
    if hasattr(paths, "__aiter__"):
        async with AsyncExitStack() as stack:  # what is not read to its end is closed here, in this task
            if hasattr(paths, "aclose"):
                stack.push_async_callback(paths.aclose)
            async for entry in paths:
                yield entry
    elif hasattr(paths, "__iter__") and not isinstance(paths, str | bytes | Mapping):
        if runs is not None:
            given: Iterator[Any] = await runs(iter, paths)
            while portion := await runs(lambda: [*itertools.islice(given, 100)]):
                for entry in portion:
                    yield entry
            return
        for entry in cast("Iterable[Any]", paths):
            yield entry
            await asyncio.sleep(0)
    else:
        raise TypeError(f"it gave {type(cast('object', paths)).__name__}, not a list or generator of StaticPath")


async def _called(function: Callable[..., Any], *arguments: Any, runs: Runs | None) -> Any:
    """What `function` returns; a coroutine or async generator as it is."""
    if runs is None or inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return function(*arguments)
    return await runs(function, *arguments)


def params_of(entry: Any, route: Route) -> Mapping[str, object]:
    """The params of one entry. Raises `ParamError` for what is none."""
    params: Any = None
    if isinstance(entry, StaticPath):
        params = entry.params
    elif isinstance(entry, Mapping):
        params = cast("Mapping[str, Any]", entry).get("params")
    if not isinstance(params, Mapping):
        given = cast("object", entry)
        raise ParamError(
            f"The paths of {route.pattern.text} gave {repr(given)[:120]}. "
            "Yield StaticPath({...}), or a dict with `params`.",
            pattern=route.pattern.text,
            value=given,
        )
    return cast("Mapping[str, object]", params)


def props_of(entry: Any) -> Mapping[str, Any]:
    """The props of one entry, {} if it has none."""
    props: Any = entry.props if isinstance(entry, StaticPath) else entry.get("props")
    return cast("Mapping[str, Any]", props) if isinstance(props, Mapping) else {}


class Props:
    """The props of the pages of one route, from its mark: `props=` is asked for each request; else `paths` is iterated
    to the page that is wanted, and what it gave on the way is remembered, within bounds.
    """

    def __init__(self, route: Route, *, clock: Callable[[], float], fresh: float = FRESH, bound: int = BOUND) -> None:
        """clock: seconds. fresh: seconds that what `paths` gave holds; `math.inf` while a build runs."""
        mark = route.mark or route.group
        assert mark is not None
        self.route = route
        self.mark = mark
        self._props: Any = mark.props
        self._paths: Any = mark.paths
        self._once = isinstance(mark.paths, Iterator | AsyncIterator)  # it can be read once only
        self._clock = clock
        self._fresh = math.inf if self._once else fresh
        self._bound = bound
        self._known: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
        self._since = -math.inf
        self._complete = False  # `_known` holds all that `paths` gives
        self._listed: set[int] | None = None  # hashes of all paths, where they are more than are remembered
        self._bare = False  # `paths` was seen to its end, and no page of it has props
        self._lock = asyncio.Lock()

    async def of(
        self, path: str, params: Mapping[str, Any], context: PathsContext, *, closed: bool
    ) -> Mapping[str, Any] | None:
        """The props for `path`, or None if there is no such page: `props=` gave None, or `paths` does not yield it and
        the route is closed. Raises what the user's code raises."""
        if self._props is not None:
            value = await _called(self._props, params, runs=self.route.runs)
            value = await value if inspect.isawaitable(value) else value
            if value is not None and not isinstance(value, Mapping):
                kind = type(value).__name__
                raise TypeError(
                    f"The props of {self.route.pattern.text} are {kind}. Return a dict, or None for no page."
                )
            return cast("Mapping[str, Any] | None", value)
        if self._paths is None or (self._bare and not closed):
            return {}
        async with self._lock:
            if self._clock() - self._since >= self._fresh and not self._once:
                self._known.clear()
                self._complete, self._listed = False, None
            missing = self._listed is not None and hash(_key(path)) not in self._listed
            if _key(path) not in self._known and not self._complete and not missing:
                token = CURRENT.set(None)  # what it gives is for everyone: there is no page here
                try:
                    await self._look_for(path, context)
                finally:
                    CURRENT.reset(token)
            found = self._known.get(_key(path))
            return {} if found is None and not closed else found

    def remember(self, path: str, props: Mapping[str, Any]) -> None:
        """A build iterates `paths`: keep what passes."""
        if not self._known:
            self._since = self._clock()
        self._known[_key(path)] = props
        if len(self._known) > self._bound:
            self._known.popitem(last=False)

    async def _look_for(self, wanted: str, context: PathsContext) -> None:
        """Iterate `paths` until `wanted` came and as many behind it as are remembered, or to the end."""
        if not self._once:
            self._known.clear()
        self._since = self._clock()
        behind, found, count, bare, listed = 0, None, 0, True, set[int]()
        async with aclosing(entries(self._paths, context, runs=self.route.runs)) as given:
            async for entry in given:
                try:
                    path = self.route.pattern.fill(params_of(entry, self.route))
                except ParamError:
                    continue  # a build tells of it
                count += 1
                props = props_of(entry)
                bare = bare and not props
                if _same(path, wanted):
                    found = props
                self.remember(path, props)
                listed.add(hash(_key(path)))
                behind += found is not None
                if behind >= self._bound:
                    break
            else:
                self._complete, self._listed = count <= self._bound, listed
                self._bare = bare and count > 0
        if found is not None:
            self._known[_key(wanted)] = found


def _key(path: str) -> str:
    """`path` in one spelling, with and without its last slash."""
    return path.rstrip("/") or "/"


def _same(one: str, other: str) -> bool:
    return _key(one) == _key(other)
