"""`ondemand why`: what answers a path, and every reason for it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Host, Route

from ondemand import ConfigError, OnDemand, OnDemandError, Pages, Rule, StaticPath, build, prerender
from ondemand.explaining import Asked, Why, ago
from ondemand.prerendering.why import why
from tests.asking import Wrap, ask, innermost, outermost, write_site
from tests.conftest import Build
from tests.test_cli import ondemand

PRODUCTS = [StaticPath({"slug": "lamp"}), StaticPath({"slug": "café"})]
LINKS = ["/about", "/counter", "/members/list", "/api/list", "/router", "/search"]


async def members_only(page: Any) -> Any:
    return None if page.cookies.get("member") else page.redirect("/")


RULES = {
    "/members/**": Rule(guard=members_only, headers={"x-members": "only"}),
    "/api/**": Rule(prerender=False),
    "/search": Rule(query="ignore"),
}


def make_app(*, home: Any = None, more: bool = False) -> FastAPI:
    """A FastAPI app. home: a mark for "/". more: with a route that no build has seen."""
    app, router = FastAPI(), APIRouter()

    async def first() -> HTMLResponse:
        return HTMLResponse("".join(f"<a href='{link}'>x</a>" for link in LINKS) + "word " * 80)

    app.get("/")(first if home is None else home(first))

    @app.get("/products/{slug}")
    @prerender(paths=PRODUCTS, unknown="404")
    async def product(slug: str) -> HTMLResponse:
        return HTMLResponse(f"<h1>{slug}</h1>")

    @app.get("/live")
    @prerender(False)
    async def live() -> HTMLResponse:
        return HTMLResponse("live")

    @app.get("/counter")
    async def counter() -> HTMLResponse:
        return HTMLResponse("1", headers={"set-cookie": "n=1"})

    @app.post("/form")
    async def form() -> None: ...

    for path in ("/about", "/members/list", "/api/list", "/search"):
        app.get(path)(plain)
    router.get("/router")(plain)
    app.include_router(prerender(False)(router))
    if more:

        @app.get("/new")
        @prerender
        async def new() -> None: ...

        app.get("/later")(plain)
    return app


async def plain() -> HTMLResponse:
    return HTMLResponse("<p>plain</p>")


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of it."""
    folder = tmp_path_factory.mktemp("why") / "dist"
    build(innermost(make_app(), dist=folder, rules=RULES))
    return folder


def explained(app: Any, path: str, *, wrap: Wrap = innermost, now: float = 0.0, **settings: Any) -> Why:
    given = {"snapshots": True, "rules": RULES, **settings}
    return why(wrap(app, **given), path, now=lambda: now)


def agrees(found: Why, app: Any, host: str = "localhost") -> None:
    """What was explained is what a visitor gets."""
    asked = Asked.read(found.asked)
    target = asked.path + (f"?{asked.query.decode()}" if asked.query else "")
    answer = ask(app, target, raw_path=asked.raw, headers={"host": asked.host or host})
    is_snapshot = "ondemand; hit" in (answer.header("cache-status") or "")
    if found.guards and found.answer == "snapshot":
        assert answer.status == 302  # the guard's answer to a stranger
        return
    assert is_snapshot == (found.answer == "snapshot"), (found.sentence, answer.status)
    assert found.status in (None, answer.status), (found.sentence, answer.status)
    if found.answer == "redirect":
        assert f"redirects to {answer.header('location')} ({answer.status})" in found.sentence


# ------------------------------------------------------------------------------------------------------- what answers


@pytest.mark.parametrize(
    ("path", "answer", "status", "words"),
    [
        ("/", "snapshot", 200, "GET / is answered from a snapshot of generation 000001, made just now; the app is not"),
        ("/?utm_source=x", "snapshot", 200, "from a snapshot"),
        ("/search?q=1", "snapshot", 200, "from a snapshot"),
        ("http://localhost:8000/about#x", "snapshot", 200, "GET http://localhost:8000/about is answered"),
        ("/products/lamp", "snapshot", 200, "from a snapshot"),
        ("/products/caf%C3%A9", "snapshot", 200, "from a snapshot"),
        ("/products/café", "snapshot", 200, "from a snapshot"),
        ("/members/list", "snapshot", 200, "is not asked; the guard members_only ("),
        ("/?q=1", "on demand", None, "although generation 000001 has a snapshot of it: it has a query"),
        (
            "/products%2Flamp",
            "on demand",
            None,
            "its path has a slash or backslash as an escape",
        ),
        ("/live", "on demand", None, "GET /live is rendered on demand: @prerender(False) at "),
        ("/router", "on demand", None, "its router's prerender is False"),
        ("/api/list", "on demand", None, "rules['/api/**'] says prerender=False"),
        ("/docs", "on demand", None, "one of the framework's own pages"),
        ("/counter", "on demand", None, "the build of generation 000001 found that it sets the cookie 'n'"),
        (
            "/products/chair",
            "nothing",
            404,
            'the last build made no such page, and its route has no others (unknown="404")',
        ),
        ("/form", "nothing", 405, "/form answers POST only"),
        ("/about/", "nothing", 404, "no route has this path; /about has one, and a framework may redirect there"),
        ("/nope", "nothing", 404, "GET /nope answers 404: no route has this path."),
    ],
)
def test_what_a_visitor_gets(path: str, answer: str, status: int | None, words: str, wrap: Wrap, dist: Path) -> None:
    found = explained(make_app(), path, wrap=wrap, dist=dist)
    assert (found.answer, found.status) == (answer, status), found.sentence
    assert words in found.sentence
    if path != "/about/":  # the framework's redirect
        agrees(found, wrap(make_app(), snapshots=True, rules=RULES, dist=dist))


@pytest.mark.parametrize(
    ("override", "snapshots", "debug", "words"),
    [
        ("0", True, False, "snapshots are off (ONDEMAND_SNAPSHOTS=0)"),
        ("", False, False, "snapshots are off (snapshots=False)"),
        ("", "auto", False, "snapshots are off (this is a test; snapshots=True turns them on)"),
        ("", "auto", True, "snapshots are off (the app is in debug mode)"),
    ],
)
def test_snapshots_may_be_off(
    override: str, snapshots: Any, debug: bool, words: str, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDEMAND_SNAPSHOTS", override)
    app = make_app()
    app.debug = debug
    found = explained(app, "/", dist=dist, snapshots=snapshots)
    assert (found.answer, found.reasons) == ("on demand", [words])
    assert found.sentence == f"GET / is rendered on demand, although generation 000001 has a snapshot of it: {words}."
    assert found.snapshot is not None


@pytest.mark.parametrize(
    ("app", "path", "words"),
    [
        (lambda: make_app(home=prerender(False)), "/", "has a snapshot of it: prerender is False. Build again."),
        (lambda: make_app(more=True), "/new", "it is static (@prerender at "),
        (lambda: make_app(more=True), "/new", ", but generation 000001 has no snapshot of it. Build again."),
        (lambda: make_app(more=True), "/later", "no link led the build of generation 000001 to it, or its answer"),
        (FastAPI, "/about", "GET /about answers 404: no route has this path."),
    ],
)
def test_the_code_that_runs_is_newer_than_the_build(app: Any, path: str, words: str, dist: Path) -> None:
    assert words in explained(app(), path, dist=dist, rules={}).sentence


def test_a_snapshot_whose_route_is_gone_is_told_of(dist: Path) -> None:
    found = explained(FastAPI(), "/about", dist=dist, rules={})
    assert found.reasons == ["its route /about is gone. Build again"]
    assert found.snapshot is not None


def test_a_file_that_is_not_what_was_published_does_not_answer(built: Build, tmp_path: Path) -> None:
    assert not built(innermost(make_app(), dist=tmp_path, rules=RULES)).failed
    (tmp_path / "000001" / "site" / "about" / "index.html").write_bytes(b"cut")
    found = explained(make_app(), "/about", dist=tmp_path)
    assert found.answer == "on demand"
    assert "is not the file that was published. Build again." in found.sentence
    (tmp_path / "000001" / "manifest.jsonl").write_bytes(b"{}")
    assert "The manifest" in explained(make_app(), "/about", dist=tmp_path).sentence


def test_before_the_first_build(tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "a.txt").write_text("a")
    settings = {"dist": tmp_path / "dist", "public": tmp_path / "public"}
    marked = explained(make_app(), "/products/lamp", **settings)
    assert marked.sentence.endswith(f"{tmp_path / 'dist'}; it is static ({marked.route.why}).")  # type: ignore[union-attr]
    assert "a build decides whether it is static" in explained(make_app(), "/about", **settings).sentence
    assert explained(make_app(), "/a.txt", **settings).answer == "file"
    found = why(make_app(), "/about", now=lambda: 0)
    assert found.sentence.endswith("the app has no OnDemand. Add app.add_middleware(OnDemand).")


def test_a_site_below_base_on_named_hosts_that_spells_its_paths(built: Build, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "dist": tmp_path,
        "rules": {},
        "base": "/shop",
        "allowed_hosts": ["shop.example"],
        "site": "https://shop.example",
        "trailing_slash": "never",
        "redirects": {"/old": "/about"},
    }

    def site() -> Any:
        app = FastAPI()

        @app.get("/about")
        @prerender
        async def about() -> HTMLResponse:
            return HTMLResponse("about")

        return app

    assert not built(innermost(site(), **settings)).failed
    for path in ("/about", "/shop/about", "https://shop.example/shop/about"):
        found = explained(site(), path, **settings)
        assert (found.answer, found.path) == ("snapshot", "/about"), found.sentence
    agrees(found, innermost(site(), snapshots=True, **settings), "shop.example")
    for path, answer, words in (
        ("/about/", "redirect", 'redirects to /shop/about (301): trailing_slash is "never".'),
        ("/shop/about/?q=1", "redirect", "redirects to /shop/about?q=1 (301)"),
        ("https://shop.example/about", "nothing", "answers 404: it lies outside base (/shop)."),
        ("http://localhost:8000/shop/about", "nothing", "400: allowed_hosts does not name localhost:8000."),
    ):
        found = explained(site(), path, **settings)
        assert (found.answer, words in found.sentence) == (answer, True), found.sentence
        if path != "/about/":  # which stands for /shop/about/
            agrees(found, innermost(site(), snapshots=True, **settings), "shop.example")
    found = explained(site(), "/shop/old", **settings)
    assert found.sentence == "GET /shop/old redirects to /shop/about (301): the configured redirects say so."
    agrees(found, innermost(site(), snapshots=True, **settings), "shop.example")
    assert explained(site(), "/old?x", **{**settings, "snapshots": False}).sentence.endswith(
        "(301): the configured redirects say so."
    )


def test_a_snapshot_of_one_host_does_not_answer_another(built: Build, tmp_path: Path) -> None:
    async def page(request: Any) -> Response:
        return HTMLResponse("page")

    def site() -> Any:
        return Starlette(routes=[Host("api.example", app=Starlette(routes=[Route("/", page)])), Route("/", page)])

    assert not built(innermost(site(), dist=tmp_path)).failed
    assert explained(site(), "/", dist=tmp_path, rules={}).answer == "snapshot"
    found = explained(site(), "http://api.example/", dist=tmp_path, rules={})
    agrees(found, innermost(site(), dist=tmp_path, snapshots=True))
    assert found.reasons == ["api.example leads to other routes than http://localhost, which it was made for"]


def test_a_file_of_an_earlier_generation_is_answered_for_pages_that_are_open(built: Build, tmp_path: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "a.css").write_text("p { color: red }")
    settings: dict[str, Any] = {"dist": tmp_path / "dist", "public": tmp_path / "public"}
    assert not built(innermost(make_app(), rules=RULES, **settings)).failed
    (tmp_path / "public" / "a.css").unlink()
    assert not built(innermost(make_app(), rules=RULES, **settings)).failed
    found = explained(make_app(), "/a.css?v=1", **settings)
    assert "is answered from a snapshot of generation 000001, made " in found.sentence
    agrees(found, innermost(make_app(), snapshots=True, rules=RULES, **settings))


def test_an_app_that_does_not_show_its_routes(built: Build, tmp_path: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        linked = b"<a href='/b'>b</a>" if scope["path"] == "/" else b"<p>b</p>"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": linked})

    assert not built(outermost(app, dist=tmp_path)).failed
    for path, answer, words in (
        ("/b", "snapshot", "from a snapshot"),
        ("/c", "on demand", "no link led the build of generation 000001 to it"),
    ):
        found = explained(app, path, wrap=outermost, dist=tmp_path, rules={})
        assert (found.answer, found.route, words in found.sentence) == (answer, None, True), found.sentence
        agrees(found, outermost(app, dist=tmp_path, snapshots=True))


# ------------------------------------------------------------------------------------------------------- pages of ours


FILES = {
    "pages/index.mako": "<a href='/blog/a/'>a</a>" + "word " * 80,
    "pages/live.mako": "<%! prerender = False %>live",
    "pages/blog/[slug].mako": "<%! static_paths = [{'params': {'slug': 'a'}}] %>post",
    "pages/faulty/[x].mako": "<%!\nimport os\n\n\ndef static_paths():\n    if os.environ.get('FAIL_PATHS'):\n        1 / 0\n"
    "    return []\n%>x",
    "pages/api/send.py": "prerender = False\n\n\ndef POST(page):\n    return {}\n",
}


def own(folder: Path) -> Any:
    return OnDemand(pages=Pages(folder / "pages"), templates=folder / "pages", dist=folder / "dist", snapshots=True)


def test_pages_of_our_own(built: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert not built(own(tmp_path)).failed
    monkeypatch.setenv("FAIL_PATHS", "1")
    for path, answer, words in (
        ("/", "snapshot", "from a snapshot"),
        ("/?q=1", "snapshot", "from a snapshot"),  # pages of our own ignore queries
        ("/blog/a", "snapshot", "from a snapshot"),
        ("/blog/a/", "snapshot", "from a snapshot"),
        ("//blog//a", "redirect", "redirects to /blog/a (301)"),
        ("/live", "on demand", f"prerender = False in {tmp_path / 'pages' / 'live.mako'}:1"),
        ("/%ff", "nothing", "answers 400: its path is malformed."),
        ("/blog/%ff", "nothing", "answers 400: its path is malformed."),
        ("/blog/b", "nothing", 'the last build made no such page, and its route has no others (unknown="404")'),
        ("/api/send", "nothing", "405: /api/send answers"),
    ):
        found = why(own(tmp_path), path, now=lambda: 0)
        assert (found.answer, words in found.sentence) == (answer, True), (path, found.sentence)
        agrees(found, own(tmp_path))
    monkeypatch.setenv("ONDEMAND_SNAPSHOTS", "0")
    for path, words in (
        ("/blog/a", "snapshots are off"),
        ("/blog/b", "answers 404: the paths of /blog/{slug} do not name it."),
        ("/faulty/x", "answers 500: the paths of /faulty/{x} raise ZeroDivisionError: division by zero."),
    ):
        found = why(own(tmp_path), path, now=lambda: 0)
        assert words in found.sentence
        agrees(found, own(tmp_path))


def test_paths_that_never_end_are_not_waited_for(tmp_path: Path) -> None:
    pages = Pages()

    async def paths() -> Any:
        await asyncio.Event().wait()
        yield

    @pages.page("/{name}", paths=paths)
    async def page(page: Any) -> str:
        return "page"

    with pytest.raises(OnDemandError, match="The `paths` behind /a did not end"):
        why(OnDemand(pages=pages, dist=tmp_path, page_timeout=0.2), "/a")


# ------------------------------------------------------------------------------------------------------------- details


def test_rules_guards_and_the_last_build_are_told(dist: Path) -> None:
    found = explained(make_app(), "/members/list", dist=dist, now=os.stat(dist / "CURRENT").st_mtime + 200)
    assert [(one.pattern, one.decides) for one in found.rules] == [("/members/**", False)]
    assert found.rules[0].says == "headers={'x-members': 'only'}, guard=members_only"
    assert found.guards == [f"members_only ({__file__}:{members_only.__code__.co_firstlineno})"]
    assert found.built is not None
    assert (found.built.generation, found.built.kind, found.built.pages) == ("000001", "static", 1)
    assert found.snapshot is not None
    assert "made 3 minutes ago" in found.sentence
    headers = dict(found.snapshot.headers)
    assert (headers["cache-control"], headers["x-members"]) == ("private, no-store", "only")
    assert headers["cache-status"] == 'ondemand; hit; detail="000001"'
    assert "methods other than GET and HEAD" in found.not_for


def test_of_several_rules_the_most_specific_that_says_something_decides(dist: Path) -> None:
    rules = {**RULES, "/**": Rule(prerender=True)}
    found = explained(make_app(), "/api/list", dist=dist, rules=rules)
    assert [(one.pattern, one.decides) for one in found.rules] == [("/api/**", True), ("/**", False)]
    found = explained(make_app(), "/search", dist=dist, rules=rules)
    assert [(one.pattern, one.decides) for one in found.rules] == [("/search", False), ("/**", True)]
    assert found.route is not None
    assert (found.route.kind, found.route.why) == ("static", "rules['/**'] says prerender=True")
    found = explained(make_app(), "/live", dist=dist, rules=rules)
    assert [(one.pattern, one.decides) for one in found.rules] == [("/**", False)]  # the decorator does


def test_middleware_that_a_snapshot_skips(dist: Path) -> None:
    app = make_app()
    app.add_middleware(SessionMiddleware, secret_key="x")
    found = explained(app, "/", wrap=outermost, dist=dist)
    assert found.skipped_middleware == ["SessionMiddleware"]


def test_findings_of_the_last_build(built: Build, tmp_path: Path) -> None:
    assert not built(innermost(make_app(), dist=tmp_path, rules=RULES)).failed
    row = {"kind": "status", "policy": "warn", "route": "/products/{slug}", "path": None, "message": "m", "remedy": "r"}
    row |= {"referrers": ["/"], "frames": ["main.py:1 in product: x"]}
    rows: list[Any] = [
        {**row, "message": "of the route"},
        {**row, "path": "/products/lamp", "message": "of the path"},
        {**row, "path": "/products/café", "message": "of another path"},
        {**row, "path": "/products/café", "kind": "reads", "message": "once for the route"},
        {**row, "route": None, "message": "of neither"},
        {"kind": "damaged"},
        "damaged",
    ]
    (tmp_path / "000001" / "findings.json").write_text(json.dumps(rows))
    found = explained(make_app(), "/products/lamp", dist=tmp_path)
    assert [one["message"] for one in found.findings] == ["of the route", "of the path", "once for the route"]
    facts = [lines for name, lines in found.facts() if name == "finding"]
    assert facts[0] == ["status (warn): of the route", "r", "main.py:1 in product: x", "linked from /"]
    (tmp_path / "000001" / "findings.json").write_text("{")
    assert explained(make_app(), "/products/lamp", dist=tmp_path).findings == []


@pytest.mark.parametrize(
    ("text", "path", "raw", "query", "host"),
    [
        ("/a", "/a", b"/a", b"", ""),
        ("/caf%C3%A9", "/café", b"/caf%C3%A9", b"", ""),
        ("/café?q=é", "/café", b"/caf%C3%A9", b"q=%C3%A9", ""),
        ("/a%2Fb", "/a/b", b"/a%2Fb", b"", ""),
        ("/100%", "/100%", b"/100%", b"", ""),
        ("/%ff", "/\ufffd", b"/%ff", b"", ""),
        ("/a b\n", "/a b\n", b"/a%20b%0A", b"", ""),
        ("/\udcff", "/\ufffd", b"/%FF", b"", ""),  # a byte that is no UTF-8, as a command line gives it
        ("/a?b?c#d", "/a", b"/a", b"b?c", ""),
        ("//a", "//a", b"//a", b"", ""),
        ("HTTPS://Shop.example:8443", "/", b"/", b"", "shop.example:8443"),
        ("http://[::1]:8000/a?b", "/a", b"/a", b"b", "[::1]:8000"),
    ],
)
def test_a_path_is_read_as_a_browser_would_send_it(text: str, path: str, raw: bytes, query: bytes, host: str) -> None:
    asked = Asked.read(text)
    assert (asked.path, asked.raw, asked.query, asked.host) == (path, raw, query, host)


@pytest.mark.parametrize("text", ["", "about", "main:app", "ftp://x/", "http://", "http://a b/", "http://[x/", "?a"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no path"):
        Asked.read(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (1, "1 second ago"),
        (119, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400 * 1500, "1,500 days ago"),
    ],
)
def test_ages_are_told_in_words(seconds: int, words: str) -> None:
    assert ago(seconds) == words


# ---------------------------------------------------------------------------------------------------- the command line


SITE = """
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from ondemand import OnDemand, prerender

app = FastAPI()


@app.get("/")
async def home():
    return HTMLResponse("<a href='/x%1b[31m[bold]'>x</a>" + "word " * 80)


@app.get("/{rest:path}")
async def rest(rest: str):
    return HTMLResponse("rest")


app.add_middleware(OnDemand)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_site(tmp_path_factory.mktemp("why") / "project", SITE)
    done = ondemand(folder, "build")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_command_says_one_sentence_and_then_facts(project: Path) -> None:
    done = ondemand(project, "why", "main:app", "/", ONDEMAND_SNAPSHOTS="1")
    assert done.returncode == 0, done.stderr
    first, *rows = done.stdout.splitlines()
    assert first.startswith("GET / is answered from a snapshot of generation 000001, made ")
    assert {row.partition("\t")[0] for row in rows} == {
        "route", "rendered", "last build", "snapshot", "made", "encodings", "headers", "not for"
    }  # fmt: skip
    assert "route\t/  GET  main.py:9" in rows
    assert "\x1b" not in done.stdout


def test_the_text_of_a_path_cannot_write_on_the_terminal(project: Path) -> None:
    done = ondemand(project, "why", "/x%1b[31m[bold]%0a\x1b[2J")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "GET /x%1b[31m[bold]%0a\\x1b[2J is rendered on demand" in done.stdout


SCHEMA: dict[str, Any] = {
    "ondemand": int,
    "asked": str,
    "path": str,
    "query": str,
    "answer": str,
    "status": int,
    "sentence": str,
    "reasons": list,
    "route": {"pattern": str, "methods": list, "source": str, "kind": str, "why": str},
    "rules": list,
    "built": {"generation": str, "kind": str, "why": str, "pages": int},
    "snapshot": {
        "generation": str,
        "published": int,
        "captured": int,
        "age": int,
        "kind": str,
        "file": str,
        "status": int,
        "encodings": list,
        "headers": list,
    },
    "not_for": list,
    "guards": list,
    "skipped_middleware": list,
    "findings": list,
}


def shape(value: Any) -> Any:
    return {name: shape(one) for name, one in value.items()} if isinstance(value, dict) else type(value)


def test_json_has_this_schema(project: Path) -> None:
    done = ondemand(project, "why", "/?utm_source=a", "--json", "-", ONDEMAND_SNAPSHOTS="1")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert shape(said) == SCHEMA
    assert (said["asked"], said["path"], said["query"]) == ("/?utm_source=a", "/", "utm_source=a")
    assert said["snapshot"]["encodings"][0].keys() == {"encoding", "size", "etag"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["why"], 2, "Missing argument 'PATH'"),
        (["why", "main:app"], 2, "'main:app' is no path. Write it as /about"),
        (["why", "nope:app", "/"], 3, "There is no module 'nope'"),
        (["why", "own:app", "/nope", "--json", "why.json"], 1, "GET /nope answers 404: no route has this path."),
        (["why", "own:ends", "/a"], 1, "The app ended the process while '/a' was looked at"),
    ],
)
def test_exit_codes(arguments: list[str], code: int, words: str, project: Path) -> None:
    (project / "own.py").write_text(
        "import os\nfrom ondemand import OnDemand, Pages\npages, ending = Pages(), Pages()\n"
        "@pages.page('/')\nasync def home(page):\n    return 'home'\n"
        "def paths():\n    os._exit(9)\n    yield\n"
        "@ending.page('/{x}', paths=paths)\nasync def other(page):\n    return 'x'\n"
        "app, ends = OnDemand(pages=pages), OnDemand(pages=ending)\n"
    )
    done = ondemand(project, *arguments, ONDEMAND_SNAPSHOTS="0")
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    if "why.json" in arguments:
        assert json.loads((project / "why.json").read_text())["answer"] == "nothing"


def test_a_reader_that_stops_early_is_no_fault(project: Path) -> None:
    command = f"{sys.executable} -m ondemand why / | head -1"
    done = subprocess.run(command, shell=True, cwd=project, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("GET / ")
    assert "Traceback" not in done.stderr
