"""What every measure is told: how many rounds, how large, where to write, and the environment of what it starts."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Settings", "empty", "fast_folder"]

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds `benchmarks` and the `ondemand` that is measured."""


@dataclass(frozen=True)
class Settings:
    """rounds: of each measure. quick: a smoke run. work: a folder to write to. node: the Node to use, None if there is none."""

    rounds: int
    quick: bool
    work: Path
    node: Path | None

    def size(self, full: int, quick: int) -> int:
        """`full`, or `quick` in a smoke run."""
        return quick if self.quick else full

    def environment(self, **more: str | int | Path) -> dict[str, str]:
        """That of every process that is started. Compiled modules are kept in `work`: whatever the machine's settings,
        an import is one of compiled code, as it is for users."""
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(self.work / "pycache"),
            **{key: str(value) for key, value in more.items()},
        }


def fast_folder() -> str | None:
    """A file system in memory, where there is one: what a disk and its journal cost is not ours to measure, and on ext4
    a file made soon after many were removed costs up to a millisecond of CPU."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK) or shutil.disk_usage(shared).free < 4 << 30:
        return None
    return str(shared)


def empty(folder: Path) -> Path:
    """`folder` without anything in it, whatever an earlier run has left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
