"""ondemand.filenames: which path a page file stands for, which of several routes comes first."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ondemand.errors import ConfigError, ParamError
from ondemand.filenames import PagePattern, comes_before, is_private, pattern_of_file


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("index.mako", "/"),
        ("about.mako", "/about"),
        ("blog/index.mako", "/blog"),
        ("index/index.mako", "/index"),
        ("blog/[slug].mako", "/blog/{slug}"),
        ("docs/[...path].mako", "/docs/{path:path}"),
        ("[...rest].mako", "/{rest:path}"),
        ("post-[id]-v[n].mako", "/post-{id}-v{n}"),
        ("[lang]/about.mako", "/{lang}/about"),
        ("v1.2.mako", "/v1.2"),
        ("a b & é.md", "/a b & é"),
        ("what?.mako", "/what?"),
        ("feed.xml.py", "/feed.xml"),
        ("index.json.py", "/index.json"),
        ("api/index.py", "/api"),
        ("files/[...path].json.py", "/files/{path:path}.json"),
        (".well-known/security.txt.py", "/.well-known/security.txt"),
        ("cafe\u0301.mako", "/caf\u00e9"),
    ],
)
def test_a_file_name_is_a_path(file: str, pattern: str) -> None:
    assert pattern_of_file(file) == pattern


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("[a.mako", "brackets that do not match"),
        ("a].mako", "brackets that do not match"),
        ("[[a]].mako", "brackets that do not match"),
        ("x/[a/b].mako", "brackets that do not match"),
        ("[].mako", "a parameter named ''"),
        ("[a-b].mako", "a parameter named 'a-b'"),
        ("[1a].mako", "a parameter named '1a'"),
        ("[.a].mako", "a parameter named"),
        ("[é].mako", "a parameter named"),
        ("[a][b].mako", "side by side"),
        ("x[...a].mako", "beside other text"),
        ("[a]/[a].mako", "'a' twice"),
        ("{x}.mako", "holds the character '{'"),
        ("a\\b.mako", "holds the character"),
        ("a\nb.mako", "holds the character"),
        (".mako", "no name before its suffix"),
        ("x/.md", "no name before its suffix"),
    ],
)
def test_a_bad_file_name_is_refused_by_name(file: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        pattern_of_file(file)
    assert words in str(refused.value)
    assert repr(file) in str(refused.value)


@given(st.text(alphabet="ab[].{}_-/\\é \n", max_size=20))
def test_any_name_is_a_pattern_or_refused(name: str) -> None:
    try:
        text = pattern_of_file(f"{name}.mako")
    except ConfigError:
        return
    PagePattern(text)


@pytest.mark.parametrize(
    ("name", "private"),
    [("_draft.mako", True), (".hidden", True), (".well-known", False), ("a_b", False), ("__pycache__", True)],
)
def test_private_names(name: str, private: bool) -> None:
    assert is_private(name) is private


@pytest.mark.parametrize(
    ("pattern", "path", "params"),
    [
        ("/", "/", {}),
        ("/about", "/about", {}),
        ("/about", "/about/", {}),
        ("/about", "/about//", None),
        ("/blog/{slug}", "/blog/a b", {"slug": "a b"}),
        ("/blog/{slug}", "/blog/", None),
        ("/blog/{slug}", "/blog/a/b", None),
        ("/docs/{path:path}", "/docs", {"path": ""}),
        ("/docs/{path:path}", "/docs/", {"path": ""}),
        ("/docs/{path:path}", "/docs/a/b/", {"path": "a/b"}),
        ("/docs/{path:path}", "/docsx", None),
        ("/{rest:path}", "/", {"rest": ""}),
        ("/p/{a}-{b}", "/p/1-2-3", {"a": "1", "b": "2-3"}),
        ("/tree/{a}/{b:path}/{c}", "/tree/1/2", {"a": "1", "b": "", "c": "2"}),
        ("/n/{id:int}", "/n/12", {"id": "12"}),
        ("/n/{id:int}", "/n/x", None),
    ],
)
def test_what_a_pattern_matches(pattern: str, path: str, params: dict[str, str] | None) -> None:
    assert PagePattern(pattern).match(path) == params


@pytest.mark.parametrize(
    ("slash", "path", "matches"),
    [
        ("ignore", "/a", True),
        ("ignore", "/a/", True),
        ("always", "/a", False),
        ("always", "/a/", True),
        ("never", "/a", True),
        ("never", "/a/", False),
    ],
)
def test_the_last_slash_counts_as_configured(slash: str, path: str, matches: bool) -> None:
    assert (PagePattern("/{x}", slash).match(path) is not None) is matches  # type: ignore[arg-type]


def test_a_rest_has_no_last_slash_where_there_is_none() -> None:
    pattern = PagePattern("/docs/{path:path}", "never")
    assert [pattern.match(path) is not None for path in ("/docs", "/docs/", "/docs/a", "/docs/a/")] == [
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("slash", ["ignore", "always", "never"])
def test_a_file_never_ends_in_a_slash(slash: str) -> None:
    pattern = PagePattern("/data/{name}.json", slash, is_endpoint=True)  # type: ignore[arg-type]
    assert pattern.match("/data/x.json") == {"name": "x"}
    assert pattern.match("/data/x.json/") is None


@pytest.mark.parametrize(
    ("pattern", "slash", "params", "path"),
    [
        ("/docs/{path:path}", "ignore", {"path": None}, "/docs"),
        ("/docs/{path:path}", "always", {"path": None}, "/docs/"),
        ("/docs/{path:path}", "always", {"path": "a/b"}, "/docs/a/b/"),
        ("/{slug}", "ignore", {"slug": "a"}, "/a"),
        ("/{slug}", "always", {"slug": "a"}, "/a/"),
        ("/{rest:path}", "ignore", {"rest": None}, "/"),
    ],
)
def test_the_path_of_params(pattern: str, slash: str, params: dict[str, object], path: str) -> None:
    assert PagePattern(pattern, slash).fill(params) == path  # type: ignore[arg-type]


def test_params_that_another_request_would_not_give_back_are_refused() -> None:
    with pytest.raises(ParamError):
        PagePattern("/{a}-{b}").fill({"a": "1-2", "b": "3"})


@given(
    st.sampled_from(["/{a}", "/x/{a}", "/{a}/{b}", "/p-{a}", "/{a}.{b}", "/docs/{a:path}", "/{a}/{b:path}"]),
    st.sampled_from(["ignore", "always", "never"]),
    st.text(min_size=1, max_size=8),
    st.text(max_size=8),
)
def test_what_is_filled_in_comes_out_again(text: str, slash: str, a: str, b: str) -> None:
    pattern = PagePattern(text, slash)  # type: ignore[arg-type]
    params: dict[str, object] = {name: {"a": a, "b": b}[name] for name in pattern.names}
    try:
        path = pattern.fill(params)
    except ParamError:
        return
    assert pattern.match(path) == {name: str(value).strip("/") for name, value in params.items()}


def ordered(*texts: str) -> list[str]:
    routes = [
        SimpleNamespace(pattern=PagePattern(text.removesuffix("!")), is_endpoint=text.endswith("!")) for text in texts
    ]
    routes.sort(key=functools.cmp_to_key(comes_before))
    return [route.pattern.text + ("!" if route.is_endpoint else "") for route in routes]


@pytest.mark.parametrize(
    "order",
    [
        ["/about", "/{slug}"],
        ["/game-{x}", "/{x}"],
        ["/{id:int}", "/{name}"],
        ["/{x}", "/{rest:path}"],
        ["/en/{page}", "/{lang}/about"],
        ["/foo", "/foo/{r:path}"],
        ["/foo/bar", "/foo"],
        ["/blog/{id}/edit", "/blog/{id}/{tab}", "/blog/{id}", "/blog/{path:path}"],
        ["/{path:path}.json!", "/{id}"],
        ["/{id}.json!", "/{path:path}.json!"],
        ["/{a:path}/{b:path}", "/{a:path}"],
        ["/x/{a}!", "/x/{b}"],
        ["/x/{a}", "/x/{b}"],
    ],
)
def test_the_order_of_routes(order: list[str]) -> None:
    assert ordered(*order) == order
    assert ordered(*reversed(order)) == order
