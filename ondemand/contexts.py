"""Page: one request's objects. PathsContext: what a function that lists static paths may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ondemand._asgi import Scope
from ondemand.cookies import Cookies
from ondemand.requests import Request
from ondemand.responses import Response

__all__ = ["Page", "PathsContext"]


class Page:
    """What a guard is given: `request`, `cookies`, `params`, `locals`, `redirect()`.

    params: the path parameters of the rule that the guard belongs to, as text.
    """

    def __init__(self, scope: Scope, params: Mapping[str, str]) -> None:
        self._scope = scope
        self.params = dict(params)
        self.request = Request(scope)

    @cached_property
    def cookies(self) -> Cookies:
        return Cookies("; ".join(self.request.headers.getlist("cookie")))  # HTTP/2 splits the field

    @property
    def locals(self) -> dict[str, Any]:
        """The ASGI `state` of this request, shared with the app."""
        return self._scope.setdefault("state", {})

    def redirect(self, url: str, status: int = 302) -> Response:
        """See `Response.redirect`."""
        return Response.redirect(url, status)


@dataclass(frozen=True, slots=True)
class PathsContext:
    """What `paths=` is called with, if it takes an argument (Astro: the argument of getStaticPaths).

    app: the application, as it was imported. state: what its lifespan put into the state.
    route_pattern: the pattern of the route whose paths are wanted.
    """

    app: Any
    state: Mapping[str, Any]
    route_pattern: str
