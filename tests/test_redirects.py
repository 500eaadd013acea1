"""ondemand.redirects: the configured redirects, which never lead where nobody configured them to lead."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from ondemand import ConfigError, OnDemand
from ondemand.redirects import Redirects
from tests.asking import ask

some = settings(max_examples=400, deadline=None, derandomize=True)


def found(redirects: dict[str, Any], path: str, method: str = "GET", prefix: str = "") -> tuple[int, str] | None:
    return Redirects(redirects).find(path, method, prefix)


@pytest.mark.parametrize(
    ("source", "destination", "path", "location"),
    [
        ("/old", "/new", "/old", "/new"),
        ("/old", "/new", "/old/", "/new"),
        ("/old/", "/new/", "/old/", "/new/"),
        ("/old/", "/new/", "/old", "/new/"),
        ("/old", "/", "/old", "/"),
        ("/", "/home", "/", "/home"),
        ("/old", "/new?a=1&b=%20#top", "/old", "/new?a=1&b=%20#top"),
        ("/old", "/new/?#", "/old", "/new/"),
        ("/blog/{slug}", "/posts/{slug}", "/blog/hello", "/posts/hello"),
        ("/blog/{slug}", "/posts/{slug}/?from=blog", "/blog/hello/", "/posts/hello/?from=blog"),
        ("/blog/{slug}", "/p-{slug}.html", "/blog/a b?c#d%", "/p-a%20b%3Fc%23d%25.html"),
        ("/blog/{slug}", "/posts/{slug}", "/blog/é", "/posts/%C3%A9"),
        ("/blog/{slug}", "/posts", "/blog/x", "/posts"),
        ("/{a}/{b}", "/{b}/{a}", "/x/y", "/y/x"),
        ("/{year:int}", "/archive/{year}", "/2026", "/archive/2026"),
        ("/docs/{rest:path}", "/help/{rest:path}", "/docs/a/b", "/help/a/b"),
        ("/docs/{rest:path}", "/help/{rest:path}", "/docs/", "/help/"),
        ("/docs/**", "/help", "/docs/a/b", "/help"),
        ("/old", "https://example.com/new", "/old", "https://example.com/new"),
        ("/old", "http://example.com:8080", "/old", "http://example.com:8080/"),
        ("/old", "https://example.com?x=1", "/old", "https://example.com/?x=1"),
        ("/old", "HTTPS://example.com/X", "/old", "https://example.com/X"),
        ("/u/{name}", "https://example.com/~{name}", "/u/a b", "https://example.com/~a%20b"),
        ("/old", "/café", "/old", "/caf%C3%A9"),
        ("/old", "/new?q=é", "/old", "/new?q=%C3%A9"),
        ("/日本", "/new", "/日本", "/new"),
    ],
)
def test_a_path_leads_to_its_destination(source: str, destination: str, path: str, location: str) -> None:
    assert found({source: destination}, path) == (301, location)


@pytest.mark.parametrize(
    "destination",
    ["/caf%C3%A9", "https://example.com/a%20b", "/50%25", "/a%2Fb", "https://example.com/%E2%82%AC?x=%26"],
)
def test_a_destination_that_is_encoded_stays_as_it_is(destination: str) -> None:
    assert found({"/old": destination}, "/old") == (301, destination)


@pytest.mark.parametrize("path", ["/", "/older", "/old/x", "/OLD", "/blog", "/blog/", "/blog/a/b", "/x/old"])
def test_any_other_path_leads_nowhere(path: str) -> None:
    assert found({"/old": "/new", "/blog/{slug}": "/posts/{slug}"}, path) is None


@pytest.mark.parametrize(
    ("method", "status", "answered"),
    [
        ("GET", None, 301),
        ("HEAD", None, 301),
        ("POST", None, 308),
        ("PUT", None, 308),
        ("DELETE", None, 308),
        *[(method, status, status) for method in ("GET", "POST") for status in (301, 302, 303, 307, 308)],
    ],
)
@pytest.mark.parametrize("destination", ["/new", "https://example.com/new"])
def test_a_status_holds_for_every_destination(method: str, status: int | None, answered: int, destination: str) -> None:
    value = {"destination": destination} if status is None else {"status": status, "destination": destination}
    assert found({"/old": value}, "/old", method) == (answered, destination)
    if status is None:
        assert found({"/old": destination}, "/old", method) == (answered, destination)
        assert found({"/old": {**value, "status": None}}, "/old", method) == (answered, destination)


def test_the_base_stands_in_front_of_the_sites_own_paths_only() -> None:
    redirects = {"/old": "/new", "/out": "https://example.com/new", "/r/{rest:path}": "/{rest:path}"}
    assert found(redirects, "/old", prefix="/docs") == (301, "/docs/new")
    assert found(redirects, "/out", prefix="/docs") == (301, "https://example.com/new")
    assert found(redirects, "/r//evil.example", prefix="/docs") == (301, "/docs/evil.example")


def test_the_most_specific_source_wins_in_whatever_order_they_stand() -> None:
    redirects = {
        "/{rest:path}": "/rest",
        "/blog/{slug}": "/slug",
        "/blog/{rest:path}": "/blogrest",
        "/blog/{year:int}": "/year",
        "/blog/new": "/literal",
    }
    for order in (redirects, dict(reversed(redirects.items()))):
        made = Redirects(order)
        answers = {
            path: (made.find(path, "GET", "") or (0, ""))[1]
            for path in ("/blog/new", "/blog/7", "/blog/x", "/blog/x/y", "/z")
        }
        assert answers == {
            "/blog/new": "/literal",
            "/blog/7": "/year",
            "/blog/x": "/slug",
            "/blog/x/y": "/blogrest",
            "/z": "/rest",
        }


def test_redirects_are_routes() -> None:
    made = Redirects({"/old": "/new", "/blog/{slug}": "/posts/{slug}"})
    assert made
    assert not Redirects({})
    assert {pattern.text for pattern in made} == {"/old", "/blog/{slug}"}
    marked = {route.pattern.text: route.mark is not None and route.mark.value for route in made.routes(static=True)}
    assert marked == {"/old": True, "/blog/{slug}": False}
    assert all(route.mark is None and route.methods is None for route in made.routes(static=False))


# --------------------------------------------------------------------------------------------------- they stay on the site

TRICKS = [
    *("//evil.example", "/evil.example", "///evil.example/", "\\\\evil.example", "\\evil.example", "/\\evil.example"),
    *(
        "\t//evil.example",
        "/\t/evil.example",
        " //evil.example",
        "/\n/evil.example",
        "\r\nSet-Cookie: a=1",
        "\0//evil.example",
    ),
    *(
        "@evil.example",
        ":80@evil.example",
        ".evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
    ),
    *(
        "../..//evil.example",
        "..\\..\\evil.example",
        "?//evil.example",
        "#@evil.example",
        "\u2028//evil.example",
        "%2f%2fevil.example",
    ),
    *("／／evil.example", "\ud800", "\x85//evil.example", "a//evil.example", ""),
]
EVERYWHERE = {
    "/legacy/{rest:path}": "/{rest:path}",
    "/deep/{rest:path}": "/to/{rest:path}",
    "/joined/{rest:path}": "/x{rest:path}",
    "/seg/{one}": "/{one}",
    "/two/{one}/{rest:path}": "/{one}{rest:path}",
    "/all{rest:path}": "/{rest:path}",
    "/query/{rest:path}": "/{rest:path}?a=1#b",
}


def check_stays(path: str, prefix: str) -> None:
    answer = found(EVERYWHERE, path, prefix=prefix)
    if answer is None:
        return
    location = answer[1]
    assert location.isascii()
    assert location.isprintable()
    assert " " not in location
    assert "\\" not in location
    assert location.startswith(prefix + "/")
    assert not location.startswith("//")
    for base in ("http://testserver/", "https://testserver/legacy/x"):
        parts = urlsplit(urljoin(base, location))
        assert (parts.netloc, parts.username) == ("testserver", None)
        assert parts.scheme == urlsplit(base).scheme
    if not path.startswith("/query"):
        assert "?" not in location
        assert "#" not in location


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("source", ["/legacy/", "/deep/", "/joined/", "/seg/", "/two/", "/two/a/", "/all", "/query/"])
def test_no_trick_in_a_path_leads_off_the_site(source: str, trick: str) -> None:
    for prefix in ("", "/docs"):
        check_stays(source + trick, prefix)


@some
@given(
    st.sampled_from(["/legacy/", "/deep/", "/seg/", "/two/", "/all", "/query/"]),
    st.text(max_size=20) | st.text("/\\.:@?#%\t\r\n evil", max_size=14),
    st.sampled_from(["", "/docs"]),
)
@example("/all", "//evil.example", "")
def test_no_path_at_all_leads_off_the_site(source: str, rest: str, prefix: str) -> None:
    check_stays(source + rest, prefix)


@some
@given(st.text(min_size=1, max_size=12).filter(lambda text: "/" not in text))
def test_a_parameter_arrives_as_it_was(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    answer = found({"/a/{one}": "/b/{one}/c", "/x/{one}": "https://example.com/{one}"}, f"/a/{value}")
    assert answer is not None
    assert unquote(answer[1]) == f"/b/{value}/c"
    assert len(answer[1].split("/")) == 4


def test_a_parameter_cannot_change_the_host() -> None:
    for trick in TRICKS:
        answer = found({"/x/{rest:path}": "https://example.com/{rest:path}"}, "/x/" + trick)
        assert answer is None or urlsplit(answer[1]).netloc == "example.com"


# ------------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("old", "/new"),
        ("", "/new"),
        ("/{a", "/new"),
        ("/{a}/{a}", "/new"),
        ("/{a:nothing}", "/new"),
        ("/old", "new"),
        ("/old", ""),
        ("/old", " "),
        ("/old", None),
        ("/old", 1),
        ("/old", ["/new"]),
        ("/old", b"/new"),
        ("/old", "//evil.example/x"),
        ("/old", "///evil.example/x"),
        ("/old", "https:///x"),
        ("/old", "https://"),
        ("/old", "http:x"),
        ("/old", "https:/x"),
        ("/old", "ftp://example.com/"),
        ("/old", "mailto:a@example.com"),
        ("/old", "javascript:alert(1)"),
        ("/old", "data:text/html,x"),
        ("/old", "http://[x"),
        ("/old", "http://[::1"),
        ("/old", "http://a\u2100b/"),
        ("/old", "/new\r\nX: y"),
        ("/old", "/n\tew"),
        ("/old", "\n/new"),
        ("/old", "/n\0ew"),
        ("/old", "/\ud800"),
        ("/old", "https://exa\nmple.com/"),
        ("/old", "/{slug}"),
        ("/blog/{slug}", "/posts/{id}"),
        ("/blog/{slug}", "/posts/{slug}/{slug}"),
        ("/blog/{slug}", "https://{slug}.example.com/"),
        ("/blog/{slug}", "https://example.com:{slug}/"),
        ("/old/**", "/new/**"),
        ("/old/*", "/new/*"),
        ("/old", "/{"),
        ("/old", {}),
        ("/old", {"status": 301}),
        ("/old", {"destination": None}),
        ("/old", {"destination": "new"}),
        ("/old", {"destination": "/new", "code": 301}),
        *[
            ("/old", {"destination": "/new", "status": status})
            for status in (200, 300, 304, 305, 306, 404, 0, -1, "301", True, 301.0)
        ],
        ("/old", {"destination": "/new", "status": [301]}),
    ],
    ids=repr,
)
def test_what_is_no_redirect_is_a_config_error(source: str, value: Any) -> None:
    with pytest.raises(ConfigError):
        Redirects({source: value})
    with pytest.raises(ConfigError):
        OnDemand(Starlette(), redirects={source: value})


@pytest.mark.parametrize("value", [None, "/new", ["/old"], 1])
def test_the_setting_is_a_mapping(value: Any) -> None:
    with pytest.raises(ConfigError, match="redirects"):
        OnDemand(Starlette(), redirects=value)


def test_a_parameter_in_the_query_of_a_destination_is_filled_or_refused() -> None:
    try:
        answer = found({"/blog/{slug}": "/search?q={slug}"}, "/blog/x y")
    except ConfigError:
        return
    assert answer == (301, "/search?q=x%20y")


@some
@given(st.text(max_size=20) | st.text("/\\.:@?#%[]{}\t\r\n htps", max_size=16))
@example("http://[")
def test_any_destination_is_one_or_a_config_error(destination: str) -> None:
    try:
        made = Redirects({"/old/{slug}": destination})
    except ConfigError:
        return
    answer = made.find("/old/x", "GET", "")
    assert answer is not None
    assert answer[1].isascii()
    assert answer[1].isprintable()
    assert urlsplit(destination.strip()).netloc == urlsplit(answer[1]).netloc or not destination.isascii()


# ------------------------------------------------------------------------------------------------------ through a site


def site(**settings_: Any) -> OnDemand:
    return OnDemand(Starlette(routes=[Route("/new", lambda _: PlainTextResponse("new"))]), output="server", **settings_)


def test_a_site_answers_with_its_redirects() -> None:
    app = site(
        redirects={
            "/old": "/new",
            "/blog/{slug}": "/posts/{slug}",
            "/x": {"status": 307, "destination": "https://example.com/"},
        }
    )
    for path, status, location in (
        ("/old", 301, "/new"),
        ("/blog/a b", 301, "/posts/a%20b"),
        ("/x", 307, "https://example.com/"),
    ):
        answer = ask(app, path)
        assert (answer.status, answer.header("location"), answer.body) == (status, location, b"")
    assert ask(app, "/old", method="POST").status == 308
    assert ask(app, "/new").text == "new"


def test_a_site_below_a_base_redirects_below_it() -> None:
    app = site(base="/docs", redirects={"/old": "/new"})
    assert ask(app, "/docs/old").header("location") == "/docs/new"
    assert ask(app, "/docs/new").text == "new"
    assert ask(app, "/old").status == 404


def test_a_redirect_with_the_path_of_a_page_is_refused() -> None:
    with pytest.raises(ConfigError, match="/new is a configured redirect and a route"):
        ask(site(redirects={"/new": "/old"}), "/new")


@pytest.mark.parametrize("slash", ["ignore", "always", "never"])
def test_a_mount_that_takes_its_path_from_the_request_leads_to_no_other_host(slash: str) -> None:
    app = Starlette(routes=[Mount("/{tenant:path}", app=site(redirects={"/old": "/new"}, trailing_slash=slash))])
    for front in ("/shop", "//evil.example", "///evil.example", "/\\evil.example", "//"):
        for asked in ("/old", "/old/", "/new", "/new/", "/./new", "/", ""):
            location = ask(app, front + asked).header("location") or "/"
            assert re.match(r"(http://testserver/|/(?![/\\]))", location), (front, asked, location)
    assert ask(app, "/shop/old").header("location") == "/shop/new" + ("/" if slash == "always" else "")
