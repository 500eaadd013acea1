"""The response that page code may return, and the redirect that it may raise.

Where Starlette is installed, `Response` is a Starlette response, so that FastAPI and Starlette pass it through as it is;
elsewhere it is a small ASGI app of its own. The same arguments and the same bytes on the wire.
"""

from __future__ import annotations

import asyncio
import inspect
import json as _json
import sys
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from ondemand._asgi import CURRENT, Message, Receive, Scope, Send
from ondemand.errors import OnDemandError, PageUnavailable, RequestError
from ondemand.headers import RawHeaders, checked_field
from ondemand.merging import too_late
from ondemand.routing import redirect_target
from ondemand.streaming import CHUNK, Iteration, Work, begin, discard, stream

__all__ = ["Redirect", "Response", "Rewrite", "answer_raised", "response_to", "starlette_request", "teach"]

Body = str | bytes | None | Iterable[str | bytes] | AsyncIterable[str | bytes]
HeaderPairs = Mapping[str, str] | Sequence[tuple[str, str]]

_REDIRECTS = (301, 302, 303, 307, 308)
_WITHOUT_BODY = (204, 304)


class _PlainResponse:
    """What `Response` is built on where Starlette is not installed: the part of its interface that is used here."""

    background: Any = None

    def __init__(self, content: bytes, status_code: int) -> None:
        self.body = content
        self.status_code = status_code
        self.raw_headers: list[tuple[bytes, bytes]] = []

    @property
    def headers(self) -> RawHeaders:
        """The headers, to look at and to change."""
        return RawHeaders(self.raw_headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise NotImplementedError  # Starlette's knows how to refuse a WebSocket


if TYPE_CHECKING:
    from starlette.responses import Response as _Base
else:
    try:
        from starlette.responses import Response as _Base
    except ImportError:
        _Base = _PlainResponse


class Response(_Base):
    """An answer: `Response("<h1>Hello</h1>")`, `Response.json({...})`, `Response.redirect("/login")`.

    body: text (HTML, unless `headers` names another content type), bytes, or an iterable or async iterable of them, which is
    sent as it comes. None with status 404 or 500 shows the site's page for that status, unless `headers` names a content
    type; otherwise an empty body. status: 200 to 599. headers: a mapping, or pairs where a name is repeated. status_text: for
    Astro's sake; HTTP/2 and ASGI have none, and it is not sent.
    Raises `ValueError` for a status or header that HTTP does not have.
    """

    chunks: Iterable[str | bytes] | AsyncIterable[str | bytes] | None = None
    shows_page = False
    is_empty = False

    streams = True
    """False: send a body that is made bit by bit in one piece, when it is complete."""

    is_final = True
    """What it says of status and headers is final, whatever `page.response` says."""

    _begun: Work | None = None

    def __init__(
        self,
        body: Body = None,
        status: int | HTTPStatus = 200,
        headers: HeaderPairs | None = None,
        status_text: str | None = None,
    ) -> None:
        if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"Response(status={status!r}): it takes a number between 200 and 599.")
        fields = _fields(headers)
        names = {name for name, _ in fields}
        self.is_empty = body is None
        self.shows_page = body is None and int(status) in {404, 500} and "content-type" not in names
        if isinstance(body, str) and "content-type" not in names:
            fields.append(("content-type", "text/html; charset=utf-8"))
        if body is not None and not isinstance(body, str | bytes):
            given = cast("object", body)
            if isinstance(given, Mapping | list | tuple | set) or not isinstance(given, Iterable | AsyncIterable):
                kind = type(cast("object", given)).__name__
                raise TypeError(
                    f"Response(body=...) was given {kind}. It takes text, bytes, or a generator of them. "
                    "For JSON: Response.json(...)."
                )
            self.chunks = body
        content = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else b""
        super().__init__(content, int(status))
        self.status_text = status_text
        self.raw_headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields]
        if self.chunks is None and int(status) not in _WITHOUT_BODY and "content-length" not in names:
            self.raw_headers.append((b"content-length", str(len(content)).encode()))

    @classmethod
    def html(cls, body: str, status: int = 200, headers: HeaderPairs | None = None) -> Response:
        """An HTML document."""
        return cls(body, status, headers)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: HeaderPairs | None = None) -> Response:
        """`value` as JSON. Raises `ValueError` for what JSON has not (NaN), `TypeError` for other objects."""
        text = _json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        given = _fields(headers)
        if not any(name == "content-type" for name, _ in given):
            given.append(("content-type", "application/json"))
        return cls(text.encode("utf-8", "surrogatepass"), status, given)

    @classmethod
    def redirect(cls, url: object, status: int | str = 302) -> Response:
        """A redirect. url: text, or what says itself as text (the URL of a framework). Raises `ValueError` for another
        status than 301, 302, 303, 307, 308 (as text, too) and for a bad target: see `ondemand.routing.redirect_target`."""
        code = int(status) if isinstance(status, str) and status.isascii() and status.isdigit() else status
        if isinstance(code, bool | float) or code not in _REDIRECTS:
            raise ValueError(f"redirect(status={status!r}): it takes one of {', '.join(map(str, _REDIRECTS))}.")
        if url is None or isinstance(url, bool | bytes):
            raise ValueError(f"redirect({url!r}): this is no URL.")
        return cls(b"", int(code), {"location": redirect_target(str(url))})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await super().__call__(scope, receive, send)
            return
        page: Any = CURRENT.get(None)
        if page is not None:
            page.response_given(given=self.is_final)
        if self.shows_page and page is not None:
            await page.show_error(self.status_code, self.raw_headers, scope, receive, send)
        else:
            await self._send_body(page, scope, receive, send)
        if self.background is not None:
            await self.background()

    async def _send_body(self, page: Any, scope: Scope, receive: Receive, send: Send) -> None:
        whole = not self.streams or (page is not None and page.is_captured)
        if self.status_code in _WITHOUT_BODY:
            await self.discard()
            await send({"type": "http.response.start", "status": self.status_code, "headers": [*self.raw_headers]})
            await send({"type": "http.response.body", "body": b""})
            return
        begun, self._begun = self._begun, None
        if (work := begun or self._work(streams=not whole)) is not None:
            headers = self.raw_headers
            status = self.status_code
            try:
                await stream(
                    work,
                    status=status,
                    headers=headers,
                    scope=scope,
                    receive=receive,
                    send=send,
                    page=page,
                    whole=whole,
                )
            except (Redirect, RequestError) as error:
                if page is not None and page.has_started:
                    raise too_late(f"{type(error).__name__}({error})") from error
                raise
            return
        headers = [*self.raw_headers]
        if not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else self.body})

    async def begin(self) -> None:
        """Make the body up to where it waits for the first time, so that middleware sees what the page says of the answer, and
        what it raises. Raises what making it raises."""
        page: Any = CURRENT.get(None)
        whole = not self.streams or (page is not None and page.is_captured)
        if self._begun is None and (work := self._work(streams=not whole)) is not None:
            self._begun = await begin(work)

    async def discard(self) -> None:
        """End what was begun, if it was not sent."""
        begun, self._begun = self._begun, None
        if begun is not None:
            await discard(begun)
        elif (work := self._work(streams=False)) is not None:
            work.abandon()

    async def text(self) -> str:
        """The whole body as text, UTF-8, for middleware that changes it. What is made while it is sent is made here instead.
        Raises what making it raises."""
        return (await self.read()).decode("utf-8", "replace")

    async def read(self) -> bytes:
        """As `text`, in bytes."""
        begun, self._begun = self._begun, None
        work = begun or self._work(streams=False)
        if work is not None:
            parts: list[bytes] = []

            async def keep(message: Message) -> None:
                parts.append(message.get("body", b""))

            scope: Scope = {"type": "http", "method": "GET", "path": ""}
            page: Any = CURRENT.get(None)
            await stream(work, status=200, headers=[], scope=scope, receive=_nobody, send=keep, page=page, whole=True)
            self.chunks = None
            self.body = b"".join(parts)
        return self.body

    def _work(self, *, streams: bool) -> Work | None:
        """What makes the body, where it is made while it is sent."""
        return Iteration(self.chunks, limit=CHUNK if streams else None) if self.chunks is not None else None


async def _nobody() -> Message:
    """The `receive` of a body that nobody waits for."""
    await asyncio.get_running_loop().create_future()
    return {"type": "http.disconnect"}


def _fields(headers: HeaderPairs | None) -> list[tuple[str, str]]:
    """The fields of a mapping, each name once, or of pairs, as they are. Raises `ValueError` for what is no header."""
    if isinstance(headers, Mapping):
        return list(dict(checked_field(name, value) for name, value in headers.items()).items())
    return [checked_field(name, value) for name, value in headers or ()]


class Rewrite(Response):
    """The answer of another path of the same site, in the place of this one: what `page.rewrite()` gives."""

    def __init__(self, target: str) -> None:
        super().__init__(b"")
        self.target = target

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page: Any = CURRENT.get(None)
        if page is None:
            raise PageUnavailable("page.rewrite() needs OnDemand in front of the app: app.add_middleware(OnDemand)")
        await page.follow_rewrite(self.target, send)


class Redirect(OnDemandError):  # noqa: N818 - it says what is
    """Raise it anywhere before the first byte of the answer, and the answer is a redirect: `raise Redirect("/login")`.

    Raises `ValueError` as `Response.redirect` does. Attribute: `response`.
    """

    def __init__(self, url: object, status: int | str = 302) -> None:
        super().__init__(str(url), status)
        self.response = Response.redirect(url, status)
        page: Any = CURRENT.get(None)
        if page is not None:
            page.expect_raised()

    def __str__(self) -> str:
        return f"{self.response.status_code} to {self.args[0]}"


def answer_raised(scope: Scope) -> None:
    """Let Starlette or FastAPI, if it runs in this request, answer `Redirect` and `RequestError` where they are raised.

    It looks for the answer to an exception in a table that it keeps in the scope; what is not in there becomes a 500 of its
    own before we see it. A bad request is answered as the app answers its own (`HTTPException`).
    """
    tables: Any = scope.get("starlette.exception_handlers")
    if tables is not None:
        teach(tables[0], tables[1])


def teach(handlers: dict[Any, Any], by_status: Mapping[int, Any]) -> None:
    """Put the answers to `Redirect` and `RequestError` into an app's table of exceptions."""
    from starlette.exceptions import HTTPException

    of_fastapi = sys.modules.get("fastapi.exceptions")
    kind: type[Any] = getattr(of_fastapi, "HTTPException", HTTPException)

    async def bad_request(request: Any, error: RequestError) -> Any:
        known = [by_status.get(error.status), *(handlers.get(cls) for cls in kind.__mro__)]
        handler = next((one for one in known if one is not None), None)
        if handler is None:
            return _bad_request(error)
        answer = handler(request, kind(error.status, str(error)))
        return await answer if inspect.isawaitable(answer) else answer

    handlers.setdefault(Redirect, _redirect)
    handlers.setdefault(RequestError, bad_request)


async def _redirect(request: Any, error: Redirect) -> Response:
    return error.response


def _bad_request(error: RequestError) -> Response:
    return Response(str(error), error.status, {"content-type": "text/plain; charset=utf-8"})


def response_to(error: Redirect | RequestError) -> Response:
    """The answer to what page code raised and nothing inside answered."""
    return error.response if isinstance(error, Redirect) else _bad_request(error)


def starlette_request(page: Any) -> Any:
    """The request of `page`, as Starlette's templates want it."""
    from starlette.requests import Request

    return Request(page.scope)
