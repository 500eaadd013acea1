"""The machine and the versions, printed below the table: a figure without them says nothing."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from benchmarks.settings import Settings

__all__ = ["describe"]

_PACKAGES = (
    "asgi-ondemand starlette fastapi uvicorn httptools uvloop h11 servestatic frozen-flask flask werkzeug mako jinja2 "
    "greenlet selectolax brotli backports.zstd"
)


def describe(settings: Settings) -> str:
    """Several lines, for people."""
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    lines = [
        "",
        f"machine: {_cpu()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; load average now {load}",
        f"python:  {platform.python_implementation()} {platform.python_version()}, {sys.executable}",
        f"python packages: {', '.join(_packages())}",
        f"node:    {_node(settings)}",
        f"files:   {settings.work}",
        "each result is the median over the rounds; the spread is their least and most",
    ]
    return "\n".join(lines) + "\n"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _packages() -> list[str]:
    found: list[str] = []
    for name in _PACKAGES.split():
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {name}")
    return found


def _node(settings: Settings) -> str:
    if settings.node is None:
        return "none that is new enough"
    version = subprocess.run([settings.node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    wanted: list[str] = []
    for file in sorted((Path(__file__).parent / "peers").glob("*/package.json")):
        wanted += [f"{name} {exact}" for name, exact in json.loads(file.read_text())["dependencies"].items()]
    return f"{version}; {', '.join(wanted)}"
