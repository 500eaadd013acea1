"""What is written for an answer: the headers, the body and the name of a snapshot, and what of it changed."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ondemand.capture import Capture
from ondemand.config import Config
from ondemand.prerendering import signals
from ondemand.routing import Route, redirect_target, to_url
from ondemand.snapshots.manifest import Snapshot

if TYPE_CHECKING:
    from ondemand.pages import PageRoute

__all__ = ["address", "as_written", "kept_headers", "refresh_page", "what_changed"]

_DROPPED = frozenset(
    # computed by us or by the server, or only true of one connection (RFC 9110 section 7.6.1)
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "proxy-connection",
        "date",
        "server",
        "content-length",
        "content-encoding",
        "etag",
        "last-modified",
        "accept-ranges",
        "vary",
        "set-cookie",
        "age",
        "expires",  # of a time that has passed when the snapshot is sent; Cache-Control says it better
    ]
)


def kept_headers(answer: Capture) -> list[tuple[str, str]]:
    """The headers of a snapshot, names in lower case: all but those that are computed or of one connection."""
    kept: list[tuple[str, str]] = []
    for name, value in answer.headers:
        text = name.decode("latin-1")
        if text not in _DROPPED:
            kept.append((text, value.decode("latin-1")))
    if names := signals.vary(answer):
        kept.append(("vary", ", ".join(names)))
    return kept


def what_changed(old: Snapshot, new: Snapshot) -> str:
    """What of a snapshot is not as it was, in words; "" if nothing is."""
    changed: list[str] = []
    if old.status != new.status:
        changed.append(f"its status ({old.status} before, {new.status} now)")
    if old.encodings[""] != new.encodings[""]:
        changed.append("its body")
    if old.headers != new.headers:
        names = sorted({name for name, _ in set(old.headers) ^ set(new.headers)})
        changed.append(f"its headers ({', '.join(names)})" if names else "the order of its headers")
    return ", ".join(changed)


def as_written(route: Route | None, path: str, *, is_html: bool, preserve: bool) -> str:
    """`path` with a last slash if its page file is the index of a folder, without if not: what "preserve" preserves. What is no
    document has none: it is a file."""
    if route is None or not route.own or path == "/":
        return path
    if not is_html:
        return path.rstrip("/")
    if not preserve:
        return path
    is_index = Path(cast("PageRoute", route).name).stem == "index"
    return path.rstrip("/") + ("/" if is_index else "")


def address(path: str, config: Config) -> str:
    """`path` as static hosts spell it."""
    if "." in path.rpartition("/")[2] or path == "/":
        return path
    if config.build_format != "directory":
        return path.rstrip("/") + ".html"
    return path.rstrip("/") + ("" if config.trailing_slash == "never" else "/")


def refresh_page(location: str, path: str, status: int, site: str) -> str:
    """The page that redirects on hosts which know only files: Astro's own, every value escaped.

    path: what redirects, as it is spelled there. site: the site's origin, "" if it has none; the canonical address has it.
    Where no host says so, nothing tells a browser which charset the page is in: it is ASCII.
    """
    target = html.escape(redirect_target(location))
    canonical = html.escape(site) + target if site and target.startswith("/") else target
    delay = 2 if status == 302 else 0
    folder = html.escape(to_url(path))
    return (
        f'<!doctype html><title>Redirecting to: {target}</title><meta http-equiv="refresh" content="{delay};url={target}">'
        f'<meta name="robots" content="noindex"><link rel="canonical" href="{canonical}"><body>\t'
        f'<a href="{target}">Redirecting from <code>{folder}</code> to <code>{target}</code></a></body>'
    )
