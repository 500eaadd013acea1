"""Where our answer to an HTTP case is another one on purpose.

Each rule gets the request (`{"request": ..., "case": ...}`), the recorded response as `comparing.whole` completes it, and our
`Reply`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tests.conformance.decisions import Decision
from tests.conformance.sites.wire import Reply
from tests.conformance.values import ANY

__all__ = ["DECISIONS"]

Given = Mapping[str, Any]
Want = Mapping[str, Any]
Amended = dict[str, Any] | None

NOT_FOUND = "<default-404-page>"
BROKEN = "Internal server error"


def changed(want: Want, headers: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {**want, **more, "headers": {**want["headers"], **(headers or {})}}


def media_type(value: str | None) -> tuple[str, str]:
    """The type of a Content-Type, and its charset."""
    kind, _, rest = (value or "").partition(";")
    found = re.search(r'charset="?([\w-]+)', rest, re.IGNORECASE)
    return kind.strip().lower(), found[1].lower() if found else ""


def charset(given: Given, want: Want, got: Reply) -> Amended:
    kind, named = media_type(want["headers"]["content-type"])
    if not kind.startswith("text/") or named not in {"", "utf-8"}:
        return None
    sent = got.header("content-type")
    return changed(want, {"content-type": sent}) if media_type(sent) == (kind, "utf-8") else None


def is_not_found(want: Want) -> bool:
    return want["status"] == 404 and want.get("body") in (NOT_FOUND, None)


def missing_method(given: Given, want: Want, got: Reply) -> Amended:
    allowed = re.split(r"\s*,\s*", got.header("allow") or "")
    if not is_not_found(want) or got.status != 405 or given["request"]["method"] in allowed:
        return None
    return changed(want, {"content-type": ANY}, status=405, body=ANY)


def own_not_found(given: Given, want: Want, got: Reply) -> Amended:
    if not is_not_found(want) or got.body not in (b'{"detail":"Not Found"}', b""):
        return None
    return changed(want, {"content-type": "application/json"}, body=ANY)


def is_failure(want: Want) -> bool:
    return want["status"] == 500 and want.get("body") == "" and want["headers"]["content-type"] is None


def own_failure(given: Given, want: Want, got: Reply) -> Amended:
    if not is_failure(want) or got.status != 500:
        return None
    return changed(want, {"content-type": "text/plain; charset=utf-8"}, body="Internal Server Error")


def kept_cookies(given: Given, want: Want, got: Reply) -> Amended:
    sent = got.headers.get("set-cookie")
    return changed(want, {"set-cookie": sent}) if is_failure(want) and got.status == 500 and sent else None


def bad_body(given: Given, want: Want, got: Reply) -> Amended:
    """Any page that fails because of the body of the request, which only pages of the area `request` do."""
    if not is_failure(want) or given["case"]["area"] != "request" or "body" not in given["request"]:
        return None
    return changed(want, {"content-type": "application/json"}, status=400, body=ANY)


def no_body_with_204(given: Given, want: Want, got: Reply) -> Amended:
    return changed(want, status=204) if is_failure(want) and got.status == 204 else None


def raised_redirect(given: Given, want: Want, got: Reply) -> Amended:
    """Nothing was sent before, so that it is a whole redirect."""
    if not want["incomplete"] or want.get("body") != BROKEN:
        return None
    headers = {"content-type": None, "location": got.header("location") or "a redirect"}
    return changed(want, headers, status=302, incomplete=False, body="")


def cut_off(given: Given, want: Want, got: Reply) -> Amended:
    body = want.get("body") or ""
    if not want["incomplete"] or not body.endswith(BROKEN) or body == BROKEN:
        return None
    chunks = [chunk for chunk in want.get("chunks", ()) if chunk["text"] != BROKEN]
    return changed(want, body=body.removesuffix(BROKEN), chunks=chunks)


def names_origins(given: Given, want: Want, got: Reply) -> Amended:
    lines = got.body.decode("utf-8", "replace").splitlines()
    if want["status"] != 403 or len(lines) != 2 or "this site is http" not in lines[1]:
        return None
    return changed(want, body=f"{want['body']}\n{lines[1]}\n")


def odd_method(given: Given, want: Want, got: Reply) -> Amended:
    method = given["request"]["method"]
    if want["status"] != 400 or method.isupper() or not 400 <= got.status < 500:
        return None
    return changed(want, {"content-type": ANY}, status=ANY, body=ANY)


def path_of(given: Given) -> str:
    return given["request"]["path"].partition("?")[0]


def own_reading(given: Given, want: Want, got: Reply, touched: bool) -> Amended:
    """The answer to a path that its router reads otherwise: where the page shows what it got, that is the path, decoded
    once."""
    if not touched or want["status"] not in {200, 400}:
        return None
    try:
        said = json.loads(got.body)
    except ValueError:
        return changed(want, body=ANY)
    shows = isinstance(said, dict) and "rest" in said
    once = unquote(path_of(given), errors="replace")
    if shows and (not once.endswith(f"/{said['rest']}") or said["raw"] != path_of(given)):
        return None
    return changed(want, {"content-type": "application/json"}, status=200, body=ANY)


def decoded_once(given: Given, want: Want, got: Reply) -> Amended:
    escaped = re.search(r"%(?:2[Ff35]|3[Ff]|5[Cc])", path_of(given)) is not None
    return own_reading(given, want, got, escaped)


def as_it_came(given: Given, want: Want, got: Reply) -> Amended:
    path = path_of(given)
    odd = "//" in path or "\\" in path or re.search(r"%(?![0-9A-Fa-f]{2})", path) is not None
    return own_reading(given, want, got, odd)


def props_when_live(given: Given, want: Want, got: Reply) -> Amended:
    """The page's `paths` give a title to one of its paths."""
    listed = "src/pages/params/props-ignored/[slug].astro" in given["case"]["site_pages"]
    if not listed or path_of(given).rstrip("/") != "/params/props-ignored/a":
        return None
    return changed(want, body=want["body"].replace("no title", "A"))


def checked_host(given: Given, want: Want, got: Reply) -> Amended:
    host = {name.lower(): value for name, value in given["request"].get("headers", {}).items()}.get("host")
    if given["case"]["area"] != "proxy" or host is None or got.status != 400:
        return None
    return changed(want, {"content-type": ANY}, status=400, body=ANY)


def web_schemes(given: Given, want: Want, got: Reply) -> Amended:
    """The forwarded host counts, the scheme stays that of the connection."""
    fields = {name.lower(): value for name, value in given["request"].get("headers", {}).items()}
    if fields.get("x-forwarded-proto") in (None, "http", "https") or "x-forwarded-host" not in fields:
        return None
    address = f"http://{fields['x-forwarded-host']}{given['request']['path']}"
    return changed(want, body=json.dumps({"url": address, "request": address}, separators=(",", ":")))


DECISIONS = [
    Decision("charset", "Texts say that they are UTF-8 (DESIGN.md section 4).", charset),
    Decision(
        "405 with Allow",
        "A method that a page or endpoint has not is 405, with the methods that it has (DESIGN.md section 4).",
        missing_method,
    ),
    Decision(
        "the app's own 404",
        "In a wrapped app, what no route answers is for the app to answer (DESIGN.md section 4, Transparent).",
        own_not_found,
    ),
    Decision(
        "a malformed body is the visitor's error",
        "It is answered 400, not 500.",
        bad_body,
    ),
    Decision("a 204 has no body", "The body of a page that sets 204 is left out.", no_body_with_204),
    Decision(
        "the app's own answer to an exception",
        "Exceptions of a wrapped app's routes reach its own handlers (DESIGN.md section 4, Transparent).",
        own_failure,
    ),
    Decision(
        "cookies survive an exception",
        "What was set before is sent with the error (DESIGN.md section 4).",
        kept_cookies,
        ahead=True,
    ),
    Decision(
        "a raised redirect is a redirect",
        "Redirect can be raised anywhere before the first byte.",
        raised_redirect,
    ),
    Decision(
        "nothing is put into a broken page",
        "A failure after the first byte cuts the connection, with no words of ours (DESIGN.md section 4, Streaming).",
        cut_off,
    ),
    Decision(
        "a refusal names both origins",
        "Behind Astro's sentence a second line says where the request came from and which origin this site has.",
        names_origins,
    ),
    Decision(
        "the server reads the method",
        "Whether `get` in lower case is HTTP is for the ASGI server to say; passed on, it is refused as a method of its own.",
        odd_method,
    ),
    Decision(
        "percent-escapes decoded exactly once",
        "Params are the path decoded once, as ASGI gives it (DESIGN.md section 4).",
        decoded_once,
    ),
    Decision(
        "the app sees the path as it came",
        "Empty segments, backslashes and malformed escapes are its router's to judge (DESIGN.md section 4, Transparent).",
        as_it_came,
    ),
    Decision(
        "props are the same when rendered live",
        "`paths` give the props of a page that no build made, too (docs/astro.md).",
        props_when_live,
    ),
    Decision("Host checked", "A Host that is not one of allowed_hosts is 400 (DESIGN.md section 4).", checked_host),
    Decision(
        "a forwarded scheme is http or https",
        "Any other is ignored, and the forwarded host is judged by itself.",
        web_schemes,
    ),
]
