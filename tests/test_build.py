"""A build: what it visits, what it keeps, what it refuses, and what it says."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ondemand import OnDemand, Rule, StaticPath, build, is_building, prerender
from ondemand.prerendering.report import Finding, Report
from ondemand.snapshots.store import Store
from tests.asking import ask, is_snapshot, write_site
from tests.conftest import Build


def starlette(pages: dict[str, Any], **more: Any) -> Starlette:
    """An app of pages: a text is an HTML document, a response is itself, a function is the endpoint."""
    return Starlette(routes=[Route(path, endpoint(page)) for path, page in pages.items()], **more)


def endpoint(page: Any) -> Any:
    if callable(page) and not isinstance(page, Response):
        return page

    async def answer(request: Request) -> Response:
        return HTMLResponse(page) if isinstance(page, str) else page

    return answer


def found(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


def files(dist: Path) -> list[str]:
    site = dist / (dist / "CURRENT").read_text().strip() / "site"
    return sorted(str(file.relative_to(site)) for file in site.rglob("*") if file.is_file())


# --- visiting


def test_follows_links_from_the_home_page(dist: Path, built: Build) -> None:
    pages = {"/": '<a href="/a">a</a>', "/a": '<a href="b/c?x=1#top">', "/b/c": "end", "/unlinked": "never"}
    report = built(OnDemand(starlette(pages), dist=dist))
    assert report.findings == []
    assert files(dist) == ["a/index.html", "b/c/index.html", "index.html"]


def test_other_origins_and_schemes_are_left_alone(dist: Path, built: Build) -> None:
    links = "".join(
        f'<a href="{url}">x</a>'
        for url in ("at://did/x", "//host/x", "mailto:a@b.c", "javascript:void(0)", "https://other.test/x", "tel:1")
    )
    links += '<a rel="external" href="/gone">x</a><span data-ondemand-ignore><a href="/gone2">x</a></span>'
    report = built(OnDemand(starlette({"/": links}), dist=dist))
    assert report.findings == []
    assert report.pages == 1


def test_absolute_links_to_the_sites_own_origin_are_internal(dist: Path, built: Build) -> None:
    pages = {"/": '<a href="https://example.com/a">a</a>', "/a": "a"}
    assert built(OnDemand(starlette(pages), dist=dist, site="https://example.com")).pages == 2


def test_what_pages_and_style_sheets_need_is_followed(dist: Path, built: Build) -> None:
    css = Response('@import "more.css"; b{background:url(pic.png)}', media_type="text/css")
    more = Response("i{}", media_type="text/css")
    image = Response(b"png", media_type="image/png")
    pages = {
        "/": '<link rel="stylesheet" href="/s/a.css"><img srcset="/x1.png 1x, /x2.png 2x">'
        '<meta property="og:image" content="/og.png"><video poster="/poster.png"></video>'
        '<link rel="manifest" href="/app.webmanifest"><link rel="modulepreload" href="/m.js">',
        "/s/a.css": css,
        "/s/more.css": more,
        **dict.fromkeys(("/s/pic.png", "/x1.png", "/x2.png", "/og.png", "/poster.png"), image),
        "/app.webmanifest": Response("{}", media_type="application/manifest+json"),
        "/m.js": Response("1", media_type="text/javascript"),
    }
    report = built(OnDemand(starlette(pages), dist=dist))
    assert report.findings == []
    assert set(files(dist)) >= {
        "s/a.css",
        "s/more.css",
        "s/pic.png",
        "x1.png",
        "x2.png",
        "og.png",
        "poster.png",
        "m.js",
    }


def test_a_mount_of_static_files_is_copied_whole_once_a_page_links_to_it(
    dist: Path, tmp_path: Path, built: Build
) -> None:
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / "deep").mkdir(parents=True)
        (folder / "style.css").write_text("b{}" * 100)
        (folder / "deep" / "unlinked.txt").write_text("here")
    (tmp_path / "one" / ".hidden").write_text("secret")
    (tmp_path / "one" / "link").symlink_to("/etc/passwd")
    app = Starlette(
        routes=[
            Route("/", endpoint('<link rel="stylesheet" href="/static/style.css">')),
            Mount("/static", StaticFiles(directory=tmp_path / "one")),
            Mount("/other", StaticFiles(directory=tmp_path / "two")),
        ]
    )
    wrapped = OnDemand(app, dist=dist, snapshots=True)
    report = built(wrapped)
    assert [finding.kind for finding in report.findings] == ["public"]
    assert report.findings[0].path == "/static/link"
    assert "static/deep/unlinked.txt" in files(dist)
    assert not any(name.startswith(("other", "static/.hidden", "static/link")) for name in files(dist))
    assert ask(wrapped, "/static/deep/unlinked.txt").text == "here"
    assert is_snapshot(ask(wrapped, "/static/style.css"))


def test_links_to_pages_on_demand_are_checked_without_a_request(dist: Path, built: Build) -> None:
    asked: list[str] = []

    @prerender(False)
    async def live(request: Request) -> HTMLResponse:
        asked.append(request.url.path)
        return HTMLResponse("live")

    app = starlette({"/": '<a href="/live/7">ok</a><a href="/nowhere">broken</a>', "/live/{n}": live})
    report = built(OnDemand(app, dist=dist))
    assert asked == []
    assert [(finding.kind, finding.path) for finding in report.findings] == [("broken-link", "/nowhere")]
    assert report.findings[0].referrers == ["/"]


def test_the_app_lives_one_lifespan_and_gets_a_fresh_copy_of_its_state(dist: Path, built: Build) -> None:
    events: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        events.append(f"start {is_building()}")
        yield {"db": "ready"}
        events.append("stop")

    async def page(request: Request) -> HTMLResponse:
        assert not hasattr(request.state, "dirty")
        request.state.dirty = True
        return HTMLResponse(f'{request.state.db}<a href="/b">b</a>')

    app = Starlette(routes=[Route("/", page), Route("/b", page)], lifespan=lifespan)
    report = built(OnDemand(app, dist=dist))
    assert report.findings == []
    assert events == ["start True", "stop"]
    assert not is_building()


def test_a_visit_carries_nothing_of_a_visitor(dist: Path, built: Build) -> None:
    seen: dict[str, Any] = {}

    async def page(request: Request) -> HTMLResponse:
        seen.update(headers=dict(request.headers), query=request.url.query, method=request.method, url=str(request.url))
        return HTMLResponse("page")

    built(OnDemand(starlette({"/": page}), dist=dist, site="https://example.com"))
    assert seen == {
        "headers": {"host": "example.com", "accept": "*/*", "accept-encoding": "identity"},
        "query": "",
        "method": "GET",
        "url": "https://example.com/",
    }


def test_pages_rendered_at_once_do_not_see_each_others_context(dist: Path, built: Build) -> None:
    current: contextvars.ContextVar[str] = contextvars.ContextVar("current", default="none")

    async def page(request: Request) -> HTMLResponse:
        before = current.get()
        current.set(request.url.path)
        await asyncio.sleep(0)
        return HTMLResponse(f"{before} {current.get()}")

    links = "".join(f'<a href="/{n}">x</a>' for n in range(16))
    wrapped = OnDemand(starlette({"/": links, "/{n}": page}), dist=dist, snapshots=True)
    assert built(wrapped).pages == 17
    for n in range(16):
        assert ask(wrapped, f"/{n}").text == f"none /{n}"


def test_an_app_without_lifespan_is_built_all_the_same(dist: Path, built: Build) -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "no lifespan here"
        body = b'<a href="/b">b</a>' if scope["path"] == "/" else b"b"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": body})

    assert built(OnDemand(bare, dist=dist)).pages == 2


# --- paths of routes with parameters


class Lazy:
    """Iterable once, entry by entry; counts how far it was asked."""

    def __init__(self, entries: list[Any]) -> None:
        self.entries = entries

    def __iter__(self) -> Iterator[Any]:
        return iter(self.entries)


ENTRIES = [StaticPath({"slug": "a"}), {"params": {"slug": "b"}}]


def as_list() -> list[Any]:
    return ENTRIES


def as_generator() -> Iterator[Any]:
    yield from ENTRIES


async def as_coroutine() -> list[Any]:
    return ENTRIES


async def as_async_generator() -> AsyncIterator[Any]:
    for entry in ENTRIES:
        yield entry


def with_context(context: Any) -> Iterator[Any]:
    assert context.route_pattern == "/p/{slug}"
    assert context.state["posts"] == ["a", "b"]
    assert context.app is not None
    yield from ENTRIES


@pytest.mark.parametrize(
    "paths", [ENTRIES, Lazy(ENTRIES), as_list, as_generator, as_coroutine, as_async_generator, with_context]
)
def test_paths_may_be_a_list_a_generator_sync_or_async_with_or_without_context(
    paths: Any, dist: Path, built: Build
) -> None:
    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
        yield {"posts": ["a", "b"]}

    @prerender(paths=paths)
    async def post(request: Request) -> HTMLResponse:
        return HTMLResponse(request.path_params["slug"])

    report = built(OnDemand(Starlette(routes=[Route("/p/{slug}", post)], lifespan=lifespan), dist=dist))
    assert report.findings == []
    assert files(dist) == ["p/a/index.html", "p/b/index.html"]


BAD_PARAMS = [
    "../../x",
    "..\\x",
    "/etc/passwd",
    "nul\0",
    "x" * 300,
    "",
    ".",
    "..",
    "a/b",
    "line\nbreak",
    "\ud800",
    "\ufffd",
    None,
    True,
    ["a"],
    1.5j,
]


@pytest.mark.parametrize("value", BAD_PARAMS, ids=repr)
def test_a_bad_param_is_refused_by_route_and_value_and_nothing_is_written_outside(
    value: Any, dist: Path, tmp_path: Path, built: Build
) -> None:
    @prerender(paths=lambda: [StaticPath({"slug": value}), StaticPath({"slug": "good"})])
    async def post(request: Request) -> HTMLResponse:
        return HTMLResponse("post")

    report = built(OnDemand(starlette({"/p/{slug}": post}), dist=dist))
    assert report.generation is None
    assert [finding.kind for finding in report.findings] == ["params"]
    assert "/p/{slug}" in report.findings[0].message
    assert repr(value)[:20] in report.findings[0].message
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} <= {".lock"}


@pytest.mark.parametrize("value", ["%2e%2e%2f", "50%", "a b", "café", "v1.2", "a%2Fb", "${7+7}", 0, 7])
def test_an_odd_param_is_decoded_exactly_once_at_build_and_at_request(value: Any, dist: Path, built: Build) -> None:
    @prerender(paths=lambda: [StaticPath({"slug": value})])
    async def post(request: Request) -> HTMLResponse:
        return HTMLResponse(f"[{request.path_params['slug']}]")

    wrapped = OnDemand(starlette({"/p/{slug}": post}), dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    answer = ask(wrapped, f"/p/{value}", raw_path=None)
    assert is_snapshot(answer)
    assert answer.text == f"[{value}]"


@pytest.mark.parametrize("value", ["../../pwned", "a/../../../pwned", "a/../b", "//evil/x/../.."])
def test_a_rest_param_stays_below_its_route(value: str, dist: Path, built: Build) -> None:
    @prerender(paths=lambda: [StaticPath({"rest": value})])
    async def doc(request: Request) -> HTMLResponse:
        return HTMLResponse("doc")

    report = built(OnDemand(starlette({"/d/{rest:path}": doc}), dist=dist))
    assert [finding.kind for finding in report.findings] == ["params"]


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (lambda: 7, "int"),
        (lambda: "abc", "str"),
        (lambda: [7], "7"),
        (lambda: [{"slug": "a"}], "slug"),
        (lambda: [StaticPath({})], "slug"),
        (lambda: [StaticPath({"slug": "a", "more": "b"})], "more"),
    ],
)
def test_paths_of_another_shape_are_a_finding(paths: Any, words: str, dist: Path, built: Build) -> None:
    @prerender(paths=paths)
    async def post(request: Request) -> HTMLResponse:
        return HTMLResponse("post")

    report = built(OnDemand(starlette({"/p/{slug}": post}), dist=dist))
    assert [finding.kind for finding in report.findings] == ["params"]
    assert words in report.findings[0].message


def test_paths_that_raise_show_the_users_line(dist: Path, built: Build) -> None:
    def paths() -> Iterator[StaticPath]:
        yield StaticPath({"slug": "a"})
        raise LookupError("no database")

    @prerender(paths=paths)
    async def post(request: Request) -> HTMLResponse:
        return HTMLResponse("post")

    report = built(OnDemand(starlette({"/p/{slug}": post}), dist=dist))
    assert "LookupError: no database" in report.findings[0].message
    assert "test_build.py" in report.findings[0].frames[-1]


def test_no_paths_are_no_pages(dist: Path, built: Build) -> None:
    @prerender(paths=list)
    async def post(request: Request) -> HTMLResponse:
        return HTMLResponse("post")

    report = built(OnDemand(starlette({"/": "home", "/p/{slug}": post}), dist=dist))
    assert (report.pages, report.findings) == (1, [])


def test_a_param_that_another_route_answers_is_a_collision(dist: Path, built: Build) -> None:
    @prerender(paths=[StaticPath({"slug": "about"})])
    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse("page")

    report = built(OnDemand(starlette({"/about": "about", "/{slug}": page}), dist=dist))
    assert [finding.kind for finding in report.findings] == ["collision"]
    assert "/about" in report.findings[0].message


def test_a_marked_route_that_nothing_leads_to_is_a_finding(dist: Path, built: Build) -> None:
    @prerender
    async def post(request: Request) -> HTMLResponse:
        return HTMLResponse("post")

    report = built(OnDemand(starlette({"/": "home", "/p/{slug}": post}), dist=dist))
    assert [(finding.kind, finding.route) for finding in report.findings] == [("unreached", "/p/{slug}")]


def test_a_closed_route_knows_only_its_paths(dist: Path, built: Build) -> None:
    @prerender(paths=[StaticPath({"slug": "a"})], unknown="404")
    async def post(request: Request) -> HTMLResponse:
        return HTMLResponse("post")

    app = starlette({"/": '<a href="/p/a">a</a>', "/p/{slug}": post, "/open": "open"})
    wrapped = OnDemand(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    assert is_snapshot(ask(wrapped, "/p/a"))
    assert ask(wrapped, "/p/b").status == 404
    assert ask(wrapped, "/open").status == 200

    app = starlette({"/": '<a href="/p/b">b</a>', "/p/{slug}": post})
    assert [(f.kind, f.path) for f in built(OnDemand(app, dist=dist)).findings] == [("broken-link", "/p/b")]


# --- faults


def test_every_fault_is_reported_with_everyone_who_links_to_it(dist: Path, built: Build) -> None:
    async def broken(request: Request) -> HTMLResponse:
        raise ValueError("no such table: books")

    pages = {
        "/": '<a href="/gone">1</a><a href="/raises">2</a><a href="/b">b</a><a href="/b#nope">3</a>',
        "/b": '<a href="/gone">1</a><a href="#here">4</a><p id="there">',
        "/raises": broken,
        "/five": "5",
    }
    report = built(OnDemand(starlette(pages), dist=dist))
    assert report.generation is None
    assert [(f.kind, f.path, list(f.referrers)) for f in report.findings] == [
        ("broken-fragment", "/b", ["/"]),
        ("broken-fragment", "/b", ["/b"]),
        ("broken-link", "/gone", ["/", "/b"]),
        ("error", "/raises", ["/"]),
    ]
    error = found(report, "error")[0]
    assert "ValueError: no such table: books" in error.message
    assert "test_build.py" in error.frames[-1]
    assert 'raise ValueError("no such table: books")' in error.frames[-1]
    assert not (dist / "CURRENT").exists()


def mid_stream(request: Request) -> StreamingResponse:
    async def body() -> AsyncIterator[bytes]:
        yield b"<p>one"
        raise RuntimeError("hunter2")

    return StreamingResponse(body(), media_type="text/html")


def never(request: Request) -> Any:
    async def wait() -> HTMLResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return wait()


async def never_ends(request: Request) -> HTMLResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def swallows_cancellation(request: Request) -> HTMLResponse:
    for _ in range(2):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    return HTMLResponse("at last")


def slow_thread(request: Request) -> HTMLResponse:
    time.sleep(1.0)
    return HTMLResponse("late")


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (Response(status_code=404), "status"),
        (Response("<p>gone", 410), "status"),
        (Response("<p>oops", 500), "status"),
        (Response("busy", 503), "status"),
        (Response(status_code=304), "status"),
        (Response(status_code=302), "status"),
        (Response(status_code=302, headers={"location": "javascript:alert(1)"}), "status"),
        (mid_stream, "error"),
        (never_ends, "timeout"),
        (swallows_cancellation, "timeout"),
        (slow_thread, "timeout"),
    ],
)
def test_a_marked_page_that_is_no_page_fails_and_leaves_nothing(
    page: Any, kind: str, dist: Path, tmp_path: Path, built: Build
) -> None:
    app = starlette({"/": "home", "/p": page})
    report = built(OnDemand(app, dist=dist, rules={"/p": Rule(prerender=True)}, page_timeout=0.3))
    assert [(finding.kind, finding.path) for finding in report.findings] == [(kind, "/p")]
    assert report.generation is None
    assert not list(tmp_path.rglob("*.html"))


def test_a_page_that_hangs_shows_where(dist: Path, built: Build) -> None:
    app = starlette({"/": never_ends})
    report = built(OnDemand(app, dist=dist, page_timeout=0.2))
    assert any("await asyncio.Event().wait()" in frame for frame in found(report, "timeout")[0].frames)


def test_a_marked_204_is_kept_as_it_is(dist: Path, built: Build) -> None:
    app = starlette({"/": "home", "/p": Response(status_code=204)})
    wrapped = OnDemand(app, dist=dist, snapshots=True, rules={"/p": Rule(prerender=True)})
    assert built(wrapped).findings == []
    assert ask(wrapped, "/p").status == 204


def test_a_policy_decides_for_each_kind_and_path(dist: Path, built: Build) -> None:
    pages = {"/": '<a href="/old/a">x</a><a href="/old/b">x</a><a href="/new">x</a>'}
    policies = {"broken-link": {"/old/**": "warn", "/old/b": "ignore"}}
    report = built(OnDemand(starlette(pages), dist=dist, findings=policies))
    assert [(f.path, f.policy) for f in report.findings] == [("/new", "fail"), ("/old/a", "warn")]
    report = built(OnDemand(starlette(pages), dist=dist, findings={"broken-link": "warn"}))
    assert report.generation == "000001"
    assert {finding.policy for finding in report.findings} == {"warn"}


def test_a_status_that_was_allowed_is_kept_and_replayed(dist: Path, built: Build) -> None:
    app = starlette({"/": "home", "/gone": Response("<p>gone", 410, media_type="text/html")})
    rules = {"/gone": Rule(prerender=True)}
    wrapped = OnDemand(app, dist=dist, snapshots=True, rules=rules, findings={"status": {"/gone": "ignore"}})
    assert built(wrapped).findings == []
    answer = ask(wrapped, "/gone", headers={"if-none-match": "*"})
    assert (answer.status, answer.text) == (410, "<p>gone")


def test_links_that_grow_for_ever_come_to_an_end(dist: Path, built: Build) -> None:
    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(f'<a href="{request.url.path.rstrip("/")}/next">next</a>')

    report = built(OnDemand(starlette({"/{rest:path}": page}), dist=dist))
    assert [finding.kind for finding in report.findings] == ["endless"]
    assert report.generation is None


def test_a_calendar_without_end_stops_at_the_limit(dist: Path, built: Build) -> None:
    async def day(request: Request) -> HTMLResponse:
        n = int(request.path_params["n"])
        return HTMLResponse(f'<a href="/day/{n + 1}">next</a><a href="?n={n}">x</a>')

    app = starlette({"/": '<a href="/day/1">1</a>', "/day/{n}": day})
    report = built(OnDemand(app, dist=dist, crawl_limit=50))
    assert [(finding.kind, finding.route) for finding in report.findings] == [("endless", "/day/{n}")]
    assert "50" in report.findings[0].message
    assert report.pages < 100


COLLISIONS = [
    ("/A", "/a"),
    ("/caf\u00e9", "/cafe\u0301"),
    ("/Stra\u00dfe", "/STRASSE"),
    ("/x.html", "/x.HTML"),
]


@pytest.mark.parametrize(("one", "two"), COLLISIONS)
def test_names_that_one_file_system_cannot_tell_apart_collide(one: str, two: str, dist: Path, built: Build) -> None:
    app = starlette({"/": f'<a href="{one}">1</a><a href="{two}">2</a>', one: "one", two: "two"})
    report = built(OnDemand(app, dist=dist))
    assert [finding.kind for finding in report.findings] == ["collision"]
    assert one in report.findings[0].message
    assert two in report.findings[0].message


@pytest.mark.parametrize("order", [["/feed", "/feed/x"], ["/feed/x", "/feed"]])
def test_a_file_where_a_folder_must_be_is_a_collision(order: list[str], dist: Path, built: Build) -> None:
    plain = Response("feed", media_type="text/plain")
    app = starlette({"/": "".join(f'<a href="{p}">x</a>' for p in order), "/feed": plain, "/feed/x": "x"})
    report = built(OnDemand(app, dist=dist, concurrency=1))
    assert [finding.kind for finding in report.findings] == ["collision"]


def test_a_page_and_the_pages_below_it_do_not_collide(dist: Path, built: Build) -> None:
    app = starlette({"/": '<a href="/x">x</a><a href="/x/y">y</a>', "/x": "x", "/x/y": "y"})
    assert built(OnDemand(app, dist=dist)).findings == []


def test_one_page_under_two_spellings_shares_a_file_if_both_answer_the_same(dist: Path, built: Build) -> None:
    app = starlette({"/": '<a href="/x">x</a><a href="/x/">y</a>', "/x": "x", "/x/": "x"})
    wrapped = OnDemand(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    assert ask(wrapped, "/x/").text == ask(wrapped, "/x").text == "x"


def test_one_page_under_two_spellings_is_a_collision_if_both_answer(dist: Path, built: Build) -> None:
    app = starlette({"/": '<a href="/x">x</a><a href="/x/">y</a>', "/x": "x", "/x/": "other"})
    assert [finding.kind for finding in built(OnDemand(app, dist=dist)).findings] == ["collision"]


@pytest.mark.parametrize("name", ["CON", "aux.txt", "NUL", "what?", "a:b", "end.", "a|b"])
def test_a_name_that_windows_refuses_fails_a_marked_page_and_may_be_allowed(
    name: str, dist: Path, built: Build
) -> None:
    @prerender(paths=[StaticPath({"slug": name})])
    async def post(request: Request) -> HTMLResponse:
        return HTMLResponse(request.path_params["slug"])

    report = built(OnDemand(starlette({"/p/{slug}": post}), dist=dist))
    assert [finding.kind for finding in report.findings] == ["name"]
    wrapped = OnDemand(starlette({"/p/{slug}": post}), dist=dist, snapshots=True, findings={"name": "ignore"})
    assert built(wrapped).findings == []
    assert is_snapshot(ask(wrapped, f"/p/{name}".partition("?")[0]) if "?" not in name else Answer())


def test_an_unmarked_page_with_such_a_name_stays_on_demand(dist: Path, built: Build) -> None:
    app = starlette({"/": '<a href="/p/CON">x</a>', "/p/{slug}": "post"})
    report = built(OnDemand(app, dist=dist))
    assert (report.findings, report.pages, report.on_demand) == ([], 1, 1)


class Answer:
    headers = [("etag", '"x"')]

    def header(self, name: str) -> str:
        return '"x"'


# --- what is kept


def test_status_headers_and_type_survive(dist: Path, built: Build) -> None:
    feed = Response(
        "<rss/>",
        media_type="application/rss+xml",
        headers={
            "x-own": "yes",
            "content-security-policy": "default-src 'self'",
            "link": "</style.css>; rel=preload",
            "cache-control": "max-age=60",
            "etag": '"theirs"',
            "date": "Thu, 01 Jan 1970 00:00:00 GMT",
            "connection": "close",
        },
    )
    feed.raw_headers.append((b"link", b"</b.css>; rel=preload"))
    wrapped = OnDemand(starlette({"/feed.xml": feed}), dist=dist, snapshots=True, rules={"/**": Rule(prerender=True)})
    built(wrapped)
    answer = ask(wrapped, "/feed.xml")
    assert answer.text == "<rss/>"
    assert answer.header("content-type") == "application/rss+xml"
    assert answer.header("x-own") == "yes"
    assert answer.header("content-security-policy") == "default-src 'self'"
    assert [value for name, value in answer.headers if name == "link"] == [
        "</style.css>; rel=preload",
        "</b.css>; rel=preload",
    ]
    assert answer.header("cache-control") == "max-age=60"
    assert answer.header("etag") != '"theirs"'
    assert answer.header("date") is None
    assert answer.header("connection") is None


def test_a_marked_redirect_is_kept_as_its_3xx_and_as_an_escaped_page(dist: Path, built: Build) -> None:
    target = '/x"><script>alert(1)</script>'
    app = starlette({"/old": RedirectResponse("/new", 301), "/odd": Response(status_code=302), "/new": "new"})

    async def odd(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 302, "headers": [(b"location", target.encode())]})
        await send({"type": "http.response.body", "body": b""})

    app.routes[1].app = odd  # type: ignore[attr-defined]
    rules = {"/old": Rule(prerender=True), "/odd": Rule(prerender=True)}
    wrapped = OnDemand(app, dist=dist, snapshots=True, rules=rules, findings={"broken-link": "ignore"})
    assert built(wrapped).findings == []
    answer = ask(wrapped, "/old")
    assert (answer.status, answer.header("location")) == (301, "/new")
    assert 'content="0;url=/new"' in answer.text
    for file in (dist / "000001" / "site").rglob("*.html"):
        assert "<script>" not in file.read_text()
    assert "new/index.html" in files(dist)


@pytest.mark.parametrize(
    ("build_format", "expected"),
    [
        ("directory", ["404.html", "a.html", "about/index.html", "data.json", "dir/index.html", "index.html"]),
        ("file", ["404.html", "a.html", "about.html", "data.json", "dir.html", "index.html"]),
        ("preserve", ["404.html", "a.html", "about.html", "data.json", "dir/index.html", "index.html"]),
    ],
)
def test_files_are_where_a_static_host_looks(build_format: str, expected: list[str], dist: Path, built: Build) -> None:
    app = starlette(
        {
            "/": "home",
            "/about": "about",
            "/dir/": "dir",
            "/a.html": "a",
            "/404": Response("<p>not here", 404, media_type="text/html"),
            "/data.json": Response("{}", media_type="application/json"),
        }
    )
    wrapped = OnDemand(app, dist=dist, snapshots=True, rules={"/**": Rule(prerender=True)}, build_format=build_format)
    assert built(wrapped).findings == []
    assert files(dist) == expected
    for path in ("/", "/about", "/dir/", "/a.html", "/data.json"):
        assert is_snapshot(ask(wrapped, path)), path
    assert ask(wrapped, "/404").status == 404


def test_encodings_are_kept_only_where_they_are_smaller(dist: Path, built: Build) -> None:
    text = "<p>" + "many words " * 200
    noise = Response(os.urandom(3000), media_type="application/wasm")
    app = starlette({"/": text + '<script src="/n.wasm"></script>', "/n.wasm": noise, "/tiny": "<p>tiny"})
    wrapped = OnDemand(app, dist=dist, snapshots=True, rules={"/tiny": Rule(prerender=True)})
    built(wrapped)
    assert {"index.html", "index.html.gz", "index.html.br", "n.wasm", "tiny/index.html"} <= set(files(dist))
    assert not any(name.startswith(("n.wasm.", "tiny/index.html.")) for name in files(dist))
    tags = {
        encoding: ask(wrapped, "/", headers={"accept-encoding": encoding}).header("etag")
        for encoding in ("gzip", "br", "x")
    }
    assert len(set(tags.values())) == 3


def test_a_second_build_rewrites_nothing_that_is_the_same(dist: Path, built: Build) -> None:
    words = {"text": "one"}

    async def changing(request: Request) -> HTMLResponse:
        return HTMLResponse(words["text"] * 100)

    pages = {"/": "home " * 100 + '<a href="/a">a</a>', "/a": changing, "/b": "b"}
    rules = {"/b": Rule(prerender=True)}
    built(OnDemand(starlette(pages), dist=dist, rules=rules))
    words["text"] = "two"
    del pages["/b"]
    pages["/c"] = "c"
    report = built(OnDemand(starlette(pages), dist=dist, rules={"/c": Rule(prerender=True)}))
    assert (report.added, report.changed, report.removed) == (["/c"], ["/a"], ["/b"])

    def inode(generation: str, name: str) -> int:
        return (dist / generation / "site" / name).stat().st_ino

    for name in ("index.html", "index.html.gz"):
        assert inode("000001", name) == inode("000002", name)
    assert inode("000001", "a/index.html") != inode("000002", "a/index.html")


def test_last_modified_stays_while_the_body_does(dist: Path, built: Build) -> None:
    wrapped = OnDemand(starlette({"/": "home"}), dist=dist, snapshots=True)
    built(wrapped, now=lambda: 1_000_000_000.0)
    first = Store(dist).open()
    built(wrapped)
    second = Store(dist).open()
    assert first is not None
    assert second is not None
    assert first.get("/").time == second.get("/").time  # type: ignore[union-attr]


# --- generations


def test_earlier_generations_are_kept_and_rolled_back_to(dist: Path, built: Build) -> None:
    clock = itertools.count(1_000_000, 10_000)
    for n in range(5):
        built(OnDemand(starlette({"/": f"home {n}"}), dist=dist, keep=2, grace=3600), now=lambda: float(next(clock)))
    store = Store(dist)
    assert store.current() == "000005"
    for old, name in enumerate(store.generations()):
        os.utime(dist / name / "manifest.jsonl", (old, old))
    with store.lock():
        assert store.clean(keep=2, grace=3600, now=10_000.0) == ["000001", "000002"]
    assert store.rollback() == ("000005", "000004")
    assert store.rollback("000005") == ("000004", "000005")
    assert (dist / "site").resolve() == (dist / "000005" / "site").resolve()


def test_assets_of_an_older_generation_are_answered_for_pages_that_are_open(
    dist: Path, tmp_path: Path, built: Build
) -> None:
    public = tmp_path / "public"
    public.mkdir()
    (public / "app-4f9d2c8e7b.js").write_text("old()")
    (public / "style.css").write_text("old")
    app = starlette({"/": '<script src="/app-4f9d2c8e7b.js"></script>', "/page": "page"})
    rules = {"/page": Rule(prerender=True)}
    built(OnDemand(app, dist=dist, public=public, rules=rules))
    (public / "app-4f9d2c8e7b.js").rename(public / "app-1111aaaa22.js")
    (public / "style.css").write_text("new")
    app = starlette({"/": '<script src="/app-1111aaaa22.js"></script>', "/page": "live"})
    wrapped = OnDemand(app, dist=dist, public=public, snapshots=True, rules={"/page": Rule(prerender=False)})
    built(wrapped)
    assert ask(wrapped, "/app-4f9d2c8e7b.js").text == "old()"
    assert ask(wrapped, "/app-1111aaaa22.js").text == "new()" or ask(wrapped, "/app-1111aaaa22.js").text == "old()"
    assert ask(wrapped, "/style.css").text == "new"
    assert ask(wrapped, "/page").text == "live"  # pages of older generations are not


def test_public_files_are_published_beside_the_pages(dist: Path, tmp_path: Path, built: Build) -> None:
    public = tmp_path / "public"
    (public / ".well-known").mkdir(parents=True)
    (public / ".well-known" / "security.txt").write_text("contact")
    (public / ".env").write_text("SECRET")
    (public / "robots.txt").write_text("all")
    (public / "about").write_text("a file")
    os.symlink("/etc/passwd", public / "passwd")
    os.mkfifo(public / "fifo")
    app = starlette({"/": '<a href="/robots.txt">r</a>', "/about": "page"})
    wrapped = OnDemand(app, dist=dist, public=public, snapshots=True, findings={"collision": "warn"})
    report = built(wrapped)
    assert sorted((f.kind, f.path) for f in report.findings) == [
        ("collision", "/about"),
        ("public", "/fifo"),
        ("public", "/passwd"),
    ]
    assert ask(wrapped, "/.well-known/security.txt").text == "contact"
    assert ask(wrapped, "/.env").status == 404
    assert "SECRET" not in "".join(f.read_text() for f in dist.rglob("*") if f.is_file() and f.suffix in {"", ".txt"})


def test_a_guarded_page_lies_outside_what_a_static_host_serves(dist: Path, built: Build) -> None:
    async def guard(page: Any) -> Any:
        return None

    app = starlette({"/": '<a href="/members/report">r</a>', "/members/report": "MEMBERS"})
    built(OnDemand(app, dist=dist, rules={"/members/**": Rule(guard=guard)}))
    assert files(dist) == ["index.html"]
    assert (dist / "000001" / "guarded" / "members" / "report" / "index.html").read_text() == "MEMBERS"


def test_an_empty_site_never_takes_the_place_of_one_with_pages(dist: Path, built: Build) -> None:
    built(OnDemand(starlette({"/": "home"}), dist=dist))
    report = built(OnDemand(starlette({}), dist=dist))
    assert [(finding.kind, finding.policy) for finding in report.findings] == [("nothing", "fail")]
    assert (dist / "CURRENT").read_text().strip() == "000001"


def test_absolute_links_are_kept_where_the_site_is_known(dist: Path, built: Build) -> None:
    async def home(request: Request) -> HTMLResponse:
        return HTMLResponse(f'<link rel="canonical" href="{request.url}">')

    report = built(OnDemand(starlette({"/": home}), dist=dist, site="https://example.com"))
    assert (report.pages, report.findings) == (1, [])
    assert 'href="https://example.com/"' in (dist / "000001" / "site" / "index.html").read_text()


def test_the_report_is_json(dist: Path, built: Build) -> None:
    report = built(OnDemand(starlette({"/": '<a href="/x">x</a>'}), dist=dist))
    told = json.loads(json.dumps(report.to_json()))
    assert told["ondemand"] == 1
    assert told["findings"][0]["kind"] == "broken-link"
    assert set(told["findings"][0]) >= {"kind", "route", "path", "message", "remedy", "referrers"}


def test_a_fastapi_app_without_a_wrapper_is_built_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: Build
) -> None:
    monkeypatch.chdir(tmp_path)
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse("home")

    assert built(app).pages == 1
    assert (tmp_path / "dist" / "CURRENT").exists()


def test_plain_text_pages_are_documents_too(dist: Path, built: Build) -> None:
    app = starlette({"/": '<a href="/robots.txt">r</a>', "/robots.txt": PlainTextResponse("all")})
    built(OnDemand(app, dist=dist))
    assert "robots.txt" in files(dist)


def test_a_host_check_that_refuses_every_visit_is_explained(dist: Path, built: Build) -> None:
    app = starlette({"/": "home"}, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["example.com"])])
    report = built(OnDemand(app, dist=dist, skips=[TrustedHostMiddleware]))
    assert [finding.kind for finding in report.findings] == ["nothing"]
    assert "it answers 400" in report.findings[0].message
    assert "http://localhost, set `site`" in report.findings[0].remedy
    report = built(OnDemand(app, dist=dist, skips=[TrustedHostMiddleware], site="https://example.com"))
    assert (report.pages, report.findings) == (1, [])


def test_something_in_front_that_answers_instead_is_named(dist: Path, built: Build) -> None:
    app = starlette({"/": "home"})
    app.add_middleware(OnDemand, dist=dist)
    app.add_middleware(HTTPSRedirectMiddleware)
    report = built(app)
    assert "something in front of it answered 307 to https://localhost/" in report.findings[0].message
    app = starlette({"/": "home"})
    app.add_middleware(OnDemand, dist=dist, site="https://localhost")
    app.add_middleware(HTTPSRedirectMiddleware)
    assert built(app).pages == 1


def test_an_index_of_a_mount_is_where_a_static_host_looks(dist: Path, tmp_path: Path, built: Build) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.html").write_text('<a href="more.html">more</a>')
    (tmp_path / "docs" / "more.html").write_text("more")
    app = Starlette(
        routes=[
            Route("/", endpoint('<a href="/docs/">docs</a>')),
            Mount("/docs", StaticFiles(directory=tmp_path / "docs", html=True)),
        ]
    )
    wrapped = OnDemand(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    for path in ("/docs/", "/docs/index.html", "/docs/more.html"):
        assert is_snapshot(ask(wrapped, path)), path
    assert {"docs/index.html", "docs/more.html"} <= set(files(dist))


def test_the_processes_of_a_build_write_somewhere_where_stderr_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_site(tmp_path / "site", "from tests.test_build import starlette\napp = starlette({'/': 'home'})\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    for stands_in in (io.StringIO(), None):  # a notebook's, a program's without a console
        monkeypatch.setattr("sys.stderr", stands_in)
        assert build("main:app", publish=False).pages == 1


def test_a_report_says_why_what_was_visited_is_no_snapshot(dist: Path, built: Build) -> None:
    @prerender(False)
    async def live(request: Request) -> Response:
        return HTMLResponse("x")

    home = '<a href="/live">x</a><a href="/json">x</a><a href="/gone">x</a><a href="/a">x</a>'
    pages = {"/": home, "/live": live, "/json": Response("{}", media_type="application/json"), "/a": "a"}
    report = built(OnDemand(starlette(pages), dist=dist))
    assert report.reasons == {
        "/live": ("/live", "prerender is False"),
        "/json": ("/json", "it answers JSON"),
        "/gone": (None, "It is linked to, but it answers 404."),
    }
