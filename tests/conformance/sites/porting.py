"""How a file of an Astro site becomes a route of a FastAPI app, and which files have become one.

Astro ignores a slash at the end of a path, unless it ends in a file with an extension; in a wrapped app its router decides. So
each file is registered under both spellings, and an app of ported pages does not redirect from one to the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from tests.conformance.vectors.pagination import pattern_of

__all__ = ["EVERY", "Porting"]

PAGE = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""A page of Astro's answers any method."""

EVERY = [*PAGE, "PURGE", "PROPFIND", "TRACE"]
"""What `ALL` is: FastAPI takes a list."""

Handler = Callable[..., Any]


class Porting:
    """The ported files of one site."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self.files: set[str] = set()
        self.pages: dict[str, Handler] = {}
        """File -> its function."""
        self.endpoints: dict[str, dict[str, Handler]] = {}
        """File -> its functions by method; for `ALL`, one under that name."""

    def page(self, file: str) -> Callable[[Handler], Handler]:
        """Register a function for a page: "params/[id].astro"."""

        def register(handler: Handler) -> Handler:
            self.pages[file] = handler
            return self._register(file, PAGE)(handler)

        return register

    def endpoint(self, file: str, *methods: str) -> Callable[[Handler], Handler]:
        """Register a function for methods of an endpoint: those that the file exports. FastAPI adds no HEAD to GET."""

        def register(handler: Handler) -> Handler:
            names = ["ALL"] if list(methods) == EVERY else methods
            self.endpoints.setdefault(file, {}).update(dict.fromkeys(names, handler))
            return self._register(file, list(methods))(handler)

        return register

    def _register(self, file: str, methods: list[str]) -> Callable[[Handler], Handler]:
        self.files.add(f"src/pages/{file}")

        def register(handler: Handler) -> Handler:
            for path in _spellings(pattern_of("/" + file.rpartition(".")[0])):
                self._app.add_api_route(path, handler, methods=methods, response_model=None)
            return handler

        return register


def _spellings(pattern: str) -> list[str]:
    if "." in pattern.rpartition("/")[2]:
        return [pattern]
    rest = re.fullmatch(r"(.*)/\{\w+:path\}", pattern)
    return [rest[1], pattern] if rest else [pattern, f"{pattern}/"]
