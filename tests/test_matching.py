"""ondemand.matching: never a candidate too few, and no cost for those that do not matter."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondemand.filenames import PagePattern
from ondemand.matching import Index
from ondemand.routing import Convertor, Pattern

SEGMENTS = st.sampled_from(
    [
        "a",
        "b",
        "a.b",
        "{p}",
        "{p:int}",
        "x-{p}",
        "{p}.json",
        "x-{p}-y",
        "{p}-{q}",
        "{p:path}",
        "{p:path}.txt",
        "*",
        "**",
    ]
)
NAMES = st.sampled_from(["a", "b", "a.b", "x-1", "1", "x-1-y", "c.json", ".json", "x-", "", "d.txt"])


def numbered(segments: list[str], last: str) -> str:
    """The segments as a pattern whose parameters have names of their own."""
    made = [one.replace("{p", f"{{p{n}").replace("{q", f"{{q{n}") for n, one in enumerate(segments)]
    return "/" + "/".join(made) + last


PATTERNS = st.lists(st.builds(numbered, st.lists(SEGMENTS, max_size=4), st.sampled_from(["", "/"])), max_size=12)
PATHS = st.builds(
    lambda names, last: "/" + "/".join(names) + last, st.lists(NAMES, max_size=5), st.sampled_from(["", "/"])
)


@given(PATTERNS, PATHS)
def test_every_pattern_that_matches_is_a_candidate(texts: list[str], path: str) -> None:
    patterns = [Pattern(text) for text in texts]
    found = Index(patterns).candidates(path)
    assert found == sorted(set(found))
    assert {n for n, pattern in enumerate(patterns) if pattern.match(path) is not None} <= set(found)


@given(PATTERNS, PATHS)
def test_so_it_is_for_pages(texts: list[str], path: str) -> None:
    patterns = [PagePattern(text) for text in texts if "*" not in text and text.count(":path}") < 3]
    found = set(Index(patterns).candidates(path))
    assert {n for n, pattern in enumerate(patterns) if pattern.match(path) is not None} <= found


def test_a_convertor_of_the_frameworks_own_may_hold_slashes() -> None:
    patterns = [Pattern("/d/{day:date}/x", {"date": Convertor("[0-9]+/[0-9]+")}), Pattern("/d/{day}/x")]
    assert Index(patterns).candidates("/d/1/2/x") == [0]


def sites(count: int) -> Index:
    texts: list[str] = []
    for n in range(count // 5):
        texts += [
            f"/p{n}",
            f"/section-{n}/{{slug}}",
            f"/post-{n}-{{id}}",
            f"/docs{n}/{{path:path}}",
            f"/{{a}}/x{n}/{{b}}",
        ]
    return Index([PagePattern(text) for text in texts])


@pytest.mark.parametrize(
    "path", ["/p1", "/section-1/hello", "/post-1-22", "/docs1/a/b/c", "/q/x1/r", "/nothing/at/all"]
)
def test_the_number_of_candidates_does_not_grow(path: str) -> None:
    assert len(sites(2000).candidates(path)) == len(sites(10).candidates(path)) <= 2


@pytest.mark.parametrize("path", ["/p1", "/section-1/hello", "/post-1-22", "/docs1/a/b/c"])
def test_nor_does_its_cost(path: str) -> None:
    few, many = sites(10), sites(2000)

    def least(index: Index) -> float:
        best = float("inf")
        for _ in range(50):
            start = time.perf_counter()
            for _ in range(50):
                index.candidates(path)
            best = min(best, time.perf_counter() - start)
        return best

    assert min(least(many) / least(few) for _ in range(3)) < 2
