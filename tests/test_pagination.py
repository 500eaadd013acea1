"""ondemand.pagination: a list in pages (Astro: `paginate`)."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ondemand import ParamError, StaticPath
from ondemand.pagination import PageURLs, Paginated, paginate
from ondemand.paths import PathsContext
from ondemand.routing import Pattern

some = settings(max_examples=300, deadline=None, derandomize=True)


def pages(items: Any, **options: Any) -> list[Paginated[Any]]:
    return [entry.props["page"] for entry in paginate(items, **{"pattern": "/blog/{page}", **options})]  # type: ignore[misc]


def test_a_list_is_cut_into_pages() -> None:
    first, second, third = pages(range(25))
    assert first == Paginated(
        list(range(10)), 0, 9, 10, 25, 1, 3, PageURLs("/blog/1", None, "/blog/2", None, "/blog/3")
    )
    assert second == Paginated(
        list(range(10, 20)), 10, 19, 10, 25, 2, 3, PageURLs("/blog/2", "/blog/1", "/blog/3", "/blog/1", "/blog/3")
    )
    assert third == Paginated(
        list(range(20, 25)), 20, 24, 10, 25, 3, 3, PageURLs("/blog/3", "/blog/2", None, "/blog/1", None)
    )


@pytest.mark.parametrize("pattern", ["/blog/{page}", "/blog/{page:path}", "/{page:int}"])
@pytest.mark.parametrize("size", [1, 10, math.inf, None])
def test_an_empty_list_has_one_page(pattern: str, size: Any) -> None:
    (only,) = pages([], pattern=pattern, page_size=size)
    assert (only.data, only.start, only.end, only.total) == ([], 0, -1, 0)
    assert (only.current_page, only.last_page) == (1, 1)
    assert (only.url.prev, only.url.next, only.url.first, only.url.last) == (None, None, None, None)


@pytest.mark.parametrize("size", [math.inf, None])
def test_all_items_may_stand_on_one_page(size: Any) -> None:
    (only,) = pages(range(1000), page_size=size)
    assert only.data == list(range(1000))
    assert only.size == math.inf
    assert (only.start, only.end, only.last_page) == (0, 999, 1)


@pytest.mark.parametrize(
    ("items", "size", "count"),
    [(10, 10, 1), (11, 10, 2), (9, 10, 1), (20, 10, 2), (1, 1, 1), (3, 1, 3), (5, 10**20, 1)],
)
def test_there_are_as_many_pages_as_are_needed(items: int, size: int, count: int) -> None:
    found = pages(range(items), page_size=size)
    assert len(found) == count
    assert {page.last_page for page in found} == {count}


def test_items_may_come_from_anywhere_and_are_not_touched() -> None:
    items = [object() for _ in range(5)]
    assert [one for page in pages(iter(items), page_size=2) for one in page.data] == items
    assert pages({"a": 1, "b": 2})[0].data == ["a", "b"]
    assert pages(one for one in items)[0].data == items
    assert pages("abc", page_size=2)[1].data == ["c"]


@pytest.mark.parametrize(
    ("pattern", "base", "slash", "urls", "params"),
    [
        ("/blog/{page}", "/", "ignore", ["/blog/1", "/blog/2"], ["1", "2"]),
        ("/blog/{page}", "/", "never", ["/blog/1", "/blog/2"], ["1", "2"]),
        ("/blog/{page}", "/", "always", ["/blog/1/", "/blog/2/"], ["1", "2"]),
        ("/blog/{page}/", "/", "never", ["/blog/1", "/blog/2"], ["1", "2"]),
        ("/blog/{page}", "/docs", "ignore", ["/docs/blog/1", "/docs/blog/2"], ["1", "2"]),
        ("/blog/{page}", "/docs", "always", ["/docs/blog/1/", "/docs/blog/2/"], ["1", "2"]),
        ("/blog/{page:path}", "/", "ignore", ["/blog", "/blog/2"], [None, "2"]),
        ("/blog/{page:path}", "/", "never", ["/blog", "/blog/2"], [None, "2"]),
        ("/blog/{page:path}", "/", "always", ["/blog/", "/blog/2/"], [None, "2"]),
        ("/blog/{page:path}", "/docs", "never", ["/docs/blog", "/docs/blog/2"], [None, "2"]),
        ("/{page:path}", "/", "ignore", ["/", "/2"], [None, "2"]),
        ("/{page:path}", "/", "always", ["/", "/2/"], [None, "2"]),
        ("/{page:path}", "/docs", "always", ["/docs/", "/docs/2/"], [None, "2"]),
        ("/{page:int}", "/", "ignore", ["/1", "/2"], ["1", "2"]),
        ("/p-{page}.html", "/", "ignore", ["/p-1.html", "/p-2.html"], ["1", "2"]),
        ("/blög/{page}", "/", "ignore", ["/bl%C3%B6g/1", "/bl%C3%B6g/2"], ["1", "2"]),
    ],
)
def test_urls_are_spelled_as_the_site_spells_them(
    pattern: str, base: str, slash: str, urls: list[str], params: list[str | None]
) -> None:
    found = paginate(range(2), pattern=pattern, page_size=1, base=base, trailing_slash=slash)
    first, second = (entry.props["page"] for entry in found)
    assert [first.url.current, second.url.current] == urls  # type: ignore[attr-defined]
    assert [first.url.next, first.url.last] == [urls[1]] * 2  # type: ignore[attr-defined]
    assert [second.url.prev, second.url.first] == [urls[0]] * 2  # type: ignore[attr-defined]
    assert [entry.params for entry in found] == [{"page": param} for param in params]


def test_other_params_and_props_go_with_every_page() -> None:
    props = {"tag": object(), "page": "ours wins"}
    found = paginate(range(3), pattern="/{tag}/{page}", page_size=2, params={"tag": "a bü", "page": "9"}, props=props)
    assert [entry.params for entry in found] == [{"tag": "a bü", "page": "1"}, {"tag": "a bü", "page": "2"}]
    assert all(entry.props["tag"] is props["tag"] for entry in found)
    assert [entry.props["page"].url.current for entry in found] == ["/a%20b%C3%BC/1", "/a%20b%C3%BC/2"]  # type: ignore[attr-defined]
    assert props["page"] == "ours wins"


def test_every_url_is_formatted() -> None:
    first, second = pages(range(2), page_size=1, format=lambda url: "https://example.com" + url)
    assert first.url == PageURLs(
        "https://example.com/blog/1", None, "https://example.com/blog/2", None, "https://example.com/blog/2"
    )
    assert second.url.prev == "https://example.com/blog/1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": "/blog"}, "no parameter `page`"),
        ({"pattern": "/blog/{slug}"}, "no parameter `page`"),
        ({"page_size": 0}, "page_size=0"),
        ({"page_size": -1}, "page_size=-1"),
        ({"page_size": -math.inf}, "page_size=-inf"),
        ({"page_size": math.nan}, "page_size=nan"),
        ({"page_size": 2.5}, "page_size=2.5"),
        ({"page_size": True}, "page_size=True"),
        ({"page_size": "10"}, "page_size='10'"),
        ({"pattern": "/{tag}/{page}"}, "'tag'"),
        ({"pattern": "/{tag}/{page}", "params": {"tag": None}}, "'tag'"),
        ({"pattern": "/{tag}/{page}", "params": {"tag": "a/b"}}, "'tag'"),
        ({"pattern": "/{tag}/{page}", "params": {"tag": ""}}, "'tag'"),
        ({"params": {"other": "x"}}, "'other'"),
    ],
)
def test_what_cannot_be_paginated_is_a_param_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ParamError, match="/") as raised:
        pages(range(3), **options)
    assert message in str(raised.value)
    assert raised.value.pattern == options.get("pattern", "/blog/{page}")


@some
@given(
    st.integers(0, 120),
    st.integers(1, 40) | st.none(),
    st.sampled_from(
        ["/blog/{page}", "/blog/{page:path}", "/{page:path}", "/{tag}/{page:int}/", "/{tag}/all/{page:path}"]
    ),
    st.text("aü %?#&.~", min_size=1, max_size=4).filter(lambda tag: tag not in {".", ".."}),
    st.sampled_from(["/", "/docs", "/a b"]),
    st.sampled_from(["ignore", "always", "never"]),
)
@example(0, None, "/{page:path}", "a", "/", "always")
def test_the_pages_hold_the_list_and_lead_to_each_other(
    total: int, size: int | None, text: str, tag: str, base: str, slash: str
) -> None:
    items, pattern = list(range(total)), Pattern(text)
    params = {"tag": tag} if "tag" in pattern.names else {}
    found = paginate(items, pattern=pattern, page_size=size, params=params, base=base, trailing_slash=slash)
    made: list[Paginated[int]] = [entry.props["page"] for entry in found]  # type: ignore[misc]
    assert [item for page in made for item in page.data] == items
    assert [page.current_page for page in made] == list(range(1, len(made) + 1))
    urls = [page.url.current for page in made]
    assert len(set(urls)) == len(urls)
    for at, (entry, page) in enumerate(zip(found, made, strict=True)):
        assert isinstance(entry, StaticPath)
        assert (page.total, page.last_page) == (total, len(made))
        assert items[page.start : page.end + 1] == page.data
        assert page.data or total == 0
        assert size is None or len(page.data) <= size
        assert page.url.prev == (urls[at - 1] if at else None)
        assert page.url.next == (urls[at + 1] if at + 1 < len(urls) else None)
        assert page.url.first == (urls[0] if at else None)
        assert page.url.last == (urls[-1] if at + 1 < len(urls) else None)
        # each address is one, and leads to the params of its page
        assert page.url.current.isascii()
        assert not set(page.url.current) & set('?# "<>')
        path = unquote(page.url.current)
        assert path.startswith(base)
        inside = path[len(base.rstrip("/")) :] or "/"
        matched = [pattern.match(one) for one in (inside, inside.rstrip("/") or "/", inside.rstrip("/") + "/")]
        wanted = {name: value or "" for name, value in entry.params.items()}
        assert wanted in matched
        assert pattern.fill(entry.params).strip("/") == inside.strip("/")
        if inside != "/" and slash != "ignore":
            assert page.url.current.endswith("/") is (slash == "always")


def test_a_context_paginates_its_own_route() -> None:
    context = PathsContext(None, {}, "/docs/{page:path}", "/base", "always")
    first, second = context.paginate(range(3), 2)
    assert (first.params, second.params) == ({"page": None}, {"page": "2"})
    assert second.props["page"].url.prev == "/base/docs/"  # type: ignore[attr-defined]
    with pytest.raises(ParamError):
        PathsContext(None, {}, "/docs/{slug}").paginate([])
