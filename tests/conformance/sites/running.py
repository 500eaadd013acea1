"""Runs the HTTP cases of the sites whose pages are ported, on every port that has the pages of a case."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.conformance.cases import Case
from tests.conformance.decisions import Decision, amended
from tests.conformance.sites.comparing import differences, whole
from tests.conformance.sites.decisions import DECISIONS
from tests.conformance.sites.ports import PORTS, Port
from tests.conformance.sites.wire import Reply, exchange
from tests.conformance.values import shown

__all__ = ["Compared", "compare", "waits_for"]

WAITING = {
    "islands/": "islands",
    "server/src/pages/session/": "sessions",
    "middleware-b/src/pages/admin/": "sessions",
    "middleware-b/src/pages/become-root.ts": "sessions",
    "i18n/src/pages/links.ts": "helpers for links of locales (astro:i18n)",
}
"""Site and file, or where it lies -> what it waits for."""

PORTS_AT_ONCE = 2
AT_ONCE = 8
RETRIES = 2


@dataclass(frozen=True)
class Compared:
    """problems: what differs, [] if nothing. decisions: by which it may."""

    problems: Sequence[str] = ()
    decisions: Sequence[Decision] = ()
    expected: str = ""


def waits_for(case: Case) -> str | None:
    """What an HTTP case waits for, or None if its pages are there."""
    if any(port.has(case) for port in PORTS):
        return None
    places = [f"{case.site}/", *(f"{case.site}/{file}" for file in case.data["site_pages"])]
    reasons = (reason for start, reason in WAITING.items() for place in places if place.startswith(start))
    return next(reasons, f"the pages of sites/{case.site}")


def compare(cases: Iterable[Case]) -> Iterator[tuple[Case, Compared]]:
    """Send the requests of cases whose pages are there. Never raises for what a case holds."""
    cases = list(cases)
    asked = [(port, own) for port in PORTS if (own := [case for case in cases if port.has(case)])]
    quiet = [(port, own) for port, own in asked if not any(map(_is_timed, own))]
    with ThreadPoolExecutor(PORTS_AT_ONCE) as pool:
        found = list(pool.map(lambda one: (one[0], _ask(*one)), quiet))
    found += [(port, _ask(port, own)) for port, own in asked if (port, own) not in quiet]
    for case in cases:
        yield case, _together([(port, each[id(case)]) for port, each in found if id(case) in each])


def _is_timed(case: Case) -> bool:
    return case.data.get("timing") is True


def _ask(port: Port, cases: Sequence[Case]) -> dict[int, Compared]:
    """What came of each case on one port, which is served once. By the identity of the case: two may have one id."""
    try:
        with port.serve() as number:
            found = [*_at_once(cases, port, number, timing=False), *_at_once(cases, port, number, timing=True)]
    except RuntimeError as error:
        found = [(case, Compared([str(error)], expected="a server")) for case in cases]
    return {id(case): compared for case, compared in found}


def _together(found: Sequence[tuple[Port, Compared]]) -> Compared:
    """What came of a case that several ports answered: it must hold on each."""
    problems = [f"{port.name}: {problem}" for port, one in found for problem in one.problems]
    decisions = {decision.name: decision for _, one in found for decision in one.decisions}
    return Compared(problems, list(decisions.values()), next((one.expected for _, one in found if one.problems), ""))


def _at_once(cases: Sequence[Case], port: Port, number: int, *, timing: bool) -> list[tuple[Case, Compared]]:
    """Several at a time; those whose time counts apart from the others."""
    own = [case for case in cases if _is_timed(case) == timing]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(zip(own, pool.map(lambda case: _compare(case, port, number), own), strict=True))


def _compare(case: Case, port: Port, number: int) -> Compared:
    """What came of a case; of one whose time counts, the best of several attempts, since the machine may be busy."""
    try:
        found = _responses(case, port, number)
        for _ in range(RETRIES if _is_timed(case) else 0):
            if found.problems:
                found = _responses(case, port, number)
    except Exception as error:
        return Compared([f"{type(error).__name__}: {error}"], expected="a case that can be sent")
    return found


def _responses(case: Case, port: Port, number: int) -> Compared:
    problems: list[str] = []
    used: dict[str, Decision] = {}
    values: dict[str, str] = {}
    wanted: list[str] = []
    timing = _is_timed(case)
    for place, (request, response) in enumerate(zip(case.data["requests"], case.data["responses"], strict=True), 1):
        time.sleep(request.get("wait_ms", 0) / 1000)
        if timing:
            exchange(number, request, values)  # so that nothing is done for the first time
        reply = exchange(number, request, values)
        values |= _captured(request.get("capture") or {}, reply)
        given = {"request": request, "case": case.data, "wraps": port.wraps}
        found, decisions = _judge(given, whole(response), reply, timing)
        used |= {decision.name: decision for decision in decisions}
        problems += [f"{place}. {request['method']} {request['path']}: {problem}" for problem in found]
        if found:
            wanted.append(f"{place}. {shown(response)}")
    return Compared(problems, list(used.values()), " ".join(wanted))


def _judge(
    given: Mapping[str, Any], want: Mapping[str, Any], reply: Reply, timing: bool
) -> tuple[list[str], list[Decision]]:
    """What differs although the decisions have their say, and the decisions that are needed for it."""
    plain = list(differences(want, reply, timing=timing))
    if not plain:
        return [], []
    wanted, said = amended(DECISIONS, given, want, reply)
    left = list(differences(wanted, reply, timing=timing))
    if left:
        return left, said
    needed = list(said)
    for decision in said:
        others = [one for one in needed if one is not decision]
        without, _ = amended(others, given, want, reply)
        if not list(differences(without, reply, timing=timing)):
            needed = others
    return [], needed


def _captured(rules: Mapping[str, Mapping[str, str]], reply: Reply) -> dict[str, str]:
    """What a request takes out of its reply for later ones."""
    found: dict[str, str] = {}
    for name, rule in rules.items():
        if "header" in rule:
            value = reply.header(rule["header"])
        elif "cookie" in rule:
            lines = [
                re.match(rf"{re.escape(rule['cookie'])}=([^;]*)", one) for one in reply.headers.get("set-cookie", [])
            ]
            value = next((line[1] for line in lines if line), None)
        else:
            match = re.search(rule["body"], reply.body.decode("utf-8", "replace"))
            value = match[1].replace("&amp;", "&") if match else None
        if value is not None:
            found[name] = value
    return found
