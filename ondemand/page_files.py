"""Page files: a folder of templates, Markdown files and endpoint modules as routes.

The names are read at start; a file is opened when its route is first needed, so that a site of ten thousand files starts at once
and a mistake in one of them is the fault of its page alone.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from ondemand.answers import METHODS, Answer, answer_of_endpoint, calling, exported, of_page
from ondemand.errors import AnswerError, ConfigError, TemplateError
from ondemand.filenames import SUFFIXES, PagePattern, is_private, pattern_of_file
from ondemand.marks import Mark, checked_mark, is_value, mark_of, prerender
from ondemand.pages import Loaded, PageRoute, closed, methods_of

if TYPE_CHECKING:
    from ondemand.config import Config
    from ondemand.exchange import Exchange
    from ondemand.templates import Templates

__all__ = ["page_files"]

log = logging.getLogger("ondemand")

_TEMPLATES = (".html", ".htm", ".jinja", ".jinja2", ".j2")
_LISTED = ", ".join(SUFFIXES)


def page_files(
    folder: Path, config: Config, templates: Callable[[], Templates], *, fresh: bool = False
) -> Iterator[PageRoute]:
    """The routes of the page files below `folder`. fresh: a file that has changed is read again.

    Raises `ConfigError` for a file name that is none of a page.
    """
    for file in _files(folder, ""):
        is_endpoint = file.endswith(".py")
        pattern = PagePattern(pattern_of_file(file), config.trailing_slash, is_endpoint=is_endpoint)
        load = functools.partial(_LOADERS[Path(file).suffix], folder / file, file, templates)
        name = str(folder / file)
        stamp = functools.partial(_stamp, name) if fresh else None
        yield PageRoute(pattern, load, name=name, is_endpoint=is_endpoint, in_file=True, stamp=stamp)


def _stamp(file: str) -> object:
    """Changes when `file` does; None while it is not there."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _files(folder: Path, prefix: str, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The page files below `folder`, by name, relative to the folder of pages. above: the folders it lies in, as they really
    are: a link to one of them would never end."""
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise ConfigError(f"The folder of pages {str(folder)!r} cannot be read: {error.strerror}.") from error
    for entry in entries:
        if is_private(entry.name):
            continue
        if entry.is_dir():
            yield from _files(folder / entry.name, f"{prefix}{entry.name}/", (*above, real))
        elif entry.name.endswith(SUFFIXES):
            yield prefix + entry.name
        elif entry.name.endswith(_TEMPLATES):
            log.warning(
                "%s is no page: a page file ends in %s. Begin its name with _ if it is none.", entry.path, _LISTED
            )


def _mark_of_file(said: Mapping[str, Any], where: str) -> Mark | None:
    """The mark that the names `prerender`, `static_paths`, `props` and `unknown` of a file make (Astro: its exports)."""
    value, paths = said.get("prerender"), said.get("static_paths")
    if value is prerender:  # the decorator, imported: no word of the file about itself
        value, said = None, {name: one for name, one in said.items() if name != "prerender"}
    props = said["props"] if callable(said.get("props")) else None
    unknown = said.get("unknown") if isinstance(said.get("unknown"), str) else None
    if "prerender" in said and not (is_value(value) or callable(value)):
        raise ConfigError(f"{where} says prerender = {value!r}. Write True, False, 'auto' or a function of the config.")
    if value is None and paths is None and props is None and unknown is None:
        return None
    mark = checked_mark(True if value is None else value, None if value is False else paths, props, unknown)
    return closed(mark._replace(value=value))


_MISTAKEN = {
    "getStaticPaths": "static_paths",
    "get_static_paths": "static_paths",
    "staticPaths": "static_paths",
    "front_matter": "frontmatter",
}


def _look_for_slips(said: Mapping[str, Any], where: str, known: Sequence[str]) -> None:
    """A name that is nearly one of those that decide something is nearly always meant to be."""
    for name, value in said.items():
        if inspect.isclass(value) or inspect.ismodule(value):
            continue
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.93 if known is _NAMES else 0.8)
        meant = _MISTAKEN.get(name) or (near[0] if near else None)
        if meant is not None and meant in known and name not in known and not name.startswith("_"):
            raise ConfigError(f"{where} defines {name!r}, which means nothing here. Did you mean {meant!r}?")


_NAMES = ("prerender", "static_paths", "frontmatter", "unknown", "stream")


def _stream_of_file(said: Mapping[str, Any], where: str) -> bool | None:
    stream = said.get("stream")
    if "stream" in said and not isinstance(stream, bool) and not callable(stream):
        raise ConfigError(f"{where} says stream = {stream!r}. Write True or False.")
    return stream if isinstance(stream, bool) else None


def _mako(file: Path, name: str, templates: Callable[[], Templates]) -> Loaded:
    template = templates().read(file, name)
    said = template.attributes
    _look_for_slips(said, name, _NAMES)
    frontmatter = said.get("frontmatter")
    answer = _of_template(template, frontmatter, name)
    return Loaded(answer, _mark_of_file(said, name), stream=_stream_of_file(said, name), source=f"{file}:1")


def _of_template(template: Any, frontmatter: Any, name: str) -> Answer:
    from ondemand.rendering import render

    call = calling(frontmatter, f"frontmatter of {name}") if frontmatter is not None else None

    async def answer(page: Exchange) -> Any:
        values: Any = {}
        if call is not None:
            values = await call(page)
            if callable(values) and not inspect.isroutine(values):
                return of_page(values, page)
            if values is not None and not isinstance(values, Mapping):
                kind = type(values).__name__
                raise AnswerError(
                    f"frontmatter of {name} returned {kind}. Return a dict of values, None, or a Response."
                )
        return render(template, page, cast("Mapping[str, Any]", values or {}), stream=page.streams)

    return answer


def _markdown(file: Path, name: str, templates: Callable[[], Templates]) -> Loaded:
    from ondemand.markdown import read

    document = read(file, name)
    said = document.frontmatter
    _look_for_slips(said, name, ("layout", "prerender"))
    mark = _mark_of_file({key: said[key] for key in ("prerender",) if key in said}, name)

    async def answer(page: Exchange) -> Any:
        from ondemand.rendering import render

        if document.layout is None:
            return document.alone()
        try:
            layout = templates().around(document.layout)
        except TemplateError as error:
            raise TemplateError(f"The layout of {name}: {error}", file=error.file, line=error.line) from None
        return render(layout, page, document.values(), stream=page.streams)

    return Loaded(answer, mark, source=f"{file}:1")


def _endpoint(file: Path, name: str, templates: Callable[[], Templates]) -> Loaded:
    module = _import(file)
    functions = exported(module)
    if not functions:
        lower = next((method for method in METHODS if callable(getattr(module, method.lower(), None))), None)
        hint = f" Its function {lower.lower()} is called {lower}." if lower else ""
        raise ConfigError(f"{name} exports no method. Write `async def GET(page): ...`.{hint}")
    said = vars(module)
    _look_for_slips(said, name, _NAMES)
    mark = next((found for one in functions.values() if (found := mark_of(one)) is not None), None)
    own = _mark_of_file(said, name)
    if mark is not None and own is not None:
        raise ConfigError(f"{name} is marked with @prerender and says so itself. Keep one of them.")
    mark = closed(mark) or own
    first = next(iter(functions.values()))
    return Loaded(
        answer_of_endpoint(functions, name),
        mark,
        methods_of(functions),
        _stream_of_file(said, name),
        first,
        f"{file}:1",
    )


def _import(file: Path) -> ModuleType:
    """The module in `file`, imported anew. Raises `TemplateError` for a syntax error, else what the module raises."""
    name = f"ondemand_page_{hashlib.sha256(os.fsencode(file)).hexdigest()[:16]}"
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        # Without a cached .pyc, which is taken for the same when size and second are.
        exec(compile(file.read_bytes(), str(file), "exec", dont_inherit=True), vars(module))  # noqa: S102
    except SyntaxError as error:
        del sys.modules[name]
        if error.filename != str(file):
            raise
        text = file.read_text(encoding="utf-8", errors="replace")
        raise TemplateError.at(str(file), text, error.lineno, str(error.msg)) from None
    except BaseException:
        del sys.modules[name]
        raise
    return module


_LOADERS: Mapping[str, Callable[[Path, str, Callable[[], Templates]], Loaded]] = {
    ".mako": _mako,
    ".md": _markdown,
    ".py": _endpoint,
}
