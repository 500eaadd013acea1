"""paginate: `ondemand.pagination.paginate`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from ondemand.errors import ParamError
from ondemand.pagination import Paginated, paginate
from tests.conformance.decisions import Area, Decision
from tests.conformance.meanings import of_astro, of_ours
from tests.conformance.values import Unreadable, from_json

__all__ = ["AREAS", "page_prop", "pattern_of"]

FORMATS: dict[str, Callable[[str], str]] = {"add-html": lambda url: f"{url}.html", "upper": str.upper}


def pattern_of(route: str) -> str:
    """Astro's `/docs/[...path]` in Starlette's spelling: `/docs/{path:path}`."""
    return re.sub(r"\[(\.\.\.)?(\w+)\]", lambda found: f"{{{found[2]}{':path' if found[1] else ''}}}", route)


def page_prop(page: Paginated[Any]) -> dict[str, Any]:
    """A page of a list under Astro's names; JSON has no Infinity, so that the size of one page with all is null."""
    return {
        "data": page.data,
        "start": page.start,
        "end": page.end,
        "size": None if page.size == math.inf else page.size,
        "total": page.total,
        "currentPage": page.current_page,
        "lastPage": page.last_page,
        "url": {name: getattr(page.url, name) for name in ("current", "next", "prev", "first", "last")},
    }


def run(given: Mapping[str, Any]) -> dict[str, Any]:
    items = given["items"]
    args = {name: from_json(value) for name, value in (given.get("args") or {}).items()}
    options = {"page_size": args.pop("pageSize")} if "pageSize" in args else {}
    if args.get("format") is not None:
        if args["format"] not in FORMATS:
            raise Unreadable(f"no function is called {args['format']!r} here")
        args["format"] = FORMATS[args["format"]]
    try:
        pages = paginate(
            range(1, items + 1) if isinstance(items, int) else items,
            pattern=pattern_of(given["route"]),
            base=given.get("base", "/"),
            trailing_slash=given.get("trailingSlash", "ignore"),
            **options,
            **args,
        )
    except ParamError as error:
        return {"error": of_ours(str(error))}
    shaped = [
        {"params": dict(one.params), "props": {**one.props, "page": page_prop(one.props["page"])}} for one in pages
    ]
    return {"pages": shaped}


def plain(expected: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": of_astro(expected["error"])} if "error" in expected else {"pages": expected["pages"]}


def whole_pages(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    size = from_json((given.get("args") or {}).get("pageSize"))
    right = size in (None, math.inf) or (isinstance(size, int) and not isinstance(size, bool) and size >= 1)
    return None if right else {"error": "a page holds nothing"}


def one_segment(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    rest = re.findall(r"\[\.\.\.(\w+)\]", given["route"])
    params = (given.get("args") or {}).get("params") or {}
    broken = any("/" in str(value).strip("/") for name, value in params.items() if name not in rest)
    return {"error": "params do not fit"} if broken and "error" not in expected else None


def params_fit(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    unknown = set((given.get("args") or {}).get("params") or {}) - set(
        re.findall(r"\[(?:\.\.\.)?(\w+)\]", given["route"])
    )
    return {"error": "params do not fit"} if unknown and "error" not in expected else None


def encoded(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    if "error" in expected:
        return None
    pages = []
    for one in expected["pages"]:
        page = one["props"]["page"]
        urls = {name: url and quote(url, safe="/!$&'()*+,;=:@~-._") for name, url in page["url"].items()}
        pages.append({**one, "props": {**one["props"], "page": {**page, "url": urls}}})
    return {"pages": pages}


DECISIONS = [
    Decision(
        "a page of a list holds a whole number of items",
        "A page_size below 1 is refused instead of making one page that makes no sense.",
        whole_pages,
    ),
    Decision(
        "a param is one segment",
        "A slash in it would make a path that its route does not answer: it is refused.",
        one_segment,
    ),
    Decision(
        "params fit their route",
        "A name that the route does not have is refused, since it is most often misspelt (README.md, params).",
        params_fit,
        ahead=True,
    ),
    Decision("URLs of pages are percent-encoded", "They are URLs, ready for an href.", encoded),
]

AREAS = {"paginate": Area(run, DECISIONS, plain)}
