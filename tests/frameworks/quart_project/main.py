"""A journal in Quart: SQLite, templates, a session for its author, a stream of news."""

import asyncio
import os
import sqlite3
from contextlib import closing

from quart import Quart, abort, flash, g, make_response, redirect, render_template, request, session, url_for

from ondemand import OnDemand, StaticPath, current_page, prerender

app = Quart(__name__)
app.secret_key = "of a test"
DATABASE = os.environ["JOURNAL_DB"]


def connection():
    db = sqlite3.connect(DATABASE)
    db.row_factory = sqlite3.Row
    return db


@app.before_serving
async def create():
    with closing(connection()) as db, db:
        db.execute(
            "create table if not exists entries (id integer primary key, slug text unique, title text, body text)"
        )
        db.executemany(
            "insert or ignore into entries (slug, title, body) values (?, ?, ?)",
            [("first", "First <entry>", "It began."), ("second", "Second", "It went on.")],
        )


@app.before_request
async def connect():
    g.db = connection()


@app.teardown_request
async def disconnect(error):
    if "db" in g:
        g.db.close()


def slugs():
    with closing(connection()) as db:
        for row in db.execute("select slug from entries"):
            yield StaticPath({"slug": row["slug"]})


@app.get("/")
@prerender
async def index():
    return await render_template(
        "index.html", entries=g.db.execute("select * from entries order by id desc").fetchall()
    )


@app.get("/entries/<slug>")
@prerender(paths=slugs)
async def entry(slug):
    found = g.db.execute("select * from entries where slug = ?", [slug]).fetchone()
    if found is None:
        abort(404)
    return await render_template("entry.html", entry=found)


@app.get("/about")
async def about():
    return await render_template("about.html")


@app.get("/desk")
async def desk():
    """Unmarked, and for the author alone."""
    if not session.get("author"):
        return redirect(url_for("login"))
    return await render_template("desk.html")


@app.route("/login", methods=["GET", "POST"])
@prerender(False)
async def login():
    if request.method == "POST":
        form = await request.form
        if form.get("password") != "secret":
            abort(401)
        session["author"] = True
        await flash("Welcome back")
        return redirect(url_for("desk"))
    return await render_template("login.html")


@app.post("/entries")
async def add():
    if not session.get("author"):
        abort(401)
    form = await request.form
    with g.db:
        g.db.execute(
            "insert into entries (slug, title, body) values (?, ?, ?)", [form["slug"], form["title"], form["body"]]
        )
    return redirect(url_for("entry", slug=form["slug"]))


@app.get("/news")
@prerender(False)
async def news():
    async def events():
        for number in range(3):
            await asyncio.sleep(0)
            yield f"data: {current_page().url.pathname} {number}\n\n"

    response = await make_response(events(), {"Content-Type": "text/event-stream"})
    response.timeout = None
    return response


@app.errorhandler(404)
async def missing(error):
    return await render_template("missing.html"), 404


app.asgi_app = OnDemand(app.asgi_app, site="https://journal.example.com", dist=os.environ["JOURNAL_DIST"])
