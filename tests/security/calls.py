"""What page code, or an app around, calls: each case by its name, as a function that raises where what the case demands
does not hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from ondemand import (
    BodyTooLarge,
    OnDemand,
    Page,
    Pages,
    Redirect,
    Response,
    TemplateError,
    build,
    current_page,
    prerender,
)
from ondemand.forms import MAX_PARTS
from ondemand.proxies import Hosts, checked_host
from tests.asking import ask, ask_async, is_snapshot, make_scope

__all__ = ["CALLS"]

CALLS: dict[str, Callable[[Path], None]] = {}


def call(case: str) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        CALLS[case] = function
        return function

    return register


def alone(page: Any, path: str = "/p", **settings: Any) -> OnDemand:
    """A site of one page, rendered on demand."""
    pages = Pages()
    pages.page(path, prerender=False)(page)
    return OnDemand(pages=pages, snapshots=False, **settings)


def refused(name: str, value: Any) -> None:
    async def page(page: Any) -> str:
        with pytest.raises(ValueError, match="no valid HTTP header"):
            page.response.headers[name] = value
        with pytest.raises(ValueError, match="no valid HTTP header"):
            Response("", headers={name: value})
        return "REFUSED"

    answer = ask(alone(page), "/p")
    assert (answer.text, answer.header("x-injected")) == ("REFUSED", None)


@call("api-header-crlf")
def a_line_break_in_a_header(folder: Path) -> None:
    refused("X-A", "b\r\nX-Injected: 1")


@call("api-header-name")
def a_name_that_is_none(folder: Path) -> None:
    refused("X A:", "b")


@call("api-header-unicode")
def a_character_that_no_header_has(folder: Path) -> None:
    refused("X-A", "€")


@call("api-header-ctype")
def a_line_break_in_a_content_type(folder: Path) -> None:
    refused("Content-Type", "text/html\r\nX-Injected: 1")


@call("api-status")
def a_status_that_is_none(folder: Path) -> None:
    for status in (99, 1000, "200", 0):
        with pytest.raises(ValueError, match="a number between 200 and 599"):
            Response("", status)  # type: ignore[arg-type]


@call("api-redirect-crlf")
def a_line_break_in_a_redirect(folder: Path) -> None:
    for make in (Response.redirect, Redirect, Page.for_test("/").redirect):
        with pytest.raises(ValueError, match="control character"):
            make("/x\r\nSet-Cookie: injected=1")


@call("api-cookie-merge")
def no_cookie_is_lost(folder: Path) -> None:
    pages = Pages()

    @pages.on_request
    async def middleware(page: Any, next: Any) -> Any:
        page.cookies.set("middleware", "1")
        response = await next()
        page.cookies.set("after", "1")
        return response

    @pages.page("/p", prerender=False)
    async def page(page: Any) -> Any:
        page.cookies.set("page", "1")
        return Response(None, 404, [("set-cookie", "returned=1"), ("set-cookie", "second=1")])

    @pages.page("/404", prerender=False)
    async def missing(page: Any) -> str:
        page.cookies.set("missing", "1")
        return "MISSING"

    answer = ask(OnDemand(pages=pages, snapshots=False), "/p")
    names = {value.partition("=")[0] for name, value in answer.headers if name == "set-cookie"}
    assert (answer.status, answer.text) == (404, "MISSING")
    assert names == {"middleware", "after", "page", "returned", "second", "missing"}


@call("api-url-type")
def the_path_of_the_url(folder: Path) -> None:
    async def page(page: Any) -> Any:
        return Response.json([page.url.pathname, page.request.url.pathname, page.request.path, page.url.search])

    answer = ask(alone(page), "/p", headers={"host": "a/b?c"})
    assert answer.text == '["/p","/p","/p",""]'


@call("api-form-limit")
def limits_of_both_encodings(folder: Path) -> None:
    async def page(page: Any) -> str:
        with pytest.raises(BodyTooLarge):
            await page.request.form()
        with pytest.raises(BodyTooLarge):
            await Page.for_test("/p", method="POST", headers=multipart, body=parts).request.form()
        return "REFUSED"

    fields = "&".join(f"k{n}=v" for n in range(MAX_PARTS + 1)).encode()
    part = '--x\r\nContent-Disposition: form-data; name="k"\r\n\r\nv\r\n'
    parts = (part * (MAX_PARTS + 1) + "--x--\r\n").encode()
    multipart = {"content-type": "multipart/form-data; boundary=x"}
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": "http://testserver"}
    assert ask(alone(page), "/p", method="POST", body=fields, headers=headers).text == "REFUSED"


def shown(folder: Path, template: str, value: str) -> str:
    (folder / "p.mako").write_text(template)

    async def page(page: Any) -> Any:
        return page.render("p.mako", v=value)

    return ask(alone(page, templates=folder), "/p").text


@call("api-mako-escape")
def templates_escape(folder: Path) -> None:
    text = shown(folder, "<p title='${v}'>${v}</p>", "'><script>alert(1)</script>")
    assert "<script>alert(1)" not in text
    assert "'><" not in text.replace("'>&", "")


@call("api-mako-script")
def text_in_a_script(folder: Path) -> None:
    template = "<%! import json %><script>v = ${json.dumps(v)}</script>"
    for value in ("</script><script>alert(1)</script>", "<!--<script"):
        text = shown(folder, template, value).removeprefix("<script>").removesuffix("</script>")
        assert "<" not in text


@call("api-mako-lookup")
def names_of_templates(folder: Path) -> None:
    (folder / "p.mako").write_text("fine")

    async def page(page: Any) -> str:
        for name in ("//../../../../etc/passwd", "../../etc/passwd", "..\\..\\etc\\passwd", "/etc/passwd"):
            with pytest.raises(TemplateError):
                page.render(name)
        return "REFUSED"

    assert ask(alone(page, templates=folder), "/p").text == "REFUSED"


@call("api-context")
def each_thread_its_own_request(folder: Path) -> None:
    async def page(page: Any) -> str:
        await asyncio.sleep(0)
        return await asyncio.to_thread(lambda: current_page().request.query["n"])

    app = alone(page)

    async def all_at_once() -> list[str]:
        answers = await asyncio.gather(*(ask_async(app, f"/p?n={n}") for n in range(50)))
        return [answer.text for answer in answers]

    assert asyncio.run(all_at_once()) == [str(n) for n in range(50)]


@call("api-allowed-wild")
def wildcards_of_hosts(folder: Path) -> None:
    hosts = Hosts(["*.example.com"])
    asked = ["a.example.com", "example.com", "example.com.evil.com", "aexample.com", "a.b.example.com", "xexample.com"]
    assert [one for one in asked if hosts.covers(*(checked_host(one) or ("", "")))] == ["a.example.com"]


@call("api-mount")
def below_a_mount(folder: Path) -> None:
    async def private(request: Request) -> HTMLResponse:
        return HTMLResponse("PRIVATE")

    @prerender
    async def about(request: Request) -> HTMLResponse:
        return HTMLResponse("ABOUT")

    def site(**settings: Any) -> OnDemand:
        app = Starlette(routes=[Route("/private", private), Route("/about", about)])
        more: dict[str, Any] = {"trailing_slash": "never", "redirects": {"/old": "/about"}}
        return OnDemand(app, dist=folder / "dist", **more, **settings)

    build(site(snapshots=False))
    app = Starlette(routes=[Mount("/app", app=site(snapshots=True))])
    assert ask(app, "/appX/private").status == 404
    assert ask(app, "/appX/about").status == 404
    assert is_snapshot(ask(app, "/app/about"))
    assert ask(app, "/app/private").text == "PRIVATE"
    assert ask(app, "/app/old").header("location") == "/app/about"
    assert ask(app, "/app/about/").header("location") == "/app/about"


@call("api-static-vs-guard")
def found_by_the_exact_path(folder: Path) -> None:
    pages = Pages()
    pages.page("/members")(lambda page: "MEMBERS")

    def site(**settings: Any) -> OnDemand:
        return OnDemand(pages=pages, dist=folder / "dist", **settings)

    build(site(snapshots=False))
    app = site(snapshots=True)

    async def guard(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].startswith("/members"):
            await Response("DENIED", 403)(scope, receive, send)
            return
        await app(scope, receive, send)

    assert is_snapshot(ask(app, "/members"))
    for path in (
        "//members",
        "/./members",
        "/x/../members",
        "/Members",
        "/%6dembers",
        "/members",
        "/members/",
        "\\members",
    ):
        answer = ask(guard, path, raw_path=b"/members")
        assert "MEMBERS" not in answer.text, path


@call("api-websocket")
def other_scopes_pass_through(folder: Path) -> None:
    passed: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append((scope["type"], receive, send))

    async def receive() -> Any:
        return {}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    wrapper = OnDemand(app, snapshots=False)
    asyncio.run(wrapper({**make_scope("/"), "type": "websocket"}, receive, send))
    asyncio.run(wrapper({"type": "lifespan", "asgi": {}}, receive, send))
    assert [kind for kind, *_ in passed] == ["websocket", "lifespan"]
    assert passed[0][1:] == (receive, send)
