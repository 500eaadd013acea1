"""The request, as page code sees it: a thin reader of the ASGI scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from urllib.parse import parse_qsl

from ondemand._asgi import Scope
from ondemand.routing import to_url

__all__ = ["Headers", "Query", "Request"]


class Headers(Mapping[str, str]):
    """Header fields by name, without regard to case; repeated ones by `getlist`."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self._pairs = pairs

    def __getitem__(self, name: str) -> str:
        values = self.getlist(name)
        if not values:
            raise KeyError(name)
        return values[0]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.decode("latin-1").lower() for name, _ in self._pairs))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def getlist(self, name: str) -> list[str]:
        """Every value of `name`, in the order they came; [] if there is none."""
        wanted = name.lower().encode("latin-1", "replace")
        return [value.decode("latin-1") for key, value in self._pairs if key.lower() == wanted]


class Query(Mapping[str, str]):
    """The query's parameters by name, decoded; repeated ones by `getlist`. Separated by `&` alone."""

    __slots__ = ("_pairs",)

    def __init__(self, raw: bytes) -> None:
        self._pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, separator="&")

    def __getitem__(self, name: str) -> str:
        values = self.getlist(name)
        if not values:
            raise KeyError(name)
        return values[0]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._pairs))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def getlist(self, name: str) -> list[str]:
        """Every value of `name`, in the order they came; [] if there is none."""
        return [value for key, value in self._pairs if key == name]


class Request:
    """`method` in upper case, `path` as the app sees it (decoded), `url` as path and query, `headers`, `query`."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    @property
    def method(self) -> str:
        return str(self._scope["method"]).upper()

    @property
    def path(self) -> str:
        return str(self._scope["path"])

    @property
    def url(self) -> str:
        query = bytes(self._scope.get("query_string", b"")).decode("latin-1")
        return to_url(self.path) + (f"?{query}" if query else "")

    @cached_property
    def headers(self) -> Headers:
        return Headers(list(self._scope["headers"]))

    @cached_property
    def query(self) -> Query:
        return Query(bytes(self._scope.get("query_string", b"")))
