"""Findings as GitHub shows them beside the code: one workflow command a line.

Source: GitHub's documentation of workflow commands, "Setting an error message", and the escapes of its actions toolkit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ondemand.prerendering.report import Finding, Report

__all__ = ["annotate"]

FEW = 3
"""Referrers that a message names; a message is one line."""


def annotate(report: Report, folder: Path) -> Iterator[str]:
    """`::error file=main.py,line=12,title=broken-link::...` for each finding that is new. folder: what GitHub checked out, or a
    folder in it: files are named below the nearest folder above it that holds `.git`, else below it."""
    folder = folder.resolve()
    root = next((above for above in (folder, *folder.parents) if (above / ".git").exists()), folder)
    for finding in report.findings:
        if not finding.known:
            level = "error" if finding.policy == "fail" else "warning"
            properties = ",".join(f"{name}={_property(value)}" for name, value in _properties(finding, root))
            yield f"::{level} {properties}::{_data(_message(finding))}"


def _properties(finding: Finding, root: Path) -> Iterator[tuple[str, str]]:
    file, _, line = finding.source.rpartition(":")
    if file and line.isdigit():
        try:
            yield "file", Path(file).resolve().relative_to(root).as_posix()
            yield "line", line
        except ValueError:
            pass  # a library's: nothing that GitHub could show
    yield "title", finding.kind


def _message(finding: Finding) -> str:
    about = finding.path or finding.route
    text = f"{about}: {finding.message}" if about else finding.message
    if finding.referrers and finding.kind != "faulty-link":
        named = [f"{place.path}:{place.line}" if place.line else place.path for place in finding.places[:FEW]]
        more = len(finding.referrers) - len(named)
        text += f" Linked from {', '.join(named)}{f' and {more} more' if more > 0 else ''}."
    return f"{text} {finding.remedy}".strip()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
