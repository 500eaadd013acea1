"""Imports `ondemand`, serves one snapshot of DIST (the first argument), and tells the CPU time of that."""

import asyncio  # noqa: F401 - what every ASGI server has imported
import contextlib
import json
import sys
import time
from typing import Any  # asyncio has imported it

started = time.process_time()

from ondemand import OnDemand  # noqa: E402

imported = time.process_time() - started
sent: list[Any] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("the snapshot did not answer")


async def send(message: Any) -> None:
    sent.append(message)


wrapped = OnDemand(app, dist=sys.argv[1], snapshots=True)
headers = [(b"host", b"example.com"), (b"accept-encoding", b"gzip, br")]
scope = {"type": "http", "method": "GET", "path": "/p/0", "raw_path": b"/p/0", "query_string": b"", "root_path": ""}
nothing: Any = None  # a snapshot reads no body
answering: Any = wrapped({**scope, "headers": headers}, nothing, send)
with contextlib.suppress(StopIteration):
    answering.send(None)
seconds = time.process_time() - started
assert sent[0]["status"] == 200
sys.stdout.write(json.dumps({"seconds": seconds, "imported": imported}))
