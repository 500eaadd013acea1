"""S3 in every framework: what `OnDemand` around it adds to a request that no snapshot answers and that uses no page.

The same app object with OnDemand around it and without, in one event loop, in turn. Time is that of the CPU, of all threads.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

from benchmarks.apps.frameworks import APPS
from benchmarks.dist import make_dist, real_encodings
from benchmarks.in_process import GOAL, MICROSECONDS, scope
from benchmarks.pages import page, prose
from benchmarks.rounds import interleave
from benchmarks.settings import Settings
from benchmarks.table import Row, difference
from ondemand import OnDemand
from ondemand._asgi import Lifespan

__all__ = ["measure"]


class _Visitor:
    """Sends an empty body, stays connected until the answer has ended, and wants it to be right."""

    def __init__(self) -> None:
        self.asked = False
        self.ended = asyncio.Event()

    async def receive(self) -> Any:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
        elif not message.get("more_body"):
            self.ended.set()


async def _ask(app: Any, count: int) -> float:
    """Seconds of CPU per request."""
    scopes = [scope("/basket") for _ in range(count)]
    visitors = [_Visitor() for _ in range(count)]
    gc.collect()
    gc.disable()
    before = time.process_time()
    try:
        for one, visitor in zip(scopes, visitors, strict=True):
            await app(one, visitor.receive, visitor.send)
        return (time.process_time() - before) / count
    finally:
        gc.enable()


def measure(settings: Settings) -> list[Row]:
    """A row for each framework."""
    text = prose(600)
    dist = make_dist(
        settings.work / "in-frameworks",
        ((f"/p/{n}", page(n, 100, text).encode()) for n in range(100)),
        real_encodings(),
    )
    return [_row(settings, name, dist) for name in APPS]


def _row(settings: Settings, name: str, dist: Any) -> Row:
    app = APPS[name]()
    wrapped = OnDemand(app, dist=dist, snapshots=True)
    count = settings.size(1_000, 50)
    with asyncio.Runner() as runner:
        lifespan = Lifespan(wrapped)
        runner.run(lifespan.start())
        took = interleave(
            settings.rounds,
            {
                "alone": lambda: runner.run(_ask(app, count)),
                "ours": lambda: runner.run(_ask(wrapped, count)),
            },
        )
        runner.run(lifespan.stop())
    return difference(f"S3 in {name}", took["ours"], f"{name} alone", took["alone"], GOAL, MICROSECONDS)
