"""The catalogue: what the pages ask of books.db, a SQLite file that is only ever read."""

import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

DATABASE = Path(__file__).resolve().with_name("books.db").as_uri() + "?mode=ro"
PER_PAGE = 12
APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}"


@dataclass(frozen=True, slots=True)
class Book:
    slug: str
    title: str
    author: str
    author_slug: str
    year: int
    pages: int
    pence: int
    added: str
    colour: str
    blurb: str

    @property
    def price(self) -> str:
        return pounds(self.pence)

    @property
    def cover(self) -> str:
        return f"/covers/{self.slug}.svg"


@dataclass(frozen=True, slots=True)
class Author:
    slug: str
    name: str
    letter: str
    born: int
    died: int
    bio: str
    books: int


@dataclass(frozen=True, slots=True)
class Tag:
    slug: str
    name: str
    about: str
    books: int

    @property
    def last_page(self) -> int:
        return max(1, -(-self.books // PER_PAGE))


BOOK = """
    SELECT books.slug, title, authors.name AS author, authors.slug AS author_slug, year, pages, price AS pence, added,
           colour, blurb
    FROM books JOIN authors ON authors.slug = books.author
"""
AUTHOR = """
    SELECT slug, name, upper(substr(sort_name, 1, 1)) AS letter, born, died, bio,
           (SELECT count(*) FROM books WHERE author = authors.slug) AS books
    FROM authors
"""
TAG = "SELECT slug, name, about, (SELECT count(*) FROM book_tags WHERE tag = tags.slug) AS books FROM tags"


def pounds(pence: int) -> str:
    return f"£{pence / 100:.2f}"


def fold(text: str) -> str:
    """Lower case without accents or apostrophes, so that "bronte" finds Brontë."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter) and letter not in APOSTROPHES)


def plain(text: str) -> str:
    """What somebody typed, as one short line."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:80]


def query(sql: str, *values: str | int) -> list[sqlite3.Row]:
    with closing(sqlite3.connect(DATABASE, uri=True)) as database:
        database.row_factory = sqlite3.Row
        database.create_function("fold", 1, fold, deterministic=True)
        return database.execute(sql, values).fetchall()


def all_books() -> list[Book]:
    return [Book(**row) for row in query(f"{BOOK} ORDER BY sort_title")]


def newest_books(count: int) -> list[Book]:
    return [Book(**row) for row in query(f"{BOOK} ORDER BY added DESC, books.slug LIMIT ?", count)]


def featured_books() -> list[Book]:
    return [Book(**row) for row in query(f"{BOOK} WHERE featured IS NOT NULL ORDER BY featured")]


def find_book(slug: str) -> Book | None:
    rows = query(f"{BOOK} WHERE books.slug = ?", slug)
    return Book(**rows[0]) if rows else None


def books_by(author: Author) -> list[Book]:
    return [Book(**row) for row in query(f"{BOOK} WHERE authors.slug = ? ORDER BY year, sort_title", author.slug)]


def books_tagged(tag: Tag, page: int) -> list[Book]:
    sql = f"{BOOK} JOIN book_tags ON book = books.slug WHERE tag = ? ORDER BY sort_title LIMIT ? OFFSET ?"
    return [Book(**row) for row in query(sql, tag.slug, PER_PAGE, PER_PAGE * (page - 1))]


def books_like(book: Book, count: int) -> list[Book]:
    """The books that share most tags with this one."""
    sql = f"""
        {BOOK} JOIN book_tags ON book = books.slug
        WHERE tag IN (SELECT tag FROM book_tags WHERE book = ?1) AND books.slug != ?1
        GROUP BY books.slug ORDER BY count(*) DESC, abs(year - ?2), sort_title LIMIT ?3
    """
    return [Book(**row) for row in query(sql, book.slug, book.year, count)]


def search_books(text: str) -> list[Book]:
    """The books in which every word occurs: in the title, the author's name, the shelves or the description."""
    words = fold(text).split()[:8]
    if not words:
        return []
    everything = """
        fold(title || ' ' || authors.name || ' ' || year || ' ' || blurb || ' ' || (
            SELECT group_concat(name, ' ') FROM book_tags JOIN tags ON tags.slug = tag WHERE book = books.slug))
    """
    every_word = " AND ".join(f"instr({everything}, ?)" for _ in words)
    # The earlier the first word occurs, the better: titles come first, descriptions last.
    sql = f"{BOOK} WHERE {every_word} ORDER BY instr({everything}, ?), sort_title"
    return [Book(**row) for row in query(sql, *words, words[0])]


def in_stock(book: Book) -> int:
    return query("SELECT stock FROM books WHERE slug = ?", book.slug)[0]["stock"]


def all_authors() -> list[Author]:
    return [Author(**row) for row in query(f"{AUTHOR} ORDER BY sort_name")]


def find_author(slug: str) -> Author | None:
    rows = query(f"{AUTHOR} WHERE slug = ?", slug)
    return Author(**rows[0]) if rows else None


def all_tags() -> list[Tag]:
    return [Tag(**row) for row in query(f"{TAG} ORDER BY name")]


def tags_of(book: Book) -> list[Tag]:
    return [Tag(**row) for row in query(f"{TAG} JOIN book_tags ON tag = slug WHERE book = ? ORDER BY name", book.slug)]
