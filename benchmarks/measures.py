"""All measures, by the names that the design gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks import (
    build_cpu,
    build_memory,
    first_byte,
    imports,
    in_frameworks,
    in_process,
    many_routes,
    over_uvicorn,
    page_objects,
    rendered,
    second_build,
    slow_streams,
    start,
    start_pages,
    streams,
)
from benchmarks.settings import Settings
from benchmarks.table import Row

__all__ = ["MEASURES"]

MEASURES: Mapping[str, Callable[[Settings], list[Row]]] = {
    "S1": in_process.hit,
    "S2": over_uvicorn.measure,
    "S3": in_process.miss,
    "S3F": in_frameworks.measure,
    "S4": rendered.measure,
    "S5": first_byte.measure,
    "S6": streams.measure,
    "S7": slow_streams.measure,
    "R1": many_routes.measure,
    "P1": page_objects.measure,
    "B1": build_cpu.measure,
    "B2": build_memory.measure,
    "B3": second_build.measure,
    "M1": start.measure,
    "M2": start_pages.measure,
    "I1": imports.measure,
}
