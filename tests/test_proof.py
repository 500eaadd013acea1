"""The proof: a static page is the same for everyone, or it is found out what it depends on."""

from __future__ import annotations

import contextvars
import itertools
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ondemand import OnDemand, Pages, Rule, StaticPath, prerender
from ondemand.fastapi import Page
from ondemand.marks import mark_of
from ondemand.prerendering.report import Finding, Report
from tests.asking import Wrap, ask, innermost, is_snapshot, outermost, write_site
from tests.conftest import Build
from tests.test_cli import ondemand

Handler = Callable[[Request], Response]


def page(body: object, **more: Any) -> HTMLResponse:
    return HTMLResponse(f"<!doctype html><title>t</title>\n<p>{body}</p>", **more)


def fastapi_app(handlers: Mapping[str, Handler], *, marked: bool) -> Any:
    app = FastAPI(openapi_url=None)
    for path, handler in handlers.items():
        app.get(path)(endpoint_of(handler, marked=marked))
    return app


def endpoint_of(handler: Handler, *, marked: bool) -> Any:
    """A new function each time, which takes the mark of `handler` if it has one."""

    async def endpoint(request: Request) -> Any:
        return handler(request)

    vars(endpoint).update(vars(handler))
    mark_of(handler)  # it is reached
    return prerender(endpoint) if marked else endpoint


def starlette_app(handlers: Mapping[str, Handler], *, marked: bool) -> Any:
    return Starlette(routes=[Route(path, endpoint_of(handler, marked=marked)) for path, handler in handlers.items()])


@pytest.fixture(params=[fastapi_app, starlette_app], ids=["fastapi", "starlette"])
def framework(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return request.param


def site_of(framework: Any, handler: Handler, *, marked: bool) -> Any:
    """An app with `handler` at /it, and a home page that links to it."""

    def home(request: Request) -> Response:
        return page('<a href="/it">it</a>')

    app = framework({"/it": handler}, marked=marked)
    app.router.routes.append(Route("/", home))
    return app


def why(report: Report, pattern: str = "/it") -> tuple[str, str]:
    (route,) = [route for route in report.routes if route.pattern == pattern]
    return route.kind, route.why


def of(report: Report, path: str = "/it") -> list[Finding]:
    return [finding for finding in report.findings if finding.path == path]


# --- the routes of the first experiment


def spike() -> dict[str, Handler]:
    count = itertools.count()

    def read_and_unused(request: Request) -> Response:
        request.cookies.get("sid")
        return page("same")

    def sets_cookie(request: Request) -> Response:
        response = page("same")
        response.set_cookie("x", "1")
        return response

    return {
        "/stable": lambda request: page("hello"),
        "/cookie": lambda request: page(request.cookies.get("sid", "anonymous")),
        "/auth": lambda request: page("admin" if request.headers.get("authorization") else "guest"),
        "/language": lambda request: page("salut" if request.headers.get("accept-language", "")[:2] == "fr" else "hi"),
        "/agent": lambda request: page("small" if "Mobile" in request.headers.get("user-agent", "") else "large"),
        "/host": lambda request: page(f'<a href="{request.url}">here</a>'),
        "/client": lambda request: page(request.client.host if request.client else "nobody"),
        "/query": lambda request: page(request.query_params.get("page", "1")),
        "/csrf": lambda request: page(f"<form><input name=csrf value={secrets.token_hex(8)}></form>"),
        "/clock": lambda request: page(time.time_ns()),
        "/counter": lambda request: page(next(count)),
        "/unused": read_and_unused,
        "/sets-cookie": sets_cookie,
    }


UNMARKED = {
    "/cookie": "it differs for a visitor with cookies: line 2: <p>[anonymous | ondemand-canary]</p>",
    "/auth": "it differs for a visitor with an Authorization header: line 2: <p>[guest | admin]</p>",
    "/language": "it differs for a visitor with another Accept-Language: line 2: <p>[hi | salut]</p>",
    "/agent": "it differs for a visitor with another User-Agent: line 2: <p>[large | small]</p>",
    "/host": "it contains http://localhost/host, the address that the build asked at: set `site`",
    "/client": "it differs for a visitor with another client address: line 2: <p>[192.0.2.1 | 203.0.113.9]</p>",
    "/query": "it differs for a visitor with a query: line 2: <p>[1 | 2]</p>",
    "/csrf": "it has a CSRF token (csrf)",
    "/clock": "it differs by itself, which looks like a time: line 2: <p>[1",
    "/counter": "it differs by itself, which looks like a counter: line 2: <p>[0 | 1",
    "/unused": "it reads the request's cookies, which a build has not (",
    "/sets-cookie": "it sets the cookie 'x'",
}


def test_the_thirteen_routes_unmarked(framework: Any, wrap: Wrap, dist: Path, built: Build) -> None:
    handlers = spike()

    def home(request: Request) -> Response:
        return page("".join(f'<a href="{path}">{path}</a>' for path in handlers))

    app = framework({"/": home, **handlers}, marked=False)
    report = built(wrap(app, dist=dist, snapshots=True))
    assert report.findings == []
    routes = {route.pattern: route for route in report.routes}
    assert {path for path, route in routes.items() if route.kind == "static"} == {"/", "/stable"}
    for path, reason in UNMARKED.items():
        assert routes[path].why.startswith(reason), path
        assert routes[path].kind == "on demand"
        assert routes[path].pages == 0
    assert sorted(report.added) == ["/", "/stable"]


MARKED = {
    "/cookie": ("differs", UNMARKED["/cookie"], "@prerender(False)"),
    "/auth": ("differs", UNMARKED["/auth"], "@prerender(False)"),
    "/language": ("differs", UNMARKED["/language"], 'Rule(vary=["accept-language"])'),
    "/agent": ("differs", UNMARKED["/agent"], 'Rule(vary=["user-agent"])'),
    "/host": ("origin", "http://localhost/host", "Set site="),
    "/client": ("differs", UNMARKED["/client"], "@prerender(False)"),
    "/query": ("differs", UNMARKED["/query"], '@prerender(reads=["query"])'),
    "/csrf": ("csrf", "it has a CSRF token (csrf)", "Fetch the token"),
    "/clock": (
        "unstable",
        "it differs by itself, which looks like a time",
        'findings={"unstable": {"/clock": "warn"}}',
    ),
    "/counter": ("unstable", "it differs by itself, which looks like a counter", "@prerender(False)"),
    "/unused": ("reads", "it reads the request's cookies", "identities={...}"),
    "/sets-cookie": ("private", "it sets the cookie 'x'", "@prerender(False)"),
}


def test_the_thirteen_routes_marked(framework: Any, wrap: Wrap, dist: Path, built: Build) -> None:
    report = built(wrap(framework(spike(), marked=True), dist=dist, snapshots=True))
    assert report.generation is None
    assert {finding.path for finding in report.findings} == set(MARKED)
    for path, (kind, message, remedy) in MARKED.items():
        finding = next(finding for finding in report.findings if (finding.path, finding.kind) == (path, kind))
        assert message in finding.message, path
        assert remedy in finding.remedy, path
        assert finding.policy == ("warn" if kind == "reads" else "fail")
        assert Path(__file__).name in finding.source, path


# --- who somebody is


def session_greets(request: Request) -> Response:
    return page(request.session.get("user", "guest"))


def log_in(request: Request) -> Response:
    request.session["user"] = "Alice"
    return Response(status_code=204)


async def alice(client: Any) -> None:
    assert (await client.get("/login")).status_code == 204


def with_session(handler: Handler, *, marked: bool, framework: Any) -> Any:
    app = site_of(framework, handler, marked=marked)
    app.router.routes.append(Route("/login", log_in))
    return app


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("marked", [True, False])
def test_a_signed_session_is_found_by_who_is_logged_in(
    marked: bool, inside: bool, framework: Any, dist: Path, built: Build
) -> None:
    app = with_session(session_greets, marked=marked, framework=framework)
    settings: dict[str, Any] = {"dist": dist, "snapshots": True, "identities": {"alice": alice}}
    settings["skips"] = ["SessionMiddleware"]
    if inside:  # app.add_middleware puts it in front of what was added before
        app.add_middleware(SessionMiddleware, secret_key="k")
        wrapped = outermost(app, **settings)
    else:
        wrapped = innermost(app, **settings)
        app.add_middleware(SessionMiddleware, secret_key="k")
    report = built(wrapped)
    if marked:
        assert report.generation is None
        if inside:  # its answer says itself that it is another one for another cookie
            assert [finding.kind for finding in of(report)] == ["session", "vary"]
            return
        assert [finding.kind for finding in of(report)] == ["differs", "session"]
        assert "it differs for alice logged in: line 2: <p>[guest | Alice]</p>" in of(report)[0].message
    else:
        assert why(report)[0] == "on demand"


def test_a_session_that_no_identity_shows_is_a_finding_all_the_same(framework: Any, dist: Path, built: Build) -> None:
    wrapped = innermost(with_session(session_greets, marked=True, framework=framework), dist=dist, snapshots=True)
    wrapped.add_middleware(SessionMiddleware, secret_key="k")
    report = built(wrapped)
    assert [finding.kind for finding in of(report)] == ["session"]
    assert report.generation is None


def test_a_session_middleware_that_every_page_passes_and_none_uses_is_no_finding(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    app = with_session(lambda request: page("same"), marked=True, framework=framework)
    settings = {"dist": dist, "snapshots": True, "identities": {"alice": alice}, "skips": ["SessionMiddleware"]}
    if wrap is outermost:
        app.add_middleware(SessionMiddleware, secret_key="k")
        app = wrap(app, **settings)
    else:
        app = wrap(app, **settings)
        app.add_middleware(SessionMiddleware, secret_key="k")
    report = built(app)
    assert (report.findings, report.identities) == ([], ["alice"])
    assert is_snapshot(ask(app, "/it"))


def test_a_session_read_and_not_shown_is_proven_harmless(framework: Any, dist: Path, built: Build) -> None:
    def reads(request: Request) -> Response:
        request.session.get("user")
        return page("same")

    app = with_session(reads, marked=True, framework=framework)
    wrapped = innermost(app, dist=dist, snapshots=True, identities={"alice": alice})
    wrapped.add_middleware(SessionMiddleware, secret_key="k")
    assert built(wrapped).findings == []


def optional_user(request: Request) -> str:
    return "Alice" if request.headers.get("authorization") == "Bearer good" else "guest"


@pytest.mark.parametrize("marked", [True, False])
def test_a_dependency_that_reads_a_token(marked: bool, wrap: Wrap, dist: Path, built: Build) -> None:
    app = FastAPI(openapi_url=None)

    async def it(user: str = Depends(optional_user)) -> HTMLResponse:
        return page(f"Hello {user}")

    app.get("/")(prerender(it) if marked else it)
    report = built(wrap(app, dist=dist, snapshots=True, identities={"alice": {"Authorization": "Bearer good"}}))
    if marked:
        (finding,) = report.findings
        assert finding.kind == "differs"
        assert "it differs for alice logged in: line 2: <p>Hello [guest | Alice]</p>" in finding.message
    else:
        assert why(report, "/")[1].startswith("it differs for alice logged in")


def test_a_token_that_no_canary_and_no_identity_has_is_still_seen_to_be_read(
    wrap: Wrap, dist: Path, built: Build
) -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/")
    async def it(user: str = Depends(optional_user)) -> HTMLResponse:
        return page(f"Hello {user}")

    report = built(wrap(app, dist=dist, snapshots=True))
    kind, reason = why(report, "/")
    assert kind == "on demand"
    assert reason.startswith("it reads the Authorization header")
    assert "in optional_user: " in reason


def test_a_token_looked_up_in_a_database(framework: Any, wrap: Wrap, dist: Path, tmp_path: Path, built: Build) -> None:
    file = tmp_path / "users.db"
    with sqlite3.connect(file) as db:
        db.execute("create table users (token text, name text)")
        db.execute("insert into users values ('tok-123', 'Bob')")
    db.close()

    def greets(request: Request) -> Response:
        db = sqlite3.connect(file)
        try:
            row = db.execute("select name from users where token = ?", (request.cookies.get("sid", ""),)).fetchone()
        finally:
            db.close()
        return page(row[0] if row else "guest")

    app = site_of(framework, greets, marked=False)
    assert why(built(wrap(app, dist=dist, snapshots=True)))[1].startswith("it reads the request's cookies")
    app = site_of(framework, greets, marked=True)
    report = built(wrap(app, dist=dist, snapshots=True, identities={"bob": {"cookie": "sid=tok-123"}}))
    (finding,) = of(report)
    assert "it differs for bob logged in: line 2: <p>[guest | Bob]</p>" in finding.message


def test_a_page_that_may_differ_hides_no_other_of_its_route_that_may_not(wrap: Wrap, dist: Path, built: Build) -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/it/{n}")
    @prerender(paths=lambda: [StaticPath({"n": n}) for n in "abc"])
    async def it(request: Request, n: str) -> HTMLResponse:
        return page(request.headers.get("authorization", "guest"))

    report = built(wrap(app, dist=dist, snapshots=True, findings={"differs": {"/it/a": "warn"}, "reads": "ignore"}))
    assert [(finding.kind, finding.path, finding.policy) for finding in report.findings] == [
        ("differs", "/it/b", "fail"),
        ("differs", "/it/a", "warn"),
    ]


LANGUAGE: contextvars.ContextVar[str] = contextvars.ContextVar("LANGUAGE", default="en")
HELLO = {"en": "Hello", "de": "Hallo"}


class Speaks:
    """Middleware: the language of a cookie, for whoever asks."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            LANGUAGE.set(Request(scope).cookies.get("lang", "en"))
        await self.app(scope, receive, send)


@pytest.mark.parametrize("marked", [True, False])
def test_a_language_cookie_through_a_context_variable(
    marked: bool, framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    app = site_of(framework, lambda request: page(HELLO.get(LANGUAGE.get(), "Hello")), marked=marked)
    app.add_middleware(Speaks)
    settings: dict[str, Any] = {"dist": dist, "snapshots": True, "skips": ["Speaks"], "locales": ["en", "de"]}
    report = built(wrap(app, **settings))
    if marked:
        (finding,) = of(report)
        assert finding.kind == "differs"
        assert "with cookies: line 2: <p>[Hello | Hallo]</p>" in finding.message
    else:
        assert "with cookies: line 2: <p>[Hello | Hallo]</p>" in why(report)[1]


class Reads(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        request.state.cookies = dict(request.cookies)
        response = await call_next(request)
        request.headers.get("authorization")
        return response


def test_middleware_that_reads_for_everyone_is_no_finding(framework: Any, dist: Path, built: Build) -> None:
    app = site_of(framework, lambda request: page("same"), marked=True)
    app.add_middleware(Reads)
    app.add_middleware(Speaks)
    report = built(outermost(app, dist=dist, snapshots=True, skips=["Reads", "Speaks"]))
    assert report.findings == []
    assert report.proven == 2


class Backend(AuthenticationBackend):
    async def authenticate(self, conn: Any) -> Any:
        if conn.cookies.get("sid") == "tok":
            return AuthCredentials(["authenticated"]), SimpleUser("Alice")
        return None


@pytest.mark.parametrize("identities", [{}, {"alice": {"cookie": "sid=tok"}}])
def test_who_is_logged_in_is_read_from_the_scope(
    identities: Any, framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    def greets(request: Request) -> Response:
        return page(request.user.display_name or "guest")

    app = site_of(framework, greets, marked=False)
    app.add_middleware(AuthenticationMiddleware, backend=Backend())
    settings: dict[str, Any] = {"dist": dist, "snapshots": True, "identities": identities}
    if wrap is outermost:
        app = wrap(app, skips=["AuthenticationMiddleware"], **settings)
    else:
        app = site_of(framework, greets, marked=False)
        app = wrap(app, **settings)
        app.add_middleware(AuthenticationMiddleware, backend=Backend())
    expected = "it differs for alice logged in: line 2: <p>[guest | Alice]" if identities else "it reads the user"
    assert why(built(app))[1].startswith(expected)


@pytest.mark.parametrize("name", ["sid", "an_uncommon_name"])
def test_what_the_first_visitor_leaves_in_a_module_is_found(
    name: str, framework: Any, wrap: Wrap, tmp_path: Path
) -> None:
    source = FIRST_VISITOR.replace(
        "FRAMEWORK", "FastAPI(openapi_url=None)" if framework is fastapi_app else "Starlette()"
    )
    source = source.replace("NAME", name)
    if wrap is outermost:
        source = source.replace("app.add_middleware(OnDemand)", "app = OnDemand(app)")
    folder = write_site(tmp_path / "site", source)
    done = ondemand(folder, "check")
    assert done.returncode == 1
    assert "it shows what another visitor sent before: line 1: <p>Hello [guest | ondemand-canary]</p>" in done.stdout


FIRST_VISITOR = """
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from ondemand import OnDemand, prerender

name = None


class Remembers:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        global name
        if scope["type"] == "http" and name is None:
            from starlette.requests import Request
            name = Request(scope).cookies.get("NAME", "guest")
        await self.app(scope, receive, send)


@prerender
async def home(request):
    return HTMLResponse(f"<p>Hello {name}</p>")


app = FRAMEWORK
app.router.routes.append(Route("/", home))
app.add_middleware(Remembers)
app.add_middleware(OnDemand)
"""


# --- where the site is


@pytest.mark.parametrize("marked", [True, False])
def test_url_for_is_no_difference_where_site_says_which(
    marked: bool, framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    app = site_of(framework, lambda request: page(f'<a href="{request.url_for("it")}">'), marked=marked)
    app.router.routes.append(Route("/named", lambda request: page(""), name="it"))
    report = built(wrap(app, dist=dist, snapshots=True, site="https://example.com"))
    assert [finding for finding in of(report) if finding.kind != "unreached"] == []
    assert why(report)[0] == "static"


def test_without_site_one_finding_says_it_for_all_pages(framework: Any, wrap: Wrap, dist: Path, built: Build) -> None:
    handlers = {f"/{n}": lambda request: page(f'<a href="{request.url}">') for n in range(5)}
    report = built(wrap(framework(handlers, marked=True), dist=dist, snapshots=True))
    (finding,) = report.findings
    assert (finding.kind, finding.path) == ("origin", "/0")
    assert finding.message.endswith("So do 4 other pages.")


def test_a_query_that_a_page_does_not_know_and_one_of_an_app_that_a_rule_marks_are_no_difference(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    def refuses(request: Request) -> Response:
        return page("no such column", status_code=400) if request.url.query else page("rows")

    def sorts(request: Request) -> Response:
        return page(f'<a href="/it?sort=b">b</a> by {request.query_params.get("sort", "a")}')

    assert built(wrap(site_of(framework, refuses, marked=True), dist=dist, snapshots=True)).findings == []
    for query, kinds in ((None, []), ("ignore", ["differs"])):
        rules = {"/it": Rule(prerender=True, query=query)}
        report = built(wrap(site_of(framework, sorts, marked=False), dist=dist, snapshots=True, rules=rules))
        assert [finding.kind for finding in of(report)] == kinds


def test_an_app_that_calls_everything_private_for_who_has_a_cookie(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    class Private:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            async def private(message: Any) -> None:
                if message["type"] == "http.response.start" and b"cookie" in dict(scope["headers"]):
                    message = {**message, "headers": [*message["headers"], (b"cache-control", b"private")]}
                await send(message)

            await self.app(scope, receive, private if scope["type"] == "http" else send)

    for marked in (True, False):
        app = site_of(framework, lambda request: page("same"), marked=marked)
        app.add_middleware(Private)
        report = built(outermost(app, dist=dist, snapshots=True, skips=["Private"]))
        assert of(report) == []
        assert why(report)[0] == ("static" if marked else "on demand")


def test_a_page_that_serves_hosts_differently_is_found(framework: Any, wrap: Wrap, dist: Path, built: Build) -> None:
    app = site_of(framework, lambda request: page(request.headers["host"].partition(".")[0]), marked=False)
    report = built(wrap(app, dist=dist, snapshots=True, site="https://shop.example.com"))
    assert "with another host: line 2: <p>[shop | ondemand-canary]</p>" in why(report)[1]


def test_a_link_to_the_site_by_another_scheme_is_no_difference(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    app = site_of(
        framework, lambda request: page('<a href="http://example.com/it">x</a> ' + str(request.url)), marked=True
    )
    report = built(wrap(app, dist=dist, snapshots=True, site="https://example.com"))
    assert [finding.kind for finding in report.findings] == ["mixed"]


# --- what is said about one page


def test_hx_request_and_a_rule_that_sends_such_requests_to_the_app(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    def fragment(request: Request) -> Response:
        return HTMLResponse("<p>part</p>") if request.headers.get("hx-request") else page("whole")

    report = built(wrap(site_of(framework, fragment, marked=True), dist=dist, snapshots=True))
    (finding,) = of(report)
    assert "with HX-Request: " in finding.message
    assert 'rules={"/it": Rule(vary=["hx-request"])}' in finding.remedy
    rules = {"/it": Rule(vary=["HX-Request"])}
    wrapped = wrap(site_of(framework, fragment, marked=True), dist=dist, snapshots=True, rules=rules)
    assert built(wrapped).findings == []
    assert ask(wrapped, "/it", headers={"hx-request": "true"}).text == "<p>part</p>"


def test_a_redirect_for_who_is_not_logged_in_is_never_published_in_silence(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    def account(request: Request) -> Response:
        return page("your account") if request.cookies.get("sid") == "tok" else RedirectResponse("/", 302)

    report = built(wrap(site_of(framework, account, marked=True), dist=dist, snapshots=True))
    assert [finding.kind for finding in of(report)] == ["reads"]
    identities = {"alice": {"cookie": "sid=tok"}}
    report = built(wrap(site_of(framework, account, marked=True), dist=dist, snapshots=True, identities=identities))
    assert "it differs for alice logged in: it answers 200" in of(report)[0].message
    assert report.failed


def test_a_cookie_read_and_not_shown_is_proven_harmless_by_an_identity(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    def reads(request: Request) -> Response:
        request.cookies.get("sid")
        return page("same")

    identities = {"alice": {"Cookie": "sid=tok"}}
    wrapped = wrap(site_of(framework, reads, marked=True), dist=dist, snapshots=True, identities=identities)
    assert built(wrapped, strict=True).findings == []
    token = {"alice": {"Authorization": "Bearer x"}}  # proves nothing about cookies
    report = built(wrap(site_of(framework, reads, marked=True), dist=dist, snapshots=True, identities=token))
    assert [finding.kind for finding in report.findings] == ["reads"]


class Refuses:
    """Middleware outside of OnDemand that lets nobody in who says who they are."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and b"sid=tok" in dict(scope["headers"]).get(b"cookie", b""):
            await Response("no", 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def test_an_identity_that_never_reached_the_page_proves_nothing(framework: Any, dist: Path, built: Build) -> None:
    def reads(request: Request) -> Response:
        request.cookies.get("sid")
        return page("same")

    app = innermost(framework({"/it": reads}, marked=True), dist=dist, identities={"alice": {"cookie": "sid=tok"}})
    app.add_middleware(Refuses)
    assert [finding.kind for finding in built(app).findings] == ["reads"]


def test_a_mark_that_names_what_the_page_reads(framework: Any, wrap: Wrap, dist: Path, built: Build) -> None:
    @prerender(reads=["cookie"])
    def reads(request: Request) -> Response:
        request.cookies.get("sid")
        return page("same")

    @prerender(reads=["cookie"])
    def shows(request: Request) -> Response:
        return page(request.cookies.get("sid"))

    def app(handler: Any) -> Any:
        return wrap(framework({"/it": handler}, marked=False), dist=dist, snapshots=True)

    assert built(app(reads), strict=True).findings == []
    assert [finding.kind for finding in built(app(shows)).findings] == ["differs"]


def test_our_own_page_that_reads_a_cookie_and_identities(tmp_path: Path, dist: Path, built: Build) -> None:
    def site(identities: Any) -> Any:
        pages = Pages()

        @pages.page("/unused")
        def unused(page: Any) -> str:
            page.cookies.get("sid")
            return "same"

        @pages.page("/greets")
        def greets(page: Any) -> str:
            return f"Hello {page.cookies.get('sid', 'guest')}"

        return outermost(None, pages=pages, dist=dist, snapshots=True, identities=identities)

    assert [(f.kind, f.path) for f in built(site({})).findings] == [("reads", "/greets"), ("reads", "/unused")]
    report = built(site({"alice": {"cookie": "sid=Alice"}}))
    assert [(f.kind, f.path) for f in report.findings if f.policy == "fail"] == [("differs", "/greets")]
    assert of(report, "/unused") == []


def test_a_failed_login_is_a_fault_with_the_users_line(framework: Any, wrap: Wrap, dist: Path, built: Build) -> None:
    async def mallory(client: Any) -> Any:
        raise RuntimeError("wrong password")

    app = site_of(framework, lambda request: page("same"), marked=True)
    report = built(wrap(app, dist=dist, snapshots=True, identities={"mallory": mallory}))
    (finding,) = report.findings
    assert (finding.kind, finding.message) == (
        "identity",
        "The login of the identity 'mallory' raised RuntimeError: wrong password.",
    )
    assert "in mallory: " in finding.frames[-1]


# --- pages that change by themselves


def test_a_page_that_is_known_to_be_unstable_is_reported_and_published(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    for marked in (True, False):
        app = site_of(framework, lambda request: page(time.time_ns()), marked=marked)
        wrapped = wrap(app, dist=dist, snapshots=True, findings={"unstable": {"/it": "warn"}})
        report = built(wrapped)
        (finding,) = of(report)
        assert (finding.kind, finding.policy) == ("unstable", "warn")
        assert is_snapshot(ask(wrapped, "/it"))


@pytest.mark.parametrize("marked", [True, False])
def test_that_an_app_renews_a_cookie_it_does_not_know_is_no_difference(
    framework: Any, dist: Path, built: Build, marked: bool
) -> None:
    """As Django's sessions and tokens do: only then it says Vary: Cookie."""
    app = site_of(framework, lambda request: page("the same"), marked=marked)

    class Renewing(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Response:
            response = await call_next(request)
            if "csrftoken" in request.cookies:
                response.set_cookie("csrftoken", "new")
                response.headers["vary"] = "Accept-Encoding, Cookie"
            else:
                response.headers["vary"] = "Accept-Encoding"
            return response

    app.add_middleware(Renewing)
    report = built(OnDemand(app, dist=dist))
    assert (why(report)[0], of(report)) == ("static", [])


@pytest.mark.parametrize("marked", [True, False])
def test_that_an_answer_varies_by_a_cookie_it_does_not_renew_is_a_difference(
    framework: Any, dist: Path, built: Build, marked: bool
) -> None:
    app = site_of(framework, lambda request: page("the same"), marked=marked)

    class Varying(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Response:
            response = await call_next(request)
            if "csrftoken" in request.cookies:
                response.set_cookie("x" * len(request.cookies), "new")  # of a name that no visitor could be given
                response.headers["vary"] = "Cookie"
            return response

    app.add_middleware(Varying)
    report = built(OnDemand(app, dist=dist))
    assert [finding.kind for finding in of(report)] == ["differs"] * marked
    assert "vary" in (of(report)[0].message if marked else why(report)[1])


@pytest.mark.parametrize("allowed", ["b.example", "*.b.example", "**.b.example"])
@pytest.mark.parametrize("marked", [True, False])
def test_a_page_of_a_site_with_several_hosts_is_asked_at_another_of_them(
    framework: Any, wrap: Wrap, dist: Path, built: Build, marked: bool, allowed: str
) -> None:
    """Any host that nobody has is refused by such a site, which says nothing about its pages."""

    def tenant(request: Request) -> Response:
        host = request.url.hostname or ""
        return page("Bea's shop" if host.endswith("b.example") else "Ann's shop" if host == "a.example" else "nobody's")

    app = site_of(framework, tenant, marked=marked)
    if "**" in allowed:
        more: dict[str, Any] = {"allowed_hosts": ["a.example", allowed]}
    else:
        more = {}
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["a.example", allowed])
    report = built(wrap(app, dist=dist, site="https://a.example", **more))
    said = of(report)[0].message if marked else why(report)[1]
    assert "another host" in said
    assert "Bea" in said


def test_what_is_unstable_hides_nobody(framework: Any, wrap: Wrap, dist: Path, built: Build) -> None:
    """The clock on the page does not keep the greeting beside it from being seen."""

    def both(request: Request) -> Response:
        return page(
            f"<b>{time.time_ns()}</b> Hello {request.headers.get('authorization', 'guest')} <i>{time.time_ns()}</i>"
        )

    app = site_of(framework, both, marked=True)
    report = built(wrap(app, dist=dist, snapshots=True, findings={"unstable": "warn"}))
    assert [(finding.kind, finding.policy) for finding in of(report)] == [("differs", "fail"), ("unstable", "warn")]
    assert "with an Authorization header" in of(report)[0].message
    assert "cookies" not in of(report)[0].message


def test_the_order_of_a_set_is_found_by_another_process(tmp_path: Path) -> None:
    source = """
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from ondemand import OnDemand, prerender

@prerender
async def home(request):
    return HTMLResponse("<p>" + " ".join({"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"}) + "</p>")

app = Starlette(routes=[Route("/", home)])
app.add_middleware(OnDemand)
"""
    done = ondemand(write_site(tmp_path / "site", source), "check")
    assert done.returncode == 1
    assert "it differs by itself, which looks like the order of a set: line 1: <p>[" in done.stdout


def test_a_clock_that_shows_seconds_is_found_however_fast_the_build_is(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    app = site_of(framework, lambda request: page(time.strftime("%H:%M:%S")), marked=False)
    assert why(built(wrap(app, dist=dist, snapshots=True)))[1].startswith(
        "it differs by itself, which looks like a time"
    )


ENDS = """
import os, time
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from ondemand import OnDemand, prerender

async def home(request):
    return HTMLResponse('<a href="/it">it</a>')

MARK
async def it(request):
    if request.headers.get("hx-request"):
        DO
    return HTMLResponse("same")

app = Starlette(routes=[Route("/", home), Route("/it", it), Route("/it", home, methods=["POST"])])
app.add_middleware(OnDemand, page_timeout=1)
"""


@pytest.mark.parametrize("do", ["os._exit(3)", "time.sleep(30)"])
def test_a_page_that_takes_its_process_with_it_for_one_visitor(do: str, tmp_path: Path) -> None:
    what = "ended the process (exit code 3)" if "exit" in do else "blocks the event loop"
    source = ENDS.replace("DO", do)
    done = ondemand(write_site(tmp_path / "marked", source.replace("MARK", "@prerender")), "check")
    assert done.returncode == 1
    assert "It is static, but for a visitor of the proof, it " + what in done.stdout
    assert "route: /it (" in done.stdout or "in it: " in done.stdout
    unmarked = write_site(tmp_path / "unmarked", source.replace("MARK", ""))
    assert ondemand(unmarked, "build").returncode == 0
    assert f"/it\ton demand\t0\tfor a visitor of the proof, it {what}" in ondemand(unmarked, "routes").stdout


# --- how much is rendered


ENCODED = ("", ".gz", ".br", ".zst")


def counting(framework: Any, paths: int) -> tuple[Any, list[str]]:
    asked: list[str] = []

    def numbered(request: Request) -> Response:
        asked.append(request.url.path)
        return page("same")

    app = framework({}, marked=False)
    entries = [{"params": {"n": str(n)}} for n in range(paths)]
    app.router.routes.append(Route("/{n}", prerender(paths=entries)(numbered)))
    return app, asked


@pytest.mark.parametrize(("sample", "proven"), [(None, ["/0", "/9", "/19"]), (1, ["/0"]), (2, ["/0", "/19"]), (0, [])])
def test_a_sample_is_spread_over_the_pages_of_a_route_and_costs_at_most_sixteen_renders_each(
    sample: int | None, proven: list[str], framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    app, asked = counting(framework, 20)
    identities = {"a": {"cookie": "a=1"}, "b": {"cookie": "b=1"}}
    report = built(wrap(app, dist=dist, snapshots=True, identities=identities), sample=sample)
    counts = {f"/{n}": asked.count(f"/{n}") for n in range(20)}
    assert [path for path, count in counts.items() if count > 1] == proven
    assert all(count <= 16 + len(identities) for count in counts.values())
    assert (report.proven, report.renders) == (len(proven), sum(counts[path] for path in proven))


def test_all_pages(framework: Any, wrap: Wrap, dist: Path, built: Build) -> None:
    app, _ = counting(framework, 20)
    assert built(wrap(app, dist=dist, snapshots=True), sample=1000).proven == 20


def test_an_app_that_does_not_show_its_routes_is_proven_whole(wrap: Wrap, dist: Path, built: Build) -> None:
    async def bare(scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        cookie = dict(scope["headers"]).get(b"cookie", b"") if path == "/7" else b""
        body = "".join(f'<a href="/{n}">' for n in range(9)) if path == "/" else f"{path} {cookie.decode()}"
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    wrapped = outermost(bare, dist=dist, snapshots=True)
    report = built(wrapped)
    assert report.proven == 10
    assert "/7" not in report.added
    assert len(report.added) == 9


def test_pages_of_a_route_that_is_on_demand_after_all_leave_nothing_behind(
    framework: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    def home(request: Request) -> Response:
        return page("".join(f'<a href="/p/{n}">' for n in range(30)))

    def numbered(request: Request) -> Response:
        return page(request.cookies.get("sid", "nobody") if request.url.path == "/p/29" else request.url.path)

    def site() -> Any:
        app = framework({"/": home, "/p/{n}": lambda request: numbered(request)}, marked=False)
        return wrap(app, dist=dist, snapshots=True)

    wrapped = site()
    report = built(wrapped)
    assert (report.pages, report.on_demand, report.added) == (1, 30, ["/"])
    assert {file.name for file in (dist / "000001" / "site").rglob("*.*")} <= {f"index.html{x}" for x in ENCODED}
    assert not list((dist / "000001" / "site").glob("p/*/*"))
    assert not is_snapshot(ask(wrapped, "/p/3"))
    assert is_snapshot(ask(wrapped, "/"))


def test_the_fastapi_page_object_counts_as_reading(dist: Path, built: Build) -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/")
    async def home(page: Page) -> HTMLResponse:
        return HTMLResponse(f"Hello {page.cookies.get('sid', 'guest')}")

    assert why(built(outermost(app, dist=dist, snapshots=True)), "/")[1].startswith("it reads the request's cookies")
