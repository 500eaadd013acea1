"""Which app: from the words on the command line, or from what the project says, to the object."""

from __future__ import annotations

import importlib
import inspect
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

from ondemand.errors import AppImportError, ConfigError, OnDemandError
from ondemand.frames import describe, user_frames

__all__ = ["default_target", "import_app"]

_FILES = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")  # FastAPI's own list
_NAMES = ("app", "api", "application")


def default_target(folder: Path) -> str:
    """The app where none is named: `[tool.ondemand] app`, `[tool.fastapi] entrypoint`, the files that FastAPI looks for, the
    asgi.py beside a manage.py.

    Raises `ConfigError` if none of these is there.
    """
    file = folder / "pyproject.toml"
    tools: Any = {}
    if file.is_file():
        try:
            tools = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} cannot be read: {error}. Correct the file.") from error
    for tool, key in (("ondemand", "app"), ("fastapi", "entrypoint")):
        table = cast("Any", tools).get(tool, {}) if isinstance(tools, dict) else None
        if not isinstance(table, dict):
            raise ConfigError(f"{file}: [tool.{tool}] is no table. Write `[tool.{tool}]` and settings below it.")
        target = cast("dict[str, Any]", table).get(key)
        if target is not None:
            if not isinstance(target, str):
                raise ConfigError(f'[tool.{tool}] {key} = {target!r} is not accepted. Write "module:attribute".')
            return target
    for name in _FILES:
        if (folder / name).is_file():
            return name.removesuffix(".py").replace("/", ".")
    of_django = [*folder.glob("*/asgi.py")] if (folder / "manage.py").is_file() else []
    if len(of_django) == 1:
        return f"{of_django[0].parent.name}.asgi:application"
    raise ConfigError(
        "No app was named. Write it as module:attribute (`ondemand build main:app`), "
        'or put app = "main:app" into [tool.ondemand] in pyproject.toml.'
    )


def import_app(target: str) -> Any:
    """The object that `target` ("module:attribute", or "module" for its `app`) names; a factory is called.

    Raises `AppImportError`. An exception of the user's own module keeps its traceback as the cause.
    """
    module_name, _, attribute = target.partition(":")
    if module_name.endswith(".py"):
        module_name = module_name.removesuffix(".py").strip("./").replace("/", ".")
    if not module_name or not all(part.isidentifier() for part in module_name.split(".")):
        raise AppImportError(f"{target!r} does not name an app. Write module:attribute, such as main:app.")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise _own_fault(target, error) from error
        raise AppImportError(
            f"There is no module {module_name!r} in {Path.cwd()} or where Python looks. Correct the name, or the folder."
        ) from error
    except OnDemandError as error:
        raise ConfigError(f"{error}{_where(error)}") from error
    except (Exception, SystemExit) as error:
        raise _own_fault(target, error) from error
    return _attribute(module, attribute, target)


def _attribute(module: Any, attribute: str, target: str) -> Any:
    if not attribute:
        for name in _NAMES:
            if callable(getattr(module, name, None)):
                return getattr(module, name)
        raise AppImportError(f"The module {module.__name__!r} has no `app`. Write module:attribute.")
    found = module
    for part in attribute.removesuffix("()").split("."):
        if not hasattr(found, part):
            raise AppImportError(
                f"The module {module.__name__!r} has no {attribute!r}. Correct the name after the colon."
            )
        found = getattr(found, part)
    if attribute.endswith("()") or _is_factory(found):
        try:
            found = found()
        except OnDemandError as error:
            raise ConfigError(f"{error}{_where(error)}") from error
        except (Exception, SystemExit) as error:
            raise _own_fault(target, error) from error
    if not callable(found) or inspect.isclass(found):
        raise AppImportError(f"{target} is a {type(found).__name__}, not an ASGI app. Name the app object.")
    return found


def _is_factory(found: Any) -> bool:
    if not inspect.isfunction(found) or inspect.iscoroutinefunction(found):
        return False
    required = [p for p in inspect.signature(found).parameters.values() if p.default is inspect.Parameter.empty]
    return not required


def _own_fault(target: str, error: BaseException) -> AppImportError:
    return AppImportError(f"Importing {target} raised {describe(error)}.{_where(error)}")


def _where(error: BaseException) -> str:
    """The user's own lines that `error` passed, each on a line."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"\n  {error.filename}:{error.lineno}: {(error.text or '').strip()}"
    return "".join(f"\n  {frame}" for frame in user_frames(error) if not frame.startswith("<frozen"))
