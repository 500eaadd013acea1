"""Faults for as long as you like: `python -m tests.faults --rounds 200 --seed 7`.

Each round is of one of the kinds named, or of each in turn, and draws from dice of its own. A round that fails ends the run
and says how to play it again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.faults import striking
from tests.faults.damaging import bodies, damage_round, prepare

BUILDS = {
    kind.__name__: kind
    for kind in (
        striking.kill_at_a_step,
        striking.kill_at_a_time,
        striking.fail_at_a_step,
        striking.refuse_at_a_step,
        striking.several_at_once,
    )
}
DAMAGE = "damage"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join([*BUILDS, DAMAGE])}; default: all")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None, help="default: a new one")
    parser.add_argument("--first", type=int, default=0, help="the number of the first round")
    options = parser.parse_args()
    kinds: list[str] = options.kinds or [*BUILDS, DAMAGE]
    if unknown := set(kinds) - {*BUILDS, DAMAGE}:
        parser.error(f"no such kind: {', '.join(sorted(unknown))}")
    seed = striking.fresh_seed() if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    began, played = time.monotonic(), Counter[str]()
    print(f"seed {seed}: {options.rounds} rounds of {', '.join(kinds)}", flush=True)
    try:
        play(folder, kinds, seed, range(options.first, options.first + options.rounds), played)
    finally:
        shutil.rmtree(folder)
        for name, count in sorted(played.items()):
            print(f"{count:6} {name}")
        print(f"{played.total()} done in {time.monotonic() - began:.0f} s, seed {seed}")


def play(folder: Path, kinds: list[str], seed: int, numbers: range, played: Counter[str]) -> None:
    project = striking.Project.make(folder / "builds") if {*kinds} - {DAMAGE} else None
    published = prepare(folder / "published") if DAMAGE in kinds else None
    known = bodies(published / "dist") if published is not None else {}
    for number in numbers:
        kind = kinds[number % len(kinds)]
        if kind in BUILDS and project is not None:
            played[striking.play(project, BUILDS[kind], seed, number)] += 1
        elif published is not None:
            for done in damage_round(published, folder / "round", known, seed, number):
                played[f"damage {done.partition(':')[0]}"] += 1


if __name__ == "__main__":
    sys.exit(main())
