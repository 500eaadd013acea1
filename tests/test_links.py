"""The link report of `ondemand check` and `ondemand build`: what is found, where it stands, and how it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from ondemand import OnDemand, prerender
from ondemand.prerendering.baseline import Baseline
from ondemand.prerendering.report import Finding, Report
from tests.asking import write_site
from tests.conftest import Build
from tests.test_build import found, starlette
from tests.test_cli import ondemand

SITE = '''
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route
from ondemand import OnDemand, prerender

HOME = """<!doctype html>
<title>Home</title>
<link rel="stylesheet" href="/site.css">
<h1 id="caf%C3%A9">Home</h1>
<a href="/gone">1</a>
<a href="/about#nobody">2</a> <a href="/about#team">fine</a>
<img srcset="/small.png 1x,
             /large.png 2x">
<a href="/old">3</a>
<a href="/round">4</a>
<a href="http://[">5</a>
<a href="http://example.com/about">6</a>
<script src="http://cdn.example.org/x.js"></script>
<a href="http://other.example.org/">fine</a>
<a href="/live#here">fine</a> <a href="/live#nowhere">7</a>
<a href="/missing">8</a> <a href="/search?q=1">fine</a>
<a href="/raises">9</a>
<a href="#café">fine</a> <a href="#top">fine</a> <a href="#:~:text=Home">fine</a>
<style>
  i { background: url("/icon.png") }
</style>
"""


async def home(request):
    return HTMLResponse(HOME)


async def about(request):
    return HTMLResponse('<h1 id="team">About</h1>\\n<a href="/gone">1</a>\\n<a href="/old">2</a>')


@prerender(False)
async def live(request):
    return HTMLResponse('<a name="here">Live</a>\\n<a href="/never">broken</a><a href="/about">fine</a>')


@prerender(False)
async def missing(request):
    return HTMLResponse("no", 404)


@prerender(False)
async def search(request):
    return HTMLResponse("what?", 200 if request.url.query else 404)


async def raises(request):
    raise ValueError("no such table: books")


def to(path):
    @prerender
    async def answer(request):
        return RedirectResponse(path, 301)

    return answer


routes = {"/": home, "/about": about, "/live": live, "/missing": missing, "/search": search, "/raises": raises}
routes |= {"/old": to("/older"), "/older": to("/about"), "/round": to("/and-round"), "/and-round": to("/round")}
app = Starlette(routes=[Route(path, function) for path, function in routes.items()])
app.add_middleware(OnDemand, site="https://example.com", public="public")
'''

SHEET = """h1 { color: red }
@import "/gone.css";
b { background: url(http://cdn.example.org/b.png) }
"""

TOLD = """\
broken-fragment  /about
  Nothing in /about has the id 'nobody'.
  linked from: /:6
  Correct the link, or give the element that id.
broken-fragment  /live
  Nothing in /live has the id 'nowhere'.
  linked from: /:15
  Correct the link, or give the element that id.
broken-link  /gone
  It is linked to, but it answers 404.
  linked from: /:5, /about:2
  Correct the link or the page.
broken-link  /gone.css
  It is linked to, but it answers 404.
  linked from: /site.css:2
  Correct the link or the page.
broken-link  /icon.png
  It is linked to, but it answers 404.
  linked from: /:20
  Correct the link or the page.
broken-link  /large.png
  It is linked to, but it answers 404.
  linked from: /:8
  Correct the link or the page.
broken-link  /missing
  It is linked to, but it answers 404.
  linked from: /:16
  Correct the link or the page.
broken-link  /never
  It is linked to, but it answers 404.
  linked from: /live:2
  Correct the link or the page.
broken-link  /small.png
  It is linked to, but it answers 404.
  linked from: /:7
  Correct the link or the page.
error  /raises
  It raised ValueError: no such table: books.
    FOLDER/main.py:55 in raises: raise ValueError("no such table: books")
  linked from: /:17
  Correct the page.
redirect-loop  /and-round
  The redirects never end: /and-round -> /round -> /and-round.
  linked from: /:10
  Let one of them answer a page.
faulty-link (warning)  /
  The link 'http://[' is no URL.
  at: /:11
  Correct the link.
mixed (warning)
  http://cdn.example.org/b.png is loaded by http, and https://example.com is https.
  linked from: /site.css:3
  Write https:// or a path.
mixed (warning)
  http://cdn.example.org/x.js is loaded by http, and https://example.com is https.
  linked from: /:13
  Write https:// or a path.
mixed (warning)
  http://example.com/about is linked to by http, and https://example.com is https.
  linked from: /:12
  Write https:// or a path.
redirect-chain (warning)  /old
  It takes 2 redirects: /old -> /older -> /about.
  linked from: /:9, /about:3
  Link or redirect straight to /about.
"""
SUM = "11 faults, 5 warnings in SECONDS s: 6 static pages, 1 file, 4 linked paths on demand. Nothing was published.\n"
SUM += "  proven: 6 pages, rendered 96 times\n"

ANNOTATED = """\
::error file=main.py,line=31,title=broken-fragment::/about: Nothing in /about has the id 'nobody'. Linked from /:6. \
Correct the link, or give the element that id.
::error file=main.py,line=31,title=broken-link::/gone: It is linked to, but it answers 404. Linked from /:5, /about:2. \
Correct the link or the page.
::error file=public/site.css,line=2,title=broken-link::/gone.css: It is linked to, but it answers 404. \
Linked from /site.css:2. Correct the link or the page.
::error file=main.py,line=55,title=error::/raises: It raised ValueError: no such table: books. Linked from /:17. \
Correct the page.
::warning file=main.py,line=31,title=faulty-link::/: The link 'http://[' is no URL. Correct the link.
::warning file=public/site.css,line=3,title=mixed::http://cdn.example.org/b.png is loaded by http, \
and https://example.com is https. Linked from /site.css:3. Write https:// or a path.
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = write_site(tmp_path / "site", SITE)
    (folder / "public").mkdir()
    (folder / "public" / "site.css").write_text(SHEET)
    return folder


def seconds_out(text: str) -> str:
    words = text.split(" ")
    return " ".join("SECONDS" if after == "s:" else word for word, after in zip(words, [*words[1:], ""], strict=True))


def test_a_person_sees_every_fault_with_everyone_who_links_to_it_and_the_line(site: Path) -> None:
    done = ondemand(site, "check", "--ask")
    assert (done.returncode, done.stderr) == (1, "")
    assert seconds_out(done.stdout) == TOLD.replace("FOLDER", str(site)) + SUM


def test_a_build_tells_what_costs_nothing_more(site: Path) -> None:
    done = ondemand(site, "build", "--json", "-")
    assert done.returncode == 1
    told = json.loads(done.stdout)["findings"]
    kinds = [(row["kind"], row["path"]) for row in told]
    assert not {("broken-fragment", "/live"), ("broken-link", "/missing"), ("broken-link", "/never")} & set(kinds)
    assert len(kinds) == 13
    assert next(row for row in told if row["path"] == "/gone") == {
        "kind": "broken-link",
        "policy": "fail",
        "route": None,
        "path": "/gone",
        "message": "It is linked to, but it answers 404.",
        "remedy": "Correct the link or the page.",
        "referrers": ["/", "/about"],
        "places": [{"path": "/", "line": 5, "text": "/gone"}, {"path": "/about", "line": 2, "text": "/gone"}],
        "frames": [],
        "source": f"{site}/main.py:31",
        "known": False,
    }


def test_github_sees_them_beside_the_code(site: Path) -> None:
    done = ondemand(site, "check", "--format", "github")
    assert done.returncode == 1
    *lines, last, proven = done.stdout.splitlines()
    assert len(lines) == 13
    assert "proven: 6 pages" in proven
    assert set(ANNOTATED.splitlines()) <= set(lines)
    assert last.startswith("8 faults, 5 warnings in ")


def test_what_is_known_fails_nothing_and_what_is_gone_is_told(site: Path) -> None:
    assert ondemand(site, "check", "--ask", "--json", "known.json").returncode == 1
    done = ondemand(site, "check", "--ask", "--baseline", "known.json")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "16 known findings (baseline)")
    source = site / "main.py"
    source.write_text("# one more line\n" + source.read_text().replace("/gone", "/lost"))
    done = ondemand(site, "build", "--baseline", "known.json")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "broken-link  /lost",
        "  It is linked to, but it answers 404.",
        "  linked from: /:5, /about:2",
        "  Correct the link or the page.",
        "12 known findings (baseline)",
        "gone from the baseline: broken-fragment /live, broken-link /gone, broken-link /missing, broken-link /never. "
        "Write it anew with --json FILE.",
        "Nothing was published: 1 fault. What was live stays.",
    ]
    done = ondemand(site, "check", "--baseline", "known.json", "--json", "-")
    told = json.loads(done.stdout)
    assert sum(row["known"] for row in told["findings"]) == 12
    assert told["gone"][1] == {
        "kind": "broken-link",
        "about": "/gone",
        "message": "It is linked to, but it answers 404.",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ("{", "is no JSON"),
        ("[]", "is no report of ondemand"),
        ('{"findings": [{"kind": "error"}]}', "is no report of ondemand"),
        ('{"findings": [{"kind": 1, "message": "x"}]}', "is no report of ondemand"),
    ],
)
@pytest.mark.parametrize("command", ["check", "build"])
def test_a_baseline_that_is_none_is_refused(command: str, text: str | None, words: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "b.json").write_text(text)
    done = ondemand(tmp_path, command, "main:app", "--baseline", "b.json")
    assert done.returncode == 2
    assert words in done.stderr
    assert "ondemand check --json b.json" in done.stderr


# --- rules


def told(report: Report, *kinds: str) -> list[tuple[str, str, list[str]]]:
    """(kind, path, referrers with lines) of these kinds, or of all."""
    rows = [finding for finding in report.findings if finding.kind in kinds or not kinds]
    return [(row.kind, row.path, [f"{place.path}:{place.line}" for place in row.places]) for row in rows]


def moved(path: str, status: int = 302) -> Any:
    return prerender(lambda config: True)(answering(RedirectResponse(path, status)))


def answering(response: Response) -> Any:
    async def answer(request: Request) -> Response:
        return response

    return answer


def live(body: str | Response, status: int = 200) -> Any:
    return prerender(False)(answering(HTMLResponse(body, status) if isinstance(body, str) else body))


CHAINS = {
    "one redirect is fine": ({"/": '<a href="/a">', "/a": "/b", "/b": ""}, []),
    "two are a chain": (
        {"/": '\n<a href="/a">', "/a": "/b", "/b": "/c", "/c": ""},
        [("redirect-chain", "/a", ["/:2"])],
    ),
    "told from its beginning alone": (
        {"/": '<a href="/a">', "/a": "/b", "/b": "/c", "/c": "/d", "/d": ""},
        [("redirect-chain", "/a", ["/:1"])],
    ),
    "unless somebody links into its middle": (
        {"/": '<a href="/a"><a href="/b">', "/a": "/b", "/b": "/c", "/c": "/d", "/d": ""},
        [("redirect-chain", "/a", ["/:1"]), ("redirect-chain", "/b", ["/:1"])],
    ),
    "a loop": (
        {"/": '<a href="/b">', "/b": "/a", "/a": "/b"},
        [("redirect-loop", "/a", ["/:1"])],
    ),
    "a loop of one": ({"/": '\n\n<a href="/a">', "/a": "/a"}, [("redirect-loop", "/a", ["/:3"])]),
    "who leads into a loop is of it": (
        {"/": '<a href="/x">', "/x": "/y", "/y": "/b", "/b": "/a", "/a": "/b"},
        [("redirect-loop", "/a", ["/:1"])],
    ),
    "a query may lead elsewhere": ({"/": '<a href="/a">', "/a": "/a?seen=1"}, []),
    "a redirect to what is broken": (
        {"/": '<a href="/a">', "/a": "/gone"},
        [("broken-link", "/gone", ["/a:0"])],
    ),
    "ids are looked for at its end": (
        {"/": '<a href="/a#x"><a href="/a#y">', "/a": "/b", "/b": '<p id="x">'},
        [("broken-fragment", "/a", ["/:1"])],
    ),
    "a fragment of the redirect's own beats the link's": (
        {"/": '<a href="/a#y">', "/a": "/b#x", "/b": '<p id="x">'},
        [],
    ),
}


@pytest.mark.parametrize("marked", [True, False], ids=["snapshots", "on demand"])
@pytest.mark.parametrize("name", CHAINS)
def test_redirects(name: str, marked: bool, dist: Path, built: Build) -> None:
    pages, expected = CHAINS[name]
    made: dict[str, Any] = {}
    for path, page in pages.items():
        if page.startswith("/"):
            made[path] = moved(page) if marked else live(RedirectResponse(page))
        else:
            made[path] = page
    report = built(OnDemand(starlette(made), dist=dist), ask=not marked)
    assert told(report) == expected


def test_configured_redirects_are_told_though_nobody_links_to_them(dist: Path, built: Build) -> None:
    redirects = {"/a": "/b", "/b": "/c", "/x": "/y", "/y": "/x"}
    report = built(OnDemand(starlette({"/": "home", "/c": "c"}), dist=dist, redirects=redirects))
    assert [(row.kind, row.message) for row in report.findings] == [
        ("redirect-loop", "The redirects never end: /x -> /y -> /x."),
        ("redirect-chain", "It takes 2 redirects: /a -> /b -> /c."),
    ]


FRAGMENTS = {
    # link -> whether <p id="a b"><p id="caf%C3%A9"><p id="é"><a name="n"> has it
    "/b#a%20b": True,
    "/b#a b": True,
    "/b#caf%C3%A9": True,
    "/b#café": True,
    "/b#é": True,
    "/b#%C3%A9": True,
    "/b#n": True,
    "/b#N": False,
    "/b#": True,
    "/b#top": True,
    "/b#Top": True,
    "/b#:~:text=x": True,
    "/b#n:~:text=x": True,
    "/b#m:~:text=x": False,
    "/b?q=1#m": True,
    "#own": True,
    "#not-own": False,
    "/picture.svg#icon": True,
    "/plain.txt#L3": True,
    "/live#x": True,
    "/live#y": False,
}


@pytest.mark.parametrize("link", FRAGMENTS)
def test_fragments(link: str, dist: Path, built: Build) -> None:
    pages = {
        "/": f'<i id="own"></i>\n<a href="{link}">x</a>',
        "/b": '<p id="a b"><p id="caf%C3%A9"><p id="é"><a name="n">',
        "/picture.svg": Response("<svg>", media_type="image/svg+xml"),
        "/plain.txt": PlainTextResponse("text"),
        "/live": live('<p id="x">'),
    }
    report = built(OnDemand(starlette(pages), dist=dist), ask=True)
    path = link.partition("#")[0] or "/"
    assert told(report) == ([] if FRAGMENTS[link] else [("broken-fragment", path, ["/:2"])])


def test_ids_of_pages_on_demand_are_unknown_until_they_are_asked(dist: Path, built: Build) -> None:
    pages = {"/": '<a href="/live#y">', "/live": live('<p id="x">')}
    assert told(built(OnDemand(starlette(pages), dist=dist))) == []


# --- pages that are rendered on demand


def test_each_is_asked_once_with_a_plain_get(dist: Path, built: Build) -> None:
    asked: list[tuple[str, str, str]] = []

    @prerender(False)
    async def page(request: Request) -> Response:
        asked.append((request.method, request.url.path, request.url.query))
        return HTMLResponse('<a href="/p/3">')

    async def post(request: Request) -> Response:
        raise AssertionError

    links = (
        '<a href="/p/1?x=2"><a href="/p/1#top"><form action="/p/2"></form><form method="post" action="/post"></form>'
    )
    routes = [Route("/", answering(HTMLResponse(links))), Route("/p/{n}", page), Route("/post", post, methods=["POST"])]
    app = OnDemand(Starlette(routes=routes), dist=dist)
    assert built(app).findings == []
    assert asked == []
    report = built(app, ask=True)
    assert report.findings == []
    assert report.on_demand == 3
    assert sorted(asked) == [("GET", "/p/1", ""), ("GET", "/p/2", "")]


ANSWERS = {
    "404": (HTMLResponse("", 404), ["It is linked to, but it answers 404."]),
    "410": (HTMLResponse("", 410), ["It is linked to, but it answers 410."]),
    "500": (HTMLResponse("", 500), ["It is linked to, but it answers 500."]),
    "401": (HTMLResponse("", 401), []),
    "422": (HTMLResponse("", 422), []),
    "raises": (ValueError("no"), ["It is linked to, but it raised ValueError: no."]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_page_on_demand_that_answers_nothing_is_a_broken_link(name: str, dist: Path, built: Build) -> None:
    answer, messages = ANSWERS[name]

    @prerender(False)
    async def page(request: Request) -> Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    pages = {"/": '<a href="/a">', "/b": '\n<a href="/a">', "/a": page}
    report = built(OnDemand(starlette({**pages, "/": '<a href="/a"><a href="/b">'}), dist=dist), ask=True)
    assert [finding.message for finding in report.findings] == messages
    assert told(report) == [("broken-link", "/a", ["/:1", "/b:2"])] * len(messages)
    assert [finding.frames != () for finding in report.findings] == [name == "raises"] * len(messages)


def test_a_refusal_without_the_query_that_every_link_has_says_nothing(dist: Path, built: Build) -> None:
    pages = {"/": '<a href="/b">\n<a href="/a?x=1">', "/b": '<a href="/a?x=2">', "/a": live("", 404)}
    assert told(built(OnDemand(starlette(pages), dist=dist), ask=True)) == []
    pages["/b"] = '\n<a href="/a">'
    assert told(built(OnDemand(starlette(pages), dist=dist), ask=True)) == [("broken-link", "/a", ["/b:2"])]


def test_links_of_a_page_on_demand_are_checked_and_not_followed(dist: Path, tmp_path: Path, built: Build) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "a.css").write_text("")
    pages = {
        "/": '<a href="/live">',
        "/live": live('<a href="/gone">\n<a href="/unlinked"><a href="/#x"><link rel="stylesheet" href="/a.css">'),
        "/unlinked": answering(HTMLResponse("static if a page linked to it")),
    }
    report = built(OnDemand(starlette(pages), dist=dist, public=tmp_path / "public"), ask=True)
    assert told(report) == [("broken-fragment", "/", ["/live:2"]), ("broken-link", "/gone", ["/live:1"])]
    assert report.pages == 1
    assert {route.pattern: route.kind for route in report.routes}["/unlinked"] == "on demand"


@pytest.mark.parametrize("links", ['<a href="/1"><a href="/2">', '<a href="/2"><a href="/1">'])
def test_where_a_page_on_demand_redirects_to_is_asked_whoever_links_there_first(
    links: str, dist: Path, built: Build
) -> None:
    pages = {"/": links, "/1": live('<a href="/x">'), "/2": live(RedirectResponse("/x")), "/y": "y"}
    pages["/x"] = answering(RedirectResponse("/y"))
    assert told(built(OnDemand(starlette(pages), dist=dist), ask=True)) == [("redirect-chain", "/2", ["/:1"])]


def test_redirects_without_end_come_to_an_end(dist: Path, built: Build) -> None:
    asked: list[int] = []

    @prerender(False)
    async def page(request: Request) -> Response:
        asked.append(request.path_params["n"])
        return RedirectResponse(f"/{asked[-1] + 1}")

    routes = [Route("/", answering(HTMLResponse('<a href="/1">'))), Route("/{n:int}", page)]
    report = built(OnDemand(Starlette(routes=routes), dist=dist), ask=True)
    assert asked == list(range(1, 22))
    assert [finding.kind for finding in report.findings] == ["redirect-chain"]


def test_a_stream_that_has_begun_is_no_fault_and_one_that_never_begins_is(dist: Path, built: Build) -> None:
    import asyncio

    from starlette.responses import StreamingResponse

    @prerender(False)
    async def stream(request: Request) -> Response:
        async def body() -> Any:
            yield b": hello\n\n"
            await asyncio.Event().wait()

        return StreamingResponse(body(), media_type="text/event-stream")

    @prerender(False)
    async def never(request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    pages = {"/": '<a href="/stream"><a href="/never">', "/stream": stream, "/never": never}
    report = built(OnDemand(starlette(pages), dist=dist, page_timeout=0.2), ask=True)
    assert told(report) == [("timeout", "/never", ["/:1"])]


# --- http on an https site

OWN, OTHER = "http://example.com/a", "http://other.test/a"
MIXED = {
    f'<a href="{OWN}">': (OWN, "is linked to"),
    f'<a href="{OTHER}">': None,
    '<a href="https://example.com/a">': None,
    f'<A HREF="{OWN.upper()}">': ("http://EXAMPLE.COM/A", "is linked to"),
    f'<link rel="alternate" href="{OWN}">': (OWN, "is linked to"),
    f'<link rel="alternate" href="{OTHER}">': None,
    f'<link rel="stylesheet" href="{OTHER}">': (OTHER, "is loaded"),
    f'<script src="{OTHER}"></script>': (OTHER, "is loaded"),
    f'<img src="{OTHER}">': (OTHER, "is loaded"),
    f'<img srcset="/i.png 1x, {OTHER} 2x">': (OTHER, "is loaded"),
    f'<iframe src="{OTHER}"></iframe>': (OTHER, "is loaded"),
    f'<form action="{OTHER}"></form>': (OTHER, "is sent a form"),
    f'<form method="post" action="{OTHER}"></form>': (OTHER, "is sent a form"),
    f'<form><button formaction="{OTHER}"></form>': (OTHER, "is sent a form"),
    f"<style>b {{ background: url({OTHER}) }}</style>": (OTHER, "is loaded"),
    f"<b style=\"background: url('{OTHER}')\">": (OTHER, "is loaded"),
    f'<meta property="og:image" content="{OTHER}">': None,
    f'<script>var a = "{OTHER}"</script>': None,
    f"<p>{OTHER}": None,
    f'<template><img src="{OTHER}"></template>': None,
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"></svg>': None,
    '<img src="//other.test/a">': None,
}


@pytest.mark.parametrize("html", MIXED)
def test_what_an_https_page_asks_for_by_http(html: str, dist: Path, built: Build) -> None:
    pages = {"/": f"<!doctype html>\n{html}", "/a": "a", "/A": "a", "/i.png": Response(b"i", media_type="image/png")}
    report = built(OnDemand(starlette(pages), dist=dist, site="https://example.com", findings={"collision": "ignore"}))
    expected = MIXED[html]
    message = f"{expected[0]} {expected[1]} by http, and https://example.com is https." if expected else None
    assert [finding.message for finding in report.findings] == ([message] if message else [])
    assert told(report) == ([("mixed", "", ["/:2"])] if message else [])
    assert built(OnDemand(starlette(pages), dist=dist, site="http://example.com")).findings == []


def test_a_policy_for_some_pages_holds_for_what_is_about_no_path(dist: Path, built: Build) -> None:
    pages = {"/": f'<a href="/b"><img src="{OTHER}">', "/b": f'<img src="{OTHER}">'}
    policies: list[tuple[Any, list[tuple[str, list[str]]]]] = [
        ({"/b": "ignore"}, [("warn", ["/"])]),
        ({"/b": "fail"}, [("fail", ["/", "/b"])]),
        ("ignore", []),
    ]
    for policy, expected in policies:
        app = OnDemand(starlette(pages), dist=dist, site="https://example.com", findings={"mixed": policy})
        assert [(row.policy, list(row.referrers)) for row in built(app).findings] == expected


# --- where links stand


def test_lines_of_pages_that_are_no_snapshots_are_asked_for(dist: Path, built: Build) -> None:
    asked: list[str] = []

    async def private(request: Request) -> Response:
        asked.append(request.url.path)
        return HTMLResponse("\n<a href='/gone'>", headers={"cache-control": "private"})

    pages = {"/": '<a href="/c">', "/c": private, "/d": private}
    report = built(OnDemand(starlette({**pages, "/": '<a href="/c"><a href="/d#x">'}), dist=dist))
    assert told(report) == [("broken-link", "/gone", ["/c:2", "/d:2"])]
    assert sorted(asked) == ["/c", "/c", "/d", "/d"]
    asked.clear()
    assert built(OnDemand(starlette({**pages, "/gone": ""}), dist=dist)).findings == []
    assert asked == ["/c"]  # once where nothing is found


def test_a_site_below_a_base_has_lines_too(dist: Path, built: Build) -> None:
    pages = {"/": '\n<a href="/docs/gone?x"><a href="/gone">'}
    assert told(built(OnDemand(starlette(pages), dist=dist, base="/docs"))) == [("broken-link", "/gone", ["/:2"])]


def test_a_finding_about_a_page_shows_the_first_of_many_links(dist: Path, built: Build) -> None:
    pages: dict[str, Any] = {"/": "".join(f'<a href="/p{n}">' for n in range(30))}
    pages |= {f"/p{n}": '\n<a href="/bad">' for n in range(30)}

    async def bad(request: Request) -> Response:
        raise ValueError("bad")

    finding = found(built(OnDemand(starlette({**pages, "/bad": bad}), dist=dist)), "error")[0]
    assert len(finding.referrers) == 30
    assert [(place.path, place.line) for place in finding.places] == [(path, 2) for path in finding.referrers[:20]]


def test_a_broken_page_that_everyone_links_to_is_told_with_all_of_them(dist: Path, built: Build) -> None:
    count = 5000

    async def page(request: Request) -> Response:
        at = int(request.path_params["n"])
        links = "\n".join(f'<a href="/p/{(at * 7 + k) % count}">{k}</a>' for k in range(9))
        return HTMLResponse(f'<h1>{at}</h1>\n{links}\n<a href="/gone">x</a>')

    routes = [Route("/", answering(HTMLResponse('<a href="/p/0">'))), Route("/p/{n:int}", page)]
    started = time.process_time()
    report = built(OnDemand(Starlette(routes=routes), dist=dist), publish=False)
    spent = time.process_time() - started
    (finding,) = report.findings
    rows: Sequence[dict[str, Any]] = finding.to_json()["places"]
    assert len(finding.referrers) == len(rows) == count
    assert {row["line"] for row in rows} == {11}
    assert [row["path"] for row in rows] == list(finding.referrers)
    assert spent < 60  # seconds of processor time; 6 on the machine where this was written


def test_a_finding_of_an_older_report_is_known_by_its_words_and_not_by_its_numbers() -> None:
    known = ("timeout", "", "/a", "It did not finish in 0.5 seconds (main.py:12).")
    same = Finding("timeout", "It did not finish in 30 seconds (main.py:9).", path="/a")
    others = [
        Finding("timeout", same.message, path="/b"),
        Finding("error", same.message, path="/a"),
        Finding("timeout", "It did not begin in 30 seconds (main.py:9).", path="/a"),
    ]
    assert Baseline([known]).mark([same, *others]) == []
    assert [finding.known for finding in (same, *others)] == [True, False, False, False]


@pytest.mark.parametrize("name", ["x1", "1", "a-1", "1/2"])
def test_what_is_quoted_is_a_name_and_no_number(name: str) -> None:
    known = ("broken-fragment", "", "/a", f"Nothing in /a/1 has the id {name!r}.")
    finding = Finding("broken-fragment", f"Nothing in /a/1 has the id {name.replace('1', '2')!r}.", path="/a")
    assert Baseline([known]).mark([finding]) == [(known[0], known[2], known[3])]


def test_a_site_without_pages_is_never_known() -> None:
    finding = Finding("nothing", "No page is static.", policy="fail")
    Baseline([("nothing", "", "", "No page is static.")]).mark([finding])
    assert finding.fails
