"""What the links of a whole site come to, once every page is known: missing ids, chains and loops of redirects, `http:` on an
https site; and where the links stand that a finding is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ondemand.prerendering.frontier import Frontier
from ondemand.prerendering.references import Link, resolve
from ondemand.prerendering.report import ABOUT_LINKS, IN_PAGES, Finding, Place
from ondemand.routing import to_url
from ondemand.snapshots.manifest import Snapshot, snapshots

if TYPE_CHECKING:
    from ondemand.prerendering.places import Target

__all__ = ["Standing", "fragments", "mixed", "redirects", "source"]

FEW = 20
"""Places that are looked for where a finding is about the page that is linked to, not about the link."""


def fragments(frontier: Frontier, *, asked: bool) -> Iterator[Finding]:
    """Links to an id that its page has not. asked: pages that are rendered on demand count."""
    leads = frontier.leads()
    for path, fragment in frontier.missing_fragments(asked=asked):
        end = _chain(path, leads)[-1]
        by_way = f" (by way of {path})" if end != path else ""
        message = f"Nothing in {end} has the id {fragment!r}{by_way}."
        finding = Finding("broken-fragment", message, "Correct the link, or give the element that id.", path)
        finding.about = ((path, fragment),)
        finding.referrers = frontier.referrers(path, fragment=fragment)
        yield finding


def _chain(path: str, leads: dict[str, str]) -> list[str]:
    """Where `path` leads, step by step; what comes again ends it, and is its last."""
    chain = [path]
    seen = {path}
    while (following := leads.get(chain[-1])) is not None:
        chain.append(following)
        if following in seen:
            break
        seen.add(following)
    return chain


def redirects(frontier: Frontier) -> Iterator[Finding]:
    """Redirects that lead to redirects, each where a visitor can enter it, and redirects that never end."""
    leads = frontier.leads()
    loops: dict[str, list[str]] = {}  # a path of the loop -> everything that leads into it
    inner = set(leads.values())
    for path in leads:
        chain = _chain(path, leads)
        if chain[-1] in chain[:-1]:
            turn = chain[chain.index(chain[-1]) :]
            loops.setdefault(min(turn), []).append(path)
            continue
        if len(chain) == 2:
            continue
        referrers = [referrer for referrer in frontier.referrers(path) if leads.get(referrer) != path]
        if referrers or path not in inner:  # else it is the middle of a chain that is told from its beginning
            message = f"It takes {len(chain) - 1} redirects: {' -> '.join(chain)}."
            remedy = f"Link or redirect straight to {chain[-1]}."
            yield Finding("redirect-chain", message, remedy, path, about=((path, None),), referrers=referrers)
    for entry, paths in loops.items():
        chain = _chain(entry, leads)
        about = tuple((path, None) for path in paths)
        referrers = dict.fromkeys(referrer for path in paths for referrer in frontier.referrers(path))
        outside = [referrer for referrer in referrers if referrer not in leads]
        message = f"The redirects never end: {' -> '.join(chain)}."
        yield Finding(
            "redirect-loop",
            message,
            "Let one of them answer a page.",
            entry,
            about=about,
            referrers=outside or list(referrers),
        )


def mixed(frontier: Frontier, site: str) -> Iterator[Finding]:
    """What pages of an https site ask for by `http:`. site: its origin."""
    for sort, does in (("loads", "is loaded"), ("sends", "is sent a form"), ("links", "is linked to")):
        for url, places in frontier.abroad(sort):
            finding = Finding("mixed", f"{url} {does} by http, and {site} is https.", "Write https:// or a path.")
            finding.referrers = [path for path, _ in places]
            finding.places = [Place(path, line, url) for path, line in places]
            yield finding


class Standing:
    """Finds where the links stand that findings are about: in the snapshots of the build, as far as there are, else in what the
    page answers when it is asked once more."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._findings = [finding for finding in findings if finding.referrers and not finding.places]
        self._needed: dict[str, list[int]] = {}  # a referrer -> the findings that want its links
        self._found: list[dict[str, Place]] = [{} for _ in self._findings]
        self._queries: list[set[str]] = [set() for _ in self._findings]  # referrers whose link has a query
        for position, finding in enumerate(self._findings):
            for referrer in self._wanted(finding):
                self._needed.setdefault(referrer, []).append(position)

    @staticmethod
    def _wanted(finding: Finding) -> Sequence[str]:
        return finding.referrers if finding.kind in ABOUT_LINKS else finding.referrers[:FEW]

    def read(self, folder: Path, *, origin: str, prefix: str) -> None:
        """Look into what lies in `folder`, which a build writes: its manifest and its files."""
        if not self._needed:
            return
        with (folder / "manifest.jsonl").open("rb") as lines:
            for snapshot in snapshots(lines):
                if snapshot.path in self._needed:
                    self.take(snapshot.path, _targets(snapshot, folder, origin, prefix))

    @property
    def left(self) -> list[str]:
        """The pages that are to be asked."""
        return list(self._needed)

    def take(self, path: str, targets: Iterable[Target]) -> None:
        """What `path` links to."""
        positions = self._needed.pop(path, ())
        wanted: dict[str, list[tuple[int, str | None]]] = {}
        for position in positions:
            finding = self._findings[position]
            for about, fragment in finding.about or ((finding.path, None),):
                wanted.setdefault(about, []).append((position, fragment))
        for target in targets:
            for position, fragment in wanted.get(target.path, ()):
                finding = self._findings[position]
                if finding.plain and not target.plain:
                    self._queries[position].add(path)
                elif fragment in (None, target.fragment):
                    self._found[position].setdefault(path, Place(path, target.line, target.text))

    def settle(self) -> list[Finding]:
        """Give each finding its places. Returns those that turn out to be none: every link that leads there has a query, and
        without it nobody asks."""
        empty: list[Finding] = []
        for finding, found, queries in zip(self._findings, self._found, self._queries, strict=True):
            if finding.plain:
                finding.referrers = [path for path in finding.referrers if path in found or path not in queries]
                if not finding.referrers:
                    empty.append(finding)
            finding.places = [found.get(path) or Place(path, 0, "") for path in self._wanted(finding)]
        return empty


def source(finding: Finding, frontier: Frontier, routes: Mapping[str, str], public: str) -> str:
    """Where the user's own code is to be corrected, as "file:line": where it failed, for a link what made the page that it stands
    on, else the route. A file of `public` is itself what the user wrote. "" if that is not known."""
    for frame in reversed(finding.frames):
        if (shown := _FRAME.match(frame)) is not None:
            return shown[1]
    for path, line, _ in finding.places if finding.kind in IN_PAGES else ():
        route = frontier.route(path)
        if route is None and public and (file := Path(public + path)).is_file():
            return f"{file}:{line or 1}"
        if route is not None and routes.get(route):
            return routes[route]
    return routes.get(finding.route or frontier.route(finding.path) or "", "")


_FRAME = re.compile(r"(.+?:\d+) in ")


def _targets(snapshot: Snapshot, folder: Path, origin: str, prefix: str) -> Iterator[Target]:
    # parsers, which the parent of a healthy site never needs
    from ondemand.prerendering.places import Document, Target, charset_of, inside

    headers = dict(snapshot.headers)
    url = origin + prefix + to_url(snapshot.path)
    if 300 <= snapshot.status < 400:
        found = resolve(headers.get("location", ""), url=url)
        if isinstance(found, Link) and (path := inside(found.path, prefix)) is not None:
            yield Target(path, found.fragment, 0, found.raw, not found.query)
        return
    content_type = headers.get("content-type", "")
    media = content_type.partition(";")[0].strip().lower()
    if media not in ("text/html", "application/xhtml+xml", "text/css"):
        return
    body = (folder / snapshot.file).read_bytes()
    document = Document(body, charset=charset_of(content_type), url=url, is_css=media == "text/css")
    yield from document.targets(prefix)
