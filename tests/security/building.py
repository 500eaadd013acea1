"""Builds the site that a case describes, in a folder that is watched, and judges what became of it.

Each site is made twice: of page files and functions of its own, and as a Starlette app with the wrapper as middleware. Where
`ONLY` names a case, one of the two has what it is about.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ondemand import BuildError, OnDemand, Page, Pages, Response, StaticPath, build, prerender
from ondemand.prerendering.report import Report
from tests.asking import Answer, ask, innermost
from tests.faults.building import tree
from tests.security.cases import Case

__all__ = ["KINDS", "ONLY", "Built", "judge", "made"]

KINDS = ["own pages", "wrapped app"]
ONLY = {
    "snap-session": "wrapped app",  # a session is the framework's
    "crawl-loop": "wrapped app",  # a page of our own with a parameter names its paths
}
ORIGIN = "https://configured.example"
FAR = ["/tmp/pwned", "/tmp/pwned-abs", "/tmp/pwned-abs2", "/etc/pwned"]
"""Where the values of a case would lead to, were they followed."""


@dataclass
class Built:
    """One build, and what lies around it. site: makes the site anew, with settings. before: everything in `top`, but for the
    project, as it was. requested: the paths of functions that were called, in order."""

    case: Case
    top: Path
    dist: Path
    site: Callable[..., Any]
    canary: socket.socket
    before: dict[str, Any]
    requested: list[str]
    report: Report
    seconds: float

    @property
    def is_written(self) -> bool:
        return self.report.generation is not None

    def files(self) -> dict[str, bytes]:
        """What is published: name below the generation -> what it says, unpacked."""
        found: dict[str, bytes] = {}
        folder = self.dist / "000001"
        for file in sorted([*folder.glob("site/**/*"), *folder.glob("guarded/**/*")]):
            if file.is_file() and file.suffix not in {".br", ".zst"}:
                data = file.read_bytes()
                found[str(file.relative_to(folder))] = gzip.decompress(data) if file.suffix == ".gz" else data
        return found

    def ask(self, raw_path: str) -> Answer:
        """What a server with this build answers; redirects on the same site are followed."""
        answer = Answer()
        for _ in range(3):
            answer = ask(self.site(dist=self.dist, snapshots=True), unquote(raw_path), raw_path=raw_path.encode())
            location = (answer.header("location") or "").removeprefix("http://testserver")
            if answer.status not in {301, 307, 308} or not re.match(r"/(?!/)", location):
                break
            raw_path = location
        return answer


@contextlib.contextmanager
def made(case: Case, kind: str, top: Path) -> Iterator[Built]:
    """Build the site of `case` below `top`; gives it while everything is there to be judged."""
    dist = top / "project" / "below" / "dist"
    (top / "victim").mkdir(parents=True)
    (top / "victim" / "notes.txt").write_text("victim")
    before = _around(top)
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.setblocking(False)
        said = json.loads(json.dumps(case.row["build"]).replace("{CANARY}", f"127.0.0.1:{canary.getsockname()[1]}"))
        requested: list[str] = []
        site = functools.partial(_own if kind == "own pages" else _wrapped, said, top / "project", requested)
        began = time.perf_counter()
        report = _report(site(dist=dist, snapshots=False))
        seconds = time.perf_counter() - began
        yield Built(case, top, dist, site, canary, before, list(requested), report, seconds)


def _report(app: Any) -> Report:
    try:
        return build(app)
    except BuildError as error:
        return error.report


def _around(top: Path) -> dict[str, Any]:
    return {name: entry for name, entry in tree(top).items() if name.partition("/")[0] != "project"}


# --- sites


def _pattern(route: str) -> str:
    """A route of the cases in the spelling of apps: "/post/[...slug]" is "/post/{slug:path}"."""
    return re.sub(r"\[(\.\.\.)?(\w+)\]", lambda found: f"{{{found[2]}{':path' if found[1] else ''}}}", route)


def _answer(row: Mapping[str, Any]) -> Callable[[Any], Any]:
    """A page that answers as `row` says. It takes its `Page`."""

    async def page(page: Any) -> Any:
        if error := row.get("raises"):
            raise RuntimeError(error)
        match row.get("reads"):
            case "cookies":
                page.cookies.get("user")
            case "headers":
                page.request.headers.get("x-user")
            case "client_address":
                _ = page.client_address
            case _:
                pass
        if name := row.get("sets_cookie"):
            page.cookies.set(*name.split("="))
        body: Any = row["body"].replace("{self}", page.url.pathname.rstrip("/"))
        if row.get("prints") == "url":
            body = f"{body}<p>{page.url}</p>"
        if parts := row.get("stream"):
            body = _stream(parts)
        headers = [(name, value) for name, value in row.get("headers", ())]
        if kind := row.get("content_type"):
            headers.append(("content-type", kind))
        elif parts:
            headers.append(("content-type", "text/html"))
        return Response(body or None, row.get("status", 200), headers)

    return page


async def _stream(parts: list[Any]) -> Any:
    for part in parts:
        if not isinstance(part, str):
            raise RuntimeError(part["raise"])
        yield part


def _noted(path: str, requested: list[str], answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    async def page(page: Any) -> Any:
        requested.append(path)
        return await answer(page)

    return page


def _own(said: Mapping[str, Any], folder: Path, requested: list[str], **settings: Any) -> Any:
    if said["kind"] == "param":
        file = folder / "pages" / f"{said['route'][1:]}.mako"
        file.parent.mkdir(parents=True, exist_ok=True)
        body = said["body"].replace("${params.slug}", "${page.params['slug']}")
        paths = [{"params": params} for params in said["static_paths"]]
        file.write_text(f"<%! static_paths = {paths!r} %>{body}", encoding="utf-8")
        return OnDemand(pages=folder / "pages", site=ORIGIN, **settings)
    pages = Pages()
    for row in said["routes"]:
        pages.page(row["path"], prerender=row["prerender"])(_noted(row["path"], requested, _answer(row)))
    if said["kind"] == "crawl":
        pages.page("/logout", prerender=False)(_noted("/logout", requested, _answer({"body": "OUT"})))
    return OnDemand(pages=pages, site=ORIGIN, **settings)


def _wrapped(said: Mapping[str, Any], folder: Path, requested: list[str], **settings: Any) -> Any:
    def route(path: str, answer: Callable[[Any], Any], mark: Any = lambda view: view) -> Route:
        noted = _noted(path, requested, answer)

        async def view(request: Request) -> Any:
            return await noted(Page.of(request) if answer is not _visits else request)

        return Route(path, mark(view))

    if said["kind"] == "param":

        async def post(page: Any) -> Any:
            return HTMLResponse(said["body"].replace("${params.slug}", escape(page.params["slug"] or "")))

        mark = prerender(paths=lambda: [StaticPath(params) for params in said["static_paths"]])
        app = Starlette(routes=[route(_pattern(said["route"]), post, mark)])
        return innermost(app, site=ORIGIN, **settings)
    routes = [
        route(row["path"], _visits if row.get("reads") == "session" else _answer(row), prerender(row["prerender"]))
        for row in said["routes"]
    ]
    if said["kind"] == "crawl":
        routes.append(route("/logout", _answer({"body": "OUT"}), prerender(False)))
    if "{self}" in said.get("html", ""):
        routes.append(route("/{rest:path}", _answer({"body": said["html"]})))
    app = innermost(Starlette(routes=routes), site=ORIGIN, **settings)
    app.add_middleware(SessionMiddleware, secret_key="not a secret")
    return app


async def _visits(request: Any) -> Any:
    return HTMLResponse(f"<p>{request.session.get('visits', 0)}</p>")


# --- what became of it


def _stayed_inside(built: Built) -> bool:
    beside = {str(path.relative_to(built.top / "project")) for path in (built.top / "project").glob("*")}
    beside |= {str(path.relative_to(built.top / "project")) for path in (built.top / "project" / "below").glob("*")}
    own = {"pages", "below", "below/dist"}
    return _around(built.top) == built.before and beside <= own and not any(Path(far).exists() for far in FAR)


def _names(built: Built, *texts: str) -> bool:
    """True if what failed the build says all of them."""
    told = [f"{one.route} {one.path} {one.message}" for one in built.report.findings if one.policy == "fail"]
    return any(all(text in line for text in texts) for line in told)


def _names_route_and_value(built: Built) -> bool:
    said = built.case.row["build"]
    value = str(said["static_paths"][0]["slug"])
    return _names(built, _pattern(said["route"]), repr(value)[1:-1][:20])


def _urls(built: Built) -> list[str]:
    said = built.case.row["build"]
    return [said["route"].partition("[")[0] + quote(str(row["slug"]), safe="") for row in said["static_paths"]]


def _below(built: Built) -> list[str]:
    said = built.case.row["build"]
    return [said["route"].partition("[")[0] + row["slug"].strip("/") for row in said["static_paths"]]


def _served(wanted: Mapping[str, Any], answer: Answer) -> bool:
    return (
        answer.status in wanted.get("status_in", [200])
        and wanted.get("body_has", "") in answer.text
        and all(text in (answer.header(name) or "") for name, text in [wanted.get("header_has", ("date", ""))])
    )


def _each_its_own(built: Built) -> bool:
    return all(built.ask(quote(row["path"])).text == row["body"] for row in built.case.row["build"]["routes"])


def _on_disk(built: Built, text: str) -> bool:
    return any(text.encode() in data for data in built.files().values())


def _anywhere(built: Built, text: str) -> bool:
    said = [data for data in tree(built.dist).values() if isinstance(data, bytes)] if built.dist.exists() else []
    return any(text.encode() in data for data in [*said, *built.files().values()])


def _connections(built: Built) -> int:
    count = 0
    while True:
        try:
            built.canary.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1


CHECKS: dict[str, Callable[[Any, Built], bool]] = {
    "no_write_outside": lambda _, built: _stayed_inside(built),
    "outcome_in": lambda wanted, built: ("written" if built.is_written else "refused") in wanted,
    "error_names_route_and_value": lambda _, built: _names_route_and_value(built),
    "error_names": lambda text, built: _names(built, text),
    "exit_nonzero": lambda _, built: built.report.failed and not built.is_written,
    "if_written": lambda wanted, built: not built.is_written or all(judge(one, built) for one in wanted),
    "file_inside_out": lambda _, built: len(built.files()) == 1,
    "served_at_encoded_url": lambda wanted, built: all(_served(wanted, built.ask(url)) for url in _urls(built)),
    "served_below_its_route": lambda wanted, built: all(_served(wanted, built.ask(url)) for url in _below(built)),
    "served": lambda wanted, built: _served(wanted, built.ask(wanted["raw_path"])),
    "must_not_body_has": lambda text, built: not _on_disk(built, text),
    "must_not_on_disk": lambda text, built: not _on_disk(built, text),
    "on_disk": lambda what, built: _on_disk(built, ORIGIN),
    "nowhere_on_disk": lambda text, built: not _anywhere(built, text),
    "each_url_gives_its_own_body": lambda _, built: _each_its_own(built),
    "warned": lambda _, built: bool(built.report.findings),
    "served_has_no_header": lambda name, built: built.ask("/p").header(name) is None or not built.is_written,
    "no_partial_file": lambda _, built: not built.files() and not built.is_written,
    "files_count": lambda count, built: len(built.files()) == count,
    "files_count_max": lambda most, built: len(built.files()) <= most,
    "outbound_connections": lambda count, built: _connections(built) == count,
    "time_max_s": lambda most, built: built.seconds <= most,
    "not_requested": lambda path, built: path not in built.requested,
}


def judge(said: Mapping[str, Any], built: Built) -> bool:
    """True if the assertion holds. `any` holds if one of its own does."""
    ((name, wanted),) = said.items()
    if name == "any":
        return any(judge(one, built) for one in wanted)
    return CHECKS[name](wanted, built)
