"""The words of reports, each with what it means and where it is used; reports lead here by links on their titles.

What each means stands in the publishing room.
"""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.screen.models import AREA as MODELS
from s2p_assets.screen.rendering import page
from s2p_assets.services.glossary import glossary_entries

router = APIRouter()
AREA = MODELS


@router.get("/glossary", **needs("viewer"))
async def glossary_page(request: Request) -> Response:
    """Every word by subject."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    subjects = await run_in_threadpool(glossary_entries, ctx, caller.sees)
    titles = {name: report.title for name, report in ctx.catalog.reports.items()}
    return page(request, AREA, "glossary.html.j2", subjects=subjects, titles=titles)
