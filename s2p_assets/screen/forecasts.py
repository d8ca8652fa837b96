"""Area 4, Forecasts: one series or a group with its range and its past forecasts, a price tried, and what to order.

Forecasts are made by the models in service; how they are chosen is the area of models.
"""

import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from s2p_assets.api.answers import to_json
from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.screen.area import Area
from s2p_assets.screen.rendering import form_answer, page, part
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.planning import order_lists, series, what_if
from s2p_assets.services.planning.series import SeriesForecast
from s2p_assets.warehouse.tables.exports import FORMATS
from s2p_assets.warehouse.tables.row_query import QueryInvalid

router = APIRouter()
AREA = Area("Forecasts", "/forecasts", 4)
SAFE = "-_. "
PERIODS = {"D": "day", "W": "week", "MS": "month", "ME": "month", "QS": "quarter", "YS": "year"}


@router.get("/forecasts", **needs("viewer"))
async def forecasts(
    request: Request, forecast: str = "", entity: str = "", group: str = "", search: str = ""
) -> Response:
    """What is forecast: the total, or what was picked; and the plans of orders that follow from it."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    known = series.series_forecasts(ctx.catalog, caller.sees)
    plans = order_lists.order_plans(ctx.catalog, caller.sees)
    shown = next((one for one in known if one.table.full_name == forecast), known[0] if known else None)
    found = await run_in_threadpool(series.find_series, ctx, shown, search) if shown else {"entities": [], "groups": []}
    return page(
        request,
        AREA,
        "forecasts.html.j2",
        known=[(one.table.full_name, _title(one)) for one in known],
        forecast=shown.table.full_name if shown else "",
        says=shown.table.description.partition("\n")[0] if shown else "",
        noun=_noun(shown) if shown else "",
        entity=entity,
        group=group,
        search=search,
        found=found,
        plans=[(plan.full_name, plan.description.partition("\n")[0]) for plan in plans],
        chosen=entity or group or "all together",
    )


@router.get("/forecasts/{name}/outlook", **needs("viewer"))
async def outlook(request: Request, name: str, entity: str = "", group: str = "") -> Response:
    """The chart, what past forecasts were worth, and the champion: a part of the page, as it takes a moment."""
    one = _visible(request, name)
    found = await state_of(request.scope).heavy.of(series.series_outlook, name, entity or None, group or None)
    return part(
        request,
        "forecast_outlook.html.j2",
        name=name,
        found=found,
        chart=to_json(_chart(found)).decode(),
        coming=[row for row in found["periods"] if row["mean"] is not None],
        noun=_noun(one),
        model=found["called"],
        chosen=entity or group or "all together",
        period=PERIODS.get(found["every"].partition("-")[0], "period"),
    )


@router.get("/forecasts/{name}/what-if", **needs("viewer"))
async def at_a_price(request: Request, name: str, entity: str, price: str = "") -> Response:
    """What would be expected at another price; a price that is none stays typed, with what is wrong."""
    _visible(request, name)
    text, fault, found = price.strip().replace(",", "."), "", None
    try:
        given = float(text)
        found = await state_of(request.scope).heavy.of(what_if.what_if_price, name, entity, given)
    except ValueError:
        fault = "Write a price as a number, such as 12.50."
    except QueryInvalid as error:
        fault = f"{error}."
    return form_answer(
        request,
        "forecast_what_if.html.j2",
        fault,
        fault=fault,
        name=name,
        entity=entity,
        price=price,
        found=found,
        model=(found or {}).get("model"),
        serving=(found or {}).get("serving"),
    )


@router.get("/forecasts/orders/{plan}", **needs("viewer"))
async def orders(request: Request, plan: str) -> Response:
    """What to order today: one list for each supplier, in the supplier's units."""
    ctx = _visible_plan(request, plan)
    lists = await run_in_threadpool(order_lists.order_lists, ctx, plan)
    currency = ctx.settings.currency
    return page(request, AREA, "forecast_orders.html.j2", plan=plan, lists=lists, currency=currency)


@router.get("/forecasts/orders/{plan}/list", **needs("viewer"))
async def order_file(request: Request, plan: str, supplier: str, kind: str = "xlsx") -> Response:
    """One supplier's list as a file to send."""
    ctx = _visible_plan(request, plan)
    ctx.settings.spool.mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(prefix="orders-", dir=ctx.settings.spool)
    plain = "".join(mark if mark.isalnum() or mark in SAFE else "_" for mark in supplier)[:80]
    target = Path(folder.name) / f"list.{kind if kind in order_lists.LIST_KINDS else 'xlsx'}"
    try:
        await run_in_threadpool(order_lists.write_order_list, ctx, plan, supplier, kind, target)
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        target,
        media_type=FORMATS[kind],
        filename=f"Order {plain}.{kind}",
        headers={"Cache-Control": "no-store"},
        background=BackgroundTask(folder.cleanup),
    )


def _visible(request: Request, name: str) -> SeriesForecast:
    """The forecast of that name; for who may not see it, or what it learned from, it is not there."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    for one in series.series_forecasts(ctx.catalog, caller.sees):
        if one.table.full_name == name:
            return one
    raise NotFound(f"there is no forecast {name[:80]!r}")


def _visible_plan(request: Request, name: str) -> Context:
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    if name not in {plan.full_name for plan in order_lists.order_plans(ctx.catalog, caller.sees)}:
        raise NotFound(f"there is no plan of orders {name[:80]!r}")
    return ctx


def _title(one: SeriesForecast) -> str:
    return f"{one.table.domain.replace('_', ' ')}: {one.table.name.replace('_', ' ')}".capitalize()


def _noun(one: SeriesForecast) -> str:
    """`sku` → `SKU`."""
    entity = one.task.entity
    return entity.upper() if len(entity) <= 3 else entity.replace("_", " ")


def _chart(found: dict[str, Any]) -> dict[str, Any]:
    """The columns that `forecasts.js` draws: times in seconds, values or null."""
    rows = found["periods"]
    columns = {name: [row[name] for row in rows] for name in ("actual", "told", "mean", "low", "high", "price")}
    times = [str(row["time"]) for row in rows]
    return {
        "times": times,
        **columns,
        "cut_short": [bool(row["cut_short"]) and found["entity"] is not None for row in rows],
        "priced": found["has_price"],
    }
