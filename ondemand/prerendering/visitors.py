"""The visitors that a page is proven against: one with each thing that a page could depend on, and those whom the user names."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any, cast

from ondemand._asgi import ASGIApp
from ondemand.capture import CLIENT, Change
from ondemand.config import Config, Identity
from ondemand.errors import ConfigError
from ondemand.frames import is_users_file
from ondemand.proxies import checked_host
from ondemand.routing import is_field_value, is_token

__all__ = ["CANARY", "OTHER_HOST", "log_in", "other_hosts", "visitors", "words_beside_cookies"]

CANARY = "ondemand-canary"
"""What stands where a visitor's own text would: if a page shows it, it shows what a visitor sent."""

OTHER_HOST = f"{CANARY}.example"  # RFC 2606: nobody's
OTHER_CLIENT = "203.0.113.9"  # RFC 5737

_COOKIES = (
    *("access_token", "auth", "csrftoken", "currency", "django_language", "id", "lang", "language", "locale", "messages"),
    *("name", "session", "session_id", "sessionid", "sid", "theme", "token", "user", "user_id", "username"),
)  # fmt: skip
"""Names that cookies often have; in front of these come the words that stand beside `cookies` in the user's code."""

_LANGUAGES = frozenset(
    ["ar", "cs", "da", "de", "el", "es", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko", "nl", "no", "pl", "pt", "ru"]
)  # fmt: skip
"""Codes of which one, found in the user's code, is taken for a language of the site."""

_OF_LANGUAGE = re.compile("lang|locale|i18n", re.IGNORECASE)
_BROWSER_ACCEPTS = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

_NOT_OF_VISITOR = re.compile(
    "access-control-|cache-control$|content-|if-|last-modified$|proxy-|set-cookie$|strict-transport|transfer-|accept-encoding$"
    "|accept-ranges$|retry-after$|www-authenticate$|x-content-type|x-frame|x-forwarded-(?:host|port|prefix|proto)$"
    "|.*(?:correlation|request-id|trace)"
)
"""Names beside `headers` in the user's code that an answer has, that a proxy sets, or that are new each time."""

_MANY = 60  # names beyond which a Cookie header grows too long for some apps


def visitors(config: Config, words: Iterable[str]) -> tuple[Change, ...]:
    """Each visitor differs from the plain one in one thing, but for one who sends all other headers that are worth a try: a
    render for each would be too many. words: see `words_beside_cookies`. The query and the host go by the page."""
    words = [*words]
    spoken, *others = [code.partition("-")[0].lower() for code in config.locales.codes] or ["en"]
    others = [code for code in (*others, *(word for word in words if word in _LANGUAGES)) if code != spoken] or ["fr"]
    language = others[0]
    first = "fr" if "fr" in others else language  # what code that knows but one other language knows most often
    accepted = f"{first}-{first.upper()},{','.join(dict.fromkeys([first, *others[:9]]))};q=0.9"
    names = dict.fromkeys([*words[:_MANY], *_COOKIES])
    jar = "; ".join(f"{name}={language if _OF_LANGUAGE.search(name) else CANARY}" for name in names)
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
    sent: list[tuple[str, str, str]] = [
        ("cookies", "cookie", jar),
        ("an Authorization header", "authorization", f"Bearer {CANARY}"),
        ("another Accept-Language", "accept-language", accepted),
        ("another User-Agent", "user-agent", f"{phone} {CANARY}"),
        ("Accept: application/json", "accept", "application/json"),
        ("HX-Request", "hx-request", "true"),
        ("X-Requested-With", "x-requested-with", "XMLHttpRequest"),
        ("an Origin", "origin", f"https://{OTHER_HOST}"),
        ("a Referer", "referer", f"https://{OTHER_HOST}/{CANARY}"),
    ]
    changes = [Change(name, ((field.encode(), value.encode()),)) for name, field, value in sent]
    fields = {f"x-{CANARY}": CANARY, "accept": _BROWSER_ACCEPTS, "dnt": "1", "save-data": "on", "sec-gpc": "1"}
    for word in map(_as_header, words):
        if len(fields) < _MANY and _is_of_visitor(word) and word not in {field for _, field, _ in sent}:
            fields[word] = OTHER_CLIENT if word.endswith(("-for", "-ip")) else CANARY
    changes.append(
        Change("headers of all kinds", tuple((name.encode(), value.encode()) for name, value in fields.items()))
    )
    scheme = "http" if config.origin.startswith("https:") else "https"
    return (
        *changes,
        Change(f"the scheme {scheme}", scheme=scheme),
        Change("another client address", client=OTHER_CLIENT),
    )


def _as_header(word: str) -> str:
    """A word as the name of a header; WSGI and Django write HTTP_X_REAL_IP."""
    name = word.removeprefix("HTTP_")
    return name.replace("_", "-").lower() if name != word else word.lower()


def other_hosts(config: Config, hosts: Iterable[str]) -> list[Change]:
    """One for each other host that the app answers to, if it says so: sites may show each of their hosts something else, and
    refuse all others. Else one at a host that nobody has. hosts: as the app writes them, with wildcards."""
    own = config.origin.partition("//")[2]
    known = {own, f"www.{own}", own.removeprefix("www."), "localhost", "127.0.0.1", "[::1]", "testserver"}
    found: dict[str, None] = {}
    for host in (*hosts, *config.allowed_hosts):
        name = f"{CANARY}.{host.lstrip('*.')}" if host[:1] in {"*", "."} and host.strip("*.") else host
        if name not in known and checked_host(name) is not None:
            found[name] = None
    return [Change("another host", host=name.encode("idna")) for name in found or [OTHER_HOST]]


# --- which cookies and headers could a page look for?


def _is_of_visitor(word: str) -> bool:
    """True if `word` may be the name of a header that visitors send."""
    return "-" in word.strip("-") and _NOT_OF_VISITOR.match(word) is None


def words_beside_cookies(endpoints: Iterable[Any]) -> list[str]:
    """Short constants of the user's modules, those first that stand in code with `cookies`, `headers` or a name like
    SESSION_COOKIE: names of cookies and headers are among them, and values that make a difference. endpoints: what the routes
    run; their modules come first."""
    near: dict[str, None] = {}
    others: dict[str, None] = {}
    first = dict.fromkeys(getattr(endpoint, "__module__", "") or "" for endpoint in endpoints)
    modules = [sys.modules[name] for name in first if name in sys.modules]
    for module in [*modules, *list(sys.modules.values())]:
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py") and is_users_file(file):
            beside, elsewhere = _words(file)
            near.update(dict.fromkeys(beside))
            others.update(dict.fromkeys(elsewhere))
    return [*near, *(word for word in others if word not in near)]


_WORDS = re.compile(rb"cookie|header|\bMETA\b|environ", re.IGNORECASE)
_NAMES = re.compile("cookie|header|^META$|environ", re.IGNORECASE)


@cache
def _words(file: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The constants of a source file: of its functions and classes that have such names, and of the file's own code, where its
    tables of texts stand."""
    try:
        source = Path(file).read_bytes()
        whole = compile(source, file, "exec", dont_inherit=True) if _WORDS.search(source) else None
    except (OSError, SyntaxError, ValueError):
        return (), ()
    if whole is None:
        return (), ()
    codes = [code for code in _inside(whole) if code is not whole and _NAMES.search(" ".join(code.co_names))]
    beside = [word for code in codes for word in _constants(code)]
    own = tuple(_constants(whole))
    if any(_NAMES.search(name) for name in whole.co_names if name.isupper()):
        return (*beside, *own), ()
    return tuple(beside), own


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)


def _constants(code: CodeType) -> Iterator[str]:
    for constant in code.co_consts:
        for one in cast("tuple[Any, ...]", constant) if isinstance(constant, tuple) else (constant,):
            if isinstance(one, str) and len(one) <= 40 and is_token(one):
                yield one


# --- identities


async def log_in(name: str, identity: Identity, app: ASGIApp, origin: str, state: Mapping[str, Any] | None) -> Change:
    """The visitor `name`, logged in. Raises whatever the user's function raises, `ConfigError` if it returns no headers: its
    text goes on after "The login"."""
    headers: Any = identity
    if callable(identity):
        takes = len(inspect.signature(identity).parameters) > 0
        import httpx

        transport = httpx.ASGITransport(_with_state(app, state), client=(CLIENT, 0))
        own = {"origin": origin}  # without it a form is taken for another site's
        async with httpx.AsyncClient(
            transport=transport, base_url=origin, headers=own, follow_redirects=True, trust_env=False
        ) as client:
            headers = identity(client) if takes else identity()
            if inspect.isawaitable(headers):
                headers = await headers
            if headers is None:
                headers = {"cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)}
                if not client.cookies.jar:
                    raise ConfigError("returned None, and no answer to its client set a cookie")
    if not isinstance(headers, Mapping):
        kind = type(headers).__name__  # not what it is: that may be a secret
        raise ConfigError(f"returned a {kind}. Return a mapping of headers to values, or None")
    fields: list[tuple[bytes, bytes]] = []
    for field, value in cast("Mapping[Any, Any]", headers).items():
        if not (
            isinstance(field, str) and isinstance(value, str) and is_token(field) and is_field_value(value) and value
        ):
            raise ConfigError(f"returned a value for {field!r:.60} that is no header's")
        fields.append((field.lower().encode(), value.encode("latin-1")))
    return Change(f"{name} logged in", tuple(fields), identity=True)


def _with_state(app: ASGIApp, state: Mapping[str, Any] | None) -> ASGIApp:
    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)} if state is not None else scope, receive, send)

    return with_state
