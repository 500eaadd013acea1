"""ondemand.prerendering.css: the URLs of style sheets, with tinycss2, which tokenizes by the standard, as the oracle."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ondemand.prerendering.css import css_lines, css_references
from tests.test_crawl import load

if os.environ.get("CI") == "true":
    import tinycss2
else:
    tinycss2 = pytest.importorskip("tinycss2", reason="pip install tinycss2")

URL_FUNCTIONS = {"url", "src", "image-set", "-webkit-image-set"}


def urls(nodes: list[Any], strings: bool = False) -> Iterator[str]:
    """The URLs among these component values. strings: a string is one.

    Brackets and braces within `image-set()` are no CSS; what stands in them counts as if it stood beside them.
    """
    left = iter(range(len(nodes)))
    for position in left:
        node = nodes[position]
        if node.type == "at-keyword" and node.lower_value == "import":
            for following in left:
                if nodes[following].type == "string":
                    yield nodes[following].value
                elif nodes[following].type not in ("whitespace", "comment"):
                    yield from urls(nodes[following:], strings)
                    return
                else:
                    continue
                break
        elif node.type == "at-keyword" and node.lower_value in ("namespace", "document", "-moz-document"):
            for following in left:
                if nodes[following].type == "{} block":
                    yield from urls(nodes[following:], strings)
                    return
                if nodes[following] == ";":
                    break
        elif node.type == "url" or (node.type == "string" and strings):
            yield node.value
        elif node.type == "function":
            yield from urls(node.arguments, node.lower_name in URL_FUNCTIONS)
        elif node.type in ("[] block", "{} block"):
            yield from urls(node.content, strings)
        elif node.type == "() block":
            yield from urls(node.content)


def oracle(text: str) -> list[str]:
    return list(urls(tinycss2.parse_component_value_list(text)))


# No brackets and braces: one that stands open within a function would swallow its end, which is muddle and not CSS.
PIECES = [
    *("url(", "URL(", "u\\72l(", "src(", "image-set(", "-webkit-image-set(", "-url(", "foo(", "(", ")", ";", ":", ","),
    *('"', "'", "a", "/x", "b.png", "é", "#x", "1x", "@", "--", "\0", " ", "\n", "\r\n", "\f", "\t"),
    *("\\", "\\61 ", "\\29", "\\\n", "\\000000", "/*", "*/", "<!--", "-->", "url(a)", '"s"', "'t'", "{x:url(a)}"),
    *("@import", "@IMPORT ", "@imports ", "@media ", "@namespace a;"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
@example('a{b:url("x")}')
@example("\\\\61 url(a)")
@example("url(\0)")
@example("<!--url(a)")
@example("\\<!--url(a)")
@example('@import/**/ "a" layer(b) url(c)')
@example('image-set("a" 1x, url(b) 2x type("c"))')
@example('url(a"b) url(c)')
@example('url("a\nb") url(c)')
def test_any_sheet_has_the_urls_that_its_tokens_say(text: str) -> None:
    text += " )"  # see below: where a sheet breaks off within an escape, and a backslash before a newline in a URL
    assume("(" not in text[:-2] or not re.search(r"\\[\n\r\f]", text))
    assert list(css_references(text)) == oracle(text)


@pytest.mark.parametrize("text", [pytest.param(case[1], id=case[0]) for case in load("css")])
def test_each_case_has_the_urls_that_its_tokens_say(text: str) -> None:
    if text not in DIFFERENT:
        assert list(css_references(text)) == oracle(text)


DIFFERENT: dict[str, tuple[list[str], list[str]]] = {
    # text -> ours, the oracle's
    # a surrogate is no character (section 4.3.7)
    "a { b: url(\\0) url(\\d800 x) url(\\110000) }": (["\ufffd", "\ufffdx", "\ufffd"], ["\ufffd", "\ud800x", "\ufffd"]),
    "url(a\\": ([], ["a\ufffd"]),  # the sheet breaks off within an escape: no file is meant
    "url(a\\\n": ([], ["a\\"]),  # a backslash before a newline is no escape (CSS Syntax 3 section 4.3.8)
}


@pytest.mark.parametrize("text", DIFFERENT)
def test_what_is_read_otherwise_on_purpose(text: str) -> None:
    assert (list(css_references(text)), oracle(text)) == DIFFERENT[text]


def test_lines_are_counted_over_comments_strings_and_every_newline() -> None:
    sheet = '/* url(no)\n */ @import\n "a.css";\r\nb { src: url(\n  c ), url("d\\\ne") } \fi { x: url(f) }'
    assert list(css_lines(sheet)) == [("a.css", 2), ("c", 4), ("de", 4), ("f", 6)]
    assert [url for url, _ in css_lines(sheet)] == list(css_references(sheet))
