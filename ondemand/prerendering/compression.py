"""The encodings of a build: gzip always, brotli and zstd where they are installed."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any

__all__ = ["can_unpack", "compressors", "unpack"]

Compress = Callable[[bytes], bytes]


def compressors(*, max_compress: bool) -> tuple[str, dict[str, Compress]]:
    """What was used, in one word to compare (a build takes over files of one that used the same), and the functions
    by content coding. max_compress: as small as they can, many times slower."""
    found: dict[str, Compress] = {"gzip": _gzip(9 if max_compress else 6)}
    brotli = _module("brotli")
    if brotli is not None:
        quality = 11 if max_compress else 5
        found["br"] = lambda body: brotli.compress(body, quality=quality)
    zstd = _module("compression.zstd") or _module("backports.zstd")
    if zstd is not None:
        level = 19 if max_compress else 3
        found["zstd"] = lambda body: zstd.compress(body, level)
    return f"{'max' if max_compress else 'quick'}:{','.join(sorted(found))}", found


def _gzip(level: int) -> Compress:
    """gzip (RFC 1952) without a time stamp, so that the same body gives the same bytes.

    The window is no larger than the body needs: preparing the usual 32 kB costs more than compressing a small page
    (600 bytes: 55 us against 8), for the same bytes.
    """

    def compress(body: bytes) -> bytes:
        window = min(max(len(body).bit_length(), 10), 15)
        packer = zlib.compressobj(level, zlib.DEFLATED, 16 + window, min(window - 6, 8))
        return packer.compress(body) + packer.flush()

    return compress


def unpack(encoding: str, body: bytes, *, limit: int | None = None) -> bytes | None:
    """What `body` holds in this content coding, or None if it cannot be told, or is more than `limit` bytes."""
    modules = [found for name in _MODULES[encoding] if (found := _module(name)) is not None]
    try:
        if limit is None:
            return modules[0].decompress(body)
        unpacked = _BOUNDED[encoding](modules[0], body, limit + 1)
    except Exception:  # each module has errors of its own, and zlib's and EOFError besides
        return None
    return unpacked if unpacked is None or len(unpacked) <= limit else None


def can_unpack(encoding: str) -> bool:
    """True if it is a content coding of ours, and a module that reads it is installed."""
    return any(_module(name) is not None for name in _MODULES.get(encoding, ()))


def _unpack_gzip(_: Any, body: bytes, most: int) -> bytes | None:
    return _unpack_members(lambda: zlib.decompressobj(31), body, most)


def _unpack_zstd(zstd: Any, body: bytes, most: int) -> bytes | None:
    return _unpack_members(zstd.ZstdDecompressor, body, most)


def _unpack_members(unpacker: Callable[[], Any], body: bytes, most: int) -> bytes | None:
    """One or several, one behind the other: RFC 1952 section 2.2, RFC 8878 section 3.1. None if the last one is cut."""
    unpacked = b""
    while body and len(unpacked) < most:
        member = unpacker()
        unpacked += member.decompress(body, most - len(unpacked))
        if not member.eof:
            return unpacked if len(unpacked) >= most else None
        body = member.unused_data
    return unpacked


def _unpack_brotli(brotli: Any, body: bytes, most: int) -> bytes | None:
    unpacker = brotli.Decompressor()
    try:
        unpacked = unpacker.process(body, output_buffer_limit=most)
    except TypeError:  # brotli before 1.2 has no limit
        unpacked = unpacker.process(body)
    return unpacked if unpacker.is_finished() or len(unpacked) >= most else None


_MODULES = {"gzip": ("gzip",), "br": ("brotli",), "zstd": ("compression.zstd", "backports.zstd")}
_BOUNDED = {"gzip": _unpack_gzip, "br": _unpack_brotli, "zstd": _unpack_zstd}


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
