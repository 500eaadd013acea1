"""`sites/server` of the data as a FastAPI app: each function is the file named above it, in Python and with our API.

A page's own HTML is an `HTMLResponse`, as a template engine would give it; a `Response` that a page or endpoint returns is
ours. A text of an endpoint names its type, since ours is HTML where JavaScript's platform says text/plain. Where a component
waits, the page is an async iterator, which starts what it waits for before it begins.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse

from ondemand import BodyError, BodyUsed, OnDemand, Redirect, Response, StaticPath, prerender
from ondemand.cookies import Cookie
from ondemand.fastapi import Page
from ondemand.forms import UploadedFile
from tests.conformance.sites.porting import EVERY, Porting

__all__ = ["FILES", "app"]

app = FastAPI(redirect_slashes=False, openapi_url=None)
site = Porting(app)
FILES = site.files

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
BEGIN, END = "<!DOCTYPE html><html><body>", "</body></html>"


def html(text: str) -> HTMLResponse:
    return HTMLResponse(f"<!DOCTYPE html>{text}")


def text(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status, {"content-type": TEXT, **(headers or {})})


def escaped(value: object) -> str:
    """As Astro escapes texts: & < > " '."""
    found = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return found.replace('"', "&quot;").replace("'", "&#39;")


def compact(value: object) -> str:
    """`JSON.stringify(value)`, which leaves out what is undefined."""
    if isinstance(value, Mapping):
        value = {name: one for name, one in value.items() if one is not None}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def shown(number: float) -> str:
    """A number in a page."""
    return "NaN" if math.isnan(number) else str(number)


async def later(seconds: float, value: str) -> str:
    await asyncio.sleep(seconds)
    return value


async def late_failure(seconds: float) -> str:
    await asyncio.sleep(seconds)
    raise RuntimeError("late failure")


# --- cookies


@site.page("cookies/counter-plain.astro")
async def counter_plain(page: Page) -> HTMLResponse:
    counter: float = 0
    if page.cookies.has("visits"):
        counter = page.cookies["visits"].number() + 1
    page.cookies.set("visits", counter)
    return html(f"<html><h1>Counter = {shown(counter)}</h1></html>")


@site.endpoint("cookies/attributes.ts", "GET", "HEAD")
async def attributes(page: Page) -> Response:
    page.cookies.set("plain", "one two")
    page.cookies.set(
        "full",
        "x",
        path="/",
        domain="conformance.test",
        max_age=3600,
        http_only=True,
        secure=True,
        same_site="lax",
    )
    page.cookies.set("until", "x", expires=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC))
    return text("ok")


@site.page("cookies/delete.astro")
async def delete_cookie(page: Page) -> HTMLResponse:
    before = page.cookies.has("gone")
    page.cookies.delete("gone", path="/cookies")
    return html(f"<p>before {compact(before)} after {compact(page.cookies.has('gone'))}</p>")


@site.endpoint("cookies/set-then-get.ts", "GET", "HEAD")
async def set_then_get(page: Page) -> Response:
    page.cookies.set("a", {"n": 1})
    value = page.cookies["a"].json()
    page.cookies.delete("a")
    return Response.json({"json": value, "after": page.cookies.get("a")})


@site.endpoint("cookies/overwrite.ts", "GET", "HEAD")
async def overwrite(page: Page) -> Response:
    page.cookies.set("a", "1")
    page.cookies.set("b", "2")
    page.cookies.set("a", "3")
    return text("ok")


@site.page("cookies/in-component.astro")
async def cookie_in_component(page: Page) -> HTMLResponse:
    def sets_cookie() -> str:
        page.cookies.set("late", "yes")
        return "<i>component</i>"

    page.cookies.set("early", "yes")
    return html(f"<html><body><p>page</p>{sets_cookie()}<p>end</p></body></html>")


@site.endpoint("cookies/own-header.ts", "GET", "HEAD")
async def own_header(page: Page) -> Response:
    page.cookies.set("from-api", "1")
    by_hand = [("Set-Cookie", "by-hand=2; Path=/"), ("Set-Cookie", "by-hand-too=3"), ("Content-Type", TEXT)]
    return Response("ok", headers=by_hand)


@site.page("cookies/then-redirect.astro")
async def cookie_then_redirect(page: Page) -> Response:
    page.cookies.set("flash", "saved", path="/")
    return page.redirect("/cookies/counter", 303)


@site.page("cookies/then-response.astro")
async def cookie_then_response(page: Page) -> Response:
    page.cookies.set("with-response", "1")
    return text("own response", 202)


@site.page("cookies/then-throw.astro")
async def cookie_then_throw(page: Page) -> Response:
    page.cookies.set("before-throw", "1")
    raise RuntimeError("after the cookie")


@site.page("cookies/then-404.astro")
async def cookie_then_404(page: Page) -> Response:
    page.cookies.set("on-404", "1")
    return Response(None, 404)


@site.endpoint("cookies/theme.ts", "POST")
async def set_theme(page: Page) -> Response:
    page.cookies.set("prefs", await page.request.json(), path="/", same_site="strict")
    return Response(None, 204)


@site.endpoint("cookies/theme.ts", "GET", "HEAD")
async def get_theme(page: Page) -> Response:
    prefs = page.cookies.get("prefs")
    return Response.json(prefs.json() if prefs is not None else {"theme": "light"})


@site.endpoint("cookies/bad-json.ts", "GET", "HEAD")
async def bad_json(page: Page) -> Response:
    prefs = page.cookies.get("prefs")
    return Response.json(prefs.json() if prefs is not None else None)


@site.endpoint("cookies/head.ts", "GET", "HEAD")
async def cookie_on_head(page: Page) -> Response:
    page.cookies.set("seen", "by-get")
    return text("body")


# --- response


@site.page("response/status.astro")
async def status(page: Page) -> HTMLResponse:
    page.response.status = 404
    page.response.status_text = "Not found"
    return html("<html><body><h1>No such product</h1></body></html>")


@site.page("response/status-only.astro")
async def status_only(page: Page) -> HTMLResponse:
    page.response.status = 201
    return html("<p>created</p>")


@site.page("response/status-500.astro")
async def status_500(page: Page) -> HTMLResponse:
    page.response.status = 500
    return html("<p>my own 500</p>")


@site.page("response/status-204.astro")
async def status_204(page: Page) -> HTMLResponse:
    page.response.status = 204
    return html("<p>has a body</p>")


@site.page("response/content-type.astro")
async def own_content_type(page: Page) -> HTMLResponse:
    page.response.headers["content-type"] = "text/plain; charset=utf-8"
    return html("<p>plain é</p>")


@site.page("response/header-unicode.astro")
async def header_unicode(page: Page) -> HTMLResponse:
    page.response.headers["x-name"] = "Zoë"
    return html("<p>latin1 header</p>")


@site.page("response/reassign-headers.astro")
async def reassign_headers(page: Page) -> HTMLResponse:
    page.response.headers = {"x-new": "1"}
    return html("<p>never</p>")


@site.page("response/returned-null-404.astro")
async def returned_null_404() -> Response:
    return Response(None, 404, status_text="Not found")


@site.page("response/returned-empty-404.astro")
async def returned_empty_404() -> Response:
    return text("", 404)


@site.page("response/returned-json.astro")
async def returned_json() -> Response:
    return Response.json({"ok": True, "name": "Zoë"}, 201)


@site.endpoint("response/bytes.ts", "GET", "HEAD")
async def response_bytes() -> Response:
    return Response(b"\x89PNG\0\xff\xfe", headers={"Content-Type": "image/png"})


@site.endpoint("response/stream.ts", "GET", "HEAD")
async def response_stream() -> Response:
    async def body() -> AsyncIterator[str]:
        yield "first\n"
        await asyncio.sleep(0.4)
        yield "second\n"

    return Response(body(), headers={"Content-Type": "text/event-stream"})


@site.endpoint("response/blob.ts", "GET", "HEAD")
async def response_blob() -> Response:
    headers = {"Content-Type": "text/csv", "Content-Disposition": 'attachment; filename="t.csv"'}
    return Response(b"a,b\n1,2\n", headers=headers)


@site.page("response/partial.astro")
async def partial() -> HTMLResponse:
    return HTMLResponse("<li>one</li><li>two</li>")


@site.page("response/no-html.astro")
async def no_html() -> HTMLResponse:
    return html("<p>only a paragraph</p>")


@site.page("response/own-doctype.astro")
async def own_doctype() -> HTMLResponse:
    return html('<html lang="en"><body>own</body></html>')


@site.page("response/empty.astro")
async def empty() -> HTMLResponse:
    return HTMLResponse("")


@site.page("response/escape.astro")
async def escape() -> HTMLResponse:
    value, raw = "<b>&\"'</b>", "<b>raw</b>"
    attribute = value.replace("&", "&amp;").replace('"', "&quot;")
    first = f'<p title="{attribute}">{escaped(value)}</p><p>{raw}</p><p>{escaped(raw)}</p>'
    return html(f"{first}<p>0true</p><p>1a<i>x</i></p>")


# --- redirect


@site.page("redirect/basic.astro")
async def redirect_basic(page: Page) -> Response:
    return page.redirect("/cookies/counter")


@site.endpoint("redirect/permanent.ts", "GET", "HEAD")
async def redirect_permanent(page: Page) -> Response:
    return page.redirect("/redirect/landing?from=permanent", 301)


@site.page("redirect/in-component.astro")
async def redirect_in_component(page: Page) -> HTMLResponse:
    def redirects() -> str:
        raise Redirect("/cookies/counter")

    return html(f"<html><body><p>before</p>{redirects()}<p>after</p></body></html>")


@site.page("redirect/with-headers.astro")
async def redirect_with_headers(page: Page) -> Response:
    page.response.headers["X-Lost"] = "1"
    page.cookies.set("kept", "1")
    return page.redirect("https://example.com/a?b=c", 307)


# --- request


@site.endpoint("request/headers.ts", "GET", "HEAD")
async def request_headers(page: Page) -> Response:
    headers = page.request.headers
    return Response.json(
        {
            "cookie": headers.get("cookie"),
            "agent": headers.get("User-Agent"),
            "multi": headers.get("x-multi"),
            "missing": headers.get("x-missing"),
            "names": sorted({name for name in headers if name.startswith("x-")}),
        }
    )


@site.endpoint("request/json.ts", "POST")
async def request_json(page: Page) -> Response:
    return Response.json({"got": await page.request.json()})


@site.endpoint("request/json-safe.ts", "POST")
async def request_json_safe(page: Page) -> Response:
    try:
        return Response.json({"got": await page.request.json()})
    except BodyError:
        return Response.json({"error": "bad json"}, 400)


@site.endpoint("request/form.ts", "POST")
async def request_form(page: Page) -> Response:
    def entry(value: str | UploadedFile) -> object:
        if isinstance(value, str):
            return value
        return {"file": value.filename, "type": value.content_type, "size": value.size}

    form = await page.request.form()
    return Response.json({"entries": [[name, entry(value)] for name, value in form.multi_items()]})


@site.endpoint("request/text.ts", *EVERY)
async def request_text(page: Page) -> Response:
    body = await page.request.text()
    return Response.json({"method": page.request.method, "length": len(body), "text": body})


@site.endpoint("request/bytes.ts", "PUT")
async def request_bytes(page: Page) -> Response:
    return Response.json({"bytes": list(await page.request.bytes())})


@site.endpoint("request/body-twice.ts", "POST")
async def body_twice(page: Page) -> Response:
    first = await page.request.text()
    used = page.request.body_used
    try:
        await page.request.text()
    except BodyUsed:
        return Response.json({"first": first, "used": used, "second": "TypeError"})
    return Response.json({"first": first, "used": used, "second": "read"})


@site.endpoint("request/clone.ts", "POST")
async def clone(page: Page) -> Response:
    body = await page.request.text()  # a text can be used twice: no request needs to be copied
    return Response.json({"a": body, "b": body})


@site.page("request/in-component.astro")
async def request_in_component(page: Page) -> HTMLResponse:
    def reads_request() -> str:
        seen = page.cookies.get("seen", Cookie("none")).value
        return f"<i>{page.url.pathname} {page.request.method} {seen} {page.params.get('id') or 'no-id'}</i>"

    return html(f"<html><body>{reads_request()}</body></html>")


@site.page("request/query.astro")
async def request_query(page: Page) -> HTMLResponse:
    number = Cookie(page.url.search_params.get("page") or "1").number()
    tags = page.url.search_params.getlist("tag")
    return html(f"<p>page {shown(number)} tags {escaped('+'.join(tags))}</p>")


@site.endpoint("request/context.ts", "GET", "HEAD")
async def request_context(page: Page) -> Response:
    return Response.json(
        {
            "routePattern": page.route_pattern,
            "isPrerendered": page.is_prerendered,
            "params": dict(page.params),
            "props": dict(page.props),
            "site": page.site,
            "locals": page.locals,
        }
    )


@site.page("request/client-address.astro")
async def client_address(page: Page) -> HTMLResponse:
    return html(f"<p>{page.client_address}</p>")


@site.endpoint("request/address.ts", "GET", "HEAD")
async def address(page: Page) -> Response:
    forwarded = page.request.headers.get("x-forwarded-for")
    return Response.json({"clientAddress": page.client_address, "forwarded": forwarded})


# --- endpoints


@site.endpoint("endpoints/all.ts", *EVERY)
async def endpoint_all(page: Page) -> Response:
    return text(f"all {page.request.method}")


@site.endpoint("endpoints/post-only.ts", "POST")
async def post_only() -> Response:
    return text("only post")


@site.endpoint("endpoints/head.ts", "HEAD")
async def own_head() -> Response:
    return text("not sent", headers={"X-From": "head"})


@site.endpoint("endpoints/head.ts", "GET")
async def get_beside_head() -> Response:
    return text("sent", headers={"X-From": "get"})


@site.endpoint("endpoints/custom-method.ts", "PURGE")
async def purge() -> Response:
    return text("purged")


@site.endpoint("endpoints/custom-method.ts", "PROPFIND")
async def propfind() -> Response:
    return text("found", 207)


@site.endpoint("endpoints/throws.ts", "GET", "HEAD")
async def endpoint_throws() -> Response:
    raise RuntimeError("endpoint failure")


@site.endpoint("endpoints/rejects.ts", "GET", "HEAD")
async def endpoint_rejects() -> Response:
    await asyncio.sleep(0)
    raise TypeError("async failure")


@site.endpoint("endpoints/throws-response.ts", "GET", "HEAD")
async def endpoint_throws_response() -> Response:
    raise text("thrown", 409)


@site.endpoint("endpoints/null-404.ts", "GET", "HEAD")
async def null_404() -> Response:
    return Response(b"", 404, status_text="Not found")


@site.endpoint("endpoints/null-500.ts", "GET", "HEAD")
async def null_500() -> Response:
    return Response(b"", 500)


@site.endpoint("endpoints/json.json.ts", "GET", "HEAD")
async def json_extension() -> Response:
    return text(compact({"message": "static name, live answer"}))


@site.endpoint("endpoints/feed.xml.ts", "GET", "HEAD")
async def feed() -> Response:
    return Response('<?xml version="1.0"?><feed/>', headers={"Content-Type": "application/xml"})


@site.endpoint("endpoints/item/[id].ts", "GET", "HEAD")
async def item(page: Page) -> Response:
    name = {"a": "Apple", "b": "Banana"}.get(page.params["id"])
    if name is None:
        return Response(b"", 404, status_text="Not found")
    return text(compact({"name": name}))


@site.endpoint("endpoints/item/[id].ts", "DELETE")
async def delete_item(page: Page) -> Response:
    return text(f"deleted {page.params['id']}")


@site.endpoint("endpoints/unauthorized.ts", "GET", "HEAD")
async def unauthorized(page: Page) -> Response:
    token = page.cookies.get("token")
    if token is None:
        return text("Unauthorized", 401, {"WWW-Authenticate": "Bearer"})
    return Response.json({"token": token.value})


@site.endpoint("endpoints/status-text.ts", "GET", "HEAD")
async def status_text() -> Response:
    return Response("x", 299, {"content-type": TEXT}, status_text="Mostly Fine")


# --- params


@site.page("params/files/[...path].astro")
async def files(page: Page) -> HTMLResponse:
    return html(f"<p>{escaped(page.params.get('path') or 'no path')}</p>")


@site.page("params/props-ignored/[slug].astro")
@prerender(paths=[StaticPath({"slug": "a"}, props={"title": "A"})])  # never built here: it is rendered live
async def props_ignored(page: Page) -> HTMLResponse:
    return html(f"<p>{escaped(page.params['slug'])} {page.props.get('title', 'no title')}</p>")


@site.page("params/[year]/[month].astro")
async def year_and_month(page: Page) -> HTMLResponse:
    return html(f"<p>{escaped(page.params['year'])}/{escaped(page.params['month'])}</p>")


@site.page("params/[id].astro")
async def one_param(page: Page) -> HTMLResponse:
    return html(f"<p>{escaped(compact(page.params))}</p>")


@site.endpoint("rest/img/[...path].json.ts", "GET", "HEAD")
async def rest_with_extension(page: Page) -> Response:
    return Response.json({name: value for name, value in page.params.items() if value is not None})


@site.endpoint("url/any/[...rest].ts", "GET", "HEAD")
async def any_url(page: Page) -> Response:
    rest = page.params.get("rest")
    return Response.json({"rest": rest, "pathname": page.url.pathname, "raw": page.request.url.pathname})


# --- rewrite


@site.page("rewrite/to-dynamic.astro")
async def rewrite_to_dynamic(page: Page) -> Response:
    return page.rewrite("/params/from-rewrite")


@site.page("rewrite/to-missing.astro")
async def rewrite_to_missing(page: Page) -> Response:
    return page.rewrite("/rewrite/nowhere")


@site.page("rewrite/loop-a.astro")
async def rewrite_loop_a(page: Page) -> Response:
    return page.rewrite("/rewrite/loop-b")


@site.page("rewrite/loop-b.astro")
async def rewrite_loop_b(page: Page) -> Response:
    return page.rewrite("/rewrite/loop-a")


@site.endpoint("rewrite/with-body.ts", "POST")
async def rewrite_with_body(page: Page) -> Response:
    return page.rewrite("/request/text")


@site.endpoint("rewrite/after-read.ts", "POST")
async def rewrite_after_read(page: Page) -> Response:
    await page.request.text()
    return page.rewrite("/request/text")


@site.page("rewrite/cookies.astro")
async def rewrite_cookies(page: Page) -> Response:
    page.cookies.set("before-rewrite", "1")
    return page.rewrite("/cookies/overwrite")


@site.page("rewrite/status.astro")
async def rewrite_status(page: Page) -> Response:
    return page.rewrite("/response/status")


# --- errors


@site.page("errors/rejects.astro")
async def page_rejects() -> HTMLResponse:
    await asyncio.sleep(0)
    raise RuntimeError("async page failure")


@site.page("errors/in-template.astro")
async def template_throws() -> HTMLResponse:
    def boom() -> str:
        raise RuntimeError("template failure")

    return html(f"<html><body><p>before</p>{boom()}<p>after</p></body></html>")


@site.page("errors/in-component.astro")
async def component_throws_late() -> Response:
    async def body() -> AsyncIterator[str]:
        failing = asyncio.ensure_future(late_failure(0.4))
        yield f"{BEGIN}<p>before</p>"
        yield await failing
        yield f"<p>after</p>{END}"

    return Response(body(), headers={"content-type": HTML})


@site.page("errors/undefined-name.astro")
async def undefined_name(page: Page) -> HTMLResponse:
    return html(f"<p>{len(page.params['nothing'])}</p>")


@site.page("errors/throws-response.astro")
async def page_throws_response() -> HTMLResponse:
    raise text("thrown", 409)


@site.page("errors/throws-text.astro")
async def page_throws_text() -> HTMLResponse:
    thrown: Any = "just text"
    raise thrown


# --- streaming


@site.page("streaming/frontmatter-waits.astro")
async def frontmatter_waits() -> HTMLResponse:
    await asyncio.sleep(0.4)
    return html("<html><body><p>all at once</p></body></html>")


@site.page("streaming/expression.astro")
async def expression() -> Response:
    async def body() -> AsyncIterator[str]:
        value = asyncio.ensure_future(later(0.4, "later"))
        yield f"{BEGIN}<p>now</p><p>"
        yield await value
        yield f"</p><p>end</p>{END}"

    return Response(body(), headers={"content-type": HTML})


@site.page("streaming/async-function.astro")
async def async_function() -> Response:
    async def load() -> list[str]:
        await asyncio.sleep(0.4)
        return ["x", "y"]

    async def body() -> AsyncIterator[str]:
        loading = asyncio.ensure_future(load())
        yield f"{BEGIN}<p>now</p><ul>"
        for one in await loading:
            yield f"<li>{one}</li>"
        yield f"</ul>{END}"

    return Response(body(), headers={"content-type": HTML})


@site.page("streaming/nested.astro")
async def nested() -> Response:
    async def frame(title: str, top: str, inside: AsyncIterator[str]) -> AsyncIterator[str]:
        yield f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{top}<main>"
        async for part in inside:
            yield part
        yield f"</main>{END}"

    async def wait() -> AsyncIterator[str]:
        yield f"<i>{await later(0.4, 'inside')}</i>"

    return Response(frame("nested", "<p>top</p>", wait()), headers={"content-type": HTML})


@site.page("streaming/fails-late.astro")
async def fails_late() -> Response:
    async def body() -> AsyncIterator[str]:
        failing = asyncio.ensure_future(late_failure(0.4))
        yield f"{BEGIN}<p>start</p>"
        yield await failing

    return Response(body(), headers={"content-type": HTML})


@site.page("streaming/second-is-faster.astro")
async def second_is_faster() -> Response:
    async def body() -> AsyncIterator[str]:
        slow, fast = asyncio.ensure_future(later(0.8, "slow")), asyncio.ensure_future(later(0.4, "fast"))
        yield f"{BEGIN}<p>start</p>"
        yield f"<i>{await slow}</i>"
        yield f"<i>{await fast}</i><p>end</p>{END}"

    return Response(body(), headers={"content-type": HTML})


@site.page("streaming/first-is-faster.astro")
async def first_is_faster() -> Response:
    async def body() -> AsyncIterator[str]:
        fast, slow = asyncio.ensure_future(later(0.4, "fast")), asyncio.ensure_future(later(0.8, "slow"))
        yield f"{BEGIN}<p>start</p>"
        yield f"<i>{await fast}</i><p>between</p>"
        yield f"<i>{await slow}</i><p>end</p>{END}"

    return Response(body(), headers={"content-type": HTML})


@site.page("streaming/two-expressions.astro")
async def two_expressions() -> Response:
    async def body() -> AsyncIterator[str]:
        one, two = asyncio.ensure_future(later(0.4, "one")), asyncio.ensure_future(later(0.4, "two"))
        yield f"{BEGIN}<p>now</p><p>"
        yield f"{await one}</p><p>"
        yield f"{await two}</p>{END}"

    return Response(body(), headers={"content-type": HTML})


@site.page("streaming/late-redirect.astro")
async def late_redirect() -> Response:
    async def body() -> AsyncIterator[str]:
        yield f"{BEGIN}<p>start</p>"
        await asyncio.sleep(0.1)
        raise Redirect("/cookies/counter")

    return Response(body(), headers={"content-type": HTML})


@site.page("streaming/page-after-await.astro")
async def page_after_await(page: Page) -> HTMLResponse:
    await asyncio.sleep(0.1)
    page.response.headers["x-after-await"] = "yes"
    page.response.status = 203
    page.response.status_text = "Later"
    return html("<html><body><p>page</p></body></html>")


@site.page("streaming/late-header.astro")
async def late_header(page: Page) -> StreamingResponse:
    def sets_header() -> str:
        page.response.headers["x-from-component"] = "yes"
        page.response.status = 418
        return "<i>component</i>"

    page.response.headers["x-from-page"] = "yes"
    component = sets_header()  # a component runs up to its first await before anything is sent

    async def body() -> AsyncIterator[str]:
        yield f"{BEGIN}<p>start</p>"
        yield f"<i>{await later(0.4, 'slow')}</i>{component}{END}"

    return StreamingResponse(body(), media_type="text/html")


app.add_middleware(OnDemand, output="server", snapshots=False, check_origin="all", cookie_defaults={})
