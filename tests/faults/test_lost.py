"""Nothing that a process of the build does, or that is done to it, leaves its parent waiting for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import cast

import pytest

from tests.faults.building import finish, kill_session, published, run_build, start

SITE = """
import asyncio, os, signal, sys
from pathlib import Path
from ondemand import OnDemand, StaticPath, prerender
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

ONCE = Path(__file__).with_name("once")

async def home(request):
    HOME
    return HTMLResponse("<a href=/page/1>1</a><a href=/page/2>2</a><a href=/page/3>3</a>")

async def page(request):
    PAGE
    return HTMLResponse("<h1>page</h1>")

async def ids():
    PATHS
    yield StaticPath({"n": "1"})

@prerender(paths=ids)
async def named(request):
    return HTMLResponse("<h1>named</h1>")

app = Starlette(routes=[Route("/", home), Route("/page/{n}", page), Route("/named/{n}", named)])
app.add_middleware(OnDemand)
"""

FORK = """
    if not ONCE.exists():
        ONCE.touch()
        if os.fork() == 0:  # it lives on when its parent is killed
            os.close(1), os.close(2)
            signal.pause()
        os.kill(os.getpid(), 9)
"""
CANCELLED = "task = asyncio.ensure_future(asyncio.sleep(60)); task.cancel(); await task"
CANCELS = """
    for task in asyncio.all_tasks():
        if '_visits' in repr(task):
            task.cancel()
"""


def build(folder: Path, *arguments: str, page: str = "", paths: str = "", home: str = ""):
    source = (
        SITE.replace("    PAGE", page or "    pass").replace("PATHS", paths or "pass").replace("HOME", home or "pass")
    )
    (folder / "main.py").write_text(source)
    (folder / "pyproject.toml").write_text("[tool.ondemand]\npage_timeout = 0.5\n")
    process = start(folder, "--json", "-", *arguments)
    try:
        return finish(process, within=20)
    finally:
        kill_session(process)


def test_a_process_that_the_app_forked_does_not_hide_the_end_of_its_parent(tmp_path: Path) -> None:
    assert build(tmp_path, page=FORK).code == 0
    assert sorted(published(tmp_path)) == ["/", "/named/1", "/page/1", "/page/2", "/page/3"]


@pytest.mark.parametrize(
    ("jobs", "paths", "words"),
    [
        ("1", CANCELLED, "raised CancelledError"),
        ("2", CANCELLED, "raised CancelledError"),
        ("1", "sys.exit('no database')", "raised SystemExit: no database"),
        ("1", "os._exit(3)", "ended the process (exit code 3)"),
        ("2", "os._exit(3)", "ended the process (exit code 3)"),
        ("2", "os._exit(0)", "ended the process (exit code 0)"),
        ("1", "os.kill(os.getpid(), 9)", "ended the process (exit code -9)"),
        ("2", "__import__('time').sleep(600)", "block the event loop"),
    ],
)
def test_paths_that_fail_in_any_way_are_named_alone(tmp_path: Path, jobs: str, paths: str, words: str) -> None:
    ended = build(tmp_path, "--jobs", jobs, paths=paths, home="await asyncio.sleep(0.05)")
    assert ended.code == 1
    ((kind, path),) = ended.found()
    assert (kind, path) == ("params", None) or (kind, path) == ("params", "")
    (finding,) = ended.report["findings"]
    assert words in finding["message"]
    assert finding["route"] == "/named/{n}"


def test_a_page_that_cancels_tasks_of_the_build_is_named(tmp_path: Path) -> None:
    ended = build(tmp_path, page=CANCELS)
    assert ended.code == 1
    assert {kind for kind, _ in ended.found()} == {"error"}


def test_a_process_that_says_nothing_is_ended() -> None:
    """A page that holds the interpreter's lock keeps the process from ending itself."""
    from ondemand.prerendering.children import Child, Children
    from ondemand.prerendering.messages import Job, Order, Stuck

    ours, theirs = Pipe()
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    children = Children(Order("main:app"), jobs=1)
    child = Child(cast("Connection", ours), process)
    child.given[1] = Job(1, "/slow", "page")
    children._children.append(child)
    children._patience = 5.0
    assert children.wait(0) == []
    child.silent = 6.0
    assert children.wait(0) == [(child, Stuck(None, ()))]
    child.given.clear()
    assert children.busy  # until another is in its place: there may be more to do
    assert process.wait(10) == -9
    theirs.close()
    assert children.wait(10) == [(child, None)]
    children.hand_out(lambda count: pytest.fail("it gets no more work"))


def test_a_process_that_has_ended_is_told_though_its_line_is_open() -> None:
    from ondemand.prerendering.children import Child, Children
    from ondemand.prerendering.messages import Order

    ours, theirs = Pipe()
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    children = Children(Order("main:app"), jobs=1)
    child = Child(cast("Connection", ours), process)
    children._children.append(child)
    theirs.send("the last word")
    process.wait()
    assert children.wait(0) == [(child, "the last word")]
    assert children.wait(0) == [(child, None)]


def test_who_connects_and_goes_does_not_end_the_build() -> None:
    from ondemand.prerendering.children import _accept

    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    with Listener(None, "AF_UNIX", authkey=b"key") as listener:
        address = cast("str", listener.address)

        def connect() -> None:
            Client(address).close()  # without the key
            Client(address, authkey=b"key").send("hello")

        thread = threading.Thread(target=connect)
        thread.start()
        try:
            assert _accept(listener, process).recv() == "hello"
        finally:
            process.kill()
            process.wait()
            thread.join()


TALKER = """
import sys
from multiprocessing.connection import Client
connection = Client(sys.argv[1], authkey=b"key")
connection.send(b"x" * 50_000_000)
assert connection.recv() == ("stop",)
"""


def test_a_process_that_is_in_the_middle_of_a_long_answer_stops_when_asked() -> None:
    from ondemand.prerendering.children import Child

    with Listener(None, authkey=b"key") as listener:
        process = subprocess.Popen([sys.executable, "-c", TALKER, str(listener.address)])
        child = Child(cast("Connection", listener.accept()), process)
    child.end()
    assert process.returncode == 0


def test_silence_is_counted_in_steps_and_waiting_for_the_parent_is_none() -> None:
    from ondemand.prerendering.process import Silence

    silence = Silence(2.5)
    assert [silence.lasts(1.0, 1, waits=False) for _ in range(4)] == [False, False, False, True]
    assert not silence.lasts(1.0, 2, waits=False)
    assert not any(silence.lasts(1.0, 2, waits=True) for _ in range(9))


KILLED_AFTER_WRITING = """
from ondemand.snapshots import store
write = store.Files.write
def killing(self, snapshot, body, **options):
    written = write(self, snapshot, body, **options)
    if snapshot.path == "/page/2" and not ONCE.exists():
        ONCE.touch()
        os.kill(os.getpid(), 9)
    return written
store.Files.write = killing
"""


def test_a_page_that_a_killed_process_wrote_and_never_told_is_not_left_for_static_hosts(tmp_path: Path) -> None:
    page = "    if ONCE.exists() and request.path_params['n'] == '2':\n        return HTMLResponse('', 500)\n"
    source = SITE.replace("    PAGE", page).replace("PATHS", "pass").replace("HOME", "pass") + KILLED_AFTER_WRITING
    (tmp_path / "main.py").write_text(source)
    (tmp_path / "pyproject.toml").write_text('[tool.ondemand]\nfindings = {status = "warn"}\n')
    assert run_build(tmp_path).code == 0
    generation = published(tmp_path)
    assert sorted(generation) == ["/", "/named/1", "/page/1", "/page/3"]
    assert not (generation.folder / "site/page/2/index.html").exists()


def test_a_generation_with_a_file_missing_is_not_published_after_a_death(tmp_path: Path) -> None:
    """/page/2 and /page/2/ want one file; the process that ended may have written it."""
    page = """
    number = request.path_params['n']
    if number == '2/' and not ONCE.exists():
        await TWO.wait()
        ONCE.touch()
        os.kill(os.getpid(), 9)
    if number == '3' and not ONCE.exists():
        await asyncio.Event().wait()
    if number == '2':
        asyncio.get_running_loop().call_later(0.2, TWO.set)
    return HTMLResponse('<h1>two</h1>' if number == '2' else '<h1>another body</h1>')
"""
    source = SITE.replace("    PAGE", page).replace("PATHS", "pass").replace("HOME", "pass")
    source = source.replace("<a href=/page/1>1</a>", "<a href=/page/2/>1</a>").replace("{n}", "{n:path}")
    (tmp_path / "main.py").write_text(source.replace("ONCE =", "TWO = asyncio.Event()\nONCE =", 1))
    (tmp_path / "pyproject.toml").write_text('[tool.ondemand]\nfindings = {collision = "warn"}\n')
    ended = run_build(tmp_path)
    assert ended.code == 0 or "Build again" in ended.err
    if ended.code == 0:
        published(tmp_path)
