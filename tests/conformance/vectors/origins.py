"""check-origin: an app wrapped with `check_origin="all"`, one for each `security` setting."""

from __future__ import annotations

import atexit
import json
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from ondemand import OnDemand, Response, build, prerender
from tests.conformance.asking import ask
from tests.conformance.decisions import Area, Decision
from tests.conformance.values import Unreadable

__all__ = ["AREAS", "hosts"]

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
BODY = b"a=1"
PATHS = {"endpoint": "/endpoint", "page": "/page", "prerendered": "/built", "missing": "/nowhere"}


async def endpoint(request: Request) -> Response:
    return Response("done", headers={"content-type": "text/plain; charset=utf-8"})


async def page(request: Request) -> Response:
    return Response("<!DOCTYPE html><p>done</p>")


@prerender
async def prerendered(request: Request) -> Response:
    return Response("<!DOCTYPE html><p>built</p>")


def hosts(patterns: list[Mapping[str, Any]]) -> list[str]:
    """`allowedDomains` as `allowed_hosts`. A pattern's protocol has no counterpart: http and https are allowed.

    `conformance.test`, the Host that all cases use, is allowed as well, since we check Host too, not only what proxies forward.
    """
    named = [one.get("hostname", "*") + (f":{one['port']}" if one.get("port") else "") for one in patterns]
    return [*named, "conformance.test"]


@cache
def site(security: str) -> Starlette:
    """The app for one `security` setting, which is JSON. Its build is made at once."""
    settings = json.loads(security)
    unknown = set(settings) - {"checkOrigin", "allowedDomains"}
    if unknown:
        raise Unreadable(f"no setting is called {', '.join(sorted(unknown))} here")
    options: dict[str, Any] = {"check_origin": "all" if settings.get("checkOrigin", True) else False}
    if settings.get("allowedDomains"):
        options |= {"allowed_hosts": hosts(settings["allowedDomains"]), "trusted_proxies": ["127.0.0.1"]}
    app = Starlette(
        routes=[
            Route("/endpoint", endpoint, methods=METHODS),
            Route("/page", page, methods=METHODS),
            Route("/built", prerendered, methods=METHODS),
        ]
    )
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)  # the app is asked until the end
    app.add_middleware(
        OnDemand, dist=folder.name, snapshots=True, output="server", site="http://conformance.test", **options
    )
    build(app)
    return app


def run(given: Mapping[str, Any]) -> dict[str, Any]:
    if given["to"] not in PATHS:
        raise Unreadable(f"no target is called {given['to']!r} here")
    method = given["method"]
    body = b"" if method in {"GET", "HEAD"} else BODY
    app = site(json.dumps(given.get("security") or {}, sort_keys=True))
    answer = ask(app, PATHS[given["to"]], method=method, headers=given["headers"], body=body)
    if answer.status == 403:
        return {"allowed": False, "status": 403, "body": sentence(answer.body.decode())}
    return {"allowed": True, "status": answer.status}


def sentence(body: str) -> str:
    """The first line of a refusal, which is Astro's; the second must say what differs."""
    first, second = body.splitlines()
    assert second.startswith("The request "), body
    assert "this site is http" in second, body
    return first


def plain(expected: Mapping[str, Any]) -> dict[str, Any]:
    return {name: expected[name] for name in ("allowed", "status", "body") if name in expected}


# --- decisions

FORMS = {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
PASSED = {"allowed": True, "status": 200}
Rule = Callable[[Mapping[str, Any]], bool]


def fields(given: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): value.strip(" \t") for name, value in given["headers"].items()}


def allowing(rule: Rule) -> Callable[[Mapping[str, Any], Any, Any], Any]:
    """A decision's rule: where `rule` holds, the request passes."""

    def expect(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
        passed = {"allowed": True, "status": 404} if given["to"] == "missing" else PASSED
        return passed if not expected["allowed"] and rule(given) else None

    return expect


def is_other_type(given: Mapping[str, Any]) -> bool:
    kind = fields(given).get("content-type", "").partition(";")[0].strip().lower()
    return bool(kind) and kind not in FORMS


def says_same_origin(given: Mapping[str, Any]) -> bool:
    return fields(given).get("sec-fetch-site") in {"same-origin", "none"}


def refused(given: Mapping[str, Any]) -> dict[str, Any]:
    sentence = f"Cross-site {given['method']} form submissions are forbidden"
    return {"allowed": False, "status": 403, "body": sentence}


def snapshots_answer_get(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    """The app is asked instead, which is checked: what is not refused there is answered as its endpoint is."""
    safe = given["method"] in {"GET", "HEAD", "OPTIONS"}
    if given["to"] != "prerendered" or safe or not expected["allowed"]:
        return None
    own = fields(given).get("origin") == "http://conformance.test"
    off = (given.get("security") or {}).get("checkOrigin") is False
    return PASSED if own or off or is_other_type(given) else refused(given)


def checks_host(given: Mapping[str, Any], expected: Any, got: Any) -> Any:
    domains = (given.get("security") or {}).get("allowedDomains")
    return (
        {"allowed": True, "status": 400} if domains and got.get("status") == 400 and "host" in fields(given) else None
    )


DECISIONS = [
    Decision(
        "only the media type counts",
        "A parameter or a longer name that holds the words of a form type is no form.",
        allowing(is_other_type),
    ),
    Decision(
        "Sec-Fetch-Site counts",
        "Browsers say it and pages cannot: same-origin passes (ASTRO.md section 13.1).",
        allowing(says_same_origin),
    ),
    Decision(
        "snapshots answer GET and HEAD only",
        "Other methods reach the app, whose pages are checked (DESIGN.md section 4).",
        snapshots_answer_get,
    ),
    Decision(
        "Host checked", "A Host that is not one of allowed_hosts is 400 (DESIGN.md section 4).", checks_host, ahead=True
    ),
]

AREAS = {"check-origin": Area(run, DECISIONS, plain)}
