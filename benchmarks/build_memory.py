"""B2: what 99,000 more pages cost a build in memory.

The high-water marks of resident memory that the kernel keeps, of the parent and of its child, for a site of 1,000 pages and one
of 100,000. Each page has 8 ids and 10 links to ids, all of which the build checks at its end. With gzip alone, as B1.
The two processes are not at their highest at the same moment, so that their sum says rather too much than too little.
"""

from __future__ import annotations

import shutil

from benchmarks.build_cpu import build_command
from benchmarks.processes import Peaks, run
from benchmarks.settings import ROOT, Settings, empty
from benchmarks.table import Row, Unit, difference

__all__ = ["measure"]

MEGABYTES = Unit("MB", 1e-6, 1)
GOAL = 60e6
ROUNDS = 3
"""A round takes about a minute, and memory is the same each time."""


def measure(settings: Settings) -> list[Row]:
    """B2."""
    few, many = settings.size(1_000, 100), settings.size(100_000, 1_000)
    peaks: dict[int, list[Peaks]] = {few: [], many: []}
    for _ in range(min(settings.rounds, ROUNDS)):
        for count in (few, many):
            peaks[count].append(_build(settings, count))
    name, peer = f"B2 memory of a build of {many:,} pages", f"of {few:,} pages"
    parts = {
        "": [[peak.parent + peak.children for peak in peaks[count]] for count in (many, few)],
        ", parent": [[peak.parent for peak in peaks[count]] for count in (many, few)],
        ", child": [[peak.children for peak in peaks[count]] for count in (many, few)],
    }
    return [difference(name + part, most, peer, least, GOAL, MEGABYTES) for part, (most, least) in parts.items()]


def _build(settings: Settings, count: int) -> Peaks:
    folder = empty(settings.work / "linked")
    modules = f"{ROOT / 'benchmarks' / 'gzip_only'}:{ROOT}"
    env = settings.environment(PAGES=count, DIST=folder / "dist", PYTHONPATH=modules)
    peaks = Peaks()
    run(build_command("benchmarks.apps.linked:app"), env=env, cwd=folder, peaks=peaks)
    shutil.rmtree(folder)
    return peaks
