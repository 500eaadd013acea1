"""ondemand.requests: a thin reader of the ASGI scope, for whatever bytes a server puts there."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from ondemand.requests import Headers, Query, Request
from tests.asking import make_scope

some = settings(max_examples=300, deadline=None, derandomize=True)


# -------------------------------------------------------------------------------------------------------------- headers


def test_headers_are_found_without_regard_to_case() -> None:
    headers = Headers([(b"accept", b"text/html"), (b"X-Own", b"1"), (b"accept", b"*/*")])
    assert headers["Accept"] == headers["accept"] == headers["ACCEPT"] == "text/html"
    assert headers["x-own"] == "1"
    assert headers.getlist("Accept") == ["text/html", "*/*"]
    assert headers.getlist("nothing") == []
    assert headers.get("nothing", "default") == "default"
    assert "X-OWN" in headers
    assert "nothing" not in headers
    with pytest.raises(KeyError, match="nothing"):
        headers["nothing"]


def test_headers_are_a_mapping_of_each_name_once() -> None:
    headers = Headers([(b"B", b"1"), (b"a", b"2"), (b"b", b"3")])
    assert list(headers) == ["b", "a"]
    assert len(headers) == 2
    assert dict(headers) == {"b": "1", "a": "2"}
    assert dict(Headers([])) == {}


def test_header_bytes_of_any_kind_are_text() -> None:
    headers = Headers([(b"x", bytes(range(256))), (b"\xff", b"y"), (b"", b"z")])
    assert headers["x"].encode("latin-1") == bytes(range(256))
    assert headers["\xff"] == "y"
    assert headers[""] == "z"


@pytest.mark.parametrize("name", ["日本", "\ud800", "x" * 100_000, "\0"])
def test_a_name_that_no_header_can_have_is_absent(name: str) -> None:
    assert Headers([(b"?", b"1"), (b"??", b"2")]).get(name) is None


# ---------------------------------------------------------------------------------------------------------------- query


@pytest.mark.parametrize(
    ("raw", "pairs"),
    [
        (b"", []),
        (b"a=1", [("a", "1")]),
        (b"a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
        (b"a", [("a", "")]),
        (b"a=", [("a", "")]),
        (b"=1", [("", "1")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"&&a=1&", [("a", "1")]),
        (b"a=1+2%2B3", [("a", "1 2+3")]),
        (b"a%3Db=c%26d", [("a=b", "c&d")]),
        (b"a=%C3%A9", [("a", "é")]),
        (b"a=%2525", [("a", "%25")]),
        (b"a=%zz%", [("a", "%zz%")]),
        (b"a=%ff", [("a", "\ufffd")]),
        (b"a=%00%0d%0a", [("a", "\0\r\n")]),
        (b"a[]=1&a[b]=2", [("a[]", "1"), ("a[b]", "2")]),
        (b"__proto__=1", [("__proto__", "1")]),
    ],
)
def test_a_query_gives_its_pairs(raw: bytes, pairs: list[tuple[str, str]]) -> None:
    query = Query(raw)
    assert [(name, value) for name in query for value in query.getlist(name)] == sorted(
        pairs, key=lambda pair: [name for name, _ in pairs].index(pair[0])
    )
    assert dict(query) == dict(reversed(pairs))
    assert len(query) == len({name for name, _ in pairs})


def test_a_name_that_is_not_in_the_query_is_absent() -> None:
    query = Query(b"a=1&a=2")
    assert query["a"] == "1"
    assert query.get("b") is None
    assert query.getlist("b") == []
    with pytest.raises(KeyError, match="b"):
        query["b"]


@some
@given(st.binary(max_size=60) | st.text("ab=&;+%2fC3A9", max_size=60).map(str.encode))
def test_any_query_is_read_as_starlette_reads_it(raw: bytes) -> None:
    theirs = QueryParams(raw)
    query = Query(raw)
    assert {name: query.getlist(name) for name in query} == {name: theirs.getlist(name) for name in theirs}


# -------------------------------------------------------------------------------------------------------------- request


def request(target: str, **options: Any) -> Request:
    return Request(make_scope(target, **options))


def test_a_request_has_its_method_in_upper_case() -> None:
    assert request("/", method="post").method == "POST"


@pytest.mark.parametrize(
    ("path", "query", "url"),
    [
        ("/", b"", "/"),
        ("/a b", b"", "/a%20b"),
        ("/é", b"q=%C3%A9&r=1+2", "/%C3%A9?q=%C3%A9&r=1+2"),
        ("/50%", b"", "/50%25"),
        ("/a?b#c", b"d", "/a%3Fb%23c?d"),
        ("//host/x", b"", "//host/x"),
        ("/a\r\nb", b"", "/a%0D%0Ab"),
        ("/a", b"\xff", "/a?\xff"),
    ],
)
def test_a_url_is_path_and_query(path: str, query: bytes, url: str) -> None:
    found = request("/", path=path, query_string=query)
    assert found.path == path
    assert found.url == url
    assert unquote(found.url.partition("?")[0]) == path


def test_a_scope_without_query_is_a_request_without_query() -> None:
    scope = make_scope("/a")
    del scope["query_string"]
    assert Request(scope).url == "/a"
    assert dict(Request(scope).query) == {}


def test_headers_and_query_are_read_when_first_asked_for_and_stay() -> None:
    found = request("/?a=1", headers={"X-Own": "1"})
    assert found.headers is found.headers
    assert found.query is found.query
    assert (found.headers["x-own"], found.query["a"]) == ("1", "1")


def test_what_a_reader_does_leaves_the_scope_as_it_was() -> None:
    scope = make_scope("/?a=1", headers={"x": "1"})
    before = {name: value for name, value in scope.items() if name != "headers"}
    headers = list(scope["headers"])
    found = Request(scope)
    dict(found.headers)
    dict(found.query)
    _ = found.url
    assert {name: value for name, value in scope.items() if name != "headers"} == before
    assert scope["headers"] == headers


# ---------------------------------------------------------------------------------------------------------- linear time


@pytest.mark.parametrize("part", [b"&", b"=", b"a&", b"a=&", b"%", b"%2", b"%ff", b"+", b";", b"a=b&"])
def test_a_hostile_query_takes_linear_time(part: bytes) -> None:
    started = time.process_time()
    query = Query((part * 100_000)[:100_000])
    query.get("x")
    assert time.process_time() - started < 0.3


def test_many_names_in_a_query_take_linear_time() -> None:
    raw = "&".join(f"{number}=" for number in range(10_000)).encode()
    assert len(parse_qsl(raw.decode(), keep_blank_values=True)) == 10_000
    started = time.process_time()
    assert len(dict(Query(raw))) == 10_000
    assert time.process_time() - started < 0.3


def test_many_headers_take_linear_time() -> None:
    pairs = [(f"x{number}".encode(), b"") for number in range(5_000)]
    started = time.process_time()
    assert len(dict(Headers(pairs))) == 5_000
    assert time.process_time() - started < 0.3
