"""ondemand.paths: what `paths=` and `props=` of a mark give, at build and at request time."""

from __future__ import annotations

import asyncio
import gc
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route as StarletteRoute

from ondemand import MarkError, OnDemand, Page, ParamError, PathsContext, StaticPath, prerender
from ondemand.paths import Props, entries, params_of, props_of
from ondemand.routing import Route
from tests.asking import ask, ask_async
from tests.conftest import Build

some = settings(max_examples=150, deadline=None, derandomize=True)

CONTEXT = PathsContext("the app", {"db": "open"}, "/blog/{slug}")


def entry(slug: object, **props: object) -> StaticPath:
    return StaticPath({"slug": slug}, props=props)


def run(work: Awaitable[Any]) -> Any:
    async def limited() -> Any:
        return await asyncio.wait_for(work, 10)

    return asyncio.run(limited())


def given_by(paths: Any, context: PathsContext = CONTEXT) -> list[Any]:
    async def work() -> list[Any]:
        return [one async for one in entries(paths, context)]

    return run(work())


# ----------------------------------------------------------------------------------------------- what `paths` may be

TWO = [entry("a"), entry("b")]


def _function() -> list[StaticPath]:
    return TWO


def _generator() -> Iterator[StaticPath]:
    yield from TWO


async def _async_function() -> list[StaticPath]:
    await asyncio.sleep(0)
    return TWO


async def _async_generator() -> AsyncIterator[StaticPath]:
    for one in TWO:
        await asyncio.sleep(0)
        yield one


async def _gives_a_generator() -> Iterator[StaticPath]:
    return _generator()


async def _gives_an_async_generator() -> AsyncIterator[StaticPath]:
    return _async_generator()


def _with_a_default(size: int = 2, *more: int, **options: int) -> list[StaticPath]:
    return TWO[:size]


class _Iterable:
    def __iter__(self) -> Iterator[StaticPath]:
        return iter(TWO)


class _AsyncIterable:
    def __aiter__(self) -> AsyncIterator[StaticPath]:
        return _async_generator()


class _Callable:
    def __call__(self) -> list[StaticPath]:
        return TWO

    def method(self) -> list[StaticPath]:
        return TWO


@pytest.mark.parametrize(
    "paths",
    [
        *(
            TWO,
            tuple(TWO),
            dict.fromkeys(TWO[:0]) or TWO,
            _Iterable(),
            _AsyncIterable(),
            _Callable(),
            _Callable().method,
        ),
        *(_function, _generator, _async_function, _async_generator, _gives_a_generator, _gives_an_async_generator),
        *(_with_a_default, lambda: iter(TWO), lambda: _AsyncIterable()),
    ],
)
def test_paths_come_from_lists_functions_and_generators(paths: Any) -> None:
    assert given_by(paths) == TWO


def test_a_function_may_take_the_context() -> None:
    seen: list[PathsContext] = []

    def plain(context: PathsContext) -> list[StaticPath]:
        seen.append(context)
        return TWO

    async def waits(context: PathsContext, /) -> list[StaticPath]:
        return plain(context)

    async def yields(context: PathsContext) -> AsyncIterator[StaticPath]:
        for one in plain(context):
            yield one

    class Holder:
        def method(self, context: PathsContext) -> list[StaticPath]:
            return plain(context)

    for paths in (plain, waits, yields, Holder().method, lambda context: plain(context)):
        assert given_by(paths) == TWO
    assert seen == [CONTEXT] * 5
    assert (CONTEXT.app, CONTEXT.state["db"], CONTEXT.route_pattern) == ("the app", "open", "/blog/{slug}")


@pytest.mark.parametrize(
    "paths", [lambda: None, lambda: 3, lambda: "abc", lambda: b"abc", lambda: {"slug": "a"}, lambda: entry("a")]
)
def test_what_is_no_list_of_paths_is_a_type_error(paths: Any) -> None:
    with pytest.raises(TypeError, match="not a list or generator of StaticPath"):
        given_by(paths)


@pytest.mark.parametrize(
    "error", [ValueError("mine"), KeyError("mine"), OSError("mine"), ParamError("mine", pattern="/")]
)
def test_what_the_users_code_raises_comes_through(error: Exception) -> None:
    def at_once() -> Any:
        raise error

    def later() -> Iterator[StaticPath]:
        yield TWO[0]
        raise error

    async def async_later() -> AsyncIterator[StaticPath]:
        yield TWO[0]
        raise error

    for paths in (at_once, later, async_later):
        with pytest.raises(type(error)) as raised:
            given_by(paths)
        assert raised.value is error


def test_others_may_run_while_a_long_list_is_read() -> None:
    async def work() -> int:
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0)

        other = asyncio.ensure_future(beat())
        async for _ in entries([entry("a")] * 1000, CONTEXT):
            pass
        other.cancel()
        return beats

    assert run(work()) > 100


@pytest.mark.parametrize(
    ("one", "params", "props"),
    [
        (StaticPath({"slug": "a"}), {"slug": "a"}, {}),
        (StaticPath({"slug": "a"}, props={"n": 1}), {"slug": "a"}, {"n": 1}),
        ({"params": {"slug": 1}}, {"slug": 1}, {}),
        ({"params": {"slug": "a"}, "props": {"n": 1}, "more": 1}, {"slug": "a"}, {"n": 1}),
        ({"params": {"slug": "a"}, "props": None}, {"slug": "a"}, {}),
        (MappingProxyType({"params": MappingProxyType({"slug": "a"})}), {"slug": "a"}, {}),
    ],
)
def test_an_entry_has_params_and_props(one: Any, params: Mapping[str, Any], props: Mapping[str, Any]) -> None:
    assert params_of(one, Route("/blog/{slug}")) == params
    assert props_of(one) == props


@pytest.mark.parametrize(
    "one",
    [
        None,
        "a",
        1,
        [],
        ["a"],
        {},
        {"slug": "a"},
        {"params": None},
        {"params": "a"},
        {"params": ["a"]},
        StaticPath(None),
    ],  # type: ignore[arg-type]
)
def test_an_entry_without_params_is_a_param_error(one: Any) -> None:
    with pytest.raises(ParamError, match=r"The paths of /blog/\{slug\} gave .*Yield StaticPath") as raised:
        params_of(one, Route("/blog/{slug}"))
    assert raised.value.pattern == "/blog/{slug}"


# --------------------------------------------------------------------------------------------------- props= of a mark


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def props(
    paths: Any = None,
    *,
    pattern: str = "/blog/{slug}",
    clock: Callable[[], float] | None = None,
    asks: Any = None,
    **options: Any,
) -> Props:
    return Props(Route(pattern, paths=paths, props=asks), clock=clock or Clock(), **options)


async def of(source: Props, slug: str, *, closed: bool = False) -> Mapping[str, Any] | None:
    return await source.of(f"/blog/{slug}", {"slug": slug}, CONTEXT, closed=closed)


VALUE = {"n": object()}


async def _awaited(params: Mapping[str, str]) -> Any:
    await asyncio.sleep(0)
    return VALUE


def _awaitable(params: Mapping[str, str]) -> Any:
    return _awaited(params)


@pytest.mark.parametrize("asks", [_awaited, _awaitable, lambda params: VALUE])
def test_props_are_asked_for_each_request_and_handed_on_as_they_are(asks: Any) -> None:
    source = props(TWO, asks=asks)
    assert run(of(source, "a")) is VALUE
    assert run(of(source, "nothing", closed=True)) is VALUE


def test_props_are_asked_for_with_the_params() -> None:
    seen: list[Mapping[str, Any]] = []
    source = props(asks=lambda params: seen.append(params) or {"slug": params["slug"]})
    assert run(of(source, "a")) == {"slug": "a"}
    assert run(of(source, "b")) == {"slug": "b"}
    assert seen == [{"slug": "a"}, {"slug": "b"}]


async def _no_page(params: Mapping[str, str]) -> None:
    return None


@pytest.mark.parametrize("asks", [_no_page, lambda params: None])
def test_no_props_are_no_page(asks: Any) -> None:
    assert run(of(props(asks=asks), "a")) is None
    assert run(of(props(asks=lambda params: {}), "a")) == {}


@pytest.mark.parametrize("value", [1, "text", ["a"], ("a", 1), False, 0, "", object()])
def test_props_that_are_no_mapping_are_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match=r"props of /blog/\{slug\} are .*Return a dict, or None"):
        run(of(props(asks=lambda params: value), "a"))


def test_what_props_raise_comes_through() -> None:
    def fails(params: Mapping[str, str]) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(of(props(asks=fails), "a"))


def test_a_route_without_paths_and_props_has_none() -> None:
    source = Props(Route("/blog/{slug}", prerender=True), clock=Clock())
    assert run(of(source, "a")) == {}
    assert run(of(source, "a", closed=True)) == {}


# ------------------------------------------------------------------------------------------- props of what `paths` gives


class Counted:
    """Paths that count how often they were asked, and how far they were read."""

    def __init__(self, *given_: Any) -> None:
        self.entries = list(given_)
        self.asked = 0
        self.read = 0

    async def __call__(self) -> AsyncIterator[Any]:
        self.asked += 1
        for one in self.entries:
            self.read += 1
            await asyncio.sleep(0)
            yield one


def test_a_path_has_the_props_of_its_entry_by_reference() -> None:
    value = object()
    source = props([entry("a", value=value), {"params": {"slug": "b"}, "props": {"value": 2}}, entry("c")])
    found = run(of(source, "a"))
    assert found is not None
    assert found["value"] is value
    assert run(of(source, "b")) == {"value": 2}
    assert run(of(source, "c")) == {}


def test_a_path_that_is_not_given_has_no_props_or_is_no_page() -> None:
    source = props([entry("a", n=1)])
    assert run(of(source, "z")) == {}
    assert run(of(source, "z", closed=True)) is None
    assert run(of(source, "a", closed=True)) == {"n": 1}
    assert run(of(props([]), "z")) == {}
    assert run(of(props([]), "z", closed=True)) is None


def test_without_any_props_a_closed_route_still_knows_its_paths() -> None:
    paths = Counted(entry("a"), entry("b"))
    source = props(paths)

    async def work() -> None:
        assert await of(source, "a") == {}
        assert await of(source, "z") == {}
        assert await of(source, "z", closed=True) is None
        assert await of(source, "b", closed=True) == {}
        assert paths.asked == 1

    run(work())


def test_paths_are_read_once_while_they_are_fresh() -> None:
    clock, paths = Clock(), Counted(*[entry(slug, n=slug) for slug in "abcde"])
    source = props(paths, clock=clock, fresh=10.0)

    async def work() -> None:
        for slug in "cabedz":
            assert await of(source, slug) == ({"n": slug} if slug != "z" else {})
        assert (paths.asked, paths.read) == (1, 5)
        clock.now += 9.99
        paths.entries[0] = entry("a", n="new")
        assert await of(source, "a") == {"n": "a"}
        assert paths.asked == 1
        clock.now += 0.01
        assert await of(source, "a") == {"n": "new"}
        assert paths.asked == 2
        assert await of(source, "b") == {"n": "b"}
        assert paths.asked == 2

    run(work())


def test_while_a_build_runs_everything_stays_fresh() -> None:
    clock, paths = Clock(), Counted(entry("a", n=1))
    source = props(paths, clock=clock, fresh=math.inf)

    async def work() -> None:
        for _ in range(3):
            assert await of(source, "a") == {"n": 1}
            clock.now += 1e9
        assert paths.asked == 1

    run(work())


def test_paths_that_carry_no_props_are_asked_once() -> None:
    clock, paths = Clock(), Counted(entry("a"), entry("b"))
    source = props(paths, clock=clock, fresh=10.0)

    async def work() -> None:
        for path in ("a", "b", "unknown"):
            assert await of(source, path) == {}
            clock.now += 1e6
        assert paths.asked == 1

    run(work())


def test_what_is_given_later_is_found_later() -> None:
    clock, paths = Clock(), Counted()
    source = props(paths, clock=clock, fresh=10.0)

    async def work() -> None:
        assert await of(source, "a") == {}
        paths.entries[:] = [entry("a", n=1)]
        clock.now += 11
        assert await of(source, "a") == {"n": 1}

    run(work())


def test_what_is_no_longer_given_is_gone_when_it_is_stale() -> None:
    clock, paths = Clock(), Counted(entry("a", n=1), entry("b", n=2))
    source = props(paths, clock=clock, fresh=10.0)

    async def work() -> None:
        assert await of(source, "b", closed=True) == {"n": 2}
        del paths.entries[1]
        assert await of(source, "b", closed=True) == {"n": 2}
        clock.now += 10
        assert await of(source, "b", closed=True) is None
        assert await of(source, "a", closed=True) == {"n": 1}

    run(work())


def test_many_at_once_read_paths_once() -> None:
    paths = Counted(*[entry(f"s{at}", n=at) for at in range(50)])
    source = props(paths)

    async def work() -> None:
        found = await asyncio.gather(*[of(source, f"s{at}") for at in range(50)], of(source, "z"))
        assert found == [*[{"n": at} for at in range(50)], {}]
        assert (paths.asked, paths.read) == (1, 50)

    run(work())


def test_an_entry_that_does_not_fit_is_passed_over() -> None:
    bad = [
        None,
        "a",
        entry("a/b", n=0),
        entry(""),
        StaticPath({}),
        StaticPath({"slug": "x", "other": 1}),
        entry(None),
        entry(["a"]),
    ]
    source = props([*bad, entry("a", n=1), *bad, entry(7, n=7)])
    assert run(of(source, "a", closed=True)) == {"n": 1}
    assert run(of(source, "7", closed=True)) == {"n": 7}
    assert run(of(source, "x", closed=True)) is None


def test_of_two_entries_for_one_path_the_last_holds() -> None:
    source = props([entry("a", n=1), entry("b", n=2), entry("a", n=3)])
    assert run(of(source, "a")) == {"n": 3}
    assert run(of(source, "b")) == {"n": 2}


def test_a_rest_parameter_may_be_empty() -> None:
    source = props(
        [StaticPath({"page": None}, props={"n": 1}), StaticPath({"page": "2"}, props={"n": 2})],
        pattern="/blog/{page:path}",
    )
    assert run(source.of("/blog/", {"page": None}, CONTEXT, closed=False)) == {"n": 1}
    assert run(source.of("/blog/2", {"page": "2"}, CONTEXT, closed=False)) == {"n": 2}


def test_an_error_comes_through_and_is_forgotten() -> None:
    fails, clock = True, Clock()

    async def paths() -> AsyncIterator[StaticPath]:
        yield entry("a", n=1)
        if fails:
            raise OSError("the database is away")
        yield entry("b", n=2)

    source = props(paths, clock=clock, fresh=10.0)

    async def work() -> None:
        nonlocal fails
        for closed in (True, False):
            with pytest.raises(OSError, match="away"):
                await of(source, "b", closed=closed)
        answers = await asyncio.gather(*[of(source, "b") for _ in range(3)], return_exceptions=True)
        assert [type(one) for one in answers] == [OSError] * 3
        fails = False
        assert await of(source, "b", closed=True) == {"n": 2}
        assert await of(source, "a", closed=True) == {"n": 1}
        fails = True
        clock.now += 10
        with pytest.raises(OSError, match="away"):
            await of(source, "b")

    run(work())


def test_who_gives_up_does_not_hold_up_the_others() -> None:
    gate = asyncio.Event()

    async def paths() -> AsyncIterator[StaticPath]:
        await gate.wait()
        yield entry("a", n=1)

    source = props(paths)

    async def work() -> None:
        first = asyncio.ensure_future(of(source, "a"))
        second = asyncio.ensure_future(of(source, "a"))
        for _ in range(5):
            await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.set()
        assert await second == {"n": 1}

    run(work())


def test_a_generator_object_is_refused_or_not_used_up() -> None:
    clock = Clock()
    try:
        source = props((one for one in [entry("a", n=1)]), clock=clock, fresh=10.0)
    except MarkError:
        return
    assert run(of(source, "a", closed=True)) == {"n": 1}
    clock.now += 11
    assert run(of(source, "a", closed=True)) == {"n": 1}


# --- the bound


def test_no_more_is_remembered_than_the_bound_allows() -> None:
    paths = Counted(*[entry(f"s{at}", n=at) for at in range(100)])
    source = props(paths, bound=5)

    async def work() -> None:
        assert await of(source, "s0") == {"n": 0}
        assert paths.read == 5  # as many as are remembered, not all
        for at in range(5):
            assert await of(source, f"s{at}") == {"n": at}
        assert paths.asked == 1
        assert await of(source, "s50") == {"n": 50}
        assert await of(source, "s54") == {"n": 54}
        assert (paths.asked, paths.read) == (2, 5 + 55)
        assert await of(source, "s0") == {"n": 0}
        assert paths.asked == 3
        assert await of(source, "s99") == {"n": 99}
        assert await of(source, "s95") == {"n": 95}
        assert paths.asked == 4
        assert await of(source, "z", closed=True) is None
        assert await of(source, "s98") == {"n": 98}
        assert paths.asked == 4  # all of it was seen: what it does not give is known without another look

    run(work())


@some
@given(
    st.integers(0, 12),
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 14), st.booleans(), st.booleans()), max_size=12),
)
def test_whatever_the_bound_each_path_has_its_props(
    count: int, bound: int, asked: list[tuple[int, bool, bool]]
) -> None:
    clock = Clock()
    source = props([entry(f"s{at}", n=at) for at in range(count)], clock=clock, fresh=10.0, bound=bound)

    async def work() -> None:
        for at, closed, later in asked:
            clock.now += 11 if later else 0
            wanted = {"n": at} if at < count else None if closed else {}
            assert await of(source, f"s{at}", closed=closed) == wanted

    run(work())


def test_a_long_list_is_never_held_whole() -> None:
    alive = 0

    class Value:
        def __init__(self) -> None:
            nonlocal alive
            alive += 1

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def paths() -> Iterator[StaticPath]:
        for at in range(500):
            assert alive < 20
            yield entry(f"s{at}", value=Value())

    source = props(paths, bound=10)
    assert run(of(source, "s499")) is not None
    assert run(of(source, "nothing")) == {}
    gc.collect()
    assert alive <= 10


def test_a_build_remembers_what_it_passes() -> None:
    paths = Counted(*[entry(f"s{at}", n=at) for at in range(20)])
    source = props(paths, fresh=math.inf, bound=5)
    for at in range(20):
        source.remember(f"/blog/s{at}", {"n": at})

    async def work() -> None:
        for at in range(15, 20):
            assert await of(source, f"s{at}") == {"n": at}
        assert paths.asked == 0
        assert await of(source, "s3") == {"n": 3}
        assert paths.asked == 1

    run(work())


def test_a_generator_that_is_not_read_to_its_end_is_closed() -> None:
    closed: list[str] = []

    async def paths() -> AsyncIterator[StaticPath]:
        try:
            for at in range(100):
                yield entry(f"s{at}", n=at)
        finally:
            closed.append("async")

    def plain() -> Iterator[StaticPath]:
        try:
            for at in range(100):
                yield entry(f"s{at}", n=at)
        finally:
            closed.append("plain")

    async def work() -> None:
        for source in (props(paths, bound=2), props(plain, bound=2)):
            assert await of(source, "s0") == {"n": 0}
        assert closed == ["async", "plain"]  # by the task that opened them, before it goes on

    run(work())


# ------------------------------------------------------------------------------------------------------ through a site


def blog(**mark: Any) -> Any:
    @prerender(**mark)
    async def post(request: Any) -> Any:
        page = Page.of(request)
        return PlainTextResponse(f"{page.params['slug']} {dict(page.props)}")

    return Starlette(
        routes=[StarletteRoute("/blog/{slug}", post), StarletteRoute("/other/{slug}", lambda r: PlainTextResponse("x"))]
    )


def test_a_page_has_its_props() -> None:
    app = OnDemand(blog(paths=[entry("a", n=1)]), output="server")
    assert ask(app, "/blog/a").text == "a {'n': 1}"
    assert ask(app, "/blog/z").text == "z {}"
    assert ask(app, "/other/a").text == "x"


def test_a_page_without_props_is_not_found() -> None:
    app = OnDemand(blog(props=lambda params: {"n": params["slug"]} if params["slug"] == "a" else None), output="server")
    assert ask(app, "/blog/a").text == "a {'n': 'a'}"
    assert ask(app, "/blog/z").status == 404


def test_a_closed_route_knows_its_pages() -> None:
    app = OnDemand(blog(paths=[entry("a", n=1)], unknown="404"), output="server")
    assert ask(app, "/blog/a").text == "a {'n': 1}"
    assert ask(app, "/blog/z").status == 404


def test_many_visitors_at_once_have_their_own_props() -> None:
    paths = Counted(*[entry(f"s{at}", n=at) for at in range(20)])
    app = OnDemand(blog(paths=paths), output="server")

    async def work() -> list[str]:
        answers = await asyncio.gather(*[ask_async(app, f"/blog/s{at}") for at in range(20)])
        return [answer.text for answer in answers]

    assert run(work()) == [f"s{at} {{'n': {at}}}" for at in range(20)]
    assert paths.asked == 1


@pytest.mark.parametrize("pattern", ["/blog/{page}", "/blog/{page:path}", "/blog/{page}/"])
@pytest.mark.parametrize("slash", ["ignore", "never", "always"])
def test_the_pages_of_a_paginated_route_link_to_each_other(pattern: str, slash: Any, dist: Path, built: Build) -> None:
    @prerender(paths=lambda context: context.paginate(range(3), 1))
    async def post(request: Any) -> Any:
        found = Page.of(request).props["page"]
        links = [found.url.current, found.url.prev, found.url.next, found.url.first, found.url.last]
        text = "".join(f'<a href="{url}">x</a>' for url in links if url)
        return HTMLResponse(f"<title>{found.current_page}</title>{text}")

    app = OnDemand(Starlette(routes=[StarletteRoute(pattern, post)]), trailing_slash=slash, dist=dist)
    assert [(finding.kind, finding.path) for finding in built(app).findings] == []
    assert len(list(dist.rglob("*.html"))) >= 3
