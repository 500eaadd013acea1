"""The parts that streamed pages are made of, for ours and for peers alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

__all__ = [
    "COUNT",
    "HEAD",
    "LAST",
    "WAIT",
    "at_once",
    "joined",
    "last_part",
    "never",
    "part",
    "slow",
    "turn",
    "waiting",
]

COUNT = 50
"""Parts of a stream."""

HEAD = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Parts</title></head><body>\n'
LAST = "<footer>The last part</footer>"
WAIT = 0.3
"""Seconds that the last part of a late page takes."""


def part(number: int) -> str:
    """One part of a stream, about 200 bytes."""
    return f'<section class="entry" id="part-{number:02}"><h2>Part {number:02}</h2><p>{"lantern orchard " * 8}</p></section>\n'


async def turn() -> None:
    """Wait for the event loop, as one waits for a database that has answered: for a future that it resolves."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, None)
    await future


async def at_once() -> None:
    """Nothing is waited for."""


async def waiting() -> AsyncIterator[str]:
    """Every part is waited for."""
    for number in range(COUNT):
        await turn()
        yield part(number)


async def joined() -> AsyncIterator[str]:
    """No part is waited for."""
    for number in range(COUNT):
        await at_once()
        yield part(number)


async def last_part() -> str:
    """The last part of a late page."""
    await asyncio.sleep(WAIT)
    return LAST


async def never() -> None:
    """Wait until the visitor leaves."""
    await asyncio.get_running_loop().create_future()


async def slow() -> AsyncIterator[str]:
    """One part, and the next never comes."""
    yield part(0)
    await never()
    yield part(1)
