"""/sitemap.xml: every page that a search engine should know."""

from collections.abc import Iterator

from ondemand import Page

import catalog


def paths() -> Iterator[str]:
    yield from ("/", "/about", "/authors")
    for book in catalog.all_books():
        yield f"/books/{book.slug}"
    for author in catalog.all_authors():
        yield f"/authors/{author.slug}"
    for tag in catalog.all_tags():
        yield f"/tags/{tag.slug}"
        for number in range(2, tag.last_page + 1):
            yield f"/tags/{tag.slug}/{number}"


def GET(page: Page) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    for path in paths():
        yield f"  <url><loc>{page.site}{path}</loc></url>\n"
    yield "</urlset>\n"
