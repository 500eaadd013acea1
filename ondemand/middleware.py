"""OnDemand: the wrapper. The whole order of a request is in `OnDemand.__call__`, read from top to bottom."""

from __future__ import annotations

import sys
from pathlib import Path
from time import monotonic, time
from typing import Any, cast

from ondemand._asgi import CURRENT, ASGIApp, Message, Receive, Scope, Send, inner_apps
from ondemand.config import Config, project_root, read_project
from ondemand.errors import ConfigError, OnDemandError, StoreError
from ondemand.guarding import answers_raised, guarded
from ondemand.modes import is_developed, say
from ondemand.notices import send_redirect, send_text
from ondemand.recording import CAPTURE, Recording
from ondemand.site import Site
from ondemand.snapshots.server import request_headers

__all__ = ["OnDemand"]

REGISTER = "ondemand.register"
"""The key in a lifespan scope under which a build collects the wrappers of an app."""


class OnDemand:
    """Serves the snapshots of an app and lets everything else through to it.

        app.add_middleware(OnDemand, site="https://example.com")     # FastAPI, Starlette: add it first
        app = OnDemand(app, routes=["/", "/about"])                  # any ASGI app

    Settings: see `ondemand.config.Config`. They beat `[tool.ondemand]` in pyproject.toml. Raises `ConfigError` for a
    wrong one: here, or, where a framework makes the object later, as a failed start.
    With no build present, everything is rendered by the app.
    """

    def __init__(self, app: ASGIApp | None = None, /, **settings: Any) -> None:
        app = settings.pop("app", app)  # positional for type checkers: Starlette's middleware take theirs so
        self.app: ASGIApp = app if app is not None else _not_found
        # "hybrid" is said once, by the check below
        self._settings = {**settings, "output": "static"} if settings.get("output") == "hybrid" else settings
        self._site: Site | None = None
        for inner in inner_apps(self.app):
            if isinstance(handlers := getattr(inner, "exception_handlers", None), dict) and hasattr(inner, "router"):
                from ondemand.responses import teach

                teach(cast("dict[Any, Any]", handlers), cast("dict[Any, Any]", handlers))
        try:
            Config.make(settings, root=Path.cwd())
        except ConfigError:
            # Starlette makes its middleware inside the lifespan, where an exception is taken for an app without
            # lifespan, and the site would start broken. `_start` tells it as a failed start, which stops the server.
            if sys._getframe(1).f_code.co_name != "build_middleware_stack":  # pyright: ignore[reportPrivateUsage]
                raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        site = self._site or self.site(scope)

        # 1. The path as the site knows it, without what mounts and servers put in front of it.
        path, root_path = scope["path"], scope.get("root_path") or ""
        if root_path or site.prefix:
            known = site.strip(scope)
            if known is None and CAPTURE not in scope:
                await _not_found(scope, receive, send)
                return
            path = known or path
            scope = site.inside(scope)
            root_path = scope.get("root_path") or ""

        # 2. A build asks: what the app itself answers is recorded on its way out, and nothing stands in front of it.
        recording: Recording | None = None
        if CAPTURE in scope and isinstance(captured := scope[CAPTURE], Recording):
            published = None
            if not captured.begun:  # an OnDemand inside another has nothing of its own to record
                recording = captured
                scope, send = recording.begin(scope, send, in_tasks=site.in_tasks)
        else:
            published = site.published

        # 3. A snapshot that was sent before to such a request: a look-up and two messages. What would need a second
        #    look (conditions, ranges, parts of pages, Vary, a query, an escape in the path, guards) is left to step 6.
        if published is not None:
            if monotonic() >= published.look_again:
                published.look()
            server = published.server
            if server is not None and (ready := server.ready.get(path)) is not None and scope["method"] == "GET":
                pairs = scope["headers"]
                headers = dict(pairs)
                if ready.watched.isdisjoint(headers) and len(headers) == len(pairs) and not scope["query_string"]:
                    quick = ready.quick.get(headers.get(b"accept-encoding"))
                    if quick is not None and b"%" not in (scope.get("raw_path") or b""):
                        ready.used = True
                        await send({"type": "http.response.start", "status": quick[0], "headers": [*quick[1]]})
                        await send({"type": "http.response.body", "body": quick[2]})
                        return
        else:
            server = None

        # 4. A host that the site does not answer to.
        if site.checks_host and recording is None and not site.proxies.allows(scope):
            await send_text(scope, send, 400, "This site does not answer to that host.\n")
            return

        # 5. A redirect to the spelling that the site uses, if it asked for one and something is there.
        asked = site.redirects_slashes and recording is None
        if asked and (location := site.canonical(server, path, scope)) is not None:
            guards = site.guards(path)
            page = site.make_page(site, scope, receive, send, path, root_path)
            if not guards or not await guarded(guards, page):
                await send_redirect(301 if scope["method"] in {"GET", "HEAD"} else 308, location, page.send)
            return

        # 6. A snapshot, if one was made for exactly this request.
        if server is not None and (scope["method"] == "GET" or scope["method"] == "HEAD"):
            answer = server.find(path) or (site.find_other_spelling(server, path) if site.spells_freely else None)
            if answer is not None:
                headers = request_headers(scope)
                if answer.fits(scope, headers) and (not site.hosts or site.serves(headers)):
                    reply_to = send
                    if answer.guards:
                        page = site.make_page(site, scope, receive, send, path, root_path)
                        if await guarded(answer.guards, page):
                            return
                        reply_to = page.send
                    try:
                        reply = answer.reply(scope["method"], headers)
                    except StoreError as error:
                        if not error.passing:
                            server.drop(answer.snapshot.path, error)
                    else:
                        try:
                            await reply.send(scope, reply_to)
                        except StoreError as error:
                            server.drop(answer.snapshot.path, error)
                            raise  # so that the server ends the connection
                        return

        # 7. The app, with a page, behind what the configuration asks for in front of it. What page code raises for an
        #    answer is one.
        page = site.make_page(site, scope, receive, send, path, root_path)
        if recording is not None:
            page.be_captured(recording)
        token = CURRENT.set(page)
        try:
            if site.has_duties and recording is None and await site.answers(server, page):
                return
            await site.app(scope, page.receive, page.send)
        except OnDemandError as error:
            if not await answers_raised(error, page, page.send):
                raise
        finally:
            if (request := page._opened) is not None:  # pyright: ignore[reportPrivateUsage] - a property would cost more
                request.close()
            if recording is not None:
                recording.end(sys.exc_info()[1])
            try:  # noqa: SIM105 - as `leave`, without a call on every request
                CURRENT.reset(token)
            except ValueError:
                pass

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if scope["type"] == "websocket":
            site = self._site or self.site(scope)
            if site.checks_host and not site.proxies.allows(scope):
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
        await self.app(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on; read the site when the app has started, or says that it has no lifespan, and fail the start if it is
        wrong."""
        if isinstance(register := scope.get(REGISTER), list):
            cast("list[OnDemand]", register).append(self)

        answered = refused = False

        async def read_site() -> None:
            nonlocal refused
            try:
                self.site(scope)
            except ConfigError as error:
                refused = True
                await send({"type": "lifespan.startup.failed", "message": f"ondemand: {error}"})
                raise

        async def started(message: Message) -> None:
            nonlocal answered
            answered = True
            if message["type"] == "lifespan.startup.complete":
                await read_site()
            if not refused:  # what the app says of our exception would be a second answer
                await send(message)

        try:
            await self.app(scope, receive, started)
        except Exception:
            if not answered:
                await read_site()
            raise

    def site(self, scope: Scope | None = None) -> Site:
        """The site, read from the app when first asked for. Raises `ConfigError`."""
        if self._site is None:
            outer = scope.get("app") if scope is not None else None
            if any(inner is outer for inner in inner_apps(self.app)):
                outer = None  # it is inside, and wrote itself into the scope on an earlier pass
            root = next((folder for app in (outer, self, *inner_apps(self.app)) if (folder := project_root(app))), None)
            root = root or Path.cwd()
            config = Config.make({**read_project(root), **self._settings}, root=root)
            pages = root / config.pages.folder if config.pages is not None and config.pages.folder is not None else None
            for key, folder in (("public", config.public), ("templates", config.templates), ("pages", pages)):
                if isinstance(folder, Path) and not folder.is_dir():
                    raise ConfigError(f"{key}={str(folder)!r} is no folder. Make it, or correct the name.")
            site = Site(self, outer, config, alone=self.app is _not_found)
            if is_developed():
                from ondemand.debug_page import ADDRESS, DebugPage

                site.app = DebugPage(site.app, site, clock=time)
                say(f"what answers each path, and why: {site.prefix}{ADDRESS}")
            self._site = site
        return self._site

    def forget(self) -> None:
        """Read the site anew at the next request: a build of this very object has ended."""
        self._site = None


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    body = b"Not Found"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
