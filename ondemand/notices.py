"""Short answers of our own: a text, a redirect, the page for an error of a site that has none, the page for developers."""

from __future__ import annotations

import html
import traceback
from http import HTTPStatus

from ondemand._asgi import Scope, Send
from ondemand.errors import TemplateError
from ondemand.frames import describe, excerpt, traceback_of, user_frames

__all__ = ["send_plain_error", "send_redirect", "send_text", "send_to_developer"]

_HTML = "text/html; charset=utf-8"


async def send_text(
    scope: Scope, send: Send, status: int, text: str, content_type: str = "text/plain; charset=utf-8"
) -> None:
    """Answer with a short text of ours."""
    body = text.encode("utf-8", "replace")
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def send_redirect(status: int, location: str, send: Send) -> None:
    """Answer with a redirect without a body. A path keeps one slash in front, whatever stands before it (a mount may take its
    path from the request): with two it would be a host (RFC 3986 section 4.2)."""
    target = "/" + location.lstrip("/") if location.startswith("/") else location
    headers = [(b"location", target.encode("latin-1")), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def send_plain_error(status: int, scope: Scope, send: Send) -> None:
    """The page for `status` of a site that has none. It says nothing but the status."""
    phrase = HTTPStatus(status).phrase
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{status}: {phrase}</title>'
        f"<body><h1>{status}: {phrase}</h1></body></html>"
    )
    await send_text(scope, send, status, text, _HTML)


async def send_to_developer(error: Exception, name: str, scope: Scope, send: Send) -> None:
    """What went wrong in the page `name`, with the lines: for debug mode alone."""
    said = describe(error).partition("\n")[0]
    where = "\n".join(user_frames(error)) if traceback_of(error) is not None else ""
    lines = error.excerpt if isinstance(error, TemplateError) else excerpt(error)
    whole = "".join(traceback.format_exception(error))
    parts = [f"<h1>{html.escape(said)}</h1>", f"<p>in {html.escape(name)}</p>"]
    parts += [f"<pre>{html.escape(text)}</pre>" for text in (lines, where) if text]
    parts.append(f"<details><summary>Traceback</summary><pre>{html.escape(whole)}</pre></details>")
    style = (
        "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
        "h1{font-size:1.3rem;color:#b00020;overflow-wrap:anywhere}"
        "pre{background:#f4f4f5;padding:1rem;overflow:auto;border-radius:6px;font-size:.85rem}"
        "@media(prefers-color-scheme:dark){body{background:#18181b;color:#e4e4e7}pre{background:#27272a}h1{color:#ff8a8a}}"
    )
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>500: {html.escape(type(error).__name__)}</title><style>{style}</style><body>{''.join(parts)}</body></html>"
    )
    await send_text(scope, send, 500, page, _HTML)
