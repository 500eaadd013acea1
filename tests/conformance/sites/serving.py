"""A site of ported pages, served by uvicorn in a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["served"]

START = 30.0
"""Seconds in which the server must listen."""

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def served(module: str) -> Iterator[int]:
    """Serve `module:app` on a free port of 127.0.0.1, which is given. Raises `RuntimeError` if it does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", f"{module}:app", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--no-proxy-headers", "--no-access-log", "--http", "h11", "--timeout-graceful-shutdown", "1"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ONDEMAND_", "FASTAPI_"))}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=kept, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            if not _listens(process, port):
                log.seek(0)
                raise RuntimeError(f"uvicorn did not start:\n{log.read().decode(errors='replace')[-3000:]}")
            yield port
        finally:
            _end(process)


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    end = time.monotonic() + START
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        time.sleep(0.02)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
