"""ServeStatic (the ASGI WhiteNoise) over FILES: it lists them once, at start."""

from __future__ import annotations

import os

from servestatic import ServeStaticASGI

from benchmarks.apps.constant import app as constant

app = ServeStaticASGI(constant, root=os.environ["FILES"])
