"""What OnDemand does in front of an app where it is asked to: hosts, proxies, the origin check, guards that use a page; and
what becomes of a body that several read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

import ondemand
from ondemand import BodyUsed, OnDemand, Redirect, Response, Rule, current_page
from ondemand.fastapi import Page
from tests.asking import Answer, Wrap, ask, is_snapshot, make_scope
from tests.conftest import Build

FORM = "application/x-www-form-urlencoded"


def echo() -> Starlette:
    """An app that says how it was reached."""

    async def where(request: Request) -> JSONResponse:
        page = ondemand.Page.of(request)
        return JSONResponse([page.url, page.request.url, page.client_address])

    return Starlette(routes=[Route("/{rest:path}", where, methods=["GET", "POST", "PUT", "DELETE"])])


def asked(app: Any, headers: list[tuple[str, str]], **options: Any) -> Answer:
    """Ask with these very header lines."""
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    scope = make_scope("/x", **options)

    async def with_lines(_: Any, receive: Any, send: Any) -> None:
        await app({**scope, "headers": lines}, receive, send)

    return ask(with_lines, "/x")


# ---------------------------------------------------------------------------------------------------- hosts and proxies


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [("host", "a@b")],
        [("host", "evil.example/private?x=")],
        [("host", "a:99999")],
        [("host", "a b")],
        [("host", "")],
        [("host", "one.example"), ("host", "two.example")],
        [("host", "évil")],
    ],
)
def test_a_host_that_is_none_is_no_part_of_an_url(lines: Any, wrap: Wrap) -> None:
    assert (
        asked(wrap(echo(), snapshots=False), lines).text == '["http://testserver/x","http://testserver/x","127.0.0.1"]'
    )
    answer = asked(wrap(echo(), snapshots=False, site="https://shop.example"), lines)
    assert answer.text.startswith('["https://shop.example/x"')


def test_forwarded_headers_of_anyone_are_ignored(wrap: Wrap) -> None:
    headers = [("host", "shop.example"), ("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")]
    headers += [
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-real-ip", "1.2.3.4"),
    ]
    for settings in ({}, {"trusted_proxies": ["10.0.0.0/8"], "allowed_hosts": ["shop.example", "evil.example"]}):
        answer = asked(wrap(echo(), snapshots=False, **settings), headers)
        assert answer.text == '["http://shop.example/x","http://shop.example/x","127.0.0.1"]'


def test_forwarded_headers_of_a_trusted_proxy_count(wrap: Wrap) -> None:
    app = wrap(echo(), snapshots=False, trusted_proxies=["127.0.0.1", "10.0.0.0/8"], allowed_hosts=["*.shop.example"])
    headers = [("host", "internal"), ("x-forwarded-host", "a.shop.example"), ("x-forwarded-proto", "https")]
    headers += [("x-forwarded-for", "6.6.6.6, 203.0.113.9, 10.0.0.7")]
    answer = asked(app, headers)
    assert answer.text == '["https://a.shop.example/x","https://a.shop.example/x","203.0.113.9"]'
    assert asked(app, [("host", "internal"), ("x-forwarded-host", "evil.example")]).status == 400
    over_unix = wrap(echo(), snapshots=False, trusted_proxies=["unix"])
    answer = asked(over_unix, [("host", "h"), ("x-forwarded-for", "203.0.113.9")], client=None)
    assert answer.text.endswith('"203.0.113.9"]')


def test_allowed_hosts(wrap: Wrap, dist: Path, built: Build) -> None:
    app = Starlette(routes=[Route("/", lambda request: HTMLResponse("home"))])
    wrapped = wrap(app, dist=dist, snapshots=True, allowed_hosts=["shop.example", "*.shop.example:8443"])
    built(wrapped)
    for host, status in (
        ("shop.example", 200),
        ("SHOP.example:80", 200),
        ("a.shop.example:8443", 200),
        ("a.shop.example", 400),
        ("evil.example", 400),
        ("shop.example.evil", 400),
        ("shop.example@evil", 400),
        ("", 400),
    ):
        for _ in range(3):  # the third would be the quick answer
            answer = ask(wrapped, "/", headers={"host": host})
            assert (answer.status, is_snapshot(answer)) == (status, status == 200), host


def test_the_address_that_the_server_does_not_know() -> None:
    with pytest.raises(ondemand.PageUnavailable, match="Unix socket"):
        ask(OnDemand(echo(), snapshots=False), "/x", client=None)


# ------------------------------------------------------------------------------------------------------ the origin check


def forms(wrap: Wrap, **settings: Any) -> Any:
    async def post(request: Request) -> PlainTextResponse:
        return PlainTextResponse("done " + (await request.body()).decode())

    routes = [Route(path, post, methods=["GET", "POST"]) for path in ("/form", "/hook", "/other")]
    return wrap(Starlette(routes=routes), snapshots=False, **settings)


EVIL = {"origin": "https://evil.example", "content-type": FORM}


@pytest.mark.parametrize("check_origin", ["pages", False])
def test_a_wrapped_apps_forms_are_its_own_business(check_origin: Any, wrap: Wrap) -> None:
    app = forms(wrap, check_origin=check_origin)
    for headers in (EVIL, {"content-type": FORM}, {}):
        assert ask(app, "/form", method="POST", headers=headers, body=b"a=1").text == "done a=1"


def test_a_refusal_names_both_origins(wrap: Wrap) -> None:
    app = forms(wrap, check_origin="all")
    answer = ask(app, "/form", method="POST", headers=EVIL, body=b"a=1")
    assert (answer.status, answer.header("content-type")) == (403, "text/plain; charset=utf-8")
    first, second = answer.text.splitlines()
    assert first == "Cross-site POST form submissions are forbidden"
    assert "https://evil.example" in second
    assert "http://testserver" in second
    own = {"origin": "http://testserver", "content-type": FORM}
    assert ask(app, "/form", method="POST", headers=own, body=b"a=1").text == "done a=1"
    assert ask(app, "/form", headers=EVIL).status == 200


def test_some_paths_may_opt_out_or_in(wrap: Wrap) -> None:
    app = forms(wrap, check_origin="all", rules={"/hook": Rule(check_origin=False)})
    assert ask(app, "/hook", method="POST", headers={"content-type": FORM}).status == 200
    assert ask(app, "/form", method="POST", headers={"content-type": FORM}).status == 403
    app = forms(wrap, rules={"/form": Rule(check_origin=True)})
    assert ask(app, "/hook", method="POST", headers={"content-type": FORM}).status == 200
    assert ask(app, "/form", method="POST", headers={"content-type": FORM}).status == 403


def test_the_sites_own_origin_counts_behind_a_proxy_that_ends_tls(wrap: Wrap) -> None:
    app = forms(wrap, check_origin="all", site="https://shop.example")
    headers = {"host": "shop.example", "origin": "https://shop.example", "content-type": FORM}
    assert ask(app, "/form", method="POST", headers=headers).status == 200


def test_the_check_stands_in_front_of_guards(wrap: Wrap) -> None:
    async def guard(page: ondemand.Page) -> Any:
        raise AssertionError("code of the site ran")

    app = forms(wrap, check_origin="all", rules={"/form": Rule(guard=guard)})
    assert ask(app, "/form", method="POST", headers=EVIL).status == 403


# ---------------------------------------------------------------------------------------------------------------- guards


def test_a_guard_has_the_page_of_the_request(wrap: Wrap, dist: Path, built: Build) -> None:
    async def guard(page: ondemand.Page) -> Any:
        assert current_page() is page
        page.locals["seen"] = dict(page.params)
        page.cookies.set("guard", "1")
        page.response.headers["x-guard"] = "1"
        if "no" in page.request.query:
            raise Redirect("/login")

    async def live(request: Request) -> JSONResponse:
        page = ondemand.Page.of(request)
        page.cookies.set("page", "1")
        return JSONResponse([request.state.seen, dict(page.params)])

    routes = [Route("/live/{n}", live), Route("/frozen/{n}", lambda request: HTMLResponse("frozen"))]
    rules = {"/live/{m}": Rule(guard=guard), "/frozen/{m}": Rule(guard=guard, query="ignore")}
    listed = [ondemand.Route("/frozen/{n}", prerender=True, paths=[ondemand.StaticPath({"n": 1})])]
    wrapped = wrap(Starlette(routes=routes), dist=dist, snapshots=True, rules=rules, routes=listed)
    assert built(wrapped).pages == 1
    answer = ask(wrapped, "/live/5")
    assert answer.text == '[{"m":"5"},{"n":"5"}]'
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["guard=1; Path=/", "page=1; Path=/"]
    for path in ("/live/5?no", "/frozen/1?no"):
        answer = ask(wrapped, path)
        assert (answer.status, answer.header("location"), answer.header("set-cookie")) == (
            302,
            "/login",
            "guard=1; Path=/",
        )
        assert answer.header("cache-control") == "private, no-store"
    answer = ask(wrapped, "/frozen/1")
    assert (is_snapshot(answer), answer.header("set-cookie"), answer.header("x-guard")) == (
        True,
        "guard=1; Path=/",
        "1",
    )


@pytest.mark.parametrize("how", ["all", "part", "form", "nothing"])
def test_a_body_that_a_guard_has_read_is_there_for_the_app(how: str, wrap: Wrap) -> None:
    async def guard(page: ondemand.Page) -> None:
        if how == "all":
            assert await page.request.text() == "a=1&b=2"
        elif how == "form":
            assert (await page.request.form())["b"] == "2"
        elif how == "part":
            async for _ in page.request.stream():
                break

    async def post(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await ondemand.Page.of(request).request.text() + " page")

    async def by_framework(request: Request) -> PlainTextResponse:
        return PlainTextResponse((await request.body()).decode() + " framework")

    routes = [Route("/page", post, methods=["POST"]), Route("/framework", by_framework, methods=["POST"])]
    app = wrap(Starlette(routes=routes), snapshots=False, rules={"/**": Rule(guard=guard)})
    for path in ("page", "framework"):
        messages = [
            {"type": "http.request", "body": b"a=1", "more_body": True},
            {"type": "http.request", "body": b"&b=", "more_body": True},
            {"type": "http.request", "body": b"2", "more_body": False},
        ]
        answer = with_messages(app, f"/{path}", messages, headers={"content-type": FORM})
        assert answer.text == f"a=1&b=2 {path}"


def with_messages(app: Any, path: str, messages: list[Any], **options: Any) -> Answer:
    """Ask with these very messages; after them the visitor has left."""

    async def over(scope: Any, receive: Any, send: Any) -> None:
        async def say() -> Any:
            return messages.pop(0) if messages else {"type": "http.disconnect"}

        await app(scope, say, send)

    return ask(over, path, method="POST", **options)


# ------------------------------------------------------------------------------------------------------------ the body


def bodies(wrap: Wrap) -> Any:
    app = FastAPI()

    @app.post("/page-then-app")
    async def page_then_app(page: Page, request: Request) -> Any:
        await page.request.text()
        return (await request.body()).decode()

    @app.post("/app-then-page")
    async def app_then_page(page: Page, request: Request) -> Any:
        await request.body()
        return await page.request.text()

    @app.post("/fastapi-then-page")
    async def fastapi_then_page(page: Page, value: dict[str, int]) -> Any:
        return await page.request.json()

    @app.post("/unread")
    async def unread(page: Page, request: Request) -> Any:
        assert page.request.method == "POST"
        assert not page.request.body_used
        return (await request.body()).decode()

    @app.post("/json")
    async def as_json(page: Page) -> Any:
        return await page.request.json()

    @app.post("/form")
    async def as_form(page: Page) -> Any:
        return dict(await page.request.form())

    return wrap(app, snapshots=False, body_limit=64)


def test_who_reads_the_body_second_is_told(wrap: Wrap) -> None:
    app = bodies(wrap)
    assert ask(app, "/page-then-app", method="POST", body=b"both").text == '"both"'  # the app is given it again
    for path in ("app-then-page", "fastapi-then-page"):
        with pytest.raises(BodyUsed, match="the app"):
            ask(app, f"/{path}", method="POST", body=b"{}", headers={"content-type": "application/json"})
    assert ask(app, "/unread", method="POST", body=b"kept").text == '"kept"'


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("json", {}, b"{broken", 400),
        ("json", {}, b"", 400),
        ("json", {}, b"\xff", 400),
        ("json", {}, b"[" * 60, 400),
        ("json", {}, b"1" * 65, 413),
        ("json", {"content-length": "1073741824"}, b"1", 413),
        ("form", {"content-type": "application/json"}, b"{}", 400),
        ("form", {"content-type": "multipart/form-data"}, b"x", 400),
        ("form", {"content-type": "multipart/form-data; boundary=x"}, b"--x\r\nbroken", 400),
        ("form", {"content-type": FORM}, b"a" * 65, 413),
    ],
)
def test_what_a_visitor_sends_wrong_is_a_clean_answer(
    path: str, headers: Any, body: bytes, status: int, wrap: Wrap
) -> None:
    answer = ask(bodies(wrap), f"/{path}", method="POST", headers=headers, body=body)
    assert answer.status == status
    assert set(answer.text) & set("{}") == set("{}")  # FastAPI's own shape: {"detail": ...}
    assert "Traceback" not in answer.text


def test_without_a_framework_it_is_a_clean_answer_as_well() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await current_page().request.json()

    answer = ask(OnDemand(app, snapshots=False), "/", method="POST", body=b"{")
    assert (answer.status, answer.header("content-type")) == (400, "text/plain; charset=utf-8")

    async def redirects(scope: Any, receive: Any, send: Any) -> None:
        current_page().cookies.set("a", "1")
        raise Redirect("/login", 303)

    answer = ask(OnDemand(redirects, snapshots=False), "/")
    assert (answer.status, answer.header("location"), answer.header("set-cookie")) == (303, "/login", "a=1; Path=/")


def test_a_visitor_who_leaves_half_way(wrap: Wrap) -> None:
    half = [{"type": "http.request", "body": b"{", "more_body": True}]
    assert with_messages(bodies(wrap), "/json", half).status == 400


def test_disconnected_ends_when_the_visitor_leaves_and_the_body_stays_readable(wrap: Wrap) -> None:
    gone, told = asyncio.Event(), list[str]()
    app = FastAPI()

    @app.post("/")
    async def slow(page: Page) -> str:
        watch = asyncio.ensure_future(page.request.disconnected())
        await asyncio.sleep(0)
        body = await page.request.text()
        assert not watch.done()
        gone.set()
        await watch
        told.append(body)
        return "nobody hears this"

    messages = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b", "more_body": False},
    ]
    wrapped = wrap(app, snapshots=False)

    async def over(scope: Any, receive: Any, send: Any) -> None:
        async def say() -> Any:
            if messages:
                return messages.pop(0)
            await gone.wait()
            return {"type": "http.disconnect"}

        await wrapped(scope, say, send)

    ask(over, "/", method="POST")
    assert told == ["ab"]


def test_uploads_are_files_on_disk(wrap: Wrap) -> None:
    app = FastAPI()

    @app.post("/")
    async def upload(page: Page) -> Any:
        form = await page.request.form(limit=8_000_000)
        file: Any = form["file"]
        data = await file.read()
        return [form["title"], file.filename, file.content_type, file.size, len(data), file.file._rolled]

    head = (
        b'--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nHello\r\n--x\r\nContent-Disposition: form-data; '
        b'name="file"; filename="../../a b.bin"\r\nContent-Type: application/x-own\r\n\r\n'
    )
    body = head + b"z" * 3_000_000 + b"\r\n--x--\r\n"
    answer = ask(
        wrap(app, snapshots=False),
        "/",
        method="POST",
        body=body,
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert answer.text == '["Hello","a b.bin","application/x-own",3000000,3000000,true]'


# ---------------------------------------------------------------------------------------------------- what a page returns


@pytest.mark.parametrize("status", [200, 204, 304])
def test_a_response_streams_and_knows_head(status: int, wrap: Wrap) -> None:
    async def chunks() -> Any:
        yield "a"
        yield b""
        yield "é".encode()

    async def endpoint(request: Request) -> Any:
        return Response(chunks(), status, {"content-type": "text/plain"})

    app: Callable[..., Any] = wrap(Starlette(routes=[Route("/", endpoint)]), snapshots=False)
    answer = ask(app, "/")
    assert (answer.status, answer.header("content-length")) == (status, "3" if status == 200 else None)
    assert answer.body == ("aé".encode() if status == 200 else b"")
    assert ask(app, "/", method="HEAD").body == b""
    with pytest.raises(TypeError, match="It takes text, bytes, or a generator"):
        Response(5)  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------------- what an attacker tried


def test_a_number_is_read_in_linear_time() -> None:
    cookie = ondemand.Page.for_test(cookies={"n": "1" * 60_000 + "x"}).cookies["n"]
    for _ in range(100):  # once took a minute
        assert cookie.number(default=0) == 0


def test_waiting_for_the_end_takes_no_whole_body_into_memory(wrap: Wrap) -> None:
    app, sent = FastAPI(), list[int]()

    @app.post("/")
    async def waits(page: Page) -> int:
        watch = asyncio.ensure_future(page.request.disconnected())
        for _ in range(200):
            await asyncio.sleep(0)
        before = len(sent)
        size = len(await page.request.bytes(limit=None))
        watch.cancel()
        assert before <= 2
        return size

    wrapped = wrap(app, snapshots=False)

    async def over(scope: Any, receive: Any, send: Any) -> None:
        async def say() -> Any:
            sent.append(1)
            return {"type": "http.request", "body": b"x" * 50_000, "more_body": len(sent) < 100}

        await wrapped(scope, say, send)

    assert ask(over, "/", method="POST").text == "5000000"


def test_a_stream_ends_when_the_visitor_leaves(wrap: Wrap) -> None:
    closed, gone = list[str](), asyncio.Event()

    async def endless() -> Any:
        try:
            while True:
                yield "x"
                gone.set()
                await asyncio.sleep(0)
        finally:
            closed.append("closed")

    async def endpoint(request: Request) -> Response:
        return Response(endless())

    wrapped = wrap(Starlette(routes=[Route("/", endpoint)]), snapshots=False)

    async def over(scope: Any, receive: Any, send: Any) -> None:
        async def leaves() -> Any:
            await gone.wait()
            return {"type": "http.disconnect"}

        await wrapped(scope, leaves, send)

    assert ask(over, "/").status == 200
    assert closed == ["closed"]


LOGIN = Redirect("/login")


def test_a_redirect_that_is_made_once_is_raised_for_everyone_and_keeps_no_one(wrap: Wrap) -> None:
    app = FastAPI()

    @app.get("/")
    async def home() -> None:
        raise LOGIN

    wrapped = wrap(app, snapshots=False)
    for _ in range(3):
        answer = ask(wrapped, "/")
        assert (answer.status, answer.header("location"), answer.body) == (302, "/login", b"")
    assert LOGIN.__traceback__ is None


def test_a_form_of_one_huge_name_is_refused(wrap: Wrap) -> None:
    app = FastAPI()

    @app.post("/")
    async def form(page: Page) -> Any:
        return list(await page.request.form())

    headers = {"content-type": FORM}
    assert ask(wrap(app, snapshots=False), "/", method="POST", headers=headers, body=b"%41" * 3_000_000).status == 413


def test_the_page_for_an_error_says_nothing_against_the_page_that_asked_for_it(
    wrap: Wrap, dist: Path, built: Build
) -> None:
    app = FastAPI()

    @app.get("/404")
    async def not_found() -> HTMLResponse:
        return HTMLResponse("mine", 404)

    @app.get("/")
    async def home(page: Page, own: bool = False) -> Response:
        page.cookies.set("sid", "secret")
        page.response.headers["Cache-Control"] = "private, no-store"
        return Response(None, 404, {"cache-control": "no-store"} if own else None)

    wrapped = wrap(app, dist=dist, snapshots=True)
    for _ in ("live", "built"):
        answer = ask(wrapped, "/?x=1")
        assert (answer.text, answer.header("cache-control"), answer.header("etag")) == (
            "mine",
            "private, no-store",
            None,
        )
        assert ask(wrapped, "/?own=1").header("cache-control") in {"no-store", "private, no-store"}
        built(wrapped)


def test_a_guards_404_tells_nothing_of_a_redirect_behind_it(wrap: Wrap) -> None:
    async def hides(page: ondemand.Page) -> Response:
        return Response(None, 404)

    app = FastAPI()
    app.get("/404")(lambda: HTMLResponse("mine"))
    settings = {"rules": {"/old/**": Rule(guard=hides)}, "redirects": {"/old/{x}": "https://secret.example/{x}"}}
    answer = ask(wrap(app, snapshots=False, **settings), "/old/abc")
    assert (answer.status, answer.text, answer.header("location")) == (404, "mine", None)


def test_the_page_for_an_error_may_stream_and_is_behind_its_own_guard(wrap: Wrap) -> None:
    async def deny(page: ondemand.Page) -> Response:
        return Response("denied", 401)

    def site(**settings: Any) -> Any:
        app = FastAPI()
        app.get("/404")(lambda: StreamingResponse(iter(["a", "b"]), media_type="text/html"))
        app.get("/x")(lambda: Response(None, 404))
        return wrap(app, snapshots=False, **settings)

    assert ask(site(), "/x").text == "ab"
    answer = ask(site(rules={"/404": Rule(guard=deny)}), "/x")
    assert (answer.status, "404: Not Found" in answer.text) == (404, True)


def test_an_ondemand_inside_another_records_nothing_twice(dist: Path, built: Build) -> None:
    inner = Starlette(routes=[Route("/", lambda request: HTMLResponse("<p>inner</p>"))])
    outer = Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse('<a href="/sub/">sub</a>')),
            Mount("/sub", OnDemand(inner, snapshots=False)),
        ]
    )
    wrapped = OnDemand(outer, dist=dist, snapshots=True)
    built(wrapped)
    assert (dist / "site/sub/index.html").read_text() == "<p>inner</p>"


def test_paths_are_for_everyone_and_have_no_page(wrap: Wrap) -> None:
    seen: list[str] = []

    async def paths() -> Any:
        with pytest.raises(ondemand.PageUnavailable):
            current_page()
        seen.append("asked")
        yield ondemand.StaticPath({"slug": "a"}, props={"n": 1})

    app = FastAPI()

    @app.get("/{slug}")
    @ondemand.prerender(paths=paths)
    async def page_of(page: Page) -> Any:
        assert current_page() is page
        return dict(page.props)

    assert ask(wrap(app, snapshots=False), "/a").text == '{"n":1}'
    assert seen == ["asked"]


def test_the_rest_of_a_body_that_is_too_large_is_not_given_as_a_whole(wrap: Wrap) -> None:
    async def caught(request: Request) -> PlainTextResponse:
        with pytest.raises(ondemand.BodyTooLarge):
            await ondemand.Page.of(request).request.bytes(limit=10)
        return PlainTextResponse(await request.body())

    app = wrap(Starlette(routes=[Route("/", caught, methods=["POST"])]), snapshots=False)
    messages = [
        {"type": "http.request", "body": b"x" * 20, "more_body": True},
        {"type": "http.request", "body": b'{"role": "admin"}', "more_body": False},
    ]
    assert with_messages(app, "/", messages).text == ""


def test_allowed_hosts_hold_for_websockets(wrap: Wrap) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def ws(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")

    client = TestClient(wrap(app, snapshots=False, allowed_hosts=["shop.example"]))
    with client.websocket_connect("/ws", headers={"host": "shop.example"}) as socket:
        assert socket.receive_text() == "hello"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/ws", headers={"host": "evil.example"}):
        pass
