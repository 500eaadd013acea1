"""ondemand.cookies: the Cookie header, read as Astro reads it, and what a page sets. The cases marked so are recorded from
Astro 7."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock_time
from enum import Enum, StrEnum
from http.cookies import SimpleCookie
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.http import dump_cookie, parse_cookie

from ondemand import CookieError, OnDemand, OnDemandError, Page, ResponseStarted
from ondemand.cookies import Cookie, Cookies, parse_cookies
from tests.asking import make_scope

some = settings(max_examples=300, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("header", "pairs"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
        (" a = 1 ;\tb\t=\t2 ", {"a": "1", "b": "2"}),
        ("a=", {"a": ""}),
        ("a", {}),
        ("a; b=2", {"b": "2"}),
        ("=1; b=2", {"b": "2"}),  # Astro keeps a pair without a name
        (" =1", {}),
        (";;;", {}),
        ("a=1;;b=2;", {"a": "1", "b": "2"}),
        ("a=1; a=2", {"a": "1"}),
        ("a=; a=2", {"a": ""}),
        ("a=b=c==", {"a": "b=c=="}),
        ("a=1, b=2", {"a": "1, b=2"}),  # a comma separates nothing
        ("a=1&b=2", {"a": "1&b=2"}),
        ("A=1; a=2", {"A": "1", "a": "2"}),
        ("__proto__=1; constructor=2", {"__proto__": "1", "constructor": "2"}),
        ("$Version=1; a=2", {"$Version": "1", "a": "2"}),
        ("a=\u00a01\u00a0", {"a": "\u00a01\u00a0"}),  # no blank of HTTP's
        ("a=1\x0b", {"a": "1\x0b"}),
        ("a=1\r\nset-cookie: b=2", {"a": "1\r\nset-cookie: b=2"}),
        ("a=\0", {"a": "\0"}),
        ("a=x y", {"a": "x y"}),
        ("a b=1", {"a b": "1"}),
        ('a="x"', {"a": '"x"'}),  # Astro keeps the quotes
        ('a="he\\"llo"', {"a": '"he\\"llo"'}),  # Astro
        ('a="', {"a": '"'}),
        ('a="x;y"', {"a": '"x'}),  # quotes protect nothing: no cookie can smuggle another's value
    ],
)
def test_a_header_gives_its_pairs(header: str, pairs: dict[str, str]) -> None:
    assert parse_cookies(header) == pairs


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("a=%20", " "),
        ("a=d%C3%A9", "dé"),
        ("a=d%c3%a9", "dé"),
        ("a=%F0%9F%98%80", "😀"),
        ("a=%2525", "%25"),  # once
        ("a=%3B%3D", ";="),
        ("a=1+2", "1+2"),
        ("a=%", "%"),
        ("a=%2", "%2"),
        ("a=%zz", "%zz"),
        ("a=%20%zz", "%20%zz"),  # one escape is malformed: the whole value as it came (Astro)
        ("a=%20%", "%20%"),
        ("a=%ff", "%ff"),
        ("a=%20%ff", "%20%ff"),
        ("a=%C3", "%C3"),
        ("a=%ED%A0%80", "%ED%A0%80"),  # a surrogate
        ("a=%C0%AF", "%C0%AF"),  # an overlong slash
        ("a=%00", "\0"),
        ("a=%0D%0Ab", "\r\nb"),
        ("a=caf\xe9", "caf\xe9"),
        ("a=caf\xe9%20", "caf\xe9 "),  # a raw byte is the same with and without an escape beside it
    ],
)
def test_a_value_is_percent_decoded_once_or_given_as_it_came(header: str, value: str) -> None:
    assert Cookies(header)["a"] == Cookie(value)


def test_cookies_are_a_mapping() -> None:
    cookies = Cookies("theme=dark; lang=d%C3%A9; empty=")
    assert list(cookies) == ["theme", "lang", "empty"]
    assert len(cookies) == 3
    assert dict(cookies) == {"theme": Cookie("dark"), "lang": Cookie("dé"), "empty": Cookie("")}
    assert cookies.get("nothing") is None
    assert "nothing" not in cookies
    with pytest.raises(KeyError):
        cookies["nothing"]


@some
@given(
    st.text(st.characters(max_codepoint=255)) | st.text('ab=;" \t%2f,', max_size=30), st.sampled_from(["a", "b", ""])
)
def test_any_header_is_read_and_has_says_what_get_gives(header: str, name: str) -> None:
    cookies = Cookies(header)
    assert cookies.has(name) is (cookies.get(name) is not None)
    for key, cookie in cookies.items():
        assert cookies.has(key)
        assert isinstance(cookie.value, str)
        assert key.strip(" \t") == key != ""


@some
@given(st.dictionaries(st.text("abc-_.", min_size=1), st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_was_percent_encoded_comes_back(values: dict[str, str]) -> None:
    header = "; ".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
    assert {name: cookie.value for name, cookie in Cookies(header).items()} == values


def seconds(work: Callable[[], Any]) -> float:
    """Of CPU, the least of three: a collection of all the garbage of a test run is not the parser's."""
    took: list[float] = []
    for _ in range(3):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)


@pytest.mark.parametrize("part", [";", "=", "a=", "a;", "a=b;", " ", "\t", '"', '="', "%", "a=%;", "%2", " ;", "\xff"])
def test_a_hostile_header_takes_linear_time(part: str) -> None:
    for header in ((part * 100_000)[:100_000], "a=" + (part * 100_000)[:100_000]):
        assert seconds(lambda header=header: dict(Cookies(header))) < 0.2


def test_many_names_take_linear_time() -> None:
    header = ";".join(f"{number}=" for number in range(15_000))
    assert len(dict(Cookies(header))) == 15_000
    assert seconds(lambda: dict(Cookies(header))) < 0.2


def test_a_page_reads_the_cookie_header_of_its_request() -> None:
    assert Page.for_test("/", headers={"cookie": "a=1; b=2"}).cookies["b"].value == "2"
    assert Page.for_test("/", cookies={"a": "1", "b": "d%C3%A9"}).cookies["b"].value == "dé"
    assert len(Page.for_test("/").cookies) == 0


def test_a_page_reads_the_cookies_of_all_cookie_headers() -> None:
    seen: dict[str, str] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update({name: cookie.value for name, cookie in Page.of(scope).cookies.items()})

    scope = make_scope("/")
    scope["headers"] += [(b"cookie", b"a=1"), (b"cookie", b"b=2; a=3")]  # as HTTP/2 allows (RFC 9113 section 8.2.3)
    asyncio.run(OnDemand(app, output="server")(scope, nothing, nothing))
    assert seen == {"a": "1", "b": "2"}


async def nothing(*_: Any) -> Any:
    """A server that says and hears nothing."""


@some
@given(st.binary(max_size=200))
def test_any_bytes_of_a_header_are_read(raw: bytes) -> None:
    cookies = Cookies(raw.decode("latin-1"))
    for name, cookie in cookies.items():
        assert cookies[name] == cookie
        assert cookies.get(name, decode=str.upper) is not None


@pytest.mark.parametrize(
    "header",
    [
        "a=" + "x" * 65_536,
        "a=" + "%C3%A9" * 10_000,
        "a=" + "%ff" * 20_000,
        "a=" + "\xff" * 65_536,
        "a=" + "\xc3\xa9" * 30_000,
        '"' * 65_536,
        '="' * 32_768,
        'a="' + "\\" * 65_536,
        ";" * 65_536,
        "=" * 65_536,
        "; ".join(f"c{number}=v" for number in range(10_000)),
        "; ".join("same=v" for _ in range(10_000)),
        " " * 65_536 + "=1",
        "a=" + "\t " * 32_768 + "b",
    ],
    ids=range(14),
)
def test_a_header_of_64_kilobytes_is_read_at_once(header: str) -> None:
    def read() -> None:
        cookies = Cookies(header)
        for cookie in cookies.values():
            cookie.number()
            cookie.boolean()
            cookie.json(default=None)
        cookies.has("nothing")

    assert seconds(read) < 0.4


@some
@given(
    st.dictionaries(
        st.text("abcXYZ019_-.!~", min_size=1, max_size=8).filter(lambda name: name.lower() not in {"", "__host-"}),
        st.text("abcXYZ019_-.!~:/?=&", max_size=12).filter(lambda value: not value.startswith("=")),
        max_size=6,
    )
)
def test_plain_pairs_are_read_as_werkzeug_reads_them(pairs: dict[str, str]) -> None:
    header = "; ".join(f"{name}={value}" for name, value in pairs.items())
    assert parse_cookies(header) == dict(parse_cookie(header)) == pairs


# ------------------------------------------------------------------------------------------------- what a cookie's text says


@pytest.mark.parametrize(
    ("text", "number"),
    [  # each recorded from JavaScript's Number()
        ("", 0),
        (" \t\n\v\f\r\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\ufeff", 0),
        ("0", 0),
        ("42", 42),
        (" 42 ", 42),
        ("\ufeff42\u3000", 42),
        ("+42", 42),
        ("-42", -42),
        ("007", 7),
        ("4.5", 4.5),
        (".5", 0.5),
        ("5.", 5),
        ("-.5e1", -5),
        ("1e3", 1000),
        ("1E+3", 1000),
        ("1e-2", 0.01),
        ("1e400", math.inf),
        ("-1e400", -math.inf),
        ("1e-400", 0),
        ("0x1F", 31),
        ("0XfF", 255),
        ("0o17", 15),
        ("0O17", 15),
        ("0b101", 5),
        ("0B101", 5),
        ("Infinity", math.inf),
        ("+Infinity", math.inf),
        ("-Infinity", -math.inf),
        ("9007199254740991", 2**53 - 1),
        ("9" * 400, math.inf),
        ("9" * 5000, math.inf),
    ],
)
def test_a_number_is_read_as_javascript_reads_it(text: str, number: float) -> None:
    found = Cookie(text).number()
    if math.isinf(number) and isinstance(found, int):
        assert found == int(text)  # whole numbers are exact where JavaScript's have an end
    else:
        assert found == number
    assert Cookie(text).number(default="nothing") == found


@pytest.mark.parametrize(
    "text",
    [
        *("x", "4x", "4 2", "4,2", "1_000", "--1", "+-1", "+", "-", ".", "e", "e5", "1e", "1e+", ".e1", "1.2.3"),
        *("0x", "0xg", "-0x10", "+0x10", "0b2", "0b", "0o8", "0o", "x10"),
        *("infinity", "INFINITY", "inf", "nan", "NaN", "Infinity1", "true", "null", "[]", "1n"),
        *("\u0661", "١٢", "１", "²", "1\0", "\x1c1", "\x851", "\u200b1", "\u180e1", "1\n2"),
    ],
)
def test_what_is_no_number_is_nan_or_the_default(text: str) -> None:
    assert math.isnan(Cookie(text).number())
    assert Cookie(text).number(default=7) == 7
    assert Cookie(text).number(default=None) is None


@some
@given(st.text(max_size=40) | st.text("0123456789.eE+-xobInfinity \t", max_size=30))
def test_any_text_is_a_number_or_not(text: str) -> None:
    found = Cookie(text).number()
    assert isinstance(found, int | float)
    default = object()
    assert (Cookie(text).number(default=default) is default) == (isinstance(found, float) and math.isnan(found))


@some
@given(st.floats(allow_nan=False) | st.integers(-(2**53), 2**53))
def test_a_number_that_was_set_is_read_again(number: float) -> None:
    cookies = Cookies()
    cookies.set("n", number)
    found = cookies["n"].number()
    assert (float(found) if isinstance(number, float) else found) == number


@pytest.mark.parametrize("part", ["1", "0x1", "1.", "1e", " ", "-", "Infinity", "[", "{", '"', "\\"])
def test_no_text_makes_the_readers_slow(part: str) -> None:
    for text in ((part * 70_000)[:70_000], "0x" + "f" * 70_000, "1e" + "1" * 70_000):
        started = time.process_time()
        Cookie(text).number()
        Cookie(text).json(default=None)
        assert time.process_time() - started < 0.2


@pytest.mark.parametrize(
    ("text", "plain", "with_default"),
    [
        ("", False, False),
        ("0", False, False),
        ("false", False, False),
        ("1", True, True),
        ("true", True, True),
        ("FALSE", True, None),  # Astro
        ("no", True, None),
        (" ", True, None),
        ("0 ", True, None),
        ("2", True, None),
    ],
)
def test_a_bool_is_read_as_astro_reads_it(text: str, plain: bool, with_default: bool | None) -> None:
    assert Cookie(text).boolean() is plain
    assert Cookie(text).boolean(default=None) is with_default


@pytest.mark.parametrize(
    ("text", "value"),
    [('{"a":[1,2]}', {"a": [1, 2]}), ("null", None), ("3", 3), ('"x"', "x"), (" true ", True), ("[]", [])],
)
def test_json_is_read(text: str, value: object) -> None:
    assert Cookie(text).json() == value
    assert Cookie(text).json(default="nothing") == value


@pytest.mark.parametrize(
    "text", ["", "x", "{", "{'a':1}", "NaN", "Infinity", "[-Infinity]", "[" * 100_000, "1" * 5000, "[1] 2", "\ufeff1"]
)
def test_what_is_no_json_is_an_error_or_the_default(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON") as raised:
        Cookie(text).json()
    assert len(str(raised.value)) < 300
    assert Cookie(text).json(default=None) is None


def test_cookies_are_equal_by_their_text() -> None:
    assert Cookie("a") == Cookie("a") != Cookie("b")
    assert Cookie("a") != "a"
    assert len({Cookie("a"), Cookie("a"), Cookie("b")}) == 2
    assert repr(Cookie("a")) == "Cookie('a')"


# ------------------------------------------------------------------------------------------------------------------- setting


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("dark", "dark"),
        ("", ""),
        ("a b", "a%20b"),
        ("a;b", "a%3Bb"),
        ("a,b", "a%2Cb"),
        ('"a"', "%22a%22"),
        ("a\\b", "a%5Cb"),
        ("100%", "100%25"),
        ("%20", "%2520"),
        ("é", "%C3%A9"),
        ("😀", "%F0%9F%98%80"),
        ("\r\nSet-Cookie: x=1", "%0D%0ASet-Cookie%3A%20x%3D1"),
        ("\0", "%00"),
        ("a=b/c?d:e", "a=b/c?d:e"),
        (1, "1"),
        (0, "0"),
        (-5, "-5"),
        (10**25, "1" + "0" * 25),
        (True, "true"),
        (False, "false"),
        (0.1, "0.1"),
        (1.0, "1"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (1e-7, "1e-7"),
        (1.5e-10, "1.5e-10"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        ([1, "a"], "%5B1%2C%22a%22%5D"),  # Astro: "1,a"
        ((1, 2), "%5B1%2C2%5D"),
        ({"a": 1}, "%7B%22a%22%3A1%7D"),
        (MappingProxyType({"a": None}), "%7B%22a%22%3Anull%7D"),
        ({"a": "é"}, "%7B%22a%22%3A%22%C3%A9%22%7D"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_a_value_is_sent_as_text(value: object, sent: str) -> None:
    cookies = Cookies()
    cookies.set("a", value)
    assert cookies.headers() == [f"a={sent}"]


@pytest.mark.parametrize(
    ("value", "sent"),
    [(1e-5, "0.00001"), (1.5e-6, "0.0000015"), (2.0**69, "590295810358705700000"), (1e-6, "0.000001")],
)
def test_a_float_is_written_as_javascript_writes_it(value: float, sent: str) -> None:
    cookies = Cookies()
    cookies.set("a", value)
    assert cookies.headers() == [f"a={sent}"]


class _Theme(str, Enum):  # noqa: UP042 - the older spelling is the one under test
    DARK = "dark"


class _Shade(StrEnum):
    LIGHT = "light"


def test_the_member_of_an_enum_of_texts_is_its_text() -> None:
    cookies = Cookies()
    cookies.set("a", _Shade.LIGHT)
    cookies.set("b", _Theme.DARK)
    assert cookies.headers() == ["a=light", "b=dark"]
    assert cookies["b"].value == "dark"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"x",
        object(),
        {1, 2},
        1j,
        datetime(2026, 1, 1),
        [object()],
        {"a": b"x"},
        [math.nan],
        10**5000,
        "\ud800",
        ["\udfff"],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_is_no_text_number_or_json_is_refused(value: object) -> None:
    cookies = Cookies()
    with pytest.raises(CookieError, match="'a'"):
        cookies.set("a", value)
    assert cookies.headers() == []
    assert "a" not in cookies


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(CookieError, match="no JSON"):
        Cookies().set("a", loop)


WHOLE = {
    "path": "/shop",
    "domain": "example.com",
    "max_age": 60,
    "expires": datetime(2030, 1, 2, 3, 4, 5),
    "http_only": True,
    "secure": True,
    "same_site": "lax",
    "partitioned": True,
    "priority": "high",
}


@pytest.mark.parametrize(
    ("options", "attributes"),
    [
        ({}, ""),
        ({"path": "/"}, "; Path=/"),
        ({"path": "/a b"}, "; Path=/a b"),
        ({"path": None}, ""),
        ({"path": ""}, ""),
        ({"domain": "example.com"}, "; Domain=example.com"),
        ({"domain": ".example.com"}, "; Domain=.example.com"),
        ({"domain": "LOCALHOST"}, "; Domain=LOCALHOST"),
        ({"domain": None}, ""),
        ({"max_age": 0}, "; Max-Age=0"),
        ({"max_age": -1}, "; Max-Age=-1"),
        ({"max_age": 2**53 - 1}, "; Max-Age=9007199254740991"),
        ({"max_age": timedelta(days=1)}, "; Max-Age=86400"),
        ({"max_age": timedelta(seconds=1.9)}, "; Max-Age=1"),
        ({"max_age": None}, ""),
        ({"expires": datetime(2026, 10, 21, 7, 28)}, "; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
        ({"expires": datetime(2026, 1, 1, tzinfo=UTC)}, "; Expires=Thu, 01 Jan 2026 00:00:00 GMT"),
        (
            {"expires": datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))},
            "; Expires=Wed, 31 Dec 2025 23:00:00 GMT",
        ),
        ({"expires": datetime(1601, 1, 1)}, "; Expires=Mon, 01 Jan 1601 00:00:00 GMT"),
        ({"expires": datetime(9999, 12, 31, 23, 59, 59, 999999)}, "; Expires=Fri, 31 Dec 9999 23:59:59 GMT"),
        ({"http_only": True}, "; HttpOnly"),
        ({"http_only": False}, ""),
        ({"secure": True}, "; Secure"),
        ({"same_site": True}, "; SameSite=Strict"),
        ({"same_site": False}, ""),
        ({"same_site": "lax"}, "; SameSite=Lax"),
        ({"same_site": "STRICT"}, "; SameSite=Strict"),
        ({"same_site": "none", "secure": True}, "; Secure; SameSite=None"),
        ({"partitioned": True, "secure": True}, "; Secure; Partitioned"),
        ({"priority": "Low"}, "; Priority=Low"),
        (
            WHOLE,
            "; Max-Age=60; Domain=example.com; Path=/shop; Expires=Wed, 02 Jan 2030 03:04:05 GMT"
            "; HttpOnly; Secure; Partitioned; Priority=High; SameSite=Lax",
        ),
    ],
)
def test_options_become_attributes_in_astros_order(options: dict[str, Any], attributes: str) -> None:
    cookies = Cookies()
    cookies.set("a", "1", **options)
    assert cookies.headers() == ["a=1" + attributes]


@pytest.mark.parametrize(
    "options",
    [
        {"path": "shop"},
        {"path": "/a;b"},
        {"path": "/a<b"},
        {"path": "/a\r\nb"},
        {"path": "/é"},
        {"path": "/\0"},
        {"path": "/\x7f"},
        {"path": "/a\n"},
        {"path": 1},
        {"path": b"/"},
        {"domain": "a b"},
        {"domain": "a;b"},
        {"domain": "example.com; Secure"},
        {"domain": "example..com"},
        {"domain": "..example.com"},
        {"domain": "-a.example"},
        {"domain": "a-.example"},
        {"domain": "bücher.example"},
        {"domain": "example.com:80"},
        {"domain": "example.com\n"},
        {"domain": "a" * 64 + ".example"},
        {"domain": 1},
        {"domain": b"example.com"},
        {"max_age": "60"},
        {"max_age": 1.5},
        {"max_age": True},
        {"max_age": 2**53},
        {"max_age": -(2**53)},
        {"max_age": math.nan},
        {"max_age": [60]},
        {"expires": "Wed, 21 Oct 2026 07:28:00 GMT"},
        {"expires": 1},
        {"expires": date(2026, 1, 1)},
        {"expires": clock_time(1, 2)},
        {"expires": timedelta(1)},
        {"expires": datetime(1600, 12, 31)},
        {"expires": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))},
        {"expires": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2)))},
        {"http_only": 1},
        {"http_only": "yes"},
        {"secure": 0},
        {"secure": ""},
        {"same_site": "lax; Secure"},
        {"same_site": "relaxed"},
        {"same_site": ""},
        {"same_site": 1},
        {"same_site": "none"},
        {"same_site": "none", "secure": False},
        {"partitioned": True},
        {"partitioned": "yes", "secure": True},
        {"priority": "highest"},
        {"priority": True},
        {"priority": "high\r\n"},
    ],
    ids=repr,
)
def test_an_option_that_browsers_or_http_refuse_is_an_error(options: dict[str, Any]) -> None:
    cookies = Cookies("a=old")
    with pytest.raises(CookieError, match="'a'"):
        cookies.set("a", "1", **options)
    assert cookies.headers() == []
    assert cookies["a"].value == "old"


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        Cookies().set("a", "1", httponly=True)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Cookies().delete("a", samesite="lax")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "name", ["", "a b", "a=b", "a;b", "a,b", "é", "a\n", "a\0", '"a"', "a/b", "(a)", "[a]", "{a}", "a@b", "\t"]
)
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    for write in (lambda jar: jar.set(name, "1"), lambda jar: jar.delete(name)):
        cookies = Cookies()
        with pytest.raises(CookieError, match="no token"):
            write(cookies)
        assert cookies.headers() == []


@pytest.mark.parametrize("name", [None, 1, b"a"])
def test_a_name_that_is_no_text_is_refused(name: Any) -> None:
    for write in (lambda jar: jar.set(name, "1"), lambda jar: jar.delete(name)):
        with pytest.raises(CookieError):
            write(Cookies())


def test_every_character_of_a_token_may_stand_in_a_name() -> None:
    name = "!#$%&'*+-.^_`|~0aZ"
    cookies = Cookies()
    cookies.set(name, "1")
    assert cookies.headers() == [f"{name}=1"]
    assert Cookies(cookies.headers()[0])[name].value == "1"


@pytest.mark.parametrize(
    ("name", "options", "accepted"),
    [
        ("__Host-a", {"path": "/", "secure": True}, True),
        ("__host-a", {"path": "/", "secure": True}, True),
        ("__Host-a", {"path": "/"}, False),
        ("__Host-a", {"secure": True}, False),
        ("__Host-a", {"path": "/shop", "secure": True}, False),
        ("__HOST-a", {"path": "/", "secure": True, "domain": "example.com"}, False),
        ("__Secure-a", {"secure": True}, True),
        ("__Secure-a", {"secure": True, "domain": "example.com", "path": "/x"}, True),
        ("__Secure-a", {}, False),
        ("__secure-a", {}, False),
    ],
)
def test_prefixes_need_what_browsers_ask_for(name: str, options: dict[str, Any], accepted: bool) -> None:
    cookies = Cookies()
    if accepted:
        cookies.set(name, "1", **options)
        assert len(cookies.headers()) == 1
    else:
        with pytest.raises(CookieError, match="browsers drop it"):
            cookies.set(name, "1", **options)


def test_a_cookie_that_browsers_drop_for_its_size_is_refused() -> None:
    cookies = Cookies()
    cookies.set("a", "x" * 4095)  # name and value: 4096 bytes (RFC 6265bis section 5.7)
    with pytest.raises(CookieError):
        cookies.set("a", "x" * 4096)
    with pytest.raises(CookieError):
        cookies.set("a", "é" * 1000)


def test_an_encoder_of_ones_own_is_checked() -> None:
    cookies = Cookies()
    cookies.set("a", "x y", encode=lambda text: text.replace(" ", "+"))
    cookies.set("b", '"q"', encode=lambda text: text)
    assert cookies.headers() == ["a=x+y", 'b="q"']
    assert cookies["a"].value == "x y"
    for bad in ("x;y", "x y", "x\r\ny", "é", None, b"x", 1, "a\n"):
        with pytest.raises(CookieError, match="`encode`"):
            cookies.set("c", "1", encode=lambda text, bad=bad: bad)
    assert "c" not in cookies


def test_a_decoder_of_ones_own_reads_the_raw_text() -> None:
    cookies = Cookies("a=x+y%20z; b=")
    assert cookies.get("a", decode=lambda text: text.upper()) == Cookie("X+Y%20Z")
    assert cookies.get("b", decode=lambda text: text + "!") == Cookie("!")
    assert cookies.get("c", "nothing", decode=lambda text: "never") == "nothing"
    cookies.set("a", "new")
    assert cookies.get("a", decode=lambda text: "never") == Cookie("new")


# ------------------------------------------------------------------------------------- what was set, and what is sent of it


def test_what_was_set_wins_over_the_request() -> None:
    cookies = Cookies("a=1; b=2; c=3")
    cookies.set("b", "two")
    cookies.set("d", "four")
    cookies.delete("c")
    assert {name: cookie.value for name, cookie in cookies.items()} == {"a": "1", "b": "two", "d": "four"}
    assert list(cookies) == ["a", "b", "d"]
    assert len(cookies) == 3
    assert cookies.get("c") is None
    assert cookies.get("c", "gone") == "gone"
    assert not cookies.has("c")
    assert "c" not in cookies
    with pytest.raises(KeyError):
        cookies["c"]
    cookies.set("c", "again")
    assert cookies["c"].value == "again"


def test_an_empty_value_is_a_value() -> None:
    cookies = Cookies("a=")  # Astro: `has` says True, `get` nothing
    assert cookies.has("a")
    assert cookies["a"] == Cookie("")
    cookies.set("b", "")
    assert cookies.has("b")
    assert cookies["b"] == Cookie("")


def test_each_name_is_sent_once_where_it_was_touched_first() -> None:
    cookies = Cookies()
    cookies.set("a", "1", path="/")
    cookies.set("b", "1", path="/")
    cookies.set("a", "2", path="/")
    cookies.delete("b", path="/")
    assert cookies.headers() == ["a=2; Path=/", "b=deleted; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]


def test_one_name_may_have_several_paths_and_domains() -> None:
    cookies = Cookies()
    cookies.set("a", "1", path="/x")
    cookies.set("a", "2", path="/y")
    cookies.set("a", "3", path="/y", domain="example.com")
    assert cookies.headers() == ["a=1; Path=/x", "a=2; Path=/y", "a=3; Domain=example.com; Path=/y"]
    cookies.set("a", "4", path="/y", domain=".EXAMPLE.com")  # the same domain
    assert cookies.headers()[2] == "a=4; Domain=.EXAMPLE.com; Path=/y"
    assert len(cookies.headers()) == 3
    assert cookies["a"].value == "4"
    assert len(cookies) == 1


def test_a_cookie_without_a_path_takes_the_place_of_all_of_its_name() -> None:
    cookies = Cookies()
    cookies.set("a", "1", path="/x")
    cookies.set("b", "1")
    cookies.set("a", "2", path="/y")
    cookies.set("a", "3")
    assert cookies.headers() == ["a=3", "b=1"]
    cookies.set("a", "4", path="/z")
    assert cookies.headers() == ["a=4; Path=/z", "b=1"]


def test_get_gives_what_was_set_last_also_on_another_path() -> None:
    cookies = Cookies()
    cookies.set("a", "1", path="/x")
    cookies.set("a", "2", path="/y")
    cookies.set("a", "3", path="/x")
    assert cookies.headers() == ["a=3; Path=/x", "a=2; Path=/y"]
    assert cookies["a"].value == "3"


def test_a_cookie_is_deleted_on_two_domains() -> None:
    cookies = Cookies()
    cookies.delete("a")
    cookies.delete("a", domain="example.com")
    assert len(cookies.headers()) == 2


def test_deleting_keeps_the_address_and_drops_the_lifetime() -> None:
    cookies = Cookies("a=1")
    cookies.delete("a", **{**WHOLE, "encode": str.upper})
    assert cookies.headers() == [
        "a=deleted; Domain=example.com; Path=/shop; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
        "; HttpOnly; Secure; Partitioned; Priority=High; SameSite=Lax"
    ]


def test_cookies_with_a_prefix_are_deleted_so_that_browsers_listen() -> None:
    cookies = Cookies()
    cookies.delete("__Host-a", path="/")
    cookies.delete("__secure-b")
    assert cookies.headers() == [
        "__Host-a=deleted; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure",
        "__secure-b=deleted; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure",
    ]


def test_defaults_hold_unless_something_else_is_said() -> None:
    defaults = {"path": "/", "secure": True, "max_age": 60, "same_site": "lax", "encode": lambda text: "E" + text}
    cookies = Cookies("", defaults)
    cookies.set("a", "1")
    cookies.set("b", "1", path=None, secure=False, max_age=None, same_site=None, encode=None)
    cookies.set("c", "1", path="/x", same_site="strict")
    cookies.delete("d")
    assert cookies.headers() == [
        "a=E1; Max-Age=60; Path=/; Secure; SameSite=Lax",
        "b=1",
        "c=E1; Max-Age=60; Path=/x; Secure; SameSite=Strict",
        "d=deleted; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; SameSite=Lax",
    ]
    assert list(defaults) == ["path", "secure", "max_age", "same_site", "encode"]


def test_a_site_sets_cookies_for_all_of_its_paths() -> None:
    page = Page.for_test("/deep/down")
    page.cookies.set("a", "1")
    assert page.cookies.headers() == ["a=1; Path=/"]
    page = Page.for_test("/deep/down", cookie_defaults={})
    page.cookies.set("a", "1")
    assert page.cookies.headers() == ["a=1"]


def test_merging_adds_what_was_set_and_deleted() -> None:
    one, two = Cookies("r=1"), Cookies("s=1")
    one.set("a", "1")
    one.set("b", "1")
    two.set("b", "2")
    two.delete("r")
    two.set("c", "2")
    one.merge(two)
    assert [header.partition(";")[0] for header in one.headers()] == ["a=1", "b=2", "r=deleted", "c=2"]
    assert "r" not in one
    assert "s" not in one
    assert len(two.headers()) == 3


def test_after_the_first_byte_nothing_is_set_any_more() -> None:
    cookies, other = Cookies("a=1"), Cookies()
    cookies.set("b", "1")
    other.set("c", "1")
    cookies.seal()
    for write in (lambda: cookies.set("c", "1"), lambda: cookies.delete("a"), lambda: cookies.merge(other)):
        with pytest.raises(ResponseStarted, match="too late"):
            write()
    cookies.merge(Cookies())
    assert cookies.headers() == ["b=1"]
    assert cookies["a"].value == "1"
    with pytest.raises(CookieError):
        cookies.set("a b", "1")


def test_who_listens_is_told_before() -> None:
    heard: list[str] = []
    cookies = Cookies("a=1", on_read=lambda: heard.append("read"), on_write=lambda name: heard.append(f"write {name}"))
    assert heard == []
    assert cookies.headers() == []
    assert heard == []
    cookies.set("b", "1")
    assert heard == ["write b"]
    assert cookies["b"].value == "1"  # no visitor was asked
    assert heard == ["write b"]
    assert cookies["a"].value == "1"
    assert heard[-1] == "read"
    cookies.delete("a")
    assert heard[-1] == "write a"


def test_what_the_listener_forbids_is_not_set() -> None:
    def refuse(name: str) -> None:
        raise OnDemandError(name)

    cookies = Cookies(on_write=refuse)
    with pytest.raises(OnDemandError):
        cookies.set("a", "1")
    assert cookies.headers() == []


# ------------------------------------------------------------------------------------------------- nothing breaks out of it

TEXTS = (
    st.text(max_size=20)
    | st.text('ab/=;, \t\r\n\0"\\%<>\x7f\x85\xa0é-._', max_size=12)
    | st.sampled_from(
        ["/", "/x", "example.com", "lax", "none", "high", "a; Secure", "a\r\nSet-Cookie: b=1", "__Host-a"]
    )
)
OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "path": TEXTS | st.none(),
    "domain": TEXTS | st.none(),
    "max_age": st.integers() | st.timedeltas() | st.none() | st.floats() | st.booleans(),
    "expires": st.datetimes() | st.none() | st.dates(),
    "http_only": st.booleans() | TEXTS,
    "secure": st.booleans() | st.integers(),
    "same_site": TEXTS | st.booleans() | st.none(),
    "partitioned": st.booleans(),
    "priority": TEXTS | st.none(),
}
ATTRIBUTES = {
    "path": "Path=",
    "domain": "Domain=",
    "max_age": "Max-Age=",
    "expires": "Expires=",
    "http_only": "HttpOnly",
    "secure": "Secure",
    "same_site": "SameSite=",
    "partitioned": "Partitioned",
    "priority": "Priority=",
}


@settings(some, max_examples=1000)
@given(
    TEXTS,
    TEXTS | st.integers() | st.floats() | st.booleans() | st.lists(TEXTS) | st.dictionaries(TEXTS, TEXTS),
    st.fixed_dictionaries({}, optional=OPTIONS),
    st.booleans(),
)
@example("a", "1\r\nX: y", {"path": "/", "http_only": True}, False)
@example("a", "1", {"path": "/; Secure"}, False)
def test_a_set_cookie_value_says_what_was_asked_for_and_nothing_else(
    name: str, value: object, options: dict[str, Any], deletes: bool
) -> None:
    cookies = Cookies()
    try:
        if deletes:
            cookies.delete(name, **options)
        else:
            cookies.set(name, value, **options)
    except CookieError:
        assert cookies.headers() == []
        return
    (header,) = cookies.headers()
    assert re.fullmatch(r"[\x20-\x7e]+", header)
    pair, *attributes = header.split("; ")
    assert ";" not in pair
    sent_name, equals, sent = pair.partition("=")
    assert (sent_name, equals) == (name, "=")
    assert re.fullmatch(r"[\x21-\x7e]*", sent)
    assert not set(sent) & set('";,\\')
    asked = {key for key, given_ in options.items() if given_ is not None and given_ is not False and given_ != ""}
    if deletes:
        asked = asked - {"max_age", "expires"} | {"expires"}
        if name.lower().startswith(("__host-", "__secure-")):
            asked |= {"secure"}
    assert len(attributes) == len(asked)
    for key in asked:
        prefix = ATTRIBUTES[key]
        (found,) = [one for one in attributes if one == prefix or (prefix.endswith("=") and one.startswith(prefix))]
        assert ";" not in found


@some
@given(st.text("abcXYZ09-_.~!", min_size=1, max_size=10), st.text(max_size=40))
@example("a", "\x85\u2028\ufeff")
@example("a", "%E9%00+&=\\\"',;")
def test_any_text_comes_back_from_the_browser(name: str, value: str) -> None:
    page = Cookies()
    try:
        page.set(name, value, secure=True, path="/")
    except CookieError:
        assert any("\ud800" <= character <= "\udfff" for character in value)
        return
    sent = page.headers()[0].partition("; ")[0]
    header = f"other=1; {sent}; {name}=later"
    assert Cookies(header).get(name) == page.get(name) == Cookie(value)
    assert len(Cookies(header)) == 2 or name == "other"


@some
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**20), 10**20)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=6,
    ).map(lambda value: [value])
)
def test_any_json_comes_back_from_the_browser(value: list[Any]) -> None:
    page = Cookies()
    try:
        page.set("a", value)
    except CookieError:
        assert re.search(r"\\ud[89a-f]", json.dumps(value))  # half of a surrogate pair
        return
    assert Cookies(page.headers()[0])["a"].json() == value


PLAIN = st.fixed_dictionaries(
    {},
    optional={
        "path": st.sampled_from(["/", "/a/b", "/~x"]),
        "domain": st.sampled_from(["example.com", "a.b.example"]),
        "max_age": st.integers(-10, 10**9),
        "expires": st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
            lambda one: one.replace(tzinfo=UTC, microsecond=0)
        ),
        "http_only": st.booleans(),
        "secure": st.just(True),
        "same_site": st.sampled_from(["lax", "strict"]),
    },
)


@some
@given(st.text("abc09-_.", min_size=1, max_size=6), st.text("abcXYZ09-_.~!:/", max_size=10), PLAIN)
def test_plain_cookies_are_those_that_werkzeug_and_python_write(name: str, value: str, options: dict[str, Any]) -> None:
    cookies = Cookies()
    cookies.set(name, value, **options)
    (ours,) = cookies.headers()
    theirs = dump_cookie(
        name,
        value,
        path=options.get("path"),
        domain=options.get("domain"),
        max_age=options.get("max_age"),
        expires=options.get("expires"),
        httponly=options.get("http_only", False),
        secure=options.get("secure", False),
        samesite=options.get("same_site"),
        max_size=0,
        sync_expires=False,
    )
    assert set(ours.split("; ")) == set(theirs.split("; "))
    morsel = SimpleCookie(ours)[name]
    assert morsel.value == value
    assert morsel["path"] == options.get("path", "")
    assert morsel["domain"] == options.get("domain", "")
    assert morsel["max-age"] == (str(options["max_age"]) if "max_age" in options else "")
    assert bool(morsel["httponly"]) is options.get("http_only", False)
    assert bool(morsel["secure"]) is ("secure" in options)


def test_many_cookies_are_set_quickly() -> None:
    cookies = Cookies()
    started = time.process_time()
    for number in range(1000):
        cookies.set(f"c{number}", "v")
    assert len(cookies) == 1000
    assert time.process_time() - started < 0.5
