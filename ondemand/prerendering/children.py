"""The processes of a build, as their parent sees them: started, given work, waited for, replaced."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, Pipe, wait
from typing import Any, Self, cast

from ondemand.errors import AppImportError, OnDemandError
from ondemand.prerendering.messages import Hello, Job, Order, Refused, Stuck
from ondemand.recording import BUILDING

__all__ = ["Child", "Children"]

PORTION = 64
"""Pages that a process is handed at once; it holds twice as many, so that it never waits."""

SLACK = 10.0
"""Seconds beyond `page_timeout` after which a process that says nothing is ended: it should have ended itself long ago."""

MAX_REPLACED = 100
"""Processes that may end before the build gives up."""


class Child:
    """One process, or a thread of this one for an app that was given as an object."""

    def __init__(self, connection: Connection, process: subprocess.Popen[bytes] | None) -> None:
        self.connection = connection
        self.given: dict[int, Job] = {}
        self.careful = False  # hand it one page at a time: one of these ended its predecessor
        self.alone: tuple[Any, ...] | None = None  # all it does: one of these ended its predecessor
        self.ending = False  # it was killed for its silence: what it holds is not to blame for its end
        self.silent = 0.0  # seconds that it has been waited for in vain
        self._process = process

    @property
    def gone(self) -> bool:
        """True if its process has ended and left nothing to read, also where one that the app forked keeps the line open."""
        return self._process is not None and self._process.poll() is not None and not self.connection.poll(0)

    def kill(self) -> bool:
        """End it at once, if it is a process."""
        if self._process is not None:
            self._process.kill()
        return self._process is not None

    def send(self, message: Any) -> None:
        try:
            self.connection.send(message)
        except OSError:  # it has ended: `Children.wait` tells
            return

    def finished(self, job: int) -> None:
        self.given.pop(job, None)

    @property
    def code(self) -> int:
        """The exit code of a process that has ended."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def end(self) -> None:
        """Ask it to stop, so that the app can shut down; end it if it does not within 10 seconds."""
        self.send(("stop",))
        drain = _drain(self.connection)
        if self._process is not None:
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        drain.join(1)
        if not drain.is_alive():  # else it would read from whatever gets the number of this connection next
            self.connection.close()


class Children:
    """All processes of a build. Leaving the context ends them."""

    def __init__(self, order: Order, *, jobs: int) -> None:
        self._order = order
        self._jobs = jobs
        self._children: list[Child] = []
        self._folder = ""
        self._closed: list[tuple[Any, ...]] = []
        self._again: list[Job] = []
        self.replaced = 0
        self._patience = 0.0
        self._building = os.environ.get(BUILDING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()

    def end(self) -> None:
        """End all of them, so that the app can shut down."""
        children, self._children = self._children, []
        for child in children:
            child.end()
        if self._building is None and not isinstance(self._order.target, str):
            os.environ.pop(BUILDING, None)

    @property
    def first(self) -> Child:
        return self._children[0]

    @property
    def busy(self) -> bool:
        """True while some page is out, or a process to come in the place of one that was killed."""
        return bool(self._again) or any(child.given or child.ending for child in self._children)

    def start(self) -> Hello:
        """Start the first process. Raises what it refuses with: `AppImportError`, `ConfigError`."""
        child, hello = self._start()
        self._patience = hello.config["page_timeout"] + SLACK
        self._children.append(child)
        return hello

    def begin(self, folder: str) -> None:
        """Start the others, and tell all where to write."""
        self._folder = folder
        while len(self._children) < self._jobs:
            self._children.append(self._start()[0])
        for child in self._children:
            child.send(("begin", folder))

    def tell(self, message: tuple[Any, ...]) -> None:
        """Tell every process, and those that replace them."""
        self._closed.append(message)
        for child in self._children:
            child.send(message)

    def hand_out(self, jobs: Callable[[int], list[Job]]) -> None:
        """Give each process work, if it has room for it; first what a process that ended has left."""
        for child in self._children:
            if child.alone is not None or child.ending:
                continue
            room = 1 - len(child.given) if child.careful else PORTION if len(child.given) <= PORTION else 0
            if room <= 0:
                continue
            portion = self._again[:room] if child.careful or not self._again else []
            del self._again[: len(portion)]
            if not portion:
                child.careful = child.careful and bool(self._again)
                portion = jobs(1 if child.careful else room)
            if portion:
                child.given.update((job.id, job) for job in portion)
                child.send(("visit", portion))

    def wait(self, timeout: float) -> list[tuple[Child, Any]]:
        """What the processes say, as soon as one does; None stands for one that has ended. timeout: in seconds."""
        by_connection = {child.connection: child for child in self._children}
        messages: list[tuple[Child, Any]] = []
        began = time.monotonic()
        for ready in wait(list(by_connection), timeout):
            child = by_connection.pop(cast("Connection", ready))
            child.silent = 0.0
            try:
                messages.append((child, child.connection.recv()))
            except (EOFError, OSError):
                messages.append((child, None))
        waited = min(time.monotonic() - began, timeout)  # not the time during which we were stopped
        for child in by_connection.values():
            child.silent = child.silent + waited if child.given else 0.0
            if child.gone:
                messages.append((child, None))
            elif child.silent > self._patience and child.given and not child.ending and child.kill():
                child.ending = True
                messages.append((child, Stuck(None, ())))
        return messages

    def replace(self, child: Child, left: Iterable[Job]) -> Child:
        """Start a process in the place of one that ended; it goes on carefully with what was left."""
        self.replaced += 1
        if self.replaced > MAX_REPLACED:
            raise OnDemandError(f"{MAX_REPLACED} processes of the build ended one after the other. It gives up.")
        for job in left:
            job.again = True
            self._again.append(job)
        child.connection.close()
        fresh, _ = self._start()
        fresh.careful = True
        fresh.send(("begin", self._folder))
        for message in self._closed:
            fresh.send(message)
        self._children[self._children.index(child)] = fresh
        return fresh

    def _start(self) -> tuple[Child, Hello]:
        child = self._start_process() if isinstance(self._order.target, str) else self._start_thread()
        try:
            answer: Any = child.connection.recv()
        except (EOFError, OSError):
            raise AppImportError(f"The app ended the process while it started (exit code {child.code}).") from None
        if isinstance(answer, Refused):
            child.end()
            raise answer.error
        assert isinstance(answer, Hello)
        return child, answer

    def _start_process(self) -> Child:
        key = secrets.token_bytes(16)
        environment = {
            **os.environ,
            "PYTHONHASHSEED": str(self._order.seed),
            BUILDING: "1",
            "ONDEMAND_WORKER_KEY": key.hex(),
        }
        with Listener(None, authkey=key) as listener:
            command = [sys.executable, "-m", "ondemand.prerendering.process", str(listener.address)]
            process = subprocess.Popen(  # noqa: S603 - our own module, run by this very Python
                command, env=environment, stdin=subprocess.DEVNULL, stdout=_stderr()
            )
            connection = _accept(listener, process)
        child = Child(connection, process)
        child.send(self._order)
        return child

    def _start_thread(self) -> Child:
        from ondemand.prerendering.process import run

        os.environ[BUILDING] = "1"
        ours, theirs = Pipe()
        thread = threading.Thread(
            target=_run_and_close, args=(run, theirs, self._order), name="ondemand build", daemon=True
        )
        thread.start()
        return _ThreadChild(ours, thread)


class _ThreadChild(Child):
    def __init__(self, connection: Connection, thread: threading.Thread) -> None:
        super().__init__(connection, None)
        self._thread = thread

    def end(self) -> None:
        self.send(("stop",))
        drain = _drain(self.connection)
        self._thread.join(timeout=10)
        drain.join(1)
        if not drain.is_alive():  # else it would read from whatever gets the number of this connection next
            self.connection.close()


def _stderr() -> int:
    """Where processes write to. Whatever stands in for `sys.stderr` (a notebook's, a test runner's) may be no file."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # io.UnsupportedOperation is both of the latter
        return 2


def _drain(connection: Connection) -> threading.Thread:
    """Read what nobody wants any more: whoever waits to say it cannot stop."""

    def read() -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                connection.recv_bytes()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def _run_and_close(run: Callable[[Any, Order], None], connection: Any, order: Order) -> None:
    try:
        run(connection, order)
    finally:
        connection.close()


def _accept(listener: Listener, process: subprocess.Popen[bytes]) -> Connection:
    """The process's connection. Raises `OnDemandError` if it ends before it connects."""
    accepted: list[Any] = []

    def accept() -> None:
        while not accepted:
            try:
                accepted.append(listener.accept())
            except (EOFError, OSError, AuthenticationError):  # it ended while it said who it is, or was somebody else
                if process.poll() is not None:
                    return

    waiter = threading.Thread(target=accept, daemon=True)
    waiter.start()
    while not accepted:
        waiter.join(0.1)
        if process.poll() is not None and not accepted:
            raise OnDemandError(f"The process of the build ended before it began (exit code {process.returncode}).")
    return cast("Connection", accepted[0])
