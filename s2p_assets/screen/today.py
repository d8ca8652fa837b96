"""Area 1, Today: what needs whoever asks first, what came in, and what each report says.

What becomes of a file is decided in services; this page shows how things stand and asks for decisions.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.caller import Caller, caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.api.routes.reports import status_for
from s2p_assets.contracts.entered import ENTRIES_FOLDER
from s2p_assets.contracts.errors import MendableError
from s2p_assets.screen.area import Area
from s2p_assets.screen.needs import needs_of
from s2p_assets.screen.rendering import packed, page, part
from s2p_assets.screen.tables import title_of
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.report_charts import ReportChart, first_chart
from s2p_assets.services.report_shelf import ShelvedReport, shelved_report, shelved_reports

router = APIRouter()
AREA = Area("Today", "/", 1)
MOST_NEEDS, MOST_ARRIVALS = 40, 10
CHART_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""A picture loads and runs nothing; its colours stand in it."""


@router.get("/", **needs("viewer"))
async def today(request: Request) -> Response:
    """How things stand, for whoever is logged in."""
    state, caller = state_of(request.scope), caller_of(request)
    ctx: Context = state.ctx
    wrong, found, arrived, live = "", [], [], []
    try:
        status = status_for(ctx, caller, await state.status_at_hand.read(ctx))
        found = needs_of(status, caller)
        live = live_streams(status)
        arrived = list(_arrivals(ctx, status["changes"]))
    except (MendableError, OSError) as error:  # the share is away: what the reports say is shown all the same
        wrong = str(error)
    domains = await run_in_threadpool(_domains, ctx, caller)
    return page(
        request,
        AREA,
        "today.html.j2",
        wrong=wrong,
        needs=found[:MOST_NEEDS],
        more_needs=max(0, len(found) - MOST_NEEDS),
        arrived=arrived[:MOST_ARRIVALS],
        live=live,
        domains=domains,
        may_decide=caller.may("editor"),
    )


@router.get("/today/live", **needs("viewer"))
async def live_part(request: Request) -> Response:
    """What the streams brought, for a page that stays open."""
    state, caller = state_of(request.scope), caller_of(request)
    status = status_for(state.ctx, caller, await state.status_at_hand.read(state.ctx))
    return part(request, "today_live.html.j2", live=live_streams(status))


def live_streams(status: dict[str, Any]) -> list[dict[str, Any]]:
    """The streams that brought something or are read, in words for people."""
    found = []
    for one in status["streams"]:
        if not (one["events"] or one["readers"]):
            continue
        waits = one["lag"] and f"{one['lag']:,} wait"
        problem = next((reader["problem"] for reader in one["readers"] if reader["problem"]), None)
        found.append(
            {
                "title": one["name"].partition("_")[2].replace("_", " "),
                "rows": one["rows"],
                "returned": one["returned"],
                "last": one["last_stored"],
                "waits": waits or "",
                "problem": "waits for what it is read from" if problem else "",
            }
        )
    return found


@router.get("/today/chart/{name}", **needs("viewer"))
async def chart(request: Request, name: str) -> Response:
    """The first chart of a report's newest edition, as a picture."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    if name not in ctx.catalog.reports or not caller.sees(name):
        raise NotFound("there is no such report")
    drawn = await run_in_threadpool(_chart_of, shelved_report(ctx, name))
    if drawn is None:
        raise NotFound("this report has no chart")
    headers = {"Content-Security-Policy": CHART_POLICY, "Cache-Control": "private, max-age=60"}
    content, status, sent = packed(request, drawn.svg.encode(), 200, headers)
    return Response(content, status, sent, "image/svg+xml")


def _arrivals(ctx: Context, changes: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each file that came in, the newest first; what people typed into one table is one line."""
    typed: dict[str, dict[str, Any]] = {}
    for file in sorted(changes, key=lambda one: one["loaded_at"] or "", reverse=True):
        workbook = ctx.catalog.workbooks.get(file["workbook"])
        if workbook is None or not file["path"].startswith(f"{ENTRIES_FOLDER}/"):
            yield {**file, "typed_into": "", "entries": 0}
        elif (same := typed.get(workbook.full_name)) is None:
            typed[workbook.full_name] = same = {**file, "typed_into": title_of(workbook), "entries": 1}
            yield same
        else:
            same["entries"] += 1


def _domains(ctx: Context, caller: Caller) -> list[dict[str, Any]]:
    """Each domain with its reports, the most urgent first, and the first chart that one of them has."""
    found = []
    for domain, reports in shelved_reports(ctx, caller.sees).items():
        shown = [one for one in reports if one.newest]
        drawn = next(((one, made) for one in shown if (made := _chart_of(one))), None)
        found.append({"name": domain, "reports": shown, "chart": drawn})
    return [one for one in found if one["reports"]]


def _chart_of(shelved: ShelvedReport) -> ReportChart | None:
    return first_chart(shelved.newest) if shelved.newest else None
