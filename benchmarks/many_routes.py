"""R1: what a request to a page of our own costs among 10 routes and among 2,000, whole and in process, as S1 and S3.

Of each kind there are as many routes: a literal path, a parameter, a name that is partly a parameter, a rest. They lie beside
each other, so that all of one kind can only be told apart by their names; the one that is registered last is asked for.
A second row has an app with as many routes behind the pages, which has to be asked whether it knows the path better.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from benchmarks.in_process import MICROSECONDS, repeat, time_of
from benchmarks.rounds import interleave
from benchmarks.settings import Settings
from benchmarks.table import Row, ratio
from ondemand import OnDemand, Pages

__all__ = ["measure"]

GOAL = 2.0
FEW = 10

KINDS = {
    "literal": ("/item-{}", "/item-{}"),
    "parameter": ("/shelf-{}/{{slug}}", "/shelf-{}/lantern"),
    "parameter first": ("/{{shop}}/hall-{}", "/harbour/hall-{}"),
    "partly literal": ("/tag{:04}-{{name}}", "/tag{:04}-lantern"),
    "rest": ("/files-{}/{{path:path}}", "/files-{}/a/b/c"),
}
"""Pattern, and a path that it covers, by number."""


def measure(settings: Settings) -> list[Row]:
    """R1."""
    count, many = settings.size(2_000, 200), settings.size(4_000, 300)
    few_alone, many_alone = _alone(FEW), _alone(count)
    few_in_front, many_in_front = _in_front(FEW), _in_front(count)
    contenders: dict[str, Any] = {}
    for kind, (_, path) in KINDS.items():
        for place, few, full in (("alone", few_alone, many_alone), ("in front", few_in_front, many_in_front)):
            for size, total, app in (("few", FEW, few), ("many", count, full)):
                asked = path.format(total // len(KINDS) - 1)
                contenders[f"{kind} {place} {size}"] = lambda app=app, asked=asked: time_of(app, repeat(asked, many))
    took = interleave(settings.rounds, contenders)
    return [
        ratio(
            f"R1 page among {count:,} routes, {kind}{' (app behind)' if place == 'in front' else ''}",
            took[f"{kind} {place} many"],
            f"among {FEW}",
            took[f"{kind} {place} few"],
            GOAL,
            MICROSECONDS,
        )
        for kind in KINDS
        for place in ("alone", "in front")
    ]


def _pages(count: int) -> Pages:
    pages = Pages()
    for number in range(count // len(KINDS)):
        for pattern, _ in KINDS.values():
            pages.page(pattern.format(number), prerender=False)(_page)
    return pages


async def _page(page: Any) -> str:
    return "<!DOCTYPE html><title>A page</title>"


def _alone(count: int) -> OnDemand:
    return OnDemand(pages=_pages(count), snapshots=False)


def _in_front(count: int) -> OnDemand:
    """The pages in front of an app that has as many routes, all of them elsewhere."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def handler() -> dict[str, str]:
        return {}

    for number in range(count // len(KINDS)):
        for pattern, _ in KINDS.values():
            app.add_api_route("/api" + pattern.format(number), handler)
    return OnDemand(app, pages=_pages(count), snapshots=False)
