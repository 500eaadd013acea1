"""Do snapshots agree with what the app answers live? Each path is asked for as a visitor would ask, and compared.

The answers are compared where OnDemand's layer is, as the build recorded them: what outer middleware adds, it adds to both. What
stands in front of a snapshot as it stands in front of the app (guards, the host check, redirects to the other slash) is left out.
Runs where the app is: in a thread of this process for an app object, in a process of its own for "module:attribute".
"""

from __future__ import annotations

import asyncio
import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, cast

from ondemand._asgi import ASGIApp, Lifespan, Receive, Scope, Send
from ondemand.capture import PLAIN, Capture, Change, Visitor
from ondemand.discovery import find_wrapper
from ondemand.errors import LifespanError, OnDemandError, OnDemandWarning
from ondemand.frames import describe
from ondemand.middleware import REGISTER, OnDemand
from ondemand.prerendering.differences import UNKNOWN, Span, first_difference, looks_like
from ondemand.prerendering.report import seconds
from ondemand.prerendering.target import import_app
from ondemand.prerendering.written import kept_headers
from ondemand.recording import BUILDING, Recording
from ondemand.site import Site
from ondemand.snapshots.manifest import Snapshot

__all__ = ["Mismatch", "Stored", "mismatches"]

LIVE = "ondemand.live"
"""The key in the scope under which a live request carries the `Recording` of what passes OnDemand's layer."""

Stored = tuple[Snapshot, bytes]
"""A snapshot and its body."""


class Mismatch(NamedTuple):
    """A snapshot that is not what the app answers live. lines: what differs, one thing a line, then what it looks like."""

    path: str
    lines: tuple[str, ...]


def mismatches(target: Any, stored: Sequence[Stored], *, ignore_headers: Collection[str] = ()) -> list[Mismatch]:
    """The snapshots of `stored` that differ from what `target`, an app object or "module:attribute", answers live.

    ignore_headers: names in lower case. Raises `OnDemandError` if the app cannot be started outside a build.
    """
    ignored = frozenset(ignore_headers)
    if isinstance(target, str):
        return _in_process(target, stored, ignored)
    with ThreadPoolExecutor(1, "ondemand live") as thread:  # the caller's own loop may be running
        return thread.submit(lambda: asyncio.run(_compare(target, stored, ignored))).result()


# --- a process of its own


def _in_process(target: str, stored: Sequence[Stored], ignored: frozenset[str]) -> list[Mismatch]:
    environment = {name: value for name, value in os.environ.items() if name != BUILDING}
    environment["ONDEMAND_SNAPSHOTS"] = "0"
    environment["PYTHONHASHSEED"] = "1"  # not the build's: a page that shows a set is told of every time
    with tempfile.TemporaryDirectory(prefix="ondemand-") as folder:
        question, answer = Path(folder) / "question", Path(folder) / "answer"
        question.write_bytes(pickle.dumps((target, list(stored), ignored)))
        done = subprocess.run(  # noqa: S603 - our own module, run by this very Python
            [sys.executable, "-c", f"from {__name__} import main; main()", str(question), str(answer)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if not answer.exists():
            said = done.stdout.decode("utf-8", "replace").strip()[-2000:]
            raise OnDemandError(f"{target} ended the process that asked it (exit code {done.returncode}).\n{said}")
        found = pickle.loads(answer.read_bytes())  # noqa: S301 - written by our own process, into a folder of ours
    if isinstance(found, OnDemandError):
        raise found
    return cast("list[Mismatch]", found)


def main() -> None:
    """The process: reads what is asked from its first argument, a file, and writes what it found to its second."""
    question, answer = (Path(name) for name in sys.argv[1:])
    target, stored, ignored = pickle.loads(question.read_bytes())  # noqa: S301 - written by our own process
    found: list[Mismatch] | OnDemandError
    try:
        found = asyncio.run(_compare(import_app(target), stored, ignored))
    except OnDemandError as error:
        found = OnDemandError(str(error))
    answer.write_bytes(pickle.dumps(found))
    os._exit(0)  # the app may have left threads that an orderly end would wait for


# --- asking


class _LiveVisitor(Visitor):
    """Asks as a visitor would: nothing of the request says that somebody compares."""

    def scope(self, path: str, recording: Recording | None = None, change: Change = PLAIN) -> Scope:
        return {**super().scope(path, None, change), LIVE: recording}


async def _compare(app: ASGIApp, stored: Sequence[Stored], ignored: frozenset[str]) -> list[Mismatch]:
    if find_wrapper(app, OnDemand) is None:
        app = OnDemand(app)
    wrappers: list[OnDemand] = []
    lifespan = Lifespan(app, extra={REGISTER: wrappers})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OnDemandWarning)  # they are findings of the build
            site = await _start(app, lifespan, wrappers)
        visitor = _LiveVisitor(
            app,
            origin=site.config.origin,
            prefix=site.prefix,
            state=lifespan.state if lifespan.supported else None,
            timeout=site.config.page_timeout,
            bare=site.config.trailing_slash == "never",
        )
        found: list[Mismatch] = []
        waiting = iter(stored)

        async def ask() -> None:
            for snapshot, body in waiting:
                if lines := await _ask(visitor, snapshot, body, ignored, site):
                    found.append(Mismatch(snapshot.path, tuple(lines)))

        await asyncio.gather(*(ask() for _ in range(site.config.concurrency)))
    finally:
        for wrapper in wrappers:
            wrapper.forget()
        try:
            await lifespan.stop()
        except LifespanError as error:
            print(f"ondemand: the app failed to shut down: {error}", file=sys.stderr)
    return sorted(found)


async def _start(app: ASGIApp, lifespan: Lifespan, wrappers: list[OnDemand]) -> Site:
    """Start the app; its site, which answers without snapshots and with nothing in front of them."""
    try:
        await lifespan.start()
    except LifespanError as error:
        why = describe(error.__cause__) if error.__cause__ is not None else str(error)
        raise OnDemandError(f"The app cannot be started outside a build: {why}") from error
    wrapper = wrappers[-1] if wrappers else find_wrapper(app, OnDemand)
    assert isinstance(wrapper, OnDemand)  # else it could not have been built
    nearest = wrapper.site({"app": app} if not isinstance(app, OnDemand) else None)
    wrappers[:] = [*wrappers[:-1], wrapper]
    for site in (one.site() for one in wrappers):
        site.published = None
        site.checks_host = site.redirects_slashes = False
        site.guards = lambda path, route=None: ()
        site.make_page = _make_page
    return nearest


def _make_page(site: Any, scope: Scope, receive: Receive, send: Send, path: str, root_path: str) -> Any:
    from ondemand.exchange import Exchange

    recording = scope.get(LIVE)
    if isinstance(recording, Recording) and not recording.begun:
        scope, send = recording.begin(scope, send, in_tasks=False)
    return Exchange(site, scope, receive, send, path, root_path)


async def _ask(visitor: Visitor, snapshot: Snapshot, body: bytes, ignored: frozenset[str], site: Site) -> list[str]:
    """What differs, in lines; [] if nothing does."""
    live = await visitor.capture(snapshot.path)
    if live.timed_out:
        return [f"live, it did not finish in {seconds(site.config.page_timeout)}", *live.frames]
    if live.error:
        return [f"live, it raised {live.error}", *live.frames]
    if not live.status:
        return [f"live, something in front of OnDemand answered {live.outer_status}"]
    differences = list(_differences(snapshot, body, live, ignored))
    if not differences:
        return []
    again = await visitor.capture(snapshot.path)
    restless = (again.status, again.headers, again.body) != (live.status, live.headers, live.body)
    looks = _looks(differences, restless=restless)
    return [*(one.line for one in differences), *([looks] if looks else [])]


# --- comparing


class _Difference(NamedTuple):
    """One thing that differs. span: where it does first, None if that cannot be told."""

    line: str
    span: Span | None = None


def _differences(snapshot: Snapshot, body: bytes, live: Capture, ignored: frozenset[str]) -> Iterator[_Difference]:
    """A redirect is stored as a page for hosts that know only files: its body and type are not the app's. A file of the
    public folder has the headers of whoever serves it."""
    if snapshot.status != live.status:
        yield _Difference(f"status: {snapshot.status} in the snapshot, {live.status} live")
    redirects = 300 <= snapshot.status < 400
    public = snapshot.kind == "asset" and snapshot.route is None
    stored, answered = _fields(snapshot.headers), _fields(kept_headers(live))
    answered |= _fields(
        [("set-cookie", value.decode("latin-1")) for name, value in live.headers if name == b"set-cookie"]
    )
    for name in dict.fromkeys([*stored, *answered]):
        known = name in ignored or (redirects and name == "content-type") or (public and name != "content-type")
        one, two = stored.get(name, ""), answered.get(name, "")
        if not known and one != two:
            said = f"{_shown(one) if name in stored else 'none'} in the snapshot"
            said += f", {_shown(two) if name in answered else 'none'} live"
            yield _Difference(f"{name}: {said}", first_difference(one.encode(), two.encode()))
    if body != live.body and not redirects:
        yield _body_difference(body, live.body)


def _fields(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in headers:
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields


def _shown(text: str) -> str:
    return repr(text if len(text) <= 100 else text[:100] + "...")


def _body_difference(stored: bytes, live: bytes) -> _Difference:
    try:
        stored.decode()
        live.decode()
    except UnicodeDecodeError:
        return _Difference(f"body: {len(stored):,} bytes in the snapshot, {len(live):,} live, and not the same")
    span = first_difference(stored, live)
    return _Difference(f"body: {span} (snapshot | live)", span)


def _looks(differences: Sequence[_Difference], *, restless: bool) -> str:
    """What the first places that differ look like, "" if like nothing. restless: two live answers differ as well."""
    for span in filter(None, (one.span for one in differences)):
        if (what := looks_like(span)) != UNKNOWN:
            return f"It looks like {what}."
    return "It is another each time that it is asked: counted, or random." if restless else ""
