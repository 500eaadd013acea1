"""The streams with nothing between them and the server: each part is awaited and sent."""

from __future__ import annotations

from typing import Any

from benchmarks import parts

HEADERS = ((b"content-type", b"text/html; charset=utf-8"),)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
    async for part in parts.waiting() if scope["path"] == "/waiting" else parts.joined():
        await send({"type": "http.response.body", "body": part.encode(), "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
