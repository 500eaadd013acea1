"""Cookies: those of a request, read as Astro reads them, and those that a page sets.

Reading (RFC 6265 section 5.4; Astro's `Astro.cookies`): own parser, linear in the header's length. Pairs are separated by `;`
alone, only blanks and tabs are trimmed, the first pair of a name wins, pairs without a name are ignored, values are
percent-decoded; a value whose escapes are malformed is given as it came. Bytes are UTF-8 where they can be, else ISO-8859-1.

Writing (RFC 6265 section 4.1, RFC 6265bis for the prefixes and SameSite=None): every part is checked when it is set, so that
nothing can break out of the header and no browser drops the cookie without a word.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, cast, overload
from urllib.parse import quote

from ondemand.errors import CookieError, ResponseStarted

if TYPE_CHECKING:
    from datetime import datetime, timedelta

__all__ = ["Cookie", "Cookies", "parse_cookies"]

SameSite = Literal["lax", "strict", "none"] | bool
Priority = Literal["low", "medium", "high"]
T = TypeVar("T")
_ABSENT: Any = object()


class Cookie:
    """One cookie. `value` is its text, decoded; the methods read that text."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Cookie({self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cookie) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def json(self, *, default: Any = _ABSENT) -> Any:
        """The value as JSON. Where it is none: `default`, or without one `ValueError`."""
        try:
            return json.loads(self.value, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            if default is not _ABSENT:
                return default
            raise ValueError(f"The cookie's value {self.value[:80]!r} is no JSON: {error}") from None

    @overload
    def number(self) -> int | float: ...
    @overload
    def number(self, *, default: T) -> int | float | T: ...
    def number(self, *, default: Any = _ABSENT) -> Any:
        """The value as JavaScript's `Number` reads it ("" is 0); whole numbers are exact. Where it is none: `default`, or
        without one NaN."""
        text = self.value.strip(_JS_BLANKS)
        if not text:
            return 0
        if len(text) <= MAX_DIGITS and re.fullmatch(r"[+-]?[0-9]++", text, re.ASCII):
            return int(text)
        if re.fullmatch(r"0(?:[xX][0-9a-fA-F]{1,256}|[oO][0-7]{1,256}|[bB][01]{1,256})", text):
            return int(text, 0)
        if re.fullmatch(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?|[+-]?Infinity", text, re.ASCII):
            return float(text)
        return float("nan") if default is _ABSENT else default

    @overload
    def boolean(self) -> bool: ...
    @overload
    def boolean(self, *, default: T) -> bool | T: ...
    def boolean(self, *, default: Any = _ABSENT) -> Any:
        """False for "", "0" and "false". Anything else is True; with a `default`, only "1" and "true" are, and what is
        neither is the default."""
        if self.value in {"", "0", "false"}:
            return False
        if default is _ABSENT or self.value in {"1", "true"}:
            return True
        return default


MAX_DIGITS = 4000
"""Digits of a number that is read exactly: Python refuses to turn more than 4,300 into text again."""

_JS_BLANKS = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def parse_cookies(header: str) -> dict[str, str]:
    """The raw value of each name in a Cookie header.

    >>> parse_cookies("theme=dark; theme=light; =x; lang=d%C3%A9")
    {'theme': 'dark', 'lang': 'd%C3%A9'}
    """
    found: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        name = name.strip(" \t")
        if equals and name and name not in found:
            found[name] = value.strip(" \t")
    return found


class _Written(NamedTuple):
    """A cookie that was set or deleted: what names it, what `get` gives, what is sent."""

    name: str
    path: str | None
    domain: str | None
    value: str | None  # None: deleted
    header: str

    def replaces(self, other: _Written) -> bool:
        """True for the same name, path and domain. One without a path counts as every path, as browsers may take it."""
        same = (self.name, self.domain) == (other.name, other.domain)
        return same and (self.path == other.path or self.path is None or other.path is None)


class Cookies(Mapping[str, Cookie]):
    """The cookies of one request: a mapping of names to `Cookie`, in which a page sets and deletes.

    A value set here wins over the request's; a name deleted here is gone. `get(name)` is None exactly where `has(name)` is
    False. `headers()` gives the Set-Cookie values, in the order in which the cookies were first touched.
    """

    __slots__ = ("_defaults", "_header", "_latest", "_on_read", "_on_write", "_parsed", "_sealed", "_written")

    def __init__(
        self,
        header: str = "",
        defaults: Mapping[str, Any] | None = None,
        *,
        on_read: Callable[[], None] | None = None,
        on_write: Callable[[str], None] | None = None,
    ) -> None:
        """header: the Cookie header, as ISO-8859-1 text. defaults: options for each `set` and `delete`, such as
        {"path": "/"}. on_read, on_write: called before the request's cookies are read, before one is written."""
        self._header = header
        self._defaults = defaults or {}
        self._on_read = on_read
        self._on_write = on_write
        self._parsed: dict[str, str] | None = None
        self._written: list[_Written] = []
        self._latest: dict[str, str | None] = {}  # name -> what was set last, on whatever path; None: deleted
        self._sealed = False

    # --- reading

    def __getitem__(self, name: str) -> Cookie:
        cookie = self.get(name)
        if cookie is None:
            raise KeyError(name)
        return cookie

    @overload
    def get(self, key: str, /, *, decode: Callable[[str], str] | None = None) -> Cookie | None: ...
    @overload
    def get(self, key: str, default: Cookie | T, /, *, decode: Callable[[str], str] | None = None) -> Cookie | T: ...
    def get(self, key: str, default: Any = None, /, *, decode: Callable[[str], str] | None = None) -> Any:
        """The cookie `key`, or `default`. decode: reads the request's raw text in place of percent-decoding."""
        if key in self._latest:
            value = self._latest[key]
            return default if value is None else Cookie(value)
        raw = self._pairs().get(key)
        if raw is None:
            return default
        return Cookie(_decode(raw) if decode is None else decode(raw))

    def has(self, name: str) -> bool:
        """True exactly where `get(name)` is not None."""
        return self.get(name, decode=_as_is) is not None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.has(name)

    def __iter__(self) -> Iterator[str]:
        names = dict.fromkeys([*self._pairs(), *self._latest])
        return iter([name for name in names if self._latest.get(name, "") is not None])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Cookies({list(self)!r})"

    def _pairs(self) -> dict[str, str]:
        if self._on_read is not None:
            self._on_read()
        if self._parsed is None:
            pairs = parse_cookies(self._header)
            self._parsed = {_text(name): _text(value) for name, value in pairs.items()}
        return self._parsed

    # --- writing

    def set(
        self,
        name: str,
        value: object,
        *,
        path: str | None = _ABSENT,
        domain: str | None = _ABSENT,
        max_age: int | timedelta | None = _ABSENT,
        expires: datetime | None = _ABSENT,
        http_only: bool = _ABSENT,
        secure: bool = _ABSENT,
        same_site: SameSite | None = _ABSENT,
        partitioned: bool = _ABSENT,
        priority: Priority | None = _ABSENT,
        encode: Callable[[str], str] | None = _ABSENT,
    ) -> None:
        """Set a cookie. What is not given comes from the site's `cookie_defaults`: `path="/"` unless it says otherwise.

        value: text as it is; a number or bool as JavaScript writes it; a list, tuple or dict as JSON. Percent-encoded where
        it holds something that a cookie cannot. encode: does this instead; its result is checked.
        max_age: seconds or a timedelta; 0 or less ends the cookie. expires: a datetime (without a zone: UTC), year 1601 to 9999.
        same_site: "lax", "strict", "none" (needs secure), True for "strict". path None: no Path, so that browsers take the
        folder of the page.

        Raises `CookieError` for a name, value or option that HTTP or browsers refuse, `ResponseStarted` when the first byte
        of the answer is out.
        """
        options = _options(locals(), self._defaults)
        text = _value_text(name, value)
        encode = options.pop("encode", None)
        written = _encoded(name, text) if encode is None else _checked_value(name, encode(text))
        self._write(_Written(name, *_address(options), text, _set_cookie(name, written, options)))

    def delete(
        self,
        name: str,
        *,
        path: str | None = _ABSENT,
        domain: str | None = _ABSENT,
        http_only: bool = _ABSENT,
        secure: bool = _ABSENT,
        same_site: SameSite | None = _ABSENT,
        partitioned: bool = _ABSENT,
        priority: Priority | None = _ABSENT,
        max_age: object = None,
        expires: object = None,
        encode: object = None,
    ) -> None:
        """Tell the browser to drop a cookie. It must have the path and domain with which the cookie was set.

        max_age, expires and encode are accepted, so that one set of options fits `set` and `delete`, and not used.
        Raises as `set` does.
        """
        given = {key: value for key, value in locals().items() if key not in _LIFETIME}
        options = _options(given, {key: value for key, value in self._defaults.items() if key not in _LIFETIME})
        if str(name).lower().startswith(("__host-", "__secure-")):
            options.setdefault("secure", True)  # else browsers would not listen
        header = _set_cookie(name, "deleted", options, expires="Thu, 01 Jan 1970 00:00:00 GMT")
        self._write(_Written(name, *_address(options), None, header))

    def merge(self, other: Cookies) -> None:
        """Set here whatever was set or deleted in `other`; its cookies win."""
        for one in other._written:
            self._write(one)

    def headers(self) -> list[str]:
        """The Set-Cookie values, in the order in which the cookies were first touched."""
        return [one.header for one in self._written]

    def seal(self) -> None:
        """The first byte is out: from here on, writing raises `ResponseStarted`."""
        self._sealed = True

    def _write(self, cookie: _Written) -> None:
        if self._sealed:
            raise ResponseStarted(f"The cookie {cookie.name!r} came too late: the answer has begun. Set it before.")
        if self._on_write is not None:
            self._on_write(cookie.name)
        self._latest[cookie.name] = cookie.value
        same = [at for at, one in enumerate(self._written) if cookie.replaces(one)]
        if not same:
            self._written.append(cookie)
            return
        self._written[same[0]] = cookie
        for at in reversed(same[1:]):
            del self._written[at]


def _as_is(text: str) -> str:
    return text


def _text(part: str) -> str:
    """Browsers send what scripts set as UTF-8; what is none is ISO-8859-1."""
    if part.isascii():
        return part
    try:
        return part.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return part


def _decode(value: str) -> str:
    """JavaScript's decodeURIComponent: escapes are UTF-8; a value with a malformed one is given as it came."""
    if "%" not in value:
        return value
    if re.search("%(?![0-9A-Fa-f]{2})", value):
        return value
    try:
        return re.sub("(?:%[0-9A-Fa-f]{2})+", lambda run: bytes.fromhex(run.group().replace("%", "")).decode(), value)
    except UnicodeDecodeError:
        return value


# --- what is written --------------------------------------------------------------------------------------------------

_LIFETIME = frozenset({"max_age", "expires", "encode"})
_MAX_SAFE = 2**53 - 1
MAX_SIZE = 4096
"""Bytes of name and value that browsers take (RFC 6265bis section 5.6)."""

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _options(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, else the defaults, without those that say nothing (None, False)."""
    mine = {key: value for key, value in given.items() if key not in {"self", "name", "value"} and value is not _ABSENT}
    return {key: value for key, value in {**defaults, **mine}.items() if value is not None and value is not False}


def _address(options: Mapping[str, Any]) -> tuple[str | None, str | None]:
    domain = options.get("domain")
    return options.get("path") or None, str(domain).lower().removeprefix(".") if domain else None


def _value_text(name: str, value: object) -> str:
    if isinstance(value, str):
        return str.__str__(value)  # the text of an enum's member, not its name
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() <= 3 * MAX_SIZE:
        return str(value)
    if isinstance(value, float):
        return _number_text(value)
    if isinstance(value, list | tuple | Mapping):
        plain = cast("Any", dict(cast("Mapping[Any, Any]", value)) if isinstance(value, Mapping) else value)
        try:
            return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError) as error:
            raise CookieError(f"The cookie {name!r} was given a value that is no JSON: {error}.") from None
    kind = type(value).__name__
    raise CookieError(f"The cookie {name!r} was given {kind}. It takes text, a number, a bool, a list or a dict.")


def _number_text(value: float) -> str:
    """As JavaScript writes it, so that both sides read the same."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(repr(value)), "f")
        return text.removesuffix(".0")
    digits, exponent, power = repr(value).partition("e")
    return digits + exponent + re.sub("^([+-])0+", r"\1", power)


def _encoded(name: str, text: str) -> str:
    """Percent-encoded as encodeURIComponent does, if it holds anything that a cookie cannot."""
    if re.fullmatch(r"[\x21\x23-\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*", text):
        return text
    try:
        return quote(text, safe="-_.!~*'()")
    except UnicodeEncodeError:
        raise CookieError(f"The cookie {name!r} was given half of a surrogate pair, which is no text.") from None


def _checked_value(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x3a\x3c-\x7e]*", value):
        raise CookieError(f"The `encode` of the cookie {name!r} gave {value!r}, which cannot be a cookie's value.")
    return value


def _set_cookie(name: str, value: str, options: Mapping[str, Any], expires: str = "") -> str:
    """One Set-Cookie value. Raises `CookieError`."""
    if not isinstance(name, str) or len(name) + len(value) > MAX_SIZE:  # pyright: ignore[reportUnnecessaryIsInstance]
        _check_name(name)
        raise CookieError(f"The cookie {name!r} is larger than {MAX_SIZE} bytes: browsers drop it.")
    if expires or not all(one is True or one.__class__ is str for one in options.values()):
        return f"{str.__str__(name)}={value}{_attributes(name, options, expires)}"
    return f"{str.__str__(name)}={value}{_known_attributes(str.__str__(name), tuple(options.items()))}"


@functools.lru_cache(maxsize=256)
def _known_attributes(name: str, options: tuple[tuple[str, Any], ...]) -> str:
    """As `_attributes`, for options of text and True: a site sets the same few cookies again and again."""
    return _attributes(name, dict(options), "")


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise CookieError(f"The cookie name {name!r} is no token (RFC 6265): letters, digits and !#$%&'*+-.^_`|~.")


def _attributes(name: str, options: Mapping[str, Any], expires: str) -> str:
    """What stands behind the value, "; Path=/; Secure". Raises `CookieError` for a name or an option that is none."""
    _check_name(name)
    parts = [""]
    if "max_age" in options:
        parts.append(f"Max-Age={_max_age(name, options['max_age'])}")
    if domain := options.get("domain"):
        parts.append(f"Domain={_matching(name, 'domain', domain, rf'[.]?{_LABEL}(?:[.]{_LABEL})*')}")
    if path := options.get("path"):
        # a blank or letters beyond ASCII are for the user to encode, since only they know how the page's path is spelled
        parts.append(f"Path={_matching(name, 'path', path, r'/[ -:=-~]*')}")
    if expires or "expires" in options:
        parts.append(f"Expires={expires or _http_date(name, options['expires'])}")
    parts += [
        text
        for key, text in (("http_only", "HttpOnly"), ("secure", "Secure"), ("partitioned", "Partitioned"))
        if _flag(name, key, options)
    ]
    if "priority" in options:
        parts.append(f"Priority={_choice(name, 'priority', options['priority'], ('low', 'medium', 'high'))}")
    same_site = ""
    if "same_site" in options:
        given = "strict" if options["same_site"] is True else options["same_site"]
        same_site = _choice(name, "same_site", given, ("lax", "strict", "none"))
        parts.append(f"SameSite={same_site}")
    _check_what_browsers_drop(name, options, same_site)
    return "; ".join(parts)


def _check_what_browsers_drop(name: str, options: Mapping[str, Any], same_site: str) -> None:
    """RFC 6265bis section 5.7: a browser ignores these without a word."""
    secure, lower = "secure" in options, name.lower()
    if same_site == "None" and not secure:
        raise CookieError(f'The cookie {name!r} has same_site="none", which needs secure=True: browsers drop it.')
    if "partitioned" in options and not secure:
        raise CookieError(f"The cookie {name!r} is partitioned, which needs secure=True: browsers drop it.")
    if lower.startswith(("__secure-", "__host-")) and not secure:
        raise CookieError(f"The cookie {name!r} needs secure=True because of its prefix: browsers drop it.")
    if lower.startswith("__host-") and (options.get("path") != "/" or options.get("domain")):
        raise CookieError(f'The cookie {name!r} needs path="/" and no domain because of its prefix: browsers drop it.')


def _matching(name: str, option: str, value: Any, pattern: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise CookieError(f"The cookie {name!r} was given {option}={value!r}, which is no {option} of a cookie.")
    return value


def _flag(name: str, option: str, options: Mapping[str, Any]) -> bool:
    if option in options and options[option] is not True:
        raise CookieError(f"The cookie {name!r} was given {option}={options[option]!r}. It takes True or False.")
    return option in options


def _choice(name: str, option: str, value: Any, accepted: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value.lower() not in accepted:
        raise CookieError(f"The cookie {name!r} was given {option}={value!r}. It takes {', '.join(accepted)}.")
    return value.capitalize()


def _max_age(name: str, value: Any) -> int:
    number: Any = int(value.total_seconds()) if hasattr(value, "total_seconds") else value
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > _MAX_SAFE:
        raise CookieError(f"The cookie {name!r} was given max_age={value!r}. It takes whole seconds or a timedelta.")
    return number


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _http_date(name: str, value: Any) -> str:
    """RFC 9110 section 5.6.7, whatever the locale of the process."""
    try:
        offset = value.utcoffset()
        moment = value.replace(tzinfo=None) - offset if offset is not None else value
        year, month, day = moment.year, moment.month, moment.day
        clock = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    except (AttributeError, OverflowError):
        raise CookieError(f"The cookie {name!r} was given expires={value!r}. It takes a datetime.") from None
    if year < 1601:
        raise CookieError(f"The cookie {name!r} was given expires={value!r}. Its year must be 1601 to 9999.")
    return f"{_DAYS[moment.weekday()]}, {day:02} {_MONTHS[month - 1]} {year:04} {clock} GMT"
