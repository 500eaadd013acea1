"""A live host, asked one request at a time: bounded in time and size, no redirect followed, no cookie kept, no proxy of the
environment's used."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import h11
import httpx

from ondemand import __version__
from ondemand.errors import ConfigError
from ondemand.prerendering.report import seconds
from ondemand.routing import is_field_value, is_token, to_url

__all__ = ["Answer", "Host", "NoAnswer", "checked_url"]

_DRIPS = 100_000
"""Bytes a second that a large body must come at: each such portion gives the request a second more."""

_LINGER = 0.25
"""Seconds in which bytes that may not follow an answer would have come."""

_LONGEST_HEAD = 256 * 1024
"""Bytes of status line and headers that are read."""


class NoAnswer(Exception):  # noqa: N818 - it says what is
    """The host gave no whole answer. kind: "unreachable" (no connection), "timeout", "closed" (it ended the connection, or
    what it sent is no HTTP)."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Answer(NamedTuple):
    """What the host answered. size: bytes of the body that were read, at most one more than were asked for. etag: what
    `etag_of` says of them. body: these bytes, where they were to be kept, else the first of them. extra: bytes came behind
    an answer that has no body."""

    status: int
    headers: httpx.Headers
    size: int = 0
    etag: str = ""
    body: bytes = b""
    extra: bool = False

    def header(self, name: str) -> str:
        """The value of `name`, repeated fields joined with commas; "" if there is none."""
        return ", ".join(value.strip() for value in self.headers.get_list(name))


class Host:
    """The host at `url`: where the first page of the site lives. Use it as an async context manager."""

    def __init__(self, url: str, *, headers: Sequence[tuple[str, str]], timeout: float, concurrency: int) -> None:
        """headers: sent with every request. timeout: seconds that one request may take, more for large bodies.

        Raises `ConfigError` for what is no http(s) URL and for a header that cannot be sent.
        """
        self.url = checked_url(url)
        for name, value in headers:
            if not (is_token(name) and is_field_value(value)):
                raise ConfigError(f'The header {name!r}: {value!r} cannot be sent. Write --header "Name: value".')
        self._usual = {"user-agent": f"ondemand/{__version__}", "accept": "*/*"}
        self._more = [(name.lower(), value) for name, value in headers]
        if not any(name == "host" for name, _ in self._more):
            self._more.insert(0, ("host", self.url.netloc.decode("ascii")))
        self._timeout = timeout
        self._tls = httpx.create_ssl_context(trust_env=False) if self.url.scheme == "https" else None
        self._transport = httpx.AsyncHTTPTransport(
            verify=self._tls or False,  # plain http has nothing to verify, and no redirect leads to https
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._transport.aclose()

    def address(self, path: str, query: str = "") -> httpx.URL:
        """The URL of `path` (decoded, as the host knows it)."""
        target = to_url(path) + (f"?{query}" if query else "")
        return self.url.copy_with(raw_path=target.encode("ascii"))

    async def get(
        self,
        path: str,
        headers: Mapping[str, str] = {},
        *,
        limit: int | None,
        keep: bool = False,
        query: str = "",
        without: frozenset[str] = frozenset(),
    ) -> Answer:
        """GET `path`, and read at most `limit` bytes of the body and one more (None: none at all).

        headers: beside the usual ones. without: usual ones that are not sent. Raises `NoAnswer`; who closes the connection
        is asked once more, on another one.
        """
        request = httpx.Request("GET", self.address(path, query), headers=self._sent(headers, without))
        try:
            return await self._within(limit, self._read(request, limit, keep))
        except NoAnswer as error:
            if error.kind != "closed":  # it may have ended a connection that was idle just when we used it
                raise
            return await self._within(limit, self._read(request, limit, keep))

    async def ask_head(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] = {},
        *,
        without: frozenset[str] = frozenset(),
    ) -> Answer:
        """Ask on a connection of its own for an answer that has no body (to HEAD, 304), and tell whether bytes follow it all
        the same, where the next answer would begin. Raises `NoAnswer`."""
        return await self._within(0, self._ask_head(method, self.address(path), self._sent(headers, without)))

    def _sent(self, headers: Mapping[str, str], without: frozenset[str]) -> list[tuple[bytes, bytes]]:
        usual = {name: value for name, value in self._usual.items() if name not in without}
        pairs = [*self._more, *{**usual, "accept-encoding": "identity", **headers}.items()]
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in pairs]

    async def _within(self, limit: int | None, answer: Any) -> Answer:
        """Wait for it, and say in our words why there is none."""
        patience = self._timeout + (limit or 0) / _DRIPS
        try:
            async with asyncio.timeout(patience):
                return await answer
        except (TimeoutError, httpx.TimeoutException):
            raise NoAnswer("timeout", f"did not answer in {seconds(round(patience, 1))}") from None
        except (httpx.ConnectError, _Unreachable, ssl.SSLError) as error:
            raise NoAnswer("unreachable", f"cannot be reached ({error or type(error).__name__})") from None
        except (httpx.TransportError, h11.ProtocolError, OSError) as error:
            raise NoAnswer(
                "closed", f"closed the connection, or sent what is no HTTP ({error or 'no reason'})"
            ) from None

    async def _read(self, request: httpx.Request, limit: int | None, keep: bool) -> Answer:
        response = await self._transport.handle_async_request(request)
        digest, size, kept = hashlib.blake2b(digest_size=12), 0, bytearray()
        try:
            if limit is not None:
                async for piece in response.aiter_raw():
                    part = piece[: limit + 1 - size]
                    digest.update(part)
                    size += len(part)
                    kept += part if keep or not kept else b""
                    if size > limit:
                        break
        finally:
            await response.aclose()
        body = bytes(kept) if keep else bytes(kept[:1])
        headers = httpx.Headers(response.headers.raw, encoding="latin-1")  # as the manifest has them
        return Answer(response.status_code, headers, size, f'"{digest.hexdigest()}"', body)

    async def _ask_head(self, method: str, url: httpx.URL, headers: list[tuple[bytes, bytes]]) -> Answer:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            reader, writer = await asyncio.open_connection(url.raw_host.decode("ascii"), port, ssl=self._tls)
        except OSError as error:
            raise _Unreachable(str(error)) from error
        try:
            talk = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
            headers = [*headers, (b"connection", b"close")]
            sent = talk.send(h11.Request(method=method, target=url.raw_path, headers=headers))
            writer.write((sent or b"") + (talk.send(h11.EndOfMessage()) or b""))
            while not isinstance(event := talk.next_event(), h11.Response):
                if event is h11.NEED_DATA:
                    talk.receive_data(await reader.read(65536))
                elif not isinstance(event, h11.InformationalResponse):
                    raise h11.RemoteProtocolError("the connection ended before the answer")
            found = httpx.Headers([(bytes(name), bytes(value)) for name, value in event.headers], encoding="latin-1")
            extra = False
            if method == "HEAD" or event.status_code == 304:
                talk.next_event()  # the end of the message: h11 knows that nothing may follow
                extra = bool(talk.trailing_data[0]) or await _follows(reader)
            return Answer(event.status_code, found, extra=extra)
        finally:
            writer.transport.abort()


class _Unreachable(OSError):  # noqa: N818 - it says what is
    """No connection could be made."""


async def _follows(reader: asyncio.StreamReader) -> bool:
    """True if there are more bytes to read."""
    try:
        return bool(await asyncio.wait_for(reader.read(1), _LINGER))
    except (TimeoutError, OSError):
        return False


def checked_url(text: str) -> httpx.URL:
    """The URL of a site. Raises `ConfigError` for what is none: no http(s), a query, a fragment, credentials."""
    accepted = f"{text!r} is not the URL of a site. Write it in full, such as https://example.com or http://127.0.0.1:8000/docs."
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise ConfigError(accepted) from None
    plain = re.fullmatch(rb"[A-Za-z0-9._:-]+", url.raw_host) is not None and 0 < (url.port or 80) < 65536
    if url.scheme not in {"http", "https"} or not plain or url.query or url.fragment or url.userinfo:
        raise ConfigError(accepted)
    return url
