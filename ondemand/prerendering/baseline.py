"""The baseline: findings that somebody knows of and that fail nothing until they are dealt with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from ondemand.errors import ConfigError
from ondemand.prerendering.report import Finding

__all__ = ["Baseline"]

_NUMBERS = re.compile(r"(?<![\w/'\".-])\d+(?:[.,]\d+)*(?![\w/'\"-])|(?<=:)\d+")
"""Times, counts, statuses and line numbers: what may be another the next time although the fault is the same. Not those
of paths, names and what is quoted."""

_ALWAYS_NEW = frozenset({"nothing"})
"""A site without pages never takes the place of one that has some."""


class Baseline:
    """The findings of an earlier report."""

    def __init__(self, findings: Iterable[tuple[str, str, str, str]]) -> None:
        """findings: (kind, route, path, message) of each, "" where it has none."""
        self._known = {_key(*finding): finding for finding in findings}

    @classmethod
    def read(cls, file: Path) -> Baseline:
        """The findings of a file that `--json` wrote. Raises `ConfigError` if there is none or it is no report."""
        remedy = f"Write one with: ondemand check --json {file}"
        try:
            report: Any = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"--baseline {file} cannot be read ({error}). {remedy}") from error
        except ValueError as error:
            raise ConfigError(f"--baseline {file} is no JSON ({error}). {remedy}") from error
        try:
            rows = cast("list[dict[str, Any]]", report["findings"])
            return cls([_texts(row["kind"], row.get("route"), row.get("path"), row["message"]) for row in rows])
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"--baseline {file} is no report of ondemand. {remedy}") from error

    def mark(self, findings: Iterable[Finding]) -> list[tuple[str, str, str]]:
        """Mark those that are known. Returns what is no finding any more, as (kind, path or route, message)."""
        left = dict(self._known)
        for finding in findings:
            key = _key(finding.kind, finding.route, finding.path, finding.message)
            finding.known = key in self._known and finding.kind not in _ALWAYS_NEW
            left.pop(key, None)
        return [(kind, path or route, message) for kind, route, path, message in left.values()]


def _key(kind: str, route: str, path: str, message: str) -> tuple[str, str, str, str]:
    return kind, route, path, _NUMBERS.sub("0", message)


def _texts(*values: Any) -> tuple[str, str, str, str]:
    kind, route, path, message = (value or "" for value in values)
    if not all(isinstance(text, str) for text in (kind, route, path, message)):
        raise TypeError(values)
    return kind, route, path, message
