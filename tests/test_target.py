"""ondemand.prerendering.target: from the words on the command line to the app, and what each slip is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from ondemand import AppImportError, ConfigError
from ondemand.prerendering.target import default_target, import_app


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, **files: str) -> None:
    """`target_site="..."` is target_site.py, `target_pkg__web` is target_pkg/web.py."""
    for name, text in files.items():
        file = folder / (name.replace("__", "/") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


APP = "async def app(scope, receive, send): ...\n"


# ------------------------------------------------------------------------------------------------------ which is meant


def test_the_project_decides_in_the_documented_order(here: Path) -> None:
    for name in ("app/api.py", "app/app.py", "app/main.py", "api.py", "app.py", "main.py"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).touch()
        assert default_target(here) == name.removesuffix(".py").replace("/", ".")
    (here / "pyproject.toml").write_text('[tool.fastapi]\nentrypoint = "site:api"\n', encoding="utf-8")
    assert default_target(here) == "site:api"
    (here / "pyproject.toml").write_text(
        '[tool.fastapi]\nentrypoint = "site:api"\n[tool.ondemand]\napp = "shop:app"\n', encoding="utf-8"
    )
    assert default_target(here) == "shop:app"
    (here / "pyproject.toml").write_text('[tool.ondemand]\noutput = "static"\n', encoding="utf-8")
    assert default_target(here) == "main"


def test_a_folder_named_like_a_file_is_none(here: Path) -> None:
    (here / "main.py").mkdir()
    (here / "app.py").touch()
    assert default_target(here) == "app"


def test_where_nothing_is_named_it_says_what_to_write(here: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        default_target(here)
    assert "ondemand build main:app" in str(caught.value)
    assert "[tool.ondemand]" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[tool.ondemand\n",
        "[tool.ondemand]\napp = 5\n",
        "[tool.ondemand]\napp = ['main:app']\n",
        "[tool.fastapi]\nentrypoint = true\n",
        "[tool]\nondemand = 5\n",
        "[tool]\nfastapi = 'main:app'\n",
        "tool = 5\n",
    ],
)
def test_a_pyproject_that_makes_no_sense_is_told(text: str, here: Path) -> None:
    (here / "main.py").touch()
    (here / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        default_target(here)


def test_a_pyproject_that_is_no_text_is_told_with_its_name(here: Path) -> None:
    (here / "pyproject.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"pyproject\.toml cannot be read"):
        default_target(here)


# ----------------------------------------------------------------------------------------------------------- what works


@pytest.mark.parametrize(
    "target", ["target_site:app", "target_site", "target_site.py", "target_site.py:app", "./target_site.py:app"]
)
def test_a_module_in_the_working_folder_is_found(target: str, here: Path) -> None:
    write(here, target_site=APP)
    assert import_app(target) is sys.modules["target_site"].app


@pytest.mark.parametrize("target", ["target_pkg.web:app", "target_pkg/web.py:app", "./target_pkg/web.py"])
def test_a_module_in_a_package_is_found(target: str, here: Path) -> None:
    write(here, target_pkg____init__="", target_pkg__web=APP)
    assert import_app(target) is sys.modules["target_pkg.web"].app


def test_an_attribute_of_an_attribute_is_found(here: Path) -> None:
    write(here, target_site="class site:\n    async def app(scope, receive, send): ...\n")
    assert import_app("target_site:site.app") is sys.modules["target_site"].site.app


def test_without_an_attribute_the_usual_names_are_tried_in_order(here: Path) -> None:
    write(here, target_one="application = api = print\n", target_two="app = None\napplication = print\n")
    assert import_app("target_one") is print
    assert import_app("target_two") is print


@pytest.mark.parametrize("target", ["target_site:create_app", "target_site:create_app()", "target_site:create()"])
def test_a_factory_is_called(target: str, here: Path) -> None:
    source = "from fastapi import FastAPI\ndef create_app(debug=False):\n    return FastAPI(title='made')\n"
    write(here, target_site=source + "create = create_app\n")
    app = import_app(target)
    assert isinstance(app, FastAPI)
    assert app.title == "made"


@pytest.mark.parametrize(
    "source",
    [
        APP,
        "async def app(*arguments): ...\n",
        "def app(scope, receive, send): ...\n",
        "def app(scope): ...\n",
        "def app(*arguments): ...\n",
        "class App:\n    async def __call__(self, scope, receive, send): ...\napp = App()\n",
        "class App:\n    def __call__(self): ...\napp = App()\n",
        "import functools\nasync def a(b, scope, receive, send): ...\napp = functools.partial(a, 1)\n",
    ],
)
def test_an_app_is_not_taken_for_a_factory(source: str, here: Path) -> None:
    write(here, target_site=source)
    assert import_app("target_site:app") is sys.modules["target_site"].app


def test_the_working_folder_is_looked_in_once(here: Path) -> None:
    write(here, target_site=APP, target_two=APP)
    sys.path[:] = [entry for entry in sys.path if entry not in {"", str(here)}]
    import_app("target_site")
    import_app("target_two")
    assert sys.path.count(str(here)) == 1


# ------------------------------------------------------------------------------------------------------- what is told


@pytest.mark.parametrize(
    "target",
    [
        "",
        ":app",
        "main app:app",
        "../main:app",
        "main:app.py/x.py",
        "a/b:app",
        "1main:app",
        "main-site:app",
        ".main:app",
    ],
)
def test_words_that_name_no_module_are_told_how_to_write_one(target: str, here: Path) -> None:
    with pytest.raises(AppImportError) as caught:
        import_app(target)
    assert "module" in str(caught.value)


@pytest.mark.parametrize("target", ["target_missing:app", "target_missing.web:app", "target_pkg.missing:app"])
def test_a_module_that_is_missing_is_told_with_its_name_and_where_it_was_looked_for(target: str, here: Path) -> None:
    write(here, target_pkg____init__="")
    with pytest.raises(AppImportError) as caught:
        import_app(target)
    assert repr(target.partition(":")[0]) in str(caught.value)
    assert str(here) in str(caught.value)


def test_a_module_that_is_missing_inside_the_app_is_the_apps_fault_with_its_line(here: Path) -> None:
    write(here, target_site="import sys\nimport target_nowhere\n" + APP)
    with pytest.raises(AppImportError) as caught:
        import_app("target_site:app")
    assert "target_nowhere" in str(caught.value)
    assert f"{here / 'target_site.py'}:2" in str(caught.value)
    assert "import target_nowhere" in str(caught.value)


def test_a_module_that_imports_a_missing_neighbour_of_its_own_package_is_not_missing_itself(here: Path) -> None:
    write(here, target_pkg____init__="", target_pkg__web="import target_pkg.db\n" + APP)
    with pytest.raises(AppImportError) as caught:
        import_app("target_pkg.web:app")
    assert "target_pkg.db" in str(caught.value)
    assert "web.py:1" in str(caught.value)


def test_an_attribute_that_is_missing_is_told_with_its_name(here: Path) -> None:
    write(here, target_site="class site: ...\n")
    for attribute in ("app", "site.app", "site.app.x", "app()"):
        with pytest.raises(AppImportError) as caught:
            import_app(f"target_site:{attribute}")
        assert repr(attribute) in str(caught.value)
        assert "'target_site'" in str(caught.value)
    with pytest.raises(AppImportError, match="has no `app`"):
        import_app("target_site")


@pytest.mark.parametrize("value", ["5", "None", "'main:app'", "{}", "__import__('json')"])
def test_what_cannot_be_called_is_no_app(value: str, here: Path) -> None:
    write(here, target_site=f"app = {value}\n")
    with pytest.raises(AppImportError, match="not an ASGI app") as caught:
        import_app("target_site:app")
    assert "target_site:app" in str(caught.value)


def test_a_class_is_no_app_and_neither_is_what_a_factory_makes_of_nothing(here: Path) -> None:
    write(here, target_site="class App: ...\ndef create(): ...\n")
    for attribute in ("App", "create", "create()"):
        with pytest.raises(AppImportError, match="not an ASGI app"):
            import_app(f"target_site:{attribute}")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "x = 1\nraise ValueError('no database')\n",
            ["ValueError: no database", "target_site.py:2", "raise ValueError"],
        ),
        ("def f():\n    return 1 / 0\nf()\n", ["ZeroDivisionError", "target_site.py:2 in f", "target_site.py:3"]),
        ("x = 1\ndef f(:\n", ["SyntaxError", "target_site.py", "line 2"]),
        ("from json import nothing\n", ["ImportError", "nothing", "target_site.py:1"]),
    ],
    ids=["an exception", "a function", "a mistake in the syntax", "a missing name"],
)
def test_an_error_inside_the_users_module_shows_their_own_line(source: str, words: list[str], here: Path) -> None:
    write(here, target_site=source)
    with pytest.raises(AppImportError) as caught:
        import_app("target_site:app")
    for word in words:
        assert word in str(caught.value)
    assert caught.value.__cause__ is not None
    assert "importlib" not in str(caught.value)
    assert "prerendering/target.py" not in str(caught.value)


def test_an_error_in_a_factory_shows_the_users_line(here: Path) -> None:
    write(here, target_site="def create_app():\n    raise KeyError('DATABASE_URL')\n")
    for target in ("target_site:create_app", "target_site:create_app()"):
        with pytest.raises(AppImportError) as caught:
            import_app(target)
        assert "KeyError: 'DATABASE_URL'" in str(caught.value)
        assert "target_site.py:2 in create_app" in str(caught.value)


def test_a_module_that_ends_the_process_could_not_be_imported(here: Path) -> None:
    write(here, target_site="import sys\nsys.exit('DATABASE_URL is not set')\n")
    with pytest.raises(AppImportError) as caught:
        import_app("target_site:app")
    assert "DATABASE_URL is not set" in str(caught.value)


def test_a_wrong_setting_inside_the_users_module_is_a_configuration_error_with_their_line(here: Path) -> None:
    write(here, target_site="from ondemand import OnDemand\napp = OnDemand(print, ouput='static')\n")
    with pytest.raises(ConfigError) as caught:
        import_app("target_site:app")
    assert "Did you mean 'output'?" in str(caught.value)
    assert "target_site.py:2" in str(caught.value)


def test_a_file_that_is_no_utf8_is_the_apps_fault(here: Path) -> None:
    (here / "target_site.py").write_bytes(b"x = '\xff'\n")
    with pytest.raises(AppImportError, match="SyntaxError"):
        import_app("target_site:app")
