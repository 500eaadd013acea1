"""Apps in compiled code, which refuses what is not `bytes` itself: BlackSheep's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ondemand import OnDemand, Route, build
from tests.asking import ask, is_snapshot

blacksheep = pytest.importorskip("blacksheep")


def site(*, shows: bool) -> Any:
    app = blacksheep.Application(router=blacksheep.Router())

    async def with_session(request: Any, handler: Any) -> Any:
        request.cookies.get("session")  # of every page
        return await handler(request)

    app.middlewares.append(with_session)

    async def page(request: Any) -> Any:
        name = request.cookies.get("name") if shows else "you"
        return blacksheep.html(f"<!doctype html><title>Page</title><h1>Hello {name}</h1>")

    app.router.get("/")(page)
    return app


def test_a_page_behind_a_middleware_that_reads_cookies_is_no_page_that_fails(tmp_path: Path) -> None:
    app = OnDemand(site(shows=False), routes=[Route("/", prerender=True)], dist=tmp_path / "dist", snapshots=True)
    report = build(app)
    assert [finding for finding in report.findings if finding.policy == "fail"] == []
    assert is_snapshot(ask(app, "/"))


@pytest.mark.parametrize("shows", [True, False])
def test_an_unmarked_page_whose_cookies_are_read_stays_on_demand(shows: bool, tmp_path: Path) -> None:
    app = OnDemand(site(shows=shows), routes=[Route("/")], dist=tmp_path / "dist", snapshots=True)
    report = build(app)
    why = "it differs for a visitor with cookies" if shows else "it reads the request's cookies, which a build has not"
    assert report.reasons["/"].why.startswith(why)
    assert not is_snapshot(ask(app, "/"))
