"""A site of ported pages, served by uvicorn in a process of its own; built before, where it is a project of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["built", "served"]

START = 30.0
"""Seconds in which the server must listen."""

BUILD = 60.0
"""Seconds in which a build must end."""

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def built(project: Path, public: Path) -> Iterator[int]:
    """Build `main:app` of a copy of the folder `project`, with the files of `public` if it exists, as its users do, and serve
    it with what was built. Raises `RuntimeError` if the build fails, and as `served`."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as temporary:
        folder = Path(temporary) / project.name
        shutil.copytree(project, folder, ignore=shutil.ignore_patterns("__pycache__", "dist"))
        if public.is_dir():
            shutil.copytree(public, folder / "public")
        command = [sys.executable, "-m", "ondemand", "build", "main:app"]
        made = subprocess.run(
            command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=BUILD
        )
        if made.returncode:
            said = (made.stdout + made.stderr).decode(errors="replace")
            raise RuntimeError(f"the build of {project.name} failed with {made.returncode}:\n{said[-3000:]}")
        with served("main:app", folder, ONDEMAND_SNAPSHOTS="1") as port:
            yield port


@contextlib.contextmanager
def served(app: str, folder: Path = ROOT, **environment: str) -> Iterator[int]:
    """Serve `app`, a module of `folder` and its attribute, on a free port of 127.0.0.1, which is given. environment: variables
    that it has besides. Raises `RuntimeError` if it does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", app, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--no-proxy-headers", "--no-access-log", "--http", "h11", "--timeout-graceful-shutdown", "1"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            if not _listens(process, port):
                log.seek(0)
                raise RuntimeError(f"uvicorn did not start:\n{log.read().decode(errors='replace')[-3000:]}")
            yield port
        finally:
            _end(process)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ONDEMAND_", "FASTAPI_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


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
