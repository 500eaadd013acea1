"""What happens to published files under a running server: an answer is whole and what was published, or it is the app's."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from ondemand import OnDemand
from ondemand.errors import StoreError
from ondemand.snapshots.store import Store
from tests.asking import ask, is_snapshot
from tests.faults.building import run_build, say
from tests.faults.damaging import bodies, damage_round, live, prepare
from tests.faults.striking import fresh_seed

ROUNDS = 80


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two generations, 000002 live. Tests take a copy."""
    return prepare(tmp_path_factory.mktemp("two") / "project")


@pytest.fixture
def dist(two: Path, tmp_path: Path) -> Path:
    return shutil.copytree(two / "dist", tmp_path / "dist", symlinks=True)


def served(dist: Path) -> OnDemand:
    app = OnDemand(live, routes=["/", "/page/{n}"], dist=str(dist), snapshots=True)
    app.site()
    return app


def look(app: OnDemand) -> None:
    published = app.site().published
    assert published is not None
    published.look()
    if published.thread is not None:
        published.thread.join()


def change_last_byte(file: Path) -> None:
    """In place: as long as before, and no byte more."""
    with file.open("r+b") as opened:
        opened.seek(-1, os.SEEK_END)
        last = opened.read(1)
        opened.seek(-1, os.SEEK_END)
        opened.write(bytes([last[0] ^ 1]))


def test_files_that_are_damaged_at_random(two: Path, tmp_path: Path) -> None:
    seed, known = fresh_seed(), bodies(two / "dist")
    done: list[str] = []
    for number in range(ROUNDS):
        done += damage_round(two, tmp_path / "round", known, seed, number)
    assert {name.partition(":")[0] for name in done} >= {"look", "cut", "removed"}


@pytest.mark.parametrize("encoding", ["identity", "br"])
def test_a_page_that_was_changed_and_is_as_long_as_before_is_the_app_s(
    dist: Path, caplog: pytest.LogCaptureFixture, encoding: str
) -> None:
    app = served(dist)
    change_last_byte(dist / "000002/site/page/1" / {"identity": "index.html", "br": "index.html.br"}[encoding])
    for _ in range(2):
        assert ask(app, "/page/1", headers={"accept-encoding": encoding}).text == "LIVE"
    assert is_snapshot(ask(app, "/page/2", headers={"accept-encoding": encoding}))
    assert [record.message.rpartition("/")[2] for record in caplog.records] == [
        f"index.html{'' if encoding == 'identity' else '.br'} was changed after it was published. Build again."
    ]


def test_a_large_file_that_was_changed_is_never_sent_whole(dist: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is too large to be read before it is sent: the connection is cut before its last piece."""
    app = served(dist)
    assert is_snapshot(ask(app, "/large.bin"))
    change_last_byte(dist / "000002/site/large.bin")
    with pytest.raises(StoreError, match="was changed"):
        ask(app, "/large.bin")
    assert ask(app, "/large.bin").text == "LIVE"
    assert sum("large.bin was changed" in record.message for record in caplog.records) == 1


def test_the_digest_of_a_large_file_is_computed_once(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = served(dist)
    assert is_snapshot(ask(app, "/large.bin"))
    monkeypatch.setattr("ondemand.snapshots.server.Digest", None)
    assert is_snapshot(ask(app, "/large.bin"))


def test_a_manifest_that_is_changed_in_place_never_exchanges_two_pages(dist: Path) -> None:
    app = served(dist)
    manifest = dist / "000002/manifest.jsonl"
    text = manifest.read_bytes()
    one, other = (next(row for row in text.splitlines(True) if b'"path":"/page/%d"' % n in row) for n in (1, 2))
    assert len(one) == len(other)
    with manifest.open("r+b") as opened:
        opened.write(text.replace(one, b"*").replace(other, one).replace(b"*", other))
    assert {ask(app, path).text for path in ("/page/1", "/page/2")} == {"LIVE"}
    assert is_snapshot(ask(app, "/page/3"))


@pytest.mark.parametrize("call", ["pread", "read"])
def test_a_disk_that_fails_once_costs_one_request_its_snapshot(
    dist: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, call: str
) -> None:
    app = served(dist)

    def failing(*_: object, **__: object) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    class Failing:
        def __init__(self, descriptor: int, mode: str) -> None:
            self.descriptor = descriptor

        def __enter__(self) -> Failing:
            return self

        def __exit__(self, *_: object) -> None:
            os.close(self.descriptor)

        read = failing

    with monkeypatch.context() as patch:
        patch.setattr(os, *(("pread", failing) if call == "pread" else ("fdopen", Failing)))
        assert ask(app, "/page/1").text == "LIVE"
    assert is_snapshot(ask(app, "/page/1"))
    assert caplog.records == []


@pytest.mark.parametrize("which", ["the manifest is gone", "the manifest cannot be read"])
def test_a_generation_that_goes_away_while_it_is_looked_at_is_told_in_one_line(
    dist: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, which: str
) -> None:
    Store(dist).point_to("000001")
    app = served(dist)
    before = ask(app, "/page/1").body
    Store(dist).point_to("000002")
    opened = Store.open

    def going(store: Store, *names: str, **options: bool):
        if which == "the manifest cannot be read":

            def rows(*_: object, **__: object):
                raise OSError(errno.EIO, os.strerror(errno.EIO))

            monkeypatch.setattr("ondemand.snapshots.manifest.Index._read", rows)
        generation = opened(store, *names, **options)
        shutil.rmtree(dist / "000002")
        return generation

    monkeypatch.setattr(Store, "open", going)
    look(app)  # an exception in its thread would fail this test
    assert ask(app, "/page/1").body == before
    (record,) = caplog.records
    assert "cannot be read" in record.message
    assert "000001 stays" in record.message
    assert record.exc_info is None


@pytest.mark.parametrize("how", ["dist is removed", "dist is a link that is changed"])
def test_a_generation_of_the_same_name_is_taken_up(two: Path, tmp_path: Path, how: str) -> None:
    """A deployment that builds into a new folder begins at 000001 each time."""
    releases = [shutil.copytree(two, tmp_path / name, ignore=shutil.ignore_patterns("dist")) for name in ("a", "b")]
    for release, word in zip(releases, ("older", "newer"), strict=True):
        assert run_build(say(release, word)).code == 0
    dist = tmp_path / "dist"
    dist.symlink_to(releases[0] / "dist")
    app = served(dist)
    assert "older" in ask(app, "/page/1").text
    if how == "dist is removed":
        shutil.rmtree(releases[0] / "dist")
        shutil.copytree(releases[1] / "dist", releases[0] / "dist", symlinks=True)
    else:
        (tmp_path / "fresh").symlink_to(releases[1] / "dist")
        (tmp_path / "fresh").replace(dist)
    assert {ask(app, f"/page/{n}").text for n in (2, 3)} == {"LIVE"}  # nobody has looked yet
    look(app)
    for n in range(4):
        answer = ask(app, f"/page/{n}")
        assert is_snapshot(answer)
        assert "newer" in answer.text


def test_a_rollback_reads_what_it_publishes(dist: Path) -> None:
    change_last_byte(dist / "000001/site/page/1/index.html.gz")
    with pytest.raises(StoreError, match="was changed"):
        Store(dist).rollback()
    assert Store(dist).current() == "000002"
