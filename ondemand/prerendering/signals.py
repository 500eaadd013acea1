"""Is this answer the same for everyone? The plain signals: what one answer by itself says against it."""

from __future__ import annotations

import re
from collections.abc import Callable

from ondemand.capture import Capture

__all__ = ["media_type", "names_origin", "private_signals", "reads", "varies_by_visitor", "vary", "why_not_plain"]


def media_type(capture: Capture) -> str:
    """The media type of the answer in lower case, without parameters; "" if it has none."""
    return (capture.header(b"content-type") or b"").decode("latin-1").partition(";")[0].strip().lower()


def _sets_cookie(capture: Capture) -> str | None:
    value = capture.header(b"set-cookie")
    if value is None:
        return None
    return f"it sets the cookie {value.decode('latin-1').partition('=')[0].strip()!r}"


def _is_private(capture: Capture) -> str | None:
    value = (capture.header(b"cache-control") or b"").decode("latin-1").lower()
    for directive in value.split(","):
        name = directive.partition("=")[0].strip()
        if name in {"private", "no-store"}:
            return f"its Cache-Control says {name}"
    return None


def _varies_by_all(capture: Capture) -> str | None:
    return "its Vary is *, so no two requests get the same" if "*" in vary(capture) else None


def vary(capture: Capture) -> list[str]:
    """The field names of Vary in lower case, without Accept-Encoding, which our own encodings answer."""
    named = (capture.header(b"vary") or b"").decode("latin-1").lower().split(",")
    return [name.strip() for name in named if name.strip() not in {"", "accept-encoding"}]


_PRIVATE: tuple[Callable[[Capture], str | None], ...] = (_sets_cookie, _is_private, _varies_by_all)


def private_signals(capture: Capture) -> list[str]:
    """Why no snapshot may ever be made of this answer, marked or not: it says that it is for one visitor."""
    return [reason for signal in _PRIVATE if (reason := signal(capture)) is not None]


def varies_by_visitor(capture: Capture) -> str | None:
    """What of a visitor's credentials the answer says it depends on, in words, or None."""
    names = [name for name in vary(capture) if name in {"cookie", "authorization"}]
    return f"its Vary names {' and '.join(names)}" if names else None


def why_not_plain(capture: Capture) -> str | None:
    """Why an unmarked page stays on demand after this answer, or None: only a 200 document that says nothing
    about the visitor becomes static by itself."""
    if capture.status != 200 and capture.path.rstrip("/") != f"/{capture.status}":  # the page for that very error
        return f"it answers {capture.status}"
    kind = media_type(capture)
    if kind == "application/json" or (kind.endswith("+json") and kind != "application/manifest+json"):
        return "it answers JSON"
    if kind in {"application/jsonl", "application/x-ndjson", "text/event-stream", ""}:
        return f"it answers {kind or 'no content type'}"
    if not capture.body:
        return "its answer is empty"
    for reason in private_signals(capture):
        return reason
    if names := vary(capture):
        return f"its Vary names {names[0]}"
    return None


def names_origin(capture: Capture, origin: str) -> str | None:
    """What of the answer holds the origin that the build made up, because no `site` is set; None if nothing does."""
    found = re.compile(re.escape(origin.encode()) + rb"(?![\w.:-])[^\s\"'<>]{0,60}")
    for text in (*(value for _, value in capture.headers), capture.body):
        if (match := found.search(text)) is not None:
            return match.group().decode("utf-8", "replace")
    return None


def reads(capture: Capture) -> str | None:
    """What only a visitor has and page code read, and where, in words; or None."""
    for what, frame in capture.reads.items():
        return f"it reads {what}" + (f" ({frame})" if frame else "")
    return None
