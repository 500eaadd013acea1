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
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any

from ondemand.frames import is_users, shown

__all__ = ["IN_ROUTE", "WatchedName", "WatchedScope", "WatchedState", "WatchedValue", "reader"]

_ROUTING = tuple(os.path.join(os.sep, package, "routing.py") for package in ("starlette", "fastapi"))
_MIDDLEWARE = os.path.join(os.sep, "starlette", "")
_FRAMEWORK = tuple(os.path.join(os.sep, package, "") for package in ("starlette", "fastapi"))
_OURS = os.path.join(os.path.dirname(__file__), "middleware.py")

IN_ROUTE: ContextVar[bool] = ContextVar("ondemand_in_route", default=False)
"""True in the task that a framework's router has led into a route, and in the tasks that are started there: by page code, or
by a framework that answers each request in a task of its own (Quart)."""

Tell = Callable[[], None]


class WatchedName(bytes):
    """The name of a header that calls `tell` when it is found to be the one that somebody looks for."""

    _tell: Tell

    @classmethod
    def of(cls, name: bytes, tell: Tell) -> WatchedName:
        watched = cls(name)
        watched._tell = tell
        return watched

    def __eq__(self, other: object) -> bool:
        same = bytes.__eq__(self, other)
        if same is True:
            self._tell()
        return same

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = bytes.__hash__


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


class WatchedText(str):
    """Text that came of a watched value. Frameworks cut cookies out of a header before any page asks for one: so its pieces
    are watched, and a look-up by the name of one, or of one, is seen."""

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

    def __str__(self) -> str:
        self._tell()
        return "".join([self])

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def _telling(kind: type[bytes | str], name: str) -> Callable[..., Any]:
    plain: Callable[..., Any] = getattr(kind, name)

    def told(self: Any, *arguments: Any, **named: Any) -> Any:
        self._tell()
        return plain(self, *arguments, **named)

    return told


_LOOKS = (
    "__contains__",
    "__eq__",
    "__getitem__",
    "__hash__",
    "__iter__",
    "__ne__",
    "endswith",
    "find",
    "index",
    "startswith",
)
for _name in (*_LOOKS, "partition", "rpartition", "split", "rsplit", "removeprefix", "strip", "lower", "upper"):
    setattr(WatchedValue, _name, _telling(bytes, _name))
for _name in (*_LOOKS, "encode", "rpartition", "rsplit", "lower", "upper", "casefold", "removesuffix", "replace"):
    setattr(WatchedText, _name, _telling(str, _name))


class WatchedScope(dict[str, Any]):
    """A scope that calls `tell(key)` when one of `keys` is looked up, and "state" when it is one that a middleware added after
    it had looked at credentials."""

    def __init__(
        self, scope: Mapping[str, Any], keys: frozenset[str], tell: Callable[[str], None], looked: Callable[[], bool]
    ) -> None:
        super().__init__(scope)
        self._keys = keys
        self._tell = tell
        self._looked = looked
        self._made: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        self._sees(key)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        if key in self:
            self._sees(key)
        return super().get(key, default)

    def __setitem__(self, key: str, value: Any) -> None:
        if self._looked() and not _by_framework():
            self._made.add(key)
        super().__setitem__(key, value)

    def update(self, *arguments: Any, **named: Any) -> None:
        super().update(*arguments, **named)
        if "endpoint" in self:
            IN_ROUTE.set(True)

    def _sees(self, key: str) -> None:
        if key in self._keys:
            self._tell(key)
        elif key in self._made:
            self._tell("state")


class WatchedState(dict[str, Any]):
    """`scope["state"]`, which calls `tell` when something is looked up that was put there after credentials were looked at."""

    def __init__(self, state: Mapping[str, Any], tell: Tell, looked: Callable[[], bool]) -> None:
        super().__init__(state)
        self._tell = tell
        self._looked = looked
        self._made: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if key in self._made:
            self._tell()
        return value

    def get(self, key: str, default: Any = None) -> Any:
        if key in self._made:
            self._tell()
        return super().get(key, default)

    def __setitem__(self, key: str, value: Any) -> None:
        if self._looked() and reader() is None:
            self._made.add(key)
        super().__setitem__(key, value)


def _by_framework() -> bool:
    file = sys._getframe(2).f_code.co_filename  # pyright: ignore[reportPrivateUsage]
    return file.startswith(os.path.dirname(__file__)) or any(package in file for package in _FRAMEWORK)


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
            inside = any(_MIDDLEWARE in code.co_filename for code, _ in stack[:at] if code.co_name == "__call__")
            around = any(_MIDDLEWARE in code.co_filename for code, _ in stack[at:])
            return ([], stack) if inside or around else (stack[:at], stack[at:])
    # a function that a framework runs in a thread, or a task: the page's, or one that a middleware started
    return ([], stack) if _in_event_loop() and not IN_ROUTE.get() else (stack, [])


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
