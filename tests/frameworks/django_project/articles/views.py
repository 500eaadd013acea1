import os

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from django.views.generic import DetailView

from articles import models
from ondemand import StaticPath, current_page, prerender


@require_safe
@prerender
def home(request):
    articles = models.Article.objects.order_by("-published")
    return render(request, "articles/home.html", {"articles": articles})


def paths():
    """Every article, also those that nothing links to."""
    for article in models.Article.objects.all():
        yield StaticPath({"slug": article.slug})


@method_decorator(prerender(paths=paths), name="get")
class Article(DetailView):
    model = models.Article
    template_name = "articles/article.html"


def archive(request, year):
    found = models.Article.objects.filter(published__year=year)
    if not found:
        raise Http404
    return render(request, "articles/home.html", {"articles": found})


def contact(request):
    """A form with a token, unmarked."""
    return render(request, "articles/contact.html")


def greeting(request):
    """Unmarked, and another one for who is logged in."""
    return HttpResponse(f"<!doctype html><title>hi</title><p>Hello {request.user.username or 'reader'}")


@prerender(False)
def drafts(request):
    page = current_page()
    page.cookies.set("seen", "drafts")
    return HttpResponse(f"<!doctype html><title>drafts</title><p>{page.url.pathname}")


@prerender("NEWSPAPER_PERSONAL" in os.environ)
def personal(request):
    """Marked, although it shows who is logged in."""
    return HttpResponse(f"<!doctype html><title>you</title><p>{request.user.get_username() or 'nobody'}")
