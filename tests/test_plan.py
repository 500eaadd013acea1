"""`ondemand plan` and the change list of a build: what is added, changed and removed, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.asking import write_site
from tests.test_cli import ondemand

SITE = """
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route
from ondemand import OnDemand, StaticPath, prerender


async def home(request):
    return HTMLResponse('<a href="/about">about</a><a href="/old">old</a>')


async def about(request):
    return HTMLResponse("<h1>About</h1>", headers={"x-own": "1"})


async def old(request):
    return HTMLResponse("<h1>Old</h1>")


@prerender(paths=[StaticPath({"n": n}) for n in (1, 2)])
async def numbered(request):
    return HTMLResponse(request.path_params["n"])


app = Starlette(routes=[Route("/", home), Route("/about", about), Route("/old", old), Route("/n/{n}", numbered)])
app.add_middleware(OnDemand)
"""


def planned(folder: Path, *arguments: str) -> dict[str, Any]:
    done = ondemand(folder, "plan", "--json", "-", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def changes(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(row["change"], row["path"], row["why"]) for row in report["changes"]]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site(tmp_path / "site", SITE)


def tree(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if "__pycache__" not in file.parts)


@pytest.mark.parametrize("command", ["plan", "check"])
def test_nothing_is_written(command: str, site: Path) -> None:
    before = tree(site)
    assert ondemand(site, command).returncode == 0
    assert tree(site) == before
    assert ondemand(site, "build").returncode == 0
    before, current = tree(site), (site / "dist" / "CURRENT").stat().st_mtime_ns
    assert ondemand(site, command).returncode == 0
    assert (tree(site), (site / "dist" / "CURRENT").stat().st_mtime_ns) == (before, current)


def test_the_first_build_adds_each_page_and_says_how_it_was_found(site: Path) -> None:
    report = planned(site)
    assert report["generation"] is None
    assert changes(report) == [
        ("added", "/", "new: a page to begin with"),
        ("added", "/about", "new: a link leads to it"),
        ("added", "/n/1", "new: the paths of /n/{n} name it"),
        ("added", "/n/2", "new: the paths of /n/{n} name it"),
        ("added", "/old", "new: a link leads to it"),
    ]
    assert (report["added"], report["changed"], report["removed"], report["same"]) == (
        ["/", "/about", "/n/1", "/n/2", "/old"],
        [],
        [],
        0,
    )


def change(site: Path, *pairs: tuple[str, str]) -> None:
    source = (site / "main.py").read_text()
    for old, new in pairs:
        assert old in source
        source = source.replace(old, new)
    (site / "main.py").write_text(source)


def test_what_changed_is_told_with_its_reason_and_a_build_then_does_what_was_planned(site: Path) -> None:
    assert ondemand(site, "build").returncode == 0
    assert (changes(planned(site)), planned(site)["same"]) == ([], 5)
    change(
        site,
        ('<a href="/old">old</a>', ""),
        ('{"x-own": "1"}', '{"x-own": "2", "x-new": "1"}'),
        ("(1, 2)", "(2, 3)"),
        ('HTMLResponse(request.path_params["n"])', 'HTMLResponse("n" + request.path_params["n"])'),
    )
    expected = [
        ("added", "/n/3", "new: the paths of /n/{n} name it"),
        ("changed", "/", "its body"),
        ("changed", "/about", "its headers (x-new, x-own)"),
        ("changed", "/n/2", "its body"),
        ("removed", "/n/1", "nothing leads to it any more"),
        ("removed", "/old", "nothing leads to it any more"),
    ]
    assert changes(planned(site)) == expected
    done = ondemand(site, "build", "--json", "-")
    assert changes(json.loads(done.stdout)) == expected
    assert changes(planned(site)) == []


def test_a_page_that_is_rendered_on_demand_now_is_removed_for_that_reason(site: Path) -> None:
    assert ondemand(site, "build").returncode == 0
    change(
        site,
        ("async def about", "@prerender(False)\nasync def about"),
        ('return HTMLResponse("<h1>Old</h1>")', "return RedirectResponse('/about', 301)"),
    )
    change(site, ("async def old", "@prerender\nasync def old"))
    assert changes(planned(site)) == [
        ("changed", "/old", "its status (200 before, 301 now), its body, its headers (location)"),
        ("removed", "/about", "prerender is False"),
    ]


def test_a_person_sees_a_line_for_each(site: Path) -> None:
    assert ondemand(site, "build").returncode == 0
    change(site, ('<a href="/old">old</a>', ""), ("(1, 2)", "(1, 2, 3)"))
    done = ondemand(site, "plan")
    assert done.stdout.splitlines() == [
        "+ /n/3  new: the paths of /n/{n} name it",
        "~ /  its body",
        "- /old  nothing leads to it any more",
        "1 added, 1 changed, 1 removed, 3 the same. Nothing was published.",
    ]


def test_faults_are_told_instead_and_fail_the_command(site: Path) -> None:
    change(site, ('<a href="/old">', '<a href="/gone">'))
    for command in ("plan", "check"):
        done = ondemand(site, command)
        assert done.returncode == 1
        assert "broken-link" in done.stdout
        assert "1 fault in " in done.stdout


def test_check_sums_up(site: Path) -> None:
    done = ondemand(site, "check")
    assert done.returncode == 0
    assert "No faults in " in done.stdout
    assert "5 static pages, 0 files, 0 linked paths on demand. Nothing was published." in done.stdout
