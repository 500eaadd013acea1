"""Python runs this first in every process of a build that is to be struck at a step of its own (`tests.faults.striking`).

A step is one change to the file system below `dist`, as Python's audit events tell it. Told by the environment:
STRIKE_DIST: that folder. STRIKE_LOG: a file that each step is written to. STRIKE: what to do, as JSON: `who` (parent or
child), `step` (its number, from 0), `what` (self, other, both: who is killed; or the name of an errno, which this and every
later step of its kind fails with). STRIKE_ONCE: a file that is made when the strike is done.
"""

import errno
import json
import os
import signal
import sys

DIST = os.path.realpath(os.environ["STRIKE_DIST"])
STRIKE = json.loads(os.environ.get("STRIKE", "{}"))
WHO = "child" if any(part.endswith("prerendering.process") for part in sys.orig_argv) else "parent"
LOG = os.open(os.environ["STRIKE_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
CHANGES = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "os.remove": 0, "os.rmdir": 0}
"""Audit event -> which of its arguments is the path."""
TAKES_SPACE = {"open", "os.mkdir", "os.link", "os.symlink", "sqlite3.connect"}
"""What a full disk refuses; removing and renaming go on."""

steps = 0
failing = False


def changed(event: str, arguments: tuple) -> str | None:
    """The path below `dist` that this event is about to change, if it is one; "" for `dist` itself."""
    if event == "open":
        path = arguments[0]
        if not isinstance(path, str | bytes | os.PathLike) or not arguments[2] & (os.O_WRONLY | os.O_RDWR):
            return None
    elif event == "sqlite3.connect":
        path = arguments[0]
    elif event in CHANGES:
        path = arguments[CHANGES[event]]
        if event in {"os.remove", "os.rmdir"} and arguments[1] != -1:  # shutil.rmtree holds the folder open
            return f"*/{os.fsdecode(path)}"
    else:
        return None
    found = os.path.abspath(os.fsdecode(path))
    folder = os.path.realpath(os.path.dirname(found))
    if found == DIST or folder == DIST or folder.startswith(DIST + os.sep):
        return os.path.relpath(os.path.join(folder, os.path.basename(found)), DIST)
    return None


def watch(event: str, arguments: tuple) -> None:
    global steps, failing
    if event not in CHANGES and event not in {"open", "sqlite3.connect"}:
        return
    path = changed(event, arguments)
    if path is None:
        return
    number, steps = steps, steps + 1
    os.write(LOG, f"{WHO} {number} {event} {path}\n".encode())
    if failing or (STRIKE.get("who") == WHO and number == STRIKE["step"] and first()):
        strike(event, path)


def first() -> bool:
    """True once, however many processes come to this step."""
    try:
        os.close(os.open(os.environ["STRIKE_ONCE"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def strike(event: str, path: str) -> None:
    global failing
    what = STRIKE["what"]
    if what == "both":
        os.killpg(os.getpgrp(), signal.SIGKILL)
    elif what == "self":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "other":
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) != os.getpid() and session_of(name) == os.getsid(0):
                os.kill(int(name), signal.SIGKILL)
    else:
        failing = True
        number = getattr(errno, what)
        if number not in {errno.ENOSPC, errno.EDQUOT} or event in TAKES_SPACE:
            raise OSError(number, os.strerror(number), path)


def session_of(process: str) -> int:
    try:
        return os.getsid(int(process))
    except OSError:
        return -1


sys.addaudithook(watch)
