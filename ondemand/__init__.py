"""ondemand: Astro's on-demand rendering for the ASGI app you already have.

What is named here is public; everything else may move. Each name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ondemand.contexts import Page, current_page
    from ondemand.cookies import Cookie, Cookies
    from ondemand.errors import (
        AppImportError,
        BodyError,
        BodyTooLarge,
        BodyUsed,
        BuildError,
        BuildRunning,
        ClientDisconnected,
        ConfigError,
        CookieError,
        LifespanError,
        ManifestError,
        MarkError,
        OnDemandError,
        OnDemandWarning,
        PageUnavailable,
        ParamError,
        PrerenderError,
        RequestError,
        ResponseStarted,
        StoreError,
    )
    from ondemand.forms import FormData, UploadedFile
    from ondemand.marks import StaticPath, prerender
    from ondemand.middleware import OnDemand
    from ondemand.pagination import Paginated
    from ondemand.paths import PathsContext
    from ondemand.prerendering.build import build
    from ondemand.recording import is_building
    from ondemand.responses import Redirect, Response
    from ondemand.routing import Route, Rule
    from ondemand.urls import URL

__version__ = "0.1.0"

_HOMES = {
    "AppImportError": "errors",
    "BodyError": "errors",
    "BodyTooLarge": "errors",
    "BodyUsed": "errors",
    "BuildError": "errors",
    "BuildRunning": "errors",
    "ClientDisconnected": "errors",
    "ConfigError": "errors",
    "Cookie": "cookies",
    "CookieError": "errors",
    "Cookies": "cookies",
    "FormData": "forms",
    "LifespanError": "errors",
    "ManifestError": "errors",
    "MarkError": "errors",
    "OnDemand": "middleware",
    "OnDemandError": "errors",
    "OnDemandWarning": "errors",
    "Page": "contexts",
    "PageUnavailable": "errors",
    "Paginated": "pagination",
    "ParamError": "errors",
    "PathsContext": "paths",
    "PrerenderError": "errors",
    "Redirect": "responses",
    "RequestError": "errors",
    "Response": "responses",
    "ResponseStarted": "errors",
    "Route": "routing",
    "Rule": "routing",
    "StaticPath": "marks",
    "StoreError": "errors",
    "URL": "urls",
    "UploadedFile": "forms",
    "build": "prerendering.build",
    "current_page": "contexts",
    "is_building": "recording",
    "prerender": "marks",
}

__all__ = [
    "URL",
    "AppImportError",
    "BodyError",
    "BodyTooLarge",
    "BodyUsed",
    "BuildError",
    "BuildRunning",
    "ClientDisconnected",
    "ConfigError",
    "Cookie",
    "CookieError",
    "Cookies",
    "FormData",
    "LifespanError",
    "ManifestError",
    "MarkError",
    "OnDemand",
    "OnDemandError",
    "OnDemandWarning",
    "Page",
    "PageUnavailable",
    "Paginated",
    "ParamError",
    "PathsContext",
    "PrerenderError",
    "Redirect",
    "RequestError",
    "Response",
    "ResponseStarted",
    "Route",
    "Rule",
    "StaticPath",
    "StoreError",
    "UploadedFile",
    "__version__",
    "build",
    "current_page",
    "is_building",
    "prerender",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
