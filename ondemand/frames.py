"""Where in the user's own code: the frames of exceptions, of what hangs, of whoever calls us.

A frame is shown as "file:line in function: code". Frames of the standard library, of installed packages and of ondemand itself
are left out.
"""

from __future__ import annotations

import inspect
import linecache
import os
import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterable
from types import CodeType, FrameType, TracebackType
from typing import Any, cast

__all__ = [
    "caller",
    "describe",
    "excerpt",
    "frames_of_thread",
    "is_users",
    "is_users_file",
    "place",
    "shown",
    "stuck_frames",
    "traceback_of",
    "user_frames",
]

_INSTALLED = ("stdlib", "platstdlib", "purelib", "platlib")
_LIBRARIES = (
    *tuple(os.path.join(sysconfig.get_path(name), "") for name in _INSTALLED),
    os.path.join(os.path.dirname(__file__), ""),
)


def is_users(code: CodeType) -> bool:
    """True for the user's own code: of no library."""
    return is_users_file(code.co_filename)


def is_users_file(file: str) -> bool:
    """True for a source file of the user's own."""
    return not file.startswith(_LIBRARIES) and not file.startswith("<") and "site-packages" not in file


def _alone(error: BaseException) -> BaseException:
    """The innermost exception of groups that hold one each (task groups make them)."""
    while len(inner := cast("tuple[BaseException, ...]", getattr(error, "exceptions", ()))) == 1:
        error = inner[0]
    return error


def describe(error: BaseException) -> str:
    """ "Type: message", the first 500 characters; the innermost exception of a group with one."""
    error = _alone(error)
    text = str(error)
    if hasattr(error, "excerpt"):
        text = text.partition("\n")[0]
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__


def user_frames(error: BaseException) -> tuple[str, ...]:
    """Up to three frames of the user's own code that `error` passed, innermost last; any frames if none is theirs."""
    error = _alone(error)
    if (at := getattr(error, "line", None)) is not None and hasattr(error, "excerpt"):  # of a template or page file
        file: str = getattr(error, "file", "")
        return (f"{file}:{at}: {linecache.getline(file, at).strip()[:120]}",)
    walked = list(traceback.walk_tb(error.__traceback__))
    own = [(frame.f_code, line) for frame, line in walked if is_users(frame.f_code)]
    chosen = own[-3:] or [(frame.f_code, line) for frame, line in walked[-1:]]
    return tuple(shown(code, line) for code, line in chosen)


def place(target: Any) -> str:
    """ "name (file:line)" of a function or class."""
    code = getattr(inspect.unwrap(target) if callable(target) else target, "__code__", None)
    name = getattr(target, "__qualname__", None) or type(target).__qualname__
    if code is not None:
        return f"{name} ({code.co_filename}:{code.co_firstlineno})"
    try:
        return f"{name} ({inspect.getsourcefile(target)}:{inspect.getsourcelines(target)[1]})"
    except (OSError, TypeError):
        return str(name)


def traceback_of(error: BaseException) -> TracebackType | None:
    """The traceback of `error` with the frames of the user's own code and, where a library raised it, the last one; None if it
    passed none of the user's."""
    walked: list[TracebackType] = []
    step = error.__traceback__
    while step is not None:
        walked.append(step)
        step = step.tb_next
    own = [one for one in walked if is_users(one.tb_frame.f_code)]
    if not own:
        return None
    if walked[-1] is not own[-1]:
        own.append(walked[-1])
    made: TracebackType | None = None
    for one in reversed(own):
        made = TracebackType(made, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return made


def excerpt(error: BaseException) -> str:
    """The lines around the innermost frame of the user's own that `error` passed, numbered, the faulty one marked with `>`;
    "" if it passed none."""
    walked = traceback.walk_tb(_alone(error).__traceback__)
    own = [(frame.f_code.co_filename, line) for frame, line in walked if is_users(frame.f_code)]
    if not own:
        return ""
    file, at = own[-1]
    lines = [(number, linecache.getline(file, number).rstrip("\n")) for number in range(max(1, at - 3), at + 4)]
    while lines and not lines[-1][1]:
        lines.pop()
    return "\n".join(f"{'>' if number == at else ' '} {number:4} | {text[:160]}" for number, text in lines)


def stuck_frames(awaitable: Any) -> tuple[str, ...]:
    """The user's frames from `awaitable` down to what it waits for, and those of worker threads that run."""
    found: list[tuple[CodeType, int]] = []
    seen: set[int] = set()
    while awaitable is not None and id(awaitable) not in seen:
        seen.add(id(awaitable))
        for frame_name, next_name in (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await")):
            if hasattr(awaitable, frame_name):
                frame: FrameType | None = getattr(awaitable, frame_name)
                if frame is not None:
                    found.append((frame.f_code, frame.f_lineno))
                awaitable = getattr(awaitable, next_name)
                break
        else:
            break
    own = [shown(code, line) for code, line in found if is_users(code)][-5:]
    return (*own, *_thread_frames())


_POOLS = ("AnyIO worker", "asyncio_", "ThreadPoolExecutor", "ondemand_")
"""How the threads are called in which frameworks run `def` pages."""


def _thread_frames() -> Iterable[str]:
    for thread in threading.enumerate():
        if thread.name.startswith(_POOLS) and thread.ident is not None:
            for frame in frames_of_thread(thread.ident)[-1:]:
                yield f"{frame} (in a worker thread)"


def frames_of_thread(ident: int) -> tuple[str, ...]:
    """The user's frames that a thread is in, innermost last."""
    frame = sys._current_frames().get(ident)  # pyright: ignore[reportPrivateUsage]
    walked = [(f.f_code, line) for f, line in traceback.walk_stack(frame)] if frame is not None else []
    own = [(code, line) for code, line in walked if is_users(code)][:5]
    return tuple(shown(code, line) for code, line in reversed(own))


def shown(code: CodeType, line: int) -> str:
    """A frame as "file:line in function: code"."""
    source = linecache.getline(code.co_filename, line).strip()
    return f"{code.co_filename}:{line} in {code.co_name}" + (f": {source[:120]}" if source else "")


def caller() -> str:
    """The nearest frame of the user's own code above this call, or "" if there is none."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and not is_users(frame.f_code):
        frame = frame.f_back
    return shown(frame.f_code, frame.f_lineno) if frame is not None else ""
