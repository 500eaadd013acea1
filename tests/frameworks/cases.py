"""What every framework must pass: each case is a function of a `Site`."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.asking import Answer, ask_async, is_snapshot
from tests.frameworks import content
from tests.frameworks.serving import Site

Case = Callable[[Site], Awaitable[None]]

CASES: dict[str, Case] = {}
"""By name, in the order of the table in docs/frameworks.md."""


def case(function: Case) -> Case:
    """Its docstring is its line in the table."""
    assert function.__doc__
    CASES[function.__name__] = function
    return function


async def snapshot(site: Site, path: str, **options: Any) -> Answer:
    answer = await site.ask(path, **options)
    assert is_snapshot(answer), (path, answer.status, answer.headers, site.why(path))
    return answer


async def live(site: Site, path: str, **options: Any) -> Answer:
    answer = await site.ask(path, **options)
    assert not is_snapshot(answer), (path, answer.headers)
    return answer


def same(one: Answer, two: Answer) -> None:
    """Both are the framework's own answer."""
    volatile = {"date", "x-outer"}
    assert (one.status, one.body) == (two.status, two.body)
    assert [pair for pair in one.headers if pair[0] not in volatile] == [p for p in two.headers if p[0] not in volatile]


# ----------------------------------------------------------------------------------------------------- what is static


@case
async def routes_are_read(site: Site) -> None:
    """its routes are read, with the source line of each"""
    routes = {route.pattern: route for route in site.report.routes}
    for pattern in ("/", "/about", "/books/{slug}", "/greet"):
        assert pattern in routes, sorted(routes)
        assert routes[pattern].source.startswith(f"{site.module.bare.__code__.co_filename}:")


@case
async def a_mark_below(site: Site) -> None:
    """`@prerender` below the framework's decorator"""
    answer = await snapshot(site, "/about")
    assert (answer.status, "<h1>About</h1>" in answer.text) == (200, True)
    assert site.route("/about").why == "prerender is True"


@case
async def a_mark_above(site: Site) -> None:
    """`@prerender` above the framework's decorator"""
    assert "<h1>Above</h1>" in (await snapshot(site, "/above")).text
    assert site.route("/above").why == "prerender is True"
    assert site.route("/teapot").kind == "on demand"
    assert "False" in site.route("/teapot").why


@case
async def on_demand(site: Site) -> None:
    """`@prerender(False)`"""
    assert "<h1>Visit 1</h1>" in (await live(site, "/counter")).text
    assert site.route("/counter").kind == "on demand"


@case
async def an_unmarked_page(site: Site) -> None:
    """an unmarked page that a link reaches and that is the same for everyone becomes static"""
    assert "<h1>Plain</h1>" in (await snapshot(site, "/plain")).text
    assert (await live(site, "/unlinked")).status == 200


@case
async def an_unmarked_page_for_visitors(site: Site) -> None:
    """an unmarked page that reads a cookie stays on demand"""
    assert "Hello stranger" in (await live(site, "/greet")).text
    assert "Hello Ada" in (await live(site, "/greet", headers={"cookie": "name=Ada"})).text
    assert "cookie" in site.report.reasons["/greet"].why


@case
async def paths_and_props(site: Site) -> None:
    """`paths=` of a route with a parameter, and the props of each"""
    answer = await snapshot(site, "/books/dracula")
    assert "<h1>Dracula</h1><p>dracula|dracula|/books/{slug}</p>" in answer.text


@case
async def props_live(site: Site) -> None:
    """the same props when the page is rendered on demand"""
    answer = await live(site, "/books/dracula?edition=2")
    assert "<h1>Dracula</h1><p>dracula|dracula|/books/{slug}</p>" in answer.text


@case
async def an_encoded_path(site: Site) -> None:
    """a path with blanks, accents and reserved characters"""
    answer = await snapshot(site, "/books/naïve café", raw_path=b"/books/na%C3%AFve%20caf%C3%A9")
    assert "<h1>Naïve Café</h1><p>naïve café|naïve café|" in answer.text
    assert "<h1>A plus B</h1>" in (await snapshot(site, "/books/a+b&c", raw_path=b"/books/a%2Bb%26c")).text


@case
async def an_unknown_param(site: Site) -> None:
    """a parameter that `paths` did not name is rendered by the app"""
    answer = await live(site, "/books/unknown")
    assert (answer.status, "No such book" in answer.text) == (404, True)


@case
async def a_converter(site: Site) -> None:
    """a converter for whole numbers, from `paths` to the URL and back"""
    assert "<h1>int 7</h1><p>7</p>" in (await snapshot(site, "/numbers/7")).text
    assert "<h1>int 12</h1>" in (await snapshot(site, "/numbers/12")).text
    assert "<h1>int 7</h1>" in (await snapshot(site, "/times/7")).text


@case
async def a_converter_of_dates(site: Site) -> None:
    """a converter for dates, the framework's or one of the user's, writes the URL of a `date`"""
    assert "<h1>Day 2026-11-21</h1>" in (await snapshot(site, "/days/2026-11-21")).text


@case
async def a_rest_param(site: Site) -> None:
    """a parameter that holds slashes"""
    assert "<h1>Doc a/b</h1><p>a/b</p>" in (await snapshot(site, "/docs/a/b")).text
    assert "<h1>Doc intro</h1>" in (await snapshot(site, "/docs/intro")).text


@case
async def a_redirect(site: Site) -> None:
    """a static redirect of the framework's"""
    answer = await site.ask("/old")
    assert answer.status in {301, 302, 303, 307, 308}
    assert answer.header("location") == "/about"
    assert "/old" in site.paths


@case
async def an_endpoint(site: Site) -> None:
    """a static endpoint that answers JSON"""
    answer = await snapshot(site, "/data.json")
    assert json.loads(answer.body) == {"books": 3}
    assert (answer.header("content-type") or "").startswith("application/json")


@case
async def static_files(site: Site) -> None:
    """the framework's own static files, those that pages use"""
    answer = await snapshot(site, "/static/app.css")
    assert answer.body == (content.FILES / "app.css").read_bytes()
    assert (answer.header("content-type") or "").startswith("text/css")


@case
async def a_stream_is_kept_whole(site: Site) -> None:
    """a static page whose body is streamed, its pieces asking for the page"""
    answer = await snapshot(site, "/stream")
    assert answer.text == "<p>0 /stream</p><p>1 /stream</p><p>2 /stream</p>"


@case
async def is_building(site: Site) -> None:
    """`is_building()` tells a build from a visitor"""
    assert "<h1>Building True</h1>" in (await snapshot(site, "/building")).text
    assert "<h1>Building False</h1>" in (await live(site, "/building?x=1")).text


@case
async def lifespan(site: Site) -> None:
    """the app's startup has run before its pages are rendered"""
    assert "<h1>Started True</h1>" in (await snapshot(site, "/started")).text


# ------------------------------------------------------------------------------------------------- how it is answered


@case
async def what_a_build_made_is_what_the_app_answers(site: Site) -> None:
    """every snapshot is what the app answers live: status, headers, body"""
    for path in sorted(site.paths - {"/building", "/members", "/static/app.css"}):
        kept, fresh = await site.ask(path), await site.ask(path, app=site.unbuilt)
        redirects = 300 <= fresh.status < 400  # its body is a page that refreshes, for hosts that know only files
        assert (kept.status, kept.body) == (fresh.status, kept.body if redirects else fresh.body), path
        for name in ("location" if redirects else "content-type", "x-inner", "x-rule"):
            assert kept.header(name) == fresh.header(name), (path, name)


@case
async def head_of_a_snapshot(site: Site) -> None:
    """HEAD of a static page"""
    whole, answer = await site.ask("/about"), await snapshot(site, "/about", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("content-length") == str(len(whole.body))


@case
async def head_on_demand(site: Site) -> None:
    """HEAD of any other page is answered as the framework answers it"""
    same(await site.ask("/unlinked", method="HEAD"), await site.ask("/unlinked", method="HEAD", app=site.bare))


@case
async def conditional(site: Site) -> None:
    """If-None-Match"""
    etag = (await snapshot(site, "/about")).header("etag") or ""
    answer = await site.ask("/about", headers={"if-none-match": etag})
    assert (answer.status, answer.body, answer.header("etag")) == (304, b"", etag)


@case
async def compressed(site: Site) -> None:
    """gzip, made by the build"""
    answer = await snapshot(site, "/", headers={"accept-encoding": "gzip"})
    assert answer.header("content-encoding") == "gzip"
    assert gzip.decompress(answer.body) == (await site.ask("/")).body


@case
async def a_query(site: Site) -> None:
    """a query goes to the app, one that only tracks visitors does not"""
    assert "<h1>Plain</h1>" in (await live(site, "/plain?q=1")).text
    await snapshot(site, "/plain?utm_source=mail")


@case
async def post_beside_a_snapshot(site: Site) -> None:
    """POST to the path of a static page reaches the app, its body untouched"""
    assert "<h1>Form</h1>" in (await snapshot(site, "/form")).text
    headers = {"content-type": "text/plain", "content-length": "5"}
    answer = await live(site, "/form", method="POST", headers=headers, body=b"a=b&c")
    assert (answer.status in {200, 201}, answer.text.strip('"')) == (True, "a=b&c")


@case
async def another_method(site: Site) -> None:
    """a method that no route has is refused by the framework"""
    same(await site.ask("/about", method="DELETE"), await site.ask("/about", method="DELETE", app=site.bare))


@case
async def another_spelling(site: Site) -> None:
    """the path with a slash at its end is answered as the framework answers it"""
    one, two = await site.ask("/about/"), await site.ask("/about/", app=site.bare)
    assert (one.status, one.header("location")) == (two.status, two.header("location"))


@case
async def not_found(site: Site) -> None:
    """the framework's own 404"""
    same(await site.ask("/missing"), await site.ask("/missing", app=site.bare))


@case
async def failure(site: Site) -> None:
    """the framework's own 500"""
    one, two = await site.fails("/boom"), await site.fails("/boom", app=site.bare)
    assert one == two


# ------------------------------------------------------------------------------------------------------ page objects


@case
async def page_cookies(site: Site) -> None:
    """`current_page().cookies` in the framework's answer"""
    first = await live(site, "/counter")
    assert "counter=1" in (first.header("set-cookie") or "")
    second = await live(site, "/counter", headers={"cookie": "counter=4"})
    assert ("<h1>Visit 5</h1>" in second.text, "counter=5" in (second.header("set-cookie") or "")) == (True, True)
    assert second.header("cache-control") == "private"


@case
async def page_status_and_headers(site: Site) -> None:
    """`current_page().response.status` and `.headers` in the framework's answer"""
    answer = await live(site, "/teapot")
    assert (answer.status, answer.header("x-tea")) == (418, "green")
    assert answer.header("content-length") in {None, str(len(answer.body))}


@case
async def page_in_a_plain_function(site: Site) -> None:
    """`current_page()` in a `def` handler"""
    assert "<p>GET /hello Ada</p>" in (await live(site, "/hello?name=Ada")).text


@case
async def page_in_a_stream(site: Site) -> None:
    """`current_page()` in the generator of a streamed body"""
    answer = await live(site, "/live-stream")
    assert answer.text == "<p>0 /live-stream</p><p>1 /live-stream</p><p>2 /live-stream</p>"


@case
async def page_of_each_request(site: Site) -> None:
    """twenty requests at once, each with a page of its own"""
    names = [f"n{number}" for number in range(20)]
    answers = await asyncio.gather(*(site.ask(f"/hello?name={name}") for name in names))
    assert [f"<p>GET /hello {name}</p>" in answer.text for name, answer in zip(names, answers, strict=True)] == [
        True
    ] * 20


@case
async def page_locals(site: Site) -> None:
    """`current_page().locals` are those of one request"""
    for _ in range(2):
        assert "<p>[&#x27;/local&#x27;]</p>" in (await live(site, "/local")).text.replace("'", "&#x27;")


# ------------------------------------------------------------------------------------------------ around OnDemand


@case
async def a_guard(site: Site) -> None:
    """a guard in front of a snapshot"""
    refused = await site.ask("/members")
    assert (refused.status, refused.header("location")) == (302, "/login")
    allowed = await site.ask("/members", headers={"cookie": "member=1"})
    assert ("<h1>Members</h1>" in allowed.text, allowed.header("cache-control")) == (True, "private, no-store")
    assert "/members" in site.paths


@case
async def headers_of_a_rule(site: Site) -> None:
    """`Rule(headers=)`, on snapshots and live"""
    assert (await snapshot(site, "/headers")).header("x-rule") == "yes"
    assert (await live(site, "/headers?x=1")).header("x-rule") == "yes"


@case
async def inner_middleware(site: Site) -> None:
    """what the framework's own middleware adds is in the snapshot"""
    assert (await snapshot(site, "/about")).header("x-inner") == "yes"
    assert (await live(site, "/hello")).header("x-inner") == "yes"


@case
async def outer_middleware(site: Site) -> None:
    """middleware outside of OnDemand runs in front of each snapshot"""
    first, second = await snapshot(site, "/about"), await snapshot(site, "/about")
    assert int(second.header("x-outer") or 0) == int(first.header("x-outer") or 0) + 1


@case
async def a_websocket(site: Site) -> None:
    """a WebSocket passes"""
    assert await site.talk("/ws", "hi") == "echo hi"


@case
async def without_a_build(site: Site) -> None:
    """with no build everything is rendered by the app"""
    for path in ("/", "/about", "/books/dracula", "/old"):
        answer = await ask_async(site.unbuilt, path)
        assert answer.status < 400
        assert not (answer.header("cache-status") or "").startswith("ondemand; hit")
