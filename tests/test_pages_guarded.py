"""Pages of our own and what stands in front of them: one path for guards, rules, middleware and the page; nothing of one
visitor reaches another."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ondemand import ConfigError, OnDemand, Pages, Response, Rule
from tests.asking import Answer, ask, make_scope

SAME = {"origin": "http://testserver"}

DETOURS = [
    "/x/../members/1",
    "/%2e%2e/members/1",
    "//members/1",
    "/./members/1",
    "//members/..%2f1",
    "/%2e/members/..%2f1",
    "/members%2F1",
    "/a/../members/..%2f1",
    "//members/x%2f..%2f..%2f1",
    "/members/./1",
    "/members//1",
]


def raw(app: Any, path: str, **options: Any) -> Answer:
    """Ask with the path as it is on the wire."""
    return ask(app, unquote(path), raw_path=path.encode(), **options)


def members(**settings: Any) -> OnDemand:
    pages = Pages()
    pages.page("/members/{rest:path}")(lambda page: f"secret {page.params['rest']}")
    return OnDemand(pages=pages, output="server", **settings)


@pytest.mark.parametrize("path", DETOURS)
def test_a_guard_is_asked_whatever_the_spelling(path: str) -> None:
    async def guard(page: Any) -> Any:
        return Response("no", 403)

    answer = raw(members(rules={"/members/**": Rule(guard=guard)}), path)
    assert "secret" not in answer.text
    assert answer.status in {301, 403, 404}


@pytest.mark.parametrize("path", DETOURS)
@pytest.mark.parametrize("base", ["/", "/app"])
def test_middleware_sees_the_path_that_is_answered(path: str, base: str) -> None:
    pages = Pages()
    front = "" if base == "/" else base

    @pages.on_request
    async def guard(page: Any, next: Any) -> Any:
        denied = page.url.pathname.startswith(f"{front}/members/")
        return Response("no", 403) if denied else await next()

    pages.page("/members/{rest:path}")(lambda page: "secret")
    app = OnDemand(pages=pages, base=base, output="server")
    for asked in (front + path, front.replace("/app", "/app%2F", 1) + path.lstrip("/") if front else path):
        assert "secret" not in raw(app, asked).text


@pytest.mark.parametrize("path", DETOURS)
def test_a_rule_says_its_headers_whatever_the_spelling(path: str) -> None:
    answer = raw(members(rules={"/members/*": Rule(headers={"X-Frame-Options": "DENY"})}), path)
    assert "secret" not in answer.text or answer.header("x-frame-options") == "DENY"


def test_a_rule_holds_for_both_spellings_of_a_page() -> None:
    app = members(rules={"/members/*": Rule(headers={"X-A": "1"})})
    assert [raw(app, path).header("x-a") for path in ("/members/1", "/members/1/")] == ["1", "1"]


@pytest.mark.parametrize(
    ("path", "location"),
    [("/x/../members/1", "/members/1"), ("//members/1", "/members/1"), ("/members//1/?a=b", "/members/1/?a=b")],
)
def test_a_page_has_one_spelling_and_the_others_lead_to_it(path: str, location: str) -> None:
    answer = raw(members(), path)
    assert (answer.status, answer.header("location")) == (301, location)


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "//evil.example/..", "/.//evil.example", "/%2f%2fevil"]
)
def test_no_redirect_leads_to_another_site(path: str) -> None:
    pages = Pages()
    pages.page("/{rest:path}")(lambda page: "x")
    for slash in ("ignore", "always", "never"):
        location = raw(OnDemand(pages=pages, output="server", trailing_slash=slash), path).header("location")
        assert location is None or (location.startswith("/") and not location.startswith(("//", "/\\")))


def rewriting(app: bool) -> Any:
    asked: list[str] = []

    async def guard(page: Any) -> Any:
        asked.append(page.url.pathname)
        return Response("no", 403)

    async def report(request: Request) -> Any:
        return PlainTextResponse("secret of the app")

    pages = Pages()

    @pages.on_request(app=True)
    async def locale(page: Any, next: Any) -> Any:
        path = page.url.pathname
        return await (next(path[3:]) if path.startswith("/en/") else next())

    pages.page("/members/report")(lambda page: "secret")
    pages.page("/open")(lambda page: "open")
    rules = {"/members/**": Rule(guard=guard), **({"/vip": Rule(guard=guard)} if app else {})}
    inner = Starlette(routes=[Route("/vip", report)])
    return OnDemand(inner, pages=pages, rules=rules) if app else OnDemand(pages=pages, rules=rules, output="server")


@pytest.mark.parametrize("path", ["/en/members/report", "/en/vip"])
@pytest.mark.parametrize("app", [False, True])
def test_a_guard_is_asked_where_middleware_leads_to(path: str, app: bool) -> None:
    answer = ask(rewriting(app), path)
    assert "secret" not in answer.text
    assert answer.header("cache-control") == "private, no-store" or answer.status == 404
    assert ask(rewriting(app), "/en/open").text == "open"


def test_so_is_the_origin_check() -> None:
    form = {"content-type": "text/plain", "origin": "http://evil.example"}
    assert ask(rewriting(True), "/en/open", method="POST", headers=form).status == 403
    assert ask(rewriting(True), "/en/open", method="POST", headers=SAME).text == "open"


def test_a_response_that_is_kept_has_nothing_of_a_visitor() -> None:
    kept = Response("hello")
    pages = Pages()

    @pages.on_request
    async def passes(page: Any, next: Any) -> Any:
        response = await next()
        response.headers["x-seen"] = "1"
        return response

    @pages.page("/")
    async def home(page: Any) -> Any:
        page.response.headers["X-User"] = page.request.headers.get("x-name", "")
        return kept

    app = OnDemand(pages=pages, output="server")
    before = list(kept.raw_headers)
    assert [ask(app, "/", headers={"x-name": name}).header("x-user") for name in ("ann", "bob")] == ["ann", "bob"]
    assert kept.raw_headers == before


@pytest.mark.parametrize("pattern", ["/{a}-{b}-{c}_{d}", "/{a}.{b}.{c}.{d}!", "/{a:path}/x/{b:path}/y"])
def test_long_paths_cost_linear_time(pattern: str) -> None:
    pages = Pages()
    pages.page(pattern.replace("!", "_x"))(lambda page: "x")
    app = OnDemand(pages=pages, output="server")
    for path in ("/" + "-" * 60_000, "/" + "." * 60_000 + "a", "/" + "x/" * 30_000):
        start = time.perf_counter()
        ask(app, path)
        assert time.perf_counter() - start < 2


def test_a_failed_page_says_nothing_of_caching() -> None:
    pages = Pages()

    @pages.page("/")
    async def fails(page: Any) -> Any:
        page.response.headers["Cache-Control"] = "public, max-age=31536000"
        page.response.headers["ETag"] = '"a"'
        page.response.headers["X-Kept"] = "1"
        raise RuntimeError

    pages.page("/500")(lambda page: Response("sorry", 500))
    answer = ask(OnDemand(pages=pages, output="server"), "/")
    assert (answer.status, answer.header("cache-control"), answer.header("etag")) == (500, None, None)
    assert answer.header("x-kept") == "1"


def test_the_page_for_an_error_has_nothing_of_the_body_it_takes_the_place_of() -> None:
    async def missing(request: Request) -> Any:
        headers = {"etag": '"a"', "content-disposition": "attachment", "x-kept": "1"}
        return PlainTextResponse("x" * 2000, 404, headers)

    pages = Pages()
    pages.page("/404")(lambda page: "not found")
    app = Starlette(routes=[Route("/x", missing)])
    app.add_middleware(GZipMiddleware)
    answer = ask(OnDemand(app, pages=pages, error_pages="all"), "/x", headers={"accept-encoding": "gzip"})
    assert answer.text == "not found"
    kept = {name for name, _ in answer.headers}
    assert "x-kept" in kept
    assert kept.isdisjoint({"content-encoding", "etag", "content-disposition"})


def test_a_404_that_never_ends_shows_the_sites_page() -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.001)

    pages = Pages()
    pages.page("/404")(lambda page: "not found")
    site = OnDemand(endless, pages=pages, error_pages="all")

    async def test() -> None:
        done, bodies = asyncio.Event(), list[bytes]()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                bodies.append(message["body"])
                if not message.get("more_body"):
                    done.set()

        async def receive() -> Any:
            return await asyncio.get_running_loop().create_future()

        task = asyncio.ensure_future(site(make_scope("/x"), receive, send))
        await asyncio.wait_for(done.wait(), 10)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert b"".join(bodies) == b"not found"

    asyncio.run(test())


def test_what_the_app_raised_is_what_the_500_page_gets() -> None:
    async def boom(request: Request) -> Any:
        raise RuntimeError("secret")

    pages = Pages()
    pages.page("/500", prerender=False)(lambda page: type(page.props["error"]).__name__)
    site = OnDemand(Starlette(routes=[Route("/x", boom)]), pages=pages, error_pages="all")
    client = TestClient(site, raise_server_exceptions=False)
    assert (client.get("/x").status_code, client.get("/x").text) == (500, "RuntimeError")


def test_a_log_line_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    pages = Pages()

    @pages.page("/{rest:path}")
    async def fails(page: Any) -> Any:
        raise RuntimeError("x")

    raw(OnDemand(pages=pages, output="server"), "/x%0aERROR%20forged%1b")
    assert "\nERROR forged" not in caplog.text
    assert "/x%0AERROR%20forged%1B" in caplog.text


# ------------------------------------------------------------------------------------------------ what a maintainer found


def test_a_plain_page_that_lets_stop_iteration_out_fails(caplog: pytest.LogCaptureFixture) -> None:
    pages = Pages()
    pages.page("/")(lambda page: next(iter(())))
    assert ask(OnDemand(pages=pages), "/").status == 500
    assert "raised StopIteration" in caplog.text


@pytest.mark.parametrize("where", ["paths", "props", "prerender"])
def test_what_paths_and_props_raise_is_the_500_page(where: str) -> None:
    def fails(*_: Any) -> Any:
        raise RuntimeError("the secret")

    pages = Pages()
    options: dict[str, Any] = {where: (lambda config: fails()) if where == "prerender" else fails}
    pages.page("/b/{x}", **options)(lambda page: "x")
    pages.page("/500")(lambda page: "sorry")
    if where == "prerender":
        with pytest.raises(RuntimeError):
            OnDemand(pages=pages).site()
    else:
        answer = ask(OnDemand(pages=pages), "/b/1")
        assert (answer.status, answer.text) == (500, "sorry")


def test_the_404_page_is_404_whatever_middleware_said_before() -> None:
    pages = Pages()
    pages.page("/404")(lambda page: "nothing")

    @pages.on_request
    async def says(page: Any, next: Any) -> Any:
        page.response.headers["X-A"] = "1"
        return await next()

    answer = ask(OnDemand(pages=pages), "/nothing")
    assert (answer.status, answer.text, answer.header("x-a")) == (404, "nothing", "1")


def test_an_app_may_say_something_before_its_answer(tmp_path: Any) -> None:
    async def early(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.debug", "info": {}})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

    pages = Pages()

    @pages.on_request(app=True)
    async def passes(page: Any, next: Any) -> Any:
        return await next()

    answer = ask(OnDemand(early, pages=pages), "/x")
    assert answer.text == "x"
    assert answer.messages[0]["type"] == "http.response.debug"


def test_a_form_of_the_app_is_the_apps_beside_a_page_of_ours() -> None:
    async def send_message(request: Request) -> Any:
        return PlainTextResponse("sent")

    def app() -> Any:
        return Starlette(routes=[Route("/contact", send_message, methods=["POST"])])

    pages = Pages()
    pages.page("/contact")(lambda page: "write to us")
    site = OnDemand(app(), pages=pages)
    assert (ask(site, "/contact").text, ask(site, "/contact", method="POST").text) == ("write to us", "sent")

    class Contact:
        def GET(self, page: Any) -> str:
            return "write"

        def POST(self, page: Any) -> str:
            return "sent"

    pages = Pages()
    pages.endpoint("/contact")(Contact)
    with pytest.raises(ConfigError, match="which a route of the app has too"):
        OnDemand(app(), pages=pages).site()


def test_middleware_may_take_the_body_away_and_a_background_task_still_runs() -> None:
    pages, done = Pages(), list[str]()

    @pages.on_request
    async def empties(page: Any, next: Any) -> Any:
        response = await next()
        response.status_code = 204
        return response

    @pages.page("/")
    async def generated(page: Any) -> Any:
        try:
            yield "x"
            await asyncio.sleep(0)
            yield "y"
        finally:
            done.append("closed")

    answer = ask(OnDemand(pages=pages, output="server"), "/")
    assert (answer.status, answer.body, done) == (204, b"", ["closed"])

    pages = Pages()

    @pages.page("/none")
    async def none(page: Any) -> Any:
        async def task() -> None:
            done.append("task")

        response = Response(None, 404)
        response.background = task
        return response

    assert ask(OnDemand(pages=pages), "/none").status == 404
    assert done == ["closed", "task"]


def test_what_an_app_answers_may_be_read_and_sent_on() -> None:
    async def hello(request: Request) -> Any:
        return PlainTextResponse("hello")

    pages, seen = Pages(), list[str]()

    @pages.on_request(app=True)
    async def reads(page: Any, next: Any) -> Any:
        response = await next()
        seen.append(await response.text())
        return response

    site = OnDemand(Starlette(routes=[Route("/x", hello)]), pages=pages)
    assert (ask(site, "/x").text, seen) == ("hello", ["hello"])
    assert TestClient(site).get("/x").text == "hello"


def test_a_decorator_may_give_a_page_more_than_it_is_given() -> None:
    import functools

    pages = Pages()

    def with_db(function: Any) -> Any:
        @functools.wraps(function)
        async def wrapper(*args: Any) -> Any:
            return await function(*args, "db")

        return wrapper

    @pages.page("/")
    @with_db
    async def home(page: Any, db: Any) -> str:
        return f"{page.url.pathname} {db}"

    assert ask(OnDemand(pages=pages), "/").text == "/ db"


@pytest.mark.parametrize("wrong", [lambda page: None, lambda page, following, more: None])
def test_middleware_that_cannot_be_called_is_refused_where_it_is_registered(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"does not take two arguments.*page, next"):
        Pages().on_request(wrong)


def test_a_page_without_a_path_is_refused() -> None:
    async def home(page: Any) -> str:
        return "x"

    with pytest.raises(ConfigError, match=r"It takes a path"):
        Pages().page(home)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"which is how files are named. Write \{name\}"):
        Pages().page("/blog/[slug]")(home)


def test_rendering_from_a_page_function_an_endpoint_and_frontmatter(tmp_path: Any) -> None:
    (tmp_path / "t.mako").write_text("<h1>${name}</h1>")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/f.mako").write_text(
        "<%!\nasync def frontmatter(page): return page.render('t.mako', name='f')\n%>"
    )
    pages = Pages(tmp_path / "pages")
    pages.page("/p")(lambda page: page.render("t.mako", name="p"))
    pages.endpoint("/e")(lambda page: page.render("t.mako", name="e"))
    app = OnDemand(pages=pages, templates=tmp_path)
    assert [ask(app, path).text for path in ("/p", "/e", "/f")] == ["<h1>p</h1>", "<h1>e</h1>", "<h1>f</h1>"]


@pytest.mark.parametrize("path", ["/x/../vip/a.txt", "/vip/../vip/a.txt", "//vip/a.txt", "/./vip/a.txt"])
def test_middleware_in_front_of_an_app_sees_the_path_that_the_app_answers(path: str, tmp_path: Any) -> None:
    from starlette.staticfiles import StaticFiles

    (tmp_path / "vip").mkdir()
    (tmp_path / "vip/a.txt").write_text("secret")
    pages = Pages()

    @pages.on_request(app=True)
    async def guard(page: Any, next: Any) -> Any:
        return Response("no", 403) if page.url.pathname.startswith("/vip/") else await next()

    app = Starlette()
    app.mount("/", StaticFiles(directory=tmp_path))
    assert "secret" not in raw(OnDemand(app, pages=pages), path).text


def test_templates_show_no_files_that_are_none(tmp_path: Any) -> None:
    (tmp_path / "settings.py").write_text("secret")
    (tmp_path / ".env").write_text("secret")
    (tmp_path / "t.mako").write_text("<%include file=\"${page.request.query['f']}\"/>")
    pages = Pages()
    pages.page("/", prerender=False)(lambda page: page.render("t.mako"))
    for name in ("settings.py", ".env", "/settings.py", "x/../.env"):
        answer = ask(OnDemand(pages=pages, templates=tmp_path), f"/?f={name}")
        assert (answer.status, "secret" in answer.text) == (500, False)
