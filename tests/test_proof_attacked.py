"""Apps that hide from the proof what they depend on, and apps that only look as if they depended on somebody."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from fastapi import Depends, FastAPI
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from ondemand import Pages, prerender
from tests.asking import Wrap, innermost, write_site
from tests.conftest import Build
from tests.test_cli import ondemand
from tests.test_proof import of, page, why

USERS = {"tok-1": "Alice"}
"""No visitor that a build makes up is one of them: that a page depends on them is seen by what it reads, or not at all."""


def user_of(request: Request) -> str:
    return USERS.get(request.cookies.get("sid", ""), "guest")


async def user_of_async(request: Request) -> str:
    await asyncio.sleep(0)
    return user_of(request)


def app_of(handler: Any, *, marked: bool = False) -> FastAPI:
    """An app with a copy of `handler` at /: a mark stays on the function that it was given."""
    endpoint = FunctionType(handler.__code__, globals(), handler.__name__, handler.__defaults__, handler.__closure__)
    endpoint.__annotations__ = handler.__annotations__
    app = FastAPI(openapi_url=None)
    app.get("/")(prerender(endpoint) if marked else endpoint)
    return app


# --- reading that hides


async def gathers(request: Request) -> Response:
    (user,) = await asyncio.gather(user_of_async(request))
    return page(user)


async def groups(request: Request) -> Response:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(user_of_async(request))
    return page(task.result())


async def in_a_thread(request: Request) -> Response:
    return page(await asyncio.to_thread(user_of, request))


def looks_by_name(found: Callable[[bytes], bool]) -> Any:
    async def handler(request: Request) -> Response:
        known = any(name == b"cookie" and found(value) for name, value in request.scope["headers"])
        return page("Alice" if known else "guest")

    return handler


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize(
    "handler",
    [
        gathers,
        groups,
        in_a_thread,
        looks_by_name(lambda value: value[4:9] == b"tok-1"),
        looks_by_name(lambda value: value.endswith(b"tok-1")),
        looks_by_name(lambda value: "tok 1" in str(value, "latin-1")),  # no word that could be sent as a name
    ],
    ids=["gather", "task group", "thread", "slice", "endswith", "str"],
)
def test_reading_is_seen_wherever_page_code_does_it(
    marked: bool, handler: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    report = built(wrap(app_of(handler, marked=marked), dist=dist, snapshots=True))
    if marked:
        assert [finding.kind for finding in of(report, "/")] == ["reads"]
        assert Path(__file__).name in of(report, "/")[0].frames[0]
    else:
        assert why(report, "/")[1].startswith("it reads the request's cookies, which a build has not (")


class Middleware:
    def __init__(self, app: Any) -> None:
        self.app = app

    def enter(self, scope: Any) -> None: ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.enter(scope)
        await self.app(scope, receive, send)


class InState(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        request.state.user = user_of(request)
        return await call_next(request)


class InPlainState(Middleware):
    def enter(self, scope: Any) -> None:
        scope.setdefault("state", {})["user"] = user_of(Request(scope))


class TokenInState(Middleware):
    def enter(self, scope: Any) -> None:
        scope["state"]["user"] = Request(scope).headers.get("authorization", "")


class InScope(Middleware):
    def enter(self, scope: Any) -> None:
        scope["who"] = user_of(Request(scope))


class InSession(Middleware):
    def enter(self, scope: Any) -> None:
        scope["session"] = {"user": user_of(Request(scope))}


async def shows_state(request: Request) -> Response:
    return page(USERS.get(request.state.user, "guest"))


async def shows_scope(request: Request) -> Response:
    return page(request.scope["who"])


async def shows_session(request: Request) -> Response:
    return page(request.session["user"])


LEFT = "it reads what middleware found out about the visitor, which a build has not ("


@pytest.mark.parametrize(
    ("middleware", "handler", "reason"),
    [
        (InState, shows_state, LEFT),
        (InPlainState, shows_state, LEFT),
        (TokenInState, shows_state, LEFT),
        (InScope, shows_scope, LEFT),
        (InSession, shows_session, "it reads the session, which a build has not ("),
    ],
)
def test_what_middleware_finds_out_about_a_visitor_is_seen_where_a_page_uses_it(
    middleware: Any, handler: Any, reason: str, wrap: Wrap, dist: Path, built: Build
) -> None:
    def site(*, marked: bool, **settings: Any) -> Any:
        app = app_of(handler, marked=marked)
        app.add_middleware(middleware)
        return wrap(app, dist=dist, snapshots=True, skips=[middleware.__name__], **settings)

    assert why(built(site(marked=False)), "/")[1].startswith(reason)
    kind = "session" if middleware is InSession else "reads"
    assert {finding.kind for finding in built(site(marked=True)).findings} == {kind}


def test_what_middleware_in_front_of_ondemand_finds_out_is_seen_too(dist: Path, built: Build) -> None:
    app = app_of(shows_state)
    innermost(app, dist=dist, snapshots=True)
    app.add_middleware(InState)
    assert why(built(app), "/")[1].startswith(LEFT)


def test_an_identity_proves_that_a_page_does_not_show_what_middleware_found_out(
    wrap: Wrap, dist: Path, built: Build
) -> None:
    async def logs(request: Request) -> Response:
        str(request.state.user)
        return page("same")

    app = app_of(logs, marked=True)
    app.add_middleware(InState)
    settings: dict[str, Any] = {"dist": dist, "snapshots": True, "skips": ["InState"]}
    assert built(wrap(app, identities={"alice": {"cookie": "sid=tok-1"}}, **settings)).findings == []


def test_a_middleware_that_redirects_who_is_not_logged_in_is_never_published_in_silence(
    wrap: Wrap, dist: Path, built: Build
) -> None:
    class Guards(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Response:
            if request.url.path == "/" and user_of(request) == "guest":
                return RedirectResponse("/login", 302)
            return await call_next(request)

    async def login(request: Request) -> Response:
        return page("log in")

    app = app_of(login, marked=True)
    app.get("/login")(login)
    app.add_middleware(Guards)
    (finding,) = built(wrap(app, dist=dist, snapshots=True, skips=["Guards"])).findings
    assert (finding.kind, finding.path) == ("reads", "/")
    assert "in user_of: " in finding.frames[0]


# --- middleware that reads for every page, and says nothing about any


class Logs(Middleware):
    def enter(self, scope: Any) -> None:
        user_of(Request(scope))
        dict(scope["headers"]).get(b"authorization", b"").decode()


class LogsInATask(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        task = asyncio.create_task(user_of_async(request))
        response = await call_next(request)
        await task
        return response


class Numbers(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        request.state.number = request.headers.get("x-request-id", "1")
        user_of(request)
        return await call_next(request)


@pytest.mark.parametrize("middleware", [Logs, LogsInATask, Numbers])
def test_middleware_that_reads_and_tells_the_page_nothing_is_no_finding(
    middleware: Any, wrap: Wrap, dist: Path, built: Build
) -> None:
    async def same(request: Request) -> Response:
        return page(f"{request.url_for('same').path} {getattr(request.state, 'number', 1)}")

    app = app_of(same, marked=True)
    app.add_middleware(middleware)
    assert built(wrap(app, dist=dist, snapshots=True, skips=[middleware.__name__])).findings == []


def test_middleware_that_reads_in_front_of_ondemand_says_nothing_about_pages_of_our_own(
    dist: Path, built: Build
) -> None:
    pages = Pages()

    @pages.page("/")
    def own(page: Any) -> str:
        return "<p>same"

    app = FastAPI(openapi_url=None)
    innermost(app, dist=dist, snapshots=True, pages=pages)
    app.add_middleware(InState)
    assert built(app).findings == []


# --- headers that no list has


def user_of_key(request: Request) -> str:
    return USERS.get(request.headers.get("x-api-key", ""), "guest")


async def by_key(user: str = Depends(user_of_key)) -> Response:
    return page(user)


async def by_proxy(request: Request) -> Response:
    return page(request.headers.get("x-forwarded-user", "guest"))


async def by_country(request: Request) -> Response:
    return page("EUR" if request.headers.get("cf-ipcountry") in {"DE", "FR"} else "USD")


async def for_robots(request: Request) -> Response:
    return page("short" if "Googlebot" in request.headers.get("user-agent", "") else "long")


async def by_region(request: Request) -> Response:
    return page("oi" if "pt-BR" in request.headers.get("accept-language", "") else "hi")


async def by_network(request: Request) -> Response:
    return page("inside" if request.client and request.client.host.startswith("10.") else "outside")


async def for_browsers(request: Request) -> Response:
    return page("hi") if "text/html" in request.headers.get("accept", "") else PlainTextResponse("hi")


HEADERS = "it reads the request's headers, which a build has not ("


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (by_key, HEADERS),
        (
            by_proxy,
            "it differs for a visitor with the header x-forwarded-user: line 2: <p>[guest | ondemand-canary]</p>",
        ),
        (by_country, HEADERS),
        (for_robots, HEADERS),
        (by_region, HEADERS),
        (by_network, "it reads the client's address, which a build has not ("),
        (for_browsers, "it differs for a visitor with headers of all kinds: line 1: [hi | <!doctype html>"),
    ],
)
def test_headers_that_the_users_code_names_are_sent_and_watched(
    handler: Any, reason: str, wrap: Wrap, dist: Path, built: Build
) -> None:
    assert why(built(wrap(app_of(handler), dist=dist, snapshots=True)), "/")[1].startswith(reason)


# --- what answers otherwise although the page is the same


def limits(count: int, key: Callable[[Request], str]) -> Any:
    class Limits(BaseHTTPMiddleware):
        met: ClassVar[dict[str, int]] = {}

        async def dispatch(self, request: Request, call_next: Any) -> Response:
            self.met[key(request)] = self.met.get(key(request), 0) + 1
            if self.met[key(request)] > count:
                return PlainTextResponse("slow down", 429)
            return await call_next(request)

    return Limits


async def same(request: Request) -> Response:
    return page("same")


def client_of(request: Request) -> str:
    return request.client.host if request.client else ""


@pytest.mark.parametrize("inside", [True, False])
def test_a_limit_of_requests_by_client_is_no_difference(inside: bool, dist: Path, built: Build) -> None:
    app = app_of(same, marked=True)
    if inside:
        app.add_middleware(limits(5, client_of))
    innermost(app, dist=dist, snapshots=True, skips=["Limits"])
    if not inside:
        app.add_middleware(limits(5, client_of))
    assert built(app).findings == []


def test_a_limit_of_all_requests_is_told_as_one(dist: Path, built: Build) -> None:
    app = innermost(app_of(same, marked=True), dist=dist, snapshots=True)
    app.add_middleware(limits(5, lambda request: ""))
    (finding,) = built(app).findings
    assert finding.message == (
        "It is marked static, but it cannot be asked often enough to tell: something in front of it answers 429."
    )
    assert "ondemand.is_building()" in finding.remedy


def test_an_address_of_the_page_itself_is_no_difference_in_json_or_in_another_address(
    wrap: Wrap, dist: Path, built: Build
) -> None:
    async def shared(request: Request) -> Response:
        own = str(request.url)
        in_json = json.dumps(own).replace("/", "\\/")
        return page(f'<a href="https://share.example/?u={quote(own, safe="")}">share</a><script>{in_json}</script>')

    app = app_of(shared, marked=True)
    assert built(wrap(app, dist=dist, snapshots=True, site="https://example.com")).findings == []


def test_headers_that_differ_are_shown_as_they_are_sent(wrap: Wrap, dist: Path, built: Build) -> None:
    async def negotiates(request: Request) -> Response:
        language = "fr" if request.headers.get("accept-language", "").startswith("fr") else "en"
        return page("same", headers={"content-language": language})

    report = built(wrap(app_of(negotiates, marked=True), dist=dist, snapshots=True))
    assert "its header content-language: [en | fr]" in of(report, "/")[0].message


# --- logins that go wrong


async def hangs() -> None:
    await asyncio.sleep(1000)


def ends() -> None:
    sys.exit(2)


LOGINS: list[tuple[Any, str]] = [
    (hangs, "did not finish in 0.2 seconds"),
    (ends, "raised SystemExit: 2"),
    (lambda: "hunter2", "returned a str. Return a mapping of headers to values, or None"),
    (lambda: {b"cookie": b"hunter2"}, "returned a value for b'cookie' that is no header's"),
    (lambda: {"cookie": "hunter2\n"}, "returned a value for 'cookie' that is no header's"),
    (lambda client: None, "returned None, and no answer to its client set a cookie"),
]


@pytest.mark.parametrize(("login", "said"), LOGINS)
def test_a_login_that_goes_wrong_is_told_as_what_it_is(login: Any, said: str, dist: Path, built: Build) -> None:
    app = app_of(same, marked=True)
    innermost(app, dist=dist, snapshots=True, identities={"bob": login}, page_timeout=0.2)
    (finding,) = built(app).findings
    assert (finding.kind, finding.message) == ("identity", f"The login of the identity 'bob' {said}.")
    assert "hunter2" not in finding.message
    assert all(Path(__file__).name in frame for frame in finding.frames)


def test_where_a_page_raises_for_some_visitors_is_shown(wrap: Wrap, dist: Path, built: Build) -> None:
    async def parses(request: Request) -> Response:
        if token := request.headers.get("authorization"):
            int(token)
        return page("same")

    (finding,) = of(built(wrap(app_of(parses, marked=True), dist=dist, snapshots=True)), "/")
    assert "with an Authorization header: it raises ValueError" in finding.message
    assert "in parses: int(token)" in finding.frames[-1]


@pytest.mark.parametrize(
    "settings", ['SESSION_COOKIE = "acme_login"', 'class Settings:\n    cookie_name = "acme_login"']
)
def test_a_cookie_whose_name_stands_in_another_module_is_sent(settings: str, tmp_path: Path) -> None:
    source = """
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from ondemand import OnDemand, prerender
import settings

app = FastAPI(openapi_url=None)

@app.get("/")
@prerender
async def home(request: Request):
    name = getattr(settings, "SESSION_COOKIE", None) or settings.Settings.cookie_name
    return HTMLResponse({"tok-1": "Alice"}.get(request.cookies.get(name), "guest"))

app.add_middleware(OnDemand)
"""
    folder = write_site(tmp_path / "site", source)
    (folder / "settings.py").write_text(settings, encoding="utf-8")
    done = ondemand(folder, "check")
    assert "it reads the request's cookies, which a build has not." in done.stdout
