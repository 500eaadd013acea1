"""Where two renders of one page differ, what that looks like, and whether a third differs in more than these places.

Pure: bytes in, values out, in linear time but for bounded gaps between words that both pages have once.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

__all__ = ["UNKNOWN", "Span", "Steady", "first_difference", "looks_like"]

CONTEXT = 24
"""Characters shown on either side of a difference."""

SHOWN = 80
"""Characters of a difference that are shown."""

LONGEST_WORD = 200
"""Bytes of a word that belong to a difference in it."""

MANY = 100_000
"""Words that differ beyond which no one looks for what is the same among them."""

GAP = 60
"""Words between two that stand once in both pages, beyond which no one looks for what is the same among them: the search takes
the third power of their number if they are all alike."""


class Span(NamedTuple):
    """The first place where two renders differ.

    line: 1-based, of the first render. before, after: what both have around it. was, now: what each has there.
    """

    line: int
    before: str
    was: str
    now: str
    after: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.before}[{_cut(self.was)} | {_cut(self.now)}]{self.after}"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."


_WORD = re.compile(rb"[^\s<>\"'&;=,()\[\]{}]+|[\s<>\"'&;=,()\[\]{}]")
_END_OF_WORD = re.compile(rb"[\s<>\"'&;=,()\[\]{}]")


def first_difference(first: bytes, second: bytes) -> Span | None:
    """The first difference of two renders, widened to whole words; None if they are equal."""
    if first == second:
        return None
    start, end = _edges(first, second)
    was, now = first[start : len(first) - end], second[start : len(second) - end]
    if len(was) > 10 * SHOWN or len(now) > 10 * SHOWN or b"\n" in was.strip():
        was, now = _first_hunk(was, now)
    rest = first[start + len(was) :]
    before = first[max(start - CONTEXT, 0) : start].rpartition(b"\n")[2]
    after = rest[:CONTEXT].partition(b"\n")[0]
    return Span(first.count(b"\n", 0, start) + 1, _shown(before), _shown(was), _shown(now), _shown(after))


def _edges(first: bytes, second: bytes) -> tuple[int, int]:
    """How many bytes at the start and at the end both have, without a piece of a word that differs."""
    start = _common(first, second)
    least = max(start - LONGEST_WORD, 0)
    while start > least and not _END_OF_WORD.match(first, start - 1):
        start -= 1
    end = min(_common(first[::-1], second[::-1]), min(len(first), len(second)) - start)
    least = max(end - LONGEST_WORD, 0)
    while end > least and not _END_OF_WORD.match(first, len(first) - end):
        end -= 1
    if start and first[start - 1 : start] == b"<":  # whole tags
        start -= 1
        end -= end > 0 and first[len(first) - end :].startswith(b">")
    return start, end


def _common(first: bytes, second: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _first_hunk(was: bytes, now: bytes) -> tuple[bytes, bytes]:
    """Of two long texts that begin differently: up to where they are the same again."""
    left, right = _words(was), _words(now)
    if len(left) > MANY or len(right) > MANY:
        return was, now
    a = c = 0
    for x, y, size in _alike(left, right):
        if x > a or y > c:
            return b"".join(left[a:x]), b"".join(right[c:y])
        a, c = x + size, y + size
    return b"".join(left[a:]), b"".join(right[c:])


def _words(text: bytes) -> list[bytes]:
    return _WORD.findall(text)


def _alike(left: Sequence[bytes], right: Sequence[bytes]) -> Iterator[tuple[int, int, int]]:
    """What both have, in order: (where in left, where in right, how many words)."""
    if len(left) == len(right):  # one template, with other values: word by word
        same = [word == other for word, other in zip(left, right, strict=True)]
        if 2 * sum(same) >= len(same):
            yield from ((at, at, 1) for at, equal in enumerate(same) if equal)
            return
    a = c = 0
    for x, y in [*_anchors(left, right), (len(left), len(right))]:
        if x < a or y < c:
            continue  # the last one reached over it
        back = ahead = 0
        while x - back > a and y - back > c and left[x - back - 1] == right[y - back - 1]:
            back += 1
        while x + ahead < len(left) and y + ahead < len(right) and left[x + ahead] == right[y + ahead]:
            ahead += 1
        gap, other = left[a : x - back], right[c : y - back]
        if len(gap) <= GAP and len(other) <= GAP:
            blocks = SequenceMatcher(None, gap, other, autojunk=False).get_matching_blocks()
            yield from ((a + i, c + j, size) for i, j, size in blocks if size)
        if back + ahead:
            yield x - back, y - back, back + ahead
        a, c = x + ahead, y + ahead


def _anchors(left: Sequence[bytes], right: Sequence[bytes]) -> list[tuple[int, int]]:
    """The words that each has once, as many as stand in one order in both (patience sorting)."""
    once, too = ({word for word, count in Counter(words).items() if count == 1} for words in (left, right))
    where = {word: at for at, word in enumerate(right) if word in too}
    pairs = [(at, where[word]) for at, word in enumerate(left) if word in once and word in where]
    ends: list[int] = []  # the least end of a row of each length
    last: list[int] = []  # the pair at that end
    before: list[int] = []
    for at, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(last[length - 1] if length else -1)
        if length == len(ends):
            ends.append(place)
            last.append(at)
        else:
            ends[length], last[length] = place, at
    found: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        found.append(pairs[at])
        at = before[at]
    return found[::-1]


def _shown(text: bytes) -> str:
    shown = text.decode("utf-8", "replace")
    return " ".join(shown.split()) if "\n" in shown else shown


def _runs(left: Sequence[bytes], right: Sequence[bytes]) -> Iterator[bytes]:
    """What both have, in order, as far as it stands together in both."""
    run: list[bytes] = []
    a = c = 0
    for x, y, size in _alike(left, right):
        if (x, y) != (a, c):
            yield b"".join(run)
            run = []
        run += left[x : x + size]
        a, c = x + size, y + size
    yield b"".join(run)


class Steady:
    """What two renders of one page, made alike, have in common: the page without what changes by itself."""

    def __init__(self, first: bytes, second: bytes) -> None:
        start, end = _edges(first, second)
        self._start = first[:start]
        self._end = first[len(first) - end :] if end else b""
        self._parts: list[bytes] = []
        left = _words(first[start : len(first) - end])
        right = _words(second[start : len(second) - end])
        if len(left) <= MANY and len(right) <= MANY:
            self._parts = [part for part in _runs(left, right) if len(part) > 2]  # two characters may stand anywhere

    def explains(self, other: bytes) -> bool:
        """True if `other` has all that is steady, in its order, and differs only where the two differed."""
        if len(other) < len(self._start) + len(self._end):
            return False
        if not (other.startswith(self._start) and other.endswith(self._end)):
            return False
        at, last = len(self._start), len(other) - len(self._end)
        for part in self._parts:
            found = other.find(part, at, last)
            if found < 0:
                return False
            at = found + len(part)
        return True


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(
    r"(?<!\d)(?:\d{4}-\d\d-\d\d|[0-2]?\d:[0-5]\d(?::[0-5]\d)?|1[5-9]\d{8}(?:\d{3}(?:\d{3}(?:\d{3})?)?)?(?:\.\d+)?)(?!\d)"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? \d"
)
_NUMBER = re.compile(r"-?\d{1,18}")
_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{16,}")
_MEMORY = re.compile(r"0x[0-9a-f]{6,}")

UNKNOWN = "something else than the request: state, time, chance or the order of a set"
"""What `looks_like` says of a difference that looks like nothing it knows."""


def looks_like(span: Span) -> str:
    """What a page that differs by itself shows, as far as the difference tells: "a time", "a counter", ..."""
    was, now = span.was.strip(), span.now.strip()
    if len(was) > 10 * SHOWN or len(now) > 10 * SHOWN:
        return UNKNOWN  # in so much text there is something that looks like anything
    for pattern, name in ((_UUID, "a UUID"), (_MEMORY, "an object's address in memory"), (_TIME, "a time")):
        if pattern.search(was) and pattern.search(now):
            return name
    if _same_words(was, now):
        return "the order of a set"
    if _NUMBER.fullmatch(was) and _NUMBER.fullmatch(now):
        return "a counter" if 0 < int(now) - int(was) <= 1000 else "a random number"
    if _TOKEN.search(was) and _TOKEN.search(now):
        return "a random token"
    return UNKNOWN


_ANY_WORD = re.compile(r"\w+")


def _same_words(was: str, now: str) -> bool:
    left, right = _ANY_WORD.findall(was), _ANY_WORD.findall(now)
    return len(left) > 1 and left != right and sorted(left) == sorted(right)
