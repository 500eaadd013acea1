"""ondemand.errors: the tree that its docstring draws is the real one."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re
from pathlib import Path

import pytest

import ondemand
from ondemand import ConfigError, errors
from ondemand.cli import commands
from ondemand.errors import (
    AppImportError,
    BuildError,
    OnDemandError,
    OnDemandWarning,
    ParamError,
    StoreError,
    TemplateError,
)
from ondemand.prerendering.report import Report


def drawn() -> dict[str, tuple[str | None, int | None]]:
    """name -> (name of its base in the drawing, exit code or None)."""
    found: dict[str, tuple[str | None, int | None]] = {}
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"(?P<indent> {4}[ │├└─]*)(?P<name>[A-Z]\w+)(?: {2,}|$)", line)
        if match is None:
            continue
        depth = len(match["indent"])
        code = re.search(r"\(exit (\d)\)", line)
        base = above.get(depth - 4)
        inherited = found[base][1] if base else None
        found[match["name"]] = (base, int(code[1]) if code else inherited)
        above[depth] = match["name"]
    return found


def every_error() -> set[type[BaseException]]:
    """Every exception and warning that some module of the package defines."""
    found: set[type[BaseException]] = set()
    for info in pkgutil.walk_packages(ondemand.__path__, "ondemand."):
        if ".starters." in info.name or info.name == "ondemand.__main__":
            continue
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, BaseException) and value.__module__ == info.name:
                found.add(value)
    return found


def test_the_drawing_is_read() -> None:
    assert drawn()["MarkError"] == ("ConfigError", 2)
    assert drawn()["OnDemandError"] == (None, None)
    assert len(drawn()) >= 10


def test_each_error_has_the_base_that_is_drawn() -> None:
    for name, (base, _) in drawn().items():
        made = getattr(ondemand, name)
        if base is None:
            assert made.__bases__[0] in {Exception, UserWarning}
        else:
            assert made.__bases__[0] is getattr(errors, base)
            assert all(other.__module__ == "builtins" for other in made.__bases__[1:])


def test_every_error_of_ours_is_in_the_drawing() -> None:
    ours = {made.__name__ for made in every_error() if issubclass(made, OnDemandError | OnDemandWarning)}
    assert ours == set(drawn())


def test_every_drawn_error_is_exported_and_public() -> None:
    assert {*errors.__all__, "Redirect"} == set(drawn())
    for name in errors.__all__:
        assert getattr(ondemand, name) is getattr(errors, name)


def test_warnings_are_no_errors() -> None:
    assert issubclass(OnDemandWarning, UserWarning)
    assert not issubclass(OnDemandWarning, OnDemandError)


def make(name: str) -> OnDemandError:
    kind = getattr(ondemand, name)
    if name == "Redirect":
        return kind("/why")
    if issubclass(kind, TemplateError):
        return kind("why", file="pages/a.mako", line=3, excerpt="> 3  x")
    if issubclass(kind, ParamError):
        return kind("why", pattern="/{x}", param="x", value=1)
    if issubclass(kind, BuildError):
        return kind("why", Report(dist="dist"))
    return kind("why")


@pytest.mark.parametrize(("name", "code"), [(name, code) for name, (_, code) in drawn().items() if code is not None])
def test_the_command_ends_with_the_exit_code_that_is_drawn(
    name: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*args: object, **options: object) -> None:
        raise make(name)

    monkeypatch.setattr(commands.cli, "main", fails)
    assert commands.run([]) == code
    assert "why" in capsys.readouterr().err


def test_all_four_exit_codes_are_told() -> None:
    codes = {code for _, code in drawn().values()} - {None}
    assert codes == {1, 2, 3}
    assert (commands.FAULTS, commands.USAGE, commands.NO_APP, commands.DONE) == (1, 2, 3, 0)


@pytest.mark.parametrize("name", [name for name in drawn() if name != "OnDemandWarning"])
def test_an_error_crosses_from_one_process_to_another_with_what_it_holds(name: str) -> None:
    error = make(name)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert "why" in str(again)
    if name == "Redirect":
        assert again.response.raw_headers == error.response.raw_headers
    else:
        assert vars(again) == vars(error)


def test_catching_the_base_catches_all_of_ours() -> None:
    for name in drawn():
        if name != "OnDemandWarning":
            with pytest.raises(OnDemandError):
                raise make(name)
    assert not issubclass(ConfigError, StoreError | AppImportError)


def test_the_docstring_stands_in_the_file_that_is_shipped() -> None:
    assert "├── ConfigError" in Path(errors.__file__).read_text("utf-8")
