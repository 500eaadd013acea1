"""What passes `OnDemand` while a build asks: recorded at its own layer, and passed on.

What outer middleware adds is added again when the snapshot is served. A captured request is known by an object in its scope,
which nothing that comes over the network can forge.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ondemand._asgi import Headers, Message, Scope, Send
from ondemand.marks import READS

if TYPE_CHECKING:
    from ondemand.watching import WatchedScope

__all__ = ["BUILDING", "CAPTURE", "CREDENTIALS", "Recording", "is_building"]

CAPTURE = "ondemand.capture"
"""The key in the scope under which a captured request carries its `Recording`."""

BUILDING = "ONDEMAND_BUILDING"
"""The environment variable by which a build tells the processes it starts; see `is_building`."""

CREDENTIALS = {
    "cookie": READS["cookie"],
    "authorization": READS["authorization"],
    "user": READS["user"],
    "auth": READS["user"],
    "client": READS["address"],
    "session": READS["session"],
    "state": READS["state"],
}
"""What tells visitors apart, by the name of its header or its key in the scope, in words. Other headers are "headers"."""

_OF_ANYBODY = frozenset(["client", "accept-language", "referer", "user-agent"])  # says nothing about who somebody is

_OF_VISITOR = frozenset(["user", "auth", "client", "session"])  # what middleware leaves in the scope

MAX_BODY = 256 * 1024 * 1024
"""Bytes of a body beyond which a page is taken to be endless."""


def is_building() -> bool:
    """True during import, lifespan and requests of an app that `ondemand build` has started."""
    return os.environ.get(BUILDING) == "1"


class Recording:
    """What passed `OnDemand`'s own layer while one path was captured."""

    __slots__ = (
        "_looked_at",
        "_read_outside",
        "_scope",
        "_session",
        "_watches",
        "begun",
        "body",
        "complete",
        "error",
        "headers",
        "looked_up",
        "reads",
        "shown",
        "size",
        "status",
        "writes",
    )

    def __init__(self, *, watches: bool = False, shown: Headers | None = None) -> None:
        """watches: the request carries credentials, and who looks at them is noted. shown: the headers that page objects may
        see, those of an identity; of any other captured request they see none."""
        self._watches = watches
        self.shown: Headers = shown if shown is not None else []
        self.begun = False
        self.status = 0  # 0: the request did not get this far, something in front of OnDemand answered
        self.headers: Headers = []
        self.body: list[bytes] = []
        self.size = 0
        self.complete = False
        self.error: BaseException | None = None
        self.reads: dict[str, str] = {}  # what only a visitor has and page code read -> a frame of the user's code
        self._looked_at = False  # by something that is not page code
        self._read_outside: dict[str, str] = {}  # what it read inside of `OnDemand` -> where
        self._scope: WatchedScope | None = None
        self.looked_up: set[str] = set()  # by page code: names of headers, keys of the scope
        self._session: Callable[[], bool] | None = None
        self.writes: dict[str, str] = {}  # cookies that page code set -> where

    def begin(self, scope: Scope, send: Send, *, in_tasks: bool) -> tuple[Scope, Send]:
        """From here on what is read of the visitor is noted; answers the scope and `send` for the app, with what passes `send`
        recorded on the way out. in_tasks: the framework may run pages in tasks of its own."""
        self.begun = True
        if in_tasks:
            from ondemand.watching import IN_ROUTE

            IN_ROUTE.set(True)
        self._read_outside.clear()
        self._session = _watch_session(scope)
        if self._watches:
            from ondemand.watching import WatchedScope  # which only a build needs

            scope = self._scope = WatchedScope(scope, _OF_VISITOR, self.sees, self._looked)

        async def record(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.headers = [(bytes(name).lower(), bytes(value)) for name, value in message.get("headers", ())]
            elif message["type"] == "http.response.body":
                self._add(message)
            await send(message)

        return scope, record

    def end(self, error: BaseException | None) -> None:
        """The app has answered, or raised `error`."""
        self.error = error
        if self._session is not None and self._session():
            self.reads.setdefault(READS["session"], "")
        if (scope := self._scope) is not None and "app" in scope and "endpoint" not in scope:
            for what, where in self._read_outside.items():  # no route was reached: what read it is what answered
                self.reads.setdefault(what, where)

    def read(self, what: str) -> None:
        """Page code reads something that only a visitor has."""
        if what not in self.reads:
            self.reads[what] = _where()

    def sees(self, key: str) -> None:
        """Something looks at what tells visitors apart: noted if it is page code. key: the name of a header, or of
        `CREDENTIALS`."""
        from ondemand.watching import reader

        what = CREDENTIALS.get(key, READS["headers"])
        if key in self.looked_up:
            return
        if (where := reader()) is not None:
            self.looked_up.add(key)
            self.reads.setdefault(what, where)
        elif key not in _OF_ANYBODY:
            self._looked_at = True
            if what not in self._read_outside:
                self._read_outside[what] = _where()

    def watch_state(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of the lifespan's state for this request, in which what middleware leaves there is watched."""
        if not self._watches:
            return dict(state)
        from ondemand.watching import WatchedState

        return WatchedState(state, partial(self.sees, "state"), self._looked)

    def _looked(self) -> bool:
        return self._looked_at

    def reading(self, what: str) -> Callable[[], None]:
        """A function that says `read(what)`."""
        return partial(self.read, what)

    def writes_cookie(self, name: str) -> None:
        """Page code sets or deletes a cookie."""
        if name not in self.writes:
            self.writes[name] = _where()

    def _add(self, message: Message) -> None:
        body = message.get("body", b"")
        self.size += len(body)
        if self.size > MAX_BODY:
            raise OverflowError(f"the page sent more than {MAX_BODY} bytes")
        if body:
            self.body.append(bytes(body))
        self.complete = not message.get("more_body", False)


def _where() -> str:
    from ondemand.frames import caller

    return caller()


def _watch_session(scope: Scope) -> Callable[[], bool] | None:
    """A function that tells whether `scope["session"]` was used from here on, or None if there is none."""
    session = scope.get("session")
    if session is None:
        return None
    if hasattr(session, "accessed"):  # Starlette's own session keeps count
        session.accessed = False
        return lambda: bool(session.accessed)
    if type(session) is dict:
        watched = _WatchedSession(cast("dict[str, Any]", session))
        scope["session"] = watched
        return lambda: watched.used
    return None


class _WatchedSession(dict[str, Any]):
    used = False

    def __getattribute__(self, name: str) -> Any:
        if name in {"get", "items", "keys", "values", "pop", "popitem", "setdefault", "update", "clear", "copy"}:
            self.used = True
        return super().__getattribute__(name)

    def __getitem__(self, key: str) -> Any:
        self.used = True
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.used = True
        return super().__contains__(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.used = True
        super().__setitem__(key, value)

    def __iter__(self) -> Iterator[str]:
        self.used = True
        return super().__iter__()

    def __len__(self) -> int:
        self.used = True
        return super().__len__()
