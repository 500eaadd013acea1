"""M2: what a site of 10,000 page files costs at its start: time until it is made, until the first page is answered, memory.

A cold process makes `OnDemand` over the folder and asks for one page; the same with one file is the empty site.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.processes import probe
from benchmarks.rounds import interleave
from benchmarks.settings import Settings, empty
from benchmarks.table import Row, Unit, plain, ratio

__all__ = ["measure"]

SECONDS = Unit("s", 1, 3)
MEGABYTES = Unit("MB", 1e-6, 1)
NAMES = ("page-{}.mako", "[slug]/page-{}.mako", "post-{}-[id].mako", "files-{}/[...path].mako", "endpoint-{}.json.py")


def measure(settings: Settings) -> list[Row]:
    """M2."""
    count = settings.size(10_000, 200)
    folders = {"many": _files(settings, count), "one": _files(settings, 1)}
    told: dict[str, list[dict[str, float]]] = {"many": [], "one": []}

    def ask(name: str) -> float:
        told[name].append(probe("start_pages.py", str(folders[name]), "/folder-0/page-0", env=settings.environment()))
        return told[name][-1]["made"]

    made = interleave(settings.rounds, {name: partial(ask, name) for name in folders})
    name = f"M2 start with {count:,} page files"
    rows = [plain(f"{name}, until it is made, wall", made["many"], SECONDS)]
    for key, what, unit in (("seconds", "until a page is answered, wall", SECONDS), ("resident", "memory", MEGABYTES)):
        most, least = ([answer[key] for answer in told[kind][1:]] for kind in ("many", "one"))  # the first: not counted
        rows.append(ratio(f"{name}, {what}", most, "1 file", least, None, unit))
    return rows


def _files(settings: Settings, count: int) -> Path:
    """Page files of all kinds of names, a hundred of them in each folder."""
    folder = empty(settings.work / f"page-files-{count}")
    for number in range(count):
        file = folder / f"folder-{number // 100}" / NAMES[number % len(NAMES)].format(number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            "def GET(page):\n    return {}\n" if file.suffix == ".py" else "<!DOCTYPE html><title>Page</title>\n"
        )
    return folder
