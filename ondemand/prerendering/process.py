"""A process of a build: the app, imported and started once, and the talk with the parent.

Messages to it: ("begin", folder), ("visit", jobs), ("expand", route), ("mount", route), ("public",), ("close", route),
("expect", path), ("why", asked, now), ("stop",). From it: `Hello` or `Refused` first; then lists of `Visited` or `Proved`,
`Expanded`, `Expected`, `Why`, `Stuck`, `Refused`.
When the parent is gone, it ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any, cast

from ondemand._asgi import ASGIApp, Lifespan
from ondemand.discovery import find_wrapper
from ondemand.errors import AppImportError, ConfigError, LifespanError, OnDemandError, StoreError
from ondemand.explaining import Asked, Why, explain
from ondemand.frames import describe, frames_of_thread
from ondemand.middleware import REGISTER, OnDemand
from ondemand.prerendering.expected import Expected, expect
from ondemand.prerendering.messages import Job, Order, Proved, Refused, Stuck, Visited
from ondemand.prerendering.report import Finding, seconds
from ondemand.prerendering.target import import_app
from ondemand.prerendering.worker import Worker
from ondemand.recording import BUILDING

__all__ = ["run"]

PORTION = 64
"""Results that are sent at once."""


def run(connection: Connection, order: Order) -> None:
    """Answer the parent's messages until it says stop or goes away. In a process of its own, or in a thread for an app
    that is given as an object."""
    wrapped = True
    try:
        app = import_app(order.target) if isinstance(order.target, str) else order.target
        if find_wrapper(app, OnDemand) is None:
            app, wrapped = OnDemand(app), False
    except OnDemandError as error:
        _send(connection, Refused(_portable(error)))
        return
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_serve(connection, app, order, wrapped=wrapped))
    finally:
        pending = [task for task in asyncio.all_tasks(loop) if not task.done()]
        for task in pending:
            task.cancel()
        if pending:
            loop.run_until_complete(asyncio.wait(pending, timeout=1.0))
        loop.close()


def _portable(error: OnDemandError) -> OnDemandError:
    """The error as one that can cross to the parent: its message, and the class that gives the exit code."""
    for kind in (AppImportError, ConfigError, StoreError):
        if isinstance(error, kind):
            return kind(str(error))
    return OnDemandError(str(error))


def _send(connection: Connection, message: Any) -> None:
    try:
        connection.send(message)
    except OSError:  # the parent is gone, and with it whoever could want to know
        os._exit(1) if threading.current_thread() is threading.main_thread() else None


async def _serve(connection: Connection, app: ASGIApp, order: Order, *, wrapped: bool) -> None:
    wrappers: list[OnDemand] = []
    lifespan = Lifespan(app, extra={REGISTER: wrappers})
    try:
        await lifespan.start()
        wrapper = _wrapper(app, wrappers)
        site = wrapper.site({"app": app} if not isinstance(app, OnDemand) else None)
    except LifespanError as error:
        cause = error.__cause__
        if isinstance(cause, OnDemandError):
            _send(connection, Refused(_portable(cause)))
        else:
            lines = str(error).strip().splitlines()
            text = describe(cause) if cause is not None else (lines[-1] if lines else "it did not say why")
            _send(connection, Refused(AppImportError(f"The app could not start: {text}")))
        return
    except ConfigError as error:
        _send(connection, Refused(_portable(error)))
        return
    state = lifespan.state if lifespan.supported else None

    def make(folder: Path | None) -> Worker:
        return Worker(app, site, state, folder, order, wrapped=wrapped)

    def why(asked: Asked, now: float) -> Awaitable[Why]:
        return asyncio.wait_for(
            explain(site, asked, now=now, state=state, wrapped=wrapped), timeout=site.config.page_timeout
        )

    session = _Session(connection, make, lambda unknown: expect(app, site, state, unknown), why)
    await session.serve()
    wrapper.forget()
    try:
        await lifespan.stop()
    except LifespanError as error:
        lines = str(error).strip().splitlines() or ["it did not say why"]
        print(f"ondemand: the app failed to shut down: {lines[-1]}", file=sys.stderr)


def _wrapper(app: ASGIApp, registered: Sequence[OnDemand]) -> OnDemand:
    """The wrapper nearest to the app: the last that the lifespan passed, or the one that can be seen from outside."""
    wrapper = registered[-1] if registered else find_wrapper(app, OnDemand)
    if isinstance(wrapper, OnDemand):
        return wrapper
    raise ConfigError(
        "OnDemand was not reached when the app started. Add it with app.add_middleware(OnDemand), or wrap the app."
    )


class Silence:
    """How long a loop has not beaten. Counted in the watcher's own steps, not measured by a clock: time during which the
    whole process was stopped (Ctrl+Z) is no page's."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._silent = 0.0
        self._heard = -1

    def lasts(self, step: float, beat: int, *, waits: bool) -> bool:
        """One step later: True if it is silent for longer than the limit. waits: for the parent, which is no page's fault."""
        self._silent = self._silent + step if beat == self._heard and not waits else 0.0
        self._heard = beat
        return self._silent > self._limit


class _Session:
    """The talk with the parent."""

    def __init__(
        self,
        connection: Connection,
        make: Callable[[Path | None], Worker],
        expect: Callable[[str], Awaitable[Expected]],
        why: Callable[[Asked, float], Awaitable[Why]],
    ) -> None:
        self._connection = connection
        self._make = make
        self._expect = expect
        self._why = why
        self._worker = make(None)
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._busy: dict[str, Job] = {}
        self._results: list[Visited | Proved] = []
        self._saying = threading.Lock()
        self._beat = 0
        self._tasks: list[asyncio.Task[None]] = []

    def say(self, message: Any) -> None:
        with self._saying:
            _send(self._connection, message)
            self._beat += 1  # who waited for the parent was not stuck

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="ondemand inbox", daemon=True).start()
        self.say(self._worker.hello())
        self._keep(self._beats())
        try:
            while (message := await self._inbox.get()) != ("stop",):
                await self._obey(message, loop)
        finally:
            for task in self._tasks:
                task.remove_done_callback(self._ended)
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Whatever cancelled a task of ours, its result would be waited for in vain: end, and be replaced."""
        if task.cancelled() or task.exception() is not None:
            self._inbox.put_nowait(("broken",))

    async def _obey(self, message: tuple[Any, ...], loop: asyncio.AbstractEventLoop) -> None:
        match message:
            case ("begin", folder):
                self._worker = self._make(Path(folder))
                count = self._worker.config.concurrency
                for _ in range(count):
                    self._keep(self._visits())
                if threading.current_thread() is threading.main_thread():
                    self._start_watch(loop)
            case ("visit", jobs):
                for job in jobs:
                    self._jobs.put_nowait(job)
            case ("expand", position):
                self._keep(self._expand(position))
            case ("mount", position):
                for portion in self._worker.mount(position):
                    self.say(portion)
            case ("public",):
                for portion in self._worker.public():
                    self.say(portion)
            case ("close", route):
                self._worker.closed.add(route)
            case ("expect", unknown):
                try:
                    self.say(await self._expect(unknown))
                except StoreError as error:
                    self.say(Refused(_portable(error)))
            case ("why", asked, now):
                try:
                    self.say(await self._why(asked, now))
                except TimeoutError:
                    limit = seconds(self._worker.config.page_timeout)
                    self.say(Refused(OnDemandError(f"The `paths` behind {asked.text} did not end in {limit}.")))
            case ("broken",):
                raise OnDemandError("The app cancelled a task of the build.")
            case _:
                raise AssertionError(message)

    async def _expand(self, position: int) -> None:
        async for portion in self._worker.expand(position):
            self.say(portion)

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        message: Any = None
        while message != ("stop",):
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                message = ("stop",)
            try:
                loop.call_soon_threadsafe(self._inbox.put_nowait, message)
            except RuntimeError:  # the loop has ended
                return

    async def _visits(self) -> None:
        while True:
            job = await self._jobs.get()
            self._busy[job.path] = job
            try:
                # in two steps: `_flush` puts a new list in the place of this one during the await
                done = await (self._worker.prove(job) if job.line else self._worker.visit(job))
                self._results.append(done)
            except OSError as error:
                self.say(Refused(StoreError(f"The build cannot be written: {error}. The site that is live stays.")))
            except Exception as error:
                # A fault of ours or of a store under our feet: the page is reported, the rest goes on, the build fails.
                finding = Finding(
                    "error", f"ondemand failed on it: {describe(error)}.", "Please report this.", job.path
                )
                finding.frames = traceback.format_exc().splitlines()[-6:]
                if job.line:
                    self._results.append(Proved(job.id, job.path, None, findings=[finding]))
                else:
                    self._results.append(Visited(job.id, "fault", finding.message, findings=[finding]))
            finally:
                self._busy.pop(job.path, None)
            if len(self._results) >= PORTION or (self._jobs.empty() and not self._busy):
                self._flush()

    def _flush(self) -> None:
        if self._results:
            results, self._results = self._results, []
            self.say(results)

    async def _beats(self) -> None:
        while True:
            self._beat += 1
            self._flush()
            await asyncio.sleep(0.05)

    # --- a page that blocks the event loop can be stopped by nothing inside it: a thread tells, and ends the process

    def _start_watch(self, loop: asyncio.AbstractEventLoop) -> None:
        main = threading.get_ident()
        limit = self._worker.config.page_timeout + 1

        def watch() -> None:
            step, silence = min(limit / 4, 1.0), Silence(limit)
            while not loop.is_closed():
                time.sleep(step)
                if silence.lasts(step, self._beat, waits=self._saying.locked()):
                    self._end_stuck(loop, main)

        threading.Thread(target=watch, name="ondemand watch", daemon=True).start()

    def _end_stuck(self, loop: asyncio.AbstractEventLoop, main: int) -> None:
        task = asyncio.current_task(loop)
        job = self._busy.get(task.get_name()) if task is not None else None
        self.say(Stuck(job.id if job is not None else None, frames_of_thread(main)))
        os._exit(70)


def main(arguments: Sequence[str]) -> None:
    """`python -m ondemand.prerendering.process ADDRESS`. The key comes in the environment, the order as first message."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's: it ends us by the connection
    key = bytes.fromhex(os.environ.pop("ONDEMAND_WORKER_KEY"))
    os.environ[BUILDING] = "1"
    with Client(arguments[0], authkey=key) as connection:
        if hasattr(os, "register_at_fork"):
            # a process that the app forks must not keep the line open when this one has ended, nor speak on it
            os.register_at_fork(after_in_child=connection.close)
        order = cast("Order", connection.recv())
        run(connection, order)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # pages that nothing stops may be left, in tasks and threads that an orderly end would wait for


if __name__ == "__main__":
    main(sys.argv[1:])
