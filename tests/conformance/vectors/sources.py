"""Astro's sources as page files of ours.

The frontmatter of a page is the code of its module: JavaScript that `tests.conformance.javascript` reads, and that gets our
page as `Astro`. What the page shows is a Mako template, in which each `{...}` is that expression. An endpoint's functions are
called with our page. Of the language of templates, text, expressions and components without props are understood; all else is
`Unreadable`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.conformance import javascript
from tests.conformance.decisions import Waiting
from tests.conformance.javascript import AWAIT, PLATFORM, UNDEFINED, Function, Host, Module, waiting
from tests.conformance.values import Unreadable
from tests.conformance.vectors.entries import Astro, to_paths
from tests.conformance.vectors.page_files import our_name

__all__ = ["IMPORT", "Script", "block", "module", "translated"]

Wait = Callable[[Any], Any]

MISSING = {r"\b(?:Astro|context)\.session\b": "sessions", r"<[A-Z]\w*[^>]*\bserver:defer\b": "islands"}
"""What a source shows of a part that we do not have yet -> its name."""

# --- what runs --------------------------------------------------------------------------------------------------------


class Script:
    """The JavaScript of one file, for the module of ours that it becomes."""

    def __init__(self, code: str, expressions: list[str], base: str) -> None:
        """expressions: those of its template. base: the setting, which Vite gives to every module."""
        environment = {"BASE_URL": base, "MODE": "production", "PROD": True, "DEV": False, "SSR": True}
        names = {"Astro": Astro(), "import": {"meta": {"env": environment}}}
        self._module = Module(TYPES.sub("", code), {**PLATFORM, **names})
        self.exports = self._module.exports
        self._expressions = [javascript.expression(one) for one in expressions]

    @property
    def prerender(self) -> Any:
        """What it exports under this name: a function is one of Python's, for the config."""
        value = self.exports["prerender"]
        return (lambda config: value()) if isinstance(value, Function) else value

    def static_paths(self, rest: list[str]) -> Any:
        """Its getStaticPaths. rest: the names of rest parameters."""
        return to_paths(self.exports["getStaticPaths"], rest)

    async def frontmatter(self, page: Any) -> Any:
        """Page code: the values for the template, or what it returns."""
        scope, given = await waiting(lambda: self._module.run({"Astro": Host(page)}))
        return {"scope": scope} if given is None or given is UNDEFINED else given

    def begin(self, page: Any, wait: Wait) -> Any:
        """The code of a component, where the component stands in a page: what `shown` needs. wait: the template's own."""
        return waited(wait, lambda: self._module.run({"Astro": Host(page)})[0])

    def shown(self, at: int, scope: Any, wait: Wait) -> str:
        """The expression at a place, as a text."""
        return waited(wait, lambda: rendered(javascript.awaited(self._expressions[at](scope))))

    def method(self, name: str) -> Any:
        """A method of an endpoint, for our page; what is no function, as it is."""
        found = self.exports[name]
        if not isinstance(found, Function):
            return found

        async def answer(page: Any) -> Any:
            given = await waiting(lambda: javascript.awaited(found(Host(page))))
            return None if given is UNDEFINED else given

        return answer


def waited(wait: Wait, work: Callable[[], Any]) -> Any:
    """`work()`, in which JavaScript's `await` is that of a template."""
    token = AWAIT.set(wait)
    try:
        return work()
    finally:
        AWAIT.reset(token)


def rendered(value: Any) -> str:
    """A value in a page."""
    if value is None or value is UNDEFINED or value is False:
        return ""
    return "".join(map(rendered, value)) if isinstance(value, list) else javascript.text(value)


# --- what is written --------------------------------------------------------------------------------------------------


def translated(files: Mapping[str, str], base: str = "/") -> dict[str, str]:
    """The files of a project (src/pages/index.astro) as ours (pages/index.mako). Raises `Unreadable`, and `Waiting` for a
    part that we do not have yet."""
    found: dict[str, str] = {}
    for file, source in files.items():
        for pattern, what in MISSING.items():
            if re.search(pattern, source):
                raise Waiting(what)
        is_page = file.startswith("src/pages/")
        if not file.startswith("src/"):
            raise Unreadable(f"{file} is no source of a site")
        if not is_page and not file.endswith(".astro"):
            raise Waiting(f"a translation of {file}")
        name = our_name(file.removeprefix("src/"))
        if name.endswith(".md"):
            found[name] = source
        elif name.endswith(".py"):
            found[name] = endpoint(file, source, base)
        else:
            found[name if is_page else f"templates/{name}"] = document(file, source, base, is_page=is_page)
    return found


IMPORT = re.compile(r"""^import (\w+) from (['"])([^'"\n]+\.astro)\2;?[ ]*$""", re.MULTILINE)
TYPES = re.compile(r"^import type [^\n]*$", re.MULTILINE)
PIECE = re.compile(
    r"(?P<brace>\{)|<(?P<component>[A-Z]\w*)\s*/>|(?P<odd><[A-Z]|=\{|<%|\$\{|<slot|\bset:|\bis:|^\s*[%#])"
)


def endpoint(file: str, source: str, base: str) -> str:
    """The text of an endpoint module."""
    exports = Script(source, [], base).exports
    methods = [f"{name} = script.method({name!r})" for name in sorted(exports) if re.fullmatch("[A-Z]+", name)]
    return "\n".join([*module(file, source, [], base), *methods, ""])


def module(file: str, code: str, expressions: list[str], base: str) -> Iterator[str]:
    """The lines of a module that every page has. What is undefined in JavaScript is not there in Python."""
    exports = Script(code, expressions, base).exports
    yield "from tests.conformance.vectors.sources import Script"
    yield f"script = Script({code!r}, {expressions!r}, {base!r})"
    if exports.get("prerender", UNDEFINED) is not UNDEFINED:
        yield "prerender = script.prerender"
    if "getStaticPaths" in exports:
        rest = re.findall(r"\[\.\.\.(\w+)\]", file)
        yield f"static_paths = script.static_paths({rest!r})"


def document(file: str, source: str, base: str, *, is_page: bool) -> str:
    """The text of a Mako template: a page, or a component."""
    found = re.match(r"\s*---\n(.*?)^---[ ]*\n?", source, re.DOTALL | re.MULTILINE)
    code, markup = (found[1], source[found.end() :]) if found else ("", source)
    imports = {name: target for name, _, target in IMPORT.findall(code)}
    code = IMPORT.sub("", code)
    expressions: list[str] = []
    body = "".join(pieces(markup.strip(), expressions, imports, posixpath.dirname(file.removeprefix("src/"))))
    if not code.strip() and not expressions:
        return f"<!DOCTYPE html>{body}" if is_page else body
    lines = list(module(file, code, expressions, base))
    if is_page:
        lines.append("frontmatter = script.frontmatter")
        return f"<%!\n{block(lines)}\n%><!DOCTYPE html>{body}"
    return f"<%!\n{block(lines)}\n%><% scope = script.begin(page, await_) %>{body}"


def block(lines: list[str]) -> str:
    """Lines of Python, with nothing in them that ends a block of Mako's."""
    return "\n".join(lines).replace("%>", "%\\x3e")


def pieces(markup: str, expressions: list[str], imports: Mapping[str, str], folder: str) -> Iterator[str]:
    """The markup in Mako's words; its expressions are listed."""
    at = 0
    while found := PIECE.search(markup, at):
        yield markup[at : found.start()]
        at = found.end()
        if found["brace"]:
            end = closing(markup, at)
            yield f"${{script.shown({len(expressions)}, scope, await_)}}"
            expressions.append(markup[at:end])
            at = end + 1
        elif found["component"] in imports:
            target = posixpath.normpath(posixpath.join(folder, imports[found["component"]]))
            yield f'<%include file="/{our_name(target)}"/>'
        else:
            raise Unreadable(f"cannot translate this template: {markup[found.start() : found.start() + 40]!r}")
    yield markup[at:]


def closing(markup: str, at: int) -> int:
    """Where the brace ends that was opened before `at`."""
    depth = 1
    for found in re.compile(r"""(["'`])(?:\\.|(?!\1).)*\1|[{}]""", re.DOTALL).finditer(markup, at):
        depth += {"{": 1, "}": -1}.get(found.group(), 0)
        if depth == 0:
            return found.start()
    raise Unreadable("cannot translate this template: a brace is left open")
