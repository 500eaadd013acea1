"""The request, as page code sees it: a reader of the ASGI scope, and of the body as it comes."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from ondemand._asgi import Message, Receive, Scope
from ondemand.errors import BodyError, BodyTooLarge, BodyUsed, ClientDisconnected
from ondemand.headers import Headers, Query
from ondemand.routing import to_url
from ondemand.urls import URL

if TYPE_CHECKING:
    from ondemand.forms import FormData

__all__ = ["Inbox", "Request"]

_Bytes = bytes  # `Request.bytes` takes the name
_SITE: Any = object()
"""The default of `limit`: the site's `body_limit`."""


AHEAD = 64 * 1024
"""Bytes of a body that are taken from the server while nobody reads it."""


class Inbox:
    """What the server says through `receive`, for all who listen: page code, the wrapped app, and whoever waits for the
    visitor to leave. The body goes to one of them, the end to everyone."""

    def __init__(self, receive: Receive, used_by: str = "") -> None:
        """used_by: who has begun to read the body, "" for nobody."""
        self.used_by = used_by
        self._receive = receive
        self._body: deque[Message] = deque()  # what came and nobody has taken yet
        self._kept: list[Message] | None = None  # what was taken, while it may be wanted again
        self._given: list[Message] = []  # what page code took, for the app
        self._gone: Message | None = None
        self._pending: asyncio.Future[None] | None = None
        self._ahead = 0  # bytes of `_body`
        self._room = asyncio.Event()  # somebody took of `_body`
        self._refused = False

    async def receive(self) -> Message:
        """The next message, as the server gave it: what the wrapped app is given. A body that page code has read whole
        is given again, so that an app that reads it too gets it, and one that only waits for the end goes on waiting."""
        if self._given:
            return self._given.pop(0)
        message = await self._next()
        if message["type"] == "http.request":
            self.used_by = self.used_by or "the app"
        return message

    async def _next(self) -> Message:
        while not self._body and self._gone is None:
            await self._arrival()
        if not self._body:
            assert self._gone is not None
            return self._gone
        message = self._body.popleft()
        self._ahead -= len(message.get("body", b""))
        self._room.set()
        if self._kept is not None:
            self._kept.append(message)
        return message

    async def _arrival(self) -> None:
        """Wait for the next message of the server; all who wait meanwhile wait for the same one."""
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._take())
        await asyncio.shield(self._pending)

    async def _take(self) -> None:
        try:
            message = await self._receive()
        finally:
            self._pending = None
        if message["type"] == "http.disconnect":
            self._gone = message
        elif not self._refused:
            self._body.append(message)
            self._ahead += len(message.get("body", b""))

    def keep(self) -> None:
        """Keep what is read from here on, for `rewind`."""
        self._kept = []

    def rewind(self) -> None:
        """Give everything that was read since `keep` again: the app reads the body as if nobody had."""
        self._body.extendleft(reversed(self._kept or ()))
        self._ahead = sum(len(message.get("body", b"")) for message in self._body)
        self._kept, self._given = None, []
        self.used_by = ""

    def refuse(self) -> None:
        """The body is too large: nobody is given the rest of it as if it were the whole."""
        self._refused = True
        self._body.clear()
        self._ahead = 0
        self._given = [{"type": "http.request", "body": b"", "more_body": False}]

    async def chunks(self, *, again: bool) -> AsyncIterator[bytes]:
        """The body, chunk by chunk. again: the app is given it too, when all of it was read; else an empty one. Raises
        `ClientDisconnected` if the visitor leaves before its end."""
        more, taken = True, list[Message]()
        while more:
            message = await self._next()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected("The visitor left before the body of the request was complete.")
            more = message.get("more_body", False)
            if again or not more:
                taken.append(message if again else {**message, "body": b""})
            if not more:
                self._given = taken
            if chunk := message.get("body", b""):
                yield chunk

    def close(self) -> None:
        """Nobody listens any more."""
        if self._pending is not None:
            self._pending.cancel()

    async def disconnected(self, *, answered: bool = False) -> None:
        """Wait until the visitor has left. answered: the answer has begun, and a body that nobody has read by now is let go where
        it is too large to be kept: a server that holds it back does not see the visitor leave."""
        while self._gone is None:
            if self._ahead > AHEAD and answered and not self.used_by:
                self.used_by = "nobody, until the answer had begun"
                self.refuse()
            elif self._ahead > AHEAD:  # the server holds back the visitor until somebody reads
                self._room.clear()
                await self._room.wait()
            else:
                await self._arrival()


class Request:
    """What the visitor asked for (Astro: `Astro.request`).

    `method` in upper case, `url` as it came (a `URL`), `path` as the app sees it (decoded), `headers`, `query`. The body is read
    once, by one of `text json bytes form stream`; GET and HEAD have none, whatever was sent with them (Fetch standard).
    """

    def __init__(self, scope: Scope, inbox: Inbox, *, origin: str, limit: int | None) -> None:
        """origin: scheme, host and port that the visitor asked for. limit: bytes that a body may have, None for any.

        `on_headers` and `on_query` are called whenever the headers and the query are read.
        """
        self._scope = scope
        self._inbox = inbox
        self._origin = origin
        self._limit = limit
        self._headers: Headers | None = None
        self._query: Query | None = None
        self._forms: list[FormData] = []
        self.on_headers: Callable[[], None] | None = None
        self.on_query: Callable[[], None] | None = None

    @property
    def method(self) -> str:
        return str(self._scope["method"]).upper()

    @property
    def path(self) -> str:
        return str(self._scope["path"])

    @property
    def url(self) -> URL:
        return URL(self._origin + raw_target(self._scope))

    @property
    def headers(self) -> Headers:
        if self.on_headers is not None:
            self.on_headers()
        if self._headers is None:
            self._headers = Headers(self._scope["headers"])
        return self._headers

    @property
    def query(self) -> Query:
        if self.on_query is not None:
            self.on_query()
        if self._query is None:
            self._query = Query(bytes(self._scope.get("query_string", b"")))
        return self._query

    # --- the body

    def close(self) -> None:
        """The request is answered: close the files of its forms, which removes what lies on disk."""
        for form in self._forms:
            form.close()
        self._inbox.close()

    @property
    def body_used(self) -> bool:
        """True if the body has been read, or has begun to be."""
        return bool(self._inbox.used_by)

    async def bytes(self, *, limit: int | None = _SITE) -> _Bytes:
        """The whole body. limit: bytes it may have, in place of the site's `body_limit`; None for any.

        Raises `BodyUsed` if it was read already, `BodyTooLarge`, `ClientDisconnected`.
        """
        return b"".join([chunk async for chunk in self._chunks(limit, again=True)])

    async def text(self, *, limit: int | None = _SITE) -> str:
        """The whole body as UTF-8 text; bytes that are none become U+FFFD. Raises as `bytes` does."""
        return (await self.bytes(limit=limit)).decode("utf-8", "replace").removeprefix("\ufeff")

    async def json(self, *, limit: int | None = _SITE) -> Any:
        """The whole body as JSON, whatever its type says. Raises `BodyError` where it is none, else as `bytes` does."""
        body = await self.bytes(limit=limit)
        try:
            return json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
        except RecursionError:
            raise BodyError("The body is JSON that is nested too deeply.") from None
        except ValueError as error:
            raise BodyError(f"The body is no JSON: {error}") from None

    async def form(self, *, limit: int | None = _SITE) -> FormData:
        """The fields and files of a form, urlencoded or multipart; files beyond a megabyte lie on disk.

        Raises `BodyError` for another type and for a malformed body, `BodyTooLarge` also for more than a thousand fields and
        files or for a field beyond a megabyte, else as `bytes` does.
        """
        from ondemand.forms import read_form

        types = self.headers.getlist("content-type")
        form = await read_form(types[0] if len(types) == 1 else "", self._chunks(limit))
        self._forms.append(form)
        return form

    def stream(self, *, limit: int | None = _SITE) -> AsyncIterator[_Bytes]:
        """The body as it comes. Raises as `bytes` does, at the first chunk or at the one that is too much."""
        return self._chunks(limit)

    async def _chunks(self, limit: int | None, *, again: bool = False) -> AsyncIterator[_Bytes]:
        allowed = self._limit if limit is _SITE else limit
        if self._inbox.used_by:
            raise BodyUsed(
                f"The body of this request was read already, by {self._inbox.used_by}. Read it once and keep the result."
            )
        self._inbox.used_by = "page code"
        if self.method in {"GET", "HEAD"}:
            return
        declared = self.headers.get("content-length", "")
        if allowed is not None and declared.isascii() and declared.isdigit() and _exceeds(declared, allowed):
            self._inbox.refuse()
            raise _too_large(allowed)
        size = 0
        async for chunk in self._inbox.chunks(again=again):
            size += len(chunk)
            if allowed is not None and size > allowed:
                self._inbox.refuse()
                raise _too_large(allowed)
            yield chunk

    async def disconnected(self) -> None:
        """Wait until the visitor has left: `await asyncio.wait([work, asyncio.ensure_future(page.request.disconnected())],
        return_when=FIRST_COMPLETED)`. What comes of the body meanwhile stays readable."""
        await self._inbox.disconnected()


def raw_target(scope: Scope) -> str:
    """Path and query of the request as they came, safe to stand in a URL."""
    raw: bytes = scope.get("raw_path") or to_url(scope["path"]).encode()
    query = bytes(scope.get("query_string", b""))
    path = raw.partition(b"?")[0]
    target = (b"" if path.startswith(b"/") else b"/") + path + (b"?" + query if query else b"")
    return "".join(chr(byte) if 0x21 <= byte <= 0x7E and byte != 0x23 else f"%{byte:02X}" for byte in target)


def _exceeds(declared: str, allowed: int) -> bool:
    return len(declared) > 18 or int(declared) > allowed


def _too_large(allowed: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body of the request is larger than {allowed} bytes.")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
