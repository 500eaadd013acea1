"""Where the links of a document stand: the line, the element and what the author wrote.

A build reads every page with `crawl`, which knows no lines. This reads a document once more, tag by tag, where a line is
needed: for a finding, for `http:` on an https site, for links to other origins. Pure, in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urljoin

from ondemand.prerendering.crawl import Attributes, Found, Kind, in_utf8, is_get, read_tags
from ondemand.prerendering.css import css_lines
from ondemand.prerendering.references import Faulty, Link, Resolver

__all__ = ["Document", "Reference", "Target", "charset_of", "inside", "may_mix"]


class Reference(NamedTuple):
    """One link as it stands in its document.

    kind: as `Link.kind`; "post" for where a form or button sends what no GET asks for, "away" for `rel="external"`. tag: the
    element, "" in a style sheet. line: 1-based.
    """

    text: str
    kind: str
    tag: str
    line: int


class Target(NamedTuple):
    """Where one link leads within the site. plain: without a query. line: 0 where it stands on no line (a redirect)."""

    path: str
    fragment: str
    line: int
    text: str
    plain: bool


class _Wanted(dict[tuple[str, Kind], None]):
    """What is wanted, each told to whoever knows where the reader is."""

    def __init__(self, found: _Placed) -> None:
        super().__init__()
        self._found = found

    def __setitem__(self, key: tuple[str, Kind], value: None) -> None:
        self._found.note(*key)
        super().__setitem__(key, value)


class _Placed(Found):
    """Collects references with the line of the first place of each in each kind of element."""

    __slots__ = ("_at", "_line", "_style", "_tag", "_text", "references_in")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.wanted = _Wanted(self)
        self.references_in: dict[tuple[str, str, str], Reference] = {}
        self._text = text
        self._at, self._line = 0, 1
        self._tag = ""
        self._style = 0  # the line of what stands in a style sheet or attribute

    def note(self, text: str, kind: str) -> None:
        if (text, kind, self._tag) not in self.references_in:
            line = self._style or self._line_of(self._find(text))
            self.references_in[text, kind, self._tag] = Reference(text, kind, self._tag, line)

    def _find(self, text: str) -> int:
        """Where `text` stands in the tag that is read; the tag's start if it is spelled with references or the tag is long."""
        start, end = self.span
        if end - start > _LONGEST:
            return start
        for spelling in (text, text.replace("&", "&amp;")):
            if (at := self._text.find(spelling, start, end)) >= 0:
                return at
        return start

    def _line_of(self, at: int) -> int:
        if at >= self._at:
            self._line += self._text.count("\n", self._at, at)
        else:
            self._line -= self._text.count("\n", at, self._at)
        self._at = at
        return self._line

    def element(self, tag: str, attributes: Attributes) -> None:
        self._tag = tag
        super().element(tag, attributes)
        if tag in ("a", "area") and "external" in (attributes.get("rel") or "").lower().split():
            self.note(attributes.get("href") or "", "away")
        action = attributes.get("action") if tag == "form" else attributes.get("formaction")
        if action and (tag != "form" or not is_get(attributes.get("method"))):
            self.note(action, "post")

    def style(self, text: str) -> None:
        if "(" not in text and "@" not in text:
            return
        _, end = self.span
        if self._text.startswith(text, end):
            self._tag, first = "style", self._line_of(end)
        else:
            first = self._line_of(self._find(text))
        self.sheet(text, first)

    def sheet(self, text: str, first: int) -> None:
        for reference, lines in css_lines(text):
            self._style = first + lines
            self.wanted[reference, "asset"] = None
        self._style = 0


class Document:
    """The references of one HTML page or style sheet, in order, each once for each kind of element that has it."""

    def __init__(self, body: bytes, *, charset: str | None, url: str, is_css: bool = False) -> None:
        """charset, url: as for `read_html`; a style sheet is UTF-8."""
        text = (body if is_css else in_utf8(body, charset)).decode("utf-8", "replace")
        found = _Placed(text)
        if is_css:
            found.sheet(text, 1)
        else:
            read_tags(text, found)
        self.references = tuple(found.references_in.values())
        self._resolver = Resolver(url, found.base)
        self._url = (_join(url, found.base) if found.base is not None else None) or url

    def targets(self, prefix: str) -> Iterator[Target]:
        """Every link to a path below `prefix`, as the site knows its paths."""
        for reference in self.references:
            link = self._resolve(reference)
            if isinstance(link, Link) and reference.kind not in ("post", "away"):
                path = inside(link.path, prefix)
                if path is not None:
                    yield Target(path, "" if link.query else link.fragment, reference.line, link.raw, not link.query)

    def line_of(self, raw: str) -> int:
        """The line of what is no URL and is told as `raw`; 0 if it is not there."""
        for reference in self.references:
            link = self._resolve(reference)
            if isinstance(link, Faulty) and link.raw == raw:
                return reference.line
        return 0

    def mixed(self) -> Iterator[tuple[str, str, int]]:
        """(URL, sort, line) of what an https page "loads", "sends" or "links" to by `http:`. A link to another host is none:
        following it leaves the page. Source: W3C Mixed Content, and Secure Contexts for forms."""
        for reference in self.references:
            url = self._absolute(reference)
            if url is None or not url.startswith("http:"):
                continue
            if reference.kind in ("form", "post"):
                yield url, "sends", reference.line
            elif (reference.kind == "asset" or reference.tag in ("iframe", "frame")) and reference.tag != "meta":
                yield url, "loads", reference.line
            elif isinstance(self._resolve(reference), Link):
                yield url, "links", reference.line

    def abroad(self) -> Iterator[tuple[str, str, int]]:
        """(URL without fragment, "external", line) of every link to another origin that a GET may ask for."""
        for reference in self.references:
            if reference.kind == "post" or self._resolve(reference) is not None:
                continue
            url = self._absolute(reference)
            if url is not None:
                yield url.partition("#")[0], "external", reference.line

    def _resolve(self, reference: Reference) -> Link | Faulty | None:
        kind: Kind = reference.kind if reference.kind in ("asset", "form") else "page"
        return self._resolver.simple(reference.text, kind) or self._resolver.link(reference.text, kind)

    def _absolute(self, reference: Reference) -> str | None:
        """The http or https URL that is meant; None for other schemes and for what is no URL."""
        text = _INVISIBLE.sub("", reference.text.strip(_EDGES))
        inner = text.startswith("#") and reference.kind == "asset"
        if not text or inner or isinstance(self._resolve(reference), Faulty):
            return None
        return _join(self._url, text)


def _join(url: str, text: str) -> str | None:
    try:
        url = urljoin(url, text.replace("\\", "/") if _SCHEME.match(text) else text)
    except ValueError:
        return None
    named = _HTTP.match(url)
    return named[1].lower() + url[named.end(1) :] if named is not None else None


def inside(path: str, prefix: str) -> str | None:
    """`path` as the site knows its paths; None if it lies outside `prefix`, which `base` puts in front of them."""
    if prefix and path != prefix and not path.startswith(prefix + "/"):
        return None
    return path[len(prefix) :] or "/"


def charset_of(content_type: str) -> str | None:
    """What a Content-Type says of the charset."""
    for parameter in content_type.split(";")[1:]:
        name, _, charset = parameter.partition("=")
        if name.strip().lower() == "charset":
            return charset.strip().strip('"') or None
    return None


_LONGEST = 32 * 1024
"""Bytes of a tag that is searched for each of its references; beyond, a reference has the line of its tag."""

_EDGES = "".join(map(chr, range(0x21)))
_INVISIBLE = re.compile(r"[\t\n\r]")
_SCHEME = re.compile(r"https?:|[/\\]", re.IGNORECASE)
_HTTP = re.compile(r"(https?)://", re.IGNORECASE)
_SPACE = b"\t\n\f\r "
_PLAIN = re.compile(rb"http:[/\\]*([^/\\\"'\t\n\f\r >)]*)")
_NAMESPACE = re.compile(rb"xmlns(?::[\w-]{1,20})?[\t\n\f\r ]*=\Z", re.IGNORECASE)
_LINK = re.compile(rb"<a(?:rea)?[\t\n\f\r /]", re.IGNORECASE)


def may_mix(body: bytes, host: str) -> bool:
    """Whether `body` may hold what `Document.mixed` tells of a page of `host` ("example.com:8443"): soon said for almost all."""
    if b"HTTP:" in body:
        body = body.lower()
    own = host.encode("ascii", "replace").lower()
    tag = last = 0
    for match in _PLAIN.finditer(body):
        at = match.start()
        tag = max(body.rfind(b"<", last, at), tag)
        last = at
        ahead = body[max(at - 40, 0) : at].rstrip(_SPACE)
        if ahead.endswith((b'"', b"'")):
            ahead = ahead[:-1].rstrip(_SPACE)
        begins = ahead.endswith((b"=", b"(", b",")) or (not ahead and at > 40)
        if begins and not _NAMESPACE.search(ahead) and (match[1].lower() == own or not _LINK.match(body, tag)):
            return True
    return False
