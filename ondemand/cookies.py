"""The cookies of a request, read as Astro reads them.

Own parser, linear in the header's length: pairs are separated by `;` alone, only blanks and tabs are trimmed, the first
pair of a name wins, pairs without a name are ignored, values are percent-decoded (RFC 6265 section 5.4; Astro's
`Astro.cookies`). A value whose escapes are malformed is given as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["Cookie", "Cookies", "parse_cookies"]


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie. `value` is its text, percent-decoded."""

    value: str


def parse_cookies(header: str) -> dict[str, str]:
    """The raw value of each name in a Cookie header.

    >>> parse_cookies("theme=dark; theme=light; =x; lang=d%C3%A9")
    {'theme': 'dark', 'lang': 'd%C3%A9'}
    """
    found: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        name = name.strip(" \t")
        if equals and name and name not in found:
            found[name] = value.strip(" \t")
    return found


class Cookies(Mapping[str, Cookie]):
    """The request's cookies: a mapping of names to `Cookie`, parsed when first asked for."""

    __slots__ = ("_header", "_parsed")

    def __init__(self, header: str) -> None:
        self._header = header
        self._parsed: dict[str, str] | None = None

    def _pairs(self) -> dict[str, str]:
        if self._parsed is None:
            self._parsed = parse_cookies(self._header)
        return self._parsed

    def __getitem__(self, name: str) -> Cookie:
        return Cookie(_decode(self._pairs()[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs())

    def __len__(self) -> int:
        return len(self._pairs())

    def has(self, name: str) -> bool:
        """True exactly where `get(name)` is not None."""
        return name in self._pairs()


def _decode(value: str) -> str:
    """JavaScript's decodeURIComponent: escapes are UTF-8; a value with a malformed one is given as it came."""
    if "%" not in value:
        return value
    if re.search("%(?![0-9A-Fa-f]{2})", value):
        return value
    try:
        return re.sub("(?:%[0-9A-Fa-f]{2})+", lambda run: bytes.fromhex(run.group().replace("%", "")).decode(), value)
    except UnicodeDecodeError:
        return value
