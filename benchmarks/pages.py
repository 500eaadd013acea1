"""The pages that every contender has: the same HTML, made by one f-string.

Page `n` links to the home page and to pages 2n+1 and 2n+2, so that a crawl which begins at page 0 finds them all.
`peers/page.mjs` says the same in JavaScript.
"""

from __future__ import annotations

import random
from pathlib import Path

__all__ = ["HOME", "page", "prose", "write_prose"]

HOME = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Home</title></head>'
    '<body><a href="/p/0">Page 0</a></body></html>'
)

_FRAME = 260
"""Bytes of a page that are not its prose, about."""

_WORDS = (
    "a about after all and are as at be been but by can day do down each find first for from had has have he her his "
    "how if in into is it its like long look made make many may more my no not now number of on one or other out part "
    "people said see she side so some than that the their them then there these they this time to two up use was "
    "water way we were what when which who will with word would write you your harbour lantern meadow orchard pebble "
    "quarry thimble"
)


def prose(size: int) -> str:
    """About `size` bytes of HTML: words by chance, but always the same ones, in elements with classes.

    Words alone would take gzip more than twice as long as the pages people have, whose markup repeats itself.
    """
    chance, known = random.Random(7), _WORDS.split()
    entries: list[str] = []
    while sum(map(len, entries)) < size - 120:
        title, text = (" ".join(chance.choices(known, k=count)) for count in (4, 20))
        entries.append(
            f'<section class="entry"><h2 class="entry-title">{title}</h2><p class="entry-text">{text}.</p></section>\n'
        )
    return "".join(entries)


def write_prose(file: Path, page_size: int) -> Path:
    """Write the prose of pages of about `page_size` bytes to a file, for contenders in any language."""
    file.write_text(prose(max(page_size - _FRAME, 0)), encoding="ascii")
    return file


def page(number: int, count: int, text: str) -> str:
    """Page `number` of `count`."""
    links = "".join(
        f'<li><a href="/p/{target}">Page {target}</a></li>'
        for target in (2 * number + 1, 2 * number + 2)
        if target < count
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Page {number}</title></head>'
        f'<body><h1 id="top">Page {number}</h1><ul><li><a href="/">Home</a></li>{links}</ul>{text}</body></html>'
    )
