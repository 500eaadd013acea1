"""Whether a reply is the recorded response."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.conformance.sites.wire import Reply
from tests.conformance.values import ANY, shown

__all__ = ["differences", "fits", "whole"]

COMPLETE = ("set-cookie", "location", "content-type")
"""Headers that are not sent where a response does not list them."""

PLACEHOLDERS = re.compile(
    r"<(?:default-404-page|etag|http-date|session-id|uuid|encrypted|hash|boundary|site|island-runtime|island-start"
    r"|island-script:\w+:\w+|island-preload:\w+)>"
)


def whole(response: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded response with what its silence means: no Set-Cookie, Location or Content-Type, an unbroken connection."""
    headers = {**dict.fromkeys(COMPLETE), **response["headers"]}
    return {"incomplete": False, **response, "headers": headers}


def fits(expected: str, text: str) -> bool:
    """True if `text` is `expected`, in which a placeholder stands for anything."""
    pieces = [re.escape(piece) for piece in PLACEHOLDERS.split(expected)]
    return re.fullmatch(r"[\s\S]*?".join(pieces), text) is not None


def differences(want: Mapping[str, Any], reply: Reply, *, timing: bool = False) -> Iterator[str]:
    """Each difference in words. want: see `whole`. ASGI has no reason phrase: it is not compared."""
    if want["status"] is not ANY and reply.status != want["status"]:
        yield f"status {reply.status}, expected {want['status']}"
    for name, value in want["headers"].items():
        yield from _header(name, value, reply)
    if reply.whole == want["incomplete"]:
        yield "the connection was cut" if not reply.whole else "the connection was expected to be cut"
    yield from _body(want, reply)
    if timing:
        yield from _timing(want, reply)


def _header(name: str, value: Any, reply: Reply) -> Iterator[str]:
    sent = reply.headers.get(name, [])
    if value is ANY:
        return
    wanted = value if isinstance(value, list) else [] if value is None else [value]
    sent = sent if isinstance(value, list) or value is None else ([", ".join(sent)] if sent else [])
    if len(sent) != len(wanted) or not all(map(fits, wanted, sent)):
        yield f"{name} {shown(sent)}, expected {shown(wanted)}"


def _body(want: Mapping[str, Any], reply: Reply) -> Iterator[str]:
    text = reply.body.decode("utf-8", "replace")
    if want.get("body_base64") is not None:
        if reply.body != base64.b64decode(want["body_base64"]):
            yield f"body {shown(repr(reply.body))}, expected other bytes"
    elif "body" in want and want["body"] is not ANY and not fits(want["body"] or "", text):
        yield f"body {shown(text)}, expected {shown(want['body'] or '')}"


def _timing(want: Mapping[str, Any], reply: Reply) -> Iterator[str]:
    """Pieces that came too late. One that came early is no fault."""
    size = 0
    for chunk in want.get("chunks", ()):
        size += len(chunk["text"].encode())
        moment = next((at for length, at in reply.arrivals if length >= size), None)
        if moment is None or moment > chunk["before_ms"]:
            late = "never" if moment is None else f"after {moment:.0f} ms"
            yield f"the first {size} bytes came {late}, expected before {chunk['before_ms']} ms"
    if reply.ended > want.get("total_before_ms", reply.ended):
        yield f"ended after {reply.ended:.0f} ms, expected before {want['total_before_ms']} ms"
