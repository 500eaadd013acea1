"""Streamed pages on real servers: when each chunk comes, what a failure does to the connection, what a visitor's leaving ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.running import KINDS, Server, running

MAIN = """
import asyncio
from pathlib import Path
from ondemand import OnDemand, Page, Response
from starlette.applications import Starlette
from starlette.routing import Route

left = []

async def later(seconds, value):
    await asyncio.sleep(seconds)
    return value

async def never():
    try:
        await asyncio.sleep(3600)
    finally:
        left.append("never")

async def up(request):
    return Response("up")

async def slow(request):
    return Page.of(request).render("slow.mako", a=later(0.3, "A"), b=later(0.6, "B"), c=later(0.1, "C"))

async def fails(request):
    return Page.of(request).render("fails.mako", a=later(0.05, "A"))

async def early(request):
    return Page.of(request).render("early.mako")

async def leaves(request):
    return Page.of(request).render("leaves.mako", a=never())

async def who(request):
    return Response(",".join(left))

pages = (up, slow, fails, early, leaves, who)
app = OnDemand(Starlette(routes=[Route("/" + one.__name__, one) for one in pages]), templates="templates")
"""

TEMPLATES = {
    "slow": "begin ${await_(a)} ${await_(b)} ${await_(c)} end",
    "fails": "begin ${await_(a)} ${1 / 0} end",
    "early": "begin ${1 / 0} end",
    "leaves": "begin ${await_(a)}",
}


@pytest.fixture(params=KINDS, scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    (folder / "main.py").write_text(MAIN)
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "templates").mkdir()
    for name, text in TEMPLATES.items():
        (folder / "templates" / f"{name}.mako").write_text(text)
    with running(request.param, folder) as started:
        yield started


def read(server: Server, path: str) -> tuple[list[tuple[float, bytes]], bool]:
    """What comes, each with the seconds since the request; and whether the server ended the connection by itself."""
    found: list[tuple[float, bytes]] = []
    with socket.create_connection(("127.0.0.1", server.port), timeout=3) as connection:
        started = time.perf_counter()
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        while not (found and found[-1][1].endswith(b"0\r\n\r\n")):
            try:
                data = connection.recv(65536)
            except TimeoutError:
                return found, False
            if not data:
                return found, True
            found.append((time.perf_counter() - started, data))
    return found, False


def when(found: list[tuple[float, bytes]], text: bytes) -> float:
    return next(seconds for seconds, data in found if text in data)


def test_chunks_come_when_they_are_ready_and_in_order(server: Server) -> None:
    read(server, "/slow")  # compiled
    found, _ = read(server, "/slow")
    assert when(found, b"begin") < 0.1
    assert 0.25 < when(found, b"A ") < 0.5
    assert 0.55 < when(found, b"B C end") < 0.9  # together, not one after the other: 1.0
    assert b"".join(data for _, data in found).endswith(b"0\r\n\r\n")


def test_a_page_that_fails_after_its_first_byte_is_cut(server: Server) -> None:
    found, cut = read(server, "/fails")
    body = b"".join(data for _, data in found)
    assert b" 200 " in body.partition(b"\r\n")[0]
    assert b"begin" in body
    assert cut
    assert b"0\r\n\r\n" not in body
    assert server.ask("/up").body == b"up"


def test_a_page_that_fails_before_its_first_byte_is_an_error(server: Server) -> None:
    assert server.ask("/early").status == 500


def test_a_visitor_who_leaves_ends_what_the_page_waits_for(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=3) as connection:
        connection.sendall(b"GET /leaves HTTP/1.1\r\nHost: x\r\n\r\n")
        while b"begin" not in connection.recv(65536):
            pass
    end = time.monotonic() + 5
    while server.ask("/who").body != b"never" and time.monotonic() < end:
        time.sleep(0.02)
    assert server.ask("/who").body == b"never"
