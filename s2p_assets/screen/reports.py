"""Area 6, Reports: by domain, the most urgent first, searched; a report in place, as of a day, and by mail.

A number's way down is `numbers.py`; what else somebody is told of is `alerts.py`.
"""

import datetime as dt
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from s2p_assets.api.caller import asker_of, caller_of, needs
from s2p_assets.api.forms import form_fields
from s2p_assets.api.guard import state_of
from s2p_assets.api.problems import Problem
from s2p_assets.contracts.errors import MendableError
from s2p_assets.screen.area import Area
from s2p_assets.screen.rendering import page, part
from s2p_assets.services import subscriptions
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.named import report_named
from s2p_assets.services.report_shelf import shelved_report, shelved_reports
from s2p_assets.services.way_down import hides_below

router = APIRouter()
AREA = Area("Reports", "/reports", 6)
LONGEST_SEARCH = 200


@router.get("/reports", **needs("viewer"))
async def reports_page(request: Request, q: str = "") -> Response:
    """Every report that somebody sees; to htmx the list alone."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    wanted = q[:LONGEST_SEARCH]
    domains = await run_in_threadpool(shelved_reports, ctx, caller.sees, wanted)
    shown: dict[str, Any] = {"domains": domains, "wanted": wanted}
    if "hx-request" in request.headers:
        return part(request, "reports_found.html.j2", **shown)
    return page(request, AREA, "reports.html.j2", **shown)


@router.get("/reports/{name}", **needs("viewer"))
async def report_page(request: Request, name: str, edition: str = "") -> Response:
    """A report in place, by default its newest edition."""
    ctx, full_name = visible_report(request, name)
    return await _report_page(request, ctx, full_name, edition=edition)


async def _report_page(request: Request, ctx: Context, name: str, *, edition: str = "", **more: Any) -> Response:
    asker = asker_of(caller_of(request))
    shelved = await run_in_threadpool(shelved_report, ctx, name)
    wanted = dt.date.fromisoformat(edition) if _is_day(edition) else None
    opened = next((one for one in shelved.editions if wanted in (None, one.as_of)), None)
    if opened is None and shelved.editions:
        raise NotFound(f"{shelved.report.title} has no edition of {edition[:40]}; take one of the list")
    mine = [one for one in await run_in_threadpool(subscriptions.subscriptions_of, ctx, asker) if one.report == name]
    shown: dict[str, Any] = {"shelved": shelved, "opened": opened, "mine": mine, "asker": asker, "as_of": None} | more
    return page(request, AREA, "report.html.j2", **shown, file_address=file_address)


@router.post("/reports/{name}/as-of", **needs("viewer"))
async def report_again(request: Request, name: str) -> Response:
    """The report made again from what was known at the end of a day, beside its published editions."""
    ctx, full_name = visible_report(request, name)
    day = (await form_fields(request)).get("day", "")
    if not _is_day(day):
        raise Problem(422, "no day", "choose a day")
    hides = hides_below(ctx.catalog, full_name, caller_of(request).sees)
    try:
        made = await state_of(request.scope).heavy.of(_made_again, full_name, day)
    except MendableError:
        if hides:
            raise NotFound("what was known then cannot be made again from what you see; ask an engineer") from None
        raise
    if hides:
        made["notices"] = []  # they name files
    return await _report_page(request, ctx, full_name, as_of=made)


def _made_again(ctx: Context, name: str, day: str) -> dict[str, Any]:
    """In the process for heavy work, which alone loads what makes reports."""
    from s2p_assets.services.reports import report_as_of

    edition = report_as_of(ctx, ctx.catalog.reports[name], day, None, lambda _: None)
    found = edition.edition
    folder, place = found.folder.parent.parent.name, f"rebuilt/{found.folder.name}"
    return {
        "day": day,
        "html": file_address(folder, place, found.html.name),
        "pdf": file_address(folder, place, found.pdf.name),
        "excel": file_address(folder, place, found.excel.name),
        "notices": edition.notices,
        "compared": edition.compared,
        "differs": edition.differs,
    }


@router.post("/reports/{name}/subscribe", **needs("viewer"))
async def subscribe(request: Request, name: str) -> Response:
    """Each new edition by mail, with its PDF, to who asks; by an engineer, to somebody else too."""
    ctx, full_name = visible_report(request, name)
    form = await form_fields(request)
    asker = asker_of(caller_of(request))
    await run_in_threadpool(subscriptions.subscribe, ctx, asker, full_name, form.get("recipient", ""))
    return RedirectResponse(f"/reports/{quote(name)}", 303)


@router.post("/subscriptions/{number}/end", **needs("viewer"))
async def unsubscribe(request: Request, number: int) -> Response:
    """No more of it from now on."""
    ctx, form = state_of(request.scope).ctx, await form_fields(request)
    await run_in_threadpool(subscriptions.unsubscribe, ctx, asker_of(caller_of(request)), number)
    back = form.get("back", "")
    folder = next((one.replace("_", "-") for one in ctx.catalog.reports if one.replace("_", "-") == back), None)
    return RedirectResponse(f"/reports/{folder}" if folder else "/alerts", 303)


def visible_report(request: Request, name: str) -> tuple[Context, str]:
    """A report by its name or folder. Raises NotFound, also for one that is kept to others."""
    ctx: Context = state_of(request.scope).ctx
    full_name = report_named(ctx.catalog, name).full_name if name.replace("-", "_") in ctx.catalog.reports else ""
    if not full_name or not caller_of(request).sees(full_name):
        raise NotFound(f"there is no report {name[:80]!r}; the page of reports lists them")
    return ctx, full_name


def file_address(folder: str, edition: str, name: str) -> str:
    """Where a file of an edition is served."""
    return f"/reports/{quote(folder)}/{quote(edition)}/{quote(name)}"


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-03-31")
