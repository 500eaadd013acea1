"""SECURITY.md: what it names is there, and its example runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ondemand import OnDemand
from tests.asking import ask
from tests.security.cases import load

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


def test_every_promise_names_a_test() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    assert [row for row in rows if "::test_" not in row] == []
    assert len(NAMED) > 15
    assert TEXT.count("::") == len(re.findall(r"`tests/[\w/]+\.py::\w+`", TEXT))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda value: value)
def test_the_test_is_there(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_cases_are_there_and_as_many_as_it_says() -> None:
    ids = {case.id for case in load()}
    assert set(re.findall(r"\(case `([\w-]+)`\)", TEXT)) <= ids
    assert f"{len(ids)} cases" in TEXT


def test_the_example_runs() -> None:
    (source,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(source, "SECURITY.md", "exec"), names)
    app = names["app"]
    assert isinstance(app, OnDemand)
    answer = ask(app, "/members/x", headers={"host": "shop.example"})
    assert (answer.status, answer.header("location")) == (302, "/login")
    assert ask(app, "/members/x", headers={"host": "evil.example"}).status == 400


def test_the_commands_are_there() -> None:
    for module in re.findall(r"python -m (tests\.\w+)", TEXT):
        assert (ROOT / module.replace(".", "/") / "__main__.py").is_file()
    for folder in re.findall(r"python -m pytest ([\w/]+)", TEXT):
        assert (ROOT / folder).is_dir()
