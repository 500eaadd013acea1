"""The proof that a static page is the same for everyone: it is rendered again, as every kind of visitor, and compared.

In a process whose sets have another order than where the snapshot was made, and in which the visitors come first and the plain
render last: what the first visitor leaves behind is seen too.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ondemand._asgi import ASGIApp
from ondemand.capture import Capture, Change, Visitor
from ondemand.config import Config, Identity
from ondemand.errors import ConfigError
from ondemand.frames import describe, stuck_frames, user_frames
from ondemand.marks import READS
from ondemand.prerendering.differences import Steady, first_difference, looks_like
from ondemand.prerendering.messages import Job, Proved
from ondemand.prerendering.report import Finding, seconds, static_but
from ondemand.prerendering.visitors import CANARY, log_in, other_hosts, visitors, words_beside_cookies
from ondemand.prerendering.written import kept_headers
from ondemand.routing import Decision, Route
from ondemand.snapshots.manifest import Snapshot

__all__ = ["Prover", "reads_findings"]

_COMPARED = frozenset(
    ["content-disposition", "content-language", "content-type", "link", "location", "refresh", "vary"]
)
"""The headers that make an answer another one. Others (request ids, timings) may be new each time."""

_BEFORE_HOST = rb"://|:\\/\\/|:\\u002[Ff]\\u002[Ff]|%3[Aa]%2[Ff]%2[Ff]|%3[Aa]//"
"""What stands between scheme and host of an address: plain, in JSON, and in the query of another address."""

_PROVES = {  # what an identity with such a header proves harmless, if the page is the same for them
    "cookie": (READS["cookie"], READS["session"], READS["user"], READS["state"]),
    "authorization": (READS["authorization"], READS["user"], READS["state"]),
}


@dataclass(slots=True)
class _Page:
    """What is known of one page while it is proven."""

    snapshot: Snapshot
    body: bytes | None  # None for a redirect: what is stored is not what the app answered
    compared: frozenset[str] = _COMPARED
    renders: int = 0
    reads: dict[str, str] = field(default_factory=dict[str, str])
    others: list[tuple[Change, Capture, _Page]] = field(default_factory=list[tuple[Change, Capture, "_Page"]])

    def is_other(self, answer: Capture) -> bool:
        """True if something of `answer` is not as in the snapshot."""
        if self.body is not None and answer.body != self.body:
            return True  # to find out where takes longer
        return self.why_other(answer) is not None

    def why_other(self, answer: Capture) -> str | None:
        """What of `answer` is not as in the snapshot, in words; None if nothing is."""
        if answer.timed_out:
            return "it does not finish in time"
        if answer.error:
            return f"it raises {answer.error}" if not answer.error.startswith("the app ") else answer.error
        if not answer.status:
            return f"something in front of it answers {answer.outer_status}"
        if answer.status != self.snapshot.status:
            return f"it answers {answer.status}"
        if self.body is not None and answer.body != self.body:
            return str(first_difference(self.body, answer.body))
        was, now = (_compared(headers, self.compared) for headers in (self.snapshot.headers, kept_headers(answer)))
        if self.body is None:
            was.pop("content-type", None)
            now.pop("content-type", None)
        for name in sorted({*was, *now}):
            if was.get(name) != now.get(name):
                return f"its header {name}: [{', '.join(was.get(name, ()))} | {', '.join(now.get(name, ()))}]"
        return None


def _compared(headers: Iterable[tuple[str, str]], names: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        if name in names:
            found.setdefault(name, []).append(value)
    return found


class Prover:
    """Proves pages of one app. Made inside the lifespan."""

    def __init__(
        self,
        app: ASGIApp,
        config: Config,
        visitor: Visitor,
        state: Mapping[str, Any] | None,
        folder: Path,
        endpoints: Iterable[Any] = (),
        hosts: Iterable[str] = (),
    ) -> None:
        """folder: that of the build, where the snapshots lie. endpoints: what the routes run. hosts: see `other_hosts`."""
        self._app = app
        self._endpoints = endpoints
        self._config = config
        self._visitor = visitor
        self._state = state
        self._folder = folder
        self._hosts = other_hosts(config, hosts)
        self._visitors: tuple[Change, ...] | None = None  # who they are takes a look at the user's code
        self._identities: list[Change] | None = None
        self._logging_in = asyncio.Lock()

    async def prove(self, job: Job, route: Route | None, decision: Decision) -> Proved:
        """Render the page of `job`, whose snapshot was made before, as everyone, and compare. Never raises for what the app
        does."""
        snapshot = Snapshot.from_line(job.line)
        body = None
        if not 300 <= snapshot.status < 400:
            body = (self._folder / snapshot.file).read_bytes()
        # an app may call every answer private that somebody with a cookie gets: of a page that is marked, the body tells
        compared = _COMPARED if decision.kind == "static" else _COMPARED | {"cache-control"}
        page = _Page(snapshot, body, compared, renders=1)
        proved = Proved(job.id, job.path, snapshot.route)
        if self._visitors is None:
            self._visitors = visitors(self._config, words_beside_cookies(self._endpoints))
        identities = [change for change in await self._logged_in(proved) if await self._render(page, change)]
        read_by_identities = set(page.reads)
        host = self._hosts[job.id % len(self._hosts)]  # each page is asked at one of them
        for change in (*self._visitors, host, *self._queries(job, route, decision)):
            await self._render(page, change)
        await self._wait_for_next_second(page)
        plain = await self._visitor.capture(job.path)
        page.renders += 1
        self._judge(proved, page, plain, route, decision)
        if identities and not any(change.identity for change, *_ in page.others):
            proved.harmless = sorted(_proven(identities) & read_by_identities)
        if not page.others:  # else it is told already what it shows
            self._tell_reads(proved, page, decision, route)
        proved.renders = page.renders
        return proved

    async def _logged_in(self, proved: Proved) -> list[Change]:
        """The identities, logged in once; a login that fails is told with the first page."""
        async with self._logging_in:  # pages that come meanwhile wait
            if self._identities is None:
                self._identities = []
                for name, identity in self._config.identities.items():
                    login = asyncio.ensure_future(self._log_in(name, identity))
                    await asyncio.wait({login}, timeout=self._config.page_timeout)
                    if not login.done():
                        said = f"did not finish in {seconds(self._config.page_timeout)}"
                        frames = stuck_frames(login.get_coro())
                        login.cancel()
                    elif isinstance(change := login.result(), Change):
                        self._identities.append(change)
                        continue
                    else:
                        raised = not isinstance(change, ConfigError)
                        said = f"raised {describe(change)}" if raised else str(change)
                        frames = user_frames(change) if raised else ()
                    message = f"The login of the identity {name!r} {said.rstrip('.')}."
                    remedy = "Correct it: without it, no page is proven to be the same for who is logged in."
                    proved.findings.append(Finding("identity", message, remedy, frames=frames))
        return self._identities

    async def _log_in(self, name: str, identity: Identity) -> Change | BaseException:
        try:
            return await log_in(name, identity, self._app, self._config.origin, self._state)
        except (Exception, SystemExit) as error:
            return error

    def _queries(self, job: Job, route: Route | None, decision: Decision) -> list[Change]:
        """One request with all queries that links and forms carry, and one that any page may have; none where that goes to the
        app and the user said so: by the mark, or by a rule for an app whose pages cannot be marked."""
        mark = (route.mark or route.group) if route is not None else None
        ignored = any(rule.query == "ignore" for _, rule in self._config.rules.covering(job.path, route))
        said = (mark is not None and "query" in mark.reads) or decision.rule is not None
        if said and not ignored:
            return []
        pairs = [*"&".join(job.queries).split("&"), "page=2", f"q={CANARY}", f"{CANARY}=1"]
        by_name = {pair.partition("=")[0]: pair for pair in reversed(pairs) if pair}
        return [Change("a query", query="&".join(by_name.values()).encode("ascii", "replace"))]

    async def _render(self, page: _Page, change: Change) -> bool:
        """Render it as this visitor, and note what is other. False if that says nothing about the page."""
        names = {name.decode() for name, _ in change.headers} & _varies(page.snapshot)
        if names:  # a request that carries it goes to the app
            rest = tuple(pair for pair in change.headers if pair[0].decode() not in names)
            if change.identity or not rest:
                return False
            change = replace(change, headers=rest)
        answer = await self._visitor.capture(page.snapshot.path, change)
        page.renders += 1
        for what, where in answer.reads.items():
            page.reads.setdefault(what, where)
        if not answer.status and not answer.error and not answer.timed_out:
            return False  # something in front of OnDemand answered, and will do so in front of the snapshot
        seen = page
        if change.host or change.scheme:
            if not answer.status or (answer.status >= 300 and answer.status != page.snapshot.status):
                return False  # it does not answer to that host, or leads to its own
            if page.is_other(answer):
                seen, answer = self._bring_home(page, answer, change)
        if change.query:
            if answer.error or answer.timed_out or answer.status >= 400:
                return False  # it does not know such a query, which goes to the app
            _forget_query(answer, change.query)
        _forget_renewal(answer, change)
        if seen.is_other(answer):
            page.others.append((change, answer, seen))
        return True

    def _bring_home(self, page: _Page, answer: Capture, change: Change) -> tuple[_Page, Capture]:
        """Both with the site's own origin in the place of the one that was asked at: such a difference is none."""
        own = self._config.origin.partition("//")[2]
        host = change.host.decode("ascii") or own
        places = re.compile(rb"https?(" + _BEFORE_HOST + rb")" + re.escape(host.encode()) + rb"(?![\w.-])")
        scheme = self._config.origin.partition("://")[0].encode()

        def home(text: bytes) -> bytes:
            return places.sub(lambda place: scheme + place[1] + own.encode(), text)

        headers = tuple((n, home(v.encode("latin-1")).decode("latin-1")) for n, v in page.snapshot.headers)
        body = None if page.body is None else home(page.body)
        at_home = _Page(page.snapshot._replace(headers=headers), body, page.compared)
        headers_of_answer = [(name, home(value)) for name, value in answer.headers]
        return at_home, replace(answer, body=home(answer.body), headers=headers_of_answer)

    async def _wait_for_next_second(self, page: _Page) -> None:
        """A clock that shows seconds shows the same again within one: a page that seems to have one is asked in the next."""
        now = time.time()
        texts = {
            time.strftime("%H:%M:%S", moment(now + d)) for d in (-1, 0) for moment in (time.gmtime, time.localtime)
        }
        texts |= {str(int(now)), str(int(now) - 1)}
        if page.body is not None and any(text.encode() in page.body for text in texts):
            await asyncio.sleep(int(now) + 1.01 - now)

    def _judge(self, proved: Proved, page: _Page, plain: Capture, route: Route | None, decision: Decision) -> None:
        others, unstable = page.others, page.why_other(plain)
        if unstable is not None:
            steady = Steady(page.body, plain.body) if page.body is not None else None
            others = [other for other in others if not _as_plain(steady, plain, other[1])]
            self._tell_unstable(proved, page, plain, unstable, decision, route)
        page.others = others
        if not others:
            return
        change, answer, seen = others[0]
        where = seen.why_other(answer)
        names = ", ".join(_name(other, one) for other, one, _ in others)
        cause = f"it differs for {change.name if change.identity else f'a visitor with {names}'}"
        remedy = self._remedy(change, proved, route)
        finding = Finding("differs", f"{cause}: {where}", remedy, frames=answer.frames, cause=cause)
        self._tell(proved, finding, decision, route)

    def _tell_unstable(
        self, proved: Proved, page: _Page, plain: Capture, why: str, decision: Decision, route: Route | None
    ) -> None:
        span = first_difference(page.body, plain.body) if page.body is not None else None
        if CANARY.encode() in plain.body:
            cause = "it shows what another visitor sent before"
        elif span is not None and why == str(span):
            cause = f"it differs by itself, which looks like {looks_like(span)}"
        else:
            cause = "it differs by itself"
        remedy = (
            f"Render it on demand ({_off(route)}), take what changes off the page, or, if it may stay as it was at the build, "
            f'say so: findings={{"unstable": {{"{proved.route or proved.path}": "warn"}}}}.'
        )
        if 429 in (plain.status, plain.outer_status):
            cause = "it cannot be asked often enough to tell"
            remedy = "Let what limits the requests pass those of a build: ondemand.is_building()."
        self._tell(proved, Finding("unstable", f"{cause}: {why}", remedy, cause=cause), decision, route)

    @staticmethod
    def _remedy(change: Change, proved: Proved, route: Route | None) -> str:
        off = f"Render it on demand ({_off(route)})"
        if change.query:
            return f'{off}, or, if requests with a query go to the app, say that you know: @prerender(reads=["query"]).'
        if change.host or change.scheme:
            return f'{off}, set site="https://..." to where the site lives, or link by path.'
        name = change.headers[0][0].decode() if len(change.headers) == 1 else ""
        if change.identity or not name or name in {"cookie", "authorization"}:
            return f"{off}, or take what is personal out of it: a script of the page may ask for it."
        where = proved.route or proved.path
        return f'{off}, or let requests that carry it go to the app: rules={{"{where}": Rule(vary=["{name}"])}}.'

    def _tell_reads(self, proved: Proved, page: _Page, decision: Decision, route: Route | None) -> None:
        for finding in reads_findings(page.reads, route):
            if decision.kind != "static" or finding.cause not in proved.harmless:
                self._tell(proved, finding, decision, route)

    def _tell(self, proved: Proved, finding: Finding, decision: Decision, route: Route | None) -> None:
        """A marked page has a finding; another stays on demand, unless the user said that it does not matter."""
        finding.path, finding.route = proved.path, proved.route or ""
        reason = finding.message
        if decision.kind == "static":
            finding.message = static_but(reason, marked=route is None or not route.own)
            proved.findings.append(finding)
            return
        if (
            finding.kind not in {"reads", "session"}
            and (policy := self._config.findings.of(finding.kind, proved.path)) != "fail"
        ):
            finding.message = f"It is static, although {reason}."
            if policy == "warn":
                proved.findings.append(finding)
            return
        where = f" ({finding.frames[0]})" if finding.frames else ""
        proved.why = proved.why or f"{reason}{where}"


def _forget_query(answer: Capture, query: bytes) -> None:
    """Take the query out of addresses of the page itself: that it names where it was asked at is no difference."""
    whole = b"?" + query
    forms = (whole, whole.replace(b"&", b"&amp;"), whole.replace(b"&", b"\\u0026"), quote(whole, safe="").encode())
    for form in dict.fromkeys(forms):
        answer.body = answer.body.replace(form, b"")
        answer.headers = [(name, value.replace(form, b"")) for name, value in answer.headers]


def _forget_renewal(answer: Capture, change: Change) -> None:
    """An app that does not take a made-up cookie (Django a token that it did not make) sends a new one, and says Vary: Cookie
    then, and only then: that it looked is no difference of the page. One that deletes it may have looked for the page."""
    jar = next((value.decode() for name, value in change.headers if name == b"cookie"), "")
    sent = {pair.partition("=")[0] for pair in jar.split("; ") if CANARY in pair}
    cookies = [value.decode("latin-1") for name, value in answer.headers if name == b"set-cookie"]
    renewed = {value.partition("=")[0] for value in cookies if not _DELETES.search(value)}
    if not sent.isdisjoint(renewed):
        answer.headers = [
            (name, kept) if name == b"vary" else (name, value)
            for name, value in answer.headers
            if (kept := _without_cookie(value)) or name != b"vary"
        ]


_DELETES = re.compile(r"^[^=]*=(?:\"\")?;|;\s*max-age=0|;\s*expires=[^;]*1970", re.IGNORECASE)


def _without_cookie(vary: bytes) -> bytes:
    names = [name.strip() for name in vary.split(b",")]
    return b", ".join(name for name in names if name.lower() != b"cookie")


def _name(change: Change, answer: Capture) -> str:
    """What is different about a visitor, in words: of several headers, those that page code looked at."""
    if len(change.headers) < 2 or change.identity:
        return change.name
    names = [name for field, _ in change.headers if (name := field.decode()) in answer.looked_up]
    return f"the header{'s' * (len(names) > 1)} {', '.join(names)}" if names else change.name


def _as_plain(steady: Steady | None, plain: Capture, answer: Capture) -> bool:
    """True if `answer` differs from the snapshot only as a plain render does."""
    if (answer.status, bool(answer.error), answer.timed_out) != (plain.status, bool(plain.error), plain.timed_out):
        return False
    if CANARY.encode() in answer.body and CANARY.encode() not in plain.body:
        return False
    return answer.body == plain.body or steady is None or steady.explains(answer.body)


def _varies(snapshot: Snapshot) -> set[str]:
    named = next((value for name, value in snapshot.headers if name == "vary"), "")
    return {name.strip().lower() for name in named.split(",")}


def _proven(identities: list[Change]) -> set[str]:
    """What of a visitor is harmless if the page is the same for these."""
    sent = {name.decode() for change in identities for name, _ in change.headers}
    return {what for name, proven in _PROVES.items() if name in sent for what in proven}


def _off(route: Route | None) -> str:
    return "prerender = False" if route is not None and route.own else "@prerender(False)"


def reads_findings(reads: Mapping[str, str], route: Route | None) -> Iterator[Finding]:
    """What page code reads that only a visitor has, and that its mark does not name. reads: as in `Capture`. Messages say
    "it ..."."""
    mark = (route.mark or route.group) if route is not None else None
    meant = {READS[name] for name in mark.reads} if mark is not None else set[str]()
    for what, where in reads.items():
        if what not in meant:
            kind = "session" if what == READS["session"] else "reads"
            frames = (where,) if where else ()
            message = f"it reads {what}, which a build has not"
            yield Finding(kind, message, _reads_remedy(what, route), frames=frames, cause=what)


def _reads_remedy(what: str, route: Route | None) -> str:
    """What can be done about a page that reads `what`."""
    name = next((name for name, words in READS.items() if words == what), "")
    remedy = f"Render it on demand: {_off(route)}."
    own = route is not None and route.own
    if name in {"cookie", "authorization", "session", "user", "state"}:
        remedy += " If nothing of it is shown, prove that by somebody who is logged in: identities={...}"
        return remedy + ("." if own else f', or say that you know: @prerender(reads=["{name}"]).')
    return remedy if own else remedy + f' Or say that you know: @prerender(reads=["{name}"]).'
