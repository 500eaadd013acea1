"""Disks that are full, cannot be written or are read-only; damaged, foreign and hostile things in `dist`."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ondemand import OnDemand
from ondemand.errors import StoreError
from ondemand.snapshots.store import Publisher, Store
from tests.asking import ask, is_snapshot
from tests.faults.building import (
    HELD,
    Ended,
    finish,
    leftovers,
    obey_modes,
    pages_do,
    published,
    remount,
    rollback,
    run_build,
    say,
    small_disk,
    start,
    tree,
    wait_until,
    words,
    write,
)
from tests.faults.striking import Project, Round, fail_at_a_step, fail_before, fresh_seed, play_all, projects

TEXT = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}


async def live_app(scope: dict, receive: object, send: Callable) -> None:
    """Answers everything with LIVE."""
    if scope["type"] == "http":
        await send(dict(TEXT))
        await send({"type": "http.response.body", "body": b"LIVE"})


def served(folder: Path) -> OnDemand:
    return OnDemand(live_app, routes=["/", "/page/{n}"], dist=str(folder / "dist"), snapshots=True)


def failed(ended: Ended, *message: str) -> None:
    """It says so in one readable block."""
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err, ended.err
    for part in message:
        assert part in ended.err, ended.err


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a small disk. Needs root and the right to mount."""
    with contextlib.ExitStack() as disks:
        yield lambda name, size: disks.enter_context(small_disk(tmp_path / name, size))


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of five pages and a home page, built. Tests take a copy."""
    folder = write(tmp_path_factory.mktemp("five") / "project", pages=5)
    assert run_build(folder).code == 0
    return folder


@pytest.fixture
def project(five: Path, tmp_path: Path) -> Path:
    return shutil.copytree(five, tmp_path / "project", symlinks=True)


# --- full -------------------------------------------------------------------------------------------------------------


def full_at(path: str) -> Round:
    """A round in which the disk is full from the step on that opens this file."""

    def full(project: Project, dice: random.Random) -> str:
        opens = [step for step in project.steps if step.event in {"open", "sqlite3.connect"}]
        (step,) = [step for step in opens if step.path.endswith(path)]
        return fail_before(project, step, "ENOSPC")

    full.__name__ = "fail_at_a_step"
    return full


def test_a_disk_that_is_full_from_a_step_on(tmp_path: Path) -> None:
    """At the first file, one in the middle, the manifest, the database, CURRENT, and at random. Runs everywhere."""
    points = ["site/index.html", "page/5/index.html", "manifest.jsonl", ".db", "routes.json", ".CURRENT"]
    with projects(tmp_path) as made:
        done = play_all(made, [*map(full_at, points), *[fail_at_a_step] * 4], fresh_seed())
    assert len(done) == len(points) + 4


def test_a_disk_that_becomes_read_only(tmp_path: Path) -> None:
    project = Project.make(tmp_path)
    (step,) = [step for step in project.steps if step.event == "open" and step.path.endswith("routes.json")]
    fail_before(project, step, "EROFS")


def fails_or_publishes(folder: Path, word: str, limit: Callable[[], None] | None = None) -> None:
    """A build that may have room for everything that matters. With room it works again."""
    before = words(published(folder))
    ended = run_build(say(folder, word), limit=limit, within=20)
    if ended.code:
        failed(ended, "cannot be written")
    assert words(published(folder)) == ({word} if ended.code == 0 else before)
    assert leftovers(folder) == []


def test_a_disk_that_takes_one_folder_and_no_more_keeps_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, opened = Store(tmp_path), Path.open

    def full(file: Path, *arguments: Any) -> Any:
        if file.name == "manifest.jsonl":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(file, *arguments)

    monkeypatch.setattr(Path, "open", full)
    with store.lock(), pytest.raises(StoreError, match="cannot be written"):
        Publisher(store, settings={})
    assert os.listdir(tmp_path) == [".lock"]


def test_files_that_may_not_grow_beyond_a_random_limit(tmp_path: Path) -> None:
    """RLIMIT_FSIZE strikes whichever file is the first to reach it: a page, the manifest, the frontier. Runs everywhere."""
    dice = random.Random(seed := fresh_seed())
    folder = write(tmp_path, pages=12, length=20_000)
    assert run_build(folder).code == 0
    for word in ("alpha", "bravo", "charlie"):
        most = int(10 ** dice.uniform(0, 5))  # the pages are longer

        def limit(most: int = most) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

        before = tree(folder / "dist")
        ended = run_build(say(folder, word), limit=limit)
        assert ended.code == 1, f"seed {seed}: {most} bytes"
        failed(ended, "cannot be written", "stays")
        assert tree(folder / "dist") == before, f"seed {seed}: {most} bytes"
    assert run_build(folder).code == 0
    assert words(published(folder)) == {"charlie"}


def test_a_disk_that_fills_up_at_a_random_point(mounted: Callable[..., Path], tmp_path: Path) -> None:
    """It has room for so many more bytes, or for so many more files."""
    dice = random.Random(seed := fresh_seed())
    folder = write(tmp_path / "project", pages=20, length=1000)
    disk = mounted("project/dist", 12 * 1024 * 1024)
    assert run_build(folder).code == 0
    for word in ("alpha", "bravo", "charlie"):
        used = os.statvfs(disk)
        if dice.random() < 0.5:
            tight = f"size={(used.f_blocks - used.f_bfree) * used.f_frsize + dice.choice([0, 4096, dice.randrange(400_000)])}"
        else:
            tight = f"nr_inodes={used.f_files - used.f_ffree + dice.randrange(1, 110)}"
        remount(disk, tight)
        try:
            fails_or_publishes(folder, word)
        except BaseException as error:
            error.add_note(f"seed {seed}: {tight}")
            raise
        remount(disk, f"size={12 * 1024 * 1024},nr_inodes=10000")
        assert run_build(folder).code == 0
        assert words(published(folder)) == {word}


# --- cannot be written, cannot be read --------------------------------------------------------------------------------


def test_a_file_in_the_place_of_dist(tmp_path: Path) -> None:
    folder = write(tmp_path, pages=3)
    (folder / "dist").write_text("mine")
    failed(run_build(folder), "cannot be written", "Choose another `dist`")
    assert (folder / "dist").read_text() == "mine"


def test_dist_below_a_file(tmp_path: Path) -> None:
    folder = write(tmp_path, pages=3)
    (folder / "notes").write_text("mine")
    (folder / "pyproject.toml").write_text('[tool.ondemand]\ndist = "notes/dist"\n')
    failed(run_build(folder), "cannot be written")
    assert (folder / "notes").read_text() == "mine"


@pytest.fixture
def modes() -> Iterator[Callable[[Path, int], None]]:
    """Sets modes that also root's builds obey (`limit=obey_modes`), and takes them back."""
    changed: dict[Path, int] = {}

    def change(path: Path, mode: int) -> None:
        changed.setdefault(path, path.stat().st_mode)
        path.chmod(mode)

    change.undo = lambda: [path.chmod(mode) for path, mode in changed.items() if path.exists()]  # type: ignore[attr-defined]
    yield change
    change.undo()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["dist", "dist/.lock"])
def test_what_a_build_must_write_first_cannot_be_written(project: Path, modes: Any, name: str) -> None:
    before = tree(project / "dist")
    modes(project / name, 0o555)
    failed(run_build(say(project, "later"), limit=obey_modes), "cannot be written")
    assert tree(project / "dist") == before
    assert "first" in ask(served(project), "/page/1").text
    modes.undo()
    assert run_build(project).code == 0
    assert words(published(project)) == {"later"}


def test_a_dist_that_cannot_be_made(project: Path, modes: Any) -> None:
    shutil.rmtree(project / "dist")
    modes(project, 0o555)
    failed(run_build(project, limit=obey_modes), "cannot be written", "Choose another `dist` or its rights")
    modes.undo()
    assert run_build(project).code == 0


@pytest.mark.parametrize("name", ["dist/CURRENT", "dist/000001/site/page"])
def test_what_a_build_only_reads_or_replaces_need_not_be_writable(project: Path, modes: Any, name: str) -> None:
    modes(project / name, 0o555)
    assert run_build(say(project, "later"), limit=obey_modes).code == 0
    assert words(published(project)) == {"later"}
    modes.undo()


@pytest.mark.parametrize("name", [".building-000002/site", ".building-000002/site/page", "."])
def test_a_folder_that_becomes_unwritable_in_mid_build(project: Path, modes: Any, name: str) -> None:
    """The whole of dist too: then not even what was begun can be removed, and the next build does it."""
    folder = project
    pages_do(folder, HELD)
    process = start(say(folder, "later"), limit=obey_modes)
    begun = folder / "dist/.building-000002/site"
    wait_until((begun / "index.html").exists, why="the build did not write its first page")
    if name.endswith("page"):
        (begun / "page").mkdir()
    modes(folder / "dist" / name, 0o555)
    (folder / "go").touch()
    failed(finish(process), "cannot be written", "stays")
    assert words(published(folder)) == {"first"}
    modes.undo()
    assert run_build(folder).code == 0
    assert words(published(folder)) == {"later"}
    assert leftovers(folder) == []
    assert sorted(Store(folder / "dist").generations()) == ["000001", "000002"]


def test_a_dist_that_is_not_there_is_made_with_its_parents(tmp_path: Path) -> None:
    folder = write(tmp_path, pages=3)
    (folder / "pyproject.toml").write_text('[tool.ondemand]\ndist = "a/b/dist"\n')
    assert run_build(folder).code == 0
    assert len(Store(folder / "a/b/dist").open() or ()) == 4


def test_a_read_only_dist_is_served_but_not_built(mounted: Callable[..., Path], tmp_path: Path) -> None:
    folder = write(tmp_path / "project", pages=3)
    disk = mounted("project/dist", 4 * 1024 * 1024)
    assert run_build(folder).code == 0
    remount(disk, "ro")
    before = tree(disk)
    answer = ask(served(folder), "/page/1")
    assert is_snapshot(answer)
    assert "first" in answer.text
    failed(run_build(say(folder, "later")), "cannot be written")
    failed(rollback(folder))
    assert tree(disk) == before


def test_a_missing_dist_leaves_everything_to_the_app(tmp_path: Path) -> None:
    assert ask(served(tmp_path), "/page/1").text == "LIVE"


def test_rollback_without_a_build(tmp_path: Path) -> None:
    failed(rollback(write(tmp_path)), "Nothing is published", "Build first")


def test_few_descriptors(tmp_path: Path) -> None:
    """64 open files are enough for a build."""
    folder = write(tmp_path, pages=150)
    ended = run_build(folder, limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    assert ended.code == 0, ended
    assert len(published(folder)) == 151


def test_no_descriptor_left_for_one_request_costs_only_that_request_its_snapshot(project: Path) -> None:
    app = served(project)
    assert is_snapshot(ask(app, "/page/0"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def crowded(scope: dict, receive: object, send: object) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            await app(scope, receive, send)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert ask(crowded, "/page/1").text == "LIVE"
    assert is_snapshot(ask(app, "/page/1"))


# --- what else lies in dist -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["000002", ".building-000002", ".building-000002.db", "site", ".lock", "CURRENT"])
@pytest.mark.parametrize("of", ["folder", "file"])
def test_a_link_in_dist_never_leads_a_build_out_of_it(project: Path, name: str, of: str) -> None:
    folder, victim = project, project.parent / "victim"
    (victim / "site" / "page" / "1").mkdir(parents=True)
    (victim / "precious").write_text("precious")
    (victim / "site" / "page" / "1" / "index.html").write_text("precious")
    before = tree(victim)
    place = folder / "dist" / name
    place.unlink(missing_ok=True)
    place.symlink_to(victim if of == "folder" else victim / "precious")
    ended = run_build(say(folder, "second"))
    assert "Traceback" not in ended.err, ended.err
    assert tree(victim) == before
    assert ended.code in {0, 1}
    if name != "CURRENT" or ended.code == 0:
        assert words(published(folder)) == ({"second"} if ended.code == 0 else {"first"})


def test_foreign_things_in_dist_stay(tmp_path: Path) -> None:
    """Also those whose names look like generations: only what a build of ours has written is removed."""
    folder = write(tmp_path, pages=3)
    source = (folder / "main.py").read_text().replace("keep=1", "keep=0")
    (folder / "main.py").write_text(source)
    dist = folder / "dist"
    foreign = {
        "robots.txt": "mine",
        ".well-known/security.txt": "mine",
        "mine/page.html": "mine",
        "000001-backup/manifest.jsonl": "mine",
        "1234/notes": "mine",
        "000000/notes": "mine",
    }
    for name, text in foreign.items():
        (dist / name).parent.mkdir(parents=True, exist_ok=True)
        (dist / name).write_text(text)
    for word in ("second", "third", "fourth"):
        assert run_build(say(folder, word)).code == 0
        assert words(published(folder)) == {word}
    assert {name: (dist / name).read_text() for name in foreign if (dist / name).exists()} == foreign


def test_a_folder_of_the_users_with_the_name_of_our_link_stays(tmp_path: Path) -> None:
    folder = write(tmp_path, pages=3)
    (folder / "dist" / "site").mkdir(parents=True)
    (folder / "dist" / "site" / "mine").write_text("mine")
    assert run_build(folder).code == 0
    assert (folder / "dist" / "site" / "mine").read_text() == "mine"
    published(folder)


@pytest.mark.parametrize(("umask", "files", "folders"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700)])
def test_modes_are_those_that_the_umask_allows(tmp_path: Path, umask: int, files: int, folders: int) -> None:
    """A static host of another user reads what is published."""
    folder = write(tmp_path, pages=3, length=1000)
    assert run_build(folder, limit=lambda: os.umask(umask) and None).code == 0
    assert run_build(say(folder, "later"), limit=lambda: os.umask(umask) and None).code == 0
    for path, _, names in os.walk(folder / "dist"):
        assert os.lstat(path).st_mode & 0o777 == folders, path
        for name in names:
            file = Path(path, name)
            if not file.is_symlink():
                assert os.lstat(file).st_mode & 0o777 == files, file


# --- a damaged generation before a build ------------------------------------------------------------------------------


def damage_manifest(dist: Path, change: Callable[[bytes], bytes]) -> None:
    file = dist / "000001" / "manifest.jsonl"
    file.write_bytes(change(file.read_bytes()))


def other_version(manifest: bytes) -> bytes:
    first, _, rest = manifest.partition(b"\n")
    return json.dumps({**json.loads(first), "ondemand": 99}).encode() + b"\n" + rest


def _truncate(file: Path) -> None:
    os.truncate(file, 3)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "manifest cut": lambda dist: damage_manifest(dist, lambda text: text[: len(text) // 2]),
    "manifest cut at a line": lambda dist: damage_manifest(dist, lambda text: text[: text.rindex(b"\n", 0, -1) + 1]),
    "manifest empty": lambda dist: damage_manifest(dist, lambda text: b""),
    "manifest is no UTF-8": lambda dist: damage_manifest(dist, lambda text: text.replace(b"/page", b"/p\xff\xfee")),
    "manifest of another version": lambda dist: damage_manifest(dist, other_version),
    "manifest gone": lambda dist: (dist / "000001" / "manifest.jsonl").unlink(),
    "manifest is a folder": lambda dist: [
        (dist / "000001" / "manifest.jsonl").unlink(),
        (dist / "000001" / "manifest.jsonl").mkdir(),
    ],
    "a file gone": lambda dist: (dist / "000001/site/page/1/index.html").unlink(),
    "a file cut": lambda dist: _truncate(dist / "000001/site/page/1/index.html"),
    "an encoding gone": lambda dist: (dist / "000001/site/page/1/index.html.gz").unlink(),
    "an encoding cut": lambda dist: _truncate(dist / "000001/site/page/1/index.html.gz"),
    "site gone": lambda dist: shutil.rmtree(dist / "000001/site"),
    "generation gone": lambda dist: shutil.rmtree(dist / "000001"),
    "CURRENT names no generation": lambda dist: (dist / "CURRENT").write_text("000009\n"),
    "CURRENT is empty": lambda dist: (dist / "CURRENT").write_text(""),
    "CURRENT is garbage": lambda dist: (dist / "CURRENT").write_bytes(b"\xff\0../../etc\n"),
    "CURRENT is gone": lambda dist: (dist / "CURRENT").unlink(),
    "routes.json is garbage": lambda dist: (dist / "000001" / "routes.json").write_text("{"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_build_over_a_damaged_generation_makes_a_whole_one(project: Path, name: str) -> None:
    folder = project
    DAMAGES[name](folder / "dist")
    answer = ask(served(folder), "/page/1")
    assert answer.status == 200
    assert answer.text == "LIVE" or "first " * 100 in answer.text
    ended = run_build(folder)
    assert ended.code == 0, ended
    whole = published(folder)
    assert len(whole) == 6
    assert words(whole) == {"first"}
    assert leftovers(folder) == []
    assert is_snapshot(ask(served(folder), "/page/1"))


def test_a_rollback_to_a_damaged_generation_is_refused(project: Path) -> None:
    folder = say(project, "second")
    assert run_build(folder).code == 0
    (folder / "dist/000001/site/page/1/index.html").unlink()
    failed(rollback(folder), "is missing")
    assert words(published(folder)) == {"second"}
