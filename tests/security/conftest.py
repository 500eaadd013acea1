"""The table of the security cases, at the end of the tests' output."""

from __future__ import annotations

from collections import Counter
from typing import Any

__all__ = ["pytest_terminal_summary"]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """How each case ended, per area: a case that failed is neither."""
    ended: list[tuple[str, str]] = []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            said = dict(getattr(report, "user_properties", ()))
            if report.when == "call" and "security area" in said:
                verdict = said.get("does not apply", "passed") if outcome == "passed" else "FAILED"
                ended.append((said["security area"], verdict))
    if ended:
        terminalreporter.section("security cases")
        for line in table(ended):
            terminalreporter.line(line)


def table(ended: list[tuple[str, str]]) -> list[str]:
    """The lines, of (area, "passed", "FAILED" or the reason why it does not apply)."""
    areas = sorted({area for area, _ in ended})
    lines = [f"{'area':18}{'passed':>8}{'not applicable':>16}"]
    for area in [*areas, "all"]:
        mine = [verdict for one, verdict in ended if area in (one, "all")]
        others = len(mine) - mine.count("passed") - mine.count("FAILED")
        failed = f"   FAILED: {mine.count('FAILED')}" if "FAILED" in mine else ""
        lines.append(f"{area:18}{mine.count('passed'):>8}{others:>16}{failed}")
    reasons = Counter(verdict for _, verdict in ended if verdict not in {"passed", "FAILED"})
    return [*lines, "not applicable:", *(f"  {count:3} {reason}" for reason, count in sorted(reasons.items()))]
