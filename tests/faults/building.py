"""Builds in processes of their own: started, limited, killed, and what they leave behind."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import ondemand
from ondemand.snapshots.store import Generation, Store, etag_of

COMMAND = [sys.executable, "-m", "ondemand"]

SITE = """
import asyncio
from pathlib import Path

from ondemand import OnDemand, StaticPath, prerender
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

WORD = Path(__file__).with_name("word.txt").read_text()

async def home(request):
    return HTMLResponse(f"<h1>{WORD}</h1>")

@prerender(paths=lambda: [StaticPath({"n": str(n)}) for n in range(PAGES)])
async def page(request):
    await asyncio.sleep(0.004)
    return HTMLResponse(f"<p>{request.path_params['n']}</p>" + f"{WORD} " * LENGTH)

app = Starlette(routes=[Route("/", home), Route("/page/{n}", page)])
app.add_middleware(OnDemand, keep=1, grace=0)
"""
"""A site whose pages all say the one word of `word.txt`."""

HELD = """
    while not Path(__file__).with_name("go").exists():
        await asyncio.sleep(0.01)
"""
"""Makes a page wait for the test: see `pages_do`."""


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """What `--json -` wrote."""
        return json.loads(self.out)

    def found(self) -> list[tuple[str, str | None]]:
        """(kind, path) of everything that failed the build."""
        return [(row["kind"], row["path"]) for row in self.report["findings"] if row["policy"] == "fail"]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """That of a build: nothing of this test run's own settings, and the same `ondemand` as here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ONDEMAND_")}
    return {**kept, "PYTHONPATH": str(Path(ondemand.__file__).parents[1]), **(more or {})}


def start(
    folder: Path, *arguments: str, limit: Callable[[], None] | None = None, more: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `ondemand build main:app` in a session of its own. limit: called in the new process first. more: for its
    environment."""
    return subprocess.Popen(
        [*COMMAND, "build", "main:app", *arguments],
        cwd=folder,
        env=environment(more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=limit,
    )


def finish(process: subprocess.Popen[str], *, within: float = 30) -> Ended:
    """Wait for it; fail the test if it takes longer than `within` seconds."""
    try:
        out, err = process.communicate(timeout=within)
    except subprocess.TimeoutExpired:
        kill_session(process)
        out, err = process.communicate()
        pytest.fail(f"the build still ran after {within:g} seconds\n{out[-2000:]}\n{err[-2000:]}")
    return Ended(process.returncode, out, err)


def finish_all(process: subprocess.Popen[str], *, within: float = 15) -> Ended:
    """Wait for it, and for every process that it started; fail the test if these take longer."""
    ended = finish(process)
    wait_until(lambda: not living(process.pid), within=within, why="a process of the build still runs")
    return ended


def let_run(process: subprocess.Popen[str], seconds: float) -> None:
    """Leave it alone so long, or until it has ended."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def run_build(folder: Path, *arguments: str, limit: Callable[[], None] | None = None, within: float = 30) -> Ended:
    return finish(start(folder, *arguments, limit=limit), within=within)


def rollback(folder: Path, *arguments: str) -> Ended:
    command = [*COMMAND, "rollback", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=30)
    return Ended(done.returncode, done.stdout, done.stderr)


def obey_modes() -> None:
    """A `limit`: from its next program on this process obeys the modes of files, also where root runs the tests."""
    overrides_modes, reads_all, drop = 1, 2, 24  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, PR_CAPBSET_DROP
    if os.geteuid() == 0:
        for capability in (overrides_modes, reads_all):
            if ctypes.CDLL(None, use_errno=True).prctl(drop, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "root cannot be made to obey modes here")


def kill_session(process: subprocess.Popen[str]) -> None:
    """`kill -9` to the build and every process it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def living(session: int) -> list[int]:
    """The processes of a session (whose id is that of the build) that still run."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(folder.name))
    return found


def wait_until(what: Callable[[], Any], *, within: float = 15, why: str) -> Any:
    """Ask again and again until it is true; fail the test after `within` seconds."""
    end = time.monotonic() + within
    while not (value := what()):
        if time.monotonic() > end:
            pytest.fail(f"{why}: not within {within:g} seconds")
        time.sleep(0.01)
    return value


def write(folder: Path, *, pages: int = 20, length: int = 100, word: str = "first") -> Path:
    """Write the site; `say` changes its word later."""
    folder.mkdir(parents=True, exist_ok=True)
    source = SITE.replace("PAGES", str(pages)).replace("LENGTH", str(length))
    (folder / "main.py").write_text(source)
    (folder / "pyproject.toml").write_text('[tool.ondemand]\nfindings = {unstable = "ignore"}\n')
    return say(folder, word)


def say(folder: Path, word: str) -> Path:
    (folder / "word.txt").write_text(word)
    return folder


def pages_do(folder: Path, code: str) -> None:
    """From now on the pages do this, instead of sleeping a little."""
    source = (folder / "main.py").read_text()
    (folder / "main.py").write_text(source.replace("    await asyncio.sleep(0.004)\n", code))


def published(folder: Path) -> Generation:
    """The generation that is live, every file of it read and compared with its digest."""
    generation = Store(folder / "dist").open()
    assert generation is not None, "nothing is published"
    for snapshot in generation.all():
        for encoding, form in snapshot.encodings.items():
            body = Path(generation.file(snapshot, encoding)).read_bytes()
            assert (len(body), etag_of(body)) == form, f"{snapshot.path}, {encoding or 'identity'}"
    return generation


def words(generation: Generation) -> set[str]:
    """Every word that the pages say: one, unless builds were mixed."""
    return set[str]().union(*(words_in(generation.read(snapshot).decode()) for snapshot in generation.all()))


def words_in(page: str) -> set[str]:
    """Every word of a page that is no markup and no number."""
    return {word for word in re.sub(r"<[^>]*>", " ", page).split() if word.isalpha()}


def leftovers(folder: Path) -> list[str]:
    """What a build that ended has no more use for: every hidden file but the lock."""
    found = (entry.name for entry in (folder / "dist").iterdir() if entry.name.startswith("."))
    return sorted(name for name in found if name not in {".lock", ".well-known"})


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk of `size` bytes at `folder`. Skips the test where none can be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk of its own cannot be mounted here: run as root in a container that may mount tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Everything below `folder`: bytes of files, targets of links, None for folders."""
    return dict(_entries(folder, folder))


def _entries(folder: Path, top: Path) -> Iterator[tuple[str, bytes | str | None]]:
    for entry in sorted(folder.iterdir()):
        name = str(entry.relative_to(top))
        if entry.is_symlink():
            yield name, os.readlink(entry)
        elif entry.is_dir():
            yield name, None
            yield from _entries(entry, top)
        else:
            yield name, entry.read_bytes()
