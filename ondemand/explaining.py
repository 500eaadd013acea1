"""Why a path is answered as it is: `explain` follows a GET for it through the site, as `OnDemand.__call__` would take it, and
keeps what decided on the way.

One explanation, two printers: the command `ondemand why`, and the page that `ondemand dev` serves.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast
from urllib.parse import quote, unquote_to_bytes, urlsplit

from ondemand._asgi import Scope
from ondemand.errors import ConfigError, StoreError
from ondemand.frames import describe, place
from ondemand.modes import use_snapshots
from ondemand.own_pages import is_malformed
from ondemand.proxies import checked_host
from ondemand.routing import Decision, Route, Rule, decide, to_url
from ondemand.site import Site
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.public import PublicFolder
from ondemand.snapshots.reload import older_assets
from ondemand.snapshots.server import Answer, SnapshotServer, Terms, request_headers
from ondemand.snapshots.store import Generation, Store

__all__ = ["Asked", "RouteFacts", "Why", "explain", "route_facts"]

_IN_PATH = "/%!$&'()*+,;=:@~-._"
_IN_QUERY = _IN_PATH + "?"


class Asked(NamedTuple):
    """What is explained: a GET.

    text: as it was written. path: decoded once, as servers do. raw, query: as they stand in a request. host: "" for the one
    that the build asks for. is_url: a whole URL was written, whose path begins with `base`.
    """

    text: str
    path: str
    raw: bytes
    query: bytes
    host: str
    is_url: bool

    @classmethod
    def read(cls, text: str) -> Asked:
        """From "/about", "/caf%C3%A9", "/café", "/search?q=1" or "https://shop.example/about"; a fragment is no part of a
        request. Raises `ConfigError` for anything else."""
        wrong = f"{text!r} is no path. Write it as /about, or as a whole URL of the site: http://localhost:8000/about."
        target, host = text, ""
        if is_url := re.match("https?://", text, re.IGNORECASE) is not None:
            try:
                parts = urlsplit(text)
            except ValueError:
                raise ConfigError(wrong) from None
            checked = checked_host(parts.netloc)
            if checked is None:
                raise ConfigError(wrong)
            host = parts.netloc.lower()
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not target.startswith("/"):
            raise ConfigError(wrong)
        path, _, query = target.partition("#")[0].partition("?")
        raw = quote(path.encode("utf-8", "surrogateescape"), safe=_IN_PATH)
        decoded = unquote_to_bytes(raw).decode("utf-8", "replace")
        escaped = quote(query.encode("utf-8", "surrogateescape"), safe=_IN_QUERY)
        return cls(text, decoded, raw.encode(), escaped.encode(), host, is_url)


@dataclass(slots=True)
class RouteFacts:
    """A route and its decision. kind: "static", "auto", "on demand", or "candidate" (a build decides). source: "file:line"."""

    pattern: str
    methods: list[str]
    source: str | None
    kind: str
    why: str


@dataclass(slots=True)
class RuleFacts:
    """A rule of `rules=` that covers the path. says: its settings, in words. decides: whether the path is static."""

    pattern: str
    says: str
    decides: bool


@dataclass(slots=True)
class Built:
    """What the last build made of the route: a row of its routes.json."""

    generation: str
    kind: str
    why: str
    pages: int


@dataclass(slots=True)
class Form:
    """One stored form of a body. encoding: "identity", "gzip", ... size: in bytes."""

    encoding: str
    size: int
    etag: str


@dataclass(slots=True)
class SnapshotFacts:
    """A snapshot, whether or not it answers.

    published: when its generation was, in seconds since 1970, None if that was not noted. captured: when its body was first
    made. age: seconds since then. headers: what a GET without Accept-Encoding gets.
    """

    generation: str
    published: int | None
    captured: int
    age: int
    kind: str
    file: str
    status: int
    encodings: list[Form]
    headers: list[tuple[str, str]]


@dataclass(slots=True, kw_only=True)
class Why:
    """Why a path is answered as it is. `facts` and `to_json` are what printers show.

    asked: as it was written. path: decoded, without `base`. answer: what a visitor gets; "nothing": an error, because nothing
    answers. status: None where only a render tells. sentence: what a visitor gets and why, in one sentence. reasons: why
    the snapshot that there is does not answer. not_for: requests for the path that the snapshot does not answer. built: None if
    no build knows the route. findings: rows of the last build's findings.json, about this path or its route.
    """

    asked: str
    path: str
    query: str
    answer: Literal["snapshot", "on demand", "redirect", "file", "nothing"] = "on demand"
    status: int | None = None
    sentence: str = ""
    reasons: list[str] = field(default_factory=list[str])
    route: RouteFacts | None = None
    rules: list[RuleFacts] = field(default_factory=list[RuleFacts])
    built: Built | None = None
    snapshot: SnapshotFacts | None = None
    not_for: list[str] = field(default_factory=list[str])
    guards: list[str] = field(default_factory=list[str])
    skipped_middleware: list[str] = field(default_factory=list[str])
    findings: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def to_json(self) -> dict[str, Any]:
        """One object; its schema is in the README."""
        return {"ondemand": 1, **asdict(self)}

    def facts(self) -> Iterator[tuple[str, Sequence[str]]]:
        """What a person reads below the sentence: (name, lines). Text of paths and pages is in it as it is: escape it."""
        if self.reasons:
            yield "not used", self.reasons
        if (route := self.route) is not None:
            methods = f"  {', '.join(route.methods)}" if route.methods else ""
            yield "route", [f"{route.pattern}{methods}" + (f"  {route.source}" if route.source else "")]
            yield "rendered", [f"{route.kind} ({route.why})"]
        if self.built is not None:
            pages = f", {self.built.pages:,} {'page' if self.built.pages == 1 else 'pages'}" if self.built.pages else ""
            yield "last build", [f"{self.built.generation}: {self.built.kind}{pages} ({self.built.why})"]
        if self.rules:
            yield "rules", [f"{one.pattern}: {one.says}{'  (decides)' if one.decides else ''}" for one in self.rules]
        if (made := self.snapshot) is not None:
            yield "snapshot", [f"{made.file} of generation {made.generation}, status {made.status}"]
            yield "made", list(_times(made))
            yield "encodings", [f"{form.encoding}: {form.size:,} bytes, ETag {form.etag}" for form in made.encodings]
            yield "headers", [f"{name}: {value}" for name, value in made.headers]
        if self.guards:
            yield "guards", self.guards
        if self.skipped_middleware:
            yield "skips", [f"{name}, which lies inside OnDemand" for name in self.skipped_middleware]
        if self.not_for:
            yield "not for", self.not_for
        for row in self.findings:
            linked = [f"linked from {', '.join(row['referrers'][:5])}"] if row["referrers"] else []
            lines = [f"{row['kind']} ({row['policy']}): {row['message']}", row["remedy"], *row["frames"], *linked]
            yield "finding", [line for line in lines if line]


def _times(made: SnapshotFacts) -> Iterator[str]:
    yield f"{_utc(made.captured)} ({ago(made.age)})"
    if made.published is not None and made.published > made.captured:
        yield f"its body is the same since; the generation is of {_utc(made.published)}"


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def ago(seconds: float) -> str:
    """ "3 minutes ago", "just now"."""
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if (count := int(seconds // size)) > 0:
            return f"{count:,} {name}{'' if count == 1 else 's'} ago"
    return "just now"


async def explain(
    site: Site, asked: Asked, *, now: float, state: Mapping[str, Any] | None = None, wrapped: bool = True
) -> Why:
    """Why a GET for `asked` is answered as it is, by the code that runs here and the build that is published in `dist`.

    now: seconds since 1970. state: of the lifespan, for `paths` of pages of our own. wrapped: the app has an OnDemand.
    """
    return await _Explanation(site, asked, now, state, wrapped=wrapped).why()


def route_facts(route: Route, site: Site, path: str | None = None) -> RouteFacts:
    """The decision about `path` of `route`; None: about the route as a whole."""
    decision = decide(route, site.config, path)
    methods = sorted(route.methods) if route.methods is not None else []
    source = _short(route.source, site.config.root) or None
    kind = "auto" if decision.auto else decision.kind
    why = _decided_by(decision, route, site)
    if route.unlisted:
        why += f" ({route.unlisted}: links alone lead to its pages)"
    return RouteFacts(route.pattern.text, methods, source, kind, why)


def _decided_by(decision: Decision, route: Route | None, site: Site) -> str:
    """What decided, as the user wrote it."""
    mark = route.mark if route is not None else None
    value = mark.resolve(site.config) if mark is not None and (route is None or route.answers_get) else None
    if route is not None and value is not None:
        where = _short(route.source, site.config.root)
        if getattr(route, "in_file", False):
            return f"prerender = {value!r} in {where}" if decision.why.startswith("prerender") else decision.why
        written = "@prerender" if value is True else f"@prerender({value!r})"
        return f"{written} at {where}" if where else f"Route(prerender={value!r})"
    if decision.rule is None:
        return decision.why
    rule = next(rule for pattern, rule in site.config.rules if pattern.text == decision.rule)
    return f"rules[{decision.rule!r}] says prerender={rule.prerender!r}"


def _short(source: str, root: Path) -> str:
    """ "file:line" with the file as seen from the project."""
    with contextlib.suppress(ValueError):
        return str(Path(source).relative_to(root)) if source else ""
    return source


class _Explanation:
    """One path, followed through the site."""

    def __init__(self, site: Site, asked: Asked, now: float, state: Mapping[str, Any] | None, *, wrapped: bool) -> None:
        self._site = site
        self._asked = asked
        self._now = now
        self._state = state
        self._wrapped = wrapped
        self._host = asked.host or site.config.origin.partition("//")[2]
        self._use, self._off = use_snapshots(site.config, debugged=site.debugged)
        self._dropped: dict[str, str] = {}  # path -> why the code that runs does not use its snapshot
        self._scope = self._make_scope()
        self._why = Why(asked=asked.text, path=asked.path, query=asked.query.decode("ascii"))
        self._damage = self._faulty = ""
        self._unknowing: Route | None = None  # one of our own that covers the path, and does not know it
        self._server = self._open()
        self._live = self._server if self._use and wrapped else None

    def _make_scope(self) -> Scope:
        path, raw, prefix = self._asked.path, self._asked.raw, self._site.prefix
        if prefix and not self._asked.is_url and path != prefix and not path.startswith(prefix + "/"):
            path, raw = prefix + path, to_url(prefix).encode() + raw
        return {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": raw,
            "root_path": "",
            "query_string": self._asked.query,
            "headers": [(b"host", self._host.encode("latin-1", "replace"))],
        }

    def _open(self) -> SnapshotServer | None:
        """The published build, None if there is none that can be read."""
        store = Store(self._site.config.dist)
        try:
            generation = store.open()
        except StoreError as error:
            self._damage = str(error)
            return None
        if generation is None:
            return None
        server = SnapshotServer(generation, self._terms, memory=self._site.config.memory, quick=False)
        server.older = list(older_assets(store, generation, keep=self._site.config.keep))
        return server

    def _terms(self, snapshot: Snapshot, older: bool) -> Terms | None:
        unused = self._site.why_unused(snapshot, self._site.route_of(snapshot), older=older)
        if unused is not None:
            self._dropped[snapshot.path] = unused.why
            return None
        return self._site.terms(snapshot, older)

    # --- the order of a request

    async def why(self) -> Why:
        site, why = self._site, self._why
        path = site.strip(self._scope)
        if path is None:
            return self._nothing(404, f"it lies outside base ({site.config.base})")
        why.path = path
        self._scope = site.inside(self._scope)
        if site.checks_host and not site.proxies.allows(self._scope):
            return self._nothing(400, f"allowed_hosts does not name {self._host}")
        asked = site.redirects_slashes and self._wrapped
        if asked and (location := site.canonical(self._live, path, self._scope)) is not None:
            self._note_guards(path, None)
            return self._redirect(301, location, f'trailing_slash is "{site.config.trailing_slash}"')
        answer = self._snapshot(path)
        route = await self._route(path, answer)
        self._note_route(route, path)
        if answer is not None and not why.reasons:
            return self._from_snapshot(answer)
        return self._from_app(route, path)

    def _snapshot(self, path: str) -> Answer | None:
        """The snapshot for the path, and in `reasons` why it does not answer."""
        server, site, reasons = self._server, self._site, self._why.reasons
        if server is None:
            return None
        answer = server.find(path) or (site.find_other_spelling(server, path) if site.spells_freely else None)
        if answer is None:
            return self._unused(server)
        self._note_snapshot(answer)
        if not self._use:
            reasons.append(f"snapshots are off ({self._off})")
        if not self._wrapped:
            reasons.append("the app has no OnDemand, which would answer with it")
        headers = request_headers(self._scope)
        if not answer.fits(self._scope, headers):
            if answer.fits({**self._scope, "raw_path": None}, headers):
                reasons.append("its path has a slash or backslash as an escape, which is another path to the app")
            else:
                reasons.append("it has a query, which may change what the app answers")
        if site.hosts and not site.serves(headers):
            reasons.append(f"{self._host} leads to other routes than {site.config.origin}, which it was made for")
        try:
            for encoding in answer.snapshot.encodings:
                os.close(answer.generation.open(answer.snapshot, encoding))
        except StoreError as error:
            reasons.append(str(error).rstrip("."))
        return answer

    def _unused(self, server: SnapshotServer) -> Answer | None:
        """A snapshot that the code that runs does not use (any more)."""
        for path, reason in self._dropped.items():
            for generation in (server.generation, *server.older):
                snapshot = generation.get(path)
                if snapshot is not None:
                    answer = Answer(generation, snapshot, Terms())
                    self._note_snapshot(answer)
                    self._why.reasons.append(f"{reason}. Build again")
                    return answer
        return None

    async def _route(self, path: str, answer: Answer | None) -> Route | None:
        """The route that answers the path: of those of our own, the first whose paths name it."""
        site = self._site
        route = site.table.match(path, host=self._host)
        if route is None or not route.own or site.own is None:
            return route
        if answer is not None and not self._why.reasons:
            return site.route_of(answer.snapshot)
        try:
            found = await site.own.find(path, state=self._state, is_published=self._is_published)
        except Exception as error:
            self._faulty = f"the paths of {route.pattern.text} raise {describe(error).rstrip('.')}"
            return route
        if found is not None:
            return found.route
        self._unknowing = route
        return site.app_table.match(path, host=self._host)

    def _is_published(self, path: str) -> bool | None:
        """As `Site.is_published`."""
        return None if self._live is None else self._why.snapshot is not None

    # --- what a visitor gets

    def _from_snapshot(self, answer: Answer) -> Why:
        why, made = self._why, self._why.snapshot
        assert made is not None
        why.answer, why.status = "snapshot", answer.status
        front = f"; {self._in_front()} is asked first" if why.guards else ""
        status = "" if answer.status == 200 else f" with status {answer.status}"
        why.sentence = (
            f"{self._get()} is answered{status} from a snapshot of generation {made.generation}, made {ago(made.age)}; "
            f"the app is not asked{front}."
        )
        why.skipped_middleware = self._site.skipped
        why.not_for = list(self._exceptions(answer))
        return why

    def _exceptions(self, answer: Answer) -> Iterator[str]:
        """Requests for the path that the snapshot does not answer."""
        yield "methods other than GET and HEAD"
        if not answer.ignores_query:
            yield "a query, unless every name in it only tracks visitors (utm_source, fbclid, ...)"
        for name in sorted(answer.vary):
            yield f"the header {name.decode('latin-1')}, which its Vary names"
        if not answer.is_asset:
            yield "scripts that ask for a part of a page (hx-request, x-requested-with, turbo-frame, ...)"
        if self._site.hosts:
            yield "hosts that lead to other routes"

    def _from_app(self, route: Route | None, path: str) -> Why:
        """What answers where no snapshot does, in the order in which it is tried."""
        site, why, config = self._site, self._why, self._site.config
        decision = decide(route, config, path)
        own = route is not None and route.own
        if self._faulty:
            return self._nothing(500, self._faulty)
        if (own or site.alone) and is_malformed(self._scope):
            return self._nothing(400, "its path is malformed")
        if route is not None and not route.answers_get:
            return self._missing(path)
        if route is not None and not own and self._is_closed(route):
            return self._missing(path)
        if self._is_public(path):
            why.answer, why.status = "file", 200
            why.sentence = f"{self._get()} is answered with a file of the public folder."
            return why
        if route is None and site.own is not None and (other := site.own.elsewhere(path)) is not None:
            return self._redirect(301, to_url(site.prefix + other), "that is how the site spells it")
        found = config.redirects.find(path, "GET", site.prefix, config.trailing_slash)
        if found is not None and not own:
            return self._redirect(*found, "the configured redirects say so")
        if route is None and site.table.known:
            return self._missing(path)
        front = f"; {self._in_front()} is asked first" if why.guards else ""
        why.sentence = f"{self._get()} is rendered on demand{self._because(route, decision, path)}{front}."
        return why

    def _is_public(self, path: str) -> bool:
        """True for a file of the public folder, which is served as it is where no snapshots are."""
        folder = self._site.config.public
        if folder is None or self._live is not None or not self._wrapped:
            return False
        return PublicFolder(folder).find(path) is not None

    def _is_closed(self, route: Route) -> bool:
        """True if there is a build, which made every page of the route that there is, and not this one."""
        return route.mark is not None and route.mark.unknown == "404" and self._is_published(self._why.path) is False

    def _because(self, route: Route | None, decision: Decision, path: str) -> str:
        why, by = self._why, _decided_by(decision, route, self._site)
        if why.reasons and why.snapshot is not None:
            name = why.snapshot.generation
            return f", although generation {name} has a snapshot of it: {'; '.join(why.reasons)}"
        if not decision.is_static:
            return f": {by}"
        if not self._wrapped:
            return ": the app has no OnDemand. Add app.add_middleware(OnDemand)"
        if self._damage:
            return f": {self._damage.rstrip('.')}"
        if self._server is None:
            what = "it is static" if decision.kind == "static" else "a build decides whether it is static"
            return f": nothing is published in {_short(str(self._site.config.dist), self._site.config.root)}; {what} ({by})"
        name = self._server.generation.name
        if decision.kind == "static":
            return f": it is static ({by}), but generation {name} has no snapshot of it. Build again"
        if why.built is not None and why.built.kind == "on demand":
            return f": the build of generation {name} found that {why.built.why}"
        return f": no link led the build of generation {name} to it, or its answer is not the same for everyone"

    def _missing(self, path: str) -> Why:
        covering = self._unknowing or self._site.table.match(path, host=self._host)
        if covering is not None and covering.answers_get:
            closed = self._is_closed(covering)
            made = 'the last build made no such page, and its route has no others (unknown="404")'
            return self._nothing(404, made if closed else f"the paths of {covering.pattern.text} do not name it")
        routes = [route for route in self._site.table if route.pattern.match(path) is not None]
        methods = sorted({method for route in routes for method in route.methods or ()})
        if methods:
            return self._nothing(405, f"{routes[0].pattern.text} answers {', '.join(methods)} only")
        other = path[:-1] if path.endswith("/") else path + "/"
        near = self._site.table.match(other, host=self._host) if path != "/" else None
        hint = f"; {other} has one, and a framework may redirect there" if near is not None else ""
        return self._nothing(404, f"no route has this path{hint}")

    def _nothing(self, status: int, reason: str) -> Why:
        self._why.answer, self._why.status = "nothing", status
        self._why.sentence = f"{self._get()} answers {status}: {reason}."
        return self._why

    def _redirect(self, status: int, location: str, reason: str) -> Why:
        self._why.answer, self._why.status = "redirect", status
        self._why.sentence = f"{self._get()} redirects to {location} ({status}): {reason}."
        return self._why

    def _get(self) -> str:
        return f"GET {self._asked.text.partition('#')[0]}"

    def _in_front(self) -> str:
        return (
            f"the guard {self._why.guards[0]}"
            if len(self._why.guards) == 1
            else f"each of {len(self._why.guards)} guards"
        )

    # --- what is noted on the way

    def _note_route(self, route: Route | None, path: str) -> None:
        site, why = self._site, self._why
        if route is not None:
            why.route = route_facts(route, site, path)
        deciding = decide(route, site.config, path).rule
        for pattern, rule in site.config.rules.covering(path, route):
            why.rules.append(RuleFacts(pattern.text, _says(rule), decides=pattern.text == deciding))
        self._note_guards(path, route)
        if self._server is not None:
            self._note_build(self._server.generation, route, path)

    def _note_guards(self, path: str, route: Route | None) -> None:
        self._why.guards = [place(guard) for guard, _ in self._site.guards(path, route)]

    def _note_snapshot(self, answer: Answer) -> None:
        snapshot = answer.snapshot
        published = answer.generation.header.get("made")
        self._why.snapshot = SnapshotFacts(
            generation=answer.generation.name,
            published=published if isinstance(published, int) else None,
            captured=snapshot.time,
            age=max(0, int(self._now - snapshot.time)),
            kind=snapshot.kind,
            file=snapshot.file,
            status=snapshot.status,
            encodings=[Form(name or "identity", size, etag) for name, (size, etag) in snapshot.encodings.items()],
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers],
        )

    def _note_build(self, generation: Generation, route: Route | None, path: str) -> None:
        """What the last build found out about the route, and its findings about the path or the route."""
        pattern = route.pattern.text if route is not None else None
        methods = sorted(route.methods) if route is not None and route.methods is not None else []
        for row in _rows(generation.folder / "routes.json", ("kind", "why", "pages")):
            if (row.get("pattern"), row.get("methods")) == (pattern, methods):
                self._why.built = Built(generation.name, row["kind"], row["why"], row["pages"])
        shape = ("kind", "policy", "route", "path", "message", "remedy", "referrers", "frames")
        for row in _rows(generation.folder / "findings.json", shape):
            once = row["path"] is None or row["kind"] == "reads"  # said once of all pages of a route
            if row["path"] == path or (once and pattern is not None and row["route"] == pattern):
                self._why.findings.append(row)


def _rows(file: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a list in JSON that have all these names; none if there is no such file, or none that can be read."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    rows = cast("list[Any]", found) if isinstance(found, list) else []
    return [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict) and all(name in row for name in names)]


def _says(rule: Rule) -> str:
    """The settings of a rule, as they are written, without those that it leaves open."""
    said: list[str] = []
    for name in ("prerender", "query", "stream", "check_origin"):
        if (value := getattr(rule, name)) is not None:
            said.append(f"{name}={value!r}")
    if rule.vary:
        said.append(f"vary={list(rule.vary)!r}")
    if rule.headers:
        said.append(f"headers={dict(rule.headers)!r}")
    if rule.guard is not None:
        said.append(f"guard={getattr(rule.guard, '__qualname__', type(rule.guard).__qualname__)}")
    return ", ".join(said) or "nothing"
