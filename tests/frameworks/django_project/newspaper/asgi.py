import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

from ondemand import OnDemand

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "newspaper.settings")


async def editor(client):
    """Logs in as an editor does, through the admin."""
    form = await client.get("/admin/login/")
    token = form.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    await client.post(
        "/admin/login/",
        data={"username": "ada", "password": "lovelace", "csrfmiddlewaretoken": token, "next": "/admin/"},
        headers={"referer": str(form.url)},
    )


application = OnDemand(
    ASGIStaticFilesHandler(get_asgi_application()),
    site="https://" + os.environ.get("NEWSPAPER_HOST", "news.example.com"),
    dist=os.environ["NEWSPAPER_DIST"],
    identities={"an editor": editor},
)
