"""getStaticPaths functions as our `paths`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from ondemand import current_page
from tests.conformance import javascript
from tests.conformance.javascript import UNDEFINED, Date, Function, Generated, Promise

__all__ = ["Astro", "to_paths"]


class Astro(javascript.Global):
    """The page global: its members are those of our page."""

    def get(self, name: str) -> Any:
        return getattr(current_page(), re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name))


def to_paths(value: Any, rest: Sequence[str]) -> Any:
    """getStaticPaths as our `paths=`: a function of the same kind, or a value. rest: the names of rest parameters."""
    if not isinstance(value, Function):
        return to_entries(value, rest)

    def call(context: Any) -> Any:
        route = re.sub(
            r"\{(\w+)(:path)?\}", lambda name: f"[{'...' if name[2] else ''}{name[1]}]", context.route_pattern
        )
        return value({"paginate": Function(to_paginate(context)), "routePattern": route})

    def plain(context: Any) -> Any:
        given = call(context)
        return wait(given) if isinstance(given, Promise) else to_entries(given, rest)

    async def wait(given: Any) -> Any:
        return to_entries(javascript.awaited(given), rest)

    async def waiting(context: Any) -> Any:
        return await wait(call(context))

    def generator(context: Any) -> Iterator[Any]:
        yield from to_entries(call(context).values, rest)

    async def async_generator(context: Any) -> AsyncIterator[Any]:
        for one in to_entries(call(context).values, rest):
            yield one

    if value.is_generator:
        return async_generator if value.is_async else generator
    return waiting if value.is_async else plain


def to_paginate(context: Any) -> Callable[..., Any]:
    def paginate(items: Any, options: Any = None) -> list[Any]:
        given = {"page_size" if name == "pageSize" else name: one for name, one in (options or {}).items()}
        found = context.paginate(items, **{name: one for name, one in given.items() if one is not UNDEFINED})
        return [{"params": dict(one.params), "props": dict(one.props)} for one in found]

    return paginate


def to_entries(value: Any, rest: Sequence[str]) -> Any:
    """What getStaticPaths gave, as a `paths` function of Python's would write it."""
    if isinstance(value, Generated):
        return iter(to_entries(value.values, rest))
    if isinstance(value, javascript.Set):
        return tuple(to_entry(one, rest) for one in value)
    if isinstance(value, list):
        return [to_entry(one, rest) for one in value]
    return None if value is UNDEFINED else value


def to_entry(entry: Any, rest: Sequence[str]) -> Any:
    """Props stay what they are, since they are given by reference."""
    if not isinstance(entry, dict) or isinstance(entry, javascript.Map):
        return to_entries(entry, rest)
    found = {name: one for name, one in entry.items() if one is not UNDEFINED}
    if isinstance(found.get("params"), dict):
        found["params"] = {
            # a name that is undefined is left out in Python; a rest parameter is None
            name: None if one is UNDEFINED else one.moment if isinstance(one, Date) else one
            for name, one in found["params"].items()
            if one is not UNDEFINED or name in rest
        }
    return found
