"""Runs the HTTP cases of the sites whose pages are ported."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.conformance.cases import Case
from tests.conformance.decisions import Decision, amended
from tests.conformance.sites import proxy, server
from tests.conformance.sites.comparing import differences, whole
from tests.conformance.sites.decisions import DECISIONS
from tests.conformance.sites.serving import served
from tests.conformance.sites.wire import Reply, exchange
from tests.conformance.values import shown

__all__ = ["Compared", "compare", "waits_for"]

PORTED = {"server": server, "proxy": proxy}
"""Site -> the module with its app and the `FILES` that it holds."""

SITES = {
    "errors-broken": "middleware of pages",
    "errors-built": "static build of page files",
    "errors-live": "page files",
    "file-never": "static build of page files",
    "i18n": "page files",
    "i18n-prefix": "page files",
    "islands": "islands",
    "middleware-a": "middleware of pages",
    "middleware-b": "middleware of pages",
    "slash-always": "page files",
    "static": "static build of page files",
}
"""Site -> what it waits for."""

FILES = {
    "src/pages/session/": "sessions",
    "src/pages/prerendered/": "static build of page files",
    "src/middleware": "middleware of pages",
}
"""Where a file that is not ported lies -> what it waits for. Any other waits for page files."""

AT_ONCE = 8
RETRIES = 2


@dataclass(frozen=True)
class Compared:
    """problems: what differs, [] if nothing. decisions: by which it may."""

    problems: Sequence[str] = ()
    decisions: Sequence[Decision] = ()
    expected: str = ""


def waits_for(case: Case) -> str | None:
    """What an HTTP case waits for, or None if its pages are there. A component belongs to its page."""
    if case.site not in PORTED:
        return SITES.get(case.site, f"the pages of sites/{case.site}")
    for file in map(str, case.data["site_pages"]):
        if file not in PORTED[case.site].FILES and not file.startswith("src/components/"):
            return next((reason for folder, reason in FILES.items() if file.startswith(folder)), "page files")
    return None


def compare(cases: Iterable[Case]) -> Iterator[tuple[Case, Compared]]:
    """Send the requests of cases whose pages are there, each site served once. Never raises for what a case holds."""
    cases = list(cases)
    for site, module in PORTED.items():
        own = [case for case in cases if case.site == site]
        if not own:
            continue
        try:
            with served(module.__name__) as port:
                found = [*_at_once(own, port, timing=False), *_at_once(own, port, timing=True)]
        except RuntimeError as error:
            found = [(case, Compared([str(error)], expected="a server")) for case in own]
        yield from found


def _at_once(cases: Sequence[Case], port: int, *, timing: bool) -> list[tuple[Case, Compared]]:
    """Several at a time; those whose time counts apart from the others."""
    own = [case for case in cases if (case.data.get("timing") is True) == timing]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(zip(own, pool.map(lambda case: _compare(case, port), own), strict=True))


def _compare(case: Case, port: int) -> Compared:
    """What came of a case; of one whose time counts, the best of several attempts, since the machine may be busy."""
    try:
        found = _responses(case, port)
        for _ in range(RETRIES if case.data.get("timing") is True else 0):
            if found.problems:
                found = _responses(case, port)
    except Exception as error:
        return Compared([f"{type(error).__name__}: {error}"], expected="a case that can be sent")
    return found


def _responses(case: Case, port: int) -> Compared:
    problems: list[str] = []
    used: dict[str, Decision] = {}
    values: dict[str, str] = {}
    wanted: list[str] = []
    timing = case.data.get("timing") is True
    for number, (request, response) in enumerate(zip(case.data["requests"], case.data["responses"], strict=True), 1):
        time.sleep(request.get("wait_ms", 0) / 1000)
        if timing:
            exchange(port, request, values)  # so that nothing is done for the first time
        reply = exchange(port, request, values)
        values |= _captured(request.get("capture") or {}, reply)
        found, decisions = _judge({"request": request, "case": case.data}, whole(response), reply, timing)
        used |= {decision.name: decision for decision in decisions}
        problems += [f"{number}. {request['method']} {request['path']}: {problem}" for problem in found]
        if found:
            wanted.append(f"{number}. {shown(response)}")
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
