"""`verify` compares a live host with the published manifest: what did the host lose?

Nothing is written and no redirect is followed. Each snapshot is asked for as a visitor without cookies would: its body as it is,
HEAD, If-None-Match, each stored encoding, a range, the other spelling of its path. See `LOSSES` for what is looked at.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from ondemand.errors import ConfigError, OnDemandError
from ondemand.prerendering.children import Children
from ondemand.prerendering.compression import can_unpack, unpack
from ondemand.prerendering.expected import ERROR_PAGES, Expected, other_spelling
from ondemand.prerendering.host import Answer, Host, NoAnswer
from ondemand.prerendering.messages import Order, Refused
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.store import Generation, Store, etag_of

__all__ = ["LOSSES", "Group", "Loss", "VerifyReport", "read_expected", "unknown_path", "verify"]

Policy = Literal["fail", "warn"]

LOSSES: Mapping[str, tuple[Policy, str]] = {
    # kind -> what it is to the exit code, and what to do about it. Most grave first: the order of the table
    "guarded": ("fail", "Take it off that host at once: route these paths to the app, which asks the guard."),
    "unreachable": ("fail", "Look whether the host runs, and whether the URL is right."),
    "timeout": ("fail", "Look at what the host waits for, or allow more: --timeout SECONDS."),
    "closed": ("fail", "Look into the host's error log."),
    "status": ("fail", "Route these paths to the app, or set up the status on the host."),
    "body": ("fail", "Deploy the published generation, clear the host's caches, turn off what rewrites pages."),
    "redirect": ("fail", "Set up the redirect on the host, or route its path to the app."),
    "on-demand": ("fail", "Route these paths to the app: no file answers them."),
    "guard": ("fail", "Route these paths to the app, which asks the guard, and look at what is shown there."),
    "soft-404": ("fail", "Let the host answer 404 where nothing is; browsers and search engines go by it."),
    "error-page": ("fail", "Name 404.html as the host's page for 404."),
    "slash": ("fail", "Set up the redirect as `trailing_slash` says, or set `trailing_slash` as the host does it."),
    "content-type": ("fail", "Set the type on the host, with its charset."),
    "header": ("fail", "Set the header on the host."),
    "head": ("fail", "Let the host answer HEAD as it does GET, without a body."),
    "etag": ("fail", "Let the host send ETags that stay while the file stays."),
    "not-modified": ("fail", "Let the host answer 304, without a body, to an If-None-Match that holds its ETag."),
    "encoding": ("fail", "Serve the stored .gz, .br and .zst as they are, or turn off compression on the host."),
    "vary": ("fail", "Let the host send Vary: caches in between mix up what it distinguishes."),
    "range": ("fail", "Let the host answer ranges right (206), or not at all (200)."),
    "lost-encoding": ("warn", "Let the host serve the stored .gz, .br and .zst."),
    "weak-etag": ("warn", "Nothing breaks, but If-Range and If-Match need a strong ETag."),
}


class Loss(NamedTuple):
    """One thing that a host lost at one path.

    kind: a key of `LOSSES`. about: what it is of that kind (a header's name, a status, an encoding): losses that have both in
    common are one row. path: as the host was asked, without `base`. message: what the host does, beginning with a verb.
    """

    kind: str
    message: str
    path: str
    route: str = ""
    about: str = ""

    @property
    def policy(self) -> Policy:
        return LOSSES[self.kind][0]

    @property
    def remedy(self) -> str:
        return LOSSES[self.kind][1]


@dataclass(frozen=True, slots=True)
class Group:
    """One thing that a host lost at `count` paths. first: one of these losses. examples: up to three of the paths."""

    first: Loss
    count: int
    examples: tuple[str, ...]


@dataclass(slots=True)
class VerifyReport:
    """What `verify` found, also while it runs.

    generation: the name of what was published. checked, total: paths. seconds: wall time. losses: in no particular order.
    """

    url: str
    generation: str
    checked: int = 0
    total: int = 0
    seconds: float = 0.0
    losses: list[Loss] = field(default_factory=list[Loss])

    @property
    def failed(self) -> bool:
        """True if the host differs, by more than warnings."""
        return any(loss.policy == "fail" for loss in self.losses)

    def groups(self) -> list[Group]:
        """One row for each thing that was lost, the most grave first."""
        rows: dict[tuple[str, str], list[Loss]] = {}
        for loss in self.losses:
            rows.setdefault((loss.kind, loss.about), []).append(loss)
        order = list(LOSSES)
        groups: list[Group] = []
        for losses in rows.values():
            losses.sort(key=lambda loss: loss.path)
            paths = dict.fromkeys(loss.path for loss in losses)
            groups.append(Group(losses[0], len(losses), tuple(paths)[:3]))
        return sorted(groups, key=lambda group: (order.index(group.first.kind), group.first.about))

    def to_json(self) -> dict[str, Any]:
        """One object: `ondemand` (1), `url`, `generation`, `checked`, `total` (paths; fewer were checked if it was stopped),
        `seconds`, and `findings`, each with `kind` (a key of `LOSSES`), `policy` ("fail" or "warn"), `route`, `path`, `message`,
        `remedy`; by kind and path."""
        losses = sorted(self.losses, key=lambda loss: (list(LOSSES).index(loss.kind), loss.path, loss.about))
        return {
            "ondemand": 1,
            "url": self.url,
            "generation": self.generation,
            "checked": self.checked,
            "total": self.total,
            "seconds": round(self.seconds, 3),
            "findings": [
                {
                    "kind": loss.kind,
                    "policy": loss.policy,
                    "route": loss.route or None,
                    "path": loss.path,
                    "message": loss.message,
                    "remedy": loss.remedy,
                }
                for loss in losses
            ],
        }


def unknown_path() -> str:
    """A path that there is not."""
    return f"/no-such-page-{secrets.token_hex(6)}"


def read_expected(target: Any, unknown: str) -> Expected:
    """Start the app as a build does, and ask it what only it knows. target: as for `build`. unknown: a path that there is not.

    Raises `AppImportError` and `ConfigError` where the app cannot start, `StoreError` for a damaged store.
    """
    with Children(Order(target), jobs=1) as children:
        children.start()
        children.first.send(("expect", unknown))
        while True:
            for _, message in children.wait(0.2):
                match message:
                    case Expected():
                        return message
                    case Refused():
                        raise message.error
                    case None:
                        code = children.first.code
                        raise OnDemandError(f"The app ended its process while it was asked (exit code {code}).")
                    case _:
                        raise AssertionError(message)


def verify(
    published: Store | Generation,
    url: str,
    *,
    expected: Expected | None = None,
    concurrency: int = 8,
    timeout: float = 10.0,
    headers: Sequence[tuple[str, str]] = (),
    unknown: str | None = None,
    progress: Callable[[VerifyReport], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> VerifyReport:
    """Ask the host at `url` for everything that was published, and tell what it lost.

    expected: what only the app knows (`read_expected`); without it on-demand routes are left out, and no snapshot that lay
    behind a guard may be public. concurrency: requests at once. timeout: seconds for one of them. headers: sent with each.
    unknown: a path that there is not, the one that `expected` was read with. progress: told after each path. clock: a
    stopwatch, in seconds.

    Raises `ConfigError` if nothing is published, for a URL that is none and for headers that cannot be sent; `StoreError` for
    a damaged store. Whatever the host does is a loss, never an exception.
    """
    generation = published.open() if isinstance(published, Store) else published
    if generation is None:
        folder = published.folder
        raise ConfigError(f"Nothing is published in {folder}, so there is nothing to compare. Run `ondemand build`.")
    host = Host(url, headers=headers, timeout=timeout, concurrency=concurrency)
    run = _Run(host, generation, expected, unknown or unknown_path(), progress, clock)
    asyncio.run(run.run(concurrency))
    return run.report


class _Run:
    """One comparison of a host with a generation."""

    def __init__(
        self,
        host: Host,
        generation: Generation,
        expected: Expected | None,
        unknown: str,
        progress: Callable[[VerifyReport], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self.host = host
        self.generation = generation
        self.knows_guards = expected is not None
        self.expected = expected = expected or Expected()
        front = unquote(host.url.path).rstrip("/")
        self.front = front if front.endswith(expected.prefix) else front + expected.prefix
        self._unknown = unknown
        self._progress = progress
        self._clock = clock
        self._started = clock()
        self.report = VerifyReport(str(host.url), generation.name)
        live = sum(path not in expected.guards or expected.guards[path] != 404 for path in expected.live)
        self.report.total = 1 + live + sum(not _is_error_page(path) for path in generation)

    async def run(self, concurrency: int) -> None:
        """Check everything; a host that gives no answer at all is asked once."""
        async with self.host:
            try:
                await self.host.get(self.full("/"), limit=0)
            except NoAnswer as error:
                self.note(Loss(error.kind, f"{error}: nothing else was asked", "/"))
                return
            checks = self._checks()
            await asyncio.gather(*(self._work(checks) for _ in range(concurrency)))
        self.report.seconds = self._clock() - self._started

    async def _work(self, checks: Iterator[Coroutine[Any, Any, None]]) -> None:
        for check in checks:
            await check
            self.report.checked += 1
            self.report.seconds = self._clock() - self._started
            if self._progress is not None:
                self._progress(self.report)

    def _checks(self) -> Iterator[Coroutine[Any, Any, None]]:
        yield self._missing()
        for path, route in self.expected.live.items():
            if self.expected.guards.get(path) != 404:
                yield self._live(path, route)
        for snapshot in self.generation.all():
            # nobody visits the pages for errors: the path that there is not shows what has become of /404
            if not _is_error_page(snapshot.path):
                yield self._snapshot(snapshot)

    def full(self, path: str) -> str:
        """`path` as the host knows it: below the URL's own path and `base`."""
        if path == "/" and self.front and self.expected.trailing_slash == "never":
            return self.front
        return self.front + path

    def spelled(self, snapshot: Snapshot) -> str:
        """The path of `snapshot` as `trailing_slash` wants it."""
        other = other_spelling(snapshot.path) if snapshot.kind == "page" else None
        wanted = self.expected.trailing_slash
        if other is None or wanted == "ignore" or other.endswith("/") != (wanted == "always"):
            return snapshot.path
        return other

    def is_anothers(self, path: str, snapshot: Snapshot) -> bool:
        """True if `path`, a spelling of that of `snapshot`, is the path of another one."""
        return path != snapshot.path and path in self.generation

    def note(self, loss: Loss) -> None:
        self.report.losses.append(loss)

    @asynccontextmanager
    async def _telling(self, path: str, route: str = "") -> AsyncGenerator[None]:
        """A host that gives no answer has lost it, and is asked no more for this path."""
        try:
            yield
        except NoAnswer as error:
            self.note(Loss(error.kind, str(error), path, route))

    # --- what no snapshot answers

    async def _missing(self) -> None:
        """A path that there is not."""
        own = self.generation.get("/404") or self.generation.get("/404/")
        limit = own.encodings[""].size if own is not None else 0
        wanted, etag = self.expected.missing
        path = self._unknown
        async with self._telling(path):
            answer = await self.host.get(self.full(path), limit=limit)
            if answer.status not in {404, wanted or 404}:
                kind = "soft-404" if answer.status < 400 else "status"
                self.note(Loss(kind, f"answers {answer.status} instead of 404 where nothing is", path))
            elif own is not None and etag == own.encodings[""].etag != answer.etag and answer.status == 404:
                self.note(Loss("error-page", "shows another page for 404 than the site's own", path))

    async def _live(self, path: str, route: str) -> None:
        """A route that is rendered on demand answers something; what, is the app's affair."""
        async with self._telling(path, route):
            answer = await self.host.get(self.full(path), limit=None)
            if answer.status == 404 or answer.status >= 500:
                message = f"answers {answer.status} where the app renders on demand"
                self.note(Loss("on-demand", message, path, route, str(answer.status)))

    # --- a snapshot

    async def _snapshot(self, snapshot: Snapshot) -> None:
        async with self._telling(snapshot.path, snapshot.route or ""):
            guard = self.expected.guards.get(snapshot.path)
            guarded = snapshot.path in self.expected.guards if self.knows_guards else snapshot.guarded
            if self.is_anothers(self.spelled(snapshot), snapshot):
                return  # nobody gets to this one: `trailing_slash` leads to the other
            if guarded and (guard is not None or not self.knows_guards):
                await self._guarded(snapshot, guard)
            else:
                await _Page(self, snapshot, behind_guard=guarded).check()

    async def _guarded(self, snapshot: Snapshot, guard: int | None) -> None:
        """Nobody gets it who has shown nothing, however its path is spelled."""
        first, route = self.spelled(snapshot), snapshot.route or ""
        other = other_spelling(first)
        for path in (first, other):
            if path is None or self.is_anothers(path, snapshot):
                continue
            answer = await self.host.get(self.full(path), limit=snapshot.encodings[""].size, keep=True)
            if _holds(answer, snapshot):
                self.note(Loss("guarded", "hands out what lies behind a guard, to anyone", path, route))
                return
            if path == first and guard and _lets_go(guard, answer.status):
                message = f"answers {answer.status}, where the guard answers {guard}"
                self.note(Loss("guard", message, path, route, f"{answer.status} {guard}"))


def _holds(answer: Answer, snapshot: Snapshot) -> bool:
    """True if it is the body of `snapshot`, in whatever form and with whatever status."""
    etags = {form.etag for form in snapshot.encodings.values()}
    coding = answer.header("content-encoding").lower()
    body = unpack(coding, answer.body, limit=snapshot.encodings[""].size) if can_unpack(coding) else None
    return answer.size > 0 and (answer.etag in etags or (body is not None and etag_of(body) in etags))


def _lets_go(guard: int, status: int) -> bool:
    """True if a host that answers `status` does not ask the guard, which answers `guard`."""
    return guard != status and (status < 300 or status >= 500 or (status == 404 and guard < 400))


class _Page:
    """What a host makes of one snapshot that everyone may see."""

    def __init__(self, run: _Run, snapshot: Snapshot, *, behind_guard: bool) -> None:
        self._run = run
        self._host = run.host
        self._snapshot = snapshot
        self._form = snapshot.encodings[""]
        self._path = run.spelled(snapshot)
        self._slash = run.expected.trailing_slash
        self._varies = frozenset(_members(_values(snapshot, "vary")))
        self._unsent = self._varies  # a request that carries them is the app's
        dropped = {"cache-control", "expires"} if behind_guard else set[str]()  # a guarded answer is private, no-store
        names = dict.fromkeys(name for name, _ in snapshot.headers)
        self._kept = [name for name in names if name not in {"content-type", "vary", *dropped}]

    def _lose(self, kind: str, message: str, about: str = "") -> None:
        self._run.note(Loss(kind, message, self._path, self._snapshot.route or "", about))

    async def _get(self, headers: Mapping[str, str] = {}, *, limit: int | None = None, keep: bool = False) -> Answer:
        most = self._form.size if limit is None else limit
        return await self._host.get(self._run.full(self._path), headers, limit=most, keep=keep, without=self._unsent)

    async def check(self) -> None:
        """Ask for everything. Raises `NoAnswer`."""
        snapshot = self._snapshot
        answer = await self._get()
        moved = self._leads_to_other_spelling(answer)
        if moved:
            if self._slash != "ignore":
                self._lose(
                    "slash", f"redirects to the other spelling, although trailing_slash is {self._slash!r}", "away"
                )
            self._path = other_spelling(self._path) or self._path
            answer = await self._get()
        if 300 <= snapshot.status < 400:
            if self._keeps_redirect(answer):
                await self._check_head(answer, stable=True)
            return
        if answer.status != snapshot.status:
            self._lose(
                "status", f"answers {answer.status} instead of {snapshot.status}", f"{answer.status} {snapshot.status}"
            )
            return
        self._check_body(answer)
        self._check_headers(answer)
        stable = await self._check_etag(answer)
        await self._check_head(answer, stable=stable)
        await self._check_encodings(answer)
        if snapshot.status == 200:
            await self._check_range(answer)
            if not moved:
                await self._check_slash(answer)

    # --- what the answer is

    def _check_body(self, answer: Answer) -> None:
        size = self._form.size
        coding = answer.header("content-encoding").lower()
        if coding not in {"", "identity"}:
            self._lose("encoding", f"sends {coding} to those who take no encoding", f"identity {coding}")
        elif answer.etag != self._form.etag:
            if answer.size > size:
                message = "sends more than was published"
            elif answer.size < size:
                message = f"sends {answer.size:,} of {size:,} bytes"
            else:
                message = "sends another body of the same size"
            self._lose("body", message, "larger" if answer.size > size else "smaller" if answer.size < size else "")

    def _check_headers(self, answer: Answer) -> None:
        wanted = ", ".join(_values(self._snapshot, "content-type"))
        if _media_type(got := answer.header("content-type")) != _media_type(wanted):
            self._lose("content-type", f"sends {got or 'no type'} instead of {wanted}", f"{got} {wanted}")
        self._check_kept(answer, self._kept)
        if "*" not in (named := set(_members(answer.headers.get_list("vary")))) and (lost := self._varies - named):
            self._lose("vary", f"sends no Vary: {', '.join(sorted(lost))}", ", ".join(sorted(lost)))

    def _check_kept(self, answer: Answer, names: Sequence[str]) -> None:
        for name in names:
            values = _values(self._snapshot, name)
            found = answer.headers.get_list(name)
            if not {_plain(value) for value in values} <= {_plain(value) for value in [*found, ", ".join(found)]}:
                what = f"sends {name}: {', '.join(found)[:60]} instead of" if found else f"sends no {name}:"
                self._lose("header", f"{what} {', '.join(values)[:60]}", name)

    async def _check_etag(self, answer: Answer) -> bool:
        """True if it has one that is the same at the next request. Nobody asks for that of a status other than 200."""
        tag = answer.header("etag")
        if self._snapshot.status != 200 or answer.status != 200:
            return True
        if not tag:
            self._lose("etag", "sends no ETag", "none")
            return False
        if tag.startswith("W/"):
            self._lose("weak-etag", "sends a weak ETag")
        again = await self._ask_head("GET", {"if-none-match": tag})
        if again.status != 304 and again.header("etag") not in {tag, ""}:
            self._lose("etag", "sends another ETag for each request", "changes")
            return False
        if again.status != 304:
            self._lose(
                "not-modified", f"answers {again.status} to an If-None-Match that holds its ETag", f"{again.status}"
            )
        elif again.extra:
            self._lose("not-modified", "sends a body behind a 304", "body")
        return True

    async def _check_head(self, answer: Answer, *, stable: bool) -> None:
        """HEAD is answered as GET was. stable: its ETag should be the same too."""
        head = await self._ask_head("HEAD")
        if head.status != answer.status:
            self._lose("head", f"answers {head.status} to HEAD, {answer.status} to GET", f"{head.status}")
            return
        names = [*self._kept, "content-type", *(["etag"] if stable else [])]
        differ = [name for name in names if _plain(head.header(name)) != _plain(answer.header(name))]
        told = answer.header("content-length")
        if head.header("content-length") not in ({told} if told else {"", str(answer.size), str(self._form.size)}):
            differ.append("content-length")
        if differ:
            self._lose("head", f"answers HEAD with another {', '.join(differ)} than GET", ", ".join(differ))
        if head.extra:
            self._lose("head", "sends a body behind the answer to HEAD", "body")

    async def _ask_head(self, method: str, headers: Mapping[str, str] = {}) -> Answer:
        return await self._host.ask_head(method, self._run.full(self._path), headers, without=self._unsent)

    # --- its encodings and parts

    async def _check_encodings(self, plain: Answer) -> None:
        """Each stored encoding, asked for alone, gives the same body; caches are told that the answers differ."""
        same = {self._form.etag, plain.etag}
        answers: list[Answer] = []
        for coding in self._snapshot.encodings:
            if coding:
                answer = await self._get({"accept-encoding": coding}, keep=True)
                if self._is_encoded(answer, coding, same):
                    answers.append(answer)
        for answer in (plain, *answers) if answers else ():
            if not {"*", "accept-encoding"} & set(_members(answer.headers.get_list("vary"))):
                self._lose("vary", "sends several encodings, and no Vary: Accept-Encoding", "accept-encoding")
                return

    def _is_encoded(self, answer: Answer, coding: str, same: set[str]) -> bool:
        """True if it came in `coding`, right or wrong."""
        got = answer.header("content-encoding").lower() or "identity"
        if answer.status != self._snapshot.status:
            self._lose("encoding", f"answers {answer.status} to those who take {coding}", f"{coding} {answer.status}")
        elif got == "identity" and answer.etag in same:
            self._lose("lost-encoding", f"sends no {coding}", coding)
        elif got == "identity":
            self._lose("encoding", f"sends another body to those who take {coding}", f"{coding} identity")
        elif got != coding:
            self._lose("encoding", f"sends {got} to those who take {coding} alone", f"{coding} {got}")
        elif answer.etag != self._snapshot.encodings[coding].etag and not self._unpacks(answer, coding, same):
            self._lose("encoding", f"sends {coding} that is not the body", coding)
        return got == coding

    def _unpacks(self, answer: Answer, coding: str, same: set[str]) -> bool:
        """True if it unpacks to the body, or if that cannot be told here."""
        if answer.size > self._form.size:
            return False  # it is larger than what it packs
        body = unpack(coding, answer.body, limit=self._form.size)
        return (body is not None and etag_of(body) in same) or not can_unpack(coding)

    async def _check_range(self, plain: Answer) -> None:
        if plain.size == 0 or plain.etag != self._form.etag:  # what is lost of its body has been told
            return
        answer = await self._get({"range": "bytes=0-0"}, limit=1)
        if answer.status == 200:
            return
        where = re.fullmatch(r"bytes 0-0/(\d+|\*)", answer.header("content-range"))
        right = where is not None and where[1] in {"*", str(self._form.size)}
        if answer.status != 206:
            self._lose("range", f"answers {answer.status} to a range", f"{answer.status}")
        elif not right or answer.size != 1 or answer.body != plain.body:
            self._lose("range", "answers a range of one byte with something else", "206")

    # --- where it leads

    def _leads_to_other_spelling(self, answer: Answer) -> bool:
        """True for a redirect from /about to /about/ or back, unless that is what was published."""
        other = other_spelling(self._path)
        if other is None or self._run.is_anothers(other, self._snapshot) or answer.status not in _REDIRECTS:
            return False
        if self._snapshot.status in _REDIRECTS and self._same_place(answer.header("location")):
            return False
        return self._where(answer.header("location")).path == self._where(self._run.full(other)).path

    def _where(self, location: str) -> _Place:
        """Where `location` leads; the site's own origin is the host's."""
        host = str(self._host.address(self._run.full(self._path)))
        try:
            parts = urlsplit(urljoin(host, location))
        except ValueError:
            return _Place(location, "", "", "")
        origin = f"{parts.scheme}://{parts.netloc}"
        own = origin in {self._run.expected.origin, "://".join(urlsplit(host)[:2])}
        return _Place("" if own else origin, unquote(parts.path), parts.query, parts.fragment)

    def _same_place(self, location: str) -> bool:
        """True if it leads where it was published to lead, or there below the URL's own path, as configured redirects do."""
        wanted = ", ".join(_values(self._snapshot, "location"))
        below = self._run.front.removesuffix(self._run.expected.prefix) + wanted if wanted.startswith("/") else wanted
        return location == wanted or self._where(location) in (self._where(wanted), self._where(below))

    def _keeps_redirect(self, answer: Answer) -> bool:
        wanted, status = ", ".join(_values(self._snapshot, "location")), self._snapshot.status
        location = answer.header("location")
        if answer.status not in _REDIRECTS:
            is_page = answer.status == 200 and answer.etag == self._form.etag
            what = "with the page that refreshes" if is_page else f"instead of {status}"
            self._lose("redirect", f"answers {answer.status} {what}", f"{answer.status} {what}")
            return False
        if not self._same_place(location):
            self._lose("redirect", f"redirects to {location[:60] or 'nowhere'} instead of {wanted[:60]}", "location")
        elif (answer.status in _FOR_GOOD) != (status in _FOR_GOOD):
            self._lose("redirect", f"redirects with {answer.status} instead of {status}", f"{answer.status} {status}")
        self._check_kept(answer, [name for name in self._kept if name != "location"])
        return True

    async def _check_slash(self, plain: Answer) -> None:
        """The other spelling of its path redirects, or, where the site does not care, is as good."""
        other = other_spelling(self._path) if self._snapshot.kind == "page" else None
        if other is None or self._run.is_anothers(other, self._snapshot):
            return
        cares = self._slash != "ignore"
        if not cares and self._snapshot.route not in self._run.expected.both:
            return
        query = "q=1" if cares else ""
        full = self._run.full(other)
        answer = await self._host.get(full, limit=self._form.size, query=query, without=self._unsent)
        place = self._where(answer.header("location"))
        leads = answer.status in _REDIRECTS and place.path == self._where(self._run.full(self._path)).path
        if not cares:
            if not leads and not (answer.status == 200 and answer.etag in {self._form.etag, plain.etag}):
                self._lose(
                    "slash", f"answers {answer.status} to {_slashed(other)}, or another page", f"{answer.status}"
                )
        elif not leads or answer.status not in {301, 308}:
            self._lose(
                "slash", f"answers {answer.status} to {_slashed(other)} instead of redirecting", f"{answer.status}"
            )
        elif place.query != query:
            self._lose("slash", "drops the query when it redirects to the right spelling", "query")


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FOR_GOOD = frozenset({301, 308})


class _Place(NamedTuple):
    origin: str  # "" for the host's own; the whole of what is no URL
    path: str
    query: str
    fragment: str


def _is_error_page(path: str) -> bool:
    return path.rstrip("/") in ERROR_PAGES


def _slashed(path: str) -> str:
    return "the path with a slash" if path.endswith("/") else "the path without its slash"


def _values(snapshot: Snapshot, name: str) -> list[str]:
    return [value for key, value in snapshot.headers if key == name]


def _plain(value: str) -> str:
    """A header's value, whatever spaces stand around its commas and semicolons."""
    return re.sub(r"\s*([,;])\s*", r"\1", value.strip())


def _members(values: Sequence[str]) -> list[str]:
    """The members of a list of tokens, in lower case."""
    return [member.strip().lower() for value in values for member in value.split(",") if member.strip()]


def _media_type(value: str) -> str:
    """To compare: names and charset in lower case, no spaces and quotes."""
    return _plain(value).replace('"', "").lower()
