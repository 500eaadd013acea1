"""Names with values: the header fields of a request and of a response, and the parameters of a query.

Field names are compared without regard to case (RFC 9110 section 5.1); what becomes a header is checked when it is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from urllib.parse import parse_qsl

from ondemand.routing import is_field_value, is_token

__all__ = ["Fields", "Headers", "Query", "RawHeaders", "ResponseHeaders", "checked_field"]


class Fields(Mapping[str, str]):
    """Names with one value or several, in the order they came: `[name]` is the first, `getlist(name)` has all."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"

    def getlist(self, name: str) -> list[str]:
        """Every value of `name`, in the order they came; [] if there is none."""
        return list(self._values.get(name, ()))


class Headers(Fields):
    """The header fields of a request, by name without regard to case.

    `[name]` and `get(name)` join repeated fields with ", " (RFC 9110 section 5.3, and `Headers.get` of the Fetch standard);
    `getlist(name)` keeps them apart. Values are ISO-8859-1 text.
    """

    __slots__ = ()

    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        super().__init__((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs)

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._values[name.lower()])

    def getlist(self, name: str) -> list[str]:
        return super().getlist(name.lower())


class Query(Fields):
    """The query's parameters by name, decoded: `[name]` is the first, `getlist(name)` has all. Separated by `&` alone."""

    __slots__ = ()

    def __init__(self, raw: bytes) -> None:
        text = raw.decode("utf-8", "replace")
        super().__init__(parse_qsl(text, keep_blank_values=True, separator="&", errors="replace"))


_COMPUTED = frozenset(
    # they describe the bytes of one body or one connection: whoever sends the body sets them (RFC 9110 sections 7.6.1, 8)
    [
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


class ResponseHeaders(MutableMapping[str, str]):
    """The header fields that a page adds to its answer: a mapping without regard to case, in the order of first use.

    `[name] = value` replaces, `append(name, value)` adds another field of that name, `getlist(name)` has all values.
    Raises `ValueError` for what is no valid header (RFC 9110 section 5) and for those that describe the bytes of the body
    (Content-Length, Content-Encoding, Transfer-Encoding, ...), `TypeError` for a value that is no text.
    """

    __slots__ = ("_fields",)

    def __init__(self) -> None:
        self._fields: dict[str, list[str]] = {}

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._fields[name.lower()])

    def __setitem__(self, name: str, value: str) -> None:
        self._write(name, value, add=False)

    def __delitem__(self, name: str) -> None:
        self._check_open()
        del self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"ResponseHeaders({self._fields!r})"

    def append(self, name: str, value: str) -> None:
        """Add a field, beside those that are there."""
        self._write(name, value, add=True)

    def getlist(self, name: str) -> list[str]:
        """Every value of `name`, in the order they were set; [] if there is none."""
        return list(self._fields.get(name.lower(), ()))

    def _write(self, name: str, value: str, *, add: bool) -> None:
        self._check_open()
        key, value = checked_field(name, value)
        if key in _COMPUTED:
            raise ValueError(f"The header {name!r} describes the bytes that are sent: whoever sends the body sets it.")
        if add:
            self._fields.setdefault(key, []).append(value)
        else:
            self._fields[key] = [value]

    def _check_open(self) -> None:
        """Raise if it is too late to change anything."""


class RawHeaders(MutableMapping[str, str]):
    """A view of the header list of a response, as Starlette's `MutableHeaders` is one: reading gives the first field of a name,
    setting replaces all of it, deleting what is not there does nothing. Raises as `checked_field` does."""

    __slots__ = ("_raw",)

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        found = self.getlist(name)
        if not found:
            raise KeyError(name)
        return found[0]

    def __setitem__(self, name: str, value: str) -> None:
        key, text = checked_field(name, value)
        raw = key.encode("latin-1")
        at = next((position for position, (known, _) in enumerate(self._raw) if known.lower() == raw), len(self._raw))
        others = [field for field in self._raw if field[0].lower() != raw]
        self._raw[:] = [*others[:at], (raw, text.encode("latin-1")), *others[at:]]

    def __delitem__(self, name: str) -> None:
        raw = name.lower().encode("latin-1", "replace")
        self._raw[:] = [field for field in self._raw if field[0].lower() != raw]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.getlist(name))

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.decode("latin-1").lower() for name, _ in self._raw))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def append(self, name: str, value: str) -> None:
        """Add a field, beside those that are there."""
        key, text = checked_field(name, value)
        self._raw.append((key.encode("latin-1"), text.encode("latin-1")))

    def getlist(self, name: str) -> list[str]:
        """Every value of `name`, in order; [] if there is none."""
        raw = name.lower().encode("latin-1", "replace")
        return [value.decode("latin-1") for known, value in self._raw if known.lower() == raw]


def checked_field(name: str, value: str) -> tuple[str, str]:
    """The field, its name in lower case and its value without outer blanks.

    Raises `ValueError` for what is no valid HTTP header, `TypeError` for a value that is no text.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"The header {name!r} was given {value!r}. Give it as text.")
    stripped = value.strip(" \t")
    if not is_token(name) or not is_field_value(stripped):
        raise ValueError(f"The header {name!r}: {value!r} is no valid HTTP header.")
    return name.lower(), stripped
