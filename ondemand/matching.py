"""Index: which of many patterns may cover a path, at a cost that does not grow with their number.

Pure: no files, no clocks. A tree of path segments: literal names are looked up, names with parameters in them by what stands
before and behind the parameters. What comes out are candidates; each pattern's own expression has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ondemand.routing import Pattern, RegexPattern

__all__ = ["Index"]

_PARAM = re.compile(r"\{[^\W\d]\w*(?::([^\W\d]\w*))?\}|(\*\*)|(\*)")
_ONE_SEGMENT = frozenset(["str", "int", "float", "uuid"])


class _Node:
    """What may come behind some segments."""

    __slots__ = ("anything", "ends", "literal", "param", "partly")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.partly: dict[tuple[int, int], dict[tuple[str, str], _Node]] = {}
        """(length of prefix, of suffix) -> (prefix, suffix) -> what follows such a segment."""
        self.param: _Node | None = None
        self.ends: list[int] = []
        """Patterns that end here."""
        self.anything: list[int] = []
        """Patterns that go on with a parameter that may hold slashes."""


class Index:
    """The positions of patterns in a list, by the paths that they may cover.

    >>> Index([Pattern("/a/{x}"), Pattern("/b"), Pattern("/{rest:path}")]).candidates("/a/1")
    [0, 2]
    """

    __slots__ = ("_root",)

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._root = _Node()
        for position, pattern in enumerate(patterns):
            if isinstance(pattern, RegexPattern):
                self._root.anything.append(position)
            else:
                self._add(position, pattern.text)

    def _add(self, position: int, text: str) -> None:
        node, above = self._root, None
        for segment in text.rstrip("/").split("/")[1:]:
            above = None
            tokens = list(_PARAM.finditer(segment))
            if not tokens:
                node = node.literal.setdefault(segment, _Node())
            elif any(token[2] or (token[1] or "str") not in _ONE_SEGMENT for token in tokens if not token[3]):
                node.anything.append(position)
                return
            elif len(tokens) == 1 and tokens[0].group() == segment:
                node.param = node.param or _Node()
                above, node = node, node.param
            else:
                prefix, suffix = segment[: tokens[0].start()], segment[tokens[-1].end() :]
                shape = node.partly.setdefault((len(prefix), len(suffix)), {})
                node = shape.setdefault((prefix, suffix), _Node())
        node.ends.append(position)
        if above is not None:
            above.ends.append(position)  # FastHTML: a parameter may be empty

    def candidates(self, path: str) -> list[int]:
        """The positions of the patterns that may cover `path` (decoded), in ascending order; never one too few."""
        found: list[int] = []
        level = [self._root]
        found += self._root.anything
        for segment in path.rstrip("/").split("/")[1:]:
            below: list[_Node] = []
            for node in level:
                if (literal := node.literal.get(segment)) is not None:
                    below.append(literal)
                if node.param is not None:
                    below.append(node.param)
                for (front, back), shape in node.partly.items():
                    end = len(segment) - back
                    if front <= end and (partly := shape.get((segment[:front], segment[end:]))) is not None:
                        below.append(partly)
            if not below:
                break
            for node in below:
                found += node.anything
            level = below
        else:
            for node in level:
                found += node.ends
        found.sort()
        return found
