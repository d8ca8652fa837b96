"""Every page of the screen: a page is in by its module standing in this list, and in the navigation by its AREA.

What a page needs to be one is in docs/screen.md.
"""

from fastapi import FastAPI

from s2p_assets.screen import (
    alerts,
    glossary,
    models,
    numbers,
    reports,
    today,
)

PAGES = (today, reports, numbers, alerts, models, glossary)


def include_screen(app: FastAPI) -> None:
    """Let the app answer every page, and know what stands in the navigation."""
    for page in PAGES:
        app.include_router(page.router, include_in_schema=False)
    app.state.areas = sorted({page.AREA for page in PAGES}, key=lambda area: area.rank)
