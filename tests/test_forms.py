"""ondemand.forms: urlencoded and multipart bodies, however they are cut, whatever they hold."""

from __future__ import annotations

import asyncio
import gc
import os
import time
import tracemalloc
import warnings
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ondemand import BodyError, BodyTooLarge, ClientDisconnected
from ondemand.forms import MAX_FIELD, MAX_PARTS, SPOOL, FormData, UploadedFile, read_form
from ondemand.requests import Inbox, Request
from tests.asking import make_scope

some = settings(max_examples=200, deadline=None, derandomize=True)

URLENCODED = "application/x-www-form-urlencoded"
BOUNDARY = b"----WebKitFormBoundaryx7"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY.decode()}"

Part = tuple[bytes, bytes]  # the headers of a part, and what it holds


def multipart(parts: Iterable[Part], boundary: bytes = BOUNDARY) -> bytes:
    pieces = [b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n" for head, data in parts]
    return b"".join(pieces) + b"--" + boundary + b"--\r\n"


def field(name: str, extra: bytes = b"") -> bytes:
    return f'Content-Disposition: form-data; name="{name}"'.encode() + extra


def file(name: str, filename: bytes = b"x.txt", kind: bytes = b"text/plain") -> bytes:
    return field(name, b'; filename="' + filename + b'"\r\nContent-Type: ' + kind)


def cut(body: bytes, size: int = 65_536) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


async def form_of(*chunks: bytes, kind: str = MULTIPART) -> FormData:
    async def said() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return await read_form(kind, said())


def read(*chunks: bytes, kind: str = MULTIPART) -> list[tuple[str, Any]]:
    """Each field's name and text, each file's name, type and bytes."""

    async def work() -> list[tuple[str, Any]]:
        form = await form_of(*chunks, kind=kind)
        found: list[tuple[str, Any]] = []
        for name, value in form.multi_items():
            if isinstance(value, str):
                found.append((name, value))
            else:
                data = await value.read()
                assert value.size == len(data)
                found.append((name, (value.filename, value.content_type, data)))
        form.close()
        return found

    return asyncio.run(work())


def refused(*chunks: bytes, kind: str = MULTIPART) -> type[Exception] | None:
    """The error that a body is, None if it is none."""
    try:
        read(*chunks, kind=kind)
    except (BodyError, BodyTooLarge) as error:
        assert len(str(error)) < 400
        return type(error)
    return None


# ----------------------------------------------------------------------------------------------------------- the mapping


def test_a_form_is_a_mapping_of_names_to_the_first_value() -> None:
    async def work() -> None:
        body = multipart([(field("b"), b"1"), (file("a"), b"2"), (field("b"), b"3"), (field(""), b"4")])
        form = await form_of(body)
        assert list(form) == ["b", "a", ""]
        assert len(form) == 3
        assert form["b"] == "1"
        assert form.getlist("b") == ["1", "3"]
        assert form.getlist("nothing") == []
        assert form.get("nothing") is None
        assert [name for name, _ in form.multi_items()] == ["b", "a", "b", ""]
        assert "a" in form
        upload = form["a"]
        assert isinstance(upload, UploadedFile)
        assert (upload.filename, upload.content_type, upload.size) == ("x.txt", "text/plain", 1)
        assert upload.file.read() == b"2"
        assert await upload.read() == await upload.read() == b"2"
        assert "x.txt" in repr(upload)
        assert "x.txt" in repr(form)
        with pytest.raises(KeyError):
            form["nothing"]
        form.multi_items().clear()
        form.getlist("b").clear()
        assert len(form.multi_items()) == 4
        form.close()
        assert upload.file.closed
        form.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "text/plain",
        "multipart/mixed; boundary=x",
        "form-data",
        "x" * 10_000,
        "multipart",
        "\xff",
    ],
)
def test_what_is_no_form_is_refused(kind: str) -> None:
    assert refused(b"a=1", kind=kind) is BodyError


@pytest.mark.parametrize(
    "kind",
    [
        URLENCODED,
        URLENCODED.upper(),
        URLENCODED + "; charset=utf-8",
        " \t" + URLENCODED + " ;",
        "Multipart/Form-Data; boundary=x",
        'multipart/form-data;charset=utf-8; boundary="x"',
        "multipart/form-data; BOUNDARY=x;",
    ],
)
def test_the_type_of_a_form_is_read_without_regard_to_case_and_parameters(kind: str) -> None:
    body = b"a=1" if "url" in kind.lower() else multipart([(field("a"), b"1")], b"x")
    assert read(body, kind=kind) == [("a", "1")]


def test_two_content_types_are_none() -> None:
    scope = make_scope("/", method="POST")
    scope["headers"] += [(b"content-type", URLENCODED.encode())] * 2

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"a=1"}

    async def work() -> None:
        request = Request(scope, Inbox(receive), origin="", limit=None)
        with pytest.raises(BodyError):
            await request.form()

    asyncio.run(work())


# ------------------------------------------------------------------------------------------------------------- urlencoded


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        (b"", []),
        (b"a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
        (b"a", [("a", "")]),
        (b"a=&=b", [("a", ""), ("", "b")]),
        (b"&&a=1&&", [("a", "1")]),
        (b"a=1;b=2", [("a", "1;b=2")]),
        (b"a=x+y%2Bz", [("a", "x y+z")]),
        (b"a=%C3%A9&%C3%A9=a", [("a", "é"), ("é", "a")]),
        ("a=é".encode(), [("a", "é")]),
        (b"a=%ff&b=\xff", [("a", "\ufffd"), ("b", "\ufffd")]),
        (b"a=%zz%&b=%2", [("a", "%zz%"), ("b", "%2")]),
        (b"a=%00%0D%0A", [("a", "\0\r\n")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"__proto__=1", [("__proto__", "1")]),
    ],
)
def test_an_urlencoded_form_gives_its_pairs(body: bytes, pairs: list[tuple[str, str]]) -> None:
    assert read(body, kind=URLENCODED) == pairs
    assert read(*cut(body, 1), kind=URLENCODED) == pairs


@some
@given(st.lists(st.tuples(st.text(), st.text()), max_size=8))
def test_what_a_browser_encodes_comes_back(pairs: list[tuple[str, str]]) -> None:
    try:
        body = urlencode(pairs, quote_via=quote_plus).encode()
    except UnicodeEncodeError:
        return
    assert read(body, kind=URLENCODED) == pairs


@some
@given(st.binary(max_size=200))
def test_any_bytes_are_an_urlencoded_form(body: bytes) -> None:
    for name, value in read(body, kind=URLENCODED):
        (name + value).encode()


def test_an_urlencoded_form_has_as_many_fields_as_a_form_may_have() -> None:
    assert len(read(b"&".join([b"a=1"] * MAX_PARTS), kind=URLENCODED)) == MAX_PARTS
    assert refused(b"&".join([b"a=1"] * (MAX_PARTS + 1)), kind=URLENCODED) is BodyTooLarge
    started = time.process_time()
    assert refused(*cut(b"&".join([b"a=1"] * 200_000)), kind=URLENCODED) is BodyTooLarge
    assert refused(*cut(b"&" * 1_000_000), kind=URLENCODED) is BodyTooLarge
    assert time.process_time() - started < 1


def test_a_field_of_an_urlencoded_form_is_as_large_as_one_may_be() -> None:
    assert refused(b"a=" + b"x" * MAX_FIELD, kind=URLENCODED) is None
    assert refused(b"a=" + b"x" * (MAX_FIELD + 1), kind=URLENCODED) is BodyTooLarge


# -------------------------------------------------------------------------------------------------------- multipart, cut

MIXED = multipart(
    [
        (field("a"), b"1"),
        (field("empty"), b""),
        (field("lines"), b"\r\nx\r\n\r\n--\r\ny\n\r"),
        (field("near"), b"--" + BOUNDARY[:-1] + b"\r\n--" + BOUNDARY + b"x\r\n-" + BOUNDARY + b"--"),
        (file("f"), b"\r\n--\r\n" + bytes(range(256)) + b"\r\n--" + BOUNDARY[:-1]),
        (file("g", b""), b""),
        (file("h"), b"\r"),
        (file("i"), b"\n"),
        (file("j"), b"--"),
    ]
)
MIXED_READ = [
    ("a", "1"),
    ("empty", ""),
    ("lines", "\r\nx\r\n\r\n--\r\ny\n\r"),
    ("near", f"--{BOUNDARY[:-1].decode()}\r\n--{BOUNDARY.decode()}x\r\n-{BOUNDARY.decode()}--"),
    ("f", ("x.txt", "text/plain", b"\r\n--\r\n" + bytes(range(256)) + b"\r\n--" + BOUNDARY[:-1])),
    ("g", ("", "text/plain", b"")),
    ("h", ("x.txt", "text/plain", b"\r")),
    ("i", ("x.txt", "text/plain", b"\n")),
    ("j", ("x.txt", "text/plain", b"--")),
]


def test_a_multipart_form_gives_its_fields_and_files() -> None:
    assert read(MIXED) == MIXED_READ


def test_a_form_is_the_same_wherever_it_is_cut_in_two() -> None:
    differ = [at for at in range(len(MIXED) + 1) if read(MIXED[:at], MIXED[at:]) != MIXED_READ]
    assert differ == []


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_form_is_the_same_however_small_its_pieces_are(size: int) -> None:
    assert read(*cut(MIXED, size)) == MIXED_READ


def test_a_file_is_the_same_wherever_the_boundary_falls_in_a_large_chunk() -> None:
    for less in range(60):
        size = 65_536 - len(file("f")) - len(BOUNDARY) - 8 - less
        data = b"x" * size
        assert read(multipart([(file("f"), data)])) == [("f", ("x.txt", "text/plain", data))]


@some
@given(
    st.lists(
        st.tuples(st.booleans(), st.binary(max_size=8) | st.text("\r\n-B", max_size=8).map(str.encode)), max_size=4
    ),
    st.lists(st.integers(0, 400), max_size=6),
    st.sampled_from([b"B", b"--", b"-", b"a'()+_,-./:=?z"]),
)
@example([(True, b"x")], [1, 70, 71, 72, 73, 74, 75, 76, 77], b"B")
def test_any_files_and_fields_come_back_however_they_are_cut(
    values: list[tuple[bool, bytes]], places: list[int], boundary: bytes
) -> None:
    values = [(is_file, data) for is_file, data in values if b"--" + boundary not in b"\r\n" + data]
    body = multipart([(file("f") if is_file else field("f"), data) for is_file, data in values], boundary)
    edges = [0, *sorted(place for place in places if place < len(body)), len(body)]
    chunks = [body[start:end] for start, end in pairwise(edges)]
    kind = f'multipart/form-data; boundary="{boundary.decode()}"'
    assert read(*chunks, kind=kind) == [
        ("f", ("x.txt", "text/plain", data) if is_file else data.decode("utf-8", "replace")) for is_file, data in values
    ]


PADDED = (
    b"--B \t\r\n" + field("a") + b"\r\n\r\n1\r\n--B  \r\n" + field("b") + b"\r\n\r\n2\r\n--B-- \r\n"
)  # blanks behind the boundary (RFC 2046 section 5.1.1)


def test_blanks_behind_a_boundary_do_not_matter_wherever_they_are_cut() -> None:
    kind = "multipart/form-data; boundary=B"
    assert read(PADDED, kind=kind) == [("a", "1"), ("b", "2")]
    assert [
        at for at in range(len(PADDED)) if read(PADDED[:at], PADDED[at:], kind=kind) != [("a", "1"), ("b", "2")]
    ] == []


@pytest.mark.parametrize("newline", [b"\n", b"\r"])
def test_other_line_ends_are_read(newline: bytes) -> None:
    body = multipart([(field("a"), b"1"), (file("f"), b"2")]).replace(b"\r\n", newline)
    assert read(body) == [("a", "1"), ("f", ("x.txt", "text/plain", b"2"))]


def test_what_stands_before_and_behind_the_parts_is_passed_over() -> None:
    assert read(b"hello\r\n" + multipart([(field("a"), b"1")]) + b"\r\nbye\r\n") == [("a", "1")]


def test_a_form_without_parts_is_empty() -> None:
    assert read(b"--" + BOUNDARY + b"--\r\n") == []
    assert read(b"--" + BOUNDARY + b"--") == []


# ----------------------------------------------------------------------------------------------------- names and headers


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        (b'filename="x.txt"', "x.txt"),
        (b"filename=x.txt", "x.txt"),
        (b'FileName="x.txt"', "x.txt"),
        (b'filename=""', ""),
        (b'filename="a b;c=d.txt"', "a b;c=d.txt"),
        (b'filename="a\\"b.txt"', 'a"b.txt'),
        (b'filename="a%22b.txt"', 'a"b.txt'),
        (b'filename="50%.txt"', "50%.txt"),
        ('filename="ü€😀.txt"'.encode(), "ü€😀.txt"),
        (b"filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
        (b"filename*=iso-8859-1'en'%A3.txt", "£.txt"),
        (b'filename="../../etc/passwd"', "passwd"),
        (b'filename="/etc/passwd"', "passwd"),
        (b'filename="C:\\\\Users\\\\x.txt"', "x.txt"),
        (b'filename="..\\x/..\\\\y.txt"', "y.txt"),
        (b'filename="a/"', ""),
        (b"filename*=UTF-8''..%2f..%5cx", "x"),
    ],
)
def test_a_file_has_the_last_part_of_its_name(parameter: bytes, name: str) -> None:
    body = multipart([(field("f", b"; " + parameter), b"1")])
    assert read(body) == [("f", (name, "", b"1"))]


@pytest.mark.parametrize("name", [b"..", b".", b"a/..", b"a\\\\.", b"../."])
def test_the_name_of_a_file_is_never_a_path(name: bytes) -> None:
    ((_, (filename, _, _)),) = read(multipart([(file("f", name), b"1")]))
    assert filename not in {".", ".."}


@some
@given(st.text(max_size=12) | st.text("./\\:\"%;=\0\r\n*'", max_size=10))
def test_any_name_of_a_file_is_one_or_an_error(name: str) -> None:
    for parameter in (
        'filename="' + name.replace("\\", "\\\\").replace('"', '\\"') + '"',
        "filename=" + name,
        "filename*=utf-8''" + name,
    ):
        head = f'Content-Disposition: form-data; name="f"; {parameter}'.encode("utf-8", "replace")
        try:
            found = read(multipart([(head, b"1")]))
        except BodyError:
            continue
        for _, value in found:
            if not isinstance(value, str):
                assert "/" not in value[0]
                assert "\\" not in value[0]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"X: y",
        b"Content-Type: text/plain",
        b"Content-Disposition: form-data",
        b"Content-Disposition:",
        b'Content-Disposition: form-data; filename="x"',
        b"Content-Disposition: form-data; name",
        b'Content-Disposition: form-data; name="a',
        b'Content-Disposition: form-data; name="\xff"',
        b"X: \xff\r\n" + field("a"),
    ],
)
def test_a_part_without_a_name_is_refused(head: bytes) -> None:
    assert refused(multipart([(head, b"1")])) is BodyError


def test_a_field_of_other_bytes_than_utf_8_is_read() -> None:
    assert read(multipart([(field("a"), b"\xff\xfe")])) == [("a", "\ufffd\ufffd")]
    assert read(multipart([('Content-Disposition: form-data; name="é"'.encode(), "ü".encode())])) == [("é", "ü")]


def test_the_headers_of_a_part_may_go_on_and_stand_in_any_order() -> None:
    head = (
        b'content-type: text/csv\r\nCONTENT-DISPOSITION: form-data;\r\n name="f";\r\n\tfilename="x.csv"\r\nX-Other: 1'
    )
    assert read(multipart([(head, b"1")])) == [("f", ("x.csv", "text/csv", b"1"))]


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data;",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=" + "x" * 201,
        "multipart/form-data; boundary=" + "x" * 6_000,
        'multipart/form-data; boundary="' + "x" * 6_000 + '"',
        'multipart/form-data; boundary="x "',
        'multipart/form-data; boundary="\xe9"',
        'multipart/form-data; boundary="x',
        "multipart/form-data; boundary*=utf-8''%0d%0a",
        "multipart/form-data; " + "; " * 30_000 + "boundary=x",
    ],
)
def test_a_form_without_a_boundary_is_refused(kind: str) -> None:
    started = time.process_time()
    assert refused(b"--x\r\n\r\n--x--\r\n", kind=kind) is BodyError
    assert time.process_time() - started < 0.3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"hello",
        b"--" + BOUNDARY,
        b"--" + BOUNDARY + b"\r\n",
        b"--" + BOUNDARY + b"\r\n" + field("a"),
        b"--" + BOUNDARY + b"\r\n" + field("a") + b"\r\n\r\n",
        b"--" + BOUNDARY + b"\r\n" + field("a") + b"\r\n\r\nhalf",
        b"--" + BOUNDARY + b"\r\n" + field("a") + b"\r\n\r\n1\r\n--" + BOUNDARY + b"\r\n",
        b"--" + BOUNDARY + b"\r\n" + field("a") + b"\r\n\r\n1\r\n--" + BOUNDARY[:-1] + b"--\r\n",
        b"--" + BOUNDARY + b"\r\n" + file("a") + b"\r\n\r\n" + b"x" * (SPOOL + 1),
        multipart([(field("a"), b"1")], b"other"),
    ],
    ids=range(12),
)
def test_a_body_that_stops_half_way_is_refused(body: bytes) -> None:
    assert refused(*cut(body)) is BodyError
    if len(body) < 1000:
        assert refused(*cut(body, 1)) is BodyError


@some
@given(
    st.lists(
        st.sampled_from(
            [
                *(b"--B", b"\r\n", b"\n", b"\r", b"--", b" ", b"x", b"\0", b"\xff", b":", b";", b'"', b"="),
                *(b"Content-Disposition: form-data", b'; name="a"', b"; filename=b", b"Content-Type: x", b"*=utf-8''"),
            ]
        ),
        max_size=25,
    ),
    st.integers(1, 40),
)
def test_any_body_is_a_form_or_an_error(pieces: list[bytes], size: int) -> None:
    refused(*cut(b"".join(pieces), size), kind="multipart/form-data; boundary=B")


@some
@given(st.text(max_size=60) | st.text("multipart/form-data; boundary=\"x\\*'0", max_size=60), st.binary(max_size=40))
def test_any_content_type_is_a_form_or_an_error(kind: str, body: bytes) -> None:
    refused(body, kind=kind)
    refused(body, kind="multipart/form-data;" + kind)


# ------------------------------------------------------------------------------------------------------ limits and time


def test_a_form_has_as_many_parts_as_it_may_have() -> None:
    assert len(read(*cut(multipart([(field("a"), b"1")] * MAX_PARTS)))) == MAX_PARTS
    assert refused(*cut(multipart([(field("a"), b"1")] * (MAX_PARTS + 1)))) is BodyTooLarge
    assert refused(*cut(multipart([(file("a"), b"1")] * (MAX_PARTS + 1)))) is BodyTooLarge


def test_a_hundred_thousand_parts_are_refused_at_once_and_in_little_memory() -> None:
    for part in ((field("a"), b"1"), (file("a"), b"1")):
        chunks = cut(multipart([part] * 100_000))
        tracemalloc.start()
        started = time.process_time()
        assert refused(*chunks) is BodyTooLarge
        took, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert took < 2
        assert peak < 8_000_000


def test_a_field_is_as_large_as_one_may_be() -> None:
    assert read(*cut(multipart([(field("a"), b"x" * MAX_FIELD)]))) == [("a", "x" * MAX_FIELD)]
    for size in (MAX_FIELD + 1, 8_000_000):
        assert refused(*cut(multipart([(field("a"), b"x" * size)]))) is BodyTooLarge


@pytest.mark.parametrize("size", [1, 100, 65_536, 10_000_000])
def test_a_huge_field_is_refused_however_it_comes(size: int) -> None:
    body = multipart([(field("a"), b"x" * (MAX_FIELD + 100_000))])
    assert refused(*cut(body, max(size, 300))) is BodyTooLarge


HOSTILE = {
    "CR": (file("f"), b"\r" * 4_000_000, None),
    "CR, then the file": (file("f"), b"\r" + b"x" * 4_000_000, None),
    "LF": (file("f"), b"\n" * 4_000_000, None),
    "CRLF": (file("f"), b"\r\n" * 2_000_000, None),
    "boundaries, nearly": (file("f"), (b"\r\n--" + BOUNDARY + b"x") * 100_000, None),
    "boundaries without a line": (file("f"), (b"x--" + BOUNDARY) * 100_000, None),
    "dashes": (file("f"), b"-" * 4_000_000, None),
    "a long header": (field("a", b"\r\nX: " + b"x" * 4_000_000), b"", BodyTooLarge),
    "a header of a megabyte": (field("a", b"\r\nX: " + b"x" * 1_000_000), b"", None),
    "many headers": (field("a", b"\r\nX: y" * 500_000), b"", BodyTooLarge),
    "headers of a megabyte": (field("a", b"\r\nX: y" * 150_000), b"", None),
    "a header that goes on": (field("a", b"\r\n " * 300_000), b"", None),
    "parameters": (field("a", b";a=b" * 200_000), b"", None),
    "semicolons": (field("a", b";" * 900_000), b"", None),
    "blanks": (field("a", b" " * 900_000), b"", None),
    "numbered parameters": (field("a", b"".join(b";x*%d=y" % at for at in range(80_000))), b"", None),
    "stars": (field("a", b"; " + b"x*" * 400_000 + b"=1"), b"", None),
    "an open quote": (b'Content-Disposition: form-data; name="' + b"x" * 900_000, b"", BodyError),
    "backslashes": (b'Content-Disposition: form-data; name="' + b"\\" * 900_000, b"", BodyError),
    "quotes": (b"Content-Disposition: form-data; " + b'a="' * 300_000, b"", BodyError),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_part_takes_linear_time(name: str) -> None:
    head, data, error = HOSTILE[name]
    chunks = cut(multipart([(head, data)]))
    started = time.process_time()
    assert refused(*chunks) is error
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "body",
    [
        b"\r\n" * 2_000_000,
        b"--" * 2_000_000,
        (b"--" + BOUNDARY + b" ") * 100_000,
        b"--" + BOUNDARY + b" " * 2_000_000,
        b"x" * 4_000_000,
        multipart([(field("a"), b"1")]) + b"x" * 4_000_000,
    ],
    ids=["lines", "dashes", "boundaries", "blanks", "nothing", "an end that goes on"],
)
def test_a_body_without_parts_takes_linear_time_and_little_memory(body: bytes) -> None:
    chunks = cut(body)
    tracemalloc.start()
    started = time.process_time()
    assert refused(*chunks) in {BodyError, BodyTooLarge}
    took, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 3
    assert peak < 12_000_000


def test_a_body_in_single_bytes_takes_linear_time() -> None:
    chunks = cut(multipart([(file("f"), b"\r" + b"x" * 20_000 + b"\r" * 20_000)]), 1)
    started = time.process_time()
    assert refused(*chunks) is None
    assert time.process_time() - started < 4


# ------------------------------------------------------------------------------------------------------------- large files


def open_files() -> set[str]:
    found: set[str] = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{entry.name} {os.readlink(entry)}")
        except OSError:  # the folder's own
            continue
    return {one for one in found if "(deleted)" in one}


on_linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at /proc")


@on_linux
@pytest.mark.parametrize(("size", "on_disk"), [(SPOOL, False), (SPOOL + 1, True), (5_000_000, True)])
def test_a_large_file_lies_on_disk_until_the_form_is_closed(size: int, on_disk: bool) -> None:
    before = open_files()

    async def work() -> None:
        data = bytes(range(256)) * (size // 256 + 1)
        form = await form_of(*cut(multipart([(file("f"), data[:size]), (field("a"), b"1")])))
        upload = form["f"]
        assert isinstance(upload, UploadedFile)
        assert upload.size == size
        assert upload.file.tell() == 0
        assert bool(open_files() - before) is on_disk
        assert await upload.read() == data[:size]
        assert upload.file.read() == b""
        upload.file.seek(5)
        assert await upload.read() == data[:size]
        form.close()
        assert open_files() == before

    asyncio.run(work())


def test_a_large_file_costs_little_memory() -> None:
    async def work() -> int:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"--" + BOUNDARY + b"\r\n" + file("f") + b"\r\n\r\n"
            for _ in range(300):
                yield b"x" * 65_536
            yield b"\r\n--" + BOUNDARY + b"--\r\n"

        tracemalloc.start()
        form = await read_form(MULTIPART, chunks())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        form.close()
        return peak

    assert asyncio.run(work()) < 8_000_000


HEAD = b"--" + BOUNDARY + b"\r\n" + file("f") + b"\r\n\r\n"


async def _leaves() -> AsyncIterator[bytes]:
    yield HEAD + b"x" * 2_000_000
    raise ClientDisconnected("left")


async def _is_too_much() -> AsyncIterator[bytes]:
    yield HEAD + b"x" * 2_000_000
    raise BodyTooLarge("too much")


async def _breaks() -> AsyncIterator[bytes]:
    yield HEAD + b"x" * 2_000_000
    raise OSError("broke")


async def _stops() -> AsyncIterator[bytes]:
    yield HEAD + b"x" * 2_000_000


async def _has_a_field_too_much() -> AsyncIterator[bytes]:
    yield HEAD + b"x" * 2_000_000 + b"\r\n--" + BOUNDARY + b"\r\n" + field("a") + b"\r\n\r\n"
    for _ in range(40):
        yield b"x" * 65_536


@on_linux
@pytest.mark.parametrize("chunks", [_leaves, _is_too_much, _breaks, _stops, _has_a_field_too_much])
def test_a_form_that_fails_leaves_no_file_open(chunks: Any) -> None:
    before = open_files()

    async def work() -> None:
        with pytest.raises((ClientDisconnected, BodyTooLarge, BodyError, OSError)):
            await read_form(MULTIPART, chunks())
        assert open_files() == before

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(work())
        gc.collect()
    assert [str(one.message) for one in warned] == []


@on_linux
def test_giving_up_leaves_no_file_open() -> None:
    before = open_files()

    async def never() -> AsyncIterator[bytes]:
        yield HEAD + b"x" * 2_000_000
        await asyncio.Event().wait()

    async def work() -> None:
        task = asyncio.ensure_future(read_form(MULTIPART, never()))
        for _ in range(1000):
            await asyncio.sleep(0)
            if open_files() != before:
                break
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(work())
        gc.collect()
    assert open_files() == before
    assert [str(one.message) for one in warned] == []


@on_linux
@pytest.mark.parametrize("size", [10, SPOOL + 1])
def test_files_that_nobody_holds_close_by_themselves(size: int) -> None:
    before = open_files()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(form_of(*cut(multipart([(file("f"), b"x" * size)]))))
        gc.collect()
    assert open_files() == before
    assert [str(one.message) for one in warned] == []


def test_a_page_keeps_what_it_took_out_of_its_form() -> None:
    async def work() -> bytes:
        upload = (await form_of(multipart([(file("f"), b"x" * 10)])))["f"]
        assert isinstance(upload, UploadedFile)
        gc.collect()
        data = await upload.read()
        upload.file.close()
        return data

    assert asyncio.run(work()) == b"x" * 10


# ------------------------------------------------------------------------------------------------- through a request


def request(messages: list[dict[str, Any]], kind: str = MULTIPART, limit: int | None = None, **headers: str) -> Request:
    scope = make_scope("/", method="POST", headers={"content-type": kind, **headers})
    queue = list(messages)

    async def receive() -> dict[str, Any]:
        return queue.pop(0)

    return Request(scope, Inbox(receive), origin="http://testserver", limit=limit)


def test_a_request_gives_its_form() -> None:
    async def work() -> None:
        messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in cut(MIXED, 50)]
        form = await request([*messages, {"type": "http.request"}], limit=len(MIXED)).form()
        assert [name for name, _ in form.multi_items()] == [name for name, _ in MIXED_READ]
        form.close()

    asyncio.run(work())


@pytest.mark.parametrize("kind", [MULTIPART, URLENCODED])
def test_a_form_over_the_limit_is_refused_without_reading_the_rest(kind: str) -> None:
    async def work() -> None:
        piece = HEAD + b"x" * 100
        messages = [{"type": "http.request", "body": piece, "more_body": True}] * 3
        with pytest.raises(BodyTooLarge):
            await request(messages, kind, limit=len(piece) * 2).form()
        with pytest.raises(BodyTooLarge):
            await request([], kind, limit=1000, **{"content-length": "1000000000"}).form()

    asyncio.run(work())


def test_a_visitor_who_leaves_within_a_form_is_told_of() -> None:
    async def work() -> None:
        messages = [{"type": "http.request", "body": MIXED[:100], "more_body": True}, {"type": "http.disconnect"}]
        with pytest.raises(ClientDisconnected):
            await request(messages).form()

    asyncio.run(work())
