"""S2: the CPU that a server spends on one request for a static page, its network included.

Wall time and requests per second would measure the client and what else the machine does; the kernel's CPU clock of the
server process measures what a host is paid for. All servers run at once and are asked in turn, all with the same HTML
of about 10 kB and without an encoding asked for. The Python servers are uvicorn with the parser and loop that it picks.

A snapshot has five headers more than the constant app (ETag, Last-Modified, ...), and the server is who writes them. So
beside the constant app there is one that sends as many headers, and one that sends them from within FastAPI's own layers.
"""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path

from benchmarks.dist import make_dist, real_encodings
from benchmarks.load import cpu_per_request, first_answer
from benchmarks.node import Unavailable
from benchmarks.pages import page, prose
from benchmarks.processes import Server
from benchmarks.rounds import interleave
from benchmarks.servers import astro, uvicorn
from benchmarks.settings import Settings
from benchmarks.table import Row, Unit, ratio, skipped

__all__ = ["measure"]

MICROSECONDS = Unit("us", 1e6, 1)

OURS = ("OnDemand(app)", "inside FastAPI")
APPS = {
    "constant app": ("benchmarks.apps.constant:app", "/page"),
    "same headers": ("benchmarks.apps.same_headers:app", "/page"),
    "same, in FastAPI": ("benchmarks.apps.fastapi_constant:app", "/page"),
    "OnDemand(app)": ("benchmarks.apps.wrapped:app", "/page"),
    "inside FastAPI": ("benchmarks.apps.inside_fastapi:app", "/page"),
    "StaticFiles": ("benchmarks.peers.static_files:app", "/page.html"),
    "ServeStatic": ("benchmarks.peers.serve_static:app", "/page.html"),
}
GOALS = {"constant app": 1.10, "StaticFiles": 1 / 12, "ServeStatic": 1 / 12, "Astro": 0.35}
SCALE = {"OnDemand(app)": "same headers", "inside FastAPI": "same, in FastAPI"}
SLOW = ("StaticFiles", "ServeStatic", "Astro")
"""Asked less often: they take longer, and what they take is steadier."""


def measure(settings: Settings) -> list[Row]:
    """S2."""
    folder = settings.work / "servers"
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    body = page(0, 1, prose(9_700)).encode()
    (files / "page.html").write_bytes(body)
    make_dist(folder / "dist", [("/page", body)], real_encodings(), route="/page")
    make_dist(folder / "dist-unknown", [("/page", body)], real_encodings())
    env = settings.environment()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(_started(settings, name, folder)) for name in APPS]
        why = ""
        try:
            servers.append(stack.enter_context(astro(settings, "src", "/p/0/", log=folder)))
        except Unavailable as error:
            why = str(error)
        for server in servers:
            _check(server, body, env)
        took = interleave(
            settings.rounds,
            {server.name: partial(cpu_per_request, server, _requests(settings, server), env=env) for server in servers},
        )
    rows: list[Row] = []
    for ours in OURS:
        for peer, goal in GOALS.items():
            name = f"S2 {ours}, CPU per request"
            if peer in took:
                rows.append(ratio(name, took[ours], peer, took[peer], goal, MICROSECONDS))
            else:
                rows.append(skipped(name, f"{peer} {why}"))
        name = f"S2 {ours}, of which not the headers"
        rows.append(ratio(name, took[ours], SCALE[ours], took[SCALE[ours]], None, MICROSECONDS))
    return rows


def _requests(settings: Settings, server: Server) -> int:
    return settings.size(2_000 if server.name in SLOW else 8_000, 160)


def _started(settings: Settings, name: str, folder: Path) -> contextlib.AbstractContextManager[Server]:
    target, path = APPS[name]
    dist = folder / ("dist" if name == "inside FastAPI" else "dist-unknown")
    files = folder / "files"
    return uvicorn(settings, name, target, path, log=folder, BODY=files / "page.html", FILES=files, DIST=dist)


def _check(server: Server, body: bytes, env: dict[str, str]) -> None:
    """Stop here if a server sends anything but the page, or the page from elsewhere than a snapshot."""
    head, _, sent = first_answer(server, env=env).partition("\r\n\r\n")
    if not head.startswith("HTTP/1.1 200") or sent.encode("latin-1") != body:
        raise RuntimeError(f"{server.name} does not send the page: {head}")
    if server.name in OURS and "\netag:" not in head.lower():
        raise RuntimeError(f"{server.name} does not answer from a snapshot: {head}")
