"""HTTP/1.1 by hand: a case says which bytes are sent, and when which bytes came back counts."""

from __future__ import annotations

import base64
import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Reply", "exchange"]

TIMEOUT = 15.0


@dataclass
class Reply:
    """An answer. arrivals: (bytes of the body so far, milliseconds since the request). whole: its end was said."""

    status: int
    headers: dict[str, list[str]]
    body: bytes
    arrivals: list[tuple[int, float]] = field(default_factory=list)
    whole: bool = True
    ended: float = 0.0

    def header(self, name: str) -> str | None:
        return ", ".join(self.headers[name]) if name in self.headers else None


def exchange(port: int, request: Mapping[str, Any], values: Mapping[str, str]) -> Reply:
    """Send one request on a connection of its own. values: what stands for `{{name}}`.

    Raises `OSError` where there is no connection, `ValueError` where what comes is no HTTP.
    """
    message = _message(request, values)
    pieces: list[tuple[float, bytes]] = []
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        start = time.perf_counter()
        connection.sendall(message)
        while True:
            try:
                piece = connection.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            pieces.append(((time.perf_counter() - start) * 1000, piece))
    return _read(pieces, request["method"])


def _message(request: Mapping[str, Any], values: Mapping[str, str]) -> bytes:
    def filled(text: str) -> str:
        return re.sub(r"\{\{(\w+)\}\}", lambda name: values.get(name[1], name[0]), text)

    body = base64.b64decode(request["body_base64"]) if "body_base64" in request else None
    if body is None and request.get("body") is not None:
        body = filled(request["body"]).encode()
    fields: list[tuple[str, str]] = []
    for name, value in request.get("headers", {}).items():
        fields += [(name, filled(one)) for one in (value if isinstance(value, list) else [value])]
    names = {name.lower() for name, _ in fields}
    if "host" not in names:
        fields.insert(0, ("Host", "conformance.test"))
    if body is not None and "content-length" not in names:
        fields.append(("Content-Length", str(len(body))))
    fields.append(("Connection", "close"))
    lines = [f"{request['method']} {filled(request['path'])} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def _read(pieces: list[tuple[float, bytes]], method: str) -> Reply:
    received = b"".join(piece for _, piece in pieces)
    head, blank, rest = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    status = re.match(r"HTTP/1\.[01] (\d{3})", first)
    if status is None or not blank:
        raise ValueError(f"no HTTP answer: {first[:80]!r}")
    headers: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    reply = Reply(int(status[1]), headers, b"", ended=pieces[-1][0])
    clock = _Clock(pieces, len(received) - len(rest))
    if "chunked" in (reply.header("transfer-encoding") or ""):
        _read_chunks(reply, rest, clock)
    elif method != "HEAD":
        reply.body = rest
        reply.arrivals = clock.all(len(rest))
        length = reply.header("content-length")
        reply.whole = length is None or len(rest) >= int(length)
    return reply


class _Clock:
    """When which byte behind the head arrived."""

    def __init__(self, pieces: list[tuple[float, bytes]], head: int) -> None:
        self._ends: list[tuple[int, float]] = []
        total = -head
        for moment, piece in pieces:
            total += len(piece)
            self._ends.append((total, moment))

    def at(self, position: int) -> float:
        return next((moment for end, moment in self._ends if end > position), self._ends[-1][1])

    def all(self, length: int) -> list[tuple[int, float]]:
        return [(min(end, length), moment) for end, moment in self._ends if end > 0]


def _read_chunks(reply: Reply, rest: bytes, clock: _Clock) -> None:
    position, reply.whole = 0, False
    while found := re.compile(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n").match(rest, position):
        size = int(found[1], 16)
        if size == 0:
            reply.whole = True
            return
        chunk = rest[found.end() : found.end() + size]
        reply.body += chunk
        if chunk:
            reply.arrivals.append((len(reply.body), clock.at(found.end() + len(chunk) - 1)))
        position = found.end() + size + 2
