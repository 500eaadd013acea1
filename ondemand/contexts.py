"""Page: one request's objects, the same at request time and while a build renders.

A page is made for every request that no snapshot answers, and costs next to nothing until it is used: each of its objects is
made when it is first asked for. What passes between the server and the app on its behalf is in `exchange.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urljoin, urlsplit

from ondemand._asgi import CURRENT, Headers, Message, Receive, Scope, Send
from ondemand.config import Config
from ondemand.cookies import Cookies
from ondemand.errors import BodyUsed, PageUnavailable, PrerenderError
from ondemand.locales import Locales
from ondemand.merging import PageResponse, too_late
from ondemand.proxies import Hosts, Proxies
from ondemand.requests import Inbox, Request, raw_target
from ondemand.routing import Route, decide, to_url
from ondemand.urls import URL

if TYPE_CHECKING:
    from ondemand.recording import Recording
    from ondemand.responses import Response
    from ondemand.templates import Templates

__all__ = ["Page", "SiteOfPage", "current_page", "templates_of"]

MISSING = """There is no page here. OnDemand makes one for each request; if it is not in front of this app, add it:

    app.add_middleware(OnDemand)     # FastAPI and Starlette; from ondemand import OnDemand
    app = OnDemand(app)              # any ASGI app; in Django, in asgi.py, which runserver and WSGI servers do not run

A WebSocket has no page, and neither has code that no request runs: there, see Page.for_test().
"""


class SiteOfPage(Protocol):
    """What a page asks of the site it belongs to."""

    config: Config
    proxies: Proxies
    locales: Locales

    def route(self, path: str, scope: Scope) -> Route | None: ...
    def streams(self, page: Any) -> bool: ...
    def turn(self, page: Any, path: str, query: str) -> None: ...
    def rewrite(self, page: Any, path: str, query: str, send: Send) -> Awaitable[None]: ...
    def error_page(
        self, page: Any, status: int, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]: ...
    def render(self, page: Page, name: str, values: Mapping[str, Any], stream: bool | None) -> Response: ...


class Page:
    """What page code is given: in FastAPI by `page: Page` (from `ondemand.fastapi`), elsewhere by `Page.of(request)` or
    `current_page()`. The same object everywhere within one request.

    Members are Astro's in snake_case; the README's table says what each does.
    """

    # What was asked for so far. Class attributes stand for "not yet", so that making a page is five assignments.
    _recording: Recording | None = None
    _inbox: Inbox | None = None
    _opened: Request | None = None

    _cookies: Cookies | None = None
    _response: PageResponse | None = None
    _params: Mapping[str, Any] | None = None
    _props: Mapping[str, Any] | None = None
    _first_path: str | None = None
    _body_read = False
    _started = False
    _given = False
    _touched = False
    _rewrites: int = 0
    _shows_error = False
    _route: Any = None  # of our own

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """FastAPI takes this class for a field of the request."""
        raise TypeError("In FastAPI, annotate with the Page of ondemand.fastapi: from ondemand.fastapi import Page")

    def __repr__(self) -> str:
        return f"<Page {self._scope['method']} {self._path}>"

    def __init__(
        self,
        site: SiteOfPage,
        scope: Scope,
        receive: Receive,
        send: Send,
        path: str,
        root_path: str = "",
    ) -> None:
        """path: the path as the site knows it, without root_path and `base`. root_path: of the scope, with `base`; mounts
        inside write theirs over it."""
        self._site = site
        self._scope = scope
        self._receive = receive
        self._send = send
        self._path = path
        self.root_path = root_path

    # --- where pages come from

    @classmethod
    def of(cls, request: Any) -> Page:
        """The page of a Starlette request that is being answered: `current_page()`, in the words of Starlette.

        Raises `PageUnavailable`, with the line to add, if OnDemand is not in front of the app.
        """
        return current_page()

    @classmethod
    def for_test(
        cls,
        target: str = "/",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        body: bytes = b"",
        params: Mapping[str, Any] | None = None,
        props: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,  # noqa: A002 - Astro's name
        **settings: Any,
    ) -> Page:
        """A page for a test that calls page code itself: `await counter(Page.for_test(cookies={"counter": "3"}))`.

        target: path and query, percent-encoded. cookies: names and raw values that the request carries. settings: as for
        `OnDemand`. What the code sets is in `page.cookies.headers()` and `page.response`.
        """
        path, _, query = target.partition("?")
        fields = {"host": "testserver", **{name.lower(): value for name, value in (headers or {}).items()}}
        if cookies:
            fields["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if body:
            fields.setdefault("content-length", str(len(body)))
        scope: Scope = {
            "type": "http",
            "method": method.upper(),
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode("ascii"),
            "query_string": query.encode("ascii"),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("testserver", 80),
            "state": dict(locals or {}),
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            """Nobody is there."""

        page = cls(_Alone(Config.make(settings, root=Path.cwd())), scope, receive, send, scope["path"])
        page._params, page._props = dict(params or {}), dict(props or {})
        return page

    # --- what was asked for

    @property
    def request(self) -> Request:
        """The request: method, url, headers, query, body."""
        if self._opened is None:
            origin = self._origin()
            scope = self._scope
            if self._recording is not None:
                scope = {**scope, "headers": self._recording.shown, "query_string": b""}
            self._opened = Request(scope, self._mail(), origin=origin, limit=self._site.config.body_limit)
            if self._recording is not None:
                self._opened.on_headers = self._recording.reading("the request's headers")
                self._opened.on_query = self._recording.reading("the request's query")
            if "starlette.exception_handlers" in self._scope:
                from ondemand.responses import answer_raised

                answer_raised(self._scope)
        return self._opened

    @property
    def url(self) -> URL:
        """The address of the page, its path decoded and encoded anew, repeated slashes joined. `request.url` is raw."""
        path = unquote(raw_target(self._scope).partition("?")[0], errors="replace")
        segments = [segment for segment in path.split("/") if segment]
        clean = to_url("/" + "/".join(segments) + ("/" if segments and path.endswith("/") else ""))
        query = bytes(self._scope.get("query_string", b"")) if self._recording is None else b""
        url = URL(self._origin() + clean + ("?" + quote(query, safe="!$&'()*+,;=:@/?%-._~") if query else ""))
        if self._recording is not None:
            url.on_query = self._recording.reading("the request's query")
        return url

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters of the route by name, percent-decoded once, always text; None for an empty rest parameter."""
        if self._params is None:
            route = self._site.route(self._path, self._scope)
            found = (route.pattern.match(self._path) or {}) if route is not None else {}
            self._params = {
                name: value.rstrip("/") or None if route and route.pattern.convertor(name) == "path" else value
                for name, value in found.items()
            }
        return self._params

    @property
    def props(self) -> Mapping[str, Any]:
        """What the route's `props=` or `paths=` give for these params, by reference; {} where they give nothing."""
        return self._props or _NoProps(self._path)

    @property
    def locals(self) -> dict[str, Any]:
        """The ASGI `state` of this request, shared with the app (`request.state`)."""
        return self._scope.setdefault("state", {})

    @property
    def client_address(self) -> str:
        """The visitor's IP address; behind `trusted_proxies`, what they say it is.

        Raises `PrerenderError` while a build renders, `PageUnavailable` where the server does not know it.
        """
        if self._recording is not None:
            self._recording.read("the client's address")
            raise PrerenderError(
                "page.client_address was read while a build renders the page: nobody visits then. "
                "Render the page on demand: @prerender(False)."
            )
        address = self._site.proxies.client_address(self._scope)
        if address is None:
            raise PageUnavailable(
                "The server does not know the visitor's address (a Unix socket has none). "
                'Behind a proxy, set trusted_proxies=["unix"].'
            )
        return address

    # --- where we are

    @property
    def site(self) -> URL | None:
        """The site's origin as configured (`site=`), or None."""
        return URL(self._site.config.site) if self._site.config.site else None

    @property
    def generator(self) -> str:
        """ "ondemand v" and the version, for `<meta name="generator">`."""
        from ondemand import __version__

        return f"ondemand v{__version__}"

    @property
    def route_pattern(self) -> str | None:
        """The pattern of the route that answers, "/blog/{slug}"; None where the app shows no routes."""
        route = self._route or self._site.route(self._path, self._scope)
        return route.pattern.text if route is not None else None

    @property
    def is_prerendered(self) -> bool:
        """True while a build renders the page, and for a page that is marked static wherever it is rendered."""
        if self._recording is not None:
            return True
        route = self._route or self._site.route(self._path, self._scope)
        return decide(route, self._site.config, self._path).kind == "static"

    @property
    def origin_pathname(self) -> str:
        """The path that was asked for, before any rewrite, without `base`, percent-encoded."""
        return to_url(self._first_path if self._first_path is not None else self._path)

    @property
    def preferred_locale(self) -> str | None:
        """Which of the site's `locales` the visitor prefers; None for none of them, and while a build renders."""
        return self._site.locales.preferred(self._accept_language())

    @property
    def preferred_locale_list(self) -> list[str]:
        """The `locales` that the visitor asks for, the most wanted first."""
        return self._site.locales.preferred_list(self._accept_language())

    @property
    def current_locale(self) -> str | None:
        """The locale that the path names, else the first of `locales`; None without `locales`."""
        return self._site.locales.current(self._path)

    def _accept_language(self) -> str | None:
        if self._recording is not None:
            self._recording.read("the preferred locale")
            return None
        found = [value for name, value in self._scope["headers"] if name == b"accept-language"]
        return b",".join(found).decode("latin-1") if found else None

    # --- the answer

    @property
    def cookies(self) -> Cookies:
        """The cookies of the request, and those that the page sets."""
        if self._cookies is None:
            recording = self._recording
            headers = self._scope["headers"] if recording is None else recording.shown
            header = b"; ".join(value for name, value in headers if name == b"cookie")
            self._cookies = Cookies(
                header.decode("latin-1"),
                self._site.config.cookie_defaults,
                on_read=recording.reading("the request's cookies") if recording is not None else None,
                on_write=recording.writes_cookie if recording is not None else None,
            )
            self._touched = True
            if self._started:
                self._cookies.seal()
        return self._cookies

    @property
    def response(self) -> PageResponse:
        """Status and headers of the answer."""
        if self._response is None:
            self._response = PageResponse()
            self._touched = True
            if self._started:
                self._response.seal()
        return self._response

    def redirect(self, url: object, status: int | str = 302) -> Response:
        """The answer that sends the visitor to `url`: return it. See `Response.redirect`. Raises `ResponseStarted` after the
        first byte."""
        if self._started:
            raise too_late("page.redirect()")
        from ondemand.responses import Response

        return Response.redirect(url, status)

    def rewrite(self, target: str) -> Response:
        """The answer of another path of this site, while the address stays: return it.

        target: a path, with or without a query, relative to this page's; or a URL of this site. The method and an unread body
        go with it; status and headers set so far are forgotten, cookies and `locals` stay. More than three rewrites of one
        request are answered 508.

        Raises `ValueError` for another origin and for what is no path, `BodyUsed` if the body was read.
        """
        from ondemand.responses import Rewrite

        self._rewrite_target(target)
        return Rewrite(target)

    def render(self, name: str, /, *, stream: bool | None = None, **values: Any) -> Response:
        """A template of the site's `templates` as an HTML answer, Mako or Jinja2 by its suffix. It finds `page` beside
        `values`; awaitables among these start at once and together, and are waited for where the template says
        `${await_(name)}`, after what was written before is sent.

        stream: False renders all of it before the first byte is sent; None: as the route, a rule or the site says.
        Raises `ConfigError` where the site has no `templates`, `TemplateError` for one that is missing or cannot be
        compiled; what the template itself raises comes while the answer is sent.
        """
        return self._site.render(self, name, values, stream)

    def _rewrite_target(self, target: str) -> tuple[str, str]:
        """Path (decoded, without `base`) and query of a rewrite's target."""
        if self._started:
            raise too_late("page.rewrite()")
        if self._request_body_used():
            raise BodyUsed(
                "page.rewrite() after the body was read (Astro: RewriteWithBodyUsed). Rewrite before reading."
            )
        here = str(self.url)
        parts = urlsplit(urljoin(here, target))
        own = urlsplit(here)
        if (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
            raise ValueError(f"page.rewrite({target!r}) leads to another site. Redirect there instead.")
        path = unquote(parts.path or "/", errors="strict")
        prefix = self._site.config.prefix
        if prefix and (path == prefix or path.startswith(prefix + "/")):
            path = path[len(prefix) :] or "/"
        if any(ord(character) < 32 or character in "\x7f\\" for character in path):
            raise ValueError(f"page.rewrite({target!r}): this is no path.")
        return path, parts.query

    def _request_body_used(self) -> bool:
        if self._scope["method"] in {"GET", "HEAD"}:
            return False
        return self._body_read or (self._inbox is not None and bool(self._inbox.used_by))

    def _origin(self) -> str:
        return self._site.proxies.origin(self._scope, self._site.config.site)

    def _mail(self) -> Inbox:
        """What the server says, shared with the app from here on."""
        if self._inbox is None:
            self._inbox = Inbox(self._receive, "the app" if self._body_read else "")
        return self._inbox


class _NoProps(dict[str, Any]):
    """The props of a page that has none: says why where one is asked for."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def __missing__(self, name: str) -> Any:
        if self._path == "/500" and name == "error":
            raise PrerenderError(
                "page.props['error'] was read while a build renders /500, when nothing has failed. "
                "Render that page on demand: prerender = False."
            )
        raise KeyError(
            f"{name}: {self._path} has no props. Either the `paths` of its route do not name it, or they give it none: "
            'give props=, or unknown="404" so that such pages are not found.'
        )


def current_page() -> Page:
    """The page of the request that is being answered, from anywhere below OnDemand: handlers, dependencies, templates,
    streamed bodies, worker threads.

    Raises `PageUnavailable`, with the line to add, where there is none.
    """
    page = CURRENT.get(None)
    if page is None:
        raise PageUnavailable(MISSING)
    return page


def templates_of(config: Config, *, fresh: bool = False) -> Templates:
    """The templates of a site: its `templates`, then its folder of pages. fresh: look at the files again each time."""
    from ondemand.templates import Templates

    folders = [config.templates] if isinstance(config.templates, Path) else []
    if config.pages is not None and config.pages.folder is not None:
        folders.append(config.root / config.pages.folder)
    given = None if isinstance(config.templates, Path) else config.templates
    return Templates(folders, given, fresh=fresh)


class _Alone:
    """The site of a page that a test made: nothing but its configuration."""

    def __init__(self, config: Config) -> None:
        self._templates: Templates | None = None
        self.config = config
        self.proxies = Proxies(config.trusted_proxies, Hosts(config.allowed_hosts))
        self.locales = config.locales

    def route(self, path: str, scope: Scope) -> Route | None:
        return None

    def streams(self, page: Any) -> bool:
        return False

    def turn(self, page: Any, path: str, query: str) -> None:
        raise PageUnavailable("A page made by Page.for_test has no app to rewrite to.")

    async def rewrite(self, page: Page, path: str, query: str, send: Send) -> None:
        raise PageUnavailable("A page made by Page.for_test has no app to rewrite to.")

    async def error_page(
        self, page: Page, status: int, headers: Headers, scope: Scope, receive: Receive, send: Send
    ) -> None:
        raise PageUnavailable("A page made by Page.for_test has no app that could show a page.")

    def render(self, page: Page, name: str, values: Mapping[str, Any], stream: bool | None) -> Response:
        from ondemand.rendering import render

        self._templates = self._templates or templates_of(self.config)
        return render(self._templates.get(name), page, values, stream=bool(stream))
