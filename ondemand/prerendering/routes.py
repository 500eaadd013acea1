"""The routes of an app, with what the last build of it found."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from ondemand.errors import StoreError
from ondemand.prerendering.children import Children
from ondemand.prerendering.messages import Hello, Order
from ondemand.prerendering.report import RouteReport
from ondemand.snapshots.store import Store

__all__ = ["read_routes"]


def read_routes(target: Any) -> tuple[Hello, list[RouteReport]]:
    """The routes of an app, with what the last build of it found. Raises as `build` does where the app cannot start."""
    with Children(Order(target), jobs=1) as children:
        hello = children.start()
    store = Store(Path(hello.config["dist"]))
    known: dict[tuple[str, ...], dict[str, Any]] = {}
    with contextlib.suppress(OSError, ValueError, StoreError):
        current = store.current()
        if current is not None:
            rows = json.loads((store.folder / current / "routes.json").read_text(encoding="utf-8"))
            known = {(row["pattern"], *row["methods"]): row for row in rows}
    for route in hello.routes:
        built = known.get((route.pattern, *route.methods))
        if built is not None:
            route.pages = built["pages"]
            if route.kind == "candidate":
                route.kind, route.why = built["kind"], built["why"]
    return hello, hello.routes
