"""ondemand.templates: templates are found inside their folders, compiled once, escape what they write, and err with lines."""

from __future__ import annotations

import asyncio
import builtins
import io
import linecache
import os
import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from ondemand import OnDemand, Page
from ondemand.errors import TemplateError
from ondemand.frames import user_frames
from ondemand.rendering import render
from ondemand.templates import Templates
from tests.asking import ask


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "templates"
    made.mkdir()
    return made


def write(folder: Path, **files: str) -> Templates:
    """Templates from files: `a__b` is a/b, and `.mako` is added."""
    for name, text in files.items():
        file = folder / (name.replace("__", "/") + ".mako")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Templates([folder])


def rendered(templates: Templates, name: str, /, **values: Any) -> str:
    return render(templates.get(name), Page.for_test("/here"), values).body.decode()


# ------------------------------------------------------------------------------------------------------------ escaping


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${x}", "&lt;&amp;"),
        ("${x | n}", "<&"),
        ("${x | h}", "&lt;&amp;"),
        ("${x | x}", "&lt;&amp;"),
        ("${x | u}", "%3C%26"),
        ("${x | n,u}", "%3C%26"),
        ("${x | trim}", "&lt;&amp;"),
        ("${x | entity}", "&lt;&amp;"),
        ("${x | str}", "&lt;&amp;"),
        ("${m}", "<b>"),
        ("${m | h}", "<b>"),
        ("${html}", "<i>"),
        ("${None} ${1} ${1.5}", "None 1 1.5"),
        ("<%def name='f()'><p>${x}</p></%def>${f()}", "<p>&lt;&amp;</p>"),
        ("<%def name='f()'><p>${x}</p></%def>${capture(f)}", "<p>&lt;&amp;</p>"),
        ("<%def name='f()' buffered='True'><p>${x}</p></%def>${f()}", "<p>&lt;&amp;</p>"),
        ("<%def name='f()' buffered='True'><p>${x}</p></%def>${f() + '<'}", "<p>&lt;&amp;</p>&lt;"),
        ("<% y = 1 %><%def name='f()' buffered='True'><p>${x}</p></%def>${f()}", "<p>&lt;&amp;</p>"),
        ("<%def name='f()' filter='trim'> <p>${x}</p> </%def>${f()}", "<p>&lt;&amp;</p>"),
        ("<%def name='f()' filter='h'><p>${x}</p></%def>${f()}", "<p>&lt;&amp;</p>"),
        ("<%block filter='trim'> <p>${x}</p> </%block>", "<p>&lt;&amp;</p>"),
        ("<%text filter='trim'> <p>${x} </%text>", "<p>${x}"),
        ("<%def name='f()'>[${caller.body()}]</%def><%self:f><p>${x}</p></%self:f>", "[<p>&lt;&amp;</p>]"),
        (
            "<%def name='f()'>[${capture(caller.body)}]</%def><%call expr='f()'><p>${x}</p></%call>",
            "[<p>&lt;&amp;</p>]",
        ),
        ("<%def name='f(a)'>${a}</%def>${f(x)}${f(m)}", "&lt;&amp;<b>"),
        ("<%page expression_filter='trim'/>${x}", "&lt;&amp;"),
        ("<%! def up(text): return text.upper() %>${'a<' | up}", "A&LT;"),
    ],
)
def test_everything_is_escaped_once(folder: Path, text: str, expected: str) -> None:
    class Html:
        def __html__(self) -> str:
            return "<i>"

    templates = write(folder, t=text)
    assert rendered(templates, "t.mako", x="<&", m=Markup("<b>"), html=Html()) == expected


def test_layouts_blocks_and_components(folder: Path) -> None:
    templates = write(
        folder,
        base=(
            "<html><%block name='head'><title>base</title></%block>${next.body()}${self.foot()}</html>"
            "<%def name='foot()'>-</%def>"
        ),
        middle="<%inherit file='base.mako'/><main>${next.body()}</main>",
        pages__home=(
            "<%inherit file='/middle.mako'/><%namespace name='ui' file='../parts/ui.mako'/>"
            "<%block name='head'>${parent.head()}<meta x='${x}'></%block><%def name='foot()'>${page.url.pathname}</%def>"
            "<%ui:card title='${x}'>inner ${x}</%ui:card><%include file='near.mako' args='y=x'/>"
        ),
        pages__near="<%page args='y'/>[${y} ${page.url.pathname} ${x}]",
        parts__ui="<%def name='card(title)'><div>${title}: ${caller.body()}</div></%def>",
    )
    assert rendered(templates, "pages/home.mako", x="<") == (
        "<html><title>base</title><meta x='&lt;'><main><div>&lt;: inner &lt;</div>[&lt; /here &lt;]</main>/here</html>"
    )


def test_names_that_differ_in_one_sign_are_two_templates(folder: Path) -> None:
    (folder / "a-b.mako").write_text("<%namespace name='n' file='one.mako'/>${n.f()}<%include file='a_b.mako'/>")
    (folder / "a_b.mako").write_text("<%namespace name='n' file='two.mako'/>${n.f()}")
    templates = write(folder, one="<%def name='f()'>1</%def>", two="<%def name='f()'>2</%def>")
    assert rendered(templates, "a-b.mako") == "12"


# -------------------------------------------------------------------------------------------------------------- errors


def lines_of(error: BaseException, file: Path) -> list[tuple[int | None, str]]:
    """Lines of the template in the traceback, with what is shown there."""
    found = traceback.extract_tb(error.__traceback__)
    return [(frame.lineno, frame.line or "") for frame in found if frame.filename == str(file)]


@pytest.mark.parametrize(
    ("text", "line", "shown", "kind"),
    [
        ("a\n\n${1 / 0}\n", 3, "${1 / 0}", ZeroDivisionError),
        ("a\n% for x in [1, 0]:\n  ${x}\n  ${1 / x}\n% endfor\n", 4, "${1 / x}", ZeroDivisionError),
        ("a\n% if 1 / 0:\nb\n% endif\n", 2, "% if 1 / 0:", ZeroDivisionError),
        ("<%\n   x = 1\n   y = x / 0\n%>\n", 3, "y = x / 0", ZeroDivisionError),
        ("a\n${str(1,\n   1 /\n   0)}", 3, "1 /", ZeroDivisionError),
        ("a\n<%def name='f()'>\n ${1 / 0}\n</%def>\n\n${f()}", 3, "${1 / 0}", ZeroDivisionError),
        ("a\n\nb ${ missing }\n", 3, "b ${ missing }", NameError),
        ("a\n% if False:\n${missing.x}\n% endif", 3, "${missing.x}", NameError),
        ("a\n<%include file='none.mako'/>", 2, "<%include file='none.mako'/>", TemplateError),
        ("a\n\n<%inherit file='none.mako'/>", 3, "<%inherit file='none.mako'/>", TemplateError),
        ("a\n<%!\n def f():\n   return 1 / 0\n%>\n${f()}", 4, "return 1 / 0", ZeroDivisionError),
    ],
)
def test_an_exception_shows_the_line_of_the_template(
    folder: Path, text: str, line: int, shown: str, kind: type[Exception]
) -> None:
    templates = write(folder, t=text)
    with pytest.raises(kind) as caught:
        rendered(templates, "t.mako")
    assert lines_of(caught.value, folder / "t.mako")[-1] == (line, shown)
    assert user_frames(caught.value)[-1].startswith(f"{folder}/t.mako:{line} in ")
    assert caught.value.__suppress_context__ or kind is not NameError  # no KeyError of Mako's above it
    assert (
        "^^^"
        not in "".join(traceback.format_exception(caught.value))
        .rpartition(f'"{folder}/t.mako"')[2]
        .partition("  File ")[0]
    )


def test_the_line_is_shown_when_the_file_is_gone(folder: Path) -> None:
    templates = write(folder, t="a\n${1 / 0}")
    response = render(templates.get("t.mako"), Page.for_test(), {})
    shutil.rmtree(folder)
    linecache.clearcache()
    with pytest.raises(ZeroDivisionError) as caught:
        _ = response.body
    assert "    ${1 / 0}" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a\n\n${x +}\n", 3, "SyntaxError"),
        ("a\n<%\n  x = 1\n  y = = 2\n%>", 4, "SyntaxError"),
        ("a\n% for x in:\n% endfor", 2, "SyntaxError"),
        ("a\n% if True:\nb", 2, "Unterminated control keyword: 'if'"),
        ("a\n<%nothing/>", 2, "No such tag: 'nothing'"),
        ("a\n<%def>\n</%def>", 2, "Missing attribute(s): 'name'"),
        ("a\n<%!\n x = 1\n y = 1 / 0\n%>", 4, "ZeroDivisionError: division by zero"),
        ("a\n<%!\n import nothing_of_this_name\n%>", 3, "ModuleNotFoundError"),
        ("<%\n return = 1 %>", 2, "SyntaxError"),
        ("a\n<%\n  yield 1\n  break\n%>", 4, "SyntaxError: 'break' outside loop"),
    ],
)
def test_a_template_that_cannot_be_compiled_names_file_line_and_excerpt(
    folder: Path, text: str, line: int, said: str
) -> None:
    templates = write(folder, t=text)
    with pytest.raises(TemplateError) as caught:
        templates.get("t.mako")
    error = caught.value
    assert (error.file, error.line) == (str(folder / "t.mako"), line)
    assert str(error).startswith(f"{folder / 't.mako'}:{line}: ")
    assert said in str(error).partition("\n")[0]
    marked = [one for one in error.excerpt.splitlines() if one.startswith(">")]
    assert marked == [f"> {line:4} | {text.splitlines()[line - 1]}"]
    assert error.excerpt in str(error)


def test_a_file_that_is_no_utf8_is_a_template_error(folder: Path) -> None:
    (folder / "t.mako").write_bytes(b"a\xff")
    with pytest.raises(TemplateError, match=r"t\.mako"):
        Templates([folder]).get("t.mako")


# --------------------------------------------------------------------------------------------- once, and never again


def test_the_code_at_the_top_runs_once_and_says_what_it_defined(folder: Path) -> None:
    runs: list[int] = []
    builtins.runs = runs  # type: ignore[attr-defined]
    try:
        templates = write(
            folder, t="<%!\nimport json\nruns.append(1)\nprerender = False\ndef f(): return prerender\n%>${f()}"
        )
        for _ in range(3):
            assert rendered(templates, "t.mako") == "False"
        found = templates.get("t.mako").attributes
        read = templates.read(folder / "t.mako", "t.mako").attributes
    finally:
        del builtins.runs  # type: ignore[attr-defined]
    assert set(found) == {"json", "prerender", "f"} == set(read)
    assert runs == [1, 1]  # get and read: a page file and a template of the same file are two


def test_a_dataclass_at_the_top(folder: Path) -> None:
    templates = write(
        folder, t="<%!\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n  x: 'int' = 1\n%>${A().x}"
    )
    assert rendered(templates, "t.mako") == "1"


def test_in_production_the_disk_is_not_looked_at_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = write(
        folder,
        t="<%inherit file='base.mako'/><%include file='part.mako'/>",
        base="<${next.body()}>",
        part="part",
        page="<%include file='part.mako'/>!",
    )
    (folder / "j.html").write_text("{% include 'k.html' %}")
    (folder / "k.html").write_text("k")

    def all_of_them() -> list[str]:
        read = render(templates.read(folder / "page.mako", "page.mako"), Page.for_test(), {})
        return [rendered(templates, "t.mako"), rendered(templates, "j.html"), read.body.decode()]

    assert all_of_them() == ["<part>", "k", "part!"]
    shutil.rmtree(folder)
    page, touched = Page.for_test(), []
    monkeypatch.setattr(Page, "for_test", lambda *_: page)
    for module, name in ((os, "stat"), (os, "lstat"), (builtins, "open"), (io, "open"), (os, "open"), (os, "scandir")):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, real=real, **k: (touched.append(a), real(*a, **k))[1])
    assert all_of_them() == ["<part>", "k", "part!"]
    assert touched == []


def test_fresh_templates_are_looked_at_again(folder: Path) -> None:
    write(folder, t="one <%include file='part.mako'/>", part="part")
    (folder / "j.html").write_text("one")
    templates = Templates([folder], fresh=True)

    def seen() -> list[str]:
        read = render(templates.read(folder / "t.mako", "t.mako"), Page.for_test(), {}).body.decode()
        return [rendered(templates, "t.mako"), read, rendered(templates, "j.html")]

    assert seen() == ["one part", "one part", "one"]
    same = templates.get("t.mako")
    assert templates.get("t.mako") is same
    (folder / "t.mako").write_text("changed <%include file='part.mako'/>")
    (folder / "part.mako").write_text("other part")
    (folder / "j.html").write_text("changed")
    assert seen() == ["changed other part", "changed other part", "changed"]
    (folder / "t.mako").unlink()
    with pytest.raises(TemplateError, match=r"no template 't\.mako'"):
        templates.get("t.mako")


def test_the_first_folder_that_has_it_gives_it(tmp_path: Path) -> None:
    for name, files in {"a": {"x.mako": "a"}, "b": {"x.mako": "b", "y.mako": "b <%include file='x.mako'/>"}}.items():
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
    assert rendered(Templates([tmp_path / "a", tmp_path / "b"]), "y.mako") == "b a"


# ----------------------------------------------------------------------------------------------------------- traversal


NAMES = ["../secret.mako", "/secret.mako", "a/../../secret.mako", "..\\secret.mako", "a\\b.mako", "//secret.mako", ""]
NAMES += ["t.mako\0", "\0", "a//t.mako", "a/..", "..", ".", "/", "t.mako/", "t.mako\n", "C:\\t.mako", "~/t.mako"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", ["", ".mako", ".html"])
def test_a_name_that_leads_elsewhere_is_refused(folder: Path, name: str, suffix: str) -> None:
    (folder.parent / "secret.mako").write_text("secret")
    (folder.parent / "secret.html").write_text("secret")
    templates = write(folder, t="t", a__b="b")
    with pytest.raises(TemplateError):
        templates.get(name.removesuffix(".mako") + suffix if suffix else name)


@pytest.mark.parametrize(
    "name", ["../secret.mako", "/../secret.mako", "a/../../secret.mako", "..\\secret.mako", "//x.mako"]
)
@pytest.mark.parametrize(
    "text",
    [
        "<%include file='${name}'/>",
        "<%inherit file='${context[\"name\"]}'/>",
        "<%namespace name='n' file='${context[\"name\"]}'/>${n.body()}",
        "${local.get_template(name).render()}",
        "<% local.include_file(name) %>",
        "${local.get_namespace(name).body()}",
    ],
)
def test_a_computed_name_cannot_lead_outside(folder: Path, name: str, text: str) -> None:
    (folder.parent / "secret.mako").write_text("secret")
    templates = write(folder, t=text, x="x")
    with pytest.raises(TemplateError):
        rendered(templates, "t.mako", name=name)
    if "inherit" not in text:
        assert rendered(templates, "t.mako", name="x.mako") == "x"


def test_a_link_that_leads_outside_is_refused(folder: Path) -> None:
    secret = folder.parent / "secret"
    secret.mkdir()
    for suffix in ("mako", "html"):
        (secret / f"s.{suffix}").write_text("secret")
        (folder / f"file.{suffix}").symlink_to(secret / f"s.{suffix}")
        (folder / f"in.{suffix}").symlink_to(folder / f"t.{suffix}")
        (folder / f"t.{suffix}").write_text("t")
    (folder / "folder").symlink_to(secret)
    (folder / "i.mako").write_text("<%include file='folder/s.mako'/>")
    (folder / "i.html").write_text("{% include 'folder/s.html' %}")
    templates = Templates([folder])
    for name in ("file.mako", "file.html", "folder/s.mako", "folder/s.html"):
        with pytest.raises(TemplateError, match="outside"):
            templates.get(name)
    for name in ("i.mako", "i.html"):
        with pytest.raises(TemplateError, match="outside"):
            rendered(templates, name)
    assert [rendered(templates, "in.mako"), rendered(templates, "in.html")] == ["t", "t"]


def test_a_suffix_that_says_no_engine_is_refused(folder: Path) -> None:
    (folder / "t.txt").write_text("t")
    with pytest.raises(TemplateError, match=r"which engine.*\.mako.*\.html"):
        Templates([folder]).get("t.txt")


# ----------------------------------------------------------------------------------------------------------- given Mako


def test_a_given_lookup_keeps_its_settings(folder: Path, tmp_path: Path) -> None:
    from mako.lookup import TemplateLookup

    (folder / "t.html").write_text("@@${x}|${quote('a b')}|<%include file='/mem.mako'/>")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "p.mako").write_text("<%include file='/t.html'/>")
    lookup = TemplateLookup(
        [str(folder)],
        imports=["from urllib.parse import quote"],
        preprocessor=lambda text: text.replace("@@", "pre:"),
        module_directory=str(tmp_path / "modules"),
    )
    lookup.put_string("/mem.mako", "mem")
    templates = Templates([tmp_path / "pages"], lookup)
    assert rendered(templates, "t.html", x="<") == "pre:&lt;|a%20b|mem"
    assert rendered(templates, "p.mako", x="<") == "pre:&lt;|a%20b|mem"
    plain = TemplateLookup([str(folder)], default_filters=["str"], imports=["from urllib.parse import quote"])
    plain.put_string("/mem.mako", "mem")
    assert rendered(Templates([], plain), "t.html", x="<") == "@@<|a%20b|mem"


def test_what_is_no_engine_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"builtins\.dict.*TemplateLookup.*jinja2\.Environment"):
        Templates([], {})


# --------------------------------------------------------------------------------------------------------------- Jinja2


def test_jinja_templates_of_the_folder_escape_include_and_wait(folder: Path) -> None:
    (folder / "base.html").write_text("<main>{% block body %}{% endblock %}</main>")
    (folder / "t.html").write_text(
        "{% extends 'base.html' %}{% block body %}{{ x }}{{ m }}{{ page.url.pathname }} {{ await_(later) }} "
        "{{ coro() }}{% if nothing %}{% endif %}{% endblock %}"
    )

    async def later() -> str:
        await asyncio.sleep(0)
        return "<later>"

    values = {"x": "<", "m": Markup("<b>"), "later": later(), "coro": later}
    answer = ask(render(Templates([folder]).get("t.html"), Page.for_test("/here"), values), "/")
    assert answer.text == "<main>&lt;<b>/here &lt;later&gt; &lt;later&gt;</main>"


def test_errors_of_jinja_name_file_and_line(folder: Path) -> None:
    (folder / "t.html").write_text("a\n{% if %}\n")
    (folder / "r.html").write_text("a\n{{ 1 / 0 }}\n")
    templates = Templates([folder])
    with pytest.raises(TemplateError) as caught:
        templates.get("t.html")
    assert (caught.value.file, caught.value.line) == (str(folder / "t.html"), 2)
    assert ">    2 | {% if %}" in str(caught.value)
    with pytest.raises(ZeroDivisionError) as failed:
        rendered(templates, "r.html")
    assert lines_of(failed.value, folder / "r.html")[-1][0] == 2
    with pytest.raises(TemplateError, match=r"no template 'none\.html'"):
        templates.get("none.html")


def test_template_response_needs_no_change_and_finds_the_page(folder: Path) -> None:
    (folder / "t.html").write_text(
        "{{ page.url.pathname }} {{ request.url.path }} {{ url_for('home').path }} {{ extra }}"
    )
    (folder / "own.html").write_text("{{ page }}")
    given = Jinja2Templates(directory=folder, context_processors=[lambda request: {"extra": request.method}])

    async def home(request: Request) -> Any:
        if "own" in request.query_params:
            return given.TemplateResponse(request, "own.html", {"page": 3})
        if "render" in request.query_params:
            return Page.of(request).render("t.html")
        return given.TemplateResponse(request, "t.html")

    app = OnDemand(Starlette(routes=[Route("/x", home, name="home")]), templates=given, snapshots=False)
    assert ask(app, "/x").text == "/x /x /x GET"
    assert ask(app, "/x?render").text == "/x /x /x GET"
    assert ask(app, "/x?own").text == "3"


def test_a_global_of_the_users_is_not_overwritten(folder: Path) -> None:
    import jinja2

    (folder / "t.html").write_text("{{ page }}")
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(folder), bytecode_cache=Cache())
    environment.globals["page"] = "mine"
    templates = Templates([], environment)
    assert environment.get_template("t.html").render() == "mine"
    assert rendered(templates, "t.html").startswith("&lt;Page") is False  # their environment escapes nothing
    assert environment.get_template("t.html").render() == "mine"
    assert not environment.is_async


class Cache:
    """A cache of compiled templates, as jinja2 wants it: shared by name, whatever the environment."""

    def __new__(cls) -> Any:
        import jinja2

        class InMemory(jinja2.BytecodeCache):
            def __init__(self) -> None:
                self.kept: dict[str, bytes] = {}

            def load_bytecode(self, bucket: Any) -> None:
                if bucket.key in self.kept:
                    bucket.bytecode_from_string(self.kept[bucket.key])

            def dump_bytecode(self, bucket: Any) -> None:
                self.kept[bucket.key] = bucket.bytecode_to_string()

        return InMemory()


def test_templates_that_were_compiled_beforehand_stream_too(folder: Path, tmp_path: Path) -> None:
    import jinja2

    (folder / "t.html").write_text("a{{ await_(later) }}c")
    jinja2.Environment(loader=jinja2.FileSystemLoader(folder)).compile_templates(tmp_path / "c", zip=None)
    environment = jinja2.Environment(loader=jinja2.ModuleLoader(tmp_path / "c"))

    async def later() -> str:
        await asyncio.sleep(0.001)
        return "b"

    answer = ask(render(Templates([], environment).get("t.html"), Page.for_test(), {"later": later()}), "/")
    assert [message["body"] for message in answer.messages[1:]] == [b"a", b"bc"]


WITHOUT = """
import sys
for name in ("jinja2", "starlette"):
    sys.modules[name] = None
from pathlib import Path
from ondemand import Page
from ondemand.errors import TemplateError
from ondemand.rendering import render
from ondemand.templates import Templates
templates = Templates([Path(sys.argv[1])])
print(render(templates.get("t.mako"), Page.for_test(), {}).body)
try:
    templates.get("t.html")
except TemplateError as error:
    print(error)
"""


def test_jinja_and_starlette_are_optional(folder: Path) -> None:
    write(folder, t="t")
    (folder / "t.html").write_text("t")
    run = subprocess.run([sys.executable, "-c", WITHOUT, str(folder)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["b't'", "A template of Jinja2 needs Jinja2: pip install jinja2."]


def test_a_name_that_jinja_was_not_given_fails_where_it_is_written(folder: Path) -> None:
    (folder / "t.html").write_text("{% if nothing %}{% endif %}{{ misspelt }}")
    with pytest.raises(Exception, match="'misspelt' is undefined"):
        ask(render(Templates([folder]).get("t.html"), Page.for_test("/"), {}), "/")


def test_mako_templates_may_lie_beside_those_of_a_given_environment(folder: Path) -> None:
    (folder / "a.mako").write_text("mako")
    (folder / "a.html").write_text("jinja")
    templates = Templates([], Jinja2Templates(folder))
    for name, text in (("a.mako", "mako"), ("a.html", "jinja")):
        assert ask(render(templates.get(name), Page.for_test("/"), {"request": None}), "/").text == text
