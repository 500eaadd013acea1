"""Templates: Mako and Jinja2 files, found inside their folders, compiled once, with errors that name their own lines.

A Mako template is compiled to Python whose code carries the template's own file and lines, so that a traceback, a logger or a
debugger shows `pages/index.mako:12` and the text that stands there.
"""

from __future__ import annotations

import functools
import inspect
import os
import posixpath
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, cast

from ondemand._asgi import CURRENT
from ondemand.awaiting import Generating, Rendering, written_unawaited
from ondemand.errors import PageUnavailable, TemplateError
from ondemand.generated import Lines
from ondemand.streaming import CHUNK, Work

__all__ = ["Template", "Templates"]

JINJA = (".html", ".htm", ".xml", ".jinja", ".jinja2", ".j2")

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Template:
    """A compiled template. name: as it was asked for. file: its path, or its name where it is in no file. attributes: what a
    Mako template defines at its top (`<%! %>`)."""

    reserved: frozenset[str] = frozenset()
    """Names that the engine keeps for itself."""

    processors: Sequence[Callable[[Any], Mapping[str, Any]]] | None = None
    """Starlette's `context_processors`, where templates are given a `request`."""

    def __init__(self, name: str, file: str, attributes: Mapping[str, Any] = _NOTHING) -> None:
        self.name = name
        self.file = file
        self.attributes = attributes

    def __repr__(self) -> str:
        return f"<Template {self.name}>"

    def work(self, values: Mapping[str, Any], *, streams: bool) -> Work:
        """What renders it with `values`; `await_` and `flush` are added. streams: it goes out while it is rendered."""
        raise NotImplementedError


class Templates:
    """The templates of a site."""

    def __init__(self, folders: Sequence[Path], given: Any = None, *, fresh: bool = False) -> None:
        """folders: searched in this order. given: a Mako `TemplateLookup`, whose directories are searched first and whose
        settings hold, but that expressions are escaped where it names no `default_filters` (`["str"]` for no escaping); a
        Jinja2 `Environment` or Starlette's `Jinja2Templates`, which then has every template but the `.mako`, and whose
        templates find `page` in the globals. fresh: look at the files again whenever a template is asked for; else each is
        read once. Raises `TemplateError` for another `given`."""
        self._kind = _kind(given)
        self.given = given
        own: Sequence[Any] = given.directories if self._kind == "mako" else ()
        if self._kind == "jinja":  # Mako templates may lie beside its own
            own = getattr(getattr(given, "env", given).loader, "searchpath", ())
        self.folders = tuple(dict.fromkeys(Path(os.path.abspath(folder)) for folder in (*own, *folders)))
        self.fresh = fresh
        self._known: dict[str, Template] = {}
        self._mako = _Mako(self, given if self._kind == "mako" else None)
        self._jinja = _Jinja(self, given if self._kind == "jinja" else None)

    def get(self, name: str) -> Template:
        """The template at `name`, a path inside the folders. The engine goes by the suffix.

        Raises `TemplateError` if there is none, if it lies outside, if it cannot be compiled.
        """
        if not self.fresh and (known := self._known.get(name)) is not None:
            return known
        if name.startswith("/") or not _is_normal(name):
            raise TemplateError(f"{name!r} is no name of a template: give its path inside the folder.", file=name)
        found = self._mako.get(name) if self._is_mako(name) else self._jinja.get(name)
        if not self.fresh:
            self._known[name] = found
        return found

    def read(self, file: Path, name: str) -> Template:
        """The Mako template in `file`; what it includes is found relative to `name`. Raises `TemplateError`."""
        return self._mako.read(file, name)

    def around(self, layout: str) -> Template:
        """The template `layout` for a document that it shows as its value `content`: as Jinja2, itself; as Mako, one that
        inherits it, so that `${self.body()}` and `${next.body()}` are the document too. Raises `TemplateError`."""
        found = self.get(layout)
        return self._mako.around(layout) if self._is_mako(layout) else found

    def _is_mako(self, name: str) -> bool:
        suffix = posixpath.splitext(name)[1].lower()
        if suffix == ".mako" or self._kind == "mako":
            return True
        if self._kind == "jinja" or suffix in JINJA:
            return False
        raise TemplateError(
            f"{name!r}: which engine is it for? A Mako template ends in .mako, one of Jinja2 in {', '.join(JINJA)}.",
            file=name,
        )

    def find(self, name: str) -> Path | None:
        """The file of `name`, a normal relative path, in the first folder that has it. Raises `TemplateError` if that leads
        outside all of them."""
        if name.endswith((".py", ".pyc")) or any(part.startswith(".") for part in name.split("/")):
            return None  # no template, and nothing to show
        for folder in self.folders:
            file = folder / name
            if file.is_file():
                real = os.path.realpath(file)
                if not any(real.startswith(os.path.join(os.path.realpath(root), "")) for root in self.folders):
                    raise TemplateError(f"{name!r} leads outside the folders of templates, to {real}.", file=str(file))
                return file
        return None

    def missing(self, name: str) -> TemplateError:
        """The error for a template that is not there."""
        where = " or ".join(str(folder) for folder in self.folders)
        why = f"in {where}" if where else 'and no folder of templates: OnDemand(templates="templates")'
        return TemplateError(f"There is no template {name!r} {why}.", file=name)


def _is_normal(name: str) -> bool:
    """True for a path without "..", empty segments, backslashes and control characters."""
    segments = name.removeprefix("/").split("/")
    return not (
        ".." in segments
        or "" in segments
        or "\\" in name
        or any(character < " " or character == "\x7f" for character in name)
    )


def _kind(given: Any) -> str:
    """ "mako", "jinja", or "" for nothing."""
    if given is None:
        return ""
    lookup = getattr(sys.modules.get("mako.lookup"), "TemplateLookup", None)
    environment = getattr(sys.modules.get("jinja2"), "Environment", None)
    if lookup is not None and isinstance(given, lookup):
        return "mako"
    if environment is not None and isinstance(getattr(given, "env", given), environment):
        return "jinja"
    name = f"{type(given).__module__}.{type(given).__qualname__}"
    raise TemplateError(
        f"templates= was given {name}. It takes a folder, a mako.lookup.TemplateLookup, a jinja2.Environment or a "
        "starlette.templating.Jinja2Templates.",
        file=name,
    )


# ----------------------------------------------------------------------------------------------------------------- Mako


class _MakoTemplate(Template):
    reserved = frozenset({"context", "loop", "UNDEFINED", "STOP_RENDERING"})

    def __init__(self, name: str, file: str, template: Any, stamp: object = None) -> None:
        super().__init__(name, file, _attributes(template.module))
        self.template = template
        self.stamp = stamp
        self._context = _context_type()
        # What Mako does for `self`, `local` and the like costs as much as a small template; most use none of them.
        used = re.search(r"\b(?:self|local|parent|next)\b", template.code)
        self._is_plain = used is None and not hasattr(template.module, "_mako_inherit") and not template.error_handler

    def work(self, values: Mapping[str, Any], *, streams: bool) -> Work:
        return Rendering(self._render, values, limit=CHUNK if streams else None)

    def _render(self, rendering: Rendering) -> None:
        values = rendering.values
        context = self._context(rendering, **values)
        if self._is_plain:
            context._set_with_template(self.template)
            self.template.callable_(context, **values)
        else:
            self.template.render_context(context, **values)


def _attributes(module: ModuleType) -> Mapping[str, Any]:
    generated = {"UNDEFINED", "STOP_RENDERING", "runtime", "filters", "cache"}
    return MappingProxyType(
        {
            name: value
            for name, value in vars(module).items()
            if name not in generated and not name.startswith(("_", "render_"))
        }
    )


class _Mako:
    """The Mako templates of a site: what Mako calls a lookup."""

    def __init__(self, templates: Templates, given: Any) -> None:
        self._templates = templates
        self._given = given
        self._known: dict[str, _MakoTemplate] = {}
        self._read: dict[str, _MakoTemplate] = {}
        self._around: dict[str, _MakoTemplate] = {}
        self._lock = threading.RLock()
        self._settings: dict[str, Any] = dict(given.template_args) if given is not None else {"strict_undefined": True}

    # --- for Mako's include, inherit and namespace

    def adjust_uri(self, uri: str, relativeto: str | None) -> str:
        """The name inside the folders of what a template calls `uri`. Raises `TemplateError` if it leads outside."""
        return _adjusted(str(uri), relativeto or "")

    def get_template(self, uri: str, relativeto: str | None = None) -> Any:
        """What Mako calls a template."""
        return self.get(self.adjust_uri(uri, relativeto) if relativeto is not None else uri).template

    def has_template(self, uri: str) -> bool:
        """True if there is a template of this name."""
        try:
            self.get(_adjusted(uri, ""))
        except TemplateError:
            return False
        return True

    # --- for us

    def get(self, name: str) -> _MakoTemplate:
        fresh = self._templates.fresh
        if not fresh and (known := self._known.get(name)) is not None:
            return known
        file = self._templates.find(name)
        found = self._in_memory(name) if file is None else self._load(self._known, name, str(file), name)
        self._known[name] = found
        return found

    def _in_memory(self, name: str) -> _MakoTemplate:
        """One that was put into the given lookup, not into a file."""
        from mako.exceptions import TemplateLookupException  # pyright: ignore[reportMissingTypeStubs]

        for uri in (name, "/" + name):
            if self._given is None:
                break
            try:
                return _MakoTemplate(name, name, self._given.get_template(uri))
            except TemplateLookupException:
                continue
        raise self._templates.missing(name)

    def around(self, layout: str) -> _MakoTemplate:
        known = self._around.get(layout)
        if known is None:
            text = f"<%inherit file={('/' + layout)!r}/>${{content}}"
            name = f"a document in {layout}"
            known = self._around[layout] = _MakoTemplate(name, name, self._compiled(text.encode(), name, name))
        return known

    def read(self, file: Path, name: str) -> _MakoTemplate:
        path = os.path.abspath(file)
        return self._load(self._read, path, path, name)

    def _load(self, kept: dict[str, _MakoTemplate], key: str, file: str, name: str) -> _MakoTemplate:
        fresh = self._templates.fresh
        known = kept.get(key)
        if known is not None and not fresh:
            return known
        try:
            stamp = _stamp(file)
            if known is not None and known.stamp == stamp and known.file == file:
                return known
            with self._lock:
                known = kept.get(key)
                if known is None or known.stamp != stamp or known.file != file:
                    with open(file, "rb") as source:
                        text = source.read()
                    known = kept[key] = _MakoTemplate(name, file, self._compiled(text, name, file), stamp)
        except OSError as error:
            raise TemplateError(f"{file} cannot be read: {error.strerror or error}", file=file) from error
        return known

    def _compiled(self, data: bytes, name: str, file: str) -> Any:
        from mako.template import ModuleTemplate  # pyright: ignore[reportMissingTypeStubs]

        settings = self._settings
        module, source, text = _module(data, name, file, settings)
        kept = (
            "encoding_errors",
            "error_handler",
            "include_error_handler",
            "cache_impl",
            "cache_args",
            "cache_enabled",
        )
        return ModuleTemplate(
            module,
            template_filename=file,
            module_source=source,
            template_source=text,
            lookup=self,
            **{key: settings[key] for key in kept if key in settings},
        )


def _stamp(file: str) -> tuple[int, int, int]:
    found = os.stat(file)
    return found.st_mtime_ns, found.st_size, found.st_ino


@functools.lru_cache(maxsize=1024)
def _adjusted(uri: str, relative_to: str) -> str:
    joined = uri.removeprefix("/") if uri.startswith("/") else posixpath.join(posixpath.dirname(relative_to), uri)
    name = posixpath.normpath(joined) if joined else ""
    if not name or uri.startswith("//") or not _is_normal(name) or name == ".":
        raise TemplateError(
            f"{uri!r}, named in {relative_to or 'a template'}, is no template inside the folders.", file=uri
        )
    return name


@functools.cache
def _context_type() -> Any:
    """Mako's context; what is rendered into a variable is safe to write: it was escaped on its way in."""
    from mako.runtime import Context  # pyright: ignore[reportMissingTypeStubs]
    from mako.util import FastEncodingBuffer  # pyright: ignore[reportMissingTypeStubs]
    from markupsafe import Markup

    class Buffer(FastEncodingBuffer):
        def getvalue(self) -> Any:
            parts: Any = cast("Any", self).data
            return Markup("".join(parts))  # noqa: S704

    class EscapedContext(Context):
        def _copy(self) -> Any:
            copy: Any = super()._copy()
            copy.__class__ = EscapedContext
            return copy

        def _push_writer(self) -> Any:
            buffer: Any = Buffer()
            self._buffer_stack.append(buffer)
            return buffer.write

    return EscapedContext


@functools.cache
def _filters() -> Any:
    """Mako's filters, for expressions that were escaped before: nothing is escaped twice."""
    import markupsafe
    from mako import filters  # pyright: ignore[reportMissingTypeStubs]
    from markupsafe import Markup
    from markupsafe import escape as escaped

    known = cast("Any", filters)

    def escape(value: Any) -> Any:
        if value.__class__ is not str and hasattr(value, "__await__"):
            raise written_unawaited(value)
        return escaped(value)

    def plain(value: Any) -> str:
        return value.unescape() if isinstance(value, Markup) else str(value)

    inner: Callable[[str], str] = getattr(markupsafe, "_escape_inner", None) or (lambda text: str(escaped(text)))

    def text(value: Any) -> str:
        """`escape`, as plain text: for what is written at once."""
        kind = value.__class__
        if kind is str:
            return inner(value)
        if kind is Markup:
            return value
        if kind is int or kind is float:
            return str(value)
        return str(escape(value))

    class Filters:
        text_of = staticmethod(text)
        html_escape = staticmethod(escape)
        xml_escape = staticmethod(escape)
        trim = staticmethod(known.trim)
        decode = known.decode

        @staticmethod
        def url_escape(value: Any) -> str:
            return known.url_escape(plain(value))

        @staticmethod
        def html_entities_escape(value: Any) -> str:
            return known.html_entities_escape(plain(value))

    return Filters


class _Source:
    """A loader, as `linecache` wants it: shows the template's text also when its file is gone."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_source(self, name: str) -> str:
        return self._text


def _module(data: bytes, name: str, file: str, settings: Mapping[str, Any]) -> tuple[ModuleType, str, str]:
    """The template as a module that was run, the Python that Mako made of it, and its text."""
    from mako import codegen, exceptions  # pyright: ignore[reportMissingTypeStubs]
    from mako.lexer import Lexer  # pyright: ignore[reportMissingTypeStubs]

    text = data.decode("utf-8", "replace")
    filters = settings.get("default_filters")
    lexer: Any = (settings.get("lexer_cls") or Lexer)(
        data, file, input_encoding=settings.get("input_encoding"), preprocessor=settings.get("preprocessor")
    )
    loop = settings.get("enable_loop", True)
    _teach_mako()
    try:
        tree: Any = lexer.parse()
        text = lexer.text
        source: str = cast("Any", codegen).compile(
            tree,
            name,
            file,
            default_filters=["h"] if filters is None else filters,
            buffer_filters=settings.get("buffer_filters") or (),
            imports=settings.get("imports"),
            future_imports=settings.get("future_imports"),
            source_encoding=lexer.encoding,
            generate_magic_comment=False,
            strict_undefined=settings.get("strict_undefined", False),
            enable_loop=loop,
            reserved_names=codegen.RESERVED_NAMES if loop else codegen.RESERVED_NAMES - {"loop"},
        )
    except exceptions.MakoException as error:
        line: int | None = getattr(error, "lineno", None)
        raise TemplateError.at(file, text, max(line, 1) if line is not None else None, _reason(error)) from error
    inherits = next((node.lineno for node in tree.nodes if type(node).__name__ == "InheritTag"), 1)
    lines = Lines(source, inherits)
    try:
        code = compile(lines.remapped(), file, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise TemplateError.at(file, text, lines.at(error), f"SyntaxError: {error.msg}") from error
    module = ModuleType(f"mako:{file}")
    loader = cast("Any", _Source(text))
    module.__file__, module.__loader__ = file, loader
    module.__spec__ = ModuleSpec(module.__name__, loader, origin=file)
    vars(module)["filters"] = _filters()
    sys.modules[module.__name__] = module  # dataclasses and type hints look for the module of a class
    try:
        exec(code, vars(module))  # noqa: S102 - templates are code of the site's author
    except Exception as error:
        del sys.modules[module.__name__]
        raise TemplateError.at(file, text, _last_line(error, file), f"{type(error).__name__}: {error}") from error
    return module, source, text


@functools.cache
def _teach_mako() -> None:
    """Mako's search for the names that a template defines knows `def`, not `async def`, and would ask the context for them."""
    from mako.pyparser import FindIdentifiers  # pyright: ignore[reportMissingTypeStubs]

    if not hasattr(FindIdentifiers, "visit_AsyncFunctionDef"):
        found: Any = FindIdentifiers
        found.visit_AsyncFunctionDef = found.visit_FunctionDef


def _reason(error: Exception) -> str:
    if isinstance(error.__cause__, SyntaxError):
        return f"SyntaxError: {error.__cause__.msg}"
    return re.sub(r" in file '.*' at line: \d+ char: \d+$", "", str(error))


def _last_line(error: BaseException, file: str) -> int | None:
    line, step = None, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == file:
            line = step.tb_lineno
        step = step.tb_next
    return line


# ---------------------------------------------------------------------------------------------------------------- Jinja2


def _undefined(base: type[Any]) -> type[Any]:
    """A name that was not given: it may be asked for (`{% if x %}`, `x is defined`), and fails where it is written."""

    class Undefined(base):
        __str__ = base._fail_with_undefined_error  # pyright: ignore[reportPrivateUsage]

    return Undefined


class _JinjaTemplate(Template):
    def __init__(self, name: str, template: Any, processors: Any) -> None:
        super().__init__(name, template.filename or name)
        self.processors = processors
        self._template = template
        self._waits = template.environment.is_async

    def work(self, values: Mapping[str, Any], *, streams: bool) -> Work:
        limit = CHUNK if streams else None
        if self._waits:
            return Generating(self._template.generate_async, values, limit=limit)
        return Rendering(self._render, values, limit=limit)

    def _render(self, rendering: Rendering) -> None:
        for chunk in self._template.generate(rendering.values):
            rendering.write(chunk)


class _Jinja:
    """The Jinja2 templates of a site, in an environment that is asynchronous: templates can wait."""

    def __init__(self, templates: Templates, given: Any) -> None:
        self._templates = templates
        self._given = getattr(given, "env", given)
        self._processors = getattr(given, "context_processors", None)
        if self._given is not None:
            self._given.globals.setdefault("page", _CurrentPage())

    @functools.cached_property
    def _environment(self) -> Any:
        try:
            import jinja2
        except ImportError:
            raise TemplateError("A template of Jinja2 needs Jinja2: pip install jinja2.", file="") from None
        fresh = self._templates.fresh
        if self._given is None:
            made: Any = jinja2.Environment(
                loader=jinja2.FunctionLoader(self._load),
                autoescape=True,
                enable_async=True,
                undefined=_undefined(jinja2.Undefined),
                auto_reload=fresh,
                cache_size=-1,
                finalize=_finalized,
            )
            made.globals["page"] = _CurrentPage()
            return made
        given = self._given
        more: dict[str, Any] = {} if given.finalize is not None else {"finalize": _finalized}
        overlay = given.overlay(enable_async=True, auto_reload=fresh, cache_size=-1, **more)
        overlay.bytecode_cache = None  # the user's holds code for an environment that is not asynchronous
        return overlay

    def _load(self, name: str) -> tuple[str, str, Callable[[], bool]] | None:
        clean = "/".join(segment for segment in name.split("/") if segment not in {"", "."})
        file = self._templates.find(clean) if clean and _is_normal(clean) else None
        if file is None:
            return None
        stamp = _stamp(str(file))
        return (
            file.read_text("utf-8"),
            str(file),
            lambda: self._templates.find(clean) == file and _stamp(str(file)) == stamp,
        )

    def get(self, name: str) -> Template:
        environment = self._environment
        from jinja2 import TemplateNotFound, TemplateSyntaxError

        try:
            template = environment.get_template(name)
            if self._given is not None and not inspect.isasyncgenfunction(template.root_render_func):
                template = self._given.get_template(name)  # compiled beforehand, for an environment that cannot wait
            return _JinjaTemplate(name, template, self._processors)
        except TemplateNotFound as error:
            raise self._templates.missing(str(error.name or name)) from error
        except TemplateSyntaxError as error:
            file = error.filename or name
            raise TemplateError.at(file, error.source or "", error.lineno, f"{error.message}") from error
        except (OSError, UnicodeDecodeError) as error:
            raise TemplateError(f"{name!r} cannot be read: {error}", file=name) from error


def _finalized(value: Any) -> Any:
    if value.__class__ is not str and hasattr(value, "__await__"):
        raise written_unawaited(value)
    return value


class _CurrentPage:
    """`page` in the globals of Jinja2: the page of the request that is being answered."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        page = CURRENT.get(None)
        if page is None:
            raise PageUnavailable(
                f"page.{name} in a template: OnDemand is not in front of this app, so there is no page."
            )
        return getattr(page, name)

    def __bool__(self) -> bool:
        return CURRENT.get(None) is not None

    def __repr__(self) -> str:
        return repr(CURRENT.get(None))
