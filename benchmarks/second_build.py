"""B3: a build of a site that has not changed since the last one.

Wall time, since that is what a person waits for, of the second build against the first into an empty folder, with all
encodings. And whether its files are the old ones: the same inode is the same file, neither written nor compressed again.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.build_cpu import SIZES, build_command
from benchmarks.pages import write_prose
from benchmarks.processes import run
from benchmarks.settings import Settings, empty
from benchmarks.table import Row, Unit, plain, ratio

__all__ = ["measure"]

SECONDS = Unit("s", 1, 2)
FILES = Unit("files", 1, 0)
GOAL = 0.8


def measure(settings: Settings) -> list[Row]:
    """B3."""
    rows: list[Row] = []
    count = settings.size(2_000, 100)
    for size, words in SIZES.items():
        first: list[float] = []
        second: list[float] = []
        rewritten: list[float] = []
        for _ in range(settings.rounds):
            walls, files = _twice(settings, count, size)
            first.append(walls[0])
            second.append(walls[1])
            rewritten.append(files)
        name = f"B3 second build of {count:,} pages of {words}"
        rows.append(ratio(f"{name}, wall", second, "the first", first, GOAL, SECONDS))
        rows.append(plain(f"{name}, files written again", rewritten, FILES, goal=0))
    return rows


def _twice(settings: Settings, count: int, size: int) -> tuple[list[float], int]:
    """Seconds of each of two builds, and how many files of the second are not files of the first."""
    folder = empty(settings.work / "twice")
    dist = folder / "dist"
    env = settings.environment(PAGES=count, PROSE=write_prose(folder / "prose.txt", size), DIST=dist)
    walls = [run(build_command("benchmarks.apps.crawled:app"), env=env, cwd=folder).wall for _ in range(2)]
    before, after = (_inodes(dist / name / "site") for name in ("000001", "000002"))
    shutil.rmtree(folder)
    if len(after) <= count:
        raise RuntimeError(f"the second build has {len(after)} files")
    return walls, sum(before.get(name) != inode for name, inode in after.items())


def _inodes(site: Path) -> dict[str, int]:
    return {str(file.relative_to(site)): file.stat().st_ino for file in site.rglob("*") if file.is_file()}
