"""What does not apply to ondemand, and why. Everything else is run, and has to pass.

A feature or a piece of surface that is missing is looked for each time: the day it is there, its cases are due. A policy says
what is done instead, which is run too, and the case itself must still fail: else it is no difference any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ondemand
from tests.security.cases import Case

__all__ = ["POLICIES", "Policy", "absent"]


@dataclass(frozen=True)
class Policy:
    """A difference on purpose. instead: what must hold in the place of the case's own assertions."""

    because: str
    instead: Sequence[Mapping[str, Any]]


POLICIES: Mapping[str, Policy] = {
    "go-crlf": Policy(
        "page.redirect raises for a line break at the author's line, as Astro's does; a page that does not catch it is a 500",
        [{"status_in": [500]}, {"header_absent": "location"}],
    ),
    **dict.fromkeys(
        ["write-abs-rest", "write-dslash"],
        Policy(
            "a rest parameter loses the slashes at its ends, as Astro's does: the page lies below its own route",
            [
                {"no_write_outside": True},
                {"outcome_in": ["written"]},
                {"file_inside_out": True},
                {"served_below_its_route": {"body_has": "MARK"}},
            ],
        ),
    ),
}


@dataclass(frozen=True)
class Absent:
    """Something that ondemand has not got. is_there: True once it has."""

    because: str
    is_there: Callable[[], bool]


def _page_has(name: str) -> Callable[[], bool]:
    return lambda: hasattr(ondemand.Page, name)


FEATURES = {
    "cache": Absent("ondemand has no regenerating cache yet", _page_has("cache")),
    "session": Absent("sessions are not built yet", _page_has("session")),
    "island": Absent("islands are not built yet", _page_has("island")),
}
AREAS = {"framing": Absent("framing is the ASGI server's", lambda: False)}
CALLS = {
    "api-redirect-safe": Absent(
        "ondemand offers no check of `next=` values",
        lambda: any(part in name.lower() for name in ondemand.__all__ for part in ("safe", "origin", "local_url")),
    ),
    "api-island-aad": FEATURES["island"],
}


def absent(case: Case) -> Absent | None:
    """What is missing that the case is about; None if it applies."""
    needed = (FEATURES[name] for name in case.needs if name in FEATURES)
    return CALLS.get(case.id) or AREAS.get(case.area) or next(needed, None)
