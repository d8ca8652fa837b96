"""Area 7, Models and data: which model is in service since when and why, and how fresh and late each source is.

What programs ask of models is the API's; the words of reports are `glossary.py`'s.
"""

import datetime as dt
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.screen.area import Area
from s2p_assets.screen.rendering import page
from s2p_assets.services.model_cards import model_cards, source_freshness

router = APIRouter()
AREA = Area("Models and data", "/models", 7)


@router.get("/models", **needs("viewer"))
async def models_page(request: Request) -> Response:
    """A card for each contest, and a line for each kind of workbook."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    today = dt.datetime.now().astimezone().date()
    shown: dict[str, Any] = {
        "cards": await run_in_threadpool(model_cards, ctx, caller.sees),
        "sources": await run_in_threadpool(source_freshness, ctx, caller.sees, today),
        "titles": {name: report.title for name, report in ctx.catalog.reports.items()},
        "today": today,
    }
    return page(request, AREA, "models.html.j2", **shown)
