"""The URLs of a style sheet, in linear time.

Sources: CSS Syntax 3, CSS Values 4 (`url()`, `src()`), CSS Images 4 (`image-set()`), CSS Cascade 5 (`@import`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ondemand.prerendering.references import past

__all__ = ["css_lines", "css_references"]

_CSS = re.compile(r"""["'()/@\\]""")
_CSS_RULE = re.compile(r"(?:(import)|namespace|(?:-moz-)?document)(?![-\w\\])", re.IGNORECASE)
_CSS_SPACE = re.compile(r"[\t\n ]*")
_CSS_STRINGS = {
    '"': re.compile(r'([^"\\\n]*+(?:\\(?:[0-9a-fA-F]{1,6}+[\t\n ]?+|[\s\S]?)[^"\\\n]*+)*)'),
    "'": re.compile(r"([^'\\\n]*+(?:\\(?:[0-9a-fA-F]{1,6}+[\t\n ]?+|[\s\S]?)[^'\\\n]*+)*)"),
}
_CSS_URL = re.compile(
    r"[\t\n ]*+([^\"'()\\\x00-\x20\x7f]*+"
    r"(?:\\(?:[0-9a-fA-F]{1,6}+[\t\n ]?+|[^\n0-9a-fA-F])[^\"'()\\\x00-\x20\x7f]*+)*)"
    r"[\t\n ]*+(?:\)|\Z)"
)
_CSS_BAD_URL = re.compile(r"[^)\\]*+(?:\\[\s\S]?[^)\\]*+)*\)?")
_CSS_PRELUDE = re.compile(r"""[^;{"'(]*+(?:(?:"[^"]*+"?|'[^']*+'?|\([^)]*+\)?)[^;{"'(]*+)*""")
_CSS_NAMES = re.compile(r"(@?(?:\\[0-9a-fA-F]{1,6}+[\t\n ]?+|\\[^\n0-9a-fA-F]|[-0-9A-Za-z_\u0080-\U0010ffff])+)|[\s\S]")
_CSS_TURNED_NAME = re.compile(r"[-0-9A-Za-z_\u0080-\U0010ffff]*@?")
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6}+)[\t\n ]?+|\n|([\s\S]?))")
_CSS_URL_FUNCTIONS = frozenset({"url", "src", "image-set", "-webkit-image-set"})


def _css_character(escape: re.Match[str]) -> str:
    """Source: CSS Syntax 3, "consume an escaped code point"."""
    if escape[1] is None:
        return escape[2] or ""
    number = int(escape[1], 16)
    return chr(number) if 0 < number < 0xD800 or 0xDFFF < number < 0x110000 else "\ufffd"


def _css_unescaped(text: str) -> str:
    return _CSS_ESCAPE.sub(_css_character, text) if "\\" in text else text


def css_references(text: str) -> Iterator[str]:
    """The URLs of a style sheet or a `style` attribute, unescaped, in order."""
    return (url for url, _ in _urls(_normal(text)))


def css_lines(text: str) -> Iterator[tuple[str, int]]:
    """The URLs of `css_references`, each with how many lines of `text` lie in front of it."""
    text = _normal(text)
    line = at = 0
    for url, start in _urls(text):
        line += text.count("\n", at, start)
        at = start
        yield url, line


def _normal(text: str) -> str:
    """Source: CSS Syntax 3 section 3.3."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if "\r" in text or "\f" in text:
        return text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    return text


def _urls(text: str) -> Iterator[tuple[str, int]]:
    """Each URL of the normalised `text`, and where it begins.

    Goes from one quote, parenthesis, comment or at-rule to the next and keeps in mind in which function it is: a string
    is a URL as an argument of `url`, `src` and `image-set` only, and after `@import`.
    Source: CSS Syntax 3 sections 4.3.2 to 4.3.7, CSS Values 4 section 4.5, CSS Images 4 section 2.4.
    """
    functions: list[bool] = []  # of each open parenthesis, whether strings in it are URLs
    at = 0
    while (token := _CSS.search(text, at)) is not None:
        mark = token[0]
        start, at = token.span()
        if mark == "(":
            name = _css_function(text, start)
            if name != "url" or text.startswith(('"', "'"), past(_CSS_SPACE, text, at)):
                functions.append(name in _CSS_URL_FUNCTIONS)
                continue
            url = _CSS_URL.match(text, at)
            if url is None:
                at = past(_CSS_BAD_URL, text, at)
            else:
                at = url.end()
                yield _css_unescaped(url[1]), url.start(1)
        elif mark == ")":
            if functions:
                functions.pop()
        elif mark in _CSS_STRINGS:
            string, at = _css_string(text, start)
            if string is not None and functions and functions[-1]:
                yield string, start
        elif mark == "\\":
            at += 1
        elif mark == "/":
            at = _css_past_comment(text, start)
        else:
            rule = _CSS_RULE.match(text, at)
            if rule is None:
                continue
            if rule[1] is None:  # what these rules name is not fetched
                at = past(_CSS_PRELUDE, text, rule.end())
                continue
            at = past(_CSS_SPACE, text, rule.end())
            while text.startswith("/*", at):
                at = past(_CSS_SPACE, text, _css_past_comment(text, at))
            if text.startswith(('"', "'"), at):
                start = at
                string, at = _css_string(text, at)
                if string is not None:
                    yield string, start


def _css_string(text: str, at: int) -> tuple[str | None, int]:
    """The string that opens at `at`, unescaped, and where it ends; None if the line ends before it."""
    quote = text[at]
    string = _CSS_STRINGS[quote].match(text, at + 1)
    assert string is not None
    end = string.end()
    if text.startswith(quote, end):
        return _css_unescaped(string[1]), end + 1
    return _css_unescaped(string[1]) if end == len(text) else None, end


def _css_past_comment(text: str, at: int) -> int:
    if not text.startswith("/*", at):
        return at + 1
    end = text.find("*/", at + 2)
    return len(text) if end < 0 else end + 2


def _css_function(text: str, at: int) -> str:
    """The name before the parenthesis at `at`, in lower case; "" if there is none. `<!--` is a token of its own and no part of
    it (CSS Syntax 3 section 4.3.1)."""
    before = text[max(at - 40, 0) : at]
    if "\\" not in before:
        start = len(before) - past(_CSS_TURNED_NAME, before[::-1], 0)
        name = before[start:].lower()
        return name[2:] if name.startswith("--") and before.endswith("<!", 0, start) else name
    # from the front: backwards, nobody knows what a backslash escapes
    tokens = [(token[1] or "", token[0]) for token in _CSS_NAMES.finditer(before)]
    name = _css_unescaped(tokens[-1][0]).lower()
    marks = "".join("" if word else mark for word, mark in tokens[-3:-1])
    return name[2:] if name.startswith("--") and marks == "<!" else name
