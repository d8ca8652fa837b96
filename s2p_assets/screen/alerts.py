"""What somebody is told by mail: reports that they get, and values of which they hear when these pass a threshold.

Whether a value has passed is found out in services; whom the address book names is told besides.
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from s2p_assets.api.caller import asker_of, caller_of, needs
from s2p_assets.api.forms import form_fields
from s2p_assets.api.guard import state_of
from s2p_assets.contracts.errors import MendableError
from s2p_assets.messaging.subscriptions import Direction, WatchedValue
from s2p_assets.screen.rendering import page
from s2p_assets.screen.reports import AREA as REPORTS
from s2p_assets.services import subscriptions, threshold_alerts
from s2p_assets.services.askers import Asker, AskRefused
from s2p_assets.services.context import Context

router = APIRouter()
AREA = REPORTS
ENTITY = "e."


@router.get("/alerts", **needs("viewer"))
async def alerts_page(request: Request) -> Response:
    """What goes to whoever asks, of an engineer to everybody; and a form for one more value."""
    return await _alerts_page(request, dict(request.query_params))


async def _alerts_page(request: Request, given: dict[str, str], *, fault: str = "") -> Response:
    ctx, asker = state_of(request.scope).ctx, asker_of(caller_of(request))
    shown = await run_in_threadpool(_shown, ctx, asker, given)
    return page(request, REPORTS, "alerts.html.j2", 422 if fault else 200, **shown, fault=fault, given=given)


def _shown(ctx: Context, asker: Asker, given: dict[str, str]) -> dict[str, Any]:
    tables = sorted(threshold_alerts.watchable_tables(ctx, asker.sees), key=lambda one: one.full_name)
    chosen = next((one for one in tables if one.full_name == given.get("table")), None)
    titles = {name: report.title for name, report in ctx.catalog.reports.items()}
    return {
        "asker": asker,
        "subscriptions": [one for one in subscriptions.subscriptions_of(ctx, asker) if asker.sees(one.report)],
        "titles": titles,
        "alerts": threshold_alerts.alerts_of(ctx, asker),
        "tables": tables,
        "chosen": chosen,
        "entity": threshold_alerts.entity_columns(chosen) if chosen else (),
        "measures": threshold_alerts.measured_columns(chosen) if chosen else (),
        "short": threshold_alerts.short_description,
    }


@router.post("/alerts", **needs("viewer"))
async def add_alert(request: Request) -> Response:
    """Tell somebody when a value passes a threshold; refused, the form keeps what was typed."""
    ctx, asker, form = state_of(request.scope).ctx, asker_of(caller_of(request)), await form_fields(request)
    try:
        await run_in_threadpool(
            threshold_alerts.watch_value, ctx, asker, _wanted_value(form), form.get("recipient", "")
        )
    except MendableError as problem:
        return await _alerts_page(request, form, fault=str(problem))
    return RedirectResponse("/alerts", 303)


@router.post("/alerts/{number}/end", **needs("viewer"))
async def end_alert(request: Request, number: int) -> Response:
    """Watch a value no more."""
    ctx, asker = state_of(request.scope).ctx, asker_of(caller_of(request))
    await run_in_threadpool(threshold_alerts.end_watch, ctx, asker, number)
    return RedirectResponse("/alerts", 303)


def _wanted_value(form: dict[str, str]) -> WatchedValue:
    """What a form asks for. Raises AskRefused."""
    try:
        limit = float(form.get("threshold", "").replace(" ", "").replace(",", "."))
    except ValueError:
        raise AskRefused(f"{form.get('threshold', '')[:40]!r} is no number; write it as 20 or 12.5") from None
    direction: Direction = "over" if form.get("direction") == "over" else "under"
    entity = {name.removeprefix(ENTITY): value.strip() for name, value in form.items() if name.startswith(ENTITY)}
    return WatchedValue(form.get("table", ""), entity, form.get("column", ""), direction, limit)
