"""ondemand.prerendering.frontier: what a build knows about its pages, against plain Python as the oracle."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ondemand.prerendering.frontier import Frontier


@pytest.fixture
def frontier(tmp_path: Path) -> Iterator[Frontier]:
    made = Frontier(tmp_path / "frontier.sqlite")
    yield made
    made.close()


def add(frontier: Frontier, *paths: str) -> list[int]:
    return [frontier.add(path, "page")[0] for path in paths]


def done(frontier: Frontier, page: int, **changes: Any) -> None:
    values: dict[str, Any] = {
        "outcome": "static",
        "route": "/",
        "what": "",
        "why": "",
        "change": "added",
        "status": 200,
        "size": 1,
        "seconds": 0.1,
        "ids": (),
    }
    frontier.done(page, **{**values, **changes})


# ------------------------------------------------------------------------------------------------------- what to visit


def test_paths_are_handed_out_once_in_the_order_they_were_found(frontier: Frontier) -> None:
    add(frontier, "/", "/b", "/a")
    assert [row[1] for row in frontier.next(2)] == ["/", "/b"]
    add(frontier, "/a", "/c")
    assert frontier.waiting == 2
    assert [row[1] for row in frontier.next(10)] == ["/a", "/c"]
    assert frontier.next(10) == []
    assert (frontier.found, frontier.waiting) == (4, 0)
    add(frontier, "/d")
    assert [row[1] for row in frontier.next(1)] == ["/d"]


def test_a_path_has_one_id_however_often_it_is_found(frontier: Frontier) -> None:
    first, new = frontier.add("/a", "page")
    assert new
    assert frontier.add("/a", "asset", encoded=True) == (first, False)
    assert frontier.kind(first) == "page"
    assert frontier.next(1) == [(first, "/a", "page", False)]
    assert frontier.path(first) == "/a"


@pytest.mark.parametrize(
    "path", ["/é", "/e\u0301", "/日本 😀", "/a'b\"c", "/50%", "/%2e", "/A", "/a", "/" + "x" * 1000, "/x\ny"]
)
def test_any_path_comes_back_as_it_is(path: str, frontier: Frontier) -> None:
    page, _ = frontier.add(path, "/{slug}", encoded=True)
    assert frontier.path(page) == path
    assert frontier.next(1) == [(page, path, "/{slug}", True)]


def test_ids_stay_the_same_when_more_paths_come_than_are_remembered(frontier: Frontier) -> None:
    with frontier.writing():
        ids = {path: frontier.add(path, "page")[0] for path in (f"/{number}" for number in range(20_100))}
        for path in ("/0", "/19999", "/20000", "/20099"):
            assert frontier.add(path, "page") == (ids[path], False)
    assert frontier.found == 20_100
    assert len(set(ids.values())) == 20_100


def test_closing_removes_the_file_and_may_be_late(tmp_path: Path) -> None:
    file = tmp_path / "frontier.sqlite"
    frontier = Frontier(file)
    add(frontier, "/")
    assert file.exists()
    frontier.close()
    assert list(tmp_path.iterdir()) == []
    gone = Frontier(file)
    file.unlink()
    gone.close()


def test_a_file_that_cannot_be_made_is_an_error_and_not_a_hang(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        Frontier(tmp_path / "missing" / "frontier.sqlite")


# --------------------------------------------------------------------------------------------------------- who links


def test_referrers_are_named_once_each_in_the_order_they_were_found(frontier: Frontier) -> None:
    home, blog, about = add(frontier, "/", "/blog", "/about")
    frontier.link(blog, [(about, ""), (about, "team"), (home, "")])
    frontier.link(home, [(about, ""), (about, ""), (blog, "")])
    frontier.link(about, [(about, "top")])
    for _ in range(2):
        assert frontier.referrers("/about") == ["/", "/blog", "/about"]
        assert frontier.referrers("/about", fragment="team") == ["/blog"]
        assert frontier.referrers("/about", fragment="") == ["/", "/blog"]
        assert frontier.referrers("/about", fragment="nothing") == []
        assert frontier.referrers("/") == ["/blog"]
        assert frontier.referrers("/missing") == []
        frontier.index_links()  # makes it fast and nothing else


def test_links_to_ids_that_are_not_there_are_told(frontier: Frontier) -> None:
    home, about, live, empty, image = add(frontier, "/", "/about", "/live", "/empty", "/x.png")
    targets = [(about, "team"), (about, "nobody"), (about, "top"), (about, "TOP"), (about, ""), (about, "Team")]
    frontier.link(home, [*targets, (live, "x"), (empty, "x"), (image, "x"), (about, "nobody"), (home, "été")])
    done(frontier, home, ids=["été"])
    done(frontier, about, ids=["team", "jobs"])
    done(frontier, live, outcome="on demand")
    done(frontier, empty, ids=[])
    done(frontier, image, outcome="asset")
    assert list(frontier.missing_fragments()) == [("/about", "nobody"), ("/about", "Team"), ("/empty", "x")]


def test_links_and_fragments_agree_with_plain_python(frontier: Frontier) -> None:
    chance = random.Random(3)
    paths = [f"/{number}" for number in range(40)]
    ids = {path: {f"i{chance.randrange(6)}" for _ in range(3)} for path in paths}
    numbers = dict(zip(paths, add(frontier, *paths), strict=True))
    links: list[tuple[str, str, str]] = []
    for source in paths:
        found = [(chance.choice(paths), chance.choice(["", "i0", "i1", "i2", "i9"])) for _ in range(10)]
        frontier.link(numbers[source], [(numbers[target], fragment) for target, fragment in found])
        links += [(source, target, fragment) for target, fragment in found]
        done(frontier, numbers[source], ids=sorted(ids[source]))
    for path in paths:
        assert frontier.referrers(path) == [p for p in paths if any(s == p and t == path for s, t, _ in links)]
        assert frontier.referrers(path, fragment="i0") == [p for p in paths if (p, path, "i0") in links]
    missing = {(target, fragment) for _, target, fragment in links if fragment and fragment not in ids[target]}
    told = list(frontier.missing_fragments())
    assert set(told) == missing
    assert len(told) == len(missing)


# ------------------------------------------------------------------------------------------------------- what came of it


def test_what_came_of_the_visits_is_counted_and_sorted(frontier: Frontier) -> None:
    pages = add(frontier, "/", "/b", "/a", "/live", "/x.css", "/later")
    done(frontier, pages[0], change="same", seconds=0.5)
    done(frontier, pages[1], route="/{x}", change="added", seconds=2.0)
    done(frontier, pages[2], route="/{x}", change="added", seconds=1.0)
    done(frontier, pages[3], route="/live", outcome="on demand", why="says so", change=None, seconds=9.0)
    done(frontier, pages[4], route=None, outcome="asset", change="changed", seconds=0.1)
    assert frontier.visited == 5
    assert (frontier.count("static"), frontier.count("asset"), frontier.count("fault")) == (3, 1, 0)
    assert [path for path, _, _ in frontier.changes("added")] == ["/a", "/b"]
    assert [path for path, _, _ in frontier.changes("changed")] == ["/x.css"]
    assert list(frontier.changes("removed")) == []
    assert frontier.slowest(2) == [("/b", 2.0), ("/a", 1.0)]
    assert [frontier.is_published(path) for path in ("/", "/live", "/later", "/missing")] == [True, False, False, False]
    assert [frontier.reached(route) for route in ("/{x}", "/live", "/other")] == [True, True, False]
    assert sorted(frontier.by_route(), key=repr) == sorted(
        [
            ("/", "static", "", 1),
            ("/{x}", "static", "", 2),
            ("/live", "on demand", "says so", 1),
            (None, "asset", "", 1),
        ],
        key=repr,
    )


def test_pages_that_links_alone_found_are_told_apart_from_those_of_paths(frontier: Frontier) -> None:
    linked, given, live = (
        frontier.add(path, kind)[0] for path, kind in (("/a", "page"), ("/b", "/{x}"), ("/c", "page"))
    )
    done(frontier, linked, route="/{x}")
    done(frontier, given, route="/{x}")
    done(frontier, live, route="/{x}", outcome="on demand")
    assert frontier.only_linked("/{x}") == ["/a"]
    frontier.set_kind(linked, "/{x}")
    assert frontier.only_linked("/{x}") == []


# ------------------------------------------------------------------------------------------------------- names of files


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("a.html", "a.html"),
        ("a.html", "A.html"),
        ("é/index.html", "e\u0301/index.html"),
        ("É.html", "e\u0301.html"),
        ("straße", "STRASSE"),
        ("a/b", "A/B"),
        ("x", "x/y"),  # a file where a folder must be
        ("x", "X/y/z"),
        ("é", "e\u0301/x"),
        ("a/x", "a/x/y"),
    ],
)
def test_two_pages_never_get_one_file_in_either_order(one: str, two: str, tmp_path: Path) -> None:
    for first, second in ((one, two), (two, one)):
        frontier = Frontier(tmp_path / "frontier.sqlite")
        a, b = add(frontier, "/first", "/second")
        assert frontier.claim(first, a) is None
        assert frontier.claim(second, b) == "/first"
        assert frontier.claim("other.html", b) is None  # nothing was taken by the attempt
        frontier.close()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("a", "b"),
        ("a/x", "a/y"),
        ("a/x", "b/x"),
        ("A/x", "a/y"),
        ("x.html", "x/y.html"),
        ("ab", "a/b"),
        ("a/b", "a/bc/d"),
        ("é", "e"),
    ],
)
def test_names_that_every_file_system_tells_apart_are_given(one: str, two: str, frontier: Frontier) -> None:
    a, b = add(frontier, "/first", "/second")
    assert frontier.claim(one, a) is None
    assert frontier.claim(two, b) is None


def test_a_refused_claim_leaves_no_folders_behind(frontier: Frontier) -> None:
    a, b, c = add(frontier, "/a", "/b", "/c")
    assert frontier.claim("x", a) is None
    assert frontier.claim("x/new/deep", b) == "/a"
    assert frontier.claim("X/new", c) == "/a"
    assert frontier.claim("new", c) is None


def test_a_thousand_names_agree_with_plain_python(frontier: Frontier) -> None:
    chance = random.Random(5)
    parts = ["a", "A", "b", "é", "e\u0301", "c.html", "C.html", "ß", "SS"]
    taken: dict[str, str] = {}  # key of a file -> the page that has it

    def key(name: str) -> str:
        return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())

    def holders(name: str) -> set[str]:
        wanted = key(name)
        return {
            page
            for other, page in taken.items()
            if other == wanted or other.startswith(wanted + "/") or wanted.startswith(other + "/")
        }

    given = 0
    for number in range(1000):
        name = "/".join(
            chance.choice(parts) + chance.choice(["", "", "1", "2", "3"]) for _ in range(chance.randint(1, 4))
        )
        page = f"/{number}"
        (page_id,) = add(frontier, page)
        expected = holders(name)
        answer = frontier.claim(name, page_id)
        if expected:
            assert answer in expected, name
        else:
            assert answer is None, name
            taken[key(name)] = page
            given += 1
    assert 200 < given < 900


def test_a_disk_that_is_full_at_the_end_is_an_error_of_the_disk(frontier: Frontier) -> None:
    """Not one of the database: the build says then that it cannot be written."""
    pages = add(frontier, *(f"/{n}" for n in range(50)))
    for page in pages:
        frontier.link(page, [(target, "x" * 100) for target in pages])
    used = frontier._db.execute("pragma page_count").fetchone()[0]
    frontier._db.execute(f"pragma max_page_count = {used}")
    with pytest.raises(OSError, match="full"):
        frontier.index_links()
