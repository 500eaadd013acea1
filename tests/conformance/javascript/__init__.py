"""The part of JavaScript that the sources of the cases are written in.

Its values are Python's where they can be: undefined is `UNDEFINED`, null is None, an array a list, an object a dict; the
others are in `values.py`. `library.py` has members and globals, `words.py` and `reading.py` the language, `hosts.py` our own
objects under Astro's names. What is not understood is `Unreadable`, never guessed.
"""

from tests.conformance.javascript.hosts import PLATFORM, Host, waiting
from tests.conformance.javascript.reading import Module, expression, run
from tests.conformance.javascript.values import (
    AWAIT,
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
    "AWAIT",
    "PLATFORM",
    "UNDEFINED",
    "Date",
    "Function",
    "Generated",
    "Global",
    "Host",
    "Map",
    "Module",
    "Promise",
    "Set",
    "Symbol",
    "Thrown",
    "awaited",
    "expression",
    "items",
    "run",
    "text",
    "waiting",
]
