"""A site of one page file: the counter."""

from __future__ import annotations

from pathlib import Path

from ondemand import OnDemand, Pages

app = OnDemand(pages=Pages(Path(__file__).parent / "counter"), snapshots=False)
