"""A FastAPI app with OnDemand added as its documentation says, snapshots in DIST."""

from __future__ import annotations

import os

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from benchmarks.apps.constant import BODY
from ondemand import OnDemand

app = FastAPI()
app.add_middleware(OnDemand, dist=os.environ["DIST"], snapshots=True)


@app.get("/page", response_class=HTMLResponse)
async def page() -> str:
    return BODY.decode()
