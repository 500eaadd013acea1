"""The request, as page code sees it: a thin reader of the ASGI scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from urllib.parse import parse_qsl

from ondemand._asgi import Scope
from ondemand.routing import to_url

__all__ = ["Headers", "Query", "Request"]


class _Fields(Mapping[str, str]):
    """Names with one value or several, in the order they came: `[name]` is the first, `getlist(name)` has all."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[self._key(name)][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def getlist(self, name: str) -> list[str]:
        """Every value of `name`, in the order they came; [] if there is none."""
        return list(self._values.get(self._key(name), ()))

    def _key(self, name: str) -> str:
        return name


class Headers(_Fields):
    """Header fields by name, without regard to case; repeated ones by `getlist`."""

    __slots__ = ()

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        super().__init__((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs)

    def _key(self, name: str) -> str:
        return name.lower()


class Query(_Fields):
    """The query's parameters by name, decoded; repeated ones by `getlist`. Separated by `&` alone."""

    __slots__ = ()

    def __init__(self, raw: bytes) -> None:
        super().__init__(parse_qsl(raw.decode("latin-1"), keep_blank_values=True, separator="&"))


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
        return Headers(self._scope["headers"])

    @cached_property
    def query(self) -> Query:
        return Query(bytes(self._scope.get("query_string", b"")))
