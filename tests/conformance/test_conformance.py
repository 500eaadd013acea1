"""The recorded cases, area by area, and that the suite itself judges every case."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import javascript
from tests.conformance.__main__ import main
from tests.conformance.cases import DATA, Case, load
from tests.conformance.decisions import QUIRK, Waiting
from tests.conformance.judging import Results, Verdict, judge, run
from tests.conformance.sites.comparing import whole
from tests.conformance.sites.decisions import DECISIONS
from tests.conformance.sites.wire import Reply
from tests.conformance.table import lines
from tests.conformance.values import Unreadable
from tests.conformance.vectors import AREAS
from tests.conformance.vectors.sources import translated

GROUPS = sorted({case.group for case in load(DATA)})


@pytest.fixture(scope="module")
def results() -> Results:
    return run()


@pytest.mark.parametrize("group", GROUPS)
def test_an_area_holds(results: Results, group: str) -> None:
    failing = [
        f"{one.case.id}\n  expected: {one.expected}\n  got: {one.got}" for one in results.of(Verdict.FAILING, group)
    ]
    assert not failing, "\n".join(failing)


def test_every_decision_is_needed(results: Results) -> None:
    assert results.stale == []


def test_every_oddity_that_is_not_followed_has_a_rule(results: Results) -> None:
    assert [one.case.id for one in results.outcomes if QUIRK in one.decisions] == []


def test_only_oddities_and_named_differences_differ(results: Results) -> None:
    different = results.of(Verdict.DIFFERENT)
    assert different
    assert all(decision.because for one in different for decision in one.decisions)


def test_the_counts_add_up_to_the_data(results: Results) -> None:
    vectors = sum(len(json.loads(file.read_text())) for file in DATA.glob("vectors/*.json"))
    requests = sum(len(file.read_text().splitlines()) for file in DATA.glob("sites/*/cases.jsonl"))
    assert (vectors, requests) == (795, 259)
    assert len(results.outcomes) == vectors + requests
    assert sum(len(results.of(verdict)) for verdict in Verdict) == vectors + requests
    total = next(line for line in lines(results) if line.startswith("all "))
    assert [int(cell) for cell in total.split()[1:]] == [
        vectors + requests,
        *(len(results.of(verdict)) for verdict in Verdict),
    ]


# --- data that nobody has seen


def vector(area: str, given: Any, expected: Any, **more: Any) -> dict[str, Any]:
    return {"id": f"{area}/unseen/{len(str(given))}", "area": area, "input": given, "expected": expected, **more}


def request(path: str, response: Any, *pages: str, **more: Any) -> dict[str, Any]:
    asked = {"method": "GET", "path": path, **more.pop("asked", {})}
    case = {"id": f"server/unseen{path}", "area": "unseen", "site_pages": [f"src/pages/{page}" for page in pages]}
    return {**case, "requests": [asked], "responses": [response], **more}


UNSEEN = {
    "cookies-parse": [
        vector("cookies-parse", {"header": "a=%41", "key": "a", "decode": "none"}, {"has": True, "get": None}),
        vector("cookies-parse", {"header": "a=1", "key": "a", "decode": "rot13"}, {"has": True, "get": None}),
        vector("cookies-parse", {}, {}),
        {"id": 5, "area": "cookies-parse"},
        "no case",
    ],
    "cookies-set": [
        vector("cookies-set", {"ops": [{"op": "steal", "key": "a"}]}, {"results": [], "set_cookie": []}),
        vector("cookies-set", {"ops": [{"op": "set", "key": 5, "value": {"$number": "seven"}}]}, {"error": {"op": 0}}),
        vector("cookies-set", {"ops": []}, {"results": [], "set_cookie": []}),
    ],
    "locale": [vector("locale", {"accept_language": "fr;q=0.1.2,,*", "locales": [{}, 5]}, {"preferred": None})],
    "paginate": [
        vector("paginate", {"route": "/[page", "items": -3}, {"pages": []}),
        vector(
            "paginate", {"route": "/[page]", "items": 3, "args": {"pageSize": "2", "format": "rot13"}}, {"pages": []}
        ),
    ],
    "redirect": [
        vector("redirect", {"in": "page", "path": {}, "status": [], "method": "BREW"}, {"status": 302}),
        vector("redirect", {"in": "nowhere", "path": "/"}, {"status": 302, "location": "/", "body": ""}),
        vector("redirect", {"in": "page", "path": "/日本"}, {"status": 500, "location": None, "body": ""}),
    ],
    "check-origin": [
        vector("check-origin", {"method": "POST", "to": "moon", "headers": {}}, {"allowed": True, "status": 200}),
        vector(
            "check-origin",
            {"method": "POST", "to": "page", "headers": {"x": "é"}, "security": {"csp": True}},
            {"allowed": True, "status": 200},
        ),
    ],
    "static-paths": [
        vector("static-paths", {"file": "[slug].astro", "get_static_paths": "class X {"}, {"written": []}),
        vector(
            "static-paths", {"file": "[slug].astro", "get_static_paths": None, "config": {"vite": {}}}, {"written": []}
        ),
        vector("static-paths", {"file": "[a]b][.astro", "get_static_paths": None}, {"written": []}),
        vector(
            "static-paths",
            {"file": "[slug].astro", "get_static_paths": "function getStaticPaths() { throw new Error('x'); }"},
            {"error": {"name": "Error", "title": None, "message": "x"}},
        ),
    ],
    "routing": [
        vector("routing", {"files": ["index.vue"], "config": {}, "path": "/"}, {"outcome": "not-found"}),
        vector("routing", {"files": ["[a.astro"], "config": {}, "path": "/"}, {"outcome": "not-found"}),
        vector("routing", {"files": [], "config": {"base": "x"}, "path": "\0"}, {"outcome": "bad-request"}),
        vector("routing", {"files": ["../x.astro"], "config": {"vite": {}}, "path": "/"}, {"outcome": "not-found"}),
        vector("routing", {"files": 5, "config": [], "path": None}, {}),
    ],
    "build-output": [
        vector("build-output", {"file": "a.astro", "kind": "page-on-mars", "config": {}}, {"written": []}),
        vector("build-output", {"file": "[a].astro", "kind": "page", "static_paths": 7, "config": {}}, {"written": []}),
        vector("build-output", {"redirect": {"from": "/a"}, "config": {}}, {"written": []}),
    ],
    "build-errors": [
        vector("build-errors", {"files": {"src/pages/a.astro": "---\nclass A {}\n---\n"}}, {"written": []}),
        vector("build-errors", {"files": {"src/pages/a.astro": "<p class={x}></p>"}}, {"written": []}),
        vector("build-errors", {"files": {"../a.astro": "<p>{{</p>"}}, {"written": []}),
        vector("build-errors", {"files": {"src/middleware.ts": "export const onRequest = 1;"}}, {"written": []}),
        vector("build-errors", {"files": {"src/pages/a.ts": "export const GET = 1;"}, "config": None}, {}),
    ],
    "unheard-of": [vector("unheard-of", {"a": 1}, {"b": 2})],
}
UNSEEN_REQUESTS = [
    request("/cookies/overwrite", {"status": 500, "headers": {}, "body": "no"}, "cookies/overwrite.ts"),
    request("/cookies/overwrite", {"status": "two hundred", "headers": 5}, "cookies/overwrite.ts"),
    request("/unseen", {"status": 200, "headers": {}, "body": ""}, "unseen.astro"),
    request("/session/unseen", {"status": 200, "headers": {}, "body": ""}, "session/unseen.ts"),
    request("\r\n\r\n", {"status": 400, "headers": {}, "body": ""}, "cookies/overwrite.ts"),
    request("/cookies/overwrite", None, "cookies/overwrite.ts", quirk=True),
    request("/cookies/overwrite", {"status": 200, "headers": {}}, "cookies/overwrite.ts", asked={"body_base64": "?"}),
]


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """Cases that this suite was not written for."""
    (tmp_path / "vectors").mkdir()
    for area, entries in UNSEEN.items():
        (tmp_path / "vectors" / f"{area}.json").write_text(json.dumps(entries))
    (tmp_path / "vectors" / "locale-broken.json").write_text('[{"id": "locale-broken/half')
    (tmp_path / "vectors" / "object.json").write_text("{}")
    for site in ("server", "mars"):
        (tmp_path / "sites" / site).mkdir(parents=True)
        text = "\n".join(json.dumps(one) for one in UNSEEN_REQUESTS)
        (tmp_path / "sites" / site / "cases.jsonl").write_text(f'{text}\n{{"id": "half\n\n[]\n')
    return tmp_path


def test_every_case_of_strange_data_has_a_class(strange: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(strange)
    cases = sum(len(entries) for entries in UNSEEN.values()) + 2 + 2 * (len(UNSEEN_REQUESTS) + 2)
    assert len(found.outcomes) == cases
    counts = Counter(one.verdict for one in found.outcomes)
    assert sum(counts.values()) == cases
    assert set(counts) == set(Verdict)
    waits = {one.waits_for for one in found.of(Verdict.WAITING)}
    pages = {"the pages of sites/mars", "the pages of sites/server"}
    assert waits == {"a runner for the area unheard-of", "a translation of src/middleware.ts", "sessions", *pages}
    assert main(["--conformance", str(strange), "-v"]) == 1
    assert (
        f"all {cases}".split()
        == next(line for line in capsys.readouterr().out.splitlines() if line.startswith("all ")).split()[:2]
    )


def test_a_folder_of_its_own_with_good_cases_passes(tmp_path: Path) -> None:
    (tmp_path / "vectors").mkdir()
    shutil.copy(DATA / "vectors" / "locale.json", tmp_path / "vectors")
    assert main(["--conformance", str(tmp_path)]) == 0


def test_an_empty_folder_has_no_cases(tmp_path: Path) -> None:
    assert main(["--conformance", str(tmp_path)]) == 0
    with pytest.raises(SystemExit):
        main(["--conformance", str(tmp_path / "missing")])


def test_areas_and_ids_choose_cases() -> None:
    assert {one.case.group for one in run(area="locale").outcomes} == {"locale"}
    assert [one.case.id for one in run(text="locale/plain/no-match").outcomes] == ["locale/plain/no-match"]


def test_a_case_that_differs_without_a_decision_fails() -> None:
    given = {"accept_language": "fr", "locales": ["en", "fr"]}
    case = Case("x", "locale", data=vector("locale", given, {"preferred": "en", "preferred_list": ["en"]}))
    assert judge(case).verdict is Verdict.FAILING


def test_a_decision_that_is_not_needed_any_more_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if we did as Astro does: no case is different, and the decisions about them are named."""
    entries = json.loads((DATA / "vectors" / "locale.json").read_text())
    zero = next(one for one in entries if one["id"] == "locale/q/only-zero")
    (tmp_path / "vectors").mkdir()
    (tmp_path / "vectors" / "locale.json").write_text(json.dumps([zero]))
    assert run(tmp_path).failed is False
    monkeypatch.setitem(AREAS, "locale", replace(AREAS["locale"], run=lambda given: zero["expected"]))
    found = run(tmp_path)
    assert found.stale == ["q=0 excludes a locale"]
    assert found.failed


# --- decisions for which the data has no case


ONE_PATH = "function getStaticPaths() { return [{ params: { %s } }]; }"
WRONG_TYPE = {"error": {"name": "GetStaticPathsInvalidRouteParam", "title": "", "message": ""}}


@pytest.mark.parametrize(
    ("area", "given", "expected", "name"),
    [
        (
            "cookies-parse",
            {"header": "a=", "key": "a"},
            {"has": True, "get": None},
            "has() is get() is not None",
        ),
        (
            "static-paths",
            {"file": "[slug].astro", "get_static_paths": ONE_PATH % "slug: 1.5"},
            WRONG_TYPE,
            "numbers and None are params",
        ),
        (
            "static-paths",
            {"file": "[...slug].astro", "get_static_paths": ONE_PATH % "slug: null"},
            WRONG_TYPE,
            "numbers and None are params",
        ),
        (
            "static-paths",
            {"file": "[slug].astro", "get_static_paths": ONE_PATH % "slug: 'a?b'"},
            {"written": [{"file": "a%3Fb/index.html", "params": {"slug": "a%3Fb"}, "props": {}}]},
            "names of files are portable",
        ),
        (
            "cookies-set",
            {"header": "a=", "ops": [{"op": "has", "key": "a"}, {"op": "get", "key": "a"}]},
            {"results": [True, None], "set_cookie": []},
            "has() is get() is not None",
        ),
        (
            "cookies-set",
            {"ops": [{"op": "delete", "key": "__Host-a", "options": {"path": "/", "sameSite": "lax"}}]},
            {
                "results": [None],
                "set_cookie": ["__Host-a=deleted; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax"],
            },
            "deleting keeps what a prefix needs",
        ),
        (
            "check-origin",
            {
                "method": "POST",
                "to": "endpoint",
                "headers": {"host": "evil.example"},
                "security": {"allowedDomains": [{"hostname": "shop.example"}]},
            },
            {"allowed": True, "status": 200},
            "Host checked",
        ),
        (
            "build-output",
            {"file": "a.json.ts", "kind": "endpoint-post-only", "config": {}},
            {"written": [{"file": "a.json", "default_404_page": True}]},
            "an endpoint without GET is on demand",
        ),
        (
            "paginate",
            {"route": "/[page]", "items": 0, "args": {"params": {"tag": "a"}}},
            {"pages": []},
            "params fit their route",
        ),
    ],
)
def test_a_decision_ahead_of_the_data(area: str, given: Any, expected: Any, name: str) -> None:
    outcome = judge(Case("ahead", area, data=vector(area, given, expected)))
    assert outcome.verdict is Verdict.DIFFERENT, outcome
    assert [decision.name for decision in outcome.decisions] == [name]


def test_cookies_of_a_failing_page_may_be_sent() -> None:
    decision = next(one for one in DECISIONS if one.name == "cookies survive an exception")
    want = whole({"status": 500, "headers": {}, "body": ""})
    reply = Reply(500, {"set-cookie": ["a=1"]}, b"")
    assert decision.expect({}, want, reply)["headers"]["set-cookie"] == ["a=1"]
    assert decision.expect({}, want, Reply(500, {}, b"")) is None


# --- the sources


def test_a_page_is_translated() -> None:
    """Its code, its text and what it is made of."""
    source = (
        "---\nimport Box from '../parts/Box.astro';\nconst n = Astro.params.n;\n---\n<p>{n ?? `{${1}}`}</p>\n<Box />\n"
    )
    files = translated({"src/pages/[n].astro": source, "src/parts/Box.astro": "<i>box</i>\n"})
    assert files.keys() == {"pages/[n].mako", "templates/parts/Box.mako"}
    module, _, markup = files["pages/[n].mako"].partition("%>")
    assert markup == '<!DOCTYPE html><p>${script.shown(0, scope, await_)}</p>\n<%include file="/parts/Box.mako"/>'
    assert "frontmatter = script.frontmatter" in module
    assert "prerender" not in module
    assert files["templates/parts/Box.mako"] == "<i>box</i>"


def test_what_is_undefined_is_no_name_of_the_module() -> None:
    text = translated(
        {"src/pages/a.ts": "export const prerender = undefined; export const GET = () => 1; const POST = 2;"}
    )
    assert re.findall(r"^(\w+) = ", text["pages/a.py"], re.MULTILINE) == ["script", "GET"]


@pytest.mark.parametrize("markup", ["<p>{1</p>", "<p class={1}>", "<Box />", "<slot />", "<% x %>", "% for x in y:"])
def test_a_template_that_is_not_read_is_said_so(markup: str) -> None:
    with pytest.raises(Unreadable, match="cannot translate this template"):
        translated({"src/pages/a.astro": markup})


@pytest.mark.parametrize(
    ("file", "source", "what"),
    [
        ("src/pages/a.astro", "<Box server:defer />", "islands"),
        ("src/pages/a.astro", "---\nconst v = await Astro.session?.get('a');\n---\n", "sessions"),
        ("src/middleware.ts", "", "a translation of src/middleware.ts"),
    ],
)
def test_what_we_do_not_have_is_waited_for(file: str, source: str, what: str) -> None:
    with pytest.raises(Waiting, match=what):
        translated({file: source})


# --- the JavaScript


def test_a_module_runs_what_it_exports_once_and_the_rest_for_each_page() -> None:
    module = javascript.Module(
        "const prerender: boolean | undefined = false as const;\nexport { prerender };\n"
        "export const half = (n: number) => n / 2;\npage.count = page.count + 1;\nif (page.count > 1) return half(4);",
        {},
    )
    assert module.exports["prerender"] is False
    page = {"count": 0}
    assert [module.run({"page": page})[1] for _ in range(2)] == [None, 2]
    assert page == {"count": 2}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("const f = () => [1, 'a', \"b\", `c${1 + 1}`, null, true];", [1, "a", "b", "c2", None, True]),
        ("function f() { const { a, ...rest } = { a: 1, b: 2, c: 3 }; return [a, rest]; }", [1, {"b": 2, "c": 3}]),
        ("const f = () => [[1], [2, [3]]].flat().map((x, i) => String(x) + i)", ["10", "21", "32"]),
        ("const f = () => Array.from({ length: 2 }, (_, i) => ({ [`k${i}`]: i }))", [{"k0": 0}, {"k1": 1}]),
        ("function f() { for (const [k, v] of Object.entries({ a: 1 })) { if (v === 1) return k; } }", "a"),
        ("const f = (a = 2, ...more) => a > 1 && !more.length ? 'yes' : 'no'", "yes"),
        ("const f = () => [...new Set([1, 1, 2])].filter((x) => x % 2 === 0).join('-')", "2"),
    ],
)
def test_javascript_is_read(source: str, value: Any) -> None:
    assert javascript.run(source, {})["f"]() == value


@pytest.mark.parametrize("source", ["class A {}", "let a = 1; a = 2;", "const f = () => /x/;", "f(", "`${", "\0"])
def test_javascript_that_is_not_read_is_said_so(source: str) -> None:
    with pytest.raises(Unreadable, match="cannot read this JavaScript"):
        javascript.run(source, {})
