"""build-output: a site of one page file, or of one configured redirect, built with `ondemand.build`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.conformance.decisions import Area, Decision
from tests.conformance.meanings import of_astro
from tests.conformance.values import Unreadable
from tests.conformance.vectors.page_files import built, endpoint, our_name, page, said, settings_of
from tests.conformance.vectors.redirects import read_refresh
from tests.conformance.vectors.sources import translated

__all__ = ["AREAS"]

Given = Mapping[str, Any]

NOWHERE = "https://example.com/"  # a redirect to a page of the site would need that page as well

PAGES = {
    "page": "",
    "page-not-prerendered": "prerender = False",
    "page-redirect": f'def frontmatter(page): return page.redirect("{NOWHERE}")',
    "page-null-response": "def frontmatter(page): return Response(None)",
    "page-empty-response": 'def frontmatter(page): return Response("")',
    "page-null-404": "def frontmatter(page): return Response(None, 404)",
    "page-text-404": 'def frontmatter(page): return Response("no such page", 404)',
    "page-status-404": "def frontmatter(page): page.response.status = 404",
    "page-status-500": "def frontmatter(page): page.response.status = 500",
    "page-json": 'def frontmatter(page): return Response.json({"a": 1})',
}
"""What a page does -> the code of its module."""

ENDPOINTS = {
    "endpoint-redirect": (("GET",), f'page.redirect("{NOWHERE}")'),
    "endpoint-null": (("GET",), "Response(None, 204)"),
    "endpoint-404": (("GET",), 'Response("no such thing", 404)'),
    "endpoint-post-only": (("POST",), '"posted"'),
    "endpoint-all": (("ALL",), '"all"'),
}
"""What an endpoint does -> the methods that it has, and what they return."""


def source(file: str, kind: str, static_paths: Any) -> str:
    """The text of our page file."""
    attributes = {} if static_paths is None else {"static_paths": [{"params": params} for params in static_paths]}
    if kind in PAGES:
        return page(file, attributes, f"from ondemand import Response\n{PAGES[kind]}")
    if kind == "endpoint":
        return endpoint(file, attributes)
    if kind in ENDPOINTS:
        return endpoint(file, attributes, *ENDPOINTS[kind])
    if kind == "markdown":
        return "# A note\n\nIt is short.\n"
    raise Unreadable(f"no page is of the kind {kind!r} here")


def run(given: Given) -> dict[str, Any]:
    settings = settings_of(given["config"])
    if "redirect" in given:
        return redirected(given, settings)
    file = given["file"]

    def read(name: str, content: bytes) -> dict[str, Any]:
        told = said(content.decode())
        params = {"params": told["params"]} if told and "static_paths" in given else {}
        return {"file": name, **params, **({} if content else {"size": 0})}

    return built({f"pages/{our_name(file)}": source(file, given["kind"], given.get("static_paths"))}, settings, read)


def redirected(given: Given, settings: Mapping[str, Any]) -> dict[str, Any]:
    redirect = given["redirect"]
    entry = settings_of({"redirects": {redirect["from"]: redirect.get("entry", redirect["to"])}})

    def read(name: str, content: bytes) -> dict[str, Any] | None:
        if re.search(redirect["written_match"], name) is None:
            return None
        return {"file": name, "body": read_refresh(content.decode())}

    files = translated({f"src/pages/{name}": text for name, text in given["support"].items()})
    return built(files, {**settings, **entry}, read)


def plain(expected: Mapping[str, Any]) -> dict[str, Any]:
    if "error" in expected:
        return {"error": of_astro(expected["error"])}
    files = sorted(expected["written"], key=lambda one: one["file"])
    return {
        "written": [{**one, **({"body": read_refresh(one["body"])} if "body" in one else {})} for one in files],
    }


# --- decisions


def files_of(given: Given) -> list[tuple[str, dict[str, str | None] | None]]:
    """The paths of a page file, without a slash in front, each with its params (None: it has none)."""
    found: list[tuple[str, dict[str, str | None] | None]] = []
    for params in given.get("static_paths") or [None]:
        path = f"/{given['file'].rpartition('.')[0]}"
        for slash, rest, name in re.findall(r"(/?)\[(\.\.\.)?(\w+)\]", path):
            value = (params or {}).get(name)
            path = path.replace(f"{slash}[{rest}{name}]", "" if value is None else f"{slash}{value}")
        found.append((path.strip("/"), params))
    return found


def page_name(given: Given, path: str) -> str:
    """The file that a page with a path of its own (no index) is written to."""
    is_folder = given["config"].get("build", {}).get("format", "directory") == "directory"
    return f"{path}/index.html" if is_folder else f"{path}.html"


def decoded_once(given: Given, expected: Any, got: Any) -> Any:
    if expected.get("error") != "params do not fit" or not given.get("static_paths"):
        return None
    files = files_of(given)
    values = [value for _, params in files for value in (params or {}).values() if value]
    if not all(re.search("%[0-9A-Fa-f]{2}", value) and "/" not in value for value in values):
        return None
    return {"written": [{"params": params, "file": page_name(given, path)} for path, params in files]}


def fails(given: Given, expected: Any, got: Any) -> Any:
    return {"error": "a page fails"} if re.search("-(?:404|500)$", given.get("kind", "")) else None


def named_by_type(given: Given, expected: Any, got: Any) -> Any:
    if given.get("kind") != "page-json" or "written" not in expected:
        return None
    return {"written": [{"file": path} for path, _ in files_of(given)]}


def empty_answers(given: Given, expected: Any, got: Any) -> Any:
    if given.get("kind") not in {"page-null-response", "endpoint-null"} or "written" not in expected:
        return None
    return {"written": [{"file": path, "size": 0} for path, _ in files_of(given)]}


def without_get(given: Given, expected: Any, got: Any) -> Any:
    return {"written": []} if given.get("kind") == "endpoint-post-only" else None


def redirect_pages(given: Given, expected: Any, got: Any) -> Any:
    if given.get("kind") != "endpoint-redirect":
        return None
    return {"written": [{"file": page_name(given, path)} for path, _ in files_of(given)]}


DECISIONS = [
    Decision(
        "percent-escapes decoded exactly once",
        "A param that looks percent-encoded is what it is, in a build as for a visitor (DESIGN.md section 4).",
        decoded_once,
    ),
    Decision(
        "a 4xx or 5xx fails the build",
        "Its status would be lost on a host of files (DESIGN.md section 4).",
        fails,
    ),
    Decision(
        "a file is named by its type",
        "What is no HTML gets no .html, so that hosts send it as what it is.",
        named_by_type,
    ),
    Decision(
        "an empty answer is an answer",
        "A page that answers 200 with nothing is a snapshot, since nothing is lost in one (DESIGN.md section 1).",
        empty_answers,
    ),
    Decision(
        "an endpoint without GET is on demand",
        "There is nothing that a build could ask it for; Astro writes the 404 page into its file (ASTRO.md section 16.1).",
        without_get,
        ahead=True,
    ),
    Decision(
        "a redirect is written as a page",
        "Also an endpoint's: hosts know no type for a file without .html (ASTRO.md section 16.1).",
        redirect_pages,
    ),
]

AREAS = {"build-output": Area(run, DECISIONS, plain)}
