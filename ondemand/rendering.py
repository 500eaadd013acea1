"""Templates: a file of the site's `templates` folder as an HTML answer."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ondemand.config import Config
from ondemand.errors import ConfigError
from ondemand.responses import Response

if TYPE_CHECKING:
    from ondemand.contexts import Page

__all__ = ["render"]


def render(config: Config, page: Page, name: str, values: Mapping[str, Any]) -> Response:
    """The Mako template `name` with `values` and `page`, every expression escaped unless it is marked safe (`| n`, or an
    object with `__html__`). Raises `ConfigError` without `templates`, for a name that leads out of it and for one that
    is not there; else whatever the template raises."""
    from mako.exceptions import TemplateLookupException  # pyright: ignore[reportMissingTypeStubs]

    if config.templates is None:
        raise ConfigError(f'page.render({name!r}) needs a folder of templates: OnDemand(templates="templates").')
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        raise ConfigError(f"page.render({name!r}): a template is named by its path inside {config.templates}.")
    try:
        template: Any = _lookup(str(config.templates)).get_template(name)
    except TemplateLookupException:
        raise ConfigError(f"page.render({name!r}): there is no such template in {config.templates}.") from None
    return Response(template.render_unicode(**{"page": page, **values}))


@functools.lru_cache(maxsize=16)
def _lookup(folder: str) -> Any:
    from mako.lookup import TemplateLookup  # pyright: ignore[reportMissingTypeStubs]

    return TemplateLookup(
        directories=[folder],
        default_filters=["escape"],
        imports=["from markupsafe import escape"],
        strict_undefined=True,
    )
