"""ondemand.prerendering.places: on which line a link stands, and what an https page asks for by http."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ondemand.prerendering.places import Document, charset_of, inside, may_mix
from ondemand.prerendering.references import Link
from tests.test_crawl import PAGES, URL, by_tags, written

HTML = """<!doctype html>
<title>/no</title><link
  rel="stylesheet"
  href="/s.css">
<!-- <a href="/a"> -->
<a href="/a">1</a> <a href="/a">2</a>
<a class="/b"
   href="/b?x=1&amp;y=2">3</a>
<a title="x"
   href="/c&#x61;">4</a>
<img src="/i.png" srcset="/i1.png 1x,

  /i2.png 2x">
<p style="
  background: url(/p.png)">
<style>
/* url(/no.png) */
@import "/t.css"; b { background:
  url('/u.png') }
</style><script>var a = '<a href="/no">';
</script>
<template><a href="/no"></a></template>
<div data-ondemand-ignore><a href="/no"></a></div>
<form action="/f"><button formaction="/g"></button></form>
<form method="post"><button formaction="/no"></button></form>
<a rel="external" href="/no">5</a><a href="https://other.test/">6</a>\r
<a href="#x">7</a>
<a href="/z#y">8</a>"""


def read(text: str, **options: Any) -> Document:
    return Document(text.encode(), charset="utf-8", url="http://localhost/d/e", **options)


def lines(document: Document, prefix: str = "") -> list[tuple[str, int]]:
    return [
        (target.path + f"#{target.fragment}" * bool(target.fragment), target.line)
        for target in document.targets(prefix)
    ]


def test_each_link_has_the_line_of_its_first_place() -> None:
    assert lines(read(HTML)) == [
        ("/s.css", 4),
        ("/a", 6),
        ("/b", 8),
        ("/ca", 9),  # spelled with a reference: the line of its tag
        ("/i.png", 11),
        ("/i1.png", 11),
        ("/i2.png", 13),
        ("/p.png", 15),
        ("/t.css", 18),
        ("/u.png", 19),
        ("/f", 24),
        ("/g", 24),
        ("/d/e#x", 27),
        ("/z#y", 28),
    ]


def test_a_style_sheet_has_lines() -> None:
    assert lines(read('\n@import "a.css";\r\nb { background: url(/b.png) }', is_css=True)) == [
        ("/d/a.css", 2),
        ("/b.png", 3),
    ]


def test_what_is_told_of_a_link() -> None:
    text = '<base href="/docs/x/"><a href="../a?q#f"></a>\n<a href="/b"></a><a href="b"></a>'
    assert [tuple(target) for target in read(text).targets("/docs")] == [
        ("/a", "", 1, "../a?q#f", False),
        ("/x/b", "", 2, "b", True),
    ]
    assert read('a\n<a href="http://[">').line_of("http://[") == 2
    assert read("").line_of("http://[") == 0


@pytest.mark.parametrize("case", [case for case in PAGES if not case.values[0].get("tree_only")])
def test_it_finds_what_a_build_finds(case: dict[str, Any]) -> None:
    document = Document(case["html"].encode(), charset="utf-8", url=URL)
    kept = [reference for reference in document.references if reference.kind not in ("post", "away")]
    found = [link for reference in kept if isinstance(link := document._resolve(reference), Link)]
    assert list(dict.fromkeys(map(written, found))) == list(dict.fromkeys(map(written, by_tags(case["html"]).links)))


def mixed(text: str, **options: Any) -> list[tuple[str, str, int]]:
    return list(Document(text.encode(), charset="utf-8", url="https://own.test/d/e", **options).mixed())


def test_a_base_makes_all_links_what_it_is() -> None:
    assert mixed('<base href="http://own.test/x/">\n<a href="y"></a><a href="https://own.test/z"></a>') == [
        ("http://own.test/x/y", "links", 2)
    ]
    assert mixed("\nb { src: url(HTTP://other.test/f) }", is_css=True) == [("http://other.test/f", "loads", 2)]


PIECES = [
    *(
        "<img src=",
        "<a href=",
        "<area href=",
        "<link rel=stylesheet href=",
        "<form method=post action=",
        "<iframe src=",
    ),
    *(
        "<style>b{x:url(",
        "</style>",
        "<b style='x:url(",
        "<img srcset='/a 1x,",
        "<svg xmlns=",
        ">",
        "'",
        '"',
        " ",
        "\n",
    ),
    *("http://own.test/a", "http://other.test/b", "https://own.test/c", "HTTP://own.test", ")", "<p>", "</a>", "text"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example("<a href=http://own.test/a><img src=http://other.test/b>")
@example('<svg xmlns="http://www.w3.org/2000/svg"><image href="http://other.test/b"></svg>')
@example("<a title='<' href=http://other.test/b><img srcset='/a 1x,http://other.test/b 2x'>")
def test_a_document_that_is_passed_over_has_nothing_to_tell(text: str) -> None:
    if not may_mix(text.encode(), "own.test"):
        assert mixed(text) == []


@pytest.mark.parametrize(
    "text",
    [
        '<a href="http://other.test/">x</a>' * 20,
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">',
        '<script type="application/ld+json">{"@context": "http://schema.org"}</script>',
        "<p>http://own.test is where we live",
    ],
)
def test_what_most_pages_have_is_passed_over(text: str) -> None:
    assert not may_mix(text.encode(), "own.test")


@pytest.mark.parametrize(
    "text",
    [
        "<img srcset='" + "/a&amp;b 1x, " * 40_000 + "'>",
        "<img srcset='" + "/ab 1x, " * 40_000 + "'>",
        "<a " + ",http:" * 100_000,
        "=" + " " * 500_000,
        "xmlns:" * 100_000,
        "\n<a href='/x'>" * 30_000,
        "<p style='" + "x:url(/a);\n" * 30_000 + "'>",
        "<style>" + "x:url(/a);\n" * 30_000 + "</style>",
        "xmlns" + " " * 500_000 + "=http:",
    ],
)
def test_no_document_takes_long(text: str) -> None:
    started = time.process_time()
    may_mix(text.encode(), "own.test")
    list(Document(text.encode(), charset="utf-8", url="https://own.test/").targets(""))
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [
        ("/a", "", "/a"),
        ("/docs", "/docs", "/"),
        ("/docs/a", "/docs", "/a"),
        ("/docsa", "/docs", None),
        ("/", "/docs", None),
    ],
)
def test_paths_inside_a_base(path: str, prefix: str, expected: str | None) -> None:
    assert inside(path, prefix) == expected


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [("text/html", None), ("text/html; charset=utf-8", "utf-8"), ('text/html;a=b; Charset="koi8-r" ', "koi8-r")],
)
def test_the_charset_of_a_content_type(content_type: str, charset: str | None) -> None:
    assert charset_of(content_type) == charset
