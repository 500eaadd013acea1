from articles import views
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path, re_path
from django.views.generic import TemplateView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("", views.home),
    path("articles/<slug:slug>/", views.Article.as_view(), name="article"),
    path("imprint/", TemplateView.as_view(template_name="articles/imprint.html")),
    path("contact/", views.contact),
    path("greeting/", views.greeting),
    path("drafts/", login_required(views.drafts)),
    path("personal/", views.personal),
    re_path(r"^archive/(?P<year>[0-9]{4})/$", views.archive),
]
