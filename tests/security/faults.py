"""What happens to a build, and to the site that is live meanwhile: each case by its name, as a function that raises where
what the case demands does not hold."""

from __future__ import annotations

import asyncio
import errno
import multiprocessing
import os
import random
import resource
import threading
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

import ondemand.snapshots.store as store_module
from ondemand import OnDemand, Pages, StaticPath, StoreError, build
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.store import Files
from tests.asking import ask
from tests.faults.building import (
    finish_all,
    kill_session,
    leftovers,
    let_run,
    pages_do,
    published,
    run_build,
    say,
    start,
    tree,
    words,
    words_in,
    write,
)
from tests.faults.striking import spell
from tests.servers.running import running

__all__ = ["FAULTS"]

PAGES = 200
FAULTS: dict[str, Callable[[Path, pytest.MonkeyPatch], None]] = {}


def fault(case: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        FAULTS[case] = function
        return function

    return register


def two_pages(dist: Path, *more: str, **settings: Any) -> OnDemand:
    pages = Pages()
    for path, text in {"/": "HOME", "/about": "ABOUT", **dict.fromkeys(more, "MORE")}.items():
        pages.page(path)(lambda page, text=text: text)
    return OnDemand(pages=pages, dist=dist, **{"snapshots": False, **settings})


def many(word: str, dist: Path, **settings: Any) -> OnDemand:
    """A site of 200 pages that all say one word."""
    pages = Pages()

    @pages.page("/page/{n}", paths=[StaticPath({"n": n}) for n in range(PAGES)])
    async def page(page: Any) -> str:
        return f"<p>{page.params['n']}</p>" + f"{word} " * 100

    return OnDemand(pages=pages, dist=dist, snapshots=False, **settings)


# --- while a build runs


@fault("fault-kill9")
def killed_at_any_moment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, pages=PAGES, word="first")
    assert run_build(folder).code == 0
    dice = random.Random(9)
    for moment in range(20):
        before = words(published(folder))
        new = spell(moment)
        process = start(say(folder, new))
        let_run(process, dice.uniform(0.1, 0.6))
        kill_session(process)
        finish_all(process)
        assert words(published(folder)) in (before, {new})
    assert run_build(say(folder, "last")).code == 0
    assert words(published(folder)) == {"last"}
    assert leftovers(folder) == []


@fault("fault-enospc")
def full_after_fifty_pages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(many("old", folder / "dist"))
    before = tree(folder / "dist")
    written = 0

    def full(descriptor: int, data: Any) -> int:
        nonlocal written
        written += 1
        if written > 50:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_(descriptor, data)

    write_ = os.write
    monkeypatch.setattr(store_module.os, "write", full)
    with pytest.raises(StoreError, match="No space left"):
        build(many("new", folder / "dist"))
    monkeypatch.undo()
    assert written > 50
    assert tree(folder / "dist") == before
    assert words(published(folder)) == {"old"}


@fault("fault-emfile")
def few_descriptors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, pages=PAGES)
    limit = (64, 64)
    assert run_build(folder, limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit)).code == 0
    assert len(published(folder)) == PAGES + 1


@fault("fault-page-fails")
def one_bad_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, pages=PAGES, word="old")
    assert run_build(folder).code == 0
    before = tree(folder / "dist")
    pages_do(folder, "    if request.path_params['n'] == '150':\n        raise RuntimeError('no')\n")
    ended = run_build(say(folder, "new"), "--json", "-")
    assert ended.code == 1
    assert ("error", "/page/150") in ended.found()
    assert tree(folder / "dist") == before


@fault("fault-two-writers")
def two_writers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "site").mkdir()
    bodies = [letter * 300_000 for letter in (b"a", b"b")]
    for number in range(50):
        page = Snapshot(f"/{number}", "page", f"site/{number}.html", 200, None, 0, ())
        refused: list[bytes] = []
        gate = threading.Barrier(len(bodies))

        def put(body: bytes, page: Snapshot = page, gate: Any = gate, refused: list[bytes] = refused) -> None:
            files = Files(folder, previous=None, compressors={})
            gate.wait()
            try:
                files.write(page, body)
            except FileExistsError:
                refused.append(body)

        threads = [threading.Thread(target=put, args=[body]) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(refused) == 1
        assert [(folder / page.file).read_bytes()] == [body for body in bodies if body not in refused]


def build_all(said: list[str], dist: Path) -> None:
    """One build for each word."""
    for word in said:
        build(many(word, dist))


@fault("fault-serve-during")
def readers_during_builds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, pages=PAGES, word="first")
    source = (folder / "main.py").read_text().replace("keep=1, grace=0", "")
    (folder / "main.py").write_text(source)
    said = [spell(number) for number in range(20)]
    build(many("first", folder / "dist"))
    seen: list[tuple[int, frozenset[str]]] = []
    done = threading.Event()
    with running("uvicorn", folder) as server:

        def read(number: int) -> None:
            dice = random.Random(number)
            while not done.wait(0.02):  # so that the builds get some of the machine
                answer = server.ask(f"/page/{dice.randrange(PAGES)}")
                assert answer.whole
                seen.append((answer.status, frozenset(words_in(answer.text))))

        readers = [threading.Thread(target=read, args=[number]) for number in range(16)]
        for reader in readers:
            reader.start()
        try:
            builds = multiprocessing.get_context("spawn").Process(target=build_all, args=(said, folder / "dist"))
            builds.start()
            builds.join(60)
            assert builds.exitcode == 0
        finally:
            done.set()
            for reader in readers:
                reader.join()
    assert len(seen) > 200
    assert {status for status, _ in seen} == {200}
    assert all(len(found) == 1 and found <= {"first", *said} for _, found in seen)


@fault("fault-concurrency")
def sixteen_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine: ContextVar[str] = ContextVar("mine")
    pages = Pages()
    at_once = most = 0

    @pages.page("/page/{n}", paths=[StaticPath({"n": n}) for n in range(PAGES)])
    async def page(page: Any) -> str:
        nonlocal at_once, most
        mine.set(page.params["n"])
        at_once += 1
        most = max(most, at_once)
        for _ in range(int(page.params["n"]) % 7 + 1):
            await asyncio.sleep(0)
        at_once -= 1
        return await asyncio.to_thread(lambda: f"[{mine.get()}]")

    build(OnDemand(pages=pages, dist=folder / "dist", snapshots=False, concurrency=16))
    assert most == 16
    generation = published(folder)
    assert len(generation) == PAGES
    for snapshot in generation.all():
        assert generation.read(snapshot).decode() == f"[{snapshot.path.rpartition('/')[2]}]"


# --- what lies in dist


@fault("outdir-symlink-in")
def links_in_dist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "victim").mkdir()
    (folder / "victim" / "notes.txt").write_text("victim")
    for name in ("about", "site", "000001", ".building-000001", ".building-000002", ".CURRENT-1"):
        dist = folder / name.strip(".")
        dist.mkdir()
        (dist / name).symlink_to("../victim")
        build(two_pages(dist))
        assert ask(two_pages(dist, snapshots=True), "/about").header("etag")
    assert tree(folder / "victim") == {"notes.txt": b"victim"}


@fault("outdir-foreign")
def foreign_things_in_dist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dist = folder / "dist"
    (dist / "000009").mkdir(parents=True)
    foreign = {"notes.txt": b"mine", "000009/notes.txt": b"mine"}
    for name, data in foreign.items():
        (dist / name).write_bytes(data)
    for number in range(3):
        build(two_pages(dist, f"/{number}", keep=0, grace=0))
    assert {name: data for name, data in tree(dist).items() if name in foreign} == foreign


@fault("outdir-mode")
def modes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0o022)
    try:
        build(two_pages(folder / "dist"))
    finally:
        os.umask(before)
    published_ = folder / "dist" / "000001"
    files = {oct(file.stat().st_mode & 0o777) for file in published_.rglob("*") if file.is_file()}
    folders = {oct(file.stat().st_mode & 0o777) for file in [published_, *published_.rglob("*")] if file.is_dir()}
    assert (files, folders) == ({"0o644"}, {"0o755"})


@fault("outdir-stale-page")
def a_page_that_is_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(two_pages(folder / "dist", "/old"))
    assert ask(two_pages(folder / "dist", "/old", snapshots=True), "/old/").status == 200
    build(two_pages(folder / "dist"))
    now = two_pages(folder / "dist", snapshots=True)
    assert [ask(now, path).status for path in ("/old", "/old/", "/about")] == [404, 404, 200]
    assert not (folder / "dist" / "site" / "old").exists()
