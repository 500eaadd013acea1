"""URL: an address, as text and in its parts (the URL standard's names in snake_case)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from urllib.parse import SplitResult, urlsplit

from ondemand.headers import Query

__all__ = ["URL"]


class URL(str):
    """An absolute URL. It is text (its `href`), and has the parts that JavaScript's `URL` has.

    >>> url = URL("https://example.com:8443/a%20b?tag=x&tag=y")
    >>> url.origin, url.pathname, url.search_params.getlist("tag")
    ('https://example.com:8443', '/a%20b', ['x', 'y'])
    """

    @property
    def href(self) -> str:
        """The whole URL."""
        return str(self)

    @property
    def protocol(self) -> str:
        """The scheme with its colon: "https:"."""
        return self._parts.scheme + ":"

    @property
    def origin(self) -> str:
        """Scheme, host and port: "https://example.com"."""
        return f"{self._parts.scheme}://{self._parts.netloc}"

    @property
    def host(self) -> str:
        """Host and port: "example.com:8443"."""
        return self._parts.netloc

    @property
    def hostname(self) -> str:
        """The host without its port; an IPv6 address keeps its brackets."""
        return self.host if self.host.endswith("]") else self.host.rpartition(":")[0] or self.host

    @property
    def port(self) -> str:
        """The port as text, "" where it is the scheme's own."""
        port = self.host[len(self.hostname) + 1 :]
        return "" if (self.protocol, port) in {("http:", "80"), ("https:", "443")} else port

    @property
    def pathname(self) -> str:
        """The path, percent-encoded."""
        return self._parts.path

    on_query: Callable[[], None] | None = None
    """Called when the query is read."""

    @property
    def search(self) -> str:
        """The query with its question mark, "" if there is none."""
        if self.on_query is not None:
            self.on_query()
        return f"?{self._parts.query}" if self._parts.query else ""

    @cached_property
    def search_params(self) -> Query:
        """The query's parameters."""
        if self.on_query is not None:
            self.on_query()
        return Query(self._parts.query.encode())

    @cached_property
    def _parts(self) -> SplitResult:
        return urlsplit(str(self))
