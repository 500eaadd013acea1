"""Every setting of a site, in one place: its name, its default, what it accepts. Checked when it is made.

Arguments of `OnDemand(...)` beat `[tool.ondemand]` in pyproject.toml beat the defaults.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlsplit

from ondemand.errors import ConfigError, CookieError
from ondemand.locales import Locales
from ondemand.redirects import Redirects
from ondemand.routing import Pattern, Route, Rule, Rules, is_field_value, is_token

if TYPE_CHECKING:
    from ondemand.pages import Pages

__all__ = ["FINDINGS", "Config", "Policies", "Policy", "project_root", "read_project"]

Policy = Literal["fail", "warn", "ignore"]
Identity = Mapping[str, str] | Callable[..., Any]
"""Headers of a request (`{"Cookie": "session=..."}`), or a function, sync or async, of nothing or of an `httpx.AsyncClient`
that asks the app. It returns such headers; or None, and the cookies that its client got are taken."""

FINDINGS: Mapping[str, Policy] = {
    # kind -> what a build does with it unless `findings=` says otherwise
    "error": "fail",  # a page raised, before or after its first byte
    "status": "fail",  # a page answered 400 or above
    "timeout": "fail",  # a page did not finish in `page_timeout` seconds
    "broken-link": "fail",  # a link leads nowhere
    "broken-fragment": "fail",  # a link names an id that its page has not
    "faulty-link": "warn",  # a link is no URL
    "redirect-chain": "warn",  # a redirect leads to another redirect
    "redirect-loop": "fail",  # redirects that lead back to themselves
    "mixed": "warn",  # a page of an https site links to itself, or loads something, by http
    "external-link": "warn",  # a link to another site leads nowhere (`check --external`)
    "collision": "fail",  # two pages want one file (also by case, Unicode form, file against folder)
    "name": "fail",  # a path that cannot be the name of a file
    "params": "fail",  # `paths` raised or yielded something that does not fit its route
    "unreached": "fail",  # a marked route that no link and no `paths` reached
    "private": "fail",  # a marked page answers Set-Cookie, private, no-store or Vary: *
    "vary": "fail",  # a marked page answers Vary: Cookie or Authorization
    "origin": "fail",  # a marked page holds an absolute URL of its own, and no `site` is set
    "declares": "fail",  # a marked page declares parameters or security that only a visitor has
    "session": "fail",  # a marked page used the session
    "reads": "warn",  # a marked page read the request's headers, cookies, address or locale
    "differs": "fail",  # a marked page is another one for another visitor
    "unstable": "fail",  # a marked page is another one each time it is rendered
    "identity": "fail",  # the login of an identity failed
    "csrf": "fail",  # a marked page has a form with a token that is made for one visitor
    "nonce": "fail",  # a marked page has a nonce of a Content-Security-Policy, which must be new each time
    "secret": "fail",  # a page holds a private key, an access key or the value of a secret environment variable
    "canary": "fail",  # a page shows what the made-up visitors of an earlier proof sent
    "debug-page": "fail",  # a marked page is a traceback or a framework's debug page
    "address": "fail",  # a marked page links to localhost, testserver or the like
    "canonical": "warn",  # a page names another origin than `site` as its own
    "form": "warn",  # a form posts to the address of a static page
    "endless": "fail",  # links that grow for ever
    "nothing": "warn",  # no page is static
    "public": "warn",  # a file of the public folder that cannot be published
    "skipped-middleware": "warn",  # security middleware that a snapshot never passes
    "unwrapped": "warn",  # the app has no OnDemand
    "unused-rule": "warn",  # a rule that covers nothing
    "shadowed": "warn",  # static paths of a page that another page of our own keeps
    "lost-mark": "fail",  # a marked function that no route runs: what it says would be passed over
}


class Policies:
    """What to do with each kind of finding, for each path: `{"broken-link": "warn", "status": {"/old/**": "ignore"}}`."""

    __slots__ = ("_for_all", "_for_paths")

    def __init__(self, settings: Mapping[str, Policy | Mapping[str, Policy]]) -> None:
        self._for_all: dict[str, Policy] = dict(FINDINGS)
        self._for_paths: dict[str, list[tuple[Pattern, Policy]]] = {}
        for kind, setting in settings.items():
            if kind not in FINDINGS:
                raise _refuse("findings", kind, f"one of the kinds {', '.join(FINDINGS)}", near=FINDINGS)
            if isinstance(setting, Mapping):
                for pattern, policy in setting.items():
                    _one_of(f"findings[{kind!r}][{pattern!r}]", policy, ("fail", "warn", "ignore"))
                ordered: list[tuple[Pattern, Policy]] = [(Pattern(text), policy) for text, policy in setting.items()]
                ordered.sort(key=lambda item: (item[0].is_literal, item[0].specificity), reverse=True)
                self._for_paths[kind] = ordered
            else:
                _one_of(f"findings[{kind!r}]", setting, ("fail", "warn", "ignore"))
                self._for_all[kind] = setting

    def of(self, kind: str, path: str | None) -> Policy:
        """The policy for a finding of `kind` about `path` (None: about no path)."""
        if path is not None:
            for pattern, policy in self._for_paths.get(kind, ()):
                if pattern.match(path) is not None:
                    return policy
        return self._for_all[kind]


@dataclass(kw_only=True, eq=False, repr=False)
class Config:
    """The settings of a site. Make one with `Config.make`, which checks and explains; paths are resolved.

    output: the default of unmarked pages: "static", "server" (on demand), "hybrid" (an alias of "static").
    dist: the folder that `ondemand build` publishes to and the server reads. Relative to the project's root.
    public: a folder whose files are served and published as they are, beside the pages; None for none.
    snapshots: True, False or "auto": off under `ondemand dev`, FASTAPI_ENV=development, in debug mode and under pytest.
        The environment variable ONDEMAND_SNAPSHOTS (1 or 0) overrides it.
    site: the origin that pages are rendered for, such as "https://example.com"; "" for http://localhost.
    base: the path that the site lives under, such as "/docs".
    trailing_slash: "ignore" (the app decides), "always" or "never" (redirects to what exists).
    build_format: "directory" (about/index.html), "file" (about.html), "preserve" (whichever the URL says).
    rules: pattern or glob -> `Rule`. routes: more routes, in front of those that the app shows.
    skips: names of middleware classes that snapshots may skip: silences the warning about them.
    findings: kind -> "fail", "warn" or "ignore", or a mapping of patterns to these: see `FINDINGS`.
    identities: name -> headers of somebody who is logged in, or an async function that logs in and returns them: the build
        renders each page that it proves as they too, and none may differ. See `Identity`.
    page_timeout: seconds that a build waits for one page.
    concurrency: pages that one build process renders at once.
    templates: a folder of templates, a Mako `TemplateLookup`, a Jinja2 `Environment` or Starlette's `Jinja2Templates`.
    pages: a folder of page files, or a `Pages`: the pages of the site's own.
    stream: False renders each page whole before its first byte is sent. `Rule(stream=)` and pages may say otherwise.
    error_pages: whose errors show the site's pages `/404` and `/500`: "pages" (those of the site's own pages), "all" (also the
        wrapped app's).
    debug: True shows what failed and where to whoever asks, and looks for changed templates and page files; "auto": under
        `ondemand dev`, FASTAPI_ENV=development and where the app is in debug mode.
    adapter: the host that the site is for: "asgi".
    redirects: path or pattern -> path, URL, or {"status": 308, "destination": ...}. Internal ones are below `base`.
    check_origin: whose forms are refused when another site sends them: "pages" (those that OnDemand itself answers), "all"
        (also the wrapped app's), False.
    allowed_hosts: the hosts that the site answers to; others get 400. Empty: any well-formed one. See `ondemand.proxies.Hosts`.
    trusted_proxies: addresses and networks whose X-Forwarded-* headers count; "unix" for a peer without an address.
    body_limit: bytes that `page.request` reads of a body; None for any.
    cookie_defaults: options of every cookie that a page sets, such as {"path": "/", "secure": True}.
    locales: codes, or {"path": ..., "codes": [...]}, the default first.
    crawl_limit: pages of one route that links alone may add to a build.
    keep: earlier generations kept in `dist`. grace: seconds an unneeded one stays, for visitors on its pages.
    memory: bytes of snapshots that a server keeps in memory.
    """

    root: Path
    output: Literal["static", "server"] = "static"
    dist: Path = Path("dist")
    public: Path | None = None
    snapshots: bool | Literal["auto"] = "auto"
    site: str = ""
    base: str = "/"
    trailing_slash: Literal["ignore", "always", "never"] = "ignore"
    build_format: Literal["directory", "file", "preserve"] = "directory"
    rules: Rules = field(default_factory=lambda: Rules({}))
    routes: tuple[Route, ...] = ()
    skips: frozenset[str] = frozenset()
    findings: Policies = field(default_factory=lambda: Policies({}))
    identities: Mapping[str, Identity] = field(default_factory=dict[str, "Identity"])
    page_timeout: float = 30.0
    concurrency: int = 8
    crawl_limit: int = 50_000
    keep: int = 2
    grace: float = 3600.0
    memory: int = 64 * 1024 * 1024
    templates: Any = None
    pages: Pages | None = None
    stream: bool = True
    error_pages: Literal["pages", "all"] = "pages"
    debug: bool | Literal["auto"] = "auto"
    adapter: str = "asgi"
    redirects: Redirects = field(default_factory=lambda: Redirects({}))
    check_origin: Literal["pages", "all", False] = "pages"
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    body_limit: int | None = 10 * 1024 * 1024
    cookie_defaults: Mapping[str, Any] = field(default_factory=lambda: {"path": "/"})
    locales: Locales = field(default_factory=Locales)

    @classmethod
    def make(cls, settings: Mapping[str, Any], *, root: Path) -> Config:
        """Check `settings` (what the user wrote) and make the Config.

        Raises `ConfigError` for an unknown key or a wrong value: it names the key, the value and what is accepted.
        """
        made: dict[str, Any] = {}
        for key, value in settings.items():
            check = _CHECKS.get(key)
            if check is None:
                raise _refuse("the configuration", key, f"one of {', '.join(sorted(_CHECKS))}", near=_CHECKS)
            made[key] = check(key, value)
        config = cls(root=root, **made)
        return replace(
            config,
            dist=(root / config.dist).absolute(),
            public=None if config.public is None else (root / config.public).absolute(),
            templates=(root / config.templates).absolute() if isinstance(config.templates, Path) else config.templates,
        )

    @property
    def origin(self) -> str:
        """The origin that the build renders pages for."""
        return self.site or "http://localhost"

    @property
    def prefix(self) -> str:
        """`base` without its last slash: "" for "/"."""
        return "" if self.base == "/" else self.base


def project_root(app: object) -> Path | None:
    """The folder of the nearest pyproject.toml above the module that holds `app`, or None if no module does.

    The same for a build and a server, wherever they are started from.
    """
    if app is None:
        return None
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and not name.startswith("ondemand.") and any(value is app for value in list(vars(module).values())):
            for folder in Path(file).absolute().parents:
                if (folder / "pyproject.toml").is_file():
                    return folder
    return None


def read_project(root: Path) -> dict[str, Any]:
    """`[tool.ondemand]` of the pyproject.toml in `root`, without `app`, which is the command line's; {} if none.

    Raises `ConfigError` if the file is no TOML or the table is none.
    """
    file = root / "pyproject.toml"
    if not file.exists():
        return {}
    import tomllib

    try:
        tools = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{file} cannot be read: {error}. Correct the file.") from error
    table = cast("dict[str, Any]", tools).get("ondemand", {}) if isinstance(tools, dict) else None
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: [tool.ondemand] is no table. Write `[tool.ondemand]` and settings below it.")
    return {key: value for key, value in cast("dict[str, Any]", table).items() if key != "app"}


# --- the checks, one for each key -------------------------------------------------------------------------------------


def _refuse(where: str, key: object, accepted: str, *, near: Iterable[str] = ()) -> ConfigError:
    import difflib

    guess = difflib.get_close_matches(str(key), list(near), n=1)
    hint = f" Did you mean {guess[0]!r}?" if guess else ""
    return ConfigError(f"{where} does not know {key!r}. It takes {accepted}.{hint}")


def _wrong(key: str, value: object, accepted: str) -> ConfigError:
    return ConfigError(f"{key}={value!r} is not accepted. {key} takes {accepted}.")


def _one_of(key: str, value: object, accepted: tuple[object, ...]) -> None:
    if not any(value is one or (isinstance(one, str) and value == one) for one in accepted):
        raise _wrong(key, value, " or ".join(repr(one) for one in accepted))


def _choice(*accepted: object) -> Callable[[str, Any], Any]:
    def check(key: str, value: Any) -> Any:
        _one_of(key, value, accepted)
        return value

    return check


def _number(kind: type[int] | type[float], least: float) -> Callable[[str, Any], Any]:
    def check(key: str, value: Any) -> Any:
        allowed = (int,) if kind is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed) or not value >= least:
            raise _wrong(key, value, f"a{' whole' if kind is int else ''} number, at least {least:g}")
        return kind(value)

    return check


def _output(key: str, value: Any) -> str:
    if value == "hybrid":
        import warnings

        from ondemand.errors import OnDemandWarning

        warnings.warn('output="hybrid" is an alias of output="static". Write "static".', OnDemandWarning, stacklevel=4)
        return "static"
    _one_of(key, value, ("static", "server", "hybrid"))
    return value


def _folder(key: str, value: Any) -> Path:
    if not isinstance(value, str | os.PathLike) or "\0" in (os.fspath(cast("str", value)) or "\0"):
        raise _wrong(key, cast("object", value), "the path of a folder")
    return Path(cast("str", value))


def _maybe_folder(key: str, value: Any) -> Path | None:
    return None if value is None else _folder(key, value)


ADAPTERS = ("asgi",)
"""The hosts that a site can be made for."""


def _adapter(key: str, value: Any) -> str:
    if value not in ADAPTERS:
        raise _refuse(key, value, f"one of {', '.join(ADAPTERS)}", near=ADAPTERS)
    return value


def _templates(key: str, value: Any) -> Any:
    if value is None or isinstance(value, str | os.PathLike):
        return _maybe_folder(key, value)
    known = any(hasattr(value, name) for name in ("adjust_uri", "overlay", "env"))  # Mako's, Jinja2's, Starlette's
    if not (hasattr(value, "get_template") and known):
        raise _wrong(key, value, "the path of a folder, a Mako TemplateLookup, a Jinja2 Environment or Jinja2Templates")
    return value


def _pages(key: str, value: Any) -> Pages | None:
    from ondemand.pages import Pages

    if value is None or isinstance(value, Pages):
        return value
    if not isinstance(value, str | os.PathLike):
        raise _wrong(key, cast("object", value), "a folder of page files, or a Pages(...)")
    return Pages(_folder(key, value))


_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z"


def _site(key: str, value: Any) -> str:
    accepted = 'an origin such as "https://example.com"'
    if not isinstance(value, str):
        raise _wrong(key, value, accepted)
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise _wrong(key, value, accepted) from None
    plain = parts.path in {"", "/"} and not parts.query and not parts.fragment and port != 0
    if parts.scheme not in {"http", "https"} or not re.match(_HOST, parts.netloc) or not plain:
        raise _wrong(key, value, accepted)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _base(key: str, value: Any) -> str:
    from ondemand.routing import path_fault

    if not isinstance(value, str) or not value.startswith("/") or path_fault(value):
        raise _wrong(key, value, 'a path such as "/docs"')
    return value.rstrip("/") or "/"


def _rules(key: str, value: Any) -> Rules:
    if not isinstance(value, Mapping):
        raise _wrong(key, value, "a mapping of patterns to Rule(...)")
    rules: dict[str, Rule] = {}
    for pattern, rule in cast("Mapping[Any, Any]", value).items():
        if isinstance(rule, Mapping):  # a table of pyproject.toml
            known = [item.name for item in fields(Rule)]
            for name in cast("Mapping[str, Any]", rule):
                if name not in known:
                    raise _refuse(f"{key}[{pattern!r}]", name, f"one of {', '.join(known)}", near=known)
            rule = Rule(**cast("Mapping[str, Any]", rule))
        if not isinstance(rule, Rule):
            raise _wrong(f"{key}[{pattern!r}]", cast("object", rule), "a Rule(...)")
        rules[pattern] = rule
    return Rules(rules)


def _routes(key: str, value: Any) -> tuple[Route, ...]:
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise _wrong(key, cast("object", value), "a list of Route(...) or paths")
    routes: list[Route] = []
    for route in cast("Iterable[Any]", value):
        if isinstance(route, Mapping):
            table = dict(cast("Mapping[str, Any]", route))
            known = ["pattern", "methods", "prerender", "paths", "props", "unknown"]
            for name in table:
                if name not in known:
                    raise _refuse(key, name, f"one of {', '.join(known)}", near=known)
            if "pattern" not in table:
                raise _wrong(key, table, "routes that have a pattern")
            route = Route(table.pop("pattern"), **table)
        elif isinstance(route, str):
            route = Route(route)
        if not isinstance(route, Route):
            raise _wrong(key, cast("object", route), "a list of Route(...) or paths")
        routes.append(route)
    return tuple(routes)


def _skips(key: str, value: Any) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise _wrong(key, cast("object", value), "a list of middleware classes or their names")
    names: list[str] = []
    for item in cast("Iterable[Any]", value):
        if not isinstance(item, str | type):
            raise _wrong(key, item, "a list of middleware classes or their names")
        names.append(item if isinstance(item, str) else item.__name__)
    return frozenset(names)


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise _wrong(key, cast("object", value), "a list of texts")
    items = tuple(cast("Iterable[Any]", value))
    for item in items:
        if not isinstance(item, str):
            raise _wrong(key, item, "a list of texts")
    return cast("tuple[str, ...]", items)


def _hosts(key: str, value: Any) -> tuple[str, ...]:
    from ondemand.proxies import Hosts

    patterns = _texts(key, value)
    Hosts(patterns)
    return patterns


def _proxies(key: str, value: Any) -> tuple[str, ...]:
    from ondemand.proxies import Hosts, Proxies

    trusted = _texts(key, value)
    Proxies(trusted, Hosts(()))
    return trusted


def _redirects(key: str, value: Any) -> Redirects:
    if not isinstance(value, Mapping):
        raise _wrong(key, value, "a mapping of paths to paths or URLs")
    return Redirects(cast("Mapping[str, Any]", value))


def _body_limit(key: str, value: Any) -> int | None:
    return None if value is None else _number(int, 0)(key, value)


def _cookie_defaults(key: str, value: Any) -> Mapping[str, Any]:
    from ondemand.cookies import Cookies

    if not isinstance(value, Mapping):
        raise _wrong(key, value, 'a mapping of options such as {"path": "/", "secure": True}')
    defaults = dict(cast("Mapping[str, Any]", value))
    try:
        Cookies().set("name", "value", **defaults)
    except (CookieError, TypeError) as error:
        raise ConfigError(f"{key}={value!r} is not accepted: {error}") from None
    return defaults


def _locales(key: str, value: Any) -> Locales:
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise _wrong(key, cast("object", value), 'a list of codes such as ["en", "fr"]')
    return Locales(tuple(cast("Iterable[Any]", value)))


def _identities(key: str, value: Any) -> Mapping[str, Identity]:
    accepted = (
        'a mapping of names to headers, such as {"alice": {"Cookie": "session=..."}}, or to functions that log in'
    )
    if not isinstance(value, Mapping):
        raise ConfigError(f"{key} takes {accepted}.")  # the value may be a secret
    identities = cast("Mapping[Any, Any]", value)
    for name, identity in identities.items():
        if not isinstance(name, str) or not (callable(identity) or _are_headers(identity)):
            raise ConfigError(f"{key}[{name!r}] is not accepted. {key} takes {accepted}.")
    return dict(identities)


def _are_headers(value: Any) -> bool:
    if not isinstance(value, Mapping) or not value:
        return False
    headers = cast("Mapping[Any, Any]", value)
    return all(is_token(name) and is_field_value(text) for name, text in headers.items())


def _findings(key: str, value: Any) -> Policies:
    if not isinstance(value, Mapping):
        raise _wrong(key, value, "a mapping of kinds to 'fail', 'warn' or 'ignore'")
    return Policies(cast("Mapping[str, Any]", value))


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "output": _output,
    "dist": _folder,
    "public": _maybe_folder,
    "snapshots": _choice(True, False, "auto"),
    "site": _site,
    "base": _base,
    "trailing_slash": _choice("ignore", "always", "never"),
    "build_format": _choice("directory", "file", "preserve"),
    "rules": _rules,
    "routes": _routes,
    "skips": _skips,
    "findings": _findings,
    "identities": _identities,
    "page_timeout": _number(float, 0.001),
    "concurrency": _number(int, 1),
    "crawl_limit": _number(int, 1),
    "keep": _number(int, 0),
    "grace": _number(float, 0),
    "memory": _number(int, 0),
    "templates": _templates,
    "pages": _pages,
    "stream": _choice(True, False),
    "error_pages": _choice("pages", "all"),
    "debug": _choice(True, False, "auto"),
    "adapter": _adapter,
    "redirects": _redirects,
    "check_origin": _choice("pages", "all", False),
    "allowed_hosts": _hosts,
    "trusted_proxies": _proxies,
    "body_limit": _body_limit,
    "cookie_defaults": _cookie_defaults,
    "locales": _locales,
}
