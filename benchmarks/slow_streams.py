"""S7: the memory of a server that has 1,000 streams open, each of which has sent its first part and waits.

Every sample is a server of its own: what one has once asked for, it does not give back. Its memory is read after one request and
again while all streams are open; it has to be well after they left.
"""

from __future__ import annotations

import contextlib
import socket
from functools import partial
from pathlib import Path

from benchmarks.client import REQUEST
from benchmarks.parts import part
from benchmarks.processes import Server, memory_of
from benchmarks.rounds import interleave
from benchmarks.servers import uvicorn
from benchmarks.settings import Settings
from benchmarks.table import Row, Unit, plain, ratio

__all__ = ["measure"]

MEGABYTES = Unit("MB", 1e-6, 1)
GOAL = 150e6
PEER = "StreamingResponse"
CONTENDERS = {
    "generator page": ("benchmarks.apps.own_streams:app", "/generator/slow"),
    "Mako page": ("benchmarks.apps.own_streams:app", "/slow"),
    PEER: ("benchmarks.peers.starlette_streams:app", "/slow"),
}


def measure(settings: Settings) -> list[Row]:
    """S7."""
    folder = settings.work / "slow"
    folder.mkdir(parents=True, exist_ok=True)
    count = settings.size(1_000, 100)
    above: dict[str, list[float]] = {name: [] for name in CONTENDERS}

    def sample(name: str) -> float:
        before, during = _memory(settings, name, folder, count)
        above[name].append(during - before)
        return during

    total = interleave(settings.rounds, {name: partial(sample, name) for name in CONTENDERS})
    more = {name: samples[1:] for name, samples in above.items()}  # the first: not counted
    rows: list[Row] = []
    for name in CONTENDERS:
        if name != PEER:
            said = f"S7 {count:,} slow streams, {name}"
            rows.append(plain(f"{said}, memory in total", total[name], MEGABYTES, goal=GOAL))
            rows.append(ratio(f"{said}, above the server", more[name], PEER, more[PEER], None, MEGABYTES))
    return [*rows, plain("S7 for scale, in total", total[PEER], MEGABYTES, peer=PEER)]


def _memory(settings: Settings, name: str, folder: Path, count: int) -> tuple[int, int]:
    """Bytes of a server after one request, and with `count` streams open."""
    target, path = CONTENDERS[name]
    with uvicorn(settings, name, target, path, log=folder) as server:
        with contextlib.ExitStack() as stack:
            _open(server, 1, stack)
        before = memory_of(server.pid)
        with contextlib.ExitStack() as stack:
            _open(server, count, stack)
            during = memory_of(server.pid)
        with contextlib.ExitStack() as stack:  # it still answers
            _open(server, 1, stack)
    return before, during


def _open(server: Server, count: int, stack: contextlib.ExitStack) -> None:
    """Open streams, and wait for the first part of each."""
    request = REQUEST.format(path=server.path, port=server.port).encode()
    wanted = part(0).strip().encode()
    connections = [
        stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20)) for _ in range(count)
    ]
    for connection in connections:
        connection.sendall(request)
    for connection in connections:
        data = b""
        while wanted not in data:
            got = connection.recv(65536)
            if not got:
                raise RuntimeError(f"{server.name} closed a stream: {data!r}")
            data += got
