"""In Flask, under a2wsgi."""

from __future__ import annotations

from typing import Any

from a2wsgi import WSGIMiddleware
from flask import Flask

from ondemand import OnDemand
from tests.frameworks import content
from tests.frameworks.sites import flask

NAME = "Flask (a2wsgi)"
PLACES = ("outermost",)
CANNOT = flask.CANNOT

bare = flask.bare


def alone(app: Flask) -> Any:
    return WSGIMiddleware(app)


def wrap(app: Flask, place: str, settings: dict[str, Any]) -> Any:
    return OnDemand(WSGIMiddleware(app), **settings)


def app() -> Any:
    return content.made_for_build(bare, wrap)
