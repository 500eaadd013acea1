"""static-paths: a site of one marked route, built with `ondemand.build`, whose `paths` are those of the JavaScript source."""

from __future__ import annotations

import html
import json
import math
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from ondemand import BuildError, OnDemand, Page, Response, build, current_page, prerender
from ondemand.pagination import Paginated
from tests.conformance import javascript
from tests.conformance.decisions import Area, Decision, Waiting
from tests.conformance.javascript import UNDEFINED, Date, Function, Generated, Promise
from tests.conformance.meanings import of_astro, of_ours
from tests.conformance.values import Unreadable
from tests.conformance.vectors.pagination import page_prop, pattern_of

__all__ = ["AREAS"]

Given = Mapping[str, Any]

# --- the route --------------------------------------------------------------------------------------------------------

MISFIT = "params do not fit"

SETTINGS = {"output": "output", "base": "base", "trailingSlash": "trailing_slash", "site": "site"}
"""Astro's name of a setting -> ours."""


def route_of(file: str) -> tuple[str, bool]:
    """The pattern of a file below src/pages, and whether it is a page (or an endpoint)."""
    stem, _, suffix = file.rpartition(".")
    names = re.findall(r"\[(?:\.\.\.)?([^\[\]]*)\]", stem)
    rest_alone = all(re.fullmatch(r"\[\.\.\.\w+\]", part) for part in stem.split("/") if "[..." in part)
    balanced = re.fullmatch(r"(?:[^\[\]]|\[[^\[\]]*\])*", stem) is not None
    if (
        not balanced
        or "][" in stem
        or not all(map(str.isidentifier, names))
        or len(set(names)) < len(names)
        or not rest_alone
    ):
        raise Waiting("page files")
    segments = stem.split("/")
    if segments[-1] == "index":
        segments.pop()
    return pattern_of("/" + "/".join(segments)), suffix not in {"ts", "js"}


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    known = {SETTINGS[name]: value for name, value in config.items() if name in SETTINGS}
    if "format" in (config.get("build") or {}):
        known["build_format"] = config["build"]["format"]
    if unknown := set(config) - set(SETTINGS) - {"build"}:
        raise Unreadable(f"no setting is called {', '.join(sorted(unknown))} here")
    return known


# --- the paths --------------------------------------------------------------------------------------------------------


class Astro(javascript.Global):
    """The page global: its members are those of our page."""

    def get(self, name: str) -> Any:
        return getattr(current_page(), re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name))


def exported(given: Given) -> Any:
    """The value of getStaticPaths, as JavaScript has it; UNDEFINED where there is none."""
    source = given["get_static_paths"]
    return UNDEFINED if source is None else javascript.run(source, {"Astro": Astro()}).get("getStaticPaths", UNDEFINED)


def to_paths(value: Any, rest: Sequence[str]) -> Any:
    """getStaticPaths as our `paths=`: a function of the same kind, or a value. rest: the names of rest parameters."""
    if not isinstance(value, Function):
        return to_entries(value, rest)

    def call(context: Any) -> Any:
        route = re.sub(
            r"\{(\w+)(:path)?\}", lambda name: f"[{'...' if name[2] else ''}{name[1]}]", context.route_pattern
        )
        return value({"paginate": Function(to_paginate(context)), "routePattern": route})

    def plain(context: Any) -> Any:
        given = call(context)
        return wait(given) if isinstance(given, Promise) else to_entries(given, rest)

    async def wait(given: Any) -> Any:
        return to_entries(javascript.awaited(given), rest)

    async def waiting(context: Any) -> Any:
        return await wait(call(context))

    def generator(context: Any) -> Iterator[Any]:
        yield from to_entries(call(context).values, rest)

    async def async_generator(context: Any) -> AsyncIterator[Any]:
        for one in to_entries(call(context).values, rest):
            yield one

    if value.is_generator:
        return async_generator if value.is_async else generator
    return waiting if value.is_async else plain


def to_paginate(context: Any) -> Callable[..., Any]:
    def paginate(items: Any, options: Any = None) -> list[Any]:
        given = {"page_size" if name == "pageSize" else name: one for name, one in (options or {}).items()}
        found = context.paginate(items, **{name: one for name, one in given.items() if one is not UNDEFINED})
        return [{"params": dict(one.params), "props": dict(one.props)} for one in found]

    return paginate


def to_entries(value: Any, rest: Sequence[str]) -> Any:
    """What getStaticPaths gave, as a `paths` function of Python's would write it."""
    if isinstance(value, Generated):
        return iter(to_entries(value.values, rest))
    if isinstance(value, javascript.Set):
        return tuple(to_entry(one, rest) for one in value)
    if isinstance(value, list):
        return [to_entry(one, rest) for one in value]
    return None if value is UNDEFINED else value


def to_entry(entry: Any, rest: Sequence[str]) -> Any:
    """Props stay what they are, since they are given by reference."""
    if not isinstance(entry, dict) or isinstance(entry, javascript.Map):
        return to_entries(entry, rest)
    found = {name: one for name, one in entry.items() if one is not UNDEFINED}
    if isinstance(found.get("params"), dict):
        found["params"] = {
            # a name that is undefined is left out in Python; a rest parameter is None
            name: None if one is UNDEFINED else one.moment if isinstance(one, Date) else one
            for name, one in found["params"].items()
            if one is not UNDEFINED or name in rest
        }
    return found


# --- the build --------------------------------------------------------------------------------------------------------


def run(given: Given) -> dict[str, Any]:
    return answer(given, exported(given))


def answer(given: Given, value: Any) -> dict[str, Any]:
    """What a build makes of a value of getStaticPaths."""
    pattern, is_page = route_of(given["file"])

    async def shown(request: Request) -> Response:
        said = json.dumps(seen(Page.of(request)))
        if is_page:
            return Response(f"<!DOCTYPE html><pre>{html.escape(said)}</pre>")
        return Response(said, headers={"content-type": "text/plain; charset=utf-8"})

    rest = re.findall(r"\{(\w+):path\}", pattern)
    mark = prerender(True) if value is UNDEFINED else prerender(True, paths=to_paths(value, rest))
    with tempfile.TemporaryDirectory() as folder:
        app = Starlette(routes=[Route(pattern, mark(shown))])
        app.add_middleware(OnDemand, dist=folder, **settings_of(given.get("config") or {}))
        try:
            report = build(app)
        except BuildError as error:
            report = error.report
            failing = next(finding for finding in report.findings if finding.policy == "fail")
            meaning = of_ours(f"{failing.kind}: {failing.message}")
            # to Astro, params that are empty are no params at all
            return {"error": "an entry has no params" if meaning == MISFIT and has_empty_params(value) else meaning}
        return {"written": list(written(Path(folder, str(report.generation), "site")))}


def seen(page: Page) -> dict[str, Any]:
    """What a page sees, as JSON writes it."""
    params = {name: value for name, value in page.params.items() if value is not None}
    return {"params": params, "props": stringified(dict(page.props))}


def stringified(value: Any) -> Any:
    """`JSON.parse(JSON.stringify(value))`."""
    if isinstance(value, Paginated):
        shaped = page_prop(value)
        return {**shaped, "url": {name: url for name, url in shaped["url"].items() if url is not None}}
    if isinstance(value, Date):
        return value.iso
    if isinstance(value, javascript.Set | javascript.Map):
        return {}
    if isinstance(value, dict):
        return {name: stringified(one) for name, one in value.items() if not is_unwritten(one)}
    if isinstance(value, list):
        return [None if is_unwritten(one) else stringified(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def is_unwritten(value: Any) -> bool:
    return value is UNDEFINED or isinstance(value, Function | javascript.Symbol)


def written(folder: Path) -> Iterator[dict[str, Any]]:
    """Each file and what its page saw; those for hosts that send packed files are left out."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.suffix not in {".gz", ".br", ".zst"}:
            text = file.read_text()
            found = re.search("<pre>(.*)</pre>", text, re.DOTALL)
            said = json.loads(html.unescape(found[1]) if found else text)
            yield {"file": file.relative_to(folder).as_posix(), **said}


def plain(expected: Mapping[str, Any]) -> dict[str, Any]:
    if "error" in expected:
        return {"error": of_astro(expected["error"])}
    return {"written": sorted(expected["written"], key=lambda one: Path(one["file"]))}


def has_empty_params(value: Any) -> bool:
    entries = value if isinstance(value, list) else called(value)
    return isinstance(entries, list) and any(isinstance(one, dict) and one.get("params") == {} for one in entries)


# --- decisions --------------------------------------------------------------------------------------------------------


def entries_of(given: Given) -> Any:
    """What getStaticPaths gives, without a site around it."""
    return called(exported(given))


def called(value: Any) -> Any:
    nothing = {"paginate": Function(lambda *_: []), "routePattern": ""}
    return javascript.awaited(value(nothing)) if isinstance(value, Function) else value


def can_be_iterated(given: Given, expected: Any, got: Any) -> Any:
    if expected.get("error") not in {"paths are no list", "paths are no function"}:
        return None
    entries = entries_of(given)
    if not isinstance(entries, list | Generated):
        return None
    return answer(given, Function(lambda *_: javascript.items(entries)))


def all_params(given: Given) -> list[dict[str, Any]]:
    """The params of every entry that has some."""
    entries = entries_of(given)
    entries = javascript.items(entries) if isinstance(entries, list | Generated) else []
    return [one["params"] for one in entries if isinstance(one, dict) and isinstance(one.get("params"), dict)]


def params_fit(given: Given, expected: Any, got: Any) -> Any:
    names = set(re.findall(r"\{(\w+)", route_of(given["file"])[0]))
    params = all_params(given) if "written" in expected else []
    return {"error": MISFIT} if any(set(one) - names for one in params) else None


def is_portable(given: Given, expected: Any, got: Any) -> Any:
    texts = [str(value) for one in (all_params(given) if "written" in expected else []) for value in one.values()]
    odd = r"""[<>:"|?*]|[. ](?:/|$)|(?:^|/)(?i:con|prn|aux|nul|com\d|lpt\d)(?:[./]|$)"""
    return {"error": "a name is not portable"} if any(re.search(odd, text) for text in texts) else None


def python_values(given: Given, expected: Any, got: Any) -> Any:
    if expected.get("error") != "a param has a wrong type":
        return None
    rest = re.findall(r"\{(\w+):path\}", route_of(given["file"])[0])

    def as_text(entry: Any) -> Any:
        params = {}
        for name, value in entry["params"].items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            params[name] = javascript.text(value) if is_number else "" if value is None and name in rest else value
        return {**entry, "params": params}

    entries = [as_text(one) for one in javascript.items(entries_of(given))]
    return answer(given, Function(lambda *_: entries))


DECISIONS = [
    Decision(
        "paths are whatever can be iterated",
        "A list, a set, a generator, or a function that gives one (DESIGN.md section 3.1).",
        can_be_iterated,
    ),
    Decision(
        "params fit their route",
        "A name that the route does not have is a fault of the build, since it is most often misspelt (README.md, params).",
        params_fit,
    ),
    Decision(
        "names of files are portable",
        "A path that is no file name on Windows is a fault of the build (README.md, name).",
        is_portable,
        ahead=True,
    ),
    Decision(
        "numbers and None are params",
        "A number is its text (StaticPath: text or number), and None leaves a rest parameter out.",
        python_values,
        ahead=True,
    ),
]

AREAS = {"static-paths": Area(run, DECISIONS, plain)}
