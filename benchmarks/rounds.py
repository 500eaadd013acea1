"""Rounds: each contender once, then all again, so that what else the machine does meets all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["interleave"]


def interleave(rounds: int, contenders: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """One sample of each contender in each round. Every second round goes backwards, so that nobody is always first.

    A round before the first is not counted: in it modules are compiled, caches filled and just-in-time compilers warmed.
    """
    samples: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        order = list(contenders) if number % 2 == 0 else list(reversed(list(contenders)))
        for name in order:
            sample = contenders[name]()
            if number > 0:
                samples[name].append(sample)
    return samples
