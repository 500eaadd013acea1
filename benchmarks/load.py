"""Runs the client of `client.py` against a server and reads that server's CPU clock before and after."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.processes import Server, cpu_of
from benchmarks.settings import ROOT

__all__ = ["cpu_per_request", "first_answer"]


def cpu_per_request(server: Server, requests: int, *, env: Mapping[str, str]) -> float:
    """Seconds of the server's CPU for each request. Connecting and the first answers are not counted."""
    with _client(server, requests, env) as client:
        _next(client)
        before = cpu_of(server.pid)
        _go_on(client)
        done = _next(client)["done"]
        spent = cpu_of(server.pid) - before
        _go_on(client)
    return spent / int(done)


def first_answer(server: Server, *, env: Mapping[str, str]) -> str:
    """What the server answers, head and body."""
    with _client(server, 0, env) as client:
        answer = _next(client)["ready"]
        _go_on(client)
        _next(client)
        _go_on(client)
    return str(answer)


def _client(server: Server, requests: int, env: Mapping[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.client", str(server.port), server.path, str(requests)]
    return subprocess.Popen(command, env=dict(env), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _next(client: subprocess.Popen[str]) -> Any:
    assert client.stdout is not None
    line = client.stdout.readline()
    if not line:
        raise RuntimeError("the client ended early; what it said is above")
    return json.loads(line)


def _go_on(client: subprocess.Popen[str]) -> None:
    assert client.stdin is not None
    client.stdin.write("\n")
    client.stdin.flush()
