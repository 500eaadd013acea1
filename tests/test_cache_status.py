"""Cache-Status (RFC 9211): what a snapshot says of itself, and that nothing else says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ondemand import Response as OurResponse
from ondemand import Rule, prerender
from tests.asking import Answer, Wrap, ask
from tests.conftest import Build

OURS = 'ondemand; hit; detail="000001"'
"""A List with one Item: a Token with a Boolean and a String (RFC 8941 sections 3.1 to 3.3)."""


async def home(request: Request) -> Response:
    return HTMLResponse("<a href='/inner'>in</a><a href='/old'>old</a><a href='/members'>m</a>" + "word " * 100)


async def inner(request: Request) -> Response:
    return HTMLResponse("<p>inner</p>", headers={"Cache-Status": "Inner; fwd=miss; stored"})


@prerender
async def old(request: Request) -> Response:
    return RedirectResponse("/", 301)


async def members(request: Request) -> Response:
    return HTMLResponse("<p>members</p>")


async def missing(request: Request) -> Response:
    return HTMLResponse("<p>not here</p>", 404)


@prerender(False)
async def live(request: Request) -> Any:
    return OurResponse(None, 404)


async def members_only(page: Any) -> Any:
    return None if page.cookies.get("member") else OurResponse("who are you", 401)


PATHS = {"/": home, "/inner": inner, "/old": old, "/members": members, "/404": missing, "/live": live}
RULES = {"/members": Rule(guard=members_only)}


def make(wrap: Wrap, dist: Path, **settings: Any) -> Any:
    app = Starlette(routes=[Route(path, page) for path, page in PATHS.items()])
    return wrap(app, dist=dist, snapshots=True, rules=RULES, **settings)


@pytest.fixture
def site(wrap: Wrap, dist: Path, built: Build) -> Any:
    report = built(make(wrap, dist))
    assert not report.failed, report.findings
    return make(wrap, dist)


def status_of(answer: Answer) -> str | None:
    return answer.header("cache-status")


@pytest.mark.parametrize(
    ("target", "asking", "status"),
    [
        ("/", {}, 200),
        ("/", {"accept-encoding": "gzip"}, 200),
        ("/?utm_source=x", {}, 200),
        ("/", {"if-none-match": "*"}, 304),
        ("/", {"range": "bytes=0-1"}, 206),
        ("/", {"range": "bytes=9000-"}, 416),
        ("/", {"if-match": '"other"'}, 412),
        ("/old", {}, 301),
        ("/404", {}, 404),
        ("/members", {"cookie": "member=1"}, 200),
    ],
)
def test_every_answer_of_a_snapshot_says_so(site: Any, target: str, asking: dict[str, str], status: int) -> None:
    for method in ("GET", "GET", "HEAD"):  # the second is the hot path's
        if method == "HEAD" and "range" in asking:
            continue
        answer = ask(site, target, method=method, headers=asking)
        assert (answer.status, status_of(answer)) == (status, OURS)


def test_ours_stands_behind_what_caches_nearer_to_the_app_said(site: Any) -> None:
    assert status_of(ask(site, "/inner")) == f"Inner; fwd=miss; stored, {OURS}"


@pytest.mark.parametrize(
    ("target", "options", "status"),
    [
        ("/live", {}, 404),  # the body is that of the snapshot of /404: the request was no hit
        ("/nothing", {}, 404),
        ("/?q=1", {}, 200),
        ("/", {"headers": {"hx-request": "true"}}, 200),
        ("/", {"method": "POST"}, 405),
        ("/members", {}, 401),  # the guard's answer
    ],
)
def test_what_the_app_answers_has_no_header_of_ours(
    site: Any, target: str, options: dict[str, Any], status: int
) -> None:
    answer = ask(site, target, **options)
    assert (answer.status, status_of(answer)) == (status, None)


def test_an_answer_says_which_generation_it_is_of(wrap: Wrap, dist: Path, built: Build) -> None:
    for name in ("000001", "000002"):
        assert built(make(wrap, dist)).generation == name
        assert status_of(ask(make(wrap, dist), "/")) == f'ondemand; hit; detail="{name}"'
