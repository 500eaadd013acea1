"""Twice the input is about twice the work: no header, path or body makes a parser slow.

The work is the least of several measures of the processor's time; what is done within a few milliseconds at the larger size is
quick, however it grows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ondemand.cookies import Cookies
from ondemand.errors import BodyError
from ondemand.filenames import PagePattern
from ondemand.forms import _boundary
from ondemand.headers import Headers, Query
from ondemand.locales import Locales
from ondemand.origin import refusal
from ondemand.prerendering.crawl import read_css, read_html
from ondemand.proxies import Hosts, Proxies, checked_host
from ondemand.requests import raw_target
from ondemand.routing import Pattern, path_fault, redirect_target, to_query, to_url
from ondemand.snapshots.server import _seconds, matches, negotiate, only_tracks, parse_range
from ondemand.urls import URL

SMALL = 8_000
"""Bytes; servers let through up to 64 kB of target and headers."""
QUICK = 0.004
"""Seconds of the processor."""
MOST = 3.0
"""How much more work twice the input may be: 2 is linear, 4 quadratic."""

PROXIES = Proxies(["10.0.0.0/8"], Hosts(["shop.example"]))
LOCALES = Locales(("en", "fr", {"path": "spanish", "codes": ["es", "es-AR"]}))


def scope(**headers: bytes) -> Any:
    lines = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "headers": lines,
        "client": ("10.0.0.1", 1),
        "server": None,
    }


def boundary(value: bytes) -> None:
    with pytest.raises(BodyError):
        _boundary("multipart/form-data; x=" + value.decode("latin-1"))


def redirect(value: bytes) -> None:
    try:
        redirect_target("/" + value.decode("latin-1"))
    except ValueError:
        return


PARSERS: dict[str, Callable[[bytes], Any]] = {
    "Cookie": lambda value: dict(Cookies(value.decode("latin-1"))),
    "Range": lambda value: parse_range(b"bytes=" + value, 1000),
    "If-None-Match": lambda value: matches(value, [b'"no"']),
    "If-Modified-Since": lambda value: _seconds(value),
    "Accept-Encoding": lambda value: negotiate(value, {"": 9, "gzip": 5, "br": 4}),
    "Accept-Language": lambda value: LOCALES.preferred(value.decode("latin-1")),
    "Host": lambda value: checked_host(value.decode("latin-1")),
    "X-Forwarded-For": lambda value: PROXIES.client_address(scope(x_forwarded_for=value)),
    "X-Forwarded-Host": lambda value: PROXIES.origin(scope(x_forwarded_host=value, x_forwarded_port=value), ""),
    "Origin": lambda value: refusal(scope(origin=value, content_type=b"text/plain"), ["http://shop.example"]),
    "Content-Type": lambda value: refusal(scope(content_type=value), ["http://shop.example"]),
    "boundary": boundary,
    "headers": lambda value: Headers([(b"a", b"b"), (value, value)] * 2),
    "query": lambda value: Query(value),
    "a query that tracks": lambda value: only_tracks(b"utm_source=" + value),
    "the query of a redirect": lambda value: to_query(value),
    "URL": lambda value: URL("http://shop.example/" + value.decode("latin-1")).search_params,
    "target": lambda value: raw_target({"path": "/", "raw_path": value, "query_string": value}),
    "path": lambda value: (path_fault("/" + value.decode("latin-1")), to_url(value.decode("latin-1"))),
    "pattern": lambda value: Pattern("/{a}/post-{b}/{rest:path}").match("/" + value.decode("latin-1")),
    "rule": lambda value: Pattern("/a/**").match("/" + value.decode("latin-1")),
    "page": lambda value: PagePattern("/{a}-{b}.{c}/x/{rest:path}").match("/" + value.decode("latin-1")),
    "redirect": redirect,
    "HTML": lambda value: read_html(value, charset="utf-8", url="http://shop.example/"),
    "CSS": lambda value: read_css(value, url="http://shop.example/"),
}
PARTS = [
    *(b" ", b"\t", b",", b";", b"=", b'"', b"\\", b"a", b"0", b"-", b".", b"/", b"%", b"%2", b"%2e", b"&", b":", b"["),
    *(
        b"(",
        b"*",
        b"\xff",
        b"a=",
        b"a;",
        b'"a',
        b'",',
        b"a=b; ",
        b"0-0,",
        b'W/"a", ',
        b"gzip;q=0.",
        b"a-",
        b"-.",
        b"a.",
    ),
    *(
        b"utm_a=b&",
        b"<a ",
        b"<a href=x>",
        b"url(",
        b"10.0.0.1,",
        b"../",
        b"\r\n",
        b"q=1;",
        b"fr-",
        b"<!--",
        b"/*",
        b"@import ",
    ),
]


def work(parse: Callable[[bytes], Any], value: bytes) -> float:
    """Seconds of the processor, the least of five; of one, if that is quick."""
    least = 1e9
    for _ in range(5):
        began = time.process_time()
        parse(value)
        least = min(least, time.process_time() - began)
        if least < QUICK:
            break
    return least


def growth(parse: Callable[[bytes], Any], part: bytes) -> float:
    """How much more work twice the input is."""
    larger = work(parse, (part * 2 * SMALL)[: 2 * SMALL])
    return larger / work(parse, (part * SMALL)[:SMALL]) if larger >= QUICK else 1.0


@pytest.mark.parametrize("name", PARSERS)
def test_twice_the_input_is_twice_the_work(name: str) -> None:
    slow = {part: found for part in PARTS if (found := growth(PARSERS[name], part)) > MOST}
    assert slow == {}


def test_a_parser_that_looks_back_is_seen() -> None:
    def looks_back(value: bytes) -> int:
        return sum(value[:position].count(b"a") for position in range(0, len(value), 16))

    assert growth(looks_back, b"a") > MOST
