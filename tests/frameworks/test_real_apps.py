"""Real projects, each run by its own commands: a Django project with its admin, a Wagtail site, a Litestar and a Quart app."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

PROJECT = Path(__file__).parent / "django_project"
ROOT = Path(__file__).parents[2]


def need(module: str) -> None:
    """Skip the test where a package is missing; fail it where CI must have it."""
    if importlib.util.find_spec(module) is None:
        message = f"{module} is not installed: pip install -e '.[dev]'"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)


class Project:
    """A project in a folder of its own, and what its commands print."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **environment}

    def run(self, *command: str, code: int = 0, **environment: str) -> str:
        """Standard output and error of `python COMMAND`."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=100,
            text=True,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def ondemand(self, *arguments: str, code: int = 0, **environment: str) -> Any:
        """The JSON report of an `ondemand` command."""
        report = self.folder / "report.json"
        self.run("-m", "ondemand", *arguments, "--json", str(report), code=code, **environment)
        return json.loads(report.read_text())

    def snapshots(self) -> set[str]:
        lines = (
            self.folder / "dist" / (self.folder / "dist/CURRENT").read_text().strip() / "manifest.jsonl"
        ).read_text()
        rows = [json.loads(line) for line in lines.splitlines()]
        return {row["path"] for row in rows if "path" in row}

    @contextlib.contextmanager
    def served(self, *command: str, **environment: str) -> Iterator[httpx.Client]:
        """A client of `python COMMAND`, in which PORT stands for a free port; ended by its pid."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with (self.folder / "server.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, *(part.replace("PORT", str(port)) for part in command)],
                cwd=self.folder,
                env={**self.environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
                for _ in range(600):
                    assert process.poll() is None, self.log()
                    with contextlib.suppress(httpx.TransportError):
                        client.get("/favicon.ico")
                        break
                    time.sleep(0.05)
                yield client
        finally:
            process.terminate()
            process.wait(20)

    def log(self) -> str:
        return (self.folder / "server.log").read_text()


# ------------------------------------------------------------------------------------------------------------- Django


@pytest.fixture(scope="module")
def newspaper(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project in `django_project`, migrated, with an editor and three articles."""
    need("django")
    folder = tmp_path_factory.mktemp("newspaper") / "site"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    project = Project(folder, {"NEWSPAPER_DB": str(folder / "db.sqlite3"), "NEWSPAPER_DIST": str(folder / "dist")})
    project.run("manage.py", "migrate", "--verbosity", "0")
    arguments = ["manage.py", "createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.com"]
    project.run(*arguments, DJANGO_SUPERUSER_PASSWORD="lovelace")
    project.run("manage.py", "loaddata", "articles.json")
    return project


@pytest.fixture(scope="module")
def built(newspaper: Project) -> Any:
    """The report of a build that names no app: it lies in asgi.py, beside manage.py."""
    return newspaper.ondemand("build")


def test_a_django_project_is_built_and_nothing_of_its_admin_is_ever_a_snapshot(newspaper: Project, built: Any) -> None:
    assert newspaper.snapshots() == {
        "/",
        "/archive/2026/",
        "/articles/first/",
        "/articles/second/",
        "/articles/unlisted/",
        "/imprint/",
        "/static/articles/news.css",
    }
    assert built["findings"] == []
    assert built["skipped_middleware"] == []
    assert built["proof"]["identities"] == ["an editor"]
    kinds = {route["pattern"]: (route["kind"], route["why"]) for route in built["routes"]}
    assert kinds["/contact/"] == ("on demand", "it sets the cookie 'csrftoken'")
    assert kinds["/greeting/"][0] == "on demand"
    assert kinds["/drafts/"] == ("on demand", "prerender is False")
    staff = {kind for pattern, (kind, _) in kinds.items() if pattern.startswith(("/admin/", "/accounts/"))}
    assert staff == {"on demand"}


def test_a_django_project_is_served_by_uvicorn_with_its_admin(newspaper: Project, built: Any) -> None:
    command = ("-m", "uvicorn", "newspaper.asgi:application", "--host", "127.0.0.1", "--port", "PORT")
    with newspaper.served(*command) as client:
        home = client.get("/")
        assert home.headers["cache-status"].startswith("ondemand; hit")
        assert home.headers["x-frame-options"] == "DENY"
        form = client.get("/admin/login/")
        assert "cache-status" not in form.headers
        token = form.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        login = {"username": "ada", "password": "lovelace", "csrfmiddlewaretoken": token, "next": "/admin/"}
        admin = client.post("/admin/login/", data=login, follow_redirects=True)
        assert "Site administration" in admin.text
        assert "Hello ada" in client.get("/greeting/").text
        assert client.get("/").headers["etag"] == home.headers["etag"]
        drafts = client.get("/drafts/")
        assert ("<p>/drafts/" in drafts.text, drafts.cookies["seen"]) == (True, "drafts")
        assert client.post("/contact/").status_code == 403  # Django's own check of the token
        missing = client.get("/articles/third/")
        assert (missing.status_code, "Not Found" in missing.text) == (404, True)
        assert client.get("/imprint").headers["location"] == "/imprint/"
        assert client.get("/static/admin/css/base.css").status_code == 200
    assert "7 snapshots of generation 000001" in newspaper.log()  # Django has no lifespan, and yet it is said at start


def test_a_page_that_shows_the_user_fails_the_build(newspaper: Project) -> None:
    report = newspaper.ondemand("check", code=1, NEWSPAPER_PERSONAL="1")
    assert [finding["path"] for finding in report["findings"]] == ["/personal/"]
    assert report["findings"][0]["kind"] == "vary"  # Django says so of every answer that used the session


def test_a_host_that_django_refuses_is_told_with_what_to_set(newspaper: Project) -> None:
    report = newspaper.ondemand("check", code=1, NEWSPAPER_HOST="elsewhere.example.com")
    (finding, *_) = [finding for finding in report["findings"] if finding["path"] == "/"]
    assert (finding["kind"], finding["message"]) == ("status", "It answers 400.")
    assert "set `site`" in finding["remedy"]


def test_runserver_says_that_it_serves_without_ondemand(newspaper: Project) -> None:
    with newspaper.served("manage.py", "runserver", "--noreload", "127.0.0.1:PORT") as client:
        assert "cache-status" not in client.get("/").headers
    assert "(ondemand.W001) runserver serves WSGI." in newspaper.log()
    assert "ondemand" not in newspaper.run("manage.py", "check")


def test_a_wsgi_server_is_told_that_it_serves_without_ondemand(newspaper: Project) -> None:
    said = newspaper.run("-c", "import newspaper.wsgi")
    assert "OnDemand is an ASGI application and does not run here" in said
    assert newspaper.run("-c", "import newspaper.asgi") == ""


def test_ondemand_dev_serves_a_django_project_while_it_is_worked_on(newspaper: Project) -> None:
    with newspaper.served("-m", "ondemand", "dev", "--port", "PORT", NEWSPAPER_DEBUG="1") as client:
        assert "cache-status" not in client.get("/").headers
        why = client.get("/_ondemand/why?path=/archive/2026/")
        assert "a regular expression" in why.text
        template = newspaper.folder / "articles" / "templates" / "articles" / "imprint.html"
        before = template.read_text()
        assert "edited" not in client.get("/imprint/").text  # from here on Django has it in its cache
        try:
            template.write_text(before.replace("<h1>Imprint</h1>", "<h1>Imprint, edited</h1>"))
            assert shows(client, "/imprint/", "Imprint, edited")
        finally:
            template.write_text(before)


def shows(client: httpx.Client, path: str, text: str) -> bool:
    """Waits until the page has the text, while the server is started anew."""
    for _ in range(200):
        with contextlib.suppress(httpx.TransportError):
            if text in client.get(path).text:
                return True
        time.sleep(0.1)
    return False


def test_preview_shows_the_snapshots_of_a_project_in_debug_mode_too(newspaper: Project, built: Any) -> None:
    with newspaper.served("-m", "ondemand", "preview", "--port", "PORT", NEWSPAPER_DEBUG="1") as client:
        assert client.get("/").headers["cache-status"].startswith("ondemand; hit")


# ------------------------------------------------------------------------------------------------------------ Wagtail

ASGI = """
import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

from ondemand import OnDemand

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tidings.settings.dev")
application = OnDemand(ASGIStaticFilesHandler(get_asgi_application()), site="https://tidings.example.com", snapshots=True)
"""


@pytest.fixture(scope="module")
def tidings(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What `wagtail start` makes, with OnDemand in its asgi.py and links to both admins in its page."""
    need("wagtail")
    project = Project(tmp_path_factory.mktemp("wagtail"), {})
    project.run("-c", "from wagtail.bin.wagtail import main; main()", "start", "tidings", ".")
    (project.folder / "tidings" / "asgi.py").write_text(ASGI)
    base = project.folder / "tidings" / "templates" / "base.html"
    links = (
        '<a href="/admin/">a</a> <a href="/django-admin/">b</a> <a href="/admin/login/">c</a> <a href="/search/">d</a>'
    )
    base.write_text(base.read_text().replace("</body>", f"{links}</body>"))
    project.run("manage.py", "migrate", "--verbosity", "0")
    return project


def test_a_wagtail_site_is_built_and_nothing_of_its_admins_is_ever_a_snapshot(tidings: Project) -> None:
    report = tidings.ondemand("build")
    kept = tidings.snapshots()
    assert not [path for path in kept if "admin" in path]
    assert "/" not in kept  # its bar for editors looks at who is logged in, and Django says so: Vary: Cookie
    (page,) = [route for route in report["routes"] if route["pattern"].endswith("/)*)$")]
    assert (page["why"], page["unlisted"]) == ("its Vary names cookie", "a regular expression")
    assert not [r["pattern"] for r in report["routes"] if r["kind"] == "static" and "admin" in r["pattern"]]


def test_a_page_of_wagtail_without_its_bar_for_editors_is_static(tidings: Project) -> None:
    base = tidings.folder / "tidings" / "templates" / "base.html"
    base.write_text(base.read_text().replace("{% wagtailuserbar %}", ""))
    tidings.ondemand("build")
    assert "/" in tidings.snapshots()
    command = ("-m", "uvicorn", "tidings.asgi:application", "--host", "127.0.0.1", "--port", "PORT")
    with tidings.served(*command) as client:
        assert client.get("/").headers["cache-status"].startswith("ondemand; hit")
        assert client.get("/admin/").headers["location"].startswith("/admin/login/")


# -------------------------------------------------------------------------------------------------- Quart and Litestar


def copied(name: str, folder: Path, **environment: str) -> Project:
    shutil.copytree(Path(__file__).parent / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pyproject.toml").write_text('[tool.ondemand]\napp = "main:app"\n')
    return Project(folder, environment)


def test_a_journal_in_quart_is_built_and_served(tmp_path: Path) -> None:
    need("quart")
    folder = tmp_path / "journal"
    project = copied("quart_project", folder, JOURNAL_DB=str(folder / "journal.db"), JOURNAL_DIST=str(folder / "dist"))
    report = project.ondemand("build")
    pages = {"/", "/about", "/entries/first", "/entries/second"}
    assert project.snapshots() == {*pages, "/static/journal.css"}
    assert report["findings"] == []
    reasons = {route["pattern"]: route["why"] for route in report["routes"] if route["kind"] == "on demand"}
    assert set(reasons) == {"/desk", "/login", "/news", "/entries"}
    with project.served("-m", "hypercorn", "main:app", "--bind", "127.0.0.1:PORT") as client:
        first = client.get("/entries/first")
        assert first.headers["cache-status"].startswith("ondemand; hit")
        assert "<h1>First &lt;entry&gt;</h1>" in first.text
        assert client.get("/desk").headers["location"] == "/login"
        assert client.post("/login", data={"password": "wrong"}).status_code == 401
        desk = client.post("/login", data={"password": "secret"}, follow_redirects=True)
        assert ("<h1>Desk</h1><p>Welcome back</p>" in desk.text, "cache-status" in desk.headers) == (True, False)
        added = client.post("/entries", data={"slug": "third", "title": "Third", "body": "New"}, follow_redirects=True)
        assert ("<h1>Third</h1>" in added.text, "cache-status" in added.headers) == (True, False)
        missing = client.get("/entries/fourth")
        assert (missing.status_code, "No such page" in missing.text) == (404, True)
        assert client.get("/news").text == "".join(f"data: /news {number}\n\n" for number in range(3))
    assert project.ondemand("plan")["added"] == ["/entries/third"]


def test_a_library_in_litestar_is_built_and_served(tmp_path: Path) -> None:
    need("litestar")
    folder = tmp_path / "library"
    project = copied("litestar_project", folder, LIBRARY_DIST=str(folder / "dist"))
    report = project.ondemand("build")
    days = {"/books/bought/2024-05-01", "/books/bought/2025-06-02"}
    pages = {"/", "/books", "/books/1", "/books/2", "/api/books.json", *days}
    assert project.snapshots() == {*pages, "/static/library.css"}
    assert report["findings"] == []
    kinds = {route["pattern"]: (route["kind"], route["why"]) for route in report["routes"]}
    assert kinds["/books/{book_id:int}/loans"] == ("on demand", "prerender is False")
    assert kinds["/search"] == ("on demand", "it declares the query parameter 'q'")
    assert kinds["/schema"][0] == "on demand"
    with project.served("-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", "PORT") as client:
        assert client.get("/books/2").headers["cache-status"].startswith("ondemand; hit")
        assert client.head("/books/2").status_code == 200
        assert client.get("/books/1/loans").status_code == 401
        loans = client.post("/login", follow_redirects=True)
        assert ("<h1>Emma</h1>" in loans.text, client.cookies["greeted"]) == (True, "yes")
        assert client.get("/books/3").json()["status_code"] == 404
        assert "1 found" in client.get("/search?q=emma").text
        assert client.get("/schema/openapi.json").json()["openapi"].startswith("3.")
