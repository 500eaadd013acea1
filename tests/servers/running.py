"""Servers in processes of their own: started on a free port of 127.0.0.1, waited for, ended."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.wire import Answer, ask

KINDS = ["uvicorn", "hypercorn", "granian"]
START = 30.0
"""Seconds in which a server must answer."""


@dataclass
class Server:
    kind: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, target: bytes | str, **options: object) -> Answer:
        return ask(self.port, target, **options)

    def said(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(errors="replace")


def need(module: str, install: str | None = None) -> None:
    """Skip the test where a package is missing; fail it where CI must have it."""
    if importlib.util.find_spec(module) is None:
        message = f"{module} is not installed: pip install {install or module}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


def _command(kind: str, port: int, root_path: str, workers: int) -> list[str]:
    if kind == "uvicorn":
        command = ["uvicorn", "main:app", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
        command += ["--no-proxy-headers", "--timeout-graceful-shutdown", "1", "--workers", str(workers)]
        command += ["--root-path", root_path] if root_path else []
    elif kind == "hypercorn":
        command = ["hypercorn", "main:app", "--bind", f"127.0.0.1:{port}", "--workers", str(workers)]
        command += ["--graceful-timeout", "1"]
        command += ["--root-path", root_path] if root_path else []
    else:
        command = ["granian", "main:app", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port)]
        command += ["--workers", str(workers), "--no-access-log", "--workers-kill-timeout", "1"]
        command += ["--url-path-prefix", root_path] if root_path else []
    return [sys.executable, "-m", *command]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(**more: str) -> dict[str, str]:
    """That of a server or a build: nothing of this test run's own settings."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ONDEMAND_", "FASTAPI_", "SITE_"))
    }
    return {**kept, **more}


@contextlib.contextmanager
def running(
    kind: str, folder: Path, *, root_path: str = "", workers: int = 1, more: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Serve `main:app` of `folder`, with snapshots on."""
    need(kind)
    server = _start(kind, folder, root_path, workers, environment(ONDEMAND_SNAPSHOTS="1", **(more or {})))
    try:
        yield server
    finally:
        _end(server.process)


def _start(kind: str, folder: Path, root_path: str, workers: int, env: dict[str, str]) -> Server:
    port = _free_port()
    log = folder / f"{kind}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(kind, port, root_path, workers),
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(kind, port, process, log)
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            if server.ask("/up").status:
                return server
        time.sleep(0.02)
    _end(process)
    pytest.fail(f"{kind} did not start:\n{server.said()[-3000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole session it leads: some servers have workers."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def build(folder: Path) -> str:
    """`ondemand build main:app` in `folder`; what it printed."""
    command = [sys.executable, "-m", "ondemand", "build", "main:app"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
