"""Answers requests from snapshots: the hot path.

A request chooses, it does not compute: headers and bodies of each form are made once, when a snapshot is first asked for.
Every message given to `send` is a new dict with a new header list, because outer middleware edits them; only bytes
and tuples are shared. Conditional requests, ranges and content negotiation are our own few lines (RFC 9110), with
werkzeug as the oracle in the tests.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from ondemand._asgi import Scope, Send
from ondemand.errors import StoreError
from ondemand.routing import Guard
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.store import Digest, Generation

__all__ = ["Answer", "SnapshotServer", "Terms", "request_headers"]

log = logging.getLogger("ondemand.server")

HeaderList = tuple[tuple[bytes, bytes], ...]

_CONDITIONS = frozenset({b"if-match", b"if-unmodified-since", b"if-none-match", b"if-modified-since", b"range"})
_PARTIAL = frozenset({b"hx-request", b"x-requested-with", b"turbo-frame", b"x-pjax", b"x-inertia", b"x-up-version"})
"""Headers by which scripts ask for a part of a page: the app answers."""

_AMBIGUOUS = re.compile(rb"%(?:2f|5c)", re.IGNORECASE)

_TRACKING = re.compile(
    rb"(?:utm_[a-z_]+|fbclid|gclid|gclsrc|gbraid|wbraid|dclid|msclkid|mc_cid|mc_eid|igshid|yclid|ttclid|twclid"
    rb"|li_fat_id|srsltid|_ga|_gl|_hsenc|_hsmi)(?:=[^&]*+)?(?:&|\Z)"
)

_IMMUTABLE = (
    r"(?a:(?<!-[0-9a-f]{4})[._-](?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8,64}\.[a-z0-9.]+\Z)"  # a digest, but no UUID
    r"|(?a:-(?=[\w-]*[0-9])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[A-Za-z0-9_-]{8}\.(?:m?js|css|woff2?|map)\Z)"  # Vite's, Rollup's
)

_LONGEST_ACCEPT = 256
"""Bytes of an Accept-Encoding whose answer is kept: visitors choose it."""

_LARGE = 1024 * 1024
"""Bytes above which a body is sent from its file, piece by piece, and never kept."""
_PIECE = 256 * 1024

_SHORT = b"public, max-age=0, must-revalidate"
_LONG = b"public, max-age=31536000, immutable"
_PRIVATE = b"private, no-store"


def only_tracks(query: bytes) -> bool:
    """True if every name in the raw query only tracks visitors, so that no page can depend on it."""
    position, end = 0, len(query)
    if end > 2048:
        return False
    while position < end:
        found = _TRACKING.match(query, position)
        if found is None:
            return False
        position = found.end()
    return True


def is_immutable(path: str) -> bool:
    """True if the last segment of `path` carries a digest of its content, so that it can never change."""
    return re.search(_IMMUTABLE, path) is not None


class Terms(NamedTuple):
    """What the running code says about one path: never taken from the build.

    guards: each with the params of its rule. ignores_query: whatever the query says, the snapshot answers.
    vary: names of request headers, in lower case, whose presence sends the request to the app.
    """

    guards: tuple[tuple[Guard, Mapping[str, str]], ...] = ()
    ignores_query: bool = False
    vary: frozenset[bytes] = frozenset()


class Answer:
    """One snapshot, ready to be sent: from its first request until its memory is needed."""

    __slots__ = (
        "_bodies",
        "_choices",
        "_forms",
        "_kept",
        "_proven",
        "generation",
        "guards",
        "ignores_query",
        "is_asset",
        "quick",
        "snapshot",
        "status",
        "used",
        "vary",
        "watched",
    )

    def __init__(self, generation: Generation, snapshot: Snapshot, terms: Terms) -> None:
        self.generation = generation
        self.snapshot = snapshot
        self.status = snapshot.status
        self.guards = terms.guards
        self.ignores_query = terms.ignores_query
        named = next((value for name, value in snapshot.headers if name == "vary"), "")
        self.vary = terms.vary | {name.strip().lower().encode("latin-1") for name in named.split(",") if name.strip()}
        self.is_asset = snapshot.kind == "asset"
        self._forms = {name: self._headers(name) for name in snapshot.encodings}
        self._bodies: dict[str, bytes] = {}
        self._choices: dict[bytes | None, str] = {}
        self._kept = 0
        self._proven: dict[str, tuple[int, int]] = {}  # encoding -> the large file whose digest was found to be right
        self.used = True
        self.watched = _CONDITIONS | self.vary | (frozenset[bytes]() if self.is_asset else _PARTIAL)
        self.quick: dict[bytes | None, tuple[int, HeaderList, bytes]] = {}  # Accept-Encoding -> what a plain GET gets

    def fits(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        """True if this snapshot may answer the request: it asks for the page that was captured, and nothing else."""
        if (query := scope["query_string"]) and not (self.ignores_query or only_tracks(query)):
            return False
        if self.vary and not self.vary.isdisjoint(headers):
            return False
        if not (self.is_asset or _PARTIAL.isdisjoint(headers)):
            return False
        raw = scope.get("raw_path")
        return raw is None or b"%" not in raw or _AMBIGUOUS.search(raw) is None

    @property
    def weight(self) -> int:
        """About how many bytes of memory it holds."""
        return 2000 + self._kept

    def _headers(self, encoding: str) -> HeaderList:
        """The headers of a 200 (or whatever the status is) in this encoding.

        Cache-Status (RFC 9211) is a list to which each cache on the way to the visitor adds its member: behind what the app
        itself may have said stands ours, whose `detail` is the generation.
        """
        snapshot, form = self.snapshot, self.snapshot.encodings[encoding]
        made = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in snapshot.headers if name != "vary"]
        names = {name for name, _ in made}
        vary = [name.decode("latin-1") for name in sorted(self.vary)]
        if len(snapshot.encodings) > 1:
            vary.append("accept-encoding")
        if vary:
            made.append((b"vary", ", ".join(vary).encode("latin-1")))
        if self.guards:
            made = [(name, value) for name, value in made if name not in {b"cache-control", b"expires"}]
            made.append((b"cache-control", _PRIVATE))
        elif b"cache-control" not in names:
            long = self.is_asset and snapshot.status == 200 and is_immutable(snapshot.path)
            made.append((b"cache-control", _LONG if long else _SHORT))
        if snapshot.status == 200:
            made.append((b"etag", form.etag.encode("latin-1")))
            made.append((b"last-modified", http_date(snapshot.time)))
            if not encoding:
                made.append((b"accept-ranges", b"bytes"))
        if encoding:
            made.append((b"content-encoding", encoding.encode()))
        made.append((b"cache-status", b'ondemand; hit; detail="%s"' % self.generation.name.encode()))
        if snapshot.status != 204:  # RFC 9110 section 8.6
            made.append((b"content-length", str(form.size).encode()))
        return tuple(made)

    @property
    def headers(self) -> HeaderList:
        """What a GET gets that accepts no encoding."""
        return self._forms[""]

    def choose(self, accept: bytes | None) -> str:
        """The encoding for this Accept-Encoding: the client's highest q-value, then the smallest."""
        chosen = self._choices.get(accept)
        if chosen is None or (accept is not None and len(accept) > _LONGEST_ACCEPT):
            sizes = {name: form.size for name, form in self.snapshot.encodings.items()}
            chosen = negotiate(accept, sizes)
            if accept is not None and len(accept) > _LONGEST_ACCEPT:
                return chosen
            if len(self._choices) >= 64:  # clients choose these keys: keep them few
                self._choices.clear()
                self.quick.clear()
            self._choices[accept] = chosen
        return chosen

    def body(self, encoding: str) -> bytes | None:
        """The bytes of this form; None if it is large. Raises `StoreError` if the file is not what was published."""
        body = self._bodies.get(encoding)
        if body is None and self.snapshot.encodings[encoding].size <= _LARGE:
            body = self.generation.read(self.snapshot, encoding)
            self._bodies[encoding] = body
            self._kept += len(body)
        return body

    def reply(self, method: str, headers: Mapping[bytes, bytes]) -> Reply:
        """What to answer to this request. Raises `StoreError` if the stored files are not what was published."""
        if self.status == 200 and not _CONDITIONS.isdisjoint(headers):
            return self._conditional(method, headers)
        accept = headers.get(b"accept-encoding")
        reply = self._whole(method, self.choose(accept))
        if method == "GET" and not self.guards and isinstance(reply.body, bytes) and accept in self._choices:
            self.quick[accept] = (reply.status, reply.headers, reply.body)
        return reply

    def _whole(self, method: str, encoding: str) -> Reply:
        if method == "HEAD":
            return Reply(self.status, self._forms[encoding], b"")
        body = self.body(encoding)
        if body is not None:
            return Reply(self.status, self._forms[encoding], body)
        return Reply(self.status, self._forms[encoding], self._file(encoding))

    def _conditional(self, method: str, headers: Mapping[bytes, bytes]) -> Reply:
        """RFC 9110 section 13.2.2: If-Match, else If-Unmodified-Since; If-None-Match, else If-Modified-Since; then Range, if
        If-Range allows it."""
        encoding = self.choose(headers.get(b"accept-encoding"))
        tags = [form.etag.encode("latin-1") for form in self.snapshot.encodings.values()]
        meant, wanted = headers.get(b"if-match"), headers.get(b"if-none-match")
        if meant is not None:
            failed = not matches(meant, tags, weakly=False)
        else:
            until = _seconds(headers.get(b"if-unmodified-since"))
            failed = until is not None and self.snapshot.time > until
        if failed:
            kept = [(name, value) for name, value in self._forms[""] if name != b"content-length"]
            return Reply(412, (*kept, (b"content-length", b"0")), b"")
        if wanted is not None:
            unchanged = matches(wanted, tags)
        else:
            since = _seconds(headers.get(b"if-modified-since"))
            unchanged = since is not None and self.snapshot.time <= since
        if unchanged:
            return Reply(304, self._reduced(encoding), b"")
        asked = headers.get(b"range")
        if asked is None or method != "GET" or not self._range_is_fresh(headers.get(b"if-range")):
            return self._whole(method, encoding)
        size = self.snapshot.encodings[""].size
        span = parse_range(asked, size)
        if span is None:
            return self._whole(method, encoding)
        if span == "unsatisfiable":
            length = str(size).encode()
            kept = [(name, value) for name, value in self._reduced("") if name in {b"vary", b"cache-status"}]
            return Reply(416, (*kept, (b"content-range", b"bytes */" + length), (b"content-length", b"0")), b"")
        return self._part(*span, size)

    def _part(self, first: int, last: int, size: int) -> Reply:
        kept = [(name, value) for name, value in self._forms[""] if name != b"content-length"]
        where = (b"content-range", b"bytes %d-%d/%d" % (first, last, size))
        headers = (*kept, where, (b"content-length", b"%d" % (last - first + 1)))
        body = self.body("")
        if body is not None:
            return Reply(206, headers, body[first : last + 1])
        return Reply(206, headers, File(self.generation.open(self.snapshot), first, last + 1))

    def _file(self, encoding: str) -> File:
        """A whole large file. Its digest is computed while it is first sent; a server may read it by itself from then on."""
        path, form = self.generation.file(self.snapshot, encoding), self.snapshot.encodings[encoding]
        descriptor = self.generation.open(self.snapshot, encoding)
        found = os.fstat(descriptor)
        file = (found.st_ino, found.st_mtime_ns)
        if self._proven.get(encoding) == file:
            return File(descriptor, 0, form.size, path=path)

        def prove(etag: str) -> None:
            if etag != form.etag:
                raise StoreError(f"{path} was changed after it was published. Build again.")
            self._proven[encoding] = file

        return File(descriptor, 0, form.size, prove=prove)

    def _reduced(self, encoding: str) -> HeaderList:
        """What a 304 repeats (RFC 9110 section 15.4.5), and that a snapshot gave it."""
        kept = {b"cache-control", b"content-location", b"etag", b"expires", b"vary", b"last-modified", b"cache-status"}
        return tuple((name, value) for name, value in self._forms[encoding] if name in kept)

    def _range_is_fresh(self, condition: bytes | None) -> bool:
        """If-Range compares strongly, and only with the identity form, which is the one that ranges are of."""
        if condition is None:
            return True
        condition = condition.strip()
        if condition.startswith((b'"', b"W/")):
            return condition == self.snapshot.encodings[""].etag.encode("latin-1")
        return condition == http_date(self.snapshot.time)


class File:
    """A body that is sent from an open file: the bytes from `first` up to, not including, `stop`."""

    __slots__ = ("descriptor", "first", "path", "prove", "stop")

    def __init__(
        self,
        descriptor: int,
        first: int,
        stop: int,
        *,
        path: str | None = None,
        prove: Callable[[str], None] | None = None,
    ) -> None:
        """path: where a server may read the whole file by itself, or None. prove: told the ETag of all bytes before the
        last of them are sent; raises `StoreError` if they are not those that were published."""
        self.descriptor = descriptor
        self.first = first
        self.stop = stop
        self.path = path
        self.prove = prove


class Reply:
    """A response that is ready: status, headers (shared: copy them), body. Send it once."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: HeaderList, body: bytes | File) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    async def send(self, scope: Scope, send: Send) -> None:
        """Send it. Raises `StoreError` if a file is cut meanwhile or is not the one that was published, so that the server
        ends the connection before the body is whole."""
        body = self.body
        if isinstance(body, bytes):
            await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
            await send({"type": "http.response.body", "body": body})
            return
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
            if body.path is not None and "http.response.pathsend" in (scope.get("extensions") or {}):
                await send({"type": "http.response.pathsend", "path": body.path})
                return
            position = body.first
            digest = Digest() if body.prove is not None else None
            while position < body.stop:
                piece = os.pread(body.descriptor, min(_PIECE, body.stop - position), position)
                if not piece:
                    raise StoreError("A file was cut while it was sent.")
                position += len(piece)
                if digest is not None and body.prove is not None:
                    digest.update(piece)
                    if position == body.stop:
                        body.prove(digest.etag())
                await send({"type": "http.response.body", "body": piece, "more_body": position < body.stop})
        finally:
            os.close(body.descriptor)


class SnapshotServer:
    """Finds the snapshot that may answer a request, and keeps the ones in use in memory.

    terms: tells, for a snapshot and whether it is of an older generation, what the running code says about its path, or
    None if it must not be used any more.
    memory: bytes to keep. quick: `ready` may be used: the path alone tells which snapshot answers.
    """

    def __init__(
        self, generation: Generation, terms: Callable[[Snapshot, bool], Terms | None], *, memory: int, quick: bool
    ) -> None:
        self.generation = generation
        self.ready: dict[str, Answer] = {}  # path -> an answer whose `quick` may be used
        self._quick = quick
        self.older: list[Generation] = []
        self._terms = terms
        self._answers: dict[str, Answer | None] = {}
        self._memory = memory
        self._loads = 0

    def find(self, path: str) -> Answer | None:
        """The answer for `path` (decoded, without root_path and base), or None if no snapshot has it."""
        answer = self._answers.get(path)
        if answer is not None:
            answer.used = True
            return answer
        if path in self.generation:
            return None if path in self._answers else self._load(self.generation, path)
        for generation in self.older:
            if path in generation:
                return None if path in self._answers else self._load(generation, path)
        return None

    def _load(self, generation: Generation, path: str) -> Answer | None:
        answer: Answer | None = None
        try:
            snapshot = generation.get(path)
            older = generation is not self.generation
            terms = self._terms(snapshot, older) if snapshot is not None else None
            if snapshot is not None and terms is not None:
                answer = Answer(generation, snapshot, terms)
        except StoreError as error:
            if error.passing:
                return None
            log.error("%s", error)  # noqa: TRY400 - one line, the message says it all
        self._answers[path] = answer
        if answer is not None and self._quick:
            self.ready[path] = answer
        self._loads += 1
        if self._loads % 64 == 0:
            self.settle()
        return answer

    def drop(self, path: str, error: StoreError) -> None:
        """Never use this snapshot again: its files are not what was published. The app answers."""
        log.error("%s", error)
        self.ready.pop(path, None)
        self._answers[path] = None

    def settle(self) -> None:
        """Free memory beyond the limit: a clock hand passes over the answers and takes those not used since."""
        held = sum(answer.weight for answer in self._answers.values() if answer is not None)
        if held <= self._memory:
            return
        for path in list(self._answers):
            answer = self._answers[path]
            if answer is None:
                continue
            if answer.used:
                answer.used = False
                self._answers[path] = self._answers.pop(path)
                continue
            held -= answer.weight
            del self._answers[path]
            self.ready.pop(path, None)
            if held <= self._memory * 0.75:
                return


# --- RFC 9110, in a few lines each ------------------------------------------------------------------------------------

_CODING = re.compile(
    rb"[ \t]*+([!#$%&'*+.^_`|~0-9A-Za-z-]++)[ \t]*+(?:;[ \t]*+[qQ]=(0(?:\.[0-9]{0,3})?+|1(?:\.0{0,3})?+))?+[ \t]*+(?:,|\Z)"
)


def negotiate(accept: bytes | None, sizes: Mapping[str, int]) -> str:
    """The stored encoding for an Accept-Encoding header (RFC 9110 section 12.5.3); "" is identity.

    The highest q-value wins, then the smallest form. Whatever cannot be parsed is skipped. Without a header, and where
    nothing stored is acceptable, identity: a body in a form that nobody asked for beats no page.
    """
    if accept is None or len(sizes) == 1:
        return ""
    weights: dict[str, float] = {}
    for item in accept.split(b",", 64):
        found = _CODING.fullmatch(item)
        if found:
            name = found.group(1).decode("latin-1").lower()
            weights[{"identity": "", "x-gzip": "gzip"}.get(name, name)] = float(found.group(2) or 1)
    rest = weights.get("*")
    best, best_weight = "", 0.0
    for name in sorted(sizes, key=sizes.__getitem__):
        weight = weights.get(name, rest)
        if weight is None:
            weight = 0.0005 if name == "" else 0.0  # identity is acceptable unless refused, and comes last
        if weight > best_weight:
            best, best_weight = name, weight
    return best


_ETAG = re.compile(rb'[ \t]*+(W/)?("[\x21\x23-\x7e\x80-\xff]*+")[ \t]*+(?:,|\Z)')


def matches(header: bytes, tags: Iterable[bytes], *, weakly: bool = True) -> bool:
    """If-None-Match, or, strongly, If-Match (RFC 9110 sections 13.1.1 and 13.1.2): `*`, or a list that holds one of `tags`."""
    if header.strip() == b"*":
        return True
    known = set(tags)
    position = 0
    while position < len(header):
        found = _ETAG.match(header, position)
        if found is None:
            comma = header.find(b",", position)
            if comma == -1:
                return False
            position = comma + 1
            continue
        if found.group(2) in known and (weakly or found.group(1) is None):
            return True
        position = found.end()
    return False


def http_date(seconds: float) -> bytes:
    """`seconds` since 1970 as an IMF-fixdate (RFC 9110 section 5.6.7)."""
    now = time.gmtime(seconds)
    day, month = "MonTueWedThuFriSatSun"[now[6] * 3 :][:3], "JanFebMarAprMayJunJulAugSepOctNovDec"[now[1] * 3 - 3 :][:3]
    return f"{day}, {now[2]:02} {month} {now[0]:04} {now[3]:02}:{now[4]:02}:{now[5]:02} GMT".encode()


def _seconds(header: bytes | None) -> int | None:
    """The date of If-Modified-Since or If-Unmodified-Since (RFC 9110 section 13.1.3). Anything else counts as no header."""
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    if header is None or len(header) > 64:
        return None
    try:
        since = parsedate_to_datetime(header.decode("ascii"))
        if since.tzinfo is None:  # asctime's form names no zone: it is GMT
            since = since.replace(tzinfo=UTC)
        return int(since.timestamp())
    except (ValueError, TypeError, OverflowError, UnicodeDecodeError, IndexError):
        return None


_RANGE = re.compile(rb"[ \t]*+bytes[ \t]*+=[ \t]*+([0-9]{0,18}+)[ \t]*+-[ \t]*+([0-9]{0,18}+)[ \t]*+\Z", re.IGNORECASE)


def parse_range(header: bytes, size: int) -> tuple[int, int] | Literal["unsatisfiable"] | None:
    """One byte range (RFC 9110 section 14.1.2) as (first, last), both inclusive; None means: send it whole.

    Several ranges, other units and malformed headers are answered whole, which the RFC allows.
    """
    found = _RANGE.match(header)
    if found is None:
        return None
    first, last = found.groups()
    if not first:
        if not last:
            return None
        length = int(last)
        if length == 0 or size == 0:
            return "unsatisfiable"
        return max(0, size - length), size - 1
    start, stop = int(first), int(last) if last else size - 1
    if last and stop < start:
        return None
    if start >= size:
        return "unsatisfiable"
    return start, min(stop, size - 1)


def request_headers(scope: Scope) -> Mapping[bytes, bytes]:
    """The request's headers by name."""
    pairs = scope["headers"]
    headers = dict(pairs)
    return headers if len(headers) == len(pairs) else _merged(pairs)


def _merged(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; fields that are repeated are joined with commas (RFC 9110 section 5.3), cookies with `; `."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    return {name: (b"; " if name == b"cookie" else b", ").join(parts) for name, parts in values.items()}
