"""PageResponse: what a page says about the answer, and how it goes into the answer of whoever makes it."""

from __future__ import annotations

from ondemand._asgi import Headers
from ondemand.errors import ResponseStarted
from ondemand.headers import ResponseHeaders

__all__ = ["WITHOUT_BODY", "PageResponse", "too_late"]


class _Sealable(ResponseHeaders):
    __slots__ = ("sealed",)

    def __init__(self) -> None:
        super().__init__()
        self.sealed = False

    def _check_open(self) -> None:
        if self.sealed:
            raise too_late("page.response.headers")


class PageResponse:
    """What a page says about the answer, whoever makes it (Astro: `Astro.response`).

    status: 200 unless set; it takes the place of a successful status of the app, never of its redirects and errors.
    status_text: kept for Astro's sake; HTTP/2 and ASGI have none. headers: a mutable mapping; they take the place of the app's
    own of that name, Vary and Set-Cookie are added to them.

    Where page code returns an `ondemand.Response`, its status and its own headers win.
    After the first byte of the answer, every change raises `ResponseStarted`.
    """

    __slots__ = ("_headers", "_status", "_status_text")

    def __init__(self) -> None:
        self._status: int | None = None
        self._status_text: str | None = None
        self._headers = _Sealable()

    @property
    def status(self) -> int:
        return self._status or 200

    @status.setter
    def status(self, value: int) -> None:
        if self._headers.sealed:
            raise too_late("page.response.status")
        if isinstance(value, bool) or not isinstance(value, int) or not 200 <= value <= 599:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"page.response.status = {value!r}: a status is a whole number between 200 and 599.")
        self._status = int(value)

    @property
    def says_status(self) -> bool:
        """True if a status was set."""
        return self._status is not None

    @property
    def status_text(self) -> str | None:
        return self._status_text

    @status_text.setter
    def status_text(self, value: str | None) -> None:
        if self._headers.sealed:
            raise too_late("page.response.status_text")
        self._status_text = value

    @property
    def headers(self) -> ResponseHeaders:
        return self._headers

    def forget_caching(self) -> None:
        """What the page says of caching is not so, unless it forbids it."""
        for name in [name for name in self._headers if name in _OF_CACHES]:
            if not _forbids_caching(name, self._headers.getlist(name)):
                del self._headers[name]

    def clear(self) -> None:
        """Nothing is said of the answer."""
        self._status = self._status_text = None
        self._headers.clear()

    def seal(self) -> None:
        """The first byte is out: from here on, every change raises `ResponseStarted`."""
        self._headers.sealed = True

    def merged(self, status: int, headers: Headers, *, given: bool) -> tuple[int, Headers]:
        """Status and headers of the answer. given: it is an `ondemand.Response`, whose own word is final."""
        chosen = self._status is not None and not given and 200 <= status < 300 and status not in {204, 206}
        final = self._status if chosen and self._status is not None else status
        failed = status >= 400 and not given
        present = {name.lower() for name, _ in headers}
        for name in self._headers:
            raw = name.encode("latin-1")
            values = self._headers.getlist(name)
            if name in _OF_CONTENT and (failed or final in WITHOUT_BODY):
                continue
            if name in _OF_CACHES and failed and not _forbids_caching(name, values):
                continue
            if name not in {"set-cookie", "vary"} and raw in present:
                if given:
                    continue
                headers = [(key, value) for key, value in headers if key.lower() != raw]
            headers = [*headers, *((raw, value.encode("latin-1")) for value in values)]
        if final in WITHOUT_BODY and status not in WITHOUT_BODY:
            headers = [(key, value) for key, value in headers if not key.lower().startswith(b"content-")]
        return final, headers


WITHOUT_BODY = frozenset({204, 205, 304})  # RFC 9110 sections 15.3.5, 15.3.6, 15.4.5
_OF_CONTENT = frozenset({"content-type", "content-language", "content-disposition"})
_OF_CACHES = frozenset({"cache-control", "cdn-cache-control", "surrogate-control", "expires", "etag", "last-modified"})


def _forbids_caching(name: str, values: list[str]) -> bool:
    return name.endswith("-control") and any(word in ",".join(values).lower() for word in ("no-store", "private"))


def too_late(what: str) -> ResponseStarted:
    return ResponseStarted(f"{what} was set too late: the first byte of the answer is out. Set it before.")
