"""Area 1, Today: what needs whoever asks first, what came in, and what each report says.

What becomes of a file is decided in services; this page asks for decisions and shows how things stand.
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.caller import Caller, caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.publishing.editions.published import editions, folder_name
from s2p_assets.screen.area import Area
from s2p_assets.screen.rendering import page
from s2p_assets.services.context import Context

router = APIRouter()
AREA = Area("Today", "/", 1)


@router.get("/", **needs("viewer"))
async def today(request: Request) -> Response:
    """How things stand, for whoever is logged in."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    shown = await run_in_threadpool(_reports, ctx, caller)
    return page(request, AREA, "today.html.j2", reports=shown)


def _reports(ctx: Context, caller: Caller) -> list[dict[str, Any]]:
    newest: dict[str, dict[str, Any]] = {}
    for edition in editions(ctx.settings.reports):
        name = edition.folder.parent.name
        one = {"title": edition.title, "headline": edition.headline, "as_of": edition.as_of, "folder": name}
        newest.setdefault(name, one)
    known = [newest[folder_name(name)] for name in ctx.catalog.reports if folder_name(name) in newest]
    names = {folder_name(name): name for name in ctx.catalog.reports}
    return [one for one in known if caller.sees(names[one["folder"]])]
