"""Links to other sites: what is asked, what it says about the link, what is remembered."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ondemand import OnDemand
from ondemand.errors import StoreError
from ondemand.prerendering.external import AT_ONCE, GOOD_FOR, PER_HOST, Asking, Checked, check
from tests.asking import write_site
from tests.conftest import Build
from tests.test_build import starlette
from tests.test_cli import ondemand
from tests.test_links import told

NOW = 1_800_000_000.0


class Site:
    """A server of other people's pages on 127.0.0.1."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.at_once: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.gate = threading.Event()
        self.gate.set()
        self.ended = threading.Event()
        self.lock = threading.Lock()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                host = self.headers["host"]
                with site.lock:
                    site.asked.append(f"{self.command} {self.path}")
                    site.headers.append({name.lower(): value for name, value in self.headers.items()})
                    for name in (host, "all"):
                        site.at_once[name] += 1
                        site.most[name] = max(site.most[name], site.at_once[name])
                site.gate.wait(10)
                with site.lock:
                    for name in (host, "all"):
                        site.at_once[name] -= 1
                name = self.path.partition("?")[0].strip("/")
                if name == "hangs-up-on-head" and self.command == "HEAD":
                    self.close_connection = True
                    return
                if name == "silent":
                    site.ended.wait(10)
                    self.close_connection = True
                    return
                status, location = 200, ""
                if name.isdigit():
                    status = int(name)
                elif name.startswith("get-only-"):
                    status = int(name.removeprefix("get-only-")) if self.command == "HEAD" else 200
                elif name.startswith("hop-"):
                    count = int(name.removeprefix("hop-"))
                    status, location = (302, f"/hop-{count - 1}") if count else (200, "")
                elif name == "to-404":
                    status, location = 301, "/404"
                elif name == "to-file":
                    status, location = 302, "file:///etc/passwd"
                elif name == "cookie":
                    status, location = 302, "/after-cookie"
                self.send_response(status)
                if location:
                    self.send_header("location", location)
                if name == "cookie":
                    self.send_header("set-cookie", "a=b; Path=/")
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_HEAD = answer

            def log_message(self, *arguments: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def end(self) -> None:
        self.gate.set()
        self.ended.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    made = Site()
    yield made
    made.end()


def checked(site: Site, folder: Path, *paths: str, now: float = NOW, **options: Any) -> Checked:
    asking = Asking(**{"allow_private": True, **options})
    return check([site.url + path for path in paths], asking, cache=folder / ".ondemand" / "links.json", now=now)


@pytest.mark.parametrize(
    ("path", "verdict", "asked"),
    [
        ("/200", "good", ["HEAD /200"]),
        ("/204", "good", ["HEAD /204"]),
        ("/404", "it answers 404", ["HEAD /404", "GET /404"]),
        ("/410", "it answers 410", ["HEAD /410", "GET /410"]),
        ("/429", "unchecked: it answers 429", ["HEAD /429", "GET /429"]),
        ("/503", "unchecked: it answers 503", ["HEAD /503", "GET /503"]),
        ("/403", "unchecked: it answers 403", ["HEAD /403", "GET /403"]),
        ("/get-only-405", "good", ["HEAD /get-only-405", "GET /get-only-405"]),
        ("/get-only-404", "good", ["HEAD /get-only-404", "GET /get-only-404"]),
        ("/hangs-up-on-head", "good", ["HEAD /hangs-up-on-head", "GET /hangs-up-on-head"]),
        ("/hop-5", "good", [f"HEAD /hop-{count}" for count in (5, 4, 3, 2, 1, 0)]),
        ("/hop-6", "unchecked: it redirects more than 5 times", [f"HEAD /hop-{count}" for count in (6, 5, 4, 3, 2, 1)]),
        ("/to-404", "it answers 404", ["HEAD /to-404", "HEAD /404", "GET /to-404", "GET /404"]),
        ("/to-file", "unchecked: it redirects to file:", ["HEAD /to-file"]),
        ("/cookie", "good", ["HEAD /cookie", "HEAD /after-cookie"]),
    ],
)
def test_what_an_answer_says_about_the_link(
    path: str, verdict: str, asked: list[str], site: Site, tmp_path: Path
) -> None:
    found = checked(site, tmp_path, path, path)
    why = found.broken.get(site.url + path) or found.unchecked.get(site.url + path)
    prefix = "unchecked: " if found.unchecked else ""
    assert (prefix + why if why else "good") == verdict
    assert site.asked == asked
    assert all({"cookie", "authorization"}.isdisjoint(headers) for headers in site.headers)


def test_a_server_that_says_nothing_was_not_checked(site: Site, tmp_path: Path) -> None:
    found = checked(site, tmp_path, "/silent", timeout=0.2)
    assert found.unchecked == {f"{site.url}/silent": "it did not answer in 0.2 seconds"}
    site.end()
    assert list(checked(site, tmp_path, "/200").unchecked) == [f"{site.url}/200"]  # refused: it may be back tomorrow


@pytest.mark.parametrize(
    ("error", "broken", "unchecked"),
    [
        (socket.EAI_NONAME, "its host does not exist", None),
        (socket.EAI_AGAIN, None, "its host could not be looked up"),
    ],
)
def test_a_host_that_does_not_exist(error: int, broken: str | None, unchecked: str | None, tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> Iterable[str]:
        assert (host, port) == ("no.such.test", 443)
        raise socket.gaierror(error, "no")

    url = "https://no.such.test/"
    found = check([url], Asking(resolve=resolve), cache=tmp_path / "c", now=NOW)
    assert (found.broken.get(url), found.unchecked.get(url)) == (broken, unchecked)


PRIVATE = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1", "0.0.0.0", "224.0.0.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_this_machine_and_its_network_are_never_asked(address: str, tmp_path: Path, site: Site) -> None:
    async def resolve(host: str, port: int) -> Iterable[str]:
        return ["93.184.215.14", address]

    url = site.url.replace("127.0.0.1", "localhost") + "/200"
    found = check([url], Asking(resolve=resolve), cache=tmp_path / "c", now=NOW)
    assert found.unchecked == {url: "its host is of this machine or network"}
    assert site.asked == []


def test_a_redirect_to_this_machine_is_not_followed(tmp_path: Path, site: Site) -> None:
    hosts: list[str] = []

    async def resolve(host: str, port: int) -> Iterable[str]:
        hosts.append(host)
        return ["93.184.215.14"] if len(hosts) == 1 else ["127.0.0.1"]

    found = check([site.url + "/hop-1"], Asking(resolve=resolve), cache=tmp_path / "c", now=NOW)
    assert list(found.unchecked.values()) == ["its host is of this machine or network"]
    assert site.asked == ["HEAD /hop-1"]


def test_a_url_with_a_user_is_not_asked(tmp_path: Path, site: Site) -> None:
    url = site.url.replace("//", "//me:secret@")
    assert check([url], Asking(allow_private=True), cache=tmp_path / "c", now=NOW).unchecked == {url: "it names a user"}
    assert site.asked == []


def test_a_host_is_asked_for_two_at_a_time_and_all_for_eight(tmp_path: Path, site: Site) -> None:
    served = [ThreadingHTTPServer(("127.0.0.1", 0), site.server.RequestHandlerClass) for _ in range(5)]
    ports = [server.server_port for server in (site.server, *served)]
    urls = [f"http://127.0.0.1:{port}/200?{n}" for port in ports for n in range(4)]
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,)) for server in served]
    for thread in threads:
        thread.start()
    site.gate.clear()

    def open_gate() -> None:
        deadline = time.monotonic() + 5
        while site.at_once["all"] < AT_ONCE and time.monotonic() < deadline:
            time.sleep(0.01)
        site.gate.set()

    opener = threading.Thread(target=open_gate)
    opener.start()
    try:
        found = check(urls, Asking(allow_private=True), cache=tmp_path / "c", now=NOW)
    finally:
        opener.join()
        for server, thread in zip(served, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
    assert (found.asked, found.broken, found.unchecked) == (24, {}, {})
    assert site.most["all"] == AT_ONCE
    assert max(count for host, count in site.most.items() if host != "all") == PER_HOST


# --- the cache


def test_what_worked_is_not_asked_again_for_seven_days_and_what_is_broken_always(tmp_path: Path, site: Site) -> None:
    for now, asked in [
        (NOW, ["/200", "/404", "/503"]),
        (NOW + GOOD_FOR - 1, ["/404", "/503"]),
        (NOW + GOOD_FOR, ["/200", "/404", "/503"]),
        (NOW - 1, ["/200", "/404", "/503"]),  # a clock that was set back
    ]:
        site.asked.clear()
        found = checked(site, tmp_path, "/200", "/404", "/503", now=now)
        assert sorted({request.split()[1] for request in site.asked}) == asked
        assert (found.asked, len(found.broken), len(found.unchecked)) == (len(asked), 1, 1)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"links": []}', '{"links": {"x": "y"}}', '{"links": {"x": null}}'])
def test_a_cache_that_is_none_is_written_anew(text: str, tmp_path: Path, site: Site) -> None:
    cache = tmp_path / ".ondemand" / "links.json"
    cache.parent.mkdir()
    cache.write_text(text)
    assert checked(site, tmp_path, "/200").broken == {}
    assert json.loads(cache.read_text()) == {"ondemand": 1, "links": {f"{site.url}/200": NOW}}
    assert [file.name for file in cache.parent.iterdir()] == ["links.json"]


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path, site: Site) -> None:
    (tmp_path / ".ondemand").write_text("a file")
    with pytest.raises(StoreError, match=r"links\.json cannot be written"):
        checked(site, tmp_path, "/200")


# --- as part of a check


def test_links_to_other_sites_are_told_with_everyone_who_has_them(
    dist: Path, tmp_path: Path, site: Site, built: Build
) -> None:
    pages = {
        "/": f'<a href="{site.url}/404#x">1</a>\n<a rel="external" href="{site.url}/410">2</a><a href="/b">b</a>'
        f'<img src="{site.url}/200"><a href="mailto:a@b.c"><a href="{site.url}/503"><a href="#own">'
        f'<form method="post" action="{site.url}/post"></form><template><a href="{site.url}/no"></template>',
        "/b": f'\n\n<a href="{site.url}/404">1</a><i id="own"></i><a href="javascript:no()"><use href="#own">',
    }
    pages["/"] += '<i id="own"></i>'
    app = OnDemand(starlette(pages), dist=dist, findings={"address": "ignore"})
    assert built(app, publish=False).findings == []
    assert site.asked == []
    asking = Asking(cache=tmp_path / "links.json", allow_private=True)
    report = built(app, external=asking, now=lambda: NOW, publish=False)
    assert told(report) == [("external-link", "", ["/:1", "/b:3"]), ("external-link", "", ["/:2"])]
    assert [(row.policy, row.message) for row in report.findings] == [
        ("warn", f"{site.url}/404 leads nowhere: it answers 404."),
        ("warn", f"{site.url}/410 leads nowhere: it answers 410."),
    ]
    assert report.to_json()["unchecked"] == [{"url": f"{site.url}/503", "why": "it answers 503"}]
    assert not report.failed
    assert {request.split()[1] for request in site.asked} == {"/404", "/410", "/200", "/503"}
    assert json.loads((tmp_path / "links.json").read_text())["links"] == {f"{site.url}/200": NOW}
    assert built(app, external=asking, strict=True, publish=False).failed


def test_the_command_says_what_it_could_not_check_and_does_not_fail(tmp_path: Path, site: Site) -> None:
    page = f"@app.get('/')\nasync def home() -> HTMLResponse:\n    return HTMLResponse('<a href=\"{site.url}/404\">x</a>')\n"
    source = (
        "from fastapi import FastAPI\nfrom fastapi.responses import HTMLResponse\nfrom ondemand import OnDemand\n"
        f"app = FastAPI()\n{page}app.add_middleware(OnDemand, findings={{'address': 'ignore'}})\n"
    )
    folder = write_site(tmp_path / "site", source)
    done = ondemand(folder, "check", "--external", "--strict")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == (
        f"1 external link could not be checked: {site.url}/404 (its host is of this machine or network)"
    )
    assert site.asked == []
    assert json.loads((folder / ".ondemand" / "links.json").read_text())["links"] == {}
