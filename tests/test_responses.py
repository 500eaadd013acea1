"""ondemand.responses: what page code may return, over Starlette's response and over our own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from http import HTTPStatus
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route

from ondemand import Response
from ondemand.headers import RawHeaders
from ondemand.responses import redirect_target
from tests.asking import Answer, ask

some = settings(max_examples=300, deadline=None, derandomize=True)


def sent(response: Any) -> Answer:
    """What goes to the server."""
    return ask(response, "/")


# ------------------------------------------------------------------------------------------------------- what it sends


@pytest.mark.parametrize(
    ("response", "status", "kind", "body"),
    [
        (lambda: Response("<h1>é</h1>"), 200, "text/html; charset=utf-8", "<h1>é</h1>".encode()),
        (lambda: Response(""), 200, "text/html; charset=utf-8", b""),
        (lambda: Response(), 200, None, b""),
        (lambda: Response(b"\0\xff"), 200, None, b"\0\xff"),
        (lambda: Response("a,b", headers={"Content-Type": "text/csv"}), 200, "text/csv", b"a,b"),
        (lambda: Response("gone", 410), 410, "text/html; charset=utf-8", b"gone"),
        (lambda: Response("no", HTTPStatus.FORBIDDEN), 403, "text/html; charset=utf-8", b"no"),
        (lambda: Response.html("<p>", 404), 404, "text/html; charset=utf-8", b"<p>"),
        (lambda: Response.json({"é": [1, None]}), 200, "application/json", '{"é":[1,null]}'.encode()),
        (lambda: Response.json([], 201, {"Content-Type": "application/ld+json"}), 201, "application/ld+json", b"[]"),
    ],
)
def test_a_response_has_its_status_type_and_body(response: Any, status: int, kind: str | None, body: bytes) -> None:
    answer = sent(response())
    assert (answer.status, answer.header("content-type"), answer.body) == (status, kind, body)
    assert answer.header("content-length") == str(len(body))


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_has_no_length(status: int) -> None:
    answer = sent(Response(None, status))
    assert (answer.status, answer.header("content-length"), answer.body) == (status, None, b"")


def test_headers_are_sent_once_each_whatever_their_case() -> None:
    answer = sent(Response("x", headers={"X-Own": "a", "x-own": "b", "CONTENT-TYPE": "text/plain"}))
    assert sorted(answer.headers) == [("content-length", "1"), ("content-type", "text/plain"), ("x-own", "b")]


def test_frameworks_pass_it_through_as_it_is() -> None:
    api = FastAPI()

    @api.get("/")
    async def home() -> Response:
        return Response("<p>", 418, {"x-own": "1"})

    @api.get("/plain")
    def plain():
        return Response(b"\xff", headers={"content-type": "image/png"})

    async def star(request: Any) -> Response:
        return Response("<p>", 418, {"x-own": "1"})

    for app in (api, Starlette(routes=[Route("/", star)])):
        answer = ask(app, "/")
        assert (answer.status, answer.body, answer.header("x-own")) == (418, b"<p>", "1")
        assert answer.header("content-type") == "text/html; charset=utf-8"
    assert (ask(api, "/plain").body, ask(api, "/plain").header("content-type")) == (b"\xff", "image/png")
    assert issubclass(Response, StarletteResponse)


# ----------------------------------------------------------------------------------------------------- what it refuses


@pytest.mark.parametrize("status", [0, -1, 99, 100, 101, 199, 600, 999, 2000, True, "200", "ok", 200.5, None])
def test_a_status_that_http_does_not_have_is_refused(status: Any) -> None:
    with pytest.raises(ValueError, match=f"status={status!r}"):
        Response("x", status)


FORBIDDEN = ["a\r\nset-cookie: b=1", "a\nb", "a\rb", "a\0b", "a\x0bb", "a\x1f", "a\x7f", "日", "\ud800"]


@pytest.mark.parametrize("text", FORBIDDEN, ids=ascii)
@pytest.mark.parametrize("make", [Response, Response.html, Response.json])
def test_a_header_value_that_would_break_the_message_is_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match="no valid HTTP header"):
        make("x", headers={"x-own": text})


@pytest.mark.parametrize(
    "name", [*FORBIDDEN, "", "a b", "a:", "a: b", ":status", "a\tb", "a,b", 'a"b', "a/b", "(a)", "é"], ids=ascii
)
def test_a_header_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no valid HTTP header"):
        Response("x", headers={name: "a"})


@some
@given(st.text(st.characters(max_codepoint=300), max_size=6), st.text(st.characters(max_codepoint=300), max_size=12))
def test_any_header_is_refused_or_sent_as_one_line(name: str, value: str) -> None:
    try:
        raw = Response(None, 204, {name: value}).raw_headers
    except ValueError:
        return
    ((key, text),) = raw
    assert re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+", key)
    assert re.fullmatch(rb"[\t\x20-\x7e\x80-\xff]*", text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_json_does_not_have_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):
        Response.json(value)
    with pytest.raises(TypeError):
        Response.json({"x": object()})


# ------------------------------------------------------------------------------------------------------------ redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, HTTPStatus.SEE_OTHER])
def test_a_redirect_says_where(status: int) -> None:
    answer = sent(Response.redirect("/login", status))
    assert (answer.status, answer.header("location"), answer.body) == (status, "/login", b"")
    assert answer.header("content-length") == "0"


def test_a_redirect_is_302_unless_it_says_otherwise() -> None:
    assert sent(Response.redirect("/")).status == 302


@pytest.mark.parametrize("status", [200, 201, 300, 304, 305, 306, 309, 399, 404, 500, 0, None, "302x", True])
def test_another_status_is_refused_with_those_it_takes(status: Any) -> None:
    with pytest.raises(ValueError, match="301, 302, 303, 307, 308") as caught:
        Response.redirect("/", status)
    assert repr(status) in str(caught.value)


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("/", "/"),
        ("/a?b=c&d#e", "/a?b=c&d#e"),
        ("../x", "../x"),
        ("?page=2", "?page=2"),
        ("#top", "#top"),
        ("https://example.com/x", "https://example.com/x"),
        ("//example.com/x", "//example.com/x"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("mailto:a@example.com", "mailto:a@example.com"),
        ("/é", "/%C3%A9"),
        ("/日本?q=é#ü", "/%E6%97%A5%E6%9C%AC?q=%C3%A9#%C3%BC"),
        ("/%C3%A9", "/%C3%A9"),
        ("/50%", "/50%25"),
        ("/100%25", "/100%25"),
        ("/%zz", "/%25zz"),
        ("/%2", "/%252"),
        ("/a b", "/a%20b"),
        ("/\\evil.example", "/%5Cevil.example"),
        ("\\\\evil.example", "%5C%5Cevil.example"),
        ('/"><script>', "/%22%3E%3Cscript%3E"),
        ("/a\x85b", "/a%C2%85b"),
        ("/a\u2028b", "/a%E2%80%A8b"),
        ("/javascript:alert(1)", "/javascript:alert(1)"),
        ("/x?u=javascript:alert(1)", "/x?u=javascript:alert(1)"),
        ("  /a  ", "/a"),  # as browsers and Astro do
    ],
)
def test_a_target_is_encoded_as_a_browser_would(url: str, location: str) -> None:
    assert redirect_target(url) == location
    assert sent(Response.redirect(url)).header("location") == location


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/a\r\nset-cookie: b=1",
        "/a\nb",
        "/a\rb",
        "/a\0b",
        "/a\tb",
        "/a\x7fb",
        "\n/a",
        "/\ud800",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "java\tscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
    ],
    ids=ascii,
)
def test_a_target_that_breaks_the_message_or_runs_code_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Response.redirect(url)


@some
@given(st.text(max_size=20) | st.text("/%2eé \\\r\n:#?&=[]", max_size=20))
def test_any_target_is_refused_or_one_clean_line_that_is_not_encoded_again(url: str) -> None:
    try:
        location = redirect_target(url)
    except ValueError:
        return
    assert re.fullmatch(r"""(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+""", location)
    assert redirect_target(location) == location


@pytest.mark.parametrize("part", ["%", " ", "é", "/", "\\", "%2", "javascript", ":"])
def test_a_hostile_target_takes_linear_time(part: str) -> None:
    started = time.process_time()
    redirect_target("/" + (part * 100_000)[:100_000])
    assert time.process_time() - started < 0.5


# ------------------------------------------------------------------------------------------------- without Starlette


SCRIPT = """
import asyncio, json, sys
if sys.argv[1] == "without":
    sys.modules["starlette"] = None  # every import of it fails
from ondemand import Response
assert ("starlette.responses" in sys.modules) == (sys.argv[1] == "with")
made = [
    Response("<p>é"), Response(""), Response(), Response(b"\\xff\\0"), Response("x", 404), Response("x", 599),
    Response(None, 204), Response(None, 304), Response("x", headers={"X-Own": "caf\\xe9", "content-type": "a/b"}),
    Response("x", headers={"Content-Length": "1"}), Response("x", headers={"A": "1", "a": "2"}),
    Response.html("<p>", 410), Response.json({"é": 1}), Response.json([], 201, {"Content-Type": "x/y"}),
    Response.redirect("/é"), Response.redirect("https://example.com/", 308),
]
async def run(response, method):
    messages = []
    async def send(message):
        messages.append(message)
    await response({"type": "http", "method": method}, None, send)
    start, *bodies = messages
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    body = b"".join(message.get("body", b"") for message in bodies)
    return start["status"], headers, "" if method == "HEAD" else body.hex(), [m["type"] for m in messages]
answers = [asyncio.run(run(response, method)) for response in made for method in ("GET", "HEAD")]
refused = []
for wrong in ({"status": 99}, {"headers": {"x": "a\\r\\nb"}}, {"headers": {"": "a"}}):
    try:
        Response("x", **wrong)
    except ValueError as error:
        refused.append(str(error))
print(json.dumps([answers, refused]))
"""


def test_without_starlette_the_same_bytes_are_sent() -> None:
    runs = [
        subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, timeout=60)
        for how in ("with", "without")
    ]
    for run in runs:
        assert run.returncode == 0, run.stderr
    over_starlette, alone = (json.loads(run.stdout) for run in runs)
    assert len(alone[1]) == 3
    for one, two in zip(over_starlette[0], alone[0], strict=True):
        assert one == two
    assert over_starlette[1] == alone[1]


SITE = """
import asyncio, json, pathlib, sys, tempfile
if sys.argv[1] == "without":
    sys.modules["starlette"] = sys.modules["fastapi"] = None
from ondemand import OnDemand, Pages, Response
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "t.mako").write_text("<p>${page.url.pathname}")
(folder / "404.mako").write_text("missing")
pages = Pages(folder)

@pages.on_request
async def marks(page, next):
    response = await next()
    response.headers["X-A"] = "1"
    response.headers.setdefault("x-a", "2")
    response.headers.append("X-B", "3")
    response.headers.append("X-B", "4")
    del response.headers["x-gone"]
    response.headers["content-type"] = response.headers["content-type"].upper()
    return response

@pages.page("/g", prerender=False)
async def generated(page):
    page.response.headers["x-gone"] = "yes"
    yield "a"
    await asyncio.sleep(0)
    yield "b"

pages.page("/r")(lambda page: Response("x", 201, {"x-gone": "1", "x-kept": "2"}))
pages.page("/boom")(lambda page: 1 / 0)
pages.endpoint("/e")(lambda page: {"a": 1})

async def run(path):
    messages = []
    async def send(message):
        messages.append(message)
    async def receive():
        await asyncio.sleep(3600)
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "scheme": "http",
             "headers": [(b"host", b"a")], "server": ("a", 80), "client": ("1.2.3.4", 5)}
    await OnDemand(pages=pages, output="server")(scope, receive, send)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in messages[0]["headers"]]
    return messages[0]["status"], headers, b"".join(m.get("body", b"") for m in messages[1:]).decode()

print(json.dumps([asyncio.run(run(path)) for path in ("/t", "/g", "/r", "/e", "/boom", "/none")]))
"""


def test_without_starlette_a_site_answers_the_same() -> None:
    runs = [
        subprocess.run([sys.executable, "-c", SITE, how], capture_output=True, text=True, timeout=60)
        for how in ("with", "without")
    ]
    for run in runs:
        assert run.returncode == 0, run.stderr
    over_starlette, alone = (json.loads(run.stdout) for run in runs)
    assert over_starlette == alone
    assert [status for status, _, _ in alone] == [200, 200, 201, 200, 500, 404]


NAMES = st.sampled_from(["a", "A", "b", "Content-Type", "content-type"])
DOINGS = st.lists(
    st.tuples(st.sampled_from(["set", "append", "delete", "setdefault"]), NAMES, st.sampled_from(["1", "2", "x y"])),
    max_size=8,
)


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"content-type"]), st.just(b"0")), max_size=4), DOINGS)
def test_the_headers_of_a_response_are_changed_as_starlettes_are(
    raw: list[tuple[bytes, bytes]], doings: list[tuple[str, str, str]]
) -> None:
    ours, theirs = RawHeaders(mine := list(raw)), MutableHeaders(raw=(other := list(raw)))
    for what, name, value in doings:
        if what == "set":
            ours[name], theirs[name] = value, value
        elif what == "append":
            ours.append(name, value)
            theirs.append(name, value)
        elif what == "delete":
            ours.pop(name, None)
            if name in theirs:
                del theirs[name]
        else:
            assert ours.setdefault(name, value) == theirs.setdefault(name, value)
        assert mine == other
        assert ours.get(name) == theirs.get(name)
        assert ours.getlist(name) == theirs.getlist(name)
        assert (name in ours) == (name in theirs)


def test_a_header_that_http_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="no valid HTTP header"):
        RawHeaders([])["x"] = "a\r\nb"
