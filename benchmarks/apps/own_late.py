"""A site of page files, one of which waits for its last part."""

from __future__ import annotations

from pathlib import Path

from ondemand import OnDemand, Pages

app = OnDemand(pages=Pages(Path(__file__).parent / "late"), snapshots=False)
