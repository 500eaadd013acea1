"""S4: the CPU that a server spends on one page that is made on demand, its network included.

The page counts in a cookie and has twenty rows. Ours is a Mako template: a page file of a site by itself, and what a FastAPI
handler returns from `page.render`. Peers say the same with Starlette's templates of Jinja2 and as an Astro page. All servers run
at once and are asked in turn, as in S2; all send the same HTML, but for blanks between elements, and the same cookie.
"""

from __future__ import annotations

import contextlib
import re
from functools import partial

from benchmarks.load import cpu_per_request, first_answer
from benchmarks.node import Unavailable
from benchmarks.processes import Server
from benchmarks.rounds import interleave
from benchmarks.servers import astro, uvicorn
from benchmarks.settings import Settings
from benchmarks.table import Row, Unit, ratio, skipped

__all__ = ["MICROSECONDS", "measure"]

MICROSECONDS = Unit("us", 1e6, 1)

OURS = {"page file": "benchmarks.apps.own_counter:app", "page.render in FastAPI": "benchmarks.apps.fastapi_counter:app"}
PEERS = {
    "Starlette+Jinja2": "benchmarks.peers.starlette_counter:app",
    "FastAPI+Jinja2": "benchmarks.peers.fastapi_counter:app",
}
GOALS = {"Starlette+Jinja2": 0.65, "FastAPI+Jinja2": None, "Astro": 0.2}
COOKIE = re.compile(r"^set-cookie: n=42; ", re.IGNORECASE | re.MULTILINE)


def measure(settings: Settings) -> list[Row]:
    """S4."""
    folder = settings.work / "rendered"
    folder.mkdir(parents=True, exist_ok=True)
    env = settings.environment()
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(uvicorn(settings, name, target, "/", log=folder))
            for name, target in {**OURS, **PEERS}.items()
        ]
        why = ""
        try:
            servers.append(stack.enter_context(astro(settings, "ssr", "/", log=folder)))
        except Unavailable as error:
            why = str(error)
        _check(servers, env)
        took = interleave(
            settings.rounds,
            {server.name: partial(cpu_per_request, server, settings.size(3_200, 160), env=env) for server in servers},
        )
    rows: list[Row] = []
    for ours in OURS:
        for peer, goal in GOALS.items():
            name = f"S4 counter, {ours}, CPU per request"
            if peer in took:
                rows.append(ratio(name, took[ours], peer, took[peer], goal, MICROSECONDS, least=True))
            else:
                rows.append(skipped(name, f"{peer} {why}"))
    return rows


def _check(servers: list[Server], env: dict[str, str]) -> None:
    """Stop here if a server sends another page than the first, or another cookie than the next count."""
    wanted = ""
    for server in servers:
        head, _, body = first_answer(server, env=env).partition("\r\n\r\n")
        if not head.startswith("HTTP/1.1 200") or COOKIE.search(head) is None:
            raise RuntimeError(f"{server.name} does not count: {head}")
        plain = _plain(body)
        wanted = wanted or plain
        if plain != wanted or "Visit 42" not in plain or plain.count("<tr ") != 20:
            raise RuntimeError(f"{server.name} does not send the page: {body}")


def _plain(body: str) -> str:
    """The page without the framing of chunks and without blanks between elements."""
    if re.match(r"[0-9a-fA-F]+\r\n", body):
        body = re.sub(r"(?:\A|\r\n)[0-9a-fA-F]+\r\n", "", body)
    return re.sub(r"(?<=>)\s+|\s+(?=<)", "", body).strip()
