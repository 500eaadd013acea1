"""What a build knows about its pages: to visit, visited, linked from where. In SQLite, so that memory stays flat."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from ondemand.routing import collision_key

__all__ = ["Frontier", "spread"]

_SCHEMA = """
pragma journal_mode = off;
pragma synchronous = off;
pragma locking_mode = exclusive;
pragma temp_store = memory;
create table pages (
    id integer primary key,
    path text not null unique,
    kind text not null,          -- how it came here: page, asset, public, or the pattern of the route whose `paths` gave it
    encoded integer not null,    -- its links spell a slash or backslash as an escape
    outcome text,                -- null until visited: static, asset, on demand, fault
    route text,
    why text,
    change text,                 -- added, changed, same: against the generation before
    what text,                   -- what of it changed
    status integer,
    size integer,
    seconds real,
    ids text,                    -- the ids of its document, one a line; null if it is none
    listed integer               -- where the manifest's line of its snapshot begins
);
create table queries (page integer not null, query text not null, primary key (page, query)) without rowid;
create table leads (page integer primary key, target integer not null, fragment text not null);  -- redirects within the site
create table abroad (url text not null, sort text not null, page integer not null, line integer not null);
create table links (source integer not null, target integer not null, fragment text not null);
create table files (key text primary key, page integer not null, folder integer not null) without rowid;
"""


def spread(count: int, total: int) -> list[int]:
    """`count` of `total` positions, evenly spread: the first and the last among them."""
    return [at * (total - 1) // max(count - 1, 1) for at in range(count)]


class Frontier:
    """Paths to visit, in the order in which they were found, and everything that is told about them."""

    def __init__(self, file: Path) -> None:
        """file: a database that does not exist yet; it holds nothing worth keeping after the build. Raises `OSError`."""
        self._file = file
        try:
            self._db = sqlite3.connect(file, isolation_level=None)
            self._db.executescript(_SCHEMA)
        except sqlite3.Error as error:
            with contextlib.suppress(OSError):
                file.unlink()
            raise OSError(f"the build's own database: {error}") from error
        self._handed_out = 0
        self._known: dict[str, int] = {}
        self._folders: set[str] = set()  # some of the folders that are known to be folders
        self.found = 0
        self.visited = 0

    def close(self) -> None:
        """Close and remove the database."""
        self._db.close()
        with contextlib.suppress(OSError):
            self._file.unlink()

    @contextlib.contextmanager
    def writing(self) -> Generator[None]:
        """One transaction around many writes. Raises `OSError` if the disk does not take them."""
        try:
            self._db.execute("begin")
            yield
            self._db.execute("commit")
        except sqlite3.Error as error:
            raise OSError(f"the build's own database: {error}") from error

    def add(self, path: str, kind: str, *, encoded: bool = False) -> tuple[int, bool]:
        """Note `path` as one to visit, if it is new. Returns its id and whether it is new."""
        known = self._known.get(path)
        if known is not None:
            return known, False
        cursor = self._db.execute(
            "insert into pages (path, kind, encoded) values (?, ?, ?) on conflict do nothing", (path, kind, encoded)
        )
        page = cursor.lastrowid
        new = cursor.rowcount == 1
        if new:
            self.found += 1
        else:
            page = self._db.execute("select id from pages where path = ?", (path,)).fetchone()[0]
        if len(self._known) >= 20_000:
            self._known.clear()
        assert page is not None
        self._known[path] = page
        return page, new

    def set_kind(self, page: int, kind: str) -> None:
        self._db.execute("update pages set kind = ? where id = ?", (kind, page))

    def only_linked(self, route: str) -> list[str]:
        """The static pages of `route` that links alone have found."""
        rows = self._db.execute(
            "select path from pages where route = ? and kind = 'page' and outcome = 'static' order by id", (route,)
        )
        return [row[0] for row in rows]

    def kind(self, page: int) -> str:
        return self._db.execute("select kind from pages where id = ?", (page,)).fetchone()[0]

    def next(self, count: int) -> list[tuple[int, str, str, bool]]:
        """Up to `count` pages that nobody has been given yet: (id, path, kind, encoded)."""
        rows = self._db.execute(
            "select id, path, kind, encoded from pages where id > ? order by id limit ?", (self._handed_out, count)
        ).fetchall()
        if rows:
            self._handed_out = rows[-1][0]
        return [(row[0], row[1], row[2], bool(row[3])) for row in rows]

    @property
    def waiting(self) -> int:
        """How many pages nobody has been given yet."""
        return self.found - self._handed_out

    def link(self, source: int, targets: Iterable[tuple[int, str]]) -> None:
        """Note that `source` links to each (page, fragment)."""
        self._db.executemany(
            "insert into links values (?, ?, ?)", ((source, target, fragment) for target, fragment in targets)
        )

    def done(
        self,
        page: int,
        *,
        outcome: str,
        route: str | None,
        why: str,
        change: str | None,
        what: str,
        status: int,
        size: int,
        seconds: float,
        ids: Sequence[str] | None,
    ) -> None:
        """Note what came of a visit."""
        self.visited += 1
        self._db.execute(
            "update pages set outcome=?, route=?, why=?, change=?, what=?, status=?, size=?, seconds=?, ids=? where id=?",
            (outcome, route, why, change, what, status, size, seconds, None if ids is None else "\n".join(ids), page),
        )

    def note_query(self, page: int, query: str) -> None:
        """Note that a link to `page` carries `query`."""
        self._db.execute("insert into queries values (?, ?) on conflict do nothing", (page, query))

    def written(self, page: int, line: int) -> None:
        """Note where the line of its snapshot begins in the manifest."""
        self._db.execute("update pages set listed = ? where id = ?", (line, page))

    def sample(self, count: int | None) -> Iterator[tuple[int, str, str, int, list[str]]]:
        """Of each route `count` static pages, spread over all of them; None: three of each, and all where the routes are not
        known. (id, path, kind, line, queries that links carry)."""
        self._db.execute("create index if not exists pages_by_route on pages (route, outcome, id)")
        routes = self._db.execute(
            "select route, count(*) from pages where outcome = 'static' and listed is not null group by route order by min(id)"
        ).fetchall()
        for route, pages in routes:
            wanted = min(pages, count if count is not None else 3 if route is not None else pages)
            for offset in spread(wanted, pages):
                row = self._db.execute(
                    "select id, path, kind, listed from pages where route is ? and outcome = 'static' and listed is not null "
                    "order by id limit 1 offset ?",
                    (route, offset),
                ).fetchone()
                queries = self._db.execute("select query from queries where page = ? limit 5", (row[0],)).fetchall()
                yield (*row, [query for (query,) in queries])

    def withdraw(self, route: str | None, path: str, why: str) -> list[int]:
        """The pages of `route` (None: of unknown routes, the one at `path`) are no snapshots after all. Returns where their
        lines begin in the manifest."""
        where = "outcome = 'static' and listed is not null and " + ("path = ?" if route is None else "route = ?")
        value = path if route is None else route
        lines = [row[0] for row in self._db.execute(f"select listed from pages where {where}", (value,))]  # noqa: S608
        self._db.execute(
            f"update pages set outcome = 'on demand', why = ?, change = null, listed = null where {where}",  # noqa: S608
            (why, value),
        )
        return lines

    def written_bytes(self) -> int:
        """Of all bodies of snapshots."""
        return self._db.execute("select coalesce(sum(size), 0) from pages where change is not null").fetchone()[0]

    def snapshots(self, outcome: str) -> int:
        """How many snapshots of this kind there are."""
        row = self._db.execute("select count(*) from pages where outcome = ? and change is not null", (outcome,))
        return row.fetchone()[0]

    def claim(self, file: str, page: int) -> str | None:
        """Take `file` for `page`. If another page has it (also by case or Unicode form) or needs a folder or a file in
        its place, nothing is taken: returns the path of that page."""
        insert = "insert into files values (?, ?, ?) on conflict do nothing"
        key = collision_key(file)
        if not self._db.execute(insert, (key, page, 0)).rowcount:
            return self._owner(key)
        added = [key]
        folder = key
        while (cut := folder.rfind("/")) > 0 and (folder := folder[:cut]) not in self._folders:
            if self._db.execute(insert, (folder, page, 1)).rowcount:
                added.append(folder)
                continue
            row = self._db.execute("select page, folder from files where key = ?", (folder,)).fetchone()
            if not row[1]:  # a file lies where this one needs a folder
                self._db.executemany("delete from files where key = ?", ((name,) for name in added))
                return self.path(row[0])
            break  # a known folder, and so are those above it
        if len(self._folders) >= 20_000:
            self._folders.clear()
        self._folders.update(added[1:])
        return None

    def _owner(self, key: str) -> str:
        return self.path(self._db.execute("select page from files where key = ?", (key,)).fetchone()[0])

    def why(self, path: str) -> str | None:
        """Why `path` is what it is, if it was visited."""
        row = self._db.execute("select why from pages where path = ?", (path,)).fetchone()
        return row[0] if row is not None else None

    def reasons(self, count: int) -> Iterator[tuple[str, str | None, str]]:
        """(path, route, why) of up to `count` visited paths of which no snapshot was made, in the order they were found."""
        yield from self._db.execute(
            "select path, route, why from pages where outcome in ('on demand', 'fault') order by id limit ?", (count,)
        )

    def path(self, page: int) -> str:
        return self._db.execute("select path from pages where id = ?", (page,)).fetchone()[0]

    def referrers(self, path: str, *, fragment: str | None = None) -> list[str]:
        """The paths of the pages that link to `path` (with this fragment), in the order they were found."""
        rows = self._db.execute(
            "select distinct pages.path from links join pages on pages.id = links.source "
            "where links.target = (select id from pages where path = ?) and (? is null or links.fragment = ?) "
            "order by pages.id",
            (path, fragment, fragment),
        )
        return [row[0] for row in rows]

    def lead(self, page: int, target: int, fragment: str) -> None:
        """Note that `page` is a redirect to `target`."""
        self._db.execute("insert or replace into leads values (?, ?, ?)", (page, target, fragment))

    def leads(self) -> dict[str, str]:
        """Where each redirect goes, in the order in which they were found."""
        rows = self._db.execute(
            "select source.path, target.path from leads join pages source on source.id = leads.page "
            "join pages target on target.id = leads.target order by source.id"
        )
        return dict(rows)

    def note_abroad(self, page: int, rows: Iterable[tuple[str, str, int]]) -> None:
        """Note each (url, sort, line) that `page` asks for by another origin or scheme."""
        self._db.executemany("insert into abroad values (?, ?, ?, ?)", ((url, s, page, line) for url, s, line in rows))

    def abroad(self, sort: str) -> Iterator[tuple[str, list[tuple[str, int]]]]:
        """Each URL of this sort with the (path, line) of everyone who names it, sorted."""
        rows = self._db.execute(
            "select url, pages.path, min(line) from abroad join pages on pages.id = abroad.page where sort = ? "
            "group by url, pages.id order by url, pages.id",
            (sort,),
        )
        for url, group in itertools.groupby(rows, key=lambda row: row[0]):
            yield url, [(path, line) for _, path, line in group]

    def missing_fragments(self, *, asked: bool = False) -> Iterator[tuple[str, str]]:
        """(path, fragment) of each link to an id that its page has not, or the page to which that one redirects. asked: what
        pages that are rendered on demand answered counts too.

        `top` is always there, and a fragment is looked for as it is written and decoded (HTML section 7.4.6.3); one in a
        Location beats that of the link (Fetch, "location URL").
        """
        self.index_links()
        rows = self._db.execute(
            "select distinct pages.id, pages.path, links.fragment from links join pages on pages.id = links.target "
            "where links.fragment != '' order by pages.id"
        )
        for page, group in itertools.groupby(rows, key=lambda row: row[0]):
            ids = self._ids(page, asked)
            for _, path, fragment in group:
                if ids is not None and fragment not in ids and fragment.lower() != "top":
                    yield path, fragment

    def _ids(self, page: int, asked: bool) -> set[str] | None:
        """What fragments of `page` can point to; None if that is not known, or nothing that has ids."""
        seen: set[int] = set()
        while (
            lead := self._db.execute("select target, fragment from leads where page = ?", (page,)).fetchone()
        ) is not None:
            if lead[1] or page in seen:
                return None
            seen.add(page)
            page = lead[0]
        ids, outcome, status = self._db.execute(
            "select ids, outcome, status from pages where id = ?", (page,)
        ).fetchone()
        if ids is None or not (outcome == "static" or (asked and outcome == "on demand" and status == 200)):
            return None
        known = set(ids.split("\n"))
        return known | {unquote(name) for name in known if "%" in name}

    def unasked(self, after: int, count: int) -> list[tuple[int, str]]:
        """Up to `count` pages (id, path) behind `after` that links lead to and nobody has asked for yet: they are rendered on
        demand. Each counts as not visited again."""
        rows = self._db.execute(
            "select id, path from pages where outcome = 'on demand' and status = 0 and not encoded and id > ? "
            "and kind in ('page', 'asset', 'form') order by id limit ?",
            (after, count),
        ).fetchall()
        self.visited -= len(rows)
        return rows

    def is_asked(self, page: int) -> bool | None:
        """Whether what is known of a page is what it answered; None if it is still to be visited."""
        outcome, status = self._db.execute("select outcome, status from pages where id = ?", (page,)).fetchone()
        return None if outcome is None else status != 0

    def route(self, path: str) -> str | None:
        """The pattern of the route that answers `path`, if one was seen to."""
        row = self._db.execute("select route from pages where path = ?", (path,)).fetchone()
        return row[0] if row is not None else None

    def ids_of(self, paths: Iterable[str]) -> Iterator[tuple[int, str]]:
        """(id, path) of each of these pages."""
        for path in paths:
            yield self._db.execute("select id, path from pages where path = ?", (path,)).fetchone()

    def index_links(self) -> None:
        """Make `referrers` fast: call it when no more links come. Raises `OSError` if the disk does not take it."""
        with self.writing():
            self._db.execute("create index if not exists links_by_target on links (target)")

    def reached(self, route: str) -> bool:
        """True if some page of this route was visited."""
        return self._db.execute("select 1 from pages where route = ? limit 1", (route,)).fetchone() is not None

    def count(self, outcome: str) -> int:
        return self._db.execute("select count(*) from pages where outcome = ?", (outcome,)).fetchone()[0]

    def changes(self, change: str) -> Iterator[tuple[str, str, str]]:
        """(path, kind, what of it changed) of what was added, changed or same, sorted by path."""
        yield from self._db.execute("select path, kind, what from pages where change = ? order by path", (change,))

    def unchanged(self) -> int:
        """How many snapshots are as they were."""
        return self._db.execute("select count(*) from pages where change = 'same'").fetchone()[0]

    def is_published(self, path: str) -> bool:
        row = self._db.execute("select change from pages where path = ?", (path,)).fetchone()
        return row is not None and row[0] is not None

    def slowest(self, count: int) -> list[tuple[str, float]]:
        """The pages that took longest: (path, seconds)."""
        return self._db.execute(
            "select path, seconds from pages where outcome in ('static', 'asset') and kind != 'public' "
            "order by seconds desc limit ?",
            (count,),
        ).fetchall()

    def by_route(self) -> list[tuple[str | None, str, str, int]]:
        """(route, outcome, why, how many pages) of everything visited."""
        return self._db.execute(
            "select route, outcome, why, count(*) from pages where outcome is not null group by route, outcome, why"
        ).fetchall()
