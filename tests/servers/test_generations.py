"""A running server and what is published under it: new generations are taken up, damaged ones never."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.conftest import make_project
from tests.servers.running import Server, build, environment, running

LIMIT = 15.0
"""Seconds in which running workers must have taken up what was published."""

WORKER = """

class Worker:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def signed(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-worker", str(os.getpid()).encode())]
            await send(message)

        await self.app(scope, receive, signed if scope["type"] == "http" else send)


app.add_middleware(Worker)
"""


class Visitors:
    """Ask for pages again and again, until told to stop, and look at every answer."""

    def __init__(self, server: Server, words: list[str]) -> None:
        self.server = server
        self.words = words
        self.faults: list[str] = []
        self.latest: dict[str, str] = {}  # worker -> the word that it said last
        self.count: Counter[str] = Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            for path in ("/about", "/", "/blog/hello"):
                try:
                    self._look(path)
                except Exception as error:
                    self.faults.append(f"{path}: {error!r}")
                time.sleep(0.002)  # the load of a person with a fast finger, not of a benchmark

    def _look(self, path: str) -> None:
        answer = self.server.ask(path)
        said = [word for word in self.words if f"{word} " * 300 in answer.text]
        rest = answer.text.partition("</p>")[2]
        if answer.status != 200 or not answer.whole or len(said) != 1 or "BUILT" not in answer.text:
            self.faults.append(f"{path}: {answer.status} {answer.whole} {said} {answer.text[:80]!r}")
        elif sum(rest.count(word) for word in self.words) != 300:
            self.faults.append(f"{path}: two words in one answer")
        else:
            self.latest[answer.header("x-worker") or ""] = said[0]
            self.count[said[0]] += 1

    def wait_for(self, word: str, *, workers: int) -> None:
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            if len(self.latest) >= workers and set(self.latest.values()) == {word}:
                return
            time.sleep(0.02)
        pytest.fail(f"after {LIMIT:g} seconds the workers say {self.latest}, not {word}; {self.faults[:3]}")


def rollback(folder: Path) -> None:
    command = [sys.executable, "-m", "ondemand", "rollback"]
    subprocess.run(command, cwd=folder, env=environment(), check=True, capture_output=True, timeout=30)


def test_workers_take_up_every_generation_without_one_failed_request(tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    with (folder / "main.py").open("a") as source:
        source.write(WORKER)
    build(folder)
    with running("uvicorn", folder, workers=2) as server, Visitors(server, ["first", "second", "third"]) as visitors:
        visitors.wait_for("first", workers=2)
        for word in ("second", "third"):
            (folder / "word.txt").write_text(word)
            build(folder)
            visitors.wait_for(word, workers=2)
        rollback(folder)
        visitors.wait_for("second", workers=2)
    assert visitors.faults == []
    assert len(visitors.latest) == 2, "a worker was started again"
    assert set(visitors.count) == {"first", "second", "third"}


def test_a_first_build_is_taken_up_by_a_server_that_runs(kind: str, tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    with running(kind, folder) as server:
        assert "LIVE" in server.ask("/about").text
        build(folder)
        end = time.monotonic() + LIMIT
        while "BUILT" not in server.ask("/about").text:
            assert time.monotonic() < end, server.said()
            time.sleep(0.02)


# --- damaged generations ----------------------------------------------------------------------------------------------


def _change(file: Path, change: Callable[[bytes], bytes]) -> None:
    """A new file in the place of the old one: files of generations are links."""
    text = change(file.read_bytes())
    file.unlink()
    file.write_bytes(text)


def _version(text: bytes) -> bytes:
    first, _, rest = text.partition(b"\n")
    return json.dumps({**json.loads(first), "ondemand": 2}).encode() + b"\n" + rest


MANIFEST, ABOUT = "manifest.jsonl", "site/about/index.html"

DAMAGES: dict[str, Callable[[Path], object]] = {
    "manifest cut": lambda new: _change(new / MANIFEST, lambda text: text[: len(text) // 2]),
    "manifest without its last line": lambda new: _change(new / MANIFEST, lambda t: t[: t.rindex(b"\n", 0, -1) + 1]),
    "manifest empty": lambda new: _change(new / MANIFEST, lambda text: b""),
    "manifest changed": lambda new: _change(new / MANIFEST, lambda text: text.replace(b"/about", b"/abuot")),
    "manifest of another version": lambda new: _change(new / MANIFEST, _version),
    "manifest gone": lambda new: (new / MANIFEST).unlink(),
    "file gone": lambda new: (new / ABOUT).unlink(),
    "file cut": lambda new: _change(new / ABOUT, lambda text: text[:-1]),
    "encoding gone": lambda new: (new / f"{ABOUT}.gz").unlink(),
    "a folder in the place of a file": lambda new: [(new / ABOUT).unlink(), (new / ABOUT).mkdir()],
    "a link in the place of a file": lambda new: [(new / ABOUT).unlink(), (new / ABOUT).symlink_to("/etc/hostname")],
    "half copied": lambda new: shutil.rmtree(new / "site/blog"),
    "generation gone": shutil.rmtree,
}

POINTERS = {"CURRENT empty": b"", "CURRENT garbage": b"\xff\0\n", "CURRENT outside": b"../../000001\n"}


def point_to(dist: Path, name: bytes) -> None:
    (dist / ".CURRENT-test").write_bytes(name)
    (dist / ".CURRENT-test").replace(dist / "CURRENT")


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server on generation 000001."""
    folder = make_project(tmp_path_factory.mktemp("damaged") / "project")
    build(folder)
    with running("uvicorn", folder) as server:
        yield server, folder / "dist"


@pytest.mark.parametrize("name", [*DAMAGES, *POINTERS])
def test_a_damaged_generation_is_never_taken_up(followed: tuple[Server, Path], name: str) -> None:
    """One line in the log, and the old generation stays."""
    server, dist = followed
    before = server.said().count("stays")
    if name in POINTERS:
        point_to(dist, POINTERS[name])
    else:
        new = dist / f"{2 + list(DAMAGES).index(name):06d}"
        shutil.copytree(dist / "000001", new, copy_function=os.link)
        DAMAGES[name](new)
        point_to(dist, new.name.encode() + b"\n")
    end = time.monotonic() + LIMIT
    while server.said().count("stays") == before:
        assert "BUILT" in server.ask("/about").text
        assert time.monotonic() < end, server.said()[-2000:]
        time.sleep(0.02)
    for path in ("/about", "/", "/blog/hello"):
        answer = server.ask(path)
        assert answer.whole
        assert "BUILT" in answer.text
    said = server.said().splitlines()
    assert sum("stays" in line for line in said) == before + 1
    assert "generation 000001 stays" in server.said()
    assert "Traceback" not in server.said()


@pytest.mark.parametrize("name", [*DAMAGES, *POINTERS])
def test_a_server_that_starts_on_a_damaged_generation_answers_whole_pages(
    tmp_path: Path, built: Path, name: str
) -> None:
    """From the snapshots that are whole, or from the app. Asked over ASGI: starting a server takes longer than this."""
    from ondemand import OnDemand
    from tests.asking import ask

    async def live(scope: dict, receive: object, send: Callable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b"LIVE"})

    dist = tmp_path / "dist"
    shutil.copytree(built / "dist", dist, symlinks=True)
    if name in POINTERS:
        point_to(dist, POINTERS[name])
    else:
        DAMAGES[name](dist / "000001")
    app = OnDemand(live, routes=["/", "/about", "/blog/{name}"], dist=str(dist), snapshots=True)
    for path in ("/about", "/", "/blog/hello"):
        for encoding in ("identity", "gzip"):
            answer = ask(app, path, headers={"accept-encoding": encoding})
            assert answer.status == 200
            length = answer.header("content-length")
            assert answer.text == "LIVE" if length is None else len(answer.body) == int(length)
