"""Marks: what `prerender` says about a function, a class, a router or a mount.

Pure values. A mark is an attribute of what it marks, so that it survives `functools.wraps`; every marked function is remembered
until a route reaches it, so that a mark that was lost on the way can be reported.
"""

from __future__ import annotations

import functools
import gc
import inspect
import weakref
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeGuard, TypeVar, cast, overload

from ondemand.errors import MarkError

if TYPE_CHECKING:
    from ondemand.config import Config

__all__ = [
    "READS",
    "Mark",
    "StaticPath",
    "Value",
    "checked_mark",
    "every_unreached",
    "is_value",
    "mark_of",
    "prerender",
    "unreached",
    "unwrap",
]

READS: Mapping[str, str] = {
    "cookie": "the request's cookies",
    "authorization": "the Authorization header",
    "session": "the session",
    "user": "the user",
    "state": "what middleware found out about the visitor",
    "headers": "the request's headers",
    "query": "the request's query",
    "address": "the client's address",
    "locale": "the preferred locale",
}
"""What of a visitor a page may read, as a mark names it and as a finding does."""

Value = bool | Literal["auto"]
Unknown = Literal["404", "render"]
Paths = Callable[..., Any] | Iterable[Any] | AsyncIterable[Any]
Props = Callable[[Mapping[str, str]], Any]
F = TypeVar("F")
P = TypeVar("P", bound=Callable[..., Any])

ATTRIBUTE = "__ondemand_mark__"
"""Where a mark is kept."""


@dataclass(frozen=True, slots=True)
class StaticPath:
    """One path of a route with parameters, as its `paths` yields it (Astro: an entry of getStaticPaths).

    `params`: name -> text or number. `props`: anything; handed to the page as it is, never serialised.
    """

    params: Mapping[str, object]
    props: Mapping[str, object] = field(default_factory=dict[str, object])


class Mark(NamedTuple):
    """What `prerender` was told about one function, class, router or mount, or what a page file says of itself.

    value None: nothing about static or on demand; rules and `output` decide. reads: of `READS`.
    """

    value: Value | Callable[[Config], Value] | None
    paths: Paths | None = None
    props: Props | None = None
    unknown: Unknown | None = None
    reads: frozenset[str] = frozenset()

    def resolve(self, config: Config) -> Value | None:
        """The value; a callable is asked with the config. Raises `MarkError` if it answers anything else."""
        if self.value is None:
            return None
        value: Any = self.value(config) if callable(self.value) else self.value
        if is_value(value):
            return value
        raise MarkError(f"The function given to prerender() answered {value!r}. It must answer True, False or 'auto'.")


_touched: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()
"""Every function and class that `prerender` marked and no route has reached so far -> where it is defined."""


@overload
def prerender(
    value: Value = True,
    *,
    paths: Paths | None = None,
    props: Props | None = None,
    unknown: Unknown | None = None,
    reads: Iterable[str] = (),
) -> Callable[[F], F]: ...
@overload
def prerender(value: P, /) -> P: ...
@overload
def prerender(
    value: Callable[[Config], Value],
    *,
    paths: Paths | None = None,
    props: Props | None = None,
    unknown: Unknown | None = None,
    reads: Iterable[str] = (),
) -> Callable[[F], F]: ...
def prerender(
    value: Any = True,
    *,
    paths: Paths | None = None,
    props: Props | None = None,
    unknown: Unknown | None = None,
    reads: Iterable[str] = (),
) -> Any:
    """Mark a page or endpoint as static (a snapshot made by the build) or on demand (rendered per request).

    Use it bare or called, on a function, an HTTPEndpoint class or one of its methods, or on a whole APIRouter or
    Mount: `prerender(False)(router)`. What it marks is returned unchanged.

    value: True, False, "auto" (snapshot, and keep rendering params that the build did not know), or a function of
        the config that answers one of these. So that it is not taken for a page, such a function is a lambda or
        names its one parameter `config`.
    paths: the static paths of a route with parameters: a list or any iterable of `StaticPath` (or of dicts with
        `params` and `props`), or a function or (async) generator function that gives one. A function may take one
        argument: a `PathsContext`. Iterated once per build and never made into a list.
    props: `async (params) -> dict or None`: the props at request time; None means that there is no such page.
    unknown: params that `paths` did not yield: "render" lets the app answer (the default), "404" answers 404.
    reads: what of the visitor the page reads although it shows nothing of it: "cookie", "authorization", "session", "user",
        "headers", "query", "address", "locale". A build does not warn of these. That the page is the same whatever they
        say is still proven as far as it can be.

    Raises `MarkError` for any other value, option or target, and for a second mark on the same target.
    (Astro: `export const prerender`, `getStaticPaths`.)
    """
    bare = _is_page(value)
    if bare:
        if paths is not None or props is not None or unknown is not None or reads:
            raise MarkError("prerender() was given a page together with options. Write @prerender(paths=...) above it.")
        return _attach(value, Mark(True))
    mark = checked_mark(value, paths, props, unknown)._replace(reads=_checked_reads(reads))
    return functools.partial(_attach, mark=mark)


def checked_mark(value: Any, paths: Any, props: Any, unknown: Any) -> Mark:
    if not (is_value(value) or callable(value)):
        raise MarkError(
            f"prerender() was given {value!r}. It takes True, False, 'auto', or a function of the config. "
            "Write @prerender for a static page, @prerender(False) for one rendered on demand."
        )
    if paths is not None and not (callable(paths) or hasattr(paths, "__iter__") or hasattr(paths, "__aiter__")):
        raise MarkError(
            f"prerender(paths=...) was given {paths!r}. It takes a list of StaticPath or a function that yields them."
        )
    if isinstance(paths, str | bytes | Mapping):
        raise MarkError(f"prerender(paths=...) was given {paths!r}. It takes a list of StaticPath, not one value.")
    if props is not None and not callable(props):
        raise MarkError(f"prerender(props=...) was given {props!r}. It takes a function of the params.")
    if unknown not in (None, "404", "render"):
        raise MarkError(f"prerender(unknown=...) was given {unknown!r}. It takes '404' or 'render'.")
    if value is False and (paths is not None or unknown is not None):
        raise MarkError("prerender(False, ...) was given `paths` or `unknown`. A page on demand has no static paths.")
    if value == "auto" and unknown == "404":
        raise MarkError("prerender('auto', unknown='404') contradicts itself. 'auto' renders unknown params.")
    return Mark(cast("Value", value), paths, props, unknown)


def _checked_reads(reads: Any) -> frozenset[str]:
    names = [reads] if isinstance(reads, str) or not isinstance(reads, Iterable) else [*cast("Iterable[Any]", reads)]
    for name in names:
        if name not in READS or isinstance(reads, str):
            raise MarkError(f"prerender(reads={reads!r}) was given. It takes a list of {', '.join(READS)}.")
    return frozenset(names)


def is_value(value: object) -> TypeGuard[Value]:
    return value is True or value is False or (isinstance(value, str) and value == "auto")


def _is_page(value: Any) -> bool:
    """Tell `@prerender` on a page from `@prerender(function of the config)`: see `prerender`."""
    if inspect.isclass(value):
        return True
    if not inspect.isroutine(value) and _is_group(value):
        return True
    return callable(value) and not _names_config(value)


def _is_group(value: Any) -> bool:
    """True for what holds routes: a router, a mount, an app, a blueprint."""
    return hasattr(value, "routes") or hasattr(value, "add_url_rule")


def _names_config(function: Any) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    if getattr(function, "__name__", "") == "<lambda>":
        return len(parameters) == 1 and not any(p.name in {"request", "page", "scope"} for p in parameters)
    return len(parameters) == 1 and parameters[0].name == "config"


def _attach(target: Any, mark: Mark) -> Any:
    holder: Any = getattr(target, "__func__", target)
    inner: Any = getattr(holder, "__wrapped__", None)
    is_made = not inspect.isroutine(target) and not hasattr(target, "func")  # a `functools.partial` is the user's own
    if is_made and (inspect.isroutine(inner) or inspect.isclass(inner)):
        holder = inner  # the route runs it, not the object that the framework's decorator made of it (FastHTML)
    if getattr(holder, "__dict__", {}).get(ATTRIBUTE, mark) is not mark:
        raise MarkError(f"{_place(holder)} is marked twice. Keep one @prerender.")
    if not (callable(target) or _is_group(target)):
        raise MarkError(f"prerender() cannot mark {target!r}. Put it on a page function, a class, a router or a mount.")
    try:
        setattr(holder, ATTRIBUTE, mark)
    except (AttributeError, TypeError) as error:
        raise MarkError(
            f"prerender() cannot mark {target!r}: it takes no attributes. Mark a function instead."
        ) from error
    if inspect.isfunction(holder) or inspect.isclass(holder):
        _touched[holder] = _place(holder)
    return target


def _place(target: Any) -> str:
    code = getattr(inspect.unwrap(target) if callable(target) else target, "__code__", None)
    name = getattr(target, "__qualname__", None) or type(target).__qualname__
    return (
        f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else f"{getattr(target, '__module__', '?')}.{name}"
    )


def unwrap(endpoint: Any) -> Iterator[Any]:
    """`endpoint` and everything it wraps: partials, bound methods, `functools.wraps`, callable objects."""
    seen: set[int] = set()
    while endpoint is not None and id(endpoint) not in seen:
        seen.add(id(endpoint))
        yield endpoint
        if isinstance(endpoint, functools.partial):
            endpoint = endpoint.func
        elif inspect.ismethod(endpoint):
            endpoint = endpoint.__func__
        elif (inner := getattr(endpoint, "__wrapped__", None)) is not None:
            endpoint = inner
        elif not inspect.isroutine(endpoint) and not inspect.isclass(endpoint) and callable(endpoint):
            endpoint = type(endpoint).__call__
        else:
            return


def mark_of(endpoint: Any) -> Mark | None:
    """The mark of `endpoint`, however it is wrapped, or None. Every function on the way counts as reached.

    A class answers for itself and, unmarked, for its `get` method or what leads to it.
    """
    found: Mark | None = None
    for target in unwrap(endpoint):
        if found is None:
            found = getattr(target, ATTRIBUTE, None)
        if inspect.isclass(target):
            for name in ("get", "dispatch", "dispatch_request"):  # the last two of views of Django, Flask and Quart
                found = found or getattr(getattr(target, name, None), ATTRIBUTE, None)
            for base in target.__mro__:
                _reached(base)
                for member in list(vars(base).values()):
                    _reached(member)
        _reached(target)
    return found


def _reached(target: Any) -> None:
    try:
        _touched.pop(target, None)
    except TypeError:  # neither hashable nor weakly referable: never marked
        return


def unreached(endpoints: Iterable[Any]) -> list[str]:
    """Marked functions that no route reached, out of those that belong with `endpoints`: "name (file:line)" of each.

    They belong if they are defined beside a reached endpoint (same module; same enclosing function for local ones)
    or if an endpoint holds one in its closure, which is what a decorator without `functools.wraps` leaves behind. One that
    a factory made for another app counts as reached where this app has its own.
    """
    beside: set[tuple[str, str]] = set()
    held: set[int] = set()
    known: set[tuple[str, str]] = set()
    for endpoint in endpoints:
        for target in unwrap(endpoint):
            beside.add(_neighbourhood(target))
            known.add(_place_of(target))
            known.update(map(_place_of, vars(target).values() if inspect.isclass(target) else ()))
            for cell in getattr(target, "__closure__", None) or ():
                held.add(id(_cell_contents(cell)))
    return [
        place
        for target, place in list(_touched.items())
        if (_neighbourhood(target) in beside or id(target) in held)
        and _place_of(target) not in known
        and not _is_routed(target)
    ]


def every_unreached() -> list[str]:
    """Every marked function of the process that no route reached."""
    return [*_touched.values()]


def _is_routed(target: Any) -> bool:
    """True for a function that a route of some app runs: modules may hold several apps."""
    for holder in gc.get_referrers(target):
        names: Any = getattr(holder, "__dict__", holder)
        if isinstance(names, dict) and cast("dict[Any, Any]", names).get("endpoint") is target:
            return True
    return False


def _place_of(target: Any) -> tuple[str, str]:
    """The same for each copy of a function that a factory of apps makes."""
    return getattr(target, "__module__", "") or "", getattr(target, "__qualname__", "")


def _neighbourhood(target: Any) -> tuple[str, str]:
    name = getattr(target, "__qualname__", "")
    return getattr(target, "__module__", "") or "", name.rpartition("<locals>")[0]


def _cell_contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # the cell is still empty
        return None
