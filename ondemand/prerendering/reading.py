"""Reads what an answer of the app refers to, and says it in the words of the site: paths below its `base`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import cast

from ondemand.capture import Capture
from ondemand.config import Config
from ondemand.prerendering import crawl, signals
from ondemand.prerendering.messages import Visited
from ondemand.prerendering.places import Document, Target, charset_of, inside, may_mix
from ondemand.prerendering.report import Finding, Place
from ondemand.routing import to_url

__all__ = ["Reader", "is_document"]


_DOCUMENTS = frozenset({"text/html", "application/xhtml+xml"})


def is_document(answer: Capture) -> bool:
    return signals.media_type(answer) in _DOCUMENTS


class Reader:
    """Reads the answers of one site."""

    def __init__(self, config: Config, prefix: str, *, abroad: bool) -> None:
        """prefix: what `base` puts in front of each path. abroad: links to other sites are asked for too."""
        self._origin = config.origin
        self._prefix = prefix
        self._host = config.origin.partition("//")[2]
        self._is_https = config.site.startswith("https:")
        self._abroad = abroad

    def read(self, visited: Visited, answer: Capture) -> Iterator[Finding]:
        """Note in `visited` the links, ids and redirect of `answer`; what is no URL is found."""
        links: list[crawl.Link] = []
        location = self._location(answer)
        if isinstance(location, crawl.Link):
            links.append(location)
            if not location.query and answer.header(b"set-cookie") is None:  # else the next answer may be another
                visited.leads = next(((path, fragment) for path, fragment, *_ in self._inside(links)), None)
                if self._prefix and answer.path == "/" and visited.leads is not None and visited.leads[0] == "/":
                    visited.leads = None  # from `base` without a slash to `base` with one, or back
        elif location is not None:
            yield Finding("faulty-link", f"Its Location {location.raw!r} is no URL.", "Correct the redirect.")
        media = signals.media_type(answer)
        if answer.body and media in _DOCUMENTS:
            references = crawl.read_html(answer.body, charset=_charset(answer), url=self._url(answer.path))
            visited.ids = sorted(references.ids)
        elif answer.body and media == "text/css":
            references = crawl.read_css(answer.body, url=self._url(answer.path))
        else:
            visited.links = self._inside(links)
            return
        visited.links = self._inside([*links, *references.links] if links else references.links)
        if not (references.faulty or self._is_https or self._abroad):
            return
        document = cache(lambda: cast("Document", self._document(answer)))
        visited.abroad = self._look_abroad(answer.body, document)
        for text in references.faulty:
            places = [Place(answer.path, document().line_of(text), text)]
            yield Finding("faulty-link", f"The link {text!r} is no URL.", "Correct the link.", places=places)

    def read_css(self, visited: Visited, body: bytes, path: str) -> None:
        """Note what the style sheet at `path` refers to."""
        url = self._url(path)
        visited.links = self._inside(crawl.read_css(body, url=url).links)
        visited.abroad = self._look_abroad(body, partial(Document, body, charset=None, url=url, is_css=True))

    def targets(self, answer: Capture) -> list[Target]:
        """Where each link of `answer` leads within the site, and on which line it stands."""
        location = self._location(answer)
        if isinstance(location, crawl.Link):
            plain = not location.query
            return [Target(path, fragment, 0, location.raw, plain) for path, fragment, *_ in self._inside([location])]
        document = self._document(answer)
        return list(document.targets(self._prefix)) if document is not None else []

    def _url(self, path: str) -> str:
        return self._origin + self._prefix + to_url(path)

    def _location(self, answer: Capture) -> crawl.Link | crawl.Faulty | None:
        location = answer.header(b"location") if 300 <= answer.status < 400 else None
        return crawl.resolve(location.decode("utf-8", "replace"), url=self._url(answer.path)) if location else None

    def _document(self, answer: Capture) -> Document | None:
        is_css = signals.media_type(answer) == "text/css"
        if not (is_css or is_document(answer)):
            return None
        return Document(answer.body, charset=_charset(answer), url=self._url(answer.path), is_css=is_css)

    def _look_abroad(self, body: bytes, document: Callable[[], Document]) -> list[tuple[str, str, int]]:
        """(url, sort, line) of what the document asks for by `http:` although its site is https and, if they are asked for, of
        links to other sites."""
        found: list[tuple[str, str, int]] = []
        if self._is_https and may_mix(body, self._host):
            found += document().mixed()
        if self._abroad:
            found += document().abroad()
        return found

    def _inside(self, links: Iterable[crawl.Link]) -> list[tuple[str, str, str, bool, str]]:
        """The links by the paths that the site knows, without those that lead out of `base`. A fragment behind a query
        is dropped: it is of another document than the snapshot."""
        prefix = self._prefix
        found: list[tuple[str, str, str, bool, str]] = []
        for link in links:
            path = inside(link.path, prefix) if prefix else link.path
            if path is not None:
                found.append((path, "" if link.query else link.fragment, link.kind, link.encoded_slash, link.query))
        return found


def _charset(answer: Capture) -> str | None:
    return charset_of((answer.header(b"content-type") or b"").decode("latin-1"))
