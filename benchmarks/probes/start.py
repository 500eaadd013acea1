"""Makes `OnDemand` over DIST (the first argument), asks for one page, and tells how long that took and its memory."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import ondemand.middleware

PATH = "/p/0"


async def app(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("the snapshot did not answer")


async def ask(wrapped: Any) -> int:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"example.com"), (b"accept-encoding", b"gzip, br, zstd")]
    scope = {"type": "http", "method": "GET", "path": PATH, "raw_path": PATH.encode(), "query_string": b""}
    await wrapped({**scope, "headers": headers, "root_path": "", "scheme": "http"}, receive, send)
    return int(sent[0]["status"])


def memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) * 1024


started = time.perf_counter()
wrapped = ondemand.middleware.OnDemand(app, dist=sys.argv[1], snapshots=True)
status = asyncio.run(ask(wrapped))
seconds = time.perf_counter() - started
assert status == 200
sys.stdout.write(json.dumps({"seconds": seconds, "resident": memory("VmRSS"), "highest": memory("VmHWM")}))
