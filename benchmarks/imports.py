"""I1: what a cold process pays before it has served its first snapshot, against importing Starlette's application class.

Both after `import asyncio`, which every ASGI server has done. CPU time of the process itself, its modules compiled before.
"""

from __future__ import annotations

from functools import partial

from benchmarks.dist import make_dist, real_encodings
from benchmarks.pages import page, prose
from benchmarks.processes import probe
from benchmarks.rounds import interleave
from benchmarks.settings import Settings
from benchmarks.table import Row, Unit, plain, ratio

__all__ = ["measure"]

MILLISECONDS = Unit("ms", 1e3, 1)
GOAL = 0.5
PROCESSES = 5
"""Cold processes in one round: a single one is too short to say much."""


def measure(settings: Settings) -> list[Row]:
    """I1."""
    dist = make_dist(settings.work / "imports", [("/p/0", page(0, 1, prose(9_700)).encode())], real_encodings())
    env = settings.environment()

    def cold(script: str, key: str = "seconds") -> float:
        return min(probe(script, str(dist), env=env)[key] for _ in range(PROCESSES))

    scripts = {"ours": "import_ondemand.py", "starlette": "import_starlette.py"}
    took = interleave(settings.rounds, {name: partial(cold, script) for name, script in scripts.items()})
    imported = [cold(scripts["ours"], "imported") for _ in range(settings.rounds)]
    name = "I1 import ondemand and serve one snapshot"
    return [
        ratio(name, took["ours"], "import starlette.applications", took["starlette"], GOAL, MILLISECONDS),
        plain("I1 the import alone", imported, MILLISECONDS),
    ]
