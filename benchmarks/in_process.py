"""S1 and S3: what `OnDemand.__call__` costs, without a server around it.

S1, hot: one snapshot, again and again, against an app that sends a constant. S1, cold: the first hits of 10,000 different
snapshots, so that each is looked up, read and made ready. S3: a request that no snapshot answers and the app gets.

Every request has a scope of its own, its strings and bytes made anew as a server makes them: Python keeps the hash of a
string with it, so that a scope used twice would make every look-up look cheaper than it is. Time is that of the CPU.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.staticfiles import StaticFiles

from benchmarks.apps.constant import app as constant
from benchmarks.dist import make_dist, real_encodings
from benchmarks.pages import page, prose
from benchmarks.rounds import interleave
from benchmarks.settings import Settings
from benchmarks.table import Row, Unit, difference, plain
from ondemand import OnDemand

__all__ = ["GOAL", "MICROSECONDS", "hit", "miss", "repeat", "scope", "time_of"]

MICROSECONDS = Unit("us", 1e6, 2)
GOAL = 1.5e-6
BATCH = 1000
"""Requests whose scopes exist at one time."""

_HEADERS = (
    ("host", "example.com"),
    ("connection", "keep-alive"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.7"),
)


def scope(path: str) -> dict[str, Any]:
    """As uvicorn makes it; nothing in it but constants has been hashed before."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": b"GET".decode(),
        "root_path": "",
        "path": path.encode().decode(),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in _HEADERS],
        "state": {},
    }


async def _receive() -> Any:
    """A visitor who stays connected: StaticFiles listens for one who does not."""
    await asyncio.get_running_loop().create_future()


async def _send(message: Any) -> None:
    return None


async def _ask(app: Any, paths: Iterator[str]) -> float:
    """Seconds of CPU that `app` takes to answer one request for each path."""
    spent, asked = 0.0, 0
    while scopes := [scope(path) for path, _ in zip(paths, range(BATCH), strict=False)]:
        asked += len(scopes)
        before = time.process_time()
        for one in scopes:
            await app(one, _receive, _send)
        spent += time.process_time() - before
    return spent / asked


def time_of(app: Any, paths: Iterator[str]) -> float:
    """Seconds of CPU per request, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        return asyncio.run(_ask(app, paths))
    finally:
        gc.enable()


def repeat(path: str, count: int) -> Iterator[str]:
    """`path`, so many times."""
    return (path for _ in range(count))


def _site(settings: Settings, name: str, count: int) -> Path:
    text = prose(9_700)
    pages = ((f"/p/{number}", page(number, count, text).encode()) for number in range(count))
    return make_dist(settings.work / name, pages, real_encodings())


def hit(settings: Settings) -> list[Row]:
    """S1."""
    count = settings.size(10_000, 200)
    many = settings.size(40_000, 2_000)
    dist = _site(settings, "hits", count)
    files = settings.work / "files"
    files.mkdir(exist_ok=True)
    (files / "page.html").write_text(page(0, count, prose(9_700)))
    wrapped = OnDemand(constant, dist=dist, snapshots=True)
    static = StaticFiles(directory=files)

    def cold() -> float:
        fresh = OnDemand(constant, dist=dist, snapshots=True)
        asyncio.run(_ask(fresh, repeat("/p/0", 1)))  # reads the list of snapshots: that is M1's
        return time_of(fresh, (f"/p/{number}" for number in range(1, count)))

    took = interleave(
        settings.rounds,
        {
            "constant": lambda: time_of(constant, repeat("/p/7", many)),
            "ours": lambda: time_of(wrapped, repeat("/p/7", many)),
            "StaticFiles": lambda: time_of(static, repeat("/page.html", many // 40)),
            "cold": cold,
        },
    )
    return [
        difference(
            "S1 snapshot hit, in process, hot", took["ours"], "constant app", took["constant"], GOAL, MICROSECONDS
        ),
        plain(f"S1 cold: first hits of {count - 1:,} snapshots", took["cold"], MICROSECONDS),
        plain("S1 for scale", took["StaticFiles"], MICROSECONDS, peer="StaticFiles"),
    ]


def miss(settings: Settings) -> list[Row]:
    """S3."""
    many = settings.size(40_000, 2_000)
    wrapped = OnDemand(constant, dist=_site(settings, "misses", 100), snapshots=True)
    took = interleave(
        settings.rounds,
        {
            "constant": lambda: time_of(constant, repeat("/basket", many)),
            "ours": lambda: time_of(wrapped, repeat("/basket", many)),
        },
    )
    name = "S3 request that no snapshot answers"
    return [difference(name, took["ours"], "the app alone", took["constant"], GOAL, MICROSECONDS)]
