"""ondemand: Astro's on-demand rendering for the ASGI app you already have.

What is named here is public; everything else may move. Each name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ondemand.contexts import Page, PathsContext
    from ondemand.errors import (
        AppImportError,
        BuildError,
        BuildRunning,
        ConfigError,
        LifespanError,
        ManifestError,
        MarkError,
        OnDemandError,
        OnDemandWarning,
        ParamError,
        StoreError,
    )
    from ondemand.marks import StaticPath, prerender
    from ondemand.middleware import OnDemand
    from ondemand.prerendering.build import build
    from ondemand.recording import is_building
    from ondemand.responses import Response
    from ondemand.routing import Route, Rule

__version__ = "0.1.0"

_HOMES = {
    "AppImportError": "errors",
    "BuildError": "errors",
    "BuildRunning": "errors",
    "ConfigError": "errors",
    "LifespanError": "errors",
    "ManifestError": "errors",
    "MarkError": "errors",
    "OnDemand": "middleware",
    "OnDemandError": "errors",
    "OnDemandWarning": "errors",
    "Page": "contexts",
    "ParamError": "errors",
    "PathsContext": "contexts",
    "Response": "responses",
    "Route": "routing",
    "Rule": "routing",
    "StaticPath": "marks",
    "StoreError": "errors",
    "build": "prerendering.build",
    "is_building": "recording",
    "prerender": "marks",
}

__all__ = [
    "AppImportError",
    "BuildError",
    "BuildRunning",
    "ConfigError",
    "LifespanError",
    "ManifestError",
    "MarkError",
    "OnDemand",
    "OnDemandError",
    "OnDemandWarning",
    "Page",
    "ParamError",
    "PathsContext",
    "Response",
    "Route",
    "Rule",
    "StaticPath",
    "StoreError",
    "__version__",
    "build",
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
