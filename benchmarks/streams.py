"""S6: the CPU that a server spends on a page that is sent in fifty parts, its network included.

The same async generator as a page of ours and as Starlette's StreamingResponse; and a Mako file of ours that waits with `await_`.
"each waited for": every part waits for a future that the event loop resolves, so that each has to go out by itself, and both
sides hand fifty messages to the server. "never waits": nothing is waited for, and what has gathered may go out together.
"the server alone" is an ASGI app that does nothing but await the parts and send them: no framework can be below it.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from functools import partial

from benchmarks.load import cpu_per_request, first_answer
from benchmarks.parts import COUNT, part
from benchmarks.processes import Server
from benchmarks.rendered import MICROSECONDS
from benchmarks.rounds import interleave
from benchmarks.servers import uvicorn
from benchmarks.settings import Settings
from benchmarks.table import Row, ratio

__all__ = ["measure"]

GOAL = 0.5
PEER = "StreamingResponse"
BARE = "the server alone"
OURS = {"generator page": "/generator/{}", "Mako page": "/{}"}
KINDS = {"waiting": "each waited for", "joined": "never waits"}


def measure(settings: Settings) -> list[Row]:
    """S6."""
    folder = settings.work / "streams"
    folder.mkdir(parents=True, exist_ok=True)
    env = settings.environment()
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(uvicorn(settings, "streams", "benchmarks.apps.own_streams:app", "/", log=folder))
        peer = stack.enter_context(uvicorn(settings, PEER, "benchmarks.peers.starlette_streams:app", "/", log=folder))
        bare = stack.enter_context(uvicorn(settings, BARE, "benchmarks.apps.bare_streams:app", "/", log=folder))
        contenders: dict[tuple[str, str], Server] = {}
        for kind in KINDS:
            contenders[PEER, kind] = replace(peer, path=f"/{kind}")
            contenders[BARE, kind] = replace(bare, path=f"/{kind}")
            for name, path in OURS.items():
                contenders[name, kind] = replace(own, name=name, path=path.format(kind))
        for (name, kind), server in contenders.items():
            _check(server, COUNT if kind == "waiting" or name in (PEER, BARE) else 1, env)
        took = interleave(
            settings.rounds,
            {
                " ".join(key): partial(cpu_per_request, server, settings.size(960, 64), env=env)
                for key, server in contenders.items()
            },
        )
    rows: list[Row] = []
    for kind, said in KINDS.items():
        for name in OURS:
            measured = f"S6 {COUNT} parts, {said}: {name}"
            theirs = took[f"{PEER} {kind}"]
            rows.append(ratio(measured, took[f"{name} {kind}"], PEER, theirs, GOAL, MICROSECONDS, least=True))
            below = took[f"{BARE} {kind}"]
            rows.append(ratio(measured, took[f"{name} {kind}"], BARE, below, None, MICROSECONDS, least=True))
    return rows


def _check(server: Server, chunks: int, env: dict[str, str]) -> None:
    """Stop here if a server does not send all parts, or in another number of chunks than it should; 1 also stands for an
    answer without chunks."""
    head, _, body = first_answer(server, env=env).partition("\r\n\r\n")
    sizes = re.findall(r"(?:\A|\r\n)([0-9a-f]+)\r\n", body, re.IGNORECASE)
    sent = len(sizes) - 1 if "transfer-encoding: chunked" in head.lower() else 1  # the last one is empty
    if not head.startswith("HTTP/1.1 200") or any(part(number) not in body for number in range(COUNT)):
        raise RuntimeError(f"{server.name}{server.path} does not send its parts: {head} {body[:200]}")
    if sent != chunks:
        raise RuntimeError(f"{server.name}{server.path} sends {sent} chunks, not {chunks}")
