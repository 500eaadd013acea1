"""What stands between `OnDemand` and the app that it wraps, each an ASGI app with an app inside.

From the outside in: `RuleHeaders`, `Redirects`, `WithProps`, then those of `own_pages.py`. A site has those that its
configuration asks for; a request that none of them answers reaches the app as it came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ondemand._asgi import CURRENT, ASGIApp, Message, Receive, Scope, Send
from ondemand.notices import send_redirect

if TYPE_CHECKING:
    from ondemand.site import Site

__all__ = ["Redirects", "RuleHeaders", "WithProps"]


class RuleHeaders:
    """Puts the `headers` and `vary` of rules on the app's answers, live and captured alike."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = CURRENT.get().path
        route = self._site.table.match(path, method=scope["method"], host="")
        covering = [rule for _, rule in self._site.config.rules.covering(path, route)]
        fields: dict[bytes, bytes] = {}
        for rule in reversed(covering):
            fields.update({n.lower().encode("latin-1"): v.encode("latin-1") for n, v in rule.headers.items()})
        vary = [name.lower().encode("latin-1") for rule in covering for name in rule.vary]
        if not fields and not vary:
            await self.app(scope, receive, send)
            return

        async def with_fields(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in fields]
                message = {**message, "headers": [*kept, *fields.items(), *((b"vary", name) for name in vary)]}
            await send(message)

        await self.app(scope, receive, with_fields)


class Redirects:
    """Answers the configured redirects, live and captured alike."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = CURRENT.get()
        path = page.path
        config = self._site.config
        found = config.redirects.find(path, scope["method"], page.root_path.rstrip("/"), config.trailing_slash)
        route = self._site.table.match(path) if found is not None else None
        if found is None or (route is not None and route.own):  # a page says more about the path
            await self.app(scope, receive, send)
        else:
            await send_redirect(*found, send)


class WithProps:
    """Gives a page of the app the props of its route before the app runs."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self.app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = CURRENT.get()
        if await self._site.gives_props(page):
            await self.app(scope, receive, send)
        else:
            await self._site.error_page(page, 404, [], scope, receive, send)
