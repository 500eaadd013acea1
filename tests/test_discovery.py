"""ondemand.discovery: which routes an app has, as the app itself would choose them, and what lies inside the wrapper."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import fastapi.routing
import pytest
from fastapi import APIRouter, Body, Cookie, Depends, FastAPI, Header, Query, Request, Security, WebSocket
from fastapi.responses import HTMLResponse
from fastapi.security import APIKeyCookie, HTTPBearer, OAuth2PasswordBearer
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, Convertor, register_url_convertor
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

from ondemand import ConfigError, MarkError, OnDemand, Rule, prerender
from ondemand import Route as OwnRoute
from ondemand.config import Config
from ondemand.discovery import RouteTable, check, discover, find_wrapper, host_matches, skipped_middleware
from ondemand.marks import Mark
from tests.asking import Wrap, ask, is_snapshot, make_scope, outermost
from tests.conftest import Build

some = settings(max_examples=300, deadline=None, derandomize=True)


def config(**options: Any) -> Config:
    return Config.make(options, root=Path("/nowhere"))


def read(app: Any, **options: Any) -> RouteTable:
    return discover(app, config(**options))


def own(table: RouteTable) -> list[str]:
    """The patterns of all routes that are not the framework's own."""
    return [route.pattern.text for route in table if not route.framework]


def marks(app: Any) -> dict[str, Any]:
    """pattern -> what decides: the route's own mark, else its group's."""
    found: dict[str, Any] = {}
    for route in read(app):
        mark = route.mark or route.group
        if not route.framework:
            found[route.pattern.text] = mark.value if mark else None
    return found


async def page(request: Any) -> HTMLResponse:
    return HTMLResponse("page")


def another_page() -> Any:
    async def shown(request: Any) -> None: ...

    return shown


def router(*paths: str, **options: Any) -> APIRouter:
    """A router with a page of its own at each path."""
    made = APIRouter(**options)
    for path in paths:

        @made.get(path)
        def shown() -> None: ...

    return made


# ------------------------------------------------------------------------------------------------------ FastAPI's tree


def test_included_routers_have_every_prefix_above_them_in_the_order_of_the_app() -> None:
    inner, outer, app = router("/x", "/{id:int}", prefix="/inner"), router("/y", prefix="/outer"), FastAPI()
    outer.include_router(inner, prefix="/between")

    @app.get("/first")
    def first() -> None: ...

    app.include_router(outer, prefix="/v1")

    @app.get("/last")
    def last() -> None: ...

    expected = ["/first", "/v1/outer/y", "/v1/outer/between/inner/x", "/v1/outer/between/inner/{id:int}", "/last"]
    assert own(read(app)) == expected
    for path in ("/v1/outer/y", "/v1/outer/between/inner/x", "/v1/outer/between/inner/7"):
        assert ask(app, path).status == 200
        assert read(app).match(path) is not None


def test_the_mark_of_the_nearest_router_counts_and_a_routes_own_mark_beats_it() -> None:
    inner, unmarked, outer, app = router("/inner"), router("/unmarked"), router("/outer"), FastAPI()

    @inner.get("/own")
    @prerender("auto")
    def marked() -> None: ...

    outer.include_router(inner, prefix="/a")
    outer.include_router(unmarked, prefix="/b")
    app.include_router(prerender(False)(outer))
    prerender(True)(inner)  # after it was included
    app.include_router(router("/outside"))
    assert marks(app) == {
        "/outer": False,
        "/a/inner": True,
        "/a/own": "auto",
        "/b/unmarked": False,
        "/outside": None,
    }


def test_a_router_that_is_included_twice_has_the_mark_of_each_place() -> None:
    shared, app = router("/s"), FastAPI()
    closed, opened = prerender(False)(APIRouter()), prerender(True)(APIRouter())
    closed.include_router(shared, prefix="/closed")
    opened.include_router(shared, prefix="/open")
    app.include_router(shared, prefix="/plain")
    app.include_router(closed)
    app.include_router(opened)
    assert marks(app) == {"/plain/s": None, "/closed/s": False, "/open/s": True}


@pytest.mark.parametrize("swapped", [False, True])
def test_a_router_that_is_included_twice_below_one_other_has_the_mark_of_each_place(swapped: bool) -> None:
    shared, outer, app = router("/s"), APIRouter(), FastAPI()
    closed, opened = prerender(False)(APIRouter()), prerender(True)(APIRouter())
    closed.include_router(shared, prefix="/closed")
    opened.include_router(shared, prefix="/open")
    for inner in (opened, closed) if swapped else (closed, opened):
        outer.include_router(inner)
    app.include_router(outer)
    assert marks(app) == {"/closed/s": False, "/open/s": True}


def test_routes_that_are_added_after_their_router_was_included_are_read_as_the_app_answers_them() -> None:
    late, app = APIRouter(), FastAPI()
    app.include_router(late, prefix="/v1")

    @late.get("/late")
    def shown() -> None: ...

    answered = ask(app, "/v1/late").status == 200
    assert ("/v1/late" in own(read(app))) is answered


def test_a_mark_on_the_routers_of_apps_counts_as_one_on_a_group() -> None:
    sub, app = FastAPI(), FastAPI()

    @sub.get("/y")
    def below() -> None: ...

    @app.get("/z")
    def shown() -> None: ...

    app.mount("/sub", prerender(False)(sub))
    prerender(True)(app.router)
    assert marks(app) == {"/z": True, "/sub/y": False}


def test_an_older_fastapi_is_told_which_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()
    app.include_router(router("/x"))
    monkeypatch.delattr(fastapi.routing, "iter_route_contexts")
    with pytest.raises(ConfigError, match=r"0\.137\.2"):
        read(app)


def test_the_frameworks_own_routes_are_flagged_wherever_they_lie() -> None:
    app = FastAPI(docs_url="/help", redoc_url=None)

    @app.get("/docs")
    def docs() -> None: ...

    flagged = [route.pattern.text for route in read(app) if route.framework]
    assert flagged == ["/openapi.json", "/help", "/docs/oauth2-redirect"]
    assert own(read(FastAPI(openapi_url=None))) == []
    sub = FastAPI()
    app.mount("/sub", sub)
    assert "/sub/docs" in [route.pattern.text for route in read(app) if route.framework]


def test_a_frontend_is_read_as_a_folder_of_files_behind_all_routes(tmp_path: Path) -> None:
    app = FastAPI()
    app.frontend("/ui", directory=tmp_path)

    @app.get("/ui/live")
    def live() -> None: ...

    last = list(read(app))[-1]
    assert last.pattern.match("/ui/assets/app.js") is not None
    assert last.directory == (str(tmp_path),)
    found = read(app).match("/ui/live")
    assert found is not None
    assert found.endpoint is live


# ------------------------------------------------------------------------------------- mounts, sub-apps, hosts, classes


class Thin:
    """Middleware as a class."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


def closure(app: Any) -> Any:
    """Middleware as a function."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return wrapped


async def opaque(scope: Any, receive: Any, send: Any) -> None:
    """An app that shows nothing."""


def test_mounts_are_entered_through_whatever_wraps_what_they_hold() -> None:
    inner = Starlette(routes=[Route("/a", page)])
    api = FastAPI(openapi_url=None)

    @api.get("/b")
    def shown() -> None: ...

    app = Starlette(
        routes=[
            Mount("/plain", routes=[Route("/", page), Route("/x", page)]),
            Mount("/app", app=inner),
            Mount("/thin", app=Thin(inner)),
            Mount("/closure", app=closure(Thin(inner))),
            Mount("/fast", app=api),
            Mount("/with", routes=[Route("/a", page)], middleware=[Middleware(GZipMiddleware)]),
            Mount("/{tenant}", routes=[Mount("/deep", routes=[Route("/{x}", page)])]),
            Mount("", routes=[Route("/root", page)]),
        ]
    )
    expected = [
        "/plain/",
        "/plain/x",
        "/app/a",
        "/thin/a",
        "/closure/a",
        "/fast/b",
        "/with/a",
        "/{tenant}/deep/{x}",
        "/root",
    ]
    assert own(read(app)) == expected


def test_an_app_that_shows_no_routes_is_one_route_for_all_below_it() -> None:
    table = read(Starlette(routes=[Mount("/x", app=opaque), Route("/y", page)]))
    assert own(table) == ["/x/{path:path}", "/y"]
    route = table.match("/x/a/b", method="DELETE")
    assert route is not None
    assert (route.methods, route.pattern.takes_rest) == (None, True)
    assert table.match("/xy") is None


def test_the_mark_of_the_nearest_mount_counts() -> None:
    inner = prerender(True)(Mount("/inner", routes=[Route("/a", page)]))
    outer = prerender(False)(Mount("/outer", routes=[inner, Route("/b", page)]))
    files = prerender(False)(Mount("/files", app=opaque))
    assert marks(Starlette(routes=[outer, files, Route("/c", page)])) == {
        "/outer/inner/a": True,
        "/outer/b": False,
        "/files/{path:path}": False,
        "/c": None,
    }


def test_a_mount_of_static_files_is_a_route_with_their_folders(tmp_path: Path) -> None:
    wrapped = Mount("/wrapped", app=closure(GZipMiddleware(StaticFiles(directory=tmp_path))))
    table = read(Starlette(routes=[Mount("/static", app=StaticFiles(directory=str(tmp_path))), wrapped]))
    assert own(table) == ["/static/{path:path}", "/wrapped/{path:path}"]
    assert [route.directory for route in table] == [(str(tmp_path),), (str(tmp_path),)]


def test_a_mount_hides_what_lies_behind_it_below_its_path() -> None:
    app = Starlette(routes=[Mount("/api", routes=[Route("/a", page)]), Route("/api/b", page), Route("/apis", page)])
    assert ask(app, "/api/b").status == 404
    assert read(app).match("/api/b") is None
    assert read(app).match("/apis") is not None


def test_an_app_that_is_mounted_in_itself_is_read_to_an_end() -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/x")
    def shown() -> None: ...

    app.mount("/v1", app)
    assert ask(app, "/v1/x").status == 200
    table = read(app)
    assert table.match("/x") is not None
    assert table.match("/v1/x") is not None
    assert skipped_middleware(outermost(app), OnDemand) == []


def test_a_class_answers_for_its_methods() -> None:
    @prerender(False)
    class Marked(HTTPEndpoint):
        async def get(self, request: Any) -> None: ...

        async def post(self, request: Any) -> None: ...

    class ByMethod(HTTPEndpoint):
        @prerender("auto")
        async def get(self, request: Any) -> None: ...

    class OnlyPost(HTTPEndpoint):
        async def post(self, request: Any) -> None: ...

    table = read(Starlette(routes=[Route("/a", Marked), Route("/b", ByMethod), Route("/c", OnlyPost)]))
    a, b, c = table
    assert (a.methods, a.mark, a.answers_get) == ({"GET", "POST"}, Mark(False), True)
    assert (b.methods, b.mark) == ({"GET"}, Mark("auto"))
    assert (c.methods, c.answers_get) == ({"POST"}, False)
    assert a.source == f"{__file__}:{inspect.getsourcelines(Marked)[1]}"


def test_websockets_are_no_routes() -> None:
    app = FastAPI(openapi_url=None)

    @app.websocket("/ws")
    async def talk(socket: WebSocket) -> None: ...

    inner = APIRouter()
    inner.add_api_websocket_route("/ws2", talk)
    app.include_router(inner)
    assert own(read(app)) == []
    assert own(read(Starlette(routes=[WebSocketRoute("/ws", talk), Route("/x", page)]))) == ["/x"]


def test_the_routes_of_a_host_are_bound_to_it() -> None:
    tenant = prerender(False)(
        Host("{name}.example.org", app=Starlette(routes=[Route("/", page), Mount("/m", routes=[Route("/x", page)])]))
    )
    app = Starlette(routes=[tenant, Host("blind.example.org", app=opaque), Route("/", page)])
    table = read(app)
    assert [(route.host, route.pattern.text) for route in table] == [
        ("{name}.example.org", "/"),
        ("{name}.example.org", "/m/x"),
        ("blind.example.org", "/{path:path}"),
        ("", "/"),
    ]
    assert table.hosts == ("{name}.example.org", "blind.example.org")
    routes = list(table)
    assert table.match("/", host="a.example.org") is routes[0]
    assert table.match("/", host="a.example.org:8000") is routes[0]
    assert table.match("/", host="example.org") is routes[3]
    assert table.match("/m/x", host="example.org") is None
    assert routes[0].group == routes[1].group == Mark(False)


HOSTS = [
    "{sub}.example.org",
    "example.org",
    "example.org:8000",
    "{a}.{b}.example.org",
    "{n:int}.example.org",
    "www.Example.org",
    "{all:path}",
    "{sub}.exam-ple.org",
]
ASKED = [
    "example.org",
    "EXAMPLE.org",
    "a.example.org",
    "a.b.example.org",
    "a.b.c.example.org",
    "7.example.org",
    "www.example.org",
    "www.Example.org",
]
ASKED += [
    "example.org:8000",
    "a.example.org:80",
    "example.org.",
    ".example.org",
    "evil-example.org",
    "aXexample.org",
    "[::1]",
    "[::1]:80",
]
ASKED += ["a.exam-ple.org", "example.orgx", "a.example.org.evil.com"]


@pytest.mark.parametrize("pattern", HOSTS)
def test_a_host_is_matched_as_starlette_matches_it(pattern: str) -> None:
    theirs = {
        host: Host(pattern, app=opaque).matches(make_scope("/", headers={"host": host}))[0] == Match.FULL
        for host in ASKED
    }
    assert {host: host_matches(pattern, host) for host in ASKED} == theirs


def test_one_tenant_never_gets_the_page_of_another(dist: Path, built: Build) -> None:
    async def tenant(request: Request) -> HTMLResponse:
        return HTMLResponse(f"tenant {request.url.hostname}")

    tenants = Host("{name}.example.org", app=Starlette(routes=[Route("/", tenant)]))
    app = Starlette(routes=[tenants, Route("/", page)])
    wrapped = outermost(app, dist=dist, snapshots=True, site="https://example.org")
    built(wrapped)
    assert is_snapshot(ask(wrapped, "/", headers={"host": "example.org"}))
    for host in ("a.example.org", "a.b.example.org", "a.example.org:8000"):
        assert ask(wrapped, "/", headers={"host": host}).text == f"tenant {host.partition(':')[0]}"


# ------------------------------------------------------------------------------------------------- which route answers


@pytest.fixture
def _lang() -> Iterator[None]:
    class Lang(Convertor[str]):
        regex = "de|fr"

        def convert(self, value: str) -> str:
            return value

        def to_string(self, value: str) -> str:
            return value

    register_url_convertor("lang", Lang())
    yield
    del CONVERTOR_TYPES["lang"]


@pytest.mark.usefixtures("_lang")
def test_convertors_of_the_framework_and_of_the_user_decide_what_a_route_covers() -> None:
    app = Starlette(
        routes=[Route("/{n:int}", page), Route("/{code:lang}/{rest:path}", page), Route("/{x:float}", page)]
    )
    table = read(app)
    for path, index in (("/7", 0), ("/de/a/b", 1), ("/1.5", 2), ("/en/a", None), ("/de", None), ("/x", None)):
        found = table.match(path)
        assert (None if found is None else list(table).index(found)) == index


SPELLINGS = ["/", "/a", "/a/", "/b", "/{x}", "/{x:int}", "/a/{y}", "/{x}/b", "/{r:path}", "/a/{r:path}", "/a-{x}"]
PATHS = ["/", "/a", "/a/", "/b", "/7", "/c", "/a/b", "/a/7", "/a/b/c", "/c/b", "/a-1", "/a/b/"]


@some
@given(
    st.lists(
        st.tuples(st.sampled_from(SPELLINGS), st.sampled_from([["GET"], ["POST"], ["GET", "POST"], None])), max_size=7
    ),
    st.sampled_from(["GET", "HEAD", "POST", "DELETE"]),
)
def test_the_route_that_starlette_would_choose_is_found(routes: list[tuple[str, Any]], method: str) -> None:
    app = Starlette(routes=[Route(path, another_page(), methods=methods) for path, methods in routes])
    table = read(app)
    for path in PATHS:
        scope = make_scope(path, method=method)
        theirs = [route.endpoint for route in app.routes if route.matches(scope)[0] == Match.FULL]  # type: ignore[attr-defined]
        found = table.match(path, method=method)
        assert (found.endpoint if found else None) is (theirs[0] if theirs else None)


def test_a_route_for_other_methods_only_lets_later_ones_be_tried() -> None:
    app = FastAPI(openapi_url=None)

    @app.post("/x")
    def write() -> None: ...

    @app.get("/{name}")
    def any_name(name: str) -> None: ...

    table = read(app)
    for method, endpoint in (("GET", any_name), ("HEAD", any_name), ("POST", write)):
        found = table.match("/x", method=method)
        assert found is not None
        assert found.endpoint is endpoint
    assert table.match("/x", method="DELETE") is None


def test_a_page_whose_form_comes_first_is_answered_from_its_snapshot(wrap: Wrap, dist: Path, built: Build) -> None:
    app = FastAPI()

    @app.post("/")
    async def send() -> HTMLResponse:
        return HTMLResponse("sent")

    @app.get("/")
    @prerender
    async def form() -> HTMLResponse:
        return HTMLResponse("<form method=post>")

    wrapped = wrap(app, dist=dist, snapshots=True)
    assert built(wrapped).pages == 1
    assert is_snapshot(ask(wrapped, "/"))
    assert ask(wrapped, "/", method="POST").text == "sent"


def test_the_mark_of_the_same_path_on_another_host_decides_nothing(dist: Path, built: Build) -> None:
    async def live(request: Any) -> HTMLResponse:
        return HTMLResponse("live")

    admin = prerender(False)(Host("admin.example.org", app=Starlette(routes=[Route("/", live)])))
    wrapped = outermost(
        Starlette(routes=[admin, Route("/", page)]), dist=dist, snapshots=True, site="https://example.org"
    )
    assert built(wrapped).pages == 1
    assert is_snapshot(ask(wrapped, "/", headers={"host": "example.org"}))
    assert ask(wrapped, "/", headers={"host": "admin.example.org"}).text == "live"


# ------------------------------------------------------------------------------------- apps that show their routes or not


@pytest.mark.parametrize(
    "wrapped", [lambda app: app, Thin, closure, lambda app: closure(Thin(closure(app))), GZipMiddleware]
)
def test_routes_are_found_through_whatever_wraps_the_app(wrapped: Any) -> None:
    table = read(wrapped(Starlette(routes=[Route("/x", page)])))
    assert (own(table), table.known) == (["/x"], True)


@pytest.mark.parametrize(
    "app",
    [
        opaque,
        Thin(opaque),
        closure(opaque),
        type("Odd", (), {"routes": ["/x"], "__call__": opaque})(),
        type("Odd", (), {"routes": {"/x": 1}, "__call__": opaque})(),
        type("Odd", (), {"routes": lambda self: [], "__call__": opaque})(),
        None,
    ],
)
def test_an_app_that_shows_no_routes_has_those_that_are_listed(app: Any) -> None:
    table = read(app, routes=["/", OwnRoute("/blog/{slug}", prerender=True), OwnRoute("/live", prerender=False)])
    assert own(table) == ["/", "/blog/{slug}", "/live"]
    assert not table.known
    assert [route.mark for route in table] == [None, Mark(True), Mark(False)]
    assert not read(app).known


def test_listed_routes_stand_in_front_of_those_that_the_app_shows() -> None:
    app = Starlette(routes=[Route("/x", page), Route("/y", page)])
    table = read(app, routes=[OwnRoute("/x", prerender=False)])
    assert own(table) == ["/x", "/x", "/y"]
    found = table.match("/x")
    assert found is not None
    assert found.mark == Mark(False)


def test_things_that_hold_themselves_are_read_to_an_end() -> None:
    loop = Thin(None)
    loop.app = Thin(loop)
    assert not read(loop).known
    assert find_wrapper(loop, OnDemand) is None
    assert skipped_middleware(loop, OnDemand) == []


def test_reading_leaves_the_app_as_it_was() -> None:
    app = FastAPI()
    app.include_router(router("/x"), prefix="/v1")
    app.mount("/m", Starlette(routes=[Route("/y", page)]))
    before = list(app.routes)
    first = own(read(app))
    assert own(read(app)) == first == ["/v1/x", "/m/y"]
    assert list(app.routes) == before
    assert ask(app, "/v1/x").status == 200


def test_a_route_tells_where_its_page_is_written() -> None:
    def shown(request: Any) -> None: ...

    class Shown:
        def __call__(self, request: Any) -> None: ...

    line = shown.__code__.co_firstlineno
    decorated = functools.wraps(shown)(lambda request: None)
    app = Starlette(
        routes=[Route("/a", shown), Route("/b", decorated), Route("/c", functools.partial(shown)), Route("/d", Shown())]
    )
    sources = [route.source for route in read(app)]
    assert sources[:3] == [f"{__file__}:{line}"] * 3
    assert sources[3] == f"{__file__}:{inspect.getsourcelines(Shown)[1]}"


# ------------------------------------------------------------------------------------------------ what a route declares


class Filters(BaseModel):
    size: int = 1
    colour: str = ""


scheme = OAuth2PasswordBearer(tokenUrl="t", auto_error=False)
bearer = HTTPBearer(auto_error=False)


class OwnBearer(HTTPBearer):
    async def __call__(self, request: Request) -> Any:
        return None


def paging(page: int = 1) -> int:
    return page


def deeper(n: Annotated[int, Depends(paging)]) -> int:
    return n


class Common:
    def __init__(self, q: str = "") -> None:
        self.q = q


def needs_token(token: Annotated[Any, Depends(scheme)]) -> Any:
    return token


def nothing() -> None: ...
def a_path(slug: str) -> None: ...
def a_request(request: Request) -> None: ...
def a_body(data: Annotated[dict[str, int], Body()]) -> None: ...
def a_query(q: str = "") -> None: ...
def an_alias(q: Annotated[str, Query(alias="search")] = "") -> None: ...
def a_header(user_agent: Annotated[str, Header()] = "") -> None: ...
def a_cookie(session: Annotated[str, Cookie()] = "") -> None: ...
def a_model(filters: Annotated[Filters, Query()]) -> None: ...
def below(n: Annotated[int, Depends(deeper)]) -> None: ...
def a_class(common: Annotated[Common, Depends()]) -> None: ...
def security(token: Annotated[Any, Depends(scheme)]) -> None: ...
def scopes(token: Annotated[Any, Security(scheme, scopes=["a"])]) -> None: ...
def own_scheme(token: Annotated[Any, Depends(OwnBearer())]) -> None: ...
def security_below(token: Annotated[Any, Depends(needs_token)]) -> None: ...
def twice(a: Annotated[int, Depends(paging)], b: Annotated[int, Depends(deeper)]) -> None: ...


DECLARED: list[tuple[Any, list[str]]] = [
    (nothing, []),
    (a_path, []),
    (a_request, []),
    (a_body, []),
    (a_query, ["the query parameter 'q'"]),
    (an_alias, ["the query parameter 'search'"]),
    (a_header, ["the header parameter 'user-agent'"]),
    (a_cookie, ["the cookie parameter 'session'"]),
    (below, ["the query parameter 'page'"]),
    (a_class, ["the query parameter 'q'"]),
    (security, ["the security dependency OAuth2PasswordBearer"]),
    (scopes, ["the security dependency OAuth2PasswordBearer"]),
    (own_scheme, ["the security dependency OwnBearer"]),
    (security_below, ["the security dependency OAuth2PasswordBearer"]),
    (twice, ["the query parameter 'page'"]),
]


@pytest.mark.parametrize(("endpoint", "declares"), DECLARED, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("where", ["app", "router", "nested"])
def test_a_route_declares_what_it_reads_from_the_visitor(endpoint: Any, declares: list[str], where: str) -> None:
    app, outer, inner = FastAPI(openapi_url=None), APIRouter(), APIRouter()
    {"app": app, "router": outer, "nested": inner}[where].add_api_route("/{slug}", endpoint)
    outer.include_router(inner)
    app.include_router(outer)
    (route,) = read(app)
    assert list(route.declares) == declares


def test_a_model_of_query_parameters_is_declared() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/", a_model)
    (route,) = read(app)
    assert len(route.declares) >= 1
    assert all("query parameter" in words for words in route.declares)


@pytest.mark.parametrize("level", ["app", "outer", "include", "inner", "route"])
def test_dependencies_of_every_level_above_a_route_are_its_own(level: str) -> None:
    def given(name: str) -> list[Any]:
        return [Depends(APIKeyCookie(name="key", auto_error=False))] if level == name else []

    app = FastAPI(openapi_url=None, dependencies=given("app"))
    outer, inner = APIRouter(dependencies=given("outer")), APIRouter(dependencies=given("inner"))
    inner.add_api_route("/", nothing, dependencies=given("route"))
    outer.include_router(inner, prefix="/x", dependencies=given("include"))
    app.include_router(outer)
    (route,) = read(app)
    assert route.declares == ("the security dependency APIKeyCookie",)


def test_a_scheme_behind_a_partial_or_an_override_is_declared() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/", nothing, dependencies=[Depends(functools.partial(bearer))])
    (route,) = read(app)
    assert route.declares == ("the security dependency HTTPBearer",)


# ------------------------------------------------------------------------------------- what is wrong with marks and rules


def kinds(app: Any, **options: Any) -> list[tuple[str, str]]:
    return [(warned.kind, warned.route) for warned in check(read(app, **options), config(**options))]


def test_a_rule_that_covers_no_route_is_told_only_where_the_routes_are_known() -> None:
    rules = {
        "/blog/**": Rule(prerender=False),
        "/blgo/**": Rule(prerender=False),
        "/blog/{id:int}": Rule(),
        "/x": Rule(),
    }
    app = Starlette(routes=[Route("/blog/{slug}", page), Mount("/m", routes=[Route("/x", page)])])
    assert sorted(kinds(app, rules=rules)) == [("unused-rule", "/blgo/**"), ("unused-rule", "/x")]
    assert kinds(opaque, rules=rules) == []


def test_a_rule_for_what_an_opaque_mount_may_hold_is_not_told() -> None:
    assert (
        kinds(Starlette(routes=[Mount("/m", app=opaque)]), rules={"/m/x": Rule(), "/m/**": Rule(), "/m/a/b": Rule()})
        == []
    )


def test_a_callable_mark_that_answers_nonsense_is_refused_at_start() -> None:
    @prerender(lambda config: "sometimes")  # type: ignore[arg-type,return-value]
    def shown(request: Any) -> None: ...

    table = read(Starlette(routes=[Route("/", shown)]))
    with pytest.raises(MarkError, match="'sometimes'"):
        check(table, config())


def test_a_mark_below_a_decorator_without_wraps_is_told_and_one_with_wraps_is_not() -> None:
    def careless(function: Any) -> Any:
        async def inner(request: Any) -> Any:
            return await function(request)

        return inner

    @careless
    @prerender(False)
    async def lost(request: Any) -> None: ...

    @prerender(False)
    async def kept(request: Any) -> None: ...

    careful = functools.wraps(kept)(lambda request: kept(request))
    ((kind, place),) = kinds(Starlette(routes=[Route("/a", lost), Route("/b", careful)]))
    assert kind == "lost-mark"
    assert ".lost (" in place
    assert __file__ in place


# --------------------------------------------------------------------------------------------- the wrapper and its inside


def test_the_wrapper_is_found_in_both_idioms_and_through_others() -> None:
    app = FastAPI()
    assert find_wrapper(app, OnDemand) is None
    wrapped = OnDemand(app, keep=5)
    for outer in (wrapped, Thin(wrapped), closure(wrapped), GZipMiddleware(closure(wrapped))):
        assert find_wrapper(outer, OnDemand) is wrapped
    app.add_middleware(GZipMiddleware)
    app.add_middleware(OnDemand, keep=7)
    app.add_middleware(CORSMiddleware)
    assert find_wrapper(app, OnDemand) == {"keep": 7}
    assert find_wrapper(closure(Thin(app)), OnDemand) == {"keep": 7}
    assert find_wrapper(Starlette(middleware=[Middleware(OnDemand)]), OnDemand) == {}


def test_a_subclass_of_the_wrapper_is_the_wrapper() -> None:
    class Own(OnDemand): ...

    wrapped = Own(opaque)
    assert find_wrapper(Thin(wrapped), OnDemand) is wrapped
    app = Starlette(middleware=[Middleware(Own, keep=1), Middleware(SessionMiddleware, secret_key="k")])
    assert find_wrapper(app, OnDemand) == {"keep": 1}
    assert skipped_middleware(app, OnDemand) == ["SessionMiddleware"]


def test_middleware_that_is_a_function_is_no_wrapper() -> None:
    app = Starlette(middleware=[Middleware(closure)])  # type: ignore[arg-type]
    assert find_wrapper(app, OnDemand) is None
    assert skipped_middleware(app, OnDemand) == []


SECURITY = [(TrustedHostMiddleware, {}), (SessionMiddleware, {"secret_key": "k"}), (CORSMiddleware, {})]


def test_innermost_only_what_was_added_before_lies_inside() -> None:
    app = FastAPI()
    app.add_middleware(TrustedHostMiddleware)
    app.add_middleware(GZipMiddleware)
    app.add_middleware(SessionMiddleware, secret_key="k")
    app.add_middleware(OnDemand)
    app.add_middleware(CORSMiddleware)
    assert skipped_middleware(app, OnDemand) == ["SessionMiddleware", "TrustedHostMiddleware"]
    first = FastAPI()
    first.add_middleware(OnDemand)
    for cls, options in SECURITY:
        first.add_middleware(cls, **options)
    assert skipped_middleware(first, OnDemand) == []


def test_outermost_everything_lies_inside() -> None:
    app: Any = FastAPI()
    for cls, options in SECURITY:
        app.add_middleware(cls, **options)
    assert skipped_middleware(OnDemand(app), OnDemand) == [
        "CORSMiddleware",
        "SessionMiddleware",
        "TrustedHostMiddleware",
    ]
    behind = closure(Thin(AuthenticationMiddleware(closure(app), backend=None)))  # type: ignore[arg-type]
    assert skipped_middleware(OnDemand(behind), OnDemand)[0] == "AuthenticationMiddleware"
    assert len(skipped_middleware(OnDemand(behind), OnDemand)) == 4


def test_what_is_put_around_the_wrapper_by_hand_lies_outside() -> None:
    wrapped = OnDemand(Starlette(routes=[Route("/", page)]))
    outside = TrustedHostMiddleware(SessionMiddleware(closure(wrapped), secret_key="k"))
    assert skipped_middleware(outside, OnDemand) == []
    assert skipped_middleware(TrustedHostMiddleware(Starlette()), OnDemand) == []  # no wrapper at all


def test_middleware_of_mounts_routes_and_sub_apps_lies_inside() -> None:
    session, trusted = Middleware(SessionMiddleware, secret_key="k"), Middleware(TrustedHostMiddleware)
    sub = FastAPI()
    sub.add_middleware(CORSMiddleware)
    app = FastAPI()
    app.add_middleware(OnDemand)
    app.mount("/sub", closure(sub))
    app.router.routes.append(Mount("/m", routes=[Mount("/deep", routes=[Route("/x", page)], middleware=[session])]))
    app.router.routes.append(Route("/y", page, middleware=[trusted]))
    app.router.routes.append(Host("h", app=Starlette(middleware=[Middleware(AuthenticationMiddleware)])))  # type: ignore[arg-type]
    expected = {"CORSMiddleware", "SessionMiddleware", "TrustedHostMiddleware", "AuthenticationMiddleware"}
    assert set(skipped_middleware(app, OnDemand)) == expected
    assert set(skipped_middleware(OnDemand(Starlette(routes=list(app.router.routes))), OnDemand)) == expected


@pytest.mark.parametrize(
    ("name", "is_security"),
    [
        ("AuthMiddleware", True),
        ("BasicAuth", True),
        ("OAuth2Middleware", True),
        ("AuthenticationMiddleware", True),
        ("AuthorizationMiddleware", True),
        ("RequireAuthentication", True),
        ("ServerSessionMiddleware", True),
        ("CSRFMiddleware", True),
        ("CsrfMiddleware", True),
        ("HTTPSRedirectMiddleware", True),
        ("TrustedHostMiddleware", True),
        ("AuthorMiddleware", False),
        ("GZipMiddleware", False),
        ("TimingMiddleware", False),
        ("AuthorsPage", False),
    ],
)
def test_security_middleware_is_known_by_its_name(name: str, is_security: bool) -> None:
    named: Any = type(name, (Thin,), {})
    assert skipped_middleware(OnDemand(named(opaque)), OnDemand) == [name] * is_security
    assert skipped_middleware(OnDemand(Starlette(middleware=[Middleware(named)])), OnDemand) == [name] * is_security


def test_the_same_middleware_in_many_places_is_named_once() -> None:
    session = Middleware(SessionMiddleware, secret_key="k")
    mounts = [Mount(f"/{number}", routes=[Route("/", page)], middleware=[session]) for number in range(3)]
    app = OnDemand(Starlette(routes=mounts, middleware=[session]))
    assert skipped_middleware(app, OnDemand) == ["SessionMiddleware"]


def test_a_router_without_an_app_around_it_is_an_app() -> None:
    table = read(Router(routes=[Route("/x", page)]))
    assert (own(table), table.known) == (["/x"], True)


class IsoDate(Convertor[date]):
    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def convert(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_string(self, value: date) -> str:
        return value.isoformat()


def test_a_convertor_of_the_users_own_writes_the_paths_also_below_a_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONVERTOR_TYPES, "isodate", IsoDate())
    day = date(2026, 11, 21)
    inner = [Route("/at/{time:int}", page)]
    table = read(Starlette(routes=[Route("/on/{day:isodate}", page), Mount("/{day:isodate}", routes=inner)]))
    first, second = table.routes
    assert first.pattern.fill({"day": day}) == "/on/2026-11-21"
    assert second.pattern.fill({"day": day, "time": 7}) == "/2026-11-21/at/7"
    assert table.match("/2026-11-21/at/7") is second
    assert table.match("/today/at/7") is None


def test_the_inner_of_two_parameters_of_one_name_is_the_pages() -> None:
    table = read(Starlette(routes=[Mount("/{id:int}", routes=[Route("/x/{id}", page)])]))
    (route,) = table.routes
    assert route.pattern.match("/7/x/y") == {"id_": "7", "id": "y"}
    assert table.match("/y/x/7") is None
