"""The site that every framework of the suite serves: what its pages say, without a word of a framework.

Each module of `sites/` routes these functions, and offers: `NAME`; `PLACES`, where OnDemand may stand; `bare()`, the framework's
app without OnDemand; `wrap(app, place, settings)`; `app()`, made for the build from the environment; `CANNOT`, the cases that it
cannot pass, each with the reason.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ondemand import Rule, StaticPath, current_page, is_building

__all__ = ["BOOKS", "FILES", "made_for_build", "settings"]

FILES = Path(__file__).parent / "files"
BOOKS = {"dracula": "Dracula", "naïve café": "Naïve Café", "a+b&c": "A plus B"}
DAY = date(2026, 11, 21)
PLACE, DIST = "ONDEMAND_TEST_PLACE", "ONDEMAND_TEST_DIST"

started = {"count": 0}
"""How often the startup hook of this process's app has run."""


def settings(dist: Path | str, **more: Any) -> dict[str, Any]:
    """What every site gives to OnDemand."""
    rules = {"/members": Rule(guard=members_only), "/headers": Rule(headers={"X-Rule": "yes"})}
    return {"dist": str(dist), "site": "https://example.com", "rules": rules, **more}


def made_for_build(bare: Callable[[], Any], wrap: Callable[[Any, str, dict[str, Any]], Any]) -> Any:
    """The app that a build imports."""
    return wrap(bare(), os.environ[PLACE], settings(os.environ[DIST]))


async def members_only(page: Any) -> Any:
    return page.redirect("/login") if page.cookies.get("member") is None else None


# ------------------------------------------------------------------------------------------------------------- pages


def document(title: str, body: str = "") -> str:
    return f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>"


def home() -> str:
    paths = [
        *("/about", "/above", "/plain", "/greet", "/counter", "/hello", "/teapot", "/stream", "/live-stream", "/form"),
        *("/old", "/data.json", "/members", "/headers", "/started", "/building", "/static/app.css", "/books/dracula"),
        *("/local", "/times/7"),
    ]
    return document("Home", "".join(f'<a href="{path}">{path}</a>' for path in paths))


def simple(title: str) -> str:
    """Pages with nothing special about them: /about, /above, /plain, /form, /members, /headers, /unlinked, /login."""
    return document(title)


def book_paths() -> Iterator[StaticPath]:
    for slug, title in BOOKS.items():
        yield StaticPath({"slug": slug}, props={"title": title})


def book(slug: str) -> tuple[int, str]:
    """/books/{slug}: what the framework says the slug is, what the page says, what the props say; 404 for one that is unknown."""
    page = current_page()
    if slug not in BOOKS:
        return 404, document("No such book")
    return 200, document(page.props["title"], f"<p>{slug}|{page.params['slug']}|{page.route_pattern}</p>")


NUMBERS = [StaticPath({"n": 7}), StaticPath({"n": 12})]
DOCS = [StaticPath({"rest": "a/b"}), StaticPath({"rest": "intro"})]
DAYS = [StaticPath({"day": DAY})]


def number(n: object) -> str:
    """/numbers/{n}, through the framework's converter for whole numbers."""
    return document(f"{type(n).__name__} {n}", f"<p>{current_page().params['n']}</p>")


def doc(rest: str) -> str:
    """/docs/{rest}, the rest of the path."""
    return document(f"Doc {rest.lstrip('/')}", f"<p>{current_page().params['rest']}</p>")


def on_day(day: object) -> str:
    """/days/{day}, through a converter for dates, the framework's own or one of the user's."""
    return document(f"Day {day}")


def greet(name: str | None) -> str:
    """/greet, unmarked: `name` is the cookie of that name, read in the framework's way."""
    return document(f"Hello {name or 'stranger'}")


def counter() -> str:
    """/counter, on demand: counts visits in a cookie of the page."""
    page = current_page()
    count = int(cookie.number()) + 1 if (cookie := page.cookies.get("counter")) is not None else 1
    page.cookies.set("counter", count)
    page.response.headers["Cache-Control"] = "private"
    return document(f"Visit {count}")


def hello() -> str:
    """/hello, on demand, in a plain function where the framework has such: what the page says about the request."""
    page = current_page()
    return document("Hello", f"<p>{page.request.method} {page.url.pathname} {page.request.query.get('name')}</p>")


def teapot() -> str:
    """/teapot, on demand: the page's status and header in the framework's answer."""
    page = current_page()
    page.response.status = 418
    page.response.headers["X-Tea"] = "green"
    return document("Teapot")


def local() -> str:
    """/local, on demand: what is in the page's `locals`, which are the ASGI state."""
    page = current_page()
    page.locals.setdefault("seen", []).append(page.url.pathname)
    return document("Local", f"<p>{page.locals['seen']}</p>")


def chunks() -> Iterator[str]:
    """/stream (static) and, in a plain generator, /live-stream (on demand): a body in pieces, each of which asks for the page."""
    for position in range(3):
        yield f"<p>{position} {current_page().url.pathname}</p>"


async def async_chunks() -> AsyncIterator[str]:
    for chunk in chunks():
        yield chunk


def building() -> str:
    """/building, static: made by a build?"""
    return document(f"Building {is_building()}")


def startup() -> None:
    started["count"] += 1


def since_start() -> str:
    """/started, static: has the startup hook run?"""
    return document(f"Started {started['count'] > 0}")


def data() -> Mapping[str, object]:
    """/data.json, static: an endpoint."""
    return {"books": len(BOOKS)}


class Outer:
    """Middleware outside of the framework and, where it can be, of OnDemand: numbers the requests."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.count = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.count += 1
        number = str(self.count).encode()

        async def numbered(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-outer", number)]}
            await send(message)

        await self.app(scope, receive, numbered)
