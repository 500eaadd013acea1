"""Findings as GitHub's workflow commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondemand.prerendering.annotations import annotate
from ondemand.prerendering.report import Finding, Place, Report


def annotated(folder: Path, *findings: Finding) -> list[str]:
    return list(annotate(Report("dist", findings=list(findings)), folder))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "site" / "pages").mkdir(parents=True)
    return tmp_path


def test_a_finding_is_one_line_with_its_file_below_the_repository(repository: Path) -> None:
    site = repository / "site"
    places = [Place("/", 3, "/gone"), Place("/old", 0, "/gone"), Place("/b", 1, "/gone"), Place("/c", 9, "/gone")]
    referrers = [place.path for place in places]
    gone = Finding("broken-link", "It answers 404.", "Correct it.", "/gone", places=places, referrers=referrers)
    gone.source = f"{site}/pages/home.py:12"
    assert annotated(site, gone) == [
        "::error file=site/pages/home.py,line=12,title=broken-link::/gone: It answers 404. "
        "Linked from /:3, /old, /b:1 and 1 more. Correct it."
    ]


@pytest.mark.parametrize("source", ["", "/usr/lib/python3/flask.py:3", "{folder}/main.py", "home (main.py)"])
def test_what_lies_in_no_file_of_the_repository_has_none(source: str, repository: Path) -> None:
    finding = Finding("nothing", "No page is static.", policy="warn", source=source.format(folder=repository))
    assert annotated(repository, finding) == ["::warning title=nothing::No page is static."]


def test_without_a_repository_files_are_below_the_folder(tmp_path: Path) -> None:
    finding = Finding("error", "m", route="/a/{b}", source=f"{tmp_path}/a,b:c%.py:1")
    assert annotated(tmp_path, finding) == ["::error file=a%2Cb%3Ac%25.py,line=1,title=error::/a/{b}: m"]


def test_what_is_known_is_not_told(tmp_path: Path) -> None:
    assert annotated(tmp_path, Finding("error", "m", known=True)) == []


@given(st.text(), st.text(), st.text())
def test_whatever_a_page_holds_it_stays_one_command(message: str, path: str, file: str) -> None:
    finding = Finding("error", message, path=path, source=f"/r/{file}:1")
    (line,) = annotated(Path("/r"), finding)
    properties, _, data = line.removeprefix("::error ").partition("::")
    assert not re.search(r"[\r\n]", line)
    assert re.fullmatch(r"(file=[^:,]*,line=1,)?title=error", properties)
    unescaped = data.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    assert unescaped == (f"{path}: {message}" if path else message).strip()
