"""Forms: urlencoded and multipart bodies, read as they come. The multipart grammar is werkzeug's decoder's."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from ondemand.errors import BodyError, BodyTooLarge

if TYPE_CHECKING:
    from werkzeug.sansio.multipart import MultipartDecoder

__all__ = ["FormData", "UploadedFile", "read_form"]

MAX_PARTS = 1000
"""Fields and files of one form."""

MAX_FIELD = 1024 * 1024
"""Bytes of one field that is no file."""

SPOOL = 1024 * 1024
"""Bytes of a file that stay in memory; the rest goes to disk."""

_SLICE = 64 * 1024
"""Bytes given to the decoder at once, so that its searches stay short."""


class _Spooled(SpooledTemporaryFile[bytes]):
    """Closes by itself, and without a warning, when nobody holds it any more."""

    def __del__(self) -> None:
        self.close()


class UploadedFile:
    """A file of a form.

    filename: its last part, as the visitor's browser named it; never a path. content_type: as the browser said, or "".
    size: bytes. file: a binary file object at its beginning.
    """

    def __init__(self, filename: str, content_type: str) -> None:
        name = re.split(r"[/\\]", filename)[-1]
        self.filename = "" if name in {".", ".."} else name
        self.content_type = content_type
        self.size = 0
        self.file: IO[bytes] = _Spooled(max_size=SPOOL)

    def __repr__(self) -> str:
        return f"UploadedFile({self.filename!r}, {self.content_type!r}, {self.size} bytes)"

    async def read(self) -> bytes:
        """The whole file, read in a thread if it lies on disk."""
        self.file.seek(0)
        return self.file.read() if self.size <= SPOOL else await asyncio.to_thread(self.file.read)

    async def _write(self, data: bytes) -> None:
        self.size += len(data)
        if self.size <= SPOOL:
            self.file.write(data)
        else:
            await asyncio.to_thread(self.file.write, data)


class FormData(Mapping[str, "str | UploadedFile"]):
    """The fields and files of a form by name: `[name]` is the first, `getlist(name)` has all, `multi_items()` has every
    pair in the order they came."""

    def __init__(self, pairs: list[tuple[str, str | UploadedFile]]) -> None:
        self._pairs = pairs
        self._first: dict[str, str | UploadedFile] = {}
        for name, value in pairs:
            self._first.setdefault(name, value)

    def __getitem__(self, name: str) -> str | UploadedFile:
        return self._first[name]

    def __iter__(self) -> Any:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        return f"FormData({self._pairs!r})"

    def getlist(self, name: str) -> list[str | UploadedFile]:
        """Every value of `name`, in the order they came; [] if there is none."""
        return [value for key, value in self._pairs if key == name]

    def multi_items(self) -> list[tuple[str, str | UploadedFile]]:
        """Every name with its value, in the order they came."""
        return list(self._pairs)

    def close(self) -> None:
        """Close the files, which removes what lies on disk. Files that nobody holds any more close by themselves."""
        for _, value in self._pairs:
            if isinstance(value, UploadedFile):
                value.file.close()


async def read_form(content_type: str, chunks: AsyncIterator[bytes]) -> FormData:
    """Read a form body. Raises `BodyError` and `BodyTooLarge`."""
    kind = content_type.partition(";")[0].strip(" \t").lower()
    if kind == "application/x-www-form-urlencoded":
        return _urlencoded(b"".join([chunk async for chunk in chunks]))
    if kind == "multipart/form-data":
        return await _multipart(_boundary(content_type), chunks)
    shown = kind[:80] or "nothing"
    raise BodyError(f"The body is no form: its content type says {shown}, not urlencoded or multipart/form-data.")


def _urlencoded(body: bytes) -> FormData:
    if len(body) > MAX_FIELD + _SLICE or body.count(b"&") >= MAX_PARTS:
        raise BodyTooLarge(f"The form is larger than {MAX_FIELD} bytes, or has more than {MAX_PARTS} fields.")
    if any(len(pair.partition(b"=")[2]) > MAX_FIELD for pair in body.split(b"&")):
        raise BodyTooLarge(f"A field of the form is larger than {MAX_FIELD} bytes.")
    text = body.decode("utf-8", "replace")
    return FormData(list(parse_qsl(text, keep_blank_values=True, separator="&", errors="replace")))


def _boundary(content_type: str) -> bytes:
    from werkzeug.http import parse_options_header

    boundary = parse_options_header(content_type[:1000])[1].get("boundary", "")
    if not re.fullmatch(r"[ -~]{1,200}", boundary) or boundary.endswith(" "):  # RFC 2046 says 70
        raise BodyError("The body is multipart/form-data without a valid boundary.")
    return boundary.encode("ascii")


def _undecided(data: bytes, boundary: bytes) -> int:
    """Where the end of `data` begins that may turn out to be a boundary: werkzeug's decoder wants to see it in one piece."""
    found = re.search(rb"(?:\r?\n|\r)--%s(?:-|[ \t]*\r?\n?)\Z" % re.escape(boundary), data[-len(boundary) - 200 :])
    if found:
        return len(data) - len(found.group())
    whole = b"\r\n--" + boundary
    for size in range(min(len(whole), len(data)), 0, -1):
        if whole.startswith(data[-size:]):
            return len(data) - size
    return len(data)


async def _multipart(boundary: bytes, chunks: AsyncIterator[bytes]) -> FormData:
    from werkzeug.exceptions import RequestEntityTooLarge
    from werkzeug.sansio.multipart import MultipartDecoder

    decoder, held = MultipartDecoder(boundary, max_form_memory_size=MAX_FIELD + _SLICE, max_parts=MAX_PARTS), b""
    form = _Parts()
    try:
        async for chunk in chunks:
            for start in range(0, len(chunk), _SLICE):
                data = held + chunk[start : start + _SLICE]
                cut = _undecided(data, boundary)
                data, held = data[:cut], data[cut:]
                if data:
                    decoder.receive_data(data)
                    await form.take(decoder)
        if held:
            decoder.receive_data(held)
            await form.take(decoder)
        decoder.receive_data(None)
        await form.take(decoder)
    except (BodyTooLarge, BodyError):
        form.close()
        raise
    except RequestEntityTooLarge:
        form.close()
        raise BodyTooLarge(f"The form has more than {MAX_PARTS} parts, or one is too large.") from None
    except (ValueError, AttributeError, TypeError, LookupError) as error:
        form.close()
        raise BodyError(f"The body is malformed multipart/form-data: {str(error)[:200]}.") from None
    except BaseException:
        form.close()
        raise
    return FormData(form.pairs)


class _Parts:
    """The parts of a multipart body so far."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str | UploadedFile]] = []
        self._name = ""
        self._file: UploadedFile | None = None
        self._text: list[bytes] = []
        self._size = 0

    async def take(self, decoder: MultipartDecoder) -> None:
        """Whatever the decoder can say by now."""
        from werkzeug.sansio import multipart

        while True:
            event = decoder.next_event()
            if isinstance(event, multipart.File | multipart.Field):
                self._begin(event, multipart.File)
            elif isinstance(event, multipart.Data):
                await self._add(event.data, last=not event.more_data)
            elif isinstance(event, multipart.NeedData | multipart.Epilogue):
                return

    def _begin(self, event: Any, file: type[Any]) -> None:
        name: Any = event.name
        if not isinstance(name, str):
            raise BodyError("The body is malformed multipart/form-data: a part has no name.")
        self._name, self._text, self._size = name, [], 0
        self._file = None
        if isinstance(event, file):
            self._file = UploadedFile(event.filename, event.headers.get("content-type", ""))

    async def _add(self, data: bytes, *, last: bool) -> None:
        if self._file is not None:
            await self._file._write(data)  # pyright: ignore[reportPrivateUsage]
        else:
            self._size += len(data)
            if self._size > MAX_FIELD:
                raise BodyTooLarge(f"The field {self._name[:80]!r} of the form is larger than {MAX_FIELD} bytes.")
            self._text.append(data)
        if not last:
            return
        if self._file is not None:
            self._file.file.seek(0)
            self.pairs.append((self._name, self._file))
        else:
            self.pairs.append((self._name, b"".join(self._text).decode("utf-8", "replace")))

    def close(self) -> None:
        FormData(self.pairs).close()
        if self._file is not None:
            self._file.file.close()
