"""All measures, by the names that the design gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks import build_cpu, build_memory, imports, in_process, over_uvicorn, page_objects, second_build, start
from benchmarks.settings import Settings
from benchmarks.table import Row

__all__ = ["MEASURES"]

MEASURES: Mapping[str, Callable[[Settings], list[Row]]] = {
    "S1": in_process.hit,
    "S2": over_uvicorn.measure,
    "S3": in_process.miss,
    "P1": page_objects.measure,
    "B1": build_cpu.measure,
    "B2": build_memory.measure,
    "B3": second_build.measure,
    "M1": start.measure,
    "I1": imports.measure,
}
