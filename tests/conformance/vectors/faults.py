"""build-errors: the sources of a case as page files of ours, built with `ondemand.build`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.conformance.decisions import Area, Decision
from tests.conformance.javascript import UNDEFINED, Function
from tests.conformance.meanings import of_astro
from tests.conformance.values import ANY
from tests.conformance.vectors.page_files import SETTINGS, built, settings_of
from tests.conformance.vectors.sources import IMPORT, Script, translated

__all__ = ["AREAS"]

Given = Mapping[str, Any]

LENGTH = 400
"""Characters of a file that a case tells."""


def run(given: Given) -> dict[str, Any]:
    config = given.get("config") or {}
    settings = settings_of(config, passes_unknown=True)
    return built(translated(given["files"], config.get("base", "/")), settings, read)


def read(name: str, content: bytes) -> dict[str, Any]:
    return {"file": name, "text": content.decode()[:LENGTH]}


def plain(expected: Mapping[str, Any]) -> dict[str, Any]:
    if "error" in expected:
        return {"error": of_astro(expected["error"])}
    return {"written": sorted(expected["written"], key=lambda one: one["file"])}


# --- decisions

Rule = Callable[[Given], bool]


def refusing(meaning: str, rule: Rule) -> Callable[[Given, Any, Any], Any]:
    """A decision's rule: where `rule` holds, the site is refused, or its build fails."""
    return lambda given, expected, got: {"error": meaning} if rule(given) else None


def exports(source: str) -> Mapping[str, Any]:
    """What the code of a page or endpoint exports."""
    found = re.match(r"\s*---\n(.*?)^---", source, re.DOTALL | re.MULTILINE)
    code = found[1] if found else "" if source.lstrip().startswith("<") else source
    return Script(IMPORT.sub("", code), [], "/").exports


def mark(source: str) -> Any:
    """The value of `prerender` that a page exports; that which its function gives; UNDEFINED if there is none."""
    value = exports(source).get("prerender", UNDEFINED)
    return value() if isinstance(value, Function) else value


def pages(given: Given) -> dict[str, str]:
    """The page files, by their path without a suffix."""
    return {
        file.removeprefix("src/pages/").rpartition(".")[0]: source
        for file, source in given["files"].items()
        if file.startswith("src/pages/")
    }


def redirects(given: Given) -> Mapping[str, Any]:
    return (given.get("config") or {}).get("redirects") or {}


def destination(target: Any) -> str:
    return str(target["destination"] if isinstance(target, Mapping) else target)


def without_adapter(given: Given, expected: Any, got: Any) -> Any:
    """The pages that are static are written."""
    if expected.get("error") != "there is no adapter":
        return None
    default = (given.get("config") or {}).get("output", "static") == "static"
    static = {path: mark(source) for path, source in pages(given).items()}
    files = sorted(
        page_name(path) for path, value in static.items() if value is True or (value is UNDEFINED and default)
    )
    return {"written": [{"file": file, "text": ANY} for file in files]}


def page_name(path: str) -> str:
    return f"{path}.html" if path in {"index", "404", "500"} else f"{path.removesuffix('/index')}/index.html"


def honoured(given: Given, expected: Any, got: Any) -> Any:
    """Of the pages whose source has the word: those are written that their marks make static."""
    if expected.get("written", ANY) is ANY or given.get("adapter") is None:
        return None
    default = (given.get("config") or {}).get("output", "static") == "static"
    found = {one["file"]: one for one in expected["written"]}
    for path, source in pages(given).items():
        value = mark(source) if "prerender" in source and "[" not in path else None
        name = page_name(path) if source.lstrip().startswith(("<", "---")) else path
        if value is False or (value is UNDEFINED and not default):
            found.pop(name, None)
        elif value is True or value is UNDEFINED:
            found.setdefault(name, {"file": name, "text": ANY})
    return {"written": sorted(found.values(), key=lambda one: one["file"])}


def has_odd_mark(given: Given) -> bool:
    return any(not (value is UNDEFINED or isinstance(value, bool)) for value in map(mark, pages(given).values()))


def escaped(given: Given, expected: Any, got: Any) -> Any:
    if expected.get("written", ANY) is ANY:
        return None
    texts = [one["text"] for one in expected["written"]]
    plain_texts = [text if text is ANY else text.replace("&quot;", "&#34;") for text in texts]
    return {"written": [{**one, "text": text} for one, text in zip(expected["written"], plain_texts, strict=True)]}


def shows_address(given: Given) -> bool:
    texts = " ".join(given["files"].values())
    return (
        "site" not in (given.get("config") or {})
        and re.search(r"\bAstro\.(?:request\.url|url\.href)\b", texts) is not None
    )


def sends_values(given: Given, expected: Any, got: Any) -> Any:
    if expected.get("error") != "what is returned is no answer":
        return None
    files = []
    for path, source in pages(given).items():
        method = exports(source).get("GET")
        value = method() if isinstance(method, Function) else None
        if not isinstance(value, str | dict | list):
            return None
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        files.append({"file": path, "text": text})
    return {"written": sorted(files, key=lambda one: one["file"])}


def is_missing(given: Given) -> bool:
    """A page is a rewrite to a path that no page has."""
    targets = re.findall(r"""\brewrite\((["'])/([^"'?#]*)\1\)""", " ".join(given["files"].values()))
    return any(target not in pages(given) for _, target in targets)


def same_paths(given: Given) -> bool:
    paths = [path.removesuffix("/index") for path in pages(given) if "[" not in path]
    files = [file for file in given["files"] if file.startswith("src/pages/") and "[" not in file]
    stems = [file.rpartition(".")[0].removesuffix("/index") for file in files]
    return len(set(stems)) < len(files) or len(set(paths)) < len(paths)


def is_no_base(given: Given) -> bool:
    base = (given.get("config") or {}).get("base", "/")
    return not base.startswith("/") or bool({".", ".."} & set(base.split("/")))


def has_unknown_setting(given: Given) -> bool:
    return bool(set(given.get("config") or {}) - {*SETTINGS, "build", "redirects", "i18n"})


def first_is_default(given: Given, expected: Any, got: Any) -> Any:
    return {"written": ANY} if expected.get("error") == "a setting is wrong: i18n.locales" else None


def has_odd_status(given: Given) -> bool:
    known = {301, 302, 303, 307, 308}
    return any(isinstance(one, Mapping) and one.get("status", 301) not in known for one in redirects(given).values())


def has_bare_source(given: Given) -> bool:
    return any(not source.startswith("/") for source in redirects(given))


def has_relative_target(given: Given) -> bool:
    return any(not re.match(r"/(?!/)|https?://", destination(target)) for target in redirects(given).values())


def hides_page(given: Given) -> bool:
    return any(source.strip("/") in pages(given) for source in redirects(given))


DECISIONS = [
    Decision(
        "no adapter is needed",
        "A site with pages on demand is an ASGI app, which any server runs.",
        without_adapter,
    ),
    Decision(
        "a mark is the value of its name",
        "However it is written: prerender is a name of the page's module, and no line of its text (ASTRO.md section 16.1).",
        honoured,
    ),
    Decision(
        "a mark is True, False or auto",
        "Anything else is refused instead of being ignored (ASTRO.md section 1.2).",
        refusing("a mark is wrong", has_odd_mark),
    ),
    Decision(
        "quotes are escaped as numbers",
        "MarkupSafe writes &#34; where Astro writes &quot;, which is the same character.",
        escaped,
    ),
    Decision(
        "the address of a build is no part of a page",
        "A page that shows it fails the build, until `site` says where the site will be (DESIGN.md section 4, The proof).",
        refusing("a page shows the address of the build", shows_address),
    ),
    Decision(
        "an endpoint returns what can be sent",
        "A dict is JSON and a text a text (DESIGN.md section 3).",
        sends_values,
    ),
    Decision(
        "a 4xx or 5xx fails the build",
        "Its status would be lost on a host of files (DESIGN.md section 4).",
        refusing("a page fails", is_missing),
    ),
    Decision(
        "a path has one page file",
        "Two files without parameters for one path are refused at start.",
        refusing("two pages have one path", same_paths),
    ),
    Decision(
        "a base is a path",
        "One with dot segments, or without its first slash, is refused at start.",
        refusing("a setting is wrong: base", is_no_base),
    ),
    Decision(
        "an unknown setting is refused",
        "With the name that was probably meant (DESIGN.md section 3.1).",
        refusing("a setting is unknown", has_unknown_setting),
    ),
    Decision(
        "the first locale is the default",
        "It cannot be one that the site does not have.",
        first_is_default,
    ),
    Decision(
        "redirect status validated",
        "301, 302, 303, 307 and 308; 304 is no redirect (DESIGN.md section 4).",
        refusing("a redirect has a wrong status", has_odd_status),
    ),
    Decision(
        "a redirect starts at a path",
        "A source without its first slash is refused at start, as every other pattern.",
        refusing("a pattern has no slash", has_bare_source),
    ),
    Decision(
        "a redirect leads to a path or a URL",
        "A target that is neither would depend on where the visitor is; it is refused at start.",
        refusing("a redirect has a wrong target", has_relative_target),
    ),
    Decision(
        "a redirect hides no page",
        "One with the path of a page file is refused at start (ASTRO.md section 16.1).",
        refusing("a redirect has the path of a page", hides_page),
    ),
]

AREAS = {"build-errors": Area(run, DECISIONS, plain)}
