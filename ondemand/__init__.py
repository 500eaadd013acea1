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
        AnswerError,
        AppImportError,
        AwaitError,
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
        TemplateError,
    )
    from ondemand.forms import FormData, UploadedFile
    from ondemand.marks import StaticPath, prerender
    from ondemand.middleware import OnDemand
    from ondemand.pages import Pages
    from ondemand.pagination import Paginated
    from ondemand.paths import PathsContext
    from ondemand.prerendering.build import build
    from ondemand.recording import is_building
    from ondemand.responses import Redirect, Response
    from ondemand.routing import Route, Rule
    from ondemand.sequencing import Next, sequence
    from ondemand.urls import URL

__version__ = "0.1.0"

_HOMES = {
    "AnswerError": "errors",
    "AppImportError": "errors",
    "AwaitError": "errors",
    "BodyError": "errors",
    "BodyTooLarge": "errors",
    "BodyUsed": "errors",
    "build": "prerendering.build",
    "BuildError": "errors",
    "BuildRunning": "errors",
    "ClientDisconnected": "errors",
    "ConfigError": "errors",
    "Cookie": "cookies",
    "CookieError": "errors",
    "Cookies": "cookies",
    "current_page": "contexts",
    "FormData": "forms",
    "is_building": "recording",
    "LifespanError": "errors",
    "ManifestError": "errors",
    "MarkError": "errors",
    "Next": "sequencing",
    "OnDemand": "middleware",
    "OnDemandError": "errors",
    "OnDemandWarning": "errors",
    "Page": "contexts",
    "Pages": "pages",
    "PageUnavailable": "errors",
    "Paginated": "pagination",
    "ParamError": "errors",
    "PathsContext": "paths",
    "prerender": "marks",
    "PrerenderError": "errors",
    "Redirect": "responses",
    "RequestError": "errors",
    "Response": "responses",
    "ResponseStarted": "errors",
    "Route": "routing",
    "Rule": "routing",
    "sequence": "sequencing",
    "StaticPath": "marks",
    "StoreError": "errors",
    "TemplateError": "errors",
    "UploadedFile": "forms",
    "URL": "urls",
}

__all__ = [
    "URL",
    "AnswerError",
    "AppImportError",
    "AwaitError",
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
    "Next",
    "OnDemand",
    "OnDemandError",
    "OnDemandWarning",
    "Page",
    "PageUnavailable",
    "Pages",
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
    "TemplateError",
    "UploadedFile",
    "__version__",
    "build",
    "current_page",
    "is_building",
    "prerender",
    "sequence",
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
