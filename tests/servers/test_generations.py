"""A running server and what is published under it: new generations are taken up, damaged ones never."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ondemand.snapshots.store import Store
from tests.faults.striking import fresh_seed
from tests.servers.conftest import make_project
from tests.servers.load import Load
from tests.servers.running import Server, build, running

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
OFTEN = """
import ondemand.snapshots.reload

ondemand.snapshots.reload.INTERVAL = 0.05
"""
REQUESTS = {1: 12_000, 2: 8_000}
"""Workers -> how many requests: twenty thousand in all."""


WORDS = ["first", "second", "third", "fourth"]


def published_bodies(folder: Path) -> dict[str, dict[str, tuple[str, bytes]]]:
    """path -> ETag -> (word, bytes), of every generation and encoding."""
    found: dict[str, dict[str, tuple[str, bytes]]] = {path: {} for path in ("/about", "/", "/blog/hello")}
    store = Store(folder / "dist")
    for name in store.generations():
        generation = store.open(name)
        assert generation is not None
        for path, bodies in found.items():
            snapshot = generation.get(path)
            assert snapshot is not None
            text = generation.read(snapshot).decode()
            (word,) = [word for word in WORDS if f"{word} " * 300 in text]
            for encoding, form in snapshot.encodings.items():
                bodies[form.etag] = (word, generation.read(snapshot, encoding))
    return found


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with four generations; its servers look at the pointer twenty times a second. Tests take a copy."""
    folder = make_project(tmp_path_factory.mktemp("four") / "project")
    with (folder / "main.py").open("a") as source:
        source.write(WORKER + OFTEN)
    (folder / "pyproject.toml").write_text("[tool.ondemand]\nkeep = 4\n")
    for word in WORDS:
        (folder / "word.txt").write_text(word)
        build(folder)
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_twenty_thousand_requests_while_generations_change(four: Path, tmp_path: Path, workers: int) -> None:
    """Not one fails; each answer, its headers and its body are of one generation; every worker follows."""
    folder = shutil.copytree(four, tmp_path / "project", symlinks=True)
    store, dice = Store(folder / "dist"), random.Random(seed := fresh_seed())
    count = REQUESTS[workers]
    store.point_to("000001")
    switches = ["000002", "000003", "rollback", "000004", "000001", "000003", "build"]

    async def run(load: Load) -> None:
        asked = asyncio.create_task(load.run(count))
        for number, switch in enumerate(switches):
            while load.done < count * (number + dice.random()) / (len(switches) + 1) and not asked.done():
                await asyncio.sleep(0.005)
            if switch == "rollback":
                store.rollback()
            elif switch == "build":
                await asyncio.to_thread(build, folder)  # says what 000004 says
            else:
                store.point_to(switch)
        await asked
        end = time.monotonic() + LIMIT
        while set(load.latest.values()) != {"fourth"} or len(load.latest) < workers:
            assert time.monotonic() < end, f"the workers say {load.latest}"
            await load.run(load.done + 50)

    with running("uvicorn", folder, workers=workers) as server:
        load = Load(server.port, published_bodies(folder), seed=seed)
        asyncio.run(run(load))
        assert load.faults == [], f"seed {seed}: {len(load.faults)} faults"
        assert load.done >= count
        assert sum(load.statuses.values()) == load.done
        assert set(load.said) >= {"first", "second", "third", "fourth"}, load.said
        assert set(load.statuses) == {200, 206, 304}
        assert len(load.latest) == workers, "a worker was started again"
        assert "Traceback" not in server.said()


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
    with (folder / "main.py").open("a") as source:
        source.write(OFTEN)
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
