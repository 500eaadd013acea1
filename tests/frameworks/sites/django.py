"""In Django: views and URLconf in this module, whose settings are made here too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import django
from django.conf import settings as django_settings
from django.core.asgi import get_asgi_application
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path, re_path, register_converter
from django.urls.converters import get_converters
from django.utils.decorators import async_only_middleware
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_safe
from django.views.static import serve

from ondemand import OnDemand, prerender
from tests.frameworks import content

NAME = "Django"
PLACES = ("outermost",)
CANNOT = {
    "a_websocket": "Django's own ASGI app speaks HTTP only",
    "lifespan": "Django has no lifespan",
}


@async_only_middleware
def inner(get_response: Any) -> Any:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        response = await get_response(request)
        response["X-Inner"] = "yes"
        return response

    return middleware


if not django_settings.configured:
    django_settings.configure(
        ALLOWED_HOSTS=["example.com", "testserver"],
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        MIDDLEWARE=[
            f"{__name__}.inner",
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        ROOT_URLCONF=__name__,
        SECRET_KEY="of a test",
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        LOGGING_CONFIG=None,
        USE_TZ=True,
    )
    django.setup()


class Day:
    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


if "day" not in get_converters():
    register_converter(Day, "day")


async def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.home())


@require_safe
@prerender
def about(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.simple("About"))


@prerender
@require_safe
def above(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.simple("Above"))


def simple(title: str) -> Any:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(content.simple(title))

    return view


@prerender(paths=content.book_paths)
async def book(request: HttpRequest, slug: str) -> HttpResponse:
    status, text = content.book(slug)
    return HttpResponse(text, status=status)


@prerender(paths=content.NUMBERS)
async def number(request: HttpRequest, n: int) -> HttpResponse:
    return HttpResponse(content.number(n))


async def times(request: HttpRequest, n: int) -> HttpResponse:
    return HttpResponse(content.number(n))


@prerender(paths=content.DOCS)
async def doc(request: HttpRequest, rest: str) -> HttpResponse:
    return HttpResponse(content.doc(rest))


@prerender(paths=content.DAYS)
async def on_day(request: HttpRequest, day: date) -> HttpResponse:
    return HttpResponse(content.on_day(day))


async def greet(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.greet(request.COOKIES.get("name")))


@prerender(False)
async def counter(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.counter())


@prerender(False)
@require_GET
def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.hello())


@prerender(False)
async def teapot(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.teapot())


@prerender(False)
async def local(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.local())


async def _bytes() -> AsyncIterator[bytes]:
    async for chunk in content.async_chunks():
        yield chunk.encode()


@prerender
async def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_bytes())


@prerender(False)
async def live_stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_bytes())


@prerender
async def old(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/about")


@prerender
async def data(request: HttpRequest) -> JsonResponse:
    return JsonResponse(dict(content.data()))


@prerender
async def started(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.since_start())


@prerender
async def building(request: HttpRequest) -> HttpResponse:
    return HttpResponse(content.building())


@prerender(False)
async def boom(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("boom")


class Form(View):
    @prerender
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(content.simple("Form"))

    async def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.body)


urlpatterns = [
    path("", home),
    path("about", about),
    path("above", above),
    path("plain", simple("Plain")),
    path("unlinked", simple("Unlinked")),
    path("login", simple("Login")),
    path("members", prerender(simple("Members"))),
    path("headers", prerender(simple("Headers"))),
    path("books/<slug>", book),
    path("numbers/<int:n>", number),
    path("times/<int:n>", times),
    path("docs/<path:rest>", doc),
    path("days/<day:day>", on_day),
    path("greet", greet),
    path("counter", counter),
    path("hello", hello),
    path("teapot", teapot),
    path("local", local),
    path("stream", stream),
    path("live-stream", live_stream),
    path("old", old),
    path("data.json", data),
    path("started", started),
    path("building", building),
    path("boom", boom),
    path("form", csrf_exempt(Form.as_view())),
    re_path(r"^static/(?P<path>.*)$", serve, {"document_root": str(content.FILES)}),
]


def bare() -> Any:
    return get_asgi_application()


def wrap(app: Any, place: str, settings: dict[str, Any]) -> Any:
    assert place == "outermost"
    return OnDemand(app, **settings)


def app() -> Any:
    return content.made_for_build(bare, wrap)
