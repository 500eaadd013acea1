"""The constant app with as many headers as a snapshot has: how much of a snapshot's cost is the server writing them."""

from __future__ import annotations

from typing import Any

from benchmarks.apps.constant import BODY, HEADERS

MORE = (
    (b"vary", b"accept-encoding"),
    (b"cache-control", b"public, max-age=0, must-revalidate"),
    (b"etag", b'"0123456789abcdef01234567"'),
    (b"last-modified", b"Thu, 20 Nov 2025 12:00:00 GMT"),
    (b"accept-ranges", b"bytes"),
)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *MORE]})
    await send({"type": "http.response.body", "body": BODY})
