"""Ask an app in this process, as a server would."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

__all__ = ["Answer", "ask"]

TIMEOUT = 10.0


@dataclass
class Answer:
    """What came back. Where the app raised and answered nothing, a server's 500."""

    status: int = 500
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


def ask(
    app: Any, target: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    """The answer of `app` to one request, from 127.0.0.1. Values of headers lose the blanks around them."""
    fields = {
        "host": "conformance.test",
        **{name.lower(): value.strip(" \t") for name, value in (headers or {}).items()},
    }
    if body:
        fields["content-length"] = str(len(body))
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    return asyncio.run(asyncio.wait_for(_ask(app, scope, [body]), TIMEOUT))


async def _ask(app: Any, scope: dict[str, Any], bodies: Iterable[bytes]) -> Answer:
    answer, waiting = Answer(), list(bodies)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.sleep(TIMEOUT)
        return {"type": "http.request", "body": waiting.pop(), "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            pairs = message.get("headers", ())
            answer.headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs]
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    with contextlib.suppress(Exception):  # Starlette answers 500 and raises on, for the server's log
        await app(scope, receive, send)
    return answer
