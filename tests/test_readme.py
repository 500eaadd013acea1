"""The examples of the README run, and what it lists is what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ondemand.config import _CHECKS, FINDINGS, Config
from tests.asking import ask, is_snapshot, write_site
from tests.conftest import Build
from tests.test_cli import ondemand

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]


def run(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(source, "README.md", "exec"), names)
    return names


def test_the_first_example_is_built_and_served(tmp_path: Path) -> None:
    project = write_site(tmp_path / "shop", PYTHON[0])
    done = ondemand(project, "build", "main:app")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 pages" in done.stdout
    assert "1 linked path on demand" in done.stdout


@pytest.mark.parametrize("source", PYTHON[1:])
def test_each_further_example_starts(source: str) -> None:
    run(source)["app"].site()


def test_the_guard_of_the_example_guards(tmp_path: Path, built: Build) -> None:
    app = run(next(source for source in PYTHON if "members_only" in source))["app"]
    assert ask(app, "/members/report").header("location") == "/login"
    assert not is_snapshot(ask(app, "/members/report", headers={"cookie": "member=1"}))


def test_the_settings_in_toml_are_accepted(tmp_path: Path) -> None:
    table = tomllib.loads(next(text for language, text in BLOCKS if language == "toml"))["tool"]["ondemand"]
    del table["app"]
    assert Config.make(table, root=tmp_path).public == tmp_path / "public"


def test_every_setting_and_every_kind_of_finding_is_listed() -> None:
    for key in _CHECKS:
        assert f"`{key}`" in README, key
    for kind, policy in FINDINGS.items():
        row = next(line for line in README.splitlines() if line.startswith("|") and f"`{kind}`" in line)
        assert f"| {policy} |" in row


def test_every_command_is_listed() -> None:
    from ondemand.cli.commands import cli

    for name in cli.commands:
        assert f"| `ondemand {name}" in README
