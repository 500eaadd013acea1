"""One module for each subject of vectors: how our API is asked, and where it answers otherwise on purpose."""

from __future__ import annotations

from tests.conformance.decisions import Area
from tests.conformance.vectors import (
    cookies,
    faults,
    locales,
    origins,
    outputs,
    pagination,
    redirects,
    routing,
    static_paths,
)

__all__ = ["AREAS"]

AREAS: dict[str, Area] = {
    **cookies.AREAS,
    **locales.AREAS,
    **pagination.AREAS,
    **redirects.AREAS,
    **origins.AREAS,
    **static_paths.AREAS,
    **routing.AREAS,
    **outputs.AREAS,
    **faults.AREAS,
}
"""Area -> how it is run."""
