"""The pytest plugin: fixtures for tests of a site. Nothing of ondemand is imported until a test uses one of them.

def test_site(ondemand_build):
    site = ondemand_build(app)                # or "main:app"
    site.assert_static("/about")
    site.assert_no_findings()
    site.assert_parity()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ondemand.testing import Builds

__all__ = ["assert_no_findings", "assert_parity", "assert_static", "ondemand_build"]


@pytest.fixture
def ondemand_build() -> Builds:
    """`ondemand_build(app, **options)` builds an app, or "module:attribute", into memory: a `BuiltSite`. Options are those of
    `ondemand.build`; the same app with the same options is built once in a test."""
    from ondemand.testing import Builds

    return Builds()


@pytest.fixture
def assert_static(ondemand_build: Builds) -> Callable[..., None]:
    """`assert_static(path)`: the last build of this test made a snapshot of `path`."""
    return ondemand_build.assert_static


@pytest.fixture
def assert_parity(ondemand_build: Builds) -> Callable[..., None]:
    """`assert_parity(app)`: its snapshots are what it answers live. Without an app: those of the last build of this test."""
    return ondemand_build.assert_parity


@pytest.fixture
def assert_no_findings(ondemand_build: Builds) -> Callable[..., None]:
    """`assert_no_findings(app, ignore=())`: its build finds nothing. Without an app: the last build of this test."""
    return ondemand_build.assert_no_findings
