"""One page, /basket, in each framework, as its beginner's guide writes it; made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["APPS"]

BODY = "<h1>Basket</h1>"


def _starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    async def basket(request: Any) -> HTMLResponse:
        return HTMLResponse(BODY)

    return Starlette(routes=[Route("/basket", basket)])


def _fastapi() -> Any:
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

    app = FastAPI()

    @app.get("/basket", response_class=HTMLResponse)
    async def basket() -> str:
        return BODY

    return app


def _fasthtml() -> Any:
    from fasthtml.common import FastHTML
    from starlette.responses import HTMLResponse

    app = FastHTML(secret_key="of a benchmark")

    @app.get("/basket")
    async def basket() -> Any:
        return HTMLResponse(BODY)

    return app


def _litestar() -> Any:
    from litestar import Litestar, MediaType, get

    @get("/basket", media_type=MediaType.HTML)
    async def basket() -> str:
        return BODY

    return Litestar([basket])


def _quart() -> Any:
    from quart import Quart

    app = Quart(__name__)

    @app.get("/basket")
    async def basket() -> str:
        return BODY

    return app


def _flask() -> Any:
    from flask import Flask

    app = Flask(__name__)

    @app.get("/basket")
    def basket() -> str:
        return BODY

    return app


def _flask_asgiref() -> Any:
    from asgiref.wsgi import WsgiToAsgi

    return WsgiToAsgi(_flask())


def _flask_a2wsgi() -> Any:
    from a2wsgi import WSGIMiddleware

    return WSGIMiddleware(_flask())


def _django() -> Any:
    import django
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    async def basket(request: HttpRequest) -> HttpResponse:
        return HttpResponse(BODY)

    urls = type("urls", (), {"urlpatterns": [path("basket", basket)]})
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=urls, SECRET_KEY="of a benchmark", LOGGING_CONFIG=None)
    django.setup()
    return get_asgi_application()


def _sanic() -> Any:
    from sanic import Sanic
    from sanic.response import HTTPResponse, html

    app = Sanic("basket", configure_logging=False)
    app.config.MOTD = False

    @app.get("/basket")
    async def basket(request: Any) -> HTTPResponse:
        return html(BODY)

    return app


def _falcon() -> Any:
    import falcon.asgi

    class Basket:
        async def on_get(self, req: Any, resp: Any) -> None:
            resp.content_type = falcon.MEDIA_HTML
            resp.text = BODY

    app = falcon.asgi.App()
    app.add_route("/basket", Basket())
    return app


def _blacksheep() -> Any:
    from blacksheep import Application, html
    from blacksheep.server.routing import Router

    app = Application(router=Router())

    @app.router.get("/basket")
    async def basket() -> Any:
        return html(BODY)

    return app


APPS: dict[str, Callable[[], Any]] = {
    "Starlette": _starlette,
    "FastAPI": _fastapi,
    "FastHTML": _fasthtml,
    "Litestar": _litestar,
    "Quart": _quart,
    "Flask (asgiref)": _flask_asgiref,
    "Flask (a2wsgi)": _flask_a2wsgi,
    "Django": _django,
    "Sanic": _sanic,
    "Falcon": _falcon,
    "BlackSheep": _blacksheep,
}
