"""Defaults that cannot hurt an existing app: what is unmarked is never answered from a snapshot in silence, and never
fails a build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Cookie, Depends, FastAPI, Header, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from fastapi.security import APIKeyCookie, HTTPBearer, OAuth2PasswordBearer
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import Response
from starlette.routing import Route

from ondemand import OnDemand, Rule, prerender
from tests.asking import Wrap, ask, innermost, is_snapshot
from tests.conftest import Build


def page(text: str, **options: Any) -> HTMLResponse:
    return HTMLResponse(f"<p>{text}</p>", **options)


def unmarked(add: Any) -> FastAPI:
    """An app whose home links to /it, which `add` defines."""
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return page('<a href="/it">it</a>')

    add(app)
    return app


def json_answer(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> dict[str, int]:
        return {"n": 1}


def unauthorized(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> PlainTextResponse:
        return PlainTextResponse("who are you", 401)


def forbidden(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> PlainTextResponse:
        return PlainTextResponse("no", 403)


def unprocessable(app: FastAPI) -> None:
    @app.get("/it")
    async def it(q: str) -> HTMLResponse:
        return page(q)


def redirect(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> RedirectResponse:
        return RedirectResponse("/", 303)


def query(app: FastAPI) -> None:
    @app.get("/it")
    async def it(page_number: Annotated[int, Query(alias="page")] = 1) -> HTMLResponse:
        return page(str(page_number))


def header(app: FastAPI) -> None:
    @app.get("/it")
    async def it(hx_request: Annotated[str | None, Header()] = None) -> HTMLResponse:
        return page("part" if hx_request else "whole")


def cookie(app: FastAPI) -> None:
    @app.get("/it")
    async def it(who: Annotated[str, Cookie()] = "nobody") -> HTMLResponse:
        return page(who)


def paging(page: int = 1) -> int:
    return page


def deeper(n: Annotated[int, Depends(paging)]) -> int:
    return n


scheme = OAuth2PasswordBearer(tokenUrl="t", auto_error=False)


def user(token: Annotated[str | None, Depends(scheme)]) -> str:
    return token or "guest"


def nested_query(app: FastAPI) -> None:
    @app.get("/it")
    async def it(n: Annotated[int, Depends(deeper)]) -> HTMLResponse:
        return page(str(n))


def bearer(app: FastAPI) -> None:
    @app.get("/it")
    async def it(token: Annotated[Any, Depends(HTTPBearer(auto_error=False))]) -> HTMLResponse:
        return page(str(token))


def oauth_below(app: FastAPI) -> None:
    @app.get("/it")
    async def it(name: Annotated[str, Depends(user)]) -> HTMLResponse:
        return page(name)


def api_key_on_router(app: FastAPI) -> None:
    from fastapi import APIRouter

    router = APIRouter(dependencies=[Depends(APIKeyCookie(name="key", auto_error=False))])

    @router.get("/it")
    async def it() -> HTMLResponse:
        return page("it")

    app.include_router(router)


def vary_cookie(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> HTMLResponse:
        return page("it", headers={"vary": "Cookie"})


def vary_language(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> HTMLResponse:
        return page("it", headers={"vary": "Accept-Encoding, Accept-Language"})


def sets_cookie(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> HTMLResponse:
        answer = page("it")
        answer.set_cookie("visit", "1")
        return answer


def private(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> HTMLResponse:
        return page("it", headers={"cache-control": "private"})


def no_store(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> HTMLResponse:
        return page("it", headers={"cache-control": "max-age=0, No-Store"})


def htmx_vary(app: FastAPI) -> None:
    @app.get("/it")
    async def it(request: Request) -> HTMLResponse:
        return page("part" if request.headers.get("hx-request") else "whole", headers={"vary": "HX-Request"})


def session_read(app: FastAPI) -> None:
    @app.get("/it")
    async def it(request: Request) -> HTMLResponse:
        return page(request.session.get("user", "guest"))


def csrf_token(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> HTMLResponse:
        return page('<form method=post action="/x"><input type="hidden" name="csrf_token" value="1"></form>')


def csp_nonce(app: FastAPI) -> None:
    @app.get("/it")
    async def it() -> HTMLResponse:
        return page("it", headers={"content-security-policy": "script-src 'nonce-abc'"})


def own_address(app: FastAPI) -> None:
    @app.get("/it")
    async def it(request: Request) -> HTMLResponse:
        return page(f'<a href="{request.url_for("home")}">home</a>')


def local_address(app: FastAPI) -> None:
    @app.get("/it")
    async def it(request: Request) -> HTMLResponse:
        assert request.client is not None
        return page("debug", status_code=200 if request.client.host != "127.0.0.1" else 500, headers={"vary": "x"})


ON_DEMAND = [
    csrf_token,
    csp_nonce,
    own_address,
    local_address,
    json_answer,
    unauthorized,
    forbidden,
    unprocessable,
    redirect,
    query,
    header,
    cookie,
    nested_query,
    bearer,
    oauth_below,
    api_key_on_router,
    vary_cookie,
    vary_language,
    sets_cookie,
    private,
    no_store,
    htmx_vary,
    session_read,
]


@pytest.mark.parametrize("add", ON_DEMAND, ids=lambda add: add.__name__)
def test_unmarked_page_stays_on_demand(add: Any, wrap: Wrap, dist: Any, built: Build) -> None:
    app = unmarked(add)
    wrapped = wrap(app, dist=dist, snapshots=True, skips=["SessionMiddleware"])
    app.add_middleware(SessionMiddleware, secret_key="k")
    report = built(wrapped)
    assert report.findings == []
    assert report.generation == "000001"
    assert is_snapshot(ask(wrapped, "/"))
    assert not is_snapshot(ask(wrapped, "/it"))
    route = next(route for route in report.routes if route.pattern == "/it")
    assert route.kind == "on demand"
    assert len(route.why) > 10


def test_a_session_read_is_seen_when_the_session_lies_inside(dist: Any, built: Build) -> None:
    from tests.asking import outermost

    app = unmarked(session_read)
    app.add_middleware(SessionMiddleware, secret_key="k")
    wrapped = outermost(app, dist=dist, snapshots=True, skips=["SessionMiddleware"])
    assert built(wrapped).findings == []
    assert not is_snapshot(ask(wrapped, "/it"))


def test_unlinked_pages_are_never_asked_for(wrap: Wrap, dist: Any, built: Build) -> None:
    asked: list[str] = []
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return page("home")

    @app.get("/logout")
    async def logout() -> HTMLResponse:
        asked.append("/logout")
        return page("bye")

    @app.get("/delete-everything/{really}")
    async def delete(really: str) -> HTMLResponse:
        asked.append("/delete")
        return page("done")

    wrapped = wrap(app, dist=dist, snapshots=True)
    assert built(wrapped).pages == 1
    assert asked == []
    assert not is_snapshot(ask(wrapped, "/logout"))


def test_a_query_sends_the_request_to_the_app(wrap: Wrap, dist: Any, built: Build) -> None:
    app = FastAPI()

    @app.get("/")
    @prerender(reads=["query"])
    async def home(request: Request) -> HTMLResponse:
        return page(f'<a href="/?page=2">2</a> {request.query_params.get("page", "1")}')

    wrapped = wrap(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    assert is_snapshot(ask(wrapped, "/"))
    assert not is_snapshot(ask(wrapped, "/?page=2"))
    assert "2</p>" in ask(wrapped, "/?page=2").text
    assert not is_snapshot(ask(wrapped, "/?utm_source=x&page=2"))
    assert not is_snapshot(ask(wrapped, "/?utm%5Fsource=x"))


@pytest.mark.parametrize("query", ["utm_source=a", "utm_source=a&utm_medium=b", "fbclid=x", "gclid=1&utm_term="])
def test_a_query_that_only_tracks_visitors_does_not(query: str, wrap: Wrap, dist: Any, built: Build) -> None:
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return page("home")

    wrapped = wrap(app, dist=dist, snapshots=True)
    built(wrapped)
    assert is_snapshot(ask(wrapped, f"/?{query}"))


def test_a_get_form_reaches_the_app(wrap: Wrap, dist: Any, built: Build) -> None:
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return page('<form action="/search"><input name="q"></form>')

    @app.get("/search")
    async def search(request: Request) -> HTMLResponse:
        return page(f"found {request.query_params.get('q', 'nothing')}")

    wrapped = wrap(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    assert "found whale" in ask(wrapped, "/search?q=whale").text


@pytest.mark.parametrize("name", ["HX-Request", "X-Requested-With", "Turbo-Frame"])
def test_a_request_for_a_part_of_a_page_reaches_the_app(name: str, wrap: Wrap, dist: Any, built: Build) -> None:
    app = FastAPI()

    @app.get("/")
    async def home(request: Request) -> HTMLResponse:
        return page("part" if name.lower() in request.headers else "whole")

    wrapped = wrap(app, dist=dist, snapshots=True, rules={"/": Rule(prerender=True, vary=[name])})
    built(wrapped)
    assert is_snapshot(ask(wrapped, "/"))
    assert "part" in ask(wrapped, "/", headers={name: "true"}).text


def test_a_marked_page_that_varies_answers_only_what_it_was_made_for(wrap: Wrap, dist: Any, built: Build) -> None:
    app = FastAPI()

    @app.get("/")
    @prerender
    async def home(request: Request) -> HTMLResponse:
        return page(request.headers.get("accept-language", "plain"), headers={"vary": "Accept-Language"})

    wrapped = wrap(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    assert is_snapshot(ask(wrapped, "/"))
    assert ask(wrapped, "/").header("vary") == "accept-language"
    assert "de" in ask(wrapped, "/", headers={"accept-language": "de"}).text


def test_other_methods_reach_the_app(wrap: Wrap, dist: Any, built: Build) -> None:
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return page("home")

    @app.post("/")
    async def post() -> PlainTextResponse:
        return PlainTextResponse("posted")

    wrapped = wrap(app, dist=dist, snapshots=True)
    built(wrapped)
    assert ask(wrapped, "/", method="POST").text == "posted"
    assert ask(wrapped, "/", method="DELETE").status == 405
    assert ask(wrapped, "/", method="HEAD").body == b""
    assert ask(wrapped, "/", method="HEAD").header("content-length") == "11"


FAILS_WHEN_MARKED = [
    ("origin", own_address),
    ("private", sets_cookie),
    ("private", private),
    ("private", no_store),
    ("vary", vary_cookie),
    ("declares", query),
    ("declares", header),
    ("declares", cookie),
    ("declares", bearer),
    ("declares", oauth_below),
    ("vary", session_read),
    ("status", unauthorized),
    ("status", forbidden),
    ("status", unprocessable),
]


@pytest.mark.parametrize(("kind", "add"), FAILS_WHEN_MARKED, ids=lambda value: getattr(value, "__name__", value))
def test_the_same_page_fails_the_build_if_it_was_marked(
    kind: str, add: Any, wrap: Wrap, dist: Any, built: Build
) -> None:
    app = unmarked(add)
    wrapped = wrap(app, dist=dist, snapshots=True, rules={"/it": Rule(prerender=True)}, skips=["SessionMiddleware"])
    app.add_middleware(SessionMiddleware, secret_key="k")
    report = built(wrapped)
    if add is session_read and wrap is innermost:  # where the session lies outside, its reads are seen themselves
        kind = "session"
    assert kind in [finding.kind for finding in report.findings]
    assert report.generation is None
    finding = next(finding for finding in report.findings if finding.kind == kind)
    assert finding.path == "/it"
    assert finding.referrers == ["/"]
    assert finding.remedy


def test_a_marked_endpoint_keeps_json_and_its_headers(wrap: Wrap, dist: Any, built: Build) -> None:
    app = FastAPI()

    @app.get("/data.json")
    @prerender
    async def data() -> JSONResponse:
        return JSONResponse({"n": 1}, headers={"x-own": "kept"})

    wrapped = wrap(app, dist=dist, snapshots=True)
    built(wrapped)
    answer = ask(wrapped, "/data.json")
    assert is_snapshot(answer)
    assert (answer.header("content-type"), answer.header("x-own")) == ("application/json", "kept")


def test_the_frameworks_own_pages_are_on_demand(wrap: Wrap, dist: Any, built: Build) -> None:
    app = FastAPI()

    @app.get("/")
    async def home() -> HTMLResponse:
        return page('<a href="/docs">docs</a><a href="/openapi.json">api</a>')

    wrapped = wrap(app, dist=dist, snapshots=True)
    assert built(wrapped).findings == []
    assert not is_snapshot(ask(wrapped, "/docs"))


def test_without_a_build_the_app_renders_everything(wrap: Wrap, dist: Any) -> None:
    app = unmarked(json_answer)
    wrapped = wrap(app, dist=dist, snapshots=True)
    assert ask(wrapped, "/").status == 200
    assert not is_snapshot(ask(wrapped, "/"))
    assert ask(wrapped, "/missing").status == 404


def test_a_document_that_no_route_which_can_be_read_answers_is_on_demand_and_a_file_is_not(
    dist: Path, built: Build
) -> None:
    """How it is marked cannot be told."""

    class Answering:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            found = {"/hidden": HTMLResponse("<p>hidden"), "/x.css": Response("p{}", media_type="text/css")}
            await found.get(scope.get("path"), self.app)(scope, receive, send)

    async def home(request: Request) -> HTMLResponse:
        return HTMLResponse('<link rel="stylesheet" href="/x.css"><a href="/hidden">hidden</a>')

    app = Starlette(routes=[Route("/", home)])
    app.add_middleware(Answering)
    report = built(OnDemand(app, dist=dist))
    assert sorted(report.added) == ["/", "/x.css"]
    assert report.reasons["/hidden"].why == "no route that can be read answers it: how it is marked cannot be told"


def test_what_a_page_about_an_error_links_to_is_none_of_the_sites_links(dist: Path, built: Build) -> None:
    async def home(request: Request) -> HTMLResponse:
        return HTMLResponse('<a href="/broken">broken</a>')

    async def broken(request: Request) -> HTMLResponse:
        return HTMLResponse('<a href="/docs/of/the/debugger">what went wrong</a>', status_code=500)

    report = built(OnDemand(Starlette(routes=[Route("/", home), Route("/broken", broken)]), dist=dist))
    assert [(finding.kind, finding.path) for finding in report.findings] == [("status", "/broken")]


def test_a_snapshot_does_not_say_that_it_has_expired(dist: Path, built: Build) -> None:
    async def home(request: Request) -> HTMLResponse:
        headers = {"Expires": "Sat, 21 Nov 2026 12:00:00 GMT", "Cache-Control": "max-age=60"}
        return HTMLResponse("<p>home", headers=headers)

    wrapped = OnDemand(Starlette(routes=[Route("/", home)]), dist=dist, snapshots=True)
    assert ask(wrapped, "/").header("expires") is not None
    built(wrapped)
    answer = ask(wrapped, "/")
    assert is_snapshot(answer)
    assert (answer.header("expires"), answer.header("cache-control")) == (None, "max-age=60")
