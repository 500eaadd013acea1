"""What errors mean, so that Astro's and ours can be compared: each side's words on the left, one meaning on the right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["of_astro", "of_ours"]

ASTRO = {
    "InvalidGetStaticPathsReturn": "paths are no list",
    "InvalidGetStaticPathsEntry": "an entry has no params",
    "GetStaticPathsExpectedParams": "an entry has no params",
    "GetStaticPathsInvalidRouteParam": "a param has a wrong type",
    "GetStaticPathsRequired": "a route has no paths",
    "NoMatchingStaticPathFound": "params do not fit",
    "PageNumberParamNotFound": "a route has no page number",
    "PrerenderDynamicEndpointPathCollide": "an endpoint has the path of a folder",
    "UnavailableAstroGlobal": "there is no page",
    "NoAdapterInstalled": "there is no adapter",
    "PrerenderClientAddressNotAvailable": "nobody visits what is prerendered",
    "EndpointDidNotReturnAResponse": "what is returned is no answer",
    "OnlyResponseCanBeReturned": "what is returned is no answer",
    "UnsupportedExternalRedirect": "a redirect has a wrong target",
    "InvalidRedirectDestination": "a redirect leads to no route",
}
"""Astro's name of an error -> what it means."""

BARE = {
    r"Missing parameter": "params do not fit",
    r"reading 'params'": "an entry has no params",
    r"getStaticPaths is not a function": "paths are no function",
    r"^Invalid route .* brackets are unbalanced": "a file name is wrong: brackets",
    r"^Invalid route .* parameters must be separated": "a file name is wrong: neighbours",
    r"^Invalid route .* parameter name must match": "a file name is wrong: name",
    r"^redirects\.\S+: ": "a redirect has a wrong status",
}
"""The message of an error without a name of its own -> what it means."""

OURS = {
    r"redirects to .*, which no route answers": "a redirect leads to no route",
    r"client_address was read while a build": "nobody visits what is prerendered",
    r"AnswerError": "what is returned is no answer",
    r"^redirects\[.*(?: is not accepted|would run code)": "a redirect has a wrong target",
    r"^redirects\[.*the status .* is no redirect": "a redirect has a wrong status",
    r"brackets that do not match": "a file name is wrong: brackets",
    r"two parameters side by side": "a file name is wrong: neighbours",
    r"a parameter named": "a file name is wrong: name",
    r"names the parameter .* twice": "a file name is wrong: the same name twice",
    r"does not start with '/'": "a pattern has no slash",
    r"the address that the build asked at": "a page shows the address of the build",
    r"have the same path": "two pages have one path",
    r"is a configured redirect and a (?:route|page)": "a redirect has the path of a page",
    r"^the configuration does not know": "a setting is unknown",
    r"MarkError|prerender takes|says prerender": "a mark is wrong",
    r"^status: .*\banswers [45]\d\d\.": "a page fails",
    r"not a list or generator of StaticPath": "paths are no list",
    r"Yield StaticPath\(": "an entry has no params",
    r"needs the parameter": "params do not fit",
    r"takes one path segment for": "params do not fit",
    r"has no parameter `page`": "a route has no page number",
    r"has no parameter": "params do not fit",
    r"takes text or a number for": "a param has a wrong type",
    r"cannot have|does not accept this value": "params do not fit",
    r"cannot be the path|would read other params|which no route answers": "params do not fit",
    r"no link and no `paths`|(?:names|has) no `paths`": "a route has no paths",
    r"PageUnavailable": "there is no page",
    r"cannot be paginated with page_size": "a page holds nothing",
    r"has the path of a folder": "an endpoint has the path of a folder",
    r"no portable file name": "a name is not portable",
}
"""Our message -> what it means."""


SETTINGS = {"build.format": "build_format", "trailingSlash": "trailing_slash"}
"""Astro's name of a setting -> ours, where it is another."""


def of_astro(error: Mapping[str, Any]) -> str:
    """What an error of Astro's means; name and message of one that is the page's own."""
    name, message = str(error.get("name")), str(error.get("message"))
    if name in ASTRO:
        return ASTRO[name]
    for words, meaning in BARE.items():
        if re.search(words, message):
            return meaning
    if name == "ZodError":
        setting = message.partition(":")[0]
        return f"a setting is wrong: {SETTINGS.get(setting, setting)}"
    return f"{name}: {message}"


def of_ours(message: str) -> str:
    """What our message means; the message itself where this is not known."""
    if own := re.search(r"raised Thrown: (.*?)\.?$", message):
        return own[1]
    if setting := re.match(r"(\w+)=.* is not accepted\.", message):
        return f"a setting is wrong: {setting[1]}"
    return next((meaning for words, meaning in OURS.items() if re.search(words, message)), message)
