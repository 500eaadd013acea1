"""Frozen-Flask: a plain Flask site, its pages named by a generator (it does not crawl). Run as a script, it builds.

PAGES: how many; PROSE: their text; DIST: where to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from flask_frozen import Freezer

from benchmarks.pages import HOME
from benchmarks.pages import page as made

COUNT = int(os.environ["PAGES"])
TEXT = Path(os.environ["PROSE"]).read_text(encoding="ascii")

app = Flask(__name__)
app.config["FREEZER_DESTINATION"] = os.environ["DIST"]
freezer = Freezer(app)


@app.route("/")
def home() -> str:
    return HOME


@app.route("/p/<int:number>/")
def page(number: int) -> str:
    return made(number, COUNT, TEXT)


@freezer.register_generator
def numbers() -> Iterator[tuple[str, dict[str, int]]]:
    for number in range(COUNT):
        yield "page", {"number": number}


if __name__ == "__main__":
    freezer.freeze()
