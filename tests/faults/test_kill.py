"""`kill -9` at any moment of a build: what was live stays whole, no process is left, the next build cleans up."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import HTMLResponse

import ondemand.prerendering.build as build_module
from ondemand import OnDemand, build
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.store import Files, Store
from tests.faults.building import (
    finish,
    kill_session,
    leftovers,
    living,
    published,
    rollback,
    run_build,
    say,
    start,
    tree,
    wait_until,
    words,
    write,
)

PAGES = 300
MOMENTS = 10
NAMES = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima"]

HELD = """
    while not Path(__file__).with_name("go").exists():
        await asyncio.sleep(0.01)
"""
"""Makes a page wait for the test."""


def hold(folder: Path, *, blocking: str = HELD) -> None:
    """From now on the pages wait: for a file `go`, or as `blocking` says."""
    source = (folder / "main.py").read_text()
    (folder / "main.py").write_text(source.replace("    await asyncio.sleep(0.004)\n", blocking))


def building(folder: Path) -> bool:
    return any(name.endswith(".db") for name in leftovers(folder)) if (folder / "dist").is_dir() else False


@pytest.mark.parametrize("whom", ["the whole group", "the parent alone"])
def test_a_build_that_is_killed_at_any_moment(tmp_path: Path, whom: str) -> None:
    folder = write(tmp_path, pages=PAGES, word="alpha")
    began = time.monotonic()
    assert run_build(folder).code == 0
    length = time.monotonic() - began
    dice = random.Random(whom)
    for moment in range(MOMENTS):
        before = words(published(folder))
        process = start(say(folder, NAMES[moment + 1]))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.15, 1.05) * length)
        if whom == "the whole group":
            kill_session(process)
        else:
            process.kill()
        process.communicate()
        session = process.pid
        wait_until(lambda session=session: not living(session), why="a process of the killed build still runs")

        now = words(published(folder))
        assert now in (before, {NAMES[moment + 1]}), f"moment {moment}: {now}"

        assert run_build(folder).code == 0
        whole = published(folder)
        assert words(whole) == {NAMES[moment + 1]}
        assert len(whole) == PAGES + 1
        assert leftovers(folder) == []
        assert len(Store(folder / "dist").generations()) <= 2  # keep=1


@pytest.mark.parametrize(
    "blocking",
    [
        "    await asyncio.Event().wait()\n",
        "    __import__('time').sleep(600)\n",
        "    await __import__('anyio').to_thread.run_sync(__import__('threading').Event().wait)\n",
        "    while True:\n"
        "        try:\n"
        "            await asyncio.Event().wait()\n"
        "        except asyncio.CancelledError:\n"
        "            pass\n",
    ],
    ids=["waits", "blocks the loop", "blocks a thread", "swallows cancellation"],
)
def test_a_process_whose_parent_was_killed_ends_even_in_a_page_that_never_does(tmp_path: Path, blocking: str) -> None:
    folder = write(tmp_path, pages=3)
    (folder / "pyproject.toml").write_text("[tool.ondemand]\npage_timeout = 1\n")
    hold(folder, blocking=blocking)
    process = start(folder)
    wait_until(lambda: building(folder), why="the build did not begin")
    wait_until(lambda: len(living(process.pid)) >= 2, why="no process for the app")
    process.kill()
    process.communicate()
    try:
        wait_until(lambda: not living(process.pid), within=10, why="the app's process outlives its parent")
    finally:
        kill_session(process)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_build_that_is_asked_to_stop(tmp_path: Path, number: int) -> None:
    """Ctrl-C reaches every process of the terminal's group."""
    folder = write(tmp_path, pages=3)
    assert run_build(folder).code == 0
    before = tree(folder / "dist")
    hold(say(folder, "later"))
    process = start(folder)
    wait_until(lambda: building(folder), why="the build did not begin")
    os.killpg(process.pid, number)
    ended = finish(process)
    assert ended.code not in {0, 1, 2, 3}
    wait_until(lambda: not living(process.pid), why="a process of the build still runs")
    assert words(published(folder)) == {"first"}
    if number == signal.SIGINT:
        assert ended.code == 130
        assert "Stopped. What was live stays." in ended.out + ended.err
        assert "Traceback" not in ended.err, ended.err
        assert tree(folder / "dist") == before


def test_two_builds_at_once(tmp_path: Path) -> None:
    """The second refuses at once; the first goes on undisturbed."""
    folder = write(tmp_path, pages=20)
    hold(folder)
    first = start(folder)
    wait_until(lambda: building(folder), why="the first build did not begin")
    begun = leftovers(folder)
    second = run_build(folder)
    assert second.code == 1
    assert "Another build of" in second.err
    assert "is running" in second.err
    assert "Traceback" not in second.err
    assert leftovers(folder) == begun
    (folder / "go").touch()
    assert finish(first).code == 0
    whole = published(folder)
    assert len(whole) == 21
    assert words(whole) == {"first"}
    assert leftovers(folder) == []


def test_many_builds_at_once_never_mix(tmp_path: Path) -> None:
    folder = write(tmp_path, pages=60, word="zero")
    running = []
    for name in NAMES[:4]:
        say(folder, name)
        process = start(folder)
        running.append(process)
        wait_until(lambda p=process: p.poll() is not None or len(living(p.pid)) >= 2, why="no process")
    codes = [finish(process).code for process in running]
    assert set(codes) <= {0, 1}
    assert 0 in codes
    assert len(words(published(folder))) == 1
    assert leftovers(folder) == []


def test_no_rollback_while_a_build_runs(tmp_path: Path) -> None:
    folder = write(tmp_path, pages=3)
    for name in NAMES[:2]:
        assert run_build(say(folder, name)).code == 0
    hold(folder)
    process = start(folder)
    wait_until(lambda: building(folder), why="the build did not begin")
    refused = rollback(folder)
    assert refused.code == 1
    assert "Another build" in refused.err
    (folder / "go").touch()
    assert finish(process).code == 0


def test_what_a_killed_process_left_half_written_is_never_taken_for_whole(tmp_path: Path) -> None:
    """The process that takes its place renders the page again, and finds its files."""
    body = b"<p>a page</p>" * 100
    page = Snapshot("/p", "page", "site/p/index.html", 200, "/p", 0, (("content-type", "text/html"),))
    packed = tmp_path / "site/p/index.html.gz"
    Files(tmp_path, previous=None, compressors={"gzip": gzip.compress}).write(page, body)
    os.truncate(packed, packed.stat().st_size // 2)
    written, _ = Files(tmp_path, previous=None, compressors={"gzip": gzip.compress}).write(page, body)
    assert "gzip" not in written.encodings or gzip.decompress(packed.read_bytes()) == body


def test_a_build_that_is_stopped_while_it_makes_its_database_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C may come at any line, also between the file and whoever would remove it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await HTMLResponse("<p>home</p>")(scope, receive, send)

    class Stopped(build_module.Frontier):
        def __init__(self, file: Path) -> None:
            super().__init__(file)
            raise KeyboardInterrupt

    monkeypatch.setattr(build_module, "Frontier", Stopped)
    with pytest.raises(KeyboardInterrupt):
        build(OnDemand(app, dist=tmp_path / "dist"))
    assert {file.name for file in (tmp_path / "dist").iterdir()} <= {".lock"}
