"""`Page` for FastAPI: a page function gets its page by annotation alone.

    from ondemand.fastapi import Page

    @app.get("/counter")
    async def counter(page: Page): ...

To a type checker, `Page` is `ondemand.Page`. It adds nothing to the OpenAPI document.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from ondemand import contexts

__all__ = ["Page"]


async def _page() -> contexts.Page:  # async: FastAPI runs others in a thread, ten times the cost
    return contexts.current_page()


Page = Annotated[contexts.Page, Depends(_page)]
"""The page of the request. Raises `PageUnavailable`, with the line to add, without OnDemand in front of the app."""
