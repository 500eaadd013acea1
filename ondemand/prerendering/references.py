"""References: from what an author wrote to the path on the site's own origin that it leads to.

Pure. Sources: RFC 3986 (resolution), WHATWG URL (what browsers do where the RFC says less: backslashes, whitespace, `%2e`).
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import quote, unquote

__all__ = ["Faulty", "Kind", "Link", "Resolver", "resolve"]

Kind = Literal["page", "asset", "form"]
"""`page`: somewhere a visitor can go; `asset`: something a page needs; `form`: where a GET form leads."""

_RAW = 200
"""Characters of what the author wrote that a message shows."""


@dataclass(frozen=True, slots=True)
class Link:
    """One reference to the document's own origin.

    For `<a href="../caf%C3%A9?page=2#r%C3%A9sum%C3%A9">` in `http://localhost/blog/post`: path `/café`, query `page=2`,
    fragment `résumé`, kind `page`, raw as written.
    """

    path: str
    """Percent-escapes are decoded, once, as UTF-8. Starts with "/"; has no "." or ".." segments but for those that an
    encoded slash hides."""
    query: str
    """Without "?", escapes as they are; what may not stand in a URL is escaped, as browsers do. "" if there is none."""
    fragment: str
    """Decoded, without "#" and without the text directive. "" if there is none."""
    kind: Kind
    raw: str
    """What the author wrote, at most 200 characters of it."""
    encoded_slash: bool
    """The path was written with %2F, %5C or a backslash: no file name can stand for it."""


@dataclass(frozen=True, slots=True)
class Faulty:
    """A reference that is no URL at all, such as `http://[` or `http://host:99999/`."""

    raw: str


def resolve(reference: str, *, url: str, base: str | None = None, kind: Kind = "page") -> Link | Faulty | None:
    """Where `reference`, found in the document `url`, leads: an `href`, `url()` or `Location`, not escaped for HTML.

        >>> resolve("../img/a%20b.png", url="http://localhost/blog/post", kind="asset").path
        '/img/a b.png'
        >>> resolve("https://example.org/", url="http://localhost/blog/post")
        >>> resolve("http://[", url="http://localhost/blog/post")
        Faulty(raw='http://[')

    A `Link` if it stays on the origin of `url` (scheme, host and port; http and https at their default ports are one
    origin), None if it does not, if it is empty or an asset's mere fragment, `Faulty` if it is no URL. `base` is the
    text of `<base href>`. `url` must be absolute, else ValueError. Sources: RFC 3986 section 5, WHATWG URL "basic URL
    parser".
    """
    return Resolver(url, base).link(reference, kind)


_DOCUMENT = re.compile(r"(https?)://([^/\\?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY = re.compile(r"[^/\\?#]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}

# What most links look like: an absolute path that needs no decoding, no merging and holds no "." at a segment's start.
_SIMPLE = re.compile(
    r"(/|(?:/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9_~!$&'()*+,;=:@.-]*)+/?)"
    r"(?:\?([A-Za-z0-9_~!$&()*+,;=:@.%/?-]*))?"
    r"(?:#([A-Za-z0-9_~!$&'()*+,;=@./?-]*))?"
)
_EDGES = "".join(map(chr, range(0x21)))
_INVISIBLE = re.compile(r"[\t\n\r]")
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|\Z)", re.IGNORECASE)
_DOT = re.compile("%2e", re.IGNORECASE)
_SLASHES = re.compile("%(?:2f|5c)", re.IGNORECASE)
_NO_HOST = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^|\x7f\ufffd]")

# The special-query percent-encode set of WHATWG URL, turned around.
_QUERY = "!$%&()*+,-./:;=?@[\\]^_`{|}~"
_QUERY_FAULTS = re.compile(r"[^!$-&(-;=?-~]")

_LONGEST_BASE = 2048
"""A longer base is none: with it every short relative link would become a long one."""

Origin = tuple[str, str]


@lru_cache(maxsize=64)
def _origin(scheme: str, authority: str) -> Origin | None:
    """The host, and scheme and port unless the port is the scheme's default; None if there is a user; or ValueError.

    Source: WHATWG URL, "host parsing" and "port state".
    """
    _, user, place = authority.rpartition("@")
    if place.startswith("["):
        address, bracket, rest = place[1:].partition("]")
        if not bracket or "%" in address or (rest and rest[0] != ":"):
            raise ValueError(place)
        host, port = str(ipaddress.IPv6Address(address)), rest[1:]
    else:
        host, _, port = place.partition(":")
        host = unquote(host, errors="replace").lower()
        if not host or _NO_HOST.search(host):
            raise ValueError(place)
        if not host.isascii() and len(host) < 256:
            with contextlib.suppress(UnicodeError):  # newer than the tables of that codec: compared as it is
                host = host.encode("idna").decode("ascii")
    number = _DEFAULT_PORTS[scheme]
    if port:
        if not port.isascii() or not port.isdigit() or len(port) > 100 or int(port) > 65535:
            raise ValueError(place)
        number = int(port)
    if user:
        return None
    return host, "" if number == _DEFAULT_PORTS[scheme] else f"{scheme}:{number}"


def _well_formed(text: str) -> str:
    """`text` without lone surrogates: they become U+FFFD, pairs become the character they stand for."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _without_dots(path: str) -> str:
    """Remove "." and ".." segments. Source: RFC 3986 section 5.2.4, WHATWG URL "path state" (for `%2e`)."""
    kept: list[str] = []
    segments = path.split("/")
    last = len(segments) - 1
    for at, segment in enumerate(segments):
        if at == 0:
            continue
        dots = _DOT.sub(".", segment) if len(segment) <= 6 else segment
        if dots not in (".", ".."):
            kept.append(segment)
            continue
        if dots == ".." and kept:
            kept.pop()
        if at == last:
            kept.append("")
    return "/" + "/".join(kept)


class Resolver:
    """Resolves the references of one document."""

    __slots__ = ("abroad", "faulty", "origin", "path", "query", "rebased", "scheme")

    def __init__(self, url: str, base: str | None = None) -> None:
        parts = _DOCUMENT.fullmatch(_well_formed(url))
        if parts is None:
            raise ValueError(f"not an absolute http or https URL: {url!r}")
        self.scheme: str = parts[1].lower()
        self.origin = _origin(self.scheme, parts[2])
        if self.origin is None:
            raise ValueError(f"a document's URL has no user or password: {url!r}")
        path: str = parts[3].replace("\\", "/") or "/"
        self.path = _without_dots(path) if _DOTS.search(path) else path
        self.query: str = parts[4] or ""
        self.abroad = False  # <base> leads to another origin, and with it all that is relative
        self.rebased = False
        self.faulty: str | None = None
        if base is not None:
            self._rebase(_well_formed(base))

    def _rebase(self, base: str) -> None:
        """Honour `<base href>`. Source: WHATWG HTML, "set the frozen base URL"."""
        reference = _INVISIBLE.sub("", base.strip(_EDGES))
        scheme = _SCHEME.match(reference)
        if scheme is not None and scheme[1].lower() in ("data", "javascript"):
            return
        try:
            target = self._target(reference)
        except ValueError:
            self.faulty = base[:_RAW]
            return
        if target is None:
            self.abroad = True
        elif len(reference) > _LONGEST_BASE:
            self.faulty = base[:_RAW]
        else:
            if scheme is not None:
                self.scheme = scheme[1].lower()
            self.rebased = (self.path, self.query) != target[:2]
            self.path, self.query = target[:2]

    def simple(self, text: str, kind: Kind) -> Link | None:
        """What `link` says, sooner, for what most links look like; None for all others."""
        if self.abroad:
            return None
        simple = _SIMPLE.fullmatch(text)
        if simple is None:
            return None
        path, query, fragment = simple.groups("")
        return Link(path, query, fragment, kind, text[:_RAW], False)

    def link(self, text: str, kind: Kind) -> Link | Faulty | None:
        """See `resolve`. What a base adds: nothing at all leads to the base then, not to the document."""
        text = _well_formed(text)
        reference = _INVISIBLE.sub("", text.strip(_EDGES))
        if not reference and not self.rebased:
            return None
        if kind == "asset" and reference.startswith("#"):
            return None
        try:
            target = self._target(reference)
        except ValueError:
            return Faulty(text[:_RAW])
        if target is None:
            return None
        path, query, fragment, backslash = target
        encoded_slash = backslash
        if "%" in path:
            encoded_slash = backslash or _SLASHES.search(path) is not None
            path = unquote(path, errors="replace")
        if _QUERY_FAULTS.search(query):
            query = quote(query, safe=_QUERY)
        fragment = fragment.partition(":~:")[0]
        return Link(path, query, unquote(fragment, errors="replace"), kind, text[:_RAW], encoded_slash)

    def _target(self, reference: str) -> tuple[str, str, str, bool] | None:
        """Path, query, fragment (nothing decoded) and whether the path had a backslash; None for another origin.

        ValueError if it is no URL. Source: RFC 3986 section 5.2.2, WHATWG URL "basic URL parser".
        """
        rest = reference
        scheme = self.scheme
        named = _SCHEME.match(reference)
        if named is not None:
            scheme = named[1].lower()
            if scheme not in _DEFAULT_PORTS:
                return None
            rest = reference[named.end() :]
        slashes = len(rest) - len(rest.lstrip("/\\"))
        if slashes > 2:
            raise ValueError("no host")  # browsers drop the slashes: a slip all the same, and never what was meant
        if slashes == 2 or scheme != self.scheme:
            end = past(_AUTHORITY, rest, slashes)
            if _origin(scheme, rest[slashes:end]) != self.origin:
                return None
            rest = rest[end:]
            if not rest.startswith(("/", "\\")):
                rest = "/" + rest
        elif self.abroad:
            return None
        rest, _, fragment = rest.partition("#")
        path, mark, query = rest.partition("?")
        backslash = "\\" in path
        if backslash:
            path = path.replace("\\", "/")
        if not path:
            path = self.path
            if not mark:
                query = self.query
        else:
            if path[0] != "/":
                path = self.path[: self.path.rindex("/") + 1] + path
            if _DOTS.search(path):
                path = _without_dots(path)
        return path, query, fragment, backslash


def past(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where what `pattern` matches at `at` ends; for patterns that match nothing too."""
    match = pattern.match(text, at)
    assert match is not None
    return match.end()
