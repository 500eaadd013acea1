"""Our objects as JavaScript sees Astro's: their members have names in camelCase, and what they give is JavaScript's again."""

from __future__ import annotations

import contextvars
import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import greenlet

from ondemand import Response
from ondemand.cookies import Cookies
from ondemand.headers import Fields, ResponseHeaders
from ondemand.urls import URL
from tests.conformance.javascript.values import (
    AWAIT,
    UNDEFINED,
    Function,
    Global,
    is_nothing,
    unread,
)

__all__ = ["PLATFORM", "Host", "waiting"]

MISSING = object()

FIELDS: dict[str, Callable[..., Any]] = {
    "get": lambda fields, name: fields.get(name),
    "has": lambda fields, name: name in fields,
    "set": lambda fields, name, value: fields.__setitem__(name, value),
    "delete": lambda fields, name: fields.pop(name, None) and UNDEFINED,
}
"""Methods of `Headers` -> what they are with the headers of a response of ours."""


def snake(name: str) -> str:
    return re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name)


class Host(Global):
    """One of our objects."""

    def __init__(self, owner: Any) -> None:
        super().__init__()
        self.owner = owner

    def __str__(self) -> str:
        return str(self.owner)

    def get(self, name: str) -> Any:
        if isinstance(self.owner, ResponseHeaders) and name in FIELDS:
            return Function(functools.partial(FIELDS[name], self.owner))
        found = getattr(self.owner, snake(name), MISSING)
        if found is MISSING:
            raise unread(f".{name} of {type(self.owner).__name__}")
        nothing = None if isinstance(self.owner, Fields) else UNDEFINED
        return Function(self._method(found, nothing)) if inspect.isroutine(found) else seen(found, nothing)

    def _method(self, method: Callable[..., Any], nothing: Any) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            plain, options = list(arguments), {}
            if isinstance(self.owner, Cookies) and plain and isinstance(plain[-1], dict):
                options = {snake(name): value for name, value in plain.pop().items()}
            return seen(method(*plain, **options), nothing)

        return call

    def set(self, name: str, value: Any) -> None:
        setattr(self.owner, snake(name), value)

    def items(self) -> list[Any]:
        if not isinstance(self.owner, Mapping):
            raise unread(f"an iteration over {type(self.owner).__name__}")
        return [list(pair) for pair in self.owner.items()]


def seen(value: Any, nothing: Any = UNDEFINED) -> Any:
    """`value` of ours in JavaScript. nothing: what None is."""
    if value is None:
        return nothing
    if isinstance(value, list | tuple):
        return [seen(one) for one in value]
    plain = isinstance(value, bool | int | float | str | bytes | dict | Response) and not isinstance(value, URL)
    if plain or inspect.isawaitable(value):
        return value
    if isinstance(value, Mapping) and not isinstance(value, Fields | ResponseHeaders | Cookies):
        return {name: seen(one) for name, one in value.items()}
    return Host(value)


async def waiting(work: Callable[[], Any]) -> Any:
    """What `work()` gives, done in a greenlet, which JavaScript's `await` leaves until what it waits for is there."""

    def begun() -> Any:
        AWAIT.set(greenlet.getcurrent().parent.switch)
        return work()

    runner = greenlet.greenlet(begun)
    runner.gr_context = contextvars.copy_context()
    given = runner.switch()
    while not runner.dead:
        try:
            found = await given
        except BaseException as error:
            given = runner.throw(error)
        else:
            given = runner.switch(found)
    return given


# --- globals of the platform ------------------------------------------------------------------------------------------


def response(body: Any = None, options: Any = UNDEFINED) -> Response:
    """`new Response(...)`: a text is text/plain, where ours would be HTML."""
    given = {} if is_nothing(options) else options
    headers = {text_name.lower(): value for text_name, value in (given.get("headers") or {}).items()}
    if isinstance(body, str):
        headers.setdefault("content-type", "text/plain; charset=utf-8")
    return Response(None if is_nothing(body) else body, given.get("status", 200), headers)


def json_response(value: Any, options: Any = UNDEFINED) -> Response:
    given = {} if is_nothing(options) else options
    return Response.json(value, given.get("status", 200), given.get("headers"))


def stream(source: Mapping[str, Any]) -> Any:
    """`new ReadableStream({ start(controller) })`, which is filled at once."""
    chunks: list[Any] = []
    members = {"enqueue": chunks.append, "close": lambda: UNDEFINED}
    if set(source) != {"start"}:
        raise unread("a stream that has not just `start`")
    source["start"](Global(members))
    return iter(chunks)


def absent(name: str) -> Global:
    """A name that servers give, and that is not read here."""

    def refuse(*_: Any) -> Any:
        raise unread(name)

    return Global(called=refuse, made=refuse)


ABSENT = ("fetch", "URL", "URLSearchParams", "Headers", "Request", "crypto", "process", "Buffer")

PLATFORM: dict[str, Any] = {
    **{name: absent(name) for name in ABSENT},
    "console": Global({name: lambda *_: UNDEFINED for name in ("log", "warn", "error")}),
    "Response": Global({"json": json_response, "redirect": Response.redirect}, made=response),
    "ReadableStream": Global(made=stream),
    "TextEncoder": Global(made=lambda: Global({"encode": str.encode})),
}
"""Names that servers give to JavaScript."""
