"""`ondemand demo`: the bookshop is made, built without a finding, and serves what it says."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.asking import ask, is_snapshot
from tests.test_cli import ondemand


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    done = ondemand(folder, "demo", "--build-only")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Made a bookshop in bookshop" in done.stdout
    assert "static, from snapshots" in done.stdout
    return folder / "bookshop"


@pytest.fixture
def unbuilt(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The app, which renders everything."""
    monkeypatch.chdir(shop)
    monkeypatch.syspath_prepend(str(shop))
    for name in ("main", "catalog"):
        sys.modules.pop(name, None)
    yield importlib.import_module("main").app
    for name in ("main", "catalog"):
        sys.modules.pop(name, None)


@pytest.fixture
def app(unbuilt: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The app with its snapshots."""
    monkeypatch.setenv("ONDEMAND_SNAPSHOTS", "1")
    return unbuilt


def test_its_build_has_no_findings_and_is_the_same_again(shop: Path) -> None:
    done = ondemand(shop, "build", "--json", "-")
    report = json.loads(done.stdout)
    assert report["findings"] == []
    assert (report["added"], report["changed"], report["removed"]) == ([], [], [])
    assert report["pages"] > 100
    assert report["assets"] > 60


HTML = "text/html; charset=utf-8"
STATIC = [
    "/",
    "/about",
    "/authors",
    "/authors/bram-stoker",
    "/books/dracula",
    "/tags/gothic",
    "/tags/gothic/2",
    "/api/books.json",
    "/feed.xml",
    "/sitemap.xml",
]


@pytest.mark.parametrize("path", [*STATIC, "/style.css"])
def test_static_pages_come_from_snapshots(path: str, app: Any) -> None:
    answer = ask(app, path)
    assert answer.status == 200
    assert is_snapshot(answer)
    assert ("made by <code>ondemand build" in answer.text) == (answer.header("content-type") == HTML)


@pytest.mark.parametrize("path", STATIC)
def test_without_snapshots_they_are_rendered(path: str, unbuilt: Any) -> None:
    answer = ask(unbuilt, path)
    assert answer.status == 200
    assert not is_snapshot(answer)
    assert "made by <code>ondemand build" not in answer.text


@pytest.mark.parametrize("path", ["/search?q=whale", "/basket", "/api/stock/dracula"])
def test_live_pages_are_rendered(path: str, app: Any) -> None:
    answer = ask(app, path)
    assert answer.status == 200
    assert not is_snapshot(answer)


@pytest.mark.parametrize("path", ["/nowhere", "/books/nope", "/authors/nobody", "/tags/gothic/9", "/api/nothing"])
def test_what_is_missing_shows_one_page_whoever_misses_it(path: str, app: Any) -> None:
    answer = ask(app, path)
    assert answer.status == 404
    assert "torn out" in answer.text


def test_what_is_missing_in_json_is_said_in_json(app: Any) -> None:
    answer = ask(app, "/api/stock/nope")
    assert (answer.status, answer.text) == (404, '{"detail":"Not Found"}')


def test_a_failure_shows_the_page_for_it(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(sys.modules["catalog"], "all_tags", broken)
    answer = ask(app, "/search")
    assert answer.status == 500
    assert "spilled the ink" in answer.text
    assert "secret" not in answer.text


def test_the_search_sends_its_top_before_the_books(app: Any) -> None:
    answer = ask(app, "/search?q=whale")
    top, *rest = [part for message in answer.messages if (part := message.get("body"))]
    assert b"Looking along the shelves" in top
    assert b"Moby-Dick" not in top
    assert b"Moby-Dick" in b"".join(rest)


def test_types_and_statuses_are_kept(app: Any) -> None:
    assert ask(app, "/feed.xml").header("content-type") == "application/rss+xml"
    assert ask(app, "/404").status == 404


def test_the_basket_belongs_to_its_visitor(app: Any) -> None:
    added = ask(app, "/basket/add/dracula", method="POST")
    assert added.status == 303
    cookie = (added.header("set-cookie") or "").partition(";")[0]
    assert "Dracula" in ask(app, "/basket", headers={"cookie": cookie}).text
    assert "Dracula" not in ask(app, "/basket").text


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bookshop").mkdir()
    (tmp_path / "bookshop" / "mine.txt").write_text("mine")
    done = ondemand(tmp_path, "demo", "--build-only")
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [file.name for file in (tmp_path / "bookshop").iterdir()] == ["mine.txt"]
