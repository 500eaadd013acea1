"""The constant app inside OnDemand, with snapshots in DIST."""

from __future__ import annotations

import os

from benchmarks.apps.constant import app as constant
from ondemand import OnDemand

app = OnDemand(constant, dist=os.environ["DIST"], snapshots=True)
