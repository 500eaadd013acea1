"""paginate: a list in pages, each a static path of its own (Astro's `paginate`, its names in snake_case)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ondemand.errors import ParamError
from ondemand.marks import StaticPath
from ondemand.routing import Pattern, to_url

__all__ = ["PageURLs", "Paginated", "paginate"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageURLs:
    """Paths with `base`, percent-encoded; None where there is no such page. `first` is None on the first page, `last`
    on the last one."""

    current: str
    prev: str | None
    next: str | None
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class Paginated(Generic[T]):
    """One page of a list: `props["page"]` of a paginated route.

    data: the items of this page. start, end: the positions of its first and last item in the list, from 0, both inclusive
    (end is -1 for an empty list). size: items a page has at most; `math.inf` for all. total: items of the list.
    current_page, last_page: from 1.
    """

    data: list[T]
    start: int
    end: int
    size: int | float
    total: int
    current_page: int
    last_page: int
    url: PageURLs


def paginate(
    items: Iterable[Any],
    *,
    pattern: str | Pattern,
    page_size: int | float | None = 10,
    params: Mapping[str, Any] | None = None,
    props: Mapping[str, Any] | None = None,
    format: Callable[[str], str] | None = None,  # noqa: A002 - Astro's name
    base: str = "/",
    trailing_slash: str = "ignore",
) -> list[StaticPath]:
    """The static paths of a route with a `page` parameter: "/blog/{page}", or "/blog/{page:path}", whose first page has
    no number. There is always a first page, also for an empty list.

    page_size: items on a page; None or `math.inf` for one page with all. params: values for the other parameters of the route.
    props: more props for every page; `page` is ours. format: applied to each URL.
    Raises `ParamError` for a route without `page`, for a missing or wrong param, and for a page_size below 1.
    """
    route = pattern if isinstance(pattern, Pattern) else Pattern(pattern)
    if "page" not in route.names:
        raise _error(route, "has no parameter `page` to paginate by: write {page} or {page:path} into its pattern")
    size = math.inf if page_size is None else page_size
    if isinstance(size, bool) or not (size == math.inf or (isinstance(size, int) and size >= 1)):
        raise _error(route, f"cannot be paginated with page_size={page_size!r}: it takes a whole number, at least 1")
    everything = list(items)
    total = len(everything)
    last = 1 if size == math.inf else max(1, math.ceil(total / size))
    first_is_bare = route.convertor("page") == "path"

    def number(page: int) -> str | None:
        return None if page == 1 and first_is_bare else str(page)

    def url(page: int) -> str | None:
        if not 1 <= page <= last:
            return None
        path = to_url(base.rstrip("/") + route.fill({**(params or {}), "page": number(page)}))
        if trailing_slash == "always":
            path = path.rstrip("/") + "/"
        elif path.rstrip("/") != base.rstrip("/"):
            path = path.rstrip("/")
        return format(path) if format is not None else path

    def one(page: int) -> StaticPath:
        start = 0 if size == math.inf else (page - 1) * int(size)
        data = everything[start:] if size == math.inf else everything[start : start + int(size)]
        urls = PageURLs(
            current=url(page) or "",
            prev=url(page - 1),
            next=url(page + 1),
            first=url(1) if page > 1 else None,
            last=url(last) if page < last else None,
        )
        made = Paginated(data, start, start + len(data) - 1, size, total, page, last, urls)
        return StaticPath({**(params or {}), "page": number(page)}, props={**(props or {}), "page": made})

    return [one(page) for page in range(1, last + 1)]


def _error(route: Pattern, what: str) -> ParamError:
    return ParamError(f"The route {route.text} {what}.", pattern=route.text, param="page")
