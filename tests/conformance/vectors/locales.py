"""locale: `ondemand.locales.Locales`, asked without a request.

The decisions need to know what Astro would answer with one rule changed, so its way of reading Accept-Language is written
here once more, with each of our changes as a switch. Without any, it answers what was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ondemand.locales import Locales
from tests.conformance.decisions import Area, Decision

__all__ = ["AREAS"]


def run(given: Mapping[str, Any]) -> dict[str, Any]:
    locales, accepted = Locales(given["locales"]), given["accept_language"]
    return {"preferred": locales.preferred(accepted), "preferred_list": locales.preferred_list(accepted)}


ZERO, LOOSE, NEAREST = "zero excludes", "q is read loosely", "the nearest is found"
CHANGES = frozenset({ZERO, LOOSE, NEAREST})


def answer(given: Mapping[str, Any], changes: frozenset[str]) -> dict[str, Any]:
    """What Astro answers, with some of our changes."""
    codes = [code for one in given["locales"] for code in ([one] if isinstance(one, str) else one["codes"])]
    weighed = [weigh(item, changes) for item in (given["accept_language"] or "").split(",") if item.strip(" \t")]
    weighed = [(name, weight) for name, weight in weighed if name == "*" or find(name, codes, changes)]
    if ZERO in changes:
        out = {at for name, weight in weighed if weight == 0 and name != "*" for at in find(name, codes, changes)}
        weighed = [one for one in weighed if one[0] == "*" or not set(find(one[0], codes, changes)) <= out]
    names = [name for name, _ in sorted(weighed, key=lambda one: -one[1])]
    positions = [at for name in names if name != "*" for at in find(name, codes, changes)]
    listed = list(dict.fromkeys(positions)) if names != ["*"] else range(len(codes))
    best = find(names[0], codes, changes) if names and names[0] != "*" else []
    return {"preferred": codes[best[0]] if best else None, "preferred_list": [codes[at] for at in listed]}


def weigh(item: str, changes: frozenset[str]) -> tuple[str, float]:
    """The range of one item of the header, and how much it is wanted."""
    name, *parameters = (part.strip(" \t") for part in item.split(";"))
    loose = LOOSE in changes
    form = r"[qQ]\s*=\s*(-?[0-9]*\.?[0-9]+)" if loose else r"q=(-?[0-9]*\.?[0-9]+)"
    read = parameters if loose else parameters[:1]
    found = next((found for one in read if (found := re.match(form, one))), None)
    weight = float(found.group(1)) if found else None
    if weight is None or weight > 1:
        weight = 0.0 if name == "*" else 1.0
    return name, weight


def find(wanted: str, codes: Sequence[str], changes: frozenset[str]) -> list[int]:
    """Where the codes stand that a range names."""
    plain = [code.lower().replace("_", "-") for code in codes]
    wanted = wanted.lower().replace("_", "-")
    parts = wanted.split("-")
    tried = ["-".join(parts[:count]) for count in range(len(parts), 0, -1)] if NEAREST in changes else [wanted]
    for name in tried:
        if found := [at for at, code in enumerate(plain) if code == name]:
            return found
    longer = [at for at, code in enumerate(plain) if code.startswith(f"{wanted}-")]
    return longer[:1] if NEAREST in changes else []


def changed(change: str) -> Callable[[Mapping[str, Any], Any, Any], Any]:
    """A decision's rule: all our changes together, where this one matters."""

    def expect(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
        wanted = answer(given, CHANGES)
        return wanted if wanted != answer(given, CHANGES - {change}) else None

    return expect


DECISIONS = [
    Decision("q=0 excludes a locale", "RFC 9110 section 12.4.2: it means that it is not acceptable.", changed(ZERO)),
    Decision(
        "q is read as a parameter",
        "RFC 9110 section 5.6.6: its name has no case and it may stand behind others; blanks around = are forgiven.",
        changed(LOOSE),
    ),
    Decision(
        "the nearest locale is found",
        "A range finds the next shorter code (en-GB: en), as RFC 4647 section 3.4 says, else a longer one (pt: pt-BR).",
        changed(NEAREST),
    ),
]

AREAS = {"locale": Area(run, DECISIONS)}
