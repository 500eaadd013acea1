"""A build, from top to bottom: `build` starts the app, visits it, checks what was found and publishes it, or nothing.

The parent of the processes that hold the app. It keeps the frontier, lists what comes back, and never imports the app.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ondemand.config import Policies, Policy
from ondemand.errors import BuildError, OnDemandError, StoreError
from ondemand.prerendering import links
from ondemand.prerendering.baseline import Baseline
from ondemand.prerendering.children import Child, Children
from ondemand.prerendering.frontier import Frontier
from ondemand.prerendering.messages import Expanded, Hello, Job, Order, Proved, Refused, Stuck, Visited
from ondemand.prerendering.report import (
    Difference,
    Finding,
    Place,
    Reason,
    Report,
    RouteReport,
    Unchecked,
    seconds,
    static_but,
)
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.store import SUFFIXES, Publisher, Store

if TYPE_CHECKING:
    from ondemand.prerendering.external import Asking

__all__ = ["Progress", "build"]

DATABASE = ".db"
"""The suffix of a build's own database, which lies beside its folder."""

HOPS = 20
"""Redirects that are followed one after the other: as many as browsers follow."""

STUCK = 70
"""The exit code of a process that ended itself because a page blocked it: see `process.py`."""

REASONS = 10_000
"""Paths of which a report says why they are no snapshots."""

_HOW_FOUND = {
    "page": "new: a link leads to it",
    "asset": "new: a page uses it",
    "public": "new: a file of the public folder",
    "mounted": "new: a file of a mount",
    "marked": "new: a route of its own",
    "seed": "new: a page to begin with",
}
"""Why a page was added, by the kind that the frontier gives it."""


@dataclass(slots=True)
class Progress:
    """How far a build is. visited, found: pages and files; while it is "proving", pages that are proven and to prove.
    seconds: since it started."""

    visited: int
    found: int
    seconds: float
    stage: str = "building"


def build(
    target: Any,
    *,
    jobs: int = 1,
    max_compress: bool = False,
    strict: bool = False,
    publish: bool = True,
    ask: bool = False,
    external: Asking | None = None,
    baseline: Path | None = None,
    dist: Path | None = None,
    sample: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.perf_counter,
) -> Report:
    """Visit the app, snapshot its static pages and publish them as a new generation.

    target: "module:attribute", imported in a process of its own, or an app object, run in a thread of this process.
    jobs: how many processes hold the app. strict: warnings fail the build. publish: False finds out all that a build would,
    and writes nothing that stays. ask: paths that links lead to and that are rendered on demand are asked once each. external:
    ask other sites whether links lead anywhere there. baseline: a report whose findings fail nothing. dist: the folder to
    publish to, instead of the configured one. sample: how many pages of each route are proven to be the same for everyone;
    None: three, and all of an app that does not show its routes. progress: told now and then.
    now, clock: wall time and a stopwatch, in seconds.

    Raises `BuildError`, with the report, if a finding fails the build: nothing is published and what was live stays.
    `AppImportError`, `ConfigError`: the app cannot be started, or the baseline is no report. `BuildRunning`, `StoreError`:
    `dist` cannot be used.
    """
    started = clock()
    known = Baseline.read(baseline) if baseline is not None else None
    order = Order(target, compress=publish, max_compress=max_compress, dist=dist, abroad=external is not None)
    jobs = jobs if isinstance(target, str) else 1
    with Children(order, jobs=jobs) as children, Children(replace(order, seed=1), jobs=jobs) as others:
        hello = children.start()
        store = Store(dist or Path(hello.config["dist"]))
        with contextlib.ExitStack() as stack:
            target_store = store
            if publish:
                stack.enter_context(store.lock())
                store.clean(keep=hello.config["keep"], grace=hello.config["grace"], now=now())
            else:
                target_store = Store(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ondemand-"))))
            settings = {"made": int(now()), "compress": _compress_settings(max_compress)}
            publisher = Publisher(target_store, settings=settings)
            run = None
            try:
                run = _Build(children, hello, store, publisher, strict=strict)
                tell = _Paced(progress, clock, started)
                run.visit(tell)
                if ask:
                    run.visit_on_demand()
                if sample != 0:
                    if isinstance(target, str):  # in another process, and only one holds the app at a time
                        children.end()
                        others.start()
                    run.prove(others if isinstance(target, str) else children, sample, tell)
                report = run.report(external=external, baseline=known, now=now)
                report.seconds = clock() - started
                if report.failed:
                    raise BuildError(f"The build found {_count(report)} and published nothing.", report)
                if publish:
                    report.generation = run.publish(report)
            except OSError as error:
                message = f"The build cannot be written: {error}. The site that is live stays."
                raise StoreError(message) from error
            finally:
                children.end()  # before anything is removed: they write there
                others.end()
                if run is not None:
                    run.close()
                with contextlib.suppress(OSError):  # Ctrl-C may come while it is made
                    publisher.folder.with_suffix(DATABASE).unlink(missing_ok=True)
                publisher.discard()
            if publish:
                store.clean(keep=hello.config["keep"], grace=hello.config["grace"], now=now())
            return report


def _count(report: Report) -> str:
    return f"{report.faults} fault{'' if report.faults == 1 else 's'}"


def _compress_settings(max_compress: bool) -> str:
    from ondemand.prerendering.compression import compressors

    return compressors(max_compress=max_compress)[0]


class _Paced:
    """Tells how far a build is, at most ten times a second."""

    def __init__(self, tell: Callable[[Progress], None] | None, clock: Callable[[], float], started: float) -> None:
        self._tell = tell
        self._clock = clock
        self._started = started
        self._told = ("", 0.0)

    def __call__(self, visited: int, found: int, stage: str = "building", *, last: bool = False) -> None:
        """last: of its stage, and told whenever it comes."""
        seconds, (told, when) = self._clock() - self._started, self._told
        if self._tell is not None and (last or seconds - (when if told == stage else 0.0) > 0.1):
            self._told = (stage, seconds)
            self._tell(Progress(visited, found, seconds, stage))


class _Build:
    """One build: what is known so far."""

    def __init__(self, children: Children, hello: Hello, store: Store, publisher: Publisher, *, strict: bool) -> None:
        self._children = children
        self._hello = hello
        self._store = store
        self._publisher = publisher
        self._frontier = Frontier(publisher.folder.with_suffix(DATABASE))
        self._policies: Policies = hello.config["findings"]
        self._strict = strict
        self._findings: list[Finding] = []
        self._told: set[tuple[str, str, str, str]] = set()  # what is said once: (route, kind, policy, cause)
        self._expanding: set[tuple[Any, ...]] = set()
        self._mounts: set[int] = set()
        self._linked: dict[str | None, int] = {}  # route -> pages that links alone added
        self._pages = 0
        self._without_site: Finding | None = None
        self._without_site_too = 0
        self._harmless: set[tuple[str, str]] = set()  # (route, what its code reads and does not show)
        self._proven = self._renders = 0
        self._asked = False
        self._hop: dict[str, int] = {}  # how many redirects of pages that were asked lead here
        self._late: list[Job] = []  # pages that are to be asked after all
        self._standing = links.Standing(())
        for finding in hello.findings:
            self._find(finding)

    # --- visiting

    def visit(self, tell: _Paced) -> None:
        """Visit everything that is static or linked, until nothing is left."""
        children = self._children
        children.begin(str(self._publisher.folder))
        if self._hello.config["public"]:
            # files of the public folder come first: they beat what the app answers at their path
            self._ask(("public",))
            while self._expanding:
                self._take(children.wait(0.2))
        with self._frontier.writing():
            for path, kind in self._hello.seeds:
                self._frontier.add(path, kind)
        for position in self._hello.expands:
            self._ask(("expand", position))
        while self._expanding or self._frontier.waiting or children.busy:
            children.hand_out(self._jobs)
            self._take(children.wait(0.2))
            tell(self._frontier.visited, self._frontier.found)
        tell(self._frontier.visited, self._frontier.found, last=True)
        if children.replaced:
            self._publisher.settle()

    def visit_on_demand(self) -> None:
        """Ask once for each path that links lead to and that is rendered on demand. What these pages link to is not visited:
        a route that answers it is enough."""
        self._asked = True
        last = 0

        def jobs(count: int) -> list[Job]:
            nonlocal last
            rows = self._frontier.unasked(last, count)
            last = rows[-1][0] if rows else last
            seen = [self._frontier.is_asked(job.id) for job in self._late]
            late = [job for job, asked in zip(self._late, seen, strict=True) if asked is False]
            self._late = [job for job, asked in zip(self._late, seen, strict=True) if asked is None]
            return [*late, *(Job(page, path, "ask") for page, path in rows)] or self._jobs(count)

        self._work(jobs)

    def _work(self, jobs: Callable[[int], list[Job]], then: Callable[[], None] = lambda: None) -> None:
        """Hand out these jobs until none is left. then: called each time that something may have come back."""
        self._children.hand_out(jobs)
        while self._children.busy:
            self._take(self._children.wait(0.2))
            then()
            self._children.hand_out(jobs)

    def _jobs(self, count: int) -> list[Job]:
        return [Job(*row) for row in self._frontier.next(count)]

    def _ask(self, message: tuple[Any, ...]) -> None:
        self._expanding.add(message)
        if self._children.first.alone is None:
            self._children.first.send(message)

    def _expands(self, child: Child) -> bool:
        """True if something else than its pages may be what ends it."""
        return bool(self._expanding) and child is self._children.first

    def _expand_alone(self, child: Child) -> None:
        """Let it do one of what is still to expand and nothing else: what ends it then is known."""
        child.alone = min(self._expanding, default=None)
        if child.alone is not None:
            child.send(child.alone)

    def _take(self, messages: list[tuple[Child, Any]]) -> None:
        with self._frontier.writing():
            for child, message in messages:
                match message:
                    case list():
                        for done in cast("list[Visited | Proved]", message):
                            child.finished(done.id)
                            self._note(done) if isinstance(done, Visited) else self._note_proof(done)
                    case Expanded():
                        self._add(message)
                        if message.last and child.alone is not None:
                            self._expand_alone(child)
                    case Stuck():
                        self._stuck(child, message)
                    case Refused():
                        raise message.error
                    case None:
                        self._died(child)
                    case _:
                        raise AssertionError(message)

    def _add(self, expanded: Expanded) -> None:
        for path in expanded.paths:
            page, new = self._frontier.add(path, expanded.kind)
            if not new:  # a link came first
                self._frontier.set_kind(page, expanded.kind)
        for finding in expanded.findings:
            self._find(finding)
        if expanded.last:
            name = {"public": ("public",), "mounted": ("mount", expanded.source)}
            self._expanding.discard(name.get(expanded.kind, ("expand", expanded.source)))

    def _note(self, visited: Visited) -> None:
        """Write down what came of one page, and what it links to."""
        if visited.targets is not None:
            self._standing.take(self._frontier.path(visited.id), visited.targets)
            return
        if visited.file and not visited.shared and not self._claim(visited):
            visited.line = b""
        self._frontier.done(
            visited.id,
            outcome=visited.outcome,
            route=visited.route,
            why=visited.why,
            change=visited.change if visited.line else None,
            what=visited.what,
            status=visited.status,
            size=visited.size,
            seconds=visited.seconds,
            ids=visited.ids,
        )
        for finding in visited.findings:
            self._find(finding)
        if visited.line:
            self._frontier.written(visited.id, self._publisher.add(visited.line))
        if visited.mount is not None and visited.mount not in self._mounts:
            self._mounts.add(visited.mount)
            self._ask(("mount", visited.mount))
        targets: list[tuple[int, str]] = []
        for path, fragment, kind, encoded, query in visited.links:
            if self._asked:
                kind = "ask" if self._hops(visited, path) else "exists"
            page, new = self._frontier.add(path, kind, encoded=encoded)
            if kind == "ask" and not new and self._frontier.kind(page) == "exists":
                self._frontier.set_kind(page, "ask")
                self._late.append(Job(page, path, "ask"))
            targets.append((page, fragment))
            if query:
                self._frontier.note_query(page, query)
        self._frontier.link(visited.id, targets)
        if visited.leads is not None:
            self._frontier.lead(visited.id, self._frontier.add(visited.leads[0], "page")[0], visited.leads[1])
        if visited.abroad:
            self._frontier.note_abroad(visited.id, visited.abroad)
        if visited.outcome == "static":
            self._bound(visited)

    def _hops(self, visited: Visited, path: str) -> bool:
        """True if this page that was asked redirects to `path`, and browsers would still follow."""
        if visited.leads is None or visited.leads[0] != path:
            return False
        hops = self._hop[path] = self._hop.get(self._frontier.path(visited.id), 0) + 1
        return hops <= HOPS

    def _bound(self, visited: Visited) -> None:
        """Stop where links alone add more pages to one route than `crawl_limit`."""
        if self._frontier.kind(visited.id) != "page":
            return
        count = self._linked[visited.route] = self._linked.get(visited.route, 0) + 1
        limit = self._hello.config["crawl_limit"]
        if count == limit + 1:
            self._children.tell(("close", visited.route))
            self._find(
                Finding(
                    "endless",
                    f"Links reach more than {limit} pages of {visited.route or 'the app'} (crawl_limit).",
                    "Bound what it links to, name its pages with `paths`, or raise crawl_limit.",
                    path=self._frontier.path(visited.id),
                    route=visited.route or "",
                )
            )

    def _claim(self, visited: Visited) -> bool:
        """True if its file is its own. Otherwise a collision is noted."""
        own = visited.outcome != "fault"
        other = self._frontier.claim(visited.file, visited.id)
        if own and other is None:
            return True
        path = self._frontier.path(visited.id)
        visited.findings = [finding for finding in visited.findings if finding.kind != "collision"]
        message = f"{path} and {other or 'another page'} want one file: {visited.file}."
        finding = Finding(
            "collision", message, "Rename one of them, or render one on demand.", path, visited.route or ""
        )
        visited.findings.append(finding)
        if own:
            visited.outcome = "fault"
            for suffix in SUFFIXES.values():
                with contextlib.suppress(OSError):
                    self._publisher.folder.joinpath(visited.file + suffix).unlink()
        return False

    # --- proving

    def prove(self, children: Children, sample: int | None, tell: _Paced) -> None:
        """Prove pages of each static route to be the same for everyone; what is not, and was not marked, is withdrawn."""
        if children is not self._children:
            self._children = children
            children.begin(str(self._publisher.folder))
        pages = deque(self._frontier.sample(sample))
        found = len(pages)

        def jobs(count: int) -> list[Job]:
            taken = [pages.popleft() for _ in range(min(count, len(pages)))]
            return [
                Job(page, path, kind, line=self._publisher.line(line), queries=queries)
                for page, path, kind, line, queries in taken
            ]

        self._work(jobs, lambda: tell(self._proven, found, "proving"))
        self._findings = [finding for finding in self._findings if not self._is_harmless(finding)]

    def _note_proof(self, proved: Proved) -> None:
        self._proven += 1
        self._renders += proved.renders
        self._harmless.update((proved.route or "", what) for what in proved.harmless)
        for finding in proved.findings:
            self._find(finding)
        if proved.why:
            self._publisher.withdraw(self._frontier.withdraw(proved.route, proved.path, proved.why))

    def _is_harmless(self, finding: Finding) -> bool:
        """True for something read of which identities have proven that the page does not show it."""
        return finding.kind in {"reads", "session"} and (finding.route, finding.cause) in self._harmless

    # --- processes that end

    def _stuck(self, child: Child, stuck: Stuck) -> None:
        if child.alone is not None:
            self._expansion_failed(child, "block the event loop", stuck.frames)
            return
        if stuck.job in child.given:
            job = child.given.pop(stuck.job)
        elif len(child.given) == 1 and not self._expands(child):
            job = child.given.popitem()[1]
        else:
            return  # those that were out are tried again one by one: the next time it is known
        self._fault(
            job,
            Finding(
                "timeout",
                f"It blocks the event loop: it did not finish in {seconds(self._hello.config['page_timeout'])}.",
                "Look at where it waits; code that blocks belongs in a `def` function.",
                frames=stuck.frames,
            ),
        )

    def _died(self, child: Child) -> None:
        """Its process is gone: start another. A page that was alone in it is the one that ended it."""
        given = list(child.given.values())
        first, expands = child is self._children.first, self._expands(child)
        if child.alone is not None:
            self._expansion_failed(child, f"ended the process (exit code {child.code})")
        elif not given and not expands and child.code == 0:
            raise OnDemandError("A process of the build ended by itself. Look at what the app does when it starts.")
        if len(given) == 1 and not (child.code == STUCK or child.ending or expands):
            job = given.pop()
            child.given.clear()
            self._fault(job, Finding("error", f"It ended the process (exit code {child.code}).", "Correct the page."))
        fresh = self._children.replace(child, given)
        if first:
            self._expand_alone(fresh)

    def _expansion_failed(self, child: Child, what: str, frames: Sequence[str] = ()) -> None:
        message = child.alone
        assert message is not None
        self._expanding.discard(message)
        if message == ("public",):
            route, source = "", "The public folder"
        else:
            route = self._hello.routes[int(message[1])].pattern
            source = f"The paths of {route}"
        self._find(Finding("params", f"{source} {what}.", "Correct its `paths`.", route=route, frames=frames))
        child.alone = None

    def _fault(self, job: Job, finding: Finding) -> None:
        finding.path = job.path
        if job.line:
            self._fault_of_proof(job, finding)
        else:
            self._note(Visited(job.id, "fault", finding.message, findings=[finding]))

    def _fault_of_proof(self, job: Job, finding: Finding) -> None:
        """A page that ends or blocks its process for a visitor, and did not when its snapshot was made."""
        proved = Proved(job.id, job.path, Snapshot.from_line(job.line).route)
        what = f"{finding.message[0].lower()}{finding.message[1:]}"
        reason = f"for a visitor of the proof, {what.rstrip('.')}"
        marked = any(route.pattern == proved.route and route.kind in {"static", "auto"} for route in self._hello.routes)
        if marked:
            finding.route, finding.message = proved.route or "", static_but(reason, marked=False)
            proved.findings.append(finding)
        else:
            proved.why = reason
        self._note_proof(proved)

    # --- what was found

    def _find(self, finding: Finding) -> None:
        policy = self._policies.of(finding.kind, finding.path or finding.route or None)
        if policy == "ignore":
            return
        if finding.cause:
            if (said := (finding.route, finding.kind, policy, finding.cause)) in self._told:
                return
            self._told.add(said)
        if finding.kind == "origin" and self._without_site is not None:  # one word is enough: set `site`
            self._without_site_too += 1
            return
        finding.policy = "fail" if self._strict else policy
        self._findings.append(finding)
        if finding.kind == "origin":
            self._without_site = finding

    def _find_abroad(self, finding: Finding) -> None:
        """One whose pages have policies, as it is about no path of the site."""
        policies = {place.path: self._policies.of(finding.kind, place.path) for place in finding.places}
        finding.places = [place for place in finding.places if policies[place.path] != "ignore"]
        finding.referrers = [place.path for place in finding.places]
        if not finding.places:
            return
        policy: Policy = "fail" if self._strict or "fail" in policies.values() else "warn"
        finding.policy = policy
        self._findings.append(finding)

    def _external(self, asking: Asking, now: float) -> list[Unchecked]:
        """Ask other sites; what leads nowhere is found, what could not be checked is told."""
        from ondemand.prerendering.external import check

        cache = asking.cache or Path(self._hello.config["root"]) / ".ondemand" / "links.json"
        checked = check((url for url, _ in self._frontier.abroad("external")), asking, cache=cache, now=now)
        for url, places in self._frontier.abroad("external"):
            if (why := checked.broken.get(url)) is not None:
                finding = Finding("external-link", f"{url} leads nowhere: {why}.", "Correct the link, or take it out.")
                finding.places = [Place(path, line, url) for path, line in places]
                self._find_abroad(finding)
        return [Unchecked(url, why) for url, why in checked.unchecked.items()]

    def _stand(self) -> None:
        """Find out on which lines the links stand that findings are about."""
        self._standing = links.Standing(self._findings)
        config = self._hello.config
        self._publisher.flush()
        self._standing.read(self._publisher.folder, origin=config["origin"], prefix=config["prefix"])
        left = self._frontier.ids_of(self._standing.left)
        self._work(lambda count: [Job(page, path, "read") for page, path in itertools.islice(left, count)])
        none = {id(finding) for finding in self._standing.settle()}
        self._findings = [finding for finding in self._findings if id(finding) not in none]
        sources = {route.pattern: route.source for route in self._hello.routes}
        for finding in self._findings:
            finding.source = links.source(finding, self._frontier, sources, config["public"])

    def report(self, *, external: Asking | None, baseline: Baseline | None, now: Callable[[], float]) -> Report:
        """Check what can only be checked at the end, and sum up."""
        frontier = self._frontier
        self._pages = frontier.snapshots("static")
        frontier.index_links()
        for finding in [*links.fragments(frontier, asked=self._asked), *links.redirects(frontier)]:
            self._find(finding)
        for finding in links.mixed(frontier, self._hello.config["origin"]):
            self._find_abroad(finding)
        unchecked = self._external(external, now()) if external is not None else []
        for route in self._hello.routes:
            if route.kind in {"static", "auto"} and (
                ("{" in route.pattern or route.unlisted) and not self._is_reached(route)
            ):
                where = f" ({route.source})" if route.source else ""
                message = f"{route.pattern}{where} is static, but no link and no `paths` leads to any page of it."
                remedy = (
                    "Give it paths=... (in a page file: static_paths), link to it, or render it on demand: "
                    "@prerender(False), prerender = False."
                )
                if route.unlisted:
                    remedy = "Link to it, or render it on demand: @prerender(False)."
                self._find(Finding("unreached", message, remedy, route=route.pattern))
        for route in self._hello.closed:
            for path in frontier.only_linked(route):
                message = f"{path} is linked to, but the paths of {route} do not name it (unknown='404')."
                self._find(Finding("broken-link", message, "Correct the link, or its `paths`.", path, route))
        if not self._pages and not any(finding.policy == "fail" for finding in self._findings):
            why = frontier.why("/")
            message = f"No page is static: / is on demand, because {why}." if why else "No page is static."
            remedy = f"See `ondemand routes`. If a host check refuses {self._hello.config['origin']}, set `site`."
            finding = Finding("nothing", message, remedy)
            self._find(finding)
            if self._had_pages():  # an empty site never takes the place of one that has pages
                finding.policy = "fail"
        if self._without_site is not None and self._without_site_too:
            count = self._without_site_too
            self._without_site.message += f" So {'does' if count == 1 else 'do'} {count} other page{'s' * (count > 1)}."
        for finding in self._findings:
            if finding.path and not finding.referrers:
                finding.referrers = frontier.referrers(finding.path)
        self._stand()
        findings = sorted(self._findings, key=lambda finding: (finding.policy != "fail", finding.kind, finding.path))
        gone = baseline.mark(findings) if baseline is not None else None
        return Report(
            dist=str(self._store.folder),
            pages=self._pages,
            assets=frontier.snapshots("asset"),
            on_demand=frontier.count("on demand"),
            bytes=frontier.written_bytes(),
            slowest=frontier.slowest(5),
            differences=list(self._differences()),
            same=frontier.unchanged(),
            routes=list(self._routes()),
            skipped_middleware=self._hello.skipped,
            proven=self._proven,
            renders=self._renders,
            identities=self._hello.config["identities"],
            findings=findings,
            reasons={path: Reason(route, why) for path, route, why in frontier.reasons(REASONS)},
            unchecked=unchecked,
            gone=gone,
        )

    def _is_reached(self, route: RouteReport) -> bool:
        expanded = any(self._hello.routes[position] is route for position in self._hello.expands)
        return expanded or self._frontier.reached(route.pattern)

    def _had_pages(self) -> bool:
        try:
            previous = self._store.open()
        except StoreError:
            return False
        return previous is not None and any(snapshot.kind == "page" for snapshot in previous.all())

    def _differences(self) -> Iterator[Difference]:
        """Against the generation before."""
        for path, kind, _ in self._frontier.changes("added"):
            yield Difference("added", path, _HOW_FOUND.get(kind) or f"new: the paths of {kind} name it")
        for path, _, what in self._frontier.changes("changed"):
            yield Difference("changed", path, what)
        for path in sorted(self._removed()):
            why = self._frontier.why(path)
            yield Difference("removed", path, why or "nothing leads to it any more")

    def _removed(self) -> Iterator[str]:
        try:
            previous = self._store.open()
        except StoreError:
            return
        for snapshot in previous.all() if previous is not None else ():
            if not self._frontier.is_published(snapshot.path):
                yield snapshot.path

    def _routes(self) -> Iterator[RouteReport]:
        """Each route as this build found it: what was a candidate is static or on demand now."""
        pages: dict[str | None, int] = {}
        reasons: dict[str | None, list[str]] = {}
        for route, outcome, why, count in self._frontier.by_route():
            if outcome in {"static", "asset"}:
                pages[route] = pages.get(route, 0) + count
            elif why:
                reasons.setdefault(route, []).append(why)
        for route in self._hello.routes:
            route.pages = pages.get(route.pattern, 0) if "GET" in route.methods or not route.methods else 0
            if route.kind == "candidate":
                why = reasons.get(route.pattern, [])
                if route.pages:
                    route.kind, route.why = "static", "its plain answer is the same for everyone"
                elif why:
                    route.kind, route.why = "on demand", "; ".join(why[:3])
                else:
                    route.kind, route.why = "on demand", "no link leads to it"
            yield route

    def publish(self, report: Report) -> str:
        """Make it the site that is live."""
        routes = json.dumps([route.to_json() for route in report.routes], ensure_ascii=False, indent=1)
        (self._publisher.folder / "routes.json").write_text(routes, encoding="utf-8")
        findings = json.dumps([finding.to_json() for finding in report.findings], ensure_ascii=False, indent=1)
        (self._publisher.folder / "findings.json").write_text(findings, encoding="utf-8")
        self._frontier.close()
        return self._publisher.publish()

    def close(self) -> None:
        """Leave nothing behind but what was published."""
        self._frontier.close()
