"""Makes a site of the page files in the folder that is the first argument, asks for the path that is the second, and tells how
long that took and its memory."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import ondemand.middleware

PATH = sys.argv[2]


async def ask(app: Any) -> int:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": PATH, "raw_path": PATH.encode(), "query_string": b""}
    await app({**scope, "headers": [(b"host", b"example.com")], "root_path": "", "scheme": "http"}, receive, send)
    return int(sent[0]["status"])


def memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) * 1024


started = time.perf_counter()
app = ondemand.middleware.OnDemand(pages=Path(sys.argv[1]), output="server", snapshots=False)
app.site()
made = time.perf_counter() - started
status = asyncio.run(ask(app))
seconds = time.perf_counter() - started
assert status == 200
sys.stdout.write(json.dumps({"made": made, "seconds": seconds, "resident": memory("VmRSS")}))
