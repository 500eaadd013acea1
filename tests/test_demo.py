"""`ondemand demo`: the bookshop is made, built without a finding, and serves what it says."""

from __future__ import annotations

import json
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
def app(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    import importlib
    import sys

    monkeypatch.chdir(shop)
    monkeypatch.syspath_prepend(str(shop))
    monkeypatch.setenv("ONDEMAND_SNAPSHOTS", "1")
    for name in ("main", "catalog"):
        sys.modules.pop(name, None)
    module = importlib.import_module("main")
    yield module.app
    for name in ("main", "catalog"):
        sys.modules.pop(name, None)


def test_its_build_has_no_findings_and_is_the_same_again(shop: Path) -> None:
    done = ondemand(shop, "build", "--json", "-")
    report = json.loads(done.stdout)
    assert report["findings"] == []
    assert (report["added"], report["changed"], report["removed"]) == ([], [], [])
    assert report["pages"] > 100
    assert report["assets"] > 60


@pytest.mark.parametrize(
    "path", ["/", "/about", "/authors", "/books/dracula", "/tags/gothic", "/feed.xml", "/sitemap.xml", "/style.css"]
)
def test_static_pages_come_from_snapshots(path: str, app: Any) -> None:
    answer = ask(app, path)
    assert answer.status == 200
    assert is_snapshot(answer)


@pytest.mark.parametrize(
    ("path", "status"), [("/search?q=whale", 200), ("/basket", 200), ("/api/stock/dracula", 200), ("/nowhere", 404)]
)
def test_live_pages_are_rendered(path: str, status: int, app: Any) -> None:
    answer = ask(app, path)
    assert answer.status == status
    assert not is_snapshot(answer)


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
