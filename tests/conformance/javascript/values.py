"""JavaScript's values that Python has not, and what they are as a text, a number and a truth."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.conformance.values import Unreadable


class _Undefined:
    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


UNDEFINED: Any = _Undefined()

AWAIT: ContextVar[Callable[[Any], Any]] = ContextVar("await")
"""Waits for an awaitable of Python's, where JavaScript runs beside a page of ours."""


def unread(what: object) -> Unreadable:
    return Unreadable(f"cannot read this JavaScript: {what}")


class Thrown(Exception):
    """An exception of JavaScript's. value: what was thrown."""

    def __init__(self, value: Any) -> None:
        super().__init__(text(value))
        self.value = value


def failure(name: str, message: str) -> Thrown:
    return Thrown({"name": name, "message": message})


class Set(list[Any]):
    """A `Set`: it can be iterated, and is no array."""


class Map(dict[Any, Any]):
    """A `Map`: it can be iterated, and is no plain object."""


class Symbol:
    """A `Symbol`."""


@dataclass
class Date:
    """A `Date`: milliseconds since 1970."""

    ms: float

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    @property
    def iso(self) -> str:
        return self.moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(self.ms) % 1000:03}Z"


@dataclass
class Promise:
    """A promise; it is settled when it is made."""

    value: Any = UNDEFINED
    error: Thrown | None = None


@dataclass
class Generated:
    """What a generator function yielded. It runs to its end at once."""

    values: list[Any]
    is_async: bool


@dataclass
class Function:
    """A function, called with its arguments."""

    call: Callable[..., Any]
    is_async: bool = False
    is_generator: bool = False

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)


@dataclass
class Global:
    """A name such as `Object`: its members, and what calling it and `new` give."""

    members: dict[str, Any] = field(default_factory=dict)
    called: Callable[..., Any] | None = None
    made: Callable[..., Any] | None = None

    def get(self, name: str) -> Any:
        if name not in self.members:
            raise unread(f".{name} of a global")
        return Function(self.members[name])

    def set(self, name: str, value: Any) -> None:
        raise unread(f"an assignment to .{name} of a global")

    def items(self) -> list[Any]:
        """What `for ... of` sees."""
        raise unread("an iteration over a global")

    def __call__(self, *arguments: Any) -> Any:
        if self.called is None:
            raise unread("a call of a global that is no function here")
        return self.called(*arguments)


def is_nothing(value: Any) -> bool:
    return value is None or value is UNDEFINED


def is_array(value: Any) -> bool:
    return isinstance(value, list) and not isinstance(value, Set)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text(value: Any) -> str:
    """`String(value)`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return _number_text(value)
    if is_array(value):
        return ",".join("" if is_nothing(one) else text(one) for one in value)
    if isinstance(value, Date):
        return value.moment.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)")
    if isinstance(value, dict) and {"name", "message"} <= value.keys():
        return f"{value['name']}: {value['message']}"
    if isinstance(value, dict | Set | Promise | Generated):
        return "[object Object]"
    return str(value)


def _number_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)


def number(value: Any) -> int | float:
    """`Number(value)`."""
    if is_number(value):
        return value
    if value is UNDEFINED:
        return math.nan
    if isinstance(value, Date):
        return value.ms
    try:
        return whole(float({"null": "0", "true": "1", "false": "0"}.get(text(value), text(value)).strip() or "0"))
    except ValueError:
        return math.nan


def whole(value: float) -> int | float:
    return int(value) if math.isfinite(value) and value.is_integer() else value


def truthy(value: Any) -> bool:
    return True if isinstance(value, list | dict | Date | Function) else bool(value) and value == value


def equal(one: Any, two: Any) -> bool:
    """`one === two`."""
    if any(isinstance(value, bool | list | dict | Date) for value in (one, two)):
        return one is two
    return one is two or (not is_nothing(one) and not is_nothing(two) and one == two)


def alike(one: Any, two: Any) -> bool:
    """`one == two`, without the conversions that nobody should rely on."""
    return equal(one, two) or (is_nothing(one) and is_nothing(two))


def kind_of(value: Any) -> str:
    """`typeof value`."""
    if value is UNDEFINED:
        return "undefined"
    known = {bool: "boolean", int: "number", float: "number", str: "string", Symbol: "symbol", Function: "function"}
    return known.get(type(value), "object")


def items(value: Any) -> list[Any]:
    """What `for ... of` and `...` see."""
    if isinstance(value, Generated):
        return value.values
    if isinstance(value, Map):
        return [list(pair) for pair in value.items()]
    if isinstance(value, Global):
        return value.items()
    if isinstance(value, list | str):
        return list(value)
    raise failure("TypeError", f"{text(value)} is not iterable")


def awaited(value: Any) -> Any:
    """`await value`; one of Python's by `AWAIT`."""
    if inspect.isawaitable(value):
        return AWAIT.get()(value)
    if not isinstance(value, Promise):
        return value
    if value.error is not None:
        raise value.error
    return value.value


def settled(work: Callable[[], Any]) -> Promise:
    """The promise of a piece of work, which is done at once."""
    try:
        return Promise(awaited(work()))
    except Thrown as error:
        return Promise(error=error)
