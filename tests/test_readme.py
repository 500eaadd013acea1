"""The examples of the README run, and what it lists is what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ondemand import OnDemand
from ondemand.config import _CHECKS, FINDINGS, Config
from ondemand.contexts import Page
from tests.asking import ask, is_snapshot, write_site
from tests.conftest import Build
from tests.test_cli import ondemand

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
ASTRO = (Path(__file__).parent.parent / "docs" / "astro.md").read_text(encoding="utf-8")
PROOF = (Path(__file__).parent.parent / "docs" / "proof.md").read_text(encoding="utf-8")
IN_ASTRO = re.findall(r"```python\n(.*?)```", ASTRO, re.DOTALL)


def run(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(source, "README.md", "exec"), names)
    return names


def test_the_first_example_is_built_and_served(tmp_path: Path) -> None:
    project = write_site(tmp_path / "shop", PYTHON[0])
    done = ondemand(project, "build", "main:app")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 pages" in done.stdout
    assert "1 linked path on demand" in done.stdout


def test_the_example_of_the_proof_is_what_a_check_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```(?:python|text)\n(.*?)```", PROOF, re.DOTALL)
    source, shown = blocks[:2]
    project = write_site(tmp_path / "shop", source.removeprefix("# main.py\n"))
    done = ondemand(project, "check", "main:app")
    assert done.returncode == 1

    def without_times(text: str) -> str:
        text = text.replace(f"{project}/", "")
        return re.sub(r"\d\d? \w+ \d{4}|\d\d:\d\d:\d\d|[\d.]+ s:", "", text).strip()

    assert without_times(done.stdout) == without_times(shown.removeprefix("$ ondemand check\n"))


@pytest.mark.parametrize("source", PYTHON[1:])
def test_each_further_example_starts(source: str) -> None:
    app = run(source)["app"]
    assert ask(app, "/nothing").status in {200, 404}


def test_the_page_objects_of_the_readme(tmp_path: Path, built: Build) -> None:
    app = run(next(source for source in PYTHON if "def counter" in source))["app"]
    assert ask(app, "/counter", headers={"cookie": "counter=4"}).text == '{"n":5}'
    assert ask(app, "/account").header("location") == "/login"
    assert ask(app, "/account", state={"user": "ann"}).text == "<h1>Hello</h1>"
    assert ask(app, "/products/lamp").text == "<h1>A lamp</h1>"


def test_the_examples_of_the_table(tmp_path: Path, built: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = run(IN_ASTRO[0])["app"]
    assert ask(app, "/counter", headers={"cookie": "counter=4"}).text == "<h1>Counter = 5</h1>"
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": "http://testserver"}
    form = {"headers": headers, "method": "POST"}
    assert ask(app, "/login", method="POST", headers={"content-type": headers["content-type"]}).status == 403
    assert ask(app, "/login", body=b"password=x", **form).status == 401
    answer = ask(app, "/login", body=b"password=secret&user=ann", **form)
    assert (answer.status, answer.header("location")) == (303, "/account")
    assert answer.header("set-cookie") == "user=ann; Max-Age=3600; Path=/; HttpOnly"
    assert ask(app, "/account", headers={"cookie": "user=ann"}).text == "<h1>Hello</h1>"

    app = run(IN_ASTRO[1])["app"]
    live = {path: ask(app, path).text for path in ("/posts/post-7", "/blog/1", "/blog/3")}
    assert live["/posts/post-7"] == "<h1>Post 7</h1>"
    assert "Page 1 of 3" in live["/blog/1"]
    assert ask(app, "/posts/nothing").status == 404
    report = built(app)
    assert (report.pages, report.findings) == (28, [])
    monkeypatch.setenv("ONDEMAND_SNAPSHOTS", "1")
    app = run(IN_ASTRO[1])["app"]
    for path, text in live.items():
        assert (ask(app, path).text, is_snapshot(ask(app, path))) == (text, True)
    assert ask(app, "/posts/nothing").status == 404


def test_the_examples_of_own_pages(tmp_path: Path) -> None:
    guide = (Path(__file__).parent.parent / "docs" / "pages.md").read_text(encoding="utf-8")
    app = run(re.findall(r"```python\n(.*?)```", guide, re.DOTALL)[0])["app"]
    assert ask(app, "/about").text == "<h1>About</h1>"
    assert ask(app, "/about").header("x-route") == "/about"
    assert ask(app, "/blog/hello").text == "<h1>Hello</h1>"
    assert ask(app, "/blog/other").status == 404
    assert ask(app, "/live").text == "<h1>Part one</h1><p>Part two</p>"
    assert ask(app, "/api/user").text == '{"name":"Ann"}'
    assert ask(app, "/members/list").header("location") == "/login"

    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "_layout.mako").write_text("<body>${self.body()}</body>")
    template = re.findall(r"```mako\n(.*?)```", guide, re.DOTALL)[0]
    orders = "async def orders_of(user):\n    return f'orders of {user}'\n"
    (tmp_path / "pages" / "orders.mako").write_text(template.replace("prerender = False", orders + "prerender = False"))
    site = OnDemand(pages=tmp_path / "pages")
    assert ask(site, "/orders").header("location") == "/login"
    text = ask(site, "/orders", headers={"cookie": "user=ann"}).text
    assert "<h1>/orders</h1>" in text
    assert "orders of ann" in text


def test_every_member_of_the_page_has_a_row() -> None:
    named = {name for name, value in vars(Page).items() if not name.startswith("_")}
    for name in named:
        assert f"`page.{name}" in ASTRO or f"`{name}" in ASTRO or f".{name}" in ASTRO, name


def test_the_guard_of_the_example_guards(tmp_path: Path, built: Build) -> None:
    app = run(next(source for source in PYTHON if "members_only" in source))["app"]
    assert ask(app, "/members/report").header("location") == "/login"
    assert not is_snapshot(ask(app, "/members/report", headers={"cookie": "member=1"}))


def test_the_settings_in_toml_are_accepted(tmp_path: Path) -> None:
    table = tomllib.loads(next(text for language, text in BLOCKS if language == "toml"))["tool"]["ondemand"]
    del table["app"]
    assert Config.make(table, root=tmp_path).public == tmp_path / "public"


def test_every_setting_and_every_kind_of_finding_is_listed() -> None:
    for key in _CHECKS:
        assert f"`{key}`" in README, key
    for kind, policy in FINDINGS.items():
        row = next(line for line in README.splitlines() if line.startswith("|") and f"`{kind}`" in line)
        assert f"| {policy} |" in row


def test_every_command_is_listed() -> None:
    from ondemand.cli.commands import cli

    for name in cli.commands:
        assert f"| `ondemand {name}" in README
