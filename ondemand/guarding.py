"""Guards: what `Rule(guard=)` asks in front of an answer; and what page code raises for one."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from typing import TYPE_CHECKING, Any, cast

from ondemand._asgi import CURRENT, Send
from ondemand.errors import OnDemandError, RequestError
from ondemand.routing import Guard

if TYPE_CHECKING:
    from ondemand.exchange import Exchange

__all__ = ["Guards", "answers_raised", "guard_answer", "guarded", "leave"]

Guards = tuple[tuple[Guard, Mapping[str, str]], ...]
"""The guards in front of a path, each with the params of its rule."""


async def guard_answer(guards: Guards, page: Exchange) -> Any:
    """The response of the first guard that has one, None if all let pass. What they read of the body is there again for the
    app. Raises what a guard raises, `TypeError` for one that returns no response."""
    if not guards:
        return None
    page.be_private()
    page.keep_body()
    for guard, params in guards:
        page.take_params(params)
        response: Any = await guard(page)
        if response is None:
            continue
        if not callable(cast("object", response)):
            name = getattr(guard, "__qualname__", repr(guard))
            raise TypeError(
                f"The guard {name} returned {type(response).__name__}. Return a Response, or None to let pass."
            )
        return response
    page.take_params(None)
    page.release_body()
    return None


async def guarded(guards: Guards, page: Exchange, send: Send | None = None) -> bool:
    """Ask each guard; True if one of them answered, or raised what is an answer."""
    token = CURRENT.set(page)
    answer = send or page.send
    try:
        response = await guard_answer(guards, page)
        if response is None:
            return False
        await response(page.scope, page.receive, answer)
    except OnDemandError as error:
        if not await answers_raised(error, page, answer):
            raise
    finally:
        leave(token)
    return True


def leave(token: Token[Any]) -> None:
    """The page is no longer the current one."""
    try:
        CURRENT.reset(token)
    except ValueError:  # the request was given up, and whoever closes it does so in a context of its own
        return


async def answers_raised(error: OnDemandError, page: Exchange, send: Send) -> bool:
    """Answer with what page code raised, if it is an answer and none has begun."""
    from ondemand.responses import Redirect, response_to

    if page.has_started or not isinstance(error, Redirect | RequestError):
        return False
    error.__traceback__ = error.__context__ = None  # one that is raised again and again must not keep every visitor
    await response_to(error)(page.scope, page.receive, send)
    return True
