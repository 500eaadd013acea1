"""A request, from top to bottom: both idioms, what configuration asks for, and what start-up says."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from ondemand import ConfigError, OnDemand, OnDemandWarning, Response, Rule, StaticPath, build, prerender
from ondemand import Route as OwnRoute
from ondemand.snapshots.store import Store
from tests.asking import Wrap, ask, ask_async, innermost, is_snapshot, make_scope, outermost
from tests.conftest import Build


def fastapi_site() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse('<a href="/about">about</a><a href="/live">live</a>')

    @app.get("/about")
    async def about() -> HTMLResponse:
        return HTMLResponse("about")

    @app.get("/live")
    @prerender(False)
    async def live(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"live {request.url.query} {request.scope.get('root_path')}")

    @app.post("/about")
    async def post(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await request.body()).decode())

    return app


def starlette_site() -> Starlette:
    async def home(request: Any) -> HTMLResponse:
        return HTMLResponse('<a href="/about">about</a><a href="/live">live</a>')

    async def about(request: Any) -> Any:
        if request.method == "POST":
            return PlainTextResponse((await request.body()).decode())
        return HTMLResponse("about")

    @prerender(False)
    async def live(request: Any) -> PlainTextResponse:
        return PlainTextResponse(f"live {request.url.query} {request.scope.get('root_path')}")

    return Starlette(routes=[Route("/", home), Route("/about", about, methods=["GET", "POST"]), Route("/live", live)])


def bare_site() -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        body, status = {
            "/": (b'<a href="/about">about</a><a href="/live">live</a>', 200),
            "/about": (b"about", 200),
            "/live": (b"live %s %s" % (scope["query_string"], scope["root_path"].encode()), 200),
        }.get(scope["path"].removeprefix(scope["root_path"]), (b"none", 404))
        if scope["method"] == "POST":
            body = (await receive())["body"]
        headers = [(b"content-type", b"text/html"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return app


def bare(app: Any, **settings: Any) -> Any:
    return OnDemand(app, routes=["/", "/about", OwnRoute("/live", prerender=False)], **settings)


SITES = [
    pytest.param(fastapi_site, outermost, id="fastapi-outermost"),
    pytest.param(fastapi_site, innermost, id="fastapi-innermost"),
    pytest.param(starlette_site, outermost, id="starlette-outermost"),
    pytest.param(starlette_site, innermost, id="starlette-innermost"),
    pytest.param(bare_site, bare, id="bare"),
]
Make = Callable[[], Any]


@pytest.mark.parametrize(("make", "wrap"), SITES)
def test_the_same_site_in_every_framework_and_idiom(make: Make, wrap: Wrap, dist: Path, built: Build) -> None:
    wrapped = wrap(make(), dist=dist, snapshots=True)
    report = built(wrapped)
    assert report.findings == []
    assert report.pages == 2
    assert is_snapshot(ask(wrapped, "/"))
    about = ask(wrapped, "/about")
    assert (about.status, about.text, about.header("cache-control")) == (
        200,
        "about",
        "public, max-age=0, must-revalidate",
    )
    assert ask(wrapped, "/about", headers={"if-none-match": about.header("etag") or ""}).status == 304
    assert ask(wrapped, "/about", headers={"range": "bytes=1-2"}).text == "bo"
    assert ask(wrapped, "/about", method="POST", body=b"sent").text == "sent"
    assert ask(wrapped, "/live?x=1").text.startswith("live x=1")
    assert ask(wrapped, "/missing").status == 404


@pytest.mark.parametrize(("make", "wrap"), SITES)
def test_base_is_where_the_site_lives(make: Make, wrap: Wrap, dist: Path, built: Build) -> None:
    site = make()
    wrapped = wrap(
        site,
        dist=dist,
        snapshots=True,
        base="/docs",
        findings={"broken-link": "ignore"},
        rules={"/about": Rule(prerender=True)},
    )
    built(wrapped)
    assert is_snapshot(ask(wrapped, "/docs/"))
    assert is_snapshot(ask(wrapped, "/docs/about"))
    assert ask(wrapped, "/docs/live").text.endswith("/docs")
    assert ask(wrapped, "/about").status == 404
    assert ask(wrapped, "/docsabout").status == 404


@pytest.mark.parametrize(("make", "wrap"), SITES)
def test_root_path_is_taken_off_at_a_segment_boundary(make: Make, wrap: Wrap, dist: Path, built: Build) -> None:
    wrapped = wrap(make(), dist=dist, snapshots=True)
    built(wrapped)
    assert is_snapshot(ask(wrapped, "/sub/about", root_path="/sub"))  # as uvicorn sends it
    assert is_snapshot(ask(wrapped, "/about", root_path="/sub"))  # as hypercorn and granian send it
    assert not is_snapshot(ask(wrapped, "/subabout", root_path="/sub"))


def test_a_mounted_site_finds_its_snapshots(dist: Path, built: Build) -> None:
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True)
    built(wrapped)
    outer = Starlette(routes=[Mount("/sub", app=wrapped)])
    assert is_snapshot(ask(outer, "/sub/about"))
    assert ask(outer, "/sub/live").text == "live  /sub"


# --- shared messages


def test_outer_middleware_never_sees_one_visitors_headers_in_anothers_answer(dist: Path, built: Build) -> None:
    class Visit:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"] == "/about":
                scope["session"]["who"] = "alice"
            await self.app(scope, receive, send)

    app = fastapi_site()
    app.add_middleware(OnDemand, dist=dist, snapshots=True)
    app.add_middleware(Visit)
    app.add_middleware(CORSMiddleware, allow_origins=["https://a", "https://b"], allow_credentials=True)
    app.add_middleware(SessionMiddleware, secret_key="k")
    built(app)
    for _ in range(3):
        alice = ask(app, "/about", headers={"origin": "https://a"})
        mallory = ask(app, "/")
        again = ask(app, "/", headers={"origin": "https://b"})
        assert "alice" not in str(mallory.headers)
        assert alice.header("set-cookie")
        assert mallory.header("set-cookie") is None
        assert mallory.header("access-control-allow-origin") is None
        assert again.header("access-control-allow-origin") == "https://b"
        assert len(ask(app, "/").headers) == len(mallory.headers)


def test_each_message_is_a_new_dict_with_a_new_list(dist: Path, built: Build) -> None:
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True)
    built(wrapped)
    for headers in ({}, {"range": "bytes=0-1"}, {"if-none-match": "*"}):
        one, two = (ask(wrapped, "/about", headers=headers).messages for _ in range(2))
        assert one[0] is not two[0]
        assert one[0]["headers"] is not two[0]["headers"]
        one[0]["headers"].append((b"set-cookie", b"a=1"))
        assert "set-cookie" not in str(ask(wrapped, "/about", headers=headers).headers)


def test_outer_gzip_and_headers_act_again_on_snapshots(dist: Path, built: Build) -> None:
    app = fastapi_site()

    @app.get("/long")
    async def long() -> HTMLResponse:
        return HTMLResponse("long " * 500)

    app.add_middleware(OnDemand, dist=dist, snapshots=True, rules={"/long": Rule(prerender=True)})
    app.add_middleware(GZipMiddleware)
    built(app)
    answer = ask(app, "/long", headers={"accept-encoding": "gzip"})
    assert answer.header("content-encoding") == "gzip"
    assert "content-encoding" not in dict(ask(app, "/long").headers)


# --- guards and rules


async def members_only(page: Any) -> Any:
    if page.cookies.get("auth") is None:
        return page.redirect("/login")
    return None


@pytest.mark.parametrize("wrap", [outermost, innermost])
def test_a_guard_stands_in_front_of_snapshots_and_live_pages(wrap: Wrap, dist: Path, built: Build) -> None:
    rules = {"/about": Rule(guard=members_only), "/live": Rule(guard=members_only)}
    wrapped = wrap(fastapi_site(), dist=dist, snapshots=True, rules=rules)
    built(wrapped)
    cookie = {"cookie": "auth=1"}
    for path in ("/about", "/live"):
        refused = ask(wrapped, path)
        assert (refused.status, refused.header("location")) == (302, "/login")
        assert refused.header("cache-control") == "private, no-store"
        let_in = ask(wrapped, path, headers=cookie)
        assert (let_in.status, let_in.header("cache-control")) == (200, "private, no-store")
    assert is_snapshot(ask(wrapped, "/about", headers=cookie))
    assert ask(wrapped, "/about", headers={"if-none-match": "*"}).status == 302
    assert ask(wrapped, "/about", headers={"range": "bytes=0-1"}).status == 302
    assert ask(wrapped, "/about", method="HEAD").status == 302
    assert ask(wrapped, "/about", method="POST", body=b"x").status == 302
    assert ask(wrapped, "/about", headers={**cookie, "if-none-match": "*"}).status == 304


def test_a_guard_holds_without_a_build_too(dist: Path) -> None:
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True, rules={"/about": Rule(guard=members_only)})
    assert ask(wrapped, "/about").status == 302


def test_a_guard_gets_the_params_of_its_rule_and_may_answer_anything(dist: Path) -> None:
    seen: list[Any] = []

    async def guard(page: Any) -> Any:
        seen.append((page.params, page.request.query["q"], page.request.headers["x-who"], page.request.method))
        return Response("no", 403)

    app = Starlette(routes=[Route("/team/{name}", lambda request: HTMLResponse("team"))])
    wrapped = OnDemand(app, dist=dist, rules={"/team/{who}": Rule(guard=guard)})
    assert ask(wrapped, "/team/red?q=1", headers={"X-Who": "me"}).status == 403
    assert seen == [({"who": "red"}, "1", "me", "GET")]


async def deny(page: Any) -> Any:
    return Response("no", 403)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/members/report", "/members/report\n"),
        ("/members/report", "/members//report"),
        ("/members/report", "/members/./report"),
        ("/members/report", "/x/../members/report"),
        ("/members/report", "/members/report/"),
        ("/members/report/", "/members/report"),
        ("/members/**", "//members/report"),
        ("/members/**", "/\\members/report"),
        ("/members/**", "/api/members/report"),  # the app's own root_path
        ("/u/{id:int}", "/u/7\n"),
    ],
)
@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
def test_a_guard_stands_in_front_of_every_spelling(pattern: str, path: str, dist: Path) -> None:
    app = FastAPI(root_path="/api")
    wrapped = OnDemand(app, dist=dist, rules={pattern: Rule(guard=deny)}, routes=["/members/report", "/u/{id:int}"])
    assert ask(wrapped, path).status == 403


def test_a_guard_holds_whatever_root_path_the_server_is_told(dist: Path, built: Build) -> None:
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True, rules={"/about": Rule(guard=deny)})
    built(wrapped)
    for root_path, path in (("/v1", "/v1/about"), ("/v1/", "/v1//about"), ("/v1", "/about"), ("/v1/", "/v1/about")):
        assert ask(wrapped, path, root_path=root_path).status in {403, 404}, (root_path, path)


@pytest.mark.parametrize("policy", ["always", "never"])
@pytest.mark.parametrize("pattern", ["/about", "/about/"])
def test_a_guard_on_one_spelling_guards_the_page_found_under_the_other(
    policy: str, pattern: str, dist: Path, built: Build
) -> None:
    rules = {pattern: Rule(guard=deny)}
    wrapped = OnDemand(slash_site(), dist=dist, snapshots=True, trailing_slash=policy, rules=rules)
    built(wrapped)
    for path in ("/about", "/about/"):
        assert ask(wrapped, path).status == 403
    assert not (dist / "000001" / "site" / "about").exists()


def test_rule_headers_hold_below_a_base(dist: Path, built: Build) -> None:
    rules = {"/about": Rule(headers={"X-Frame-Options": "DENY"}, prerender=True)}
    wrapped = OnDemand(
        fastapi_site(), dist=dist, snapshots=True, base="/docs", rules=rules, findings={"broken-link": "ignore"}
    )
    assert ask(wrapped, "/docs/about").header("x-frame-options") == "DENY"
    built(wrapped)
    assert ask(wrapped, "/docs/about").header("x-frame-options") == "DENY"


def test_a_route_takes_the_place_of_a_public_file_that_is_gone(dist: Path, tmp_path: Path, built: Build) -> None:
    public = tmp_path / "public"
    public.mkdir()
    (public / "report.txt").write_text("old and open")
    built(OnDemand(fastapi_site(), dist=dist, public=public))
    (public / "report.txt").unlink()
    app = fastapi_site()

    @app.get("/report.txt")
    @prerender(False)
    async def report() -> PlainTextResponse:
        return PlainTextResponse("live")

    wrapped = OnDemand(app, dist=dist, public=public, snapshots=True)
    assert ask(wrapped, "/report.txt").text == "live"
    built(wrapped)
    assert ask(wrapped, "/report.txt").text == "live"


def test_a_mount_that_is_on_demand_by_now_is_answered_live(dist: Path, tmp_path: Path, built: Build) -> None:
    (tmp_path / "a.css").write_text("old")

    def site(**rules: Any) -> OnDemand:
        home = Route("/", lambda request: HTMLResponse('<link rel="stylesheet" href="/files/a.css">'))
        app = Starlette(routes=[home, Mount("/files", StaticFiles(directory=tmp_path))])
        return OnDemand(app, dist=dist, snapshots=True, rules=rules)

    built(site())
    (tmp_path / "a.css").write_text("new")
    assert ask(site(), "/files/a.css").text == "old"
    assert ask(site(**{"/files/**": Rule(prerender=False)}), "/files/a.css").text == "new"


def test_a_folder_that_is_not_there_is_refused(dist: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder"):
        ask(OnDemand(fastapi_site(), dist=dist, public=tmp_path / "pubilc"), "/")


def test_a_long_accept_encoding_is_answered_and_not_kept(dist: Path, built: Build) -> None:
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True)
    built(wrapped)
    for n in range(3):
        assert is_snapshot(ask(wrapped, "/about", headers={"accept-encoding": f"gzip;q=0.{n}" + " " * 60_000}))
    published = wrapped.site().published
    assert published is not None
    assert published.server is not None
    answer = published.server.find("/about")
    assert answer is not None
    assert all(len(key or b"") < 300 for key in answer.quick)


def test_a_guard_that_answers_nonsense_says_so(dist: Path) -> None:
    async def guard(page: Any) -> Any:
        return "no"

    wrapped = OnDemand(fastapi_site(), dist=dist, rules={"/about": Rule(guard=guard)})
    with pytest.raises(TypeError, match="Return a Response, or None"):
        ask(wrapped, "/about")


def test_rule_headers_are_on_live_answers_and_snapshots_alike(wrap: Wrap, dist: Path, built: Build) -> None:
    rules = {"/**": Rule(headers={"X-Frame-Options": "DENY", "Content-Type": "text/plain"})}
    wrapped = wrap(fastapi_site(), dist=dist, snapshots=True, rules=rules)
    built(wrapped)
    for path in ("/about", "/live"):
        assert ask(wrapped, path).header("x-frame-options") == "DENY"
        assert ask(wrapped, path).header("content-type") == "text/plain"


def test_rule_vary_sends_requests_with_that_header_to_the_app(wrap: Wrap, dist: Path, built: Build) -> None:
    wrapped = wrap(fastapi_site(), dist=dist, snapshots=True, rules={"/about": Rule(vary=["X-Part"], prerender=True)})
    built(wrapped)
    assert ask(wrapped, "/about").header("vary") == "x-part"
    assert is_snapshot(ask(wrapped, "/about"))
    assert not is_snapshot(ask(wrapped, "/about", headers={"X-Part": "1"}))


def test_rule_query_ignore_answers_whatever_the_query(wrap: Wrap, dist: Path, built: Build) -> None:
    wrapped = wrap(fastapi_site(), dist=dist, snapshots=True, rules={"/about": Rule(query="ignore")})
    built(wrapped)
    assert is_snapshot(ask(wrapped, "/about?x=1"))
    assert not is_snapshot(ask(wrapped, "/?x=1"))


# --- marks on groups


@pytest.mark.parametrize("wrap", [outermost, innermost])
def test_a_router_and_a_mount_are_marked_as_a_whole(wrap: Wrap, dist: Path, built: Build) -> None:
    live, fixed = APIRouter(prefix="/live"), APIRouter()

    @live.get("/one")
    async def one() -> HTMLResponse:
        return HTMLResponse("one")

    @live.get("/two")
    @prerender
    async def two() -> HTMLResponse:
        return HTMLResponse("two")

    @fixed.get("/three")
    async def three() -> dict[str, int]:
        return {"n": 3}

    prerender(False)(live)
    prerender(True)(fixed)
    outer = APIRouter(prefix="/v1")
    outer.include_router(live)
    app = FastAPI()
    app.include_router(outer)
    app.include_router(fixed)
    wrapped = wrap(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    assert not is_snapshot(ask(wrapped, "/v1/live/one"))
    assert is_snapshot(ask(wrapped, "/v1/live/two"))
    assert is_snapshot(ask(wrapped, "/three"))


@pytest.mark.parametrize("output", ["static", "server"])
def test_output_is_the_default_of_unmarked_pages(output: str, wrap: Wrap, dist: Path, built: Build) -> None:
    app = fastapi_site()

    @app.get("/marked")
    @prerender
    async def marked() -> HTMLResponse:
        return HTMLResponse('<a href="/about">about</a>')

    wrapped = wrap(app, dist=dist, snapshots=True, output=output)
    assert built(wrapped).findings == []
    assert is_snapshot(ask(wrapped, "/marked"))
    assert is_snapshot(ask(wrapped, "/about")) == (output == "static")


def test_a_callable_mark_is_asked_with_the_config(wrap: Wrap, dist: Path, built: Build) -> None:
    def only_with_site(config: Any) -> bool:
        return bool(config.site)

    app = FastAPI()

    @app.get("/a")
    @prerender(lambda config: config.output == "static")
    async def a() -> HTMLResponse:
        return HTMLResponse("a")

    @app.get("/b")
    @prerender(only_with_site)
    async def b() -> HTMLResponse:
        return HTMLResponse("b")

    wrapped = wrap(app, dist=dist, snapshots=True)
    built(wrapped)
    assert is_snapshot(ask(wrapped, "/a"))
    assert not is_snapshot(ask(wrapped, "/b"))


def test_auto_renders_what_the_build_did_not_know(wrap: Wrap, dist: Path, built: Build) -> None:
    app = FastAPI()

    @app.get("/p/{slug}")
    @prerender("auto", paths=[StaticPath({"slug": "a"})])
    async def page(slug: str) -> HTMLResponse:
        return HTMLResponse(slug)

    wrapped = wrap(app, dist=dist, snapshots=True)
    built(wrapped)
    assert is_snapshot(ask(wrapped, "/p/a"))
    assert ask(wrapped, "/p/new").text == "new"


# --- the code that runs decides, not the build


def test_a_page_that_is_on_demand_by_now_is_not_answered_from_its_snapshot(
    dist: Path, built: Build, caplog: pytest.LogCaptureFixture
) -> None:
    built(OnDemand(fastapi_site(), dist=dist))
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True, rules={"/about": Rule(prerender=False)})
    assert not is_snapshot(ask(wrapped, "/about"))
    assert not is_snapshot(ask(wrapped, "/about"))
    assert [record.message for record in caplog.records].count(
        "the snapshot of /about is not used: the rule /about is False. Build again."
    ) == 1


def test_a_page_whose_route_is_gone_is_not_answered(dist: Path, built: Build) -> None:
    built(OnDemand(fastapi_site(), dist=dist))
    smaller = Starlette(routes=[Route("/", lambda request: HTMLResponse("home"))])
    assert ask(OnDemand(smaller, dist=dist, snapshots=True), "/about").status == 404


def test_a_guard_added_after_the_build_holds(dist: Path, built: Build) -> None:
    built(OnDemand(fastapi_site(), dist=dist))
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True, rules={"/about": Rule(guard=members_only)})
    assert ask(wrapped, "/about").status == 302


def test_hosts_have_their_own_pages(dist: Path, built: Build) -> None:
    main = [Route("/", lambda request: HTMLResponse('<a href="/x">main</a>')), Route("/x", lambda r: HTMLResponse("x"))]
    api = Starlette(routes=[Route("/", lambda request: PlainTextResponse("api"))])
    app = Starlette(routes=[Host("api.example.com", app=api), *main])
    wrapped = OnDemand(app, dist=dist, snapshots=True, site="https://example.com")
    assert built(wrapped).pages == 2
    assert is_snapshot(ask(wrapped, "/", headers={"host": "example.com"}))
    assert ask(wrapped, "/", headers={"host": "api.example.com"}).text == "api"


# --- trailing slashes


def slash_site() -> Starlette:
    def page(text: str) -> Any:
        return lambda request: HTMLResponse(text)

    @prerender(False)
    async def live(request: Any) -> HTMLResponse:
        return HTMLResponse("live")

    routes = [
        Route("/", page('<a href="/about">a</a><a href="/docs/">d</a><a href="/feed.xml">f</a>')),
        Route("/about", page("about")),
        Route("/docs/", page("docs")),
        Route("/feed.xml", page("feed")),
        Route("/live", live, methods=["GET", "POST"]),
        Route("/room/", live, methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return app


@pytest.mark.parametrize(
    ("policy", "path", "status", "location"),
    [
        ("ignore", "/about", 200, None),
        ("ignore", "/about/", 404, None),
        ("always", "/about", 301, "/about/"),
        ("always", "/about/", 200, None),
        ("always", "/about?x=1", 301, "/about/?x=1"),
        ("always", "/docs/", 200, None),
        ("always", "/docs", 301, "/docs/"),
        ("always", "/feed.xml", 200, None),
        ("always", "/feed.xml/", 404, None),
        ("always", "/missing", 404, None),
        ("always", "/live", 200, None),  # the app answers it only so
        ("always", "/room", 301, "/room/"),
        ("always", "/", 200, None),
        ("never", "/about/", 301, "/about"),
        ("never", "/about", 200, None),
        ("never", "/docs/", 301, "/docs"),
        ("never", "/docs", 200, None),
        ("never", "/live/", 301, "/live"),
        ("never", "/missing/", 404, None),
        ("never", "//evil.example/", 404, None),
        ("always", "//evil.example", 404, None),
        ("never", "/\\evil.example/", 404, None),
    ],
)
def test_trailing_slashes_by_policy(
    policy: str, path: str, status: int, location: str | None, dist: Path, built: Build
) -> None:
    wrapped = OnDemand(slash_site(), dist=dist, snapshots=True, trailing_slash=policy)
    built(wrapped)
    answer = ask(wrapped, path)
    assert (answer.status, answer.header("location")) == (status, location)


def test_a_post_is_redirected_with_308_and_only_to_something_that_takes_it(dist: Path, built: Build) -> None:
    wrapped = OnDemand(slash_site(), dist=dist, snapshots=True, trailing_slash="never")
    built(wrapped)
    assert ask(wrapped, "/live/", method="POST").status == 308
    assert ask(wrapped, "/about/", method="POST").status == 404


def test_redirects_keep_root_path_and_base(dist: Path, built: Build) -> None:
    wrapped = OnDemand(
        slash_site(),
        dist=dist,
        snapshots=True,
        trailing_slash="never",
        base="/b",
        findings={"broken-link": "ignore"},
        rules={"/about": Rule(prerender=True)},
    )
    built(wrapped)
    assert ask(wrapped, "/r/b/about/", root_path="/r").header("location") == "/r/b/about"


# --- start


def test_a_wrong_setting_is_refused_where_it_is_written() -> None:
    with pytest.raises(ConfigError, match=r"outptu.*Did you mean 'output'"):
        OnDemand(FastAPI(), outptu="static")
    with pytest.raises(ConfigError, match=r"trailing_slash='maybe'.*'ignore' or 'always' or 'never'"):
        OnDemand(FastAPI(), trailing_slash="maybe")


def test_added_as_middleware_it_fails_the_start_of_the_server() -> None:
    app = FastAPI()
    app.add_middleware(OnDemand, outptu="static")
    sent: list[Any] = []

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "lifespan.startup"}

        async def send(message: Any) -> None:
            sent.append(message)

        with pytest.raises(ConfigError):
            await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    asyncio.run(run())
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert "outptu" in sent[0]["message"]


@pytest.mark.parametrize("snapshots", [False, "perhaps"])
def test_an_app_without_lifespan_is_read_at_the_start_of_the_server_too(snapshots: Any, tmp_path: Path) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"

    sent: list[Any] = []
    wrapped = OnDemand(app, dist=tmp_path)
    wrapped._settings["snapshots"] = snapshots  # as pyproject.toml would say it, which is read with the site

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "lifespan.startup"}

        async def send(message: Any) -> None:
            sent.append(message)

        with pytest.raises(AssertionError if snapshots is False else ConfigError):
            await wrapped({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    asyncio.run(run())
    assert [message["type"] for message in sent] == ([] if snapshots is False else ["lifespan.startup.failed"])
    assert (wrapped._site is not None) == (snapshots is False)


def test_a_rule_that_covers_nothing_is_a_warning(dist: Path) -> None:
    wrapped = OnDemand(fastapi_site(), dist=dist, rules={"/abuot": Rule(prerender=False), "/ab*": Rule(prerender=True)})
    with pytest.warns(OnDemandWarning, match=r"/abuot.*covers no route"):
        ask(wrapped, "/")


def test_a_mark_that_was_lost_is_a_warning(dist: Path) -> None:
    def careless(function: Any) -> Any:
        async def without_wraps(request: Any) -> Any:
            return await function(request)

        return without_wraps

    @careless
    @prerender(False)
    async def forgotten(request: Any) -> HTMLResponse:
        return HTMLResponse("x")

    wrapped = OnDemand(Starlette(routes=[Route("/", forgotten)]), dist=dist)
    with pytest.warns(OnDemandWarning, match=r"forgotten.*functools\.wraps"):
        ask(wrapped, "/")


@pytest.mark.parametrize(
    ("middleware", "name"),
    [
        (Middleware(TrustedHostMiddleware, allowed_hosts=["*"]), "TrustedHostMiddleware"),
        (Middleware(HTTPSRedirectMiddleware), "HTTPSRedirectMiddleware"),
        (Middleware(AuthenticationMiddleware, backend=None), "AuthenticationMiddleware"),
        (Middleware(SessionMiddleware, secret_key="k"), "SessionMiddleware"),
        (Middleware(CORSMiddleware), "CORSMiddleware"),
    ],
)
def test_security_middleware_that_snapshots_skip_is_a_warning(
    middleware: Middleware, name: str, dist: Path, built: Build
) -> None:
    def site() -> FastAPI:
        app = fastapi_site()
        app.user_middleware.append(middleware)
        return app

    wrapped = OnDemand(site(), dist=dist, snapshots=True)
    with pytest.warns(OnDemandWarning, match=name):
        wrapped.site()
    with warnings.catch_warnings():  # without snapshots nothing is skipped
        warnings.simplefilter("error")
        OnDemand(site(), dist=dist, snapshots=False).site()
    report = built(OnDemand(site(), dist=dist))
    assert [finding.message for finding in report.findings if finding.kind == "skipped-middleware"] == [
        f"Snapshots skip {name}, which lies inside OnDemand."
    ]
    silent = OnDemand(site(), dist=dist, snapshots=True, skips=[middleware.cls])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        silent.site()


def test_middleware_outside_is_no_warning(dist: Path) -> None:
    app = fastapi_site()
    app.add_middleware(OnDemand, dist=dist)
    app.add_middleware(SessionMiddleware, secret_key="k")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask(app, "/")


def test_middleware_added_before_us_is_a_warning(dist: Path) -> None:
    app = fastapi_site()
    app.add_middleware(SessionMiddleware, secret_key="k")
    app.add_middleware(OnDemand, dist=dist, snapshots=True)
    with pytest.warns(OnDemandWarning, match="SessionMiddleware"):
        ask(app, "/")


@pytest.mark.parametrize(
    ("environment", "debug", "snapshots", "used"),
    [
        ({}, False, True, True),
        ({}, False, False, False),
        ({}, False, "auto", False),  # this is pytest
        ({"ONDEMAND_SNAPSHOTS": "1"}, True, False, True),
        ({"ONDEMAND_SNAPSHOTS": "0"}, False, True, False),
    ],
)
def test_snapshots_are_used_where_they_should_be(
    environment: dict[str, str],
    debug: bool,
    snapshots: Any,
    used: bool,
    dist: Path,
    built: Build,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "ondemand")
    app = fastapi_site()
    app.debug = debug
    wrapped = OnDemand(app, dist=dist, snapshots=snapshots)
    built(wrapped)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert is_snapshot(ask(wrapped, "/")) == used
    line = next(record.message for record in caplog.records if record.message.startswith("ondemand: "))
    assert (str(dist) in line) == used


# --- passing through


def test_websockets_and_lifespan_pass_through(wrap: Wrap, dist: Path) -> None:
    async def echo(websocket: Any) -> None:
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    app = Starlette(routes=[WebSocketRoute("/", echo)])
    wrapped = wrap(app, dist=dist)
    sent: list[str] = []

    async def run() -> None:
        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await wrapped({**make_scope("/"), "type": "websocket", "subprotocols": []}, receive, send)

    asyncio.run(run())
    assert sent == ["websocket.accept", "websocket.send", "websocket.close"]


def test_exceptions_of_the_app_pass_untouched(dist: Path) -> None:
    class Own(Exception):
        pass

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise Own

    with pytest.raises(Own):
        ask(OnDemand(app, dist=dist), "/")


def test_what_no_snapshot_answers_reaches_the_app_as_it_came(dist: Path, built: Build) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append((scope, receive, send))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    wrapped = OnDemand(app, dist=dist, snapshots=True)
    built(wrapped)
    seen.clear()
    scope = make_scope("/x?y=1", method="PATCH")
    body, messages = {"type": "http.request", "body": b"b", "more_body": False}, []

    async def receive() -> Any:
        return body

    async def send(message: Any) -> None:
        messages.append(message)

    before = dict(scope)
    asyncio.run(wrapped(scope, receive, send))
    assert seen[0][0] is scope
    assert scope == before
    assert asyncio.run(seen[0][1]()) is body
    answer = {"type": "http.response.body", "body": b""}
    asyncio.run(seen[0][2](answer))
    assert messages[-1] is answer


def test_no_header_of_a_visitor_makes_a_request_a_builds(dist: Path, built: Build) -> None:
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True)
    built(wrapped)
    for forged in (True, "1", {}, object()):
        assert is_snapshot(ask(wrapped, "/", **{"ondemand.capture": forged}))


@pytest.mark.parametrize("raw", [b"/blog%2Fhello", b"/blog%2fhello", b"/blog%5Chello"])
def test_an_encoded_slash_goes_to_the_app(raw: bytes, dist: Path, built: Build) -> None:
    app = Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse('<a href="/blog/hello">h</a>')),
            Route("/blog/hello", lambda request: HTMLResponse("hello")),
        ]
    )
    wrapped = OnDemand(app, dist=dist, snapshots=True)
    built(wrapped)
    assert is_snapshot(ask(wrapped, "/blog/hello"))
    assert is_snapshot(ask(wrapped, "/blog/hello", raw_path=b"/blog/h%65llo"))
    assert not is_snapshot(ask(wrapped, "/blog/hello", raw_path=raw))


def test_with_no_app_it_is_a_whole_site(dist: Path) -> None:
    wrapped = OnDemand(dist=dist, snapshots=True)
    assert ask(wrapped, "/").status == 404


def test_public_files_are_served_without_a_build(tmp_path: Path, wrap: Wrap, dist: Path) -> None:
    public = tmp_path / "public"
    public.mkdir()
    (public / "style.css").write_text("b{}")
    (public / ".env").write_text("SECRET")
    wrapped = wrap(fastapi_site(), dist=dist, public=public)
    answer = ask(wrapped, "/style.css")
    assert (answer.status, answer.text, answer.header("content-type")) == (200, "b{}", "text/css; charset=utf-8")
    assert ask(wrapped, "/style.css", headers={"if-none-match": answer.header("etag") or ""}).status == 304
    assert ask(wrapped, "/.env").status == 404
    assert ask(wrapped, "/../dist").status == 404


def test_a_new_generation_is_picked_up_and_a_broken_one_is_not(
    dist: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = {"home": "one"}

    def site(**more: Any) -> OnDemand:
        async def home(request: Any) -> HTMLResponse:
            return HTMLResponse(text["home"])

        return OnDemand(Starlette(routes=[Route("/", home)]), dist=dist, **more)

    build(site())
    wrapped = site(snapshots=True)
    assert ask(wrapped, "/").text == "one"
    published = wrapped.site().published
    assert published is not None

    def reload() -> None:
        published.look()
        if published.thread is not None:
            published.thread.join()

    text["home"] = "two"
    build(site())
    assert ask(wrapped, "/").text == "one"  # within a second nobody looks
    reload()
    assert ask(wrapped, "/").text == "two"

    text["home"] = "three"
    build(site())
    manifest = dist / "000003" / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-9])
    reload()
    assert ask(wrapped, "/").text == "two"
    assert any("truncated" in record.message and "000002 stays" in record.message for record in caplog.records)

    build(site())
    next((dist / "000004" / "site").glob("*.html")).unlink()
    reload()
    assert ask(wrapped, "/").text == "two"
    Store(dist).point_to("000001")
    reload()
    assert ask(wrapped, "/").text == "one"


def test_a_file_that_is_gone_or_cut_is_answered_by_the_app(dist: Path, built: Build) -> None:
    built(OnDemand(fastapi_site(), dist=dist))
    (dist / "000001" / "site" / "about" / "index.html").write_text("abou")
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True)
    answer = ask(wrapped, "/about")
    assert (answer.text, is_snapshot(answer)) == ("about", False)
    assert is_snapshot(ask(wrapped, "/"))


def test_many_different_accept_encodings_keep_memory_bounded(dist: Path, built: Build) -> None:
    wrapped = OnDemand(fastapi_site(), dist=dist, snapshots=True)
    built(wrapped)

    async def run() -> None:
        for n in range(1000):
            await ask_async(wrapped, "/about", headers={"accept-encoding": f"x-{n}"})

    asyncio.run(run())
    published = wrapped.site().published
    assert published is not None
    assert published.server is not None
    answer = published.server.find("/about")
    assert answer is not None
    assert len(answer.quick) <= 65


@pytest.mark.parametrize("root_path", ["", "/app"])
def test_base_may_be_the_root_path_that_the_app_sets_itself(
    root_path: str, wrap: Wrap, dist: Path, built: Build
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FastAPI would rather have it set by the server
        app = FastAPI(root_path=root_path, openapi_url=None)

    @app.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse('<a href="/app/about">about</a>')

    @app.get("/about")
    async def about(request: Request) -> HTMLResponse:
        return HTMLResponse(str(request.url_for("about")))

    wrapped = wrap(app, dist=dist, snapshots=True, base="/app", site="https://example.com")
    assert ask(wrapped, "/app/about").text == "http://testserver/app/about"
    assert built(wrapped).added == ["/", "/about"]
    assert is_snapshot(ask(wrapped, "/app/about"))
    assert ask(wrapped, "/app/about").text == "https://example.com/app/about"
    assert [ask(wrapped, path).status for path in ("/app/", "/about", "/")] == [200, 404, 404]
