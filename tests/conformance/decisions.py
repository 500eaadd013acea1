"""What we do otherwise than Astro on purpose.

A decision is a rule, not a list of cases: from the input and Astro's answer it says which answer it wants instead. Where that
is what we give, the case is different by this decision; every other difference is a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.conformance.values import same

__all__ = ["QUIRK", "Area", "Decision", "Waiting", "amended"]


class Waiting(Exception):
    """A case is about something that we do not have yet; the message names it."""


@dataclass(frozen=True)
class Decision:
    """name: in the table. because: one sentence.

    expect: (input, Astro's answer, ours) -> the answer that this decision wants, or None where it has no say.
    It may put `ANY` where it leaves a part open, and look at our answer only to choose between several that it allows.
    ahead: a rule for which the recorded data has no case; a test of its own shows that it is alive.
    """

    name: str
    because: str
    expect: Callable[[Mapping[str, Any], Any, Any], Any]
    ahead: bool = False


@dataclass(frozen=True)
class Area:
    """One subject of vectors.

    run: our answer to an input, in the shape of `plain`. plain: the part of Astro's answer that counts.
    """

    run: Callable[[Mapping[str, Any]], Any]
    decisions: Sequence[Decision] = ()
    plain: Callable[[Any], Any] = lambda expected: expected


QUIRK = Decision(
    "an oddity that is not followed",
    "The case is recorded as a quirk of Astro, we answer otherwise, and no rule of this suite says how.",
    lambda given, expected, got: None,
    ahead=True,
)


def amended(
    decisions: Sequence[Decision], given: Mapping[str, Any], expected: Any, got: Any
) -> tuple[Any, list[Decision]]:
    """`expected` as all decisions together want it, and those that had a say."""
    said: list[Decision] = []
    for decision in decisions:
        wanted = decision.expect(given, expected, got)
        if wanted is not None and not same(wanted, expected, literally=True):
            expected = wanted
            said.append(decision)
    return expected, said
