"""M1: what 100,000 snapshots cost a server: time until the first request is answered, and memory.

A cold process makes `OnDemand`, asks once, and tells how long that took and how much memory it holds then; the same with one
snapshot is the empty server. The snapshots are made with the library's own classes; their files are tiny.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.dist import make_dist, short_encodings
from benchmarks.pages import page
from benchmarks.processes import probe
from benchmarks.rounds import interleave
from benchmarks.settings import Settings
from benchmarks.table import Row, Unit, difference, plain

__all__ = ["measure"]

SECONDS = Unit("s", 1, 3)
MEGABYTES = Unit("MB", 1e-6, 1)
GOAL_TIME = 0.5
GOAL_MEMORY = 60e6


def measure(settings: Settings) -> list[Row]:
    """M1."""
    count = settings.size(100_000, 1_000)
    dists = {"many": _dist(settings, count), "one": _dist(settings, 1)}
    told: dict[str, list[dict[str, float]]] = {"many": [], "one": []}

    def ask(name: str) -> float:
        told[name].append(probe("start.py", str(dists[name]), env=settings.environment()))
        return told[name][-1]["seconds"]

    took = interleave(settings.rounds, {name: partial(ask, name) for name in dists})
    name = f"M1 start with {count:,} snapshots"
    rows = [plain(f"{name}, wall", took["many"], SECONDS, goal=GOAL_TIME)]
    for key, what in (("resident", "memory"), ("highest", "memory at its highest")):
        most, least = ([answer[key] for answer in told[kind][1:]] for kind in ("many", "one"))  # the first: not counted
        rows.append(difference(f"{name}, {what}", most, "1 snapshot", least, GOAL_MEMORY, MEGABYTES))
    return rows


def _dist(settings: Settings, count: int) -> Path:
    pages = ((f"/p/{number}", page(number, count, "").encode()) for number in range(count))
    return make_dist(settings.work / f"start-{count}", pages, short_encodings())
