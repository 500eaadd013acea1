"""The page of `ondemand dev` that explains what answers a path, and lists all routes: the same as `ondemand why`, as HTML.

It is there under `ondemand dev` alone, and for who sits at this machine: the peer and the host that it asked for are this
machine's own (a page of another site whose name leads here is refused with the second), and no proxy stands between.
Everything in it is escaped: it shows paths that strangers chose. It runs no script.
"""

from __future__ import annotations

import html
import ipaddress
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, quote

from ondemand._asgi import CURRENT, ASGIApp, Receive, Scope, Send
from ondemand.errors import ConfigError
from ondemand.explaining import Asked, Why, explain, route_facts
from ondemand.proxies import checked_host
from ondemand.routing import to_url
from ondemand.site import Site
from ondemand.snapshots.server import request_headers

__all__ = ["ADDRESS", "DebugPage"]

ADDRESS = "/_ondemand/why"
"""Where it lies, below `base`. `?path=/about` explains a path."""

_FORWARDED = frozenset([b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"])

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;overflow-wrap:break-word}"
    "h1{font-size:1.25rem}h2{font-size:1.1rem;margin-top:2.5rem}input{font:inherit;width:min(32rem,70%)}button{font:inherit}"
    "table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.15rem 1.2rem .15rem 0;font-weight:normal}"
    "th{color:#6b7280;white-space:nowrap}td div{font-family:ui-monospace,monospace;font-size:.85rem}"
    "@media(prefers-color-scheme:dark){body{background:#18181b;color:#e4e4e7}a{color:#93c5fd}}"
)

_HEADERS = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class DebugPage:
    """Answers at `ADDRESS`; everything else, and everyone else, reaches the app."""

    def __init__(self, app: ASGIApp, site: Site, *, clock: Callable[[], float]) -> None:
        """clock: seconds since 1970."""
        self.app = app
        self._site = site
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if CURRENT.get().path != ADDRESS or scope["method"] not in {"GET", "HEAD"} or not _is_at_this_machine(scope):
            await self.app(scope, receive, send)
            return
        path = parse_qs(scope["query_string"].decode("latin-1")).get("path", [""])[0]
        status, shown = 200, ""
        if path:
            try:
                why = await explain(self._site, Asked.read(path), now=self._clock(), state=scope.get("state"))
                shown = "".join(_explanation(why))
            except ConfigError as error:
                status, shown = 400, f"<h1>{html.escape(str(error))}</h1>"
        body = self._page(path, shown).encode("utf-8", "replace")
        headers = [*_HEADERS, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _page(self, path: str, shown: str) -> str:
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>Why {html.escape(path)}</title><style>{_STYLE}</style>"
            f'<form action="why"><input name="path" aria-label="Path" placeholder="/about" value="{html.escape(path)}">'
            f" <button>Why</button></form>{shown}"
            "<p>What a server answers with the code that runs now and the build that is published. Under "
            f"<code>ondemand dev</code> itself snapshots are off.</p><h2>Routes</h2><table>{''.join(self._routes())}</table>"
        )

    def _routes(self) -> Iterator[str]:
        """A row for each route; a path that one of them has alone leads to its explanation."""
        for route in self._site.table:
            facts = route_facts(route, self._site)
            name = html.escape(facts.pattern)
            if route.pattern.is_literal:
                name = f'<a href="why?path={quote(to_url(facts.pattern))}">{name}</a>'
            cells = (", ".join(facts.methods), facts.kind, facts.why, facts.source or "")
            yield f"<tr><td>{name}{''.join(f'<td>{html.escape(cell)}' for cell in cells)}"


def _explanation(why: Why) -> Iterator[str]:
    yield f"<h1>{html.escape(why.sentence)}</h1><table>"
    for name, lines in why.facts():
        yield f"<tr><th>{name}<td>" + "".join(f"<div>{html.escape(line)}</div>" for line in lines)
    yield "</table>"


def _is_at_this_machine(scope: Scope) -> bool:
    headers = request_headers(scope)
    client = scope.get("client")
    checked = checked_host(headers.get(b"host", b"").decode("latin-1"))
    if client is None or checked is None or not _FORWARDED.isdisjoint(headers):
        return False
    return _is_loopback(str(client[0])) and (checked[0] == "localhost" or _is_loopback(checked[0].strip("[]")))


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback
