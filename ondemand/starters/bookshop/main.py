"""A bookshop: a FastAPI app. The pages that it has no route for are files in `pages/`.

Most pages are made once, by `ondemand build`; the search and the basket are rendered for each visitor.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Cookie, FastAPI, HTTPException
from fastapi.responses import JSONResponse, RedirectResponse
from ondemand import OnDemand, Response, StaticPath, prerender
from ondemand.fastapi import Page

import catalog

PRIVATE = {"Cache-Control": "private, no-store"}

app = FastAPI(title="Foolscap Books", openapi_url=None)


# --- Static pages. A page that is linked and the same for everyone needs no mark. ---


@app.get("/")
async def home(page: Page) -> Response:
    return page.render("home.mako", books=catalog.featured_books(), tags=catalog.all_tags())


# --- Static pages with a parameter: `paths` says which there are, and what each of them shows. ---


def book_paths() -> Iterator[StaticPath]:
    for book in catalog.all_books():
        yield StaticPath({"slug": book.slug}, props={"book": book})


@app.get("/books/{slug}")
@prerender(paths=book_paths, unknown="404")
async def book(page: Page) -> Response:
    book = page.props["book"]
    return page.render(
        "book.mako",
        book=book,
        author=catalog.find_author(book.author_slug),
        tags=catalog.tags_of(book),
        similar=catalog.books_like(book, 6),
    )


def shelf_paths() -> Iterator[StaticPath]:
    for tag in catalog.all_tags():
        yield StaticPath({"slug": tag.slug}, props={"tag": tag})


@app.get("/tags/{slug}")
@prerender(paths=shelf_paths, unknown="404")
async def shelf(page: Page) -> Response:
    return shelf_page(page, page.props["tag"], 1)


def further_shelf_paths() -> Iterator[StaticPath]:
    for tag in catalog.all_tags():
        for number in range(2, tag.last_page + 1):
            yield StaticPath({"slug": tag.slug, "number": number}, props={"tag": tag})


@app.get("/tags/{slug}/{number:int}")
@prerender(paths=further_shelf_paths, unknown="404")
async def further_shelf(page: Page, number: int) -> Response:
    return shelf_page(page, page.props["tag"], number)


def shelf_page(page: Page, tag: catalog.Tag, number: int) -> Response:
    return page.render("tag.mako", tag=tag, number=number, books=catalog.books_tagged(tag, number))


# --- Static, but no page: marked. ---


@app.get("/api/books.json")
@prerender
async def books_json() -> list[dict[str, str | int]]:
    return [
        {"slug": b.slug, "title": b.title, "author": b.author, "year": b.year, "pages": b.pages, "price": b.price}
        for b in catalog.all_books()
    ]


# --- Live: rendered when somebody asks. ---


@app.get("/api/stock/{slug}")
@prerender(False)
async def stock(slug: str) -> JSONResponse:
    book = catalog.find_book(slug)
    if book is None:
        raise HTTPException(404)
    counted = {"slug": slug, "in_stock": catalog.in_stock(book), "at": f"{datetime.now():%H:%M:%S}"}
    return JSONResponse(counted, headers=PRIVATE)


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
async def basket(page: Page, cookie: BasketCookie = "") -> Response:
    lines = [(book, count) for slug, count in read_basket(cookie).items() if (book := catalog.find_book(slug))]
    page.response.headers.update(PRIVATE)
    return page.render("basket.mako", lines=lines, total=catalog.pounds(sum(b.pence * count for b, count in lines)))


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


app.add_middleware(
    OnDemand,
    pages="pages",
    templates="templates",
    public="public",
    site=os.environ.get("SITE", "http://127.0.0.1:8000"),
    error_pages="all",  # pages/404.mako and 500.mako also for what the routes above raise
)
