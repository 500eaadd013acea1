"""A bookshop. Its pages are made once, by `ondemand build`; the search and the basket are rendered for each visitor."""

import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated

from fastapi import Cookie, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from mako.lookup import TemplateLookup
from ondemand import OnDemand, StaticPath, prerender

import catalog

SITE = os.environ.get("SITE", "http://127.0.0.1:8000")
PRIVATE = {"Cache-Control": "private, no-store"}

app = FastAPI(title="Foolscap Books", openapi_url=None)

templates = TemplateLookup(
    directories=[str(Path(__file__).parent / "templates")],
    default_filters=["h"],  # ${anything} is escaped
    strict_undefined=True,
    filesystem_checks=False,
)


def clock() -> str:
    return datetime.now().strftime("%H:%M:%S")


def template(name: str, **values: object) -> str:
    return templates.get_template(name).render(site=SITE, **values)


def static_page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """A page that is the same for everyone."""
    return HTMLResponse(template(name, live_at=None, **values), status)


def live_page(name: str, status: int = 200, **values: object) -> HTMLResponse:
    """A page for one visitor: its footer says when it was rendered."""
    return HTMLResponse(template(name, live_at=clock(), **values), status)


# --- Static pages. No mark is needed: a page that is the same for everyone is static. ---


@app.get("/")
async def home() -> HTMLResponse:
    return static_page("home.mako", books=catalog.featured_books(), tags=catalog.all_tags())


@app.get("/about")
async def about() -> HTMLResponse:
    return static_page("about.mako", books=len(catalog.all_books()))


@app.get("/authors")
async def authors() -> HTMLResponse:
    return static_page("authors.mako", authors=catalog.all_authors())


# --- Static pages with a parameter: `paths` says which ones there are. ---


async def book_paths() -> AsyncIterator[StaticPath]:
    for book in catalog.all_books():
        yield StaticPath({"slug": book.slug})


@app.get("/books/{slug}")
@prerender(paths=book_paths)
async def book(slug: str) -> HTMLResponse:
    book = catalog.find_book(slug)
    if book is None:
        raise HTTPException(404)
    return static_page(
        "book.mako",
        book=book,
        author=catalog.find_author(book.author_slug),
        tags=catalog.tags_of(book),
        similar=catalog.books_like(book, 6),
    )


async def author_paths() -> AsyncIterator[StaticPath]:
    for author in catalog.all_authors():
        yield StaticPath({"slug": author.slug})


@app.get("/authors/{slug}")
@prerender(paths=author_paths)
async def author(slug: str) -> HTMLResponse:
    author = catalog.find_author(slug)
    if author is None:
        raise HTTPException(404)
    return static_page("author.mako", author=author, books=catalog.books_by(author))


async def shelf_paths() -> AsyncIterator[StaticPath]:
    for tag in catalog.all_tags():
        yield StaticPath({"tag": tag.slug})


@app.get("/tags/{tag}")
@prerender(paths=shelf_paths)
async def shelf(tag: str) -> HTMLResponse:
    return shelf_page(tag, 1)


async def further_shelf_paths() -> AsyncIterator[StaticPath]:
    for tag in catalog.all_tags():
        for number in range(2, tag.last_page + 1):
            yield StaticPath({"tag": tag.slug, "page": number})


@app.get("/tags/{tag}/{page:int}")
@prerender(paths=further_shelf_paths)
async def further_shelf(tag: str, page: int) -> HTMLResponse:
    if page < 2:  # the first page is /tags/{tag}
        raise HTTPException(404)
    return shelf_page(tag, page)


def shelf_page(slug: str, number: int) -> HTMLResponse:
    tag = catalog.find_tag(slug)
    if tag is None or number > tag.last_page:
        raise HTTPException(404)
    return static_page("tag.mako", tag=tag, number=number, books=catalog.books_tagged(tag, number))


# --- Static, but not plain pages: these are marked. ---


@app.get("/api/books.json")
@prerender
async def books_json() -> list[dict[str, str | int]]:
    return [
        {"slug": b.slug, "title": b.title, "author": b.author, "year": b.year, "pages": b.pages, "price": b.price}
        for b in catalog.all_books()
    ]


@app.get("/feed.xml")
@prerender
async def feed() -> Response:
    books = [
        (book, format_datetime(datetime.fromisoformat(book.added).replace(tzinfo=UTC), usegmt=True))
        for book in catalog.newest_books(20)
    ]
    return Response(template("feed.mako", books=books), media_type="application/rss+xml")


@app.get("/sitemap.xml")
@prerender
async def sitemap() -> Response:
    paths = ["/", "/about", "/authors"]
    paths += [f"/books/{book.slug}" for book in catalog.all_books()]
    paths += [f"/authors/{author.slug}" for author in catalog.all_authors()]
    for tag in catalog.all_tags():
        paths += [f"/tags/{tag.slug}", *(f"/tags/{tag.slug}/{number}" for number in range(2, tag.last_page + 1))]
    return Response(template("sitemap.mako", paths=paths), media_type="application/xml")


@app.get("/404")
@prerender
async def missing() -> HTMLResponse:
    return static_page("404.mako", status=404)


@app.exception_handler(404)
async def not_found(request: Request, _: Exception) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": "Not found"}, 404)
    return live_page("404.mako", status=404)


# --- Live pages: rendered when somebody asks. ---


@app.get("/search")
@prerender(False)
async def search(q: str = "") -> HTMLResponse:
    q = "".join(letter for letter in " ".join(q.split()) if letter.isprintable())[:80]
    return live_page("search.mako", q=q, books=catalog.search_books(q), tags=catalog.all_tags())


@app.get("/api/stock/{slug}")
@prerender(False)
async def stock(slug: str) -> JSONResponse:
    book = catalog.find_book(slug)
    if book is None:
        raise HTTPException(404)
    return JSONResponse({"slug": slug, "in_stock": catalog.in_stock(book), "at": clock()}, headers=PRIVATE)


# The basket is a cookie with one slug per copy, as in "emma.dracula.emma".

BasketCookie = Annotated[str, Cookie(alias="basket")]


def read_basket(cookie: str) -> Counter[str]:
    known = {book.slug for book in catalog.all_books()}
    return Counter([slug for slug in cookie.split(".") if slug in known][:60])


def back_to_basket(basket: Counter[str]) -> RedirectResponse:
    response = RedirectResponse("/basket", status_code=303, headers=PRIVATE)
    value = ".".join(basket.elements())
    response.set_cookie("basket", value, max_age=30 * 24 * 3600 if value else 0, httponly=True, samesite="lax")
    return response


@app.get("/basket")  # needs no mark: a page that declares a cookie is never static
async def basket(cookie: BasketCookie = "") -> HTMLResponse:
    lines = [(book, count) for slug, count in read_basket(cookie).items() if (book := catalog.find_book(slug))]
    total = catalog.pounds(sum(book.pence * count for book, count in lines))
    response = live_page("basket.mako", lines=lines, total=total)
    response.headers.update(PRIVATE)
    return response


@app.post("/basket/add/{slug}")
async def add_to_basket(slug: str, cookie: BasketCookie = "") -> RedirectResponse:
    if catalog.find_book(slug) is None:
        raise HTTPException(404)
    basket = read_basket(cookie)
    basket[slug] += 1
    return back_to_basket(basket)


@app.post("/basket/remove/{slug}")
async def remove_from_basket(slug: str, cookie: BasketCookie = "") -> RedirectResponse:
    return back_to_basket(read_basket(cookie) - Counter([slug]))


@app.get("/api/basket")
@prerender(False)
async def basket_count(cookie: BasketCookie = "") -> JSONResponse:
    return JSONResponse({"count": read_basket(cookie).total()}, headers=PRIVATE)


app.add_middleware(OnDemand, public="public", site=SITE)
