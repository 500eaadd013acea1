"""Ask the app for one path and keep the whole answer.

The outermost app is driven over plain ASGI, as a visitor without cookies, credentials or query would; what passes OnDemand on
the way is recorded there (`recording.py`).
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ondemand._asgi import ASGIApp, Headers, Message, Scope
from ondemand.frames import describe, stuck_frames, user_frames
from ondemand.marks import READS
from ondemand.recording import CAPTURE, CREDENTIALS, Recording
from ondemand.routing import to_url
from ondemand.watching import WatchedName, WatchedValue

__all__ = ["CLIENT", "PLAIN", "Capture", "Change", "Visitor"]

CLIENT = "192.0.2.1"
"""The address of whoever asks for a build. RFC 5737: nobody's, and above all not this machine's."""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is different about a request: a visitor of a kind.

    name: what it is, in words: "a cookie". headers: added, names in lower case. host, scheme, client: instead of the plain ones.
    query: percent-encoded. identity: somebody whom the user named; page objects see their headers. silent: names of headers that
    do not tell when they are read.
    """

    name: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    host: bytes = b""
    scheme: str = ""
    client: str = ""
    query: bytes = b""
    identity: bool = False
    silent: frozenset[str] = frozenset()


PLAIN = Change("nothing")


@dataclass(slots=True)
class Capture:
    """The answer to one path.

    status, headers, body: as they passed OnDemand's layer; status 0 if the request never got there.
    outer_status, outer_headers: as they left the outermost app. error: what the app raised, as "Type: message".
    frames: the user's own frames, "file:line in function: code", of that exception or of where a page hangs.
    timed_out: it did not finish in time. seconds: how long it took.
    reads: what only a visitor has and page code read -> the frame that did. looked_up: the names of headers among these. writes:
    cookies that it set -> the frame.
    """

    path: str
    status: int = 0
    headers: Headers = field(default_factory=list[tuple[bytes, bytes]])
    body: bytes = b""
    outer_status: int = 0
    outer_headers: Headers = field(default_factory=list[tuple[bytes, bytes]])
    error: str = ""
    frames: tuple[str, ...] = ()
    timed_out: bool = False
    reads: Mapping[str, str] = field(default_factory=dict[str, str])
    writes: Mapping[str, str] = field(default_factory=dict[str, str])
    looked_up: Collection[str] = ()
    seconds: float = 0.0

    def header(self, name: bytes) -> bytes | None:
        """The value of `name` (lower case), repeated fields joined with commas, or None."""
        values = [value for key, value in self.headers if key == name]
        return b", ".join(values) if values else None


_HEADERS: Headers = [(b"accept", b"*/*"), (b"accept-encoding", b"identity")]

_TRIED = frozenset(["accept", "hx-request", "origin", "x-requested-with"])
"""Headers of which the values that a build tries are all that pages tell apart: who reads one is not noted."""


def _watched(name: bytes, value: bytes, recording: Recording, silent: Collection[str]) -> tuple[bytes, bytes]:
    key = name.decode("ascii")
    if key in _TRIED or key in silent:
        return name, value
    tell = partial(recording.sees, key)
    return WatchedName.of(name, tell), WatchedValue.of(value, tell)


class Visitor:
    """Makes the requests of a build: one origin, one copy of the lifespan's state for each."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        origin: str,
        prefix: str,
        state: Mapping[str, Any] | None,
        timeout: float,
        bare: bool = False,
    ) -> None:
        """origin: "https://example.com". prefix: what `base` puts in front of each path. timeout: seconds a page. bare: the
        first page is at `prefix`, without a slash."""
        self._app = app
        parts = urlsplit(origin)
        self._host = parts.netloc.encode("idna" if not parts.netloc.isascii() else "ascii")
        self._scheme = parts.scheme
        self._server = (parts.hostname or "localhost", parts.port or (443 if parts.scheme == "https" else 80))
        self._prefix = prefix
        self._bare = bare and bool(prefix)
        self._state = state
        self._timeout = timeout
        self._clients = 0
        self._context = contextvars.copy_context()
        self.abandoned: set[asyncio.Task[None]] = set()

    def scope(self, path: str, recording: Recording | None = None, change: Change = PLAIN) -> Scope:
        """The request: GET, no query, no cookies, no credentials, no encodings; nothing of it comes from any visitor's.

        recording: what passes OnDemand is noted there; without one, nothing of the request says that a build asks.
        """
        replaced = {name for name, _ in change.headers}
        added = (
            change.headers
            if recording is None
            else [_watched(*pair, recording, change.silent) for pair in change.headers]
        )
        headers: Headers = [
            (b"host", change.host or self._host),
            *(pair for pair in _HEADERS if pair[0] not in replaced),
            *added,
        ]
        full = self._prefix if self._bare and path == "/" else self._prefix + path
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": change.scheme or self._scheme,
            "path": full,
            "raw_path": to_url(full).encode("ascii"),
            "query_string": change.query,
            "root_path": "",
            "headers": headers,
            "client": (change.client or CLIENT, 0),
            "server": self._server,
            "extensions": {},
        }
        if recording is not None:
            scope[CAPTURE] = recording
        if self._state is not None:
            scope["state"] = dict(self._state) if recording is None else recording.watch_state(self._state)
        return scope

    async def capture(self, path: str, change: Change = PLAIN) -> Capture:
        """Ask for `path` (decoded, without `base`) and keep the whole answer. Never raises for what the app does.

        A limit of requests (429, RFC 6585 section 4) that counts them by client is asked again as a client that it has not met.
        """
        answer = await self._capture(path, change)
        if change.headers and _fails(answer):
            answer = await self._with_plain_bytes(path, change) or answer
        if 429 in (answer.status, answer.outer_status) and not change.client and not answer.error:
            self._clients += 1
            low = self._clients % 0x20000
            unknown = f"198.{18 + (low >> 16)}.{low >> 8 & 255}.{low & 255}"  # RFC 2544: nobody's
            answer = await self._capture(path, replace(change, client=unknown))
        return answer

    async def _with_plain_bytes(self, path: str, change: Change) -> Capture | None:
        """The answer where compiled code (Cython, as BlackSheep's) takes a header for nothing but `bytes` itself, and so
        fails on one that is watched, which says as well that it was read; None if it fails whatever the headers are."""
        names = {name.decode("ascii") for name, _ in change.headers} - _TRIED
        for plain in dict.fromkeys([frozenset({"cookie"} & names), frozenset(names)]):
            if plain and not _fails(answer := await self._capture(path, replace(change, silent=plain))):
                answer.reads = {**{CREDENTIALS.get(name, READS["headers"]): "" for name in plain}, **answer.reads}
                answer.looked_up = {*plain, *answer.looked_up}
                return answer
        return None

    async def _capture(self, path: str, change: Change) -> Capture:
        shown = list(change.headers) if change.identity else None
        recording, done = Recording(watches=bool(change.headers), shown=shown), asyncio.Event()
        result = Capture(path)
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await done.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                result.outer_status = message["status"]
                result.outer_headers = [
                    (bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ())
                ]
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                done.set()

        started = time.perf_counter()
        page = _run(self._app(self.scope(path, recording, change), receive, send), result)
        task = asyncio.get_running_loop().create_task(page, name=path, context=self._context.copy())
        await asyncio.wait({task}, timeout=self._timeout)
        if not task.done():
            result.timed_out = True
            result.frames = stuck_frames(task.get_coro())
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
            if not task.done():  # it swallows cancellation: nothing but the end of the process stops it
                self.abandoned.add(task)
        result.seconds = time.perf_counter() - started
        result.status, result.headers = recording.status, recording.headers
        result.body = b"".join(recording.body)
        result.reads, result.writes, result.looked_up = recording.reads, recording.writes, recording.looked_up
        if not result.error and not result.timed_out:
            self._check_end(recording, result)
        return result

    def _check_end(self, recording: Recording, result: Capture) -> None:
        if recording.error is not None:  # an outer layer made a page of it
            result.error, result.frames = describe(recording.error), user_frames(recording.error)
        elif recording.status and not recording.complete:
            result.error = "the app stopped before the response was complete"
        elif not result.outer_status:
            result.error = "the app returned without an answer"


def _fails(answer: Capture) -> bool:
    return bool(answer.error) or answer.status == 500


async def _run(awaitable: Awaitable[None], result: Capture) -> None:
    """Keep whatever a page raises, also what would end the process or cancel whoever waits for it."""
    try:
        await awaitable
    except BaseException as error:
        if not result.timed_out:
            result.error, result.frames = describe(error), user_frames(error)
