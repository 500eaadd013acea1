"""Values that JSON cannot say, and when two values are the same."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

__all__ = ["ANY", "Unreadable", "from_json", "same", "shown", "to_json"]

NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf, "-0": -0.0}


class Unreadable(Exception):
    """A case says something that this suite cannot do."""


class _Any:
    """Stands in an expectation for whatever comes."""

    def __repr__(self) -> str:
        return "<anything>"


ANY: Any = _Any()


class InvalidDate:
    """JavaScript's date that is none."""

    def __repr__(self) -> str:
        return "Invalid Date"


def from_json(value: Any) -> Any:
    """`value` of a case as Python has it: undefined is None."""
    if isinstance(value, list):
        return [from_json(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$number" in value:
        return NUMBERS[value["$number"]]
    if "$undefined" in value:
        return None
    if "$date" in value:
        try:
            return datetime.fromisoformat(value["$date"])
        except ValueError:
            return InvalidDate()
    return {key: from_json(one) for key, one in value.items()}


def to_json(value: Any) -> Any:
    """`value` of ours as a case writes it."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, dict):
        return {key: to_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    return value


def same(one: Any, two: Any, *, literally: bool = False) -> bool:
    """Equal, and of one kind: 1 is 1.0 and -0, and not true. `ANY` equals all, or literally only itself."""
    if one is ANY or two is ANY:
        return one is two or not literally
    one, two = _zero(one), _zero(two)
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key], literally=literally) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(same(*pair, literally=literally) for pair in zip(one, two, strict=True))
    if isinstance(one, bool) or isinstance(two, bool):
        return one is two
    return one == two


def _zero(value: Any) -> Any:
    """Python's 0 and -0.0 are equal, so that the sign of nothing is no difference."""
    return 0 if value == {"$number": "-0"} else value


def shown(value: Any, limit: int = 600) -> str:
    """`value` in one line that any terminal can print."""
    text = ascii(value) if not isinstance(value, str) else ascii(value)[1:-1]
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
