"""Every case of `cases.jsonl`: each passes, or does not apply, with the reason in `decisions.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.faults.building import run_build
from tests.security.asking import CHECKS, Asked, Talk, breaches, faults, is_alive, judge, same_origin
from tests.security.building import KINDS, ONLY, made
from tests.security.building import judge as judge_build
from tests.security.calls import CALLS
from tests.security.cases import Case, load
from tests.security.conftest import table
from tests.security.decisions import POLICIES, absent
from tests.security.faults import FAULTS
from tests.security.procedures import PROCEDURES
from tests.security.reference import make, trap
from tests.servers.running import running
from tests.servers.wire import Answer

Note = Callable[[str, object], None]

CASES = {case.id: case for case in load()}


def cases(run: str) -> Any:
    """Those of a kind that apply, each with its id."""
    chosen = [case for case in CASES.values() if case.run == run and absent(case) is None]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.id)


def note(case: Case, record_property: Note) -> None:
    """What the table says of the case, if it passes."""
    record_property("security area", case.area)
    if case.id in POLICIES:
        record_property("does not apply", POLICIES[case.id].because)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference site, built, with traps in what is published too."""
    folder = make(tmp_path_factory.mktemp("security") / "project")
    ended = run_build(folder)
    assert ended.code == 0, ended
    trap(folder / "dist" / "000001" / "site")
    return folder


@pytest.fixture(scope="module")
def talk(project: Path) -> Iterator[Talk]:
    """The reference site on uvicorn, with its snapshots."""
    with running("uvicorn", project) as server:
        yield Talk(server)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talk]:
    """The reference site without a build: everything is rendered, and the public folder is served as it is."""
    with running("uvicorn", make(tmp_path_factory.mktemp("live") / "project")) as server:
        yield Talk(server)


@cases("http")
def test_a_request(case: Case, talk: Talk, project: Path, record_property: Note) -> None:
    note(case, record_property)
    if "proc" in case.row:
        said = case.row["proc"]
        PROCEDURES[said["name"]](talk, project / "dist" / "000001" / "site", said.get("args", {}))
    elif case.id in POLICIES:
        asked = talk.ask(case.steps[0].asked)
        assert faults(case, talk), "this passes by now: it is no difference any more"
        assert not breaches(asked)
        assert all(judge(said, asked, talk) for said in POLICIES[case.id].instead)
    else:
        assert not (found := faults(case, talk)), "\n".join(found)
    assert is_alive(talk)


WITHOUT_A_BUILD = [
    *("traversal", "symlink", "files", "names", "redirect", "host-header", "guard", "cache-deception", "errors"),
    *("form-post", "body", "cookies"),
]


@pytest.mark.parametrize("area", WITHOUT_A_BUILD)
def test_so_it_is_without_a_build(area: str, live: Talk) -> None:
    chosen = [one for one in CASES.values() if one.area == area and one.steps and absent(one) is None]
    found = {one.id: faults(one, live) for one in chosen if one.id not in POLICIES}
    assert found
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert is_alive(live)


@cases("build")
def test_a_build(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Note) -> None:
    note(case, record_property)
    if case.row["build"]["kind"] == "fault":
        FAULTS[case.id](tmp_path, monkeypatch)
        return
    for kind in KINDS:
        if ONLY.get(case.id, kind) != kind:
            continue
        with made(case, kind, tmp_path / kind) as built:
            wrong = [said for said in case.must if not judge_build(said, built)]
            if case.id in POLICIES:
                assert wrong, "this passes by now: it is no difference any more"
                wrong = [said for said in POLICIES[case.id].instead if not judge_build(said, built)]
            assert not wrong, (kind, built.report.findings)


@cases("api")
def test_a_call(case: Case, tmp_path: Path, record_property: Note) -> None:
    note(case, record_property)
    CALLS[case.id](tmp_path)


@pytest.mark.parametrize("case", [case for case in CASES.values() if absent(case)], ids=lambda case: case.id)
def test_a_case_that_does_not_apply(case: Case, record_property: Note) -> None:
    missing = absent(case)
    assert missing is not None
    record_property("security area", case.area)
    record_property("does not apply", missing.because)
    assert not missing.is_there(), (
        f"This is there by now, and its cases are due; they are not applicable since {missing.because}."
    )


# --- the suite itself


def test_every_case_is_here_once_and_everything_here_has_a_case() -> None:
    assert len(load()) == len(CASES) == 281
    assert {case.run for case in CASES.values() if absent(case) is None} == {"http", "build", "api"}
    assert set(FAULTS) == {case.id for case in CASES.values() if case.row.get("build", {}).get("kind") == "fault"}
    assert set(CALLS) == {case.id for case in CASES.values() if case.run == "api" and absent(case) is None}
    assert set(PROCEDURES) == {case.row["proc"]["name"] for case in CASES.values() if "proc" in case.row}
    assert set(SAID) == {*CHECKS, "any"}
    assert set(POLICIES) <= set(CASES)
    assert set(ONLY) <= set(CASES)


def test_the_table_counts_what_ended_how() -> None:
    ended = [("a", "passed"), ("a", "FAILED"), ("b", "no wings"), ("b", "passed"), ("b", "no wings")]
    assert table(ended) == [
        "area                passed  not applicable",
        "a                        1               0   FAILED: 1",
        "b                        1               2",
        "all                      2               2   FAILED: 1",
        "not applicable:",
        "    2 no wings",
    ]


HOST = "shop.example"


@pytest.mark.parametrize("location", ["/a", "a", "?q", "/a//b", "http://shop.example/a", "/http://evil.example", ""])
def test_where_a_browser_stays(location: str) -> None:
    assert same_origin(location, HOST)


@pytest.mark.parametrize(
    "location",
    [
        *(
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            " //evil.example",
            "\x01//evil.example",
        ),
        *(
            "http://evil.example",
            "HTTPS:evil.example",
            "https:/evil.example/shop.example",
            "javascript:alert(1)",
            "data:,x",
        ),
        *("http://shop.example.evil.example", "http://shop.example@evil.example/", "//shop.example:8080/"),
    ],
)
def test_where_a_browser_leaves(location: str) -> None:
    assert not same_origin(location, HOST)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, [], b"<pre>Traceback (most recent call last):"),
        Answer(206, [], b"..root:x:0:0:.."),
        Answer(302, [("x-injected", "1")]),
        Answer(200, [("set-cookie", "injected=1")]),
    ],
)
def test_what_no_answer_may_do_is_seen(answer: Answer) -> None:
    assert breaches(Asked(answer, 0.0))
    assert not breaches(Asked(Answer(404), 0.0))
    assert breaches(Asked(Answer(404), 0.0, in_time=False))


SAID = {
    "status_in": ([404], [200]),
    "header_absent": ("etag", "location"),
    "header_present": ("location", "etag"),
    "header_eq": (["location", "/a"], ["location", "/"]),
    "header_has": (["location", "/A"], ["location", "b"]),
    "header_re": (["location", "^/a$"], ["location", "^a"]),
    "body_has": ("AL", "al"),
    "body_eq": ("ALICE", "ALI"),
    "body_len": (5, 4),
    "body_len_max": (5, 4),
    "complete": (False, True),
    "location_same_origin": (True, False),
    "latency_ratio_max": (2, 0.5),
    "if_body_has_then_header_re": (["BOB", "vary", "x"], ["ALICE", "vary", "x"]),
    "set_cookie_re": ("^sid=", "^id="),
    "set_cookie_max": (1, 0),
    "any": ([{"status_in": [200]}, {"status_in": [404]}], [{"status_in": [200]}]),
}


@pytest.mark.parametrize("name", SAID)
def test_what_holds_and_what_does_not(name: str) -> None:
    asked = Asked(Answer(404, [("location", "/a"), ("set-cookie", "sid=1")], b"ALICE"), seconds=1.0)
    talk = cast("Talk", SimpleNamespace(known={}, host=HOST, usually=lambda path: 1.0))
    holds, fails = SAID[name]
    assert judge({name: holds}, asked, talk)
    assert not judge({name: fails}, asked, talk)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_build_does_that_it_may_not_is_seen(kind: str, tmp_path: Path) -> None:
    with made(CASES["write-ext"], kind, tmp_path) as built:
        assert all(judge_build(said, built) for said in built.case.must)
        assert not judge_build({"outcome_in": ["refused"]}, built)
        assert not judge_build({"error_names_route_and_value": True}, built)
        assert not judge_build({"served_at_encoded_url": {"body_has": "OTHER"}}, built)
        assert not judge_build({"must_not_body_has": "MARK"}, built)
        assert not judge_build({"nowhere_on_disk": "MARK"}, built)
        (tmp_path / "project" / "below" / "pwned").write_text("")
        assert not judge_build({"no_write_outside": True}, built)
