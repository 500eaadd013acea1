"""Markdown pages: front matter and text of a `.md` page file (Astro: Markdown pages). Needs the extra `markdown`."""

from __future__ import annotations

import html
import itertools
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from markupsafe import Markup

from ondemand.answers import to_response
from ondemand.errors import TemplateError

__all__ = ["Document", "read"]

MISSING = "Markdown pages need two packages: pip install 'asgi-ondemand[markdown]'"


@dataclass(frozen=True)
class Document:
    """One page file, read.

    frontmatter: what stands between the two `---`. content: the text as HTML. headings: of each heading `depth` (1 to 6),
    `slug` (its id) and `text`.
    """

    frontmatter: Mapping[str, Any]
    content: Markup
    headings: list[dict[str, Any]]
    layout: str | None

    def values(self) -> dict[str, Any]:
        """What its layout is given."""
        return {"content": self.content, "frontmatter": self.frontmatter, "headings": self.headings}

    def alone(self) -> Any:
        """The page of a document without a layout."""
        title = html.escape(str(self.frontmatter.get("title", "")))
        head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
        return to_response(f"<!doctype html><html><head>{head}</head><body>{self.content}</body></html>", "a document")


def read(file: Path, name: str) -> Document:
    """Read `file`, which messages call `name`.

    Raises `TemplateError` for front matter that is no YAML mapping, for a `layout` that is no text, for text that is no UTF-8
    and where the packages are missing.
    """
    try:
        import frontmatter
        import yaml
    except ImportError:
        raise TemplateError(f"{name}: {MISSING}", file=str(file)) from None
    try:
        source = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateError(f"{file}: it is no UTF-8: {error}.", file=str(file)) from None
    try:
        post: Any = frontmatter.loads(source)
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "context_mark", None) or getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1  # counted from 0
        reason = f"its front matter cannot be read: {getattr(error, 'problem', None) or 'it is no YAML'}"
        raise TemplateError.at(str(file), source, line, reason) from None
    except (TypeError, ValueError) as error:
        raise TemplateError.at(str(file), source, 1, f"its front matter is no mapping: {error}") from None
    if source.startswith("---") and not post.metadata and not re.search(r"^---\s*$", source[3:], re.MULTILINE):
        raise TemplateError.at(str(file), source, 1, "its front matter has no end: a line of ---")
    said = cast("dict[str, Any]", dict(post.metadata))
    layout = said.get("layout")
    if layout is not None and not isinstance(layout, str):
        raise TemplateError.at(str(file), source, 1, f"layout: {layout!r} is no name of a template")
    text, headings = _render(post.content, name, file)
    if layout is not None and layout.startswith("."):  # beside this file, as in Astro
        layout = posixpath.normpath(posixpath.join(posixpath.dirname(name), layout))
    return Document(said, Markup(text), headings, layout)  # noqa: S704 - the author's own text


def _render(text: str, name: str, file: Path) -> tuple[str, list[dict[str, Any]]]:
    """The HTML of `text`, and its headings, each with an id that links can name."""
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise TemplateError(f"{name}: {MISSING}", file=str(file)) from None
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    headings: list[dict[str, Any]] = []
    used: dict[str, int] = {}
    for token, inline in itertools.pairwise(tokens):
        if token.type != "heading_open":
            continue
        words = "".join(child.content for child in inline.children or () if child.type in {"text", "code_inline"})
        slug = re.sub(r"[^\w\- ]", "", words.lower()).strip().replace(" ", "-") or "section"
        count = used.get(slug, 0)
        used[slug] = count + 1
        token.attrSet("id", unique := f"{slug}-{count}" if count else slug)
        headings.append({"depth": int(token.tag[1:]), "slug": unique, "text": words})
    return parser.renderer.render(tokens, parser.options, {}), headings
