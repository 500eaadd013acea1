"""The suite: every case on every framework, innermost and outermost where the framework allows both."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.frameworks.cases import CASES
from tests.frameworks.serving import Site, with_fasthtml
from tests.frameworks.table import DOCUMENT, SITES, written


def load(name: str) -> Any:
    """The module of a site; a test without its framework is skipped, or fails where CI must have it."""
    try:
        return importlib.import_module(f"tests.frameworks.sites.{name}")
    except ImportError as error:
        message = f"{name} is not installed ({error}): pip install -e '.[dev]'"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


def places() -> list[Any]:
    return [pytest.param((name, place), id=f"{name}-{place}") for name, places in SITES.items() for place in places]


@pytest.fixture(scope="module", params=places())
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Site]]:
    name, place = request.param
    with ExitStack() as stack:
        if name == "fasthtml" and importlib.util.find_spec("fasthtml"):
            stack.enter_context(with_fasthtml())
        module = load(name)
        assert SITES[name] == module.PLACES
        monkeypatch, runner = stack.enter_context(pytest.MonkeyPatch.context()), stack.enter_context(asyncio.Runner())
        folder: Path = tmp_path_factory.mktemp(f"{name}-{place}")
        site = Site(module, place, folder / "dist", monkeypatch)
        runner.run(site.start())
        yield runner, site
        runner.run(site.stop())


@pytest.mark.parametrize("name", CASES)
def test_case(served: tuple[Any, Site], name: str) -> None:
    runner, site = served
    reason = site.module.CANNOT.get(name)
    if reason is None:
        runner.run(CASES[name](site))
        return
    try:
        runner.run(CASES[name](site))
    except Exception:
        return
    pytest.fail(f"{site.module.NAME} passes {name} after all: take the reason out of CANNOT")


def test_the_table_of_the_docs_is_what_the_suite_runs() -> None:
    with with_fasthtml():
        for name in SITES:
            load(name)
    document = DOCUMENT.read_text("utf-8")
    assert document == written(document), "run: python -m tests.frameworks"
