"""ondemand.headers: header fields that a visitor sent, those that a page adds, queries; and `page.response`, which holds them."""

from __future__ import annotations

import re
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from ondemand import Page, ResponseStarted
from ondemand.contexts import PageResponse
from ondemand.headers import Headers, Query, ResponseHeaders, checked_field

some = settings(max_examples=300, deadline=None, derandomize=True)


# --------------------------------------------------------------------------------------------------- headers of a request


def test_headers_are_found_without_regard_to_case() -> None:
    headers = Headers([(b"accept", b"text/html"), (b"X-Own", b"1"), (b"accept", b"*/*")])
    assert headers["Accept"] == headers["accept"] == headers["ACCEPT"] == "text/html, */*"
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
    assert dict(headers) == {"b": "1, 3", "a": "2"}
    assert dict(Headers([])) == {}
    assert repr(headers) == "Headers({'b': ['1', '3'], 'a': ['2']})"


def test_what_getlist_gives_is_a_copy() -> None:
    headers = Headers([(b"a", b"1")])
    headers.getlist("a").append("2")
    assert headers.getlist("a") == ["1"]


def test_header_bytes_of_any_kind_are_text() -> None:
    headers = Headers([(b"x", bytes(range(256))), (b"\xff", b"y"), (b"", b"z")])
    assert headers["x"].encode("latin-1") == bytes(range(256))
    assert headers["\xff"] == "y"
    assert headers[""] == "z"


@pytest.mark.parametrize("name", ["日本", "\ud800", "x" * 100_000, "\0"])
def test_a_name_that_no_header_can_have_is_absent(name: str) -> None:
    headers = Headers([(b"?", b"1"), (b"??", b"2")])
    assert headers.get(name) is None
    assert headers.getlist(name) == []


def test_many_headers_take_linear_time() -> None:
    pairs = [(f"x{number}".encode(), b"") for number in range(5_000)] + [(b"same", b"1")] * 5_000
    started = time.process_time()
    headers = Headers(pairs)
    assert len(dict(headers)) == 5_001
    assert headers["same"].count("1") == 5_000
    assert time.process_time() - started < 0.3


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
        (b"a=\xc3\xa9", [("a", "é")]),
        (b"a=%2525", [("a", "%25")]),
        (b"a=%zz%", [("a", "%zz%")]),
        (b"a=%ff", [("a", "\ufffd")]),
        (b"a=\xff", [("a", "\ufffd")]),
        (b"a=%00%0d%0a", [("a", "\0\r\n")]),
        (b"a[]=1&a[b]=2", [("a[]", "1"), ("a[b]", "2")]),
        (b"__proto__=1", [("__proto__", "1")]),
        (b"?a=1", [("?a", "1")]),
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
    assert query.get("A") is None
    assert query.getlist("b") == []
    with pytest.raises(KeyError, match="b"):
        query["b"]


@some
@given(st.text(max_size=60) | st.text("ab=&;+%2fC3A9", max_size=60))
def test_any_query_of_text_is_read_as_starlette_reads_it(text: str) -> None:
    raw = text.encode("utf-8", "replace")
    theirs = QueryParams(raw.decode())
    query = Query(raw)
    assert {name: query.getlist(name) for name in query} == {name: theirs.getlist(name) for name in theirs}


@some
@given(st.binary(max_size=200))
def test_any_bytes_are_a_query(raw: bytes) -> None:
    for name, value in Query(raw).items():
        assert isinstance(name, str)
        value.encode()


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


# --------------------------------------------------------------------------------------------------- headers of a response


def test_setting_replaces_and_appending_adds() -> None:
    headers = ResponseHeaders()
    headers["X-One"] = "1"
    headers.append("x-one", "2")
    headers["Link"] = " </a.css>; rel=preload \t"
    assert headers["x-ONE"] == "1, 2"
    assert headers.getlist("X-One") == ["1", "2"]
    assert headers["link"] == "</a.css>; rel=preload"
    assert list(headers) == ["x-one", "link"]
    headers["X-ONE"] = "3"
    assert headers.getlist("x-one") == ["3"]
    assert list(headers) == ["x-one", "link"]
    headers.append("new", "")
    assert headers["new"] == ""
    assert len(headers) == 3


def test_response_headers_are_a_mutable_mapping() -> None:
    headers = ResponseHeaders()
    headers.update({"A": "1", "B": "2"})
    assert headers.setdefault("a", "3") == "1"
    assert headers.pop("B") == "2"
    assert "b" not in headers
    del headers["A"]
    assert dict(headers) == {}
    assert headers.get("a") is None
    assert headers.getlist("a") == []
    for act in (lambda: headers["a"], lambda: headers.__delitem__("a")):
        with pytest.raises(KeyError):
            act()
    headers["x"] = "1"
    headers.getlist("x").append("2")
    assert headers["x"] == "1"
    assert repr(headers) == "ResponseHeaders({'x': ['1']})"


@pytest.mark.parametrize(
    "name", ["", "a b", "a:b", "a\r\n", "a\n", "é", "日", "a\0", "(a)", '"a"', "a/b", "a@b", " a", "a;"]
)
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    headers = ResponseHeaders()
    for write in (headers.__setitem__, headers.append):
        with pytest.raises(ValueError, match="no valid HTTP header"):
            write(name, "1")
    assert dict(headers) == {}


@pytest.mark.parametrize(
    "value", ["a\r\nX: y", "a\n", "\r", "\0", "\x1b[31m", "\x7f", "日", "\ud800", "a\x0bb", "\n a", "\u2028"]
)
def test_a_value_that_could_break_out_is_refused(value: str) -> None:
    headers = ResponseHeaders()
    headers["a"] = "before"
    for write in (headers.__setitem__, headers.append):
        with pytest.raises(ValueError, match="no valid HTTP header"):
            write("a", value)
    assert dict(headers) == {"a": "before"}


@pytest.mark.parametrize("value", [None, 1, b"x", ["a"], 1.5])
def test_a_value_that_is_no_text_is_a_type_error(value: Any) -> None:
    headers = ResponseHeaders()
    for write in (headers.__setitem__, headers.append):
        with pytest.raises(TypeError, match="as text"):
            write("a", value)
    assert dict(headers) == {}


@pytest.mark.parametrize(
    "name",
    [
        *("Content-Length", "content-encoding", "TRANSFER-ENCODING", "Content-Range", "Trailer"),
        *("Connection", "Keep-Alive", "Upgrade", "TE"),
    ],
)
def test_what_describes_the_bytes_that_are_sent_is_not_the_pages_to_say(name: str) -> None:
    headers = ResponseHeaders()
    for write in (headers.__setitem__, headers.append):
        with pytest.raises(ValueError, match="whoever sends the body"):
            write(name, "1")
    assert dict(headers) == {}


@some
@given(
    st.text(max_size=12) | st.text("aX-\r\n: ", max_size=6),
    st.text(max_size=20) | st.text("a\r\n\0\t \xe9:", max_size=10),
)
def test_a_checked_field_can_stand_on_the_wire(name: str, value: str) -> None:
    try:
        key, text = checked_field(name, value)
    except ValueError:
        return
    assert re.fullmatch(r"[!#$%&'*+.^_`|~0-9a-z-]+", key)
    assert key == name.lower()
    assert text == value.strip(" \t")
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text)
    text.encode("latin-1")


# --------------------------------------------------------------------------------------------------------- page.response


def test_a_response_says_200_until_a_page_says_something_else() -> None:
    response = Page.for_test("/").response
    assert response.status == 200
    assert response.status_text is None
    assert dict(response.headers) == {}
    response.status = HTTPStatus.CREATED
    response.status_text = "Made"
    assert response.status == 201
    assert type(response.status) is int
    assert response.status_text == "Made"


@pytest.mark.parametrize("status", [0, 100, 199, 600, 999, -200, True, "200", None, 200.0, [200]])
def test_what_is_no_final_status_is_refused(status: Any) -> None:
    response = PageResponse()
    with pytest.raises(ValueError, match="between 200 and 599"):
        response.status = status
    assert response.status == 200


def test_the_headers_object_cannot_be_replaced() -> None:
    with pytest.raises(AttributeError):  # Astro: AstroResponseHeadersReassigned
        PageResponse().headers = {}  # type: ignore[misc, assignment]


def test_after_the_first_byte_every_change_is_too_late() -> None:
    response = PageResponse()
    response.status = 201
    response.headers["a"] = "1"
    response.seal()

    def set_status() -> None:
        response.status = 202

    def set_text() -> None:
        response.status_text = "x"

    changes = [
        set_status,
        set_text,
        lambda: response.headers.__setitem__("a", "2"),
        lambda: response.headers.append("b", "2"),
        lambda: response.headers.pop("a"),
        lambda: response.headers.clear(),
        lambda: response.headers.update({"b": "2"}),
    ]
    for change in changes:
        with pytest.raises(ResponseStarted, match="too late"):
            change()
    assert (response.status, response.status_text, dict(response.headers)) == (201, None, {"a": "1"})


HTML = (b"content-type", b"text/html")


@pytest.mark.parametrize(
    ("own", "given_", "theirs", "final"),
    [  # what the page said; is it our Response; what the app sends; what is answered
        (None, False, 200, 200),
        (201, False, 200, 201),
        (404, False, 200, 404),
        (201, False, 202, 201),
        (201, False, 204, 204),
        (201, False, 206, 206),
        (201, False, 302, 302),
        (201, False, 304, 304),
        (201, False, 404, 404),
        (201, False, 500, 500),
        (200, False, 404, 404),
        (201, True, 200, 200),
        (201, True, 404, 404),
    ],
)
def test_the_pages_status_takes_the_place_of_a_success_only(
    own: int | None, given_: bool, theirs: int, final: int
) -> None:
    response = PageResponse()
    if own is not None:
        response.status = own
    assert response.merged(theirs, [HTML], given=given_)[0] == final


def test_the_pages_headers_take_the_place_of_the_apps() -> None:
    response = PageResponse()
    response.headers["X-A"] = "page"
    response.headers["Content-Type"] = "text/plain"
    response.headers.append("Vary", "Accept")
    response.headers.append("Set-Cookie", "a=1")
    response.headers.append("Set-Cookie", "b=1")
    app = [(b"X-a", b"app"), HTML, (b"Vary", b"Cookie"), (b"set-cookie", b"c=1"), (b"x-b", b"app")]
    status, headers = response.merged(200, app, given=False)
    assert status == 200
    assert headers == [
        (b"Vary", b"Cookie"),
        (b"set-cookie", b"c=1"),
        (b"x-b", b"app"),
        (b"x-a", b"page"),
        (b"content-type", b"text/plain"),
        (b"vary", b"Accept"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=1"),
    ]
    assert app[0] == (b"X-a", b"app")


def test_the_headers_of_a_given_response_win() -> None:
    response = PageResponse()
    response.headers["X-A"] = "page"
    response.headers["X-B"] = "page"
    response.headers["Vary"] = "Accept"
    _, headers = response.merged(200, [(b"x-a", b"given"), (b"vary", b"Cookie")], given=True)
    assert headers == [(b"x-a", b"given"), (b"vary", b"Cookie"), (b"x-b", b"page"), (b"vary", b"Accept")]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("content-type", "text/csv", False),
        ("content-disposition", "attachment", False),
        ("cache-control", "public, max-age=3600", False),
        ("cache-control", "no-store", True),
        ("cache-control", "Private", True),
        ("etag", '"1"', False),
        ("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT", False),
        ("expires", "Wed, 21 Oct 2026 07:28:00 GMT", False),
        ("cdn-cache-control", "max-age=60", False),
        ("x-frame-options", "DENY", True),
        ("content-security-policy", "default-src 'self'", True),
        ("set-cookie", "a=1", True),
    ],
)
def test_what_describes_the_page_is_not_said_of_an_error(name: str, value: str, kept: bool) -> None:
    response = PageResponse()
    response.headers[name] = value
    pair = (name.encode(), value.encode())
    for status in (400, 404, 500):
        assert (pair in response.merged(status, [], given=False)[1]) is kept
    assert pair in response.merged(200, [], given=False)[1]
    assert pair in response.merged(404, [], given=True)[1]


@pytest.mark.parametrize("status", [204, 205, 304])
def test_an_answer_without_a_body_says_nothing_about_one(status: int) -> None:
    response = PageResponse()
    response.status = status
    response.headers["Content-Type"] = "text/plain"
    response.headers["X-A"] = "1"
    final, headers = response.merged(200, [HTML, (b"Content-Length", b"5"), (b"etag", b'"1"')], given=False)
    assert final == status
    assert headers == [(b"etag", b'"1"'), (b"x-a", b"1")]


@some
@given(
    st.lists(
        st.tuples(st.sampled_from(["x-a", "vary", "set-cookie", "etag", "content-type"]), st.sampled_from("12")),
        max_size=5,
    ),
    st.lists(st.tuples(st.sampled_from(["x-a", "x-b", "vary", "etag"]), st.sampled_from("34")), max_size=5),
    st.integers(200, 599),
    st.none() | st.integers(200, 599),
    st.booleans(),
)
def test_whatever_is_merged_is_an_answer(
    own: list[tuple[str, str]], theirs: list[tuple[str, str]], status: int, said: int | None, given_: bool
) -> None:
    response = PageResponse()
    for name, value in own:
        response.headers.append(name, value)
    if said is not None:
        response.status = said
    app = [(name.encode(), value.encode()) for name, value in theirs]
    final, headers = response.merged(status, app, given=given_)
    assert final in {status, said}
    for name in ("x-a", "x-b", "etag"):  # one side's word, never both
        found = [value.decode() for key, value in headers if key == name.encode()]
        assert found in ([v for n, v in own if n == name], [v for n, v in theirs if n == name])
    for name in ("vary",):
        found = [value.decode() for key, value in headers if key == name.encode()]
        assert found == [v for n, v in theirs if n == name] + [v for n, v in own if n == name]
