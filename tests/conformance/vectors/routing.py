"""routing: a site of page files that say who they are, rendered on demand, one for each list of files and settings."""

from __future__ import annotations

import atexit
import json
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from ondemand import ConfigError, OnDemand
from tests.conformance.asking import ask
from tests.conformance.decisions import Area, Decision
from tests.conformance.meanings import of_ours
from tests.conformance.vectors.page_files import endpoint, our_name, page, said, settings_of, site

__all__ = ["AREAS"]

Given = Mapping[str, Any]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@cache
def served(files: tuple[str, ...], config: str) -> OnDemand:
    """The site of `files` with the settings `config`, which is JSON. It is asked until the end.

    A page that has the path of a configured redirect is left out: Astro's redirect hides it, and we refuse such a site
    at start, as the area build-errors shows.
    """
    settings = json.loads(config)
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    sources = {
        f"pages/{our_name(file)}": endpoint(file, {}, METHODS) if our_name(file).endswith(".py") else page(file, {})
        for file in files
        if not any(fits(file, source) is not None and "[" not in file for source in settings.get("redirects", ()))
    }
    return site(Path(folder.name), sources, {"output": "server", "snapshots": False, **settings_of(settings)})


def run(given: Given) -> dict[str, Any]:
    try:
        app = served(tuple(given["files"]), json.dumps(given["config"], sort_keys=True))
    except ConfigError as error:
        return {"outcome": "error", "error": of_ours(str(error))}
    answer = ask(app, given["path"], method=given.get("method", "GET"))
    if answer.status == 200:
        return {"outcome": "match", **(said(answer.body.decode()) or {"body": answer.body.decode()})}
    if answer.status in {301, 302, 303, 307, 308}:
        return {"outcome": "redirect", "status": answer.status, "location": answer.header("location")}
    named = {400: "bad-request", 404: "not-found"}
    return (
        {"outcome": named[answer.status]} if answer.status in named else {"outcome": "status", "status": answer.status}
    )


# --- decisions

NOT_FOUND = {"outcome": "not-found"}
SAFE = "/!$&'()*+,;=:@~-._"
BESIDE = re.compile(r"\[(\.\.\.)?(\w+)\]")


def wire(given: Given) -> str:
    """The path as it was sent."""
    return given["path"].partition("?")[0]


def inside(given: Given, path: str) -> str | None:
    """`path` without `base`; None outside."""
    base = given["config"].get("base", "/").rstrip("/")
    if not base:
        return path
    return (path[len(base) :] or "/") if path == base or path.startswith(f"{base}/") else None


def canonical(path: str) -> str:
    """`path` decoded once, an escaped slash included, without empty and dot segments (RFC 3986 section 5.2.4)."""
    found: list[str] = []
    segments = unquote(path).split("/")
    for segment in segments:
        if segment == "..":
            del found[-1:]
        elif segment not in {"", "."}:
            found.append(segment)
    last = "/" if found and segments[-1] in {"", ".", ".."} else ""
    return f"/{'/'.join(found)}{last}"


def encoded(path: str) -> str:
    """A path of `canonical`, as it is sent."""
    return quote(path, safe=f"{SAFE}/")


def fits(file: str, path: str) -> dict[str, str | None] | None:
    """The params that the page file `file` reads from a path that is decoded; None if it is not for this path."""
    stem = file.rpartition(".")[0]
    parts = stem.split("/")
    if any(part.startswith("_") or (part.startswith(".") and part != ".well-known") for part in parts):
        return None
    if parts[-1] == "index":
        parts.pop()
    expression = ""
    for part in parts:
        whole = re.fullmatch(r"\[\.\.\.(\w+)\]", part)
        pieces = BESIDE.split(part)  # text, dots, name, text, dots, name, ...
        inner = "".join(
            f"(?P<{pieces[at + 1]}>{'.*?' if pieces[at] else '[^/]+?'})" if at % 3 == 1 else re.escape(pieces[at])
            for at in range(len(pieces))
            if at % 3 != 2
        )
        expression += f"(?:/(?P<{whole[1]}>.*?))?" if whole else f"/{inner}"
    found = re.fullmatch(f"{expression}/?", path, re.DOTALL)
    if found is None:
        return None
    return {name: value or None for name, value in found.groupdict().items()}


def literal(given: Given, path: str) -> str | None:
    """The page file without parameters that is for a path; endpoints come first."""
    files = sorted(given["files"], key=lambda file: not file.endswith((".ts", ".js")))
    return next((file for file in files if "[" not in file and fits(file, path) is not None), None)


def match(file: str, params: Mapping[str, Any]) -> dict[str, Any]:
    stem = file.rpartition(".")[0]
    route = f"/{stem.removesuffix('index').rstrip('/') if stem.split('/')[-1] == 'index' else stem}"
    return {"outcome": "match", "file": file, "route": route, "params": params}


def decoded_once(given: Given, expected: Any, got: Any) -> Any:
    if "%" not in wire(given) or (path := inside(given, canonical(wire(given)))) is None:
        return None
    if expected["outcome"] == "match":
        params = fits(expected["file"], path)
        return None if params is None else {**expected, "params": params}
    if expected["outcome"] == "redirect":
        return NOT_FOUND if has_redirects(given) and "%2f" in wire(given).lower() else None
    file = literal(given, path)
    return match(file, {}) if expected == NOT_FOUND and file is not None else None


def has_redirects(given: Given) -> bool:
    return bool(given["config"].get("redirects"))


def redirect_of(given: Given, path: str) -> tuple[Any, dict[str, str | None]] | None:
    """What the configured redirect of a path says, and the params; None if there is none."""
    for source, target in given["config"].get("redirects", {}).items():
        if (params := fits(f"{source.strip('/')}.redirect", path)) is not None:
            return target, params
    return None


def own_status(given: Given, expected: Any, got: Any) -> Any:
    found = redirect_of(given, canonical(wire(given))) if expected["outcome"] == "redirect" else None
    status = found[0].get("status") if found and isinstance(found[0], Mapping) else None
    return None if status is None else {**expected, "status": status}


def filled(given: Given, expected: Any, got: Any) -> Any:
    found = redirect_of(given, canonical(wire(given))) if expected["outcome"] == "redirect" else None
    if found is None or not re.match("https?://", expected["location"]):
        return None
    texts = {name: quote(value or "", safe=SAFE) for name, value in found[1].items()}
    location = BESIDE.sub(lambda one: texts.get(one[2], one[0]), expected["location"])
    return {**expected, "location": location}


def is_canonical(given: Given, expected: Any, got: Any) -> Any:
    """Only a redirect between two spellings of one path."""
    if expected["outcome"] != "redirect" or canonical(expected["location"].partition("?")[0]).rstrip("/") != canonical(
        wire(given)
    ).rstrip("/"):
        return None
    path, mark, query = expected["location"].partition("?")
    clean = canonical(path)
    base = given["config"].get("base", "/").rstrip("/")
    if given["config"].get("trailingSlash") == "never" and clean == f"{base}/" != "/":
        clean = base
    return {**expected, "location": f"{encoded(clean)}{mark}{query}"}


def one_spelling(given: Given, expected: Any, got: Any) -> Any:
    path = unquote(wire(given))
    clean = canonical(wire(given))
    if expected["outcome"] != "match" or path == clean or inside(given, clean) is None:
        return None
    if given["config"].get("base") and canonical("/" + path.lstrip("/")) == "/" + path.lstrip("/"):
        return None  # slashes in front of `base` are taken for one
    slash = given["config"].get("trailingSlash")
    clean = clean.rstrip("/") or "/" if slash == "never" else clean
    return {"outcome": "redirect", "status": 301, "location": encoded(clean)}


def base_enforced(given: Given, expected: Any, got: Any) -> Any:
    path = canonical(wire(given))
    within = inside(given, path)
    if within is None:
        return NOT_FOUND
    if within == path or inside(given, within) is None or expected["outcome"] != "match":
        return None
    file = literal(given, within)  # Astro takes the base off twice
    return NOT_FOUND if file is None else match(file, {})


def only_to_pages(given: Given, expected: Any, got: Any) -> Any:
    path = inside(given, canonical(wire(given)))
    if expected["outcome"] != "redirect" or path is None or has_redirects(given):
        return None
    return NOT_FOUND if all(fits(file, path) is None for file in given["files"]) else None


def dotted_pages(given: Given, expected: Any, got: Any) -> Any:
    path = inside(given, canonical(wire(given)))
    always = given["config"].get("trailingSlash") == "always"
    if expected != NOT_FOUND or not always or path is None or path.endswith("/") or "." not in path.rpartition("/")[2]:
        return None
    pages = [file for file in given["files"] if file.endswith((".astro", ".md"))]
    if all(fits(file, path) is None for file in pages):
        return None
    return {"outcome": "redirect", "status": 301, "location": f"{encoded(canonical(wire(given)))}/"}


def no_controls(given: Given, expected: Any, got: Any) -> Any:
    return {"outcome": "bad-request"} if "\0" in unquote(wire(given)) else None


def backslashes(given: Given, expected: Any, got: Any) -> Any:
    path = inside(given, canonical(wire(given)))
    if "\\" not in wire(given) or path is None or expected != NOT_FOUND:
        return None
    found = [(file, params) for file in given["files"] if (params := fits(file, path)) is not None]
    return match(*found[0]) if len(found) == 1 else None


def whole_params(given: Given, expected: Any, got: Any) -> Any:
    if expected["outcome"] != "match" or not wire(given).rstrip("/").endswith(".html"):
        return None
    params = fits(expected["file"], inside(given, canonical(wire(given))) or "")
    return None if params is None else {**expected, "params": params}


DECISIONS = [
    Decision(
        "percent-escapes decoded exactly once",
        "Params and literal names are the path decoded once; Astro decodes again and again, but for ; , / ? : @ & = + $ # "
        "(DESIGN.md section 4).",
        decoded_once,
    ),
    Decision(
        "base enforced",
        "What lies outside of `base` is not found, and `base` is taken off once (DESIGN.md section 4).",
        base_enforced,
    ),
    Decision(
        "a slash redirect leads to something that exists",
        "An unknown path is 404 in either spelling (DESIGN.md section 4).",
        only_to_pages,
    ),
    Decision(
        "a redirect leads to the one spelling of a path",
        "Doubled slashes, dot segments and needless escapes are cleared away with the last slash, not one by one.",
        is_canonical,
    ),
    Decision(
        "a page has one spelling",
        "Doubled slashes and dot segments are redirected, so that guards, rules and middleware see the path that is answered.",
        one_spelling,
    ),
    Decision(
        "a page with a dot in its name is a page",
        'Under trailing_slash="always" it is sent to its slash as any other (ASTRO.md section 16.1).',
        dotted_pages,
    ),
    Decision("NUL is a bad request", "No path of a page holds one.", no_controls),
    Decision(
        "a backslash is a character",
        "As in Starlette; only browsers' URL parsers make it a slash, before they send it.",
        backslashes,
    ),
    Decision(
        "a configured redirect has the status that it is given",
        "Whatever its target is; Astro keeps it for pages of the site alone (ASTRO.md section 4.5).",
        own_status,
    ),
    Decision(
        "params are put into every target",
        "Also into a URL of another site, where Astro leaves [slug] as it is.",
        filled,
    ),
    Decision("params are whole", "No .html is cut from the param of a page.", whole_params),
]

AREAS = {"routing": Area(run, DECISIONS)}
