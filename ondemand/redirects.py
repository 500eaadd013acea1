"""Configured redirects: `redirects={"/old": "/new", "/blog/{slug}": "/posts/{slug}"}` (Astro's config `redirects`).

Pure values. A status is honoured for every destination; without one it is 301 for GET and HEAD and 308 for the rest, so that a
form is sent on as a form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from ondemand.errors import ConfigError
from ondemand.routing import Pattern, Route, redirect_target, to_url

__all__ = ["Redirects"]

STATUSES = (301, 302, 303, 307, 308)


class _Target(NamedTuple):
    origin: str  # "" for a path of the site
    path: Pattern
    suffix: str  # query and fragment, as they were written
    status: int | None


class Redirects:
    """Where the paths of a site lead to that it has no more. Raises `ConfigError` for a source that is no pattern, a
    destination that is neither a path nor an http(s) URL, a parameter that the source has not, and another status."""

    def __init__(self, redirects: Mapping[str, Any]) -> None:
        found = [(Pattern(source), self._read(source, value)) for source, value in redirects.items()]
        found.sort(key=lambda pair: (pair[0].is_literal, pair[0].specificity), reverse=True)
        self._redirects = tuple(found)

    @staticmethod
    def _read(source: str, value: Any) -> _Target:
        accepted = '"/new", "https://example.com/new" or {"status": 308, "destination": "/new"}'
        wrong = ConfigError(f"redirects[{source!r}]={value!r} is not accepted. It takes {accepted}.")
        status: Any = None
        if isinstance(value, Mapping):
            table = cast("Mapping[str, Any]", value)
            if not {"destination"} <= set(table) <= {"destination", "status"}:
                raise wrong
            status, value = table.get("status"), table["destination"]
            if status is not None and (type(status) is not int or status not in STATUSES):
                known = ", ".join(map(str, STATUSES))
                raise ConfigError(f"redirects[{source!r}]: the status {status!r} is no redirect. It takes {known}.")
        if not isinstance(value, str) or value.startswith("//"):
            raise wrong
        try:
            parts = urlsplit(value)
        except ValueError:
            raise wrong from None
        origin = f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.netloc else ""
        if "{" in origin or not (origin or value.startswith("/")):
            raise wrong
        try:
            redirect_target(value)
        except ValueError as error:
            raise ConfigError(f"redirects[{source!r}]: {error}") from None
        suffix = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
        if "{" in suffix:
            raise ConfigError(f"redirects[{source!r}]={value!r}: parameters stand in the path, not behind it.")
        path = Pattern(parts.path or "/")
        unknown = sorted(set(path.names) - set(Pattern(source).names))
        if unknown or path.is_glob:
            raise ConfigError(f"redirects[{source!r}]={value!r} uses {unknown or '*'}, which its source does not have.")
        return _Target(origin, path, suffix, status)

    def __bool__(self) -> bool:
        return bool(self._redirects)

    def __iter__(self) -> Iterator[Pattern]:
        return iter([source for source, _ in self._redirects])

    def inside(self) -> Iterator[tuple[Pattern, Pattern]]:
        """Source and destination of each that leads to another path of the site by way of parameters."""
        for source, target in self._redirects:
            if not target.origin and target.path.names:
                yield source, target.path

    def routes(self, *, static: bool) -> list[Route]:
        """A route for each source. static: those without parameters are static, as the build needs them."""
        return [
            Route(source, methods=None, prerender=True if static and source.is_literal else None)
            for source, _ in self._redirects
        ]

    def find(self, path: str, method: str, prefix: str, slash: str = "ignore") -> tuple[int, str] | None:
        """Status and Location for `path` (decoded, without `base`), or None. Both spellings of a path count, with and
        without its last slash. prefix: what `base` puts in front of the site's own paths. slash: the site's
        `trailing_slash`; "always" gives a path of the site its slash."""
        path = re.sub("//+", "/", path)
        other = path.rstrip("/") or "/"
        for source, target in self._redirects:
            params = source.match(path)
            for spelling in (other, other + "/"):
                params = source.match(spelling) if params is None else params
            if params is not None:
                status = target.status or (301 if method in {"GET", "HEAD"} else 308)
                filled = "".join(text if name is None else to_url(params[name]) for text, name in target.path.pieces())
                names = target.path.names
                if filled.endswith("/") and not path.endswith("/") and names and not params[names[-1]]:
                    filled = filled.rstrip("/")  # an empty rest parameter takes the slash in front of it along
                if slash == "always" and not target.origin and "." not in filled.rpartition("/")[2]:
                    filled = filled.rstrip("/") + "/"
                where = target.origin + filled if target.origin else prefix + "/" + filled.lstrip("/")
                return status, redirect_target(where + target.suffix)
        return None
