"""The manifest: the list of a generation's snapshots, as JSON lines.

    {"ondemand":1,"generation":"000001","made":1795214400,"encodings":["br","gzip"],"compress":"quick","output":"static"}
    {"path":"/about","kind":"page","file":"site/about/index.html","status":200,"route":"/about",...}   one per snapshot
    {"count":1,"sha256":"..."}                                              over every byte in front of this line

A reader keeps path -> offset and parses a line when it is first asked for. Pure: no files here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, cast

from ondemand.errors import ManifestError
from ondemand.routing import is_field_value, is_token

__all__ = ["VERSION", "Encoded", "Index", "Snapshot", "footer", "header_line", "read_header"]

VERSION = 1
_DAMAGE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading damaged JSON as if it were ours may raise."""
_ENCODINGS = frozenset({"", "gzip", "br", "zstd"})
Kind = Literal["page", "asset"]


class Encoded(NamedTuple):
    """One stored form of a snapshot's body: its size in bytes and its strong ETag, quotes included."""

    size: int
    etag: str


class Snapshot(NamedTuple):
    """One stored response.

    path: the decoded path it answers, without `base`. kind: "asset" for a file of `public` or of a mount of static
    files, else "page". file: where the body lies, relative to the generation; each further encoding lies beside it
    with .gz, .br or .zst added. route: the pattern that made it, or None. time: seconds since 1970, when this body was
    first captured. headers: in the order the app sent them, names in lower case; `Vary` without Accept-Encoding,
    and none of those that the server computes (ETag, Content-Length, ...). encodings: "" (identity), "gzip", "br", "zstd".
    guarded: a guard stands in front of it, and it lies outside what a static host serves.
    """

    path: str
    kind: Kind
    file: str
    status: int
    route: str | None
    time: int
    headers: tuple[tuple[str, str], ...]
    encodings: Mapping[str, Encoded] = {}
    guarded: bool = False

    def to_line(self) -> bytes:
        """One line of the manifest, its newline included."""
        row: dict[str, Any] = {
            "path": self.path,
            "kind": self.kind,
            "file": self.file,
            "status": self.status,
            "route": self.route,
            "time": self.time,
            "headers": self.headers,
            "encodings": self.encodings,
        }
        if self.guarded:
            row["guarded"] = True
        return _dump(row)

    @classmethod
    def from_line(cls, line: bytes) -> Snapshot:
        """Raises `ManifestError` if the line is not one that `to_line` makes."""
        try:
            row = cast("dict[str, Any]", json.loads(line))
            snapshot = cls(
                path=row["path"],
                kind=row["kind"],
                file=row["file"],
                status=row["status"],
                route=row["route"],
                time=row["time"],
                headers=tuple((name, value) for name, value in row["headers"]),
                encodings={name: Encoded(size, etag) for name, (size, etag) in row["encodings"].items()},
                guarded=row.get("guarded", False),
            )
        except _DAMAGE as error:
            raise ManifestError(f"A line of the manifest is damaged ({error!r}). Build again.") from error
        if not (_plain(snapshot) and "" in snapshot.encodings):
            raise ManifestError(f"A line of the manifest is damaged: {line[:80]!r}. Build again.")
        return snapshot


_FILE = re.compile(r"(?:site|guarded)(?:/(?!\.{1,2}(?:/|\Z))[^/\\\0\ud800-\udfff]+)+\Z")
_ETAG = re.compile(r'"[\x21\x23-\x7e]*"\Z')
_LATEST = 253_402_300_799
"""The last second of the year 9999, which a date in a header can say."""


def _plain(snapshot: Snapshot) -> bool:
    """The types are right, what becomes a header can be one, and the file lies inside the generation, whoever wrote the line."""
    path, file, route = snapshot.path, snapshot.file, snapshot.route
    return (
        isinstance(path, str)  # pyright: ignore[reportUnnecessaryIsInstance]
        and type(snapshot.status) is int
        and 200 <= snapshot.status <= 599
        and type(snapshot.time) is int
        and 0 <= snapshot.time <= _LATEST
        and snapshot.kind in ("page", "asset")
        and (route is None or isinstance(route, str))  # pyright: ignore[reportUnnecessaryIsInstance]
        and isinstance(file, str)  # pyright: ignore[reportUnnecessaryIsInstance]
        and _FILE.match(file) is not None
        and _ENCODINGS.issuperset(snapshot.encodings)
        and all(is_token(name) and is_field_value(value) for name, value in snapshot.headers)
        and all(
            type(size) is int and size >= 0 and isinstance(etag, str) and _ETAG.match(etag) is not None  # pyright: ignore[reportUnnecessaryIsInstance]
            for size, etag in snapshot.encodings.values()
        )
        and isinstance(snapshot.guarded, bool)  # pyright: ignore[reportUnnecessaryIsInstance]
    )


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _dump(row: Mapping[str, Any]) -> bytes:
    return _encode(row).encode() + b"\n"


def header_line(generation: str, **settings: Any) -> bytes:
    """The first line. `settings`: what a later build compares before it takes over files of this one."""
    return _dump({"ondemand": VERSION, "generation": generation, **settings})


def footer(count: int, digest: str) -> bytes:
    """The last line. `digest`: SHA-256, as hex, of every byte before it."""
    return _dump({"count": count, "sha256": digest})


def read_header(line: bytes) -> dict[str, Any]:
    """The settings of the first line. Raises `ManifestError` if it is damaged or of another version."""
    try:
        row = cast("dict[str, Any]", json.loads(line))
        version = row["ondemand"]
    except _DAMAGE as error:
        raise ManifestError("The manifest does not begin with its header line. Build again.") from error
    if version != VERSION:
        raise ManifestError(f"The manifest is of version {version!r}; this release reads {VERSION}. Build again.")
    return row


_PATH = b'{"path":"'
_ASSET = b'","kind":"asset",'


class Index(NamedTuple):
    """Where each snapshot's line begins: path -> offset in bytes."""

    header: dict[str, Any]
    offsets: dict[str, int]

    @classmethod
    def read(cls, lines: Iterable[bytes], *, assets_only: bool = False) -> Index:
        """Read the manifest once, line by line, and check it against its footer.

        Raises `ManifestError` if it is truncated, of another version, damaged or lists a path twice.
        """
        try:
            return cls._read(iter(lines), assets_only=assets_only)
        except UnicodeDecodeError as error:
            raise ManifestError("A line of the manifest is damaged. Build again.") from error

    @classmethod
    def _read(cls, rows: Iterator[bytes], *, assets_only: bool) -> Index:
        first = next(rows, b"")
        header = read_header(first)
        digest = hashlib.sha256(first)
        offsets: dict[str, int] = {}
        offset, count, last = len(first), 0, b""
        for line in rows:
            if not line.startswith(_PATH):
                last = line
                break
            digest.update(line)
            end = line.find(b'"', 9)
            key = line[9:end]
            path, is_asset = _read_key(line) if b"\\" in key else (key.decode(), line.startswith(_ASSET, end))
            if not assets_only or is_asset:
                offsets[path] = offset
            offset += len(line)
            count += 1
        _check(last, next(rows, b""), count, digest.hexdigest())
        if not assets_only and len(offsets) != count:
            raise ManifestError("The manifest lists a path twice. Build again.")
        return cls(header, offsets)


def _read_key(line: bytes) -> tuple[str, bool]:
    """The path of a line, and whether it is an asset's."""
    try:
        row = cast("dict[str, Any]", json.loads(line))
        return str(row["path"]), row["kind"] == "asset"
    except _DAMAGE as error:
        raise ManifestError("A line of the manifest is damaged. Build again.") from error


def _check(last: bytes, more: bytes, count: int, digest: str) -> None:
    try:
        row = cast("dict[str, Any]", json.loads(last)) if last.endswith(b"\n") and not more else {}
        whole = row["count"] == count and row["sha256"] == digest
    except _DAMAGE:
        whole = False
    if not whole:
        raise ManifestError("The manifest is truncated or was changed after it was published. Build again.")


def snapshots(lines: Iterable[bytes]) -> Iterator[Snapshot]:
    """Every snapshot of a manifest, in its order. The caller has checked the manifest by `Index.read`."""
    for line in lines:
        if line.startswith(_PATH):
            yield Snapshot.from_line(line)
