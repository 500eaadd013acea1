"""page.render: a Mako template of the site's folder as an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from markupsafe import Markup

import ondemand
from ondemand import ConfigError, OnDemand
from ondemand.errors import AwaitError, TemplateError
from ondemand.fastapi import Page
from tests.asking import Wrap, ask


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    folder = tmp_path / "templates"
    (folder / "parts").mkdir(parents=True)
    (folder / "layout.mako").write_text("<title>${self.title()}</title><main>${self.body()}</main>")
    (folder / "home.mako").write_text(
        '<%inherit file="layout.mako"/><%def name="title()">Home</%def>'
        "<p>${name} ${page.url.pathname} ${raw | n} ${marked}</p>${part()}"
        '<%def name="part()"><%include file="parts/é.mako"/></%def>'
    )
    (folder / "parts" / "é.mako").write_text("<i>part é</i>")
    (folder / "broken.mako").write_text("${nothing.at.all}")
    (tmp_path / "secret.mako").write_text("secret")
    return folder


def site(templates: Path | None, wrap: Wrap) -> Any:
    app = FastAPI()

    @app.get("/home")
    async def home(page: Page) -> Any:
        page.cookies.set("a", "1")
        return page.render("home.mako", name="<b>&", raw="<i>raw</i>", marked=Markup("<u>safe</u>"))

    return wrap(app, snapshots=False, **({"templates": str(templates)} if templates else {}))


def test_everything_is_escaped_unless_it_says_that_it_is_safe(templates: Path, wrap: Wrap) -> None:
    answer = ask(site(templates, wrap), "/home")
    assert answer.text == (
        "<title>Home</title><main><p>&lt;b&gt;&amp; /home <i>raw</i> <u>safe</u></p><i>part é</i></main>"
    )
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert answer.header("set-cookie") == "a=1; Path=/"


@pytest.mark.parametrize(
    "name", ["../secret.mako", "/etc/passwd", "parts/../../secret.mako", "..\\secret.mako", "none.mako"]
)
def test_a_template_is_inside_its_folder(name: str, templates: Path) -> None:
    page = ondemand.Page.for_test(templates=templates)
    with pytest.raises(ConfigError, match=r"no template|no name of a template"):
        page.render(name)


def test_a_name_that_is_not_given_is_an_error_of_the_template(templates: Path) -> None:
    response = ondemand.Page.for_test(templates=templates).render("broken.mako")
    with pytest.raises(NameError, match="nothing"):
        _ = response.body


def test_a_test_reads_the_body_of_a_page_that_waits_for_nothing(templates: Path) -> None:
    page = ondemand.Page.for_test("/a", templates=templates)
    response = page.render("parts/é.mako")
    assert (response.status_code, response.body) == (200, "<i>part é</i>".encode())
    assert response.body is response.body
    assert ask(response, "/").header("content-length") == str(len(response.body))


def test_a_page_that_waits_has_its_body_when_it_is_sent(templates: Path) -> None:
    (templates / "waits.mako").write_text("<p>${await_(later)}")

    async def later() -> str:
        await asyncio.sleep(0)
        return "now"

    page = ondemand.Page.for_test(templates=templates)
    with pytest.raises(AwaitError, match="when it is sent"):
        _ = page.render("waits.mako", later=later()).body
    assert ask(page.render("waits.mako", later=later()), "/").body == b"<p>now"


def test_what_the_page_says_of_the_answer_holds_for_a_template(templates: Path, wrap: Wrap) -> None:
    (templates / "missing.mako").write_text(
        "<% page.response.status = 404 %>\\\n"
        '<% page.response.headers["content-type"] = "text/plain" %>\\\n'
        '<% page.cookies.set("late", "1") %>gone'
    )
    app = FastAPI()

    @app.get("/")
    async def home(page: Page) -> Any:
        return page.render("missing.mako")

    answer = ask(wrap(app, snapshots=False, templates=str(templates)), "/")
    assert (answer.status, answer.text, answer.header("content-type")) == (404, "gone", "text/plain")
    assert answer.header("set-cookie") == "late=1; Path=/"


def test_a_template_may_raise_a_redirect_until_the_first_byte(templates: Path, wrap: Wrap) -> None:
    (templates / "moved.mako").write_text(
        "<%! from ondemand import Redirect %><p>\n<% raise Redirect('/new') %>never seen"
    )
    app = FastAPI()

    @app.get("/")
    async def home(page: Page) -> Any:
        return page.render("moved.mako")

    answer = ask(wrap(app, snapshots=False, templates=str(templates)), "/")
    assert (answer.status, answer.header("location"), answer.body) == (302, "/new", b"")


@pytest.mark.parametrize("name", ["context", "loop", "UNDEFINED"])
def test_a_value_cannot_take_a_name_of_the_engine(name: str, templates: Path) -> None:
    with pytest.raises(TemplateError, match=name):
        ondemand.Page.for_test(templates=templates).render("home.mako", **{name: 1})


def test_without_a_folder_the_error_is_the_setting_to_add(wrap: Wrap) -> None:
    with pytest.raises(ConfigError, match='OnDemand\\(templates="templates"\\)'):
        ask(site(None, wrap), "/home")


def test_a_folder_that_is_not_there_is_refused_at_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"templates=.*is no folder"):
        OnDemand(FastAPI(), templates=tmp_path / "nothing").site()
