"""The pages of our own, and the pages for errors, in front of the wrapped app.

Imported by a site that has them: what pages are made of is not loaded for one that serves snapshots alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from ondemand._asgi import CURRENT, ASGIApp, Headers, Message, Receive, Scope, Send
from ondemand.errors import OnDemandError, RequestError
from ondemand.frames import traceback_of
from ondemand.guarding import guard_answer
from ondemand.notices import send_redirect, send_text
from ondemand.pages import PageRoute, SitePages, readable
from ondemand.responses import Redirect, Response
from ondemand.routing import Route, decide, to_query, to_url
from ondemand.sequencing import Handler, run, running
from ondemand.snapshots.server import request_headers

if TYPE_CHECKING:
    from ondemand.exchange import Exchange
    from ondemand.site import Site

__all__ = ["AppErrors", "OwnPages", "is_malformed"]

log = logging.getLogger("ondemand")


class Found(NamedTuple):
    """The route of ours that answers a path. params: as they stand in the path."""

    route: PageRoute
    params: dict[str, str]
    props: Mapping[str, Any] | None


class OwnPages:
    """Answers with the pages of our own; what they do not cover reaches the app, if there is one."""

    def __init__(self, app: ASGIApp, site: Site, pages: SitePages, *, alone: bool) -> None:
        """alone: there is no app inside."""
        self.app = app
        self._site = site
        self._pages = pages
        self._alone = alone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page: Exchange = CURRENT.get()
        path = page.path
        malformed = is_malformed(scope)
        try:
            route = await self._find(page, path) if not malformed or not self._alone else None
        except (Redirect, RequestError):
            raise
        except Exception as error:  # of the paths or props of a page
            await self._failed(page, error, "the paths of a page", receive, send)
            return
        if malformed and (route is not None or self._alone):
            await send_text(scope, send, 400, "The path of this request is malformed.\n")
            return
        if route is None:
            if (other := self.elsewhere(path)) is not None:
                await self._redirect(page, other, send)
                return
            if not self._alone and self._is_missing(path, scope["method"]):
                await self._show_missing(page, receive, send)
                return
            if not self._alone and not self._pages.app_handlers:
                await self.app(scope, receive, send)
                return
            if not self._alone and _clean(path) != path:  # middleware must see the path that the app answers
                await self._redirect(page, _clean(path), send)
                return
        ours = route is not None or self._alone
        if ours and (reason := self._site.origin_refusal(page, route, ours=True)) is not None:
            log.info("refused %s %s: %s", scope["method"], to_url(page.path), reason.partition("\n")[2].strip())
            await send_text(scope, send, 403, reason)
            return
        await self._answer(page, route, receive, _headless(send) if scope["method"] == "HEAD" else send)

    async def _answer(self, page: Exchange, route: PageRoute | None, receive: Receive, send: Send) -> None:
        """Answer, through the middleware; what a page raises becomes the page for errors."""
        handlers = self._pages.handlers if route is not None or self._alone else self._pages.app_handlers
        try:
            if handlers:
                await self._through(handlers, page, receive, send)
            else:
                response = await self._response(page)
                await response(page.scope, receive, send)
        except (Redirect, RequestError):
            raise
        except Exception as error:
            if route is None and not self._alone:  # the app's own
                raise
            await self._failed(
                page, error, page.route.name if page.route is not None else "a middleware", receive, send
            )

    async def _failed(self, page: Exchange, error: Exception, name: str, receive: Receive, send: Send) -> None:
        """Answer with the page for errors; raise again what a build asked for, and what comes too late for a page."""
        if page.is_captured or page.has_started:
            raise error
        whole = None if isinstance(error, OnDemandError) else error.__traceback__
        told = (type(error), error, traceback_of(error) or whole)
        log.error("%s %s: %s failed", page.scope["method"], to_url(page.path), name, exc_info=told)
        await self._site.show_failure(page, error, name, receive, send)

    def _is_missing(self, path: str, method: str) -> bool:
        """True for a path that our patterns cover and our pages do not know, where the app has no route either."""
        table = self._site.app_table
        return table.known and any(self._pages.matching(path)) and table.match(path, method=method) is None

    async def _show_missing(self, page: Exchange, receive: Receive, send: Send) -> None:
        try:
            response = await self._site.missing(page)
            await response(page.scope, receive, send)
        except (Redirect, RequestError):
            raise
        except Exception as error:
            await self._failed(page, error, "the page /404", receive, send)

    async def _through(self, handlers: Sequence[Handler], page: Exchange, receive: Receive, send: Send) -> None:
        """Answer with what `handlers` make of the page's response."""
        async with AsyncExitStack() as stack:

            async def last() -> Any:
                return await _begun(await self._response(page, stack), page, stack)

            response = await run(handlers, page, last)
            await response(page.scope, receive, send)

    async def _response(self, page: Exchange, stack: AsyncExitStack | None = None) -> Any:
        """What the page, or the app, answers: a response that is not sent yet. stack: what ends the app."""
        route = page.route
        if route is None and page.is_rewritten:
            # Middleware leads to another path: what stands in front of that one is asked as well.
            route = await self._find(page, page.path)
            if (refused := await self._refused(page, route)) is not None:
                return refused
        if route is not None:
            return await route.loaded.answer(page)
        if stack is not None and not self._alone:
            return await running(self.app, page.scope, page.receive, stack)
        return await self._site.missing(page)

    async def _refused(self, page: Exchange, route: PageRoute | None) -> Any:
        """The response of the guards, or of the origin check, in front of the path that middleware leads to; None to pass."""
        if (reason := self._site.origin_refusal(page, route, ours=route is not None or self._alone)) is not None:
            return Response(reason, 403, {"content-type": "text/plain; charset=utf-8"})
        return await guard_answer(self._site.guards(page.path, route), page)

    async def _find(self, page: Exchange, path: str) -> PageRoute | None:
        """The route of ours that answers `path`; the page is told. None if there is none."""
        scope = page.scope
        found = await self.find(path, scope["method"], scope.get("state"))
        if found is None:
            return None
        page.take_route(*found)
        if scope["query_string"] and decide(found.route, self._site.config, path).is_static:
            page.forget_query()
        return found.route

    async def find(
        self,
        path: str,
        method: str = "GET",
        state: Mapping[str, Any] | None = None,
        is_published: Callable[[str], bool | None] | None = None,
    ) -> Found | None:
        """The route of ours that answers `path`, with its params and props: the first that covers it and, if it has paths, is
        given these params by them. None if there is none, or if the app has a route that says more about the path.

        state: of the lifespan, for `paths`. is_published: `Site.is_published`, or what stands for it.
        """
        if _clean(path) != path:
            return None  # a page has one spelling: guards, rules and middleware see the path that is answered
        apps: Any = None
        reads = method in {"GET", "HEAD"}
        for route, params in self._pages.matching(path):
            if not self._alone and not (reads and route.pattern.is_literal):
                apps = apps or self._site.app_table.match(path, method=method)
                if apps is not None and self._is_the_apps(apps, route, method):
                    return None
            known, props = await self._props(route, path, params, state, is_published or self._site.is_published)
            if known:
                return Found(route, params, props)
        return None

    @staticmethod
    def _is_the_apps(apps: Route, route: PageRoute, method: str) -> bool:
        """True if the app's route says more about the path than ours; or as much, and takes a form that ours does not ask for."""
        theirs, ours = apps.pattern.specificity, route.pattern.specificity
        if theirs != ours or method in {"GET", "HEAD"}:
            return theirs > ours
        return not route.is_endpoint or (route.methods is not None and method not in route.methods)

    async def _props(
        self,
        route: PageRoute,
        path: str,
        params: dict[str, str],
        state: Mapping[str, Any] | None,
        is_published: Callable[[str], bool | None],
    ) -> tuple[bool, Any]:
        """Whether there is a page for these params, and its props."""
        source = self._site.props_of(route)
        if source is None:
            return True, None
        mark = route.mark
        decision = decide(route, self._site.config, path)
        closed = decision.kind == "static" and not decision.auto and mark is not None and mark.unknown == "404"
        closed = closed and not route.pattern.is_literal
        if closed and (published := is_published(path)) is not None:
            if not published:
                return False, None
            closed = False
        elif not decision.is_static and mark is not None and mark.props is None:
            return True, None  # its paths are of no meaning on demand (Astro: ignored, with a warning)
        context = self._site.paths_context_in(route, state)
        props = await source.of(path, readable(params, route), context, closed=closed)
        return props is not None, props

    def elsewhere(self, path: str) -> str | None:
        """The spelling of `path` under which there is a page of ours, if it has repeated slashes or dot segments."""
        clean = _clean(path)
        if clean == path:
            return None
        slash = self._site.config.trailing_slash
        other = {"always": clean.rstrip("/") + "/", "never": clean.rstrip("/") or "/"}.get(slash, clean)
        return next((one for one in (other, clean) if any(self._pages.matching(one))), None)

    async def _redirect(self, page: Exchange, path: str, send: Send) -> None:
        front = page.root_path.rstrip("/")
        location = to_url(front + path) + to_query(bytes(page.scope["query_string"]))
        await send_redirect(301 if page.scope["method"] in {"GET", "HEAD"} else 308, location, send)


async def _begun(response: Any, page: Exchange, stack: AsyncExitStack) -> Any:
    """`response` as middleware sees it: made up to its first wait, with what the page says of the answer in it."""
    if isinstance(response, Response):
        stack.push_async_callback(response.discard)
        await response.begin()
        page.settle(response, given=response.is_final)
    return response


def _clean(path: str) -> str:
    """`path` without empty and dot segments (RFC 3986 section 5.2.4), which browsers and proxies take out themselves."""
    if "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in {"", "."}:
            kept.append(segment)
    ends = path.endswith(("/", "/.", "/.."))
    return "/" + "/".join(kept) + ("/" if ends and kept else "")


def is_malformed(scope: Scope) -> bool:
    """True for a path with an escape that is none, with bytes that are no UTF-8, or with NUL."""
    path: str = scope["path"]
    if "\0" in path:
        return True
    raw: bytes = scope.get("raw_path") or b""
    if b"%" not in raw:
        return "\ufffd" in path and "\ufffd".encode() not in raw
    if re.search(rb"%(?![0-9A-Fa-f]{2})", raw.partition(b"?")[0]):
        return True
    try:
        unquote_to_bytes(raw.partition(b"?")[0]).decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _headless(send: Send) -> Send:
    """HEAD has no body, whoever answers it."""

    async def without_body(message: Message) -> None:
        if message["type"] == "http.response.body" and message.get("body"):
            message = {**message, "body": b""}
        elif message["type"] in {"http.response.pathsend", "http.response.zerocopysend"}:
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return without_body


class AppErrors:
    """Shows the site's pages for errors in the place of the wrapped app's own (`error_pages="all"`): of 404, and of 500 and
    what the app raises. Who asks for something else than HTML gets the app's answer, and so does who takes anything (curl,
    fetch) where a route of the app answers in JSON."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _takes_html(scope):
            await self.app(scope, receive, send)
            return
        page: Exchange = CURRENT.get()
        asks = b"text/html" in request_headers(scope).get(b"accept", b"").lower()
        has_route = self._site.app_table.match(page.path, method=scope["method"]) is not None
        shown = 0
        sent = False
        headers: Headers = []

        async def watch(message: Message) -> None:
            nonlocal shown, sent, headers
            if message["type"] == "http.response.start" and message["status"] in {404, 500}:
                headers = list(message.get("headers", ()))
                if asks or not (has_route and _is_json(headers)):
                    shown = message["status"]
            if not shown:
                await send(message)
            elif shown == 404 and not sent and message["type"] == "http.response.body":  # it may go on for ever
                sent = True
                await self._site.error_page(page, shown, headers, scope, receive, send)

        try:
            await self.app(scope, receive, watch)
        except (Redirect, RequestError):
            raise
        except Exception as error:
            if not page.has_started and not page.is_captured:
                await self._site.error_page(page, 500, [], scope, receive, send, error)
            raise
        if shown and not sent:
            await self._site.error_page(page, shown, headers, scope, receive, send)


def _takes_html(scope: Scope) -> bool:
    accept = request_headers(scope).get(b"accept", b"*/*").decode("latin-1").lower()
    return "text/html" in accept or "*/*" in accept.partition(";")[0]


def _is_json(headers: Headers) -> bool:
    return any(name.lower() == b"content-type" and b"json" in value.lower() for name, value in headers)
