"""redirect: `page.redirect` and `Response.redirect` in handlers, and in a marked page that is built."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from ondemand import BuildError, OnDemand, Page, Response, build, prerender
from tests.conformance.asking import ask
from tests.conformance.decisions import Area, Decision
from tests.conformance.values import ANY, Unreadable, from_json

__all__ = ["AREAS"]

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def run(given: Mapping[str, Any]) -> dict[str, Any]:
    arguments = [from_json(given[name]) for name in ("path", "status") if name in given]
    if given["in"] == "static-page":
        return {"html": built(arguments)}
    if given["in"] not in {"page", "endpoint", "standard"}:
        raise Unreadable(f"no place is called {given['in']!r} here")

    async def handler(request: Request) -> Response:
        return Response.redirect(*arguments) if given["in"] == "standard" else Page.of(request).redirect(*arguments)

    app = Starlette(routes=[Route("/from", handler, methods=METHODS)])
    app.add_middleware(OnDemand)
    answer = ask(app, "/from", method=given.get("method", "GET"))
    body = "" if answer.status == 500 else answer.body.decode()  # an exception's body is the app's
    return {"status": answer.status, "location": answer.header("location"), "body": body}


def built(arguments: list[Any]) -> Any:
    """What the written page says, or the error of the build."""

    async def handler(request: Request) -> Response:
        return Page.of(request).redirect(*arguments)

    async def target(request: Request) -> Response:  # else the redirect would be a broken link
        return Response("there")

    with tempfile.TemporaryDirectory() as folder:
        app = Starlette(routes=[Route("/from", prerender(handler)), Route("/{rest:path}", target)])
        app.add_middleware(OnDemand, dist=folder, output="server")
        try:
            report = build(app)
        except BuildError as error:
            return {"error": str(error)}
        file = Path(folder, str(report.generation), "site", "from", "index.html")
        return read_refresh(file.read_text())


class _Refresh(HTMLParser):
    """What a page that refreshes says, however it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, Any] = {"doctype": None, "title": "", "codes": []}
        self._inside: list[str] = []

    def handle_decl(self, decl: str) -> None:
        self.said["doctype"] = decl.lower()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self._inside.append(tag)
        if tag == "meta" and (named.get("http-equiv") or named.get("name")):
            self.said[str(named.get("http-equiv") or named.get("name"))] = named.get("content")
        elif tag == "link":
            self.said[str(named.get("rel"))] = named.get("href")
        elif tag == "a":
            self.said["link"] = named.get("href")
        elif tag == "code":
            self.said["codes"].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._inside[-1:] == ["title"]:
            self.said["title"] += data
        elif self._inside[-1:] == ["code"]:
            self.said["codes"][-1] += data


def read_refresh(html: str) -> dict[str, Any]:
    """doctype, title, refresh, robots, canonical, link, and the two addresses that are named."""
    parser = _Refresh()
    parser.feed(html)
    parser.close()
    return {**parser.said, "markup": html}


def plain(expected: Mapping[str, Any]) -> dict[str, Any]:
    if "html" in expected:
        return {"html": read_refresh(expected["html"])}
    return {name: expected[name] for name in ("status", "location", "body")}


REFUSED = {"status": 500, "location": None, "body": ""}


def refusing(rule: Callable[[Mapping[str, Any]], bool]) -> Callable[[Mapping[str, Any], Any, Any], Any]:
    """A decision's rule: where `rule` holds, `redirect` raises, which is the app's 500."""

    def expect(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
        if not rule(given):
            return None
        return REFUSED if "status" in expected else {"html": {"error": ANY}}

    return expect


def is_odd_status(given: Mapping[str, Any]) -> bool:
    status = from_json(given.get("status", 302))
    return isinstance(status, bool) or not isinstance(status, int | float) or status not in {301, 302, 303, 307, 308}


def is_odd_target(given: Mapping[str, Any]) -> bool:
    path = given["path"]
    if not isinstance(path, str) or not path.strip(" ") or re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", path):
        return True
    return re.match(r"\s*(?:javascript|data|vbscript):", path, re.IGNORECASE) is not None


def encoded(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    """RFC 3987 section 3.1, and RFC 3986 section 2 for the rest of what is no URL. Astro fails beyond ISO-8859-1."""
    if is_odd_target(given) or is_odd_status(given):
        return None
    raw = given["path"].strip(" ")
    target = quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", raw), safe="!#$%&'()*+,/:;=?@[]~-._")
    if "status" in expected:
        return {"status": from_json(given.get("status", 302)), "location": target, "body": ""}
    texts = {name: text.replace(raw, target) for name, text in expected["html"].items() if isinstance(text, str)}
    codes = [code.replace(raw, target) for code in expected["html"].get("codes", [])]
    return {"html": {**expected["html"], **texts, "codes": codes}}


DECISIONS = [
    Decision(
        "redirect status validated",
        "301, 302, 303, 307 and 308 as numbers; any other raises ValueError (DESIGN.md section 4).",
        refusing(is_odd_status),
    ),
    Decision(
        "redirect target validated",
        "It is text without control characters, and no scheme that runs code; else ValueError (DESIGN.md section 4).",
        refusing(is_odd_target),
    ),
    Decision(
        "redirect target encoded",
        "A Location is a URL: letters beyond ASCII, blanks and quotes are percent-encoded.",
        encoded,
    ),
]

AREAS = {"redirect": Area(run, DECISIONS, plain)}
