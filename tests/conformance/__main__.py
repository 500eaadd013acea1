"""`python -m tests.conformance`: see the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.conformance.cases import DATA
from tests.conformance.judging import run
from tests.conformance.table import lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description="Compare ondemand with Astro.")
    parser.add_argument(
        "--conformance", metavar="DIR", type=Path, default=DATA, help="vectors/ and sites/ (default: ours)"
    )
    parser.add_argument("--area", metavar="A", help="only this area")
    parser.add_argument("--id", metavar="TEXT", help="only cases whose id holds this")
    parser.add_argument("-v", action="store_true", help="list every case")
    options = parser.parse_args(arguments)
    if not options.conformance.is_dir():
        parser.error(f"{options.conformance} is no folder")
    results = run(options.conformance, area=options.area, text=options.id)
    for line in lines(results, verbose=options.v):
        print(line)
    return 1 if results.failed else 0


if __name__ == "__main__":
    sys.exit(main())
