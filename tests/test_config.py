"""ondemand.config: every key, where it comes from, and what a wrong one is told."""

from __future__ import annotations

import importlib
import inspect
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.middleware.sessions import SessionMiddleware

from ondemand import ConfigError, OnDemand, OnDemandWarning, Pages, Route, Rule, StaticPath
from ondemand.config import FINDINGS, Config, Policies, project_root, read_project
from tests.asking import ask

ROOT = Path("/srv/site")


def make(**settings: Any) -> Config:
    return Config.make(settings, root=ROOT)


@pytest.fixture
def own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python imports from; what was imported is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


# ------------------------------------------------------------------------------------------------------- what is taken


ACCEPTED: list[tuple[str, Any, Any]] = [
    ("output", "static", "static"),
    ("output", "server", "server"),
    ("dist", "out", ROOT / "out"),
    ("dist", Path("a/b"), ROOT / "a/b"),
    ("dist", "/var/www", Path("/var/www")),
    ("public", None, None),
    ("public", "public", ROOT / "public"),
    ("public", Path("/var/files"), Path("/var/files")),
    ("snapshots", True, True),
    ("snapshots", False, False),
    ("snapshots", "auto", "auto"),
    ("site", "", ""),
    ("site", "https://example.com", "https://example.com"),
    ("site", "https://Example.COM/", "https://example.com"),
    ("site", "http://localhost:8000", "http://localhost:8000"),
    ("site", "http://[::1]:8000", "http://[::1]:8000"),
    ("site", "HTTPS://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ("base", "/", "/"),
    ("base", "/docs", "/docs"),
    ("base", "/docs/", "/docs"),
    ("base", "/a/b", "/a/b"),
    ("trailing_slash", "ignore", "ignore"),
    ("trailing_slash", "always", "always"),
    ("trailing_slash", "never", "never"),
    ("build_format", "directory", "directory"),
    ("build_format", "file", "file"),
    ("build_format", "preserve", "preserve"),
    ("skips", ["TrustedHostMiddleware"], {"TrustedHostMiddleware"}),
    ("skips", [SessionMiddleware], {"SessionMiddleware"}),
    ("skips", (), set()),
    ("page_timeout", 5, 5.0),
    ("page_timeout", 0.5, 0.5),
    ("concurrency", 1, 1),
    ("crawl_limit", 10, 10),
    ("keep", 0, 0),
    ("grace", 0, 0.0),
    ("grace", 1.5, 1.5),
    ("memory", 0, 0),
    ("templates", None, None),
    ("templates", "templates", ROOT / "templates"),
    ("stream", True, True),
    ("stream", False, False),
    ("error_pages", "pages", "pages"),
    ("error_pages", "all", "all"),
    ("debug", "auto", "auto"),
    ("debug", True, True),
    ("debug", False, False),
    ("adapter", "asgi", "asgi"),
    ("pages", None, None),
    ("check_origin", "pages", "pages"),
    ("check_origin", "all", "all"),
    ("check_origin", False, False),
    ("allowed_hosts", ["shop.example", "*.shop.example:8443"], ("shop.example", "*.shop.example:8443")),
    ("allowed_hosts", (), ()),
    ("trusted_proxies", ["127.0.0.1", "10.0.0.0/8", "::1", "unix"], ("127.0.0.1", "10.0.0.0/8", "::1", "unix")),
    ("identities", {}, {}),
    ("identities", {"alice": {"Cookie": "sid=1"}, "bob": print}, {"alice": {"Cookie": "sid=1"}, "bob": print}),
    ("body_limit", None, None),
    ("body_limit", 0, 0),
    ("cookie_defaults", {}, {}),
    ("cookie_defaults", {"path": "/", "secure": True}, {"path": "/", "secure": True}),
]


@pytest.mark.parametrize(("key", "value", "expected"), ACCEPTED)
def test_a_key_takes_its_values(key: str, value: Any, expected: Any) -> None:
    found = getattr(make(**{key: value}), key)
    assert found == expected
    assert type(found) in {type(expected), frozenset}


def test_every_setting_can_be_given_and_has_a_case_above() -> None:
    keys = set(inspect.signature(Config).parameters) - {"root"}
    with pytest.raises(ConfigError) as caught:
        make(nonsense=1)
    for key in keys:
        assert key in str(caught.value)
    assert keys - {key for key, _, _ in ACCEPTED} == {"rules", "routes", "findings", "redirects", "locales"}


def test_pages_are_a_folder_or_an_object_of_their_own() -> None:
    pages = Pages("site")
    assert make(pages=pages).pages is pages
    for given in ("pages", Path("pages")):
        made = make(pages=given).pages
        assert made is not None
        assert made.folder == Path("pages")


def test_rules_routes_and_findings_may_be_objects() -> None:
    config = make(
        rules={"/a": Rule(prerender=True), "/**": Rule()},
        routes=["/", Route("/blog/{slug}", paths=[])],
        findings={"status": "warn"},
    )
    assert [pattern.text for pattern, _ in config.rules] == ["/a", "/**"]
    assert [route.pattern.text for route in config.routes] == ["/", "/blog/{slug}"]
    assert config.findings.of("status", "/x") == "warn"


def test_settings_that_are_not_given_have_the_documented_defaults() -> None:
    config = make()
    assert (config.output, config.snapshots, config.site, config.base) == ("static", "auto", "", "/")
    assert (config.trailing_slash, config.build_format, config.public) == ("ignore", "directory", None)
    assert (config.dist, config.keep, config.memory) == (ROOT / "dist", 2, 64 * 1024 * 1024)
    assert (config.origin, config.prefix) == ("http://localhost", "")
    assert make(site="https://example.com", base="/docs/").origin == "https://example.com"
    assert make(base="/docs/").prefix == "/docs"


# ------------------------------------------------------------------------------------------------------ what is refused


REFUSED: list[tuple[str, Any, str]] = [
    ("output", "statik", "'static' or 'server' or 'hybrid'"),
    ("output", True, "'static' or 'server' or 'hybrid'"),
    ("output", None, "'static' or 'server' or 'hybrid'"),
    ("dist", "", "path of a folder"),
    ("dist", None, "path of a folder"),
    ("dist", 5, "path of a folder"),
    ("dist", b"dist", "path of a folder"),
    ("dist", "a\0b", "path of a folder"),
    ("public", "", "path of a folder"),
    ("public", False, "path of a folder"),
    ("public", ["a", "b"], "path of a folder"),
    ("snapshots", 1, "True or False or 'auto'"),
    ("snapshots", 0, "True or False or 'auto'"),
    ("snapshots", "yes", "True or False or 'auto'"),
    ("snapshots", None, "True or False or 'auto'"),
    ("site", "example.com", "https://example.com"),
    ("site", "ftp://example.com", "https://example.com"),
    ("site", "javascript:alert(1)", "https://example.com"),
    ("site", "https://", "https://example.com"),
    ("site", "https:///x", "https://example.com"),
    ("site", "https://example.com/docs", "https://example.com"),
    ("site", "https://example.com?x=1", "https://example.com"),
    ("site", "https://example.com#x", "https://example.com"),
    ("site", "https://user:secret@example.com", "https://example.com"),
    ("site", "https://example.com:99999", "https://example.com"),
    ("site", "https://example.com:0", "https://example.com"),
    ("site", "https://example.com:http", "https://example.com"),
    ("site", "https://exa mple.com", "https://example.com"),
    ("site", "https://example.com\r\nx: y", "https://example.com"),
    ("site", "https://[::1", "https://example.com"),
    ("site", "https://bücher.example", "https://example.com"),
    ("site", None, "https://example.com"),
    ("site", 5, "https://example.com"),
    ("base", "docs", '"/docs"'),
    ("base", "", '"/docs"'),
    ("base", None, '"/docs"'),
    ("base", "//docs", '"/docs"'),
    ("base", "/../docs", '"/docs"'),
    ("base", "/do\\cs", '"/docs"'),
    ("base", "https://example.com/docs", '"/docs"'),
    ("trailing_slash", True, "'ignore' or 'always' or 'never'"),
    ("trailing_slash", "add", "'ignore' or 'always' or 'never'"),
    ("build_format", "dir", "'directory' or 'file' or 'preserve'"),
    ("rules", [], "mapping of patterns"),
    ("rules", None, "mapping of patterns"),
    ("rules", [("/", Rule())], "mapping of patterns"),
    ("routes", "/", "list of Route(...) or paths"),
    ("routes", {"/": True}, "list of Route(...) or paths"),
    ("routes", 5, "list of Route(...) or paths"),
    ("skips", "SessionMiddleware", "list of middleware classes"),
    ("skips", SessionMiddleware, "list of middleware classes"),
    ("skips", True, "list of middleware classes"),
    ("findings", "warn", "mapping of kinds"),
    ("findings", ["status"], "mapping of kinds"),
    ("page_timeout", 0, "number, at least 0.001"),
    ("page_timeout", -1, "number, at least 0.001"),
    ("page_timeout", float("nan"), "number, at least 0.001"),
    ("page_timeout", "30", "number, at least 0.001"),
    ("page_timeout", None, "number, at least 0.001"),
    ("page_timeout", True, "number, at least 0.001"),
    ("concurrency", 0, "whole number, at least 1"),
    ("concurrency", 1.5, "whole number, at least 1"),
    ("concurrency", True, "whole number, at least 1"),
    ("crawl_limit", 0, "whole number, at least 1"),
    ("keep", -1, "whole number, at least 0"),
    ("keep", "2", "whole number, at least 0"),
    ("grace", -0.1, "number, at least 0"),
    ("memory", -1, "whole number, at least 0"),
    ("memory", 1e6, "whole number, at least 0"),
    ("templates", 5, "path of a folder"),
    ("templates", object(), "a Jinja2 Environment"),
    ("pages", 5, "a folder of page files"),
    ("stream", "no", "True or False"),
    ("error_pages", True, "'pages' or 'all'"),
    ("debug", "yes", "'auto'"),
    ("redirects", ["/old"], "mapping of paths"),
    ("check_origin", True, "'pages' or 'all' or False"),
    ("check_origin", "none", "'pages' or 'all' or False"),
    ("allowed_hosts", "shop.example", "a list of texts"),
    ("trusted_proxies", "127.0.0.1", "a list of texts"),
    ("trusted_proxies", True, "a list of texts"),
    ("body_limit", -1, "whole number, at least 0"),
    ("body_limit", "1MB", "whole number, at least 0"),
    ("cookie_defaults", "secure", "mapping of options"),
    ("locales", "en", "list of codes"),
    ("locales", {"en": "/"}, "list of codes"),
]


@pytest.mark.parametrize(("key", "value", "accepted"), REFUSED)
def test_a_wrong_value_is_refused_with_key_value_and_what_is_accepted(key: str, value: Any, accepted: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**{key: value})
    assert f"{key}={value!r}" in str(caught.value)
    assert accepted in str(caught.value)


PARTS_REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"identities": [{"Cookie": "sid=1"}]}, ["identities takes", "a mapping of names to headers"]),
    ({"identities": {"alice": {}}}, ["identities['alice']", "a mapping of names to headers"]),
    ({"identities": {"alice": "sid=1"}}, ["identities['alice']"]),
    ({"identities": {"alice": {"Cookie": "a\nb"}}}, ["identities['alice']"]),
    ({"identities": {1: {"Cookie": "a"}}}, ["identities[1]"]),
    ({"rules": {"/x": True}}, ["rules['/x']", "True", "Rule(...)"]),
    ({"rules": {"/x": None}}, ["rules['/x']", "None", "Rule(...)"]),
    ({"rules": {"x": Rule()}}, ["'x'", "'/'"]),
    ({"rules": {5: Rule()}}, ["5", "'/'"]),
    ({"rules": {"/x": {"prerendr": True}}}, ["rules['/x']", "'prerendr'", "query", "Did you mean 'prerender'?"]),
    ({"rules": {"/x": {"prerender": "yes"}}}, ["prerender='yes'", "'auto'"]),
    ({"rules": {"/x": {"vary": "Cookie"}}}, ["vary='Cookie'", "list"]),
    ({"rules": {"/x": {"guard": "login"}}}, ["guard='login'", "async function"]),
    ({"routes": [5]}, ["5", "list of Route(...) or paths"]),
    ({"routes": ["about"]}, ["'about'", "'/'"]),
    ({"routes": ["/", None]}, ["None", "list of Route(...) or paths"]),
    ({"routes": [{"patern": "/"}]}, ["'patern'", "unknown", "Did you mean 'pattern'?"]),
    ({"routes": [{"prerender": True}]}, ["prerender", "pattern"]),
    ({"routes": [{"pattern": 5}]}, ["5", "'/'"]),
    ({"routes": [{"pattern": "/", "methods": "GET"}]}, ["methods='GET'", "list of methods"]),
    ({"routes": [{"pattern": "/", "methods": 5}]}, ["5", "methods"]),
    ({"routes": [{"pattern": "/", "prerender": "yes"}]}, ["'yes'", "'auto'"]),
    ({"skips": [5]}, ["5", "middleware classes"]),
    ({"findings": {"statuss": "warn"}}, ["'statuss'", "timeout", "Did you mean 'status'?"]),
    ({"findings": {404: "warn"}}, ["404", "status"]),
    ({"findings": {"status": "error"}}, ["findings['status']='error'", "'fail' or 'warn' or 'ignore'"]),
    ({"findings": {"status": None}}, ["findings['status']=None", "'fail' or 'warn' or 'ignore'"]),
    ({"findings": {"status": {"/x": "off"}}}, ["findings['status']['/x']='off'", "'fail' or 'warn' or 'ignore'"]),
    ({"findings": {"status": {"x": "warn"}}}, ["'x'", "'/'"]),
    ({"rules": {"/x": {"check_origin": "no"}}}, ["check_origin='no'", "True or False"]),
    ({"redirects": {"/a": "b"}}, ["redirects['/a']='b'", "https://"]),
    ({"redirects": {"/a": "//b"}}, ["redirects['/a']='//b'", "https://"]),
    ({"redirects": {"/a": "javascript:x"}}, ["redirects['/a']", "https://"]),
    ({"redirects": {"/a": "https://{b}.example"}}, ["redirects['/a']", "https://"]),
    ({"redirects": {"/a": "/b/{c}"}}, ["redirects['/a']", "'c'"]),
    ({"redirects": {"/a": {"status": 200, "destination": "/b"}}}, ["200", "301, 302, 303, 307, 308"]),
    ({"redirects": {"/a": {"to": "/b"}}}, ["redirects['/a']", "destination"]),
    ({"redirects": {"/a": "/b\r\nx: y"}}, ["redirects['/a']", "control character"]),
    ({"redirects": {"a": "/b"}}, ["'a'", "'/'"]),
    ({"allowed_hosts": ["https://shop.example"]}, ["allowed_hosts='https://shop.example'", "*.shop.example"]),
    ({"allowed_hosts": ["a@b"]}, ["allowed_hosts='a@b'"]),
    ({"allowed_hosts": [5]}, ["allowed_hosts=5", "a list of texts"]),
    ({"trusted_proxies": ["proxy.local"]}, ["trusted_proxies='proxy.local'", "10.0.0.0/8"]),
    ({"cookie_defaults": {"path": "x"}}, ["cookie_defaults=", "no path"]),
    ({"cookie_defaults": {"httpOnly": True}}, ["cookie_defaults=", "httpOnly"]),
    ({"locales": ["en", 5]}, ["locales=5", "codes"]),
    ({"locales": [{"path": "es"}]}, ["locales={'path': 'es'}", "codes"]),
    ({"ouput": "static"}, ["'ouput'", "output", "Did you mean 'output'?"]),
    ({"prerender": True}, ["'prerender'", "output"]),
    ({"root": "/tmp"}, ["'root'", "routes"]),
    ({"app": "main:app"}, ["'app'", "output"]),
]


@pytest.mark.parametrize(("settings", "words"), PARTS_REFUSED)
def test_a_wrong_part_or_key_is_refused_with_what_is_accepted_and_a_guess(
    settings: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        make(**settings)
    for word in words:
        assert word in str(caught.value)


def test_no_guess_is_made_where_nothing_is_near() -> None:
    with pytest.raises(ConfigError) as caught:
        make(zzz=1)
    assert "Did you mean" not in str(caught.value)


# -------------------------------------------------------------------------------------------------------------- hybrid


def test_hybrid_is_static_and_warns() -> None:
    with pytest.warns(OnDemandWarning, match='Write "static"'):
        assert make(output="hybrid").output == "static"


async def empty(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_a_site_says_so_once() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        wrapped = OnDemand(empty, output="hybrid")
        ask(wrapped, "/")
        ask(wrapped, "/")
    assert [str(warning.message).partition(" is ")[0] for warning in caught] == ['output="hybrid"']
    assert caught[0].filename == __file__


# ------------------------------------------------------------------------------------------- findings by kind and path


def test_a_kind_has_its_own_policy_unless_findings_say_otherwise() -> None:
    policies = Policies({"status": "ignore"})
    assert policies.of("status", "/x") == "ignore"
    assert policies.of("status", None) == "ignore"
    for kind, policy in FINDINGS.items():
        if kind != "status":
            assert policies.of(kind, "/x") == policy


def test_the_most_specific_pattern_decides_and_a_literal_is_more_than_what_is_below_it() -> None:
    settings: dict[str, Any] = {
        "/**": "warn",
        "/old/**": "ignore",
        "/old": "fail",
        "/old/x": "warn",
        "/old/{id}": "fail",
    }
    for order in (settings, dict(reversed(settings.items()))):
        policies = Policies({"status": order})
        assert [policies.of("status", path) for path in ("/", "/old/a/b", "/old/a", "/old/x", "/old")] == [
            "warn",
            "ignore",
            "fail",
            "warn",
            "fail",
        ]


def test_a_path_that_no_pattern_covers_has_the_policy_of_its_kind() -> None:
    policies = Policies({"broken-link": {"/old/*": "ignore"}})
    assert policies.of("broken-link", "/new") == "fail"
    assert policies.of("broken-link", None) == "fail"
    assert policies.of("status", "/old/x") == "fail"


def test_a_kind_with_no_patterns_is_as_if_it_were_not_named() -> None:
    assert Policies({"status": {}}).of("status", "/x") == "fail"


# -------------------------------------------------------------------------------------------- pyproject and precedence


TABLE = """
[tool.ondemand]
app = "main:app"
output = "server"
base = "/docs"
skips = ["SessionMiddleware"]
keep = 5
page_timeout = 2

[tool.ondemand.rules."/api/**"]
prerender = false
vary = ["HX-Request"]
headers = { x-frame-options = "DENY" }

[tool.ondemand.rules."/about"]
prerender = "auto"
query = "ignore"

[[tool.ondemand.routes]]
pattern = "/"
prerender = true

[[tool.ondemand.routes]]
pattern = "/blog/{slug}"
methods = ["GET", "POST"]
unknown = "404"
paths = [{ params = { slug = "hello" } }]

[tool.ondemand.findings]
status = "warn"
broken-link = { "/old/**" = "ignore" }
"""


def test_every_setting_can_be_written_in_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    settings = read_project(tmp_path)
    assert "app" not in settings
    config = Config.make(settings, root=tmp_path)
    assert (config.output, config.base, config.keep, config.page_timeout) == ("server", "/docs", 5, 2.0)
    assert config.skips == {"SessionMiddleware"}
    rules = {pattern.text: rule for pattern, rule in config.rules}
    assert rules["/api/**"] == Rule(prerender=False, vary=["HX-Request"], headers={"x-frame-options": "DENY"})
    assert rules["/about"] == Rule(prerender="auto", query="ignore")
    home, blog = config.routes
    assert (home.pattern.text, home.mark and home.mark.value) == ("/", True)
    assert (blog.pattern.text, blog.methods) == ("/blog/{slug}", {"GET", "POST"})
    assert blog.mark is not None
    assert (blog.mark.unknown, blog.mark.paths) == ("404", [{"params": {"slug": "hello"}}])
    assert (config.findings.of("status", "/x"), config.findings.of("broken-link", "/old/x")) == ("warn", "ignore")
    assert StaticPath({"slug": "hello"}).params == blog.mark.paths[0]["params"]  # type: ignore[index]


def site(folder: Path, pyproject: str) -> Any:
    """A module with a bare app in a folder with a pyproject.toml, imported."""
    (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
    (folder / "config_site.py").write_text("async def app(scope, receive, send): ...", encoding="utf-8")
    return importlib.import_module("config_site")


def test_arguments_beat_pyproject_beats_defaults(own_modules: Path) -> None:
    module = site(own_modules, '[tool.ondemand]\noutput = "server"\nkeep = 5\ndist = "out"\n')
    config = OnDemand(module.app, keep=7).site().config
    assert (config.keep, config.output, config.build_format) == (7, "server", "directory")
    assert (config.root, config.dist) == (own_modules, own_modules / "out")


def test_a_wrong_setting_in_pyproject_is_told_at_start(own_modules: Path) -> None:
    module = site(own_modules, "[tool.ondemand]\nouput = 'server'\n")
    with pytest.raises(ConfigError, match="Did you mean 'output'"):
        OnDemand(module.app).site()


def test_no_pyproject_and_no_table_are_no_settings(tmp_path: Path) -> None:
    assert read_project(tmp_path) == {}
    for text in ("", "[project]\nname = 'x'\n", "[tool.other]\n", "[tool.ondemand]\n"):
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
        assert read_project(tmp_path) == {}


@pytest.mark.parametrize(
    "content",
    [
        b"[tool.ondemand\n",
        b"output = static\n",
        b"[tool.ondemand]\nkeep = 1\nkeep = 2\n",
        b"\xff\xfe",
        b"x = '\x00'",
        b"[tool]\nondemand = 5\n",
        b"[tool]\nondemand = ['output']\n",
        b"tool = 5\n",
        b"tool = 'ondemand'\n",
        b"[[tool]]\nondemand = 1\n",
    ],
    ids=repr,
)
def test_a_pyproject_that_cannot_be_read_is_told_with_its_name(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_project(tmp_path)
    assert str(file) in str(caught.value)


def test_the_root_is_the_nearest_pyproject_above_the_module_that_holds_the_app(
    own_modules: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = own_modules / "outer" / "inner" / "config_pkg"
    package.mkdir(parents=True)
    for folder in (own_modules, own_modules / "outer"):
        (folder / "pyproject.toml").touch()
    (package / "__init__.py").touch()
    (package / "web.py").write_text("class App: ...\napp = App()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(package.parent))
    module = importlib.import_module("config_pkg.web")
    monkeypatch.chdir("/")
    assert project_root(module.app) == own_modules / "outer"
    assert project_root(object()) is None
    assert project_root(None) is None


def test_the_root_is_found_by_identity_and_not_by_equality(own_modules: Path) -> None:
    (own_modules / "pyproject.toml").touch()
    (own_modules / "config_equal.py").write_text(
        "class Equal:\n"
        "    def __eq__(self, other): return True\n"
        "    __hash__ = None\n"
        "    def __bool__(self): raise ValueError\n"
        "other = Equal()\n",
        encoding="utf-8",
    )
    importlib.import_module("config_equal")
    assert project_root(object()) is None


def test_no_secret_of_an_identity_is_printed() -> None:
    for value in ("hunter2", ["hunter2"], {"alice": "hunter2"}, {"alice": {"Cookie": "hunter2\n"}}):
        with pytest.raises(ConfigError) as caught:
            make(identities=value)
        assert "hunter2" not in str(caught.value)
