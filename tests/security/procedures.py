"""What one request cannot say: aborts, slow readers, a file replaced under a download, a host that must never be asked."""

from __future__ import annotations

import os
import socket
import statistics
import struct
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.security.asking import SLOW, Talk, breaches
from tests.security.cases import request
from tests.servers.wire import Line

__all__ = ["PROCEDURES"]


def _descriptors(talk: Talk) -> int:
    folder = Path(f"/proc/{talk.server.process.pid}/fd")
    if not folder.is_dir():
        pytest.skip("open files are counted in /proc, which Linux has")
    return len(os.listdir(folder))


def abort_downloads(talk: Talk, served: Path, said: Mapping[str, Any]) -> None:
    """Connections that are reset in the middle of an answer leave no descriptor open."""
    talk.get("/about/")
    before = _descriptors(talk)
    for _ in range(said["n"]):
        with socket.create_connection(("127.0.0.1", talk.server.port), timeout=5) as line:
            line.sendall(request({"raw_path": said["path"]}, talk.known))
            line.recv(1000)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end = time.monotonic() + 5
    while (now := _descriptors(talk)) > before + 2:
        assert time.monotonic() < end, f"{before} descriptors before, {now} after {said['n']} aborted downloads"
        time.sleep(0.05)


def slow_readers(talk: Talk, served: Path, said: Mapping[str, Any]) -> None:
    """Visitors who ask and do not read cost the others nothing."""
    usual = talk.usually("/about/")
    lines = [Line(talk.server.port, window=4096) for _ in range(said["n"])]
    try:
        for line in lines:
            line.say(said["path"])
        asked = [talk.get("/about/") for _ in range(9)]
    finally:
        for line in lines:
            line.__exit__(None, None, None)
    assert {one.answer.status for one in asked} == {200}
    assert statistics.median(one.seconds for one in asked) <= max(said["ratio"] * usual, SLOW)


def replace_during_download(talk: Talk, served: Path, said: Mapping[str, Any]) -> None:
    """Who has begun to read a file gets all of it, the old one or the new one."""
    file = served / said["file"]
    old = file.read_bytes()
    new = b"N" * len(old)
    with Line(talk.server.port, window=65536) as line:
        line.say(f"/{said['file']}")
        first = line.head()
        try:
            _put(file, new)
            body = line.take(len(old))
        finally:
            _put(file, old)
    assert first.status == 200
    assert body in (old, new)


def _put(file: Path, data: bytes) -> None:
    fresh = file.with_name(file.name + ".fresh")
    fresh.write_bytes(data)
    fresh.replace(file)


def concurrent_same(talk: Talk, served: Path, said: Mapping[str, Any]) -> None:
    """Whoever asks at the same time gets the same."""
    answers: list[tuple[int, bytes]] = []

    def ask() -> None:
        for _ in range(said["each"]):
            answer = talk.get(said["path"]).answer
            answers.append((answer.status, answer.body))

    threads = [threading.Thread(target=ask) for _ in range(said["threads"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == said["threads"] * said["each"]
    assert len(set(answers)) == 1
    assert answers[0][0] == 200


def canary(talk: Talk, served: Path, said: Mapping[str, Any]) -> None:
    """Nothing that a request names is ever connected to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        known = talk.known | {"CANARY": f"127.0.0.1:{listening.getsockname()[1]}"}
        lines = Talk(talk.server, known)
        for one in said["requests"]:
            asked = lines.ask(one)
            assert not breaches(asked), one
            assert asked.answer.status, one
        listening.setblocking(False)
        try:
            listening.accept()
        except BlockingIOError:
            return
    raise AssertionError("the server connected to a host that a request named")


PROCEDURES: dict[str, Callable[[Talk, Path, Mapping[str, Any]], None]] = {
    made.__name__: made for made in (abort_downloads, slow_readers, replace_during_download, concurrent_same, canary)
}
