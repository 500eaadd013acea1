"""Starlette's StaticFiles over FILES."""

from __future__ import annotations

import os

from starlette.staticfiles import StaticFiles

app = StaticFiles(directory=os.environ["FILES"])
