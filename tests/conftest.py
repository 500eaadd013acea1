"""Shared by all tests: a build of an app object into a temporary folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ondemand import BuildError, build
from ondemand.prerendering.report import Report
from tests.asking import innermost, outermost

Build = Callable[..., Report]


@pytest.fixture(params=[outermost, innermost], ids=["outermost", "innermost"])
def wrap(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Both ways to put OnDemand in front of a FastAPI or Starlette app."""
    return request.param


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return tmp_path / "dist"


@pytest.fixture
def built() -> Build:
    """Build an app; a build that fails gives its report as well."""

    def run(app: Any, **options: Any) -> Report:
        try:
            return build(app, **options)
        except BuildError as error:
            assert isinstance(error.report, Report)
            return error.report

    return run


@pytest.fixture
def needs() -> Callable[[str, str], str]:
    """The path of a program; without it the test is skipped, or fails where CI must have it."""

    def find(program: str, install: str) -> str:
        found = shutil.which(program)
        if found is None:
            message = f"{program} is not installed: {install}"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)
        return found

    return find


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONDEMAND_SNAPSHOTS", "ONDEMAND_BUILDING", "ONDEMAND_DEV", "FASTAPI_ENV"):
        monkeypatch.delenv(name, raising=False)
