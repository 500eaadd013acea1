"""Pages of a site's own: files and registered functions, what they return, their errors, in front of an app and alone."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import PlainTextResponse
from markupsafe import Markup

from ondemand import ConfigError, OnDemand, Pages, Redirect, Response, Rule, StaticPath, prerender
from tests.asking import Answer, Wrap, ask

SAME = {"origin": "http://testserver"}
Files = dict[str, str]


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Files], Path]:
    """Write page files and answer their folder."""

    def write(files: Files) -> Path:
        for name, text in files.items():
            file = tmp_path / "pages" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path / "pages"

    return write


def alone(pages: Any, **settings: Any) -> Any:
    return OnDemand(pages=pages, **settings)


ECHO = "${page.route_pattern} ${dict(page.params)}"


# ---------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/", "index"),
        ("/blog", "blog"),
        ("/blog/", "blog"),
        ("/blog/new", "new"),
        ("/blog/a%20b", "/blog/{slug} {&#39;slug&#39;: &#39;a b&#39;}"),
        ("/docs", "/docs/{path:path} {&#39;path&#39;: None}"),
        ("/docs/a/b/", "/docs/{path:path} {&#39;path&#39;: &#39;a/b&#39;}"),
        ("/post-7", "/post-{id} {&#39;id&#39;: &#39;7&#39;}"),
        ("/a.b c", "dots and a blank"),
        ("/%C3%A9t%C3%A9", "été"),
        ("/docs/a%2Fb", "/docs/{path:path} {&#39;path&#39;: &#39;a/b&#39;}"),
    ],
)
def test_a_file_answers_its_path(path: str, text: str, folder: Callable[[Files], Path]) -> None:
    from urllib.parse import unquote

    app = alone(
        Pages(
            folder(
                {
                    "index.mako": "index",
                    "blog/index.mako": "blog",
                    "blog/new.mako": "new",
                    "blog/[slug].mako": ECHO,
                    "docs/[...path].mako": ECHO,
                    "post-[id].mako": ECHO,
                    "a.b c.mako": "dots and a blank",
                    "été.mako": "été",
                }
            )
        ),
        output="server",
    )
    answer = ask(app, unquote(path), raw_path=path.encode())
    assert (answer.status, answer.text) == (200, text)
    assert answer.header("content-type") == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/_draft", "/_lib/x", "/.hidden", "/index", "/about.mako", "/notes.txt", "/__init__"])
def test_what_is_no_page(path: str, folder: Callable[[Files], Path]) -> None:
    files = ["_draft.mako", "_lib/x.mako", ".hidden.mako", "index.mako", "about.mako", "notes.txt", "__init__.py"]
    assert ask(alone(folder(dict.fromkeys(files, "x"))), path).status == 404


@pytest.mark.parametrize(
    "files",
    [
        ["about.mako", "about/index.mako"],
        ["about.mako", "about.md"],
        ["about.mako", "about.py"],
        ["[a.mako"],
        ["x/[a][b].mako"],
        ["[].mako"],
    ],
)
def test_a_folder_that_cannot_be_is_refused_at_start_by_name(files: list[str], folder: Callable[[Files], Path]) -> None:
    app = alone(folder(dict.fromkeys(files, "x")))
    with pytest.raises(ConfigError) as refused:
        app.site()
    assert all(name in str(refused.value) for name in files)


def test_a_link_to_a_folder_above_does_not_end_the_world(folder: Callable[[Files], Path]) -> None:
    where = folder({"a/b.mako": "b"})
    (where / "a" / "up").symlink_to(where)
    assert ask(alone(where), "/a/b").text == "b"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"pages=.*nowhere.* is no folder"):
        alone(tmp_path / "nowhere").site()


def test_a_broken_file_is_the_fault_of_its_page_alone(
    folder: Callable[[Files], Path], caplog: pytest.LogCaptureFixture
) -> None:
    app = alone(
        folder({"good.mako": "good", "bad.mako": "one\n% for x in\nthree", "worse.py": "def GET(page:\n    pass\n"})
    )
    assert ask(app, "/good").text == "good"
    for path, place in (("/bad", "bad.mako"), ("/worse", "worse.py:1")):
        caplog.clear()
        answer = ask(app, path)
        assert answer.status == 500
        assert place not in answer.text
        assert place in caplog.text
        assert ">    " in caplog.text  # the excerpt marks the line
    assert ask(app, "/good").text == "good"


def test_in_debug_mode_the_answer_says_what_is_wrong_and_where(folder: Callable[[Files], Path]) -> None:
    app = alone(folder({"bad.mako": "one\n% for x in\nthree", "boom.mako": "a\n${1 / 0}"}), debug=True)
    bad, boom = ask(app, "/bad"), ask(app, "/boom")
    assert (bad.status, boom.status) == (500, 500)
    assert "bad.mako" in bad.text
    assert "% for x in" in bad.text
    assert "ZeroDivisionError" in boom.text
    assert "boom.mako:2" in boom.text
    assert "&gt;    2 | ${1 / 0}" in boom.text
    assert "ondemand/pages.py" not in bad.text.partition("<details>")[0]


def test_in_debug_mode_a_changed_file_is_read_again(folder: Callable[[Files], Path]) -> None:
    def sources(n: int) -> Files:
        paths = f"<%! static_paths = [{{'params': {{'p': 'x'}}, 'props': {{'n': {n}}}}}] %>${{page.props['n']}}"
        return {"a.mako": f"{n} " * n, "b.py": f"def GET(): return '{n} ' * {n}", "[p].mako": paths + " " * n}

    for debug in (True, False):
        where = folder(sources(1))
        app = alone(where, debug=debug)
        assert [ask(app, path).text.split() for path in ("/a", "/b", "/x")] == [["1"], ["1"], ["1"]]
        folder(sources(2))
        seen = [ask(app, path).text.split() for path in ("/a", "/b", "/x")]
        assert seen == ([["2", "2"], ["2", "2"], ["2"]] if debug else [["1"], ["1"], ["1"]])


def test_ten_thousand_files_start_at_once(tmp_path: Path) -> None:
    import time

    for n in range(100):
        (tmp_path / f"section-{n}").mkdir()
        for m in range(100):
            (tmp_path / f"section-{n}" / f"page-{m}.mako").write_text("${page.route_pattern}")
    start = time.perf_counter()
    app = alone(tmp_path)
    app.site()
    assert time.perf_counter() - start < 10
    assert ask(app, "/section-42/page-42").text == "/section-42/page-42"


# --------------------------------------------------------------------------------------------------- what pages return


def page_that(returns: Any) -> Any:
    pages = Pages()

    @pages.page("/")
    async def page(page: Any) -> Any:
        return returns() if callable(returns) and not hasattr(returns, "__html__") else returns

    return alone(pages)


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ("<b>é</b>", "<b>é</b>"),
        (b"bytes", "bytes"),
        (Markup("<i>m</i>"), "<i>m</i>"),
        (lambda: iter(["a", b"b"]), "ab"),
    ],
)
def test_a_page_returns_html(value: Any, body: str) -> None:
    answer = ask(page_that(value), "/")
    assert (answer.status, answer.text) == (200, body)
    assert answer.header("content-type") == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "returned None"),
        (3, "returned an int"),
        (True, "returned a bool"),
        ({"a": 1}, "returned a dict. A page returns HTML"),
        ([1], "returned a list"),
        ({1, 2}, "returned a set"),
        (("x", 201), "returned a tuple. For a status"),
        (lambda: ValueError("x"), "returned the exception ValueError. Raise it"),
        (lambda: asyncio.sleep(0), "returned a coroutine"),
        (lambda: io.StringIO("x"), "returned an open file"),
    ],
)
def test_what_is_no_answer_is_said_by_name(value: Any, words: str, caplog: pytest.LogCaptureFixture) -> None:
    answer = ask(page_that(value), "/")
    assert answer.status == 500
    assert words in caplog.text
    assert "test_pages.py" in caplog.text
    assert words not in answer.text


@pytest.mark.parametrize("kind", ["async", "def", "generator", "async generator", "no argument", "method", "callable"])
def test_any_callable_is_a_page(kind: str) -> None:
    pages = Pages()

    class Object:
        def method(self, page: Any) -> str:
            return page.url.pathname

        def __call__(self, page: Any) -> str:
            return page.url.pathname

    async def asynchronous(page: Any) -> str:
        return page.url.pathname

    def generator(page: Any) -> Any:
        yield page.url.pathname

    async def generated(page: Any) -> Any:
        yield page.url.pathname

    functions: dict[str, Any] = {
        "async": asynchronous,
        "def": lambda page: page.url.pathname,
        "generator": generator,
        "async generator": generated,
        "no argument": lambda: "/p",
        "method": Object().method,
        "callable": Object(),
    }
    pages.page("/p")(functions[kind])
    assert ask(alone(pages), "/p").text == "/p"


def test_a_page_that_wants_more_than_the_page_is_refused_at_start() -> None:
    async def page(page: Any, slug: str) -> str:
        return slug

    for register in (Pages().page, Pages().endpoint):
        with pytest.raises(ConfigError, match=r"takes page, slug.*page\.params"):
            register("/{slug}")(page)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_a_page_answers_any_method(method: str) -> None:
    assert ask(page_that("x"), "/", method=method, headers=SAME).text == "x"


def test_what_a_page_says_of_the_answer_holds_for_what_it_returns() -> None:
    pages = Pages()

    @pages.page("/")
    async def page(page: Any) -> str:
        page.response.status = 418
        page.response.headers["x-a"] = "1"
        page.cookies.set("a", "b")
        return "tea"

    answer = ask(alone(pages), "/")
    assert (answer.status, answer.header("x-a"), answer.header("set-cookie")) == (418, "1", "a=b; Path=/")


def test_a_response_of_a_framework_is_sent_as_it_is() -> None:
    answer = ask(page_that(lambda: PlainTextResponse("text", 202)), "/")
    assert (answer.status, answer.text, answer.header("content-type")) == (202, "text", "text/plain; charset=utf-8")


def test_head_has_no_body_whoever_answers() -> None:
    pages = Pages()
    pages.page("/a")(lambda page: "abc")
    pages.page("/b")(lambda page: PlainTextResponse("abc"))
    for path in ("/a", "/b"):
        answer = ask(alone(pages), path, method="HEAD")
        assert (answer.body, answer.header("content-length")) == (b"", "3")


# -------------------------------------------------------------------------------------------------------------- endpoints


class User:
    def GET(self, page: Any) -> Any:
        return {"é": [1, None]}

    async def POST(self, page: Any) -> Any:
        return Response.json(await page.request.json(), 201)

    def PURGE(self, page: Any) -> str:
        return "purged"


def endpoint(target: Any, path: str = "/api") -> Any:
    pages = Pages()
    pages.endpoint(path)(target)
    return alone(pages)


def test_an_endpoint_answers_by_method() -> None:
    app = endpoint(User)
    assert ask(app, "/api").text == '{"é":[1,null]}'
    assert ask(app, "/api").header("content-type") == "application/json"
    made = ask(app, "/api", method="POST", body=b'{"a": 1}', headers={**SAME, "content-type": "application/json"})
    assert (made.status, made.text) == (201, '{"a":1}')
    assert ask(app, "/api", method="PURGE", headers=SAME).text == "purged"
    head = ask(app, "/api", method="HEAD")
    assert (head.body, head.header("content-length")) == (b"", "15")


def test_a_method_that_is_missing_is_405_and_options_says_what_there_is() -> None:
    app = endpoint(User)
    missing, options = ask(app, "/api", method="PUT", headers=SAME), ask(app, "/api", method="OPTIONS", headers=SAME)
    assert (missing.status, missing.header("allow")) == (405, "GET, HEAD, OPTIONS, POST, PURGE")
    assert (options.status, options.header("allow"), options.body) == (204, "GET, HEAD, OPTIONS, POST, PURGE", b"")


def test_all_answers_what_has_no_function_of_its_own() -> None:
    class Any_:
        def ALL(self, page: Any) -> str:
            return page.request.method

        def DELETE(self, page: Any) -> str:
            return "deleted"

    app = endpoint(Any_)
    for method, text in (("GET", "GET"), ("PROPFIND", "PROPFIND"), ("DELETE", "deleted"), ("OPTIONS", "OPTIONS")):
        assert ask(app, "/api", method=method, headers=SAME).text == text


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("/x", "text", "text/plain; charset=utf-8"),
        ("/x", b"bytes", "application/octet-stream"),
        ("/feed.xml", "<a/>", "application/xml; charset=utf-8"),
        ("/robots.txt", "x", "text/plain; charset=utf-8"),
        ("/a.css", "x", "text/css; charset=utf-8"),
        ("/a.png", b"x", "image/png"),
        ("/x", [1], "application/json"),
        ("/x", Markup("<b>"), "text/html; charset=utf-8"),
    ],
)
def test_the_type_of_what_an_endpoint_returns(path: str, value: Any, kind: str) -> None:
    assert ask(endpoint(lambda page: value, path), path).header("content-type") == kind


@pytest.mark.parametrize(
    ("value", "words"),
    [({1}, "a set"), (None, "None"), (("x", 1), "a tuple"), (io.BytesIO(b"x"), "an open file"), (1.5, "a float")],
)
def test_an_endpoint_that_returns_no_answer(value: Any, words: str, caplog: pytest.LogCaptureFixture) -> None:
    assert ask(endpoint(lambda page: value), "/api").status == 500
    assert f"returned {words}" in caplog.text


def test_functions_of_one_path_are_one_endpoint() -> None:
    pages = Pages()

    @pages.endpoint("/api")
    def GET(page: Any) -> str:
        return "got"

    @pages.endpoint("/api")
    async def POST(page: Any) -> str:
        return "posted"

    app = alone(pages)
    assert (ask(app, "/api").text, ask(app, "/api", method="POST", headers=SAME).text) == ("got", "posted")
    with pytest.raises(ConfigError, match="registered twice"):
        pages.endpoint("/api")(GET)


def test_functions_of_one_path_say_once_how_it_is_rendered() -> None:
    pages = Pages()

    def GET(page: Any) -> str:
        return f"got {page.params['n']}"

    def POST(page: Any) -> str:
        return "posted"

    def PUT(page: Any) -> str:
        return "put"

    pages.endpoint("/api/{n}", paths=[StaticPath({"n": "1"})])(GET)
    pages.endpoint("/api/{n}")(POST)
    with pytest.raises(ConfigError, match="at the first alone"):
        pages.endpoint("/api/{n}", prerender=False)(PUT)
    app = alone(pages)
    assert (ask(app, "/api/1").text, ask(app, "/api/2").status) == ("got 1", 404)
    assert ask(app, "/api/1", method="POST", headers=SAME).text == "posted"


def test_an_endpoint_file(folder: Callable[[Files], Path]) -> None:
    source = "prerender = False\ndef GET(page):\n    return {'n': page.params['n']}\ndef POST(page):\n    return 'x'\n"
    app = alone(folder({"n/[n].json.py": source, "none.py": "def get(page): return 1\n"}))
    assert ask(app, "/n/7.json").text == '{"n":"7"}'
    assert ask(app, "/n/7.json/").status == 404
    assert ask(app, "/n/7.json", method="PUT", headers=SAME).status == 405
    assert ask(app, "/none").status == 500


def test_what_is_imported_is_no_method(folder: Callable[[Files], Path]) -> None:
    source = "from operator import index as SQL\ndef GET(page): return 'x'\ndef PURGE(page): return 'purged'\n"
    app = alone(folder({"x.py": source}))
    assert ask(app, "/x", method="OPTIONS", headers=SAME).header("allow") == "GET, HEAD, OPTIONS, PURGE"


def test_an_endpoint_is_marked_once(folder: Callable[[Files], Path], caplog: pytest.LogCaptureFixture) -> None:
    source = "import ondemand\nprerender = True\n@ondemand.prerender(False)\ndef GET(page): return 'x'\n"
    assert ask(alone(folder({"x.py": source})), "/x").status == 500
    assert "x.py is marked with @prerender and says so itself" in caplog.text


def test_an_endpoints_own_404_is_kept(folder: Callable[[Files], Path]) -> None:
    source = "from ondemand import Response\ndef GET(page):\n    return Response(None, 404)\n"
    answer = ask(alone(folder({"x.py": source, "404.mako": "not found"})), "/x")
    assert (answer.status, answer.body) == (404, b"")


def test_a_pages_404_shows_the_sites_page_whatever_type_it_names() -> None:
    pages = Pages()
    pages.page("/404")(lambda page: "not found")
    pages.page("/x")(lambda page: Response(None, 404, {"content-type": "text/x", "x-a": "1"}))
    answer = ask(alone(pages), "/x")
    assert (answer.status, answer.text, answer.header("x-a")) == (404, "not found", "1")
    assert answer.header("content-type") == "text/html; charset=utf-8"


# ----------------------------------------------------------------------------------------------------------------- errors


def failing(**settings: Any) -> tuple[Pages, Any]:
    pages = Pages()

    @pages.page("/boom")
    async def boom(page: Any) -> str:
        page.cookies.set("login", "yes")
        page.locals["seen"] = "boom"
        raise RuntimeError("the secret")

    return pages, alone(pages, **settings)


def test_a_failure_keeps_cookies_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    _, app = failing()
    answer = ask(app, "/boom")
    assert (answer.status, answer.header("set-cookie")) == (500, "login=yes; Path=/")
    assert "secret" not in answer.text
    assert "Error" in answer.text
    assert "the secret" in caplog.text
    assert "test_pages.py" in caplog.text
    assert "ondemand/own_pages.py" not in caplog.text.partition("Traceback")[2]


def test_the_sites_own_500_page_gets_the_error() -> None:
    pages, app = failing()

    @pages.page("/500")
    async def sorry(page: Any) -> str:
        return f"{type(page.props['error']).__name__} {page.locals['seen']} {page.url.pathname}"

    answer = ask(app, "/boom")
    assert (answer.status, answer.text) == (500, "RuntimeError boom /boom")
    assert answer.header("set-cookie") == "login=yes; Path=/"
    assert ask(app, "/500").status == 500


def test_a_500_page_that_fails_is_a_plain_one(caplog: pytest.LogCaptureFixture) -> None:
    pages, app = failing()

    @pages.page("/500")
    async def sorry(page: Any) -> str:
        raise ValueError("again")

    answer = ask(app, "/boom")
    assert (answer.status, answer.header("set-cookie")) == (500, "login=yes; Path=/")
    assert "Internal Server Error" in answer.text
    assert "again" in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_sites_own_404_page(method: str) -> None:
    pages = Pages()

    @pages.page("/404")
    async def missing(page: Any) -> str:
        page.cookies.set("lost", "1")
        return f"no {page.url.pathname}"

    @pages.page("/none")
    async def none(page: Any) -> Any:
        return Response(None, 404, {"x-why": "fish"})

    app = alone(pages)
    for path in ("/a/b", "/none", "/404"):
        answer = ask(app, path, method=method, headers=SAME)
        assert answer.status == 404
        assert answer.header("set-cookie") == "lost=1; Path=/"
        assert answer.text == ("" if method == "HEAD" else f"no {path}")
    assert ask(app, "/none").header("x-why") == "fish"


def test_a_404_page_may_redirect() -> None:
    pages = Pages()
    pages.page("/404")(lambda page: page.redirect("/"))
    answer = ask(alone(pages), "/missing")
    assert (answer.status, answer.header("location")) == (302, "/")


def test_a_redirect_may_be_raised_anywhere(folder: Callable[[Files], Path]) -> None:
    app = alone(
        folder({"a.mako": '<%! from ondemand import Redirect %>\n<p>some text</p>\n<% raise Redirect("/login") %>'})
    )
    answer = ask(app, "/a")
    assert (answer.status, answer.header("location"), answer.body) == (302, "/login", b"")


# ------------------------------------------------------------------------------------------------------ the wrapped app


def api() -> FastAPI:
    app = FastAPI()

    @app.get("/api/items/{name}")
    async def items(name: str) -> Any:
        if name == "none":
            return PlainTextResponse("no item", 404)
        if name == "json":
            raise HTTPException(404, "no")
        return {"name": name}

    return app


def test_pages_stand_beside_the_app(wrap: Wrap) -> None:
    pages = Pages()
    pages.page("/")(lambda page: "home")
    pages.page("/{rest:path}")(lambda page: f"rest {page.params['rest']}")
    app = wrap(api(), pages=pages, output="server")
    assert ask(app, "/").text == "home"
    assert ask(app, "/api/items/a").text == '{"name":"a"}'
    assert ask(app, "/docs").status == 200  # FastAPI's own
    assert ask(app, "/api").text == "rest api"
    assert ask(app, "/else/where").text == "rest else/where"


def test_what_no_page_covers_is_the_apps(wrap: Wrap) -> None:
    pages = Pages()
    pages.page("/about")(lambda page: "about")
    app = wrap(api(), pages=pages)
    assert ask(app, "/about").text == "about"
    answer = ask(app, "/nothing")
    assert (answer.status, answer.text) == (404, '{"detail":"Not Found"}')


@pytest.mark.parametrize("path", ["/api/items/{name}", "/api/items/{other}", "/docs"])
def test_a_page_on_a_path_of_the_apps_is_refused_at_start(path: str) -> None:
    pages = Pages()
    pages.page(path)(lambda page: "x")
    with pytest.raises(ConfigError, match="which a route of the app has too"):
        OnDemand(api(), pages=pages).site()


def test_the_apps_own_errors_show_the_sites_pages_where_asked(wrap: Wrap) -> None:
    pages = Pages()
    pages.page("/404")(lambda page: f"no {page.url.pathname}")
    app = wrap(api(), pages=pages, error_pages="all")
    html, json = {"accept": "text/html"}, {"accept": "application/json"}
    assert ask(app, "/nothing", headers=html).text == "no /nothing"
    assert ask(app, "/nothing", headers=html).status == 404
    assert ask(app, "/nothing", headers=json).text == '{"detail":"Not Found"}'
    assert ask(app, "/api/items/none", headers=html).text == "no /api/items/none"
    anything = {"accept": "*/*"}
    assert ask(app, "/nothing", headers=anything).text == "no /nothing"
    assert ask(app, "/api/items/json", headers=anything).text == '{"detail":"no"}'
    assert ask(app, "/api/items/json", headers=html).text == "no /api/items/json"
    assert ask(app, "/api/items/a", headers=html).text == '{"name":"a"}'


def test_what_the_app_raises_shows_the_sites_page_where_asked(wrap: Wrap) -> None:
    pages, app = Pages(), api()
    pages.page("/500")(lambda page: "sorry")

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("secret")

    answer = Answer()
    wrapped = wrap(app, pages=pages, error_pages="all")

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
        else:
            answer.body += message.get("body", b"")

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    from tests.asking import make_scope

    with pytest.raises(RuntimeError, match="secret"):
        asyncio.run(wrapped(make_scope("/boom"), receive, send))
    assert (answer.status, answer.text) == (500, "sorry")


# --------------------------------------------------------------------------------------- static and on demand, the slash


def test_pages_are_static_by_default_as_astros_are(folder: Callable[[Files], Path], built: Any, dist: Path) -> None:
    pages = Pages(
        folder(
            {
                "index.mako": "<a href='/live'>x</a>",
                "live.mako": "<%! prerender = False %>live",
                "alone.mako": "nobody links here",
                "blog/[slug].mako": "<%! static_paths = [{'params': {'slug': 'a'}, 'props': {'n': 1}}] %>${page.props['n']}",
                "feed.xml.py": "def GET(page): return '<a/>'",
                "api/save.py": "def POST(page): return 'x'",
                "404.mako": "not found",
            }
        )
    )
    app = alone(pages, dist=dist, snapshots=True)
    report = built(app)
    assert report.findings == []
    site = dist / "site"
    assert sorted(
        str(file.relative_to(site)) for file in site.rglob("*") if file.is_file() and file.suffix != ".gz"
    ) == [
        "404.html",
        "alone/index.html",
        "blog/a/index.html",
        "feed.xml",
        "index.html",
    ]
    assert (site / "blog/a/index.html").read_text() == "1"
    for path in ("/alone", "/alone/", "/alone?x=1", "/blog/a", "/blog/a/", "/feed.xml"):
        assert (ask(app, path).header("etag") or "").startswith('"'), path
    assert ask(app, "/live").header("etag") is None
    unknown = ask(app, "/blog/b")
    assert (unknown.status, unknown.text) == (404, "not found")
    assert ask(app, "/feed.xml").header("content-type") == "application/xml; charset=utf-8"


def test_unknown_params_fall_to_the_next_route() -> None:
    pages = Pages()
    pages.page("/{slug}", paths=[StaticPath({"slug": "a"})])(lambda page: "static")
    pages.page("/{other}", prerender=False)(lambda page: f"live {page.params}")
    app = alone(pages)
    assert (ask(app, "/a").text, ask(app, "/b").text) == ("static", "live {'other': 'b'}")


def test_a_static_page_sees_no_query_live_either() -> None:
    pages = Pages()
    pages.page("/a")(lambda page: f"{page.request.query.get('q')} {page.url.search}")
    pages.page("/b", prerender=False)(lambda page: f"{page.request.query.get('q')} {page.url.search}")
    app = alone(pages)
    assert (ask(app, "/a?q=1").text, ask(app, "/b?q=1").text) == ("None ", "1 ?q=1")


def test_a_snapshot_is_served_without_reading_its_page_file(
    folder: Callable[[Files], Path], built: Any, dist: Path
) -> None:
    import os

    where = folder({"index.mako": "<a href='/a'>a</a>", "a.mako": "a"})
    built(alone(where, dist=dist))
    for name in ("index.mako", "a.mako"):
        os.utime(where / name, (1, 1))
    app = alone(where, dist=dist, snapshots=True)
    assert ask(app, "/a").text == "a"
    assert not any(route.is_loaded for route in app.site().pages.routes)
    (where / "a.mako").write_text("<%! prerender = False %>changed")
    os.utime(where / "a.mako", (4_000_000_000, 4_000_000_000))
    app = alone(where, dist=dist, snapshots=True)
    assert ask(app, "/a").text == "changed"


def test_what_no_build_could_read_fails_it(folder: Callable[[Files], Path], built: Any, dist: Path) -> None:
    app = alone(
        folder({"index.mako": "<%! prerender = True %>x", "a.mako": "<%! prerender = Tru %>"}),
        dist=dist,
        output="server",
    )
    report = built(app)
    assert [(finding.kind, finding.route, finding.policy) for finding in report.findings] == [("error", "/a", "fail")]
    assert "a.mako" in report.findings[0].message


def test_a_build_makes_no_page_that_static_paths_do_not_name(
    folder: Callable[[Files], Path], built: Any, dist: Path
) -> None:
    report = built(alone(folder({"[...b].mako": "<%! static_paths = [{'params': {'b': 'x'}}] %>x"}), dist=dist))
    assert [finding.message for finding in report.findings] == []
    assert [str(file.relative_to(dist / "site")) for file in (dist / "site").rglob("*.html")] == ["x/index.html"]


def test_a_public_file_is_served_whatever_its_query(tmp_path: Path, built: Any, dist: Path) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public/style.css").write_text("a{}")
    pages = Pages()
    pages.page("/")(lambda page: "x")
    built(alone(pages, dist=dist, public=tmp_path / "public"))
    for snapshots in (True, False):
        app = alone(pages, dist=dist, public=tmp_path / "public", snapshots=snapshots)
        assert ask(app, "/style.css?v=2").text == "a{}"


def test_a_decorator_marks_a_page() -> None:
    pages = Pages()

    @pages.page("/a")
    @prerender(False)
    async def a(page: Any) -> str:
        return str(page.is_prerendered)

    @pages.page("/b")
    async def b(page: Any) -> str:
        return str(page.is_prerendered)

    app = alone(pages)
    assert (ask(app, "/a").text, ask(app, "/b").text) == ("False", "True")


def test_a_rule_comes_before_the_default_and_behind_the_mark() -> None:
    pages = Pages()
    pages.page("/a")(lambda page: str(page.is_prerendered))
    pages.page("/b", prerender=True)(lambda page: str(page.is_prerendered))
    app = alone(pages, rules={"/**": Rule(prerender=False)})
    assert (ask(app, "/a").text, ask(app, "/b").text) == ("False", "True")


@pytest.mark.parametrize("value", ["'yes'", "1", "None", "[]"])
def test_a_flag_that_is_none_is_a_fault(value: str, folder: Callable[[Files], Path], built: Any, dist: Path) -> None:
    app = alone(folder({"index.mako": f"<%! prerender = {value} %>x", "a.mako": "a"}), dist=dist)
    assert ask(app, "/").status == 500
    assert ask(app, "/a").status == 200
    report = built(app)
    assert [(finding.kind, finding.path) for finding in report.findings] == [("error", "/")]
    assert not dist.exists() or not (dist / "CURRENT").exists()


@pytest.mark.parametrize(
    ("slash", "path", "status", "location"),
    [
        ("ignore", "/about//", 301, "/about/"),
        ("ignore", "//", 301, "/"),
        ("always", "/about", 301, "/about/"),
        ("always", "/about/", 200, None),
        ("always", "/v1.2", 301, "/v1.2/"),
        ("always", "/nothing/x", 404, None),
        ("always", "/docs/a", 301, "/docs/a/"),
        ("always", "/feed.xml", 200, None),
        ("always", "/one", 301, "/one/"),
        ("never", "/about/", 301, "/about"),
        ("never", "/about", 200, None),
        ("never", "/feed.xml/", 301, "/feed.xml"),
    ],
)
def test_the_last_slash(
    slash: str, path: str, status: int, location: str | None, folder: Callable[[Files], Path]
) -> None:
    files = {
        "index.mako": "i",
        "about.mako": "a",
        "v1.2.mako": "v",
        "docs/[...p].mako": "d",
        "[slug].mako": "s",
        "feed.xml.py": "def GET(): return 'x'",
    }
    app = alone(folder(files), trailing_slash=slash, output="server")
    answer = ask(app, path)
    assert (answer.status, answer.header("location")) == (status, location)
    if status == 301:
        posted = ask(app, f"{path}?x=1", method="POST", headers=SAME)
        assert (posted.status, posted.header("location")) == (308, f"{location}?x=1")


def test_forms_of_other_sites_are_refused() -> None:
    app = page_that("x")
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert ask(app, "/", method="POST", headers={**form, "origin": "http://evil.example"}).status == 403
    assert ask(app, "/", method="POST", headers={**form, **SAME}).status == 200
    pages = Pages()
    pages.page("/")(lambda page: "x")
    assert ask(alone(pages, check_origin=False), "/", method="POST", headers=form).status == 200
    assert ask(alone(pages, rules={"/": Rule(check_origin=False)}), "/", method="POST", headers=form).status == 200


# ------------------------------------------------------------------------------------------------------------- middleware


def test_middleware_runs_around_pages_in_order() -> None:
    pages, order = Pages(), list[str]()

    @pages.on_request
    async def first(page: Any, next: Any) -> Any:
        order.append("first in")
        page.locals["user"] = "ann"
        response = await next()
        order.append(f"first out {response.status_code}")
        response.headers["x-first"] = "1"
        return response

    @pages.on_request
    def second(page: Any, next: Any) -> Any:
        order.append("second")
        return next()

    pages.page("/")(lambda page: page.locals["user"])
    answer = ask(alone(pages), "/")
    assert (answer.text, answer.header("x-first")) == ("ann", "1")
    assert order == ["first in", "second", "first out 200"]


def around(handler: Any) -> Any:
    pages = Pages()
    pages.on_request(handler)
    pages.page("/a")(lambda page: f"a {page.request.query.get('q')}")
    pages.page("/b")(lambda page: f"b {page.request.query.get('q')} {page.origin_pathname}")
    return alone(pages, output="server")


def test_middleware_may_answer_itself_rewrite_or_return_nothing() -> None:
    async def answers(page: Any, next: Any) -> Any:
        return Response("mine", 401)

    async def rewrites(page: Any, next: Any) -> Any:
        return await next("/b?q=2")

    async def forgets(page: Any, next: Any) -> Any:
        await next()

    assert (ask(around(answers), "/a").status, ask(around(answers), "/a").text) == (401, "mine")
    assert ask(around(rewrites), "/a?q=1").text == "b 2 /a"
    assert ask(around(forgets), "/a?q=1").text == "a 1"


@pytest.mark.parametrize("returned", [None, "text", 3])
def test_middleware_that_gives_no_answer_is_an_error(returned: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(page: Any, next: Any) -> Any:
        return returned

    assert ask(around(broken), "/a").status == 500
    assert "The middleware" in caplog.text
    assert "broken" in caplog.text


def test_middleware_sees_what_the_page_says_and_raises(folder: Callable[[Files], Path]) -> None:
    pages = Pages(
        folder(
            {
                "a.mako": "<% page.response.status = 404\npage.response.headers['x-b'] = 'of page' %>${page.locals['order']}",
                "boom.mako": "text ${1 / 0}",
                "late.mako": "<%!\nimport asyncio\n%>${page.locals['order']} ${await_(asyncio.sleep(0, 'end'))}",
            }
        )
    )
    seen: list[Any] = []

    @pages.on_request
    async def looks(page: Any, next: Any) -> Any:
        page.locals["order"] = "in"
        try:
            response = await next()
        except ZeroDivisionError:
            return Response("caught", 503)
        page.locals["order"] = "out"
        seen.append((response.status_code, response.headers.get("x-b")))
        response.headers["x-b"] = "of middleware"
        return response

    @pages.page("/404")
    async def missing(page: Any) -> str:
        return "missing"

    app = alone(pages, output="server")
    answer = ask(app, "/a")
    assert (answer.status, answer.text, answer.header("x-b")) == (404, "in", "of middleware")
    assert (ask(app, "/boom").status, ask(app, "/boom").text) == (503, "caught")
    assert ask(app, "/late").text == "in end"
    assert ask(app, "/nothing").status == 404
    assert seen == [(404, "of page"), (200, None), (404, None)]


def test_what_middleware_throws_away_is_ended() -> None:
    pages, ended = Pages(), list[str]()

    @pages.on_request
    async def replaces(page: Any, next: Any) -> Any:
        await next()
        return Response("instead")

    @pages.page("/")
    async def endless(page: Any) -> Any:
        try:
            yield "x"
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append("ended")

    assert ask(alone(pages), "/").text == "instead"
    assert ended == ["ended"]


def test_middleware_stands_in_front_of_the_app_where_asked(wrap: Wrap) -> None:
    pages = Pages()
    seen: list[int] = []

    @pages.on_request(app=True)
    async def both(page: Any, next: Any) -> Any:
        if page.cookies.get("banned"):
            raise Redirect("/bye")
        response = await next()
        seen.append(response.status_code)
        response.headers["x-both"] = "1"
        return response

    @pages.on_request
    async def own(page: Any, next: Any) -> Any:
        response = await next()
        response.headers["x-own"] = "1"
        return response

    pages.page("/")(lambda page: "home")
    app = wrap(api(), pages=pages)
    home, item = ask(app, "/"), ask(app, "/api/items/a")
    assert (home.header("x-both"), home.header("x-own")) == ("1", "1")
    assert (item.header("x-both"), item.header("x-own"), item.text) == ("1", None, '{"name":"a"}')
    assert ask(app, "/api/items/a", headers={"cookie": "banned=1"}).header("location") == "/bye"
    assert seen == [200, 200]


def test_an_app_behind_middleware_that_answers_itself_is_stopped() -> None:
    ended: list[str] = []

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
        finally:
            ended.append("ended")

    pages = Pages()

    @pages.on_request(app=True)
    async def replaces(page: Any, next: Any) -> Any:
        await next()
        return Response("instead")

    assert ask(OnDemand(streaming, pages=pages), "/x").text == "instead"
    assert ended == ["ended"]


# --------------------------------------------------------------------------------------------------------------- Markdown


def test_markdown_pages(folder: Callable[[Files], Path], tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/post.mako").write_text(
        "<title>${frontmatter['title']}</title><main>${content}</main>${headings[0]['slug']}"
    )
    files = {
        "a.md": "---\nlayout: post.mako\ntitle: A <b>\n---\n# Hello *you*\n\n<i>raw</i> ${1+1}\n",
        "b.md": "---\ntitle: B\nprerender: false\n---\n\ntext\n",
        "bad.md": "---\ntitle: [\n---\nx",
    }
    app = alone(folder(files), templates=tmp_path / "templates")
    text = ask(app, "/a").text
    assert "<title>A &lt;b&gt;</title>" in text
    assert '<h1 id="hello-you">Hello <em>you</em></h1>\n<p><i>raw</i> ${1+1}</p>' in text
    assert text.endswith("hello-you")
    assert "<title>B</title>" in ask(app, "/b").text
    assert ask(app, "/bad").status == 500


def test_an_adapter_that_is_not_known_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"adapter does not know 'vercel'\. It takes one of asgi"):
        OnDemand(adapter="vercel")
    OnDemand(adapter="asgi")


def test_the_log_has_no_traceback_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        ask(page_that(None), "/")
    assert 'own_pages.py"' not in caplog.text


@pytest.mark.parametrize("app", [False, True])
def test_middleware_may_change_a_body(app: bool, folder: Callable[[Files], Path]) -> None:
    template = (
        "Hello ${await_(name)}<%!\n"
        "async def word():\n    return 'World'\n"
        "async def frontmatter(page):\n    return {'name': word()}\n%>"
    )
    pages = Pages(folder({"t.mako": template}))

    @pages.on_request(app=True)
    async def changes(page: Any, next: Any) -> Any:
        response = await next()
        return Response((await response.text()).replace("World", "there"), response.status_code)

    @pages.page("/g")
    async def generated(page: Any) -> Any:
        yield "Hello "
        await asyncio.sleep(0)
        yield "World"

    pages.page("/s")(lambda page: "Hello World")
    wrapped = FastAPI()

    @wrapped.get("/api")
    async def hello() -> Any:
        return PlainTextResponse("Hello World", 203)

    site = OnDemand(wrapped, pages=pages) if app else alone(pages)
    for path in ("/t", "/g", "/s", *(("/api",) if app else ())):
        answer = ask(site, path)
        assert answer.text == "Hello there"
        assert answer.status == (203 if path == "/api" else 200)


def test_a_response_that_was_read_is_still_sent() -> None:
    pages, seen = Pages(), list[str]()

    @pages.on_request
    async def looks(page: Any, next: Any) -> Any:
        response = await next()
        seen.append(await response.text())
        response.headers["x-seen"] = "1"
        return response

    @pages.page("/")
    async def generated(page: Any) -> Any:
        yield "a"
        yield "b"

    answer = ask(alone(pages), "/")
    assert (answer.text, seen, answer.header("x-seen")) == ("ab", ["ab"], "1")
    assert answer.header("content-length") == "2"


def test_a_layout_of_markdown_may_be_the_one_of_every_page(folder: Callable[[Files], Path]) -> None:
    where = folder(
        {
            "_a.mako": "<title>${frontmatter['title']}</title><main>${self.body()}</main>",
            "_b.mako": "<main>${content}</main>",
            "_c.html": "<main>{{ content }}</main>",
            "a.md": "---\nlayout: _a.mako\ntitle: T\n---\n*x*",
            "b.md": "---\nlayout: _b.mako\n---\n*x*",
            "c.md": "---\nlayout: _c.html\n---\n*x*",
            "d.md": "---\nlayout: none.mako\n---\n*x*",
        }
    )
    app = alone(where)
    text = "<main><p><em>x</em></p>\n</main>"
    assert ask(app, "/a").text == f"<title>T</title>{text}"
    assert (ask(app, "/b").text, ask(app, "/c").text) == (text, text)
    assert ask(app, "/d").status == 500


def test_a_name_that_is_taken_at_the_top_of_the_template_is_refused(
    folder: Callable[[Files], Path], caplog: pytest.LogCaptureFixture
) -> None:
    source = "<%!\nasync def orders(): return 1\nasync def frontmatter(page): return {'orders': orders()}\n%>${await_(orders)}"
    assert ask(alone(folder({"a.mako": source})), "/a").status == 500
    assert "a.mako was given orders, which its <%! %> also defines. Rename one of them." in caplog.text


def test_a_static_page_that_reads_the_query_is_told_of(folder: Callable[[Files], Path], built: Any, dist: Path) -> None:
    files = {
        "a.py": "def GET(page): return {'q': page.url.search_params.get('q')}",
        "b.mako": "${page.request.query.get('q')}",
    }
    report = built(alone(folder(files), dist=dist))
    assert sorted((finding.kind, finding.route, finding.policy) for finding in report.findings) == [
        ("reads", "/a", "warn"),
        ("reads", "/b", "warn"),
    ]
    assert report.findings[0].message == "It is static, but it reads the request's query, which a build has not."
    assert report.findings[0].remedy == "Render it on demand: prerender = False."


def test_the_500_page_shows_what_failed_where_it_is_on_demand(
    folder: Callable[[Files], Path], built: Any, dist: Path
) -> None:
    shown = "${type(page.props['error']).__name__}"
    files = {"500.mako": shown, "boom.mako": "<%! prerender = False %>${1 / 0}", "index.mako": "x"}
    report = built(alone(folder(files), dist=dist))
    assert [
        "PrerenderError" in finding.message and "prerender = False" in finding.message for finding in report.findings
    ] == [True]
    app = alone(folder({"500.mako": f"<%! prerender = False %>{shown}"}), dist=dist, snapshots=True)
    assert built(app).findings == []
    assert (ask(app, "/boom").text, ask(app, "/500").text) == ("ZeroDivisionError", "NoneType")


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("a.mako", "<%! prerendr = False %>x", "'prerendr', which means nothing here. Did you mean 'prerender'?"),
        ("a.mako", "<%! getStaticPaths = [] %>x", "Did you mean 'static_paths'?"),
        ("a.py", "Prerender = False\ndef GET(): return 'x'", "Did you mean 'prerender'?"),
        ("a.md", "---\nlayuot: x.mako\n---\nx", "Did you mean 'layout'?"),
        ("a.md", "---\ntitle: a\n# x", "its front matter has no end"),
        ("a.md", "---\ntitle: [a\n---\nx", "a.md:2: its front matter cannot be read"),
        ("a.md", "---\nlayout: none.mako\n---\nx", "The layout of a.md: There is no template 'none.mako'"),
        ("a.py", "import nothing_of_this_name\ndef GET(): return 'x'", "a.py"),
    ],
)
def test_a_slip_in_a_page_file_is_told(
    file: str, text: str, words: str, folder: Callable[[Files], Path], caplog: pytest.LogCaptureFixture
) -> None:
    assert ask(alone(folder({file: text})), "/a").status == 500
    assert words in caplog.text


def test_a_layout_is_found_beside_its_page(folder: Callable[[Files], Path]) -> None:
    where = folder({"_l.mako": "[${content}]", "b/a.md": "---\nlayout: ../_l.mako\n---\nx"})
    assert ask(alone(where), "/b/a").text == "[<p>x</p>\n]"


def test_a_template_that_is_no_page_file_is_told_of(
    folder: Callable[[Files], Path], caplog: pytest.LogCaptureFixture
) -> None:
    alone(folder({"about.html": "x", "_part.html": "x", "style.css": "x"})).site()
    assert "about.html is no page" in caplog.text
    assert "_part.html" not in caplog.text


def test_params_that_our_page_does_not_know_are_our_404_beside_an_app(wrap: Wrap) -> None:
    pages = Pages()
    pages.page("/own/{x}", paths=[StaticPath({"x": "1"})])(lambda page: "one")
    pages.page("/404")(lambda page: "not found")
    app = wrap(api(), pages=pages)
    assert [ask(app, path).text for path in ("/own/1", "/own/2", "/nothing")] == [
        "one",
        "not found",
        '{"detail":"Not Found"}',
    ]
