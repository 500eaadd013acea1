"""ondemand.urls: an address in its parts; and the two addresses of a page, `page.request.url` as it came and `page.url`."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ondemand import OnDemand, Page
from ondemand.urls import URL
from tests.asking import ask

some = settings(max_examples=300, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("href", "protocol", "host", "hostname", "port", "pathname", "search"),
    [
        ("https://example.com/", "https:", "example.com", "example.com", "", "/", ""),
        ("http://example.com:8080/a/b?x=1", "http:", "example.com:8080", "example.com", "8080", "/a/b", "?x=1"),
        ("http://[::1]/", "http:", "[::1]", "[::1]", "", "/", ""),
        ("http://[::1]:8000/?", "http:", "[::1]:8000", "[::1]", "8000", "/", ""),
        ("http://127.0.0.1:1/x?a=1?b=2", "http:", "127.0.0.1:1", "127.0.0.1", "1", "/x", "?a=1?b=2"),
        ("http://h//evil.example/x", "http:", "h", "h", "", "//evil.example/x", ""),
        ("http://h/a%20b%2Fc?d%20e", "http:", "h", "h", "", "/a%20b%2Fc", "?d%20e"),
        ("http://h/a:b@c;d=e", "http:", "h", "h", "", "/a:b@c;d=e", ""),
        ("http://h/?a=http://other/", "http:", "h", "h", "", "/", "?a=http://other/"),
        ("http://h./", "http:", "h.", "h.", "", "/", ""),
    ],
)
def test_a_url_has_the_parts_that_javascripts_has(
    href: str, protocol: str, host: str, hostname: str, port: str, pathname: str, search: str
) -> None:
    url = URL(href)
    assert (url.protocol, url.host, url.hostname, url.port) == (protocol, host, hostname, port)
    assert (url.pathname, url.search, url.origin) == (pathname, search, f"{protocol}//{host}")
    assert url.href == href == url


def test_a_url_is_text() -> None:
    url = URL("https://example.com/a?b=1")
    assert isinstance(url, str)
    assert type(url.href) is str
    assert json.dumps({"url": url}) == '{"url": "https://example.com/a?b=1"}'
    assert f"{url}#top" == "https://example.com/a?b=1#top"
    assert url == "https://example.com/a?b=1"
    assert {url: 1}["https://example.com/a?b=1"] == 1
    for other in (copy.copy(url), copy.deepcopy(url), pickle.loads(pickle.dumps(url))):
        assert other == url
        assert other.pathname == "/a"


def test_the_query_of_a_url_is_read() -> None:
    url = URL("https://example.com/?tag=x&tag=y&q=a+b%26c&e=")
    assert url.search_params.getlist("tag") == ["x", "y"]
    assert url.search_params["q"] == "a b&c"
    assert url.search_params["e"] == ""
    assert url.search_params is url.search_params
    assert dict(URL("https://example.com/").search_params) == {}


@pytest.mark.parametrize("href", ["http://example.com:80/", "https://example.com:443/a"])
def test_the_port_of_the_scheme_is_none(href: str) -> None:
    assert URL(href).port == ""


# ------------------------------------------------------------------------------------------------------ a page's addresses


SEEN: list[Page] = []


async def _app(scope: Any, receive: Any, send: Any) -> None:
    SEEN.append(Page.of(scope))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


APP = OnDemand(_app, output="server")


def page(path: str, raw: bytes | None, query: bytes = b"") -> Page:
    """The page that an app is given for this target."""
    SEEN.clear()
    ask(APP, "/", path=path, raw_path=raw, query_string=query)
    return SEEN[0]


@pytest.mark.parametrize(
    ("raw", "query", "asked", "clean"),
    [
        (b"/", b"", "/", "/"),
        (b"/a", b"x=1", "/a?x=1", "/a?x=1"),
        (b"/a/", b"", "/a/", "/a/"),
        (b"//about", b"", "//about", "/about"),  # Astro
        (b"//evil.example//x//", b"", "//evil.example//x//", "/evil.example/x/"),
        (b"///", b"", "///", "/"),
        (b"/%61b", b"", "/%61b", "/ab"),
        (b"/a%2Fb", b"", "/a%2Fb", "/a/b"),
        (b"/%2525", b"", "/%2525", "/%2525"),
        (b"/d%c3%a9", b"", "/d%c3%a9", "/d%C3%A9"),
        (b"/d\xc3\xa9", b"", "/d%C3%A9", "/d%C3%A9"),
        (b"/%ff", b"", "/%ff", "/%EF%BF%BD"),
        (b"/a%3Fb%23c", b"d", "/a%3Fb%23c?d", "/a%3Fb%23c?d"),
        (b"/a#b", b"c#d", "/a%23b?c%23d", "/a%23b?c%23d"),
        (b"/a b\r\n\0\x7f", b"x y\r\n", "/a%20b%0D%0A%00%7F?x%20y%0D%0A", "/a%20b%0D%0A%00%7F?x%20y%0D%0A"),
        (b"/a", b'\xff&"<>', '/a?%FF&"<>', "/a?%FF&%22%3C%3E"),
        (b"/a?b=1", b"c=2", "/a?c=2", "/a?c=2"),  # a server that leaves the query in raw_path
        (b"/a", b"?b", "/a??b", "/a??b"),
    ],
)
def test_one_address_is_as_it_came_and_the_other_is_clean(raw: bytes, query: bytes, asked: str, clean: str) -> None:
    made = page(unquote(raw.decode("latin-1")), raw, query)
    assert made.request.url == "http://testserver" + asked
    assert made.url == "http://testserver" + clean
    assert isinstance(made.url, URL)
    assert isinstance(made.request.url, URL)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/", "/"),
        ("/a b", "/a%20b"),
        ("/é", "/%C3%A9"),
        ("/50%", "/50%25"),
        ("/a?b#c", "/a%3Fb%23c"),
        ("//h/x", "//h/x"),
    ],
)
@pytest.mark.parametrize("raw", [None, b""])
def test_a_server_without_raw_path_is_read_by_its_path(path: str, raw: bytes | None, asked: str) -> None:
    assert page(path, raw).request.url == "http://testserver" + asked


@pytest.mark.parametrize(
    "raw",
    [
        b"@evil.example",
        b".evil.example/x",
        b":99/x",
        b"evil",
        b"*",
        b"http://evil.example/x",
        b"?x",
        b"\\evil",
        b"a@b:1/",
    ],
)
def test_a_target_without_a_slash_does_not_move_the_host(raw: bytes) -> None:
    made = page(raw.decode(), raw)
    for url in (made.request.url, made.url):
        assert url.host == "testserver"
        assert urlsplit(url).hostname == "testserver"
        assert url.port == ""
        assert url.pathname.startswith("/")


@some
@given(st.binary(max_size=40), st.binary(max_size=40))
@example(b"@evil.example", b"")
@example(b"/\\evil", b"#?")
@example(b"/[", b"]")
def test_any_bytes_of_a_target_stay_on_this_site(raw: bytes, query: bytes) -> None:
    made = page(raw.decode("latin-1"), raw, query)
    for url in (made.request.url, made.url):
        assert url.isascii()
        assert url.isprintable()
        assert " " not in url
        assert "#" not in url
        assert url.origin == "http://testserver"
        assert url == url.origin + url.pathname + ("?" + url.search[1:] if url.search else "")
        assert (urlsplit(url).hostname, urlsplit(url).port) == ("testserver", None)
    assert not made.url.pathname.startswith("//")
    assert made.url.search_params.getlist("a") == made.request.query.getlist("a")


def test_a_site_has_its_address() -> None:
    assert Page.for_test("/", site="https://example.com").site == "https://example.com"
    assert Page.for_test("/").site is None


def test_the_address_of_a_page_has_the_host_that_was_asked_for() -> None:
    made = Page.for_test("/a?b=1", headers={"Host": "Shop.Example:8443"})
    assert made.url == made.request.url == "http://shop.example:8443/a?b=1"
    assert Page.for_test("/", headers={"host": "shop.example:80"}).url.port == ""
