"""The page of `ondemand dev`: what it shows, and who gets to see it."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ondemand import OnDemand, Pages, prerender
from tests.asking import Answer, Wrap, ask
from tests.conftest import Build

WHY = "/_ondemand/why"
TAGS = {"html", "meta", "title", "style", "form", "input", "button", "h1", "h2", "table", "tr", "th", "td", "div", "p"}
TAGS |= {"code", "a"}


async def home(request: Request) -> Response:
    return HTMLResponse("<a href='/about'>about</a>")


@prerender(False)
async def live(request: Request) -> Response:
    return HTMLResponse("live")


def make(wrap: Wrap, **settings: Any) -> Any:
    return wrap(Starlette(routes=[Route("/", home), Route("/about", home), Route("/li<v>e", live)]), **settings)


def asked(
    app: Any, target: str = WHY, *, client: Any = ("127.0.0.1", 5), method: str = "GET", **headers: str
) -> Answer:
    fields = {"host": "localhost:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return ask(app, target, method=method, headers=fields, client=client)


@pytest.fixture
def developed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDEMAND_DEV", f"{os.getppid()} main:app")


class Text(HTMLParser):
    """What a browser would show, and the elements that it would make."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.tags, self.links = "", set[str](), list[str]()
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.text += data + "|"

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name == "href"]


@pytest.mark.parametrize("said", [None, "", "main:app", f"{os.getppid() + 1} main:app", f"{os.getpid()} main:app", " "])
def test_it_is_not_there_unless_ondemand_dev_started_this_very_process(
    said: str | None, wrap: Wrap, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said is not None:
        monkeypatch.setenv("ONDEMAND_DEV", said)
    app = make(wrap, dist=dist, debug=True)
    assert (asked(app).status, asked(app).text) == (404, "Not Found")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, 200),
        ({"client": ("::1", 5), "host": "[::1]:8000"}, 200),
        ({"client": ("::ffff:127.0.0.1", 5)}, 200),
        ({"host": "127.0.0.1"}, 200),
        ({"client": ("192.168.0.7", 5)}, 404),
        ({"client": None}, 404),
        ({"client": ("", 5)}, 404),
        ({"host": "evil.example"}, 404),  # a name of theirs that leads to this machine
        ({"host": "localhost.evil.example"}, 404),
        ({"host": "127.0.0.1.evil.example"}, 404),
        ({"host": ""}, 404),
        ({"x_forwarded_for": "127.0.0.1"}, 404),
        ({"forwarded": "for=127.0.0.1"}, 404),
        ({"method": "POST"}, 404),
    ],
)
@pytest.mark.usefixtures("developed")
def test_it_is_for_who_sits_at_this_machine(options: dict[str, Any], status: int, wrap: Wrap, dist: Path) -> None:
    assert asked(make(wrap, dist=dist), **options).status == status


@pytest.mark.usefixtures("developed")
def test_it_lists_the_routes_and_explains_a_path(wrap: Wrap, dist: Path, built: Build) -> None:
    before = Text(asked(make(wrap, dist=dist), f"{WHY}?path=/").text)
    assert "GET / is rendered on demand: nothing is published in" in before.text
    assert before.links == ["why?path=/", "why?path=/about", "why?path=/li%253Cv%253Ee"]
    assert "|on demand|@prerender(False) at " in before.text
    assert not built(make(wrap, dist=dist)).failed
    app = make(wrap, dist=dist)
    # pytest turns snapshots off by itself: what a server does is told
    assert "snapshots are off (this is a test; " in Text(asked(app, f"{WHY}?path=/about").text).text
    app = make(wrap, dist=dist, snapshots=True)
    assert "from a snapshot of generation 000001" in Text(asked(app, f"{WHY}?path=%2Fabout").text).text
    assert ask(app, "/about").header("cache-status")  # snapshots=True is said on purpose


@pytest.mark.usefixtures("developed")
def test_everything_in_it_is_escaped(wrap: Wrap, dist: Path) -> None:
    for path in ("/<script>alert(1)</script>", '/"><img src=x>', "/li<v>e", "</title><b>", "/&amp;"):
        answer = asked(make(wrap, dist=dist), f"{WHY}?path={quote(path, safe='')}")
        page = Text(answer.text)
        assert page.tags <= TAGS
        assert path in page.text
        assert answer.header(
            "content-security-policy",
        ).startswith("default-src 'none';")  # type: ignore[union-attr]
        assert answer.header("cache-control") == "no-store"


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 200, "Routes"),
        ("?path=", 200, "Routes"),
        ("?path=about", 400, "'about' is no path. Write it as /about"),
        ("?path=/%00", 200, "answers 404: no route has this path."),
        ("?path=%ff", 400, "is no path"),
        ("?path=http://localhost:8000/about", 200, "GET http://localhost:8000/about is rendered on demand"),
        ("?x=1&path=/about&path=/", 200, "GET /about is"),
    ],
)
@pytest.mark.usefixtures("developed")
def test_any_query_gets_an_answer(query: str, status: int, words: str, wrap: Wrap, dist: Path) -> None:
    answer = asked(make(wrap, dist=dist), WHY + query)
    assert (answer.status, words in Text(answer.text).text) == (status, True), answer.text


@pytest.mark.usefixtures("developed")
def test_it_lies_below_base_and_head_has_no_body(wrap: Wrap, dist: Path) -> None:
    app = make(wrap, dist=dist, base="/shop")
    assert asked(app).status == 404
    whole, head = asked(app, f"/shop{WHY}?path=/shop/about"), asked(app, f"/shop{WHY}?path=/shop/about", method="HEAD")
    assert "GET /shop/about is rendered" in Text(whole.text).text
    assert (head.status, head.body, head.header("content-length")) == (200, b"", str(len(whole.body)))


@pytest.mark.usefixtures("developed")
def test_under_dev_failures_are_shown_and_snapshots_are_off(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Pages()

    @pages.page("/")
    async def broken(page: Any) -> str:
        raise LookupError("no such shelf")

    assert "LookupError: no such shelf" in asked(OnDemand(pages=pages, dist=dist), "/").text
    assert "no such shelf" not in asked(OnDemand(pages=pages, dist=dist, debug=False), "/").text
    site = OnDemand(pages=pages, dist=dist).site()
    assert (site.debug, site.published) == (True, None)
    monkeypatch.setenv("ONDEMAND_SNAPSHOTS", "1")
    assert OnDemand(pages=pages, dist=dist).site().published is not None
