"""ondemand.prerendering.differences: where two renders differ, what that looks like, and what is steady."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondemand.prerendering.differences import Span, Steady, first_difference, looks_like

FIRST = [
    (b"<p>guest</p>", b"<p>Alice</p>", "line 1: <p>[guest | Alice]</p>"),
    (b"a\nb\n<p>Hello guest</p>\nc", b"a\nb\n<p>Hello Alice</p>\nc", "line 3: <p>Hello [guest | Alice]</p>"),
    (b"<p>Bob</p>", b"<p>Bobby</p>", "line 1: <p>[Bob | Bobby]</p>"),
    (b"<p>10:20:31</p>", b"<p>10:20:32</p>", "line 1: <p>[10:20:31 | 10:20:32]</p>"),
    (b"<ul></ul>", b"<ul><li>x</li></ul>", "line 1: <ul>[</ul> | <li>x</li></ul>]"),
    (b"same", b"", "line 1: [same | ]"),
    (b"", b"same", "line 1: [ | same]"),
    ("<p>Grüße</p>".encode(), "<p>Grüsse</p>".encode(), "line 1: <p>[Grüße | Grüsse]</p>"),
    (b"\xff\xfe", b"\xff\xfd", "line 1: [\ufffd\ufffd | \ufffd\ufffd]"),
    (b"<a href=/x>" + b"y" * 500 + b"</a>", b"<a href=/x>" + b"z" * 500 + b"</a>", None),
]


@pytest.mark.parametrize(("first", "second", "shown"), FIRST)
def test_the_first_difference_with_what_is_around_it(first: bytes, second: bytes, shown: str | None) -> None:
    found = str(first_difference(first, second))
    assert found == shown if shown is not None else len(found) < 300


def test_the_first_of_several() -> None:
    first = b"<p>a</p>\n" + b"<i>same</i>\n" * 50 + b"<p>b</p>"
    second = b"<p>x</p>\n" + b"<i>same</i>\n" * 50 + b"<p>y</p>"
    assert str(first_difference(first, second)) == "line 1: <p>[a | x]</p>"
    assert first_difference(first, first) is None


LOOKS = [
    ("1795287604076451022", "1795287606010738018", "a time"),
    ("1795287604", "1795287605", "a time"),
    ("1795287604.12", "1795287605.7", "a time"),
    ("12:30:01", "12:30:02", "a time"),
    ("2026-11-21", "2026-11-22", "a time"),
    ("Sat, 21 Nov 2026 18:00:00 GMT", "Sat, 21 Nov 2026 18:00:01 GMT", "a time"),
    ("f47ac10b-58cc-4372-a567-0e02b2c3d479", "9b2e7d1a-0a1b-4c3d-8e4f-5a6b7c8d9e0f", "a UUID"),
    ("e008bb4f0a7f47ce", "2ed9a1093f9e2058", "a random token"),
    ("<object object at 0x7f3a2b1c4d50>", "<object object at 0x7f9a2b1c4d10>", "an object's address in memory"),
    ("0", "14", "a counter"),
    ("14", "983411", "a random number"),
    ("alpha beta gamma", "gamma alpha beta", "the order of a set"),
    ("<li>a</li><li>b</li>", "<li>b</li><li>a</li>", "the order of a set"),
    ("guest", "Alice", "something else"),
]


@pytest.mark.parametrize(("was", "now", "name"), LOOKS)
def test_what_it_looks_like(was: str, now: str, name: str) -> None:
    assert looks_like(Span(1, "", was, now, "")).startswith(name)


def test_a_third_render_is_explained_by_what_changes_by_itself() -> None:
    def page(clock: str, name: str, token: str) -> bytes:
        return f"<h1>Shop</h1><i>{clock}</i> Hello {name}, <input value={token}> bye".encode()

    steady = Steady(page("10:00:01", "guest", "aaaa"), page("10:00:02", "guest", "bbbb"))
    assert steady.explains(page("23:59:59", "guest", "cccc"))
    assert not steady.explains(page("10:00:03", "Alice", "dddd"))
    assert not steady.explains(page("10:00:03", "guest", "dddd") + b"!")
    assert not steady.explains(b"")


PIECES = st.lists(
    st.sampled_from([b"<p>", b"</p>", b" ", b"\n", b"word", b"Alice", b"12:00", b"&amp;", b"\xc3\xa9"]), max_size=40
)


@given(PIECES, PIECES)
def test_both_renders_are_explained_by_what_they_have_in_common(left: list[bytes], right: list[bytes]) -> None:
    first, second = b"".join(left), b"".join(right)
    steady = Steady(first, second)
    assert steady.explains(first)
    assert steady.explains(second)
    span = first_difference(first, second)
    assert (span is None) == (first == second)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes(first: bytes, second: bytes) -> None:
    assert Steady(first, second).explains(first)
    span = first_difference(first, second)
    assert span is None or (looks_like(span) and str(span))


@pytest.mark.parametrize("text", [b"x", b"<b>", b"word ", b"\n", b"<i>a</i>\n", b"&"])
def test_long_pages_cost_little(text: bytes) -> None:
    """One difference at each end of three megabytes, and nothing but differences."""
    body = text * (3_000_000 // len(text))
    began = time.process_time()
    first_difference(b"a " + body + b" a", b"b " + body + b" b")
    Steady(b"a " + body + b" a", b"b " + body + b" b").explains(b"c " + body + b" c")
    first_difference(body, body[::-1] + b".")
    assert time.process_time() - began < 5


def table(rows: int, greeting: str, seed: int) -> bytes:
    chance = random.Random(seed)
    cells = [f"<tr><td>{chance.random()}</td><td>same</td></tr>" for _ in range(rows)]
    cells.insert(rows // 2, f"<p>Hello {greeting}</p>")
    return "".join(cells).encode()


@pytest.mark.parametrize(("rows", "others"), [(300, 300), (300, 290), (2000, 2000), (2000, 1999)])
def test_a_page_full_of_what_changes_takes_no_time_and_hides_nothing(rows: int, others: int) -> None:
    began = time.process_time()
    first, second = table(rows, "guest", 1), table(others, "guest", 2)
    steady = Steady(first, second)
    assert steady.explains(table(rows, "guest", 3))
    assert not steady.explains(table(rows, "Alice", 3))
    span = first_difference(first, second)
    assert span is not None
    assert span.line == 1
    assert time.process_time() - began < 5
