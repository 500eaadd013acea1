"""What a snapshot answers over the wire: methods, conditions, ranges, encodings, kept connections, large files."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
from pathlib import Path

import brotli
import pytest

from tests.servers.conftest import HUGE, LARGE, make_project
from tests.servers.running import Server, build, need, running
from tests.servers.wire import Line, ask


def test_get_and_head_differ_in_the_body_only(server: Server) -> None:
    get, head = server.ask("/about"), server.ask("/about", method="HEAD")
    assert (get.status, head.status) == (200, 200)
    assert head.body == b""
    assert head.lasting() == get.lasting()
    assert int(get.header("content-length") or 0) == len(get.body)


def test_a_page_that_is_unchanged_is_not_sent_again(server: Server) -> None:
    whole = server.ask("/about")
    etag, changed = whole.header("etag") or "", whole.header("last-modified") or ""
    for headers in ({"if-none-match": etag}, {"if-none-match": f'"x", W/{etag}'}, {"if-modified-since": changed}):
        answer = server.ask("/about", headers=headers)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.header("etag") == etag
        assert answer.header("vary") == whole.header("vary")
        assert answer.header("content-length") in {None, str(len(whole.body))}
    assert server.ask("/about", headers={"if-none-match": '"other"', "if-modified-since": changed}).status == 200


RANGES = [
    ("bytes=0-9", 206, slice(0, 10)),
    ("bytes=-7", 206, slice(-7, None)),
    ("bytes=1000-", 206, slice(1000, None)),
    ("bytes=5-5", 206, slice(5, 6)),
    ("bytes=0-999999999", 206, slice(0, None)),
    ("bytes=999999999-", 416, slice(0, 0)),
    ("bytes=-0", 416, slice(0, 0)),
    ("bytes=9-1", 200, slice(0, None)),
    ("bytes=0-1,5-6", 200, slice(0, None)),
    ("lines=0-1", 200, slice(0, None)),
]


@pytest.mark.parametrize(("asked", "status", "part"), RANGES)
@pytest.mark.parametrize("path", ["/about", "/files/large.bin"])
def test_ranges(server: Server, path: str, asked: str, status: int, part: slice) -> None:
    whole = LARGE if path.endswith("bin") else server.ask(path).body
    with Line(server.port) as line:
        answer = line.ask(path, headers={"range": asked, "accept-encoding": "br, gzip"})
        assert answer.status == status
        assert answer.whole
        if status == 416:
            assert answer.header("content-range") == f"bytes */{len(whole)}"
        elif status == 206:
            assert answer.body == whole[part]
            assert answer.header("content-encoding") is None
            first, last = part.indices(len(whole))[:2]
            assert answer.header("content-range") == f"bytes {first}-{last - 1}/{len(whole)}"
        assert line.ask("/up").text == "up"


@pytest.mark.parametrize(
    ("accept", "encodings"),
    [
        (None, {None}),
        ("identity", {None}),
        ("gzip", {"gzip"}),
        ("br", {"br"}),
        ("gzip, deflate, br, zstd", {"br", "gzip", "zstd"}),
        ("gzip;q=1, br;q=0.5", {"gzip"}),
        ("br;q=0, gzip;q=0, zstd;q=0", {None}),
        ("GZIP", {"gzip"}),
        ("gzip;q=0.001", {"gzip"}),
        ("compress", {None}),
        (";;;,,,q=", {None}),
    ],
)
def test_the_encoding_that_is_asked_for(server: Server, accept: str | None, encodings: set[str | None]) -> None:
    plain = server.ask("/about")
    for _ in range(3):  # first made, then remembered
        answer = server.ask("/about", headers={"accept-encoding": accept} if accept is not None else {})
        chosen = answer.header("content-encoding")
        assert chosen in encodings
        assert "accept-encoding" in (answer.header("vary") or "").lower()
        unpack = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}.get(chosen)
        if unpack is not None:
            assert unpack(answer.body) == plain.body
        assert (answer.header("etag") == plain.header("etag")) is (chosen is None)


def test_one_connection_carries_all_kinds_of_answers(server: Server) -> None:
    """Whatever follows HEAD, 304, 206 or 416 is framed as it should be."""
    etag = server.ask("/about").header("etag") or ""
    with Line(server.port) as line:
        for _ in range(3):
            assert line.ask("/about", method="HEAD").status == 200
            assert line.ask("/about", headers={"if-none-match": etag}).status == 304
            assert line.ask("/about", headers={"range": "bytes=0-3"}).body == b"<tit"
            assert line.ask("/files/large.bin", method="HEAD").header("content-length") == str(len(LARGE))
            assert line.ask("/about", headers={"range": "bytes=99999999-"}).status == 416
            assert line.ask("/files/large.bin").body == LARGE
            assert "BUILT" in line.ask("/about").text
            assert line.ask("/up").text == "up"


def test_requests_that_were_sent_together_are_answered_in_order(server: Server) -> None:
    with Line(server.port) as line:
        for target in ("/about", "/up", "/blog/hello", "/"):
            line.say(target)
        texts = [line.read().text for _ in range(4)]
    assert ["<title>about" in texts[0], texts[1], "post hello" in texts[2], "<title>home" in texts[3]] == [
        True,
        "up",
        True,
        True,
    ]


def test_a_post_reaches_the_app_with_its_body(server: Server) -> None:
    with Line(server.port) as line:
        answer = line.ask("/about", method="POST", body=b"name=x")
        assert (answer.status, answer.text) == (200, "LIVE name=x")
        assert "BUILT" in line.ask("/about").text


def test_a_get_with_a_body_leaves_the_connection_in_order(server: Server) -> None:
    with Line(server.port) as line:
        assert "BUILT" in line.ask("/about", body=b"GET /up HTTP/1.1\r\nhost: x\r\n\r\n").text
        line.say("/blog/hello")
        answer = line.read()
        assert answer.status == 0 or "post hello" in answer.text


def test_parts_of_pages_and_queries_are_the_app_s(server: Server) -> None:
    for headers in ({"hx-request": "true"}, {"x-requested-with": "XMLHttpRequest"}):
        assert "LIVE" in server.ask("/about", headers=headers).text
    assert "LIVE" in server.ask("/about?page=2").text
    assert "BUILT" in server.ask("/about?utm_source=letter").text


def test_a_large_file_is_sent_exactly(server: Server) -> None:
    """The first time by us, who compare its digest; then by the server, if it can."""
    assert server.ask("/files/large.bin").body == LARGE
    answer = server.ask("/files/large.bin")
    assert answer.whole
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(LARGE).digest()
    assert answer.header("content-length") == str(len(LARGE))
    passed = "http.response.pathsend" in server.ask("/sent").text
    assert passed is (server.kind == "granian")  # the only one of the three that reads files by itself


def test_a_reader_that_leaves_in_the_middle_disturbs_nobody(server: Server) -> None:
    for _ in range(10):
        with Line(server.port, window=4096) as line:
            line.say("/files/large.bin")
            assert line.head().status == 200
    assert server.ask("/files/large.bin").body == LARGE
    assert "Traceback" not in server.said(), server.said()[-3000:]


def test_a_file_that_is_cut_while_it_is_sent(kind: str, tmp_path: Path) -> None:
    """The connection ends; nobody takes the part for the whole, and the app answers from then on."""
    folder = make_project(tmp_path / "project", huge=True)
    build(folder)
    with running(kind, folder) as server:
        with Line(server.port, window=4096) as line:
            line.say("/files/huge.bin")
            answer = line.head()
            assert answer.header("content-length") == str(len(HUGE))
            os.truncate(folder / "dist/000001/site/files/huge.bin", 1_000_000)
            got = line.take(len(HUGE))
            assert HUGE.startswith(got)
            assert len(got) < len(HUGE)
            assert line.is_closed()
        again = server.ask("/files/huge.bin")
        assert again.whole
        assert again.body == HUGE
        assert "BUILT" in server.ask("/about").text


def test_a_small_file_that_was_cut_is_never_sent(kind: str, tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    build(folder)
    with running(kind, folder) as server:
        os.truncate(folder / "dist/000001/site/about/index.html", 100)
        (folder / "dist/000001/site/blog/hello/index.html").unlink()
        for path in ("/about", "/blog/hello"):
            answer = server.ask(path)
            assert answer.whole
            assert "LIVE" in answer.text
        assert "BUILT" in server.ask("/").text


def test_the_same_snapshot_under_a_root_path(kind: str, built: Path, server: Server) -> None:
    """A proxy in front takes `/shop` off and tells the server of it."""
    with running(kind, built, root_path="/shop") as under:
        for path in ("/about", "/", "/blog/caf%C3%A9", "/files/large.bin"):
            expected, answer = server.ask(path), under.ask(path)
            assert answer.body == expected.body, path
            assert answer.lasting() == expected.lasting()
        assert "BUILT" not in under.ask("/shopabout").text


def test_with_no_build_the_app_renders_everything(kind: str, tmp_path: Path) -> None:
    folder = make_project(tmp_path / "project")
    with running(kind, folder) as server:
        assert "LIVE" in server.ask("/about").text
        assert "LIVE" in server.ask("/").text
        assert server.ask("/files/large.bin").body == LARGE
        assert server.ask("/up").text == "up"


def test_a_websocket_reaches_the_app(server: Server) -> None:
    if server.kind == "uvicorn":
        need("wsproto")
    headers = {
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": base64.b64encode(os.urandom(16)).decode(),
    }
    with Line(server.port) as line:
        assert line.ask("/talk", headers=headers).status == 101
        line.write(bytes([0x81, 0x85]) + b"\0\0\0\0" + b"hello")  # one masked text frame; the mask is zero
        assert line.take(12) == bytes([0x81, 10]) + b"LIVE hello"
    assert ask(server.port, "/talk").status < 500
