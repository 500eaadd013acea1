"""The properties of the parsers, on as many inputs as wanted: `python -m tests.fuzz [--examples N] [--seed N] [PARSER ...]`.

Says how many inputs each parser was given. Where one breaks a property, Hypothesis makes it as small as it can be, shows it, and
the run ends there.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from tests.fuzz.parsers import PARSERS

__all__ = ["feed", "main"]

_SETTINGS, _SEED = "_hypothesis_internal_use_settings", "_hypothesis_internal_use_seed"
"""Where Hypothesis keeps what `@settings` and `@seed` say of a test: it has no other way to say otherwise later."""


def feed(test: Any, count: int, seed: int) -> int:
    """Run a property on about `count` inputs of Hypothesis's own. Returns how many it was given: a few more where it goes after
    one, fewer where there are no more. Raises what the property raises."""
    given = 0
    inner = test.hypothesis.inner_test
    before = {name: getattr(test, name, None) for name in (_SETTINGS, _SEED)}
    phases = (Phase.explicit, Phase.generate, Phase.shrink)

    def counted(*arguments: Any, **more: Any) -> Any:
        nonlocal given
        given += 1
        return inner(*arguments, **more)

    wide = settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=False,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    test.hypothesis.inner_test = counted
    setattr(test, _SETTINGS, wide)
    setattr(test, _SEED, seed)
    try:
        test()
    finally:
        test.hypothesis.inner_test = inner
        for name, value in before.items():
            setattr(test, name, value)
    return given


def main(arguments: Sequence[str] | None = None, say: Callable[[str], Any] = print) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parsers", nargs="*", metavar="PARSER", help=f"of: {', '.join(PARSERS)}")
    parser.add_argument("--examples", type=int, default=2000, help="inputs for each property")
    parser.add_argument("--seed", type=int, default=None, help="the same inputs again")
    given = parser.parse_args(arguments)
    if unknown := set(given.parsers) - set(PARSERS):
        parser.error(f"no such parser: {', '.join(sorted(unknown))}")
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    total, began = 0, time.monotonic()
    for name in given.parsers or PARSERS:
        count = sum(feed(test, given.examples, seed) for test in PARSERS[name])
        total += count
        say(f"{name:24}{len(PARSERS[name]):3} properties {count:10,} inputs")
    say(f"{'all':24}{'':14} {total:10,} inputs, {time.monotonic() - began:.0f} seconds, seed {seed}")
    return 0


if __name__ == "__main__":
    logging.disable()
    sys.exit(main())
