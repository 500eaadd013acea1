"""ondemand.prerendering.crawl: what pages, style sheets and single references refer to.

The cases are data: tests/crawl/*.json. A link is written as "kind path?query#fragment".
"""

from __future__ import annotations

import json
import re
import time
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ondemand.prerendering import crawl
from ondemand.prerendering.crawl import Faulty, Link, References, read_css, read_html, resolve
from ondemand.prerendering.css import css_references

URL = "http://localhost/blog/post?v=1"
DATA = Path(__file__).parent / "crawl"


def load(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text("utf-8"))


def written(link: Link | Faulty | None) -> str | None:
    if not isinstance(link, Link):
        return None if link is None else "faulty"
    text = f"{link.kind} {link.path}"
    text += f"?{link.query}" if link.query else ""
    text += f"#{link.fragment}" if link.fragment else ""
    return text + " (encoded slash)" * link.encoded_slash


def read(document: str | bytes, charset: str | None = "utf-8", url: str = URL) -> References:
    return read_html(document.encode() if isinstance(document, str) else document, charset=charset, url=url)


def paths(document: str | bytes, charset: str | None = None) -> list[str]:
    return [link.path for link in read(document, charset).links]


def by_tags(document: str, url: str = URL) -> References:
    """What the reader for untame documents finds."""
    found = crawl.Found()
    crawl.read_tags(document, found)
    return found.references(url)


# ----------------------------------------------------------------------------------------------------------------- HTML


PAGES = [
    pytest.param(case, id=f"{name}: {case['name']}")
    for name in ("elements", "rels", "places", "base")
    for case in load(name)
]


@pytest.mark.parametrize("case", PAGES)
def test_page(case: dict[str, Any]) -> None:
    found = read(case["html"])
    assert [written(link) for link in found.links] == case["links"]
    assert found.faulty == tuple(case.get("faulty", ()))
    if "ids" in case:
        assert found.ids == set(case["ids"])


@pytest.mark.parametrize("case", [case for case in PAGES if not case.values[0].get("tree_only")])
def test_both_readers_agree(case: dict[str, Any]) -> None:
    assert by_tags(case["html"]) == read(case["html"])


@pytest.mark.parametrize("reader", [read, by_tags])
def test_the_document_decides_what_is_its_own(reader: Any) -> None:
    page = "<a href='http://127.0.0.1:8000/a'>1</a><a href='http://[::1]/b'>2</a><a href=c>3</a>"
    assert [link.path for link in reader(page, url="http://127.0.0.1:8000").links] == ["/a", "/c"]
    assert [link.path for link in reader(page, url="https://[0:0::1]/x/").links] == ["/b", "/x/c"]


def test_raw_is_what_the_author_wrote() -> None:
    (link,) = read("<a href=' ../a&amp;b '>x</a>").links
    assert link.raw == " ../a&b "
    (link,) = read(f"<a href='/{'a' * 500}'>x</a>").links
    assert (link.raw, len(link.path)) == ("/" + "a" * 199, 501)
    assert read(f"<a href='http://[{'a' * 500}'>x</a>").faulty == ("http://[" + "a" * 192,)


def test_faulty_once_each_in_order() -> None:
    page = "<a href='http://['>1</a><img src='//:x'><a href='http://['>2</a><style>a{b:url(http:///c)}</style>"
    assert read(page).faulty == ("http://[", "//:x", "http:///c")


def test_a_parser_that_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise crawl.SelectolaxError("Can't parse HTML.")

    monkeypatch.setattr(crawl, "LexborHTMLParser", full)
    assert paths("<a href=/x>x</a>") == ["/x"]


# ------------------------------------------------------------------------------------------------------------ encodings

E_ACUTE = "<a href='/é'>x</a>"


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (E_ACUTE.encode(), None),
        (E_ACUTE.encode(), "utf-8"),
        (E_ACUTE.encode(), "UTF8"),
        (E_ACUTE.encode("latin-1"), "iso-8859-1"),
        (E_ACUTE.encode("latin-1"), " Latin1 "),
        (E_ACUTE.encode("cp1252"), "windows-1252"),
        (E_ACUTE.encode("utf-16"), "utf-16"),
        (E_ACUTE.encode("utf-16-be"), "utf-16be"),
        (E_ACUTE.encode("gb18030"), "gbk"),
        (b"\xef\xbb\xbf" + E_ACUTE.encode(), None),
        (b"\xff\xfe" + E_ACUTE.encode("utf-16-le"), None),
        (b"\xfe\xff" + E_ACUTE.encode("utf-16-be"), None),
        (b"\xef\xbb\xbf<meta charset=latin1>" + E_ACUTE.encode(), None),
        (b"<meta charset=iso-8859-1>" + E_ACUTE.encode("latin-1"), None),
        (b"<META CharSet = 'ISO-8859-1' >" + E_ACUTE.encode("latin-1"), None),
        (b"<meta http-equiv=Content-Type content='text/html; charset=latin1'>" + E_ACUTE.encode("latin-1"), None),
        (b"<!-- <meta charset=latin1> -->" + E_ACUTE.encode(), None),
        (b"<meta name=description content='charset=latin1'>" + E_ACUTE.encode(), None),
        (b"<meta charset=latin1>" + E_ACUTE.encode(), "utf-8"),
        (b" " * 1024 + b"<meta charset=latin1>" + E_ACUTE.encode(), None),
        (b"<meta charset=utf-16>" + E_ACUTE.encode(), None),
        *((E_ACUTE.encode(), name) for name in ("x-unheard-of", "", "rot13", "utf-7", "idna", "punycode", "undefined")),
        *((E_ACUTE.encode(), name) for name in ("base64", "unicode_escape", "a\0b", "\ud800", "é" * 5000, "mbcs")),
    ],
)
def test_charset(body: bytes, charset: str | None) -> None:
    assert paths(body, charset) == ["/é"]


def test_bytes_that_are_not_utf8() -> None:
    assert paths(b"<a href='/\xff\xed\xa0\x80'>x</a><a href='/\xc3'>y</a>") == ["/" + "\ufffd" * 4, "/\ufffd"]
    assert [link.path for link in read_css(b"a{b:url(/\xff)}", url=URL).links] == ["/\ufffd"]


# --------------------------------------------------------------------------------------------------------- srcset, CSS


@pytest.mark.parametrize(("text", "urls"), load("srcset"))
def test_srcset(text: str, urls: list[str]) -> None:
    assert list(crawl._srcset_references(text)) == urls


@pytest.mark.parametrize(("text", "urls"), [pytest.param(*case[1:], id=case[0]) for case in load("css")])
def test_css(text: str, urls: list[str]) -> None:
    assert list(css_references(text)) == urls


def test_style_sheet() -> None:
    sheet = """@charset "latin1"; @import 'base.css'; @import url(http://example.org/x.css);
        a { b: url(../img/é.png#x), url(#grad), url(data:image/png;base64,AA), url(), url(../img/é.png#x), url(//[) }"""
    found = read_css(sheet.encode(), url="http://localhost/static/css/main.css?v=2")
    assert [written(link) for link in found.links] == ["asset /static/css/base.css", "asset /static/img/é.png#x"]
    assert (found.ids, found.faulty) == (frozenset(), ("//[",))


# -------------------------------------------------------------------------------------------------------------- resolve


@pytest.mark.parametrize(("reference", "link"), load("rfc3986"))
def test_rfc_3986_section_5_4(reference: str, link: str | None) -> None:
    assert written(resolve(reference, url="http://a/b/c/d;p?q")) == link


@pytest.mark.parametrize(
    ("reference", "link"),
    [pytest.param(*case, id=f"{group}: {case[0]!a}") for group, cases in load("references").items() for case in cases],
)
def test_resolve(reference: str, link: str | None) -> None:
    assert written(resolve(reference, url=URL)) == link
    if reference and not re.search("[\0\r\ud800-\udfff]", reference):  # HTML does not pass these on
        page = read(f'<a href="{escape(reference)}">x</a>')
        assert [written(found) for found in page.links] == ([] if link in (None, "faulty") else [link])
        assert len(page.faulty) == (link == "faulty")


@pytest.mark.parametrize(
    ("reference", "url", "link"),
    [
        ("x", "http://localhost", "page /x"),
        ("", "http://localhost", None),
        ("#x", "http://localhost?q", "page /?q#x"),
        ("x", "HTTP://LocalHost:80/a/./b/../c", "page /a/x"),
        ("http://localhost/x", "HTTP://LocalHost:80/", "page /x"),
        ("https://localhost:8000/x", "http://localhost:8000/", None),
        ("#x", "http://localhost/caf%C3%A9#old", "page /café#x"),
        ("#x", "http://localhost/a%2Fb", "page /a/b#x (encoded slash)"),
        ("x", "http://localhost/a/?q=/b/", "page /a/x"),
        ("x", "http://localhost\\a\\b", "page /a/x"),
        ("//BÜCHER.example/x", "http://xn--bcher-kva.example/", "page /x"),
        ("//bücher.example/x", "http://b%C3%BCcher.example/", "page /x"),
        ("//☃\U0001fae8.example/x", "http://☃\U0001fae8.example/", "page /x"),
    ],
)
def test_resolve_elsewhere(reference: str, url: str, link: str | None) -> None:
    assert written(resolve(reference, url=url)) == link


def test_resolve_kinds_and_base() -> None:
    assert written(resolve("x", url=URL, base="/s/", kind="asset")) == "asset /s/x"
    assert written(resolve("x", url=URL, base="http://[")) == "page /blog/x"
    assert written(resolve("x", url=URL, base="//cdn.example.org/")) is None
    assert written(resolve("/x", url=URL, base="//cdn.example.org/")) is None
    assert written(resolve("#x", url=URL, kind="asset")) is None
    assert resolve("http://[", url=URL) == Faulty("http://[")


@pytest.mark.parametrize("url", ["/blog", "", "ftp://localhost/", "http://[/", "http://user@localhost/", "http:///x"])
def test_a_document_without_an_address(url: str) -> None:
    with pytest.raises(ValueError):
        resolve("x", url=url)


# ----------------------------------------------------------------------------------------------------------- properties

PIECES = """<a href=|<a href='|<img srcset="|<base href=|<style>|</style>|<p style='|<template>|</template>|<svg>
<table>|<use href=|<form method=post>|<button formaction=|<meta charset=|<!--|-->|<div data-ondemand-ignore>|</div>
=|/|\\|#|?|..|%2e|%2f|%|%ff|http:|//|localhost|:80|@|[|url(|)|\\65 |&|&#x2f;|&#xd800;|@import |/*|*/|,| |\0|é|x
name=|id=|<|>|'|"|<b>|</b>"""
MARKUP = st.lists(st.sampled_from(["\n", "latin1", *PIECES.replace("\n", "|").split("|")]), max_size=30).map("".join)


def check(found: References) -> None:
    assert not found.ids & {""}
    for text in (*found.ids, *found.faulty):
        text.encode()
    for link in found.links:
        assert link.path.startswith("/")
        assert link.encoded_slash or not {".", ".."} & set(link.path.split("/"))
        "".join((link.path, link.fragment, link.raw)).encode()
        assert link.query.isascii()
        assert " " not in link.query
        assert len(link.raw) <= 200
    keys = {(link.path, link.query, link.fragment, link.kind, link.encoded_slash) for link in found.links}
    assert len(keys) == len(found.links)


@given(st.binary() | MARKUP.map(str.encode), st.none() | st.sampled_from(["utf-8", "latin-1", "utf-16", "iso-2022-jp"]))
def test_any_page(body: bytes, charset: str | None) -> None:
    check(read_html(body, charset=charset, url=URL))


@given(MARKUP)
def test_any_page_tag_by_tag(text: str) -> None:
    check(by_tags(text))


@given(st.binary(), st.text())
def test_any_charset(body: bytes, charset: str) -> None:
    check(read_html(body, charset=charset, url=URL))


@given(st.binary() | MARKUP.map(str.encode))
def test_any_style_sheet(text: bytes) -> None:
    found = read_css(text, url=URL)
    check(found)
    assert {link.kind for link in found.links} <= {"asset"}


REFERENCE = st.text(st.characters(exclude_categories=())) | MARKUP


@given(REFERENCE, st.none() | REFERENCE)
@example("\ud800", "\udfff")
def test_any_reference(reference: str, base: str | None) -> None:
    found = resolve(reference, url=URL, base=base)
    if isinstance(found, Link):
        check(References((found,), frozenset(), ()))
    elif found is not None:
        found.raw.encode()


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1), min_size=1))
def test_a_path_survives_escaping(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    if {".", ".."} & set(segments):
        return
    link = resolve(quote(path), url=URL)
    assert isinstance(link, Link)
    assert (link.path, link.query, link.fragment) == (path, "", "")
    assert link.encoded_slash == ("\\" in path)


class Reference(HTMLParser):
    """Links and ids as the standard library's parser sees them."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found = crawl.Found()
        self.ids: set[str] = set()
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if attributes.get("id"):
            self.ids.add(attributes["id"] or "")
        for name in {"a": ("href",), "img": ("src",), "video": ("src", "poster")}.get(tag, ()):
            if attributes.get(name):
                self.found.wanted[attributes[name] or "", "page" if tag == "a" else "asset"] = None


VALUE = st.text("abé/?=&<>'\"; #%", max_size=8).map(lambda text: escape("/" + text.replace("/", "")))
TEXT = st.text("ab &;<>", max_size=8).map(escape)
ELEMENTS = st.recursive(
    st.one_of(
        TEXT,
        VALUE.map('<a href="{}">x</a>'.format),
        VALUE.map("<IMG alt='' src='{}'>".format),
        st.tuples(VALUE, VALUE).map(lambda pair: "<video src='{}' poster='{}'></video>".format(*pair)),
        st.integers(0, 9).map("<i id='i{}'></i>".format),
        TEXT.map("<!-- <a href=/no> {} -->".format),
        st.just("<script>'<a href=/no>'</script><textarea><a href=/no></textarea>"),
    ),
    lambda inner: st.lists(inner, max_size=4).map(lambda parts: f"<div>{''.join(parts)}</div>"),
    max_leaves=12,
)


@given(ELEMENTS)
def test_three_parsers_agree(document: str) -> None:
    reference = Reference(document.replace("<textarea><a href=/no></textarea>", ""))
    found = read(document)
    assert by_tags(document) == found
    assert found.ids == reference.ids
    assert found.links == reference.found.references(URL).links


# ---------------------------------------------------------------------------------------------------------- linear time

SIZE = 200_000

HOSTILE_HTML = {
    "cut tags": b"<a ",
    "cut values": b'<a href="',
    "cut values, single": b"<a href='",
    "cut values, none": b"<a href=",
    "links": b"<a href=../x>",
    "formatting": b"<b>",
    "formatting and blocks": b"<i><p>",
    "adoption": b"<a><div></a>",
    "forms": b"<form><div></form><button formaction=x>",
    "foster parents": b"<table>x",
    "svg": b"<svg><desc>",
    "templates": b"<template>",
    "comments": b"<!--",
    "declarations": b"<!",
    "less-than": b"<",
    "ampersands": b"&",
    "raw text": b"<title>",
    "scripts": b"<script><!--<script>",
    "mismatches": b"<div></span>",
    "ignored": b"<div data-ondemand-ignore>",
    "styles": b"<p style='url('>",
    "bases": b"<base href=x>",
    "charsets": b"<meta charset=",
}
HOSTILE_PAGES = {name: (part * (SIZE // len(part) + 1))[:SIZE] for name, part in HOSTILE_HTML.items()} | {
    "deep": b"<div>" * 50_000,
    "deep and closed": b"<div>" * 50_000 + b"</div>" * 50_000,
    "unclosed formatting": b"".join(b"<b id=%d><p>" % number for number in range(14_000)),
    "attributes": b"<a " + b" ".join(b"a%d" % number for number in range(33_000)) + b">",
    "attributes of body": b"".join(b"<body a%d>" % number for number in range(16_000)),
    "srcset of commas": b"<img srcset='" + b"," * 100_000 + b"'>",
    "srcset of candidates": b"<img srcset='" + b"a, " * 66_000 + b"'>",
    "srcset of parentheses": b"<img srcset='a " + b"(" * SIZE + b"'>",
    "dots": b"<a href='/" + b"a/../" * 40_000 + b"'>",
    "percents": b"<a href='/" + b"%" * SIZE + b"'>",
    "segments": b"<a href='" + b"/a" * 100_000 + b"%'>",
    "a long base": b"<base href='/" + b"a" * 100_000 + b"/'>" + b"".join(b"<a href=%d>" % n for n in range(8000)),
    "a host": b"<a href='http://" + "é".encode() * 100_000 + b"'>",
    "a port": b"<a href='http://a:" + b"9" * SIZE + b"'>",
    "an address": b"<a href='http://[" + b":" * SIZE + b"]'>",
    "refresh": b"<meta http-equiv=refresh content='" + b"1" * SIZE + b"'>",
    "refresh, spaces": b"<meta http-equiv=refresh content='1;url" + b" " * SIZE + b"'>",
    "many buttons deep down": b"<form>" + b"<s>" * 20 + b"<div>" * 100 + b"<button formaction=x>y</button>" * 6000,
}


def in_time(read_it: Any) -> References:
    start = time.process_time()
    found = read_it()
    assert time.process_time() - start < 1
    return found


@pytest.mark.parametrize("body", HOSTILE_PAGES.values(), ids=HOSTILE_PAGES)
def test_hostile_page(body: bytes) -> None:
    check(in_time(lambda: read_html(body, charset=None, url=URL)))


def test_a_deep_page_is_read_all_the_same() -> None:
    deep = "<div>" * 50_000 + "<a href=/x id=y>x</a>"
    found = in_time(lambda: read(deep))
    assert ([link.path for link in found.links], found.ids) == (["/x"], {"y"})


HOSTILE_CSS = r"""url(|url(\|url(a |url("|image-set(|image-set('a'1x,|/*|*/|\|@import|@import/*|@import/**/|"|'|'\|(|)
@namespace(|@|/|u\72 l(|url(\28 |aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa("""


@pytest.mark.parametrize("part", ["'\n", *HOSTILE_CSS.replace("\n", "|").split("|")])
def test_hostile_style_sheet(part: str) -> None:
    text = (part * (SIZE // len(part) + 1))[:SIZE].encode()
    check(in_time(lambda: read_css(text, url=URL)))
