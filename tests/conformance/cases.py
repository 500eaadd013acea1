"""The cases of a folder: `vectors/AREA.json` and `sites/NAME/cases.jsonl`. What cannot be read is a case as well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["DATA", "Case", "load"]

DATA = Path(__file__).resolve().parent / "data"
"""The cases that belong to this suite."""


@dataclass(frozen=True)
class Case:
    """One case. group: its row in the table. site: of an HTTP case, else "". fault: why it cannot be read."""

    id: str
    group: str
    site: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""

    @property
    def quirk(self) -> bool:
        """True for something odd, which we may do better."""
        return self.data.get("quirk") is True

    @property
    def is_http(self) -> bool:
        return bool(self.site)


def load(folder: Path) -> list[Case]:
    """Every case below `folder`, in the order of names and lines."""
    found = [case for file in sorted(folder.glob("vectors/*.json")) for case in _vectors(file)]
    return found + [case for file in sorted(folder.glob("sites/*/cases.jsonl")) for case in _requests(file)]


def _vectors(file: Path) -> Iterator[Case]:
    area = file.stem
    try:
        entries = json.loads(file.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        yield Case(file.name, area, fault=f"no JSON: {error}")
        return
    if not isinstance(entries, list):
        yield Case(file.name, area, fault="no list of vectors")
        return
    for number, entry in enumerate(entries, 1):
        place = f"{file.name}:{number}"
        missing = _missing(entry, {"id": str, "input": dict, "expected": dict})
        if missing:
            yield Case(place, area, fault=missing)
        else:
            yield Case(entry["id"], area, data=entry)


def _requests(file: Path) -> Iterator[Case]:
    site = file.parent.name
    try:
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        yield Case(f"{site}/cases.jsonl", f"http/{site}", site, fault=str(error))
        return
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"{site}/cases.jsonl:{number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Case(place, f"http/{site}", site, fault=f"no JSON: {error}")
            continue
        missing = _missing(entry, {"id": str, "area": str, "site_pages": list, "requests": list, "responses": list})
        if missing:
            yield Case(place, f"http/{site}", site, fault=missing)
        else:
            yield Case(entry["id"], f"http/{entry['area']}", site, entry)


def _missing(entry: Any, fields: Mapping[str, type]) -> str:
    """What `entry` lacks to be a case, or ""."""
    if not isinstance(entry, dict):
        return "no object"
    wrong = [name for name, kind in fields.items() if not isinstance(entry.get(name), kind)]
    return f"it has no {', '.join(wrong)}" if wrong else ""
