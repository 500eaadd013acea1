"""Conditional requests and ranges as a whole, with werkzeug's answers beside ours."""

from __future__ import annotations

import tempfile
from email.utils import formatdate
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response

from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.server import Answer, Terms
from ondemand.snapshots.store import Files, Generation, Publisher, Store

some = settings(max_examples=400, deadline=None, derandomize=True)

BODY = b"0123456789" * 30
TIME = 1_795_176_000  # Fri, 20 Nov 2026 12:00:00 GMT


@cache
def stored() -> Answer:
    """A snapshot of 300 bytes, packed too, as a server has it in memory."""
    with tempfile.TemporaryDirectory() as folder:
        publisher = Publisher(Store(Path(folder)), settings={})
        files = Files(publisher.folder, previous=None, compressors={"gzip": lambda body: b"packed"})
        headers = (("content-type", "text/plain"),)
        page, _ = files.write(Snapshot("/p", "page", "site/p.txt", 200, None, TIME, headers), BODY)
        publisher.add(page.to_line())
        generation = Generation(Path(folder) / publisher.publish())
        answer = Answer(generation, page, Terms())
        assert {answer.body(encoding) for encoding in page.encodings} == {BODY, b"packed"}
    return answer


ETAG = stored().snapshot.encodings[""].etag
TAGS = st.sampled_from([ETAG, f"W/{ETAG}", '"x"', 'W/"x"', '"a,b"'])
DATES = st.sampled_from([formatdate(TIME + seconds, usegmt=True) for seconds in (-90_000, -1, 0, 1, 90_000)])
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "if-none-match": st.lists(TAGS, min_size=1, max_size=3).map(", ".join) | st.just("*"),
        "if-modified-since": DATES | st.just("junk"),
        "range": st.tuples(st.integers(0, 320), st.integers(0, 320)).map(lambda ends: f"bytes={min(ends)}-{max(ends)}")
        | st.integers(0, 320).map(lambda start: f"bytes={start}-")
        | st.integers(1, 299).map(lambda count: f"bytes=-{count}"),
        "if-range": st.sampled_from([ETAG, '"x"', formatdate(TIME, usegmt=True), formatdate(TIME - 1, usegmt=True)]),
    },
)


def theirs(method: str, headers: dict[str, str]) -> tuple[int, bytes, str | None]:
    """Status, body and Content-Range, as werkzeug answers: to the conditions, then, where the page is to be sent, to the range
    (RFC 9110 section 13.2.2)."""
    ranges = {"range", "if-range"}
    status, body, span = _made(method, {name: value for name, value in headers.items() if name not in ranges})
    if status == 304 or method == "HEAD":
        return status, body, span
    return _made(method, {name: value for name, value in headers.items() if name in ranges})


def _made(method: str, headers: dict[str, str]) -> tuple[int, bytes, str | None]:
    response = Response(BODY, content_type="text/plain")
    response.headers["ETag"] = ETAG
    response.last_modified = TIME  # type: ignore[assignment]
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    try:
        response.make_conditional({"REQUEST_METHOD": method, **named}, accept_ranges=True, complete_length=len(BODY))
    except RequestedRangeNotSatisfiable:
        return 416, b"", f"bytes */{len(BODY)}"
    return response.status_code, response.get_data(), response.headers.get("Content-Range")


@some
@given(st.sampled_from(["GET", "GET", "HEAD"]), HEADERS)
def test_any_conditions_are_answered_as_werkzeug_answers_them(method: str, headers: dict[str, str]) -> None:
    reply = stored().reply(method, {name.encode(): value.encode() for name, value in headers.items()})
    said = {name.decode(): value.decode() for name, value in reply.headers}
    status, body, span = theirs(method, headers)
    assert (reply.status, said.get("content-range")) == (status, span)
    assert reply.body == (b"" if status == 304 or method == "HEAD" else body)


@some
@given(
    st.sampled_from(["GET", "HEAD"]),
    st.dictionaries(
        st.sampled_from(
            [
                b"if-match",
                b"if-none-match",
                b"if-modified-since",
                b"if-unmodified-since",
                b"range",
                b"if-range",
                b"accept-encoding",
            ]
        ),
        st.binary(max_size=30)
        | st.sampled_from([ETAG.encode(), b"bytes=1-2", b"gzip", b"*", b"bytes=--1", b'"', b"W/"]),
    ),
)
def test_any_bytes_of_conditions_are_an_answer_that_adds_up(method: str, headers: dict[bytes, bytes]) -> None:
    reply = stored().reply(method, headers)
    assert reply.status in {200, 206, 304, 412, 416}
    assert isinstance(reply.body, bytes)
    said = dict(reply.headers)
    if method == "HEAD" or reply.status == 304:
        assert reply.body == b""
    else:
        assert int(said[b"content-length"]) == len(reply.body)
    if reply.status == 206:
        first, _, rest = said[b"content-range"].removeprefix(b"bytes ").partition(b"-")
        assert reply.body == BODY[int(first) : int(rest.partition(b"/")[0]) + 1]
        assert b"content-encoding" not in said
