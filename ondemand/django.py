"""Django: what a project puts into INSTALLED_APPS, so that it is told where OnDemand does not run.

    INSTALLED_APPS = [..., "ondemand.django.OnDemandConfig"]

The wrapper itself goes into asgi.py: `application = OnDemand(get_asgi_application())`.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.apps import AppConfig  # pyright: ignore[reportMissingTypeStubs]
from django.core.checks import (  # pyright: ignore[reportMissingTypeStubs]
    CheckMessage,
    Warning,  # noqa: A004
    register,  # pyright: ignore[reportUnknownVariableType]
)

__all__ = ["OnDemandConfig"]

_NOT_RUN = (
    "OnDemand is an ASGI application and does not run here: every page is rendered, and page objects are missing."
)
_RUN = "ondemand dev, or: uvicorn --reload NAME.asgi:application"


class OnDemandConfig(AppConfig):
    """Says at the start of `manage.py runserver`, which is WSGI, and of WSGI servers, that they run Django without OnDemand."""

    name = "ondemand.django"
    label = "ondemand"
    verbose_name = "OnDemand"

    def ready(self) -> None:
        """Called by Django when the project is loaded."""
        register(told_where_it_runs)
        if "django.core.wsgi" in sys.modules and "django.core.asgi" not in sys.modules:
            logging.getLogger("ondemand").warning("%s Serve NAME.asgi:application with an ASGI server.", _NOT_RUN)


def told_where_it_runs(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """A system check, which `runserver` prints: `ondemand.W001` unless daphne has made it serve ASGI."""
    from django.conf import settings  # pyright: ignore[reportMissingTypeStubs]

    serves_asgi = any(name.partition(".")[0] == "daphne" for name in settings.INSTALLED_APPS)
    if sys.argv[1:2] != ["runserver"] or serves_asgi:
        return []
    hint = f"Run: {_RUN}. Or let runserver serve ASGI: put 'daphne' first in INSTALLED_APPS."
    return [Warning(f"runserver serves WSGI. {_NOT_RUN}", hint=hint, id="ondemand.W001")]
