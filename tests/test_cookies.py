"""ondemand.cookies: the Cookie header, read as Astro reads it. The cases marked so are recorded from Astro 7."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondemand.contexts import Page
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


@pytest.mark.parametrize("part", [";", "=", "a=", "a;", "a=b;", " ", "\t", '"', '="', "%", "a=%;", "%2", " ;", "\xff"])
def test_a_hostile_header_takes_linear_time(part: str) -> None:
    for header in ((part * 100_000)[:100_000], "a=" + (part * 100_000)[:100_000]):
        started = time.process_time()
        dict(Cookies(header))
        assert time.process_time() - started < 0.2


def test_many_names_take_linear_time() -> None:
    header = ";".join(f"{number}=" for number in range(15_000))
    started = time.process_time()
    assert len(dict(Cookies(header))) == 15_000
    assert time.process_time() - started < 0.2


def test_a_page_reads_the_cookie_header_of_its_request() -> None:
    assert Page(make_scope("/", headers={"cookie": "a=1; b=2"}), {}).cookies["b"].value == "2"
    assert len(Page(make_scope("/"), {}).cookies) == 0


def test_a_page_reads_the_cookies_of_all_cookie_headers() -> None:
    scope = make_scope("/")
    scope["headers"] += [(b"cookie", b"a=1"), (b"cookie", b"b=2; a=3")]  # as HTTP/2 allows (RFC 9113 section 8.2.3)
    cookies = Page(scope, {}).cookies
    assert {name: cookie.value for name, cookie in cookies.items()} == {"a": "1", "b": "2"}
