"""Rows and the one table of all of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from statistics import median

__all__ = ["Row", "Unit", "difference", "plain", "print_table", "ratio", "skipped"]


@dataclass(frozen=True)
class Row:
    """One line of the table. met: "met", "missed", or "" where there is no goal. spread: least to most of the rounds."""

    measure: str
    ours: str
    peer: str
    result: str
    goal: str
    met: str
    spread: str
    rounds: str


@dataclass(frozen=True)
class Unit:
    """How samples are printed: multiplied by `scale`, with `digits` after the point and `name` behind."""

    name: str
    scale: float = 1.0
    digits: int = 0

    def show(self, value: float) -> str:
        return f"{value * self.scale:,.{self.digits}f} {self.name}"


def ratio(
    measure: str,
    ours: Sequence[float],
    peer: str,
    theirs: Sequence[float],
    goal: float | None,
    unit: Unit,
    *,
    least: bool = False,
) -> Row:
    """Ours as a multiple of a peer's, at most `goal`: the median of the ratios of each round.

    least: also say what the least of ours is as a multiple of their least, which a busy machine disturbs less.
    """
    each = [mine / its for mine, its in zip(ours, theirs, strict=True)]
    of_least = f" (least {min(ours) / min(theirs):.3f}x)" if least else ""
    return Row(
        measure,
        unit.show(median(ours)),
        f"{peer} {unit.show(median(theirs))}",
        f"{median(each):.3f}x{of_least}",
        "" if goal is None else f"<= {goal:.3f}x",
        _judged(median(each), goal),
        f"{min(each):.3f} to {max(each):.3f}x",
        str(len(each)),
    )


def difference(measure: str, ours: Sequence[float], peer: str, theirs: Sequence[float], goal: float, unit: Unit) -> Row:
    """What ours takes more than a peer, at most `goal`: the median of the differences of each round."""
    each = [mine - its for mine, its in zip(ours, theirs, strict=True)]
    return Row(
        measure,
        unit.show(median(ours)),
        f"{peer} {unit.show(median(theirs))}",
        ("" if median(each) < 0 else "+") + unit.show(median(each)),
        f"<= +{unit.show(goal)}",
        _judged(median(each), goal),
        f"{unit.show(min(each))} to {unit.show(max(each))}",
        str(len(each)),
    )


def plain(measure: str, samples: Sequence[float], unit: Unit, *, goal: float | None = None, peer: str = "") -> Row:
    """Samples that stand for themselves. peer: whose they are, if not ours. goal: the most that the median may be."""
    middle = unit.show(median(samples))
    return Row(
        measure,
        "" if peer else middle,
        f"{peer} {middle}" if peer else "",
        "",
        "" if goal is None else f"<= {unit.show(goal)}",
        _judged(median(samples), goal),
        f"{unit.show(min(samples))} to {unit.show(max(samples))}",
        str(len(samples)),
    )


def skipped(measure: str, why: str) -> Row:
    """A row that could not be measured here."""
    return Row(measure, "", f"skipped: {why}", "", "", "", "", "")


def _judged(value: float, goal: float | None) -> str:
    if goal is None:
        return ""
    return "met" if value <= goal else "MISSED"


def print_table(rows: Sequence[Row]) -> None:
    """Write the table to standard output."""
    lines = [tuple(field.name for field in fields(Row)), *(astuple(row) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
