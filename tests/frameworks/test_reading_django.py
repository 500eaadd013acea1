"""What is read of a Django project: paths and expressions, includes, languages, converters, views, middleware."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.auth.decorators import login_required, permission_required
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import Resolver404, get_resolver, include, path, re_path
from django.utils.decorators import method_decorator
from django.utils.functional import lazy
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST
from django.views.generic import TemplateView, View
from django.views.static import serve
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount

from ondemand import ConfigError, ParamError, prerender
from ondemand.config import Config
from ondemand.discovery import RouteTable, discover, skipped_middleware
from ondemand.frameworks import reading
from ondemand.middleware import OnDemand
from ondemand.routing import RegexPattern, Route, decide
from tests.frameworks.sites import django as site

CONFIG = Config.make({}, root=Path("/nowhere"))


def view(request: HttpRequest, **params: Any) -> HttpResponse:
    return HttpResponse(str(params))


def urlconf(patterns: Sequence[Any]) -> Any:
    """A module of `urlpatterns`; a new one each time, as Django remembers what it read of each."""
    module = types.ModuleType("urls")
    module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
    return module


def read(*patterns: Any, **options: Any) -> RouteTable:
    """The table of an app with these `urlpatterns`."""
    urls = urlconf(patterns)
    with override_settings(ROOT_URLCONF=urls, **options):
        return discover(get_asgi_application(), CONFIG)


def texts(table: RouteTable) -> list[str]:
    return [route.pattern.text for route in table]


def only(table: RouteTable) -> Route:
    (route,) = table.routes
    return route


def test_paths_and_includes_are_patterns_in_the_order_of_the_urlconf() -> None:
    inner = [path("", view), path("<slug:slug>/", view), path("<path:rest>", view)]
    table = read(path("", view), path("blog/", include(inner)), path("<int:year>/<str:name>/", view))
    assert texts(table) == ["/", "/blog/", "/blog/{slug}/", "/blog/{rest:path}", "/{year:int}/{name}/"]
    assert table.known
    assert {route.source.rpartition(":")[0] for route in table} == {__file__}
    found = table.match("/blog/a/")
    assert found is not None
    assert found.pattern.text == "/blog/{slug}/"


@pytest.mark.parametrize(
    ("route", "params", "url"),
    [
        ("n/<int:n>", {"n": 7}, "/n/7"),
        ("n/<int:n>", {"n": "007"}, "/n/007"),
        ("s/<slug:s>/", {"s": "a-b_c"}, "/s/a-b_c/"),
        ("s/<s>", {"s": "naïve café"}, "/s/naïve café"),
        ("u/<uuid:u>", {"u": UUID(int=5)}, "/u/00000000-0000-0000-0000-000000000005"),
        ("d/<day:d>", {"d": date(2026, 11, 21)}, "/d/2026-11-21"),
        ("p/<path:p>", {"p": "a/b"}, "/p/a/b"),
        ("p/<path:p>/end/", {"p": "a/b"}, "/p/a/b/end/"),
        ("a.b+c/<int:n>", {"n": 1}, "/a.b+c/1"),
        ("{x}/*/<int:n>", None, ""),  # braces and stars stand for themselves in Django
    ],
)
def test_converters_write_the_paths_that_the_resolver_reads(route: str, params: Any, url: str) -> None:
    one = only(read(path(route, view)))
    if params is None:
        assert isinstance(one.pattern, RegexPattern)
        assert one.pattern.match("/{x}/*/7") == {"n": "7"}
        return
    assert one.pattern.fill(params) == url
    match = get_resolver(urlconf([path(route, view)])).resolve(url)
    assert {name: str(value) for name, value in match.kwargs.items()}.keys() == params.keys()
    assert one.pattern.match(url) is not None


@pytest.mark.parametrize(
    ("route", "params"),
    [("n/<int:n>", {"n": -7}), ("n/<int:n>", {"n": "x"}), ("s/<slug:s>", {"s": "a b"}), ("d/<day:d>", {"d": "today"})],
)
def test_what_a_converter_does_not_take_is_refused(route: str, params: Any) -> None:
    with pytest.raises(ParamError):
        only(read(path(route, view))).pattern.fill(params)


def test_an_expression_is_listed_as_one_and_no_path_is_made_of_it() -> None:
    route = only(read(re_path(r"^archive/(?P<year>[0-9]{4})/$", view)))
    assert (route.pattern.text, route.unlisted) == ("/archive/(?P<year>[0-9]{4})/$", "a regular expression")
    assert route.pattern.match("/archive/2026/") == {"year": "2026"}
    assert route.pattern.match("/archive/2026/x") is None
    with pytest.raises(ParamError, match="regular expression"):
        route.pattern.fill({"year": 2026})


def test_an_expression_with_nothing_special_is_a_path() -> None:
    table = read(re_path(r"^robots\.txt$", view), re_path("^a/", include([re_path(r"^b/\Z", view), path("c", view)])))
    assert texts(table) == ["/robots.txt", "/a/b/", "/a/c"]
    assert [route.unlisted for route in table] == ["", "", ""]


def test_an_expression_below_a_path_below_an_expression() -> None:
    inner = [path("<int:n>/", view), re_path("(?P<tail>x+)$", view)]
    table = read(re_path(r"^(?P<lang>de|en)/", include([path("in/", include(inner))])))
    first, second = table.routes
    assert first.pattern.match("/de/in/7/") == {"lang": "de", "n": "7"}
    assert second.pattern.match("/en/in/xx") == {"lang": "en", "tail": "xx"}
    assert table.match("/fr/in/7/") is None
    assert table.match("/de/out/in/7/") is None


def test_an_expression_without_an_end_covers_what_begins_like_it_as_in_django() -> None:
    table = read(re_path("^open", view), re_path("tail", view), path("x/", include([re_path("^y", view)])))
    for asked, found in (("/open", 0), ("/opened/all", 0), ("/a/tail/b", 1), ("/x/y", 2), ("/x/yz/z", 2)):
        assert table.match(asked) is table.routes[found], asked
    assert table.match("/x/ay") is None


def test_two_groups_of_one_name_are_no_error() -> None:
    table = read(re_path(r"^(?P<x>a)/", include([re_path(r"^(?P<x>b)/$", view)])))
    assert table.match("/a/b/") is not None


def test_there_is_a_route_for_each_language() -> None:
    middleware = [*site.django_settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    languages = {"LANGUAGES": [("en", "English"), ("de", "German")], "LANGUAGE_CODE": "en", "MIDDLEWARE": middleware}
    assert texts(read(*i18n_patterns(path("about/", view)), **languages)) == ["/en/about/", "/de/about/"]
    bare = i18n_patterns(path("about/", view), prefix_default_language=False)
    assert texts(read(*bare, **languages)) == ["/about/", "/de/about/"]
    languages["LANGUAGE_CODE"] = "en-us"  # as startproject has it: none of LANGUAGES
    assert texts(read(*bare, **languages)) == ["/about/", "/en/about/", "/de/about/"]
    del languages["MIDDLEWARE"]
    assert texts(read(*bare, **languages)) == ["/about/"]
    assert texts(read(*i18n_patterns(path("about/", view)), **languages)) == ["/en-us/about/"]


def test_methods_are_those_that_the_view_lets_in() -> None:
    class Some(View):
        def get(self, request: HttpRequest) -> HttpResponse: ...

    table = read(
        path("any", view),
        path("two", require_http_methods(["GET", "POST"])(view)),
        path("post", csrf_exempt(require_POST(view))),
        path("class", Some.as_view()),
    )
    methods = {route.pattern.text: route.methods for route in table}
    assert methods["/any"] is None
    assert methods["/two"] == {"GET", "POST"}
    assert methods["/post"] == {"POST"}
    assert methods["/class"] == {"GET", "HEAD", "OPTIONS"}


def test_marks_are_found_below_and_above_and_on_classes() -> None:
    def of(value: bool) -> Any:
        def one(request: HttpRequest) -> HttpResponse: ...

        return prerender(value)(one)

    @prerender(False)
    class OnClass(View):
        def get(self, request: HttpRequest) -> HttpResponse: ...

    class OnGet(View):
        @prerender(False)
        def get(self, request: HttpRequest) -> HttpResponse: ...

    @method_decorator(prerender(False), name="get")
    class ByDecorator(TemplateView):
        template_name = "x.html"

    class Plain(View):
        def get(self, request: HttpRequest) -> HttpResponse: ...

    table = read(
        path("a", login_required(of(False))),
        path("b", prerender(False)(login_required(view))),
        path("c", OnClass.as_view()),
        path("d", OnGet.as_view()),
        path("e", ByDecorator.as_view()),
        path("f", prerender(False)(Plain.as_view())),
        path("g", Plain.as_view()),
    )
    kinds = {route.pattern.text: decide(route, CONFIG).why for route in table}
    assert {path for path, why in kinds.items() if why == "prerender is False"} == {f"/{letter}" for letter in "abcdef"}
    assert kinds["/g"].startswith("unmarked")


def test_the_admin_and_accounts_are_the_frameworks_own_also_views_of_the_users_there() -> None:
    class Site(admin.AdminSite):
        def get_urls(self) -> list[Any]:
            return [path("report/", self.admin_view(view)), *super().get_urls()]

    accounts = include("django.contrib.auth.urls")
    table = read(path("x/admin/", Site(name="x").urls), path("accounts/", accounts), path("about/", view))
    own = {route.pattern.text: route.framework for route in table if route.pattern.text != "/about/"}
    assert {"/x/admin/report/", "/x/admin/", "/accounts/login/", "/accounts/password_reset/"} <= own.keys()
    assert set(own.values()) == {True}
    about = table.match("/about/")
    assert about is not None
    assert not about.framework


def test_views_for_who_is_logged_in_are_on_demand_and_say_so() -> None:
    from django.contrib.admin.views.decorators import staff_member_required  # both need the settings that `site` makes
    from django.contrib.auth.mixins import LoginRequiredMixin

    class Mixed(LoginRequiredMixin, View):
        def get(self, request: HttpRequest) -> HttpResponse: ...

    @method_decorator(login_required, name="dispatch")
    class Decorated(View):
        def get(self, request: HttpRequest) -> HttpResponse: ...

    views = [
        login_required(view),
        require_http_methods(["GET"])(login_required(view)),
        staff_member_required(view),
        permission_required("x.y")(view),
        Mixed.as_view(),
        Decorated.as_view(),
    ]
    table = read(*(path(str(number), one) for number, one in enumerate(views)), path("open", view))
    assert [decide(route, CONFIG).why for route in table][:-1] == ["it declares who is logged in"] * len(views)
    assert [route.framework for route in table] == [False] * (len(views) + 1)
    assert table.routes[-1].declares == ()


def test_a_folder_of_static_files_is_one() -> None:
    files = re_path(r"^media/(?P<path>.*)$", serve, {"document_root": "/srv/media"})
    route = only(read(files))
    assert (route.pattern.text, route.directory) == ("/media/{path:path}", ("/srv/media",))


def test_django_below_a_mount_of_starlette_is_read_with_its_prefix() -> None:
    urls = urlconf([path("<int:n>/", view)])
    with override_settings(ROOT_URLCONF=urls):
        table = discover(Starlette(routes=[Mount("/shop", app=get_asgi_application())]), CONFIG)
        assert texts(table) == ["/shop/{n:int}/"]
        assert only(table).pattern.fill({"n": 5}) == "/shop/5/"
        assert texts(discover(get_wsgi_application(), CONFIG)) == ["/{n:int}/"]


@pytest.mark.parametrize("debug", [True, False])
def test_debug_of_the_settings_turns_snapshots_off(debug: bool, tmp_path: Path) -> None:
    urls = urlconf([path("", view)])
    with override_settings(ROOT_URLCONF=urls, DEBUG=debug), pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "pytest")
        made = OnDemand(get_asgi_application(), dist=tmp_path).site()
    assert (made.debug, made.published is None) == (debug, debug)


def test_the_hosts_that_a_build_may_ask_at_are_those_of_the_settings() -> None:
    with override_settings(ALLOWED_HOSTS=["a.example", ".b.example"]):
        assert [*reading.hosts(OnDemand(get_asgi_application()))] == ["a.example", ".b.example"]


def test_middleware_that_refuses_requests_is_named() -> None:
    base = list(site.django_settings.MIDDLEWARE)
    app = OnDemand(get_asgi_application())
    assert skipped_middleware(app, OnDemand) == []
    login = [*base, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    with override_settings(MIDDLEWARE=login, SECURE_SSL_REDIRECT=True):
        assert skipped_middleware(app, OnDemand) == [
            "SecurityMiddleware (SECURE_SSL_REDIRECT)",
            "LoginRequiredMiddleware",
        ]


def test_an_older_django_is_refused_with_the_version_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.__version__", "4.1.13")
    with pytest.raises(ConfigError, match=r"Django 4\.1\.13 .* 5\.2 or later is needed.*pip install 'django>=5\.2'"):
        read(path("", view))
    assert reading.find_app(get_asgi_application()) is not None


PIECES = ["a/", "b/", "<int:n>/", "<slug:s>/", "<x>/", "<path:p>", "c", ""]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.lists(st.sampled_from(PIECES), min_size=1, max_size=3), min_size=1, max_size=5),
    st.lists(st.sampled_from(["a", "b", "c", "7", "x-y", "ü"]), max_size=3),
    st.booleans(),
)
def test_the_route_that_is_found_is_the_one_that_the_resolver_finds(
    routes: list[list[str]], segments: list[str], slash: bool
) -> None:
    written = ["".join(dict.fromkeys(pieces)) for pieces in routes]

    def numbered(number: int) -> Any:
        def one(request: HttpRequest, **params: Any) -> None: ...

        one.number = number  # type: ignore[attr-defined]
        return one

    patterns = [path(route, numbered(number)) for number, route in enumerate(written)]
    table = read(*patterns)
    asked = "/" + "/".join(segments) + ("/" if slash and segments else "")
    found = table.match(asked)
    try:
        match = get_resolver(urlconf(patterns)).resolve(asked)
    except Resolver404:
        assert found is None
    else:
        assert found is not None
        assert found.endpoint is match.func


def test_expressions_with_flags_and_alternatives_cover_what_django_says_and_hide_nothing() -> None:
    table = read(
        re_path(r"(?i)^about/$", view),
        re_path(r"^a/$|^b/$", prerender(False)(lambda request: None)),
        re_path(r"^(?P<x>a)(?P=x)/$", view),
        path("secret/", prerender(False)(lambda request: None)),
    )
    about, either, twice, secret = table.routes
    for asked, found in (("/ABOUT/", about), ("/a/", either), ("/b/", either), ("/aa/", twice), ("/secret/", secret)):
        assert table.match(asked) is found, asked
    assert table.match("/ab/") is None


def test_a_path_in_several_languages_is_read_in_each() -> None:
    middleware = [*site.django_settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    languages = {"LANGUAGES": [("en", "English"), ("de", "German")], "LANGUAGE_CODE": "en", "MIDDLEWARE": middleware}
    word = lazy(lambda: {"en": "members/", "de": "mitglieder/"}[(get_language() or "en")[:2]], str)()
    assert texts(read(*i18n_patterns(path(word, view)), **languages)) == ["/en/members/", "/de/mitglieder/"]
    (route,) = read(path(word, view), **languages).routes
    assert route.pattern.match("/members/") == {}
    assert route.pattern.match("/mitglieder/") == {}
    assert route.pattern.match("/membres/") is None


def test_views_that_are_called_in_another_way_keep_their_marks() -> None:
    class Dispatching(View):
        @prerender(False)
        def dispatch(self, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse: ...

    route = only(read(path("d", Dispatching.as_view())))
    assert route.answers_get
    assert decide(route, CONFIG).why == "prerender is False"


def test_names_that_patterns_of_ours_have_not_are_no_fault() -> None:
    table = read(
        path("<slug:x>/", include([path("<slug:x>/", view)])),
        path("<int:größe>/", view),
        re_path(r"^(?P<lang>[a-z]{2})/media/(?P<path>.*)$", serve, {"document_root": "/srv"}),
    )
    inner, size, media = table.routes
    assert inner.pattern.match("/a/b/") == {"x": "b"}
    assert size.pattern.fill({"größe": 7}) == "/7/"
    assert media.pattern.match("/de/media/a/b.png") is not None
    assert media.directory == ()


def test_props_are_asked_with_a_connection_that_works() -> None:
    import asyncio

    class Dead:
        closed = False
        connection: Any = object()

        def is_usable(self) -> bool:
            return False

        def close(self) -> None:
            self.closed = True

    dead = Dead()
    route = only(read(path("x", view)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.connections.all", lambda initialized_only=False: [dead])
        assert route.runs is not None
        assert asyncio.run(route.runs(lambda given: given + 1, 2)) == 3  # type: ignore[arg-type]
    assert dead.closed
