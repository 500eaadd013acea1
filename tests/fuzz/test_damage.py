"""Damage on disk: whatever a manifest or a pointer holds, it is refused by a `StoreError`, or it can be used; and no file outside
the generation is opened."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ondemand.errors import ManifestError, StoreError
from ondemand.snapshots.manifest import Encoded, Snapshot, footer
from ondemand.snapshots.server import Answer, SnapshotServer, Terms
from ondemand.snapshots.store import SUFFIXES, Files, Publisher, Store

some = settings(max_examples=300, deadline=None, derandomize=True)

HEADERS = (("content-type", "text/plain"), ("x-a", "é"))
PAGE = Snapshot(
    "/a/é", "page", "site/a/é.txt", 200, "/a/{x}", 1, HEADERS, {"": Encoded(4, '"x"'), "gzip": Encoded(2, '"y"')}
)
ROW = json.loads(PAGE.to_line())

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
HOSTILE = st.sampled_from(
    [
        *(
            "../../etc/passwd",
            "/etc/passwd",
            "site/../../x",
            "site//x",
            "site/./x",
            "guarded/\0",
            "site\\..\\x",
            "site",
            "",
        ),
        *(
            "site/\ud800",
            "\ud800",
            "a\r\nb",
            '"x"\r\nX: y',
            "é",
            -1,
            10**30,
            True,
            0,
            1e999,
            99,
            600,
            [["a\n", "b"]],
            [["a", "€"]],
        ),
        *(
            [["a"]],
            {"": [4]},
            {"": [-1, '"x"']},
            {"": [4, "€"]},
            {"": [4, '"\r\n"']},
            {"gzip": [4, '"x"']},
            {"../x": [4, '"x"']},
        ),
        *({"": [True, '"x"']}, {"": [4, '"x"'], "br": [10**30, '"x"']}, {"": [4, "x"]}),
    ]
)


@contextmanager
def only_below(folder: Path) -> Iterator[None]:
    """Fails where a file outside of `folder` is opened."""
    opened: list[str] = []
    open_ = os.open

    def watched(path: Any, *rest: Any, **more: Any) -> int:
        opened.append(os.path.realpath(path))
        return open_(path, *rest, **more)

    os.open = watched  # type: ignore[assignment]
    try:
        yield
    finally:
        os.open = open_
    root = os.path.realpath(folder)
    assert [path for path in opened if os.path.commonpath([path, root]) != root] == []


def use(snapshot: Snapshot, answer: Answer) -> None:
    """Everything that a server does with a snapshot."""
    for encoding in snapshot.encodings:
        answer.choose(encoding.encode())
        for headers in ({}, {b"if-none-match": b'"z"', b"range": b"bytes=0-1"}, {b"if-modified-since": b"junk"}):
            try:
                reply = answer.reply("GET", {b"accept-encoding": encoding.encode(), **headers})
            except StoreError:
                continue
            assert all(not set(name + value) & set(b"\r\n\0") for name, value in reply.headers)
            if not isinstance(reply.body, bytes):
                os.close(reply.body.descriptor)


@some
@given(st.dictionaries(st.sampled_from(sorted(ROW)), HOSTILE | JSON, min_size=1, max_size=2), st.booleans())
@example({"encodings": {"": [4, "€"]}}, False)
@example({"time": 10**30}, False)
@example({"file": "site/\ud800"}, False)
def test_a_line_with_anything_in_it_is_refused_or_can_be_used(changed: dict[str, Any], is_cut: bool) -> None:
    line = json.dumps({**ROW, **changed}).encode()
    try:
        snapshot = Snapshot.from_line(line[: len(line) // 2] if is_cut else line)
    except ManifestError:
        return
    assert not is_cut
    assert snapshot.file.startswith(("site/", "guarded/"))
    assert os.path.normpath(snapshot.file) == snapshot.file
    generation = generation_of_pages()
    with only_below(generation.folder):
        use(snapshot, Answer(generation, snapshot, Terms()))


@some
@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_refused(line: bytes) -> None:
    try:
        Snapshot.from_line(line)
    except ManifestError:
        return
    raise AssertionError(line)


@cache
def store() -> Any:
    """A store with one generation of five pages; kept for as long as the process lives."""
    made = tempfile.TemporaryDirectory()
    publisher = Publisher(Store(Path(made.name) / "dist"), settings={"encodings": ["gzip"]})
    files = Files(publisher.folder, previous=None, compressors={"gzip": lambda body: body[:10]})
    for name in ("a", "é", 'q"', "b/c", "large"):
        body = name.encode() * (800_000 if name == "large" else 100)
        page, _ = files.write(Snapshot(f"/{name}", "page", f"site/{name}.txt", 200, None, 1, HEADERS), body)
        publisher.add(page.to_line())
    publisher.publish()
    (Path(made.name) / "secret.txt").write_text("a" * 100)
    return made


def generation_of_pages() -> Any:
    found = Store(Path(store().name) / "dist").open()
    assert found is not None
    return found


@cache
def whole() -> bytes:
    return (Path(store().name) / "dist" / "000001" / "manifest.jsonl").read_bytes()


DAMAGE = st.lists(
    st.tuples(
        st.integers(0, 2000),
        st.integers(0, 3),
        st.binary(max_size=4) | st.sampled_from([b"../", b"\n", b'"', b"\\u0000"]),
    ),
    max_size=4,
)


@some
@given(DAMAGE, st.booleans())
def test_a_damaged_manifest_is_refused_or_can_be_used(damage: list[tuple[int, int, bytes]], is_signed: bool) -> None:
    """is_signed: the footer fits the damage, as no accident makes it."""
    content = bytearray(whole())
    for position, length, data in damage:
        position %= len(content)
        content[position : position + length] = data
    lines = bytes(content).splitlines(keepends=True)
    if is_signed and len(lines) > 1:
        digest = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
        lines[-1] = footer(len(lines) - 2, digest)
    dist = Path(store().name) / "dist"
    file = dist / "000001" / "manifest.jsonl"
    file.write_bytes(b"".join(lines))
    try:
        with only_below(dist):
            try:
                generation = Store(dist).open()
            except StoreError:
                return
            assert generation is not None
            assert is_signed or b"".join(lines) == whole()
            server = SnapshotServer(generation, lambda snapshot, older: Terms(), memory=10_000, quick=True)
            for path in [*generation, "/nothing"]:
                if (answer := server.find(path)) is not None:
                    use(answer.snapshot, answer)
    finally:
        file.write_bytes(whole())


@some
@given(st.binary(max_size=30) | st.sampled_from([b"000001", b"000001\n", b"000002", b"../000001", b"/etc", b"1" * 70]))
def test_any_pointer_names_a_generation_or_is_refused(content: bytes) -> None:
    dist = Path(store().name) / "dist"
    pointer = dist / "CURRENT"
    pointer.write_bytes(content)
    try:
        with only_below(dist):
            try:
                found = Store(dist).open()
            except StoreError:
                return
            assert found is not None
            assert found.name == content.decode().strip() == "000001"
    finally:
        pointer.write_text("000001\n")


def test_the_names_of_files_are_those_of_encodings() -> None:
    assert {PAGE.file + SUFFIXES[encoding] for encoding in PAGE.encodings} == {"site/a/é.txt", "site/a/é.txt.gz"}
