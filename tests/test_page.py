"""Page: the objects of one request, in FastAPI, Starlette and bare ASGI, innermost and outermost."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import unquote

import flask
import pytest
from asgiref.wsgi import WsgiToAsgi
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException
from fastapi.responses import FileResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import ondemand
from ondemand import (
    OnDemand,
    PageUnavailable,
    Redirect,
    Response,
    ResponseStarted,
    Rule,
    StaticPath,
    current_page,
    prerender,
)
from ondemand.fastapi import Page
from tests.asking import Answer, Wrap, ask, ask_async, innermost, outermost

Handler = Callable[[ondemand.Page], Any]


async def in_fastapi(handler: Handler, wrap: Wrap, path: str, **settings: Any) -> Any:
    app = FastAPI()

    @app.api_route(path, methods=["GET", "POST", "PUT", "DELETE"])
    async def endpoint(page: Page) -> Any:
        answer = handler(page)
        return await answer if asyncio.iscoroutine(answer) else answer

    return wrap(app, snapshots=False, **settings)


async def in_starlette(handler: Handler, wrap: Wrap, path: str, **settings: Any) -> Any:
    async def endpoint(request: Request) -> Any:
        answer = handler(ondemand.Page.of(request))
        answer = await answer if asyncio.iscoroutine(answer) else answer
        return answer if isinstance(answer, StarletteResponse) else JSONResponse(answer)

    methods = ["GET", "POST", "PUT", "DELETE"]
    return wrap(Starlette(routes=[Route(path, endpoint, methods=methods)]), snapshots=False, **settings)


async def in_asgi(handler: Handler, wrap: Wrap, path: str, **settings: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        answer = handler(current_page())
        answer = await answer if asyncio.iscoroutine(answer) else answer
        await (answer if isinstance(answer, StarletteResponse) else JSONResponse(answer))(scope, receive, send)

    return OnDemand(app, routes=[path], snapshots=False, **settings)


FRAMEWORKS = [
    (in_fastapi, outermost),
    (in_fastapi, innermost),
    (in_starlette, outermost),
    (in_starlette, innermost),
    (in_asgi, outermost),
]


@pytest.fixture(params=FRAMEWORKS, ids=lambda pair: f"{pair[0].__name__}-{pair[1].__name__}")
def serve(request: pytest.FixtureRequest) -> Callable[..., Answer]:
    """Serve one handler and ask it: `serve(handler, "/target", pattern="/{x}", settings={...}, **options of ask)`."""
    framework, wrap = request.param

    def run(handler: Handler, target: str = "/", *, pattern: str = "/", settings: Any = None, **options: Any) -> Answer:
        async def once() -> Answer:
            app = await framework(handler, wrap, pattern, **(settings or {}))
            return await asyncio.wait_for(ask_async(app, target, **options), 20)

        return asyncio.run(once())

    return run


# ------------------------------------------------------------------------------------------------------------- members


def test_every_member_at_request_time(serve: Any) -> None:
    def handler(page: ondemand.Page) -> Any:
        assert page.request.method == "GET"
        return {
            "params": dict(page.params),
            "props": dict(page.props),
            "url": page.url,
            "request_url": page.request.url,
            "locals": dict(page.locals),
            "site": page.site,
            "generator": page.generator,
            "is_prerendered": page.is_prerendered,
            "route_pattern": page.route_pattern,
            "origin_pathname": page.origin_pathname,
            "client_address": page.client_address,
            "preferred": [page.preferred_locale, page.preferred_locale_list],
            "current_locale": page.current_locale,
        }

    answer = serve(
        handler,
        "/fr//caf%C3%A9?x=1&x=2",
        pattern="/{lang}//{name}",
        settings={"locales": ["en", "fr"], "site": "https://shop.example", "output": "server"},
        headers={"accept-language": "fr;q=0.5, en"},
        path="/fr//café",
        raw_path=b"/fr//caf%C3%A9",
        state={"user": "ann"},
    )
    assert json.loads(answer.text) == {
        "params": {"lang": "fr", "name": "café"},
        "props": {},
        "url": "http://testserver/fr/caf%C3%A9?x=1&x=2",
        "request_url": "http://testserver/fr//caf%C3%A9?x=1&x=2",
        "locals": {"user": "ann"},
        "site": "https://shop.example",
        "generator": f"ondemand v{ondemand.__version__}",
        "is_prerendered": False,
        "route_pattern": "/{lang}//{name}",
        "origin_pathname": "/fr//caf%C3%A9",
        "client_address": "127.0.0.1",
        "preferred": ["en", ["en", "fr"]],
        "current_locale": "fr",
    }


@pytest.mark.parametrize(
    ("pattern", "target", "params"),
    [
        ("/p/{id}", "/p/42", {"id": "42"}),
        ("/p/{id}", "/p/a%20b", {"id": "a b"}),
        ("/p/{id}", "/p/100%25", {"id": "100%"}),
        ("/p/{id}", "/p/%252e", {"id": "%2e"}),
        ("/f/{rest:path}", "/f/a/b", {"rest": "a/b"}),
        ("/f/{rest:path}", "/f/", {"rest": None}),
        ("/n/{n:int}", "/n/007", {"n": "007"}),
    ],
)
def test_params_are_text_and_decoded_once(serve: Any, pattern: str, target: str, params: Any) -> None:
    answer = serve(lambda page: dict(page.params), target, pattern=pattern, path=unquote(target))
    assert answer.status == 200
    assert answer.text == ask_json(params)


def ask_json(value: Any) -> str:
    return JSONResponse(value).body.decode()


def test_locals_are_the_state_of_the_request(wrap: Wrap) -> None:
    async def home(request: Request) -> PlainTextResponse:
        page = ondemand.Page.of(request)
        page.locals["seen"] = request.state.user
        return PlainTextResponse(request.state.seen)

    async def sets_user(request: Request, call_next: Any) -> Any:
        request.state.user = "ann"
        return await call_next(request)

    app = Starlette(routes=[Route("/", home)])
    wrapped = wrap(app, snapshots=False)
    app.add_middleware(BaseHTTPMiddleware, dispatch=sets_user)
    assert ask(wrapped, "/").text == "ann"


@pytest.mark.parametrize("name", ["locals", "cookies", "url", "params", "request", "response"])
def test_members_cannot_be_replaced(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(ondemand.Page.for_test("/"), name, {})


# ------------------------------------------------------------------------------------------------ the same page, always


def test_one_request_has_one_page_everywhere(wrap: Wrap) -> None:
    app, seen = FastAPI(), list[ondemand.Page]()

    async def dependency(page: Page) -> AsyncIterator[ondemand.Page]:
        seen.append(page)
        yield page
        seen.append(current_page())

    def in_a_thread() -> None:
        assert threading.current_thread() is not threading.main_thread()
        seen.append(current_page())

    async def body() -> AsyncIterator[str]:
        seen.append(current_page())
        yield "streamed"

    @app.get("/")
    async def home(
        request: Request,
        page: Page,
        tasks: BackgroundTasks,
        other: Any = Depends(dependency),  # noqa: B008
        thread: Any = Depends(in_a_thread),  # noqa: B008
    ) -> StreamingResponse:
        seen.extend([page, other, ondemand.Page.of(request), ondemand.Page.of(request.scope), current_page()])
        tasks.add_task(lambda: seen.append(current_page()))
        return StreamingResponse(body())

    class Passes(BaseHTTPMiddleware):
        async def dispatch(self, request: Any, call_next: Any) -> Any:
            seen.append(current_page() if wrap is outermost else page_or_none())
            return await call_next(request)

    def page_or_none() -> Any:
        with pytest.raises(PageUnavailable):
            current_page()

    wrapped = wrap(app, snapshots=False)
    app.add_middleware(Passes)
    assert ask(wrapped, "/").text == "streamed"
    pages = [page for page in seen if page is not None]
    assert len(pages) >= 9
    assert len({id(page) for page in pages}) == 1
    with pytest.raises(PageUnavailable):
        current_page()


def test_a_sync_handler_sets_cookies_from_its_thread(wrap: Wrap) -> None:
    app = FastAPI()

    @app.get("/")
    def home(page: Page) -> dict[str, int]:
        page.cookies.set("n", 1)
        return {}

    assert ask(wrap(app, snapshots=False), "/").header("set-cookie") == "n=1; Path=/"


def test_two_requests_at_once_have_two_pages(wrap: Wrap) -> None:
    app = FastAPI()
    both = asyncio.Event()
    waiting: list[str] = []

    @app.get("/{who}")
    async def home(page: Page, who: str) -> str:
        page.cookies.set("who", who)
        waiting.append(who)
        if len(waiting) == 2:
            both.set()
        await both.wait()
        return current_page().cookies["who"].value

    wrapped = wrap(app, snapshots=False)

    async def run() -> list[Answer]:
        return await asyncio.gather(ask_async(wrapped, "/ann"), ask_async(wrapped, "/bob"))

    first, second = asyncio.run(run())
    assert (first.text, first.header("set-cookie")) == ('"ann"', "who=ann; Path=/")
    assert (second.text, second.header("set-cookie")) == ('"bob"', "who=bob; Path=/")


def test_under_flask_through_asgiref() -> None:
    app = flask.Flask(__name__)

    @app.get("/hello/<name>")
    def hello(name: str) -> str:
        page = current_page()
        page.cookies.set("name", name)
        page.response.headers["x-own"] = "1"
        return f"{page.url.pathname} {page.params['name']}"

    wrapped = OnDemand(WsgiToAsgi(app), routes=["/hello/{name}"], snapshots=False)
    answer = ask(wrapped, "/hello/ann")
    assert answer.text == "/hello/ann ann"
    assert (answer.header("set-cookie"), answer.header("x-own")) == ("name=ann; Path=/", "1")


def test_openapi_does_not_know_the_page() -> None:
    with_page, without = FastAPI(), FastAPI()

    @with_page.get("/x/{n}")
    async def endpoint(n: int, page: Page) -> dict[str, int]:
        return {}

    @without.get("/x/{n}", name="endpoint")
    async def bare(n: int) -> dict[str, int]:
        return {}

    bare.__name__ = "endpoint"

    assert with_page.openapi() == without.openapi()


@pytest.mark.parametrize("framework", [in_fastapi, in_starlette])
def test_without_ondemand_the_error_is_the_line_to_add(framework: Any) -> None:
    app = asyncio.run(framework(lambda page: {}, lambda app, **settings: app, "/"))
    with pytest.raises(PageUnavailable, match=r"app\.add_middleware\(OnDemand\)"):
        ask(app, "/")


def test_a_websocket_has_no_page(wrap: Wrap) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def ws(page: Page) -> None: ...

    client = TestClient(wrap(app, snapshots=False))
    with pytest.raises(PageUnavailable, match="A WebSocket has no page"), client.websocket_connect("/ws"):
        pass


# --------------------------------------------------------------------------------------- what a page says of the answer


def test_status_and_headers_go_into_the_frameworks_answer(serve: Any) -> None:
    def handler(page: ondemand.Page) -> Any:
        page.response.status = 201
        page.response.headers["Cache-Control"] = "private"
        page.response.headers.append("Link", "</a>")
        page.response.headers.append("link", "</b>")
        page.response.headers["content-type"] = "text/x-own"
        page.response.headers["Vary"] = "HX-Request"
        assert (page.response.status, page.response.headers["LINK"]) == (201, "</a>, </b>")
        return {"n": 1}

    answer = serve(handler)
    assert (answer.status, answer.header("cache-control"), answer.header("link")) == (201, "private", "</a>, </b>")
    assert [value for name, value in answer.headers if name == "content-type"] == ["text/x-own"]
    assert answer.header("vary") == "HX-Request"
    assert answer.header("content-length") == str(len(answer.body)) == "7"


def answers(response: StarletteResponse, change: Callable[[ondemand.Page], None], wrap: Wrap, **options: Any) -> Answer:
    """The answer of an app that returns `response` after `change`."""

    async def endpoint(request: Request) -> Any:
        change(ondemand.Page.of(request))
        return response

    return ask(wrap(Starlette(routes=[Route("/", endpoint)]), snapshots=False), "/", **options)


def chosen(page: ondemand.Page) -> None:
    page.response.status = 202
    page.response.headers["x-own"] = "1"
    page.cookies.set("a", "1")


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (PlainTextResponse("x"), 202),
        (PlainTextResponse("x", 201), 202),
        (StarletteResponse(status_code=204), 204),
        (StarletteResponse(status_code=304), 304),
        (PlainTextResponse("x", 404), 404),
        (PlainTextResponse("x", 500), 500),
        (StarletteResponse(status_code=307, headers={"location": "/y"}), 307),
        (FileResponse(__file__), 202),
        (StreamingResponse(iter(["a", "b"])), 202),
        (Response("x", 203), 203),  # page code's own Response is final
        (Response("x"), 200),
    ],
)
def test_redirects_errors_and_answers_without_body_keep_their_status(response: Any, status: int, wrap: Wrap) -> None:
    answer = answers(response, chosen, wrap)
    assert answer.status == status
    assert (answer.header("x-own"), answer.header("set-cookie")) == ("1", "a=1; Path=/")


def test_a_part_of_a_file_stays_a_part(wrap: Wrap) -> None:
    answer = answers(FileResponse(__file__), chosen, wrap, headers={"range": "bytes=0-3"})
    assert (answer.status, len(answer.body), answer.header("content-length")) == (206, 4, "4")
    assert answer.header("x-own") == "1"


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_status_without_a_body_drops_the_body(serve: Any, status: int) -> None:
    def handler(page: ondemand.Page) -> Any:
        page.response.status = status
        return {"n": 1}

    answer = serve(handler)
    assert (answer.status, answer.body) == (status, b"")
    assert (answer.header("content-length"), answer.header("content-type")) == (None, None)


def test_what_a_page_says_of_its_document_is_not_said_of_an_error(wrap: Wrap) -> None:
    app = FastAPI()

    @app.get("/")
    async def home(page: Page, secret: bool = False) -> None:
        page.response.status = 201
        page.response.headers["content-type"] = "text/csv"
        page.response.headers["cache-control"] = "private" if secret else "public, max-age=3600"
        page.response.headers["etag"] = '"1"'
        page.response.headers["x-frame-options"] = "DENY"
        page.cookies.set("a", "1")
        raise HTTPException(404)

    wrapped = wrap(app, snapshots=False)
    answer = ask(wrapped, "/")
    assert (answer.status, answer.header("content-type")) == (404, "application/json")
    assert (answer.header("cache-control"), answer.header("etag")) == (None, None)
    assert (answer.header("x-frame-options"), answer.header("set-cookie")) == ("DENY", "a=1; Path=/")
    assert ask(wrapped, "/?secret=1").header("cache-control") == "private"


def test_the_headers_of_a_returned_response_win(serve: Any) -> None:
    def handler(page: ondemand.Page) -> Any:
        page.response.headers["x-own"] = "page"
        page.response.headers["x-more"] = "page"
        return Response("x", headers={"x-own": "response"})

    answer = serve(handler)
    assert (answer.header("x-own"), answer.header("x-more")) == ("response", "page")


@pytest.mark.parametrize("value", [99, 600, 150, "200", 200.5, True, None])
def test_a_status_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="a status is"):
        ondemand.Page.for_test().response.status = value


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("x", "a\r\nb: c", ValueError),
        ("x", "a\nb", ValueError),
        ("x", "a\0b", ValueError),
        ("x\r\ny", "a", ValueError),
        ("x y", "a", ValueError),
        ("", "a", ValueError),
        ("x", "日本", ValueError),
        ("x", 5, TypeError),
        ("x", None, TypeError),
        ("Content-Length", "5", ValueError),
        ("Transfer-Encoding", "chunked", ValueError),
        ("content-encoding", "gzip", ValueError),
        ("Connection", "close", ValueError),
    ],
)
def test_a_header_is_checked_when_it_is_set(name: Any, value: Any, error: type[Exception]) -> None:
    headers = ondemand.Page.for_test().response.headers
    with pytest.raises(error):
        headers[name] = value
    with pytest.raises(error):
        headers.append(name, value)
    assert len(headers) == 0


def test_htmx_partials_and_conditional_answers(wrap: Wrap) -> None:
    async def endpoint(request: Request) -> Any:
        page = ondemand.Page.of(request)
        page.response.headers["HX-Trigger"] = "saved"
        if page.request.headers.get("if-none-match") == '"1"':
            page.response.headers["etag"] = '"1"'
            return StarletteResponse(status_code=304)
        return HTMLResponse("<li>part</li>" if "hx-request" in page.request.headers else "<html>whole</html>")

    wrapped = wrap(Starlette(routes=[Route("/", endpoint)]), snapshots=False)
    assert ask(wrapped, "/", headers={"HX-Request": "true"}).text == "<li>part</li>"
    assert ask(wrapped, "/").header("hx-trigger") == "saved"
    answer = ask(wrapped, "/", headers={"If-None-Match": '"1"'})
    assert (answer.status, answer.header("etag"), answer.header("hx-trigger")) == (304, '"1"', "saved")


def test_after_the_first_byte_every_change_raises(wrap: Wrap) -> None:
    app, caught = FastAPI(), list[str]()

    @app.get("/")
    async def home(page: Page) -> StreamingResponse:
        page.cookies.set("early", "1")

        async def body() -> AsyncIterator[str]:
            yield "first"
            for change in (
                lambda: page.cookies.set("late", "1"),
                lambda: page.cookies.delete("early"),
                lambda: setattr(page.response, "status", 201),
                lambda: setattr(page.response, "status_text", "x"),
                lambda: page.response.headers.update({"x": "1"}),
                lambda: page.response.headers.append("x", "1"),
                lambda: page.rewrite("/other"),
            ):
                try:
                    change()
                except ResponseStarted as error:
                    caught.append(str(error))
            yield "last"

        return StreamingResponse(body())

    answer = ask(wrap(app, snapshots=False), "/")
    assert (answer.text, answer.header("set-cookie")) == ("firstlast", "early=1; Path=/")
    assert len(caught) == 7
    assert all("too late" in text for text in caught)


def test_the_first_touch_may_be_too_late_as_well(wrap: Wrap) -> None:
    app = FastAPI()

    @app.get("/")
    async def home(tasks: BackgroundTasks) -> dict[str, str]:
        def later() -> None:
            with pytest.raises(ResponseStarted):
                current_page().cookies.set("a", "1")
            with pytest.raises(ResponseStarted):
                current_page().response.headers["x"] = "1"

        tasks.add_task(later)
        return {}

    assert ask(wrap(app, snapshots=False), "/").header("set-cookie") is None


# -------------------------------------------------------------------------------------------------------------- cookies


def test_the_apps_own_cookies_come_first(serve: Any) -> None:
    def handler(page: ondemand.Page) -> Any:
        page.cookies.set("a", "1")
        page.cookies.set("b", "2")
        page.cookies.set("a", "3")
        page.response.headers.append("Set-Cookie", "by-hand=1")
        return Response("x", headers=[("Set-Cookie", "own=1"), ("Set-Cookie", "own-too=2")])

    cookies = [value for name, value in serve(handler).headers if name == "set-cookie"]
    assert cookies == ["own=1", "own-too=2", "by-hand=1", "a=3; Path=/", "b=2; Path=/"]


def test_the_defaults_of_a_sites_cookies(serve: Any) -> None:
    def handler(page: ondemand.Page) -> Any:
        page.cookies.set("a", "1")
        page.cookies.set("b", "1", secure=False, path="/x")
        page.cookies.delete("c")
        return {}

    defaults = {"path": "/app", "secure": True, "same_site": "lax"}
    cookies = [v for k, v in serve(handler, settings={"cookie_defaults": defaults}).headers if k == "set-cookie"]
    assert cookies == [
        "a=1; Path=/app; Secure; SameSite=Lax",
        "b=1; Path=/x; SameSite=Lax",
        "c=deleted; Path=/app; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; SameSite=Lax",
    ]


@pytest.mark.parametrize("how", ["redirect", "raise", "response", "rewrite", "404", "handled"])
def test_cookies_are_kept_whatever_answers(how: str, wrap: Wrap) -> None:
    app = FastAPI()

    @app.get("/")
    async def home(page: Page) -> Any:
        page.cookies.set("kept", "1")
        if how == "raise":
            raise Redirect("/other")
        if how == "handled":
            raise HTTPException(403)
        return {
            "redirect": lambda: page.redirect("/other"),
            "response": lambda: Response("own"),
            "rewrite": lambda: page.rewrite("/other"),
            "404": lambda: Response(None, 404),
        }[how]()

    @app.get("/other")
    async def other(page: Page) -> str:
        page.cookies.set("more", "1")
        return "other"

    answer = ask(wrap(app, snapshots=False), "/")
    cookies = [value for name, value in answer.headers if name == "set-cookie"]
    assert cookies == ["kept=1; Path=/", *(["more=1; Path=/"] if how == "rewrite" else [])]
    status = {"redirect": 302, "raise": 302, "response": 200, "rewrite": 200, "404": 404, "handled": 403}
    assert answer.status == status[how]


# ------------------------------------------------------------------------------------------------- redirect and Redirect


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects(serve: Any, status: int) -> None:
    answer = serve(lambda page: page.redirect("/zoë?q=ü#f", status))
    assert (answer.status, answer.header("location"), answer.body) == (status, "/zo%C3%AB?q=%C3%BC#f", b"")


@pytest.mark.parametrize("nested", [False, True])
def test_a_raised_redirect_is_the_answer(serve: Any, nested: bool) -> None:
    async def deep() -> None:
        raise Redirect("/login", 303)

    async def handler(page: ondemand.Page) -> Any:
        page.response.headers["x-own"] = "1"
        if nested:
            await asyncio.gather(deep())
        raise Redirect("/login", 303)

    answer = serve(handler)
    assert (answer.status, answer.header("location"), answer.body) == (303, "/login", b"")
    assert answer.header("x-own") == "1"


def test_a_raised_redirect_in_a_mounted_app_in_a_thread_and_in_a_dependency(wrap: Wrap) -> None:
    inner, app = FastAPI(), FastAPI()

    def must_log_in() -> None:
        raise Redirect("/login")

    @inner.get("/private", dependencies=[Depends(must_log_in)])
    async def private() -> None: ...

    app.mount("/inner", inner)
    wrapped = wrap(app, snapshots=False)
    answer = ask(wrapped, "/inner/private")
    assert (answer.status, answer.header("location"), answer.body) == (302, "/login", b"")


def test_an_apps_handler_of_every_http_exception_does_not_eat_a_redirect(wrap: Wrap) -> None:
    app = FastAPI()

    @app.exception_handler(HTTPException)
    async def own(request: Any, error: Any) -> JSONResponse:
        return JSONResponse({"own": True}, status_code=error.status_code)

    @app.get("/")
    async def home() -> None:
        raise Redirect("/login")

    @app.get("/json")
    async def no_json(page: Page) -> Any:
        return await page.request.json()

    wrapped = wrap(app, snapshots=False)
    assert ask(wrapped, "/").header("location") == "/login"
    assert ask(wrapped, "/json", method="GET").status == 400
    assert ask(wrapped, "/json").text == '{"own":true}'  # a bad request is answered as the app answers its own


@pytest.mark.parametrize("status", [200, 300, 304, 305, 306, 399, 404, "303x", 302.0, True, None])
def test_a_status_that_is_no_redirect_is_refused(status: Any) -> None:
    with pytest.raises(ValueError, match="redirect"):
        ondemand.Page.for_test().redirect("/x", status)
    with pytest.raises(ValueError, match="redirect"):
        Redirect("/x", status)


# -------------------------------------------------------------------------------------------------------------- rewrite


def test_rewrite(wrap: Wrap) -> None:
    app = FastAPI()

    @app.api_route("/a", methods=["GET", "POST"])
    async def a(page: Page) -> Any:
        page.response.status = 202
        page.response.headers["x-lost"] = "1"
        page.locals["from"] = "a"
        return page.rewrite("b/%C3%A9?x=2")

    @app.api_route("/b/{name}", methods=["GET", "POST"])
    async def b(request: Request, page: Page, name: str, x: int = 0) -> Any:
        body = await page.request.text()
        return [
            name,
            x,
            page.url,
            page.params["name"],
            page.origin_pathname,
            page.locals["from"],
            body,
            request.url.path,
        ]

    wrapped = wrap(app, snapshots=False)
    answer = ask(wrapped, "/a?x=1", method="POST", body=b"kept")
    expected = ["é", 2, "http://testserver/b/%C3%A9?x=2", "é", "/a", "a", "kept", "/b/é"]
    assert (answer.status, answer.header("x-lost"), answer.text) == (200, None, ask_json(expected))


def test_rewrites_have_an_end(wrap: Wrap) -> None:
    app, asked = FastAPI(), list[str]()

    @app.get("/{n}")
    async def page_n(page: Page, n: int) -> Any:
        asked.append(page.url.pathname)
        return page.rewrite(f"/{n + 1}") if n != 3 else {"n": n}

    wrapped = wrap(app, snapshots=False)
    assert ask(wrapped, "/0").text == '{"n":3}'
    asked.clear()
    answer = ask(wrapped, "/4")
    assert (answer.status, answer.text) == (508, "Loop Detected")
    assert asked == ["/4", "/5", "/6", "/7"]


@pytest.mark.parametrize(
    "target",
    ["https://other.example/x", "//other.example/x", "http://testserver:81/", "/a\\b", "/a%0Ab", "javascript:x"],
)
def test_a_rewrite_stays_on_the_site(target: str) -> None:
    with pytest.raises(ValueError, match="rewrite"):
        ondemand.Page.for_test("/").rewrite(target)


def test_a_rewrite_after_the_body_was_read_is_refused(wrap: Wrap) -> None:
    app = FastAPI()

    @app.post("/a")
    async def a(page: Page, how: str) -> Any:
        if how == "page":
            await page.request.text()
        return page.rewrite("/b")

    @app.post("/c")
    async def c(page: Page, request: Request) -> Any:
        await request.body()
        return page.rewrite("/b")

    wrapped = wrap(app, snapshots=False)
    for target in ("/a?how=page", "/c"):
        with pytest.raises(ondemand.BodyUsed, match="after the body was read"):
            ask(wrapped, target, method="POST", body=b"gone")


def test_a_rewrite_to_nothing_is_the_apps_own_404_and_guards_stand_in_front_of_its_target(wrap: Wrap) -> None:
    async def closed(page: ondemand.Page) -> Any:
        return Response("closed", 403)

    app = FastAPI()

    @app.get("/a")
    async def a(page: Page, to: str) -> Any:
        return page.rewrite(to)

    @app.get("/secret")
    async def secret() -> str:
        return "secret"

    wrapped = wrap(app, snapshots=False, rules={"/secret": Rule(guard=closed)})
    assert ask(wrapped, "/a?to=/nothing").status == 404
    answer = ask(wrapped, "/a?to=/secret")
    assert (answer.status, answer.text) == (403, "closed")


def test_rewrites_inside_a_mount_and_with_base_and_root_path(wrap: Wrap) -> None:
    async def a(request: Request) -> Any:
        return ondemand.Page.of(request).rewrite("/in/b")

    async def b(request: Request) -> Any:
        return JSONResponse([str(request.url.path), request.scope["root_path"], ondemand.Page.of(request).url])

    app = Starlette(routes=[Mount("/in", routes=[Route("/a", a), Route("/b", b)])])
    wrapped = wrap(app, snapshots=False, base="/docs")
    answer = ask(wrapped, "/docs/in/a")
    assert answer.text == ask_json(["/docs/in/b", "/docs/in", "http://testserver/docs/in/b"])
    answer = ask(wrapped, "/front/docs/in/a", root_path="/front")
    assert answer.text == ask_json(["/front/docs/in/b", "/front/docs/in", "http://testserver/front/docs/in/b"])


# ---------------------------------------------------------------------------------------------------------- error pages


def test_a_null_404_shows_the_sites_page(wrap: Wrap) -> None:
    app = FastAPI()

    @app.get("/404")
    async def not_found(page: Page) -> Any:
        page.cookies.set("second", "1")
        return HTMLResponse(f"<h1>Nothing at {page.url.pathname}</h1>")

    @app.api_route("/{name}", methods=["GET", "POST", "HEAD"])
    async def missing(page: Page, name: str) -> Any:
        page.cookies.set("first", "1")
        kept = {"x-kept": "1"} if name != "typed" else {"content-type": "application/problem+json"}
        return Response(None if name != "empty" else b"", 404, kept)

    wrapped = wrap(app, snapshots=False)
    for method in ("GET", "POST"):
        answer = ask(wrapped, "/lamp", method=method)
        assert (answer.status, answer.text, answer.header("x-kept")) == (404, "<h1>Nothing at /lamp</h1>", "1")
        cookies = [value for name, value in answer.headers if name == "set-cookie"]
        assert cookies == ["first=1; Path=/", "second=1; Path=/"]
    assert (ask(wrapped, "/lamp", method="HEAD").status, ask(wrapped, "/lamp", method="HEAD").body) == (404, b"")
    assert ask(wrapped, "/empty").body == b""
    assert ask(wrapped, "/typed").header("content-type") == "application/problem+json"


def test_a_404_page_that_is_itself_missing_ends(wrap: Wrap) -> None:
    app = FastAPI()

    @app.get("/404")
    @app.get("/x")
    async def missing() -> Any:
        return Response(None, 404)

    answer = ask(wrap(app, snapshots=False), "/x")
    assert (answer.status, "404: Not Found" in answer.text) == (404, True)


def test_without_a_404_page_there_is_a_plain_one(serve: Any) -> None:
    for status, phrase in ((404, "404: Not Found"), (500, "500: Internal Server Error")):
        answer = serve(lambda page, status=status: Response(None, status, {"x-kept": "1"}))
        assert (answer.status, answer.header("content-type")) == (status, "text/html; charset=utf-8")
        assert phrase in answer.text
        assert answer.header("x-kept") == "1"


# -------------------------------------------------------------------------------------------------------- Page.for_test


def test_page_code_is_called_by_a_test() -> None:
    async def counter(page: Page) -> Any:
        if page.params.get("slug") != "lamp" or page.props["title"] != "Lamp":
            raise Redirect("/")
        n = page.cookies["n"].number(default=0) + 1
        page.cookies.set("n", n)
        page.response.status = 201
        form = await page.request.form()
        return Response.json([n, form["a"], page.url, page.request.query["q"], page.locals["user"], page.site])

    page = ondemand.Page.for_test(
        "/p/lamp%20x?q=1",
        method="post",
        headers={"content-type": "application/x-www-form-urlencoded"},
        cookies={"n": "41"},
        body=b"a=1",
        params={"slug": "lamp"},
        props={"title": "Lamp"},
        locals={"user": "ann"},
        site="https://shop.example",
    )
    answer = asyncio.run(counter(page))
    assert answer.body == b'[42,"1","http://testserver/p/lamp%20x?q=1","1","ann","https://shop.example"]'
    assert page.cookies.headers() == ["n=42; Path=/"]
    assert page.response.status == 201
    with pytest.raises(ondemand.ConfigError):
        ondemand.Page.for_test(nonsense=1)


def test_props_come_from_paths_at_request_time() -> None:
    @prerender(paths=[StaticPath({"slug": "lamp"}, props={"title": "Lamp"})])
    async def product(page: Page) -> str:
        return page.props.get("title", "none")

    for wrap in (innermost, outermost):
        app = FastAPI()
        app.get("/{slug}")(product)
        wrapped = wrap(app, snapshots=False)
        assert ask(wrapped, "/lamp").text == '"Lamp"'
        assert ask(wrapped, "/chair").text == '"none"'


def test_props_that_are_not_there_say_why() -> None:
    with pytest.raises(KeyError, match=r"name: /products/x has no props\..*unknown="):
        ondemand.Page.for_test("/products/x").props["name"]
    assert dict(ondemand.Page.for_test("/").props) == {}


def test_the_wrong_page_in_fastapi_says_which_is_right() -> None:
    app = FastAPI()
    with pytest.raises(TypeError, match=r"from ondemand\.fastapi import Page"):

        @app.get("/")
        async def home(page: ondemand.Page) -> None: ...


@pytest.mark.parametrize("body", [{"a": 1}, ["a"], {"a"}, ("a",), 5])
def test_what_is_no_text_is_no_body(body: Any) -> None:
    with pytest.raises(TypeError, match=r"Response\.json"):
        Response(body)


def test_the_app_may_be_named() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("app")(scope, receive, send)

    assert ask(OnDemand(app=app, snapshots=False), "/").text == "app"
    assert ask(OnDemand(app, snapshots=False), "/").text == "app"
