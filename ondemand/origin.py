"""The origin check: may this request change something here, or does another site send it?

Astro's `security.checkOrigin` (its section "check origin"), with Sec-Fetch-Site in front. Only what a foreign page can make a
browser send without asking first (a CORS preflight) is checked: forms, and bodies without a type.
"""

from __future__ import annotations

from collections.abc import Sequence

from ondemand._asgi import Scope

__all__ = ["refusal"]

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
"""The types that need no preflight (Fetch standard, "CORS-safelisted request-header")."""


def refusal(scope: Scope, own: Sequence[str]) -> str | None:
    """Why the request is refused, as the text of a 403 answer, or None if it may pass.

    own: the origins that count as this site ("https://example.com"), the request's own first.
    """
    method = scope["method"]
    if method in _SAFE:
        return None
    types = [value.partition(";")[0].strip().lower() for value in _values(scope, b"content-type")]
    if any(types) and not any(kind in _FORMS for kind in types):
        return None
    if _values(scope, b"sec-fetch-site") in (["same-origin"], ["none"]):
        return None
    origins = _values(scope, b"origin")
    if len(origins) == 1 and origins[0] in own:
        return None
    if not origins or origins == [""]:
        came = "The request has no Origin header"
    elif len(origins) > 1:
        came = "The request has several Origin headers"
    else:
        came = f"The request comes from {_shown(origins[0])}"
    return f"Cross-site {_shown(method)} form submissions are forbidden\n{came}, this site is {' or '.join(own)}.\n"


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip(" \t") for key, value in scope["headers"] if key == name]


def _shown(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text[:200])
