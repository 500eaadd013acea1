"""Many visitors at once over connections that stay open: every answer is looked at while generations change."""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
from collections import Counter
from collections.abc import Mapping

from ondemand.snapshots.store import etag_of

ACCEPTS = [None, "gzip", "br", "gzip, br"]


class Load:
    """`count` requests of `visitors` connections. bodies: path -> ETag -> (word, the bytes that it stands for).

    faults: what was wrong. said: how many bodies said each word. latest: worker -> the word it said last.
    """

    def __init__(
        self, port: int, bodies: Mapping[str, Mapping[str, tuple[str, bytes]]], *, seed: int, visitors: int = 8
    ) -> None:
        self._port = port
        self._bodies = bodies
        self._seed = seed
        self._visitors = visitors
        self.done = 0
        self.faults: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.said: Counter[str] = Counter()
        self.latest: dict[str, str] = {}

    async def run(self, count: int) -> None:
        """Ask until so many answers have come."""
        await asyncio.gather(*(self._visit(number, count) for number in range(self._visitors)))

    async def _visit(self, number: int, count: int) -> None:
        dice = random.Random(f"{self._seed}:{number}")
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        tag = ""
        while self.done < count:
            self.done += 1
            path = dice.choice(list(self._bodies))
            method = "HEAD" if dice.random() < 0.05 else "GET"
            lines = [f"{method} {path} HTTP/1.1", "host: shop.example"]
            if accept := dice.choice(ACCEPTS):
                lines.append(f"accept-encoding: {accept}")
            if tag and dice.random() < 0.2:
                lines.append(f"if-none-match: {tag}")
            elif dice.random() < 0.05:
                lines.append("range: bytes=100-")
            writer.write("\r\n".join([*lines, "", ""]).encode())
            if (acknowledge := getattr(socket, "TCP_QUICKACK", None)) is not None:
                # uvicorn's workers send the head, then wait up to 40 ms for its acknowledgement (RFC 896) before the body
                writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, acknowledge, 1)
            try:
                tag = await self._judge(reader, method, path)
            except Exception as error:
                self.faults.append(f"{lines}: {error!r}")
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.close()

    async def _judge(self, reader: asyncio.StreamReader, method: str, path: str) -> str:
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        length = int(headers.get("content-length", "0"))
        body = b"" if method == "HEAD" or status == 304 else await asyncio.wait_for(reader.readexactly(length), 10)
        tag = headers["etag"]
        word, whole = self._bodies[path][tag]
        self.statuses[status] += 1
        if status == 200:
            assert length == len(whole), "its length is not that of its ETag"
            assert method == "HEAD" or (body == whole and etag_of(body) == tag), "its body is not that of its ETag"
            if headers.get("content-encoding") == "gzip" and body:
                assert word.encode() in gzip.decompress(body)
        elif status == 206:
            assert body == whole[100:], "its part is not of its ETag"
            assert headers["content-range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
        else:
            assert status == 304, f"it answers {status}"
        self.said[word] += 1
        self.latest[headers["x-worker"]] = word
        return tag
