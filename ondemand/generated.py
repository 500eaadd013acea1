"""The Python that Mako generates: with the lines of the template, with our filters, and with fewer writes."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from typing import Any, cast

__all__ = ["Lines"]


class Lines:
    """The Python that Mako made, with the lines of the template."""

    def __init__(self, source: str, inherits: int) -> None:
        """inherits: the line of the `<%inherit>`, or 1."""
        from mako.template import ModuleInfo  # pyright: ignore[reportMissingTypeStubs]

        self._source = source
        self._inherits = inherits
        info: Any = cast("Any", ModuleInfo).get_module_source_metadata(source, full_line_map=True)
        self._map: list[int] = info["full_line_map"]

    def _line(self, number: int) -> int:
        return max(1, self._map[min(number, len(self._map)) - 1]) if self._map else 1

    def at(self, error: SyntaxError) -> int | None:
        """Where in the template a syntax error in the Python is."""
        return self._line(error.lineno) if error.lineno and error.filename == _GENERATED else error.lineno

    def remapped(self) -> ast.Module:
        """Raises `SyntaxError`."""
        tree = ast.parse(self._source, _GENERATED)
        tree.body = [one for one in tree.body if not _is_metadata(one)]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "mako":  # `filters` are ours
                node.names = [alias for alias in node.names if alias.name != "filters"]
            elif isinstance(node, ast.Expr) and node.end_lineno is not None and node.end_lineno > node.lineno:
                for number in range(node.lineno + 1, min(node.end_lineno, len(self._map)) + 1):
                    self._map[number - 1] = self._line(node.lineno) + number - node.lineno
        _join_writes(tree)
        for function in [one for one in tree.body if isinstance(one, ast.FunctionDef)]:
            undefined = dict(self._undefined(function))
            for node in ast.walk(function):
                if isinstance(node, ast.stmt | ast.expr | ast.excepthandler):
                    line = undefined.get(node)
                    if line is None:
                        line = self._inherits if function.name == "_mako_inherit" else self._line(node.lineno)
                    _place(node, line)
        for node in ast.walk(tree):
            if hasattr(node, "lineno") and getattr(node, "col_offset", -1) >= 0:
                _place(cast("ast.stmt", node), self._line(cast("ast.stmt", node).lineno))
        return tree

    def _undefined(self, function: ast.FunctionDef) -> Iterator[tuple[ast.AST, int]]:
        """What says at the top of a function that a name is not there, with the line where the name is used."""
        used: dict[str, int] = {}
        asked: set[ast.AST] = set()
        raised: list[tuple[ast.Raise, str]] = []
        for node in ast.walk(function):
            if isinstance(node, ast.Compare) and ast.unparse(node).endswith(" is UNDEFINED"):
                asked.add(node.left)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node not in asked:
                used[node.id] = min(used.get(node.id, sys.maxsize), self._line(node.lineno))
            elif isinstance(node, ast.Raise) and (found := _NOT_DEFINED.fullmatch(ast.unparse(node))) is not None:
                node.cause = ast.copy_location(ast.Constant(None), node)
                raised.append((node, found[1]))
        for node, name in raised:
            for one in ast.walk(node):
                yield one, used.get(name, self._line(node.lineno))


def _join_writes(tree: ast.Module) -> None:
    """Write what stands side by side at once: texts, and values that are only looked up."""
    for node in [*ast.walk(tree)]:
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                setattr(node, field, [*_joined(cast("list[ast.stmt]", block))])


def _joined(block: list[ast.stmt]) -> Iterator[ast.stmt]:
    run: list[ast.expr] = []
    last: ast.stmt | None = None
    for statement in block:
        value = _written(statement)
        if value is not None and (last is None or _is_looked_up(value)):
            run.append(value)
            last = last or statement
            continue
        if last is not None:
            yield _write(run, last)
            run, last = [], None
        if value is not None:
            run, last = [value], statement
        else:
            yield statement
    if last is not None:
        yield _write(run, last)


def _written(statement: ast.stmt) -> ast.expr | None:
    """What a statement writes, where it is a text or an escaped expression."""
    match statement:
        case ast.Expr(ast.Call(ast.Name("__M_writer"), [value], [])):
            pass
        case _:
            return None
    match value:
        case ast.Constant(str()):
            return value
        case ast.Call(ast.Attribute(ast.Name("filters"), "html_escape") as escape, [_], []):
            escape.attr = "text_of"
            return value
        case _:
            return None


def _is_looked_up(value: ast.expr) -> bool:
    """True for a text and for what neither calls nor computes, and so neither writes nor waits."""
    if isinstance(value, ast.Call):
        return all(isinstance(node, _LOOKED_UP) for node in ast.walk(value.args[0]))
    return True


_LOOKED_UP = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.expr_context)


def _write(run: list[ast.expr], at: ast.stmt) -> ast.stmt:
    """One statement in the place of several."""
    if len(run) == 1:
        value = run[0]
    else:
        parts: list[ast.expr] = [
            one if isinstance(one, ast.Constant) else ast.copy_location(ast.FormattedValue(one, -1, None), one)
            for one in run
        ]
        value = ast.copy_location(ast.JoinedStr(parts), run[0])
    writer = ast.copy_location(ast.Name("__M_writer", ast.Load()), at)
    return ast.copy_location(ast.Expr(ast.copy_location(ast.Call(writer, [value], []), at)), at)


_GENERATED = "<generated>"
_NOT_DEFINED = re.compile(r"""raise NameError\("'(\w+)' is not defined"\)""")


def _is_metadata(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and "__M_BEGIN" in str(node.value.value)


def _place(node: Any, line: int) -> None:
    """Set the line; without columns, for those of the generated code point nowhere."""
    node.lineno = node.end_lineno = line
    node.col_offset = node.end_col_offset = -1
