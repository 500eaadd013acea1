"""One bad page: the build ends in good time, names that page and no other, and what was live stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.building import Ended, published, run_build, tree

GOOD = """
import asyncio, os, sys, threading, time
from ondemand import OnDemand, prerender
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

FINISHED = asyncio.Event()

async def home(request):
    return HTMLResponse("<a href=/good/1>1</a><a href=/good/2>2</a><a href=/bad>bad</a><a href=/good/3>3</a>")

async def good(request):
    await asyncio.sleep(0.01)
    FINISHED.set()
    return HTMLResponse("<h1>good</h1>")

async def bad(request):
    return HTMLResponse("not bad yet")

app = Starlette(routes=[Route("/", home), Route("/good/{n}", good), Route("/bad", bad)])
app.add_middleware(OnDemand)
"""

PROJECT = "[tool.ondemand]\npage_timeout = 0.5\n"

BODIES = {
    # what the page does -> (its source, the kind of finding, words of the message)
    "raises": ("raise ValueError('no such book')", "error", "ValueError: no such book"),
    "raises in the middle": ("return StreamingResponse(broken(), media_type='text/html')", "error", "half a page"),
    "answers half": ("return half", "error", "before the response was complete"),
    "answers nothing": ("return nothing", "error", "without an answer"),
    "never finishes": ("await asyncio.Event().wait()", "timeout", "did not finish in 0.5 seconds"),
    "streams for ever": ("return StreamingResponse(drip(), media_type='text/html')", "timeout", "did not finish"),
    "blocks the loop": ("time.sleep(600)", "timeout", "blocks the event loop"),
    "swallows one cancellation": ("await stubborn(1)", "timeout", "did not finish"),
    "swallows every cancellation": ("await stubborn(10**9)", "timeout", "did not finish"),
    "is cancelled by itself": ("raise asyncio.CancelledError", "error", "Cancel"),
    "waits for a cancelled task": ("await cancelled()", "error", "Cancel"),
    "ends the process": ("os._exit(3)", "error", "ended the process (exit code 3)"),
    "ends the process as if all were well": ("os._exit(0)", "error", "ended the process (exit code 0)"),
    "exits": ("sys.exit(3)", "error", "3"),
    "is killed": ("os.kill(os.getpid(), 9)", "error", "ended the process (exit code -9)"),
    "recurses": ("return recurse()", "error", "RecursionError"),
    "answers 500": ("return HTMLResponse('', 500)", "status", "It answers 500"),
}

HELP = """
async def broken():
    yield "<h1>half"
    raise ValueError("half a page")

async def drip():
    while True:
        yield "<p>"
        await asyncio.sleep(0.01)

async def stubborn(times):
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            times -= 1
            if times < 0:
                raise

async def cancelled():
    task = asyncio.ensure_future(asyncio.sleep(60))
    asyncio.get_running_loop().call_later(0.01, task.cancel)
    await task

def recurse():
    return recurse()

async def half(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<h1>half", "more_body": True})

async def nothing(scope, receive, send):
    return None
"""


def site(folder: Path, body: str, *, function: str = "async def bad(request):") -> Path:
    folder.mkdir(exist_ok=True)
    source = GOOD.replace(
        'async def bad(request):\n    return HTMLResponse("not bad yet")', f"{HELP}\n{function}\n    {body}"
    )
    (folder / "main.py").write_text(source)
    (folder / "pyproject.toml").write_text(PROJECT)
    return folder


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a good site that is live. Tests take a copy."""
    folder = site(tmp_path_factory.mktemp("good") / "project", "return HTMLResponse('not bad yet')")
    assert run_build(folder).code == 0
    return folder


@pytest.fixture
def live(good: Path, tmp_path: Path) -> Path:
    return shutil.copytree(good, tmp_path / "project", symlinks=True)


def refused(folder: Path, *arguments: str, within: float = 8) -> Ended:
    """A build that fails: what was live is untouched, nothing else is left, and no traceback is shown."""
    before = tree(folder / "dist")
    ended = run_build(folder, "--json", "-", *arguments, within=within)
    assert ended.code == 1, ended
    assert tree(folder / "dist") == before
    published(folder)
    return ended


@pytest.mark.parametrize("name", BODIES)
def test_a_bad_page_is_named_alone(live: Path, name: str) -> None:
    body, kind, words = BODIES[name]
    ended = refused(site(live, body))
    assert ended.found() == [(kind, "/bad")]
    finding = next(row for row in ended.report["findings"] if row["path"] == "/bad")
    assert words in finding["message"]
    assert finding["referrers"] == ["/"]
    if name in {"raises", "never finishes", "blocks the loop"}:  # the report shows the line where it happens
        assert any("main.py" in frame and "in bad" in frame for frame in finding["frames"]), finding


def test_a_page_that_blocks_the_loop_behind_a_middleware_with_tasks_of_its_own_is_named(live: Path) -> None:
    """Starlette's BaseHTTPMiddleware runs what is inside it in another task."""
    folder = site(live, "time.sleep(600)")
    with (folder / "main.py").open("a") as source:
        source.write("\nfrom starlette.middleware.base import BaseHTTPMiddleware\n")
        source.write("async def passing(request, call_next):\n    return await call_next(request)\n")
        source.write("app.add_middleware(BaseHTTPMiddleware, dispatch=passing)\n")
    assert refused(folder, within=20).found() == [("timeout", "/bad")]


def test_a_def_page_that_blocks_its_thread_for_ever_does_not_hold_the_build(live: Path) -> None:
    ended = refused(site(live, "threading.Event().wait()", function="def bad(request):"), within=20)
    assert ended.found() == [("timeout", "/bad")]


def test_many_pages_that_end_the_process_are_each_named(live: Path) -> None:
    folder = site(live, "os._exit(3)")
    source = (folder / "main.py").read_text()
    links = "".join(f"<a href=/bad/{n}>x</a>" for n in range(4))
    source = source.replace("<a href=/bad>bad</a>", links).replace('Route("/bad", bad)', 'Route("/bad/{n}", bad)')
    (folder / "main.py").write_text(source)
    assert sorted(refused(folder).found()) == [("error", f"/bad/{n}") for n in range(4)]


def test_pages_that_were_rendered_when_another_ended_the_process_are_published(live: Path) -> None:
    """With the fault ignored, the rest of the site is whole."""
    folder = site(live, "await FINISHED.wait(); await asyncio.sleep(0.005); os._exit(3)")
    (folder / "pyproject.toml").write_text(PROJECT + 'findings = {error = "warn"}\n')
    ended = run_build(folder, "--json", "-")
    assert [(row["kind"], row["path"]) for row in ended.report["findings"]] == [("error", "/bad")]
    assert ended.code == 0
    assert sorted(published(folder)) == ["/", "/good/1", "/good/2", "/good/3"]


def test_what_an_app_prints_never_mixes_with_the_report(live: Path) -> None:
    folder = site(live, "print('from a page'); os.write(1, b'from a page'); return HTMLResponse('fine')")
    with (folder / "main.py").open("a") as source:
        source.write("\nprint('from the import')\n")
    ended = run_build(folder, "--json", "-")
    assert ended.code == 0
    assert ended.report["pages"] == 5
    assert "from a page" in ended.err
    assert "from the import" in ended.err


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("import no_such_module_at_all", 3, "no_such_module_at_all"),
        ("raise RuntimeError('no database')", 3, "no database"),
        ("import os; os._exit(4)", 3, "ended the process"),
        ("import sys; sys.exit(4)", 3, "SystemExit: 4"),
        ("app = 3", 3, "not an ASGI app"),
    ],
)
def test_an_app_that_cannot_start_is_told_in_one_message(live: Path, source: str, code: int, message: str) -> None:
    before = tree(live / "dist")
    (live / "main.py").write_text(source)
    ended = run_build(live)
    assert ended.code == code, ended
    assert message in ended.err
    assert tree(live / "dist") == before
