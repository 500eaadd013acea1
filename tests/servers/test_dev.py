"""`ondemand dev` as a developer uses it: started, looked at in a browser, its files changed, stopped."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.asking import write_site
from tests.servers.running import START, environment, need
from tests.servers.test_browser import LOADED, Browser

SITE = """
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from ondemand import OnDemand, prerender

app = FastAPI()


@app.get("/live")
@prerender(False)
async def live():
    return HTMLResponse("first")


app.add_middleware(OnDemand, pages="pages", templates="pages")
"""


class Dev:
    """A running `ondemand dev`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        need("uvicorn")
        need("fastapi")
        self._log = folder.parent / "dev.log"
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", "ondemand", "dev", "--port", "0", *arguments],
                cwd=folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        found = self.until(lambda: re.search(r"at (http://\S+)/ ", self.said()), "its address")
        self.address: str = found.group(1)
        self.until(lambda: "startup complete" in self.said(), "its start")

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def until(self, true: Callable[[], Any], what: str) -> Any:
        """Wait for what comes when a file has changed. Each try waits for the one before."""
        end = time.monotonic() + START
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if found := true():
                    return found
            time.sleep(0.05)
        pytest.fail(f"No sign of {what}:\n{self.said()[-3000:]}")

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.address + path, timeout=5, trust_env=False, **options)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_site(tmp_path / "site", SITE)
    (folder / "pages").mkdir()
    (folder / "pages" / "index.mako").write_text("<a href='/live'>live</a>")
    return folder


@pytest.fixture
def dev(folder: Path) -> Iterator[Dev]:
    started = Dev(folder)
    try:
        yield started
    finally:
        started.stop()


def test_what_is_changed_is_served(dev: Dev, folder: Path) -> None:
    need("watchfiles")
    assert dev.get("/live").text == "first"
    (folder / "main.py").write_text(SITE.replace('"first"', '"second"'))
    dev.until(lambda: dev.get("/live").text == "second", "the new code")
    (folder / "main.py").write_text(SITE + "1 / 0\n")
    dev.until(lambda: f"{folder / 'main.py'}:16 in <module>: 1 / 0" in dev.said(), "the fault")
    assert "Traceback" not in dev.said()
    (folder / "main.py").write_text(SITE)
    dev.until(lambda: dev.get("/live").text == "first", "the corrected code")
    (folder / "pages" / "new.mako").write_text("a new page")
    dev.until(lambda: dev.get("/new").text.strip() == "a new page", "the new page")
    (folder / "pages" / "new.mako").write_text("another text")
    dev.until(lambda: dev.get("/new").text.strip() == "another text", "its change")
    assert "snapshots are off (ondemand dev)" in dev.said()
    assert dev.stop() == 0
    assert "Traceback" not in dev.said()


def test_the_page_that_says_why(dev: Dev) -> None:
    answer = dev.get("/_ondemand/why", params={"path": "/live"})
    assert answer.status_code == 200
    assert "GET /live is rendered on demand: @prerender(False) at main.py:9." in answer.text
    assert dev.get("/_ondemand/why", headers={"host": "evil.example"}).status_code == 404
    assert "what answers each path, and why: /_ondemand/why" in dev.said()


def test_the_page_in_a_browser(dev: Dev, needs: Callable[[str, str], str], tmp_path: Path) -> None:
    browser = Browser(needs("chromium", "apt-get install chromium"), tmp_path)
    try:
        tab = browser.tab()
        tab.open(f"{dev.address}/_ondemand/why?path=/%3Cb%3E")
        tab.run(LOADED)
        assert tab.text("h1") == "GET /<b> answers 404: no route has this path."
        assert tab.run("document.querySelectorAll('b, script').length") == 0
        wanted = json.dumps("rgb(107, 114, 128)")  # its style is let in by its own policy
        tab.run("document.querySelector('a[href$=\"/live\"]').click()")
        dev.until(lambda: "GET /live is" in (tab.text("h1") or ""), "the explanation of the link")
        assert tab.run(f"getComputedStyle(document.querySelector('th')).color === {wanted}")
        assert tab.run("document.querySelector('input').value") == "/live"
        tab.run("document.querySelector('input').value = '/'; document.querySelector('form').submit()")
        dev.until(lambda: "GET / is rendered on demand: nothing is published" in (tab.text("h1") or ""), "the form")
    finally:
        browser.close()
