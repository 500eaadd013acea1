"""Sorts each case into one of four classes. Nothing that a case holds can stop the run."""

from __future__ import annotations

import enum
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.conformance.cases import DATA, Case, load
from tests.conformance.decisions import QUIRK, Area, Decision, Waiting, amended
from tests.conformance.sites import running as sites
from tests.conformance.sites.decisions import DECISIONS as HTTP_DECISIONS
from tests.conformance.values import Unreadable, same, shown
from tests.conformance.vectors import AREAS

__all__ = ["Outcome", "Results", "Verdict", "run"]


class Verdict(enum.Enum):
    MATCHED = "matched"
    DIFFERENT = "different by decision"
    WAITING = "waiting"
    FAILING = "failing"


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    decisions: by which it is different. waits_for: what it waits for. expected, got: of a failing one.
    contradicted: decisions that want another answer than the one which Astro and we give alike.
    """

    case: Case
    verdict: Verdict
    decisions: Sequence[Decision] = ()
    waits_for: str = ""
    expected: str = ""
    got: str = ""
    contradicted: Sequence[Decision] = ()


@dataclass
class Results:
    """The outcome of every case."""

    outcomes: list[Outcome] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    def of(self, verdict: Verdict, group: str | None = None) -> list[Outcome]:
        return [one for one in self.outcomes if one.verdict is verdict and group in (None, one.case.group)]

    @property
    def groups(self) -> list[str]:
        """Every row of the table: vectors first."""
        return sorted({one.case.group for one in self.outcomes}, key=lambda group: (group.startswith("http/"), group))

    @property
    def failed(self) -> bool:
        return bool(self.of(Verdict.FAILING) or self.stale)


def run(folder: Path = DATA, *, area: str | None = None, text: str | None = None) -> Results:
    """Judge the cases of `folder`: all, or those of one area (of vectors, of HTTP, or "http/" and its name), or those whose
    id holds a text."""
    cases = [
        case
        for case in load(folder)
        if (area is None or area in (case.group, case.group.removeprefix("http/")))
        and (text is None or text in case.id)
    ]
    outcomes = {id(case): judge(case) for case in cases if not _is_sent(case)}
    outcomes |= {id(case): judge_sent(case, found) for case, found in sites.compare(filter(_is_sent, cases))}
    results = Results([outcomes[id(case)] for case in cases])
    results.stale = stale(results.outcomes, every=folder.resolve() == DATA and area is None and text is None)
    return results


def _is_sent(case: Case) -> bool:
    """True for an HTTP case whose pages are there."""
    return case.is_http and not case.fault and sites.waits_for(case) is None


def judge(case: Case) -> Outcome:
    """The class of a case that needs no server. Never raises."""
    if case.fault:
        return failing(case, "a case that can be read", case.fault)
    try:
        if case.is_http:
            raise Waiting(sites.waits_for(case))
        area = AREAS.get(case.group)
        if area is None:
            raise Waiting(f"a runner for the area {case.group}")
        return compare(case, area)
    except Waiting as waiting:
        return Outcome(case, Verdict.WAITING, waits_for=str(waiting))
    except Unreadable as error:
        return failing(case, shown(case.data["expected"]), str(error))
    except Exception:
        return failing(case, shown(case.data["expected"]), traceback.format_exc(limit=-4))


def failing(case: Case, expected: str, got: str) -> Outcome:
    return Outcome(case, Verdict.FAILING, expected=expected, got=got)


def judge_sent(case: Case, found: sites.Compared) -> Outcome:
    """The class of a case whose requests were sent."""
    if not found.problems:
        return Outcome(case, Verdict.DIFFERENT if found.decisions else Verdict.MATCHED, found.decisions)
    got = "\n".join(found.problems)
    if case.quirk:
        return Outcome(case, Verdict.DIFFERENT, [QUIRK], expected=found.expected, got=got)
    return failing(case, found.expected, got)


def compare(case: Case, area: Area) -> Outcome:
    given: Mapping[str, object] = case.data["input"]
    got = area.run(given)  # first, since it says what a case waits for
    expected = area.plain(case.data["expected"])
    wanted, said = amended(area.decisions, given, expected, got)
    if same(expected, got):
        return Outcome(case, Verdict.MATCHED, contradicted=said)
    if said and same(wanted, got):
        return Outcome(case, Verdict.DIFFERENT, said)
    if case.quirk:
        return Outcome(case, Verdict.DIFFERENT, [QUIRK], expected=shown(expected), got=shown(got))
    return failing(case, shown(wanted), shown(got))


def stale(outcomes: Iterable[Outcome], *, every: bool) -> list[str]:
    """The decisions that no case needs although one is about them; of all that there are, if `every` case was run."""
    outcomes = list(outcomes)
    used = {decision for one in outcomes for decision in one.decisions}
    about = {decision for one in outcomes for decision in one.contradicted}
    if every:
        known = [one for area in AREAS.values() for one in area.decisions]
        about |= {one for one in (*known, *HTTP_DECISIONS) if not one.ahead}
    return sorted({decision.name for decision in about - used})
