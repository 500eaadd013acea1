"""ondemand.snapshots.manifest: what is written is read back, and anything else is told, never guessed at."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondemand.errors import ManifestError
from ondemand.routing import path_fault
from ondemand.snapshots.manifest import VERSION, Encoded, Index, Snapshot, footer, header_line, read_header, snapshots
from ondemand.snapshots.store import Generation

some = settings(max_examples=200, deadline=None, derandomize=True)

PAGE = Snapshot(
    path="/about",
    kind="page",
    file="site/about/index.html",
    status=200,
    route="/{slug}",
    time=1_795_214_400,
    headers=(("content-type", "text/html; charset=utf-8"), ("link", '</a.css>; rel="preload"')),
    encodings={"": Encoded(300, '"aa"'), "gzip": Encoded(120, '"bb"')},
)
ASSET = PAGE._replace(path="/a.css", kind="asset", file="site/a.css", route=None)
QUOTED = PAGE._replace(path='/say "hi"', file='site/say "hi"/index.html')
ACCENT = PAGE._replace(path="/café", file="site/café/index.html", guarded=True)


def manifest(*rows: Snapshot | bytes, **header: Any) -> bytes:
    """A whole manifest, with a footer that fits."""
    lines = [row if isinstance(row, bytes) else row.to_line() for row in rows]
    content = header_line("000001", **header) + b"".join(lines)
    return content + footer(len(lines), hashlib.sha256(content).hexdigest())


def by_lines(content: bytes) -> Iterable[bytes]:
    """As a file opened for reading gives them: cut behind each newline and nowhere else."""
    while content:
        line, newline, content = content.partition(b"\n")
        yield line + newline


def read(content: bytes, **options: Any) -> Index:
    return Index.read(by_lines(content), **options)


# ------------------------------------------------------------------------------------------------------------ snapshots


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FIELD_CONTENT = "".join(chr(code) for code in (9, *range(32, 127), *range(128, 256)))  # RFC 9110 section 5.5
HEADER_VALUES = st.text(FIELD_CONTENT, max_size=20) | st.sampled_from(
    ['W/"x"', "a\\b", '"\\""', "\\", "caf\xe9", "\x85", '{"path":"', ""]
)
PATHS = TEXT.map("/".__add__).filter(lambda path: path_fault(path) is None)
SNAPSHOTS = st.builds(
    Snapshot,
    path=PATHS,
    kind=st.sampled_from(["page", "asset"]),
    file=PATHS.map(lambda path: "site" + path.rstrip("/") + "/index.html"),
    status=st.integers(200, 599),
    route=st.none() | TEXT.map("/".__add__),
    time=st.integers(0, 253_402_300_799),
    headers=st.lists(st.tuples(st.text("abcx-", min_size=1), HEADER_VALUES), max_size=4).map(tuple),
    encodings=st.dictionaries(
        st.sampled_from(["gzip", "br", "zstd"]), st.builds(Encoded, st.integers(0), st.just('"ab"'))
    ).map(lambda forms: {"": Encoded(5, '"x"'), **forms}),
    guarded=st.booleans(),
)


@some
@given(SNAPSHOTS)
def test_a_snapshot_survives_its_line(snapshot: Snapshot) -> None:
    line = snapshot.to_line()
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert Snapshot.from_line(line) == snapshot
    assert Snapshot.from_line(line.rstrip(b"\n")) == snapshot


@some
@given(st.lists(SNAPSHOTS, max_size=5, unique_by=lambda snapshot: snapshot.path))
def test_an_index_leads_to_every_snapshot_and_to_assets_alone_where_asked(found: list[Snapshot]) -> None:
    content = manifest(*found, encodings=["gzip"])
    index = read(content)
    assert list(index.offsets) == [snapshot.path for snapshot in found]
    for snapshot in found:
        offset = index.offsets[snapshot.path]
        assert Snapshot.from_line(content[offset : content.index(b"\n", offset)]) == snapshot
    assert list(snapshots(by_lines(content))) == found
    assert index.header == {"ondemand": VERSION, "generation": "000001", "encodings": ["gzip"]}
    assets = [snapshot.path for snapshot in found if snapshot.kind == "asset"]
    assert list(read(content, assets_only=True).offsets) == assets


def test_a_page_with_a_quote_in_its_path_is_no_asset() -> None:
    content = manifest(PAGE, QUOTED, ASSET, ASSET._replace(path='/a"b.css'))
    assert list(read(content, assets_only=True).offsets) == ["/a.css", '/a"b.css']


ESCAPES = ["../x", "site/../../x", "site/../x", "/etc/passwd", "//etc/passwd", "site//x", "site/./x", "site/a/..", ""]
ESCAPES += ["other/x", "manifest.jsonl", "..", ".", "site/\0", "site/", "guarded/../site/x", "~/x", "site/..\\..\\x"]
ESCAPES += ["C:\\x", "site\\..\\x"]


@pytest.mark.parametrize("file", ESCAPES)
def test_a_file_outside_the_generation_is_refused(file: str) -> None:
    with pytest.raises(ManifestError):
        Snapshot.from_line(PAGE._replace(file=file).to_line())


ROW: dict[str, Any] = json.loads(PAGE.to_line())
WRONG: list[Any] = [None, [], {}, "x", 5, True, 1.5, [[]], [None], {"": None}, [["a"]], [["a", 5]], [[5, "a"]]]


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("key", [key for key in ROW if key != "route"])
def test_a_line_with_another_type_in_a_place_is_refused(key: str, value: Any) -> None:
    fits: dict[str, tuple[Any, ...]] = {
        "path": ("x",),
        "status": (5, True),
        "time": (5,),
        "headers": ([], {}),
        "guarded": (True,),
    }
    if value in fits.get(key, ()) and key != "status":
        return
    with pytest.raises(ManifestError):
        Snapshot.from_line(json.dumps({**ROW, key: value}).encode())


@pytest.mark.parametrize("key", list(ROW))
def test_a_line_that_lacks_something_is_refused(key: str) -> None:
    with pytest.raises(ManifestError):
        Snapshot.from_line(json.dumps({name: value for name, value in ROW.items() if name != key}).encode())


NO_LINES = [
    b"",
    b"\n",
    b"{}",
    b"[]",
    b"null",
    b"5",
    b'"x"',
    b"{",
    b"\xff",
    b"\0" * 20,
    b'{"path":',
    b'{"path":"/"}',
    b"NaN",
]
NO_LINES += [b"[" * 100_000, b'{"path":' * 100_000, b"9" * 10_000]


@pytest.mark.parametrize("line", NO_LINES, ids=lambda line: repr(line[:12]))
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(ManifestError):
        Snapshot.from_line(line)


@pytest.mark.parametrize(
    "changed",
    [
        *({"time": 253_402_300_800}, {"time": -1}, {"time": True}, {"guarded": 1}, {"file": "site/\ud800"}),
        *(
            {"encodings": {"": form}}
            for form in ([-1, '"x"'], [True, '"x"'], [1, "x"], [1, '"\r\n"'], [1, '"€"'], [1, 'W/"x"'])
        ),
    ],
    ids=repr,
)
def test_what_no_server_could_send_is_refused(changed: dict[str, Any]) -> None:
    """It would be an exception at the first request for it."""
    with pytest.raises(ManifestError):
        Snapshot.from_line(json.dumps({**ROW, **changed}).encode())


def test_an_encoding_that_this_release_does_not_know_is_refused() -> None:
    strange = PAGE._replace(encodings={"": Encoded(1, '"a"'), "xz": Encoded(1, '"b"')})
    with pytest.raises(ManifestError):
        Snapshot.from_line(strange.to_line())


def test_a_snapshot_without_its_identity_is_refused() -> None:
    with pytest.raises(ManifestError):
        Snapshot.from_line(PAGE._replace(encodings={"gzip": Encoded(1, '"b"')}).to_line())


# ---------------------------------------------------------------------------------------------------------- whole files


SMALL = manifest(PAGE, QUOTED, ACCENT, ASSET, encodings=["gzip"])


def test_the_small_manifest_is_whole() -> None:
    assert list(read(SMALL).offsets) == ["/about", '/say "hi"', "/café", "/a.css"]


@pytest.mark.parametrize("assets_only", [False, True])
def test_cut_at_any_byte_it_is_refused(assets_only: bool) -> None:
    for end in range(len(SMALL)):
        with pytest.raises(ManifestError):
            read(SMALL[:end], assets_only=assets_only)


@pytest.mark.parametrize("change", [lambda b: b ^ 1, lambda b: b ^ 0x80, lambda _: 0, lambda _: 10, lambda _: 0x22])
@pytest.mark.parametrize("assets_only", [False, True])
def test_with_any_byte_changed_it_is_refused(change: Callable[[int], int], assets_only: bool) -> None:
    for place, byte in enumerate(SMALL):
        if change(byte) == byte:
            continue
        other = SMALL[:place] + bytes([change(byte)]) + SMALL[place + 1 :]
        with pytest.raises(ManifestError):
            read(other, assets_only=assets_only)


@pytest.mark.parametrize("place", range(0, len(SMALL), 7))
def test_with_a_byte_more_or_less_it_is_refused(place: int) -> None:
    for other in (SMALL[:place] + SMALL[place + 1 :], SMALL[:place] + b"x" + SMALL[place:]):
        with pytest.raises(ManifestError):
            read(other)


def test_with_lines_left_out_twice_swapped_or_more_it_is_refused() -> None:
    rows = list(by_lines(SMALL))
    for other in (
        rows[:1] + rows[2:],
        rows[:2] + rows[1:],
        [rows[0], rows[2], rows[1], *rows[3:]],
        rows[1:],
        [rows[0]],
        [*rows, b"\n"],
        [*rows, rows[1]],
        [*rows, rows[-1]],
        rows[:-1],
        [],
        [rows[-1]],
    ):
        with pytest.raises(ManifestError):
            read(b"".join(other))


def test_a_path_listed_twice_is_refused() -> None:
    with pytest.raises(ManifestError, match="twice"):
        read(manifest(PAGE, ASSET, PAGE._replace(file="site/other")))


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5, [1]], ids=repr)
def test_another_version_is_told_with_both_versions(version: Any) -> None:
    first = json.dumps({"ondemand": version, "generation": "000001"}).encode() + b"\n"
    content = first + footer(0, hashlib.sha256(first).hexdigest())
    with pytest.raises(ManifestError) as caught:
        read(content)
    assert repr(version) in str(caught.value)
    assert str(VERSION) in str(caught.value)
    assert "Build again" in str(caught.value)


@pytest.mark.parametrize(
    "line", [*NO_LINES, b'{"generation":"000001"}', b"[1]", b'"ondemand"', PAGE.to_line()], ids=lambda x: repr(x[:12])
)
def test_what_is_no_header_is_refused(line: bytes) -> None:
    with pytest.raises(ManifestError):
        read_header(line)
    with pytest.raises(ManifestError):
        read(line)


@pytest.mark.parametrize(
    "last",
    [*NO_LINES, b"[1]", b"true", b'["count"]', b'{"count":0}', b'{"count":0,"sha256":[]}'],
    ids=lambda x: repr(x[:12]),
)
def test_what_is_no_footer_is_refused(last: bytes) -> None:
    with pytest.raises(ManifestError):
        read(header_line("000001") + last + b"\n")


@some
@given(
    st.lists(
        st.binary(max_size=12) | st.sampled_from([*by_lines(SMALL), b'{"path":"', b'"', b"\\", b"[]", b"\n"]),
        max_size=6,
    )
)
def test_any_bytes_are_whole_or_refused(pieces: list[bytes]) -> None:
    content = b"".join(pieces)
    try:
        read(content)
    except ManifestError:
        return
    assert content == SMALL or content.count(b"\n") >= 2


@pytest.mark.parametrize(
    "content", [b"", SMALL[:40], SMALL[:-30], SMALL.replace("é".encode(), b"\xc3\xc3"), b"\xff" * 200]
)
def test_a_generation_that_is_damaged_is_never_opened(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(content)
    with pytest.raises(ManifestError):
        Generation(tmp_path)


def test_a_generation_whose_manifest_is_a_folder_or_missing_is_never_opened(tmp_path: Path) -> None:
    with pytest.raises(ManifestError):
        Generation(tmp_path)
    (tmp_path / "manifest.jsonl").mkdir()
    with pytest.raises(ManifestError):
        Generation(tmp_path)
