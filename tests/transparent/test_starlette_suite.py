"""Starlette's own tests, from its sdist: each one that passes as it is passes with OnDemand in front of its apps.

They run in four processes at once, in a scratch folder, against the Starlette that is installed. Under their settings
each warning is an error. Here two are none: what OnDemand warns of (security middleware that a snapshot would skip),
and what packages newer than that Starlette say is deprecated.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import ondemand

pytestmark = pytest.mark.timeout(600)  # the first test waits for all runs

MORE_PACKAGES = ["opentelemetry-sdk", "sniffio", "trio"]
"""What Starlette's tests import and the dev extra has not. They go into the scratch folder."""

RUNS = {  # name: (mode, ONDEMAND_SNAPSHOTS), see in_front.py
    "bare": ("bare", None),
    "outermost": ("outermost", None),
    "innermost": ("innermost", None),
    "outermost, snapshots on, nothing built": ("outermost", "1"),
}
WRAPPED = [name for name in RUNS if name != "bare"]

# On both anyio backends, of these through an application, and of these innermost:
# Starlette 1.0.0: 931, 764, 256; 1.10.0: 1416, 1125, 407
FEWEST = {"bare": 850, "outermost": 700, "innermost": 240, "outermost, snapshots on, nothing built": 700}
"""Tests that must have run, and, of the wrapped runs, gone through OnDemand. Less than that is a suite that did not run."""


class Suite(NamedTuple):
    """Starlette's tests in a scratch folder."""

    version: str
    folder: Path  # of tests/ and pyproject.toml
    packages: Path  # MORE_PACKAGES


Outcomes = dict[str, dict[str, dict[str, Any]]]
"""Run -> nodeid -> what in_front.py wrote."""


def get_or_skip(arguments: list[str], cwd: Path, what: str) -> None:
    """Run pip; without a registry the tests are skipped, or fail where CI must run them."""
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check", "--retries", "1"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        message = f"{what} cannot be had. Make `python -m pip` reach a package index, then run again:\n{done.stderr}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The tests of the Starlette that is installed. Its own code is left out, so that they import the installed one."""
    version = importlib.metadata.version("starlette")
    work = tmp_path_factory.mktemp("starlette")
    packages = work / "packages"
    wanted = ["download", "--no-deps", "--no-binary", "starlette", f"starlette=={version}"]
    get_or_skip(wanted, work, f"the sdist of starlette {version}")
    get_or_skip(["install", "--target", str(packages), *MORE_PACKAGES], work, ", ".join(MORE_PACKAGES))
    shutil.unpack_archive(next(work.glob("starlette-*.tar.gz")), work, filter="data")
    folder = work / f"starlette-{version}"
    shutil.rmtree(folder / "starlette")
    (folder / "dist").mkdir()
    yield Suite(version, folder, packages)
    shutil.rmtree(work)


def start(suite: Suite, run: str, results: Path) -> subprocess.Popen[bytes]:
    """Begin one run of the suite; it writes `results` at its end."""
    mode, snapshots = RUNS[run]
    foreign = ("ONDEMAND_", "PYTEST_", "FASTAPI_", "COV_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    ours = Path(ondemand.__file__).parent.parent
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [Path(__file__).parent, suite.packages, ours]))
    environment |= {"IN_FRONT_MODE": mode, "IN_FRONT_RESULTS": str(results)}
    if snapshots is not None:
        environment["ONDEMAND_SNAPSHOTS"] = snapshots
    lenient = [f"-W{how}" for how in ("default::DeprecationWarning", "ignore::ondemand.OnDemandWarning")]
    options = ["-q", "-p", "in_front", "-p", "no:cacheprovider", *lenient]
    base = ["--basetemp", str(results.with_suffix(".tmp"))]
    command = [sys.executable, "-m", "pytest", *options, *base, "tests"]
    with results.with_suffix(".txt").open("w") as printed:
        return subprocess.Popen(command, cwd=suite.folder, env=environment, stdout=printed, stderr=subprocess.STDOUT)


@pytest.fixture(scope="module")
def outcomes(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What came of each test in each run."""
    scratch = tmp_path_factory.mktemp("runs")
    files = {run: scratch / f"{number}.json" for number, run in enumerate(RUNS)}
    processes = {run: start(suite, run, file) for run, file in files.items()}
    try:
        deadline = time.monotonic() + 500
        for run, process in processes.items():
            code = process.wait(deadline - time.monotonic())
            printed = files[run].with_suffix(".txt").read_text("utf-8", "replace")
            assert code in {0, 1}, f"{run}: pytest ended with {code}\n{printed[-4000:]}"  # 1: there were failures
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    return {run: json.loads(file.read_text("utf-8")) for run, file in files.items()}


def through(results: dict[str, dict[str, Any]]) -> set[str]:
    """The tests in which OnDemand was called."""
    return {test for test, result in results.items() if result["calls"]}


def test_the_suite_runs_as_it_is(outcomes: Outcomes) -> None:
    """It is the whole suite, nearly all of it passes, and nothing of ours takes part."""
    bare = outcomes["bare"]
    passed = [test for test, result in bare.items() if result["outcome"] == "passed"]
    assert len(passed) >= FEWEST["bare"]
    assert len(passed) >= 0.98 * len(bare)  # a root user may read every file; some are skipped or expected to fail
    assert through(bare) == set()


@pytest.mark.parametrize("run", WRAPPED)
def test_each_test_that_passes_as_it_is_passes_with_ondemand_in_front(outcomes: Outcomes, run: str) -> None:
    bare, wrapped = outcomes["bare"], outcomes[run]
    assert wrapped.keys() == bare.keys()
    broken = {
        test: wrapped[test]["why"]
        for test, result in bare.items()
        if result["outcome"] in {"passed", "xfailed"} and wrapped[test]["outcome"] != result["outcome"]
    }
    assert not broken, "\n\n".join(f"{test}\n{why}" for test, why in broken.items())


@pytest.mark.parametrize("run", WRAPPED)
def test_many_of_these_tests_go_through_an_application(outcomes: Outcomes, run: str) -> None:
    """OnDemand was really asked: else the comparison says nothing."""
    assert len(through(outcomes[run])) >= FEWEST[run]


def test_the_numbers_are_said(
    suite: Suite, outcomes: Outcomes, capsys: pytest.CaptureFixture[str], record_property: Any
) -> None:
    """For the reader of the log: how many tests this was."""
    bare = outcomes["bare"]
    passing = {test for test, result in bare.items() if result["outcome"] == "passed"}
    numbers = {run: len(through(outcomes[run]) & passing) for run in WRAPPED}
    record_property("starlette_tests", len(passing))
    record_property("through_an_application", numbers)
    with capsys.disabled():
        print(
            f"\nStarlette {suite.version}: {len(bare)} tests, {len(passing)} pass as they are; of these go through OnDemand"
        )
        for run, number in numbers.items():
            print(f"  {number:5} ({run})")
