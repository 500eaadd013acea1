"""Rendering: a template and its values, as an answer that is rendered while it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ondemand.errors import TemplateError
from ondemand.responses import Response, starlette_request
from ondemand.streaming import Work, close_coroutine, render_now
from ondemand.templates import Template

if TYPE_CHECKING:
    from ondemand.contexts import Page

__all__ = ["Rendered", "render"]

HTML = "text/html; charset=utf-8"


def render(
    template: Template, page: Page, values: Mapping[str, Any], *, stream: bool = True, content_type: str = HTML
) -> Rendered:
    """`template` with `values` and `page`, as an answer. stream: send what is ready while it waits; else all at once, so that
    status, headers and cookies can be set to the end and an exception anywhere is a 500.
    Raises `TemplateError` for a value whose name the template's engine keeps for itself."""
    if not template.reserved.isdisjoint(values):
        names = ", ".join(sorted(template.reserved & values.keys()))
        raise TemplateError(f"{template.name} was given {names}, which Mako keeps for itself.", file=template.file)
    if not template.attributes.keys().isdisjoint(values):
        names = ", ".join(sorted(template.attributes.keys() & values.keys()))
        for value in values.values():
            close_coroutine(value)
        raise TemplateError(
            f"{template.name} was given {names}, which its <%! %> also defines. Rename one of them.", file=template.file
        )
    if template.processors is not None:
        request = values["request"] if "request" in values else starlette_request(page)
        values = {"request": request, **values}
        for processor in template.processors:
            values.update(processor(request))
    return Rendered(template, {"page": page, **values}, stream=stream, content_type=content_type)


class Rendered(Response):
    """A template as an answer. `body` is all of it, rendered when first asked for: for tests, where nothing is waited for.

    What the page says of the answer (`page.response`) holds, as where page code returns text.
    """

    is_final = False

    def __init__(self, template: Template, values: Mapping[str, Any], *, stream: bool, content_type: str) -> None:
        # What the constructors of the bases set, without their work on headers and bodies that are given.
        self.status_code = 200
        self.status_text = None
        self.background = None
        self.raw_headers = [(b"content-type", content_type.encode("latin-1"))]
        self.template = template
        self.values = values
        self.streams = stream
        self._rendered: bytes | None = None

    @property
    def body(self) -> bytes:  # pyright: ignore[reportIncompatibleVariableOverride] - Starlette's is an attribute
        """All of it. Raises what the template raises, `AwaitError` if it has to wait."""
        if self._rendered is None:
            self._rendered = render_now(self.template.work(self.values, streams=False))
        return self._rendered

    @body.setter
    def body(self, value: bytes) -> None:
        self._rendered = value

    def _work(self, *, streams: bool) -> Work | None:
        return None if self._rendered is not None else self.template.work(self.values, streams=streams)
