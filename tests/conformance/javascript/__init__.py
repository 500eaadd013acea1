"""The part of JavaScript that getStaticPaths functions of the cases are written in.

Its values are Python's where they can be: undefined is `UNDEFINED`, null is None, an array a list, an object a dict; the
others are in `values.py`. `library.py` has members and globals, `reading.py` the language. What is not understood is
`Unreadable`, never guessed.
"""

from tests.conformance.javascript.reading import run
from tests.conformance.javascript.values import (
    UNDEFINED,
    Date,
    Function,
    Generated,
    Global,
    Map,
    Promise,
    Set,
    Symbol,
    Thrown,
    awaited,
    items,
    text,
)

__all__ = [
    "UNDEFINED",
    "Date",
    "Function",
    "Generated",
    "Global",
    "Map",
    "Promise",
    "Set",
    "Symbol",
    "Thrown",
    "awaited",
    "items",
    "run",
    "text",
]
