"""`ondemand verify`: what a live host lost, told by asking it. Hosts here: uvicorn with OnDemand itself, Python's own file
server, and one that hands on what OnDemand answers but for one thing."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Host, Route, Router

from ondemand import ConfigError, OnDemand, Pages, Redirect, Rule, StaticPath, prerender
from ondemand.prerendering.compression import can_unpack, compressors, unpack
from ondemand.prerendering.expected import Expected
from ondemand.prerendering.verify import LOSSES, Loss, VerifyReport, read_expected, verify
from ondemand.snapshots.store import Store
from tests.asking import Answer, Wrap, ask_async, innermost, outermost, write_site
from tests.conftest import Build
from tests.test_cli import ondemand

UNKNOWN = "/no-such-page"
WORDS = "some words that compress. " * 40


# ------------------------------------------------------------------------------------------------------------- the site


async def home(request: Any) -> HTMLResponse:
    links = "".join(f'<a href="{path}">x</a>' for path in ("/about", "/p/a", "/p/b", "/old", "/members", "/live"))
    return HTMLResponse(f"<h1>Home</h1>{links}", headers={"x-frame-options": "DENY"})


async def about(request: Any) -> HTMLResponse:
    return HTMLResponse(
        f"<h1>About</h1>{WORDS}",
        headers={"x-kept": "a, b", "x-title": "caf\u00c3\u00a9", "vary": "Accept-Language, User-Agent"},
    )


async def gone(request: Any) -> HTMLResponse:
    return HTMLResponse("it is gone", 410)


async def members(request: Any) -> HTMLResponse:
    return HTMLResponse("secret " * 9)


async def open_door(request: Any) -> HTMLResponse:
    return HTMLResponse("not so secret", headers={"cache-control": "max-age=60"})


async def live(request: Any) -> PlainTextResponse:
    return PlainTextResponse("live")


async def account(request: Any) -> RedirectResponse:
    return RedirectResponse("/login", 303)


async def hidden(request: Any) -> PlainTextResponse:
    return PlainTextResponse("for some")


async def missing(request: Any) -> HTMLResponse:
    return HTMLResponse("<h1>Not here</h1>", 404)


async def data(request: Any) -> JSONResponse:
    return JSONResponse({"a": 1})


async def guard(page: Any) -> None:
    if page.cookies.get("member") is None:
        raise Redirect("/login")


async def everyone(page: Any) -> None:
    return None


async def nobody(page: Any) -> Any:
    return page.redirect("/") if page.cookies.get("member") else HTMLResponse("nothing here", 404)


def site(wrap: Wrap, dist: Path, **more: Any) -> Any:
    @prerender(paths=[StaticPath({"slug": slug}) for slug in "ab"])
    async def post(request: Any) -> HTMLResponse:
        return HTMLResponse(f"<h1>{request.path_params['slug']}</h1>{WORDS}")

    routes = [
        Route("/", home),
        Route("/about", about),
        Route("/p/{slug}", post),
        Route("/gone", gone),
        Route("/members", members),
        Route("/open", open_door),
        Route("/live", live),
        Route("/account", account),
        Route("/hidden", hidden),
        Route("/404", missing),
        Route("/data.json", data),
    ]
    settings: dict[str, Any] = {
        "rules": {
            **dict.fromkeys(("/about", "/gone", "/404", "/data.json"), Rule(prerender=True)),
            **dict.fromkeys(("/live", "/account"), Rule(prerender=False)),
            "/members": Rule(prerender=True, guard=guard),
            "/open": Rule(prerender=True, guard=everyone),
            "/hidden": Rule(prerender=False, guard=nobody),
        },
        "redirects": {"/old": "/about"},
        "findings": {"status": {"/gone": "ignore"}},
        "error_pages": "all",
        "site": "https://example.com",
    }
    return wrap(Starlette(routes=routes), dist=dist, snapshots=True, **{**settings, **more})


class Built(NamedTuple):
    app: Any
    store: Store
    expected: Expected

    def verify(self, url: str, **options: Any) -> VerifyReport:
        options = {"timeout": 5.0, "expected": self.expected, "unknown": UNKNOWN, **options}
        return verify(self.store, url, **options)


def make(app: Any, dist: Path, built: Build) -> Built:
    report = built(app)
    assert not report.failed, report.findings
    return Built(app, Store(dist), read_expected(app, UNKNOWN))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The site, built once: what hosts lose of it is told by the tests."""
    from ondemand import build

    dist = tmp_path_factory.mktemp("verify") / "dist"
    return make(site(innermost, dist), dist, build)


# ----------------------------------------------------------------------------------------------------- a host that loses


class Asked(NamedTuple):
    method: str
    path: str
    query: str
    headers: dict[str, str]


class Raw(Exception):
    """Send these bytes, `later` in a packet of its own, then close; or, with `keeps`, go on for ever."""

    def __init__(self, data: bytes = b"", *, later: bytes = b"", keeps: bytes | None = None) -> None:
        self.data = data
        self.later = later
        self.keeps = keeps


Lose = Callable[[Asked, Answer], None]


def keep(asked: Asked, answer: Answer) -> None:
    """Lose nothing."""


@contextmanager
def host(app: Any, lose: Lose = keep, *, moved: Mapping[str, str] = {}) -> Iterator[str]:
    """An HTTP/1.1 server in a thread: what `app` answers, after `lose` has changed it. moved: paths that it answers as
    others. Yields its URL."""
    loop = asyncio.new_event_loop()
    over = asyncio.Event()
    writers: set[asyncio.StreamWriter] = set()

    async def respond(asked: Asked) -> bytes:
        target = moved.get(asked.path, asked.path) + (f"?{asked.query}" if asked.query else "")
        answer = await ask_async(app, target, method=asked.method, headers=asked.headers)
        lose(asked, answer)
        lines = [f"HTTP/1.1 {answer.status} X", *(f"{name}: {value}" for name, value in answer.headers)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + answer.body

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode("latin-1").split("\r\n")
                method, target, _ = first.split(" ")
                path, _, query = target.partition("?")
                headers = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in rest if line}
                try:
                    writer.write(await respond(Asked(method, path, query, headers)))
                except Raw as raw:
                    writer.write(raw.data)
                    if raw.later:
                        await writer.drain()
                        await asyncio.sleep(0.02)  # so that it is read after the rest
                        writer.write(raw.later)
                    while raw.keeps is not None:
                        if raw.keeps == b"":
                            await over.wait()
                            break
                        writer.write(raw.keeps)
                        await writer.drain()
                    break
                await writer.drain()
                if headers.get("connection") == "close":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writers.discard(writer)
            writer.close()

    started = threading.Event()
    address: list[int] = []

    async def serve() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        address.append(server.sockets[0].getsockname()[1])
        started.set()
        await over.wait()
        server.close()
        for writer in list(writers):
            writer.transport.abort()
        while writers:
            await asyncio.sleep(0)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield f"http://127.0.0.1:{address[0]}"
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)


def on(path: str, change: Lose) -> Lose:
    """`change`, at `path` only."""

    def lose(asked: Asked, answer: Answer) -> None:
        if asked.path == path:
            change(asked, answer)

    return lose


def with_body(answer: Answer, body: bytes) -> None:
    """The answer has this body, and says so; an answer without one stays without."""
    if answer.body:
        answer.body = body
    set_header(answer, "content-length", str(len(body)))


def set_header(answer: Answer, name: str, value: str | None) -> None:
    answer.headers = [(key, old) for key, old in answer.headers if key != name]
    if value is not None:
        answer.headers.append((name, value))


def plain(asked: Asked) -> bool:
    return asked.headers.get("accept-encoding") in {None, "identity"}


# --- the losses, each of one thing ---

FULL = f"<h1>About</h1>{WORDS}".encode()


def changed(asked: Asked, answer: Answer) -> None:
    """Another body of the same length, whatever the form."""
    body = f"<h1>Abuot</h1>{WORDS}".encode()
    if "content-encoding" in dict(answer.headers):
        body = gzip.compress(body)
        set_header(answer, "content-encoding", asked.headers["accept-encoding"])
    if answer.status == 206:
        return
    if asked.headers.get("accept-encoding") == "gzip" or plain(asked):
        with_body(answer, body)


def everywhere(name: str, value: str | None) -> Lose:
    return lambda asked, answer: set_header(answer, name, value)


def truncated(asked: Asked, answer: Answer) -> None:
    if plain(asked) and answer.status == 200:
        with_body(answer, FULL[:100])


def cut(asked: Asked, answer: Answer) -> None:
    """The connection ends in the middle of the body."""
    if asked.method == "GET" and answer.status == 200:
        raise Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n" + b"x" * 100)


class Unstable:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, asked: Asked, answer: Answer) -> None:
        self.count += 1
        if answer.status == 304:
            answer.status = 200
            answer.body = FULL
            set_header(answer, "content-length", str(len(answer.body)))
        set_header(answer, "etag", f'"{self.count}"')


def weak(asked: Asked, answer: Answer) -> None:
    etag = answer.header("etag")
    if etag:
        set_header(answer, "etag", f"W/{etag}")


def body_behind_304(asked: Asked, answer: Answer) -> None:
    if answer.status == 304:
        answer.body = b"<h1>About</h1>"


def never_304(asked: Asked, answer: Answer) -> None:
    if answer.status == 304:
        answer.status = 200
        answer.body = b"all of it"
        set_header(answer, "content-length", "9")


def body_long_behind_304(asked: Asked, answer: Answer) -> None:
    if answer.status == 304:
        raise Raw(b"HTTP/1.1 304 X\r\n" + head_of(answer) + b"\r\n", later=b"<h1>About</h1>")


def no_head(asked: Asked, answer: Answer) -> None:
    if asked.method == "HEAD":
        answer.status = 405
        set_header(answer, "content-length", "0")


def head_without(name: str) -> Lose:
    def lose(asked: Asked, answer: Answer) -> None:
        if asked.method == "HEAD":
            set_header(answer, name, None)

    return lose


def body_behind_head(asked: Asked, answer: Answer) -> None:
    if asked.method == "HEAD":
        answer.body = b"<h1>About</h1>"


def packed(body: bytes, coding: str = "gzip") -> Lose:
    def lose(asked: Asked, answer: Answer) -> None:
        if asked.headers.get("accept-encoding") == coding and asked.method == "GET":
            with_body(answer, body)

    return lose


def unpacked(*codings: str) -> Lose:
    """The body as it is to those who take one of these."""

    def lose(asked: Asked, answer: Answer) -> None:
        if asked.headers.get("accept-encoding") in codings and answer.status == 200:
            set_header(answer, "content-encoding", None)
            with_body(answer, FULL)

    return lose


def always_packed(asked: Asked, answer: Answer) -> None:
    if plain(asked) and answer.status in {200, 206}:
        answer.status = 200
        set_header(answer, "content-encoding", "gzip")
        with_body(answer, gzip.compress(FULL))


def wrong_range(asked: Asked, answer: Answer) -> None:
    if "range" in asked.headers:
        answer.body = b"X"


def no_ranges(asked: Asked, answer: Answer) -> None:
    if "range" in asked.headers:
        answer.status = 200
        with_body(answer, FULL)


def refused_range(asked: Asked, answer: Answer) -> None:
    if "range" in asked.headers:
        answer.status = 416


def becomes(status: int, body: bytes = b"something else", **headers: str) -> Lose:
    def lose(asked: Asked, answer: Answer) -> None:
        answer.status = status
        answer.headers = [("content-type", "text/html"), *((k.replace("_", "-"), v) for k, v in headers.items())]
        answer.headers.append(("content-length", str(len(body))))
        answer.body = b"" if asked.method == "HEAD" else body

    return lose


def hangs(asked: Asked, answer: Answer) -> None:
    raise Raw(keeps=b"")


def closes(asked: Asked, answer: Answer) -> None:
    raise Raw


def at_head(change: Lose) -> Lose:
    def lose(asked: Asked, answer: Answer) -> None:
        if asked.method == "HEAD":
            change(asked, answer)

    return lose


def early_hints(asked: Asked, answer: Answer) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    head = f"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 {answer.status} X\r\n{lines}\r\n"
    raise Raw(head.encode("latin-1") + answer.body)


class Once:
    """The first time only."""

    def __init__(self, change: Lose) -> None:
        self.change: Lose | None = change

    def __call__(self, asked: Asked, answer: Answer) -> None:
        change, self.change = self.change, None
        if change is not None:
            change(asked, answer)


def no_http(asked: Asked, answer: Answer) -> None:
    raise Raw(b"220 mail.example ESMTP\r\n\r\n")


def endless(asked: Asked, answer: Answer) -> None:
    if asked.method == "GET" and answer.status == 200 and plain(asked):
        raise Raw(b"HTTP/1.1 200 OK\r\n" + head_of(answer) + b"\r\n", keeps=b"more and more " * 1000)


def head_of(answer: Answer) -> bytes:
    lines = (f"{name}: {value}\r\n" for name, value in answer.headers if name != "content-length")
    return "".join(lines).encode("latin-1")


def br_is_gzip(asked: Asked, answer: Answer) -> None:
    if asked.headers.get("accept-encoding") == "br":
        set_header(answer, "content-encoding", "gzip")
        with_body(answer, gzip.compress(FULL))


def bare(asked: Asked, answer: Answer) -> None:
    unpacked("br", "gzip", "zstd")(asked, answer)
    set_header(answer, "vary", "accept-language, user-agent")


SECRET = gzip.compress(b"secret " * 9)
BOMB = gzip.compress(b"\0" * 2_000_000)
A = "/about"
CASES: list[tuple[str, Lose, set[tuple[str, str]]]] = [
    ("nothing", keep, set()),
    ("another body", on(A, changed), {("body", A)}),
    ("a cut body", on(A, truncated), {("body", A)}),
    ("an end in the middle", on(A, cut), {("closed", A)}),
    ("an endless body", on(A, endless), {("body", A)}),
    ("another type", on(A, everywhere("content-type", "text/plain; charset=utf-8")), {("content-type", A)}),
    ("no charset", on(A, everywhere("content-type", "text/html")), {("content-type", A)}),
    ("a type spelled otherwise", on(A, everywhere("content-type", 'Text/HTML;charset="UTF-8"')), set()),
    ("no header", on(A, everywhere("x-kept", None)), {("header", A)}),
    ("another header", on("/", everywhere("x-frame-options", "SAMEORIGIN")), {("header", "/")}),
    ("a header spelled otherwise", on(A, everywhere("x-kept", "a,b")), set()),
    ("a header more", on(A, everywhere("x-more", "yes")), set()),
    ("no ETag", on(A, everywhere("etag", None)), {("etag", A)}),
    ("an ETag that changes", on(A, Unstable()), {("etag", A)}),
    ("a weak ETag", on(A, weak), {("weak-etag", A)}),
    ("a 304 with a body", on(A, body_behind_304), {("not-modified", A)}),
    ("a 304 with a body that comes later", on(A, body_long_behind_304), {("not-modified", A)}),
    ("never a 304", on(A, never_304), {("not-modified", A)}),
    ("no HEAD", on(A, no_head), {("head", A)}),
    ("HEAD without a header", on(A, head_without("x-kept")), {("head", A)}),
    ("HEAD without its length", on(A, head_without("content-length")), {("head", A)}),
    ("HEAD with a body", on(A, body_behind_head), {("head", A)}),
    ("another gzip of the same", on(A, packed(gzip.compress(FULL, 1))), set()),
    ("gzip in two members", on(A, packed(gzip.compress(FULL[:99]) + gzip.compress(FULL[99:]))), set()),
    ("gzip of something else", on(A, packed(gzip.compress(b"something else"))), {("encoding", A)}),
    ("gzip that is cut", on(A, packed(gzip.compress(FULL)[:-9])), {("encoding", A)}),
    ("gzip that is none", on(A, packed(FULL)), {("encoding", A)}),
    ("gzip of very much", on(A, packed(BOMB)), {("encoding", A)}),
    ("gzip for those who take br", on(A, br_is_gzip), {("encoding", A)}),
    ("gzip for everyone", on(A, always_packed), {("encoding", A)}),
    ("no br", on(A, unpacked("br")), {("lost-encoding", A)}),
    ("no encoding, no Vary", on(A, bare), {("lost-encoding", A)}),
    ("no Vary", on("/p/a", everywhere("vary", None)), {("vary", "/p/a")}),
    ("not the app's Vary", on(A, everywhere("vary", "accept-encoding")), {("vary", A)}),
    ("Vary: *", on(A, everywhere("vary", "*")), set()),
    ("no ranges", on(A, no_ranges), set()),
    ("a wrong range", on(A, wrong_range), {("range", A)}),
    ("a refused range", on(A, refused_range), {("range", A)}),
    ("a missing page", on(A, becomes(404)), {("status", A)}),
    ("gone, but 200", on("/gone", becomes(200, b"it is gone")), {("status", "/gone")}),
    ("a redirect that is followed", on("/old", becomes(200, FULL)), {("redirect", "/old")}),
    ("a redirect elsewhere", on("/old", everywhere("location", "/")), {("redirect", "/old")}),
    ("a redirect with its origin", on("/old", everywhere("location", "https://example.com/about")), set()),
    (
        "a redirect off the host",
        on("/old", everywhere("location", "https://evil.example/about")),
        {("redirect", "/old")},
    ),
    ("a redirect to what is no URL", on("/old", everywhere("location", "http://[")), {("redirect", "/old")}),
    ("a redirect to nowhere", on("/old", everywhere("location", None)), {("redirect", "/old")}),
    ("a redirect for now", on("/old", becomes(302, b"", location="/about")), {("redirect", "/old")}),
    ("a redirect for good", on("/old", becomes(308, b"", location="/about")), set()),
    ("another page with a slash", on("/about/", becomes(200)), {("slash", A)}),
    ("nothing with a slash", on("/about/", becomes(404)), {("slash", A)}),
    ("the same with a slash", on("/about/", becomes(200, FULL)), set()),
    ("a soft 404", on(UNKNOWN, becomes(200)), {("soft-404", UNKNOWN)}),
    ("home instead of 404", on(UNKNOWN, becomes(302, b"", location="/")), {("soft-404", UNKNOWN)}),
    ("an error instead of 404", on(UNKNOWN, becomes(500)), {("status", UNKNOWN)}),
    ("another page for 404", on(UNKNOWN, becomes(404)), {("error-page", UNKNOWN)}),
    ("a guarded page for all", on("/members", becomes(200, b"secret " * 9)), {("guarded", "/members")}),
    ("a guarded page for all, as 403", on("/members", becomes(403, b"secret " * 9)), {("guarded", "/members")}),
    ("a guarded page with a slash", on("/members/", becomes(200, b"secret " * 9)), {("guarded", "/members/")}),
    (
        "a guarded page in gzip",
        on("/members", becomes(200, SECRET, content_encoding="gzip")),
        {("guarded", "/members")},
    ),
    ("a guarded page that was changed", on("/members", becomes(200, b"secrets")), {("guard", "/members")}),
    ("no guard", on("/members", becomes(404)), {("guard", "/members")}),
    ("a guard that fails", on("/members", becomes(503)), {("guard", "/members")}),
    ("another login page", on("/members", becomes(303, b"", location="/sign-in")), set()),
    ("another login", on("/members", becomes(401)), set()),
    ("an open door that is shut", on("/open", becomes(404)), {("status", "/open")}),
    ("no live page", on("/live", becomes(404)), {("on-demand", "/live")}),
    ("a live page that fails", on("/account", becomes(502)), {("on-demand", "/account")}),
    ("a live page that forbids", on("/live", becomes(403)), set()),
    ("a page that hangs", on(A, hangs), {("timeout", A)}),
    ("a live page that hangs", on("/live", hangs), {("timeout", "/live")}),
    ("a page that closes", on(A, closes), {("closed", A)}),
    ("a connection that was idle for too long", on(A, Once(closes)), set()),
    ("no HTTP", on(A, no_http), {("closed", A)}),
    ("HEAD closes", on(A, at_head(closes)), {("closed", A)}),
    ("HEAD hangs", on(A, at_head(hangs)), {("timeout", A)}),
    ("HEAD is no HTTP", on(A, at_head(no_http)), {("closed", A)}),
    ("early hints", on(A, early_hints), set()),
    ("an ETag of other bytes", on(A, everywhere("etag", '"\xe9"')), {("not-modified", A)}),
    ("all of it hangs", hangs, {("timeout", "/")}),
]


@pytest.mark.parametrize(("lose", "losses"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_thing_lost_is_one_loss(lose: Lose, losses: set[tuple[str, str]], shared: Built) -> None:
    with host(shared.app, lose) as url:
        report = shared.verify(url, timeout=0.4 if {kind for kind, _ in losses} == {"timeout"} else 5.0)
    assert {(loss.kind, loss.path) for loss in report.losses} == losses, report.losses
    assert report.failed == any(LOSSES[kind][0] == "fail" for kind, _ in losses)


# ------------------------------------------------------------------------------------------------------------ real hosts


@contextmanager
def on_uvicorn(app: Any, **options: Any) -> Iterator[str]:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def on_file_server(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join(10)


def test_ondemand_itself_loses_nothing(wrap: Wrap, dist: Path, built: Build) -> None:
    made = make(site(wrap, dist), dist, built)
    assert made.expected.guards == {"/members": 302, "/open": None, "/hidden": 404}
    with on_uvicorn(made.app) as url:
        report = made.verify(url)
    assert report.losses == []
    assert (report.checked, report.total) == (12, 12)  # 9 snapshots without /404, 2 live routes, an unknown path
    assert not report.failed


def self_signed(folder: Path) -> dict[str, str]:
    """A certificate for 127.0.0.1 that nobody trusts, as uvicorn takes it."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return {"ssl_certfile": str(folder / "cert.pem"), "ssl_keyfile": str(folder / "key.pem")}


def test_over_https_too(shared: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = self_signed(tmp_path)
    with on_uvicorn(shared.app, **files) as url:
        url = url.replace("http://", "https://")
        report = shared.verify(url)
        assert [(loss.kind, loss.path) for loss in report.losses] == [("unreachable", "/")]
        assert "certificate" in report.losses[0].message.lower()
        trusted = ssl.create_default_context(cafile=files["ssl_certfile"])
        monkeypatch.setattr("httpx.create_ssl_context", lambda **options: trusted)
        assert shared.verify(url).losses == []


def test_what_a_file_server_loses(shared: Built) -> None:
    with on_file_server(shared.store.folder / "site") as url:
        report = shared.verify(url)
    assert [(group.first.kind, group.first.about, group.count, group.examples) for group in report.groups()] == [
        ("status", "200 410", 1, ("/gone/",)),
        ("status", "404 200", 1, ("/open",)),
        ("redirect", "200 with the page that refreshes", 1, ("/old/",)),
        ("on-demand", "404", 2, ("/account", "/live")),
        ("guard", "404 302", 1, ("/members",)),
        ("error-page", "", 1, (UNKNOWN,)),
        ("content-type", "text/html text/html; charset=utf-8", 4, ("/", "/about/", "/p/a/")),
        ("header", "x-frame-options", 1, ("/",)),
        ("header", "x-kept", 1, ("/about/",)),
        ("header", "x-title", 1, ("/about/",)),
        ("etag", "none", 5, ("/", "/about/", "/data.json")),
        ("vary", "accept-language, user-agent", 1, ("/about/",)),
        ("lost-encoding", "br", 3, ("/about/", "/p/a/", "/p/b/")),
        ("lost-encoding", "gzip", 3, ("/about/", "/p/a/", "/p/b/")),
        ("lost-encoding", "zstd", 3, ("/about/", "/p/a/", "/p/b/")),
    ]
    assert report.failed


def own_pages(slash: str) -> Pages:
    """Pages of the site's own, one of whose spellings counts."""
    pages = Pages()

    @pages.page("/own")
    async def own(page: Any) -> str:
        return f"<h1>Own</h1>{WORDS}"

    @pages.page("/v1.2")
    async def dotted(page: Any) -> str:
        return "<h1>1.2</h1>"

    return pages


@pytest.mark.parametrize("slash", ["ignore", "always", "never"])
@pytest.mark.parametrize("base", ["/", "/docs"])
@pytest.mark.parametrize("own", [False, True], ids=["app", "pages"])
def test_whatever_the_spelling_nothing_is_lost(slash: str, base: str, own: bool, dist: Path, built: Build) -> None:
    more = {"pages": own_pages(slash)} if own else {}
    made = make(site(innermost, dist, trailing_slash=slash, base=base, **more), dist, built)
    with host(made.app) as url:
        assert made.verify(url).losses == []
        assert made.verify(url + base).losses == []  # as a visitor would write it
    if slash == "ignore":
        return

    def dropped(asked: Asked, answer: Answer) -> None:
        set_header(answer, "location", (answer.header("location") or "").partition("?")[0])

    wrong = base.rstrip("/") + ("/about" if slash == "always" else "/about/")
    right = "/about/" if slash == "always" else "/about"
    for lose in (on(wrong, becomes(200, FULL)), on(wrong, becomes(404)), on(wrong, dropped), on(wrong, becomes(302))):
        with host(made.app, lose) as url:
            assert [(loss.kind, loss.path) for loss in made.verify(url).losses] == [("slash", right)]


@pytest.mark.parametrize("slash", ["ignore", "always", "never"])
def test_the_first_page_below_base(slash: str, dist: Path, built: Build) -> None:
    """/docs or /docs/: the one that the site uses."""
    pages = Pages()

    @pages.page("/")
    async def first(page: Any) -> str:
        return "<h1>First</h1>"

    made = make(OnDemand(pages=pages, dist=dist, snapshots=True, base="/docs", trailing_slash=slash), dist, built)
    with host(made.app) as url:
        assert made.verify(url).losses == []


def test_what_the_app_itself_does_is_no_loss(dist: Path, built: Build) -> None:
    """It answers every path, by its lifespan's state; and some only on another host."""

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        yield {"known": "everything"}

    async def anything(request: Any) -> HTMLResponse:
        return HTMLResponse(request.state.known)

    elsewhere = Host("api.example.com", Router([Route("/only-there", live)]))
    app = Starlette(routes=[elsewhere, Route("/", about), Route("/{rest:path}", anything)], lifespan=lifespan)
    rules = {"/": Rule(prerender=True), "/{rest:path}": Rule(prerender=False), "/only-there": Rule(prerender=False)}
    made = make(outermost(app, dist=dist, snapshots=True, rules=rules), dist, built)
    assert (made.expected.missing[0], made.expected.live) == (200, {})
    with on_uvicorn(made.app) as url:
        assert made.verify(url).losses == []


def test_an_app_that_knows_one_spelling_has_lost_nothing(dist: Path, built: Build) -> None:
    """Where the site does not care for spellings, the app says which it answers."""
    app = Starlette(routes=[Route("/about", about)])
    app.router.redirect_slashes = False
    made = make(outermost(app, dist=dist, snapshots=True, rules={"/about": Rule(prerender=True)}), dist, built)
    assert made.expected.both == frozenset()
    with host(made.app) as url:
        assert made.verify(url).losses == []


@pytest.mark.parametrize("slash", ["ignore", "always", "never"])
def test_two_pages_that_differ_by_a_slash(slash: str, dist: Path, built: Build) -> None:
    """Neither is the other spelling of the other."""

    async def back(request: Any) -> HTMLResponse:
        return HTMLResponse("it is back")

    app = Starlette(routes=[Route("/x", about), Route("/x/", back)])
    settings = {"trailing_slash": slash, "build_format": "preserve", "rules": {"/**": Rule(prerender=True)}}
    made = make(outermost(app, dist=dist, snapshots=True, **settings), dist, built)
    with host(made.app) as url:
        report = made.verify(url)
    assert report.losses == []
    assert report.checked == report.total == 3


def test_a_host_that_adds_the_slash_is_followed_to_the_other_spelling_only(shared: Built) -> None:
    """File hosts send /about to /about/, which is as good where the site does not care."""
    to_slash = on(A, becomes(301, b"", location="/about/"))
    with host(shared.app, to_slash, moved={"/about/": A}) as url:
        assert shared.verify(url).losses == []
    away = on(A, becomes(301, b"", location="/elsewhere"))
    with host(shared.app, away) as url:
        assert [(loss.kind, loss.path) for loss in shared.verify(url).losses] == [("status", A)]


@pytest.mark.parametrize("end", ["", "/"])
def test_a_host_below_a_path_of_its_own(end: str, shared: Built) -> None:
    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        assert scope["path"].startswith("/staging")
        await shared.app({**scope, "root_path": "/staging"}, receive, send)

    with host(mounted) as url:
        assert shared.verify(f"{url}/staging{end}").losses == []


def test_what_is_asked(shared: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cookie, no header that a snapshot's Vary names, no redirect followed, no proxy of the environment's."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    seen: list[Asked] = []

    def note(asked: Asked, answer: Answer) -> None:
        seen.append(asked)
        set_header(answer, "set-cookie", "a=b")

    with host(shared.app, note) as url:
        report = shared.verify(url, headers=[("Authorization", "Basic eDp5")], concurrency=1)
    assert report.losses == []
    assert {asked.headers.get("authorization") for asked in seen} == {"Basic eDp5"}
    assert not any("cookie" in asked.headers for asked in seen)
    assert {asked.path for asked in seen} == {
        *["/", "/about", "/about/", "/p/a", "/p/a/", "/p/b", "/p/b/", "/gone", "/members", "/members/", "/open"]
    } | {*f"/data.json /old /live /account {UNKNOWN}".split()}
    assert all(
        asked.headers.get("user-agent", "").startswith("ondemand/")
        for asked in seen
        if asked.path not in {A, "/about/"}
    )
    assert not any("user-agent" in asked.headers for asked in seen if asked.path in {A, "/about/"})


def test_an_encoding_that_cannot_be_read_here_is_no_loss(shared: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    other = compressors(max_compress=True)[1]["br"](FULL + b"!")
    with host(shared.app, on(A, packed(other, "br"))) as url:
        assert [loss.kind for loss in shared.verify(url).losses] == ["encoding"]
        monkeypatch.setitem(sys.modules, "brotli", None)
        assert shared.verify(url).losses == []


def test_a_host_of_another_name(shared: Built) -> None:
    """A host that is not in the DNS yet: its address, and its name as a header."""
    names: set[str | None] = set()
    with host(shared.app, lambda asked, answer: names.add(asked.headers.get("host"))) as url:
        assert shared.verify(url, headers=[("Host", "example.com")]).losses == []
    assert names == {"example.com"}


def test_no_more_than_so_many_at_once(shared: Built) -> None:
    now = most = 0
    lock = threading.Lock()
    app = shared.app

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        await asyncio.sleep(0.002)  # room for others
        await app(scope, receive, send)
        with lock:
            now -= 1

    with host(counting) as url:
        assert shared.verify(url, concurrency=3).losses == []
    assert most == 3


def test_a_body_is_read_no_further_than_it_may_be(shared: Built) -> None:
    """An endless body costs its size and what is under way."""
    with host(shared.app, on(A, endless)) as url:
        started = time.monotonic()
        assert [loss.kind for loss in shared.verify(url).losses] == ["body"]
    assert time.monotonic() - started < 5


def test_nothing_listens(shared: Built) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    report = shared.verify(f"http://127.0.0.1:{port}")
    assert [(loss.kind, loss.path) for loss in report.losses] == [("unreachable", "/")]
    assert (report.checked, report.failed) == (0, True)


def test_without_the_app_the_manifest_is_what_there_is(shared: Built) -> None:
    """No guard lets anyone pass, and routes that are rendered on demand are not known."""
    with host(shared.app) as url:
        report = verify(shared.store, url, unknown=UNKNOWN)
    assert [(loss.kind, loss.path) for loss in report.losses] == [("guarded", "/open")]


# -------------------------------------------------------------------------------------------------------------- the rest


def test_a_loss_on_many_pages_is_one_row() -> None:
    losses = [Loss("header", "sends no x-a:", f"/{n:03}", "/{n}", "x-a") for n in range(500)]
    losses += [Loss("header", "sends no x-b:", "/", "/", "x-b"), Loss("weak-etag", "sends a weak ETag", "/")]
    losses += [Loss("guarded", "hands out", "/m", "/m")]
    report = VerifyReport("http://h", "000001", 502, 502, 1.5, losses)
    rows = [(group.first.kind, group.first.about, group.count, group.examples) for group in report.groups()]
    assert rows == [
        ("guarded", "", 1, ("/m",)),
        ("header", "x-a", 500, ("/000", "/001", "/002")),
        ("header", "x-b", 1, ("/",)),
        ("weak-etag", "", 1, ("/",)),
    ]
    found = report.to_json()
    assert len(found["findings"]) == 503
    assert found["findings"][0] == {
        "kind": "guarded",
        "policy": "fail",
        "route": "/m",
        "path": "/m",
        "message": "hands out",
        "remedy": LOSSES["guarded"][1],
    }
    assert {key: found[key] for key in found if key != "findings"} == {
        "ondemand": 1,
        "url": "http://h",
        "generation": "000001",
        "checked": 502,
        "total": 502,
        "seconds": 1.5,
    }


@pytest.mark.parametrize(
    "url",
    ["", "example.com", "ftp://example.com", "http://", "http://a/?q=1", "http://u:p@a/", "http://[", "http://a:99999"],
)
def test_what_is_no_url_is_refused(url: str, shared: Built) -> None:
    with pytest.raises(ConfigError, match="is not the URL of a site"):
        shared.verify(url)


def test_nothing_published_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Nothing is published"):
        verify(Store(tmp_path), "http://127.0.0.1:9")


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_an_encoding_is_unpacked_up_to_a_limit(coding: str) -> None:
    assert can_unpack(coding)
    packed = compressors(max_compress=False)[1][coding](b"\0" * 1_000_000)
    assert unpack(coding, packed, limit=1_000_000) == b"\0" * 1_000_000
    assert unpack(coding, packed, limit=999_999) is None
    assert unpack(coding, packed[:-1], limit=1_000_000) is None
    assert unpack(coding, b"no such thing", limit=100) is None


# ------------------------------------------------------------------------------------------------------ the command line

SITE = """
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Host, Route, Router
from ondemand import OnDemand, prerender


async def home(request):
    return HTMLResponse('<a href="/about">about</a>')


async def about(request):
    return HTMLResponse("<h1>About</h1>" + "words " * 100)


@prerender(False)
async def live(request):
    return HTMLResponse("live")


app = Starlette(routes=[Route("/", home), Route("/about", about), Route("/live", live)])
app.add_middleware(OnDemand)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_site(tmp_path_factory.mktemp("cli") / "project", SITE)
    assert ondemand(folder, "build").returncode == 0
    return folder


def test_the_command_prints_a_row_for_each_loss_and_exits_1(project: Path) -> None:
    with on_file_server(project / "dist" / "site") as url:
        done = ondemand(project, "verify", "main:app", url, "--json", "r.json")
    assert done.returncode == 1, done.stderr
    rows = [line.split("\t")[:3] for line in done.stdout.splitlines() if "\t" in line]
    assert rows == [
        ["on-demand", "fail", "1"],
        ["content-type", "fail", "2"],
        ["etag", "fail", "2"],
        *[["lost-encoding", "warn", "1"]] * 3,
    ]
    assert "3 things lost, 3 warnings  (4 paths of generation 000001 in" in done.stdout
    assert "\x1b" not in done.stdout
    report = json.loads((project / "r.json").read_text())
    assert report["url"] == url
    assert [(f["kind"], f["path"]) for f in report["findings"]][:2] == [("on-demand", "/live"), ("content-type", "/")]


def test_the_command_exits_0_where_nothing_is_lost(
    project: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `main` itself, and the app of the project by default."""
    from ondemand.cli import main

    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(project))
    monkeypatch.setenv("ONDEMAND_SNAPSHOTS", "1")
    monkeypatch.delitem(sys.modules, "main", raising=False)
    import main as site_module  # type: ignore[import-not-found]

    with on_uvicorn(site_module.app) as url:
        assert main(["verify", url]) == 0
        printed = capfd.readouterr().out
        assert f"{url}: nothing lost  (4 paths of generation 000001" in printed
        assert main(["verify", url, "--json", "-"]) == 0
        assert json.loads(capfd.readouterr().out)["findings"] == []
    sys.modules.pop("main")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["verify"], 2, "URL"),
        (["verify", "main:app", "http://a", "more"], 2, "was given 3 words"),
        (["verify", "main:app", "example.com"], 2, "is not the URL of a site"),
        (["verify", "http://127.0.0.1:9", "--header", "nonsense"], 2, "is no header"),
        (["verify", "http://127.0.0.1:9", "--concurrency", "0"], 2, "--concurrency"),
        (["verify", "nope:app", "http://127.0.0.1:9"], 3, "There is no module 'nope'"),
        (["verify", "http://127.0.0.1:9"], 1, "unreachable\tfail\t1"),
        (["verify", "--help"], 0, "nothing was lost"),
    ],
)
def test_exit_codes(arguments: list[str], code: int, words: str, project: Path) -> None:
    done = ondemand(project, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_nothing_published_exits_2(project: Path, tmp_path: Path) -> None:
    folder = write_site(tmp_path / "unbuilt", SITE)
    done = ondemand(folder, "verify", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "Run `ondemand build`" in done.stderr


def test_ctrl_c_says_how_far_it_came(project: Path) -> None:
    """One page hangs; the rest has been checked when it is stopped."""
    import os
    import signal
    import subprocess

    with on_file_server(project / "dist" / "site") as files:
        lines = (
            "import os, signal, sys, threading, ondemand.prerendering.verify as v\n"
            "from ondemand.cli import printing\n"
            "tell = printing.VerifyProgress.tell\n"
            "def stop(self, report):\n"
            "    tell(self, report)\n"
            "    if report.checked == 2: os.kill(os.getpid(), signal.SIGINT)\n"
            "printing.VerifyProgress.tell = stop\n"
            f"from ondemand.cli import main\nsys.exit(main(['verify', {files!r}, '-c', '1']))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", lines], cwd=project, env=os.environ, capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 130, done.stderr
    assert "Stopped after 2 of 4 paths. So far:" in done.stdout
    assert "on-demand\tfail\t1" in done.stdout
    assert "Traceback" not in done.stderr
    assert signal.SIGINT
