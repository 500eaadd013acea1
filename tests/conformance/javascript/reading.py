"""Reads JavaScript into closures, each of which takes a `Scope` and gives a value.

Declarations, functions of every kind, return, yield, throw, if, `for ... of` and expressions, of whose assignments only those
to members are read. TypeScript's types are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.conformance.javascript.library import GLOBALS, assign, member
from tests.conformance.javascript.values import (
    UNDEFINED,
    Function,
    Generated,
    Global,
    Thrown,
    alike,
    awaited,
    equal,
    failure,
    is_nothing,
    items,
    kind_of,
    number,
    settled,
    text,
    truthy,
    unread,
    whole,
)
from tests.conformance.javascript.words import Token, words

__all__ = ["Code", "Module", "Scope", "expression", "run"]


class Scope:
    """Names and values, inside of others. yielded: where the `yield` of the function around it puts its values."""

    def __init__(self, outer: Scope | None = None, yielded: list[Any] | None = None) -> None:
        self.names: dict[str, Any] = {}
        self.outer = outer
        self.yielded = yielded if yielded is not None or outer is None else outer.yielded

    def get(self, name: str) -> Any:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        raise failure("ReferenceError", f"{name} is not defined")


Code = Callable[[Scope], Any]
Bind = Callable[[Scope, Any], None]
Values = Callable[[Scope], list[Any]]


class _Return(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


# --- sentences --------------------------------------------------------------------------------------------------------


def plus(one: Any, two: Any) -> Any:
    as_text = any(isinstance(value, str | list | dict) for value in (one, two))
    return text(one) + text(two) if as_text else number(one) + number(two)


BINARY: list[dict[str, Callable[[Any, Any], Any]]] = [
    {
        "===": equal,
        "!==": lambda a, b: not equal(a, b),
        "==": alike,
        "!=": lambda a, b: not alike(a, b),
    },
    {"<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b},
    {"+": plus, "-": lambda a, b: number(a) - number(b)},
    {
        "*": lambda a, b: number(a) * number(b),
        "/": lambda a, b: whole(number(a) / number(b)) if number(b) else math.inf,
        "%": lambda a, b: whole(math.fmod(number(a), number(b))) if number(b) else math.nan,
    },
    {"**": lambda a, b: number(a) ** number(b)},
]
"""The signs between two values, those that bind least first."""

UNARY: dict[str, Callable[[Any], Any]] = {
    "!": lambda value: not truthy(value),
    "-": lambda value: -number(value),
    "+": number,
    "await": awaited,
    "void": lambda value: UNDEFINED,
    "typeof": kind_of,
}
CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}


class Parser:
    """Reads words into code."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def ahead(self, count: int = 1) -> Token:
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def next(self) -> Token:
        token = self.token
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def sees(self, *values: str) -> bool:
        return self.token.kind in {"sign", "name"} and self.token.value in values

    def takes(self, *values: str) -> bool:
        found = self.sees(*values)
        self.at += found
        return found

    def needs(self, value: str) -> None:
        if not self.takes(value):
            raise unread(f"{self.token.value!r} where {value!r} was expected")

    def name(self) -> str:
        token = self.next()
        if token.kind != "name":
            raise unread(f"{token.value!r} where a name was expected")
        return token.value

    def listed(self, until: str, one: Callable[[], Any]) -> list[Any]:
        """What stands between commas, up to a closing sign."""
        found: list[Any] = []
        while not self.takes(until):
            found.append(one())
            if not self.sees(until):
                self.needs(",")
        return found

    # --- statements

    def module(self) -> Iterator[tuple[str, bool, Code]]:
        """The statements of a file: the name that each declares ("" for none), whether it is exported there, and its code.
        An `export { ... }` is given as the names in it, each with code that does nothing."""
        while self.token.kind != "end":
            exported = self.takes("export")
            if exported and self.takes("{"):
                for name in self.listed("}", self.name):
                    yield name, True, lambda scope: None
                self.end()
                continue
            first = [self.ahead(count) for count in range(4)]
            while first[0].value in {"async", "function", "*", "const", "let", "var"} and len(first) > 1:
                first.pop(0)
            declares = len(first) < 4 and first[0].kind == "name"
            yield first[0].value if declares else "", exported, self.statement()

    def program(self, until: str = "") -> list[Code]:
        found: list[Code] = []
        while self.token.kind != "end" and not (until and self.sees(until)):
            found.append(self.statement())
        return found

    def statement(self) -> Code:
        while self.takes("export", "default"):
            pass
        if self.takes(";"):
            return lambda scope: None
        if self.sees("function") or (self.sees("async") and self.ahead().value == "function"):
            return self.declared_function()
        kinds = {"const": self.declaration, "let": self.declaration, "var": self.declaration, "return": self.returned}
        kinds |= {"throw": self.thrown, "if": self.condition, "for": self.loop, "{": self.block}
        for word, read in kinds.items():
            if self.takes(word):
                return read()
        value = self.expression()
        self.end()
        return value

    def end(self) -> None:
        if not self.takes(";") and not (self.sees("}") or self.token.kind == "end" or self.token.newline):
            raise unread(f"{self.token.value!r} where a statement should end")

    def block(self) -> Code:
        body = self.program("}")
        self.needs("}")

        def run_block(scope: Scope) -> None:
            inner = Scope(scope)
            for one in body:
                one(inner)

        return run_block

    def declared_function(self) -> Code:
        is_async = self.takes("async")
        self.needs("function")
        is_generator = self.takes("*")
        name = self.name()
        made = self.function(is_async, is_generator)
        return lambda scope: scope.names.__setitem__(name, made(scope))

    def declaration(self) -> Code:
        target = self.pattern()
        if self.takes(":"):
            self.type()
        value: Code = self.expression() if self.takes("=") else lambda scope: UNDEFINED
        self.end()
        return lambda scope: target(scope, value(scope))

    def type(self) -> None:
        """Passes over a type: names, their members and arguments, arrays, and several with `|` or `&` between them."""
        while True:
            self.next()
            while self.takes("."):
                self.name()
            if self.takes("<"):
                self.type()
                while self.takes(","):
                    self.type()
                self.needs(">")
            while self.takes("["):
                self.needs("]")
            if not self.takes("|", "&"):
                return

    def returned(self) -> Code:
        bare = self.sees(";", "}") or self.token.newline or self.token.kind == "end"
        value: Code = (lambda scope: UNDEFINED) if bare else self.expression()
        self.end()

        def give(scope: Scope) -> None:
            raise _Return(value(scope))

        return give

    def thrown(self) -> Code:
        value = self.expression()
        self.end()

        def throw(scope: Scope) -> None:
            raise Thrown(value(scope))

        return throw

    def condition(self) -> Code:
        self.needs("(")
        test = self.expression()
        self.needs(")")
        yes = self.statement()
        no: Code = self.statement() if self.takes("else") else lambda scope: None
        return lambda scope: yes(scope) if truthy(test(scope)) else no(scope)

    def loop(self) -> Code:
        self.takes("await")
        self.needs("(")
        if not self.takes("const", "let", "var"):
            raise unread("a loop that is no `for (const ... of ...)`")
        target = self.pattern()
        self.needs("of")
        values = self.expression()
        self.needs(")")
        body = self.statement()

        def visit(scope: Scope) -> None:
            for one in items(values(scope)):
                inner = Scope(scope)
                target(inner, awaited(one))
                body(inner)

        return visit

    # --- what values are put into

    def pattern(self) -> Bind:
        if self.takes("["):
            return _list_pattern(self.listed("]", self.part))
        if self.takes("{"):
            return _object_pattern(self.listed("}", self.named_part))
        name = self.name()
        return lambda scope, value: scope.names.__setitem__(name, value)

    def part(self) -> tuple[Bind, bool]:
        """A target with its default, and whether it takes the rest."""
        rest = self.takes("...")
        target = self.pattern()
        if self.takes(":"):
            self.type()
        if not self.takes("="):
            return target, rest
        default = self.expression()
        return (lambda scope, value: target(scope, default(scope) if value is UNDEFINED else value)), rest

    def named_part(self) -> tuple[str, Bind, bool]:
        start, name = self.at, str(self.next().value)
        if not self.takes(":"):
            self.at = start  # `{ name }` and `{ name = 1 }`: the target is the name
        target, rest = self.part()
        return name, target, rest

    # --- functions

    def function(self, is_async: bool, is_generator: bool = False) -> Code:
        self.needs("(")
        parameters = self.listed(")", self.part)
        if self.takes(":"):
            self.type()
        return _closure(parameters, self.body(), is_async, is_generator)

    def body(self) -> Code:
        self.needs("{")
        run_block = self.block()

        def run_body(scope: Scope) -> Any:
            try:
                run_block(scope)
            except _Return as given:
                return given.value
            return UNDEFINED

        return run_body

    def arrow(self) -> Code | None:
        """An arrow function, or None, with nothing read, for anything else."""
        start = self.at
        is_async = self.sees("async") and (self.ahead().kind == "name" or self.ahead().value == "(")
        self.at += is_async
        if self.token.kind == "name" and self.ahead().value == "=>":
            parameters = [self.part()]
        elif self.sees("(") and self.arrow_follows():
            self.needs("(")
            parameters = self.listed(")", self.part)
        else:
            self.at = start
            return None
        self.needs("=>")
        return _closure(parameters, self.body() if self.sees("{") else self.expression(), is_async, False)

    def arrow_follows(self) -> bool:
        """True if `=>` stands behind the bracket that closes the one here."""
        depth = 0
        for at, token in enumerate(self.tokens[self.at :], self.at + 1):
            if token.kind == "sign":
                depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.value, 0)
            if depth == 0:
                return self.tokens[at].kind == "sign" and self.tokens[at].value == "=>"
        return False

    # --- expressions

    def expression(self) -> Code:
        if (arrow := self.arrow()) is not None:
            return arrow
        if self.takes("yield"):
            return self.yielded()
        test = self.either()
        while not self.token.newline and self.takes("as", "satisfies"):
            self.type()
        if not self.takes("?"):
            return test
        yes = self.expression()
        self.needs(":")
        no = self.expression()
        return lambda scope: yes(scope) if truthy(test(scope)) else no(scope)

    def yielded(self) -> Code:
        every = self.takes("*")
        value = self.expression()

        def give(scope: Scope) -> Any:
            if scope.yielded is not None:
                scope.yielded.extend(items(value(scope)) if every else [awaited(value(scope))])
            return UNDEFINED

        return give

    def either(self) -> Code:
        left = self.both()
        while self.sees("||", "??"):
            enough = truthy if self.next().value == "||" else lambda value: not is_nothing(value)
            left = _first(left, self.both(), enough)
        return left

    def both(self) -> Code:
        left = self.binary(0)
        while self.takes("&&"):
            left = _first(left, self.binary(0), lambda value: not truthy(value))
        return left

    def binary(self, level: int) -> Code:
        if level == len(BINARY):
            return self.unary()
        left = self.binary(level + 1)
        while self.sees(*BINARY[level]):
            left = _combined(BINARY[level][self.next().value], left, self.binary(level + 1))
        return left

    def unary(self) -> Code:
        for sign, work in UNARY.items():
            if self.takes(sign):
                return _applied(work, self.unary())
        return self.called(self.primary())

    def called(self, value: Code) -> Code:
        """Members and calls behind a value."""
        while True:
            owner = name = None
            optional = self.takes("?.")
            if self.takes("("):
                value = _call(value, self.values(")"), optional)
            elif self.takes("["):
                owner, name = value, self.expression()
                self.needs("]")
                value = _member(owner, name, optional)
            elif optional or self.takes("."):
                owner, name = value, _constant(self.name())
                value = _member(owner, name, optional)
            else:
                return value
            if owner is not None and self.takes("="):
                return _assignment(owner, name, self.expression())

    def values(self, until: str) -> Values:
        """Values between commas, with `...` in front of what is put in one by one."""
        parts = self.listed(until, lambda: (self.takes("..."), self.expression()))

        def collect(scope: Scope) -> list[Any]:
            found: list[Any] = []
            for spread, value in parts:
                found += items(value(scope)) if spread else [value(scope)]
            return found

        return collect

    def primary(self) -> Code:
        token = self.next()
        if token.kind in {"number", "text"}:
            return _constant(token.value)
        if token.kind == "template":
            return self.template(token.value)
        if token.kind == "name":
            return self.named(token.value)
        if token.value == "(":
            value = self.expression()
            self.needs(")")
            return value
        if token.value == "[":
            return self.values("]")
        if token.value == "{":
            return _object(self.listed("}", self.property))
        raise unread(repr(token.value))

    def named(self, name: str) -> Code:
        if name in CONSTANTS:
            return _constant(CONSTANTS[name])
        if name == "function" or (name == "async" and self.takes("function")):
            is_generator = self.takes("*")
            if self.token.kind == "name":
                self.next()
            return self.function(name == "async", is_generator)
        if name == "new":
            return _new(self.name(), self.values(")") if self.takes("(") else lambda scope: [])
        return lambda scope: scope.get(name)

    def template(self, parts: list[Any]) -> Code:
        pieces = [_constant(part) if isinstance(part, str) else Parser(part).whole() for part in parts]
        return lambda scope: "".join(text(piece(scope)) for piece in pieces)

    def whole(self) -> Code:
        value = self.expression()
        if self.token.kind != "end":
            raise unread(repr(self.token.value))
        return value

    def property(self) -> tuple[Code | None, Code]:
        """A key and its value; without a key, an object whose own are put in."""
        if self.takes("..."):
            return None, self.expression()
        if self.takes("["):
            key = self.expression()
            self.needs("]")
        else:
            name = self.next().value
            key = _constant(name)
            if self.sees(",", "}"):
                return key, lambda scope: scope.get(name)
        if self.sees("("):
            return key, self.function(is_async=False)
        self.needs(":")
        return key, self.expression()


def _list_pattern(parts: list[tuple[Bind, bool]]) -> Bind:
    def bind(scope: Scope, value: Any) -> None:
        values = items(value)
        for at, (target, rest) in enumerate(parts):
            target(scope, values[at:] if rest else values[at] if at < len(values) else UNDEFINED)

    return bind


def _object_pattern(parts: list[tuple[str, Bind, bool]]) -> Bind:
    def bind(scope: Scope, value: Any) -> None:
        named = {name for name, _, rest in parts if not rest}
        for name, target, rest in parts:
            left = {key: one for key, one in value.items() if key not in named} if rest else None
            target(scope, left if rest else member(value, name))

    return bind


def _closure(parameters: list[tuple[Bind, bool]], body: Code, is_async: bool, is_generator: bool) -> Code:
    def made(scope: Scope) -> Function:
        def run_it(arguments: tuple[Any, ...]) -> Any:
            inner = Scope(scope, [] if is_generator else None)
            _list_pattern(parameters)(inner, list(arguments))
            value = body(inner)
            return Generated(inner.yielded or [], is_async) if is_generator else value

        def call(*arguments: Any) -> Any:
            waits = is_async and not is_generator
            return settled(lambda: run_it(arguments)) if waits else run_it(arguments)

        return Function(call, is_async, is_generator)

    return made


def _object(parts: list[tuple[Code | None, Code]]) -> Code:
    def make(scope: Scope) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in parts:
            given = value(scope)
            if key is not None:
                made[text(key(scope))] = given
            elif isinstance(given, dict):
                made |= given
        return made

    return make


def _new(name: str, arguments: Values) -> Code:
    def make(scope: Scope) -> Any:
        found = scope.get(name)
        if not isinstance(found, Global) or found.made is None:
            raise unread(f"new {name}")
        return found.made(*arguments(scope))

    return make


def _constant(value: Any) -> Code:
    return lambda scope: value


def _first(one: Code, two: Code, enough: Callable[[Any], bool]) -> Code:
    def choose(scope: Scope) -> Any:
        value = one(scope)
        return value if enough(value) else two(scope)

    return choose


def _combined(work: Callable[[Any, Any], Any], one: Code, two: Code) -> Code:
    return lambda scope: work(one(scope), two(scope))


def _applied(work: Callable[[Any], Any], value: Code) -> Code:
    return lambda scope: work(value(scope))


def _member(owner: Code, name: Code, optional: bool) -> Code:
    def read(scope: Scope) -> Any:
        value = owner(scope)
        return UNDEFINED if optional and is_nothing(value) else member(value, name(scope))

    return read


def _assignment(owner: Code, name: Code, value: Code) -> Code:
    def put(scope: Scope) -> Any:
        given = value(scope)
        assign(owner(scope), name(scope), given)
        return given

    return put


def _call(function: Code, arguments: Values, optional: bool) -> Code:
    def call(scope: Scope) -> Any:
        found = function(scope)
        if optional and is_nothing(found):
            return UNDEFINED
        if not isinstance(found, Function | Global):
            raise failure("TypeError", f"{text(found)} is not a function")
        return found(*arguments(scope))

    return call


class Module:
    """A file: what it exports, which runs once, and the rest, which runs as often as it is asked for.

    names: more global names. Raises `Unreadable` when it is made, and `Thrown` of what is exported.
    """

    def __init__(self, source: str, names: Mapping[str, Any]) -> None:
        try:
            statements = list(Parser(list(words(source))).module())
        except RecursionError as error:
            raise unread("RecursionError") from error
        exported = {name for name, here, _ in statements if here}
        self._rest = [code for name, _, code in statements if name not in exported]
        world = Scope()
        world.names = {**GLOBALS, **names}
        self._scope = Scope(world)
        for name, _, code in statements:
            if name in exported:
                code(self._scope)
        self.exports = {name: self._scope.get(name) for name in exported}

    def run(self, names: Mapping[str, Any]) -> tuple[Scope, Any]:
        """The rest, with more names: the names it declares, and what it returns, None where it does not."""
        scope = Scope(self._scope)
        scope.names |= names
        try:
            for code in self._rest:
                code(scope)
        except _Return as given:
            return scope, given.value
        return scope, None


def expression(source: str) -> Code:
    """One expression. Raises `Unreadable`."""
    return Parser(list(words(source))).whole()


def run(source: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run a source with more global names; the names that it declares. Raises `Unreadable`, and `Thrown` for its own."""
    world = Scope()
    world.names = {**GLOBALS, **names}
    scope = Scope(world)
    try:
        for one in Parser(list(words(source))).program():
            one(scope)
    except (_Return, RecursionError) as error:
        raise unread(type(error).__name__) from error
    return scope.names
