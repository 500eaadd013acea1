"""Exchange: a page, and what passes between the server and the app on its behalf.

`OnDemand` gives the app the `send` and `receive` of this, so that what a page says about the answer is in it, whoever sends it,
and so that a body is read by one side only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ondemand._asgi import Headers, Message, Receive, Scope, Send
from ondemand.contexts import Page
from ondemand.merging import WITHOUT_BODY
from ondemand.recording import Recording

if TYPE_CHECKING:
    from ondemand.pages import PageRoute

__all__ = ["Exchange"]


class Exchange(Page):
    """The page of one request, as `OnDemand` and the site handle it."""

    _private = False
    _said_nothing = False

    @property
    def scope(self) -> Scope:
        """The ASGI scope that the app was given."""
        return self._scope

    @property
    def path(self) -> str:
        """The path as the site knows it, decoded, without root_path and `base`."""
        return self._path

    @property
    def is_captured(self) -> bool:
        """True while a build renders this page."""
        return self._recording is not None

    @property
    def has_started(self) -> bool:
        """True if the first byte of the answer is out."""
        return self._started

    async def receive(self) -> Message:
        """The app's `receive`: passes on what the server says, and remembers that the body was read."""
        if self._inbox is not None:
            return await self._inbox.receive()
        message = await self._receive()
        if message["type"] == "http.request":
            self._body_read = True
        return message

    async def send(self, message: Message) -> None:
        """The app's `send`: puts what the page says about the answer into it."""
        if message["type"] == "http.response.start":
            if self._touched and not self._started:
                message = self._merged(message)
            self._started = True
        await self._send(message)

    def _merged(self, message: Message) -> Message:
        status: int = message["status"]
        headers: Headers = list(message.get("headers", ()))
        if self._response is not None:
            final, headers = self._response.merged(status, headers, given=self._given)
            if final in WITHOUT_BODY and status not in WITHOUT_BODY:
                self._send = _without_body(self._send)
            self._response.seal()
            status = final
        if self._cookies is not None:
            headers += [(b"set-cookie", value.encode("latin-1")) for value in self._cookies.headers()]
            self._cookies.seal()
        return {**message, "status": status, "headers": headers}

    @property
    def is_rewritten(self) -> bool:
        """True if this is another path's page than the one that was asked for."""
        return bool(self._rewrites)

    @property
    def route(self) -> PageRoute | None:
        """The route of our own that answers, once it is found."""
        return self._route

    def take_route(self, route: PageRoute, params: Mapping[str, str], props: Mapping[str, Any] | None) -> None:
        """A route of our own answers."""
        from ondemand.pages import readable

        self._route, self._params, self._props = route, readable(params, route), props
        if route.pattern.text == "/500" and not props and not self.is_captured:
            self._props = {"error": None}  # somebody asked for it by its address
        if route.pattern.text in {"/404", "/500"} and (self._response is None or not self._response.says_status):
            self.response.status = int(route.pattern.text[1:])

    def forget_query(self) -> None:
        """The page is static, and sees no query live either: what it shows must not change when it is built (Astro)."""
        self._scope, self._opened = {**self._scope, "query_string": b""}, None

    @property
    def streams(self) -> bool:
        """False if the answer is rendered whole before its first byte is sent."""
        return self._recording is None and self._site.streams(self)

    async def visitor_leaves(self) -> None:
        """Wait until the visitor has left, while the answer is sent."""
        await self._mail().disconnected(answered=True)

    def forget_caching(self) -> None:
        """The page failed: what it said about how long its answer may be kept is not true of the answer that takes its place."""
        if self._response is not None and not self._started:
            self._response.forget_caching()

    def settle(self, response: Any, *, given: bool) -> None:
        """Put what the page says of the answer into `response`, which middleware looks at; given: see `response_given`. What is
        said from here on is merged when it is sent."""
        if self._response is not None:
            response.status_code, headers = self._response.merged(
                response.status_code, response.raw_headers, given=given
            )
            response.raw_headers[:] = headers
            self._response.clear()

    def turn_to(self, target: str) -> None:
        """From here on this page is that of another path: see `Page.rewrite`."""
        path, query = self._rewrite_target(target)
        self._site.turn(self, path, query)

    def take_params(self, params: Mapping[str, Any] | None) -> None:
        """While a guard runs, the params are those of its rule; None: those of the route."""
        self._params = params

    def take_props(self, props: Mapping[str, Any] | None) -> None:
        """What the route's mark gives for this path."""
        self._props = props

    def keep_body(self) -> None:
        """What is read of the body from here on may be wanted again: see `release_body`."""
        if self._scope["method"] not in {"GET", "HEAD"}:
            self._mail().keep()

    def release_body(self) -> None:
        """What was read of the body since `keep_body` is there again, for whoever comes next."""
        if self._inbox is not None:
            self._inbox.rewind()

    def begins_error(self) -> bool:
        """True once: the page for an error is about to be rendered."""
        begins, self._shows_error = not self._shows_error, True
        return begins

    def be_private(self) -> None:
        """A guard decides about the answer: shared caches must not keep it."""
        if not self._private:
            self._private, self._send = True, _private(self._send)

    def be_captured(self, recording: Recording) -> None:
        """A build asks."""
        self._recording = recording

    def response_given(self, *, given: bool = True) -> None:
        """The answer is an `ondemand.Response`."""
        self._given = given

    async def receive_nothing(self) -> Message:
        """The `receive` of the page for an error: no body, then the visitor's leaving."""
        if not self._said_nothing:
            self._said_nothing = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._mail().disconnected()
        return {"type": "http.disconnect"}

    def expect_raised(self) -> None:
        """Page code raises what is an answer: see `answer_raised`."""
        from ondemand.responses import answer_raised

        answer_raised(self._scope)

    async def show_error(self, status: int, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the site's page for `status`."""
        await self._site.error_page(self, status, headers, scope, receive, send)

    async def follow_rewrite(self, target: str, send: Send) -> None:
        """Answer with what another path answers: see `rewrite`."""
        path, query = self._rewrite_target(target)
        await self._site.rewrite(self, path, query, send)

    def become(self, path: str, scope: Scope) -> int:
        """The page is now that of another path; answers how many rewrites there were."""
        if self._first_path is None:
            self._first_path = self._path
        self._path, self._scope = path, scope
        self._opened = self._response = self._params = self._props = self._route = None
        self._shows_error = False
        self._given = False
        self._rewrites += 1
        return self._rewrites


def _without_body(send: Send) -> Send:
    async def without_body(message: Message) -> None:
        if message["type"] in {"http.response.pathsend", "http.response.zerocopysend"}:
            message = {"type": "http.response.body"}
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return without_body


def _private(send: Send) -> Send:
    """Keep shared caches from what a guard decided about."""

    async def private_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(n, v) for n, v in message.get("headers", ()) if n.lower() not in {b"cache-control", b"expires"}]
            message = {**message, "headers": [*headers, (b"cache-control", b"private, no-store")]}
        await send(message)

    return private_send
