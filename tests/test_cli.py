"""The command line, as a user runs it: what is printed, and the exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from ondemand.cli.serving import _listen
from tests.asking import write_site

SITE = """
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from ondemand import OnDemand, StaticPath, prerender

print("a line of the app's own")


async def home(request):
    return HTMLResponse('<a href="/about">about</a><a href="/live">live</a>')


@prerender(paths=[StaticPath({"slug": f"p{n}"}) for n in range(120)])
async def post(request):
    return HTMLResponse("<h1>" + request.path_params["slug"] + "</h1>" + "words " * 100)


@prerender(False)
async def live(request):
    return HTMLResponse("live")


app = Starlette(routes=[Route("/", home), Route("/about", home), Route("/live", live), Route("/p/{slug}", post)])
app.add_middleware(OnDemand)
"""


def ondemand(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "ondemand", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_site(tmp_path / "project", SITE)


def test_build_prints_what_it_did_and_exits_0(project: Path) -> None:
    done = ondemand(project, "build", "main:app")
    assert done.returncode == 0, done.stderr
    assert re.search(r"Published 000001 in [\d.]+ s: 122 pages and 0 files", done.stdout)
    assert "122 added, 0 changed, 0 removed; 1 linked path on demand" in done.stdout
    assert "slowest:" in done.stdout
    assert "\x1b" not in done.stdout
    assert "Traceback" not in done.stderr


def test_the_app_may_come_from_pyproject(project: Path) -> None:
    assert ondemand(project, "build").returncode == 0
    (project / "pyproject.toml").write_text('[tool.fastapi]\nentrypoint = "main:app"\n')
    assert ondemand(project, "build").returncode == 0
    (project / "pyproject.toml").unlink()
    assert ondemand(project, "build").returncode == 0


def test_jobs_share_the_work(project: Path) -> None:
    done = ondemand(project, "build", "--jobs", "2", "--json", "report.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((project / "report.json").read_text())["pages"] == 122


def test_json_on_standard_output_is_nothing_but_json(project: Path) -> None:
    done = ondemand(project, "build", "--json", "-")
    assert json.loads(done.stdout)["pages"] == 122
    done = ondemand(project, "routes", "--json", "-")
    assert {route["pattern"]: route["kind"] for route in json.loads(done.stdout)["routes"]} == {
        "/": "static",
        "/about": "static",
        "/live": "on demand",
        "/p/{slug}": "static",
    }


def test_routes_says_what_is_static_and_why(project: Path) -> None:
    before = ondemand(project, "routes").stdout.splitlines()
    assert before[0].split("\t")[:3] == ["/", "candidate", "0"]
    assert before[2].split("\t") == ["/live", "on demand", "0", "prerender is False"]
    ondemand(project, "build")
    after = ondemand(project, "routes").stdout.splitlines()
    assert after[0].split("\t")[:3] == ["/", "static", "1"]
    assert after[3].split("\t")[:3] == ["/p/{slug}", "static", "120"]


def test_routes_in_a_pipe_is_one_line_each_whatever_a_path_holds(project: Path) -> None:
    path = "/a\x1b[31m\tb\nc"
    (project / "main.py").write_text(SITE.replace('Route("/live", live)', f"Route({path!r}, live)"))
    done = ondemand(project, "routes")
    assert done.stdout.splitlines()[2] == "/a\\x1b[31m\\tb\\nc\ton demand\t0\tprerender is False"
    assert len(done.stdout.splitlines()) == 4
    assert "\x1b" not in done.stdout


def test_faults_exit_1_and_publish_nothing(project: Path) -> None:
    ondemand(project, "build")
    main = project / "main.py"
    main.write_text(SITE.replace('"/about">', '"/abuot#x">').replace('"live")', '"live")  # '))
    done = ondemand(project, "build", "--json", "r.json")
    assert done.returncode == 1
    assert "broken-link  /abuot" in done.stdout
    assert "linked from: /" in done.stdout
    assert "Nothing was published: 1 fault. What was live stays." in done.stdout
    assert (project / "dist" / "CURRENT").read_text().strip() == "000001"
    assert json.loads((project / "r.json").read_text())["findings"][0]["kind"] == "broken-link"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["bulid"], 2, "No such command 'bulid'"),
        (["build", "--jobs", "0"], 2, "--jobs"),
        (["build", "nope:app"], 3, "There is no module 'nope'"),
        (["build", "main:nope"], 3, "has no 'nope'"),
        (["build", "main:Route"], 3, "not an ASGI app"),
        (["build", "raises:app"], 3, "ZeroDivisionError"),
        (["build", "wrong:app"], 2, "Did you mean 'output'"),
        (["build", "wrong_inside:app"], 2, "Did you mean 'output'"),
        (["build", "fails_to_start:app"], 3, "no database"),
        (["build", "marked:app"], 2, "It takes True, False"),
        (["rollback"], 1, "nothing to roll back"),
        (["--version"], 0, "0.1.0"),
        (["build", "--help"], 0, "--max-compress"),
    ],
)
def test_exit_codes(arguments: list[str], code: int, words: str, project: Path) -> None:
    wrap = "from ondemand import OnDemand, prerender\nfrom starlette.applications import Starlette\n"
    (project / "raises.py").write_text("def deep():\n    return 1 / 0\n\napp = deep()\n")
    (project / "wrong.py").write_text(wrap + "app = OnDemand(Starlette(), outptu='static')\n")
    (project / "wrong_inside.py").write_text(
        wrap + "app = Starlette()\napp.add_middleware(OnDemand, outptu='static')\n"
    )
    (project / "fails_to_start.py").write_text(
        wrap + "import contextlib\n\n@contextlib.asynccontextmanager\nasync def life(app):\n"
        "    raise RuntimeError('no database')\n    yield\n\napp = OnDemand(Starlette(lifespan=life))\n"
    )
    (project / "marked.py").write_text(wrap + "@prerender('yes')\ndef page(request): ...\n")
    done = ondemand(project, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_an_import_error_shows_the_users_own_line(project: Path) -> None:
    (project / "raises.py").write_text("def deep():\n    return 1 / 0\n\napp = deep()\n")
    done = ondemand(project, "build", "raises:app")
    assert f"{project / 'raises.py'}:2 in deep: return 1 / 0" in done.stderr


def test_rollback_publishes_the_generation_before(project: Path) -> None:
    ondemand(project, "build")
    ondemand(project, "build")
    done = ondemand(project, "rollback")
    assert (done.returncode, done.stdout.split(" in ")[0]) == (0, "Published 000001 again (before: 000002)")
    assert (project / "dist" / "CURRENT").read_text().strip() == "000001"
    assert ondemand(project, "rollback", "--to", "000009").returncode == 1


def test_text_of_a_site_cannot_write_on_the_terminal(project: Path) -> None:
    (project / "main.py").write_text(SITE.replace('"/about">', '"/x%1b[31m[bold]%0a">'))
    done = ondemand(project, "build")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "[bold]" in done.stdout


def test_preview_serves_the_snapshots(project: Path) -> None:
    ondemand(project, "build")
    server = subprocess.Popen(
        [sys.executable, "-m", "ondemand", "preview", "--port", "0"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        address = ""
        for line in server.stdout:
            if found := re.search(r"http://\S+", line):
                address = found.group()
                break
        answer = _get(f"{address}p/p7")
        assert answer.headers["etag"]
        assert b"<h1>p7</h1>" in answer.read()
        answer.close()
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=20)
        assert server.stdout is not None
        server.stdout.close()


def _get(url: str) -> object:
    for _ in range(100):
        try:
            return urllib.request.urlopen(url, timeout=5)
        except OSError:
            time.sleep(0.05)
    raise AssertionError(url)


def test_a_taken_port_is_told(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = ondemand(project, "preview", "--port", port)
    assert done.returncode == 2
    assert f"127.0.0.1:{port} cannot be used" in done.stderr


def test_preview_sends_small_answers_at_once() -> None:
    """Headers and body are two writes: without TCP_NODELAY the second waits 40 ms for the first one's acknowledgement."""

    async def nodelay() -> list[int]:
        found: list[int] = []

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            found.append(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = _listen("127.0.0.1", 0)
        async with await asyncio.start_server(accept, sock=listening):
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            assert await reader.read() == b""
            writer.close()
        return found

    assert asyncio.run(nodelay())[0] != 0
