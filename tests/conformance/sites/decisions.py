"""Where our answer to an HTTP case is another one on purpose: what concerns more than one kind of site. See `amending.py`."""

from __future__ import annotations

import json
import re
from urllib.parse import quote, unquote

from tests.conformance.decisions import Decision
from tests.conformance.sites.amending import (
    Amended,
    Given,
    Want,
    changed,
    header_of,
    is_failure,
    is_not_found,
    media_type,
    path_of,
    text_of,
)
from tests.conformance.sites.file_decisions import FILE_DECISIONS
from tests.conformance.sites.page_decisions import PAGE_DECISIONS
from tests.conformance.sites.wire import Reply
from tests.conformance.values import ANY

__all__ = ["DECISIONS"]

BROKEN = "Internal server error"

UNRESERVED = "!$&'()*+,;=:@~"
"""What a segment of a path may hold unescaped."""


def charset(given: Given, want: Want, got: Reply) -> Amended:
    kind, named = media_type(want["headers"]["content-type"])
    if not (kind.startswith("text/") or kind == "application/xml") or named not in {"", "utf-8"}:
        return None
    sent = got.header("content-type")
    return changed(want, {"content-type": sent}) if media_type(sent) == (kind, "utf-8") else None


def missing_method(given: Given, want: Want, got: Reply) -> Amended:
    """Instead of the page for 404: Astro's, or the site's own, which says so in a header and sets a cookie."""
    allowed = re.split(r"\s*,\s*", got.header("allow") or "")
    shows_page = is_not_found(want) or want["headers"].get("x-error-page") == "404"
    if not shows_page or got.status != 405 or given["request"]["method"] in allowed:
        return None
    return changed(want, {"content-type": ANY, "set-cookie": None, "x-error-page": ANY}, status=405, body=ANY)


def own_not_found(given: Given, want: Want, got: Reply) -> Amended:
    if not is_not_found(want) or not given["wraps"] or got.body not in (b'{"detail":"Not Found"}', b""):
        return None
    return changed(want, {"content-type": "application/json"}, body=ANY)


def own_failure(given: Given, want: Want, got: Reply) -> Amended:
    if not is_failure(want) or got.status != 500 or not given["wraps"]:
        return None
    return changed(want, {"content-type": "text/plain; charset=utf-8"}, body="Internal Server Error")


def kept_cookies(given: Given, want: Want, got: Reply) -> Amended:
    sent = got.headers.get("set-cookie")
    return changed(want, {"set-cookie": sent}) if is_failure(want) and got.status == 500 and sent else None


def bad_body(given: Given, want: Want, got: Reply) -> Amended:
    """Any page that fails because of the body of the request, which only pages of the area `request` do."""
    if not is_failure(want) or given["case"]["area"] != "request" or "body" not in given["request"]:
        return None
    kind = "application/json" if given["wraps"] else "text/plain; charset=utf-8"
    return changed(want, {"content-type": kind}, status=400, body=ANY)


def no_body_with_204(given: Given, want: Want, got: Reply) -> Amended:
    return changed(want, status=204) if is_failure(want) and got.status == 204 else None


def raised_redirect(given: Given, want: Want, got: Reply) -> Amended:
    """Nothing was sent before, so that it is a whole redirect."""
    if not want["incomplete"] or want.get("body") != BROKEN:
        return None
    headers = {"content-type": None, "location": got.header("location") or "a redirect"}
    return changed(want, headers, status=302, incomplete=False, body="")


def cut_off(given: Given, want: Want, got: Reply) -> Amended:
    body = text_of(want)
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
    path = path_of(given)
    escaped = re.search(r"%(?:2[Ff35]|3[Ff]|5[Cc])", path) is not None
    if given["wraps"]:
        return own_reading(given, want, got, escaped)
    if not escaped and "\\" not in path:
        return None
    if not path.startswith("/url/any/"):
        if not path.startswith("/params/") or "%2f" not in path.lower():
            return None
        if "{" in text_of(want):  # of [id], which takes no slash: the page of the rest answers
            return changed(want, body=f"<!DOCTYPE html><p>{unquote(path).removeprefix('/params/')}</p>")
        return changed(want, body=text_of(want).replace("%2F", "/"))
    segments = [segment for segment in unquote(path).split("/") if segment]
    pathname = "".join(f"/{quote(segment, safe=UNRESERVED)}" for segment in segments)
    said = {"rest": "/".join(segments[2:]), "pathname": pathname, "raw": path}
    body = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return changed(want, {"content-type": "application/json"}, status=200, body=body)


def one_spelling(given: Given, want: Want, got: Reply) -> Amended:
    path = unquote(path_of(given))
    if given["wraps"] or want["status"] != 200 or "//" not in path:
        return None
    clean = re.sub("//+", "/", path_of(given))
    return changed(want, {"content-type": None, "location": clean}, status=301, body="")


def as_it_came(given: Given, want: Want, got: Reply) -> Amended:
    path = path_of(given)
    if not given["wraps"]:
        return None
    odd = "//" in path or "\\" in path or re.search(r"%(?![0-9A-Fa-f]{2})", path) is not None
    return own_reading(given, want, got, odd)


def props_when_live(given: Given, want: Want, got: Reply) -> Amended:
    """The page's `paths` give a title to one of its paths."""
    listed = "src/pages/params/props-ignored/[slug].astro" in given["case"]["site_pages"]
    if not listed or not given["wraps"] or path_of(given).rstrip("/") != "/params/props-ignored/a":
        return None
    return changed(want, body=want["body"].replace("no title", "A"))


def checked_host(given: Given, want: Want, got: Reply) -> Amended:
    if given["case"]["area"] != "proxy" or header_of(given, "host") is None or got.status != 400:
        return None
    return changed(want, {"content-type": ANY}, status=400, body=ANY)


def web_schemes(given: Given, want: Want, got: Reply) -> Amended:
    """The forwarded host counts, the scheme stays that of the connection."""
    host = header_of(given, "x-forwarded-host")
    if header_of(given, "x-forwarded-proto") in (None, "http", "https") or host is None:
        return None
    address = f"http://{host}{given['request']['path']}"
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
        "cookies survive an exception",
        "What was set before is sent with the error (DESIGN.md section 4).",
        kept_cookies,
    ),
    Decision(
        "the app's own answer to an exception",
        "Exceptions of a wrapped app's routes reach its own handlers (DESIGN.md section 4, Transparent).",
        own_failure,
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
        "a page has one spelling",
        "Doubled slashes and dot segments are redirected, so that guards, rules and middleware see the path that is answered.",
        one_spelling,
    ),
    Decision(
        "the app sees the path as it came",
        "Empty segments, backslashes and malformed escapes are its router's to judge (DESIGN.md section 4, Transparent).",
        as_it_came,
    ),
    Decision(
        "props are the same when rendered live",
        "In a wrapped app, `paths` give the props of a page that no build made, too (docs/astro.md).",
        props_when_live,
    ),
    Decision("Host checked", "A Host that is not one of allowed_hosts is 400 (DESIGN.md section 4).", checked_host),
    Decision(
        "a forwarded scheme is http or https",
        "Any other is ignored, and the forwarded host is judged by itself.",
        web_schemes,
    ),
    *PAGE_DECISIONS,
    *FILE_DECISIONS,
]
