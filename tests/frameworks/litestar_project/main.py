"""A library in Litestar: controllers, dependencies, Jinja2 templates, server-side sessions, a cache, OpenAPI."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from litestar import Controller, Litestar, MediaType, Request, get, post
from litestar.connection import ASGIConnection
from litestar.contrib.jinja import JinjaTemplateEngine
from litestar.di import Provide
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.handlers.base import BaseRouteHandler
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.response import Redirect, Template
from litestar.static_files import create_static_files_router
from litestar.template.config import TemplateConfig

from ondemand import OnDemand, StaticPath, current_page, prerender

HERE = Path(__file__).parent
sessions = (
    ServerSideSessionConfig().middleware
)  # for the routes that have one: its answers delete the cookie of any other


@dataclass
class Book:
    id: int
    title: str
    bought: date


BOOKS = {book.id: book for book in (Book(1, "Emma", date(2024, 5, 1)), Book(2, "Ulysses & more", date(2025, 6, 2)))}


async def provide_books() -> dict[int, Book]:
    return BOOKS


def staff_only(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    if not connection.session.get("staff"):
        raise NotAuthorizedException


class Books(Controller):
    path = "/books"
    opt = {"prerender": True}

    @get("/")
    async def every(self, books: dict[int, Book]) -> Template:
        return Template("books.html", context={"books": list(books.values())})

    @get("/{book_id:int}")
    @prerender(paths=[StaticPath({"book_id": number}) for number in BOOKS])
    async def one(self, book_id: int, books: dict[int, Book]) -> Template:
        if book_id not in books:
            raise NotFoundException
        return Template("book.html", context={"book": books[book_id]})

    @get("/bought/{day:date}")
    @prerender(paths=[StaticPath({"day": book.bought}) for book in BOOKS.values()])
    async def bought(self, day: date, books: dict[int, Book]) -> Template:
        return Template("books.html", context={"books": [book for book in books.values() if book.bought == day]})

    @get("/{book_id:int}/loans", opt={"prerender": False}, guards=[staff_only], middleware=[sessions])
    async def loans(self, book_id: int) -> Template:
        return Template("book.html", context={"book": BOOKS[book_id]})


@get("/")
async def home() -> Template:
    return Template("home.html")


@get("/search", media_type=MediaType.HTML)
async def search(q: str = "") -> str:
    found = [book.title for book in BOOKS.values() if q.lower() in book.title.lower()]
    return f"<!doctype html><title>search</title><p>{len(found)} found"


@get("/api/books.json")
@prerender
async def data() -> list[Book]:
    return list(BOOKS.values())


@post("/login", middleware=[sessions])
async def login(request: Request) -> Redirect:
    request.set_session({"staff": True})
    page = current_page()
    page.cookies.set("greeted", "yes")
    return Redirect("/books/1/loans")


app = Litestar(
    [home, search, data, login, Books, create_static_files_router("/static", [HERE / "static"])],
    dependencies={"books": Provide(provide_books)},
    template_config=TemplateConfig(directory=HERE / "templates", engine=JinjaTemplateEngine),
)
app.asgi_handler = OnDemand(
    app.asgi_handler,
    site="https://library.example.com",
    dist=os.environ["LIBRARY_DIST"],
    skips=["SessionMiddleware"],  # which only those routes have
)
