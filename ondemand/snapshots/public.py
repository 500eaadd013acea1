"""The folder of files that are served and published as they are: `public=`."""

from __future__ import annotations

import mimetypes
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from ondemand.routing import path_fault
from ondemand.snapshots.server import File, Reply, http_date, matches

__all__ = ["PublicFolder", "content_type"]

_TYPES = {
    ".mjs": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".avif": "image/avif",
    ".webp": "image/webp",
}
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


def content_type(name: str) -> str:
    """The media type of a file by its name, with charset=utf-8 where it is text; bytes of no known kind otherwise."""
    suffix = os.path.splitext(name)[1].lower()
    guessed, packed = mimetypes.guess_type(name, strict=False)
    if packed is not None:  # a.css.gz is a gzip file, and no style sheet
        return _PACKED.get(packed, "application/octet-stream")
    kind = _TYPES.get(suffix) or guessed or "application/octet-stream"
    text = kind.startswith("text/") or kind in {"application/javascript", "application/json", "image/svg+xml"}
    return f"{kind}; charset=utf-8" if text and not kind.startswith(("application/json", "image/")) else kind


class PublicFolder:
    """The files below a folder, by the path they are served at.

    Hidden files and folders are left out, but for `.well-known` (RFC 8615); so is whatever a link leads out of the folder to,
    and everything that is no regular file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = os.path.realpath(folder)

    def find(self, path: str) -> str | None:
        """The file that is served at `path` (decoded), or None."""
        if path.endswith("/") or path_fault(path) is not None:
            return None
        if any(_hidden(segment) for segment in path[1:].split("/")):
            return None
        file = self._root + path.replace("/", os.sep)
        return file if self._is_inside(file) else None

    def files(self) -> Iterator[tuple[str, str, str | None]]:
        """(path it is served at, file, why it cannot be or None) of every file that is not hidden, sorted."""
        for folder, names, files in os.walk(self._root):
            names[:] = sorted(name for name in names if not _hidden(name))
            for name in sorted(files):
                if _hidden(name):
                    continue
                file = os.path.join(folder, name)
                path = "/" + os.path.relpath(file, self._root).replace(os.sep, "/")
                fault = path_fault(path)
                if fault is None and not self._is_inside(file):
                    fault = "it is no regular file inside the folder"
                yield path, file, fault

    def _is_inside(self, file: str) -> bool:
        """True for a regular file, or a link to one inside the folder; the folders above it are no links."""
        try:
            folder = os.path.dirname(file)
            real = os.path.realpath(file, strict=True)
            inside = os.path.commonpath([real, self._root]) == self._root and os.path.realpath(folder) == folder
            return inside and stat.S_ISREG(os.stat(real).st_mode)
        except (OSError, ValueError):
            return False

    def reply(self, file: str, method: str, headers: Mapping[bytes, bytes]) -> Reply | None:
        """The answer with a file that `find` gave, while no build has made a snapshot of it. None if it is gone."""
        if not self._is_inside(file):
            return None
        try:
            descriptor = os.open(os.path.realpath(file), os.O_RDONLY | os.O_NONBLOCK | _NOFOLLOW)
        except OSError:
            return None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            return None
        etag = f'W/"{found.st_mtime_ns:x}-{found.st_size:x}"'.encode()
        fields = (
            (b"content-type", content_type(file).encode()),
            (b"cache-control", b"no-cache"),
            (b"etag", etag),
            (b"last-modified", http_date(found.st_mtime)),
            (b"content-length", str(found.st_size).encode()),
        )
        if matches(headers.get(b"if-none-match", b""), [etag.removeprefix(b"W/")]):
            os.close(descriptor)
            return Reply(304, fields[1:4], b"")
        if method == "HEAD" or not found.st_size:
            os.close(descriptor)
            return Reply(200, fields, b"")
        return Reply(200, fields, File(descriptor, 0, found.st_size))


def _hidden(name: str) -> bool:
    return name.startswith(".") and name != ".well-known"
