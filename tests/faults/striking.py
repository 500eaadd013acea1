"""Builds that are struck: killed, or refused by the disk, at a step that a seed chooses; and what must hold afterwards.

A step is one change to the file system, counted in the build's own processes (`struck/sitecustomize.py`), so that a strike
falls between the same two steps each time; a kill from outside falls at any time between them. Every round draws from dice
of its own, `seed:number`, and a round that fails says both.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ondemand.snapshots.store import Store, etag_of
from tests.faults.building import (
    Ended,
    finish,
    finish_all,
    kill_session,
    leftovers,
    let_run,
    living,
    published,
    run_build,
    say,
    start,
    words,
    words_in,
    write,
)
from tests.servers.running import Server

STRUCK = Path(__file__).with_name("struck")
PAGES = 12
NUMBERS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"]
KILLS = ["self", "other", "both"]
FULL = ["ENOSPC", "EDQUOT"]
"""What refuses everything that takes space."""
REFUSED = ["EROFS", "EACCES", "EIO"]
"""What refuses every change."""


def fresh_seed() -> int:
    """That of FAULTS_SEED, to repeat a run, or a new one."""
    return int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))


@dataclass(frozen=True)
class Step:
    who: str
    number: int
    event: str
    path: str

    @property
    def kind(self) -> str:
        """What is the same in every build."""
        name = re.sub(r"[0-9]+", "#", self.path)
        name = "*" if name.startswith("*") else re.sub(r"page/#.*?(\.\w+)?\Z", r"page/#\1", name)
        return f"{self.who} {self.event} {name}"


@dataclass(frozen=True)
class Strike:
    """who strikes before which step: `what` is one of KILLS, FULL or REFUSED."""

    who: str
    step: int
    what: str


@dataclass
class Project:
    """A small site, built once, and every generation of it that was ever live."""

    folder: Path
    said: int = 0
    lived: set[str] = field(default_factory=set)
    watch: Callable[[set[str]], bool] = lambda words: True
    """Asks whoever serves it; whether it says one of these words already."""

    @classmethod
    def make(cls, folder: Path) -> Project:
        project = cls(write(folder / "project", pages=PAGES, word=NUMBERS[0]))
        for _ in range(3):  # with generations before it, so that a build has something to remove
            project.build()
        return project

    @property
    def word(self) -> str:
        """What its source says now."""
        return spell(self.said)

    def build(self) -> None:
        """A build that nothing disturbs: it publishes what the source says, and nothing else is left."""
        say(self.folder, self.word)
        ended = run_build(self.folder)
        assert ended.code == 0, ended
        self.look({self.word})
        dist = self.folder / "dist"
        assert leftovers(self.folder) == []
        kept = {entry.name for entry in dist.iterdir() if entry.name[0] in "0123456789"}
        assert kept <= self.lived, f"{kept - self.lived} were never live"
        assert len(kept) <= 2, kept  # keep=1
        assert os.readlink(dist / "site") == f"{Store(dist).current()}/site"
        self.said += 1
        say(self.folder, self.word)

    def look(self, may_say: set[str]) -> str:
        """What is live: it is whole, and says one word of these. Returns the word."""
        generation = published(self.folder)
        assert len(generation) == PAGES + 1
        found = words(generation)
        assert len(found) == 1, f"mixed: {found}"
        assert found <= may_say, f"{found}, where only {may_say} may be live"
        assert (self.folder / "dist/site/index.html").is_file(), "the link for static hosts leads nowhere"
        self.lived.add(generation.name)
        self.watch(may_say)
        return found.pop()

    @cached_property
    def steps(self) -> list[Step]:
        """Every step of a build of it."""
        ended = finish(self._start(None))
        assert ended.code == 0, ended
        self.look({self.word})
        self.said += 1
        rows = (line.split(" ", 3) for line in (self.folder / "steps").read_text().splitlines())
        return [Step(who, int(number), event, path) for who, number, event, path in rows]

    def draw(self, dice: random.Random) -> Step:
        """A step: first what kind of step, so that none is rare."""
        kinds: dict[str, list[Step]] = {}
        for step in self.steps:
            kinds.setdefault(step.kind, []).append(step)
        return dice.choice(kinds[dice.choice(sorted(kinds))])

    def _start(self, strike: Strike | None) -> subprocess.Popen[str]:
        once, log = self.folder / "once", self.folder / "steps"
        once.unlink(missing_ok=True)
        log.unlink(missing_ok=True)
        more = {
            "PYTHONPATH": f"{STRUCK}{os.pathsep}{Path(__file__).parents[2]}",
            "STRIKE_DIST": str(self.folder / "dist"),
            "STRIKE_LOG": str(log),
            "STRIKE_ONCE": str(once),
        }
        if strike is not None:
            more["STRIKE"] = json.dumps({"who": strike.who, "step": strike.step, "what": strike.what})
        return start(say(self.folder, self.word), more=more)

    def struck(self, strike: Strike) -> Ended:
        """A build that is struck; every process of it has ended."""
        process = self._start(strike)
        ended = finish_all(process)
        assert (self.folder / "once").exists(), f"{strike} was never reached"
        return ended

    def killed(self, delay: float, whom: str) -> None:
        """A build that is killed from outside after `delay` seconds. whom: parent, child or both."""
        process = start(say(self.folder, self.word))
        let_run(process, delay)
        if whom == "both":
            kill_session(process)
        for number in living(process.pid):
            if (number == process.pid) is (whom == "parent"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, 9)
        ended = finish_all(process)
        if whom == "child":
            self.readable(ended)

    def readable(self, ended: Ended) -> None:
        """A build that was not killed itself ends as it should: done, or with one message and nothing published."""
        assert ended.code in {0, 1, 3}, ended
        assert "Traceback" not in ended.err, ended.err
        if ended.code:
            assert ended.err.strip() or ended.out.strip(), "it failed in silence"
            assert len(ended.err.splitlines()) <= 12, ended.err


def spell(number: int) -> str:
    """A word for each number: letters only, none within another."""
    return "".join(NUMBERS[int(digit)] + "x" for digit in str(number))


def last_word(project: Project) -> str:
    """What is live."""
    return spell(project.said - 1)


class Watch:
    """A server in a process of its own: it answers with one whole generation, an earlier one for a moment."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __call__(self, may_say: set[str]) -> bool:
        said: set[str] = set()
        for path in ("/", "/page/0", f"/page/{PAGES - 1}"):
            answer = self._server.ask(path)
            assert (answer.status, answer.whole) == (200, True), f"{path}: {answer}"
            assert answer.header("etag") == etag_of(answer.body), f"{path}: {answer}"
            found = words_in(answer.text)
            assert len(found) == 1, f"{path}: {found}"
            said |= found
        return said <= may_say


# --- rounds -----------------------------------------------------------------------------------------------------------


def kill_at_a_step(project: Project, dice: random.Random) -> str:
    step = project.draw(dice)
    return kill_before(project, step, dice.choice(KILLS))


def kill_before(project: Project, step: Step, what: str) -> str:
    before = project.look({spell(number) for number in range(project.said + 1)})
    ended = project.struck(Strike(step.who, step.number, what))
    if (step.who, what) in {("parent", "other"), ("child", "self")}:
        project.readable(ended)
    project.look({before, project.word})
    project.build()
    return f"{what} killed before {step.kind}"


def kill_at_a_time(project: Project, dice: random.Random) -> str:
    began = time.monotonic()
    project.build()
    length = time.monotonic() - began
    before = spell(project.said - 1)
    whom = dice.choice(["parent", "child", "both"])
    project.killed(dice.uniform(0.0, 1.05) * length, whom)
    project.look({before, project.word})
    project.build()
    return f"{whom} killed at a time"


def fail_at_a_step(project: Project, dice: random.Random) -> str:
    return fail_before(project, project.draw(dice), dice.choice(FULL))


def refuse_at_a_step(project: Project, dice: random.Random) -> str:
    return fail_before(project, project.draw(dice), dice.choice(REFUSED))


def fail_before(project: Project, step: Step, what: str) -> str:
    """From this step on the disk refuses: the build says so and changes nothing, or has done all that matters before."""
    before = project.look({spell(number) for number in range(project.said + 1)})
    ended = project.struck(Strike(step.who, step.number, what))
    project.readable(ended)
    now = project.look({before, project.word})
    assert (now == project.word) is (ended.code == 0), f"exit code {ended.code}, but {now!r} is live: {ended.err}"
    if ended.code:
        assert ended.code == 1, ended
        assert "written" in ended.err, ended.err
    project.build()
    return f"{what} {step.kind}"


def several_at_once(project: Project, dice: random.Random) -> str:
    """Two or three builds, each begun while the one before may still run: whoever cannot have the folder refuses."""
    before = project.look({spell(number) for number in range(project.said + 1)})
    running, said = [], set[str]()
    for _ in range(dice.choice([2, 2, 3])):
        said.add(project.word)
        running.append(start(say(project.folder, project.word)))
        project.said += 1
        let_run(running[-1], dice.uniform(0.0, 0.7))
    for ended in [finish(process) for process in running]:
        project.readable(ended)
        assert ended.code == 0 or ("Another build of" in ended.err and "is running" in ended.err), ended
        said.add("published" if ended.code == 0 else "refused")
    assert "published" in said, "all of them refused"
    assert project.look(said) != before  # one may have read a word that was written for a later one
    assert leftovers(project.folder) == []
    project.build()
    return f"{len(running)} at once"


Round = Callable[[Project, random.Random], str]


def play(project: Project, kind: Round, seed: int, number: int) -> str:
    """One round. What it raises says how to repeat it."""
    try:
        return kind(project, random.Random(f"{seed}:{number}"))
    except BaseException as error:
        error.add_note(f"Again: python -m tests.faults {kind.__name__} --seed {seed} --first {number} --rounds 1")
        raise


@contextlib.contextmanager
def projects(folder: Path, count: int = 2) -> Iterator[list[Project]]:
    """So many projects, made at the same time."""
    with ThreadPoolExecutor(count) as pool:
        yield list(pool.map(lambda number: Project.make(folder / str(number)), range(count)))


def play_all(made: list[Project], kinds: Iterable[Round], seed: int, first: int = 0) -> list[str]:
    """A round of each of `kinds`, numbered from `first`, on as many threads as there are projects. Raises what failed."""
    left = list(enumerate(kinds, first))

    def run(project: Project) -> list[str]:
        done: list[str] = []
        while left:
            try:
                number, kind = left.pop(0)
            except IndexError:
                break
            try:
                done.append(play(project, kind, seed, number))
            except BaseException:
                left.clear()
                raise
        return done

    with ThreadPoolExecutor(len(made)) as pool:
        return [name for names in pool.map(run, made) for name in names]
