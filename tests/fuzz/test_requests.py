"""Whole requests: whatever a server passes on, the wrapper answers once, well-formed, without an exception; what a guard stands
in front of stays behind it; a snapshot answers its own path alone; no redirect leaves the site."""

from __future__ import annotations

import asyncio
import atexit
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route as StarletteRoute

from ondemand import OnDemand, Page, Pages, PageUnavailable, Rule, StaticPath, build, prerender
from tests.security.asking import same_origin

some = settings(max_examples=300, deadline=None, derandomize=True)

HIDDEN = "BEHIND-THE-GUARD"


@cache
def runner() -> asyncio.Runner:
    made = asyncio.Runner()
    atexit.register(made.close)
    return made


@cache
def folder() -> Path:
    made = tempfile.TemporaryDirectory()
    atexit.register(made.cleanup)
    (Path(made.name) / "public" / ".well-known").mkdir(parents=True)
    (Path(made.name) / "public" / ".env").write_text(HIDDEN)
    (Path(made.name) / "public" / "style.css").write_text("SNAPSHOT[/style.css]" + " " * 300)
    return Path(made.name)


async def members_only(page: Any) -> Any:
    return None if "member" in page.cookies else page.redirect("/login")


async def reads_everything(page: Any) -> str:
    """Reads whatever a page can read of a request."""
    try:
        address = page.client_address
    except PageUnavailable:  # the server does not know it
        address = "nobody"
    page.response.headers["x-said"] = quote(f"{page.url} {page.request.url} {address} {page.preferred_locale}")
    page.cookies.set("seen", str(len(page.cookies)) + str(len(page.request.query)) + str(len(page.request.headers)))
    body = page.request
    kind = page.request.headers.get("content-type", "")
    said: Any = await (body.json() if "json" in kind else body.form() if "form" in kind else body.text())
    return repr(said)


def own(**settings: Any) -> Any:
    pages = Pages()
    for path in ("/", "/about", "/docs/intro", "/404"):
        pages.page(path)(lambda page, path=path: f"SNAPSHOT[{path}]")
    pages.page("/blog/{slug}", paths=[StaticPath({"slug": slug}) for slug in ("a b", "é", "50%")])(
        lambda page: f"SNAPSHOT[/blog/{page.params['slug']}]"
    )
    pages.page("/members/report")(lambda page: HIDDEN)
    pages.page("/members/live", prerender=False)(lambda page: HIDDEN)
    pages.page("/live/{rest:path}", prerender=False)(reads_everything)
    pages.endpoint("/form", prerender=False)(type("Form", (), {"POST": lambda self, page: reads_everything(page)}))
    return OnDemand(
        wrapped(), pages=pages, redirects={"/old/{rest:path}": "/live/{rest}", "/moved": "/about"}, **settings
    )


def wrapped() -> Starlette:
    async def view(request: StarletteRequest) -> PlainTextResponse:
        page = Page.of(request)
        return PlainTextResponse(await reads_everything(page) if request.method == "POST" else f"{page.url}")

    @prerender
    async def static(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse(f"SNAPSHOT[{request.scope['path'].removeprefix(request.scope['root_path'])}]")

    async def member(request: StarletteRequest) -> PlainTextResponse:
        return PlainTextResponse(HIDDEN)

    methods = ["GET", "POST", "PUT", "DELETE"]
    routes = [
        StarletteRoute("/app/static", static),
        StarletteRoute("/members/app", member, methods=methods),
        StarletteRoute("/app/{rest:path}", view, methods=methods),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False  # it makes addresses of whatever Host says, and is not ours
    return app


SITES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "below a base": {"base": "/b", "trailing_slash": "always", "locales": ["en", "fr"]},
    "strict": {
        "trailing_slash": "never",
        "allowed_hosts": ["shop.example", "*.shop.example:8443"],
        "trusted_proxies": ["10.0.0.0/8", "unix"],
        "check_origin": "all",
        "error_pages": "all",
        "site": "https://shop.example",
        "body_limit": 100,
    },
}


@cache
def site(name: str, *, is_built: bool) -> Any:
    """A site with its snapshots, or without any."""
    made = own if name != "wrapped" else lambda **settings: OnDemand(wrapped(), **settings)
    given: dict[str, Any] = {
        "dist": folder() / name.replace(" ", "-"),
        "public": folder() / "public",
        "rules": {"/members/**": Rule(guard=members_only)},
        **SITES.get(name, {}),
    }
    if is_built:
        build(made(snapshots=False, **given))
    return made(snapshots=is_built, **given)


SEGMENTS = st.sampled_from(
    [
        *(
            "about",
            "docs",
            "intro",
            "blog",
            "a b",
            "é",
            "50%",
            "members",
            "report",
            "live",
            "app",
            "static",
            "form",
            "old",
        ),
        *(
            "moved",
            "style.css",
            ".env",
            ".well-known",
            "404",
            "index.html",
            "b",
            "r",
            "",
            ".",
            "..",
            "\\",
            "evil.example",
        ),
        *("%2e%2e", "%2f", "\0", "\ufffd", "\n", "members;x", "MEMBERS", "x" * 300, "//", "\ud800"),
    ]
) | st.text(max_size=6)
KNOWN = st.sampled_from(
    [
        *(
            "/",
            "/about",
            "/docs/intro",
            "/blog/a b",
            "/blog/é",
            "/blog/50%",
            "/members/report",
            "/members/live",
            "/members/app",
        ),
        *("/live/x", "/form", "/app/static", "/app/x", "/old/x", "/moved", "/style.css", "/.env", "/404"),
    ]
)
ENDS = st.sampled_from(["", "", "", "/", "//", "/.", "/..", "/../about", ";x", "\n", "/x", "%2f"])
PATHS = (
    st.lists(SEGMENTS, max_size=5).map(lambda segments: "/" + "/".join(segments))
    | st.text(max_size=12)
    | KNOWN
    | st.tuples(st.sampled_from(["", "", "", "/", "/x/..", "/."]), KNOWN, ENDS).map("".join)
)
NAMES = st.sampled_from(
    [
        *(b"host", b"cookie", b"accept", b"accept-encoding", b"accept-language", b"origin", b"content-type"),
        *(b"content-length", b"range", b"if-range", b"if-match", b"if-none-match", b"if-modified-since", b"forwarded"),
        *(b"if-unmodified-since", b"sec-fetch-site", b"x-forwarded-host", b"x-forwarded-for", b"x-forwarded-proto"),
        *(b"x-forwarded-port", b"x-forwarded-prefix", b"x-original-url", b"x-http-method-override", b"hx-request"),
    ]
)
VALUES = st.binary(max_size=30) | st.sampled_from(
    [
        *(
            b"shop.example",
            b"a.shop.example:8443",
            b"evil.example/private?x=",
            b"[::1",
            b"a:65536",
            b"gzip, br;q=0.1",
            b"*",
        ),
        *(
            b"bytes=0-9",
            b"bytes=-1",
            b"bytes=9-,1-",
            b"W/",
            b'"x", W/"y',
            b"Fri, 20 Nov 2026 12:00:00 GMT",
            b"text/html",
        ),
        *(
            b"application/x-www-form-urlencoded",
            b"multipart/form-data; boundary=x",
            b"application/json",
            b"same-origin",
        ),
        *(
            b"https",
            b"javascript:x",
            b"10.0.0.1, 203.0.113.9",
            b"a=1; a=2; =x; b=%zz",
            b"fr;q=0.5, en",
            b"-1",
            b"9" * 30,
        ),
    ]
)
BODIES = st.lists(
    st.binary(max_size=40)
    | st.sampled_from(
        [b"a=1&b=%zz&&=", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n', b"1\r\n--x--\r\n", b"[[[", b"{}"]
    ),
    max_size=4,
)


@st.composite
def scopes(draw: Any, front: str) -> dict[str, Any]:
    """Requests as servers pass them on, and as none does. front: what a path of the site begins with."""

    def seldom(usual: Any, other: Any) -> Any:
        """Mostly what is usual: else hardly a request would get far."""
        return draw(other) if draw(st.integers(0, 5)) == 0 else usual

    path = seldom(front, st.just("")) + draw(PATHS)
    root = seldom("", st.sampled_from(["/r", "/r/", "//r", "/b", "r"]))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": draw(st.sampled_from(["2.0", "2.3", "2.5"]))},
        "http_version": draw(st.sampled_from(["1.0", "1.1", "2", "3"])),
        "method": draw(
            st.sampled_from(
                ["GET", "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "X"]
            )
        ),
        "scheme": seldom("http", st.sampled_from(["https", "ws", ""])),
        "path": root + path if draw(st.booleans()) else path,
        "raw_path": seldom(quote(path, errors="replace").encode(), st.none() | st.binary(max_size=20)),
        "query_string": seldom(b"", st.binary(max_size=20) | st.sampled_from([b"utm_source=x", b"a=1&a=%ff;=&"])),
        "root_path": root,
        "headers": draw(st.lists(st.tuples(NAMES, VALUES), max_size=4)),
        "client": draw(
            st.sampled_from([None, ("127.0.0.1", 5), ("10.1.1.1", 5), ("::1", 0), ("", 0), ("no address", 1)])
        ),
        "server": draw(st.sampled_from([None, ("127.0.0.1", 80), ("/run/socket", None), ("::1", 8000)])),
    }
    scope["headers"] += seldom([(b"host", b"shop.example")], st.just([]))
    if draw(st.booleans()):  # a form of this site
        scope["headers"] += [(b"origin", b"http://shop.example"), (b"sec-fetch-site", b"same-origin")]
    if seldom(False, st.just(True)):
        del scope["raw_path"]
    return scope


async def answer(app: Any, scope: dict[str, Any], body: list[bytes], *, leaves: bool) -> list[dict[str, Any]]:
    """Every message of the answer. leaves: the visitor goes before the body is complete."""
    messages: list[dict[str, Any]] = []
    coming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in body]
    if not leaves:
        coming.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await asyncio.wait_for(app(scope, receive, send), 10)
    return messages


def check(messages: list[dict[str, Any]], scope: dict[str, Any]) -> None:
    first, *rest = messages
    assert first["type"] == "http.response.start"
    assert type(first["status"]) is int
    assert 200 <= first["status"] < 600
    assert first["status"] != 500, "something raised"
    assert rest, "no end"
    assert {message["type"] for message in rest} == {"http.response.body"}
    assert [message.get("more_body", False) for message in rest] == [True] * (len(rest) - 1) + [False]
    fields = [(bytes(name).lower(), bytes(value)) for name, value in first["headers"]]
    for name, value in fields:
        assert name.strip() == name != b""
        assert not set(name + value) & set(b"\r\n\0")
    body = b"".join(message.get("body", b"") for message in rest)
    lengths = [int(value) for name, value in fields if name == b"content-length"]
    assert len(lengths) <= 1
    etag = next((value for name, value in fields if name == b"etag"), b"")
    if first["status"] in {204, 304} or (scope["method"] == "HEAD" and etag.startswith(b'"')):
        assert body == b""  # what the app says to HEAD is cut by the server
    elif lengths and scope["method"] != "HEAD":
        assert lengths == [len(body)]
    for name, value in fields:
        assert name != b"location" or same_origin(value.decode("latin-1"), "nowhere.example")
    cookies = b";".join(value for name, value in scope["headers"] if name == b"cookie")
    assert HIDDEN.encode() not in body or b"member" in cookies
    if etag.startswith(b'"') and first["status"] == 200 and body:
        said = body.decode().partition("[")[2].partition("]")[0]
        assert scope["path"].rstrip("/").endswith(said.rstrip("/")), (scope["path"], said)


NAMED = st.sampled_from([*SITES, "wrapped"])
ASKED = NAMED.flatmap(lambda name: st.tuples(st.just(name), scopes(SITES.get(name, {}).get("base", ""))))


@some
@given(ASKED, st.booleans(), BODIES, st.booleans())
def test_any_request_is_answered_once(
    asked: tuple[str, dict[str, Any]], is_built: bool, body: list[bytes], leaves: bool
) -> None:
    name, scope = asked
    app = site(name, is_built=is_built)
    check(runner().run(answer(app, scope, body, leaves=leaves)), scope)
