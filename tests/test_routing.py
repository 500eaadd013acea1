"""ondemand.routing: patterns, what may be a path, rules, and the decision how a path is rendered."""

from __future__ import annotations

import enum
import itertools
import pickle
import posixpath
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.routing import compile_path

from ondemand.config import Config
from ondemand.errors import ConfigError, MarkError, ParamError
from ondemand.marks import Mark
from ondemand.matching import Index
from ondemand.routing import (
    MAX_NAME,
    MAX_PATH,
    Convertor,
    Decision,
    Pattern,
    RegexPattern,
    Route,
    Rule,
    Rules,
    collision_key,
    decide,
    path_fault,
    portability_fault,
    to_query,
    to_url,
)

some = settings(max_examples=300, deadline=None, derandomize=True)
ID = UUID("550e8400-e29b-41d4-a716-446655440000")


def config(**settings: Any) -> Config:
    return Config.make(settings, root=Path("/nowhere"))


# ------------------------------------------------------------------------------------------------- patterns that match


MATCHES: list[tuple[str, str, Mapping[str, str] | None]] = [
    ("/", "/", {}),
    ("/", "", None),
    ("/about", "/about", {}),
    ("/about", "/about/", None),
    ("/about", "/About", None),
    ("/about", "/about\n", None),
    ("/a.b", "/axb", None),
    ("/blog/{slug}", "/blog/hello", {"slug": "hello"}),
    ("/blog/{slug}", "/blog/", None),
    ("/blog/{slug}", "/blog/a/b", None),
    ("/blog/{slug}", "/blog/é %", {"slug": "é %"}),
    ("/blog/{slug:str}", "/blog/x", {"slug": "x"}),
    ("/n/{id:int}", "/n/007", {"id": "007"}),
    ("/n/{id:int}", "/n/-1", None),
    ("/n/{id:int}", "/n/٣", None),
    ("/n/{x:float}", "/n/1.5", {"x": "1.5"}),
    ("/n/{x:float}", "/n/1.", None),
    ("/n/{u:uuid}", f"/n/{ID}", {"u": str(ID)}),
    ("/n/{u:uuid}", f"/n/{ID.hex.upper()}", {"u": ID.hex.upper()}),
    ("/n/{u:uuid}", "/n/550e8400", None),
    ("/docs/{rest:path}", "/docs/a/b", {"rest": "a/b"}),
    ("/docs/{rest:path}", "/docs/", {"rest": ""}),
    ("/docs/{rest:path}", "/docs", None),
    ("/docs/{rest:path}/edit", "/docs/a/b/edit", {"rest": "a/b"}),
    ("/{rest:path}", "/", {"rest": ""}),
    ("/post-{id:int}", "/post-12", {"id": "12"}),
    ("/post-{id:int}", "/post-x", None),
    ("/{name}.{suffix}", "/a.tar.gz", {"name": "a.tar", "suffix": "gz"}),
    ("/{year:int}/{month:int}/{slug}", "/2026/11/x", {"year": "2026", "month": "11", "slug": "x"}),
    ("/api/*", "/api/x", {}),
    ("/api/*", "/api", None),
    ("/api/*", "/api/", None),
    ("/api/*", "/api/x/y", None),
    ("/*/edit", "/x/edit", {}),
    ("/img-*.png", "/img-1.png", {}),
    ("/img-*.png", "/img-.png", None),
    ("/api/**", "/api", {}),
    ("/api/**", "/api/", {}),
    ("/api/**", "/api/x/y", {}),
    ("/api/**", "/apix", None),
    ("/**", "/", {}),
    ("/**", "/x/y", {}),
    ("/**.json", "/a/b.json", {}),
    ("/**.json", "/b.json", {}),
    ("/**.json", "/b.jsonx", None),
    ("/blog/{slug}/**", "/blog/x/y/z", {"slug": "x"}),
    ("/blog/{slug}/**", "/blog/x", {"slug": "x"}),
    ("/a/**/z", "/a/b/c/z", {}),
]


@pytest.mark.parametrize(("pattern", "path", "params"), MATCHES)
def test_a_pattern_covers_what_its_spelling_says(pattern: str, path: str, params: Mapping[str, str] | None) -> None:
    assert Pattern(pattern).match(path) == params


PIECE = st.sampled_from(
    ["a", "b.c", "a-", "(x)", "{p}", "{q:int}", "{r:path}", "{s:float}", "{t:uuid}", "x{u}y", "{v:str}"]
)
SPELLINGS = st.lists(PIECE, min_size=1, max_size=4).map(lambda pieces: "/" + "/".join(pieces))
REQUESTS = st.lists(
    st.sampled_from(["a", "b.c", "a-", "(x)", "7", "1.50", str(ID), "xzy", "xy", "é", ""]), max_size=5
).map(lambda pieces: "/" + "/".join(pieces))


@some
@given(SPELLINGS, REQUESTS)
def test_starlette_matches_the_same_paths_with_the_same_params(text: str, path: str) -> None:
    try:
        theirs = compile_path(text)[0].match(path)
    except ValueError:  # a name twice
        with pytest.raises(ConfigError):
            Pattern(text)
        return
    assert Pattern(text).match(path) == (theirs.groupdict() if theirs else None)


def test_convertors_of_a_framework_are_taken_over() -> None:
    lowercase = Pattern("/lang/{code:lang}/{page:int}", {"lang": Convertor("de|fr")})
    assert lowercase.match("/lang/de/3") == {"code": "de", "page": "3"}
    assert lowercase.match("/lang/en/3") is None
    assert lowercase.match("/lang/defr/3") is None
    assert lowercase.fill({"code": "fr", "page": 3}) == "/lang/fr/3"
    with pytest.raises(ParamError):
        lowercase.fill({"code": "en", "page": 3})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "blog",
        "{x}",
        "*",
        "**",
        None,
        5,
        b"/x",
        "/{x}/{x}",
        "/{x",
        "/x}",
        "/{}",
        "/{1x}",
        "/{x:}",
        "/{x y}",
        "/{x:nope}",
    ],
)
def test_a_pattern_that_is_none_is_refused_by_name(text: Any) -> None:
    with pytest.raises(ConfigError, match=re.escape(repr(text))):
        Pattern(text)


def test_the_known_convertors_are_named_where_one_is_unknown() -> None:
    with pytest.raises(ConfigError, match="float, int, path, str, uuid"):
        Pattern("/{id:integer}")


# ---------------------------------------------------------------------------------------------------- patterns that fill


FILLS: list[tuple[str, Mapping[str, Any], str]] = [
    ("/", {}, "/"),
    ("/about/", {}, "/about/"),
    ("/{slug}", {"slug": "hello"}, "/hello"),
    ("/{slug}/", {"slug": "hello"}, "/hello/"),
    ("/{slug}", {"slug": "50%"}, "/50%"),
    ("/{slug}", {"slug": "%2e%2e%2f"}, "/%2e%2e%2f"),
    ("/{slug}", {"slug": "a?b#c&d"}, "/a?b#c&d"),
    ("/{slug}", {"slug": "..."}, "/..."),
    ("/{slug}", {"slug": " "}, "/ "),
    ("/{slug}", {"slug": "e\u0301"}, "/e\u0301"),
    ("/{slug}", {"slug": "x" * MAX_NAME}, "/" + "x" * MAX_NAME),
    ("/{id:int}", {"id": 7}, "/7"),
    ("/{id:int}", {"id": "007"}, "/007"),
    ("/{x:float}", {"x": 1.5}, "/1.5"),
    ("/{u:uuid}", {"u": ID}, f"/{ID}"),
    ("/{u}", {"u": type("OwnId", (UUID,), {})(str(ID))}, f"/{ID}"),
    ("/post-{id}.html", {"id": 7}, "/post-7.html"),
    ("/docs/{rest:path}", {"rest": "a/b"}, "/docs/a/b"),
    ("/docs/{rest:path}", {"rest": "/a/b"}, "/docs/a/b"),
    ("/docs/{rest:path}", {"rest": "/etc/passwd"}, "/docs/etc/passwd"),
    ("/{rest:path}", {"rest": None}, "/"),
    ("/{rest:path}", {"rest": ""}, "/"),
]


@pytest.mark.parametrize(("pattern", "params", "path"), FILLS)
def test_params_that_fit_make_the_path(pattern: str, params: Mapping[str, Any], path: str) -> None:
    assert Pattern(pattern).fill(params) == path


@pytest.mark.parametrize("nothing", [None, "", "/"])
@pytest.mark.parametrize("pattern", ["/{rest:path}", "/docs/{rest:path}", "/a/{x}/{rest:path}"])
def test_a_rest_that_is_nothing_makes_the_path_that_the_app_answers_for_it(pattern: str, nothing: Any) -> None:
    params = {name: nothing if name == "rest" else "x" for name in Pattern(pattern).names}
    path = Pattern(pattern).fill(params)
    assert compile_path(pattern)[0].match(path)
    assert Pattern(pattern).match(path) == {**params, "rest": ""}


REFUSED: list[tuple[str, Mapping[Any, Any], str, Any]] = [
    # pattern, params, the name that the error gives, what it shows
    ("/{slug}", {}, "slug", "slug"),
    ("/{slug}", {"slug": "x", "page": 2}, "page", 2),
    ("/{slug}", {"sluf": "x"}, "sluf", "x"),
    ("/{slug}", {"slug": "x", 5: "y"}, "5", "y"),
    ("/{slug}", {7: "x", "b": "y"}, "7", "x"),
    ("/{slug}", {"slug": ""}, "slug", ""),
    ("/{slug}", {"slug": "."}, "slug", "."),
    ("/{slug}", {"slug": ".."}, "slug", ".."),
    ("/{slug}", {"slug": "../../x"}, "slug", "../../x"),
    ("/{slug}", {"slug": "..\\x"}, "slug", "..\\x"),
    ("/{slug}", {"slug": "\\\\host\\share"}, "slug", "\\\\host\\share"),
    ("/{slug}", {"slug": "/etc/passwd"}, "slug", "/etc/passwd"),
    ("/{slug}", {"slug": "a/b"}, "slug", "a/b"),
    ("/{slug}", {"slug": "a\0b"}, "slug", "a\0b"),
    ("/{slug}", {"slug": "a\nb"}, "slug", "a\nb"),
    ("/{slug}", {"slug": "a\x85b"}, "slug", "a\x85b"),
    ("/{slug}", {"slug": "\ud800"}, "slug", "\ud800"),
    ("/{slug}", {"slug": "\ufffd"}, "slug", "\ufffd"),
    ("/{slug}", {"slug": "x" * 300}, "slug", "x" * 20),
    ("/{slug}", {"slug": "é" * 150}, "slug", "é" * 20),
    ("/{slug}", {"slug": True}, "slug", True),
    ("/{slug}", {"slug": None}, "slug", None),
    ("/{slug}", {"slug": ["x"]}, "slug", ["x"]),
    ("/{slug}", {"slug": b"x"}, "slug", b"x"),
    ("/{slug}", {"slug": {"a": 1}}, "slug", {"a": 1}),
    ("/{id:int}", {"id": -1}, "id", -1),
    ("/{id:int}", {"id": 1.5}, "id", 1.5),
    ("/{id:int}", {"id": "x"}, "id", "x"),
    ("/{id:int}", {"id": "1\n"}, "id", "1\n"),
    ("/{id:int}", {"id": True}, "id", True),
    ("/{id:int}", {"id": 10**5000}, "id", ""),
    ("/{x:float}", {"x": float("nan")}, "x", float("nan")),
    ("/{x:float}", {"x": float("inf")}, "x", float("inf")),
    ("/{x:float}", {"x": 1e300}, "x", 1e300),
    ("/{u:uuid}", {"u": "550e8400"}, "u", "550e8400"),
    ("/docs/{rest:path}", {"rest": "../../x"}, "rest", "../../x"),
    ("/docs/{rest:path}", {"rest": "a/./b"}, "rest", "a/./b"),
    ("/docs/{rest:path}", {"rest": "a//b"}, "rest", "a//b"),
    ("/docs/{rest:path}", {"rest": "a/" + "b" * 300}, "rest", "a/"),
    ("/docs/{rest:path}", {"rest": "a/" * 600 + "a"}, "rest", "a/a/"),
    ("/docs/{rest:path}", {"rest": "a\0"}, "rest", "a\0"),
    ("/docs/{rest:path}", {"rest": True}, "rest", True),
    ("/docs/{rest:path}", {"rest": ["a", "b"]}, "rest", ["a", "b"]),
    ("/.{x}", {"x": "."}, "x", "."),
]


@pytest.mark.parametrize(("pattern", "params", "name", "value"), REFUSED)
def test_params_that_do_not_fit_are_refused_by_route_name_and_value(
    pattern: str, params: Mapping[Any, Any], name: str, value: Any
) -> None:
    with pytest.raises(ParamError) as caught:
        Pattern(pattern).fill(params)
    assert pattern in str(caught.value)
    assert name in str(caught.value)
    assert (repr(value)[:-1] if isinstance(value, str) else repr(value)) in str(caught.value)
    assert caught.value.pattern == pattern
    assert len(str(caught.value)) < 500


def test_two_sets_of_params_never_make_one_path_in_silence() -> None:
    pattern = Pattern("/{a}-{b}")
    assert pattern.match(pattern.fill({"a": "x", "b": "y"})) == {"a": "x", "b": "y"}
    with pytest.raises(ParamError):  # the app would read /x-y-z as a="x-y"
        pattern.fill({"a": "x", "b": "y-z"})


HOSTILE = st.one_of(
    st.text(max_size=12),
    st.text("ab./\\%2e-\0\n\ud800\ufffdé ", max_size=8),
    st.sampled_from(["", ".", "..", "../../x", "/etc/passwd", "x" * 300, "50%", "%2e%2e%2f", "..\\x"]),
    st.integers(),
    st.floats(),
    st.uuids(),
    st.none(),
    st.booleans(),
    st.lists(st.text(max_size=2), max_size=2),
)
FILLABLE = ["/{a}", "/x/{a}/", "/{a}/{b}", "/{a:int}", "/{a:float}", "/{a:uuid}", "/{a}.{b}", "/pre-{a}-{b:int}"]
FILLABLE += ["/{a:path}", "/d/{a:path}", "/{a:path}/{b}", "/.{a}", "/{a}{b:path}", "/d/{a:path}.html"]


@settings(some, max_examples=1000)
@example("/{a}", {"a": "0/"})
@given(st.sampled_from(FILLABLE), st.dictionaries(st.sampled_from(["a", "b"]), HOSTILE, min_size=1))
def test_any_params_make_a_safe_path_that_gives_them_back_or_are_refused(text: str, params: dict[str, Any]) -> None:
    pattern = Pattern(text)
    try:
        path = pattern.fill(params)
    except ParamError as error:
        assert error.pattern == text
        assert text in str(error)
        return
    assert path_fault(path) is None
    wanted = {name: "" if value is None else str(value).strip("/") for name, value in params.items()}
    assert pattern.match(path) == wanted


# --------------------------------------------------------------------------------------------------- what may be a path


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/a",
        "/a/",
        "/a.b/c d",
        "/...",
        "/.well-known/x",
        "/50%",
        "/%2e%2e/x",
        "/é",
        "/e\u0301",
        "/日本",
        "/😀",
        "/a:b",
        "/con",
        "/a\u200bb",
        "/" + "x" * MAX_NAME,
        "/" + "é" * (MAX_NAME // 2),
        ("/" + "x" * 63) * (MAX_PATH // 64),
    ],
)
def test_a_path_that_may_be_a_name(path: str) -> None:
    assert path_fault(path) is None


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("", "start"),
        ("a", "start"),
        ("http://x/", "start"),
        ("//", "empty"),
        ("//host/x", "empty"),
        ("/a//b", "empty"),
        ("/a//", "empty"),
        ("/.", "'.'"),
        ("/..", "'..'"),
        ("/./a", "'.'"),
        ("/a/../b", "'..'"),
        ("/a/..", "'..'"),
        ("/a\\b", r"'\\'"),
        ("/\0", r"'\x00'"),
        ("/a\r\nb", r"'\r'"),
        ("/a\x1f", r"'\x1f'"),
        ("/a\x7f", r"'\x7f'"),
        ("/a\x9f", r"'\x9f'"),
        ("/\ud800", r"'\ud800'"),
        ("/\udcff", r"'\udcff'"),
        ("/\ufffd", "character"),
        ("/" + "x" * (MAX_NAME + 1), "longer"),
        ("/" + "é" * (MAX_NAME // 2 + 1), "longer"),
        (("/" + "x" * 63) * (MAX_PATH // 64) + "/", "longer"),
        ("/a" * 400 + "/é" * 100, "longer"),
    ],
)
def test_a_path_that_may_not_be_a_name_says_why(path: str, word: str) -> None:
    assert word in (path_fault(path) or "")


@some
@given(st.lists(st.text("a.\\/%2eé\0 \ufffd\n", max_size=6), max_size=6).map("/".join))
def test_a_path_without_fault_stays_inside_its_folder(path: str) -> None:
    if path_fault(path) is not None:
        return
    landed = posixpath.normpath("/dist/site" + path)
    assert landed == "/dist/site" + path.rstrip("/")
    assert "\0" not in landed


@pytest.mark.parametrize(
    ("path", "portable"),
    [
        ("/about", True),
        ("/about/", True),
        ("/console", True),
        ("/com10", True),
        ("/.well-known/x", True),
        ("/con", False),
        ("/CON", False),
        ("/a/Con.html", False),
        ("/aux.tar.gz", False),
        ("/nul/x", False),
        ("/com1", False),
        ("/COM¹", False),
        ("/lpt9.txt", False),
        ("/conin$", False),
        ("/a:b", False),
        ("/a?b", False),
        ("/a*b", False),
        ('/"x"', False),
        ("/a|b", False),
        ("/<x>", False),
        ("/a.", False),
        ("/a /b", False),
        ("/a...", False),
    ],
)
def test_names_that_windows_refuses_are_told(path: str, portable: bool) -> None:
    assert (portability_fault(path) is None) is portable


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("A", "a", True),
        ("é", "e\u0301", True),
        ("É", "e\u0301", True),
        ("straße", "STRASSE", True),
        ("\u212b", "å", True),  # the sign for angstrom
        ("ﬁ", "fi", True),
        ("Σ", "ς", True),
        ("가", "\u1100\u1161", True),
        ("a", "b", False),
        ("é", "e", False),
        ("a", "a ", False),
        ("²", "2", False),  # compatibility forms are other names to every file system
        ("ａ", "a", False),
    ],
)
def test_names_that_some_file_system_takes_for_one_have_one_key(one: str, two: str, same: bool) -> None:
    assert (collision_key(one) == collision_key(two)) is same


@some
@given(st.text(max_size=8))
def test_every_unicode_normal_form_of_a_name_has_its_key(name: str) -> None:
    assert collision_key(unicodedata.normalize("NFD", name)) == collision_key(unicodedata.normalize("NFC", name))


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a b", "/a%20b"),
        ("/50%", "/50%25"),
        ("/%2e", "/%252e"),
        ("/é", "/%C3%A9"),
        ("/a?b#c", "/a%3Fb%23c"),
        ("/a;b=c,d:e@f!$&'()*+~", "/a;b=c,d:e@f!$&'()*+~"),
        ('/<">', "/%3C%22%3E"),
        ("/[x]", "/%5Bx%5D"),
    ],
)
def test_a_path_is_escaped_once(path: str, url: str) -> None:
    assert to_url(path) == url


@some
@given(st.text().map("/".__add__))
def test_decoding_a_url_once_gives_the_path_back(path: str) -> None:
    assert unquote(to_url(path), errors="strict") == path
    assert re.fullmatch(r"(?:[A-Za-z0-9/!$&'()*+,;=:@~._-]|%[0-9A-F]{2})+", to_url(path))


# --------------------------------------------------------------------------------------------- specificity and overlaps


NARROW_AND_WIDE = [
    ("/", "/**"),
    ("/", "/{rest:path}"),
    ("/a", "/{x}"),
    ("/a", "/*"),
    ("/a", "/a/**"),
    ("/a/b", "/a/{x}"),
    ("/a/{x}", "/a/**"),
    ("/a/*", "/a/**"),
    ("/a/*", "/*/*"),
    ("/a/{x}", "/{x}/{y}"),
    ("/{x}/b", "/{x}/{y}"),
    ("/{x}", "/{x}/**"),
    ("/a/b/**", "/a/**"),
    ("/a/**", "/**"),
    ("/**.json", "/**"),
    ("/a/**.json", "/a/**"),
    ("/post-{id}", "/{slug}"),
    ("/{name}.json", "/*"),
    ("/{id:int}", "/{slug}"),
    ("/post-{id:int}", "/post-{id}"),
    ("/{x}/{y}", "/{rest:path}"),
    ("/a-*", "/*-*"),
]


@pytest.mark.parametrize("swapped", [False, True], ids=["narrow first", "wide first"])
@pytest.mark.parametrize(("narrow", "wide"), NARROW_AND_WIDE)
def test_the_rule_that_covers_less_comes_first_however_they_are_written(narrow: str, wide: str, swapped: bool) -> None:
    texts = [wide, narrow] if swapped else [narrow, wide]
    assert [pattern.text for pattern, _ in Rules({text: Rule() for text in texts})] == [narrow, wide]


SEGMENTS = ["a", "b", "a-b", "7", "a.json"]
UNIVERSE = ["/", *("/" + "/".join(p) for n in (1, 2, 3) for p in itertools.product(SEGMENTS, repeat=n))]
SHAPES = ["a", "b", "7", "a.json", "{x}", "*", "a-{x}", "{x}-{y}", "*.json", "{r:path}"]
PATTERNS = st.builds(
    lambda segments, end: "/" + "/".join([*segments, *end]),
    st.lists(st.sampled_from(SHAPES), max_size=3),
    st.sampled_from([[], [], ["**"], ["**.json"]]),
).filter(lambda text: len(set(re.findall(r"\{(\w+)", text))) == text.count("{"))


@some
@given(PATTERNS, PATTERNS)
def test_patterns_that_share_a_path_overlap(one: str, two: str) -> None:
    a, b = Pattern(one), Pattern(two)
    share = any(a.match(path) is not None and b.match(path) is not None for path in UNIVERSE)
    assert a.overlaps(b) == b.overlaps(a)
    assert a.overlaps(b) or not share


@some
@given(st.sampled_from(UNIVERSE), PATTERNS.filter(lambda text: "**." not in text and ":path}/" not in text))
def test_a_literal_overlaps_exactly_what_matches_it(literal: str, text: str) -> None:
    if ":path}" in text and not literal.startswith(text.partition("{r:")[0]):
        return  # that the slash in front of the rest is needed makes no difference to `overlaps`
    assert Pattern(literal).overlaps(Pattern(text)) == (Pattern(text).match(literal) is not None)


# ---------------------------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"prerender": True},
        {"prerender": False},
        {"prerender": "auto"},
        {"query": "ignore"},
        {"vary": ["HX-Request", "accept-language"]},
        {"vary": ()},
        {"headers": {"X-Frame-Options": "DENY", "x-latin": "caf\xe9"}},
        {"guard": test_a_path_is_escaped_once},
    ],
)
def test_a_rule_takes_what_is_documented(good: dict[str, Any]) -> None:
    Rule(**good)


@pytest.mark.parametrize(
    ("key", "value", "accepted"),
    [
        ("prerender", 1, "True, False or 'auto'"),
        ("prerender", "static", "True, False or 'auto'"),
        ("prerender", lambda config: True, "True, False or 'auto'"),
        ("query", "keep", "'ignore'"),
        ("query", True, "'ignore'"),
        ("query", ["ignore"], "'ignore'"),
        ("vary", "HX-Request", "list of header names"),
        ("vary", ["HX Request"], "list of header names"),
        ("vary", ["a,b"], "list of header names"),
        ("vary", ["x\r\ny"], "list of header names"),
        ("vary", [""], "list of header names"),
        ("vary", [5], "list of header names"),
        ("vary", b"x", "list of header names"),
        ("vary", 5, "list of header names"),
        ("vary", None, "list of header names"),
        ("headers", [("x", "y")], "mapping"),
        ("headers", "x: y", "mapping"),
        ("headers", None, "mapping"),
        ("guard", "login", "async function"),
        ("guard", True, "async function"),
    ],
)
def test_a_wrong_value_in_a_rule_is_refused_with_key_value_and_what_is_accepted(
    key: str, value: Any, accepted: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Rule(**{key: value})
    assert f"{key}={value!r}" in str(caught.value)
    assert accepted in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\nset-cookie: y"),
        ("x", "a\nb"),
        ("x", "a\0"),
        ("x", " a"),
        ("x", "a "),
        ("x", "日"),
        ("x", 5),
        ("x", None),
        ("x", b"a"),
        ("", "a"),
        ("x y", "a"),
        ("x:", "a"),
        ("x\r\ny", "a"),
        ("é", "a"),
        (5, "a"),
    ],
)
def test_a_header_of_a_rule_that_http_does_not_have_is_refused(name: Any, value: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        Rule(headers={name: value})
    assert f"{name!r}: {value!r}" in str(caught.value)


def test_names_given_as_an_iterator_are_not_used_up_by_the_check() -> None:
    assert list(Rule(vary=(name for name in ["HX-Request"])).vary) == ["HX-Request"]  # type: ignore[arg-type]


def test_rules_cover_by_path_and_by_the_text_of_the_route() -> None:
    rules = Rules({"/blog/{slug:int}": Rule(query="ignore"), "/blog/**": Rule()})
    assert [pattern.text for pattern, _ in rules.covering("/blog/x")] == ["/blog/**"]
    route = Route("/blog/{slug:int}")
    assert [pattern.text for pattern, _ in rules.covering("/blog/{slug:int}", route)] == [
        "/blog/{slug:int}",
        "/blog/**",
    ]


# --------------------------------------------------------------------------------------------------------------- routes


def test_a_route_answers_get_unless_it_says_otherwise() -> None:
    assert Route("/").methods == {"GET", "HEAD"}
    assert Route("/", methods=["get", "Post"]).methods == {"GET", "POST"}
    assert Route("/", methods=None).answers_get
    assert not Route("/", methods=["POST"]).answers_get


def test_a_route_is_marked_by_any_option_of_prerender() -> None:
    assert Route("/").mark is None
    assert Route("/", prerender=False).mark == Mark(False)
    assert Route("/{x}", paths=[]).mark == Mark(True, [])
    assert Route("/{x}", prerender="auto", paths=[]).mark == Mark("auto", [])
    assert Route("/{x}", unknown="404").mark == Mark(True, unknown="404")


@pytest.mark.parametrize(
    "wrong",
    [
        {"methods": "GET"},
        {"methods": 5},
        {"methods": [5]},
        {"methods": [None]},
        {"prerender": 1},
        {"prerender": "yes"},
        {"paths": "slug"},
        {"paths": 5},
        {"props": 5},
        {"unknown": "store-it"},
        {"prerender": False, "paths": []},
        {"prerender": "auto", "unknown": "404"},
    ],
)
def test_a_wrong_value_in_a_route_is_refused_by_key_and_value(wrong: dict[str, Any]) -> None:
    with pytest.raises((ConfigError, MarkError)) as caught:
        Route("/{slug}", **wrong)
    for key, value in wrong.items():
        assert key in str(caught.value) or repr(value) in str(caught.value)


# ------------------------------------------------------------------------------------------------------------ decisions


def route(text: str = "/blog/{slug}", **marks: Any) -> Route:
    made = Route(text, methods=marks.pop("methods", ("GET", "HEAD")))
    for name, value in marks.items():
        setattr(made, name, value)
    return made


RULES = {"/blog/**": Rule(prerender=False), "/blog/x": Rule(prerender=True), "/blog/{slug}": Rule(query="ignore")}


@pytest.mark.parametrize("output", ["static", "server"])
@pytest.mark.parametrize("rule", [None, True, False, "auto"])
@pytest.mark.parametrize("group", [None, True, False, "auto"])
@pytest.mark.parametrize("mark", [None, True, False, "auto"])
def test_a_decorator_beats_its_router_beats_rules_beat_output(mark: Any, group: Any, rule: Any, output: str) -> None:
    rules = {} if rule is None else {"/blog/*": Rule(prerender=rule)}
    made = route(mark=None if mark is None else Mark(mark), group=None if group is None else Mark(group))
    said = next((value for value in (mark, group, rule) if value is not None), None)
    decision = decide(made, config(output=output, rules=rules), "/blog/x")
    if said is None:
        assert decision.kind == ("candidate" if output == "static" else "on demand")
    else:
        assert decision.kind == ("on demand" if said is False else "static")
        assert decision.auto is (said == "auto")
    whose = {0: "prerender", 1: "router's", 2: "rule /blog/*"}
    for place, value in enumerate((mark, group, rule)):
        if value is not None:
            assert whose[place] in decision.why
            break


def test_the_most_specific_rule_that_says_something_decides() -> None:
    with_rules = config(rules=RULES)
    assert decide(route(), with_rules, "/blog/x").why == "the rule /blog/x is True"
    assert decide(route(), with_rules, "/blog/y").why == "the rule /blog/** is False"
    assert decide(route(), with_rules).kind == "on demand"
    assert decide(route("/other"), with_rules, "/other").kind == "candidate"


def test_a_rule_decides_where_the_app_shows_no_routes() -> None:
    assert decide(None, config(rules=RULES), "/blog/x").kind == "static"
    assert decide(None, config(rules=RULES), "/elsewhere").kind == "candidate"
    assert decide(None, config(output="server"), "/elsewhere").kind == "on demand"


def test_hybrid_decides_as_static_does() -> None:
    with pytest.warns(UserWarning, match="alias"):
        hybrid = config(output="hybrid")
    assert decide(route(), hybrid, "/blog/x").kind == "candidate"


def test_what_an_unmarked_route_declares_to_read_keeps_it_on_demand() -> None:
    declared = route(declares=("the query parameter 'q'", "the cookie parameter 'c'"))
    decision = decide(declared, config(), "/blog/x")
    assert decision.kind == "on demand"
    assert "the query parameter 'q', the cookie parameter 'c'" in decision.why


def test_a_mark_or_rule_beats_what_a_route_declares() -> None:
    declared = route(declares=("the query parameter 'q'",))
    assert decide(declared, config(rules={"/blog/*": Rule(prerender=True)}), "/blog/x").kind == "static"
    declared.mark = Mark(True)
    assert decide(declared, config(), "/blog/x").kind == "static"


def test_the_frameworks_own_routes_are_on_demand_unless_a_rule_says_otherwise() -> None:
    docs = route("/docs", framework=True)
    assert decide(docs, config(), "/docs") == Decision("on demand", "one of the framework's own pages")
    assert decide(docs, config(rules={"/docs": Rule(prerender=True)}), "/docs").kind == "static"


def test_a_route_without_get_is_on_demand_whatever_is_said() -> None:
    posts = route(methods=["POST", "PUT"], mark=Mark(True))
    decision = decide(posts, config(rules={"/**": Rule(prerender=True)}), "/blog/x")
    assert (decision.kind, decision.why) == ("on demand", "answers POST, PUT only")


def test_a_mark_may_ask_the_config() -> None:
    asked = route(mark=Mark(lambda config: config.output == "static"))
    assert decide(asked, config()).kind == "static"
    assert decide(asked, config(output="server")).kind == "on demand"
    with pytest.raises(MarkError, match="'maybe'"):
        decide(route(mark=Mark(lambda config: "maybe")), config())  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", ""),
        (b"a=1&b=%20", "?a=1&b=%20"),
        (b"a=1\r\nset-cookie: x=1", "?a=1set-cookie:x=1"),
        (b"\xc3\xa4=\x00\x7f \t", "?="),
        (b"\r\n", ""),
    ],
)
def test_the_query_of_a_redirect_holds_no_byte_that_ends_a_header(query: bytes, expected: str) -> None:
    assert to_query(query) == expected


def test_a_convertor_writes_values_in_its_own_way() -> None:
    day = Convertor(r"\d{4}-\d{2}-\d{2}", lambda value: value.isoformat())
    pattern = Pattern("/on/{day}", params={"day": day})
    assert pattern.fill({"day": date(2026, 11, 21)}) == "/on/2026-11-21"
    assert pattern.match("/on/2026-11-21") == {"day": "2026-11-21"}
    assert pattern.match("/on/today") is None
    with pytest.raises(ParamError, match=r"cannot write this value for 'day' \(AttributeError"):
        pattern.fill({"day": "today"})


def test_a_regular_expression_tells_whether_it_covers_a_path_and_no_more() -> None:
    pattern = RegexPattern("/art/(?P<year>[0-9]{4})/$", "/art/(?P<year>[0-9]{4})/")
    assert pattern.match("/art/2026/") == {"year": "2026"}
    assert pattern.match("/art/2026/x") is None
    assert pattern.match("/art/26/") is None
    assert (pattern.is_literal, pattern.takes_rest, pattern.names) == (False, True, ("year",))
    with pytest.raises(ParamError, match="regular expression"):
        pattern.fill({"year": 2026})
    assert Pattern("/art/2026/").overlaps(pattern)
    assert not Pattern("/art/26/").overlaps(pattern)
    assert Pattern("/art/**").overlaps(pattern)
    assert Index([Pattern("/art/x/"), pattern]).candidates("/art/2026/") == [1]
    with pytest.raises(ConfigError, match="no regular expression"):
        RegexPattern("/(", "/(")


class Size(str, enum.Enum):  # noqa: UP042 - as many write it
    SMALL = "small"


def test_a_member_of_an_enum_is_written_as_its_value() -> None:
    assert Pattern("/{size}").fill({"size": Size.SMALL}) == "/small"
    assert Pattern("/{n:int}").fill({"n": enum.IntEnum("N", {"TWO": 2}).TWO}) == "/2"  # type: ignore[attr-defined]


def test_a_pattern_goes_to_other_processes() -> None:
    pattern = pickle.loads(pickle.dumps(Pattern("/blog/{slug}")))
    assert pattern.match("/blog/hello") == {"slug": "hello"}
