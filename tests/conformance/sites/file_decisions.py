"""Where our answer is another one on purpose: what a build made, files, slashes and `base`. See `amending.py`."""

from __future__ import annotations

import re
from typing import Any

from tests.conformance.cases import DATA
from tests.conformance.decisions import Decision
from tests.conformance.sites.amending import (
    PLAIN_NOT_FOUND,
    Amended,
    Given,
    Want,
    changed,
    has_file,
    header_of,
    is_not_found,
    path_of,
    site_of,
    text_of,
)
from tests.conformance.sites.wire import Reply

__all__ = ["FILE_DECISIONS"]

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

BASES = {"file-never": "/app", "slash-always": "/docs"}

NOT_FOUND_PAGES = {
    "file-never": "<!DOCTYPE html><p>no such page</p>",
    "static": "<!DOCTYPE html><html><body><h1>Nothing at /404</h1></body></html>",
    "errors-built": "<!DOCTYPE html><p>built 404</p>",
}
"""Site -> its page for 404, as we build it."""

BUILT = {
    "server/src/pages/prerendered/plain.ts": (201, "text/x-note"),
    "static/src/pages/feed.xml.ts": (200, "application/rss+xml"),
    "static/src/pages/no-extension.ts": (200, "text/html"),
}
"""Site and file -> status and content type of what its GET returns."""


def missing(given: Given, want: Want, content_type: str = HTML, body: str | None = None) -> dict[str, Any]:
    """`want` as the answer where nothing is; body: None for the page that the site has for that."""
    shown = NOT_FOUND_PAGES.get(site_of(given), PLAIN_NOT_FOUND) if body is None else body
    headers = {"content-type": content_type, "location": None, "set-cookie": None}
    return {**want, "status": 404, "headers": headers, "body": None if given["request"]["method"] == "HEAD" else shown}


def json_without_charset(given: Given, want: Want, got: Reply) -> Amended:
    is_json = want["headers"]["content-type"] == "application/json; charset=utf-8"
    return changed(want, {"content-type": "application/json"}) if is_json else None


def must_revalidate(given: Given, want: Want, got: Reply) -> Amended:
    if want["headers"].get("cache-control") != "public, max-age=0":
        return None
    return changed(want, {"cache-control": "public, max-age=0, must-revalidate"})


def as_asked(given: Given, want: Want, got: Reply) -> Amended:
    """Astro's built page thinks that it is at /about/ or /about.html, unless `trailingSlash` is always."""
    is_built = "cache-control" in want["headers"] or want["status"] == 404
    if not is_built or "<!DOCTYPE html>" not in text_of(want) or site_of(given) == "slash-always":
        return None
    return changed(want, body=re.sub(r"(/[\w-]+)(?:/index\.html|\.html|/)(?=[ <])", r"\1", text_of(want)))


def one_address(given: Given, want: Want, got: Reply) -> Amended:
    names_file = path_of(given).endswith((".html", "/index")) and not has_file(given, "live/[id].astro")
    return missing(given, want) if names_file and want["status"] == 200 and got.status == 404 else None


def outside_base(given: Given, want: Want, got: Reply) -> Amended:
    base = BASES.get(site_of(given), "")
    path = path_of(given)
    if path == base or path.startswith(f"{base}/") or got.status != 404:
        return None
    return missing(given, want, TEXT, "Not Found")


def below_base(given: Given, want: Want, got: Reply) -> Amended:
    """Not those that a page makes itself, which are 302 here."""
    base, location = BASES.get(site_of(given)), want["headers"]["location"]
    if base is None or location is None or want["status"] != 301 or location.startswith(base):
        return None
    return changed(want, {"location": base + location})


def slash_without_body(given: Given, want: Want, got: Reply) -> Amended:
    """Of redirects to the other spelling of a path. Two places of Astro's make them, each with a page of its own."""
    body = text_of(want)
    own = body.startswith("<!doctype html>\n<title>Redirecting to: ") or "<pre>Redirecting to " in body
    typed = given["request"]["method"] == "HEAD" and want["headers"]["content-type"] is not None
    if want["status"] not in {301, 308} or not (own or typed):
        return None
    headers = {name: value for name, value in want["headers"].items() if name in {"location", "set-cookie"}}
    return {**want, "headers": {**headers, "content-type": None}, "body": "" if body else None}


def slash_by_method(given: Given, want: Want, got: Reply) -> Amended:
    wanted = 301 if given["request"]["method"] in {"GET", "HEAD"} else 308
    if want["status"] not in {301, 308} or want["status"] == wanted or given["case"]["area"] != "trailing-slash":
        return None
    return changed(want, status=wanted)


def slash_only_where_something_is(given: Given, want: Want, got: Reply) -> Amended:
    nothing = re.search(r"/(?:missing|_image)$", path_of(given)) is not None
    return missing(given, want) if want["status"] == 301 and nothing and got.status == 404 else None


def slash_behind_dots(given: Given, want: Want, got: Reply) -> Amended:
    if not has_file(given, "files/[...path].ts") or not is_not_found(want) or "." not in path_of(given):
        return None
    return changed(want, {"content-type": None, "location": f"{path_of(given)}/"}, status=301, body="")


def no_image_endpoint(given: Given, want: Want, got: Reply) -> Amended:
    return missing(given, want) if path_of(given).endswith("/_image/") and want["status"] == 400 else None


def built_redirect(given: Given, want: Want, got: Reply) -> Amended:
    """Of a page, which Astro answers with a page that leads on."""
    found = re.match(r"<!doctype html><title>Redirecting to: ([^<]+)</title>", text_of(want))
    if found is None or want["status"] != 200 or "cache-control" not in want["headers"]:
        return None
    return changed(want, {"location": found[1]}, status=302)


def what_was_built(given: Given, want: Want, got: Reply) -> Amended:
    site = site_of(given)
    said = next((BUILT[key] for file in given["case"]["site_pages"] if (key := f"{site}/{file}") in BUILT), None)
    if said is None or want["status"] != 200:
        return None
    status, kind = said
    return changed(want, {"content-type": kind}, status=status)


def both_spellings(given: Given, want: Want, got: Reply) -> Amended:
    """Of a path without an extension; the file that Astro's build makes has one."""
    if not has_file(given, "no-extension.ts") or not path_of(given).endswith("/") or want["status"] != 404:
        return None
    return changed(want, {"content-type": "text/html"}, status=200, body="<p>html text</p>")


def reaches_handler(given: Given, want: Want, got: Reply) -> Amended:
    if not has_file(given, "methods.json.ts") or given["request"]["method"] != "POST":
        return None
    headers = {name: value for name, value in want["headers"].items() if name != "cache-control"}
    return {**want, "headers": headers, "body": '{"from":"post"}'}


def param_as_asked(given: Given, want: Want, got: Reply) -> Amended:
    found = re.search(r"/live/([^/]+)\.html$", path_of(given))
    if found is None or want["status"] != 200:
        return None
    return changed(want, body=want["body"].replace(f"live {found[1]} ", f"live {found[1]}.html "))


def no_ranges_in_304(given: Given, want: Want, got: Reply) -> Amended:
    if want["status"] != 304 or "accept-ranges" not in want["headers"]:
        return None
    headers = {name: value for name, value in want["headers"].items() if name != "accept-ranges"}
    return {**want, "headers": headers}


def still_fresh(given: Given, want: Want, got: Reply) -> Amended:
    """With the validator that it was given before."""
    captured = (header_of(given, "if-none-match") or "").startswith("{{")
    if header_of(given, "cache-control") != "no-cache" or not captured or want["status"] != 200:
        return None
    headers = {name: want["headers"][name] for name in ("cache-control", "etag", "last-modified")}
    return {**want, "status": 304, "headers": {**headers, "content-type": None}, "body": None}


def bare_416(given: Given, want: Want, got: Reply) -> Amended:
    if want["status"] != 416:
        return None
    return {**want, "headers": {"content-range": want["headers"]["content-range"], "content-type": None}}


def whole_file(given: Given, want: Want, got: Reply) -> Amended:
    method = given["request"]["method"]
    several = "," in (header_of(given, "range") or "") and method == "GET"
    file = DATA / "sites" / site_of(given) / "public" / path_of(given)[1:]
    if want["status"] != 206 or not (several or method == "HEAD") or not file.is_file():
        return None
    text = file.read_text()
    headers = {name: value for name, value in want["headers"].items() if name != "content-range"}
    body = text if several else None
    return {**want, "status": 200, "headers": {**headers, "content-length": str(len(text.encode()))}, "body": body}


def no_detours(given: Given, want: Want, got: Reply) -> Amended:
    detour = re.search(r"/\.\.|%2e%2e|%2f", path_of(given), re.IGNORECASE) is not None
    return missing(given, want) if detour and want["status"] == 200 and site_of(given) == "static" else None


FILE_DECISIONS = [
    Decision(
        "JSON has no charset",
        "application/json is UTF-8 by itself and has no such parameter (RFC 8259).",
        json_without_charset,
    ),
    Decision(
        "what a build made is asked for anew",
        "must-revalidate stands beside max-age=0: no cache shows it when it cannot ask.",
        must_revalidate,
    ),
    Decision(
        "a page sees the address it is served at",
        "Built, page.url is what a visitor's would be, and not the name of the file.",
        as_asked,
    ),
    Decision("a page has one address", "/index.html and /about.html are names of files, not of pages.", one_address),
    Decision("base enforced", "Nothing is served outside of `base` (DESIGN.md section 4).", outside_base),
    Decision(
        "redirects stay below base",
        "The target of a redirect that is not a page's own has `base` in front.",
        below_base,
    ),
    Decision("a redirect for a slash has no body", "Nobody reads it.", slash_without_body),
    Decision(
        "308 for a slash but for GET and HEAD",
        "The redirect of a form keeps it a form (DESIGN.md section 4); HEAD is redirected as GET is.",
        slash_by_method,
    ),
    Decision(
        "a slash only where something is",
        "The other spelling of a path is named only if there is a page (DESIGN.md section 4).",
        slash_only_where_something_is,
    ),
    Decision(
        "a path with a dot has its slash too",
        "Under trailing_slash always, pages and endpoints with parameters do not care for dots (ASTRO.md section 16.1, 17).",
        slash_behind_dots,
    ),
    Decision("no endpoint for images", "Images are not ours.", no_image_endpoint),
    Decision(
        "a redirect that was built redirects",
        "Its status and Location are kept in the snapshot (DESIGN.md section 4).",
        built_redirect,
    ),
    Decision(
        "status and headers of what was built are kept",
        "A snapshot is the whole answer (DESIGN.md section 4).",
        what_was_built,
    ),
    Decision(
        "both spellings of an endpoint",
        "Under trailing_slash ignore a path without an extension is answered with and without its slash, built and live alike.",
        both_spellings,
    ),
    Decision(
        "snapshots answer GET and HEAD only", "Other methods reach the handler (DESIGN.md section 4).", reaches_handler
    ),
    Decision("a parameter is what the path says", "No .html is cut from it.", param_as_asked),
    Decision(
        "a 304 says what caches need",
        "Accept-Ranges is not of those fields (RFC 9110 section 15.4.5).",
        no_ranges_in_304,
    ),
    Decision(
        "no-cache is for caches",
        "A visitor who has the file is told so, whether or not a cache in between may be asked (RFC 9111 section 5.2.1.4).",
        still_fresh,
    ),
    Decision("a 416 says how long the file is", "And nothing else, as it has no body.", bare_416),
    Decision(
        "one range, of GET",
        "Several ranges, and a range in HEAD, get the whole file's answer (RFC 9110 section 14.2).",
        whole_file,
    ),
    Decision(
        "no detours to files",
        "Dot segments and encoded slashes lead to no file; browsers take the first out themselves.",
        no_detours,
    ),
]
