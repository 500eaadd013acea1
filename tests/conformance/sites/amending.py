"""What decisions about HTTP cases are written with.

Each rule gets the request (`{"request": ..., "case": ..., "wraps": ...}`), the recorded response as `comparing.whole` completes
it, and our `Reply`; it gives the response that it wants, or None where it has no say. wraps: see `ports.Port`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "NOT_FOUND",
    "PLAIN_FAILURE",
    "PLAIN_NOT_FOUND",
    "Amended",
    "Given",
    "Want",
    "changed",
    "has_file",
    "header_of",
    "is_failure",
    "is_not_found",
    "media_type",
    "path_of",
    "site_of",
    "text_of",
]

Given = Mapping[str, Any]
Want = Mapping[str, Any]
Amended = dict[str, Any] | None

NOT_FOUND = "<default-404-page>"


def _plain(status: int, phrase: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{status}: {phrase}</title>'
        f"<body><h1>{status}: {phrase}</h1></body></html>"
    )


PLAIN_NOT_FOUND = _plain(404, "Not Found")
PLAIN_FAILURE = _plain(500, "Internal Server Error")
"""What we show where a site has no page for that."""


def changed(want: Want, headers: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {**want, **more, "headers": {**want["headers"], **(headers or {})}}


def media_type(value: str | None) -> tuple[str, str]:
    """The type of a Content-Type, and its charset."""
    kind, _, rest = (value or "").partition(";")
    found = re.search(r'charset="?([\w-]+)', rest, re.IGNORECASE)
    return kind.strip().lower(), found[1].lower() if found else ""


def text_of(want: Want) -> str:
    """The body that is wanted, "" for none and for any."""
    body = want.get("body")
    return body if isinstance(body, str) else ""


def site_of(given: Given) -> str:
    return str(given["case"]["id"]).partition("/")[0]


def path_of(given: Given) -> str:
    """The path that was asked for, as it was sent."""
    return given["request"]["path"].partition("?")[0]


def has_file(given: Given, file: str) -> bool:
    """True for a case that needs `file`, named below src/pages."""
    return f"src/pages/{file}" in given["case"]["site_pages"]


def header_of(given: Given, name: str) -> str | None:
    """A header that was sent."""
    return {key.lower(): value for key, value in given["request"].get("headers", {}).items()}.get(name)


def is_not_found(want: Want) -> bool:
    """True for Astro's own page for 404, or a HEAD that would show it."""
    return want["status"] == 404 and want.get("body") in (NOT_FOUND, None)


def is_failure(want: Want) -> bool:
    """True for what Astro answers where a page fails and the site has no page for that."""
    return want["status"] == 500 and want.get("body") == "" and want["headers"]["content-type"] is None
