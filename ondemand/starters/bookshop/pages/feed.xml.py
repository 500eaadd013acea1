"""/feed.xml: the newest books, for readers of RSS."""

from ondemand import Page, Response

import catalog


def GET(page: Page) -> Response:
    page.response.headers["Content-Type"] = "application/rss+xml"
    return page.render("feed.mako", books=catalog.newest_books(20))
