"""Streamed pages: functions that are async generators, and Mako files that wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import parts
from ondemand import OnDemand, Pages

pages = Pages(Path(__file__).parent / "streams")
app = OnDemand(pages=pages, snapshots=False)


@pages.page("/generator/waiting", prerender=False)
async def waiting(page: Any) -> Any:
    return parts.waiting()


@pages.page("/generator/joined", prerender=False)
async def joined(page: Any) -> Any:
    return parts.joined()


@pages.page("/generator/slow", prerender=False)
async def slow(page: Any) -> Any:
    return parts.slow()
