"""S5: how soon the first byte of a page is there that waits for its last part, beside the same page that does not wait.

Wall time from the request to the first byte of the body, on a connection that is open: the least of three requests, so that what
else the machine does at that moment is no delay of ours. That the last part came late, and was there, is checked.
"""

from __future__ import annotations

import contextlib
import socket
import time
from dataclasses import replace
from functools import partial

from benchmarks.client import LAST_CHUNK, REQUEST
from benchmarks.parts import LAST, WAIT
from benchmarks.processes import Server
from benchmarks.rounds import interleave
from benchmarks.servers import uvicorn
from benchmarks.settings import Settings
from benchmarks.table import Row, Unit, difference, plain

__all__ = ["measure"]

MILLISECONDS = Unit("ms", 1e3, 2)
GOAL = 5e-3
REQUESTS = 3

PAGES = {
    "page file": ("own", "/late", "/prompt"),
    "page.render in FastAPI": ("fastapi", "/mako/late", "/mako/prompt"),
    "page.render, Jinja2": ("fastapi", "/jinja/late", "/jinja/prompt"),
}


def measure(settings: Settings) -> list[Row]:
    """S5."""
    folder = settings.work / "late"
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(uvicorn(settings, name, target, "/", log=folder))
            for name, target in (
                ("own", "benchmarks.apps.own_late:app"),
                ("fastapi", "benchmarks.apps.fastapi_late:app"),
                ("starlette", "benchmarks.peers.starlette_late:app"),
            )
        }
        contenders: dict[str, Server] = {"Starlette+Jinja2": replace(servers["starlette"], path="/whole")}
        for name, (server, late, prompt) in PAGES.items():
            contenders[f"{name} late"] = replace(servers[server], path=late)
            contenders[name] = replace(servers[server], path=prompt)
        took = interleave(settings.rounds, {name: partial(_first_byte, one) for name, one in contenders.items()})
    rows = [
        difference(
            f"S5 first byte, {name}, last part {WAIT * 1000:.0f} ms late",
            took[f"{name} late"],
            "without waiting",
            took[name],
            GOAL,
            MILLISECONDS,
        )
        for name in PAGES
    ]
    return [*rows, plain("S5 for scale", took["Starlette+Jinja2"], MILLISECONDS, peer="Starlette+Jinja2")]


def _first_byte(server: Server) -> float:
    """Seconds until the first byte of the body is there."""
    request = REQUEST.format(path=server.path, port=server.port).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        return min(_ask(connection, request, server) for _ in range(REQUESTS))


def _ask(connection: socket.socket, request: bytes, server: Server) -> float:
    started = time.perf_counter()
    connection.sendall(request)
    data = b""
    while not data.partition(b"\r\n\r\n")[2]:
        data += _received(connection)
    first = time.perf_counter() - started
    is_late = LAST.encode() not in data
    while not data.endswith((b"</html>", b"</html>\n", LAST_CHUNK)):
        data += _received(connection)
    whole = time.perf_counter() - started
    if LAST.encode() not in data or (server.path.endswith("late") and whole < WAIT):
        raise RuntimeError(f"{server.name}{server.path} does not send the page: {data!r}")
    if is_late != server.path.endswith("late"):
        raise RuntimeError(f"{server.name}{server.path} sends its last part at the wrong time")
    return first


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise RuntimeError("the server closed the connection")
    return data
