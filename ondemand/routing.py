"""Routes: which paths, rendered how.

Pure values: no files, no clocks, no event loop. A `Pattern` says which paths, a `Mark` or a `Rule` says how they are rendered, a
`Route` joins the two, and `decide` reads the answer.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast
from urllib.parse import quote

from ondemand.errors import ConfigError, ParamError
from ondemand.marks import Mark, Paths, Props, Unknown, Value, checked_mark, is_value

if TYPE_CHECKING:
    from ondemand.config import Config

__all__ = [
    "Convertor",
    "Decision",
    "Guard",
    "Pattern",
    "RegexPattern",
    "Route",
    "Rule",
    "Rules",
    "decide",
    "path_fault",
    "redirect_target",
    "to_query",
    "to_url",
]

# --- paths ------------------------------------------------------------------------------------------------------------

MAX_PATH = 1024
"""Characters and UTF-8 bytes of a whole path: the limit of an S3 key."""

MAX_NAME = 255 - len(".html.zst")
"""UTF-8 bytes of one segment: what ext4, APFS and NTFS allow a name, less the longest suffix that a file of ours gets."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd\\]")
_WINDOWS_CHARACTERS = r'[<>:"|?*]'
_WINDOWS_NAMES = r"(?i:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\..*)?\Z"


def path_fault(path: str) -> str | None:
    """Why `path` (decoded, as `scope["path"]`) can never be the name of a snapshot, or None if it can.

    Such a path starts with exactly one `/`, has no empty, `.` or `..` segment, no control character, backslash,
    surrogate or U+FFFD (what a server writes for bytes that are no UTF-8), and its segments fit a file name.
    These limits cannot be configured: they keep every name inside the store.
    """
    if not path.startswith("/"):
        return "it does not start with '/'"
    if found := _CONTROLS.search(path):
        return f"it holds the character {found.group()!r}"
    if len(path) > MAX_PATH or len(path.encode()) > MAX_PATH:
        return f"it is longer than {MAX_PATH} bytes"
    segments = path[1:].split("/")
    for position, segment in enumerate(segments):
        if segment in {".", ".."}:
            return f"it has a {segment!r} segment"
        if not segment and position < len(segments) - 1:
            return "it has an empty segment ('//')"
        if len(segment.encode()) > MAX_NAME:
            return f"the segment {segment[:20]!r}... is longer than {MAX_NAME} bytes"
    return None


def portability_fault(path: str) -> str | None:
    """Why a file for `path` could not be copied to a Windows machine, or None.

    Source: Microsoft, "Naming Files, Paths, and Namespaces": device names with any extension, `<>:"|?*`,
    a trailing dot or blank.
    """
    for segment in path.split("/"):
        if re.match(_WINDOWS_NAMES, segment):
            return f"{segment!r} is the name of a device on Windows"
        if found := re.search(_WINDOWS_CHARACTERS, segment):
            return f"Windows refuses {found.group()!r} in the name {segment!r}"
        if segment != segment.rstrip(". "):
            return f"Windows drops the end of the name {segment!r}"
    return None


def collision_key(name: str) -> str:
    """`name` as the least careful file system compares it: without case, in one Unicode normal form."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def to_url(path: str) -> str:
    """The decoded `path` as a request target: each byte outside RFC 3986's pchar and `/` percent-encoded once."""
    return quote(path, safe="/!$&'()*+,;=:@~-._", errors="replace")


def to_query(query: bytes) -> str:
    """The query of a request for a Location header, its `?` included, "" if empty: without bytes that no URL holds."""
    clean = re.sub(rb"[\x00-\x20\x7f-\xff]", b"", query).decode("ascii")
    return f"?{clean}" if clean else ""


_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})")


def redirect_target(url: str) -> str:
    """`url` for a Location header: non-ASCII text as a browser would encode it (RFC 3987 section 3.1).

    Raises `ValueError` for control characters and for schemes that run code (`javascript:`, `data:`, `vbscript:`).
    """
    url = url.strip(" ")
    if (
        not url
        or re.search(r"[\ud800-\udfff]", url)
        or any(ord(character) < 32 or ord(character) == 127 for character in url)
    ):
        raise ValueError(f"The redirect target {url!r} is empty or holds a control character.")
    if re.match(r"[ ]*(?:javascript|data|vbscript):", url, re.IGNORECASE):
        raise ValueError(f"The redirect target {url!r} would run code. Redirect to a path or an http(s) URL.")
    return "".join(c if "!" <= c <= "~" and c not in '"<>\\^`{|}' else to_url(c) for c in _ESCAPED.sub("%25", url))


# --- patterns ---------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\{([^\W\d]\w*)(?::([^\W\d]\w*))?\}|(\*\*)|(\*)")


class Convertor(NamedTuple):
    """How a framework reads and writes one parameter.

    regex: what it takes, without groups that have names. to_text: a value as it stands in a path, decoded; whatever it raises
    says that the value is none. None: text and numbers as they are.
    """

    regex: str
    to_text: Callable[[Any], object] | None = None


_CONVERTORS: Mapping[str, Convertor] = {
    "str": Convertor("[^/]+"),
    "path": Convertor(".*"),
    "int": Convertor("[0-9]+"),
    "float": Convertor(r"[0-9]+(?:\.[0-9]+)?"),
    "uuid": Convertor("[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"),
}


class _Part(NamedTuple):
    text: str = ""  # literal text
    name: str = ""  # or a parameter of this name
    convertor: str = ""  # its convertor; "*" and "**" for the two wildcards


class Pattern:
    """Which paths: Starlette's spelling, and two wildcards for rules.

    `/blog/{slug}` one segment · `/docs/{rest:path}` the rest, slashes included · `{id:int}`, `{x:float}`, `{u:uuid}` ·
    `post-{id}` mixtures · `/api/*` one segment · `/api/**` everything below, and `/api` itself.

    Raises `ConfigError` for a pattern that does not start with `/`, names a parameter twice or leaves a brace open.

    >>> Pattern("/blog/{slug}").match("/blog/hello")
    {'slug': 'hello'}
    >>> Pattern("/blog/{slug}").fill({"slug": "hello"})
    '/blog/hello'
    """

    __slots__ = ("_compiled", "_convertors", "_loose", "_params", "_parts", "is_glob", "names", "text")

    def __init__(
        self,
        text: str,
        convertors: Mapping[str, Convertor] = {},
        *,
        params: Mapping[str, Convertor] = {},
        loose: bool = False,
    ) -> None:
        """`convertors`: more convertors by the name that they have in the text (a framework's own registry). `params`: the
        convertors of single parameters, by the parameter's name, whatever the text calls them. `loose`: the path with its last
        slash taken off or put on is covered too."""
        if not isinstance(text, str) or not text.startswith("/"):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"The pattern {text!r} does not start with '/'. Write a path such as '/blog/{{slug}}'.")
        self.text = text
        self._convertors = {**_CONVERTORS, **convertors} if convertors else _CONVERTORS
        self._params = dict(params)  # patterns go to the processes of a build
        self._loose = loose
        self._parts = tuple(self._read(text))
        self.names = tuple(part.name for part in self._parts if part.name)
        self.is_glob = any(part.convertor in {"*", "**"} for part in self._parts)
        if len(set(self.names)) != len(self.names):
            raise ConfigError(f"The pattern {text!r} names a parameter twice. Give each parameter its own name.")
        self._compiled: re.Pattern[str] | None = None

    @property
    def shape(self) -> str:
        """The text without the names of its parameters: patterns of one shape cover the same paths."""
        return re.sub(r"\{\w+", "{", self.text)

    @property
    def _regex(self) -> re.Pattern[str]:
        """Compiled when first used: a site may have thousands of patterns, and a worker of it meets few."""
        if self._compiled is None:
            self._compiled = re.compile(self._expression(), re.DOTALL)
        return self._compiled

    @property
    def expression(self) -> str:
        """The regular expression of the whole path, without its end."""
        return self._regex.pattern.removesuffix(r"\Z")

    def _read(self, text: str) -> Iterator[_Part]:
        position = 0
        for token in _TOKEN.finditer(text):
            if token.start() > position:
                yield self._literal(text[position : token.start()])
            name, convertor, double, single = token.groups()
            if name and convertor is not None and convertor not in self._convertors and name not in self._params:
                known = ", ".join(sorted(self._convertors))
                raise ConfigError(f"The pattern {text!r} uses the unknown convertor {convertor!r}. Known: {known}.")
            yield _Part(name=name or "", convertor=convertor or double or single or "str")
            position = token.end()
        if position < len(text):
            yield self._literal(text[position:])

    def _convertor(self, part: _Part) -> Convertor:
        return self._params.get(part.name) or self._convertors[part.convertor]

    def loosened(self) -> Pattern:
        """The same pattern, `loose`."""
        other = copy(self)
        other._loose, other._compiled = True, None
        return other

    def _literal(self, text: str) -> _Part:
        if "{" in text or "}" in text:
            raise ConfigError(f"The pattern {self.text!r} has a brace that is no parameter. Write '{{name}}'.")
        return _Part(text=text)

    def _expression(self) -> str:
        pieces: list[str] = []
        for index, part in enumerate(self._parts):
            if part.name:
                pieces.append(f"(?P<{part.name}>{self._convertor(part).regex})")
            elif part.convertor == "*":
                pieces.append("[^/]+")
            elif part.convertor == "**":
                last = index == len(self._parts) - 1
                if last and pieces and self._parts[index - 1].text.endswith("/"):
                    pieces[-1] = pieces[-1].removesuffix("/")
                    pieces.append("(?:/.*)?")
                else:
                    pieces.append(".*")
            else:
                pieces.append(re.escape(part.text))
        if self._loose and self.text != "/":
            pieces[-1] = pieces[-1].removesuffix("/")
            pieces.append("/?")
        return "".join(pieces) + r"\Z"

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    @property
    def is_literal(self) -> bool:
        """True if one path matches, and no other but for its last slash."""
        return not self.names and not self.is_glob

    @property
    def takes_rest(self) -> bool:
        """True if it covers everything below some path, so that it does not tell what exists there."""
        return any(_takes_rest(segment) for segment in self.text.split("/"))

    @property
    def specificity(self) -> tuple[tuple[int, int], ...]:
        """Larger is more specific, segment by segment: literal, partly literal (the more of it the better), a parameter
        with a convertor, one without, the rest with literal text (`**.json`), the rest."""
        ranks: list[tuple[int, int]] = []
        for segment in self.text.strip("/").split("/"):
            tokens = list(_TOKEN.finditer(segment))
            literal = _TOKEN.sub("", segment)
            typed = sum(token.group(2) not in {None, "str"} for token in tokens)
            if not tokens:
                ranks.append((4, 0))
            elif _takes_rest(segment):
                ranks.append((1 if literal else 0, len(literal)))
            else:
                ranks.append((3, 10 * len(literal) + typed) if literal else (2, typed))
        ranks.append((5, 0))  # an end is more specific than a rest that may be empty
        return tuple(ranks)

    def pieces(self) -> Iterator[tuple[str, str | None]]:
        """The pattern's parts in order: (text, None) or ("", name of a parameter)."""
        for part in self._parts:
            yield part.text, part.name or None

    def convertor(self, name: str) -> str:
        """The name of the convertor of the parameter `name`: "str", "path", ... Raises `KeyError`."""
        return {part.name: part.convertor for part in self._parts if part.name}[name]

    def match(self, path: str) -> dict[str, str] | None:
        """The params of `path` (decoded), each as text, or None if the pattern does not cover it."""
        found = self._regex.match(path)
        return found.groupdict() if found else None

    def fill(self, params: Mapping[str, object]) -> str:
        """The path for `params`. Each value is text, a number or a UUID; a `path` parameter may be None. Outer slashes of a
        value are taken off (Astro: getStaticPaths).

        Raises `ParamError`, naming the route, the parameter and the value, for a missing or unknown name, a value
        of another type, an empty value, one that holds a slash where one segment is meant, and whatever
        `path_fault` refuses.
        """
        unknown = next((name for name in params if name not in self.names), None)
        if unknown is not None:
            raise self._error(f"has no parameter {unknown!r}", unknown, params)
        texts = {part.name: self._value(part, params) for part in self._parts if part.name}
        path = "".join(texts[part.name] if part.name else part.text for part in self._parts)
        if fault := path_fault(path):
            raise self._error(f"cannot be the path {path[:80]!r}: {fault}", None, params)
        if not self._reads(path, texts):
            raise self._error(f"would read other params out of the path {path[:80]!r} that these make", None, params)
        return path

    def _reads(self, path: str, texts: Mapping[str, str]) -> bool:
        """True if `texts` are the params that a request for `path` would have."""
        return self.match(path) == texts

    def _value(self, part: _Part, params: Mapping[str, object]) -> str:
        if part.name not in params:
            raise self._error(f"needs the parameter {part.name!r}", part.name, params)
        value = params[part.name]
        rest = part.convertor == "path"
        if value is None and rest:
            return ""
        convertor = self._convertor(part)
        if convertor.to_text is not None:
            try:
                value = convertor.to_text(value)
            except Exception as error:
                what = f"cannot write this value for {part.name!r} ({type(error).__name__}: {error})"
                raise self._error(what, part.name, params) from error
        if isinstance(value, Enum):
            value = value.value
        is_uuid = any(cls.__name__ == "UUID" for cls in type(value).__mro__)
        if isinstance(value, float) and not math.isfinite(value):
            raise self._error(f"cannot have {value!r} for {part.name!r}", part.name, params)
        if isinstance(value, bool) or not (isinstance(value, str | int | float) or is_uuid):
            kind = type(value).__name__
            raise self._error(f"takes text or a number for {part.name!r}, not {kind}", part.name, params)
        try:
            text = str(value)
        except ValueError:  # a whole number of more than 4,300 digits
            raise self._error(f"cannot have a number as long as this for {part.name!r}", part.name, {}) from None
        text = text.strip("/")
        if not rest and (not text or "/" in text or text in {".", ".."}):
            raise self._error(f"takes one path segment for {part.name!r}", part.name, params)
        if fault := _CONTROLS.search(text):
            raise self._error(f"cannot have {fault.group()!r} in {part.name!r}", part.name, params)
        if not re.fullmatch(convertor.regex, text, re.DOTALL):
            raise self._error(f"does not accept this value for {part.name!r} ({part.convertor})", part.name, params)
        return text

    def _error(self, what: str, param: str | None, params: Mapping[str, object]) -> ParamError:
        value = params.get(param) if param else dict(params)
        shown = repr(value)
        shown = shown if len(shown) <= 120 else shown[:117] + "..."
        return ParamError(
            f"The route {self.text} {what} (given: {shown}). Correct what its `paths` yields.",
            pattern=self.text,
            param=param,
            value=value,
        )

    def overlaps(self, other: Pattern) -> bool:
        """True if some path could match both. Exact for literals; parameters and wildcards count as "anything"."""
        if isinstance(other, RegexPattern):
            return other.overlaps(self)
        return _overlap(self.text.strip("/").split("/"), other.text.strip("/").split("/"))


class RegexPattern(Pattern):
    """Which paths, where a framework says so by a regular expression: it tells whether it covers a path, and no more."""

    __slots__ = ()

    def __init__(self, text: str, expression: str) -> None:
        """text: as a reader would know it. expression: for the whole path. Raises `ConfigError` if it is none."""
        self.text = text
        try:
            self._compiled = re.compile(rf"(?:{expression})\Z", re.DOTALL)
        except re.error as error:
            raise ConfigError(f"The pattern {text!r} is no regular expression that can be read: {error}.") from None
        self.names = tuple(self._compiled.groupindex)
        self.is_glob = False
        self._convertors, self._params, self._parts, self._loose = {}, {}, (), False

    def loosened(self) -> Pattern:
        return RegexPattern(self.text, self.expression.removesuffix("/") + "/?")

    @property
    def is_literal(self) -> bool:
        return False

    @property
    def takes_rest(self) -> bool:
        return True

    @property
    def specificity(self) -> tuple[tuple[int, int], ...]:
        return ((0, 0),)

    def convertor(self, name: str) -> str:
        return "str"

    def match(self, path: str) -> dict[str, str] | None:
        found = self._regex.match(path)
        return {name: value or "" for name, value in found.groupdict().items()} if found else None

    def fill(self, params: Mapping[str, object]) -> str:
        raise self._error(
            "is a regular expression, of which no path can be made: take its `paths` off, and link to its pages",
            None,
            params,
        )

    def overlaps(self, other: Pattern) -> bool:
        return self.match(other.text) is not None if other.is_literal else True


def _overlap(one: Sequence[str], two: Sequence[str]) -> bool:
    for a, b in ((one, two), (two, one)):
        if a and _takes_rest(a[0]):
            return any(_overlap(a[1:], b[skip:]) for skip in range(len(b) + 1)) if len(a) > 1 else True
    if not one or not two:
        return not one and not two
    return _segments_overlap(one[0], two[0]) and _overlap(one[1:], two[1:])


def _takes_rest(segment: str) -> bool:
    return any(token.group(2) == "path" or token.group(3) for token in _TOKEN.finditer(segment))


def _segments_overlap(one: str, two: str) -> bool:
    a, b = _TOKEN.sub("\0", one), _TOKEN.sub("\0", two)
    if "\0" not in a and "\0" not in b:
        return a == b
    if "\0" in a and "\0" in b:
        return True
    literal, wild = (b, a) if "\0" in a else (a, b)
    return re.fullmatch(".+".join(re.escape(piece) for piece in wild.split("\0")), literal) is not None


# --- rules ------------------------------------------------------------------------------------------------------------

Guard = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What holds for the paths that a pattern or glob covers, for routes whose source you cannot touch.

    prerender: True, False or "auto"; a decorator on the route beats it.
    query: "ignore": a snapshot answers whatever the query says. Without it, a request with a query goes to the app,
        unless every name in it only tracks visitors (utm_source, fbclid, ...).
    vary: names of request headers; a request that carries one goes to the app, and the snapshot says so in Vary.
    headers: name -> value, set on every answer for these paths, snapshots and live ones alike.
    stream: False renders pages of these paths whole before their first byte is sent; True does not, whatever the site's
        `stream` says.
    check_origin: True or False for these paths, whatever the site's `check_origin` says: True refuses forms that another
        site sends, also the wrapped app's.
    guard: `async (page) -> Response or None`, run in front of every answer for these paths; None lets it pass.
        A guarded answer is `private, no-store`.
    """

    prerender: Value | None = None
    query: Literal["ignore"] | None = None
    vary: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    stream: bool | None = None
    check_origin: bool | None = None
    guard: Guard | None = None

    def __post_init__(self) -> None:
        if not (self.prerender is None or is_value(self.prerender)):
            raise ConfigError(f"Rule(prerender={self.prerender!r}): it takes True, False or 'auto'.")
        if self.stream not in (None, True, False):
            raise ConfigError(f"Rule(stream={self.stream!r}): it takes True or False.")
        if self.check_origin not in (None, True, False):
            raise ConfigError(f"Rule(check_origin={self.check_origin!r}): it takes True or False.")
        if self.query not in (None, "ignore"):
            raise ConfigError(f"Rule(query={self.query!r}): it takes 'ignore', or nothing.")
        given, names = self.vary, _items(self.vary)
        if names is not None:
            object.__setattr__(self, "vary", names)
        if names is None or not all(is_token(name) for name in names):
            raise ConfigError(f"Rule(vary={given!r}): it takes a list of header names such as ['HX-Request'].")
        if not isinstance(self.headers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"Rule(headers={self.headers!r}): it takes a mapping of header names to values.")
        for name, value in self.headers.items():
            if not is_token(name) or not is_field_value(value) or value != value.strip():  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ConfigError(f"Rule(headers={{{name!r}: {value!r}}}): this is no valid HTTP header.")
        if self.guard is not None and not callable(self.guard):
            raise ConfigError(f"Rule(guard={self.guard!r}): it takes an async function of the page.")


_FIELD_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z"  # RFC 9110 section 5.6.2, token
_FIELD_VALUE = r"[\t\x20-\x7e\x80-\xff]*\Z"  # RFC 9110 section 5.5, field-value


def _items(given: object) -> tuple[object, ...] | None:
    """The items of a list or iterator; None for anything else, and for text, whose letters nobody means."""
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        return None
    return tuple(cast("Iterable[object]", given))


def is_token(text: object) -> bool:
    """True for what may be the name of a header or method."""
    return isinstance(text, str) and re.match(_FIELD_NAME, text) is not None


def is_field_value(text: object) -> bool:
    """True for what may be the value of a header."""
    return isinstance(text, str) and re.match(_FIELD_VALUE, text) is not None


class Rules:
    """The `rules=` of a site, most specific first."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        ordered = [(Pattern(text), rule) for text, rule in rules.items()]
        ordered.sort(key=lambda item: (item[0].is_literal, item[0].specificity), reverse=True)
        self._rules = tuple(ordered)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def __iter__(self) -> Iterator[tuple[Pattern, Rule]]:
        return iter(self._rules)

    def covering(self, path: str, route: Route | None = None) -> Iterator[tuple[Pattern, Rule]]:
        """The rules for `path`, most specific first: those whose pattern covers it, or is the route's own text."""
        other = None
        if route is not None and route.own and path != "/":  # answered under both
            other = path[:-1] if path.endswith("/") else path + "/"
        for pattern, rule in self._rules:
            named = route is not None and pattern.text == route.pattern.text
            if named or pattern.match(path) is not None or (other is not None and pattern.match(other) is not None):
                yield pattern, rule


# --- routes and decisions ---------------------------------------------------------------------------------------------


Runs = Callable[..., Awaitable[Any]]
"""Calls a plain function with arguments where its framework runs such, and gives what it returns."""


class Route:
    """A pattern and what it runs: the shape in which every app's routes are read, and in which you list your own.

    `OnDemand(app, routes=[Route("/"), Route("/blog/{slug}", prerender=True, paths=posts), Route("/live",
    prerender=False)])`. A plain text stands for `Route(text)`.

    pattern: see `Pattern`. methods: what the app answers there. prerender, paths, props, unknown: as for
    `prerender`. Raises `ConfigError` or `MarkError`.
    """

    __slots__ = (
        "declares",
        "directory",
        "endpoint",
        "framework",
        "group",
        "hides",
        "host",
        "mark",
        "methods",
        "own",
        "pattern",
        "runs",
        "source",
        "unlisted",
    )

    def __init__(
        self,
        pattern: str | Pattern,
        *,
        methods: Iterable[str] | None = ("GET", "HEAD"),
        prerender: Value | Callable[[Config], Value] | None = None,
        paths: Paths | None = None,
        props: Props | None = None,
        unknown: Unknown | None = None,
    ) -> None:
        self.pattern = pattern if isinstance(pattern, Pattern) else Pattern(pattern)
        given = _items(methods) if methods is not None else ()
        if given is None or not all(is_token(method) for method in given):
            raise ConfigError(f"Route(methods={methods!r}): it takes a list of methods such as ['GET', 'POST'].")
        self.methods = None if methods is None else frozenset(str(method).upper() for method in given)
        self.mark: Mark | None = None
        if prerender is not None or paths is not None or props is not None or unknown is not None:
            self.mark = checked_mark(True if prerender is None else prerender, paths, props, unknown)
        self.group: Mark | None = None  # the mark of the router or mount it lies in
        self.endpoint: Any = None  # what it runs
        self.source = ""  # "file:line" of what it runs
        self.unlisted = ""  # why nobody can tell which pages it has, so that links alone lead to them
        self.declares: tuple[str, ...] = ()  # what it declares to read from the visitor, in words
        self.framework = False  # one of the framework's own (docs, openapi.json)
        self.directory: tuple[str, ...] = ()  # the folders of a mount of static files
        self.runs: Runs | None = (
            None  # how plain `paths` and `props` are called, where the framework refuses blocking code
        )
        self.hides = False  # it only hides what lies behind it: the end of a mount
        self.host = ""  # the Host pattern it is bound to, "" for any
        self.own = False  # a page or endpoint of the site's own, not the wrapped app's

    def __repr__(self) -> str:
        return f"Route({self.pattern.text!r})"

    @property
    def answers_get(self) -> bool:
        return self.methods is None or "GET" in self.methods


class Decision(NamedTuple):
    """How a path is rendered, and why.

    kind: "static" (marked: the build makes a snapshot or fails), "candidate" (unmarked in a static site: it becomes
    static if a link reaches it and its plain answer allows it), "on demand". rule: the pattern of the rule that decided.
    """

    kind: Literal["static", "candidate", "on demand"]
    why: str
    auto: bool = False
    rule: str | None = None

    @property
    def is_static(self) -> bool:
        """True if a snapshot may answer."""
        return self.kind != "on demand"


_FRAMEWORKS = "one of the framework's own pages"


def decide(route: Route | None, config: Config, path: str | None = None) -> Decision:
    """How `path` of `route` is rendered. Precedence: decorator, then the router's or mount's mark, then the most
    specific rule, then `output`.

    `route` None: the app's routes are not known, or none covers the path. `path` None: the route as a whole.
    """
    if route is not None:
        if not route.answers_get:
            others = f"answers {', '.join(sorted(route.methods or ()))} only"
            return Decision("on demand", _FRAMEWORKS if route.framework else others)
        for mark, whose in ((route.mark, "prerender"), (route.group, "its router's prerender")):
            if mark is not None and (value := mark.resolve(config)) is not None:
                return _decision(value, whose)
    sample = path if path is not None else (route.pattern.text if route else "/")
    for pattern, rule in config.rules.covering(sample, route):
        if rule.prerender is not None:
            return _decision(rule.prerender, f"the rule {pattern.text}")._replace(rule=pattern.text)
    if route is not None and route.own:
        return _decision(config.output == "static", "output")
    if route is not None and route.framework:
        return Decision("on demand", _FRAMEWORKS)
    if config.output == "server":
        return Decision("on demand", 'output is "server"')
    if route is not None and route.declares:
        return Decision("on demand", f"it declares {', '.join(route.declares)}")
    return Decision("candidate", "unmarked: static if its plain answer is the same for everyone")


def _decision(value: Value, whose: str) -> Decision:
    if whose == "output":
        return Decision("static", 'output is "static"') if value else Decision("on demand", 'output is "server"')
    if value is False:
        return Decision("on demand", f"{whose} is False")
    return Decision("static", f"{whose} is {value!r}", auto=value == "auto")
