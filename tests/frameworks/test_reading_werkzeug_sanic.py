"""The readers of Quart, Flask and Sanic: each rule as the framework itself answers it."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import json
import uuid
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from flask import Blueprint, Flask
from flask.views import MethodView, View
from hypothesis import example, given, settings
from hypothesis import strategies as st
from quart import Blueprint as QuartBlueprint
from quart import Quart
from quart.views import MethodView as QuartMethodView
from sanic import Blueprint as SanicBlueprint
from sanic import Sanic, text
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter, RequestRedirect, Rule

from ondemand import ConfigError, MarkError, OnDemand, ParamError, build, prerender
from ondemand._asgi import Lifespan
from ondemand.config import Config
from ondemand.discovery import RouteTable, check, discover
from ondemand.routing import RegexPattern
from tests.asking import ask, ask_async, is_snapshot, write_site
from tests.test_cli import ondemand

some = settings(max_examples=300, deadline=None, derandomize=True)

Both = pytest.mark.parametrize(
    ("app_of", "blueprint_of", "view_of"),
    [
        pytest.param(Flask, Blueprint, MethodView, id="flask"),
        pytest.param(Quart, QuartBlueprint, QuartMethodView, id="quart"),
    ],
)


def config(**options: Any) -> Config:
    return Config.make(options, root=Path("/nowhere"))


def read(app: Any, **options: Any) -> RouteTable:
    return discover(app, config(**options))


def patterns(table: RouteTable) -> list[str]:
    return [route.pattern.text for route in table]


def marks(table: RouteTable) -> dict[str, Any]:
    """pattern -> what decides: the route's own mark, else its group's."""
    found = {route.pattern.text: route.mark or route.group for route in table}
    return {pattern: mark.value if mark else None for pattern, mark in found.items()}


def shown(**params: Any) -> str:
    return "shown"


# --------------------------------------------------------------------------------------------- Quart and Flask: rules


class Day(BaseConverter):
    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


class Words(BaseConverter):
    """A list of words, joined by a plus sign, which is escaped."""

    regex = r"[^/+]+(?:\+[^/+]+)*"

    def to_python(self, value: str) -> list[str]:
        return value.split("+")

    def to_url(self, value: list[str]) -> str:
        return "+".join(super(Words, self).to_url(word) for word in value)


ID = uuid.UUID("01234567-89ab-cdef-0123-456789abcdef")

VALUES: list[tuple[str, Any, str]] = [
    ("<x>", "a", "/a"),
    ("<x>", "naïve café & 100% +/?"[:-2], "/naïve café & 100% +"),
    ("<string:x>", "7", "/7"),
    ("<string(length=2):x>", "de", "/de"),
    ("<string(minlength=2, maxlength=3):x>", "abc", "/abc"),
    ("<any(about, imprint):x>", "about", "/about"),
    ('<any(about, "foo,bar"):x>', "foo,bar", "/foo,bar"),
    ("<int:x>", 7, "/7"),
    ("<int(fixed_digits=4):x>", 7, "/0007"),
    ("<int(signed=True):x>", -7, "/-7"),
    ("<int(min=1, max=9):x>", 9, "/9"),
    ("<float:x>", 1.5, "/1.5"),
    ("<float(signed=True):x>", -0.5, "/-0.5"),
    ("<uuid:x>", ID, f"/{ID}"),
    ("<path:x>", "a/b c", "/a/b c"),
    ("<path:x>/edit", "a/b", "/a/b/edit"),
    ("<day:x>", date(2026, 11, 21), "/2026-11-21"),
    ("<words:x>", ["one", "two words"], "/one+two words"),
    ("post-<int:x>.html", 7, "/post-7.html"),
    ("<day:x>/", date(2026, 11, 21), "/2026-11-21/"),
]


def with_converters(app: Any) -> Any:
    app.url_map.converters.update(day=Day, words=Words)
    return app


@Both
@pytest.mark.parametrize(("rule", "value", "path"), VALUES, ids=[rule for rule, _, _ in VALUES])
def test_paths_are_written_as_the_framework_writes_and_reads_them(
    rule: str, value: Any, path: str, app_of: Any, blueprint_of: Any, view_of: Any
) -> None:
    app = with_converters(app_of("app", static_folder=None))
    app.add_url_rule(f"/{rule}", "page", shown)
    (route,) = read(app)
    adapter = app.url_map.bind("localhost")
    assert route.pattern.fill({"x": value}) == path
    assert unquote(adapter.build("page", {"x": value})) == path
    assert adapter.match(path) == ("page", {"x": value})


@Both
@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("<x>", None),
        ("<x>", True),
        ("<x>", object()),
        ("<x>", "a/b"),
        ("<string(length=2):x>", "abc"),
        ("<any(about, imprint):x>", "other"),
        ("<int:x>", True),
        ("<int:x>", -1),
        ("<int:x>", "seven"),
        ("<uuid:x>", "no uuid"),
        ("<day:x>", "2026-11-21"),
        ("<path:x>", ""),
    ],
    ids=lambda value: str(value).partition(" at ")[0],
)
def test_a_value_that_is_none_is_refused(rule: str, value: Any, app_of: Any, blueprint_of: Any, view_of: Any) -> None:
    app = with_converters(app_of("app", static_folder=None))
    app.add_url_rule(f"/{rule}", "page", shown)
    (route,) = read(app)
    with pytest.raises(ParamError, match=r"'x'|other params|cannot be the path"):
        route.pattern.fill({"x": value})


RULES = st.lists(
    st.lists(
        st.sampled_from(
            ["a", "b", "ab", "<A>", "<int:A>", "<path:A>", "a<A>", "<A>b", "<A>-<B>", "<any(a,b):A>", "<float:A>"]
        ),
        min_size=0,
        max_size=3,
    ),
    min_size=1,
    max_size=6,
)
PATHS = st.lists(st.sampled_from(["a", "b", "ab", "1", "1.5", "a-b", "aab", "c"]), max_size=4)


@Both
@given(
    rules=RULES, slashes=st.lists(st.booleans(), min_size=6, max_size=6), asked=st.lists(PATHS, min_size=1, max_size=8)
)
@example(rules=[["<path:A>", "a"], ["<any(a,b):A>", "a"]], slashes=[False] * 6, asked=[["a", "a"]])
@some
def test_the_rule_that_werkzeug_would_choose_is_found(
    rules: list[list[str]], slashes: list[bool], asked: list[list[str]], app_of: Any, blueprint_of: Any, view_of: Any
) -> None:
    app = app_of("app", static_folder=None)
    for at, (segments, slash) in enumerate(zip(rules, slashes, strict=False)):
        names = (f"x{number}" for number in itertools.count())
        path = "/" + "/".join("".join(next(names) if c in "AB" else c for c in segment) for segment in segments)
        app.add_url_rule(path + ("/" if slash and segments else ""), f"e{at}", lambda **params: "")
    table = read(app)
    by_view = {id(view): endpoint for endpoint, view in app.view_functions.items()}
    for segments in asked:
        for end in ("", "/"):
            path = "/" + "/".join(segments) + (end if segments else "")
            route = table.match(path)
            found = by_view[id(route.endpoint)] if route is not None else None
            try:
                expected = app.url_map.bind("").match(path)[0]
            except RequestRedirect:
                continue  # to the same path with a slash
            except HTTPException:
                expected = None
            assert found == expected, (path, found, expected, patterns(table))


@Both
def test_rules_without_strict_slashes_cover_both_paths(app_of: Any, blueprint_of: Any, view_of: Any) -> None:
    app = app_of("app", static_folder=None)
    app.add_url_rule("/one", "one", shown, strict_slashes=False)
    app.add_url_rule("/two/", "two", shown, strict_slashes=False)
    app.add_url_rule("/three", "three", shown)
    app.add_url_rule("/four//five", "four", shown)
    table = read(app)
    for path in ("/one", "/one/", "/two", "/two/", "/three", "/four/five"):
        assert table.match(path) is not None, path
    assert table.match("/three/") is None
    app.url_map.strict_slashes = False
    app.add_url_rule("/late", "late", shown)
    assert read(app).match("/late/") is not None


@Both
def test_rules_of_hosts_are_bound_to_them(app_of: Any, blueprint_of: Any, view_of: Any) -> None:
    app = app_of("app", host_matching=True, static_folder=None)
    app.add_url_rule("/", "any", shown, host="<name>.example.com")
    app.add_url_rule("/", "one", shown, host="www.example.com")
    app.add_url_rule("/nowhere", "nowhere", shown)
    table = read(app)
    assert [(route.host, route.pattern.text) for route in table] == [
        ("www.example.com", "/"),
        ("{name}.example.com", "/"),
    ]
    for host in ("www.example.com", "shop.example.com"):
        route = table.match("/", host=host)
        assert route is not None
        assert app.url_map.bind(host).match("/", return_rule=True)[0].host == route.host.replace("{", "<").replace(
            "}", ">"
        )
    assert table.match("/", host="example.org") is None


@Both
def test_rules_of_subdomains_are_bound_to_them(app_of: Any, blueprint_of: Any, view_of: Any) -> None:
    app = app_of("app", subdomain_matching=True, static_folder=None)
    app.add_url_rule("/", "plain", shown)
    app.add_url_rule("/", "api", shown, subdomain="api")
    app.add_url_rule("/", "tenant", shown, subdomain="<tenant>")
    assert [route.host for route in read(app)] == [""]  # without SERVER_NAME nobody knows what a subdomain is
    app.config["SERVER_NAME"] = "example.com"
    table = read(app)
    found = {host: table.match("/", host=host) for host in ("api.example.com", "x.example.com", "example.com")}
    assert [route and route.host for route in found.values()] == ["api.example.com", "{tenant}.example.com", ""]


@Both
def test_the_mark_of_the_nearest_blueprint_counts(app_of: Any, blueprint_of: Any, view_of: Any) -> None:
    app = app_of("app", static_folder=None)
    outer, inner = blueprint_of("outer", "app", url_prefix="/outer"), blueprint_of("inner", "app", url_prefix="/inner")
    unmarked = blueprint_of("unmarked", "app", url_prefix="/unmarked")
    inner.add_url_rule("/x", "x", shown)
    inner.add_url_rule("/own", "own", prerender("auto")(lambda: ""))
    outer.add_url_rule("/y", "y", shown)
    unmarked.add_url_rule("/z", "z", shown)
    outer.register_blueprint(prerender(True)(inner))
    outer.register_blueprint(unmarked)
    app.register_blueprint(prerender(False)(outer))
    app.register_blueprint(unmarked, name="again", url_prefix="/again")
    expected = {"/outer/inner/x": True, "/outer/inner/own": "auto", "/outer/y": False}
    assert marks(read(app)) == {**expected, "/outer/unmarked/z": False, "/again/z": None}


@Both
def test_marks_of_a_view_and_of_its_methods(app_of: Any, blueprint_of: Any, view_of: Any) -> None:
    app = app_of("app", static_folder=None)

    @prerender
    class OnClass(view_of):  # type: ignore[misc]
        def get(self) -> str:
            return ""

    class OnMethod(view_of):  # type: ignore[misc]
        @prerender(False)
        def get(self) -> str:
            return ""

        def post(self) -> str:
            return ""

    class OnResult(view_of):  # type: ignore[misc]
        def get(self) -> str:
            return ""

    app.add_url_rule("/class", view_func=OnClass.as_view("class"))
    app.add_url_rule("/method", view_func=OnMethod.as_view("method"))
    app.add_url_rule("/result", view_func=prerender("auto")(OnResult.as_view("result")))
    table = read(app)
    assert marks(table) == {"/class": True, "/method": False, "/result": "auto"}
    assert {*(table.match("/method").methods or ())} == {"GET", "HEAD", "OPTIONS", "POST"}  # type: ignore[union-attr]
    assert all(f"{Path(__file__).name}:" in route.source for route in table)
    assert [warned for warned in check(table, config()) if "On" in warned.message] == []


@Both
def test_rules_that_answer_no_requests_for_pages(app_of: Any, blueprint_of: Any, view_of: Any) -> None:
    app = app_of("app", static_folder=None)
    app.add_url_rule("/new", "new", shown)
    if app_of is Quart:  # its own rules take none of the other options
        app.add_websocket("/ws", "ws", shown)
        assert patterns(read(app)) == ["/new"]
        return
    app.add_url_rule("/built", "built", build_only=True)
    app.add_url_rule("/old", "old", redirect_to="/new")
    app.url_map.add(Rule("/ws", endpoint="ws", websocket=True))
    assert sorted(patterns(read(app))) == ["/new", "/old"]


@Both
def test_a_rule_with_braces_is_covered_and_no_path_is_made_of_it(app_of: Any, blueprint_of: Any, view_of: Any) -> None:
    app = app_of("app", static_folder=None)
    app.add_url_rule("/a{b}/<int:x>", "braces", shown)
    app.add_url_rule("/*", "star", shown)
    table = read(app)
    assert all(isinstance(route.pattern, RegexPattern) and route.unlisted for route in table)
    assert (found := table.match("/a{b}/7")) is not None
    assert found.pattern.match("/a{b}/7") == {"x": "7"}
    assert table.match("/*") is not None
    assert table.match("/a{b}/x") is None
    assert table.match("/ab") is None


@Both
def test_folders_of_static_files(app_of: Any, blueprint_of: Any, view_of: Any, tmp_path: Path) -> None:
    app = app_of("app", static_folder=str(tmp_path / "app"), static_url_path="/assets")
    outer = blueprint_of("outer", "app", url_prefix="/outer")
    inner = blueprint_of("inner", "app", url_prefix="/inner", static_folder=str(tmp_path / "inner"))
    outer.register_blueprint(inner)
    app.register_blueprint(outer)
    app.add_url_rule("/files/<path:filename>", "files", shown)  # not the framework's
    found = {route.pattern.text: route.directory for route in read(app)}
    assert found == {
        "/assets/{path:path}": (str(tmp_path / "app"),),
        "/outer/inner/inner/{path:path}": (str(tmp_path / "inner"),),
        "/files/{filename:path}": (),
    }


@pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param(lambda app: WsgiToAsgi(app), id="asgiref"),
        pytest.param(lambda app: WsgiToAsgi(app.wsgi_app), id="asgiref-wsgi_app"),
        pytest.param(lambda app: WsgiToAsgi(ProxyFix(app.wsgi_app)), id="asgiref-proxyfix"),
        pytest.param(lambda app: WSGIMiddleware(app), id="a2wsgi"),
        pytest.param(lambda app: WSGIMiddleware(ProxyFix(app.wsgi_app)), id="a2wsgi-proxyfix"),
        pytest.param(lambda app: OnDemand(WsgiToAsgi(app)), id="ondemand"),
    ],
)
def test_flask_is_found_in_whatever_makes_it_asgi(wrapped: Any) -> None:
    app = Flask("app", static_folder=None)
    app.add_url_rule("/page", "page", shown)
    table = read(wrapped(app))
    assert (table.known, patterns(table)) == (True, ["/page"])


# ------------------------------------------------------------------------------------------------------------- Sanic

_numbers = itertools.count()


def sanic() -> Any:
    app = Sanic(f"readers-{next(_numbers)}")
    app.config.MOTD = app.config.TOUCHUP = False
    return app


async def page(request: Any, **params: Any) -> Any:
    return text(f"{request.route.name.rpartition('.')[2]} {params}")


def started(app: Any, *paths: str, host: str = "testserver") -> tuple[RouteTable, list[str]]:
    """Its routes after start-up, and what it answers to `paths`: the name of the route and its params, or the status."""

    async def run() -> tuple[RouteTable, list[str]]:
        lifespan = Lifespan(app)
        await lifespan.start()
        answers = [await ask_async(app, path, headers={"host": host}, state={}) for path in paths]
        await lifespan.stop()
        return read(app), [answer.text if answer.status == 200 else str(answer.status) for answer in answers]

    return asyncio.run(run())


SANIC = [
    ("/plain", {}, "/plain"),
    ("/with-slash/", {}, "/with-slash"),
    ("/str/<x>", {"x": "a b"}, "/str/a b"),
    ("/int/<x:int>", {"x": -7}, "/int/-7"),
    ("/float/<x:float>", {"x": 1.5}, "/float/1.5"),
    ("/alpha/<x:alpha>", {"x": "abc"}, "/alpha/abc"),
    ("/slug/<x:slug>", {"x": "a-b"}, "/slug/a-b"),
    ("/uuid/<x:uuid>", {"x": ID}, f"/uuid/{ID}"),
    ("/day/<x:ymd>", {"x": date(2026, 11, 21)}, "/day/2026-11-21"),
    ("/path/<x:path>", {"x": "a/b"}, "/path/a/b"),
    ("/regex/<x:[a-z]{3}>", {"x": "abc"}, "/regex/abc"),
    ("/group/<x:(?P<x>[a-z]{3}).txt>", {"x": "abc.txt"}, "/group/abc.txt"),
    ("/file/<x:ext>", {"x": "a.txt"}, "/file/a.txt"),
    ("/image/<x=str:ext=png|jpg>", {"x": "a.png"}, "/image/a.png"),
]


@pytest.mark.parametrize(("uri", "params", "path"), SANIC, ids=[uri for uri, _, _ in SANIC])
def test_sanics_paths_are_written_as_it_reads_them(uri: str, params: dict[str, Any], path: str) -> None:
    app = sanic()
    app.add_route(page, uri, name="page", unquote=" " in path)
    table, (answer,) = started(app, path)
    (route,) = table
    assert route.pattern.fill(params) == path
    assert answer.startswith("page ")
    assert table.match(path) is route
    assert table.match(path + "x/y") is None or "path" in uri


def test_slashes_at_the_end_are_as_strict_as_sanic() -> None:
    app = sanic()
    app.add_route(page, "/loose", name="loose")
    app.add_route(page, "/with/", name="with", strict_slashes=True)
    app.add_route(page, "/without", name="without", strict_slashes=True)
    paths = [path + end for path in ("/loose", "/with", "/without") for end in ("", "/")]
    table, answers = started(app, *paths)
    assert [answer != "404" for answer in answers] == [table.match(path) is not None for path in paths]
    assert [answer != "404" for answer in answers] == [True, True, False, True, True, False]


def test_prefixes_of_versions_and_blueprints() -> None:
    app = sanic()
    app.add_route(page, "/one", name="one", version=1)
    app.add_route(page, "/two", name="two", version=1.1, version_prefix="/api/v")
    inner = SanicBlueprint("inner", url_prefix="/inner/<lang:str>", version=2)
    inner.add_route(page, "/<n:int>", name="n")
    app.blueprint(SanicBlueprint.group(inner, url_prefix="/group"))
    paths = ["/v1/one", "/api/v1.1/two", "/v2/group/inner/de/7"]
    table, answers = started(app, *paths)
    assert answers == ["one {}", "two {}", "n {'lang': 'de', 'n': 7}"]
    assert sorted(patterns(table)) == sorted(["/v1/one", "/api/v1.1/two", "/v2/group/inner/{lang}/{n:int}"])
    assert all(table.match(path) is not None for path in paths)


def test_sanics_routes_of_hosts_are_bound_to_them_and_read_once() -> None:
    app = sanic()
    app.add_route(page, "/", name="one", host="a.example.com")
    app.add_route(page, "/both", name="both", host=["a.example.com", "b.example.com"])
    table, answers = started(app, "/", "/both", host="a.example.com")
    assert answers == ["one {}", "both {}"]
    found = sorted((route.pattern.text, route.host) for route in table)
    assert found == [("/", "a.example.com"), ("/both", "a.example.com"), ("/both", "b.example.com")]
    assert table.match("/", host="b.example.com") is None


def test_a_folder_of_sanics_is_one_and_a_file_is_a_route(tmp_path: Path) -> None:
    (tmp_path / "one.css").write_text("b {}")
    app = sanic()
    app.static("/static", tmp_path, name="folder")
    app.static("/one.css", tmp_path / "one.css", name="file")
    table, answers = started(app, "/static/one.css", "/one.css")
    assert answers == ["b {}", "b {}"]
    assert {route.pattern.text: route.directory for route in table} == {
        "/static/{path:path}": (str(tmp_path),),
        "/one.css": (),
    }


def test_websockets_of_sanics_are_no_routes() -> None:
    app = sanic()
    app.add_websocket_route(page, "/ws", name="ws")
    app.add_route(page, "/page", name="page")
    assert patterns(started(app)[0]) == ["/page"]


def test_a_value_of_ctx_prerender_that_means_nothing_is_refused_with_its_place() -> None:
    app = sanic()
    app.add_route(page, "/good", name="good", ctx_prerender="auto")
    assert marks(started(app)[0]) == {"/good": "auto"}
    app = sanic()
    app.add_route(page, "/bad", name="bad", ctx_prerender="yes")
    with pytest.raises(MarkError, match=rf"ctx_prerender='yes' \(.*{Path(__file__).name}:\d+\): it takes True"):
        started(app)


# ------------------------------------------------------------------------------------------------- of more than one


@pytest.mark.parametrize(
    ("package", "app", "old", "needed"),
    [
        ("quart", lambda: Quart("app"), "0.19.9", "0.20"),
        ("flask", lambda: Flask("app"), "2.3.3", "3.0"),
        ("sanic", sanic, "24.12.0", "25.3"),
    ],
)
def test_an_older_version_is_told_which_one_is_needed(
    package: str, app: Any, old: str, needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = app()
    monkeypatch.setitem(vars(importlib.import_module(package)), "__version__", old)
    with pytest.raises(ConfigError, match=rf"{package.title()} {old} .*pip install '{package}>={needed}'"):
        read(made)


def test_an_old_version_of_a_framework_that_another_app_uses_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(importlib.import_module("quart")), "__version__", "0.1")
    assert read(Flask("app", static_folder=None)).known


def below(app_of: Any) -> Any:
    app = app_of("app", static_folder=None)
    app.add_url_rule(
        "/page/<int:n>", "page", prerender(paths=[{"params": {"n": 7}}])(lambda n: f"<title>Page</title>{n}")
    )
    app.add_url_rule("/live", "live", prerender(False)(lambda: "<title>Live</title>live"))
    return app


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(lambda: WsgiToAsgi(below(Flask)), id="flask-asgiref"),
        pytest.param(lambda: WSGIMiddleware(below(Flask)), id="flask-a2wsgi"),
        pytest.param(lambda: below(Quart), id="quart"),
    ],
)
def test_an_app_that_is_mounted_in_one_of_another_framework(inner: Any, tmp_path: Path) -> None:
    app = Starlette(routes=[Mount("/inner", inner())])
    app.add_middleware(OnDemand, dist=tmp_path / "dist", snapshots=True)  # type: ignore[arg-type]
    assert sorted(patterns(read(app))) == ["/inner/live", "/inner/page/{n:int}"]
    assert [finding for finding in build(app).findings if finding.policy == "fail"] == []
    assert is_snapshot(found := ask(app, "/inner/page/7"))
    assert found.text == "<title>Page</title>7"
    assert not is_snapshot(live := ask(app, "/inner/live"))
    assert (live.status, live.text) == (200, "<title>Live</title>live")
    assert ask(app, "/inner/missing").status == 404


# ------------------------------------------------------------------------------------------- apps that show no routes

LISTED = """
import falcon.asgi
from ondemand import OnDemand, Route, prerender

class Home:
    @prerender(False)
    async def on_get(self, req, resp):
        resp.content_type, resp.text = "text/html", "<!doctype html><title>t</title><h1>t</h1>"

site = falcon.asgi.App()
site.add_route("/", Home())
app = OnDemand(site, routes=[Route("/")])
"""


def test_a_mark_in_an_app_that_shows_no_routes_is_told_as_one_without_effect(tmp_path: Path) -> None:
    done = ondemand(write_site(tmp_path / "site", LISTED), "build")
    assert done.returncode == 1
    assert "Home.on_get" in done.stdout
    assert "the app does not show its routes, so the mark has no effect" in done.stdout
    assert "routes=[Route('/path', prerender=...)]" in done.stdout
    unmarked = write_site(tmp_path / "unmarked", LISTED.replace("    @prerender(False)\n", ""))
    assert ondemand(unmarked, "build").returncode == 0


# --------------------------------------------------------------------------------------------------- who looks at what

SESSIONS = """
from FRAMEWORK import CLASS, session, render_template_string
from ondemand import OnDemand, prerender

site = CLASS(__name__)
site.secret_key = "of a test"


@site.get("/")
ASYNC def home():
    return "<!doctype html><title>h</title>" + "".join(f"<a href='/{name}'>x</a>" for name in ("get", "has", "shown", "none"))


@site.get("/get")
ASYNC def get():
    return f"<p>{session.get('user')}"


@site.get("/has")
ASYNC def has():
    return "<p>yes" if "user" in session else "<p>no"


@site.get("/shown")
ASYNC def shown():
    return AWAIT render_template_string("<p>{{ session.user }}")


@site.get("/none")
ASYNC def none():
    return "<p>nothing"


app = WRAPPED
"""


@pytest.mark.parametrize("framework", ["quart", "flask"])
def test_a_page_that_looks_at_the_session_is_on_demand_and_no_other(framework: str, tmp_path: Path) -> None:
    """Quart says no Vary: Cookie of an answer that used the session; and reads the cookie before any page does."""
    source = SESSIONS.replace("FRAMEWORK", framework).replace("CLASS", framework.title())
    if framework == "quart":
        source = source.replace("ASYNC ", "async ").replace("AWAIT ", "await ").replace("WRAPPED", "OnDemand(site)")
    else:
        source = source.replace("ASYNC ", "").replace("AWAIT ", "").replace("WRAPPED", "OnDemand(WsgiToAsgi(site))")
        source = "from asgiref.wsgi import WsgiToAsgi" + source
    report = build_site(tmp_path, source)
    kinds = {route["pattern"]: route["kind"] for route in report["routes"]}
    assert {path for path, kind in kinds.items() if kind == "static"} == {"/", "/none"}


def build_site(folder: Path, source: str) -> Any:
    done = ondemand(write_site(folder / "site", source), "build", "--json", "report.json")
    assert done.returncode in {0, 1}, done.stderr
    return json.loads((folder / "site" / "report.json").read_text())


def test_a_mark_on_what_a_class_of_views_calls_first() -> None:
    class Shown(View):
        @prerender(False)
        def dispatch_request(self) -> str:
            return "x"

    site = Flask("views")
    site.add_url_rule("/v", view_func=Shown.as_view("v"))
    (route,) = [route for route in discover(WsgiToAsgi(site), Config.make({}, root=Path("/"))) if not route.directory]
    assert route.mark is not None
    assert route.mark.value is False


def test_apps_below_a_dispatcher_are_read_with_their_prefix_and_marks() -> None:
    inner, outer = Flask("inner"), Flask("outer")
    prerender(False)(inner)
    inner.add_url_rule("/x", "x", lambda: "x")
    outer.add_url_rule("/<path:rest>", "rest", lambda rest: rest)
    outer.wsgi_app = DispatcherMiddleware(outer.wsgi_app, {"/admin": inner})  # type: ignore[method-assign]
    table = discover(WsgiToAsgi(outer), Config.make({}, root=Path("/")))
    found = table.match("/admin/x")
    assert found is not None
    assert found.group is not None
    assert (found.pattern.text, found.group.value) == ("/admin/x", False)
    assert table.match("/admin/y") is None
    other = table.match("/other/y")
    assert other is not None
    assert other.pattern.text == "/{rest:path}"
