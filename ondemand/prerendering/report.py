"""What a build found: values, and how they read on paper and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = [
    "ABOUT_LINKS",
    "IN_PAGES",
    "Difference",
    "Finding",
    "Place",
    "Reason",
    "Report",
    "RouteReport",
    "Unchecked",
    "seconds",
    "static_but",
]

ABOUT_LINKS = frozenset({"broken-link", "broken-fragment", "redirect-chain", "redirect-loop"})
"""Kinds of findings that are about links to a page, not about the page itself."""

IN_PAGES = ABOUT_LINKS | {"faulty-link", "mixed", "external-link"}
"""Kinds of findings that are to be corrected where a link stands."""


def seconds(count: float) -> str:
    """`count` seconds in words: "1 second", "0.5 seconds"."""
    return f"{count:g} second{'' if count == 1 else 's'}"


def static_but(reason: str, *, marked: bool) -> str:
    """What is wrong with a page that is to be static: "It is marked static, but it answers 404." reason: "it ..." and why.
    marked: it has a mark; pages of the site's own need none."""
    return f"It is {'marked ' if marked else ''}static, but {reason}."


class Place(NamedTuple):
    """Where a link stands: the path of the page, the line of what it answers (1-based, 0 if on none: a redirect, or markup that
    browsers mend), what the author wrote ("" if that is not known)."""

    path: str
    line: int
    text: str


@dataclass(slots=True)
class Finding:
    """One thing that is wrong, or may be.

    kind: a key of `ondemand.config.FINDINGS`. policy: what that kind is to this build: "fail" or "warn".
    path, route: what it is about, "" if none. message: what and why. remedy: what to do.
    referrers: the paths of everyone who links to it. frames: the user's own code, "file:line in function: code".
    places: where these links stand, in the same order; of findings that are about no link, the first 20.
    source: "file:line" of the user's code that is to be corrected, as far as that is known. known: the baseline has it.
    about: the links that are meant, as (path, fragment or None for any), if not just any to `path`. plain: links with a query
    are none of them. cause: what other pages of the route are likely to have too, so that one finding is enough: what was read of
    a visitor ("reads", "session"), or what makes it differ; "" if each page counts for itself.
    """

    kind: str
    message: str
    remedy: str = ""
    path: str = ""
    route: str = ""
    policy: str = "fail"
    referrers: Sequence[str] = ()
    frames: Sequence[str] = ()
    places: Sequence[Place] = ()
    source: str = ""
    known: bool = False
    about: Sequence[tuple[str, str | None]] = ()
    plain: bool = False
    cause: str = ""

    @property
    def fails(self) -> bool:
        return self.policy == "fail" and not self.known

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "policy": self.policy,
            "route": self.route or None,
            "path": self.path or None,
            "message": self.message,
            "remedy": self.remedy,
            "referrers": list(self.referrers),
            "places": [{"path": path, "line": line or None, "text": text} for path, line, text in self.places],
            "frames": list(self.frames),
            "source": self.source or None,
            "known": self.known,
        }


@dataclass(slots=True)
class RouteReport:
    """One route, and how it is rendered.

    kind: "static", "auto", "on demand", or "candidate" (decided by a build). why: in words. pages: how many
    snapshots the build made of it. source: "file:line". unlisted: why nobody can tell which pages it has ("a regular
    expression"), so that links alone lead to them.
    """

    pattern: str
    methods: Sequence[str]
    kind: str
    why: str
    pages: int = 0
    source: str = ""
    unlisted: str = ""

    @property
    def said(self) -> str:
        """`why`, and what else a reader must know."""
        return f"{self.why} ({self.unlisted}: links alone lead to its pages)" if self.unlisted else self.why

    def to_json(self) -> dict[str, Any]:
        return {
            "pattern": self.pattern,
            "methods": list(self.methods),
            "kind": self.kind,
            "why": self.why,
            "pages": self.pages,
            "source": self.source or None,
            "unlisted": self.unlisted or None,
        }


class Difference(NamedTuple):
    """One path that is not what the generation before has there.

    change: "added", "changed", "removed". path: decoded, without `base`. why: in words.
    """

    change: str
    path: str
    why: str


class Reason(NamedTuple):
    """Why no snapshot was made of a path that was visited. route: the pattern that answers it, None if none does."""

    route: str | None
    why: str


class Unchecked(NamedTuple):
    """A link to another site that could not be checked, and why."""

    url: str
    why: str


@dataclass(slots=True)
class Report:
    """What a build did.

    generation: the name of what was published, None if nothing was. pages, assets: how many snapshots. on_demand:
    how many linked paths are rendered on demand. bytes: of all bodies, uncompressed. seconds: wall time.
    slowest: (path, seconds). differences: against the generation before, sorted by change and path. same: how many snapshots
    are as they were. proven: how many pages were asked for as every visitor; renders: how often these pages were rendered;
    identities: the names of those who were logged in for it. findings: faults first. reasons: path -> why it is no snapshot,
    of the first 10,000 such paths. gone: what of the baseline is no finding any more, as (kind, about, message); None without
    a baseline.
    """

    dist: str
    generation: str | None = None
    pages: int = 0
    assets: int = 0
    on_demand: int = 0
    bytes: int = 0
    seconds: float = 0.0
    slowest: Sequence[tuple[str, float]] = ()
    differences: Sequence[Difference] = ()
    same: int = 0
    proven: int = 0
    renders: int = 0
    identities: Sequence[str] = ()
    routes: Sequence[RouteReport] = ()
    skipped_middleware: Sequence[str] = ()
    findings: list[Finding] = field(default_factory=list[Finding])
    reasons: Mapping[str, Reason] = field(default_factory=dict[str, Reason])
    unchecked: Sequence[Unchecked] = ()
    gone: Sequence[tuple[str, str, str]] | None = None

    @property
    def added(self) -> list[str]:
        """The paths that the generation before has not."""
        return self._paths("added")

    @property
    def changed(self) -> list[str]:
        """The paths whose status, headers or body are others now."""
        return self._paths("changed")

    @property
    def removed(self) -> list[str]:
        """The paths that only the generation before has."""
        return self._paths("removed")

    def _paths(self, change: str) -> list[str]:
        return [difference.path for difference in self.differences if difference.change == change]

    @property
    def failed(self) -> bool:
        """True if a finding fails the build."""
        return any(finding.fails for finding in self.findings)

    @property
    def faults(self) -> int:
        """How many findings fail the build."""
        return sum(finding.fails for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """One object; its schema is in the README."""
        return {
            "ondemand": 1,
            "dist": self.dist,
            "generation": self.generation,
            "pages": self.pages,
            "assets": self.assets,
            "on_demand": self.on_demand,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
            "slowest": [{"path": path, "seconds": round(seconds, 4)} for path, seconds in self.slowest],
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "same": self.same,
            "changes": [difference._asdict() for difference in self.differences],
            "proof": {"pages": self.proven, "renders": self.renders, "identities": list(self.identities)},
            "routes": [route.to_json() for route in self.routes],
            "skipped_middleware": list(self.skipped_middleware),
            "findings": [finding.to_json() for finding in self.findings],
            "unchecked": [link._asdict() for link in self.unchecked],
            "gone": None
            if self.gone is None
            else [{"kind": kind, "about": about, "message": message} for kind, about, message in self.gone],
        }
