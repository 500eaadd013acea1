"""Builds for tests: into memory, with the assertions that a test of a site makes.

    site = build_into_memory(app)
    site.assert_static("/about")

Under pytest the fixtures of `pytest_plugin.py` give the same: nothing here needs pytest.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ondemand.config import FINDINGS
from ondemand.errors import BuildError, ConfigError
from ondemand.headers import Headers
from ondemand.prerendering.build import build
from ondemand.prerendering.frontier import spread
from ondemand.prerendering.parity import Stored, mismatches
from ondemand.prerendering.report import Finding, Report, RouteReport
from ondemand.routing import Pattern
from ondemand.snapshots.store import Store

__all__ = ["Builds", "BuiltSite", "BuiltSnapshot", "build_into_memory"]

SHOWN = 20
"""Findings, mismatches and pages that a failed assertion lists."""


def build_into_memory(target: Any, **options: Any) -> BuiltSite:
    """Build `target`, an app object or "module:attribute", and keep what it made in memory alone: nothing is published.

    options: those of `ondemand.build` but for `dist` and `publish`. A build with faults is no exception here: it has no
    snapshots, every assertion says why, and `assert_no_findings` has all of them to tell. Raises `AppImportError` and
    `ConfigError` as `ondemand.build` does.
    """
    stored: dict[str, Stored] = {}
    with tempfile.TemporaryDirectory(prefix="ondemand-") as folder, _findable(target):
        dist = Path(folder) / "dist"
        try:
            report = build(target, **options, publish=True, dist=dist)
        except BuildError as error:
            report = error.report
        else:
            generation = Store(dist).open()
            assert generation is not None
            for snapshot in generation.all():
                stored[snapshot.path] = (snapshot, generation.read(snapshot))
            del generation  # which holds a file open
    report.dist, report.generation = "", None
    return BuiltSite(target, report, stored)


@contextlib.contextmanager
def _findable(target: Any) -> Generator[None]:
    """A process that imports `target` finds the modules that this one finds: test runners write into `sys.path`."""
    before = os.environ.get("PYTHONPATH")
    if isinstance(target, str):
        os.environ["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    try:
        yield
    finally:
        if before is not None:
            os.environ["PYTHONPATH"] = before
        else:
            os.environ.pop("PYTHONPATH", None)


@dataclass(frozen=True, slots=True)
class BuiltSnapshot:
    """One snapshot of a built site.

    path: decoded, without `base`. kind: "page", or "asset" for a file. headers: those that are kept, by name without regard to
    case. body: of a redirect, the page for hosts that know only files. route: the pattern that made it, or None.
    """

    path: str
    kind: str
    status: int
    headers: Headers
    body: bytes
    route: str | None

    @property
    def text(self) -> str:
        """The body as text (UTF-8)."""
        return self.body.decode()


class BuiltSite(Mapping[str, BuiltSnapshot]):
    """What a build made: path -> snapshot, and the assertions about it. They raise `AssertionError`, with the reason.

    report: what the build found.
    """

    def __init__(self, target: Any, report: Report, stored: Mapping[str, Stored]) -> None:
        self.report = report
        self._target = target
        self._stored = stored

    def __getitem__(self, path: str) -> BuiltSnapshot:
        if path not in self._stored:
            raise KeyError(self._why_not(path))
        snapshot, body = self._stored[path]
        headers = Headers((name.encode("latin-1"), value.encode("latin-1")) for name, value in snapshot.headers)
        return BuiltSnapshot(path, snapshot.kind, snapshot.status, headers, body, snapshot.route)

    def __contains__(self, path: object) -> bool:
        return path in self._stored

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self._stored)

    def __repr__(self) -> str:
        return (
            f"<BuiltSite: {self.report.pages} pages, {self.report.assets} files, {len(self.report.findings)} findings>"
        )

    @property
    def paths(self) -> list[str]:
        """The paths of all snapshots, sorted."""
        return sorted(self._stored)

    # --- assertions

    def assert_static(self, path: str) -> None:
        """`path` (decoded, without `base`) is a snapshot. Fails with why it is not, who decided, and the findings about it."""
        __tracebackhide__ = True
        if path not in self._stored:
            raise AssertionError("\n".join([self._why_not(path), *self._about(path)]))

    def assert_no_findings(self, *, ignore: Iterable[str] = ()) -> None:
        """The build found nothing, warnings included. ignore: kinds of findings that do not count. Raises `ConfigError` for one
        that there is not."""
        __tracebackhide__ = True
        ignored = _kinds(ignore)
        findings = [finding for finding in self.report.findings if finding.kind not in ignored]
        if findings:
            raise AssertionError("\n".join([f"The build found {_many(len(findings), 'thing')}:", *_listed(findings)]))

    def assert_parity(
        self, paths: Iterable[str] | None = None, *, sample: int | None = None, ignore_headers: Iterable[str] = ()
    ) -> None:
        """Each snapshot is what the app answers live: status, kept headers, body. The app is started for it, and asked for
        each path as a visitor without cookies would.

        paths: only these. sample: at most so many, evenly spread over the paths in order. ignore_headers: names that may differ.
        """
        __tracebackhide__ = True
        if not self._stored:
            raise AssertionError("\n".join([self._nothing(), *self._faults()]))
        chosen = self.paths if paths is None else [paths] if isinstance(paths, str) else list(paths)
        for path in chosen:
            self.assert_static(path)
        chosen = _sample(chosen, sample)
        with _findable(self._target):
            names = {name.lower() for name in ignore_headers}
            found = mismatches(self._target, [self._stored[path] for path in chosen], ignore_headers=names)
        if found:
            verb = "is" if len(found) == 1 else "are"
            lines = [f"{len(found)} of {_many(len(chosen), 'snapshot')} {verb} not what the app answers live:"]
            for mismatch in found[:SHOWN]:
                lines += [f"  {mismatch.path}", *(f"    {line}" for line in mismatch.lines)]
            if len(found) > SHOWN:
                lines.append(f"  ... and {len(found) - SHOWN} more")
            lines.append("Visitors get the snapshot until the next build. What may not wait is rendered on demand:")
            lines.append("@prerender(False), prerender = False.")
            raise AssertionError("\n".join(lines))

    # --- why

    def _nothing(self) -> str:
        if self.report.failed:
            return "There are no snapshots: the build has faults, and such a build publishes nothing."
        return "There are no snapshots: no page is static."

    def _faults(self) -> list[str]:
        return _listed(
            [finding for finding in self.report.findings if finding.policy == "fail"] or self.report.findings
        )

    def _why_not(self, path: str) -> str:
        reason = self.report.reasons.get(path)
        if reason is not None:
            return f"{path} is no snapshot: {reason.why.rstrip('.')}."
        if self.report.failed:
            return f"{path} is no snapshot: the build has faults, and such a build publishes nothing."
        if (other := self._other_spelling(path)) is not None:
            return f"{path} is no snapshot, but {other} is."
        route = self._route(path)
        if route is None:
            return f"{path} is no snapshot: no link leads to it, and no route is known to answer it."
        if route.kind == "on demand":
            return f"{path} is no snapshot: {route.why}."
        return f"{path} is no snapshot: no link and no `paths` leads to it."

    def _about(self, path: str) -> list[str]:
        """Who decided, and what the build found about it."""
        lines: list[str] = []
        route = self._route(path)
        if route is not None:
            lines.append(f"  route: {route.pattern}" + (f" ({route.source})" if route.source else ""))
        findings = [
            finding
            for finding in self.report.findings
            if finding.path == path or (not finding.path and route is not None and finding.route == route.pattern)
        ]
        known = path in self.report.reasons
        return lines + (self._faults() if self.report.failed and not (known and findings) else _listed(findings))

    def _other_spelling(self, path: str) -> str | None:
        spellings = (path.rstrip("/") or "/", path.rstrip("/") + "/", "/" + path.lstrip("/"))
        return next((one for one in spellings if one in self._stored), None)

    def _route(self, path: str) -> RouteReport | None:
        """The route that answers `path`: the one that did when the build visited it, else the first that covers it."""
        reason = self.report.reasons.get(path)
        for route in self.report.routes:
            if reason is not None and route.pattern == reason.route:
                return route
            if reason is None and (not route.methods or "GET" in route.methods) and _covers(route.pattern, path):
                return route
        return None


class Builds:
    """Builds of one test, each app with the same options once. `last` is the one that was asked for last."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, dict[str, Any], BuiltSite]] = []
        self._last: BuiltSite | None = None

    def __call__(self, target: Any, **options: Any) -> BuiltSite:
        """See `build_into_memory`."""
        for known, given, site in self._made:
            same = known is target or (isinstance(target, str) and known == target)
            if same and given == options:
                self._last = site
                return site
        self._last = build_into_memory(target, **options)
        self._made.append((target, options, self._last))
        return self._last

    @property
    def last(self) -> BuiltSite:
        """Raises `AssertionError` if nothing was built."""
        if self._last is None:
            raise AssertionError("Nothing was built in this test. Call ondemand_build(app) first, or give the app.")
        return self._last

    def assert_static(self, path: str) -> None:
        """See `BuiltSite.assert_static`, of the last build."""
        __tracebackhide__ = True
        self.last.assert_static(path)

    def assert_no_findings(self, target: Any = None, *, ignore: Iterable[str] = ()) -> None:
        """See `BuiltSite.assert_no_findings`, of a build of `target`, or of the last one."""
        __tracebackhide__ = True
        site = self.last if target is None else self(target)
        site.assert_no_findings(ignore=ignore)

    def assert_parity(
        self,
        target: Any = None,
        *,
        paths: Iterable[str] | None = None,
        sample: int | None = None,
        ignore_headers: Iterable[str] = (),
    ) -> None:
        """See `BuiltSite.assert_parity`, of a build of `target`, or of the last one."""
        __tracebackhide__ = True
        site = self.last if target is None else self(target)
        site.assert_parity(paths, sample=sample, ignore_headers=ignore_headers)


def _covers(pattern: str, path: str) -> bool:
    try:
        return Pattern(pattern).match(path) is not None
    except ConfigError:  # it has a convertor that only the app knows
        return False


def _kinds(given: Iterable[str]) -> set[str]:
    kinds = {given} if isinstance(given, str) else set(given)
    for kind in sorted(kinds - FINDINGS.keys()):
        raise ConfigError(f"ignore={kind!r} is no kind of finding. There are {', '.join(FINDINGS)}.")
    return kinds


def _sample(paths: list[str], count: int | None) -> list[str]:
    if count is None or count >= len(paths):
        return paths
    if count < 1:
        raise ConfigError(f"sample={count!r} is not accepted. It takes a whole number, at least 1.")
    return [paths[position] for position in spread(count, len(paths))]


def _listed(findings: Sequence[Finding]) -> list[str]:
    """The findings in lines: kind, what about, what, what to do; below it the user's own frames and who links there."""
    lines: list[str] = []
    for finding in findings[:SHOWN]:
        about = finding.path or finding.route
        word = finding.kind if finding.policy == "fail" else f"{finding.kind} (warning)"
        lines.append(f"  {word}{' ' + about if about else ''}: {finding.message} {finding.remedy}".rstrip())
        lines += [f"    {frame}" for frame in finding.frames]
        if finding.referrers:
            more = f" and {len(finding.referrers) - SHOWN} more" if len(finding.referrers) > SHOWN else ""
            lines.append(f"    linked from {', '.join(finding.referrers[:SHOWN])}{more}")
    if len(findings) > SHOWN:
        lines.append(f"  ... and {len(findings) - SHOWN} more")
    return lines


def _many(count: int, one: str) -> str:
    return f"{count} {one}{'' if count == 1 else 's'}"
