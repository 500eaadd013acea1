"""The table of docs/frameworks.md: what each framework passes, and the reason where it cannot.

Made of what the suite runs: a case that a site names in `CANNOT` must fail there, each other must pass.
`python -m tests.frameworks` writes it anew.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ondemand.frameworks.reading import FRAMEWORKS
from tests.frameworks.cases import CASES

__all__ = ["DOCUMENT", "SITES", "table", "written"]

SITES = {
    "starlette": ("outermost", "innermost"),
    "fastapi": ("outermost", "innermost"),
    "fasthtml": ("outermost", "innermost"),
    "litestar": ("outermost", "innermost"),
    "quart": ("outermost", "innermost"),
    "flask": ("outermost",),
    "flask_a2wsgi": ("outermost",),
    "django": ("outermost",),
    "sanic": ("outermost",),
    "falcon": ("outermost",),
    "blacksheep": ("outermost",),
}
"""The modules of `sites/`, and where OnDemand may stand in each: around the framework, and within it."""

DOCUMENT = Path(__file__).parents[2] / "docs" / "frameworks.md"
_BEGIN, _END = "<!-- the table: python -m tests.frameworks -->", "<!-- end of the table -->"


def table() -> str:
    """In Markdown."""
    return "\n".join(_lines([importlib.import_module(f"tests.frameworks.sites.{name}") for name in SITES]))


def written(document: str) -> str:
    """`document` with the table as it is now."""
    before, _, rest = document.partition(_BEGIN)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{rest.partition(_END)[2]}"


def _lines(sites: list[Any]) -> Iterator[str]:
    reasons = list(dict.fromkeys(reason for site in sites for reason in site.CANNOT.values()))
    yield "| | " + " | ".join(site.NAME for site in sites) + " |"
    yield "|---" * (len(sites) + 1) + "|"
    yield "| read from version | " + " | ".join(map(_oldest, sites)) + " |"
    yield "| OnDemand around it, within it | " + " | ".join(_places(site) for site in sites) + " |"
    for name, case in CASES.items():
        cells = (f"no ({reasons.index(site.CANNOT[name]) + 1})" if name in site.CANNOT else "yes" for site in sites)
        yield f"| {(case.__doc__ or '').strip()} | " + " | ".join(cells) + " |"
    yield ""
    for number, reason in enumerate(reasons, 1):
        yield f"{number}. {reason.rstrip('.')}."


def _oldest(site: Any) -> str:
    name = site.NAME.partition(" ")[0]
    return next((framework.oldest for framework in FRAMEWORKS if framework.name == name), "any: its routes are listed")


def _places(site: Any) -> str:
    return "both" if len(site.PLACES) == 2 else "around"
