"""`sites/proxy` of the data as a FastAPI app behind a trusted proxy, with a body limit of 64 bytes."""

from __future__ import annotations

from fastapi import FastAPI

from ondemand import BodyTooLarge, OnDemand, Response
from ondemand.fastapi import Page
from tests.conformance.sites.porting import Porting
from tests.conformance.vectors.origins import hosts

__all__ = ["FILES", "app"]

app = FastAPI(redirect_slashes=False, openapi_url=None)
site = Porting(app)
FILES = site.files


@site.endpoint("url.ts", "GET", "HEAD")
async def url(page: Page) -> Response:
    return Response.json({"url": page.url.href, "request": page.request.url.href})


@site.endpoint("body.ts", "POST")
async def body(page: Page) -> Response:
    try:
        return Response.json({"length": len(await page.request.text())})
    except BodyTooLarge:
        return Response.json({"error": "Error"}, 413)


app.add_middleware(
    OnDemand,
    output="server",
    snapshots=False,
    check_origin="all",
    cookie_defaults={},
    allowed_hosts=hosts([{"hostname": "shop.example", "protocol": "https"}, {"hostname": "*.shop.example"}]),
    trusted_proxies=["127.0.0.1"],
    body_limit=64,
)
