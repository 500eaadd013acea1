"""Cuts JavaScript into words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.conformance.javascript.values import unread, whole

__all__ = ["Token", "words"]


@dataclass(frozen=True)
class Token:
    kind: str  # number, text, template, name, sign, end
    value: Any
    newline: bool = False  # it stands behind a line break


SIGN = r"\.\.\.|[=!]==|=>|[=!<>]=|&&|\|\||\?\?|\?\.|\*\*|[{}()\[\];,<>+\-*/%!?:=.|&]"
WORD = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)n?"
    r"|(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    rf"|(?P<template>`)|(?P<sign>{SIGN})",
    re.DOTALL,
)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": ""}


def unescaped(body: str) -> str:
    def one(found: re.Match[str]) -> str:
        code = found[1] or found[2] or found[3]
        return chr(int(code, 16)) if code else ESCAPES.get(found[4], found[4])

    plain = re.sub(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", one, body, flags=re.DOTALL)
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def words(source: str) -> Iterator[Token]:
    at, newline = 0, False
    while at < len(source):
        found = WORD.match(source, at)
        if found is None:
            raise unread(repr(source[at : at + 30]))
        kind, at = str(found.lastgroup), found.end()
        value: Any = found[kind]
        if kind == "space":
            newline = newline or "\n" in value
            continue
        if kind == "template":
            value, at = template(source, at)
        elif kind == "number":
            value = int(value, 16) if value[:2] in {"0x", "0X"} else whole(float(value.replace("_", "")))
        elif kind == "text":
            value = unescaped(value[1:-1])
        yield Token(kind, value, newline)
        newline = False
    yield Token("end", "", newline)


def template(source: str, at: int) -> tuple[list[Any], int]:
    """The parts of a template, texts and lists of words, and where it ends."""
    parts: list[Any] = [""]
    while not source.startswith("`", at):
        if source.startswith("${", at):
            end, depth = at + 2, 1
            while depth and end < len(source):
                depth += {"{": 1, "}": -1}.get(source[end], 0)
                end += 1
            parts += [list(words(source[at + 2 : end - 1])), ""]
            at = end
        elif at < len(source):
            length = 2 if source[at] == "\\" else 1
            parts[-1] += source[at : at + length]
            at += length
        else:
            raise unread("a template without an end")
    return [unescaped(part) if isinstance(part, str) else part for part in parts], at + 1
