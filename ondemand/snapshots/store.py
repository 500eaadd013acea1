"""The store: where generations lie, how one is published, read, rolled back and cleaned.

dist/
  CURRENT                       the name of the published generation; replaced last, in one step
  site -> 000002/site           for static hosts, where links work
  000002/                       a generation: never written to after it is published
    manifest.jsonl
    site/about/index.html       what a static host can serve as it is
    site/about/index.html.gz    each smaller encoding beside its file
    guarded/...                 snapshots behind a guard: never below what a static host serves
  .building-000003/             a build that runs, or was killed: never read, removed by the next one
  .building-000003.CURRENT      what becomes CURRENT; while it lies here, 000003 was never live
  .removed-000001/              a generation that is being removed: its folder goes away in one step
  .lock                         held while a build runs; freed by the system when it ends, however it ends
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ondemand.errors import BuildRunning, ManifestError, StoreError
from ondemand.snapshots.manifest import Encoded, Index, Snapshot, footer, header_line, snapshots

__all__ = ["SUFFIXES", "Digest", "Files", "Generation", "Publisher", "Store", "etag_of", "file_name"]

log = logging.getLogger("ondemand.store")

SUFFIXES = {"": "", "gzip": ".gz", "br": ".br", "zstd": ".zst"}
"""Content coding -> what its file's name ends with: the names that nginx, Caddy and others look for."""

_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EIO, errno.EAGAIN})
_NAME = re.compile(r"[0-9]{6,12}\Z")
_OURS = b'{"ondemand":'
_BUILDING, _REMOVED, _POINTER = ".building-", ".removed-", ".CURRENT"
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


class Generation:
    """One published build, opened for reading. Raises `ManifestError` if its manifest does not add up.

    identity: of its manifest's file. A name may come again: when `dist` was removed, or is a link to another folder.
    """

    def __init__(self, folder: Path, *, assets_only: bool = False) -> None:
        self.folder = folder
        self.name = folder.name
        self._last: Snapshot | None = None  # a build asks twice for each page: to link its files, and to compare
        try:
            self._manifest: BinaryIO = (folder / "manifest.jsonl").open("rb")
        except OSError as error:
            raise ManifestError(f"The generation {folder} has no readable manifest ({error}). Build again.") from error
        try:
            self._index = Index.read(self._manifest, assets_only=assets_only)
        except OSError as error:
            self._manifest.close()
            raise ManifestError(f"The manifest of the generation {folder} cannot be read ({error}).") from error
        except BaseException:
            self._manifest.close()
            raise
        found = os.fstat(self._manifest.fileno())
        self.identity = (found.st_dev, found.st_ino, found.st_mtime_ns)

    def __contains__(self, path: str) -> bool:
        return path in self._index.offsets

    def __len__(self) -> int:
        return len(self._index.offsets)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index.offsets)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):
            self._manifest.close()

    @property
    def header(self) -> dict[str, Any]:
        """The settings that its build noted in the manifest."""
        return self._index.header

    def get(self, path: str) -> Snapshot | None:
        """The snapshot of `path`, or None. Raises `StoreError` if its line is damaged or another's, or cannot be read."""
        if self._last is not None and self._last.path == path:
            return self._last
        offset = self._index.offsets.get(path)
        if offset is None:
            return None
        descriptor, size = self._manifest.fileno(), 4096
        while True:
            try:
                data = os.pread(descriptor, size, offset)
            except OSError as error:
                raise _unread(f"The manifest in {self.folder}", error) from error
            end = data.find(b"\n")
            if end != -1:
                snapshot = Snapshot.from_line(data[:end])
                if snapshot.path != path:
                    raise ManifestError(f"The manifest in {self.folder} was changed after it was read. Build again.")
                self._last = snapshot
                return snapshot
            if len(data) < size:
                raise ManifestError(f"The manifest in {self.folder} was cut after it was read. Build again.")
            size *= 4

    def all(self) -> Iterator[Snapshot]:
        """Every snapshot, in the order of the manifest. Raises `ManifestError` if it is gone, or damaged since it was opened."""
        try:
            with (self.folder / "manifest.jsonl").open("rb") as lines:
                yield from snapshots(lines)
        except OSError as error:
            raise ManifestError(f"The manifest in {self.folder} cannot be read ({error}). Build again.") from error

    def file(self, snapshot: Snapshot, encoding: str = "") -> str:
        """The path of the file that holds this form of `snapshot`."""
        return f"{self.folder}/{snapshot.file}{SUFFIXES[encoding]}"

    def open(self, snapshot: Snapshot, encoding: str = "") -> int:
        """A descriptor of that file, open for reading.

        Raises `StoreError` unless it is a regular file, not a link, of exactly the size in the manifest.
        """
        try:
            descriptor = os.open(self.file(snapshot, encoding), os.O_RDONLY | _NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _unread(self.file(snapshot, encoding), error) from error
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size != snapshot.encodings[encoding].size:
            os.close(descriptor)
            raise StoreError(f"{self.file(snapshot, encoding)} is not the file that was published. Build again.")
        return descriptor

    def read(self, snapshot: Snapshot, encoding: str = "") -> bytes:
        """The whole body. Raises `StoreError` as `open` does, and if these are not the bytes of the manifest's digest."""
        descriptor = self.open(snapshot, encoding)
        try:
            with os.fdopen(descriptor, "rb") as file:
                body = file.read()
        except OSError as error:
            raise _unread(self.file(snapshot, encoding), error) from error
        if etag_of(body) != snapshot.encodings[encoding].etag:
            raise StoreError(f"{self.file(snapshot, encoding)} was changed after it was published. Build again.")
        return body

    def verify(self, *, digests: bool = False) -> None:
        """Raise `StoreError` if any file of the generation is missing or of another size. digests: or of other bytes, for
        which each is read."""
        for snapshot in self.all():
            for encoding, form in snapshot.encodings.items():
                try:
                    size = os.lstat(self.file(snapshot, encoding)).st_size
                except OSError as error:
                    raise StoreError(f"{self.file(snapshot, encoding)} is missing ({error}). Build again.") from error
                if size != form.size:
                    raise StoreError(f"{self.file(snapshot, encoding)} is cut or changed. Build again.")
                if digests:
                    self.read(snapshot, encoding)


def _unread(what: str, error: OSError) -> StoreError:
    return StoreError(f"{what} cannot be read ({error}). Build again.", passing=error.errno in _PASSING)


class Store:
    """The folder `dist`. Reading needs no right to write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pointer = str(folder / "CURRENT")

    def stamp(self) -> tuple[int, int] | None:
        """Changes whenever another generation is published; None if nothing is. Costs one stat."""
        try:
            found = os.stat(self._pointer)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino

    def current(self) -> str | None:
        """The name of the published generation, or None. Raises `StoreError` if CURRENT holds something else."""
        try:
            name = (self.folder / "CURRENT").read_bytes()[:64].decode("ascii", "replace").strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self._pointer} cannot be read ({error}).") from error
        if not _NAME.match(name):
            raise StoreError(f"{self._pointer} does not name a generation (it holds {name!r}). Build again.")
        return name

    def generations(self) -> list[str]:
        """The names of all generations, oldest first."""
        try:
            return sorted((entry.name for entry in os.scandir(self.folder) if _is_generation(entry)), key=int)
        except OSError:
            return []

    def open(self, name: str | None = None, *, assets_only: bool = False) -> Generation | None:
        """The generation `name`, or the published one; None if nothing is published. Raises `StoreError`."""
        name = name or self.current()
        return None if name is None else Generation(self.folder / name, assets_only=assets_only)

    def earlier(self, name: str) -> list[str]:
        """The generations before `name`, newest first."""
        return [other for other in reversed(self.generations()) if int(other) < int(name)]

    def rollback(self, to: str | None = None) -> tuple[str, str]:
        """Publish the generation before the current one, or `to`. Returns (from, to).

        Raises `StoreError` if there is none or it is not whole.
        """
        current = self.current()
        if current is None:
            raise StoreError(f"Nothing is published in {self.folder}, so there is nothing to roll back. Build first.")
        if to is None:
            to = next(iter(self.earlier(current)), None)
            if to is None:
                raise StoreError(f"{current} is the oldest generation in {self.folder}: there is no earlier one.")
        elif to not in self.generations():
            known = ", ".join(self.generations()) or "none"
            raise StoreError(f"There is no generation {to!r} in {self.folder}. It has {known}.")
        with self.lock():
            Generation(self.folder / to).verify(digests=True)
            self.point_to(to)
        return current, to

    def point_to(self, name: str) -> None:
        """Publish generation `name`: the one step after which servers answer with it."""
        pointer = self.folder / f"{_POINTER}-{os.getpid()}"
        _write_pointer(pointer, name)
        self.swap(pointer, name)

    def swap(self, pointer: Path, name: str) -> None:
        """Put `pointer`, a file that names generation `name`, in the place of CURRENT."""
        pointer.replace(self._pointer)
        _sync_folder(self.folder)
        self._link(name)

    def _link(self, name: str) -> None:
        """`dist/site`, for static hosts. A folder of that name that is not ours is left alone."""
        link, fresh = self.folder / "site", self.folder / f".site-{os.getpid()}"
        target = Path(name) / "site"
        try:
            if link.is_symlink():
                if Path(os.readlink(link)) == target:
                    return
            elif link.exists():
                log.warning("%s is not a link of ours; static hosts find this build in %s/site", link, name)
                return
            with contextlib.suppress(FileNotFoundError):
                fresh.unlink()
            fresh.symlink_to(target, target_is_directory=True)
            fresh.replace(link)
        except OSError as error:  # a file system without links: DESIGN's pointer is enough for our own server
            log.info("no link %s: %s", link, error)

    @contextlib.contextmanager
    def lock(self) -> Generator[None]:
        """Hold the store for one build. Raises `BuildRunning` at once if another one holds it, `StoreError` if
        `dist` cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = (self.folder / ".lock").open("ab")
        except OSError as error:
            raise StoreError(
                f"{self.folder} cannot be written ({error}). Choose another `dist` or its rights."
            ) from error
        with file:
            if not _lock(file):
                raise BuildRunning(f"Another build of {self.folder} is running. Wait for it, or end it.")
            yield

    def clean(self, *, keep: int, grace: float, now: float) -> list[str]:
        """Remove what no one needs, and return its names: what builds that were killed have left, and generations beyond
        the `keep` before the current one that were replaced more than `grace` seconds before `now`. What cannot be removed
        is left for the next time. Hold `lock` around it."""
        try:
            current, is_known = self.current(), True
        except StoreError:
            current, is_known = None, False  # CURRENT is damaged: any of them may be the one that is wanted
        removed: list[str] = []
        with contextlib.suppress(OSError):
            for name in sorted(os.listdir(self.folder)):
                if name.startswith(_BUILDING) and name.endswith(_POINTER):
                    if not is_known:
                        continue
                    removed += self.forget(name[len(_BUILDING) : -len(_POINTER)], current)
                if name.startswith((_BUILDING, _REMOVED, f"{_POINTER}-", ".site-")) and _remove(self.folder / name):
                    removed.append(name)
        if current is None:
            return removed
        self._link(current)  # before what it may lead to is removed
        names = self.generations()
        needed = {current, *self.earlier(current)[:keep]}
        for position, name in enumerate(names):
            if name in needed or int(name) > int(current):
                continue
            replaced = self.folder / names[position + 1] / "manifest.jsonl"
            with contextlib.suppress(OSError):
                if now - replaced.stat().st_mtime > grace:
                    removed += self._remove_generation(name)
        return removed

    def forget(self, name: str, current: str | None) -> list[str]:
        """Remove generation `name`, whose build was stopped before it was live. Returns the names of what was removed."""
        return self._remove_generation(name) if name != current and name in self.generations() else []

    def _remove_generation(self, name: str) -> list[str]:
        """In one step: whoever is killed meanwhile leaves no half of it that could be taken for a generation, or for
        somebody else's."""
        doomed = self.folder / f"{_REMOVED}{name}"
        try:
            (self.folder / name).rename(doomed)
        except OSError:
            return []
        _remove(doomed)
        return [name]


def _write_pointer(file: Path, name: str) -> None:
    with file.open("wb") as pointer:
        pointer.write(name.encode() + b"\n")
        pointer.flush()
        os.fsync(pointer.fileno())


def _is_generation(entry: os.DirEntry[str]) -> bool:
    """True for a folder of ours: others may lie beside it under such a name."""
    if _NAME.match(entry.name) is None or not entry.is_dir(follow_symlinks=False):
        return False
    try:
        with open(f"{entry.path}/manifest.jsonl", "rb") as manifest:
            return manifest.read(len(_OURS)) == _OURS
    except OSError:
        return False


def _remove(path: Path) -> bool:
    """Remove a file, a link or a folder with what is in it. False if something of it cannot be removed."""
    import shutil  # two milliseconds that a server does not need

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
    return not os.path.lexists(path)


def _lock(file: Any) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            return False
        raise
    return True


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system can open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Publisher:
    """Writes one generation: `add` for each snapshot, then `publish`. Until then nobody sees any of it.

    Used inside `Store.lock`. Every write is into a folder that did not exist before, so no link of anybody's is followed.
    """

    def __init__(self, store: Store, *, settings: dict[str, Any]) -> None:
        self.store = store
        names = store.generations()
        number = int(names[-1]) + 1 if names else 1
        while os.path.lexists(store.folder / f"{number:06d}"):  # somebody's
            number += 1
        self.name = f"{number:06d}"
        self.folder = store.folder / f"{_BUILDING}{self.name}"
        self._pointer = self.folder.with_suffix(_POINTER)
        try:
            if self.folder.exists():
                _remove(self.folder)
            (self.folder / "site").mkdir(parents=True)
            self._manifest = (self.folder / "manifest.jsonl").open("xb")
        except OSError as error:
            _remove(self.folder)
            raise StoreError(
                f"{store.folder} cannot be written ({error}). Choose another `dist` or its rights."
            ) from error
        first = header_line(self.name, **settings)
        self._digest = hashlib.sha256(first)
        self._manifest.write(first)
        self._size = len(first)
        self._count = 0
        self._withdrawn: set[int] = set()

    def add(self, line: bytes) -> int:
        """List one snapshot whose files have been written (`Snapshot.to_line`). Returns where its line begins."""
        self._manifest.write(line)
        self._digest.update(line)
        self._count += 1
        offset, self._size = self._size, self._size + len(line)
        return offset

    def line(self, offset: int) -> bytes:
        """The line that begins there."""
        self.flush()
        with (self.folder / "manifest.jsonl").open("rb") as manifest:
            manifest.seek(offset)
            return manifest.readline()

    def withdraw(self, offsets: Iterable[int]) -> None:
        """The snapshots whose lines begin there are not to be published."""
        self._withdrawn.update(offsets)

    def _leave_out(self) -> None:
        """Write the manifest again without what was withdrawn, and remove the files that nothing else lists."""
        self._manifest.close()
        file = self.folder / "manifest.jsonl"
        file.rename(file.with_suffix(".all"))
        self._digest, self._count = hashlib.sha256(), 0
        gone: dict[str, Snapshot] = {}
        listed: set[str] = set()
        offset = 0
        with file.with_suffix(".all").open("rb") as lines, file.open("xb") as kept:
            for line in lines:
                if offset in self._withdrawn:
                    snapshot = Snapshot.from_line(line)
                    gone[snapshot.file] = snapshot
                else:
                    kept.write(line)
                    self._digest.update(line)
                    if offset:
                        self._count += 1
                        listed.add(Snapshot.from_line(line).file)
                offset += len(line)
        file.with_suffix(".all").unlink()
        self._manifest = file.open("ab")
        for name in gone.keys() - listed:
            for encoding in gone[name].encodings:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self.folder}/{name}{SUFFIXES[encoding]}")

    def flush(self) -> None:
        """Let the lines so far be read."""
        self._manifest.flush()

    def settle(self) -> None:
        """After a process of the build died: remove what no line lists, such as a page that it wrote and never told.
        Raises `StoreError` if something that a line lists is not whole."""
        self.flush()
        listed: set[str] = set()
        with (self.folder / "manifest.jsonl").open("rb") as lines:
            for snapshot in snapshots(lines):
                for encoding, form in snapshot.encodings.items():
                    file = f"{self.folder}/{snapshot.file}{SUFFIXES[encoding]}"
                    if not os.path.isfile(file) or os.stat(file).st_size != form.size:
                        raise StoreError(f"A process of the build ended and left {file} damaged. Build again.")
                    listed.add(file)
        for part in ("site", "guarded"):
            for folder, _, names in os.walk(self.folder / part):
                for name in names:
                    if (file := f"{folder}/{name}") not in listed:
                        os.unlink(file)

    def publish(self) -> str:
        """Make this the published generation, in one step. Returns its name."""
        if self._withdrawn:
            self._leave_out()
        _write_pointer(self._pointer, self.name)
        self._manifest.write(footer(self._count, self._digest.hexdigest()))
        self._manifest.flush()
        os.fsync(self._manifest.fileno())
        self._manifest.close()
        self.folder.rename(self.store.folder / self.name)
        self.store.swap(self._pointer, self.name)
        return self.name

    def discard(self) -> None:
        """Remove what was not published."""
        with contextlib.suppress(OSError):  # a full disk refuses what is still to be written
            self._manifest.close()
        if os.path.lexists(self._pointer):
            with contextlib.suppress(StoreError):
                self.store.forget(self.name, self.store.current())
        _remove(self._pointer)
        _remove(self.folder)


class Files:
    """Writes the files of snapshots into the folder of a running build. One per process; names must differ."""

    def __init__(
        self, folder: Path, *, previous: Generation | None, compressors: Mapping[str, Callable[[bytes], bytes]]
    ) -> None:
        """folder: that of the `Publisher`. previous: the generation whose unchanged files are linked instead of written;
        it must have been compressed by the same `compressors` (content coding -> function)."""
        self._folder = str(folder)
        self._previous = previous
        self._compressors = compressors

    def write(
        self, snapshot: Snapshot, body: bytes, *, again: bool = False, packed: Mapping[str, bytes] | None = None
    ) -> tuple[Snapshot, bool]:
        """Write `body` and each encoding that is smaller. Returns the snapshot with its `encodings` and, where the same
        body was published before, with that one's `time`; and whether another page of this build has the same file and
        the same body, so that they share it.

        packed: encodings that the user made: they are taken instead of ours; empty ones are left out.
        again: a process ended while it may have been writing this very snapshot; what lies there is not to be trusted.

        Raises FileExistsError, NotADirectoryError or IsADirectoryError if another page has its file or a folder in its place.
        """
        etag = etag_of(body)
        target = f"{self._folder}/{snapshot.file}"
        if again:
            self._unlink(target)
        try:
            if (linked := self._link(snapshot, etag, len(body))) is not None:
                return linked, False
            self._make_parent(target)
            _write(target, body)
        except FileExistsError:
            if _stored(target) != body:
                raise
            return snapshot._replace(encodings=self._encode(snapshot, target, body, etag, packed or {})), True
        return snapshot._replace(encodings=self._encode(snapshot, target, body, etag, packed or {})), False

    def _encode(
        self, snapshot: Snapshot, target: str, body: bytes, etag: str, given: Mapping[str, bytes]
    ) -> dict[str, Encoded]:
        """Write each encoding that is smaller than the body, which lies at `target`; one that lies there already is
        kept only if it is the same."""
        forms = {"": Encoded(len(body), etag)}
        if len(body) < MIN_COMPRESSED or not _compressible(snapshot):
            return forms
        for encoding, compress in self._compressors.items():
            packed = given[encoding] if encoding in given else compress(body)
            if packed and len(packed) < len(body):
                file = target + SUFFIXES[encoding]
                try:
                    _write(file, packed)
                except FileExistsError:
                    if _stored(file) != packed:
                        os.unlink(file)
                        _write(file, packed)
                forms[encoding] = Encoded(len(packed), etag_of(packed))
        return forms

    def _link(self, snapshot: Snapshot, etag: str, size: int) -> Snapshot | None:
        if self._previous is None:
            return None
        old = self._previous.get(snapshot.path)
        if old is None or old.encodings[""] != Encoded(size, etag) or _type(old) != _type(snapshot):
            return None
        target = f"{self._folder}/{snapshot.file}"
        self._make_parent(target)
        for encoding in old.encodings:
            source = self._previous.file(old, encoding)
            try:
                os.link(source, target + SUFFIXES[encoding], follow_symlinks=False)
            except FileExistsError:
                raise
            except OSError:  # a file system without hard links
                try:
                    _write(target + SUFFIXES[encoding], self._previous.read(old, encoding))
                except StoreError:
                    return self._unlink(target)
            found = os.lstat(target + SUFFIXES[encoding])
            if not stat.S_ISREG(found.st_mode) or found.st_size != old.encodings[encoding].size:
                return self._unlink(target)
        return snapshot._replace(encodings=old.encodings, time=old.time)

    @staticmethod
    def _unlink(target: str) -> None:
        """Take away what lies there: the previous generation is damaged here, or a process ended while it wrote it."""
        for suffix in SUFFIXES.values():
            with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                os.unlink(target + suffix)

    @staticmethod
    def _make_parent(target: str) -> None:
        parent = target.rpartition("/")[0]
        try:
            os.mkdir(parent)
        except FileExistsError:
            return
        except FileNotFoundError:
            os.makedirs(parent, exist_ok=True)


def file_name(path: str, *, is_html: bool, build_format: str) -> str:
    """Where the snapshot of `path` lies below `site/`, so that a static host finds it (Astro: `build.format`).

    | path, HTML     | directory           | file           | preserve        | anything else: the path itself |
    | `/`            | index.html          | index.html     | index.html      |                                |
    | `/about`       | about/index.html    | about.html     | about.html      | `/feed.xml` feed.xml           |
    | `/docs/`       | docs/index.html     | docs.html      | docs/index.html |                                |
    | `/404`, `/500` | 404.html            | 404.html       | 404.html        |                                |
    | `/a.html`      | a.html              | a.html         | a.html          |                                |
    """
    name = path[1:]
    if not is_html:
        return name + "index" if name.endswith("/") or not name else name
    if not name:
        return "index.html"
    if name.endswith((".html", ".htm")):
        return name
    if path in {"/404", "/404/", "/500", "/500/"}:
        return name.strip("/") + ".html"
    if build_format == "file":
        return name.rstrip("/") + ".html"
    if build_format == "preserve":
        return name + "index.html" if name.endswith("/") else name + ".html"
    return name.rstrip("/") + "/index.html"


def _stored(file: str) -> bytes | None:
    """What lies at `file`, or None if that is no file."""
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError:
        return None


MIN_COMPRESSED = 200
"""Bytes below which no encoding is tried: a response that fits the first packet anyway gains nothing."""

_COMPRESSIBLE = re.compile(
    r"(?:text/|application/(?:json|javascript|xml|wasm|manifest|ld|rss|atom|x-javascript|[^;]*\+(?:json|xml))"
    r"|image/(?:svg\+xml|bmp|x-icon|vnd\.microsoft\.icon)|font/(?:ttf|otf|collection))",
    re.IGNORECASE,
)


def _compressible(snapshot: Snapshot) -> bool:
    return _COMPRESSIBLE.match(_type(snapshot)) is not None


def _type(snapshot: Snapshot) -> str:
    return next((value for name, value in snapshot.headers if name == "content-type"), "")


class Digest:
    """The strong ETag of bytes that come in pieces."""

    def __init__(self, body: bytes = b"") -> None:
        self._hash = hashlib.blake2b(body, digest_size=12)
        self.update = self._hash.update

    def etag(self) -> str:
        """A strong ETag (RFC 9110 section 8.8.3) of exactly these bytes, quotes included."""
        return f'"{self._hash.hexdigest()}"'


def etag_of(body: bytes) -> str:
    """The strong ETag of `body`."""
    return Digest(body).etag()


def _write(target: str, body: bytes) -> None:
    """Write a new file. Raises FileExistsError if there is one: two snapshots never share a file."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        view = memoryview(body)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)
