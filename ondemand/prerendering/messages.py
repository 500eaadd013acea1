"""What the parent of a build and its processes say to each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ondemand.errors import OnDemandError
from ondemand.prerendering.report import Finding, RouteReport

if TYPE_CHECKING:
    from ondemand.prerendering.places import Target

__all__ = ["Expanded", "Hello", "Job", "Order", "Proved", "Refused", "Stuck", "Visited"]


@dataclass(slots=True)
class Order:
    """What the parent wants of this process.

    target: "module:attribute", or the app itself where no process is started. compress: write encodings. dist: the folder of
    generations, None for the configured one. seed: of Python's hashes, which decides the order of sets. abroad: tell links to
    other sites too.
    """

    target: Any
    compress: bool = True
    max_compress: bool = False
    dist: Path | None = None
    seed: int = 0
    abroad: bool = False


@dataclass(slots=True)
class Hello:
    """The app has started. What the parent needs to know of its configuration and routes.

    expands: the positions of routes with `paths`. seeds: (path, kind) to begin with. closed: the patterns of routes whose
    `paths` name every page there is.
    """

    config: dict[str, Any]
    routes: list[RouteReport]
    expands: list[int]
    seeds: list[tuple[str, str]]
    findings: list[Finding]
    skipped: list[str]
    closed: list[str]


@dataclass(slots=True)
class Refused:
    """The app cannot be built at all. error: an exception of ours."""

    error: OnDemandError


@dataclass(slots=True)
class Job:
    """Visit `path`, or prove the snapshot that was made of it. kind: see the column of that name in `frontier.py`. again: a
    process ended during an earlier try. line: the manifest's, of the snapshot to prove. queries: that links to it carry."""

    id: int
    path: str
    kind: str
    encoded: bool = False
    again: bool = False
    line: bytes = b""
    queries: Sequence[str] = ()


@dataclass(slots=True)
class Visited:
    """What came of a job.

    line: the manifest's, if a snapshot was made. change, what: against the generation before. file: where it lies. shared: it
    is another page's file too, with the same body. ids: None if it is no document. leads: (path, fragment) of the page that it
    redirects to. abroad: (url, sort, line) of what leads or asks elsewhere. targets: what it links to and where that stands,
    if that was the job.
    """

    id: int
    outcome: str
    why: str = ""
    route: str | None = None
    change: str | None = None
    what: str = ""
    status: int = 0
    size: int = 0
    seconds: float = 0.0
    line: bytes = b""
    file: str = ""
    shared: bool = False
    links: Sequence[tuple[str, str, str, bool, str]] = ()  # (path, fragment, kind, encoded slash, query)
    ids: Sequence[str] | None = None
    findings: list[Finding] = field(default_factory=list[Finding])
    mount: int | None = None
    leads: tuple[str, str] | None = None
    abroad: Sequence[tuple[str, str, int]] = ()
    targets: Sequence[Target] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # pickled as a call: a fifth of the cost of the default for slots, once a page
        fields = (
            self.id,
            self.outcome,
            self.why,
            self.route,
            self.change,
            self.what,
            self.status,
            self.size,
            self.seconds,
            self.line,
        )
        rest = (self.file, self.shared, self.links, self.ids, self.findings, self.mount)
        return Visited, (*fields, *rest, self.leads, self.abroad, self.targets)


@dataclass(slots=True)
class Proved:
    """What came of a proof. why: the route is rendered on demand after all, "" if the page is proven. harmless: what its code
    reads of a visitor without showing it, as identities prove. renders: how many there were, with that of the snapshot."""

    id: int
    path: str
    route: str | None
    why: str = ""
    harmless: Sequence[str] = ()
    renders: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])


@dataclass(slots=True)
class Expanded:
    """Paths that a route's `paths`, a mount or the public folder gave. last: no more come. Faults among them."""

    source: int
    kind: str
    paths: list[str]
    last: bool = False
    findings: list[Finding] = field(default_factory=list[Finding])


@dataclass(slots=True)
class Stuck:
    """A page blocks the whole process, which has ended itself. job: its id, None if that cannot be told."""

    job: int | None
    frames: Sequence[str]
