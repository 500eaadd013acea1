"""The examples of docs/frameworks.md are built as they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.asking import write_site
from tests.frameworks.table import DOCUMENT
from tests.test_cli import ondemand

EXAMPLES = re.findall(r"```python\n(# (\w+).*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize(("source", "framework"), EXAMPLES, ids=[framework for _, framework in EXAMPLES])
def test_an_example_is_built(source: str, framework: str, tmp_path: Path) -> None:
    project = write_site(tmp_path / "site", source)
    done = ondemand(project, "build", "--json", "report.json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((project / "report.json").read_text())
    assert report["pages"] == 1
    assert report["findings"] == []


def test_there_is_an_example_of_each_framework_but_django() -> None:
    assert [framework for _, framework in EXAMPLES] == [
        *("Quart", "Flask", "Litestar", "FastHTML", "Sanic", "Falcon", "BlackSheep"),
    ]
