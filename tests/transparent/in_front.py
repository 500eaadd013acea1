"""A pytest plugin for Starlette's own tests: puts OnDemand in front of their apps and writes what came of each test.

It is loaded in a process of its own (`-p in_front`), by `test_starlette_suite.py`, which says in the environment:

    IN_FRONT_MODE     "bare": as they are; "outermost": TestClient asks OnDemand(app); "innermost": each Starlette app
                      has OnDemand as the middleware that was added first
    IN_FRONT_RESULTS  the file that is written: {nodeid: {"outcome", "calls", "why"}}
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient, _is_asgi3, _WrapASGI2

from ondemand import OnDemand

results: dict[str, dict[str, Any]] = {}
calls: Counter[str] = Counter()
"""How often OnDemand was called since the test began, by type of scope."""


def count_calls() -> None:
    call = OnDemand.__call__

    async def counted(self: OnDemand, scope: Any, receive: Any, send: Any) -> None:
        calls[scope["type"]] += 1
        await call(self, scope, receive, send)

    OnDemand.__call__ = counted  # type: ignore[method-assign]


def put_outermost() -> None:
    make = TestClient.__init__

    def init(self: TestClient, app: Any, *args: Any, **options: Any) -> None:
        if not _is_asgi3(app):
            app = _WrapASGI2(app)  # as TestClient itself does
        make(self, OnDemand(app), *args, **options)

    TestClient.__init__ = init  # type: ignore[method-assign]


def put_innermost() -> None:
    make = Starlette.__init__

    def init(self: Starlette, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        self.user_middleware.append(Middleware(OnDemand))  # behind all others: where what was added first ends up

    Starlette.__init__ = init  # type: ignore[method-assign]


def pytest_configure() -> None:
    count_calls()
    {"bare": lambda: None, "outermost": put_outermost, "innermost": put_innermost}[os.environ["IN_FRONT_MODE"]]()


def pytest_runtest_logstart(nodeid: str) -> None:
    calls.clear()
    results[nodeid] = {"outcome": "passed", "calls": {}, "why": ""}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    result = results[report.nodeid]
    if hasattr(report, "wasxfail"):
        result["outcome"] = "xfailed" if report.skipped else "xpassed"
    elif not report.passed and result["outcome"] != "failed":
        result |= {"outcome": report.outcome, "why": str(report.longrepr)}


def pytest_runtest_logfinish(nodeid: str) -> None:
    results[nodeid]["calls"] = dict(calls)


def pytest_sessionfinish() -> None:
    Path(os.environ["IN_FRONT_RESULTS"]).write_text(json.dumps(results), encoding="utf-8")
