"""`kill -9` at any moment of a build: what was live stays whole, no process is left, the next build cleans up."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import HTMLResponse

import ondemand.prerendering.build as build_module
from ondemand import OnDemand, build
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.store import Files, Publisher, Store
from tests.faults.building import (
    HELD,
    finish,
    finish_all,
    kill_session,
    leftovers,
    living,
    pages_do,
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
from tests.faults.striking import (
    Watch,
    fresh_seed,
    kill_at_a_step,
    kill_at_a_time,
    last_word,
    play_all,
    projects,
    several_at_once,
)
from tests.servers.running import running


def building(folder: Path) -> bool:
    return any(name.endswith(".db") for name in leftovers(folder)) if (folder / "dist").is_dir() else False


def test_builds_that_are_killed_at_random_moments(tmp_path: Path) -> None:
    """The parent, its process, or both: before a step of their own, or at any time. A server goes on all the while."""
    seed = fresh_seed()
    with projects(tmp_path) as made, running("uvicorn", made[0].folder) as server:
        made[0].watch = Watch(server)
        done = play_all(made, [kill_at_a_step] * 10 + [kill_at_a_time] * 4, seed)
        wait_until(lambda: made[0].watch({last_word(made[0])}), why="the server does not say what is live")
    assert len(done) == 14
    assert "Traceback" not in server.said()


# --- what a kill between two steps leaves; the processes of these are this one ----------------------------------------


class Killed(BaseException):
    """Nobody catches it."""


def publisher_of(store: Store, path: str = "/p") -> Publisher:
    publisher = Publisher(store, settings={})
    page = Snapshot(path, "page", "site/p.html", 200, path, 0, (("content-type", "text/html"),))
    written, _ = Files(publisher.folder, previous=None, compressors={}).write(page, path.encode())
    publisher.add(written.to_line())
    return publisher


def clean(store: Store, *, keep: int = 1) -> None:
    with store.lock():
        store.clean(keep=keep, grace=-1, now=time.time())


@pytest.mark.parametrize("after", ["it was killed", "the disk refused"])
@pytest.mark.parametrize("step", ["rename", "replace"])
def test_a_generation_that_was_never_live_is_never_rolled_back_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: str
) -> None:
    """Its build was stopped between two steps of publishing."""
    store = Store(tmp_path)
    assert publisher_of(store).publish() == "000001"
    second = publisher_of(store, "/second")
    with monkeypatch.context() as patch:
        patch.setattr(Path, step, lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            second.publish()
    if after == "the disk refused":
        second.discard()
    clean(store)
    assert store.generations() == ["000001"]
    assert sorted(os.listdir(tmp_path)) == [".lock", "000001", "CURRENT", "site"]
    assert publisher_of(store).publish() == "000002"
    assert store.rollback() == ("000002", "000001")


def test_a_generation_that_was_half_removed_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    for _ in range(3):
        publisher_of(store).publish()

    def half(folder: Path, **options: object) -> None:
        (folder / "manifest.jsonl").unlink()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", half)
        with pytest.raises(Killed):
            clean(store)
    assert store.generations() == ["000002", "000003"]
    clean(store)
    assert sorted(os.listdir(tmp_path)) == [".lock", "000002", "000003", "CURRENT", "site"]


def test_the_link_for_static_hosts_follows_though_a_build_was_killed_before_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    publisher_of(store).publish()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "_link", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            publisher_of(store).publish()
    assert (store.current(), os.readlink(tmp_path / "site")) == ("000002", "000001/site")
    clean(store, keep=0)
    assert store.generations() == ["000002"]
    assert os.readlink(tmp_path / "site") == "000002/site"


def test_what_cannot_be_removed_is_left_for_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    publisher_of(store).publish()
    (tmp_path / ".CURRENT-1").touch()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(PermissionError))
        clean(store)
    clean(store)
    assert not (tmp_path / ".CURRENT-1").exists()


# --- the processes ----------------------------------------------------------------------------------------------------


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
    pages_do(folder, blocking)
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
    pages_do(say(folder, "later"), HELD)
    process = start(folder)
    wait_until(lambda: building(folder), why="the build did not begin")
    os.killpg(process.pid, number)
    ended = finish_all(process)
    assert ended.code not in {0, 1, 2, 3}
    assert words(published(folder)) == {"first"}
    if number == signal.SIGINT:
        assert ended.code == 130
        assert "Stopped. What was live stays." in ended.out + ended.err
        assert "Traceback" not in ended.err, ended.err
        assert tree(folder / "dist") == before


def test_two_builds_at_once(tmp_path: Path) -> None:
    """The second refuses at once; the first goes on undisturbed."""
    folder = write(tmp_path, pages=20)
    pages_do(folder, HELD)
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


def test_several_builds_at_once_never_mix(tmp_path: Path) -> None:
    with projects(tmp_path) as made:
        play_all(made, [several_at_once] * 4, fresh_seed())


def test_no_rollback_while_a_build_runs(tmp_path: Path) -> None:
    folder = write(tmp_path, pages=3)
    for name in ("alpha", "bravo"):
        assert run_build(say(folder, name)).code == 0
    pages_do(folder, HELD)
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
