"""Published generations without a build: made with the library's own classes, as a build would make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from benchmarks.settings import empty
from ondemand.prerendering.compression import compressors
from ondemand.snapshots.manifest import Snapshot
from ondemand.snapshots.store import Files, Publisher, Store, file_name

__all__ = ["make_dist", "real_encodings", "short_encodings"]

Compressors = Mapping[str, Callable[[bytes], bytes]]


def make_dist(
    folder: Path, pages: Iterable[tuple[str, bytes]], encodings: Compressors, *, route: str | None = None
) -> Path:
    """Publish (path, body) of HTML pages in `folder`, each in identity and in `encodings`.

    route: the pattern that made them, as far as the app shows its routes.
    """
    store = Store(empty(folder))
    with store.lock():
        publisher = Publisher(store, settings={"made": 0, "compress": "benchmarks"})
        files = Files(publisher.folder, previous=None, compressors=encodings)
        for path, body in pages:
            written, _ = files.write(_snapshot(path, route), body)
            publisher.add(written.to_line())
        publisher.publish()
    return folder


def _snapshot(path: str, route: str | None) -> Snapshot:
    return Snapshot(
        path=path,
        kind="page",
        file=f"site/{file_name(path, is_html=True, build_format='file')}",
        status=200,
        route=route,
        time=1_700_000_000,
        headers=(("content-type", "text/html; charset=utf-8"),),
    )


def real_encodings() -> Compressors:
    """Those of a build here: gzip, and br and zstd where they are installed."""
    return compressors(max_compress=False)[1]


def short_encodings() -> Compressors:
    """Three encodings that cost nothing: for many snapshots whose bytes nobody looks at."""
    return {"gzip": lambda body: body[:60], "br": lambda body: body[:50], "zstd": lambda body: body[:55]}
