"""Visits the paths of one app, decides what is static, and stores it.

The parent (`build.py`) decides nothing about pages: it hands out paths and writes down what comes back. A `Worker` knows the
app: which route answers a path, how it is rendered, what its answer says. `process.py` carries the words between them.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ondemand._asgi import ASGIApp
from ondemand.capture import Capture, Visitor
from ondemand.config import Config
from ondemand.discovery import RouteTable, check, lead_nowhere
from ondemand.errors import ParamError, StoreError
from ondemand.frames import describe, user_frames
from ondemand.frameworks.reading import hosts
from ondemand.paths import entries, params_of, props_of
from ondemand.prerendering import signals
from ondemand.prerendering.compression import compressors, unpack
from ondemand.prerendering.lint import Lint
from ondemand.prerendering.messages import Expanded, Hello, Job, Order, Proved, Visited
from ondemand.prerendering.proof import Prover, reads_findings
from ondemand.prerendering.reading import Reader, is_document
from ondemand.prerendering.report import Finding, RouteReport, seconds, static_but
from ondemand.prerendering.written import address, as_written, kept_headers, refresh_page, what_changed
from ondemand.routing import Decision, Route, decide, path_fault, portability_fault, redirect_target
from ondemand.site import Site
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.public import PublicFolder, content_type
from ondemand.snapshots.store import SUFFIXES, Files, Store, file_name

if TYPE_CHECKING:
    from ondemand.pages import PageRoute

__all__ = ["Worker"]

REPEATS = 8
"""How often one segment may follow itself in a path before links are taken to grow for ever."""

_STILL_PROVEN = frozenset({"reads", "session", "vary"})
"""Kinds of findings whose page is proven all the same: what it depends on is told, or that it does not."""

_NEVER_STORED = frozenset({"error", "timeout", "broken-link"})
"""Kinds of findings of which no snapshot is made, whatever the policy: there is no whole answer to keep."""


class Worker:
    """Visits paths of one app. Made inside the lifespan."""

    def __init__(
        self,
        app: ASGIApp,
        site: Site,
        state: Mapping[str, Any] | None,
        folder: Path | None,
        order: Order,
        *,
        wrapped: bool,
    ) -> None:
        """folder: that of the running build's `Publisher`. wrapped: the app has an OnDemand of its own."""
        self._wrapped = wrapped
        self._alone = isinstance(order.target, str)
        self._app = app
        self.site = site
        self.config: Config = site.config
        self.table: RouteTable = site.table
        self._state = state
        self._visitor = Visitor(
            app,
            origin=self.config.origin,
            prefix=site.prefix,
            state=state,
            timeout=self.config.page_timeout,
            bare=self.config.trailing_slash == "never",
        )
        self._host = self.config.origin.partition("//")[2]
        self._public = PublicFolder(self.config.public) if self.config.public is not None else None
        self.abandoned = self._visitor.abandoned
        self.closed: set[str | None] = set()  # routes that links have filled: see `Config.crawl_limit`
        self._lint = Lint(site=self.config.site, origin=self.config.origin, posts=self._answers_post)
        self._prover: Prover | None = None
        self._reader = Reader(self.config, site.prefix, abroad=order.abroad)
        if folder is not None:
            self._open_store(folder, order)
            endpoints = [route.endpoint for route in self.table]
            self._prover = Prover(app, self.config, self._visitor, state, folder, endpoints, hosts(app))

    def _open_store(self, folder: Path, order: Order) -> None:
        settings, pack = compressors(max_compress=order.max_compress)
        previous = None
        try:
            previous = Store(order.dist or self.config.dist).open()
        except StoreError:
            previous = None  # a damaged generation gives nothing to a new one
        self._previous = previous
        same = previous is not None and previous.header.get("compress") == settings
        self._files = Files(folder, previous=previous if same else None, compressors=pack if order.compress else {})

    # --- one path

    async def visit(self, job: Job) -> Visited:
        """Decide how `job.path` is rendered; capture and store it if it may be static. Never raises for the app's faults.

        Raises `OSError` if the store cannot be written.
        """
        if job.kind == "public":
            return self._publish_file(job)
        path = job.path
        route = await self._route(path)
        if job.kind == "read":
            return await self._read(job)
        fault = path_fault(path) or ("its links spell a slash or backslash as an escape" if job.encoded else None)
        if fault is not None or (fault := _grows(path)):
            return self._unnamed(job, route, fault)
        if job.kind in {"ask", "exists"}:
            return await self._ask(job, route)
        if route is not None and route.directory:
            return await self._asset(job, route)
        decision = decide(route, self.config, path)
        if not decision.is_static and not (route is None and self.table.known):
            return Visited(job.id, "on demand", decision.why, _text(route))
        if decision.kind == "candidate" and _text(route) in self.closed:
            return Visited(job.id, "on demand", "links reach more pages of its route than crawl_limit", _text(route))
        answer = await self._visitor.capture(path)
        visited = self._judge(job, route, decision, answer)
        visited.seconds = answer.seconds
        return visited

    async def prove(self, job: Job) -> Proved:
        """Prove the snapshot that was made of `job.path`: see `proof.py`."""
        assert self._prover is not None
        route = await self._route(job.path)
        return await self._prover.prove(job, route, decide(route, self.config, job.path))

    async def _ask(self, job: Job, route: Route | None) -> Visited:
        """Does a path that no snapshot answers lead anywhere? "ask": asked once, as a visitor would; "exists": only a page
        that was asked leads there, so that a route which answers it is enough."""
        decision = decide(route, self.config, job.path)
        visited = Visited(job.id, "on demand", decision.why, _text(route))
        if job.kind == "exists":
            visited.route, visited.why = None, "only pages that are rendered on demand link to it"
            if route is not None and not route.directory:
                return visited
        answer = await self._visitor.capture(job.path)
        visited.status, visited.seconds = answer.status or answer.outer_status, answer.seconds
        if answer.timed_out and not answer.outer_status:  # what has begun is a stream: it may last
            finding = next(self._faults(answer, False, job, route))
            return self._with(visited, finding, job, route)
        if not answer.timed_out:
            status, own = visited.status, job.path.rstrip("/") == f"/{visited.status}"
            what = f"it raised {answer.error}" if answer.error else f"it answers {status}"
            if answer.error or (not own and (status in {404, 410} or status >= 500)):
                message = f"It is linked to, but {what.rstrip('.')}."
                finding = Finding(
                    "broken-link", message, "Correct the link or the page.", frames=answer.frames, plain=True
                )
                self._with(visited, finding, job, route)
        if job.kind == "ask":
            self._read_links(visited, answer, job, route)
        return visited

    async def _read(self, job: Job) -> Visited:
        """Ask once more, for the lines of what the page links to."""
        answer = await self._visitor.capture(job.path)
        return Visited(job.id, "on demand", targets=self._reader.targets(answer))

    async def _route(self, path: str) -> Route | None:
        """The route that answers `path`: of those of our own, the first whose paths name it; None if they all name others."""
        route = self.table.match(path, host=self._host)
        if route is not None and route.own and self.site.own is not None:
            found = await self.site.own.find(path, state=self._state)
            return found.route if found is not None else None
        return route

    def _answers_post(self, path: str) -> bool:
        route = self.table.match(path, method="POST", host=self._host)
        return route is not None and (route.methods is None or "POST" in route.methods)

    def _unnamed(self, job: Job, route: Route | None, fault: str) -> Visited:
        """A path that can never be a snapshot: fine if the app answers it, else a broken link."""
        if fault.startswith("it is longer") or "follows itself" in fault:
            finding = Finding("endless", f"Links grow for ever: {fault}.", "Stop the page from linking below itself.")
            return self._with(Visited(job.id, "fault", fault, _text(route)), finding, job, route)
        if route is None and self.table.known:
            finding = Finding("broken-link", f"No route answers this path: {fault}.", "Correct the link.")
            return self._with(Visited(job.id, "fault", fault), finding, job, route)
        return Visited(job.id, "on demand", f"it cannot be a snapshot: {fault}", _text(route))

    def _judge(self, job: Job, route: Route | None, decision: Decision, answer: Capture) -> Visited:
        """What the answer to a visit makes of its path."""
        marked = decision.kind == "static"
        visited = Visited(job.id, "on demand", route=_text(route), status=answer.status, size=len(answer.body))
        blocked = False
        if not marked and (reason := signals.reads(answer)) is not None:
            visited.why = reason  # whatever it answered, a visitor may get something else
            self._read_links(visited, answer, job, route)
            return visited
        for finding in self._faults(answer, marked, job, route):
            policy = self.config.findings.of(finding.kind, job.path)
            fails = policy == "fail" and finding.kind not in _STILL_PROVEN
            if fails or finding.kind in _NEVER_STORED or not marked:
                blocked = True
                visited.outcome = "on demand" if policy == "ignore" else "fault"
                visited.why = finding.message
            self._with(visited, finding, job, route)
        self._read_links(visited, answer, job, route)
        if blocked:
            return visited
        if not decision.is_static:
            visited.why = decision.why
            return visited
        why = None if marked else self._outer_answer(answer) or signals.why_not_plain(answer)
        if why is None and not marked and (address := self._made_up_address(answer)):
            why = f"it contains {address}, the address that the build asked at: set `site`"
        if why is None and not marked and (fault := portability_fault(job.path)):
            why = fault
        if why is None and route is None and self.table.known and is_document(answer):
            why = "no route that can be read answers it: how it is marked cannot be told"
        if why is None and not marked:
            why = self._lint_unmarked(visited, answer, job, route)
        if why is not None:
            visited.why = why
            return visited
        visited.outcome, visited.why = "static", decision.why
        self._store(visited, job, route, answer)
        return visited

    def _lint_unmarked(self, visited: Visited, answer: Capture, job: Job, route: Route | None) -> str | None:
        """Why the page stays on demand; what is only worth a warning is one."""
        for finding in self._lint.findings(answer):
            policy = self.config.findings.of(finding.kind, job.path)
            if policy == "fail":
                return finding.message
            finding.message = f"{finding.message[0].upper()}{finding.message[1:]}."
            self._with(visited, finding, job, route)
        return None

    def _faults(self, answer: Capture, marked: bool, job: Job, route: Route | None) -> Iterator[Finding]:
        """Everything that fails this page."""
        if answer.timed_out:
            yield Finding(
                "timeout",
                f"It did not finish in {seconds(self.config.page_timeout)}.",
                "Look at where it waits; if it needs longer, raise page_timeout.",
                frames=answer.frames,
            )
            return
        if answer.error:
            said = answer.error.startswith("the app ")
            message = answer.error.capitalize() if said else f"It raised {answer.error}"
            yield Finding("error", f"{message.rstrip('.')}.", "Correct the page.", frames=answer.frames)
            return
        if (fault := _status_fault(answer, marked, route)) is not None:
            if 400 in {answer.status, answer.outer_status}:
                host = self.config.origin.partition("//")[2]
                let_in = f"If the app refuses the host {host}, let it in (Django: ALLOWED_HOSTS)"
                fault.remedy = f"{let_in}, or set `site` to one that it lets in. {fault.remedy}"
            if job.kind != "seed" or fault.kind != "broken-link":  # nobody said that there is a page at "/"
                yield fault
            return
        if marked:
            yield from self._marked_faults(answer, route)

    def _marked_faults(self, answer: Capture, route: Route | None) -> Iterator[Finding]:
        own = route is not None and route.own
        but = partial(static_but, marked=not own)
        if reason := self._outer_answer(answer):
            yield Finding("status", f"It never reached OnDemand: {reason}.", "Set `site` to an origin that it lets in.")
        for reason in signals.private_signals(answer):
            remedy = "Render it on demand (@prerender(False)), or take that off the page."
            frames = tuple(filter(None, answer.writes.values())) if reason.startswith("it sets") else ()
            yield Finding("private", but(reason), remedy, frames=frames)
        if address := self._made_up_address(answer):
            message = f"It contains {address}, the address that the build asked at."
            yield Finding("origin", message, 'Set site="https://..." to where the site lives, or link by path.')
        for finding in self._lint.findings(answer):
            finding.message = but(finding.message)
            yield finding
        if reason := signals.varies_by_visitor(answer):
            remedy = (
                "Render it on demand, or, if its plain answer may go to everyone who sends none of these, allow it: "
                'findings={"vary": "ignore"}.'
            )
            yield Finding("vary", but(reason), remedy)
        for finding in reads_findings(answer.reads, route):
            finding.message = but(finding.message)
            yield finding
        is_folder = route is not None and route.pattern.takes_rest and answer.path.endswith("/") and not own
        if is_folder and not is_document(answer):
            message = "Its rest parameter is empty, so that it has the path of a folder, but it is no HTML document."
            yield Finding(
                "collision", message, "Take that entry out of its `paths`, or give the file a name of its own."
            )
        if fault := portability_fault(answer.path):
            remedy = 'Rename it, or allow such names: findings={"name": "ignore"}.'
            if self.config.findings.of("name", answer.path) == "fail":
                yield Finding("name", f"Its path is no portable file name: {fault}.", remedy)
        declares = route.declares if route is not None else ()
        if declares and any(rule.query == "ignore" for _, rule in self.config.rules.covering(answer.path, route)):
            declares = tuple(reason for reason in declares if not reason.startswith("the query"))
        if declares:
            yield Finding(
                "declares",
                but(f"it declares {', '.join(declares)}"),
                "Render it on demand (@prerender(False)), take the parameter off, or, for a query that may be "
                'ignored, set rules={"...": Rule(query="ignore")}.',
            )

    def _made_up_address(self, answer: Capture) -> str | None:
        """An absolute URL of the page's own that is only true of this build (`url_for` makes them)."""
        return None if self.config.site else signals.names_origin(answer, self.config.origin)

    def _outer_answer(self, answer: Capture) -> str | None:
        if answer.status:
            return None
        location = next((v.decode("latin-1") for n, v in answer.outer_headers if n == b"location"), "")
        return f"something in front of it answered {answer.outer_status}" + (f" to {location}" if location else "")

    def _read_links(self, visited: Visited, answer: Capture, job: Job, route: Route | None) -> None:
        if answer.status >= 400 and answer.path.rstrip("/") != f"/{answer.status}":
            return  # a page about an error links to what is about the error
        for finding in self._reader.read(visited, answer):
            self._with(visited, finding, job, route)

    def _with(self, visited: Visited, finding: Finding, job: Job, route: Route | None) -> Visited:
        finding.path = job.path
        finding.route = _text(route) or ""
        visited.findings.append(finding)
        return visited

    # --- what is stored

    def _store(self, visited: Visited, job: Job, route: Route | None, answer: Capture, kind: str = "page") -> None:
        body, headers = answer.body, kept_headers(answer)
        if 300 <= answer.status < 400:
            location = (answer.header(b"location") or b"").decode("latin-1")
            shown = address(job.path, self.config)
            body = refresh_page(location, shown, answer.status, self.config.site).encode()
            headers = [(n, v) for n, v in headers if n != "content-type"] + [
                ("content-type", "text/html; charset=utf-8")
            ]
        media = dict(headers).get("content-type", "").partition(";")[0].strip().lower()
        is_html = media in {"text/html", "application/xhtml+xml"} and (kind == "page" or job.path.endswith("/"))
        spelled = as_written(route, job.path, is_html=is_html, preserve=self.config.build_format == "preserve")
        name = file_name(spelled, is_html=is_html, build_format=self.config.build_format)
        guarded = bool(self.site.guards(job.path, route))
        snapshot = Snapshot(
            path=job.path,
            kind="asset" if kind == "asset" else "page",
            file=f"{'guarded' if guarded else 'site'}/{name}",
            status=answer.status,
            route=_text(route),
            time=int(time.time()),
            headers=tuple(headers),
            guarded=guarded,
        )
        self._write(visited, snapshot, body, job, route)

    def _write(
        self,
        visited: Visited,
        snapshot: Snapshot,
        body: bytes,
        job: Job,
        route: Route | None,
        packed: Mapping[str, bytes] | None = None,
    ) -> None:
        try:
            written, visited.shared = self._files.write(snapshot, body, again=job.again, packed=packed)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            visited.outcome, visited.why, visited.file = "fault", "another page has its file", snapshot.file
            finding = Finding("collision", f"Its file {snapshot.file} is taken by another page.", "Rename one of them.")
            self._with(visited, finding, job, route)
            return
        visited.line, visited.file = written.to_line(), written.file
        visited.size = len(body)
        old = self._previous.get(job.path) if self._previous is not None and job.path in self._previous else None
        if old is None:
            visited.change = "added"
        else:
            visited.what = what_changed(old, written)
            visited.change = "changed" if visited.what else "same"

    async def _asset(self, job: Job, route: Route) -> Visited:
        """A file of a mount of static files: captured like a page, so that its headers are kept."""
        mount = self.table.routes.index(route)
        decision = decide(route, self.config, job.path)
        if not decision.is_static:
            return Visited(job.id, "on demand", decision.why, _text(route))
        answer = await self._visitor.capture(job.path)
        visited = Visited(job.id, "asset", decision.why, _text(route), status=answer.status, mount=mount)
        visited.seconds = answer.seconds
        if answer.status == 200 and not answer.error and not answer.timed_out and not signals.private_signals(answer):
            self._read_links(visited, answer, job, route)
            self._store(visited, job, route, answer, "asset")
            return visited
        visited.outcome = "on demand"
        if job.kind != "mounted":
            for finding in self._faults(answer, False, job, route):
                visited.outcome, visited.why = "fault", finding.message
                self._with(visited, finding, job, route)
        return visited

    def _publish_file(self, job: Job) -> Visited:
        """A file of the public folder."""
        assert self._public is not None
        visited = Visited(job.id, "asset", "a file of the public folder")
        file = self._public.find(job.path)
        if file is None:
            visited.outcome = "on demand"
            return self._with(visited, _unpublished("it is gone or no regular file"), job, None)
        route = self.table.match(job.path, host=self._host)
        if route is not None and route.pattern.is_literal:
            message = f"The route {route.pattern.text} and the public file {file} are both served at {job.path}."
            visited.outcome = "fault"
            return self._with(visited, Finding("collision", message, "Rename one of them."), job, route)
        body = Path(file).read_bytes()
        guarded = bool(self.site.guards(job.path))
        headers = [("content-type", content_type(file))]
        for _, rule in self.config.rules.covering(job.path):
            headers += [(name.lower(), value) for name, value in rule.headers.items()]
        snapshot = Snapshot(
            path=job.path,
            kind="asset",
            file=f"{'guarded' if guarded else 'site'}{job.path}",
            status=200,
            route=None,
            time=int(os.stat(file).st_mtime),
            headers=tuple(headers),
            guarded=guarded,
        )
        visited.status = 200
        if headers[0][1].startswith("text/css"):
            self._reader.read_css(visited, body, job.path)
        self._write(visited, snapshot, body, job, None, packed=self._packed_beside(job.path, body))
        return visited

    def _packed_beside(self, path: str, body: bytes) -> dict[str, bytes]:
        """The encodings of a public file that lie beside it (style.css.gz), empty where they hold something else."""
        assert self._public is not None
        found: dict[str, bytes] = {}
        for encoding, suffix in SUFFIXES.items():
            file = self._public.find(path + suffix) if encoding else None
            if file is not None:
                packed = Path(file).read_bytes()
                found[encoding] = packed if unpack(encoding, packed) == body else b""
        return found

    # --- where paths come from

    def hello(self) -> Hello:
        """What the parent starts from."""
        warned = [*check(self.table, self.config, alone=self._alone), *lead_nowhere(self.table, self.config)]
        findings = [Finding(w.kind, w.message, w.remedy, route=w.route) for w in warned]
        if self.site.skipped:
            names = ", ".join(self.site.skipped)
            findings.append(
                Finding(
                    "skipped-middleware",
                    f"Snapshots skip {names}, which lies inside OnDemand.",
                    "Put it outside (add OnDemand first), guard the pages that need it (Rule(guard=...)), "
                    "or say that it is meant: "
                    f"skips={self.site.skipped!r}.",
                )
            )
        if not self._wrapped:
            findings.append(
                Finding(
                    "unwrapped",
                    "The app has no OnDemand: when it is served, it renders every page, and page objects are missing.",
                    "Add app.add_middleware(OnDemand). For a static host alone nothing is needed.",
                )
            )
        routes: list[RouteReport] = []
        seeds: list[tuple[str, str]] = []
        expands: list[int] = []
        for position, route in enumerate(self.table):
            decision = decide(route, self.config)
            if route.own and not decision.is_static and (fault := cast("PageRoute", route).fault) is not None:
                message = f"{cast('PageRoute', route).name} cannot be used: {describe(fault).rstrip('.')}."
                findings.append(Finding("error", message, "Correct the file.", route=route.pattern.text))
            kind = "auto" if decision.auto else decision.kind
            methods = sorted(route.methods) if route.methods is not None else []
            listed = RouteReport(route.pattern.text, methods, kind, decision.why, source=route.source)
            listed.unlisted = route.unlisted
            routes.append(listed)
            mark = route.mark or route.group
            if decision.kind != "static":
                continue
            if route.pattern.is_literal:
                seeds.append((route.pattern.fill({}), "marked"))
            elif mark is not None and mark.paths is not None:
                expands.append(position)
        for path in ("/404", "/500"):  # nobody links to them
            route = self.table.match(path, host=self._host)
            if route is not None and route.pattern.is_literal and decide(route, self.config).kind == "candidate":
                seeds.append((path, "seed"))
        begins = self.table.match("/", host=self._host) is not None or not self.table.known
        if self.config.output == "static" and begins:
            seeds.insert(0, ("/", "seed"))
        config = {
            "dist": str(self.config.dist),
            "keep": self.config.keep,
            "grace": self.config.grace,
            "concurrency": self.config.concurrency,
            "crawl_limit": self.config.crawl_limit,
            "page_timeout": self.config.page_timeout,
            "public": str(self.config.public) if self.config.public is not None else "",
            "root": str(self.config.root),
            "prefix": self.site.prefix,
            "findings": self.config.findings,
            "identities": sorted(self.config.identities),
            "known": self.table.known,
            "origin": self.config.origin,
        }
        closed = [r.pattern.text for r in self.table if not r.own and r.mark and r.mark.unknown == "404"]
        return Hello(config, routes, expands, seeds, findings, self.site.skipped, closed)

    async def expand(self, position: int) -> AsyncIterator[Expanded]:
        """The paths of a route with `paths=`, in portions; its faults with them. Nothing is made into a list."""
        route = self.table.routes[position]
        mark = route.mark or route.group
        assert mark is not None
        portion = Expanded(position, route.pattern.text, [])
        try:
            context = self.site.paths_context(route, self._app, self._state)
            async for entry in entries(mark.paths, context, runs=route.runs):
                self._expand_one(route, entry, portion)
                if len(portion.paths) >= 500 or len(portion.findings) >= 500:
                    yield portion
                    portion = Expanded(position, route.pattern.text, [])
        except BaseException as error:  # also SystemExit, and the cancellation of something that they waited for
            task = asyncio.current_task()
            if isinstance(error, GeneratorExit) or (task is not None and task.cancelling()):
                raise
            message = f"The paths of {route.pattern.text} raised {describe(error).rstrip('.')}."
            finding = Finding("params", message, "Correct its `paths`.", frames=user_frames(error))
            finding.route = route.pattern.text
            portion.findings.append(finding)
        portion.last = True
        yield portion

    def _expand_one(self, route: Route, entry: Any, portion: Expanded) -> None:
        try:
            path = self._spelled(route.pattern.fill(params_of(entry, route)), route)
            found = self.table.match(path, host=self._host)
            if found is not None and found is not route and found.own and route.own:
                if not found.pattern.is_literal and found.mark is not None and found.mark.paths is not None:
                    found = route  # unless the other's paths name it too: the visit finds out
                else:
                    message = f"{route.pattern.text} yields {path}, which {found.pattern.text} keeps."
                    finding = Finding("shadowed", message, "Take it out of its `static_paths`.", path=path)
                    finding.route = route.pattern.text
                    portion.findings.append(finding)
                    return
            if found is not route:
                other = f"the route {found.pattern.text} answers" if found else "no route answers"
                message = f"The route {route.pattern.text} yields {path}, which {other}."
                finding = Finding("collision", message, "Take it out of `paths`, or rename one of them.", path=path)
            else:
                portion.paths.append(path)
                self.site.remember_props(route, path, props_of(entry))
                return
        except ParamError as error:
            finding = Finding("params", str(error))
        finding.route = route.pattern.text
        portion.findings.append(finding)

    def _spelled(self, path: str, route: Route) -> str:
        """`path` with the last slash that the site's links have, if its route takes it."""
        if self.config.trailing_slash != "always" or path.endswith("/") or "." in path.rpartition("/")[2]:
            return path
        return path + "/" if self.table.match(path + "/", host=self._host) is route else path

    def mount(self, position: int) -> Iterator[Expanded]:
        """The files of a mount of static files, by the path they are served at."""
        route = self.table.routes[position]
        prefix = route.pattern.text.removesuffix("/{path:path}")
        for directory in route.directory:
            yield from _portions(position, "mounted", PublicFolder(Path(directory)), prefix)
        yield Expanded(position, "mounted", [], last=True)

    def public(self) -> Iterator[Expanded]:
        """The files of the public folder."""
        if self._public is not None:
            yield from _portions(-1, "public", self._public, "")
        yield Expanded(-1, "public", [], last=True)


def _portions(source: int, kind: str, folder: PublicFolder, prefix: str) -> Iterator[Expanded]:
    files = folder.files()
    while chunk := list(itertools.islice(files, 500)):
        portion = Expanded(source, kind, [prefix + path for path, _, fault in chunk if fault is None])
        for path, _, fault in chunk:
            if fault is not None:
                finding = _unpublished(fault)
                finding.path = prefix + path
                portion.findings.append(finding)
        yield portion


def _unpublished(fault: str) -> Finding:
    return Finding("public", f"This file is not published: {fault}.", "Rename it, or put the file itself there.")


def _text(route: Route | None) -> str | None:
    return route.pattern.text if route is not None else None


def _grows(path: str) -> str | None:
    """Why `path` looks like one of links that grow for ever, or None."""
    for segment, run in itertools.groupby(path.split("/")):
        if segment and len(list(run)) >= REPEATS:
            return f"the segment {segment[:40]!r} follows itself {REPEATS} times"
    return None


def _status_fault(answer: Capture, marked: bool, route: Route | None) -> Finding | None:
    """A status that fails a page: 400 and above if it is marked; not found, gone and the app's own failures if a link
    leads to it. Other refusals (401, 403, 422, ...) of an unmarked page are about the visitor."""
    status = answer.status or answer.outer_status
    if 300 <= status < 400:
        return _redirect_fault(answer) if marked and answer.status else None
    if status < 400 or answer.path.rstrip("/") == f"/{status}":
        return None
    if status in {404, 410}:
        remedy = "Correct the link or the page."
        if not marked:
            return Finding("broken-link", f"It is linked to, but it answers {status}.", remedy)
        return Finding("status", static_but(f"it answers {status}", marked=route is None or not route.own), remedy)
    if marked or status >= 500:
        remedy = "Correct the page, or render it on demand: @prerender(False)."
        return Finding("status", f"It answers {status}.", remedy)
    return None


def _redirect_fault(answer: Capture) -> Finding | None:
    location = answer.header(b"location")
    if answer.status in {300, 304}:
        return Finding("status", f"It answers {answer.status}, which no snapshot can be.", "Answer 200 or a redirect.")
    try:
        redirect_target((location or b"").decode("latin-1"))
    except ValueError as error:
        return Finding("status", f"Its redirect cannot be kept: {error}.", "Correct where it redirects to.")
    return None
