"""One built site, and each server once with it and once with the same app without OnDemand."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers.running import KINDS, Server, build, running

LARGE = random.Random(1).randbytes(3 * 1024 * 1024 + 7)
HUGE = random.Random(2).randbytes(40 * 1024 * 1024)


def make_project(folder: Path, *, huge: bool = False) -> Path:
    """The site of these tests, not yet built."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("site.py.txt"), folder / "main.py")
    (folder / "pyproject.toml").write_text("[tool.ondemand]\n")
    (folder / "word.txt").write_text("first")
    (folder / "files").mkdir(exist_ok=True)
    (folder / "files" / "large.bin").write_bytes(LARGE)
    (folder / "files" / "small.css").write_text("p { color: #123456 }\n" * 50)
    if huge:
        (folder / "files" / "huge.bin").write_bytes(HUGE)
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, built. Tests that change anything make their own."""
    folder = make_project(tmp_path_factory.mktemp("servers") / "project")
    build(folder)
    return folder


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def server(kind: str, built: Path) -> Iterator[Server]:
    """The site with its snapshots."""
    with ExitStack() as stack:
        yield stack.enter_context(running(kind, built))


@pytest.fixture(scope="session")
def bare(kind: str, built: Path) -> Iterator[Server]:
    """The same app on the same server without OnDemand."""
    with ExitStack() as stack:
        yield stack.enter_context(running(kind, built, more={"SITE_BARE": "1"}))
