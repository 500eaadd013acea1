"""Narrowed requests: what others will get is rendered for nobody. A handler that tries to read everything finds no visitor,
whoever asks for the build, and from wherever."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ondemand import current_page, prerender
from ondemand.capture import Change, Visitor
from ondemand.recording import CAPTURE
from tests.asking import Wrap, ask, innermost
from tests.conftest import Build

USER: contextvars.ContextVar[str] = contextvars.ContextVar("USER", default="nobody")

ALLOWED = {
    "app",
    "app_root_path",
    "asgi",
    "client",
    "endpoint",
    "extensions",
    "headers",
    "http_version",
    "method",
    "path",
    "path_params",
    "query_string",
    "raw_path",
    "root_path",
    "route",
    "router",
    "scheme",
    "server",
    "starlette.exception_handlers",
    "state",
    "type",
    CAPTURE,
}
"""What may be in the scope: of ASGI, of the framework, and our own mark."""


def everything(seen: list[dict[str, Any]]) -> Any:
    async def greedy(request: Request) -> HTMLResponse:
        page = current_page()
        body = await request.body()
        again = await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(asyncio.sleep(0, "nothing"))), 1)
        seen.append(
            {
                "keys": set(request.scope),
                "headers": request.headers.items(),
                "cookies": dict(request.cookies),
                "query": str(request.url.query),
                "client": request.client.host if request.client else None,
                "url": str(request.url),
                "method": request.method,
                "body": body.decode() + again,
                "user": USER.get(),
                "state": dict(request.scope.get("state", {})),
                "extensions": request.scope.get("extensions"),
                "page": {
                    "headers": dict(page.request.headers),
                    "cookies": list(page.cookies),
                    "query": dict(page.request.query),
                    "locale": page.preferred_locale,
                    "url": str(page.url),
                },
            }
        )
        return HTMLResponse("<p>same</p>")

    return greedy


def app_of(seen: list[dict[str, Any]], pool: dict[str, int]) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        yield {"pool": pool, "visits": 0}

    return Starlette(routes=[Route("/", prerender(everything(seen)))], lifespan=lifespan)


@pytest.mark.parametrize("inside", ["a thread", "a task"])
def test_a_handler_that_reads_everything_finds_nobody(inside: str, wrap: Wrap, dist: Path, built: Build) -> None:
    """The build is asked for in the midst of a visitor's request: the visitor's context does not reach it."""
    seen: list[dict[str, Any]] = []
    pool = {"connections": 3}
    wrapped = wrap(
        app_of(seen, pool), dist=dist, snapshots=True, site="https://example.com", findings={"reads": "ignore"}
    )
    failures: list[BaseException] = []

    def run() -> None:
        USER.set("Alice")
        try:
            if inside == "a task":
                asyncio.run(as_task())
            else:
                built(wrapped, sample=0)
        except BaseException as error:
            failures.append(error)

    async def as_task() -> None:
        USER.set("Alice")
        await asyncio.to_thread(lambda: built(wrapped, sample=0))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert failures == []
    (request,) = seen
    assert request.pop("keys") <= ALLOWED
    assert request.pop("state") == {"pool": pool, "visits": 0}
    assert request == {
        "headers": [("host", "example.com"), ("accept", "*/*"), ("accept-encoding", "identity")],
        "cookies": {},
        "query": "",
        "client": "192.0.2.1",
        "url": "https://example.com/",
        "method": "GET",
        "body": "nothing",
        "user": "nobody",
        "extensions": {},
        "page": {"headers": {}, "cookies": [], "query": {}, "locale": None, "url": "https://example.com/"},
    }


def test_what_a_render_leaves_in_the_state_reaches_no_other(dist: Path, built: Build) -> None:
    seen: list[int] = []

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        yield {"visits": 0}

    async def counts(request: Request) -> HTMLResponse:
        request.state.visits += 1
        seen.append(request.state.visits)
        return HTMLResponse("same")

    app = Starlette(routes=[Route("/", prerender(counts))], lifespan=lifespan)
    built(innermost(app, dist=dist, snapshots=True))
    assert len(seen) > 10
    assert set(seen) == {1}


def test_no_visitor_can_forge_the_mark_of_a_build(dist: Path, built: Build) -> None:
    seen: list[dict[str, Any]] = []
    wrapped = innermost(app_of(seen, {}), dist=dist, snapshots=True)
    for mark in (True, "1", {}, object(), b"x"):
        seen.clear()
        ask(wrapped, "/", headers={"cookie": "a=1", CAPTURE: "1"}, **{CAPTURE: mark})
        assert seen[0]["cookies"] == {"a": "1"}
        assert seen[0]["page"]["cookies"] == ["a"]


def test_each_change_is_alone() -> None:
    """A visitor differs from the plain one in what its change names, and in nothing else."""
    asked: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.append({key: value for key, value in scope.items() if key != CAPTURE})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    visitor = Visitor(app, origin="https://example.com", prefix="/base", state={"n": [1]}, timeout=5)
    changes = [
        (Change("a", ((b"cookie", b"a=1"),)), "headers"),
        (Change("b", ((b"accept", b"application/json"),)), "headers"),
        (Change("c", host=b"other.example"), "headers"),
        (Change("d", scheme="http"), "scheme"),
        (Change("e", client="203.0.113.9"), "client"),
        (Change("f", query=b"page=2"), "query_string"),
    ]

    async def run() -> None:
        await visitor.capture("/x")
        for change, _ in changes:
            await visitor.capture("/x", change)

    asyncio.run(run())
    plain = asked[0]
    for scope, (_, name) in zip(asked[1:], changes, strict=True):
        assert [key for key in scope if scope[key] != plain[key]] == [name]
        assert scope["state"] is not plain["state"]
    assert asked[2]["headers"] == [
        (b"host", b"example.com"),
        (b"accept-encoding", b"identity"),
        (b"accept", b"application/json"),
    ]
    assert json.dumps(plain["path"]) == '"/base/x"'
