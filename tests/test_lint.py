"""What no page for everyone may hold: secrets, tokens of one visitor, debug pages, addresses that only exist here."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response

from ondemand import prerender
from ondemand.capture import Capture
from ondemand.prerendering.lint import Lint
from tests.asking import Wrap, ask, is_snapshot
from tests.conftest import Build

SITE = "https://example.com"
HTML = "text/html; charset=utf-8"


def found(
    body: str, *, kind: str = HTML, site: str = SITE, path: str = "/it", headers: Any = (), **environment: str
) -> list[str]:
    lint = Lint(
        site=site, origin=site or "http://localhost", posts=lambda path: path == "/posted", environment=environment
    )
    sent = [(b"content-type", kind.encode()), *headers]
    return [finding.kind for finding in lint.findings(Capture(path, 200, sent, body.encode()))]


FINE = [
    "<p>hello</p>",
    '<form method="get" action="/it"><input name="q"></form>',
    '<form method="post" action="/other"></form>',
    '<form method="post" hx-post="/other"></form>',
    '<!-- <form method="post"></form> <script nonce="x"> -->',
    '<input name="csrf_token" value=""><meta name="csrf-token" content="">',
    "<p>csrf, nonce=1, localhost, testserver</p>",
    "<pre>open http://localhost:8000 in a browser</pre>",
    '<a href="https://localhost.example.com/">x</a><a href="//127.example.com/">',
    '<link rel="canonical" href="https://example.com/it"><meta property="og:url" content="/it">',
    '<a href="https://github.com/x">elsewhere is fine</a>',
    '<script nonce="">x</script>',
    '<pre>Traceback (most recent call last):\n  File "/nowhere/app.py", line 3, in main\n</pre>',
    "AKIA is the beginning of such keys, sk_live_ of others, -----BEGIN CERTIFICATE-----",
]


@pytest.mark.parametrize("body", FINE)
def test_what_is_fine(body: str) -> None:
    assert found(body) == []


THIS = str(Path(__file__).resolve())

WRONG = [
    ("csrf", '<input type="hidden" name="csrf_token" value="abc">'),
    ("csrf", "<input type=hidden name=csrfmiddlewaretoken value=abc>"),
    ("csrf", '<INPUT VALUE="abc" NAME="_csrf">'),
    ("csrf", '<input name="authenticity_token" value="abc">'),
    ("csrf", '<input name="__RequestVerificationToken" value="abc">'),
    ("csrf", '<input name="_xsrf" value="abc">'),
    ("csrf", '<meta name="csrf-token" content="abc">'),
    ("csrf", """<body hx-headers='{"X-CSRFToken": "abc"}'>"""),
    ("nonce", '<script nonce="r4nd0m">x</script>'),
    ("nonce", "<style nonce=r4nd0m></style>"),
    ("address", '<a href="http://localhost:8000/x">x</a>'),
    ("address", "<img src='http://127.0.0.1/x.png'>"),
    ("address", '<link rel="stylesheet" href="//localhost/x.css">'),
    ("address", '<meta property="og:image" content="http://testserver/x.png">'),
    ("address", '<form action="http://0.0.0.0:8000/x"></form>'),
    ("address", '<a href="http://[::1]:8000">x</a>'),
    ("address", "<a href=HTTP://LOCALHOST>x</a>"),
    ("canonical", '<link rel="canonical" href="https://staging.example.com/it">'),
    ("canonical", '<link href="http://example.com/it" rel=canonical>'),
    ("canonical", '<meta property="og:url" content="https://other.example/it">'),
    ("form", '<form method="post"></form>'),
    ("form", '<form method=POST action="/it/"></form>'),
    ("form", '<form action="?x=1" method="post"></form>'),
    ("form", '<form action="https://here/it" method="post">'.replace("https://here", "")),
    ("debug-page", f'<pre>Traceback (most recent call last):\n  File "{THIS}", line 3, in main</pre>'),
    ("debug-page", f"Traceback (most recent call last):<br>File &quot;{THIS}&quot;, line 3, in main"),
    ("debug-page", "<title>Starlette Debugger</title>"),
    ("debug-page", "because you have <code>DEBUG = True</code> in your Django settings file"),
    ("canary", "<li>last visitor: Mobile/15E148 ondemand-canary</li>"),
    ("secret", "-----BEGIN RSA PRIVATE KEY-----"),
    ("secret", "-----BEGIN PRIVATE KEY-----"),
    ("secret", "key: AKIA" + "ABCDEFGH12345678"),
    ("secret", "sk_live_" + "abcdefghijklmnopqrst"),
    ("secret", "ghp_" + "a" * 36),
]


@pytest.mark.parametrize(("kind", "body"), WRONG)
def test_what_is_wrong(kind: str, body: str) -> None:
    assert found(body) == [kind]
    assert found("<p>text</p>\n" * 100 + body + "\n<p>text</p>" * 100) == [kind]


def test_a_nonce_in_a_header() -> None:
    headers = [(b"content-security-policy", b"script-src 'nonce-abc'")]
    assert found("<p>x</p>", headers=headers) == ["nonce"]
    assert found("\x89PNG", kind="image/png", headers=headers) == ["nonce"]


def test_values_of_secret_environment_variables() -> None:
    body = "<p>postgres://user:hunter2hunter2@db/x</p>"
    assert found(body, DATABASE_URL="postgres://user:hunter2hunter2@db/x") == ["secret"]
    assert found(body, DB_PASSWORD="hunter2hunter2") == ["secret"]
    assert found(body, DB_PASSWORD="user") == []  # too short to mean anything
    assert found(body, HOME="postgres://user:hunter2hunter2@db/x") == []
    assert found('{"key": "hunter2hunter2"}', kind="application/json", API_KEY="hunter2hunter2") == ["secret"]


def test_the_sites_own_host_may_be_this_machine() -> None:
    body = '<a href="http://127.0.0.1:8000/x">x</a>'
    assert found(body, site="http://127.0.0.1:8000") == []
    assert found(body, site="http://127.0.0.1:8001") == ["address"]


def test_feeds_and_sitemaps() -> None:
    assert found("<item><link>http://localhost:8000/x</link></item>", kind="application/rss+xml") == ["address"]
    assert found("<url><loc>https://other.example/</loc></url>", kind="application/xml") == ["canonical"]
    assert found("<url><loc>https://example.com/</loc></url>", kind="application/xml") == []
    assert found('{"url": "http://testserver/x"}', kind="application/json") == ["address"]
    assert found("see http://localhost:8000", kind="text/plain") == []


def test_the_form_says_whether_anybody_answers() -> None:
    lint = Lint(site="", origin="http://localhost", posts=lambda path: path == "/posted", environment={})
    for path, said in (("/posted", "what the answer says"), ("/it", "where no route answers POST")):
        answer = Capture(path, 200, [(b"content-type", b"text/html")], b"<form method=post></form>")
        (finding,) = lint.findings(answer)
        assert said in finding.message


@pytest.mark.parametrize(
    "text", ["<", "<form ", "<!--", 'href="', "//localhost", "nonce=", "<input name=csrf ", "<a nonce"]
)
def test_hostile_pages_cost_linear_time(text: str) -> None:
    def seconds(size: int) -> float:
        body = "<form nonce canonical //localhost <!-- csrf" + text * (size // len(text))
        began = time.process_time()
        found(body)
        return time.process_time() - began

    small = min(seconds(50_000) for _ in range(3))
    assert seconds(400_000) < 30 * max(small, 0.002)


def test_a_healthy_page_costs_little() -> None:
    body = "<p>Some words of a page, and <a href='/x'>a link</a>.</p>\n" * 180
    answer = Capture("/it", 200, [(b"content-type", b"text/html")], body.encode())
    lint = Lint(site=SITE, origin=SITE, posts=lambda path: False, environment={})
    began = time.process_time()
    for _ in range(200):
        assert not [*lint.findings(answer)]
    assert (time.process_time() - began) / 200 < 0.002


# --- through a build


def site(wrap: Wrap, dist: Path, body: str, *, marked: bool, **settings: Any) -> Any:
    app = FastAPI(openapi_url=None)

    @app.get("/")
    async def home() -> HTMLResponse:
        return HTMLResponse('<a href="/it">it</a>')

    async def it() -> Response:
        return HTMLResponse(body)

    app.get("/it")(prerender(it) if marked else it)
    return wrap(app, dist=dist, snapshots=True, **settings)


BUILT = [
    ("csrf", "fail", WRONG[0][1]),
    ("nonce", "fail", WRONG[8][1]),
    ("address", "fail", WRONG[10][1]),
    ("canonical", "warn", WRONG[17][1]),
    ("form", "warn", WRONG[20][1]),
    ("debug-page", "fail", "<title>Starlette Debugger</title>"),
    ("secret", "fail", "-----BEGIN PRIVATE KEY-----"),
    ("canary", "fail", "ondemand-canary"),
]


@pytest.mark.parametrize(("kind", "policy", "body"), BUILT)
def test_a_marked_page_fails_or_warns_and_an_unmarked_one_stays_on_demand(
    kind: str, policy: str, body: str, wrap: Wrap, dist: Path, built: Build
) -> None:
    report = built(site(wrap, dist, body, marked=True, site=SITE))
    (finding,) = report.findings
    assert (finding.kind, finding.policy, finding.path) == (kind, policy, "/it")
    assert finding.message.startswith("It is marked static, but it")
    assert finding.remedy
    unmarked = site(wrap, dist, body, marked=False, site=SITE)
    report = built(unmarked)
    assert report.generation is not None
    assert is_snapshot(ask(unmarked, "/it")) == (policy == "warn")
    assert [finding.kind for finding in report.findings] == ([kind] if policy == "warn" else [])


@pytest.mark.parametrize("marked", [True, False])
def test_each_kind_has_a_policy_for_each_path(marked: bool, wrap: Wrap, dist: Path, built: Build) -> None:
    wrapped = site(wrap, dist, BUILT[2][2], marked=marked, site=SITE, findings={"address": {"/it": "ignore"}})
    assert built(wrapped).findings == []
    assert is_snapshot(ask(wrapped, "/it"))
