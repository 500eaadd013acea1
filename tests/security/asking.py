"""Asks a running server the requests of a case, and judges what it answers."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.security.cases import Case, raw, request
from tests.security.reference import SECRETS
from tests.servers.running import Server
from tests.servers.wire import Answer, Line

__all__ = ["CHECKS", "Asked", "Talk", "breaches", "faults", "is_alive", "judge", "same_origin"]

SLOW = 0.3
"""Seconds below which no answer is too slow, whatever it is compared with."""


@dataclass
class Asked:
    """One answer. seconds: until its last byte. in_time: it came, or the connection was closed, before the client's patience
    ended."""

    answer: Answer
    seconds: float
    in_time: bool = True


@dataclass
class Talk:
    """A server, and what requests to it may name: `{HOST}`, `{ORIGIN}`, and whatever a step captured."""

    server: Server
    known: dict[str, str] = field(default_factory=dict)
    usual: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.host = f"127.0.0.1:{self.server.port}"
        self.known |= {"HOST": self.host, "ORIGIN": f"http://{self.host}"}

    def ask(self, asked: Mapping[str, Any]) -> Asked:
        began = time.perf_counter()
        try:
            with Line(self.server.port) as line:
                line.write(request(asked, self.known))
                answer = line.read(asked.get("method", "GET"))
        except TimeoutError:
            return Asked(Answer(), time.perf_counter() - began, in_time=False)
        return Asked(answer, time.perf_counter() - began)

    def get(self, path: str) -> Asked:
        return self.ask({"raw_path": path})

    def usually(self, path: str) -> float:
        """Seconds that a plain GET takes: the median of seven."""
        if path not in self.usual:
            self.usual[path] = statistics.median(self.get(path).seconds for _ in range(7))
        return self.usual[path]


def same_origin(location: str, host: str) -> bool:
    """True if a browser that is sent to `location` stays on the site at `host` (URL standard, basic URL parser): tabs and
    newlines are dropped anywhere, blanks and controls in front; a backslash is a slash."""
    text = re.sub(r"[\t\r\n]", "", location).lstrip("".join(map(chr, range(33)))).replace("\\", "/")
    scheme, colon, rest = text.partition(":")
    if colon and re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return scheme.lower() in {"http", "https"} and re.split("[/?#]", rest.lstrip("/"))[0] == host
    return not text.startswith("//") or re.split("[/?#]", text[2:])[0] == host


Check = Callable[[Any, Asked, Talk], bool]


def _header(test: Callable[[str, str], bool]) -> Check:
    """A check of (name, what): true if one field of that name passes."""

    def check(wanted: Any, asked: Asked, talk: Talk) -> bool:
        name, what = wanted
        return any(test(value, what) for key, value in asked.answer.headers if key == name)

    return check


def _in_body(wanted: Any, asked: Asked, talk: Talk) -> bool:
    return raw(wanted, talk.known) in asked.answer.body


def _quick(ratio: float, asked: Asked, talk: Talk) -> bool:
    return asked.seconds <= max(ratio * talk.usually("/about/"), SLOW)


def _stays(wanted: bool, asked: Asked, talk: Talk) -> bool:
    targets = [value for name, value in asked.answer.headers if name == "location"]
    return all(same_origin(target, talk.host) for target in targets) is wanted


def _private_if(wanted: Sequence[str], asked: Asked, talk: Talk) -> bool:
    text, name, pattern = wanted
    return text not in asked.answer.text or _header(_matches)((name, pattern), asked, talk)


def _matches(value: str, pattern: str) -> bool:
    return re.search(pattern, value, re.IGNORECASE) is not None


def _set_cookies(asked: Asked) -> list[str]:
    return [value for name, value in asked.answer.headers if name == "set-cookie"]


CHECKS: dict[str, Check] = {
    "status_in": lambda wanted, asked, talk: asked.answer.status in wanted,
    "header_absent": lambda name, asked, talk: asked.answer.header(name) is None,
    "header_present": lambda name, asked, talk: asked.answer.header(name) is not None,
    "header_eq": _header(lambda value, wanted: value == wanted),
    "header_has": _header(lambda value, wanted: wanted.lower() in value.lower()),
    "header_re": _header(_matches),
    "body_has": _in_body,
    "body_eq": lambda wanted, asked, talk: asked.answer.body == raw(wanted, talk.known),
    "body_len": lambda wanted, asked, talk: len(asked.answer.body) == wanted,
    "body_len_max": lambda wanted, asked, talk: len(asked.answer.body) <= wanted,
    "complete": lambda wanted, asked, talk: asked.answer.whole is wanted,
    "location_same_origin": _stays,
    "latency_ratio_max": _quick,
    "if_body_has_then_header_re": _private_if,
    "set_cookie_re": lambda pattern, asked, talk: any(re.search(pattern, one) for one in _set_cookies(asked)),
    "set_cookie_max": lambda most, asked, talk: len(_set_cookies(asked)) <= most,
}


def judge(said: Mapping[str, Any], asked: Asked, talk: Talk) -> bool:
    """True if the assertion holds. `any` holds if one of its own does."""
    ((name, wanted),) = said.items()
    if name == "any":
        return any(judge(one, asked, talk) for one in wanted)
    return CHECKS[name](wanted, asked, talk)


def breaches(asked: Asked) -> list[str]:
    """What no answer may do, whatever was asked."""
    answer = asked.answer
    found = [f"the body holds {secret!r}" for secret in SECRETS if secret in answer.body]
    if not asked.in_time:
        found.append("no answer in time")
    if answer.header("x-injected") is not None or any("injected=1" in one for one in _set_cookies(asked)):
        found.append("a header was injected")
    return found


def is_alive(talk: Talk) -> bool:
    return talk.get("/about/").answer.status == 200


def faults(case: Case, talk: Talk) -> list[str]:
    """What of the case does not hold, each with what was answered; what no answer may do, too."""
    found: list[str] = []
    for step in case.steps:
        asked = talk.ask(step.asked)
        answer = asked.answer
        shown = f"{answer.status} {answer.header('location')} {len(answer.body)} bytes {answer.body[:80]!r}"
        found += [f"{breach}: {shown}" for breach in breaches(asked)]
        found += [f"must {said}: {shown}" for said in step.must if not judge(said, asked, talk)]
        found += [f"must not {said}: {shown}" for said in step.must_not if judge(said, asked, talk)]
        for name, (where, pattern) in step.captures.items():
            source = answer.text if where == "body" else answer.header(where) or ""
            group = re.search(pattern, source)
            talk.known[name] = group[1] if group else "nothing-captured"
    return found
