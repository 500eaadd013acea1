"""Locales: which of a site's languages a visitor prefers, and which one a path names.

Astro's `preferredLocale`, `preferredLocaleList` and `currentLocale`, with three things better (RFC 9110 section 12.5.4, RFC 4647
section 3.4): `q=0` excludes, blanks and case around `q` are read, and `en-GB` finds `en` as `pt` finds `pt-BR`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ondemand.errors import ConfigError

__all__ = ["Locales"]

MAX_HEADER = 4096
"""Characters of an Accept-Language header that are read; browsers send fewer than 200."""

_LAST = -math.inf
"""The weight of a bare `*`: behind everything that is named."""

_CODE = r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*"


class Locales:
    """The `locales` of a site, the default first: codes, or mappings with a `path` and its `codes`.

    Raises `ConfigError` for anything else.
    """

    def __init__(self, locales: Sequence[str | Mapping[str, Any]] = ()) -> None:
        self._codes: list[str] = []
        self._names: dict[str, str] = {}  # what a segment of a path may say, lower case -> the code it stands for
        for locale in locales:
            path, codes = self._read(locale)
            self._codes += codes
            self._names.setdefault(_plain(path), codes[0])
            for code in codes:
                self._names.setdefault(_plain(code), code)
        self._plain_codes = [_plain(code) for code in self._codes]

    @property
    def codes(self) -> tuple[str, ...]:
        """Every code, the default first."""
        return tuple(self._codes)

    @staticmethod
    def _read(locale: str | Mapping[str, Any]) -> tuple[str, list[str]]:
        accepted = 'codes such as "en" and mappings such as {"path": "spanish", "codes": ["es", "es-AR"]}'
        if isinstance(locale, str):
            path, codes = locale, [locale]
        elif isinstance(locale, Mapping) and set(locale) == {"path", "codes"}:  # pyright: ignore[reportUnnecessaryIsInstance]
            given: Any = locale["codes"]
            path, codes = locale["path"], list(cast("Sequence[str]", given)) if isinstance(given, list | tuple) else []
        else:
            raise ConfigError(f"locales={locale!r} is not accepted. It takes {accepted}.")
        if not codes or not all(isinstance(name, str) and re.fullmatch(_CODE, name) for name in (path, *codes)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"locales={locale!r} is not accepted. It takes {accepted}.")
        return path, codes

    def __bool__(self) -> bool:
        return bool(self._codes)

    def preferred(self, accept_language: str | None) -> str | None:
        """The code that the visitor wants most, or None: no header, none of ours, or anything (`*`)."""
        ranges, _ = self._ranges(accept_language)
        if not ranges or ranges[0] == "*":
            return None
        found = self._find(ranges[0])
        return self._codes[found[0]] if found else None

    def preferred_list(self, accept_language: str | None) -> list[str]:
        """The codes that the visitor wants, the most wanted first; all of them if only `*` is left."""
        ranges, excluded = self._ranges(accept_language)
        if ranges == ["*"]:
            return [code for at, code in enumerate(self._codes) if at not in excluded]
        positions = dict.fromkeys(at for one in ranges if one != "*" for at in self._find(one))
        return [self._codes[at] for at in positions]

    def current(self, pathname: str) -> str | None:
        """The code that a segment of the path names, else the default; None without locales."""
        for segment in pathname.split("/"):
            if segment and (code := self._names.get(_plain(segment))) is not None:
                return code
        return self._codes[0] if self._codes else None

    def _ranges(self, accept_language: str | None) -> tuple[list[str], set[int]]:
        """The ranges of the header that lead to one of our codes, and `*`, the most wanted first; and which codes the
        visitor does not want at all."""
        weighed: list[tuple[float, str]] = []
        excluded: set[int] = set()
        for item in (accept_language or "")[:MAX_HEADER].split(","):
            name, *parameters = (part.strip(" \t") for part in item.split(";"))
            weight = _weight(parameters, _LAST if name == "*" else 1.0)
            if name == "*":
                if weight != 0:
                    weighed.append((weight, name))
            elif name and (found := self._find(name)):
                if weight == 0:
                    excluded.update(found)
                else:
                    weighed.append((weight, name))
        weighed.sort(key=lambda pair: pair[0], reverse=True)
        wanted = [name for _, name in weighed if name == "*" or not set(self._find(name)) <= excluded]
        return wanted, excluded

    def _find(self, wanted: str) -> list[int]:
        """Where our codes for a range stand: equal ones, else the nearest shorter one, else those that begin with it."""
        codes = self._plain_codes
        plain = shorter = _plain(wanted)
        while shorter and len(shorter) <= 100:
            if found := [at for at, code in enumerate(codes) if code == shorter]:
                return found
            shorter = shorter.rpartition("-")[0]
        return [at for at, code in enumerate(codes) if code.startswith(plain + "-")][:1]


def _plain(code: str) -> str:
    return code.lower().replace("_", "-")


def _weight(parameters: Sequence[str], default: float) -> float:
    """The `q` of a range as a number; the default if there is none that can be read or it is above 1."""
    for parameter in parameters:
        found = re.match(r"[qQ][ \t]*=[ \t]*(-?(?:[0-9]{1,10}(?:\.[0-9]{0,10})?|\.[0-9]{1,10}))", parameter)
        if found:
            weight = float(found.group(1))
            return default if weight > 1 else weight
    return default
