"""The few lines of RFC 9110 in ondemand.snapshots.server, with werkzeug as the oracle.

Where we differ from werkzeug on purpose, a test says so.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.http import http_date as their_date
from werkzeug.http import parse_accept_header, parse_date, parse_etags, parse_range_header

from ondemand.routing import MAX_PATH
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.server import (
    Answer,
    Reply,
    Terms,
    _seconds,
    http_date,
    is_immutable,
    matches,
    negotiate,
    only_tracks,
    parse_range,
    request_headers,
)
from ondemand.snapshots.store import Files, Publisher, Store

some = settings(max_examples=500, deadline=None, derandomize=True)

SIZES = {"": 1000, "gzip": 300, "br": 250, "zstd": 260}


# ------------------------------------------------------------------------------------------------------ Accept-Encoding


WEIGHTS = st.sampled_from(
    ["", ";q=0", ";q=0.0", ";q=0.001", ";q=0.5", ";q=0.50", ";q=1", ";q=1.000", " ; q=0.3", ";Q=0.2"]
)
CODINGS = st.sampled_from(["gzip", "br", "zstd", "identity", "*", "GZip", "deflate", "compress"])
ACCEPTS = st.lists(st.tuples(CODINGS, WEIGHTS), max_size=6, unique_by=lambda item: item[0].lower()).map(
    lambda items: ", ".join(name + weight for name, weight in items)
)


@some
@given(ACCEPTS, st.sets(st.sampled_from(["gzip", "br", "zstd"])))
def test_the_highest_weight_wins_then_the_smallest_form(accept: str, stored: set[str]) -> None:
    sizes = {name: size for name, size in SIZES.items() if not name or name in stored}
    theirs = parse_accept_header(accept)

    def weight(name: str) -> float:
        named = theirs.quality(name or "identity")
        known = (name or "identity") in theirs or "*" in theirs.values()
        return named if known else (0.0001 if not name else 0.0)  # identity is acceptable unless it is refused

    best = max(sizes, key=lambda name: (weight(name), -sizes[name]))
    assert negotiate(accept.encode(), sizes) == (best if weight(best) > 0 else "")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, ""),
        (b"", ""),
        (b"gzip", "gzip"),
        (b"gzip, br", "br"),
        (b"gzip;q=1.0, br;q=0.9", "gzip"),
        (b"*", "br"),
        (b"*;q=0.1, gzip", "gzip"),
        (b"br;q=0, *", "zstd"),
        (b"identity", ""),
        (b"identity;q=0.5, gzip;q=0.4", ""),
        (b"identity, gzip", "gzip"),  # equally wanted: the smaller
        (b"x-gzip", "gzip"),  # RFC 9110 section 8.4.1.3; werkzeug takes it for another name
        (b" gzip\t;\tq=0.5 , ,,br ; q=0.1", "gzip"),
        (b"deflate", ""),
        (b"identity;q=0", ""),  # nothing is acceptable: a page all the same
        (b"*;q=0", ""),
        (b"gzip;q=0", ""),
    ],
)
def test_an_encoding_is_chosen(accept: bytes | None, chosen: str) -> None:
    assert negotiate(accept, SIZES) == chosen


@pytest.mark.parametrize(
    "item",
    [
        b"gzip;q=2",
        b"gzip;q=1.5",
        b"gzip;q=-1",
        b"gzip;q=x",
        b"gzip;q=",
        b"gzip;q",
        b"gzip;q=.5",
        b"g zip",
        b"gzip;level=9",
        b'"gzip"',
        b"gzip/1",
        b"gzip;q=1;x=y",
        b"\xff\xfe",
        b";q=1",
        b"gzip;q=0.5555",
    ],
)
def test_an_item_that_cannot_be_parsed_is_skipped_and_its_neighbours_count(item: bytes) -> None:
    assert negotiate(item, SIZES) == ""
    assert negotiate(item + b", br;q=0.1", SIZES) == "br"


@some
@given(st.binary(max_size=40) | st.text("gzip*;,q=01. \t", max_size=40).map(str.encode))
def test_any_accept_encoding_chooses_something_stored(accept: bytes) -> None:
    assert negotiate(accept, SIZES) in SIZES
    assert negotiate(accept, {"": 5}) == ""


# -------------------------------------------------------------------------------------------------------- If-None-Match


TAGS = ["a", "b", "a,b", "\xff", "W/", "*"]  # not the empty one: werkzeug loses it
ITEMS = st.builds(lambda weak, tag: f'{weak}"{tag}"', st.sampled_from(["", "W/"]), st.sampled_from(TAGS))
SEPARATORS = st.sampled_from([",", ", ", " ,", "\t,\t", ",,", " , , "])


@some
@given(st.lists(st.tuples(ITEMS, SEPARATORS)), st.sampled_from(TAGS))
def test_a_list_of_etags_is_compared_weakly(pairs: list[tuple[str, str]], tag: str) -> None:
    header = "".join(item + separator for item, separator in pairs)
    for text in (header, header.rstrip(", \t")):
        found = matches(text.encode("latin-1"), [f'"{tag}"'.encode("latin-1")])
        assert found == parse_etags(text).contains_weak(tag)


@some
@given(st.lists(ITEMS | st.sampled_from([",", " ", '"', '"a', 'b"', "x y", "W/", 'W/ "a"', '"b"x'])).map("".join))
@example('"a,"b","c')
def test_a_list_with_mistakes_finds_nothing_that_werkzeug_does_not(header: str) -> None:
    theirs = parse_etags(header)
    for tag in TAGS:
        if matches(header.encode("latin-1"), [f'"{tag}"'.encode("latin-1")]):
            assert tag in theirs.as_set(include_weak=True)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b'"a"', True),
        (b'W/"a"', True),
        (b'"x", "a"', True),
        (b'"x" , W/"a" ,', True),
        (b'junk, "a"', True),
        (b"*", True),
        (b" * ", True),
        (b'"*"', False),
        (b'"x", *', False),  # only alone does it stand for anything
        (b"a", False),  # werkzeug takes unquoted tags; nobody sends ours so
        (b'w/"a"', False),  # the W is case-sensitive (RFC 9110 section 8.8.3)
        (b'"A"', False),
        (b'"a', False),
        (b'a"', False),
        (b'""', False),
        (b"", False),
        (b",", False),
        (b'"x,"a', False),
    ],
)
def test_a_tag_is_found_in_if_none_match(header: bytes, found: bool) -> None:
    assert matches(header, [b'"a"']) is found


@pytest.mark.parametrize(
    ("header", "found"),
    [(b'"a"', True), (b'W/"a"', False), (b'W/"a", "a"', True), (b"*", True), (b'"b"', False), (b"", False)],
)
def test_if_match_compares_strongly(header: bytes, found: bool) -> None:
    assert matches(header, [b'"a"'], weakly=False) is found


# ---------------------------------------------------------------------------------------------------------------- Range


NUMBERS = st.sampled_from(["", "0", "1", "4", "5", "9", "10", "11", "007", "99999999999999999"])
RANGES = st.builds(
    "{}{}={}{}-{}".format,
    st.sampled_from(["bytes", "Bytes", " bytes ", "items", ""]),
    st.just(""),
    st.sampled_from(["", " "]),
    NUMBERS,
    NUMBERS,
)


@some
@given(RANGES | st.lists(RANGES, min_size=2, max_size=3).map(",".join), st.sampled_from([0, 1, 5, 10, 11]))
def test_one_range_is_read_as_werkzeug_reads_it(header: str, size: int) -> None:
    ours = parse_range(header.encode(), size)
    theirs = parse_range_header(header)
    if theirs is None or theirs.units != "bytes" or len(theirs.ranges) != 1:
        # "-0" asks for nothing: unsatisfiable (RFC 9110 section 14.1.2); werkzeug takes it for malformed
        assert ours is None or (ours == "unsatisfiable" and header.replace(" ", "").lower() in {"bytes=-0"})
        return
    span = theirs.range_for_length(size)
    start = theirs.ranges[0][0]
    if span is not None:
        assert ours == (span[0], span[1] - 1)
    elif start < 0 and size:
        assert ours == (0, size - 1)  # more than there is: all of it (RFC 9110 section 14.1.2); werkzeug gives up
    else:
        assert ours == "unsatisfiable"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"bytes=0-0", (0, 0)),
        (b"bytes=0-", (0, 9)),
        (b"bytes=5-5", (5, 5)),
        (b"bytes=9-", (9, 9)),
        (b"bytes=2-1000", (2, 9)),
        (b"bytes=-3", (7, 9)),
        (b"bytes=-10", (0, 9)),
        (b"bytes=-1000", (0, 9)),
        (b"BYTES=0-1", (0, 1)),
        (b"bytes=10-", "unsatisfiable"),
        (b"bytes=10-20", "unsatisfiable"),
        (b"bytes=-0", "unsatisfiable"),
        (b"bytes=5-4", None),
        (b"bytes=-", None),
        (b"bytes=", None),
        (b"bytes", None),
        (b"", None),
        (b"bytes=0-1,3-4", None),  # several: whole, which the RFC allows
        (b"bytes=0-1,", None),
        (b"items=0-1", None),
        (b"bytes=a-b", None),
        (b"bytes=0x1-2", None),
        (b"bytes=+1-2", None),
        (b"bytes=1_0-", None),
        ("bytes=١-٢".encode(), None),
        (b"bytes=--1", None),
        (b"bytes=0-1\n", None),
        (b"bytes=0-" + b"9" * 5000, None),  # no number that int() would refuse
        (b"bytes=-" + b"9" * 5000, None),
    ],
)
def test_a_range_of_ten_bytes(header: bytes, expected: Any) -> None:
    assert parse_range(header, 10) == expected


@some
@given(st.binary(max_size=30) | st.text("bytes=-0123456789, ", max_size=30).map(str.encode), st.integers(0, 20))
def test_any_range_lies_inside_the_body(header: bytes, size: int) -> None:
    span = parse_range(header, size)
    if isinstance(span, tuple):
        assert 0 <= span[0] <= span[1] < size


# ---------------------------------------------------------------------------------------------------- If-Modified-Since


NOON = 1_795_176_000  # Fri, 20 Nov 2026 12:00:00 GMT


def _unchanged(header: bytes) -> bool:
    since = _seconds(header)
    return since is not None and since >= NOON


@pytest.mark.parametrize(
    ("header", "unchanged"),
    [
        (b"Fri, 20 Nov 2026 12:00:00 GMT", True),
        (b"Fri, 20 Nov 2026 12:00:01 GMT", True),
        (b"Fri, 20 Nov 2026 11:59:59 GMT", False),
        (b"Friday, 20-Nov-26 12:00:00 GMT", True),
        (b"Friday, 20-Nov-26 11:59:59 GMT", False),
        (b"Fri Nov 20 12:00:00 2026", True),
        (b"Fri Nov 20 11:59:59 2026", False),
        (b"Fri, 20 Nov 2026 13:00:00 +0100", True),
        (b"Fri, 20 Nov 2026 12:00:00 +0100", False),
        (b"Thu, 01 Jan 1970 00:00:00 GMT", False),
        (b"Tue, 19 Jan 2038 03:14:08 GMT", True),
        (b"Fri, 31 Dec 9999 23:59:59 GMT", True),
        (b"", False),
        (b" ", False),
        (b"now", False),
        (b"0", False),
        (b"1795176000", False),
        (b"Fri, 20 Nov 2026", False),
        (b"Fri, 32 Nov 2026 12:00:00 GMT", False),
        (b"Fri, 20 Nov 2026 25:00:00 GMT", False),
        (b"Fri, 20 Nov 99999 12:00:00 GMT", False),
        (b"Fri, 20 Nov 0000 12:00:00 GMT", False),
        (b"Fri, 20 Nov 2026 12:00:00 +9999999999", False),
        (b"Fri, 20 Nov 2026 12:00:00 GMT, Sat, 21 Nov 2026 12:00:00 GMT", True),
        (b"\xff\xfe", False),
        ("Fri, 20 Nov 2026 12:00:0٣ GMT".encode(), False),
        (b"Fri, 20 Nov 2026 12:00:00 GMT" + b" " * 100_000, False),
        (b"9" * 100_000, False),
    ],
)
def test_a_date_is_compared_and_anything_else_counts_as_none(header: bytes, unchanged: bool) -> None:
    if b"GMT, " in header:
        _seconds(header)  # two dates in one field: no answer is wrong, an exception is
    else:
        assert _unchanged(header) is unchanged


DATES = st.lists(
    st.sampled_from(
        [
            "Fri",
            ", ",
            " ",
            "20",
            "-",
            "Nov",
            "2026",
            "26",
            "12:00:00",
            "12:00",
            ":",
            "GMT",
            "+0100",
            "-0000",
            "99",
            "(",
            ")",
            "/",
            "Z",
        ]
    ),
    max_size=10,
).map("".join)


@some
@given(
    st.binary(max_size=64) | DATES.map(str.encode) | st.text("0123456789:,- FriNovGMT+", max_size=40).map(str.encode)
)
def test_any_date_is_answered_as_werkzeug_answers_it(header: bytes) -> None:
    ours = _unchanged(header)
    try:
        theirs = parse_date(header.decode("ascii"))
        expected = theirs is not None and int(theirs.timestamp()) >= NOON
    except (UnicodeDecodeError, OverflowError, IndexError):  # werkzeug lets some of these out
        expected = False
    assert ours is expected


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_a_date_without_a_zone_is_gmt_wherever_the_server_stands(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", {"Asia/Tokyo": "JST-9", "America/New_York": "EST5", "UTC": "UTC0"}[zone])
    time.tzset()
    try:
        assert _unchanged(b"Fri Nov 20 12:00:00 2026")  # asctime: RFC 9110 section 5.6.7
        assert not _unchanged(b"Fri Nov 20 11:59:59 2026")
        assert _unchanged(b"Fri, 20 Nov 2026 12:00:00 -0000")
        assert not _unchanged(b"Fri, 20 Nov 2026 11:59:59 -0000")
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


@some
@given(st.integers(0, 253_402_300_799) | st.floats(0, 253_402_300_799))
def test_a_date_is_written_as_werkzeug_writes_it_and_read_back(seconds: float) -> None:
    written = http_date(seconds)
    assert written.decode() == their_date(int(seconds))
    assert _seconds(written) == int(seconds)


# ------------------------------------------------------------------------------------------------- queries that track


@pytest.mark.parametrize(
    ("query", "tracks"),
    [
        (b"", True),
        (b"utm_source=a", True),
        (b"utm_source=a&utm_medium=b&fbclid=c", True),
        (b"utm_source", True),
        (b"utm_source=", True),
        (b"gclid=1&", True),
        (b"utm_source=%20%zz+\xff", True),
        (b"page=2", False),
        (b"utm_source=a&page=2", False),
        (b"page=2&utm_source=a", False),
        (b"utm_=a", False),
        (b"utm_source=a;page=2", True),  # one value: `;` separates nothing (WHATWG URL)
        (b"UTM_SOURCE=a", False),
        (b"utm%5Fsource=a", False),
        (b"utm_source%3Da", False),
        (b"fbclidx=a", False),
        (b"xfbclid=a", False),
        (b"fbclid[]=a", False),
        (b"&fbclid=a", False),
        (b"fbclid=a&&gclid=b", False),
        (b"=a", False),
        (b"&", False),
        (b"?utm_source=a", False),
        (b"utm_source=" + b"a" * 3000, False),
    ],
)
def test_a_query_only_tracks_if_every_name_does(query: bytes, tracks: bool) -> None:
    assert only_tracks(query) is tracks


# ------------------------------------------------------------------------------------------- names that carry a digest


@pytest.mark.parametrize(
    "path",
    [
        "/assets/app.3f2a9c1b.js",
        "/assets/app-3f2a9c1b.css",
        "/static/main_0a1b2c3d4e5f.js",
        "/a.d41d8cd98f00b204e9800998ecf8427e.png",
        "/a.d41d8cd98f00b204e9800998ecf8427e.js.map",
        "/f." + "0a" * 32 + ".woff2",
        "/assets/index-BxQ3kd_9.js",
        "/assets/index-D9f3kQ-a.css",
        "/assets/vendor-Ab12Cd34.mjs",
        "/assets/inter-C1mE0dxP.woff2",
    ],
)
def test_a_name_with_a_digest_never_changes(path: str) -> None:
    assert is_immutable(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/app.js",
        "/index.html",
        "/main.min.js",
        "/jquery-3.7.1.js",
        "/jquery-3.7.1.min.js",
        "/report-20261120.pdf",  # a date
        "/report.20261120.pdf",
        "/photo-12345678.jpg",  # a number
        "/deadbeef.js",  # nothing in front of it
        "/a.deadbeef.js",  # a word
        "/a.facade.js",
        "/a.3f2a9c1.js",  # too short
        "/a." + "0a" * 40 + ".js",  # too long
        "/a.3F2A9C1B.js",
        "/3f2a9c1b/app.js",  # not in the last segment
        "/a.3f2a9c1b/",
        "/a.3f2a9c1b",  # no suffix
        "/my-settings.js",
        "/my-Settings.js",
        "/some-component.css",
        "/bootstrap-theme-dark.css",
        "/a.3f2a9c1b.js\n",
        "/a.3f2a9c1b.js/x.html",
        "/uploads/550e8400-e29b-41d4-a716-44665544abcd.jpg",  # a UUID names a thing, not its content
        "/uploads/avatar-9b2e4c1a-e29b-41d4-a716-446655440000.png",
    ],
)
def test_a_name_without_a_digest_may_change(path: str) -> None:
    assert not is_immutable(path)


# ------------------------------------------------------------------------------------------------------ request headers


def test_repeated_headers_are_joined_and_cookies_by_their_own_separator() -> None:
    pairs = [(b"a", b"1"), (b"cookie", b"x=1"), (b"a", b"2"), (b"cookie", b"y=2"), (b"b", b"3")]
    assert request_headers({"headers": pairs}) == {b"a": b"1, 2", b"cookie": b"x=1; y=2", b"b": b"3"}
    assert request_headers({"headers": pairs[:2]}) == {b"a": b"1", b"cookie": b"x=1"}
    assert request_headers({"headers": []}) == {}


# ---------------------------------------------------------------------------------------------------------- linear time


SIZE = 100_000
PARTS = [
    b",",
    b" ",
    b"\t",
    b'"',
    b'",',
    b'","',
    b' "',
    b'"a',
    b"W/",
    b'W/"',
    b"a,",
    b", ,",
    b"*,",
    b";",
    b"q=",
    b"gzip;",
    b"=",
    b"-",
]
PARTS += [b"0-,", b"&", b"utm_a=&", b"utm_", b"a", b"-a1A", b".0a", b"%20", b"\xff", b"bytes=", b"0"]
HOSTILE = {part: (part * (SIZE // len(part) + 1))[:SIZE] for part in PARTS}


@pytest.mark.parametrize("part", HOSTILE, ids=repr)
def test_hostile_headers_take_linear_time(part: bytes) -> None:
    text = HOSTILE[part]
    started = time.process_time()
    for header in (
        text,
        text + b'"',
        b'"' + text,
        b"bytes=" + text,
        b"bytes=0" + text,
        b"gzip" + text,
        b"utm_a=" + text,
    ):
        negotiate(header, SIZES)
        matches(header, [b'"x"'])
        parse_range(header, 10)
        _seconds(header)
        only_tracks(header)
    assert time.process_time() - started < 7 * 0.2


@pytest.mark.parametrize("part", ["-", "a-", "-a1A", ".0a", ".", "-A1a_"])
def test_hostile_names_take_little_time(part: str) -> None:
    started = time.process_time()
    is_immutable(("/" + part * MAX_PATH)[:MAX_PATH])
    assert time.process_time() - started < 0.2


def test_many_repeated_headers_take_linear_time() -> None:
    pairs = [(b"x", b"ab")] * 20_000
    started = time.process_time()
    assert len(request_headers({"headers": pairs})[b"x"]) == 4 * 20_000 - 2
    assert time.process_time() - started < 0.2


# ------------------------------------------------------------------------------------------- all of it, in one snapshot


BODY = b"<p>0123456789</p>" * 40
DATE = formatdate(NOON, usegmt=True).encode()


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    return published(tmp_path_factory.mktemp("page"), "/page", "page", 200)


def published(dist: Path, path: str, kind: Any, status: int) -> Answer:
    store = Store(dist)
    headers = (("content-type", "text/html"), ("x-own", "kept"))
    with store.lock():
        publisher = Publisher(store, settings={})
        files = Files(publisher.folder, previous=None, compressors={"gzip": gzip.compress})
        made, _ = files.write(Snapshot(path, kind, f"site{path}.html", status, None, NOON, headers), BODY)
        publisher.add(made.to_line())
        publisher.publish()
    generation = store.open()
    assert generation is not None
    found = generation.get(path)
    assert found is not None
    return Answer(generation, found, Terms())


def asked(answer: Answer, headers: Mapping[str, bytes], method: str = "GET") -> tuple[Reply, dict[str, str]]:
    reply = answer.reply(method, {name.encode(): value for name, value in headers.items()})
    return reply, {name.decode(): value.decode() for name, value in reply.headers}


def tag(answer: Answer, encoding: str = "") -> bytes:
    return answer.snapshot.encodings[encoding].etag.encode()


def test_a_plain_get_has_everything_and_the_encodings_have_their_own_tags(answer: Answer) -> None:
    reply, fields = asked(answer, {})
    assert (reply.status, reply.body) == (200, BODY)
    assert fields["content-length"] == str(len(BODY))
    assert (fields["vary"], fields["accept-ranges"], fields["x-own"]) == ("accept-encoding", "bytes", "kept")
    assert fields["last-modified"].encode() == DATE
    packed, packed_fields = asked(answer, {"accept-encoding": b"gzip"})
    assert isinstance(packed.body, bytes)
    assert gzip.decompress(packed.body) == BODY
    assert packed_fields["content-encoding"] == "gzip"
    assert packed_fields["etag"] != fields["etag"]
    assert "accept-ranges" not in packed_fields
    assert "content-encoding" not in fields


def test_head_has_the_headers_of_get_and_no_body(answer: Answer) -> None:
    for headers in ({}, {"accept-encoding": b"gzip"}, {"range": b"bytes=0-1"}):
        whole = {name: value for name, value in headers.items() if name != "range"}
        assert asked(answer, headers, "HEAD")[1] == asked(answer, whole)[1]
        assert asked(answer, headers, "HEAD")[0].body == b""


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ({"if-none-match": b"TAG"}, 304),
        ({"if-none-match": b"W/TAG"}, 304),
        ({"if-none-match": b'"x", TAG'}, 304),
        ({"if-none-match": b"*"}, 304),
        ({"if-none-match": b"PACKED"}, 304),
        ({"if-none-match": b'"x"'}, 200),
        ({"if-none-match": b""}, 200),
        ({"if-modified-since": DATE}, 304),
        ({"if-modified-since": b"Fri, 20 Nov 2026 11:59:59 GMT"}, 200),
        ({"if-modified-since": b"yesterday"}, 200),
        ({"if-match": b"TAG"}, 200),
        ({"if-match": b"*"}, 200),
        ({"if-match": b'"other"'}, 412),
        ({"if-match": b"W/TAG"}, 412),
        ({"if-match": b"TAG", "if-none-match": b"TAG"}, 304),
        ({"if-match": b'"other"', "if-none-match": b"TAG"}, 412),
        ({"if-unmodified-since": DATE}, 200),
        ({"if-unmodified-since": b"Fri, 20 Nov 2026 11:59:59 GMT"}, 412),
        ({"if-unmodified-since": b"yesterday"}, 200),
        ({"if-match": b"TAG", "if-unmodified-since": b"Fri, 20 Nov 2026 11:59:59 GMT"}, 200),  # If-Match alone counts
        ({"if-none-match": b'"x"', "if-modified-since": DATE}, 200),  # If-None-Match alone counts
        ({"if-none-match": b"TAG", "if-modified-since": b"Fri, 20 Nov 2026 11:59:59 GMT"}, 304),
        ({"if-none-match": b"TAG", "range": b"bytes=0-1"}, 304),
        ({"if-none-match": b"TAG", "range": b"bytes=5000-"}, 304),
    ],
)
def test_conditions_are_taken_in_the_order_of_the_rfc(
    answer: Answer, conditions: dict[str, bytes], status: int, method: str
) -> None:
    headers = {n: v.replace(b"TAG", tag(answer)).replace(b"PACKED", tag(answer, "gzip")) for n, v in conditions.items()}
    reply, fields = asked(answer, headers, method)
    assert reply.status == status
    if status == 304:
        assert reply.body == b""
        assert set(fields) == {"cache-control", "cache-status", "etag", "last-modified", "vary"}


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (None, 206),
        (b"TAG", 206),
        (b" TAG ", 206),
        (DATE, 206),
        (b"W/TAG", 200),
        (b"PACKED", 200),
        (b'"x"', 200),
        (b"TAG, TAG", 200),
        (b"Fri, 20 Nov 2026 12:00:01 GMT", 200),
        (b"junk", 200),
        (b"", 200),
        (b"*", 200),
    ],
)
def test_if_range_compares_strongly(answer: Answer, condition: bytes | None, status: int) -> None:
    headers = {"range": b"bytes=3-12"}
    if condition is not None:
        headers["if-range"] = condition.replace(b"TAG", tag(answer)).replace(b"PACKED", tag(answer, "gzip"))
    reply, fields = asked(answer, headers)
    assert reply.status == status
    assert reply.body == (BODY[3:13] if status == 206 else BODY)
    assert fields.get("content-range") == (f"bytes 3-12/{len(BODY)}" if status == 206 else None)
    assert fields["content-length"] == ("10" if status == 206 else str(len(BODY)))


def test_a_range_is_of_the_identity_form_whatever_encodings_are_accepted(answer: Answer) -> None:
    reply, fields = asked(answer, {"range": b"bytes=0-2", "accept-encoding": b"gzip"})
    assert (reply.status, reply.body) == (206, BODY[:3])
    assert "content-encoding" not in fields
    assert fields["etag"].encode() == tag(answer)
    assert fields["vary"] == "accept-encoding"


def test_a_range_beyond_the_end_says_how_long_it_is(answer: Answer) -> None:
    reply, fields = asked(answer, {"range": b"bytes=5000-"})
    assert (reply.status, reply.body) == (416, b"")
    assert (fields["content-range"], fields["content-length"]) == (f"bytes */{len(BODY)}", "0")
    assert "etag" not in fields


def test_a_stored_404_is_no_resource_that_conditions_are_about(tmp_path: Path) -> None:
    missing = published(tmp_path, "/404", "page", 404)
    for headers in ({"if-none-match": b"*"}, {"if-modified-since": DATE}, {"range": b"bytes=0-1"}):
        reply, fields = asked(missing, headers)
        assert (reply.status, reply.body) == (404, BODY)
        assert "etag" not in fields


@pytest.mark.parametrize(
    ("path", "kind", "cached"),
    [
        ("/app.3f2a9c1b.js", "asset", "public, max-age=31536000, immutable"),
        ("/app.js", "asset", "public, max-age=0, must-revalidate"),
        ("/app.3f2a9c1b.js", "page", "public, max-age=0, must-revalidate"),
    ],
)
def test_caching_is_the_same_on_200_206_304_and_head(path: str, kind: str, cached: str, tmp_path: Path) -> None:
    found = published(tmp_path, path, kind, 200)
    etag = tag(found)
    for method, headers, status in (
        ("GET", {}, 200),
        ("HEAD", {}, 200),
        ("GET", {"range": b"bytes=0-1"}, 206),
        ("GET", {"if-none-match": etag}, 304),
    ):
        reply, fields = asked(found, headers, method)
        assert (reply.status, fields["cache-control"]) == (status, cached)
