"""A client of raw bytes: what is asked goes out exactly as it is written, what comes back is read by the letter."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

WAIT = 10.0
"""Seconds for one answer."""


@dataclass
class Answer:
    """status: 0 if the connection was closed without an answer. whole: the body ended as its framing says it does."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    whole: bool = False

    def header(self, name: str) -> str | None:
        values = [value for key, value in self.headers if key == name]
        return ", ".join(values) if values else None

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def lasting(self) -> list[tuple[str, str]]:
        """The headers that do not change from one second, or process, to the next."""
        return sorted((name, value) for name, value in self.headers if name not in {"date", "server"})


class Line:
    """One connection; several requests may go over it."""

    def __init__(self, port: int, *, window: int | None = None) -> None:
        """window: bytes that the system may take in before they are read here."""
        self._socket = socket.socket()
        if window is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self._socket.settimeout(WAIT)
        try:
            self._socket.connect(("127.0.0.1", port))
        except OSError:
            self._socket.close()
            raise
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError:  # refused before all was said: the answer, if there is one, tells
            return

    def ask(
        self,
        target: bytes | str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Answer:
        self.say(target, method=method, headers=headers, body=body)
        return self.read(method)

    def say(
        self,
        target: bytes | str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> None:
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        if not any(name.lower() == "host" for name, _ in pairs):
            pairs.insert(0, ("host", "shop.example"))
        if body:
            pairs.append(("content-length", str(len(body))))
        path = target if isinstance(target, bytes) else target.encode("latin-1")
        lines = [method.encode() + b" " + path + b" HTTP/1.1"]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in pairs]
        self.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def more(self) -> bool:
        """Read what has come; False at the end of the connection."""
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            return False
        self._held += data
        return bool(data)

    def head(self) -> Answer:
        """The status line and the headers."""
        answer = Answer()
        while b"\r\n\r\n" not in self._held:
            if not self.more():
                return answer
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        answer.status = int(first.split(" ", 2)[1])
        for line in lines:
            name, _, value = line.partition(":")
            answer.headers.append((name.lower(), value.strip()))
        return answer

    def read(self, method: str = "GET") -> Answer:
        """One answer, framed as RFC 9112 section 6.3 says."""
        answer = self.head()
        if not answer.status:
            return answer
        if method == "HEAD" or answer.status in {101, 204, 304}:
            answer.whole = True
        elif (answer.header("transfer-encoding") or "").lower() == "chunked":
            self._chunked(answer)
        elif (length := answer.header("content-length")) is not None:
            answer.body = self.take(int(length))
            answer.whole = len(answer.body) == int(length)
        else:
            while self.more():
                pass
            answer.body, self._held, answer.whole = self._held, b"", True
        return answer

    def take(self, count: int) -> bytes:
        """The next `count` bytes, or what comes until the end of the connection."""
        pieces, have = [self._held], len(self._held)
        self._held = b""
        while have < count and self.more():
            pieces.append(self._held)
            have += len(self._held)
            self._held = b""
        data = b"".join(pieces)
        self._held = data[count:]
        return data[:count]

    def _chunked(self, answer: Answer) -> None:
        while True:
            while b"\r\n" not in self._held:
                if not self.more():
                    return
            size, _, self._held = self._held.partition(b"\r\n")
            count = int(size.split(b";")[0], 16)
            data = self.take(count + 2)
            answer.body += data[:count]
            if len(data) < count + 2:
                return
            if count == 0:
                answer.whole = True
                return

    def finish(self) -> None:
        """Say that no more comes."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def is_closed(self) -> bool:
        """True if the server ends the connection and sends nothing more."""
        try:
            return not self._held and not self.more()
        except TimeoutError:
            return False


def ask(port: int, target: bytes | str, **options: object) -> Answer:
    """One request over a connection of its own."""
    with Line(port) as line:
        return line.ask(target, **options)  # type: ignore[arg-type]
