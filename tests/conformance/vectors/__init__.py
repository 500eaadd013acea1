"""One module for each subject of vectors: how our API is asked, and where it answers otherwise on purpose."""

from __future__ import annotations

from tests.conformance.decisions import Area
from tests.conformance.vectors import cookies, locales, origins, pagination, redirects, static_paths

__all__ = ["AREAS", "WAITING"]

AREAS: dict[str, Area] = {
    **cookies.AREAS,
    **locales.AREAS,
    **pagination.AREAS,
    **redirects.AREAS,
    **origins.AREAS,
    **static_paths.AREAS,
}
"""Area -> how it is run."""

WAITING = {"routing": "page files", "build-output": "page files", "build-errors": "page files"}
"""Area -> what it waits for."""
