"""Processes that are measured: commands that run to their end, and servers that are stopped by their id."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Peaks", "Server", "Usage", "cpu_of", "free_port", "memory_of", "probe", "run", "serve"]


@dataclass(frozen=True)
class Usage:
    """What a command took, in seconds; cpu includes the processes it started and waited for."""

    cpu: float
    wall: float


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, peaks: Peaks | None = None) -> Usage:
    """Run a command to its end. Raises `RuntimeError`, with what it said, if it fails."""
    log = cwd / "said.txt"
    started = time.perf_counter()
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        while peaks is not None and os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            peaks.look(process.pid)
            time.sleep(0.02)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{log.read_text(errors='replace')[-2000:]}")
    return Usage(usage.ru_utime + usage.ru_stime, wall)


class Peaks:
    """The most memory that a process and each of its children ever had, in bytes: the kernel's own high-water marks."""

    def __init__(self) -> None:
        self.parent = 0
        self._children: dict[int, int] = {}

    @property
    def children(self) -> int:
        """Of all children together."""
        return sum(self._children.values())

    def look(self, pid: int) -> None:
        """Read the marks. They never fall, so the last look counts."""
        self.parent = max(self.parent, _memory(pid, "VmHWM"))
        with contextlib.suppress(OSError):
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                self._children[int(child)] = max(self._children.get(int(child), 0), _memory(int(child), "VmHWM"))


def memory_of(pid: int) -> int:
    """The memory that a process holds now, in bytes; 0 for one that has ended."""
    return _memory(pid, "VmRSS")


def _memory(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    return 0


def probe(script: str, *arguments: str, env: Mapping[str, str]) -> Any:
    """Run a script of `benchmarks/probes` as a cold process; returns the JSON that it prints."""
    file = Path(__file__).parent / "probes" / script
    done = subprocess.run(
        [sys.executable, str(file), *arguments], env=dict(env), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process, all its threads included, has used so far, to the nanosecond.

    The kernel's clock of that process; the number is what clock_getcpuclockid(3) makes of a process id on Linux.
    """
    return time.clock_gettime(((~pid) << 3) | 2)


def free_port() -> int:
    """A port on 127.0.0.1 that is free now."""
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        return int(probing.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A server that answers on 127.0.0.1."""

    name: str
    pid: int
    port: int
    path: str


@contextlib.contextmanager
def serve(
    name: str, command: Sequence[str], *, port: int, path: str, env: Mapping[str, str], cwd: Path, log: Path
) -> Iterator[Server]:
    """Start a server, wait until it accepts, and end it when the context is left. log: the folder for what it says."""
    log = log / f"{name}.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(process, port, log)
        yield Server(name, process.pid, port, path)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")
