"""The response that page code may return.

Where Starlette is installed, `Response` is a Starlette response, so that FastAPI and Starlette pass it through as it is;
elsewhere it is a small ASGI app of its own. The same arguments and the same bytes on the wire.
"""

from __future__ import annotations

import json as _json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ondemand._asgi import Receive, Scope, Send
from ondemand.routing import is_token, to_url

__all__ = ["Response", "redirect_target"]

_REDIRECTS = (301, 302, 303, 307, 308)


class _PlainResponse:
    """What `Response` is built on where Starlette is not installed: the part of its interface that is used here."""

    def __init__(self, content: bytes, status_code: int, headers: Mapping[str, str]) -> None:
        self.body = content
        self.status_code = status_code
        self.raw_headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ]
        if status_code not in (204, 304) and "content-length" not in headers:
            self.raw_headers.append((b"content-length", str(len(content)).encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": list(self.raw_headers)})
        await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else self.body})


if TYPE_CHECKING:
    _Base = _PlainResponse
else:
    try:
        from starlette.responses import Response as _Base
    except ImportError:
        _Base = _PlainResponse


class Response(_Base):
    """An answer: `Response("<h1>Hello</h1>")`, `Response.json({...})`, `Response.redirect("/login")`.

    body: text (HTML, unless `headers` names another content type), bytes or None. status: 200 to 599.
    headers: names and values; a value that holds a line break or is no latin-1 text is refused.
    Raises `ValueError` for a status or header that HTTP does not have.
    """

    def __init__(
        self,
        body: str | bytes | None = None,
        status: int | HTTPStatus = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if not 200 <= int(status) <= 599:
            raise ValueError(f"Response(status={status!r}): a status lies between 200 and 599.")
        fields = {name.lower(): _checked(name, value) for name, value in (headers or {}).items()}
        if isinstance(body, str):
            fields.setdefault("content-type", "text/html; charset=utf-8")
        content = body.encode() if isinstance(body, str) else body or b""
        super().__init__(content, int(status), fields)

    @classmethod
    def html(cls, body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """An HTML document."""
        return cls(body, status, headers)

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """`value` as JSON. Raises `ValueError` for what JSON has not (NaN), `TypeError` for other objects."""
        text = _json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return cls(text.encode(), status, {"content-type": "application/json", **(headers or {})})

    @classmethod
    def redirect(cls, url: str, status: int = 302) -> Response:
        """A redirect. Raises `ValueError` for another status than 301, 302, 303, 307, 308 and for a bad target."""
        if status not in _REDIRECTS:
            raise ValueError(f"redirect(status={status!r}): it takes one of {', '.join(map(str, _REDIRECTS))}.")
        return cls(None, status, {"location": redirect_target(url)})


_ESCAPED = re.compile(r"%(?![0-9A-Fa-f]{2})")


def redirect_target(url: str) -> str:
    """`url` for a Location header: non-ASCII text as a browser would encode it (RFC 3987 section 3.1).

    Raises `ValueError` for control characters and for schemes that run code (`javascript:`, `data:`, `vbscript:`).
    """
    url = url.strip(" ")
    if (
        not url
        or re.search(r"[\ud800-\udfff]", url)
        or any(ord(character) < 32 or ord(character) == 127 for character in url)
    ):
        raise ValueError(f"The redirect target {url!r} is empty or holds a control character.")
    if re.match(r"[ ]*(?:javascript|data|vbscript):", url, re.IGNORECASE):
        raise ValueError(f"The redirect target {url!r} would run code. Redirect to a path or an http(s) URL.")
    return "".join(c if "!" <= c <= "~" and c not in '"<>\\^`{|}' else to_url(c) for c in _ESCAPED.sub("%25", url))


def _checked(name: str, value: str) -> str:
    if not is_token(name) or any((ord(c) < 32 and c != "\t") or ord(c) == 127 or ord(c) > 255 for c in value):
        raise ValueError(f"The header {name!r}: {value!r} is no valid HTTP header.")
    return value
