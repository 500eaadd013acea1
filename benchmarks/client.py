"""The load of S2, S4 and S6, in a process of its own: `python -m benchmarks.client PORT PATH REQUESTS`.

Keep-alive connections with blocking sockets, one after the other: read the answer, send the next request. That is as
little work as a client can do, and a server always has requests waiting: what it spends on falling asleep and waking up,
which is a matter of chance and of the machine, stays out of the figure.
It says "ready" with the first answer, waits for a line, sends all requests, says "done", and waits for another line.
"""

from __future__ import annotations

import json
import socket
import sys

__all__ = ["CONNECTIONS"]

CONNECTIONS = 32
TIMEOUT = 20.0

REQUEST = (
    "GET {path} HTTP/1.1\r\n"
    "host: 127.0.0.1:{port}\r\n"
    "connection: keep-alive\r\n"
    "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "accept-language: en-GB,en;q=0.7\r\n"
    "cookie: theme=dark; n=41\r\n"
    "\r\n"
)


LAST_CHUNK = b"\r\n0\r\n\r\n"
"""How an answer without Content-Length ends (RFC 9112 section 7.1); no page of the benchmarks has these bytes in it."""


def _first(connection: socket.socket, request: bytes) -> tuple[bytes, int | None]:
    """Ask once and read one answer, whatever its size. Also: the size, None for one in chunks."""
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head = data.partition(b"\r\n\r\n")[0]
    lines = head.lower().split(b"\r\n")
    if b"transfer-encoding: chunked" in lines:
        while not data.endswith(LAST_CHUNK):
            data += connection.recv(65536)
        return data, None
    lengths = [line for line in lines if line.startswith(b"content-length:")]
    if not lengths:
        raise RuntimeError(f"an answer without Content-Length: {head!r}")
    size = len(head) + 4 + int(lengths[0].partition(b":")[2])
    while len(data) < size:
        data += connection.recv(65536)
    return data, size


def _read(connection: socket.socket, size: int | None) -> None:
    if size is None:
        _read_chunks(connection)
        return
    while size > 0:
        got = len(connection.recv(size))
        if not got:
            raise RuntimeError("the server closed a connection")
        size -= got


def _read_chunks(connection: socket.socket) -> None:
    end = b""
    while end != LAST_CHUNK:
        got = connection.recv(65536)
        if not got:
            raise RuntimeError("the server closed a connection")
        end = (end + got)[-len(LAST_CHUNK) :]


def _load(connections: list[socket.socket], request: bytes, size: int | None, rounds: int) -> None:
    for connection in connections:
        connection.sendall(request)
    for _ in range(rounds - 1):
        for connection in connections:
            _read(connection, size)
            connection.sendall(request)
    for connection in connections:
        _read(connection, size)


def main(port: int, path: str, requests: int) -> None:
    request = REQUEST.format(path=path, port=port).encode()
    connections = [socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) for _ in range(CONNECTIONS)]
    answers = [_first(connection, request) for connection in connections]
    sizes = {size for _, size in answers}
    if len(sizes) != 1:
        raise RuntimeError(f"answers of different sizes: {sizes}")
    _say({"ready": answers[0][0].decode("latin-1")})
    rounds = max(requests // CONNECTIONS, 1)
    _load(connections, request, sizes.pop(), rounds)
    _say({"done": rounds * CONNECTIONS})


def _say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
