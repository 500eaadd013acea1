"""A client over plain ASGI, and the two ways to put OnDemand in front of an app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ondemand import OnDemand


@dataclass
class Answer:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    messages: list[dict[str, Any]] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    @property
    def text(self) -> str:
        return self.body.decode()


def make_scope(
    target: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    path, _, query = target.partition("?")
    pairs = {"host": "testserver", **{name.lower(): value for name, value in (headers or {}).items()}}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": quote(path, safe="/%").encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("testserver", 80),
        **more,
    }


async def ask_async(app: Any, target: str, **options: Any) -> Answer:
    answer, received, whole = Answer(), False, asyncio.Event()
    body = options.pop("body", b"")

    async def receive() -> dict[str, Any]:
        nonlocal received
        if received:
            await whole.wait()
            return {"type": "http.disconnect"}
        received = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        answer.messages.append(message)
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in message.get("headers", ())]
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")
            if not message.get("more_body"):
                whole.set()

    await app(make_scope(target, **options), receive, send)
    return answer


def ask(app: Any, target: str, **options: Any) -> Answer:
    """Ask `app` for `target` (path and query) and return the whole answer."""
    return asyncio.run(asyncio.wait_for(ask_async(app, target, **options), 20))


def outermost(app: Any, **settings: Any) -> Any:
    """`app = OnDemand(app, ...)`."""
    return OnDemand(app, **settings)


def innermost(app: Any, **settings: Any) -> Any:
    """`app.add_middleware(OnDemand, ...)`."""
    app.add_middleware(OnDemand, **settings)
    return app


Wrap = Callable[..., Any]


def is_snapshot(answer: Answer) -> bool:
    """Snapshots carry a strong ETag of ours; the apps of these tests send none."""
    return (answer.header("etag") or "").startswith('"')


def write_site(folder: Path, source: str, *, pyproject: str = '[tool.ondemand]\napp = "main:app"\n') -> Path:
    """A project whose app is in main.py."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(source, encoding="utf-8")
    (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    return folder
