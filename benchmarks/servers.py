"""The servers that measures ask: uvicorn with an app of ours or of a peer, and Astro's own."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.node import Project
from benchmarks.pages import write_prose
from benchmarks.processes import Server, free_port, run, serve
from benchmarks.settings import ROOT, Settings

__all__ = ["astro", "uvicorn"]


@contextlib.contextmanager
def uvicorn(
    settings: Settings, name: str, target: str, path: str, *, log: Path, **environment: str | int | Path
) -> Iterator[Server]:
    """The app `target` in uvicorn, with the parser and loop that it picks, until the context is left. log: see `serve`."""
    port = free_port()
    env = settings.environment(**environment)
    command = [sys.executable, "-m", "uvicorn", target, "--port", str(port), "--no-access-log", "--log-level=warning"]
    with serve(name, command, port=port, path=path, env=env, cwd=ROOT, log=log) as server:
        yield server


@contextlib.contextmanager
def astro(settings: Settings, source: str, path: str, *, log: Path) -> Iterator[Server]:
    """Astro's node server over `peers/astro/<source>`, built here. Raises `Unavailable` where it cannot be made."""
    project = Project(settings, "astro")
    output = project.folder / f"server-{source}"  # inside the project: that is where it finds its packages
    text = write_prose(log / "prose.txt", 9_960)
    more: dict[str, str | int | Path] = {"ADAPTER": "node", "SOURCE": source, "DIST": output, "PAGES": 1, "PROSE": text}
    run(project.astro("build"), env=settings.environment(**more, ASTRO_TELEMETRY_DISABLED=1), cwd=project.folder)
    port = free_port()
    env = settings.environment(HOST="127.0.0.1", PORT=port, NODE_ENV="production")
    command = [str(project.node), str(output / "server" / "entry.mjs")]
    with serve("Astro", command, port=port, path=path, env=env, cwd=project.folder, log=log) as server:
        yield server
