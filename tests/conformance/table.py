"""The results on paper."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conformance.cases import Case
from tests.conformance.judging import Outcome, Results, Verdict
from tests.conformance.values import shown

__all__ = ["lines"]

COLUMNS = list(Verdict)


def lines(results: Results, *, verbose: bool = False) -> Iterator[str]:
    """The table, the differences by decision, what waits, what fails, stale decisions."""
    yield from _table(results)
    yield from _different(results)
    yield from _waiting(results, verbose)
    yield from _failing(results)
    if results.stale:
        yield from ("", "Decisions that no case needs any more:")
        yield from (f"  {name}" for name in results.stale)
    if verbose:
        yield from ("", "Matched:")
        yield from (f"  {shown(one.case.id)}" for one in results.of(Verdict.MATCHED))


def _table(results: Results) -> Iterator[str]:
    rows = [(group, [len(results.of(verdict, group)) for verdict in COLUMNS]) for group in results.groups]
    rows.append(("all", [len(results.of(verdict)) for verdict in COLUMNS]))
    width = max(len(shown(group)) for group, _ in rows)
    yield f"{'area':{width}}  {'total':>6}" + "".join(f"  {verdict.value:>9}" for verdict in COLUMNS)
    for group, counts in rows:
        cells = "".join(
            f"  {count:>{max(9, len(verdict.value))}}" for count, verdict in zip(counts, COLUMNS, strict=True)
        )
        yield f"{shown(group):{width}}  {sum(counts):>6}{cells}"


def _different(results: Results) -> Iterator[str]:
    different = results.of(Verdict.DIFFERENT)
    reasons = {decision.name: decision.because for one in different for decision in one.decisions}
    if reasons:
        yield from ("", "Different by decision:")
    for name, because in reasons.items():
        entries = [one for one in different if any(decision.name == name for decision in one.decisions)]
        yield f"  {name} ({len(entries)}): {because}"
        for one in entries:
            yield f"    {shown(one.case.id)}"
            if one.expected:  # no rule says what is wanted
                yield from _compared(one)


def _waiting(results: Results, verbose: bool) -> Iterator[str]:
    waiting = results.of(Verdict.WAITING)
    if waiting:
        yield from ("", "Waiting:")
    for reason in dict.fromkeys(one.waits_for for one in waiting):
        entries = [one for one in waiting if one.waits_for == reason]
        yield f"  for {shown(reason)}: {len(entries)}"
        places = [_place(one.case) for one in entries]
        for place in dict.fromkeys(places):
            yield f"    {place}: {places.count(place)}"
        if verbose:
            yield from (f"      {shown(one.case.id)}" for one in entries)


def _place(case: Case) -> str:
    return shown(f"{case.group} of sites/{case.site}" if case.site else case.group)


def _failing(results: Results) -> Iterator[str]:
    failing = results.of(Verdict.FAILING)
    if failing:
        yield from ("", "Failing:")
    for one in failing:
        yield f"  {shown(one.case.id)}"
        yield from _compared(one)


def _compared(outcome: Outcome) -> Iterator[str]:
    got = outcome.got.encode("ascii", "backslashreplace").decode()
    yield f"      expected: {outcome.expected}"
    yield from (f"      {line}" for line in f"got: {got}".rstrip().splitlines())
