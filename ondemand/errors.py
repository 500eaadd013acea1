"""Every exception and warning of ours.

    OnDemandError                 catch this to be safe from all of them
    ├── ConfigError               a setting, mark, rule or route is wrong: the user's, at start    (exit 2)
    │   ├── MarkError             `prerender` was given something it does not understand
    │   ├── ParamError            the params of a path do not fit its route                        (a finding in a build)
    │   └── TemplateError         a template or page file that is missing, outside its folder, or wrong
    ├── AppImportError            the app could not be imported                                    (exit 3)
    ├── BuildError                the site has faults; nothing was published                       (exit 1)
    ├── LifespanError             the app said that it cannot start or shut down
    ├── PageUnavailable           there is no page here: OnDemand is not in front, or no request is being answered
    ├── AnswerError               a page or endpoint returned what is no answer
    ├── AwaitError                `await_` was called where no template is being rendered
    ├── PrerenderError            a page asked for what only a visitor has, while a build renders it
    ├── CookieError               a cookie that HTTP or browsers refuse                            (a ValueError)
    ├── ResponseStarted           the answer has begun: status, headers and cookies are out
    ├── BodyUsed                  the request's body was read already
    ├── RequestError              what the visitor sent cannot be used; uncaught, it is the answer (its `status`)
    │   ├── BodyError             the body is malformed                                            (400)
    │   ├── BodyTooLarge          the body is larger than `body_limit`                             (413)
    │   └── ClientDisconnected    the visitor left before the body was complete                    (400)
    ├── Redirect                  raised by page code, it is the answer                            (in `responses`)
    └── StoreError                `dist` cannot be read or written                                 (exit 1)
        ├── ManifestError         a manifest is truncated, of another version or does not add up
        └── BuildRunning          another build holds the lock

    OnDemandWarning               something at start that a user will want to know; the site works

Messages say what happened, why, and what to do, in this order. Names are permanent: people search for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ondemand.prerendering.report import Report

__all__ = [
    "AnswerError",
    "AppImportError",
    "AwaitError",
    "BodyError",
    "BodyTooLarge",
    "BodyUsed",
    "BuildError",
    "BuildRunning",
    "ClientDisconnected",
    "ConfigError",
    "CookieError",
    "LifespanError",
    "ManifestError",
    "MarkError",
    "OnDemandError",
    "OnDemandWarning",
    "PageUnavailable",
    "ParamError",
    "PrerenderError",
    "RequestError",
    "ResponseStarted",
    "StoreError",
    "TemplateError",
]


class OnDemandError(Exception):
    """The base of every exception this package raises on purpose."""


class ConfigError(OnDemandError):
    """A setting, a rule, a route or a mark is wrong. Raised when it is made, before anything is served or built."""


class MarkError(ConfigError):
    """`prerender` was given a value, an option or a target that it does not understand."""


class ParamError(ConfigError):
    """The params of a `StaticPath` do not fit the route they are for.

    Attributes: `pattern` (the route), `param` (the name or None), `value` (what was given).
    """

    def __init__(self, message: str, *, pattern: str, param: str | None = None, value: object = None) -> None:
        super().__init__(message)
        self.pattern = pattern
        self.param = param
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return _param_error, (str(self), self.pattern, self.param, self.value)


def _param_error(message: str, pattern: str, param: str | None, value: object) -> ParamError:
    return ParamError(message, pattern=pattern, param=param, value=value)


class TemplateError(ConfigError):
    """A template or page file is missing, lies outside its folder, or cannot be compiled.

    Attributes: `file`, its path or name; `line`, 1 for the first, None where no line is at fault; `excerpt`, a few numbered
    lines around it, the faulty one marked with `>`, or "".
    """

    def __init__(self, message: str, *, file: str, line: int | None = None, excerpt: str = "") -> None:
        super().__init__(message)
        self.file = file
        self.line = line
        self.excerpt = excerpt

    @classmethod
    def at(cls, file: str, text: str, line: int | None, reason: str) -> TemplateError:
        """The error for `file`, which holds `text` and is wrong at `line`, None for no line."""
        lines = text.splitlines()
        around = range(max(1, line - 2), min(len(lines), line + 2) + 1) if line is not None else ()
        excerpt = "\n".join(f"{'>' if n == line else ' '} {n:4} | {lines[n - 1][:160]}" for n in around)
        place = f"{file}:{line}" if line is not None else file
        return cls(f"{place}: {reason}" + (f"\n\n{excerpt}" if excerpt else ""), file=file, line=line, excerpt=excerpt)

    def __reduce__(self) -> tuple[Any, ...]:
        return _template_error, (str(self), self.file, self.line, self.excerpt)


def _template_error(message: str, file: str, line: int | None, excerpt: str) -> TemplateError:
    return TemplateError(message, file=file, line=line, excerpt=excerpt)


class AppImportError(OnDemandError):
    """The app named on the command line could not be imported. The cause, if it is the user's own, is `__cause__`."""


class BuildError(OnDemandError):
    """The build found faults and published nothing. `report` holds the whole `Report`."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return BuildError, (str(self), self.report)


class LifespanError(OnDemandError):
    """The app said `lifespan.startup.failed` or `lifespan.shutdown.failed`; the message is the app's."""


class PageUnavailable(OnDemandError, LookupError):  # noqa: N818 - it says what is
    """There is no page here. The message is what to add, or where a page is to be had."""


class AnswerError(OnDemandError, TypeError):
    """A page or endpoint returned something that is no answer: None, a number, a set, an open file, ..."""


class AwaitError(OnDemandError, RuntimeError):
    """`await_` or `flush` was called in another thread than the one that renders the template, or after it was rendered."""


class PrerenderError(OnDemandError):
    """A page asked for something that only a visitor has (Astro: PrerenderClientAddressNotAvailable), while a build
    renders it."""


class CookieError(OnDemandError, ValueError):
    """The name, the value or an option of a cookie is one that HTTP or browsers refuse."""


class ResponseStarted(OnDemandError, RuntimeError):  # noqa: N818 - it says what is
    """The first byte of the answer is out (Astro: ResponseSentError): status, headers and cookies cannot change any more."""


class BodyUsed(OnDemandError, RuntimeError):  # noqa: N818 - it says what is
    """The body of the request was read already, by page code or by the app; it can be read once."""


class RequestError(OnDemandError):
    """What the visitor sent cannot be used. If page code does not catch it, it becomes the answer.

    Attribute: `status`, the answer's.
    """

    status = 400


class BodyError(RequestError):
    """The body of the request is malformed, or of another kind than what was asked for."""


class BodyTooLarge(RequestError):  # noqa: N818 - it says what is
    """The body of the request is larger than `body_limit`, or has more parts or fields than a form may have."""

    status = 413


class ClientDisconnected(RequestError):  # noqa: N818 - it says what is
    """The visitor left before the body was complete. Nobody will see the answer."""


class StoreError(OnDemandError):
    """The store (`dist`) cannot be read or written.

    Attribute: `passing`, True if it may well be possible a moment later (too many open files, no memory).
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class ManifestError(StoreError):
    """A manifest is truncated, of another version, or does not match its own digest."""


class BuildRunning(StoreError):  # noqa: N818 - it says what is, as StopIteration does
    """Another build of the same `dist` is running."""


class OnDemandWarning(UserWarning):
    """Something found at start that costs the user something they may not expect."""
