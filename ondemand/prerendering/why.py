"""Why a path of an app is answered as it is: the app is read in a process of its own, as a build would read it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ondemand.errors import OnDemandError
from ondemand.explaining import Asked, Why
from ondemand.prerendering.children import Children
from ondemand.prerendering.messages import Order, Refused

__all__ = ["why"]


def why(target: Any, path: str, *, now: Callable[[], float] = time.time) -> Why:
    """Why a GET for `path` is answered as it is. See `ondemand.explaining.explain`.

    target: "module:attribute", imported in a process of its own, or an app object. path: see `Asked.read`, whose
    `ConfigError` this raises before the app is started. now: wall time in seconds.
    Raises as `build` does where the app cannot start, `OnDemandError` if its process ends meanwhile, or
    if `paths` that have to be asked do not end in `page_timeout` seconds.
    """
    asked = Asked.read(path)
    with Children(Order(target), jobs=1) as children:
        children.start()
        children.first.send(("why", asked, now()))
        while True:
            for _, message in children.wait(0.2):
                if isinstance(message, Why):
                    return message
                if isinstance(message, Refused):
                    raise message.error
                if message is None:
                    raise OnDemandError(f"The app ended the process while {path!r} was looked at. Look at its `paths`.")
