"""Published files that are cut, changed, exchanged and removed under a running server, as dice say; and every answer judged.

An answer that carries an ETag of ours is, to the byte, what was published at that path; every other answer is the app's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ondemand import OnDemand
from ondemand.errors import StoreError
from ondemand.snapshots.store import Store, etag_of
from tests.asking import Answer, ask_async
from tests.faults.building import published, run_build, say, write

PAGES = 4
ENCODINGS = ["identity", "gzip", "br", "gzip, br, zstd"]


def prepare(folder: Path) -> Path:
    """A project with two generations, each with pages and a file that is too large for the memory."""
    write(folder, pages=PAGES)
    (folder / "pyproject.toml").write_text('[tool.ondemand]\npublic = "public"\n')
    (folder / "public").mkdir()
    for word, seed in (("first", 1), ("later", 2)):
        (folder / "public" / "large.bin").write_bytes(random.Random(seed).randbytes(1_300_000))
        (folder / "public" / "style.css").write_text(f".{word} {{}}\n" * 40)
        ended = run_build(say(folder, word))
        assert ended.code == 0, ended
    published(folder)
    return folder


async def live(scope: dict, receive: object, send: Callable) -> None:
    """The app: it answers everything with LIVE."""
    headers = [(b"content-type", b"text/html"), (b"content-length", b"4")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else b"LIVE"})


def bodies(dist: Path) -> dict[str, dict[str, bytes]]:
    """path -> ETag -> the bytes that it stands for, of every generation."""
    found: dict[str, dict[str, bytes]] = {}
    store = Store(dist)
    for name in store.generations():
        generation = store.open(name)
        assert generation is not None
        for snapshot in generation.all():
            for encoding, form in snapshot.encodings.items():
                found.setdefault(snapshot.path, {})[form.etag] = generation.read(snapshot, encoding)
    return found


class Served:
    """A server on a copy of `dist`, with what it logs."""

    def __init__(self, dist: Path, known: dict[str, dict[str, bytes]], dice: random.Random) -> None:
        self.dist = dist
        self.known = known
        self.dice = dice
        self.app = OnDemand(live, routes=["/", "/page/{n}"], dist=str(dist), snapshots=True)
        self.cut = 0
        self.tags: list[str] = []

    async def ask(self, path: str) -> None:
        """Ask for `path` in some way, and judge the answer."""
        dice = self.dice
        headers = {"accept-encoding": dice.choice(ENCODINGS)}
        method = dice.choice(["GET", "GET", "GET", "HEAD"])
        if dice.random() < 0.3 and self.tags:
            headers["if-none-match"] = dice.choice(self.tags)
        elif dice.random() < 0.1:
            headers["range"] = f"bytes={dice.randrange(50)}-"
        answer = Answer()
        try:
            answer = await ask_async(self.app, path, method=method, headers=headers)
        except StoreError:  # in the middle of a large body: the server cuts the connection
            assert path == "/large.bin"
            self.cut += 1
            return
        self.judge(path, method, answer)

    def judge(self, path: str, method: str, answer: Answer) -> None:
        tag = answer.header("etag")
        if answer.status == 416:
            assert (answer.body, answer.header("content-length")) == (b"", "0")
            return
        if tag is None or tag.startswith("W/"):
            assert answer.body == (b"" if method == "HEAD" else b"LIVE"), (path, answer.status, answer.body[:80])
            return
        assert tag in self.known[path], f"{path} has the ETag of something else"
        body = self.known[path][tag]
        self.tags.append(tag)
        if answer.status == 304:
            assert answer.body == b""
            return
        length = int(answer.header("content-length") or -1)
        if answer.status == 206:
            assert len(answer.body) == length
            assert path == "/large.bin" or answer.body == body[-length:], path
            return
        assert (answer.status, length) == (200, len(body)), (path, answer.headers)
        assert answer.body == (b"" if method == "HEAD" else body), f"{path}: not what was published"
        assert method == "HEAD" or etag_of(answer.body) == tag
        if answer.header("content-encoding") == "gzip" and method == "GET":
            assert gzip.decompress(answer.body) in self.known[path].values()

    def look(self) -> None:
        """Let it see what is published now."""
        seen = self.app.site().published
        assert seen is not None
        seen.look()
        if seen.thread is not None:
            seen.thread.join()


def _files(dist: Path) -> list[Path]:
    found = [
        Path(folder, name)
        for name in sorted(os.listdir(dist))
        for folder, _, files in os.walk(dist / name)
        if name.isdigit()
        for name in sorted(files)
    ]
    return [file for file in found if file.is_file() and not file.is_symlink()]


def damage(dist: Path, dice: random.Random) -> str:
    """Do something to a published file, to a manifest or to CURRENT."""
    files = _files(dist)
    weights = [8 if file.name == "manifest.jsonl" else 1 for file in files]
    file = dice.choices([*files, dist / "CURRENT"], [*weights, 8])[0] if files else dist / "CURRENT"
    with contextlib.suppress(OSError):
        how = dice.choice(list(HOW))
        HOW[how](file, files, dice)
        return f"{how}: {file.relative_to(dist)}"
    return f"nothing: {file.relative_to(dist)}"


def _in_place(file: Path, body: bytes) -> None:
    with file.open("r+b") as opened:
        opened.write(body)
        opened.truncate()


def _anew(file: Path, body: bytes) -> None:
    fresh = file.with_name(".fresh")
    fresh.write_bytes(body)
    fresh.replace(file)


def _flipped(body: bytes, dice: random.Random) -> bytes:
    if not body:
        return b"x"
    position = dice.randrange(len(body))
    return body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]


def _lines_exchanged(body: bytes, dice: random.Random) -> bytes:
    lines = body.splitlines(keepends=True)
    middle = lines[1:-1]
    dice.shuffle(middle)
    return b"".join([*lines[:1], *middle, *lines[-1:]])


def _folder(file: Path, files: list[Path], dice: random.Random) -> None:
    file.unlink()
    file.mkdir()


def _link(file: Path, files: list[Path], dice: random.Random) -> None:
    target = dice.choice(files)
    file.unlink()
    file.symlink_to(target)


def _other(file: Path, files: list[Path], dice: random.Random) -> bytes:
    """What another file holds, and as long as this one."""
    body = dice.choice(files).read_bytes()
    return (body * (file.stat().st_size // max(1, len(body)) + 1))[: file.stat().st_size]


How = Callable[[Path, list[Path], random.Random], object]
HOW: dict[str, How] = {
    "cut": lambda file, files, dice: os.truncate(file, dice.randrange(max(1, file.stat().st_size))),
    "emptied": lambda file, files, dice: os.truncate(file, 0),
    "longer": lambda file, files, dice: _in_place(file, file.read_bytes() + b"more"),
    "a bit changed in place": lambda file, files, dice: _in_place(file, _flipped(file.read_bytes(), dice)),
    "a bit changed": lambda file, files, dice: _anew(file, _flipped(file.read_bytes(), dice)),
    "zeros": lambda file, files, dice: _in_place(file, bytes(file.stat().st_size)),
    "another's bytes in place": lambda file, files, dice: _in_place(file, _other(file, files, dice)),
    "another's bytes": lambda file, files, dice: _anew(file, _other(file, files, dice)),
    "lines exchanged in place": lambda file, files, dice: _in_place(file, _lines_exchanged(file.read_bytes(), dice)),
    "removed": lambda file, files, dice: file.unlink(),
    "its folder removed": lambda file, files, dice: shutil.rmtree(file.parent) if file.name != "CURRENT" else None,
    "a folder in its place": _folder,
    "a link in its place": _link,
}


def switch(dist: Path, dice: random.Random) -> str:
    """Publish a generation, whole or not, there or not."""
    name = dice.choice(["000001", "000002", "000003"])
    if (dist / "CURRENT").is_dir():
        (dist / "CURRENT").rmdir()
    _anew(dist / "CURRENT", name.encode() + b"\n")
    return f"publish {name}"


@contextlib.contextmanager
def logged() -> Iterator[list[logging.LogRecord]]:
    """What `ondemand` logs meanwhile."""
    records: list[logging.LogRecord] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler, log = Keeping(), logging.getLogger("ondemand")
    log.addHandler(handler)
    try:
        yield records
    finally:
        log.removeHandler(handler)


def damage_round(project: Path, folder: Path, known: dict[str, dict[str, bytes]], seed: int, number: int) -> list[str]:
    """One server, some damages, many requests. Returns what was done; what it raises says how to repeat it."""
    dice = random.Random(f"{seed}:{number}")
    dist = folder / "dist"
    shutil.copytree(project / "dist", dist, symlinks=True)
    done: list[str] = []

    async def run(served: Served) -> None:
        paths = [*known, "/page/99"]
        for _ in range(dice.randrange(1, 5)):
            for path in dice.sample(paths, dice.randrange(len(paths) + 1)):
                await served.ask(path)
            done.append(dice.choice([damage, damage, switch])(dist, dice))
            if dice.random() < 0.6:
                done.append("look")
                served.look()
        for path in [*paths, *paths]:
            await served.ask(path)

    try:
        with logged() as records:
            asyncio.run(run(Served(dist, known, dice)))
        for record in records:
            assert record.exc_info is None, record.getMessage()
            assert "\n" not in record.getMessage()
        said: list[Any] = [record.getMessage() for record in records if "large.bin" not in record.getMessage()]
        assert len(said) <= 2 * len(known) + 2 * len(done), said
    except BaseException as error:
        error.add_note(f"Done: {done}")
        error.add_note(f"Again: python -m tests.faults damage --seed {seed} --first {number} --rounds 1")
        raise
    finally:
        shutil.rmtree(folder)
    return done
