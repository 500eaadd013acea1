"""The cases of `cases.jsonl`, one JSON object a line.

id, why: its name, and one line of sense. area: the row of the table. needs: features that a site must have.
run: "http" (asked of a server over a socket), "build" (of a description of a site), "cache", "api" (a call).
request, steps, proc: what is asked; a procedure by its name, for what one request cannot say. setup, build, call: the
site, or the call, in words and data. must, must_not: what all has to hold, and none of it may.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Case", "Step", "load", "raw", "request"]

DATA = Path(__file__).with_name("cases.jsonl")


@dataclass(frozen=True)
class Step:
    """One request of a case. captures: name -> (where, pattern): a header or "body", and whose first group is kept."""

    asked: Mapping[str, Any]
    must: Sequence[Mapping[str, Any]]
    must_not: Sequence[Mapping[str, Any]]
    captures: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Case:
    id: str
    area: str
    run: str
    needs: tuple[str, ...]
    row: Mapping[str, Any]

    @property
    def must(self) -> Sequence[Mapping[str, Any]]:
        return self.row.get("must", ())

    @property
    def must_not(self) -> Sequence[Mapping[str, Any]]:
        return self.row.get("must_not", ())

    @property
    def steps(self) -> list[Step]:
        """The requests, in order; none for a procedure."""
        if "request" in self.row:
            return [Step(self.row["request"], self.must, self.must_not, {})]
        return [
            Step(step["request"], step.get("must", ()), step.get("must_not", ()), step.get("capture", {}))
            for step in self.row.get("steps", ())
        ]


@cache
def load() -> tuple[Case, ...]:
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    return tuple(Case(row["id"], row["area"], row["run"], tuple(row["needs"]), row) for row in rows)


def raw(value: Any, known: Mapping[str, str]) -> bytes:
    """The bytes that a value of a request stands for. known: what replaces `{NAME}` in texts.

    >>> raw({"concat": ["/", {"repeat": "a", "n": 3}, {"count": 2, "each": "%d,"}]}, {})
    b'/aaa0,1,'
    """
    match value:
        case str():
            return re.sub(r"\{([A-Z_]+)\}", lambda name: known.get(name[1], name[0]), value).encode("latin-1")
        case {"concat": parts}:
            return b"".join(raw(part, known) for part in parts)
        case {"repeat": part, "n": count}:
            return raw(part, known) * count
        case {"count": count, "each": part}:
            return b"".join(part.replace("%d", str(n)).encode("latin-1") for n in range(count))
        case _:
            raise ValueError(value)


def request(asked: Mapping[str, Any], known: Mapping[str, str]) -> bytes:
    """A request as it goes out, byte for byte."""
    if "raw" in asked:
        return raw(asked["raw"], known)
    pairs = [(raw(name, known), raw(value, known)) for name, value in asked.get("headers", ())]
    names = {name.lower() for name, _ in pairs}
    if b"host" not in names and not asked.get("no_host"):
        pairs.insert(0, (b"Host", known["HOST"].encode()))
    body = raw(asked.get("body", ""), known)
    if "body" in asked and not names & {b"content-length", b"transfer-encoding"}:
        pairs.append((b"Content-Length", str(len(body)).encode()))
    first = asked.get("method", "GET").encode() + b" " + raw(asked["raw_path"], known) + b" HTTP/1.1"
    return b"\r\n".join([first, *(name + b": " + value for name, value in pairs)]) + b"\r\n\r\n" + body
