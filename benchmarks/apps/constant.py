"""The least an ASGI app can do: one page, held in memory. BODY: the file that holds it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

BODY = Path(os.environ["BODY"]).read_bytes() if "BODY" in os.environ else b"<h1>constant</h1>"
HEADERS = ((b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(BODY)).encode()))


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
    await send({"type": "http.response.body", "body": BODY})
