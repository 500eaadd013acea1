"""ondemand.watching: values that tell when they are looked at, and who looks."""

from __future__ import annotations

import asyncio
import copy
import http.cookies
import json
import pickle
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ondemand.watching import WatchedScope, WatchedText, WatchedValue, reader

LOOKS: list[Any] = [
    lambda value: value.decode("latin-1"),
    lambda value: value.split(b";"),
    lambda value: value.partition(b"="),
    lambda value: value.startswith(b"sid"),
    lambda value: b"sid" in value,
    lambda value: value == b"sid=1",
]


@pytest.mark.parametrize("look", LOOKS)
def test_a_header_tells_when_it_is_looked_at_and_says_what_it_would_say(look: Any) -> None:
    told: list[int] = []
    value = WatchedValue.of(b"sid=1", lambda: told.append(1))
    assert look(value) == look(b"sid=1")
    assert told


def test_what_only_passes_it_on_does_not_look() -> None:
    told: list[int] = []
    value = WatchedValue.of(b"sid=1", lambda: told.append(1))
    assert bytes(value) == b"sid=1"
    assert {b"cookie": value}[b"cookie"] is value
    assert isinstance(value, bytes)
    assert not told


def test_a_cookie_that_a_framework_cut_out_before_tells_when_it_is_asked_for() -> None:
    told: list[int] = []
    header = WatchedValue.of(b'sid="1"; theme=dark', lambda: told.append(1)).decode()
    told.clear()
    cookies: dict[str, str] = {}
    for chunk in header.split(";"):
        name, value = (chunk.split("=", 1)) if "=" in chunk else ("", chunk)
        cookies[name.strip()] = http.cookies._unquote(value.strip())  # type: ignore[attr-defined]
    told.clear()  # who cuts it is looked at where it happens: a framework is no page
    assert cookies.get("absent") is None
    assert not told
    assert cookies["sid"] == "1"
    assert told


USES: list[Any] = [
    str,
    lambda text: f"{text}",
    lambda text: f"{text:>10}",
    lambda text: text == "dark",
    lambda text: text != "dark",
    lambda text: text.encode(),
    lambda text: {"dark": 1}.get(text),
]


@pytest.mark.parametrize("use", USES)
def test_its_text_tells_when_it_is_used(use: Any) -> None:
    told: list[int] = []
    assert use(WatchedText.of("dark", lambda: told.append(1))) == use("dark")
    assert told
    assert type(str(WatchedText.of("dark", lambda: None))) is str


def test_databases_and_the_like_take_it() -> None:
    text = WatchedText.of("tok", lambda: None)
    with sqlite3.connect(":memory:") as db:
        assert db.execute("select ? || 'en'", (text,)).fetchone() == ("token",)
    db.close()
    assert sorted([text, "a"]) == ["a", "tok"]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(text, protocol))
        assert (again, type(again)) == ("tok", str)
    assert (json.dumps({text: text}), type(copy.deepcopy(text))) == ('{"tok": "tok"}', str)


def test_a_scope_tells_which_key_is_looked_up() -> None:
    told: list[str] = []
    scope = WatchedScope({"type": "http", "user": "Alice"}, frozenset(["user", "auth"]), told.append, lambda: False)
    assert (scope["type"], scope.get("auth"), scope.get("other", 1), "user" in scope, dict(scope)["user"]) == (
        "http",
        None,
        1,
        True,
        "Alice",
    )
    assert told == []
    assert (scope["user"], scope.get("user")) == ("Alice", "Alice")
    assert told == ["user", "user"]


def look() -> str | None:
    """Stands for a value that is looked at, and says who does."""
    return reader()


def test_outside_of_any_request_nobody_reads() -> None:
    """What runs in a loop, and in no route, is of whoever keeps the app going."""

    async def keeps_going() -> str | None:
        return look()

    assert asyncio.run(keeps_going()) is None


def test_a_task_that_a_router_has_led_into_a_route_is_the_page() -> None:
    async def page() -> str | None:
        WatchedScope({}, frozenset(), lambda key: None, lambda: False).update(endpoint=page)
        return look()

    assert (asyncio.run(page()) or "").endswith(" in page: return look()")


def test_a_function_that_a_framework_runs_in_a_thread_is_the_page() -> None:
    def page() -> str | None:
        return look()

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(page).result() or ""
    assert found.startswith(__file__)
    assert found.endswith(" in page: return look()")
