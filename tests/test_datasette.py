"""A real app that nobody here wrote: Datasette over a SQLite file, crawled completely and served from snapshots."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from ondemand.snapshots.store import Store
from tests.asking import ask_async, is_snapshot, write_site
from tests.test_cli import ondemand

MAIN = """
from datasette.app import Datasette
from datasette.database import Database
from ondemand import OnDemand, Rule

# A page says "Many rows" where counting them took longer than 10 ms, which on a busy machine it may.
counts = Database.table_counts
Database.table_counts = lambda self, limit=10: counts(self, 60_000)

datasette = Datasette(files=["shop.db"], template_dir="templates")
live = datasette.app()
app = OnDemand(
    live,
    site="http://localhost",  # its Link headers name the address it is asked at
    rules={
        # Public data: its pages say Vary: Cookie for the sake of permissions that nobody has set up here.
        "/**": Rule(prerender=True, headers={"Vary": "Accept-Encoding"}),
        # These print how long the query took.
        "/**.json": Rule(prerender=False),
    },
)
"""


def make_project(folder: Path) -> Path:
    import datasette

    write_site(folder, MAIN)
    database = sqlite3.connect(folder / "shop.db")
    database.executescript(
        "create table authors (id integer primary key, name text);"
        "create table books (id integer primary key, title text, author integer references authors(id), price real);"
        "create view cheap as select * from books where price < 10;"
    )
    database.executemany("insert into authors values (?, ?)", [(n, f"Author {n}") for n in range(10)])
    rows = [(n, f"Book {n}: é / % & <b>", n % 10, n * 1.5) for n in range(90)]
    database.executemany("insert into books values (?, ?, ?, ?)", rows)
    database.commit()
    database.close()
    footer = Path(datasette.__file__).parent / "templates" / "_footer.html"
    templates = folder / "templates"
    templates.mkdir()
    text = footer.read_text()
    start, end = text.index("{% if query_ms %}"), text.index("{% endif %}")
    (templates / "_footer.html").write_text(text[:start] + text[end + len("{% endif %}") :])
    return folder


def test_datasette_is_frozen_completely_and_equal_byte_for_byte(tmp_path: Path, monkeypatch: Any) -> None:
    project = make_project(tmp_path / "shop")
    done = ondemand(project, "build")
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(str(project))
    monkeypatch.setenv("ONDEMAND_SNAPSHOTS", "1")
    import importlib
    import sys

    sys.modules.pop("main", None)
    main = importlib.import_module("main")
    sys.modules.pop("main", None)

    async def compare() -> int:
        wrapper = main.app
        site = wrapper.site()
        generation = site.published.server.generation
        for path in generation:
            headers = {"host": "localhost"}
            stored = await ask_async(wrapper, path, headers=headers)
            fresh = await ask_async(main.live, path, headers=headers)
            assert is_snapshot(stored), path
            assert (stored.status, stored.body) == (fresh.status, fresh.body), path
            kept = {name for name, _ in fresh.headers} - {"vary", "content-length"}
            assert kept <= {name for name, _ in stored.headers}, path
        return len(generation)

    count = asyncio.run(compare())
    assert count > 110  # home, database, tables, a page for each row, its style sheets and scripts
    main.datasette.executor.shutdown()


def test_without_a_rule_its_pages_stay_on_demand_because_they_say_vary_cookie(tmp_path: Path) -> None:
    project = make_project(tmp_path / "shop")
    (project / "main.py").write_text(MAIN[: MAIN.index("app = OnDemand")] + "app = OnDemand(live)\n")
    done = ondemand(project, "build", "--json", "-")
    assert done.returncode == 0, done.stderr
    generation = Store(project / "dist").open()
    assert generation is not None
    assert all(path.startswith("/-/static/") for path in generation)
