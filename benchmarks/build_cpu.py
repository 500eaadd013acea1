"""B1: the CPU of a build for one more page: parent and children, user and system time together.

Two builds, of few and of many pages, and the difference divided by the number of pages between: starting an interpreter, an
app or a bundler is not what a page costs. Ours crawls its pages from the home page by their links, checks these, and writes
gzip beside each page; the peers are told their pages, follow no links and compress nothing. The pages are the same
strings for all. Ours has brotli and zstd hidden, but for the rows that say otherwise.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.node import Project, Unavailable
from benchmarks.pages import write_prose
from benchmarks.processes import run
from benchmarks.rounds import interleave
from benchmarks.settings import ROOT, Settings, empty
from benchmarks.table import Row, Unit, plain, ratio, skipped

__all__ = ["build_command", "measure"]

MICROSECONDS = Unit("us", 1e6, 0)
GOALS = {"Frozen-Flask": 0.25, "Astro": 0.25, "Hono": 1.0}
SIZES = {600: "600 bytes", 10_000: "10 kB"}


def build_command(app: str) -> list[str]:
    """The command line of our build."""
    return [sys.executable, "-m", "ondemand", "build", app]


def measure(settings: Settings) -> list[Row]:
    """B1."""
    rows: list[Row] = []
    for size in SIZES:
        rows += _measure(settings, size)
    return rows


def _measure(settings: Settings, size: int) -> list[Row]:
    text = write_prose(settings.work / f"prose-{size}.txt", size)
    ours = build_command("benchmarks.apps.crawled:app")
    gzip_only = f"{ROOT / 'benchmarks' / 'gzip_only'}:{ROOT}"
    frozen = [sys.executable, "-m", "benchmarks.peers.frozen"]
    contenders: dict[str, Callable[[], float]] = {
        "ours": partial(_per_page, settings, text, ours, modules=gzip_only),
        "all": partial(_per_page, settings, text, ours),
        "proven": partial(_per_page, settings, text, [*ours, "--sample", "all"], modules=gzip_only),
        "Frozen-Flask": partial(_per_page, settings, text, frozen),
    }
    missing: dict[str, str] = {}
    for name, make in (("Astro", _astro), ("Hono", _hono)):
        try:
            command, folder = make(settings)
        except Unavailable as error:
            missing[name] = str(error)
        else:
            contenders[name] = partial(_per_page, settings, text, command, cwd=folder)
    took = interleave(settings.rounds, contenders)
    measure = f"B1 build of {SIZES[size]} pages, gzip, CPU per page"
    return [
        *(
            ratio(measure, took["ours"], name, took[name], goal, MICROSECONDS)
            if name in took
            else skipped(measure, f"{name} {missing[name]}")
            for name, goal in GOALS.items()
        ),
        plain(f"B1 the same with br and zstd ({SIZES[size]})", took["all"], MICROSECONDS),
        plain(f"B1 the same with the proof of every page ({SIZES[size]})", took["proven"], MICROSECONDS),
    ]


def _astro(settings: Settings) -> tuple[list[str], Path]:
    project = Project(settings, "astro")
    return project.astro("build"), project.folder


def _hono(settings: Settings) -> tuple[list[str], Path]:
    project = Project(settings, "hono")
    return [str(project.node), "build.mjs"], project.folder


def _per_page(
    settings: Settings, text: Path, command: list[str], *, cwd: Path | None = None, modules: str = str(ROOT)
) -> float:
    """Seconds of CPU for each page beyond the first few hundred."""
    few, many = settings.size(500, 20), settings.size(4_500, 120)
    cost: dict[int, float] = {}
    for count in (few, many):
        folder = empty((cwd or settings.work) / "built")
        env = settings.environment(
            PAGES=count, PROSE=text, DIST=folder / "dist", ASTRO_TELEMETRY_DISABLED=1, PYTHONPATH=modules
        )
        cost[count] = run(command, env=env, cwd=cwd or folder).cpu
        built = sum(1 for _ in (folder / "dist").rglob("*.html"))
        shutil.rmtree(folder)
        if built < count:
            raise RuntimeError(f"{' '.join(command)} built {built} pages, not {count}")
    return (cost[many] - cost[few]) / (many - few)
