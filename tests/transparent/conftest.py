"""The apps that these tests compare."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.transparent.talking import Front, settings_of

FRAMEWORKS = [*product(("Starlette", "FastAPI"), ("outermost", "innermost"))]
SNAPSHOTS = {False: "snapshots off", True: "nothing built"}


def fronts(ways: list[tuple[str, str]]) -> list[object]:
    return [pytest.param((*way, on), id=" ".join((*way, what))) for way, (on, what) in product(ways, SNAPSHOTS.items())]


def front_of(request: pytest.FixtureRequest, folder: Path) -> Front:
    kind, idiom, on = request.param
    return Front(kind, idiom, **settings_of(on, folder))


@pytest.fixture(params=fronts([*FRAMEWORKS, ("ASGI", "outermost")]))
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Front:
    """Each kind of app, in each way that OnDemand is put in front of it, with snapshots off and on."""
    return front_of(request, tmp_path)


@pytest.fixture(params=fronts(FRAMEWORKS))
def framework(request: pytest.FixtureRequest, tmp_path: Path) -> Front:
    """`front` without the bare ASGI app."""
    return front_of(request, tmp_path)
