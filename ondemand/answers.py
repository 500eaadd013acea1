"""From what a page or endpoint of ours returns to a response; and which function of an endpoint answers a method."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import inspect
import io
import mimetypes
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from ondemand.errors import AnswerError, ConfigError
from ondemand.responses import Response
from ondemand.streaming import threads

if TYPE_CHECKING:
    from ondemand.exchange import Exchange

__all__ = [
    "METHODS",
    "Answer",
    "answer_of_endpoint",
    "answer_of_page",
    "calling",
    "checked",
    "exported",
    "of_page",
    "to_response",
]

Answer = Callable[["Exchange"], Awaitable[Any]]
"""Takes a page, gives the response: any ASGI app that answers it."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ALL")
"""The names under which endpoints usually export functions; any other method of upper-case letters is one too (PURGE)."""

HTML = "text/html; charset=utf-8"


def checked(function: Any, where: str) -> Any:
    """`function`, if it can be called with a page or with nothing. Raises `ConfigError`."""
    if not callable(function):
        raise ConfigError(f"{where} is {type(function).__name__}, not a function. Write `async def ...(page): ...`.")
    _wants_page(function, where)
    return function


def _wants_page(function: Any, where: str) -> bool:
    try:
        own = inspect.signature(function, follow_wrapped=False).parameters.values()
        inner = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    if any(one.kind is one.VAR_POSITIONAL for one in own):  # a decorator, which may give more than it is given
        return any(one.kind in _POSITIONAL or one.kind is one.VAR_POSITIONAL for one in inner)
    needed = [one for one in own if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
    if len(needed) > 1 or any(one.kind is one.KEYWORD_ONLY for one in needed):
        names = ", ".join(one.name for one in needed)
        raise ConfigError(f"{where} takes {names}. It is called with the page alone: parameters are in page.params.")
    return any(one.kind in _POSITIONAL for one in own)


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def calling(function: Any, where: str) -> Callable[[Exchange], Awaitable[Any]]:
    """What gives the value of `function` for a page. A plain `def` runs in a worker thread, as in FastAPI and Starlette.

    Raises `ConfigError` for what cannot be called with a page or with nothing.
    """
    checked(function, where)
    wants = _wants_page(function, where)
    target = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    inner = inspect.unwrap(target)
    if inspect.iscoroutinefunction(target) and wants:
        return function
    is_async = inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(inner)
    generates = inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner)

    async def call(page: Exchange) -> Any:
        arguments = (page,) if wants else ()
        if is_async or generates:
            value = function(*arguments)
        else:
            context = contextvars.copy_context()
            value = await asyncio.get_running_loop().run_in_executor(
                threads(), lambda: context.run(_run, function, arguments)
            )
        return await value if inspect.isawaitable(value) else value

    return call


def _run(function: Any, arguments: tuple[Any, ...]) -> Any:
    """Call it in a worker thread. A `StopIteration` cannot cross to the event loop: the request would wait for ever."""
    try:
        return function(*arguments)
    except StopIteration as error:
        raise RuntimeError(f"{getattr(function, '__qualname__', function)} raised StopIteration") from error


def exported(holder: Any) -> dict[str, Any]:
    """The functions that a module or object exports by the names of methods (Astro: endpoints)."""
    names = [name for name in dir(holder) if name in METHODS or (name.isupper() and name.isalpha() and name.isascii())]
    found = {name: getattr(holder, name) for name in names}
    home = holder.__name__ if isinstance(holder, ModuleType) else None
    return {
        name: one
        for name, one in found.items()
        if name in METHODS
        or (inspect.isroutine(one) and (home is None or one.__module__ == home))  # not what it imports
    }


def answer_of_page(function: Any, where: str) -> Answer:
    """The answer of a page function, named `where` in messages."""
    call = calling(function, where)

    async def answer(page: Exchange) -> Any:
        return of_page(to_response(await call(page), where), page)

    return answer


def of_page(response: Any, page: Exchange) -> Any:
    """`response` as the answer of a page: an empty 404 or 500 shows the site's page for it, whatever type it names, for that is
    the body's (Astro)."""
    response = _own(response)
    if isinstance(response, Response) and response.is_empty and response.status_code in {404, 500}:
        response.shows_page = True
    return _streaming(response, page)


def _own(response: Any) -> Any:
    """`response`, or a copy of one that page code made and may keep: what is written into it is for one visitor."""
    if not isinstance(response, Response) or not response.is_final:
        return response
    made = copy.copy(response)
    made.raw_headers = [*response.raw_headers]
    vars(made).pop("_headers", None)  # Starlette's view of them
    return made


def answer_of_endpoint(functions: Mapping[str, Any], where: str) -> Answer:
    """The answer of an endpoint that exports `functions`, by method. HEAD falls to GET, everything to ALL; OPTIONS is
    answered, and what is missing is 405 with Allow (RFC 9110 section 15.5.6)."""
    calls = {method: calling(function, f"{method} of {where}") for method, function in functions.items()}
    allow = ", ".join(allowed(functions))

    async def answer(page: Exchange) -> Any:
        method: str = page.scope["method"]
        name = next((one for one in _candidates(method) if one in calls), None)
        if name is None:
            status = 204 if method == "OPTIONS" else 405
            text = None if status == 204 else f"{method} is not answered here. Allowed: {allow}.\n"
            return Response(
                text, status, {"allow": allow, **({"content-type": "text/plain; charset=utf-8"} if text else {})}
            )
        kind = _type_of(page.path)
        response = to_response(await calls[name](page), f"{name} of {where}", is_page=False, content_type=kind)
        response = _own(response)
        if isinstance(response, Response):
            response.shows_page = False  # an endpoint's own 404 is no page's (Astro)
        return _streaming(response, page)

    return answer


def _streaming(response: Any, page: Exchange) -> Any:
    """`response`, which is made whole before it is sent where the page, a rule or the site says so."""
    if isinstance(response, Response) and response.chunks is not None and not page.streams:
        response.streams = False
    return response


def _candidates(method: str) -> tuple[str, ...]:
    return ("HEAD", "GET", "ALL") if method == "HEAD" else (method, "ALL")


def allowed(functions: Mapping[str, Any]) -> list[str]:
    """The methods that an endpoint answers, for Allow."""
    names = {name for name in functions if name != "ALL"} | {"OPTIONS"}
    return sorted(names | ({"HEAD"} if "GET" in names else set()))


def _type_of(path: str) -> str | None:
    """The content type that the extension of `path` stands for, None for none: "/feed.xml" is application/xml."""
    kind, encoding = mimetypes.guess_type(path.rpartition("/")[2])
    if kind is None or encoding is not None:
        return None
    is_text = kind.startswith("text/") or kind in {"application/javascript", "application/xml", "image/svg+xml"}
    return f"{kind}; charset=utf-8" if is_text else kind


def to_response(value: Any, where: str, *, is_page: bool = True, content_type: str | None = HTML) -> Any:
    """The response that `value` stands for: text, bytes, what has `__html__`, an iterator of text or bytes, or any response;
    of an endpoint also a dict or list, as JSON. content_type: of text and bytes; None where the path of an endpoint names none.

    Raises `AnswerError` for everything else, which names `where`.
    """
    if _is_response(value):
        return value
    if (html := getattr(value, "__html__", None)) is not None:
        return _made(str(html()), HTML)
    if isinstance(value, bytes | bytearray | memoryview):
        return _made(bytes(cast("bytes", value)), content_type or "application/octet-stream")
    if isinstance(value, dict | list) and not is_page:
        return _Made.json(value)
    if isinstance(value, str | AsyncIterable) or (isinstance(value, Iterator) and not isinstance(value, io.IOBase)):
        return _made(value, content_type or "text/plain; charset=utf-8")
    raise AnswerError(f"{where} returned {_what(value)}. {_remedy(value, is_page=is_page)}")


class _Made(Response):
    """A response that page code did not make itself: what it says in `page.response` holds for it."""

    is_final = False

    @classmethod
    def whole(cls, body: bytes, content_type: str) -> _Made:
        """A body that is there: what the constructors set, without their work on headers and bodies that may be anything."""
        made = cls.__new__(cls)
        made.body, made.status_code, made.status_text, made.background = body, 200, None, None
        made.is_empty = made.shows_page = False
        made.chunks = None
        length = b"%d" % len(body)
        made.raw_headers = [(b"content-type", content_type.encode("latin-1")), (b"content-length", length)]
        return made


def _made(body: Any, content_type: str) -> Response:
    if isinstance(body, str):
        return _Made.whole(body.encode(), content_type)
    if isinstance(body, bytes):
        return _Made.whole(body, content_type)
    return _Made(body, 200, {"content-type": content_type})


def _is_response(value: Any) -> bool:
    if isinstance(value, Response):
        return True
    return (
        callable(value)
        and not inspect.isroutine(value)
        and not inspect.isclass(value)
        and not hasattr(value, "__html__")
    )


def _what(value: Any) -> str:
    if value is None:
        return "None"
    if inspect.iscoroutine(value):
        value.close()
        return "a coroutine"
    if isinstance(value, io.IOBase):
        return "an open file"
    if isinstance(value, BaseException):
        return f"the exception {type(value).__name__}"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _remedy(value: Any, *, is_page: bool) -> str:
    if inspect.iscoroutine(value):
        return "Put `await` in front of what it returns."
    if isinstance(value, BaseException):
        return "Raise it, or return what visitors shall see."
    if isinstance(value, io.IOBase):
        return "Return what it holds, or a FileResponse."
    if isinstance(value, tuple):
        return "For a status: return Response(body, status) or Response.json(value, status)."
    if isinstance(value, dict | list):
        return "A page returns HTML; for JSON, write an endpoint, or return Response.json(...)."
    if is_page:
        return "A page returns text, bytes, an iterator of them, or a Response."
    return "An endpoint returns text, bytes, a dict or list (JSON), an iterator of text or bytes, or a Response."
