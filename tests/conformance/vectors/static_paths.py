"""static-paths: a site of one dynamic page, built with `ondemand.build`, whose paths are those of the JavaScript source.

It is built twice: as a marked route of an app, and as a page file. Both must come to the same.
"""

from __future__ import annotations

import html
import json
import math
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from ondemand import BuildError, OnDemand, Page, Response, build, prerender
from ondemand.pagination import Paginated
from tests.conformance import javascript
from tests.conformance.decisions import Area, Decision
from tests.conformance.javascript import UNDEFINED, Date, Function, Generated
from tests.conformance.meanings import of_astro, of_ours
from tests.conformance.values import same
from tests.conformance.vectors.entries import Astro, to_paths
from tests.conformance.vectors.page_files import built, our_name, settings_of, written
from tests.conformance.vectors.pagination import page_prop, pattern_of
from tests.conformance.vectors.sources import block, module

__all__ = ["AREAS", "seen"]

Given = Mapping[str, Any]

MISFIT = "params do not fit"


def route_of(file: str) -> tuple[str, bool]:
    """The pattern of a file below src/pages, and whether it is a page (or an endpoint)."""
    stem, _, suffix = file.rpartition(".")
    segments = stem.split("/")
    if segments[-1] == "index":
        segments.pop()
    return pattern_of("/" + "/".join(segments)), suffix not in {"ts", "js"}


def is_plain(file: str) -> bool:
    """True for the name of a file that a route of an app can stand for."""
    stem = file.rpartition(".")[0]
    names = re.findall(r"\[(?:\.\.\.)?([^\[\]]*)\]", stem)
    rest_alone = all(re.fullmatch(r"\[\.\.\.\w+\]", part) for part in stem.split("/") if "[..." in part)
    balanced = re.fullmatch(r"(?:[^\[\]]|\[[^\[\]]*\])*", stem) is not None
    named = all(map(str.isidentifier, names)) and len(set(names)) == len(names)
    return balanced and named and rest_alone and "][" not in stem


# --- the paths ----------------------------------------------------------------------------------------------------------


def exported(given: Given) -> Any:
    """The value of getStaticPaths, as JavaScript has it; UNDEFINED where there is none."""
    source = given["get_static_paths"]
    return UNDEFINED if source is None else javascript.run(source, {"Astro": Astro()}).get("getStaticPaths", UNDEFINED)


# --- the build --------------------------------------------------------------------------------------------------------


def run(given: Given) -> dict[str, Any]:
    value = exported(given)
    as_file = answer_of_file(given, value)
    if not is_plain(given["file"]):
        return as_file
    as_route = answer(given, value)
    return as_route if same(as_route, as_file) else {"as a route": as_route, "as a page file": as_file}


def answer_of_file(given: Given, value: Any) -> dict[str, Any]:
    """What a build makes of the page file."""
    file = given["file"]
    name = our_name(file)
    code = "" if given["get_static_paths"] is None else f"export {given['get_static_paths']}"
    lines = ["import json", "from tests.conformance.vectors.static_paths import seen", *module(file, code, [], "/")]
    text = block(lines)
    if name.endswith(".py"):
        text = f"{text}\n\ndef GET(page):\n    return json.dumps(seen(page))\n"
    else:
        text = f"<%!\n{text}\n%><!DOCTYPE html><pre>${{json.dumps(seen(page))}}</pre>"

    def read(path: str, content: bytes) -> dict[str, Any]:
        return {"file": path, **told(content)}

    found = built({f"pages/{name}": text}, settings_of(given.get("config") or {}), read)
    return {"error": meant(found["error"], value)} if "error" in found else found


def told(content: bytes) -> dict[str, Any]:
    """What a page wrote."""
    text = content.decode()
    found = re.search("<pre>(.*)</pre>", text, re.DOTALL)
    return json.loads(html.unescape(found[1]) if found else text)


def meant(meaning: str, value: Any) -> str:
    """To Astro, params that are empty are no params at all."""
    return "an entry has no params" if meaning == MISFIT and has_empty_params(value) else meaning


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
            return {"error": meant(of_ours(f"{failing.kind}: {failing.message}"), value)}
        site = Path(folder, str(report.generation), "site")
        return {"written": [{"file": name, **told(content)} for name, content in written(site)]}


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


def one_name_each(given: Given, expected: Any, got: Any) -> Any:
    names = re.findall(r"\[(?:\.\.\.)?(\w+)\]", given["file"])
    return {"error": "a file name is wrong: the same name twice"} if len(set(names)) < len(names) else None


def folder_of_endpoint(given: Given, expected: Any, got: Any) -> Any:
    """Where the empty param is its only one. As a route of an app its path ends in a slash, which no file name does."""
    if expected.get("error") != "an endpoint has the path of a folder":
        return None
    entries = javascript.items(entries_of(given))
    if len(entries) != 1:
        return None
    name = re.sub(r"/?\[\.\.\.\w+\]$", "", given["file"].rpartition(".")[0])
    file = {"file": name, "params": {}, "props": stringified(entries[0].get("props", {}))}
    return {"as a route": expected, "as a page file": {"written": [file]}}


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
        "a parameter has a name of its own",
        "A file name with one name twice is refused at start.",
        one_name_each,
    ),
    Decision(
        "an endpoint may have the name of its folder",
        "As long as nothing is written below it; else the two collide, and the build fails.",
        folder_of_endpoint,
    ),
    Decision(
        "numbers and None are params",
        "A number is its text (StaticPath: text or number), and None leaves a rest parameter out.",
        python_values,
        ahead=True,
    ),
]

AREAS = {"static-paths": Area(run, DECISIONS, plain)}
