"""What a person sees of a streamed page: in Chromium, its first part is painted while the rest is held back.

The browser is driven over its DevTools protocol through a pipe (chromedevtools.github.io/devtools-protocol), which takes no
package. The held part waits for an event, which another request sets: nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.servers.running import Server, need, running

WAIT = 40.0
"""Seconds for one answer of the browser."""

MAIN = """
import asyncio

from fastapi import FastAPI
from ondemand import OnDemand, Response, prerender
from ondemand.fastapi import Page

RELEASED = asyncio.Event()


async def rest():
    await RELEASED.wait()
    return "The rest"


app = FastAPI()


@app.get("/up")
@prerender(False)
async def up():
    return "up"


@app.get("/release")
@prerender(False)
async def release():
    RELEASED.set()


@app.get("/route")
@prerender(False)
async def route(page: Page) -> Response:
    return page.render("shown.mako", rest=rest())


app.add_middleware(OnDemand, pages="pages", templates="templates")
"""

SHOWN = """<!doctype html>
<html lang="en">
<title>Two parts</title>
<style>body { margin: 0 } div { height: 200px; color: #fff }</style>
<div id="first" style="background: rgb(200, 30, 60)">The first part</div>
${await_(rest)}
<div id="rest" style="background: rgb(20, 120, 40)">After it</div>
"""

FILE = """<%!
import main

prerender = False


def frontmatter(page):
    return {"rest": main.rest()}
%>"""

PAINTED = """new Promise(resolve => new PerformanceObserver(list => {
    const found = list.getEntriesByName("first-contentful-paint");
    if (found.length) resolve(found[0].startTime);
}).observe({type: "paint", buffered: true}))"""

LOADED = """new Promise(resolve => document.readyState === "complete"
    ? resolve(true) : addEventListener("load", () => resolve(true)))"""

TEXT = """(selector => {
    const found = document.querySelector(selector);
    return found && found.checkVisibility() && found.getBoundingClientRect().height ? found.textContent : null;
})"""

PIXELS = """(async (image, places) => {
    const bitmap = await createImageBitmap(await (await fetch("data:image/png;base64," + image)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    canvas.drawImage(bitmap, 0, 0);
    return places.map(([x, y]) => [...canvas.getImageData(x, y, 1, 1).data].slice(0, 3));
})"""

RED, GREEN, WHITE = [200, 30, 60], [20, 120, 40], [255, 255, 255]


class Browser:
    """A Chromium without windows. It reads commands from its file 3 and answers to its file 4: JSON, each ended by NUL."""

    def __init__(self, program: str, folder: Path) -> None:
        """folder: for its profile and what it says."""
        self._ours, theirs = socket.socketpair()
        self._ours.settimeout(WAIT)
        self._held = b""
        self._count = 0
        end = theirs.fileno()
        start = f"import os, sys; os.dup2({end}, 3); os.dup2({end}, 4); os.execv(sys.argv[1], sys.argv[1:])"
        command = [program, "--headless", "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}"]
        command += ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server"]
        command += ["--disable-background-networking", "--force-color-profile=srgb", "--window-size=800,600"]
        self._log = folder / "chromium.log"
        with theirs, self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", start, *command],
                pass_fds=[end],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._reader: Tab | None = None

    def close(self) -> None:
        with contextlib.suppress(OSError, AssertionError):
            self.ask("Browser.close")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._ours.close()

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """The answer to one command; events that come before it are passed over."""
        self._count += 1
        command = {"id": self._count, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        self._ours.sendall(json.dumps(command).encode() + b"\0")
        while (message := self._message(method)).get("id") != self._count:
            pass
        assert "error" not in message, (method, message)
        return message["result"]

    def _message(self, method: str) -> dict[str, Any]:
        while b"\0" not in self._held:
            try:
                data = self._ours.recv(1 << 16)
            except TimeoutError:
                pytest.fail(f"The browser did not answer {method} in {WAIT:.0f} s: nothing of the page came.")
            assert data, f"The browser ended at {method}:\n{self._log.read_text(errors='replace')[-2000:]}"
            self._held += data
        message, _, self._held = self._held.partition(b"\0")
        return json.loads(message)

    def tab(self) -> Tab:
        """A new, empty page, in front of all others: one behind is not painted."""
        if self._reader is None:
            self._reader = self._tab()
        return self._tab()

    def _tab(self) -> Tab:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        return Tab(self, self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    def colours(self, image: str, places: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Red, green and blue at each place of a PNG in base64."""
        assert self._reader is not None
        return self._reader.run(f"{PIXELS}({json.dumps(image)}, {json.dumps(places)})")


class Tab:
    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def open(self, url: str) -> None:
        """Go to `url`. Returns when its document has begun."""
        result = self._browser.ask("Page.navigate", self._session, url=url)
        assert "errorText" not in result, result

    def run(self, script: str) -> Any:
        """The value of a script, awaited if it is a promise."""
        answer = self._browser.ask(
            "Runtime.evaluate", self._session, expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def text(self, selector: str) -> str | None:
        """The text of an element; None if there is none, or none that can be seen."""
        return self.run(f"{TEXT}({json.dumps(selector)})")

    def colours(self, *places: tuple[int, int]) -> list[list[int]]:
        """Red, green and blue of what is on the screen at each place."""
        image = self._browser.ask("Page.captureScreenshot", self._session, format="png")["data"]
        return self._browser.colours(image, places)


@pytest.fixture
def browser(needs: Callable[[str, str], str], tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(needs("chromium", "apt-get install chromium"), tmp_path)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    need("fastapi")
    site = tmp_path / "site"
    for name, text in {
        "main.py": MAIN,
        "pyproject.toml": "[tool.ondemand]\n",
        "templates/shown.mako": SHOWN,
        "pages/file.mako": FILE + SHOWN,
    }.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    with running("uvicorn", site) as started:
        yield started


@pytest.mark.parametrize("path", ["/file", "/route"])
def test_the_first_part_is_painted_while_the_rest_waits(path: str, browser: Browser, server: Server) -> None:
    tab, places = browser.tab(), [(400, 100), (400, 350)]
    assert tab.colours(*places) == [WHITE, WHITE]
    tab.open(f"http://127.0.0.1:{server.port}{path}")
    painted = tab.run(PAINTED)
    assert painted > 0
    assert tab.text("#first") == "The first part", server.said()
    assert tab.text("#rest") is None
    assert tab.run("document.readyState") == "loading"
    assert tab.colours(*places) == [RED, WHITE]

    assert server.ask("/release").status == 200
    tab.run(LOADED)
    assert tab.text("#rest") == "After it"
    assert "The rest" in tab.run("document.body.textContent")
    assert tab.colours(*places) == [RED, GREEN]
    assert tab.run(PAINTED) == painted  # still the same document
