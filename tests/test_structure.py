"""The shape of the package: who imports whom, what is public, what a serving worker loads, how large modules are."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ondemand
from tests.asking import outermost
from tests.conftest import Build

ROOT = Path(ondemand.__file__).parent
PROJECT = ROOT.parent

# Who may import whom: a module imports from rows above its own, and from its own row as long as no circle comes of it.
ROWS: list[list[str]] = [
    [
        "errors",
        "marks",
        "routing",
        "matching",
        "filenames",
        "cookies",
        "headers",
        "urls",
        "locales",
        "pagination",
        "redirects",
        "snapshots.manifest",
    ],
    [
        "_asgi",
        "merging",
        "frames",
        "config",
        "recording",
        "watching",
        "requests",
        "responses",
        "forms",
        "origin",
        "proxies",
        "paths",
        "answers",
        "pages",
        "streaming",
        "awaiting",
        "generated",
        "templates",
        "rendering",
        "markdown",
        "page_files",
        "sequencing",
        "notices",
        "modes",
    ],
    ["contexts"],
    ["exchange"],
    [
        "frameworks.*",
        "discovery",
        "capture",
        "snapshots.store",
        "snapshots.server",
        "snapshots.public",
        "snapshots.reload",
    ],
    ["guarding", "layers", "own_pages", "site", "explaining", "debug_page", "fastapi", "django"],
    ["middleware"],
    ["prerendering.*"],
    ["cli", "cli.*", "__main__", "testing", "pytest_plugin"],
]
PURE = ROWS[0]
BUILDS = {"prerendering", "adapters", "cli", "__main__", "testing", "pytest_plugin"}
FREE = {"", "frameworks", "snapshots", "prerendering"}
"""The package's own `__init__` is a table of names that are imported when first used; the others hold a docstring."""


def modules() -> dict[str, Path]:
    """Name without "ondemand." -> file, of everything but the sites in `starters`."""
    found: dict[str, Path] = {}
    for file in sorted(ROOT.rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        if parts[0] != "starters":
            found[".".join(part for part in parts if part != "__init__")] = file
    return found


MODULES = modules()


def statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import below `node`, also inside functions, but for those under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield from statements(ast.Module([other], []))
        elif isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        else:
            yield from statements(child)


def imported(name: str) -> set[str]:
    """The absolute names of all modules that module `name` imports."""
    found: set[str] = set()
    for statement in statements(ast.parse(MODULES[name].read_text("utf-8"))):
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
            continue
        assert statement.level == 0, f"{name}: write imports in full"
        assert statement.module is not None
        for alias in statement.names:
            inner = f"{statement.module}.{alias.name}"
            found.add(inner if inner.removeprefix("ondemand.") in MODULES else statement.module)
    return found


def own(name: str) -> set[str]:
    """The modules of the package that module `name` imports."""
    return {
        other.removeprefix("ondemand").removeprefix(".") for other in imported(name) if other.startswith("ondemand")
    }


def row(name: str) -> int:
    for number, names in enumerate(ROWS):
        if any(name == known or (known.endswith(".*") and name.startswith(known[:-1])) for known in names):
            return number
    raise AssertionError(f"{name} has no place in ROWS: decide which row it belongs to")


# ------------------------------------------------------------------------------------------------------------- imports


def test_every_module_has_its_place_and_every_place_a_module() -> None:
    for name in MODULES:
        if name not in FREE:
            row(name)
    for names in ROWS:
        for name in names:
            assert name in MODULES or name.endswith(".*")


@pytest.mark.parametrize("name", [name for name in MODULES if name not in FREE])
def test_imports_go_one_way(name: str) -> None:
    upwards = {other for other in own(name) if other not in FREE and row(other) > row(name)}
    assert upwards == set()


def test_no_circle_of_imports() -> None:
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " imports ".join((*above[above.index(name) :], name))
        if name not in done:
            for other in own(name) - FREE:
                visit(other, (*above, name))
            done.add(name)

    for name in MODULES:
        if name not in FREE:
            visit(name, ())


@pytest.mark.parametrize("name", [name for name in MODULES if name.split(".")[0] not in {*BUILDS, ""}])
def test_what_serves_never_imports_what_builds(name: str) -> None:
    assert {other for other in own(name) if other.split(".")[0] in BUILDS} == set()


@pytest.mark.parametrize("name", PURE)
def test_the_pure_row_has_no_files_sockets_clocks_or_event_loops(name: str) -> None:
    impure = {
        "asyncio",
        "concurrent",
        "datetime",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
    }
    impure |= {"shutil", "signal", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time"}
    assert {other.split(".")[0] for other in imported(name)} & impure == set()
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert calls & {"open", "print", "input", "exec", "eval", "__import__"} == set()


def test_only_readers_and_the_response_know_a_framework() -> None:
    frameworks = {"starlette", "fastapi", "litestar", "quart", "flask", "django"}
    knowing = {name for name in MODULES if {other.split(".")[0] for other in imported(name)} & frameworks}
    assert knowing - {"cli.serving"} == {
        "django",
        "frameworks.starlette",
        "fastapi",
        "responses",
    }  # the demo is a FastAPI site: its command says if it is missing


@pytest.mark.parametrize("name", ["frameworks", "snapshots", "prerendering"])
def test_packages_hold_no_code(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree.body)


# --------------------------------------------------------------------------------------------------------- public names


PUBLIC = [
    "AnswerError",
    "AwaitError",
    "TemplateError",
    "Pages",
    "sequence",
    "AppImportError",
    "BodyError",
    "BodyTooLarge",
    "BodyUsed",
    "BuildError",
    "BuildRunning",
    "ClientDisconnected",
    "ConfigError",
    "Cookie",
    "CookieError",
    "Cookies",
    "FormData",
    "LifespanError",
    "ManifestError",
    "MarkError",
    "Next",
    "OnDemand",
    "OnDemandError",
    "OnDemandWarning",
    "Page",
    "PageUnavailable",
    "Paginated",
    "ParamError",
    "PathsContext",
    "PrerenderError",
    "Redirect",
    "RequestError",
    "Response",
    "ResponseStarted",
    "Route",
    "Rule",
    "StaticPath",
    "StoreError",
    "URL",
    "UploadedFile",
    "__version__",
    "build",
    "current_page",
    "is_building",
    "prerender",
]


def test_the_public_names_are_these() -> None:
    assert sorted(ondemand.__all__) == sorted(PUBLIC)
    assert sorted(dir(ondemand)) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_what_it_says(name: str) -> None:
    value = getattr(ondemand, name)
    if name == "__version__":
        assert value == tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    else:
        assert value.__name__ == name
        assert value.__module__.startswith("ondemand.")
        assert value.__doc__


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = ondemand.nothing  # type: ignore[attr-defined]
    assert not hasattr(ondemand, "_something")


def test_what_a_type_checker_sees_is_what_there_is() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text("utf-8"))
    seen: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ondemand"):
            seen |= {alias.name: str(node.module).removeprefix("ondemand.") for alias in node.names}
    homes: dict[str, str] = ondemand._HOMES
    assert seen == homes
    assert sorted([*homes, "__version__"]) == sorted(PUBLIC)


def test_importing_the_prerendering_package_does_not_replace_the_decorator() -> None:
    importlib.import_module("ondemand.prerendering.build")
    assert callable(ondemand.prerender)
    assert callable(ondemand.build)


# ------------------------------------------------------------------------------------------------- what a worker loads


HEAVY = [
    "werkzeug",
    "mako",
    "httpx",
    "rich",
    "click",
    "selectolax",
    "starlette",
    "fastapi",
    "sqlite3",
    "multiprocessing",
]
HEAVY += ["ondemand.prerendering", "ondemand.cli", "ondemand.capture", "ondemand.watching"]

SERVE = """
import asyncio, json, sys
before = set(sys.modules)
from ondemand import OnDemand
async def app(scope, receive, send):
    raise AssertionError("the app was asked")
wrapped = OnDemand(app, dist=sys.argv[1], snapshots=True)
sent = []
async def send(message):
    sent.append(message)
for _ in range(2):
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "root_path": "",
             "headers": [(b"host", b"h"), (b"accept-encoding", b"gzip")], "scheme": "http"}
    asyncio.run(wrapped(scope, None, send))
print(json.dumps([[sent[0]["status"], len(sent)], sorted(set(sys.modules) - before)]))
"""


async def plain(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<p>" + b"page " * 100})


def test_a_worker_that_serves_a_snapshot_loads_none_of_the_heavy_packages(dist: Path, built: Build) -> None:
    assert built(outermost(plain, dist=dist)).pages == 1
    run = subprocess.run([sys.executable, "-c", SERVE, str(dist)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    answered, loaded = json.loads(run.stdout)
    assert answered == [200, 4]
    assert [name for name in HEAVY if any(other == name or other.startswith(name + ".") for other in loaded)] == []


def test_importing_the_package_and_marking_pages_loads_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); from ondemand import prerender, StaticPath; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    loaded = run.stdout.split()
    assert [
        name for name in loaded if name.split(".")[0] in {"asyncio", "starlette", "werkzeug", "httpx", "tomllib"}
    ] == []
    assert {name for name in loaded if name.startswith("ondemand")} <= {"ondemand", "ondemand.marks", "ondemand.errors"}


# ------------------------------------------------------------------------------------------------------ sizes and names


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_one_subject(name: str) -> None:
    assert len(MODULES[name].read_text("utf-8").splitlines()) <= 700


def test_no_module_is_named_after_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc", "base", "core", "lib"}
    assert {part for name in MODULES for part in name.split(".")} & (vague | {"prerender", "build.py"}) == set()
    for name, file in MODULES.items():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                assert not node.name.endswith(("Manager", "Helper", "Util", "Utils")), f"{name}.{node.name}"


@pytest.mark.parametrize("name", [name for name in MODULES if name])
def test_a_module_says_what_it_is_and_what_others_may_use(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text("utf-8"))
    assert ast.get_docstring(tree)
    if name in FREE or name == "__main__":
        return
    module = importlib.import_module(f"ondemand.{name}")
    for exported in module.__all__:
        assert hasattr(module, exported), f"{name}.{exported}"


def test_the_types_are_shipped() -> None:
    assert (ROOT / "py.typed").is_file()
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    assert "Typing :: Typed" in settings["project"]["classifiers"]
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["ondemand"]
    assert not wheel.get("exclude")
