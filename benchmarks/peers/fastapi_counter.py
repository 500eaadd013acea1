"""The counter with FastAPI and Starlette's templates of Jinja2, as its documentation says."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from benchmarks.rows import ROWS

app = FastAPI()
templates = Jinja2Templates(directory=Path(__file__).parent / "templates")


@app.get("/", response_class=HTMLResponse)
async def counter(request: Request) -> HTMLResponse:
    text = request.cookies.get("n", "")
    n = (int(text) if text.isdecimal() else 0) + 1
    response = templates.TemplateResponse(request, "counter.html", {"n": n, "rows": ROWS})
    response.set_cookie("n", str(n), path="/", samesite="lax")
    return response
