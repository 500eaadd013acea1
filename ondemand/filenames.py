"""Page files: which path a file name stands for, and which of several routes comes first.

Pure: names go in, patterns come out; nobody opens a file here. Astro's rules: https://docs.astro.build/en/guides/routing/
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

from ondemand.errors import ConfigError
from ondemand.routing import MAX_PATH, Pattern

__all__ = ["PagePattern", "comes_before", "is_private", "pattern_of_file"]

Slash = Literal["ignore", "always", "never"]

SUFFIXES = (".mako", ".md", ".py")

_BRACKETS = re.compile(r"\[(\.\.\.)?([^\[\]]*)\]")
_BAD = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff\ufffd{}]")


def is_private(name: str) -> bool:
    """True for a file or folder name that is no page: one that begins with `_` or `.`, but for `.well-known`."""
    return name.startswith("_") or (name.startswith(".") and name != ".well-known")


def pattern_of_file(file: str) -> str:
    """The pattern of the page file `file`, named relative to the folder of pages, with `/` between the parts.

    >>> pattern_of_file("blog/[slug].mako"), pattern_of_file("docs/[...path].mako"), pattern_of_file("feed.xml.py")
    ('/blog/{slug}', '/docs/{path:path}', '/feed.xml')

    Raises `ConfigError`, naming the file, for brackets that do not match, for a parameter without a name or with one that is
    no Python name, for two parameters side by side or of one name, for a rest parameter of a page that has company in its
    segment, and for characters that no path can hold.
    """
    suffix = next(suffix for suffix in SUFFIXES if file.endswith(suffix))
    parts = file.removesuffix(suffix).split("/")
    if parts[-1] == "index":
        del parts[-1]
    segments = [_segment(unicodedata.normalize("NFC", part), file, is_page=suffix != ".py") for part in parts]
    text = "/" + "/".join(segments)
    names = re.findall(r"\{(\w+)", text)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise _fault(file, f"names the parameter {twice!r} twice", "Give each parameter its own name")
    return text


def _segment(part: str, file: str, *, is_page: bool) -> str:
    if found := _BAD.search(part):
        raise _fault(file, f"holds the character {found.group()!r}", "Rename it")
    if not part or part in {".", ".."}:
        raise _fault(file, "has no name before its suffix", "Rename it")
    plain = _BRACKETS.sub("", part)
    if "[" in plain or "]" in plain:
        raise _fault(file, "has brackets that do not match", "Write [name] or [...name]")
    if "][" in part:
        raise _fault(file, "has two parameters side by side", "Put something between them: [a]-[b]")
    pieces: list[str] = []
    position = 0
    for token in _BRACKETS.finditer(part):
        rest, name = token.groups()
        if not name.isidentifier() or not name.isascii():
            raise _fault(file, f"has a parameter named {name!r}", "A name has letters, digits and _: [name]")
        if rest and is_page and token.group() != part:
            raise _fault(file, f"has {token.group()} beside other text", f"{token.group()} takes a segment of its own")
        pieces += [part[position : token.start()], f"{{{name}:path}}" if rest else f"{{{name}}}"]
        position = token.end()
    return "".join(pieces) + part[position:]


def _fault(file: str, what: str, remedy: str) -> ConfigError:
    return ConfigError(f"The name of the page file {file!r} {what}. {remedy}.")


class PagePattern(Pattern):
    """The pattern of a page of ours. It differs from the patterns of frameworks in three things, as Astro's do:

    the last slash counts as `trailing_slash` says; a rest parameter that has a segment of its own may be empty, and takes
    the slash in front of it along; of two parameters in a segment the first is as short as it can be.

    >>> PagePattern("/docs/{path:path}").match("/docs")
    {'path': ''}
    """

    __slots__ = ("_slash", "is_file")

    def __init__(self, text: str, slash: Slash = "ignore", *, is_endpoint: bool = False) -> None:
        """is_endpoint: where its last segment has an extension ("/feed.xml"), it never ends in a slash."""
        super().__init__(text.rstrip("/") or "/")
        if self.text.count(":path}") > 2:
            raise ConfigError(f"The pattern {text!r} has more than two rest parameters. Use one.")
        last = self.text.rpartition("/")[2]
        self.is_file = is_endpoint and "." in re.sub(r"\{[^}]*\}", "", last)
        self._slash = slash

    def _expression(self) -> str:
        if self.text == "/":
            return r"/\Z"
        pieces: list[str] = []
        for segment in self.text[1:].split("/"):
            whole = re.fullmatch(r"\{(\w+):path\}", segment)
            pieces.append(f"(?:/(?P<{whole[1]}>.*?))?" if whole else "/" + self._of_segment(segment))
        end = {"ignore": "/?", "always": "/", "never": "(?<!/)"}["never" if self.is_file else self._slash]
        return "".join(pieces) + end + r"\Z"

    def _of_segment(self, segment: str) -> str:
        """The first parameter is as short as it can be, for good (an atomic group): what lies behind it never makes it longer,
        so that the cost does not grow with a power of the length for each parameter."""
        tokens = list(Pattern(f"/{segment}").pieces())
        expression = re.escape(tokens.pop(0)[0].removeprefix("/")) if tokens[0][1] is None else ""
        last = max((n for n, (_, name) in enumerate(tokens) if name), default=-1)
        closes = ""
        for position, (text, name) in enumerate(tokens):
            if not name:
                expression, closes = expression + re.escape(text) + closes, ""
                continue
            convertor = self.convertor(name)
            what = {"str": "[^/]+?", "path": ".*?"}.get(convertor) or self._convertors[convertor].regex
            if convertor == "str" and position < last and tokens[position + 1][1] is None:
                expression, closes = f"{expression}(?>", ")"
            expression += f"(?P<{name}>{what})"
        return expression

    def match(self, path: str) -> dict[str, str] | None:
        if len(path) > MAX_PATH and self.text.count(":path}") > 1:
            return None  # each rest parameter more is a power of the length more
        found = self._regex.match(path)
        return {name: value or "" for name, value in found.groupdict().items()} if found else None

    def fill(self, params: Mapping[str, object]) -> str:
        """As `Pattern.fill`; without the slash in front of an empty rest parameter, and with a last slash where
        `trailing_slash` is "always"."""
        path = super().fill(params)
        clean = path.rstrip("/") or "/"
        return clean + "/" if self._slash == "always" and not self.is_file and clean != "/" else clean

    def _reads(self, path: str, texts: Mapping[str, str]) -> bool:
        clean = path.rstrip("/") or "/"
        if self._slash == "always" and not self.is_file and clean != "/":
            clean += "/"
        return self.match(clean) == texts


def comes_before(one: Any, other: Any) -> int:
    """Which of two routes is tried first, as `functools.cmp_to_key` wants it: -1 for `one`. Both have a `pattern` and
    `is_endpoint`. Segment by segment, and the first difference decides:

    1. a literal segment comes before one with a parameter;
    2. one that is partly literal (`post-{id}`) before one that is all parameter;
    3. a parameter with a convertor (`{id:int}`) before one without;
    4. a parameter before a rest parameter, also where both have literal text beside them.

    Where all are alike: `/a` before `/a/{rest:path}`, else the one with more segments, then an endpoint before a page, then by
    name. Source: Astro, core/routing/priority.ts.
    """
    a, b = _ranks(one.pattern.text), _ranks(other.pattern.text)
    for x, y in zip(a, b, strict=False):
        if x != y:
            return -1 if x < y else 1
    if len(a) != len(b):
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        only_a_rest = len(longer) - len(shorter) == 1 and longer[-1][0] == 3 and not (shorter and shorter[-1][0] == 3)
        return (1 if longer is a else -1) if only_a_rest else (-1 if longer is a else 1)
    left, right = (not one.is_endpoint, _by_name(one)), (not other.is_endpoint, _by_name(other))
    return -1 if left < right else int(left > right)


def _by_name(route: Any) -> str:
    """A parameter comes before any letter, as Astro's `[` does."""
    return route.pattern.text.replace("{", "\0")


@functools.lru_cache(maxsize=4096)
def _ranks(text: str) -> tuple[tuple[int, str], ...]:
    return tuple(_rank(segment) for segment in text.strip("/").split("/") if segment)


def _rank(segment: str) -> tuple[int, str]:
    if "{" not in segment:
        return 0, segment
    rest = ":path}" in segment
    if re.sub(r"\{[^}]*\}", "", segment):
        return 1, "~" if rest else ""
    if rest:
        return 3, ""
    return 2, "" if ":" in segment else "~"
