"""Where our answer is another one on purpose: pages of our own, their errors, middleware and locales. See `amending.py`."""

from __future__ import annotations

import re

from tests.conformance.decisions import Decision
from tests.conformance.sites.amending import (
    PLAIN_FAILURE,
    PLAIN_NOT_FOUND,
    Amended,
    Given,
    Want,
    changed,
    has_file,
    is_failure,
    is_not_found,
    path_of,
    site_of,
    text_of,
)
from tests.conformance.sites.wire import Reply

__all__ = ["PAGE_DECISIONS"]

HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


def plain_failure(given: Given, want: Want, got: Reply) -> Amended:
    if not is_failure(want) or got.status != 500 or given["wraps"]:
        return None
    return changed(want, {"content-type": HTML}, body=PLAIN_FAILURE)


def malformed(given: Given, want: Want, got: Reply) -> Amended:
    """An escape that is none, or NUL. Whether a server lets it through differs."""
    bad = re.search(r"%(?![0-9A-Fa-f]{2})|%00", path_of(given)) is not None
    if not bad or given["wraps"] or want["status"] not in {400, 404} or got.status != 400:
        return None
    return changed(want, {"content-type": TEXT}, status=400, body="The path of this request is malformed.\n")


def one_nothing(given: Given, want: Want, got: Reply) -> Amended:
    """The page for 500 of errors-live prints the error that it is given."""
    body = re.sub(r"(?<=not an error: )(?:null|undefined)(?=<)", "None", text_of(want))
    return changed(want, body=body) if body != text_of(want) and site_of(given) == "errors-live" else None


def quotes(given: Given, want: Want, got: Reply) -> Amended:
    body = text_of(want)
    if "&quot;" not in body or b"&#34;" not in got.body:
        return None
    return changed(want, body=body.replace("&quot;", "&#34;"))


def attributes(given: Given, want: Want, got: Reply) -> Amended:
    """Only `response/escape` has such an attribute, and only a template escapes by itself."""

    def whole(found: re.Match[str]) -> str:
        inner = found[1].replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;")
        return f'="{inner}"'

    if not has_file(given, "response/escape.astro") or b"&#34;" not in got.body:
        return None
    return changed(want, body=re.sub(r'="([^"]*)"', whole, want["body"]))


def type_by_path(given: Given, want: Want, got: Reply) -> Amended:
    """Of a text that an endpoint returns."""
    if want["headers"]["content-type"] != "text/plain;charset=UTF-8" or not path_of(given).endswith(".json"):
        return None
    return changed(want, {"content-type": JSON}) if got.header("content-type") == JSON else None


def no_methods(given: Given, want: Want, got: Reply) -> Amended:
    mistaken = ("endpoints/lower-case.ts", "endpoints/default-export.ts")
    if not is_not_found(want) or not any(has_file(given, file) for file in mistaken):
        return None
    return changed(want, {"content-type": HTML}, status=500, body=PLAIN_FAILURE)


def late_change(given: Given, want: Want, got: Reply) -> Amended:
    """Where the code of the component is run in its place, it stands behind one that waits, and thus behind the first byte."""
    if not has_file(given, "streaming/late-header.astro") or got.status != 200:
        return None
    begun = "<!DOCTYPE html><html><body><p>start</p>"
    return changed(want, {"x-from-component": None}, status=200, incomplete=True, body=begun)


def error_by_address(given: Given, want: Want, got: Reply) -> Amended:
    """errors-built has its pages for errors as files."""
    if path_of(given) not in {"/500", "/500/"} or not is_built_not_found(want):
        return None
    return changed(want, status=500, body="<!DOCTYPE html><p>built 500</p>")


def is_built_not_found(want: Want) -> bool:
    return want["status"] == 404 and want.get("body") == "<!DOCTYPE html><p>built 404</p>"


def no_new_locals(given: Given, want: Want, got: Reply) -> Amended:
    if not has_file(given, "locals-reassign.astro"):
        return None
    return changed(want, {"content-type": HTML, "x-user": None}, status=500, body=PLAIN_FAILURE)


def rewritten_to_404(given: Given, want: Want, got: Reply) -> Amended:
    if not has_file(given, "live-rewrite-404.astro") or not is_failure(want):
        return None
    return changed(
        want,
        {"content-type": HTML},
        status=404,
        body="<!DOCTYPE html><html><body><h1>Nothing at /404</h1></body></html>",
    )


def fallback(given: Given, want: Want, got: Reply) -> Amended:
    """/fr/about?x=1 -> /about?x=1"""
    target = given["request"]["path"].removeprefix("/fr")
    if given["case"]["area"] != "i18n" or want["status"] != 302 or want["headers"]["location"] is not None:
        return None
    return changed(want, {"content-type": None, "location": target}, body="")


def not_found_is_shown(given: Given, want: Want, got: Reply) -> Amended:
    """Of both sites of locales: one has a page for 404, which names the locale and the path."""
    if given["case"]["area"] != "i18n" or want["status"] != 404 or want.get("body") != "":
        return None
    own = site_of(given) == "i18n-prefix"
    body = f"<!DOCTYPE html><p>not found en {path_of(given)}</p>" if own else PLAIN_NOT_FOUND
    return changed(want, {"content-type": HTML, "location": None}, body=body)


def locale_of_path(given: Given, want: Want, got: Reply) -> Amended:
    """A page that Italian lacks, and English too."""
    body = re.sub(r"not found it (?=/en/)", "not found en ", text_of(want))
    return changed(want, body=body) if given["case"]["area"] == "i18n" and body != text_of(want) else None


PAGE_DECISIONS = [
    Decision(
        "a page says that something failed",
        "Where a site has no page for 500, visitors read the status instead of nothing (ASTRO.md section 16.1, 20).",
        plain_failure,
    ),
    Decision(
        "a malformed path is refused with a reason",
        "An escape that is none, and NUL, are 400 for pages of our own, with a sentence about it.",
        malformed,
    ),
    Decision("Python has one nothing", "null and undefined are None.", one_nothing),
    Decision("a quote is &#34;", "Templates escape with markupsafe: the same character, written otherwise.", quotes),
    Decision(
        "attributes are escaped like texts",
        "A template engine does not know where in HTML it is: < and > are escaped everywhere.",
        attributes,
    ),
    Decision(
        "a text has the type of its path",
        "What an endpoint at /a.json returns as text is application/json, built and live alike (DESIGN.md section 4).",
        type_by_path,
    ),
    Decision(
        "an endpoint without methods is a mistake",
        "A module that exports no method cannot be meant; it is told in the log and by the build, and answers 500, not 404.",
        no_methods,
    ),
    Decision(
        "late changes raise",
        "A header that is set behind the first byte raises ResponseStarted instead of being lost (DESIGN.md section 4).",
        late_change,
    ),
    Decision(
        "a page for errors has its status",
        "Asked for by its address, /500 is 500 as /404 is 404, built and live alike.",
        error_by_address,
    ),
    Decision(
        "locals are changed, not replaced",
        "page.locals is the state of the request, which the server and the app hold too; assigning another is an error.",
        no_new_locals,
    ),
    Decision(
        "a page may rewrite to the page for 404", "Built or live, it is shown, with its status.", rewritten_to_404
    ),
    Decision(
        "a fallback is a redirect",
        "Where a locale lacks a page, the visitor is sent to it, with a Location (the port does it in its middleware).",
        fallback,
    ),
    Decision(
        "the page for 404 is shown",
        "Wherever a page is missing, visitors see the page for that, and a 404 leads nowhere.",
        not_found_is_shown,
    ),
    Decision(
        "the locale is that of the path",
        "After a rewrite, current_locale belongs to page.url, and not to what was asked for.",
        locale_of_path,
    ),
]
