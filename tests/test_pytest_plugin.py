"""Tests of a site: builds into memory, what the assertions say, and the plugin that brings them to pytest."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ondemand import AppImportError, ConfigError, OnDemand, OnDemandError, Pages, Rule, build, is_building, prerender
from ondemand.testing import Builds, BuiltSite, build_into_memory
from tests.asking import ask, is_snapshot, write_site

PROJECT = Path(__file__).parent.parent


def site_of(pages: dict[str, Any], **settings: Any) -> Any:
    """An app of pages: a text is an HTML document, a function makes the response; `/` links to all of them."""

    def endpoint(page: Any) -> Callable[..., Any]:
        async def answer(request: Request) -> Response:
            found = page() if callable(page) else page
            return HTMLResponse(found) if isinstance(found, str) else found

        return prerender(answer) if callable(page) else answer

    links = "home" + "".join(f'<a href="{path}">x</a>' for path in pages)
    routes = [Route(path, endpoint(page)) for path, page in {"/": links, **pages}.items()]
    return OnDemand(Starlette(routes=routes), **settings)


def said(call: Callable[..., Any], *arguments: Any, **options: Any) -> list[str]:
    """The lines of the AssertionError that it raises."""
    with pytest.raises(AssertionError) as caught:
        call(*arguments, **options)
    return str(caught.value).splitlines()


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


# --- a build into memory


async def plain(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        found = scope["path"] in {"/", "/about"}
        await send(
            {
                "type": "http.response.start",
                "status": 200 if found else 404,
                "headers": [(b"content-type", b"text/html")],
            }
        )
        await send(
            {"type": "http.response.body", "body": b"<a href=/about>a</a>" if scope["path"] == "/" else b"About"}
        )


def fastapi_app() -> FastAPI:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        loop = asyncio.get_running_loop()
        yield {"later": loop.create_future, "word": "About"}

    app = FastAPI(lifespan=lifespan)

    @app.get("/", response_class=HTMLResponse)
    async def home() -> str:
        return "<a href=/about>a</a>"

    @app.get("/about", response_class=HTMLResponse)
    async def about(request: Request) -> str:
        request.state.later().cancel()
        return request.state.word

    return app


def own_pages() -> Any:
    pages = Pages()

    @pages.page("/")
    async def home(page: Any) -> str:
        return "<a href=/about>a</a>"

    @pages.page("/about")
    async def about(page: Any) -> str:
        return "About"

    return OnDemand(pages=pages)


def inside(app: Any) -> Any:
    app.add_middleware(OnDemand)
    return app


APPS: dict[str, Callable[[], Any]] = {
    "FastAPI, add_middleware": lambda: inside(fastapi_app()),
    "FastAPI, OnDemand(app)": lambda: OnDemand(fastapi_app()),
    "Starlette": lambda: site_of({"/about": "About"}),
    "pages of our own": own_pages,
    "any ASGI app": lambda: OnDemand(plain),
}


@pytest.mark.parametrize("make", APPS.values(), ids=APPS)
def test_a_site_is_built_into_memory_and_agrees_with_its_app(make: Callable[[], Any]) -> None:
    app = make()
    site = build_into_memory(app)
    assert site.paths == list(site) == ["/", "/about"]
    about = site["/about"]
    assert (about.status, about.text, about.kind, about.headers["Content-Type"][:9]) == (
        200,
        "About",
        "page",
        "text/html",
    )
    assert ("/about" in site, "/gone" in site, len(site)) == (True, False, 2)
    site.assert_static("/about")
    site.assert_no_findings()
    site.assert_parity()
    assert list(Path.cwd().iterdir()) == []
    assert (site.report.pages, site.report.generation, site.report.dist) == (2, None, "")
    answer = ask(app, "/about", state={"later": asyncio.Future, "word": "About"})
    assert (answer.text, is_snapshot(answer), is_building()) == ("About", False, False)


def test_what_was_published_is_served_afterwards_as_before(dist: Path) -> None:
    app = site_of({"/n": each(*"0123456")}, dist=dist, snapshots=True)
    build(app, sample=0)
    assert (ask(app, "/n").text, is_snapshot(ask(app, "/n"))) == ("0", True)
    before = sorted(dist.rglob("*"))
    site = build_into_memory(app, sample=0)
    assert site["/n"].text == "1"
    assert said(site.assert_parity)[2] == "    body: line 1: [1 | 2] (snapshot | live)"
    assert sorted(dist.rglob("*")) == before
    assert (ask(app, "/n").text, is_snapshot(ask(app, "/n"))) == ("0", True)


def test_a_running_loop_is_no_obstacle() -> None:
    async def test() -> list[str]:
        site = build_into_memory(inside(fastapi_app()))
        site.assert_parity()
        return site.paths

    assert asyncio.run(test()) == ["/", "/about"]


def test_options_are_those_of_a_build() -> None:
    app = site_of({"/a": "x"}, rules={"/nowhere": Rule(prerender=False)})
    assert not build_into_memory(app).report.failed
    assert build_into_memory(app, strict=True).report.failed
    for option in ("dist", "publish", "nothing"):
        with pytest.raises(TypeError, match=option):
            build_into_memory(app, **{option: True})


# --- assert_static


async def unseen(request: Request) -> Response:
    return HTMLResponse("x")


def undecided() -> Any:
    @prerender(False)
    async def live(request: Request) -> Response:
        return HTMLResponse("x")

    @prerender(paths=[{"params": {"n": "1"}}])
    async def numbered(request: Request) -> Response:
        return HTMLResponse("x")

    pages = {"/": unseen, "/live": live, "/n/{n}": numbered, "/unlinked": unseen, "/ruled": unseen}
    home = HTMLResponse('<a href="/live">x</a><a href="/ruled">x</a><a href="/json">x</a>')

    async def begin(request: Request) -> Response:
        return home

    async def data(request: Request) -> Response:
        return Response("{}", media_type="application/json")

    routes = [Route(path, page) for path, page in {**pages, "/": begin, "/json": data}.items()]
    return OnDemand(Starlette(routes=routes), rules={"/ruled": Rule(prerender=False)})


WHY = {
    "/live": ["/live is no snapshot: prerender is False.", "  route: /live (HERE:live)"],
    "/ruled": ["/ruled is no snapshot: the rule /ruled is False.", "  route: /ruled (HERE:unseen)"],
    "/json": ["/json is no snapshot: it answers JSON.", "  route: /json (HERE:data)"],
    "/unlinked": ["/unlinked is no snapshot: no link leads to it.", "  route: /unlinked (HERE:unseen)"],
    "/n/2": [
        "/n/2 is no snapshot: no link and no `paths` leads to it.",
        "  route: /n/{n} (HERE:numbered)",
    ],
    "/n/1/": ["/n/1/ is no snapshot, but /n/1 is."],
    "n/1": ["n/1 is no snapshot, but /n/1 is."],
    "/gone": ["/gone is no snapshot: no link leads to it, and no route is known to answer it."],
}


@pytest.fixture(scope="module")
def decided() -> BuiltSite:
    return build_into_memory(undecided())


@pytest.mark.parametrize("path", WHY)
def test_why_a_page_is_not_static_and_who_decided(path: str, decided: BuiltSite) -> None:
    lines = said(decided.assert_static, path)
    assert [line.replace(__file__, "HERE") for line in lines] == [
        line.partition("HERE:")[0] + (f"HERE:{_line_of(line)})" if "HERE:" in line else "") for line in WHY[path]
    ]
    with pytest.raises(KeyError, match="is no snapshot"):
        decided[path]


def _line_of(line: str) -> int:
    """Where the function named at the end of `line` begins, its decorator included."""
    name = line.rpartition(":")[2].rstrip(")")
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    at = max(number for number, text in enumerate(source, 1) if text.strip().startswith(f"async def {name}(request"))
    return at - 1 if source[at - 2].strip().startswith("@") else at


def test_findings_about_the_page_are_told() -> None:
    async def slow(request: Request) -> Response:
        raise ValueError("no")

    app = OnDemand(
        Starlette(routes=[Route("/", endpoint=unseen), Route("/slow", prerender(slow))]), findings={"error": "warn"}
    )
    site = build_into_memory(app)
    assert site.paths == ["/"]
    lines = said(site.assert_static, "/slow")
    assert lines[0] == "/slow is no snapshot: It raised ValueError: no."
    assert lines[2] == "  error (warning) /slow: It raised ValueError: no. Correct the page."
    assert 'raise ValueError("no")' in lines[3]


# --- findings


def test_a_build_with_faults_is_told_by_every_assertion() -> None:
    site = build_into_memory(site_of({"/a": '<a href="/gone">x</a>', "/b": '<a href="/gone">x</a>'}))
    assert (site.report.failed, site.paths) == (True, [])
    finding = [
        "  broken-link /gone: It is linked to, but it answers 404. Correct the link or the page.",
        "    linked from /a, /b",
    ]
    found = said(site.assert_no_findings)
    assert found == ["The build found 1 thing:", *finding]
    faults = "the build has faults, and such a build publishes nothing."
    assert said(site.assert_static, "/a")[0] == f"/a is no snapshot: {faults}"
    assert said(site.assert_static, "/a")[2:] == finding
    assert said(site.assert_parity) == [f"There are no snapshots: {faults}", *finding]
    site.assert_no_findings(ignore=["broken-link"])


def test_warnings_are_findings_and_kinds_can_be_left_out() -> None:
    app = site_of({"/a": "<a href='http://['>x</a>"}, rules={"/nowhere": Rule(prerender=False)})
    site = build_into_memory(app)
    lines = said(site.assert_no_findings)
    assert lines[0] == "The build found 2 things:"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "  faulty-link (warning) /a",
        "    linked from /",
        "  unused-rule (warning) /nowhere",
    ]
    assert len(said(site.assert_no_findings, ignore="faulty-link")) == 2
    site.assert_no_findings(ignore=("faulty-link", "unused-rule"))
    with pytest.raises(ConfigError, match="ignore='reeds' is no kind of finding"):
        site.assert_no_findings(ignore=["reeds"])


def test_a_site_without_static_pages_proves_nothing() -> None:
    site = build_into_memory(OnDemand(Starlette(routes=[Route("/", unseen)]), output="server"))
    assert said(site.assert_parity)[0] == "There are no snapshots: no page is static."


# --- parity


def each(*answers: Any) -> Callable[[], Any]:
    """A page that answers these, one after the other."""
    waiting = iter(answers)
    return lambda: next(waiting)


def page(body: str = "x", status: int = 200, **headers: str) -> Response:
    return HTMLResponse(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def fails() -> Callable[[], Any]:
    asked = itertools.count()

    def answer() -> str:
        if next(asked):
            raise ValueError("not twice")
        return "x"

    return answer


DIFFERENT: dict[str, tuple[Callable[[], Any], list[str]]] = {
    "a clock": (
        each("<p>at 10:15:59 today</p>", *["<p>at 10:16:00 today</p>"] * 2),
        ["body: line 1: <p>at [10:15:59 | 10:16:00] today</p> (snapshot | live)", "It looks like a time."],
    ),
    "seconds since 1970": (
        each("t=1795287819.25", "t=1795287820.5", "t=1795287820.5"),
        ["body: line 1: t=[1795287819.25 | 1795287820.5] (snapshot | live)", "It looks like a time."],
    ),
    "a date in a header": (
        each(page(x_made="2026-11-20"), page(x_made="2026-11-21"), page(x_made="2026-11-21")),
        ["x-made: '2026-11-20' in the snapshot, '2026-11-21' live", "It looks like a time."],
    ),
    "chance": (
        each("id=e008bb4f0a7f47ce", "id=2ed9a1093f9e2058", "id=c0ffee1234c0ffee"),
        [
            "body: line 1: id=[e008bb4f0a7f47ce | 2ed9a1093f9e2058] (snapshot | live)",
            "It looks like a random token.",
        ],
    ),
    "a little chance": (
        each("id=3f2a9c41d0", "id=b71e08aa52", "id=c0ffee1234"),
        [
            "body: line 1: id=[3f2a9c41d0 | b71e08aa52] (snapshot | live)",
            "It is another each time that it is asked: counted, or random.",
        ],
    ),
    "the order of a set": (
        each("<p>a b c</p>", "<p>b c a</p>", "<p>b c a</p>"),
        ["body: line 1: <p>[a b c | b c a]</p> (snapshot | live)", "It looks like the order of a set."],
    ),
    "a counter": (
        each(page(x_n="1"), page(x_n="2"), page(x_n="3")),
        ["x-n: '1' in the snapshot, '2' live", "It looks like a counter."],
    ),
    "data that changed": (
        each("<h1>Old</h1>" + "." * 100, "<h1>New</h1>" + "." * 100, "<h1>New</h1>" + "." * 100),
        [f"body: line 1: <h1>[Old | New]</h1>{'.' * 19} (snapshot | live)"],
    ),
    "bytes": (
        each(Response(b"\xff1", media_type="image/png"), *[Response(b"\xff", media_type="image/png")] * 2),
        ["body: 2 bytes in the snapshot, 1 live, and not the same"],
    ),
    "a header that is gone": (each(page(x_a="1"), page(), page()), ["x-a: '1' in the snapshot, none live"]),
    "a header that is new": (each(page(), page(x_a="1"), page(x_a="1")), ["x-a: none in the snapshot, '1' live"]),
    "a cookie": (
        each(page(), page(set_cookie="a=1"), page(set_cookie="a=1")),
        ["set-cookie: none in the snapshot, 'a=1' live"],
    ),
    "its status": (each(page(), page(status=203), page(status=203)), ["status: 200 in the snapshot, 203 live"]),
    "where it leads": (
        each(RedirectResponse("/", 301), *[RedirectResponse("/?new", 301)] * 2),
        ["location: '/' in the snapshot, '/?new' live"],
    ),
    "it fails": (fails(), ["live, it raised ValueError: not twice"]),
}


@pytest.mark.parametrize(("answers", "expected"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_is_not_as_it_was_built_is_told(answers: Callable[[], Any], expected: list[str]) -> None:
    lines = said(build_into_memory(site_of({"/a": answers}), sample=0).assert_parity)
    assert lines[:2] == ["1 of 2 snapshots is not what the app answers live:", "  /a"]
    assert [line for line in lines[2:-2] if __file__ not in line] == [f"    {line}" for line in expected]
    assert lines[-2:] == [
        "Visitors get the snapshot until the next build. What may not wait is rendered on demand:",
        "@prerender(False), prerender = False.",
    ]


def test_the_users_own_line_is_shown_where_a_page_raises() -> None:
    lines = said(build_into_memory(site_of({"/a": fails()}), sample=0).assert_parity)
    assert [line.rpartition(": ")[2] for line in lines if __file__ in line][-1] == 'raise ValueError("not twice")'


async def hangs(request: Request) -> Response:
    if not is_building():
        await asyncio.Event().wait()
    return HTMLResponse("x")


def test_a_page_that_hangs_live_is_given_up() -> None:
    site = build_into_memory(OnDemand(Starlette(routes=[Route("/", hangs)]), page_timeout=0.2))
    assert said(site.assert_parity)[2] == "    live, it did not finish in 0.2 seconds"


def test_headers_can_be_left_out_and_pages_chosen() -> None:
    counted = each(*[page(X_N=str(n)) for n in range(20)])
    site = build_into_memory(site_of({"/a": counted, "/b": "b"}))
    site.assert_parity(ignore_headers=["X-N"])
    site.assert_parity("/b")
    site.assert_parity(["/", "/b"])
    assert said(site.assert_parity, ["/a"])[0] == "1 of 1 snapshot is not what the app answers live:"
    assert said(site.assert_parity, ["/c"])[0].startswith("/c is no snapshot: ")


def test_a_sample_is_spread_over_the_paths_and_what_is_shown_is_bounded() -> None:
    numbers = itertools.count()
    site = build_into_memory(site_of({f"/{n:02}": lambda: str(next(numbers)) for n in range(25)}), sample=0)
    lines = said(site.assert_parity)
    assert lines[0] == "25 of 26 snapshots are not what the app answers live:"
    assert [line.strip() for line in lines if line.startswith("  /")] == [f"/{n:02}" for n in range(20)]
    assert lines[-3] == "  ... and 5 more"
    lines = said(site.assert_parity, sample=3)
    assert (lines[0][:4], [line.strip() for line in lines if line.startswith("  /")]) == ("2 of", ["/11", "/24"])
    with pytest.raises(ConfigError, match="sample=0 is not accepted"):
        site.assert_parity(sample=0)


# --- what differs by design


async def closed_to_all(page: Any) -> Any:
    return page.redirect("/login")


class Numbered:
    """Middleware outside: adds another header each time."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.count = itertools.count()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def numbered(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", str(next(self.count)).encode())]
            await send(message)

        await self.app(scope, receive, numbered)


def with_files(folder: Path) -> Any:
    (folder / "a.css").write_text("body { color: red }")
    (folder / "f00dface.js").write_text("1")
    home = HTMLResponse('<link rel="stylesheet" href="/static/a.css"><script src="/f00dface.js"></script>')

    async def begin(request: Request) -> Response:
        return home

    routes = [Route("/", begin), Mount("/static", StaticFiles(directory=folder))]
    return OnDemand(Starlette(routes=routes), public=folder)


def with_middleware_outside() -> Any:
    app = fastapi_app()
    app.add_middleware(OnDemand)
    app.add_middleware(Numbered)
    return app


BY_DESIGN: dict[str, tuple[Callable[[Path], Any], list[str]]] = {
    "a guard": (lambda _: site_of({"/a": "x"}, rules={"/a": Rule(guard=closed_to_all)}), ["/", "/a"]),
    "another host": (lambda _: site_of({"/a": "x"}, allowed_hosts=["shop.example"]), ["/", "/a"]),
    "the other slash": (
        lambda _: site_of({"/a": "x", "/a/": "y"}, trailing_slash="always", build_format="preserve"),
        ["/", "/a", "/a/"],
    ),
    "a redirect": (lambda _: site_of({"/a": lambda: RedirectResponse("/", 308)}), ["/", "/a"]),
    "a configured redirect": (lambda _: site_of({}, redirects={"/old": "/"}), ["/", "/old"]),
    "files": (with_files, ["/", "/a.css", "/f00dface.js", "/static/a.css", "/static/f00dface.js"]),
    "headers of a rule": (
        lambda _: site_of({"/a": lambda: "x"}, rules={"/a": Rule(headers={"X-A": "1"}, vary=["X-B"])}),
        ["/", "/a"],
    ),
    "a base": (lambda _: OnDemand(site_of({}).app, base="/docs"), ["/"]),
    "middleware outside": (lambda _: with_middleware_outside(), ["/", "/about"]),
    "the page for 404": (lambda _: site_of({"/404": lambda: page("gone", 404)}), ["/", "/404"]),
}


@pytest.mark.parametrize(("make", "paths"), BY_DESIGN.values(), ids=BY_DESIGN)
def test_what_differs_by_design_is_no_mismatch(make: Callable[[Path], Any], paths: list[str], tmp_path: Path) -> None:
    (folder := tmp_path / "files").mkdir()
    site = build_into_memory(make(folder))
    assert site.paths == paths
    site.assert_parity()


def test_a_guarded_page_is_compared_as_those_see_it_whom_the_guard_lets_pass() -> None:
    app = site_of({"/a": each("one", "two", "two")}, rules={"/a": Rule(guard=closed_to_all)})
    site = build_into_memory(app, sample=0)
    assert said(site.assert_parity)[2] == "    body: line 1: [one | two] (snapshot | live)"
    assert ask(app, "/a").header("location") == "/login"


# --- module:attribute


MODULE = """
import os
from ondemand import OnDemand, is_building
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

async def home(request):
    return HTMLResponse("".join({"one", "two", "three", "four", "five"}) if os.environ.get("SETS") else "home")

if os.environ.get("FAILS") == "import" and not is_building():
    raise ValueError("only in a build")
if os.environ.get("FAILS") == "exit" and not is_building():
    print("enough", flush=True)
    os._exit(3)
app = OnDemand(Starlette(routes=[Route("/", home)]))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An app in a module that only this process knows how to find, as `pythonpath = ["src"]` makes it."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "shop_of_tests.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path / "src"))
    return "shop_of_tests:app"


def test_an_app_by_name_is_built_and_asked_in_processes_of_its_own(
    module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDEMAND_SNAPSHOTS", "1")  # of the tests' own process; the comparison has none
    before = os.environ.get("PYTHONPATH")
    site = build_into_memory(module)
    site.assert_static("/")
    site.assert_parity()
    assert "shop_of_tests" not in sys.modules
    assert os.environ.get("PYTHONPATH") == before
    monkeypatch.setenv("SETS", "1")
    assert said(build_into_memory(module, sample=0).assert_parity)[1] == "  /"
    for how, message in {"import": "ValueError: only in a build", "exit": r"\(exit code 3\)[.]\nenough"}.items():
        monkeypatch.setenv("FAILS", how)
        with pytest.raises(OnDemandError, match=message):
            site.assert_parity()
    assert list(Path.cwd().iterdir()) == []
    with pytest.raises(AppImportError, match="no module 'nowhere'"):
        build_into_memory("nowhere:app")


def test_an_app_that_starts_in_a_build_alone_is_told_of() -> None:
    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        if not is_building():
            raise ValueError("no database")
        yield

    app = OnDemand(Starlette(routes=[Route("/", unseen)], lifespan=lifespan))
    with pytest.raises(OnDemandError, match="cannot be started outside a build: ValueError: no database"):
        build_into_memory(app).assert_parity()


# --- fixtures


def test_an_app_is_built_once_for_the_same_options() -> None:
    builds, app = Builds(), site_of({})
    with pytest.raises(AssertionError, match="Nothing was built in this test"):
        builds.assert_static("/")
    site = builds(app)
    builds.assert_static("/")
    builds.assert_parity(app)
    builds.assert_no_findings(app)
    assert builds(app) is site
    assert builds(app, strict=True) is not site
    other = builds(site_of({"/a": "x"}))
    assert builds.last is other
    builds.assert_static("/a")
    assert builds(app) is builds.last is site


def pytest_run(folder: Path, *arguments: str, autoload: bool = False) -> subprocess.CompletedProcess[str]:
    """autoload: with the plugins that are installed, which may warn of things of their own."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    options = ["-q", "-p", "no:cacheprovider"]
    if not autoload:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        options += ["-W", "error", "-p", "ondemand.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=90)


TESTS = """
import pytest
from main import app

def test_site(ondemand_build):
    site = ondemand_build(app)
    site.assert_static("/about")
    site.assert_no_findings()
    site.assert_parity()

def test_fixtures(ondemand_build, assert_static, assert_parity, assert_no_findings):
    site = ondemand_build(app)
    assert_static("/about")
    assert_parity(app)
    assert_no_findings()
    assert ondemand_build(app) is site

def test_in_a_process(ondemand_build):
    ondemand_build("main:app").assert_parity()

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_async(assert_parity):
    assert_parity(app)

def test_fails(ondemand_build, assert_static):
    ondemand_build(app)
    assert_static("/live")
"""

MAIN = """
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from ondemand import OnDemand, prerender

app = FastAPI()

@app.get("/", response_class=HTMLResponse)
async def home():
    return '<a href="/about">about</a><a href="/live">live</a>'

@app.get("/about", response_class=HTMLResponse)
async def about():
    return "About"

@app.get("/live")
@prerender(False)
async def live():
    return "live"

app.add_middleware(OnDemand)
"""


def test_the_fixtures_in_a_project(tmp_path: Path) -> None:
    folder = write_site(tmp_path / "shop", MAIN)
    (folder / "test_shop.py").write_text(TESTS)
    before = sorted(file.name for file in folder.iterdir())
    done = pytest_run(folder, "-p", "anyio", "--capture=sys", "test_shop.py")
    assert "1 failed, 4 passed" in done.stdout, done.stdout + done.stderr
    assert [line[1:].strip() for line in done.stdout.splitlines() if line.startswith("E  ")] == [
        "AssertionError: /live is no snapshot: prerender is False.",
        f"route: /live ({folder}/main.py:16)",
    ]
    assert '>       assert_static("/live")' in done.stdout
    assert "ondemand/testing.py" not in done.stdout
    assert sorted(file.name for file in folder.iterdir() if file.name != "__pycache__") == before


def test_the_examples_of_the_documentation_pass(tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "testing.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    folder = write_site(tmp_path / "shop", MAIN)
    (folder / "conftest.py").write_text(examples[1])
    (folder / "test_shop.py").write_text(examples[0] + examples[2])
    done = pytest_run(folder, "test_shop.py")
    assert "5 passed" in done.stdout, done.stdout + done.stderr


def test_nothing_is_loaded_before_a_fixture_is_used(tmp_path: Path) -> None:
    (tmp_path / "test_empty.py").write_text(
        "import sys\ndef test_empty():\n"
        "    print('LOADED', *(n for n in sys.modules if n.split('.')[0] in {'ondemand', 'httpx', 'mako', 'asyncio'}))\n"
    )
    done = pytest_run(tmp_path, "-s", ".")
    assert "LOADED ondemand ondemand.pytest_plugin\n" in done.stdout, done.stdout + done.stderr


def test_pytest_finds_the_fixtures_by_itself(tmp_path: Path) -> None:
    if not any(point.value == "ondemand.pytest_plugin" for point in entry_points(group="pytest11")):
        if os.environ.get("CI") == "true":
            pytest.fail("the installed distribution has no pytest plugin")
        pytest.skip("the installed asgi-ondemand is older than its pytest plugin: install it again (pip install -e .)")
    done = pytest_run(tmp_path, "--fixtures", autoload=True)
    for name in ("ondemand_build", "assert_static", "assert_parity", "assert_no_findings"):
        assert f"\n{name} -- " in done.stdout, done.stdout + done.stderr
