"""Members of JavaScript's values, and its globals: those that make lists of paths."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from tests.conformance.javascript.values import (
    UNDEFINED,
    Date,
    Function,
    Global,
    Map,
    Promise,
    Set,
    Symbol,
    Thrown,
    awaited,
    equal,
    failure,
    is_array,
    is_nothing,
    is_number,
    items,
    number,
    settled,
    text,
    truthy,
    unread,
)

__all__ = ["GLOBALS", "assign", "member"]

Methods = dict[str, Callable[[Any], Any]]
"""Name -> from a value to the member: a function of the arguments, or a plain value."""


def member(owner: Any, name: Any) -> Any:
    """`owner.name` and `owner[name]`."""
    if is_nothing(owner):
        raise failure("TypeError", f"Cannot read properties of {text(owner)} (reading '{text(name)}')")
    if isinstance(owner, list | str) and is_number(name):
        return owner[int(name)] if 0 <= name < len(owner) and name == int(name) else UNDEFINED
    key = text(name)
    if isinstance(owner, Global):
        return owner.get(key)
    if isinstance(owner, dict) and not isinstance(owner, Map) and key in owner:
        return owner[key]
    methods = next((methods for kind, methods in METHODS if isinstance(owner, kind)), {})
    if key in methods:
        found = methods[key](owner)
        return Function(found) if callable(found) else found
    if isinstance(owner, dict):
        return UNDEFINED
    raise unread(f".{key} of {type(owner).__name__}")


def assign(owner: Any, name: Any, value: Any) -> None:
    """`owner.name = value` and `owner[name] = value`."""
    if isinstance(owner, Global):
        owner.set(text(name), value)
    elif isinstance(owner, dict) and not isinstance(owner, Map):
        owner[text(name)] = value
    else:
        raise unread(f"an assignment to .{text(name)} of {type(owner).__name__}")


def flat(values: Iterable[Any], depth: float = 1) -> list[Any]:
    found: list[Any] = []
    for one in values:
        found += flat(one, depth - 1) if is_array(one) and depth >= 1 else [one]
    return found


def cut(value: Any, start: Any = 0, end: Any = UNDEFINED) -> Any:
    return value[int(start) : None if end is UNDEFINED else int(end)]


def mapped(values: list[Any], work: Any) -> list[Any]:
    return [work(one, at, values) for at, one in enumerate(values)]


def holds(values: list[Any], one: Any) -> bool:
    return any(equal(one, other) for other in values)


def pushed(values: list[Any], *more: Any) -> int:
    values.extend(more)
    return len(values)


def reduced(values: list[Any], step: Any, *start: Any) -> Any:
    total, rest = (start[0], values) if start else (values[0], values[1:])
    for one in rest:
        total = step(total, one)
    return total


def added(values: Set, one: Any) -> Set:
    if not holds(values, one):
        values.append(one)
    return values


def bound(work: Callable[..., Any]) -> Callable[[Any], Any]:
    """A method: `work` with its owner as the first argument."""
    return lambda owner: lambda *arguments: work(owner, *arguments)


ARRAY: Methods = {
    "length": len,
    "map": bound(mapped),
    "filter": bound(lambda v, f: [one for at, one in enumerate(v) if truthy(f(one, at, v))]),
    "flatMap": bound(lambda v, f: flat(mapped(v, f))),
    "flat": bound(flat),
    "find": bound(lambda v, f: next((one for one in v if truthy(f(one))), UNDEFINED)),
    "some": bound(lambda v, f: any(map(truthy, mapped(v, f)))),
    "every": bound(lambda v, f: all(map(truthy, mapped(v, f)))),
    "forEach": bound(lambda v, f: mapped(v, f) and UNDEFINED),
    "reduce": bound(reduced),
    "concat": bound(lambda v, *more: [*v, *flat(more)]),
    "slice": bound(cut),
    "join": bound(lambda v, by=",": by.join(map(text, v))),
    "includes": bound(holds),
    "push": bound(pushed),
    "reverse": bound(lambda v: v.reverse() or v),
    "sort": bound(lambda v: v.sort(key=text) or v),
    "at": bound(lambda v, at: v[int(at)] if -len(v) <= at < len(v) else UNDEFINED),
    "fill": bound(lambda v, one: [one] * len(v)),
    "entries": bound(lambda v: [[at, one] for at, one in enumerate(v)]),
    "keys": bound(lambda v: list(range(len(v)))),
    "values": bound(list),
    "toString": bound(text),
}
SET: Methods = {"size": len, "has": bound(holds), "add": bound(added), "values": bound(list), "keys": bound(list)}
MAP: Methods = {
    "size": len,
    "get": bound(lambda v, key: v.get(key, UNDEFINED)),
    "has": bound(lambda v, key: key in v),
    "set": bound(lambda v, key, one: v.update({key: one}) or v),
    "keys": bound(list),
    "values": bound(lambda v: list(v.values())),
    "entries": bound(items),
}
STRING: Methods = {
    "length": len,
    "toUpperCase": bound(str.upper),
    "toLowerCase": bound(str.lower),
    "trim": bound(str.strip),
    "slice": bound(cut),
    "split": bound(lambda v, by: v.split(by) if by else list(v)),
    "replace": bound(lambda v, old, new: v.replace(old, new, 1)),
    "replaceAll": bound(str.replace),
    "includes": bound(lambda v, one: one in v),
    "startsWith": bound(str.startswith),
    "endsWith": bound(str.endswith),
    "repeat": bound(lambda v, count: v * int(count)),
    "padStart": bound(lambda v, width, fill=" ": v.rjust(int(width), fill)),
    "concat": bound(lambda v, *more: v + "".join(map(text, more))),
    "toString": bound(text),
}
DATE: Methods = {
    "getTime": bound(lambda v: v.ms),
    "getFullYear": bound(lambda v: v.moment.year),
    "toISOString": bound(lambda v: v.iso),
    "toString": bound(text),
}
PROMISE: Methods = {
    "then": bound(lambda v, f: v if v.error is not None else settled(lambda: f(v.value))),
    "catch": bound(lambda v, f: v if v.error is None else settled(lambda: f(v.error.value))),
}
OTHERS: Methods = {"toString": bound(text), "toFixed": bound(lambda v, digits=0: f"{v:.{int(digits)}f}")}
METHODS: list[tuple[Any, Methods]] = [
    (Set, SET),
    (list, ARRAY),
    (Map, MAP),
    (str, STRING),
    (Date, DATE),
    (Promise, PROMISE),
    ((bool, int, float, dict), OTHERS),
]


def array_from(value: Any, work: Any = None) -> list[Any]:
    is_length = isinstance(value, dict) and not isinstance(value, Map)
    found = [UNDEFINED] * int(value.get("length", 0)) if is_length else items(value)
    return found if work is None else mapped(found, work)


def date(value: Any = UNDEFINED, *rest: Any) -> Date:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return Date((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    if value is UNDEFINED or rest:
        raise unread("a Date that is not made of one number or text")
    return Date(number(value))


def promise(start: Any) -> Promise:
    made = Promise()

    def resolve(value: Any = UNDEFINED) -> None:
        made.value = awaited(value)

    def reject(error: Any = UNDEFINED) -> None:
        made.error = Thrown(error)

    start(Function(resolve), Function(reject))
    return made


def unique(values: Any = ()) -> Set:
    made = Set()
    for one in () if is_nothing(values) else items(list(values)):
        added(made, one)
    return made


def error(name: str) -> Global:
    def make(message: Any = "", *_: Any) -> dict[str, str]:
        return {"name": name, "message": text(message)}

    return Global(called=make, made=make)


GLOBALS: dict[str, Any] = {
    "undefined": UNDEFINED,
    "NaN": math.nan,
    "Infinity": math.inf,
    "String": Global(called=lambda value="": text(value)),
    "Number": Global(called=lambda value=0: number(value)),
    "Boolean": Global(called=lambda value=UNDEFINED: truthy(value)),
    "BigInt": Global(called=lambda value: int(number(value))),
    "Symbol": Global(called=lambda name="": Symbol()),
    "Object": Global(
        {
            "keys": list,
            "values": lambda v: list(v.values()),
            "entries": lambda v: [list(pair) for pair in v.items()],
            "fromEntries": lambda v: {text(key): one for key, one in items(v)},
            "freeze": lambda v: v,
        }
    ),
    "Array": Global(
        {"isArray": is_array, "from": array_from, "of": lambda *v: list(v)},
        called=lambda count=0: [UNDEFINED] * int(count),
        made=lambda count=0: [UNDEFINED] * int(count),
    ),
    "Promise": Global(
        {
            "resolve": lambda value=UNDEFINED: value if isinstance(value, Promise) else Promise(value),
            "reject": lambda reason=UNDEFINED: Promise(error=Thrown(reason)),
            "all": lambda v: settled(lambda: [awaited(one) for one in items(v)]),
        },
        made=promise,
    ),
    "JSON": Global({"stringify": lambda v: json.dumps(v, separators=(",", ":")), "parse": json.loads}),
    "Math": Global({"ceil": math.ceil, "floor": math.floor, "max": lambda *v: max(v), "min": lambda *v: min(v)}),
    "Date": Global(made=date),
    "Set": Global(made=unique),
    "Map": Global(made=lambda v=(): Map(items(list(v)))),
    **{name: error(name) for name in ("Error", "TypeError", "RangeError", "SyntaxError")},
    "setTimeout": Function(lambda work, *_: work()),
}
