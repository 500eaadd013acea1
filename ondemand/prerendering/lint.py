"""What no page for everyone may hold: tokens made for one visitor, secrets, debug pages, addresses that only exist here.

Looks at the text of one answer, in linear time; a page with nothing suspicious costs a few searches for short texts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from urllib.parse import urljoin, urlsplit

from ondemand.capture import Capture
from ondemand.prerendering.report import Finding
from ondemand.prerendering.signals import media_type
from ondemand.prerendering.visitors import CANARY

__all__ = ["Lint"]

_TOKENS = ("csrf", "xsrf", "authenticity_token", "requestverificationtoken")
_SUSPECTS = ("<form", "nonce", "canonical", "og:url", *_TOKENS)
_TAG = re.compile(r"<(form|input|meta|link|script|style|base|[a-z0-9-]+(?=[^<>]*(?:nonce|hx-headers)))\b([^<>]*)>")
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]+)))?")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)

_HERE = r"(?:https?:)?//(?:localhost|testserver|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1\])(?::\d{1,5})?(?=[/?#\"'\s<>]|\Z)"
_IN_ATTRIBUTE = re.compile(
    rf"(?:href|src|srcset|action|formaction|content|data|poster)\s*=\s*[\"']?\s*({_HERE}[^\s\"'<>]*)"
)
_IN_DATA = re.compile(rf"[>\"']\s*({_HERE}[^\s\"'<>]*)")
_HERE_HINT = re.compile(r"//(?:localhost|testserver|127\.|0\.0\.0\.0|\[::1\])")

_TRACE = re.compile(r"file (?:\"|&quot;|&#34;)([^\"&<>\n]{1,300})(?:\"|&quot;|&#34;), line \d+", re.IGNORECASE)
_DEBUGGERS = (
    "<title>starlette debugger</title>",
    "werkzeug debugger</title>",
    "your django settings file",
    "because you have <code>debug = true</code>",
)

_KEYS: tuple[tuple[str, re.Pattern[str], str], ...] = tuple(
    (hint, re.compile(pattern), name)
    for hint, pattern, name in (
        ("-----BEGIN ", r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----", "a private key"),
        ("AKIA", r"\bAKIA[0-9A-Z]{16}\b", "an AWS access key"),
        ("sk_live_", r"\bsk_live_[0-9A-Za-z]{16,}", "a Stripe secret key"),
        ("ghp_", r"\bghp_[0-9A-Za-z]{36}\b", "a GitHub token"),
        ("github_pat_", r"\bgithub_pat_[0-9A-Za-z_]{40,}", "a GitHub token"),
        ("xox", r"\bxox[abprs]-[0-9A-Za-z-]{10,}", "a Slack token"),
    )
)
_SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL|DATABASE_URL|_DSN\Z")
_SHORTEST_SECRET = 10


class Lint:
    """Looks at the answers of one site."""

    def __init__(
        self, *, site: str, origin: str, posts: Callable[[str], bool], environment: Mapping[str, str] = os.environ
    ) -> None:
        """site: as configured, "" for none. origin: that the build asks at. posts: whether a route answers POST at a path."""
        self._site = site
        self._own_host = urlsplit(origin).netloc.lower()
        self._posts = posts
        self._secrets = {
            value: name
            for name, value in environment.items()
            if _SECRET_NAME.search(name.upper()) and len(value) >= _SHORTEST_SECRET
        }

    def findings(self, answer: Capture) -> Iterator[Finding]:
        """What is wrong with `answer`, each kind once. Messages say "it ..."."""
        kind = media_type(answer)
        if b"'nonce-" in (answer.header(b"content-security-policy") or b""):
            yield _nonce("its Content-Security-Policy has a nonce")
        if not (kind.startswith("text/") or kind.endswith(("json", "xml", "javascript"))):
            return
        text = answer.body.decode("utf-8", "replace")
        yield from self._secret(text)
        if CANARY in text:
            message = f"it shows {CANARY!r}, which the visitors of an earlier proof sent: it was stored"
            yield Finding("canary", message, "Do not show what visitors sent, or render the page on demand.")
        lower = text.lower()
        if (found := _debug_page(lower, text)) is not None:
            yield Finding(
                "debug-page", f"it shows {found}", "Correct the page, and turn debug mode off where you build."
            )
        is_html = kind in {"text/html", "application/xhtml+xml"}
        if _HERE_HINT.search(lower) and (address := self._address(lower, is_html)) is not None:
            remedy = "Link by path, or set site= to where the site lives."
            yield Finding("address", f"it links to {address}, which is another machine for each visitor", remedy)
        if is_html:
            yield from self._html(lower, answer.path)
        elif self._site and "<loc>" in lower:
            for location in re.findall(r"<loc>\s*([^<\s]+)", lower):
                if self._is_foreign(location):
                    yield self._canonical(f"<loc>{location}</loc>")
                    break

    def _secret(self, text: str) -> Iterator[Finding]:
        remedy = "Take it out, and take it for known: change it where it is used."
        for hint, pattern, name in _KEYS:
            if hint in text and pattern.search(text):
                yield Finding("secret", f"it holds {name}", remedy)
                return
        for value, name in self._secrets.items():
            if value in text:
                yield Finding("secret", f"it holds the value of the environment variable {name}", remedy)
                return

    def _address(self, lower: str, is_html: bool) -> str | None:
        for match in (_IN_ATTRIBUTE if is_html else _IN_DATA).finditer(lower):
            if urlsplit(match[1]).netloc != self._own_host:
                return match[1][:80]
        return None

    def _html(self, lower: str, path: str) -> Iterator[Finding]:
        if not any(word in lower for word in _SUSPECTS):
            return
        if "<!--" in lower:
            lower = _COMMENT.sub("", lower)
        told: set[str] = set()
        for tag in _TAG.finditer(lower):
            for finding in self._tag(tag[1], _attributes(tag[2]), path):
                if finding.kind not in told:
                    told.add(finding.kind)
                    yield finding

    def _tag(self, name: str, attributes: Mapping[str, str], path: str) -> Iterator[Finding]:
        if name in {"input", "meta"} and _is_token(attributes.get("name", "")):
            if attributes.get("value") or attributes.get("content"):
                yield _csrf(f"it has a CSRF token ({attributes['name'][:40]})")
        elif "hx-headers" in attributes and _is_token(attributes["hx-headers"]):
            yield _csrf("it has a CSRF token (hx-headers)")
        if attributes.get("nonce"):
            yield _nonce(f"its <{name}> has a nonce")
        if name == "form" and attributes.get("method") == "post" and "hx-post" not in attributes:
            yield from self._form(attributes.get("action", ""), path)
        if self._site:
            own = attributes.get("href") if "canonical" in attributes.get("rel", "").split() else None
            if name == "meta" and attributes.get("property") == "og:url":
                own = attributes.get("content")
            if own and self._is_foreign(own):
                yield self._canonical(own)

    def _form(self, action: str, path: str) -> Iterator[Finding]:
        target = urlsplit(urljoin("http://here" + path, action))
        if target.netloc != "here" or target.path.rstrip("/") != path.rstrip("/").lower():
            return
        if self._posts(path):
            message = "it has a form that posts to its own address: what the answer says is in no snapshot"
            remedy = "Nothing, if POST answers with a redirect or a page of its own; else render it on demand."
        else:
            message = "it has a form that posts to its own address, where no route answers POST"
            remedy = "Add the route, or name another `action`."
        yield Finding("form", message, remedy)

    def _is_foreign(self, address: str) -> bool:
        parts = urlsplit(address)
        return (
            bool(parts.netloc)
            and f"{parts.scheme or urlsplit(self._site).scheme}://{parts.netloc}" != self._site.lower()
        )

    def _canonical(self, what: str) -> Finding:
        return Finding(
            "canonical",
            f"it says that its own address is {what[:120]}, but site is {self._site}",
            "Correct one of them.",
        )


def _is_token(name: str) -> bool:
    return any(word in name for word in _TOKENS)


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        found.setdefault(match[1], match[2] or match[3] or match[4] or "")
    return found


def _csrf(message: str) -> Finding:
    return Finding("csrf", message, "Fetch the token when the form is used, or render the page on demand.")


def _nonce(message: str) -> Finding:
    return Finding("nonce", message, "Allow what the page runs by its hash, or render the page on demand.")


def _debug_page(lower: str, text: str) -> str | None:
    if "traceback (most recent call last)" in lower:
        for file in _TRACE.findall(text):
            if _exists(file):
                return f"a traceback with files of this machine ({file})"
    return "a framework's debug page" if any(mark in lower for mark in _DEBUGGERS) else None


@cache
def _exists(file: str) -> bool:
    return os.path.isabs(file) and os.path.exists(file)
