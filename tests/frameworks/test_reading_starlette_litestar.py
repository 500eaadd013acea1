"""ondemand.frameworks: what is read of an app is what the app does, framework by framework."""

from __future__ import annotations

import enum
import importlib.metadata
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from litestar import Controller, Litestar, Request, Router, asgi, get, post, route
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import FromCookie, FromHeader, FromPath, FromQuery, HeaderParameter, QueryParameter
from litestar.static_files import create_static_files_router
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.routing import Route as StarletteRoute

from ondemand import ConfigError, MarkError, ParamError, prerender
from ondemand.config import Config
from ondemand.discovery import RouteTable, check, discover
from ondemand.routing import Route, decide
from tests.asking import ask
from tests.frameworks.serving import with_fasthtml

CONFIG = Config.make({}, root=Path("/nowhere"))


def read(app: Any) -> RouteTable:
    return discover(app, CONFIG)


def find(app: Any, pattern: str) -> Route:
    return next(route for route in read(app) if route.pattern.text == pattern)


def own(app: Any) -> list[str]:
    return [route.pattern.text for route in read(app) if not route.framework]


def kinds(app: Any) -> dict[str, str]:
    """pattern -> how it is rendered, and why."""
    return {
        route.pattern.text: f"{(decision := decide(route, CONFIG)).kind}: {decision.why}"
        for route in read(app)
        if not route.framework
    }


def marks(app: Any) -> dict[str, Any]:
    """pattern -> what decides: the route's own mark, else that of its group."""
    return {
        route.pattern.text: (mark := route.mark or route.group) and mark.value
        for route in read(app)
        if not route.framework
    }


def answered(app: Any, path: str) -> str | None:
    """What the app says, None where it has nothing."""
    answer = ask(app, path, state={})
    assert answer.status in {200, 404}, (path, answer.status, answer.text)
    return answer.text if answer.status == 200 else None


def page(name: str) -> Any:
    """A page of Starlette's that says its name."""

    async def shown(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse(name)

    shown.__name__ = name
    return shown


def too_old(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    installed = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1" if name == package else installed(name))


# ------------------------------------------------------------------------------------------------------------- FastAPI


class Model(str, enum.Enum):  # noqa: UP042 - as FastAPI's documentation writes it
    SMALL = "small"


class Number(enum.IntEnum):
    TWO = 2


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        (date, date(2026, 11, 21), "/v/2026-11-21"),
        (datetime, datetime(2026, 11, 21, 10, 0, tzinfo=UTC), "/v/2026-11-21T10:00:00Z"),
        (time, time(10, 30), "/v/10:30:00"),
        (timedelta, timedelta(days=1, seconds=1.5), "/v/P1DT1.5S"),
        (Decimal, Decimal("-1.50"), "/v/-1.50"),
        (uuid.UUID, uuid.UUID(int=7), f"/v/{uuid.UUID(int=7)}"),
        (Model, Model.SMALL, "/v/small"),
        (Number, Number.TWO, "/v/2"),
        (int, -7, "/v/-7"),
        (float, 1e22, "/v/1e+22"),
        (date, "2026-11-21", "/v/2026-11-21"),
    ],
)
@pytest.mark.parametrize("by_dependency", [False, True])
def test_fastapi_reads_back_what_its_annotation_says_of_a_value(
    kind: Any, value: Any, path: str, by_dependency: bool
) -> None:
    app, seen = FastAPI(), []
    if by_dependency:

        async def given(v: Any) -> None:
            seen.append(v)

        given.__annotations__["v"] = kind

        @app.get("/v/{v}", dependencies=[Depends(given)])
        async def depends() -> None: ...

    else:

        async def shown(v: Any) -> None:
            seen.append(v)

        shown.__annotations__["v"] = kind
        app.get("/v/{v}")(shown)
    assert find(app, "/v/{v}").pattern.fill({"v": value}) == path
    assert ask(app, path).status == 200
    assert seen == [date.fromisoformat(value) if type(value) is str else value]


def test_a_value_that_an_annotation_of_fastapi_cannot_be_is_refused() -> None:
    app = FastAPI()

    @app.get("/v/{v}")
    async def shown(v: date) -> None: ...

    with pytest.warns(UserWarning, match="Pydantic"), pytest.raises(ParamError, match="list"):
        find(app, "/v/{v}").pattern.fill({"v": ["2026-11-21"]})
    with pytest.raises(ParamError, match="one path segment"):
        find(app, "/v/{v}").pattern.fill({"v": "a/b"})


# ------------------------------------------------------------------------------------------------------------ FastHTML


@pytest.fixture
def fasthtml() -> Iterator[Any]:
    with with_fasthtml():
        import fasthtml.core

        yield fasthtml.core


def test_fasthtml_pages_are_the_functions_in_its_closures(fasthtml: Any) -> None:
    app = fasthtml.FastHTML(secret_key="s")
    routes = fasthtml.APIRouter(prefix="/sub")

    @app.route("/one")
    def one() -> str:
        return "one"

    @routes.get("/two")
    async def two() -> str:
        return "two"

    @app.route("/group")
    class Group:
        @prerender
        def get() -> str:  # type: ignore[misc]
            return "three"

        def post() -> str:  # type: ignore[misc]
            return "four"

    routes.to_app(app)
    table = {(route.pattern.text, *sorted(route.methods or ())): route for route in read(app)}
    assert [(text, methods) for text, *methods in table] == [
        ("/one", ["GET", "HEAD", "POST"]),
        ("/group", ["GET", "HEAD"]),
        ("/group", ["POST"]),
        ("/sub/two", ["GET", "HEAD"]),
    ]
    functions = [one.__wrapped__, Group.get, Group.post, two.__wrapped__]
    assert [route.endpoint for route in table.values()] == functions
    for found, function in zip(table.values(), functions, strict=True):
        assert found.source == f"{__file__}:{function.__code__.co_firstlineno}"
    assert marks(app)["/one"] is None
    assert table["/group", "GET", "HEAD"].mark is not None


def test_fasthtml_a_mark_counts_on_either_side_of_the_decorator(fasthtml: Any) -> None:
    app = fasthtml.FastHTML(secret_key="s")
    routes = fasthtml.APIRouter()

    @app.route("/below")
    @prerender
    def below() -> str: ...

    @prerender
    @app.route("/above")
    def above() -> str: ...

    @prerender(False)
    @app.get("/get")
    def got() -> str: ...

    @prerender("auto")
    @routes("/router")
    def routed() -> str: ...

    routes.to_app(app)
    assert marks(app) == {"/below": True, "/above": True, "/get": False, "/router": "auto"}
    assert check(read(app), CONFIG) == []
    with pytest.raises(MarkError, match="twice"):
        prerender(app.get("/twice")(prerender(page("twice"))))


@pytest.mark.parametrize("above", [True, False])
def test_fasthtml_a_mark_on_a_class_of_pages_has_no_effect_and_is_told(fasthtml: Any, above: bool) -> None:
    app = fasthtml.FastHTML(secret_key="s")

    class Pages:
        def get() -> str: ...  # type: ignore[misc]

    Pages.__qualname__ += str(above)
    if above:
        prerender(app.route("/pages")(Pages))
    else:
        app.route("/pages")(prerender(Pages))
    assert marks(app) == {"/pages": None}
    lost = [found.kind for found in check(read(app), CONFIG) if f"Pages{above}" in found.route]
    assert lost == ["lost-mark"]


def test_fasthtml_declared_parameters_make_an_unmarked_page_on_demand(fasthtml: Any) -> None:
    app = fasthtml.FastHTML(secret_key="s")

    def guard(req: StarletteRequest) -> None: ...

    @app.get("/plain/{x}")
    def plain(x: str, r, req, request: StarletteRequest, app, scope, q: StarletteRequest) -> str: ...  # type: ignore[no-untyped-def]

    @app.get("/session")
    def session(session) -> str: ...  # type: ignore[no-untyped-def]

    @app.get("/sess")
    def short(sess) -> str: ...  # type: ignore[no-untyped-def]

    @app.get("/auth")
    def auth(auth) -> str: ...  # type: ignore[no-untyped-def]

    @app.get("/query")
    def query(q: str, state: int = 0) -> str: ...

    @app.get("/guarded", before=guard)
    def guarded() -> str: ...

    assert kinds(app) == {
        "/plain/{x}": "candidate: unmarked: static if its plain answer is the same for everyone",
        "/session": "on demand: it declares the session",
        "/sess": "on demand: it declares the session",
        "/auth": "on demand: it declares who is logged in (auth)",
        "/query": "on demand: it declares the parameter 'q' of the request, the parameter 'state' of the request",
        "/guarded": "on demand: it declares what runs before it (guard)",
    }


def test_fasthtml_a_route_may_be_bound_to_a_host(fasthtml: Any) -> None:
    app = fasthtml.FastHTML(secret_key="s")

    @app.get("/page", host="a.example")
    def here() -> str:
        return "here"

    @app.get("/page")
    def elsewhere() -> str:
        return "elsewhere"

    table = read(app)
    for host in ("a.example", "b.example"):
        found = table.match("/page", host=host)
        assert found is not None
        assert ask(app, "/page", headers={"host": host}).text.strip() == found.endpoint.__name__
    assert table.hosts == ("a.example",)


def test_fasthtml_its_own_convertors_write_paths_that_it_reads(fasthtml: Any) -> None:
    app = fasthtml.FastHTML(secret_key="s")
    seen: list[Any] = []

    @app.get("/rest/{rest:path}")
    def rest(rest: str) -> str:
        seen.append(rest)
        return ""

    @app.get("/files/{name:path}.{ext:static}")
    def file(name: str, ext: str) -> str:
        seen.append((name, ext))
        return ""

    assert (path := find(app, "/rest/{rest:path}").pattern.fill({"rest": "a/b"})) == "/rest/a/b"
    assert ask(app, path).status == 200
    path = find(app, "/files/{name:path}.{ext:static}").pattern.fill({"name": "a/b", "ext": "css"})
    assert ask(app, path).status == 200
    assert seen == ["a/b", ("a/b", "css")]
    with pytest.raises(ParamError):
        find(app, "/files/{name:path}.{ext:static}").pattern.fill({"name": "a", "ext": "py"})


def test_fasthtml_the_table_finds_what_the_app_answers(fasthtml: Any) -> None:
    app = fasthtml.FastHTML(secret_key="s")
    patterns = ["/a", "/a/{x}", "/n/{n:int}", "/{x}/b", "/r/{rest:path}", "/p-{x}", "/m/{x}/z"]
    for position, pattern in enumerate(patterns):
        app.get(pattern, name=f"page{position}")(page(f"page{position}"))
    table = read(app)
    paths = ["/", "/a", "/a/", "/a/1", "/a/b", "/n/1", "/n/-1", "/n/x", "/c/b", "/r", "/r/", "/r/a/b/", "/p-", "/p-1"]
    for path in [*paths, "/m//z", "/m/1/z", "/m/1/z/", "//b"]:
        found = table.match(path)
        answer = ask(app, path)
        said = None if answer.status in {307, 404} else answer.text
        assert (found.endpoint.__name__ if found else None) == said, path


def test_fasthtml_files_that_its_user_has_it_serve_are_no_pages_of_its_own(fasthtml: Any) -> None:
    app = fasthtml.FastHTML(secret_key="s")
    app.static_route_exts(prefix="/static/", static_path="files")
    app.devtools_json(path="/somewhere")
    assert [route.framework for route in read(app)] == [False, True]


def test_fasthtml_that_is_too_old_is_told_which_one_is_needed(fasthtml: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    app = fasthtml.FastHTML(secret_key="s")
    too_old(monkeypatch, "python-fasthtml")
    with pytest.raises(ConfigError, match=r"FastHTML 0\.1 .* pip install 'python-fasthtml>=0\.14'"):
        read(app)


# ------------------------------------------------------------------------------------------------------------ Litestar


async def allowed(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None: ...


def allowed_in_thread(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None: ...


def handler(path: str, **options: Any) -> Any:
    """A page that says its path."""

    async def shown() -> str:
        return path

    shown.__name__ = path
    return get(path, **options)(shown)


def test_litestar_a_mark_counts_on_either_side_of_the_decorator_and_in_opt() -> None:
    @get("/below")
    @prerender
    async def below() -> str: ...

    @prerender
    @get("/above")
    async def above() -> str: ...

    @prerender(False)
    @get(["/one", "/two"])
    async def twice() -> str: ...

    @get("/thread", sync_to_thread=True)
    @prerender
    def thread() -> str: ...

    @prerender
    @get("/direct", sync_to_thread=False)
    def direct() -> str: ...

    @get("/keyword", prerender="auto")
    async def keyword() -> str: ...

    @asgi("/raw", copy_scope=True)
    @prerender
    async def raw(scope: Any, receive: Any, send: Any) -> None: ...

    handlers = [below, above, twice, thread, direct, keyword, raw, handler("/opt", opt={"prerender": False})]
    app = Litestar([Router("/sub", route_handlers=handlers), handler("/none")])
    assert marks(app) == {
        "/sub/below": True,
        "/sub/above": True,
        "/sub/one": False,
        "/sub/two": False,
        "/sub/thread": True,
        "/sub/direct": True,
        "/sub/keyword": "auto",
        "/sub/raw": True,
        "/sub/opt": False,
        "/none": None,
    }
    assert check(read(app), CONFIG) == []
    assert find(app, "/sub/thread").endpoint is thread.fn
    assert find(app, "/sub/thread").source == f"{__file__}:{thread.fn.__code__.co_firstlineno}"


def test_litestar_the_decorator_beats_opt_and_the_nearest_layer_beats_those_around_it() -> None:
    @get("/decorated", opt={"prerender": False})
    @prerender
    async def decorated() -> str: ...

    class Plain(Controller):
        path = "/plain"

        @get("/page")
        async def show(self) -> str: ...

        @get("/own", opt={"prerender": "auto"})
        async def own(self) -> str: ...

    class ByOpt(Plain):
        path = "/by-opt"
        opt = {"prerender": True}

    @prerender
    class Marked(Controller):
        path = "/marked"

        @get("/page")
        async def show(self) -> str: ...

        @get("/off", opt={"prerender": "auto"})
        async def off(self) -> str: ...

    inner = Router("/inner", route_handlers=[handler("/page")], opt={"prerender": True})
    router = Router("/r", route_handlers=[decorated, Plain, ByOpt, Marked, inner], opt={"prerender": False})
    app = Litestar([router, handler("/app")], opt={"prerender": "auto"})
    assert marks(app) == {
        "/r/decorated": True,
        "/r/plain/page": False,
        "/r/plain/own": "auto",
        "/r/by-opt/page": True,
        "/r/by-opt/own": "auto",
        "/r/marked/page": True,
        "/r/marked/off": "auto",
        "/r/inner/page": True,
        "/app": "auto",
    }
    assert check(read(app), CONFIG) == []
    assert decide(find(app, "/r/plain/page"), CONFIG).why == "its router's prerender is False"
    assert decide(find(app, "/r/decorated"), CONFIG).why == "prerender is True"


def test_litestar_an_opt_that_is_no_mark_is_refused_with_its_place() -> None:
    shown = handler("/page", opt={"prerender": "yes"})
    with pytest.raises(MarkError, match=rf"'yes'.*{__file__}:{shown.fn.__code__.co_firstlineno}"):
        read(Litestar([shown]))
    with pytest.raises(MarkError, match=r"1\}.*Router /r"):
        read(Litestar([Router("/r", route_handlers=[handler("/page")], opt={"prerender": 1})]))
    with pytest.raises(MarkError, match="Litestar /"):
        read(Litestar([handler("/page")], opt={"prerender": "no"}))


def test_litestar_a_handler_that_takes_no_mark_says_so() -> None:
    @route("/page", http_method=["GET"])
    async def shown() -> str: ...

    try:
        prerender(shown)
    except MarkError as error:
        assert "takes no attributes" in str(error)
    else:
        assert marks(Litestar([shown])) == {"/page": True}


def test_litestar_what_a_handler_declares_makes_an_unmarked_page_on_demand() -> None:
    @get("/request/{x:str}")
    async def plain(x: FromPath[str], request: Request[Any, Any, Any]) -> str: ...

    @get("/query")
    async def query(q: FromQuery[str | None] = None) -> str: ...

    @get("/alias")
    async def alias(q: Annotated[str, QueryParameter(name="search")] = "") -> str: ...

    @get("/header")
    async def header(x_token: FromHeader[str]) -> str: ...

    @get("/header-alias")
    async def header_alias(token: Annotated[str, HeaderParameter(name="X-Token")]) -> str: ...

    @get("/cookie")
    async def cookie(name: FromCookie[str]) -> str: ...

    async def visitor(name: FromCookie[str]) -> str:
        return name

    async def constant() -> int:
        return 1

    @get("/by-dependency", dependencies={"who": Provide(visitor)})
    async def by_dependency(who: NamedDependency[str]) -> str: ...

    @get("/by-constant", dependencies={"one": Provide(constant)})
    async def by_constant(one: NamedDependency[int]) -> str: ...

    handlers = [plain, query, alias, header, header_alias, cookie, by_dependency, by_constant]
    handlers.append(handler("/guard", guards=[allowed]))
    router = Router("/r", route_handlers=[handler("/guard")], guards=[allowed_in_thread])
    app = Litestar([*handlers, router])
    free = "candidate: unmarked: static if its plain answer is the same for everyone"
    assert dict(sorted(kinds(app).items())) == {
        "/alias": "on demand: it declares the query parameter 'search'",
        "/by-constant": free,
        "/by-dependency": "on demand: it declares the cookie parameter 'name'",
        "/cookie": "on demand: it declares the cookie parameter 'name'",
        "/guard": "on demand: it declares the guard allowed",
        "/header": "on demand: it declares the header parameter 'x_token'",
        "/header-alias": "on demand: it declares the header parameter 'X-Token'",
        "/query": "on demand: it declares the query parameter 'q'",
        "/r/guard": "on demand: it declares the guard allowed_in_thread",
        "/request/{x}": free,
    }


def test_litestar_its_own_routes_are_flagged_and_those_for_options_are_none() -> None:
    app = Litestar([handler("/page"), post("/page")(allowed_post)])
    table = read(app)
    methods = sorted(sorted(route.methods or ()) for route in table if route.pattern.text == "/page")
    assert methods == [["GET"], ["POST"]]
    assert set(own(app)) == {"/page"}
    assert {route.pattern.text for route in table if route.framework} >= {"/schema", "/schema/openapi.json"}


async def allowed_post() -> str: ...


def test_litestar_static_folders_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    app = Litestar(
        [
            create_static_files_router("/static", [tmp_path]),
            create_static_files_router("/html", [tmp_path], html_mode=True, name="html"),
            create_static_files_router("/private", [tmp_path], guards=[allowed], name="private"),
        ]
    )
    routes = {route.pattern.text: route for route in read(app) if "GET" in (route.methods or ())}
    assert routes["/static/{path:path}"].directory == (str(tmp_path),)
    assert routes["/private/{path:path}"].directory == (str(tmp_path),)
    assert routes["/private/{path:path}"].declares == ("the guard allowed",)
    assert [text for text, route in routes.items() if text.startswith("/html") and route.directory] == []
    assert answered(app, "/static/a.txt") == "a"


def test_litestar_a_mounted_app_of_starlettes_is_read() -> None:
    inner = Starlette(
        routes=[
            StarletteRoute("/", page("root")),
            StarletteRoute("/a/", prerender(page("a"))),
            StarletteRoute("/{x:int}/", page("number")),
            StarletteRoute("/rest/{rest:path}", page("rest")),
            Mount("/n", routes=[StarletteRoute("/z/", page("z"))]),
        ]
    )
    mount = asgi("/sub", is_mount=True, copy_scope=True, opt={"prerender": False})(inner)
    app = Litestar([mount, handler("/sub/own"), handler("/{x:str}")])
    assert own(app)[0] == "/sub/own"
    table = read(app)
    for path in ("/sub", "/sub/", "/sub/a", "/sub/a/", "/sub/7", "/sub/rest/a/b", "/sub/n/z", "/sub/none", "/sub/own"):
        found = table.match(path)
        assert (found.endpoint.__name__ if found else None) == (
            None if (said := answered(app, path)) == "Not Found" else said
        ), path
    assert marks(app)["/sub/a/"] is True
    assert marks(app)["/sub/"] is False
    answer = find(app, "/sub/a/")
    assert answer.source.endswith(f":{page('a').__code__.co_firstlineno}")


def test_litestar_a_mounted_app_that_shows_no_routes_is_one_route() -> None:
    @asgi("/raw", is_mount=True, copy_scope=True)
    @prerender(False)
    async def raw(scope: Any, receive: Any, send: Any) -> None: ...

    app = Litestar([raw, handler("/page")])
    (found,) = [route for route in read(app) if route.unlisted]
    assert (found.pattern.text, marks(app)["/raw/{path:path}"]) == ("/raw/{path:path}", False)


def test_litestar_in_a_mount_of_starlettes_is_read() -> None:
    inner = Litestar([handler("/a", opt={"prerender": True}), handler("/b/{x:str}")])
    app = Starlette(routes=[Mount("/lit", inner), StarletteRoute("/{rest:path}", page("rest"))])
    table = read(app)
    assert [text for text in own(app) if "schema" not in text] == ["/lit/a", "/lit/b/{x}", "/{rest:path}"]
    assert marks(app)["/lit/a"] is True
    for path, name in (("/lit/a", "/a"), ("/lit/a/", "/a"), ("/lit/c", None), ("/c", "rest")):
        found = table.match(path)
        assert (found.endpoint.__name__ if found else None) == name == answered(app, path)
    found = table.match("/lit/b/1")
    assert found is not None
    assert found.pattern.fill({"x": "1"}) == "/lit/b/1"


def test_litestar_an_app_that_is_mounted_in_itself_is_read_to_an_end() -> None:
    app = Litestar([handler("/page")])
    app.register(asgi("/again", is_mount=True, copy_scope=True)(app))  # type: ignore[arg-type]
    assert own(app) == ["/page", "/again/{path:path}"]


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        ("str", "naïve café", "/v/naïve café"),
        ("int", 7, "/v/7"),
        ("int", -7, "/v/-7"),
        ("float", 1.5, "/v/1.5"),
        ("float", -0.25, "/v/-0.25"),
        ("float", 1e22, "/v/1e+22"),
        ("float", 7, "/v/7"),
        ("uuid", uuid.UUID(int=7), f"/v/{uuid.UUID(int=7)}"),
        ("date", date(2026, 11, 21), "/v/2026-11-21"),
        ("date", "2026-11-21", "/v/2026-11-21"),
        ("datetime", datetime(2026, 11, 21, 10, 0, 0, 5), "/v/2026-11-21T10:00:00.000005"),
        ("datetime", datetime(2026, 11, 21, 10, 0, tzinfo=UTC), "/v/2026-11-21T10:00:00+00:00"),
        ("time", time(10, 30, 1), "/v/10:30:01"),
        ("timedelta", timedelta(seconds=90), "/v/PT90S"),
        ("timedelta", timedelta(days=-1, seconds=1, microseconds=5), "/v/-PT86398.999995S"),
        ("timedelta", timedelta(days=400), "/v/PT34560000S"),
        ("decimal", Decimal("-1.50"), "/v/-1.50"),
        ("decimal", Decimal("1E+3"), "/v/1E+3"),
        ("path", PurePath("a", "b"), "/v/a/b"),
        ("path", "a/b", "/v/a/b"),
    ],
)
def test_litestar_reads_back_the_value_that_a_path_was_made_of(kind: str, value: Any, path: str) -> None:
    seen: list[Any] = []
    types: dict[str, Any] = {"str": str, "int": int, "float": float, "uuid": uuid.UUID, "date": date, "time": time}
    types |= {"datetime": datetime, "timedelta": timedelta, "decimal": Decimal, "path": PurePath}

    async def shown(v: Any) -> None:
        seen.append(v)

    shown.__annotations__["v"] = FromPath[types[kind]]
    app = Litestar([get(f"/v/{{v:{kind}}}")(shown)])
    (found,) = [route for route in read(app) if not route.framework]
    assert found.pattern.fill({"v": value}) == path
    for spelling in (path, path + "/"):
        assert ask(app, spelling).status == 200
        matched = read(app).match(spelling)
        assert matched is not None
        assert matched.endpoint is shown
    expected = (
        PurePath("/", value)
        if kind == "path"
        else date.fromisoformat(value)
        if (kind, type(value)) == ("date", str)
        else value
    )
    assert seen == [value if kind == "str" else expected] * 2


@pytest.mark.parametrize(("kind", "value"), [("int", True), ("int", "a"), ("int", 1.5), ("float", "x"), ("str", "a/b")])
def test_litestar_a_value_of_another_type_is_refused(kind: str, value: Any) -> None:
    app = Litestar([get(f"/v/{{v:{kind}}}")(allowed_post)])
    (found,) = [route for route in read(app) if not route.framework]
    with pytest.raises(ParamError, match="'v'"):
        found.pattern.fill({"v": value})


def test_litestar_the_table_finds_what_the_app_answers() -> None:
    patterns = ["/", "/a", "/a/b", "/a/{x:str}", "/n/new", "/n/{n:int}", "/f/{v:float}", "/r/{rest:path}", "/r/own"]
    patterns += ["/p/{x:str}/q", "/p/{x:str}", "/w/{x:str}/{y:int}"]
    app = Litestar([*map(handler, patterns), post("/post")(allowed_post)])
    table = read(app)
    paths = ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/c", "/a/c/", "/a/c/d", "/n/new", "/n/7", "/n/-7", "/n/+7", "/n/1_0"]
    paths += ["/n/x", "/n/1.5", "/f/1", "/f/1.5", "/f/-1e5", "/f/.5", "/f/x", "/r", "/r/", "/r/a", "/r/a/b/", "/r/own"]
    paths += ["/p/1/q", "/p/1", "/p/1/r", "/p", "/w/a/1", "/w/a/b", "/missing", "/a-b"]
    for path in paths:
        found = table.match(path)
        assert (found.endpoint.__name__ if found else None) == answered(app, path), path
    assert table.match("/post") is None
    assert table.match("/post", method="POST") is not None


def test_litestar_that_is_too_old_is_told_which_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Litestar([])
    too_old(monkeypatch, "litestar")
    with pytest.raises(ConfigError, match=r"Litestar 0\.1 .* pip install 'litestar>=2\.13'"):
        read(app)


def test_a_handler_of_litestar_that_answers_options_too_keeps_its_mark() -> None:
    @route("/o", http_method=["GET", "OPTIONS"], opt={"prerender": False})
    async def both() -> str:
        return "x"

    (found,) = read(Litestar([both], openapi_config=None)).routes
    assert found.methods == {"GET", "OPTIONS"}
    assert found.mark is not None
    assert found.mark.value is False
