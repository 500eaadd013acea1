"""Who reads what only a visitor has: the page's own code, or something that reads it for every page?

A build proves pages by asking as visitors that it made up. The values that make a visitor one (cookies, Authorization, who is
logged in) tell when they are read. A middleware in front of every page reads them always, and says nothing about a page by it;
page code that reads them may show them.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

from ondemand.frames import is_users, shown

__all__ = ["WatchedScope", "WatchedValue", "reader"]

_ROUTING = tuple(os.path.join(os.sep, package, "routing.py") for package in ("starlette", "fastapi"))
_MIDDLEWARE = os.path.join(os.sep, "starlette", "")
_OURS = os.path.join(os.path.dirname(__file__), "middleware.py")


Tell = Callable[[], None]


class WatchedValue(bytes):
    """The value of a header that calls `tell` when something looks at it; what it is decoded to is watched too."""

    _tell: Tell

    @classmethod
    def of(cls, value: bytes, tell: Tell) -> WatchedValue:
        watched = cls(value)
        watched._tell = tell
        return watched

    def decode(self, *arguments: Any, **named: Any) -> str:
        self._tell()
        return WatchedText.of(bytes(self).decode(*arguments, **named), self._tell)

    def split(self, *arguments: Any, **named: Any) -> list[bytes]:
        self._tell()
        return bytes(self).split(*arguments, **named)

    def partition(self, *arguments: Any) -> tuple[bytes, bytes, bytes]:
        self._tell()
        return bytes(self).partition(*arguments)

    def startswith(self, *arguments: Any) -> bool:
        self._tell()
        return bytes(self).startswith(*arguments)

    def __contains__(self, other: Any) -> bool:
        self._tell()
        return other in bytes(self)

    def __eq__(self, other: object) -> bool:
        self._tell()
        return bytes(self) == other

    __hash__ = bytes.__hash__


class WatchedText(str):
    """Text that came of a watched value. Frameworks cut cookies out of a header before any page asks for one: so its pieces
    are watched, and a look-up by the name of one is seen."""

    _tell: Tell

    @classmethod
    def of(cls, text: str, tell: Tell) -> WatchedText:
        watched = cls(text)
        watched._tell = tell
        return watched

    def split(self, *arguments: Any, **named: Any) -> list[str]:
        return [WatchedText.of(piece, self._tell) for piece in str.split(self, *arguments, **named)]

    def strip(self, *arguments: Any) -> str:
        return WatchedText.of(str.strip(self, *arguments), self._tell)

    def partition(self, *arguments: Any) -> tuple[str, str, str]:
        before, mark, after = str.partition(self, *arguments)
        return WatchedText.of(before, self._tell), mark, WatchedText.of(after, self._tell)

    def removeprefix(self, *arguments: Any) -> str:
        return WatchedText.of(str.removeprefix(self, *arguments), self._tell)

    def encode(self, *arguments: Any, **named: Any) -> bytes:
        self._tell()
        return str.encode(self, *arguments, **named)

    def __eq__(self, other: object) -> bool:
        self._tell()
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __str__(self) -> str:
        self._tell()
        return "".join([self])

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    __hash__ = str.__hash__


class WatchedScope(dict[str, Any]):
    """A scope that calls `tell(key)` when one of `keys` is looked up."""

    def __init__(self, scope: Mapping[str, Any], keys: frozenset[str], tell: Callable[[str], None]) -> None:
        super().__init__(scope)
        self._keys = keys
        self._tell = tell

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if key in self._keys:
            self._tell(key)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        if key in self._keys and key in self:
            self._tell(key)
        return super().get(key, default)


def reader() -> str | None:
    """The frame of page code that is reading, as "file:line in function: code"; None if whatever reads is not the page's.

    What lies inside of the framework's route is the page's, if the user wrote it; without a framework, what lies inside of
    `OnDemand`. A function that a middleware made (its `send`) is the middleware's, wherever it is called.
    """
    inner, outer = _split([*_stack(sys._getframe(2))])  # pyright: ignore[reportPrivateUsage]
    made_outside = {(code.co_filename, code.co_qualname) for code, _ in outer}
    found: str | None = None
    for code, line in reversed(inner):
        if (code.co_filename, code.co_qualname.rpartition(".<locals>.")[0]) in made_outside:
            break
        if is_users(code):
            found = shown(code, line)
    return found


Stack = list[tuple[CodeType, int]]


def _stack(frame: FrameType | None) -> Iterator[tuple[CodeType, int]]:
    while frame is not None:
        yield frame.f_code, frame.f_lineno
        frame = frame.f_back


def _split(stack: Stack) -> tuple[Stack, Stack]:
    """The part of a stack (innermost first) that is the page's, and the rest."""
    for at, (code, _) in enumerate(stack):
        if code.co_filename.endswith(_ROUTING):
            return stack[:at], stack[at:]
    for at, (code, _) in enumerate(stack):
        if (
            code.co_filename == _OURS
        ):  # no route between here and there: a framework's middleware, or an app without routes
            framework = any(_MIDDLEWARE in code.co_filename for code, _ in stack[:at] if code.co_name == "__call__")
            return ([], stack) if framework else (stack[:at], stack[at:])
    return ([], stack) if _in_event_loop() else (stack, [])  # a function that a framework runs in a thread


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
