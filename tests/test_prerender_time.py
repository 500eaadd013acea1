"""Page objects while a build renders: what is read, what is written, and what a build says about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

import ondemand
from ondemand import OnDemand, PrerenderError, Redirect, Response, StaticPath, build, current_page, prerender
from ondemand.fastapi import Page
from ondemand.prerendering.report import Finding, Report
from tests.asking import Wrap, ask, is_snapshot, write_site
from tests.conftest import Build
from tests.test_cli import ondemand as command

HERE = Path(__file__).name


def site(marked: bool, use: Any, wrap: Wrap, dist: Path) -> Any:
    """An app with a page at /it that does `use(page)`, and a home page that links to it."""
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse('<a href="/it">it</a>')

    async def it(page: Page) -> HTMLResponse:
        return HTMLResponse(f"<p>{use(page)}</p>")

    app.get("/it")(prerender(it) if marked else it)
    return wrap(app, dist=dist, snapshots=True)


READS = {
    "the request's headers": lambda page: page.request.headers.get("user-agent"),
    "the request's cookies": lambda page: page.cookies.get("a"),
    "the preferred locale": lambda page: page.preferred_locale,
    "the request's query": lambda page: page.request.query.get("q"),
}


@pytest.mark.parametrize("what", READS)
def test_a_marked_page_that_reads_the_visitor_is_a_warning_with_the_users_line(
    what: str, wrap: Wrap, dist: Path, built: Build
) -> None:
    wrapped = site(True, READS[what], wrap, dist)
    report = built(wrapped)
    (finding,) = report.findings
    assert (finding.kind, finding.policy, finding.route, finding.path) == ("reads", "warn", "/it", "/it")
    assert what in finding.message
    assert HERE in finding.frames[0]
    assert "lambda" in finding.frames[0]
    assert is_snapshot(ask(wrapped, "/it"))
    assert ask(wrapped, "/it").text == "<p>None</p>"


@pytest.mark.parametrize("what", READS)
def test_strict_makes_it_an_error(what: str, wrap: Wrap, dist: Path, built: Build) -> None:
    report = built(site(True, READS[what], wrap, dist), strict=True)
    assert [(finding.kind, finding.policy) for finding in report.findings] == [("reads", "fail")]
    assert report.generation is None


@pytest.mark.parametrize("what", READS)
def test_an_unmarked_page_that_reads_the_visitor_stays_on_demand(
    what: str, wrap: Wrap, dist: Path, built: Build
) -> None:
    wrapped = site(False, READS[what], wrap, dist)
    report = built(wrapped, strict=True)
    assert (report.findings, report.pages, report.on_demand) == ([], 1, 1)
    assert not is_snapshot(ask(wrapped, "/it"))
    (route,) = [route for route in report.routes if route.pattern == "/it"]
    assert route.pages == 0


def test_a_warning_is_said_once_per_route(wrap: Wrap, dist: Path, built: Build) -> None:
    app = FastAPI()

    @app.get("/{n}")
    @prerender(paths=[StaticPath({"n": n}) for n in range(20)])
    async def numbered(page: Page, n: int) -> HTMLResponse:
        page.cookies.get("a")
        page.cookies.has("b")
        return HTMLResponse(str(page.request.headers.get("x")))

    report = built(wrap(app, dist=dist, snapshots=True))
    assert report.pages == 20
    assert [finding.message.partition("reads ")[2].partition(",")[0] for finding in report.findings] == [
        "the request's cookies",
        "the request's headers",
    ]


def test_a_warning_can_be_silenced_for_some_paths(wrap: Wrap, dist: Path, built: Build) -> None:
    app = site(True, READS["the request's headers"], lambda app, **more: app, dist)
    wrapped = wrap(app, dist=dist, snapshots=True, findings={"reads": {"/it": "ignore"}})
    assert built(wrapped, strict=True).findings == []


def test_the_address_is_an_error_on_a_marked_page_and_keeps_another_on_demand(
    wrap: Wrap, dist: Path, built: Build
) -> None:
    def address(page: ondemand.Page) -> str:
        return page.client_address

    report = built(site(True, address, wrap, dist))
    finding = next(finding for finding in report.findings if finding.kind == "error")
    assert "PrerenderError" in finding.message
    assert any("in address: return page.client_address" in frame for frame in finding.frames)
    report = built(site(False, address, wrap, dist))
    assert (report.findings, report.on_demand) == ([], 1)


def test_page_objects_that_are_only_injected_read_nothing(wrap: Wrap, dist: Path, built: Build) -> None:
    def use(page: ondemand.Page) -> Any:
        page.locals["a"] = 1
        assert current_page() is page
        parts = [page.url, page.params, page.props, page.route_pattern, page.request.method, page.request.url]
        return [*map(str, parts), page.is_prerendered, page.current_locale]

    wrapped = site(True, use, lambda app, **more: wrap(app, site="https://shop.example", **more), dist)
    report = built(wrapped, strict=True)
    assert report.findings == []
    assert "https://shop.example/it" in ask(wrapped, "/it").text
    assert "True, None]" in ask(wrapped, "/it").text


@pytest.mark.parametrize("write", ["set", "delete"])
def test_cookies_cannot_be_written_on_a_marked_page(write: str, wrap: Wrap, dist: Path, built: Build) -> None:
    def use(page: ondemand.Page) -> None:
        page.cookies.set("a", "1") if write == "set" else page.cookies.delete("a")

    report = built(site(True, use, wrap, dist))
    (finding,) = [finding for finding in report.findings if finding.policy == "fail"]
    assert finding.kind == "private"
    assert "sets the cookie 'a'" in finding.message
    assert HERE in finding.frames[0]
    assert report.generation is None
    report = built(site(False, use, wrap, dist))
    assert (report.findings, report.on_demand) == ([], 1)


def test_status_headers_and_redirects_of_a_page_are_kept(wrap: Wrap, dist: Path, built: Build) -> None:
    app = FastAPI()

    @app.get("/")
    @prerender
    async def home(page: Page) -> Any:
        page.response.status = 203
        page.response.headers["x-own"] = "kept"
        return Response("<a href='/old'>old</a>")

    @app.get("/own")
    @prerender
    async def own(page: Page) -> Any:
        page.response.headers["x-own"] = "kept"
        return HTMLResponse("own")

    @app.get("/old")
    @prerender
    async def old(page: Page) -> Any:
        raise Redirect("/own", 301)

    wrapped = wrap(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    answer = ask(wrapped, "/own")
    assert (is_snapshot(answer), answer.header("x-own")) == (True, "kept")
    answer = ask(wrapped, "/old")
    assert (answer.status, answer.header("location")) == (301, "/own")


def test_props_are_the_same_with_and_without_a_build(wrap: Wrap, dist: Path, built: Build) -> None:
    class Product:
        name = "A lamp"

    asked: list[str] = []

    async def products(context: ondemand.PathsContext) -> AsyncIterator[StaticPath]:
        asked.append(context.route_pattern)
        yield StaticPath({"slug": "lamp é"}, props={"product": Product})

    async def product(request: Request) -> HTMLResponse:
        page = ondemand.Page.of(request)
        assert page.props["product"] is Product  # by reference
        return HTMLResponse(f"{page.params['slug']}: {page.props['product'].name}")

    app = Starlette(routes=[Route("/p/{slug}", prerender(paths=products)(product))])
    wrapped = wrap(app, dist=dist, snapshots=True)
    live = ask(wrapped, "/p/lamp é")
    assert built(wrapped).pages == 1
    frozen = ask(wrapped, "/p/lamp é")
    assert (is_snapshot(live), is_snapshot(frozen)) == (False, True)
    assert live.text == frozen.text == "lamp é: A lamp"
    assert set(asked) == {"/p/{slug}"}


@pytest.mark.parametrize("unknown", [None, "render", "404"])
def test_unknown_params(unknown: Any, wrap: Wrap, dist: Path, built: Build) -> None:
    app = FastAPI()

    @app.get("/p/{slug}")
    @prerender(paths=[StaticPath({"slug": "a"}, props={"n": 1})], unknown=unknown)
    async def product(page: Page) -> HTMLResponse:
        return HTMLResponse(f"{page.params['slug']} {dict(page.props)}")

    wrapped = wrap(app, dist=dist, snapshots=True)
    for _ in ("live", "built"):
        assert ask(wrapped, "/p/a").text == "a {'n': 1}"
        assert ask(wrapped, "/p/b").status == (404 if unknown == "404" else 200)
        built(wrapped)


def test_a_props_function_answers_for_pages_that_no_build_made(wrap: Wrap, dist: Path, built: Build) -> None:
    async def props(params: Any) -> Any:
        return {"name": params["slug"].upper()} if params["slug"] != "gone" else None

    app = FastAPI()

    @app.get("/p/{slug}")
    @prerender(paths=[StaticPath({"slug": "a"})], props=props)
    async def product(page: Page) -> HTMLResponse:
        return HTMLResponse(page.props["name"])

    wrapped = wrap(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    assert (ask(wrapped, "/p/a").text, is_snapshot(ask(wrapped, "/p/a"))) == ("A", True)
    assert ask(wrapped, "/p/new").text == "NEW"
    assert ask(wrapped, "/p/gone").status == 404


def test_many_pages_with_props_are_built_by_child_processes(tmp_path: Path) -> None:
    project = write_site(
        tmp_path / "site",
        """
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from ondemand import OnDemand, StaticPath, prerender
from ondemand.fastapi import Page

app, passes = FastAPI(), []

async def paths():
    passes.append(1)
    for n in range(300):
        yield StaticPath({"n": n}, props={"square": n * n})

@app.get("/{n}")
@prerender(paths=paths)
async def square(page: Page, n: int):
    assert len(passes) <= 2, passes
    return HTMLResponse(f"{page.params['n']}: {page.props['square']}")

app.add_middleware(OnDemand)
""",
    )
    for jobs in ("1", "2"):
        done = command(project, "build", "--jobs", jobs)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "300 pages" in done.stdout
        pages = sorted((project / "dist/site").glob("*/index.html"))
        assert len(pages) == 300
        for file in pages:
            n = int(file.parent.name)
            assert file.read_text() == f"{n}: {n * n}"


def test_strict_on_the_command_line(tmp_path: Path) -> None:
    project = write_site(
        tmp_path / "site",
        """
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from ondemand import OnDemand, prerender
from ondemand.fastapi import Page

app = FastAPI()

@app.get("/")
@prerender
async def home(page: Page):
    agent = page.request.headers.get("user-agent")
    return HTMLResponse(f"<h1>{agent}</h1>")

app.add_middleware(OnDemand)
""",
    )
    done = command(project, "build")
    assert done.returncode == 0
    assert "main.py:12 in home: agent = page.request.headers" in done.stdout + done.stderr
    done = command(project, "build", "--strict")
    assert done.returncode == 1
    assert "main.py:12" in done.stdout + done.stderr


@pytest.mark.parametrize("output", ["static", "server"])
def test_configured_redirects_are_built_and_served(output: str, wrap: Wrap, dist: Path, built: Build) -> None:
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse('<a href="/blog/a">a</a>')

    @app.get("/posts/{slug}")
    async def post(slug: str) -> HTMLResponse:
        return HTMLResponse(slug)

    redirects = {
        "/old": "/posts/a",
        "/blog/{slug}": "/posts/{slug}",
        "/away": {"status": 307, "destination": "https://x.example/"},
    }
    wrapped = wrap(app, dist=dist, snapshots=True, output=output, redirects=redirects)
    live = [(a.status, a.header("location")) for a in (ask(wrapped, path) for path in ("/old", "/blog/é", "/away"))]
    assert live == [(301, "/posts/a"), (301, "/posts/%C3%A9"), (307, "https://x.example/")]
    assert ask(wrapped, "/old", method="POST").status == 308
    report = built(wrapped)
    assert [finding for finding in report.findings if finding.kind != "nothing"] == []
    frozen = [(a.status, a.header("location")) for a in (ask(wrapped, path) for path in ("/old", "/blog/é", "/away"))]
    assert frozen == live
    assert (dist / "site/old/index.html").exists() == (output == "static")
    assert ask(wrapped, "/old", method="POST").status == 308


@pytest.mark.parametrize("base", ["/", "/b"])
def test_a_configured_redirect_that_was_built_leads_below_the_root_path_of_the_request(
    base: str, wrap: Wrap, dist: Path, built: Build
) -> None:
    app = FastAPI()
    app.get("/new")(lambda: HTMLResponse("new"))
    wrapped = wrap(
        app, dist=dist, snapshots=True, base=base, redirects={"/old": "/new"}, findings={"broken-link": "warn"}
    )
    assert (built(wrapped).generation, (dist / "site/old/index.html").exists()) == ("000001", True)
    old, new = base.rstrip("/") + "/old", base.rstrip("/") + "/new"
    assert ask(wrapped, old).header("location") == new
    assert ask(wrapped, "/root" + old, root_path="/root").header("location") == "/root" + new
    mounted = Starlette(routes=[Mount("/app", app=wrapped)])
    assert ask(mounted, "/app" + old).header("location") == "/app" + new


def test_a_redirect_and_a_route_of_one_path_fail_the_start(wrap: Wrap) -> None:
    app = FastAPI()
    app.get("/old")(lambda: "old")
    wrapped = wrap(app, redirects={"/old": "/new"}, snapshots=False)
    with pytest.raises(ondemand.ConfigError, match="/old is a configured redirect and a route"):
        ask(wrapped, "/")


def test_findings_are_reported_to_machines_too(dist: Path) -> None:
    app = site(True, READS["the request's headers"], lambda app, **more: OnDemand(app, **more), dist)
    report: Report = build(app)
    (finding,) = report.to_json()["findings"]
    assert set(finding) == set(Finding("x", "y").to_json())
    assert finding["frames"]


def test_the_error_says_what_to_do() -> None:
    assert issubclass(PrerenderError, ondemand.OnDemandError)


@pytest.mark.parametrize("marked", [True, False])
def test_the_404_page_is_built_and_shown_whatever_asks_for_it(
    marked: bool, wrap: Wrap, dist: Path, built: Build
) -> None:
    app = FastAPI()

    async def not_found() -> Response:
        return Response("<h1>mine</h1>", 404)

    app.get("/404")(prerender(not_found) if marked else not_found)

    @app.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse("home")

    @app.get("/p/{slug}")
    @prerender(paths=[StaticPath({"slug": "a"}, props={"n": 1})], unknown="404")
    async def listed(page: Page) -> HTMLResponse:
        return HTMLResponse("a")

    async def props(params: Any) -> Any:
        return {} if params["slug"] == "a" else None

    @app.get("/q/{slug}")
    @prerender(paths=[StaticPath({"slug": "a"})], props=props)
    async def asked(page: Page) -> HTMLResponse:
        return HTMLResponse("a")

    @app.get("/r/{slug}")
    async def returned(page: Page) -> Response:
        return Response(None, 404)

    wrapped = wrap(app, dist=dist, snapshots=True)
    for _ in ("live", "built"):
        for path in ("/p/b", "/q/b", "/r/b"):
            answer = ask(wrapped, path)
            assert (answer.status, answer.text) == (404, "<h1>mine</h1>"), path
        assert built(wrapped).findings == []
    assert (dist / "site/404.html").read_text() == "<h1>mine</h1>"


def test_an_app_without_ondemand_is_built_with_a_word_about_it(dist: Path, tmp_path: Path) -> None:
    project = write_site(
        tmp_path / "plain",
        "from fastapi import FastAPI\nfrom fastapi.responses import HTMLResponse\napp = FastAPI()\n"
        "@app.get('/', response_class=HTMLResponse)\nasync def home():\n    return '<h1>home</h1>'\n",
    )
    done = command(project, "build")
    assert done.returncode == 0
    assert "The app has no OnDemand" in done.stdout
    assert command(project, "build", "--strict").returncode == 1
