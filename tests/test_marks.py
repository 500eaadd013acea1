"""ondemand.marks: what `prerender` takes, where the mark lies, and how a lost one is found."""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Mount, Route

from ondemand import MarkError, PathsContext, StaticPath, prerender
from ondemand.config import Config
from ondemand.marks import ATTRIBUTE, Mark, mark_of, unreached

CONFIG = Config.make({}, root=Path("/nowhere"))


def page() -> Callable[..., Any]:
    """A new page function."""

    def shown(request: Any) -> None:
        """What it shows."""

    return shown


def async_page() -> Callable[..., Any]:
    async def shown(request: Any) -> None:
        """What it shows."""

    return shown


def endpoint_class() -> type[HTTPEndpoint]:
    class Shown(HTTPEndpoint):
        async def get(self, request: Any) -> None:
            """What it shows."""

    return Shown


class Shop:
    def shown(self, request: Any) -> None:
        """A page that is a method."""


class Called:
    def __call__(self, request: Any) -> None:
        """A page that is an object."""


def with_wraps(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


def without_wraps(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


# ------------------------------------------------------------------------------------------------------- what it takes


TARGETS: list[Any] = [
    page,
    async_page,
    endpoint_class,
    Called,
    APIRouter,
    lambda: Mount("/x", routes=[]),
    lambda: functools.partial(page(), 1),
    lambda: FastAPI().router,
]
NAMES = [
    "function",
    "async function",
    "class",
    "callable object",
    "APIRouter",
    "Mount",
    "partial",
    "a router of an app",
]


@pytest.mark.parametrize("make", TARGETS, ids=NAMES)
def test_bare_it_says_true_and_gives_the_same_object_back(make: Any) -> None:
    target = make()
    assert prerender(target) is target
    assert getattr(target, ATTRIBUTE) == Mark(True)


@pytest.mark.parametrize("value", [True, False, "auto"])
@pytest.mark.parametrize("make", TARGETS, ids=NAMES)
def test_called_it_says_the_value_and_gives_the_same_object_back(make: Any, value: Any) -> None:
    target = make()
    assert prerender(value)(target) is target
    assert getattr(target, ATTRIBUTE) == Mark(value)


def test_called_with_nothing_it_says_true() -> None:
    assert mark_of(prerender()(page())) == Mark(True)


def test_a_decorated_function_stays_as_it_was() -> None:
    function = page()
    before = (function.__name__, function.__doc__, function.__code__, function.__defaults__, function.__annotations__)
    prerender(False)(function)
    after = (function.__name__, function.__doc__, function.__code__, function.__defaults__, function.__annotations__)
    assert after == before


def test_a_bound_method_marks_its_function() -> None:
    class Own(Shop):
        def shown(self, request: Any) -> None:
            """Of its own, so that the mark stays here."""

    method = Own().shown
    assert prerender(False)(method) is method
    assert mark_of(Own().shown) == Mark(False)
    assert mark_of(Shop().shown) is None


def test_options_are_kept_as_they_were_given() -> None:
    async def props(params: Any) -> None: ...

    def given() -> Any:
        yield StaticPath({"slug": "x"})

    marked = prerender(paths=given, props=props, unknown="404")(page())
    assert mark_of(marked) == Mark(True, given, props, "404")
    generator = (StaticPath({"slug": str(number)}) for number in range(3))
    made = mark_of(prerender(paths=generator)(page()))
    assert made is not None
    assert made.paths is generator
    assert len(list(generator)) == 3  # nobody has iterated it


async def many() -> Any:
    yield StaticPath({})


def with_context(context: PathsContext) -> list[StaticPath]:
    return []


@pytest.mark.parametrize(
    "paths",
    [[], (), iter([]), many, many(), with_context, list, {StaticPath}, functools.partial(with_context)],
    ids=repr,
)
def test_paths_may_be_anything_that_can_be_iterated_or_called(paths: Any) -> None:
    made = mark_of(prerender(paths=paths)(page()))
    assert made is not None
    assert made.paths is paths


# ----------------------------------------------------------------------------------------------- functions of the config


def by_output(config: Config) -> bool:
    return config.output == "static"


class ByOutput:
    def __call__(self, config: Config) -> bool:
        return config.output == "static"


@pytest.mark.parametrize(
    "asked", [by_output, ByOutput(), lambda config: config.output == "static", lambda c: c.output == "static"]
)
def test_a_function_of_the_config_decides_when_the_config_is_known(asked: Any) -> None:
    function = page()
    assert prerender(asked)(function) is function
    mark = mark_of(function)
    assert mark is not None
    assert mark.resolve(CONFIG) is True
    assert mark.resolve(Config.make({"output": "server"}, root=Path("/nowhere"))) is False


@pytest.mark.parametrize("answer", [None, 1, 0, "static", "", [], "404"])
def test_a_function_that_answers_anything_else_is_named_with_its_answer(answer: Any) -> None:
    mark = mark_of(prerender(lambda config: answer)(page()))
    assert mark is not None
    with pytest.raises(MarkError, match=re.escape(repr(answer))):
        mark.resolve(CONFIG)


def no_parameters() -> None: ...
def of_the_request(request: Any) -> None: ...
def of_a_param(slug: str) -> None: ...
def of_two(config: Any, slug: str) -> None: ...
def of_anything(*args: Any, **kwargs: Any) -> None: ...


@pytest.mark.parametrize(
    "function",
    [
        no_parameters,
        of_the_request,
        of_a_param,
        of_two,
        of_anything,
        lambda request: None,
        lambda page: None,
        lambda a, b: 0,
    ],
)
def test_a_function_that_is_a_page_is_not_taken_for_one_of_the_config(function: Any) -> None:
    own = types.FunctionType(function.__code__, {}, function.__name__)
    assert prerender(own) is own


def test_a_lambda_that_takes_nothing_cannot_be_a_function_of_the_config() -> None:
    nothing: Any = lambda: None  # noqa: E731
    try:
        marked: Any = prerender(nothing)
    except MarkError:
        return
    assert marked is nothing  # a page then; to be asked with the config, it would raise TypeError at start


# ------------------------------------------------------------------------------------------------------ what it refuses


@pytest.mark.parametrize("value", [None, 1, 0, "static", "", "Auto", b"auto", [], {}, 0.5, object(), ["/a"]])
def test_another_value_is_refused_with_what_is_accepted(value: Any) -> None:
    with pytest.raises(MarkError) as caught:
        prerender(value)
    assert repr(value) in str(caught.value)
    assert "True, False, 'auto', or a function of the config" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        ({"paths": 5}, "list of StaticPath or a function"),
        ({"paths": True}, "list of StaticPath or a function"),
        ({"paths": "hello"}, "list of StaticPath"),
        ({"paths": b"hello"}, "list of StaticPath"),
        ({"paths": {"slug": "hello"}}, "list of StaticPath"),
        ({"paths": StaticPath({"slug": "hello"})}, "list of StaticPath"),
        ({"props": {"a": 1}}, "function of the params"),
        ({"props": "a"}, "function of the params"),
        ({"unknown": 404}, "'404' or 'render'"),
        ({"unknown": True}, "'404' or 'render'"),
        ({"unknown": "raise"}, "'404' or 'render'"),
    ],
)
def test_another_option_is_refused_with_what_is_accepted(options: dict[str, Any], accepted: str) -> None:
    with pytest.raises(MarkError) as caught:
        prerender(**options)
    ((name, value),) = options.items()
    assert f"{name}=" in str(caught.value)
    assert repr(value) in str(caught.value)
    assert accepted in str(caught.value)


@pytest.mark.parametrize(
    ("value", "options"),
    [(False, {"paths": []}), (False, {"unknown": "render"}), ("auto", {"unknown": "404"})],
)
def test_options_that_contradict_the_value_are_refused(value: Any, options: dict[str, Any]) -> None:
    with pytest.raises(MarkError):
        prerender(value, **options)


def test_a_page_given_together_with_options_is_refused() -> None:
    with pytest.raises(MarkError):
        prerender(page(), paths=[])  # @prerender(paths=...) was meant: as it stands, nothing would be marked


@pytest.mark.parametrize("target", [None, 5, "page", [page], {"routes": page}], ids=repr)
def test_a_target_that_is_no_page_is_refused(target: Any) -> None:
    with pytest.raises(MarkError, match=re.escape(f"cannot mark {target!r}")):
        prerender(False)(target)


@pytest.mark.parametrize("target", [len, [].append, types.SimpleNamespace], ids=repr)
def test_a_target_that_takes_no_attributes_is_refused(target: Any) -> None:
    if target is types.SimpleNamespace:
        target = type("Slots", (), {"__slots__": (), "__call__": page()})()
    with pytest.raises(MarkError, match="takes no attributes"):
        prerender(target)


@pytest.mark.parametrize("make", TARGETS, ids=NAMES)
@pytest.mark.parametrize("second", [prerender, prerender(True), prerender(False)], ids=["bare", "True", "False"])
def test_a_second_mark_on_the_same_is_refused_by_name(make: Any, second: Any) -> None:
    target = prerender(make())
    with pytest.raises(MarkError, match="marked twice"):
        second(target)
    assert getattr(target, ATTRIBUTE) == Mark(True)


def test_a_second_mark_above_a_decorator_is_refused_with_the_line_of_the_function() -> None:
    function = page()
    marked = with_wraps(prerender(function))
    line = f"{__file__}:{function.__code__.co_firstlineno}"
    with pytest.raises(MarkError, match=re.escape(line)):
        prerender(False)(marked)


def test_a_subclass_may_be_marked_otherwise_than_its_base() -> None:
    base = prerender(endpoint_class())
    derived = prerender(False)(type("Derived", (base,), {}))
    assert mark_of(base) == Mark(True)
    assert mark_of(derived) == Mark(False)


# ------------------------------------------------------------------------------------------------------ how it is found


def through_partial(function: Any) -> Any:
    return functools.partial(function, 1)


def through_two_partials(function: Any) -> Any:
    return functools.partial(functools.partial(with_wraps(function), 1), 2)


def through_a_method(function: Any) -> Any:
    return types.MethodType(function, object())


def through_an_object(function: Any) -> Any:
    return type("Called", (), {"__call__": function})()


def through_update_wrapper(function: Any) -> Any:
    class Wrapper:
        def __call__(self, *args: Any) -> Any:
            return function(*args)

    return functools.update_wrapper(Wrapper(), function)


WAYS = [with_wraps, through_partial, through_two_partials, through_a_method, through_an_object, through_update_wrapper]


@pytest.mark.parametrize("way", [*WAYS, functools.cache, staticmethod], ids=lambda way: way.__name__)
def test_a_mark_below_what_wraps_the_function_is_found_and_counts_as_reached(way: Any) -> None:
    names: dict[str, Any] = {"prerender": prerender, "__name__": f"below_{way.__name__}"}
    exec("@prerender(False)\ndef marked(request): ...\ndef beside(request): ...", names)
    assert lost([names["beside"]]) == ["marked"]
    assert mark_of(way(names["marked"])) == Mark(False)
    assert lost([names["beside"]]) == []


@pytest.mark.parametrize("way", [with_wraps, through_partial, through_update_wrapper, functools.cache])
def test_a_mark_above_what_wraps_the_function_is_found(way: Any) -> None:
    assert mark_of(prerender(False)(way(page()))) == Mark(False)


def test_the_mark_nearest_to_the_route_counts() -> None:
    inner = prerender(True)(page())
    outer = prerender(False)(functools.partial(inner))
    assert mark_of(outer) == Mark(False)


def test_a_class_answers_for_itself_and_unmarked_for_its_get() -> None:
    class ByMethod(HTTPEndpoint):
        @prerender(False)
        async def get(self, request: Any) -> None: ...

    class Both(HTTPEndpoint):
        @prerender(False)
        async def get(self, request: Any) -> None: ...

    class OnlyPost(HTTPEndpoint):
        @prerender(False)
        async def post(self, request: Any) -> None: ...

    assert mark_of(ByMethod) == Mark(False)
    assert mark_of(prerender("auto")(Both)) == Mark("auto")
    assert mark_of(OnlyPost) is None
    assert mark_of(prerender(endpoint_class())) == Mark(True)


def test_nothing_that_is_unmarked_has_a_mark() -> None:
    loop: Any = page()
    loop.__wrapped__ = loop
    for endpoint in (
        page(),
        endpoint_class(),
        Called(),
        Shop().shown,
        functools.partial(page()),
        len,
        None,
        5,
        loop,
    ):
        assert mark_of(endpoint) is None


# ------------------------------------------------------------------------------------------------------------ lost marks


def lost(endpoints: list[Any]) -> list[str]:
    """The names of what `unreached` finds, once the routes of an app with these endpoints were read."""
    for endpoint in endpoints:
        mark_of(endpoint)
    return [place.split(" ")[0].rpartition(".")[2] for place in unreached(endpoints)]


def test_a_mark_lost_behind_a_decorator_without_wraps_is_told_with_its_line() -> None:
    @prerender
    def hidden(request: Any) -> None: ...

    endpoint = without_wraps(hidden)
    assert mark_of(endpoint) is None
    (place,) = unreached([endpoint])
    assert place == f"{hidden.__qualname__} ({__file__}:{hidden.__code__.co_firstlineno})"


def test_a_mark_lost_behind_two_decorators_is_told() -> None:
    @prerender
    def hidden(request: Any) -> None: ...

    assert lost([with_wraps(without_wraps(hidden))]) == ["hidden"]


def test_a_mark_lost_in_another_module_than_the_decorators_is_told() -> None:
    names = {"prerender": prerender, "__name__": "shop_pages"}
    exec("@prerender(False)\ndef basket(request): ...", names)
    assert lost([without_wraps(names["basket"])]) == ["basket"]


def test_a_marked_function_that_was_given_to_no_router_is_told() -> None:
    @prerender
    def forgotten(request: Any) -> None: ...

    def routed(request: Any) -> None: ...

    assert lost([routed]) == ["forgotten"]
    assert forgotten is not None


def test_a_marked_function_of_another_module_or_another_app_is_not_told() -> None:
    names = {"prerender": prerender, "__name__": "another_app"}
    exec("@prerender\ndef theirs(request): ...", names)

    def other_test() -> Callable[..., Any]:
        @prerender
        def local(request: Any) -> None: ...

        return local

    kept = other_test()

    def routed(request: Any) -> None: ...

    assert lost([routed]) == []
    assert kept is not None


def test_what_was_reached_once_is_not_told_to_a_second_app() -> None:
    @prerender
    def shared(request: Any) -> None: ...

    def routed(request: Any) -> None: ...

    assert lost([shared, routed]) == []
    assert lost([routed]) == []


def test_what_nobody_holds_any_more_is_not_told() -> None:
    @prerender
    def gone(request: Any) -> None: ...

    def routed(request: Any) -> None: ...

    del gone
    assert lost([routed]) == []


def test_every_method_of_a_class_that_is_routed_is_reached() -> None:
    class Shown(HTTPEndpoint):
        @prerender(False)
        async def get(self, request: Any) -> None: ...

        @prerender(False)
        async def post(self, request: Any) -> None: ...

    assert lost([Shown]) == []


def test_a_method_that_a_routed_class_inherits_is_reached() -> None:
    class Base(HTTPEndpoint):
        @prerender(False)
        async def get(self, request: Any) -> None: ...

    class Shown(Base):
        async def post(self, request: Any) -> None: ...

    assert mark_of(Shown) == Mark(False)
    assert lost([Shown]) == []


def test_a_routed_subclass_reaches_the_mark_on_its_base() -> None:
    @prerender
    class Base(HTTPEndpoint):
        async def get(self, request: Any) -> None: ...

    class Shown(Base):
        async def post(self, request: Any) -> None: ...

    assert mark_of(Shown) == Mark(True)
    assert lost([Shown]) == []


def test_endpoints_of_any_kind_are_looked_at_without_harm() -> None:
    def closed() -> Any:
        return inner

    inner = None
    with_an_empty_cell = types.FunctionType(closed.__code__, {}, closure=(types.CellType(),))

    def routed(request: Any) -> None: ...

    unhashable: Any = type("Unhashable", (), {"__hash__": None, "__call__": routed})()

    class Shown(HTTPEndpoint): ...

    endpoints = [None, 5, len, object(), functools.partial(routed), with_an_empty_cell, unhashable, Shown]
    assert lost([*endpoints, int, dict.get, type]) == []


def test_a_module_may_hold_several_apps() -> None:
    """What a route of another app runs is not lost, also before that app is read."""

    @prerender
    async def mine(request: Any) -> None: ...

    @prerender
    async def of_the_other(request: Any) -> None: ...

    @prerender
    async def of_a_third(request: Any) -> None: ...

    @prerender
    async def of_nobody(request: Any) -> None: ...

    apps = [Starlette(routes=[Route("/other", of_the_other)]), FastAPI()]
    apps[1].router.add_api_route("/third", of_a_third)
    assert lost([mine]) == ["of_nobody"]
