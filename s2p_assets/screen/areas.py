"""Every page of the screen: a page is in by its module standing in this list, and in the navigation by its AREA.

What a page needs to be one is in docs/screen.md.
"""

from fastapi import FastAPI

from s2p_assets.screen import (
    alerts,
    deals,
    forecasts,
    glossary,
    hand_in,
    handed_in,
    models,
    numbers,
    people,
    reports,
    table_rows,
    tables,
    today,
)
from s2p_assets.screen.status_at_hand import StatusAtHand

PAGES = (
    today,
    hand_in,
    handed_in,
    table_rows,
    tables,
    forecasts,
    deals,
    reports,
    numbers,
    alerts,
    models,
    glossary,
    people,
)


def include_screen(app: FastAPI) -> None:
    """Let the app answer every page, and know what stands in the navigation."""
    app.state.status_at_hand = StatusAtHand()
    for page in PAGES:
        app.include_router(page.router, include_in_schema=False)
    app.state.areas = sorted({page.AREA for page in PAGES}, key=lambda area: area.rank)
