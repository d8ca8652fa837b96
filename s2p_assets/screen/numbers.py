"""A number of a report on its way down: tables, rows, files, and the sheet around the cell, with the file to download.

How a number is followed is decided in services; reports lead here by links on their numbers.
"""

import datetime as dt
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, RedirectResponse, Response

from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.contracts.errors import MendableError
from s2p_assets.publishing.renderers.number_links import NumberPlace
from s2p_assets.screen.rendering import page, part
from s2p_assets.screen.reports import AREA as REPORTS
from s2p_assets.screen.reports import visible_report
from s2p_assets.services.archived_files import FileInArchive, archived_file, entered_rows, window_of
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.report_shelf import shelved_report
from s2p_assets.services.trace import TracedNumber, format_value, trace_as_it_stands, trace_number
from s2p_assets.services.traced_models import models_behind
from s2p_assets.services.way_down import Sees, WayDown, file_rows_of, hides_below
from s2p_assets.spreadsheet.sheet_window import SheetWindow
from s2p_assets.warehouse.trace.file_rows import FileRow

router = APIRouter()
AREA = REPORTS
FEW, MANY = 5, 100
EDITION = r"^(as-of-)?\d{4}-\d\d-\d\d$"
IDS = r"^[TCFtcf][0-9.]{1,30}(\+[TCFtcf][0-9.]{1,30}){0,19}$"
DAY = r"^\d{4}-\d\d-\d\d$"


def number_address(place: NumberPlace) -> str:
    """Where a number of an edition is followed; several, of one place of a chart, are offered there."""
    folder = place.report.replace("_", "-")
    edition = place.day if place.which == "edition" else f"as-of-{place.day[:10]}"
    return f"/reports/{folder}/numbers/{edition}/{'+'.join(place.ids)}"


@router.get("/reports/{name}/numbers/{edition}/{ids}", **needs("viewer"))
async def number_page(
    request: Request,
    name: str,
    edition: Annotated[str, Path(pattern=EDITION)],
    ids: Annotated[str, Path(pattern=IDS)],
    rows: str = "",
    as_of: Annotated[str | None, Query(pattern=DAY)] = None,
) -> Response:
    """What a number is and what it was made from. What has to be made again first is asked for by the page itself."""
    ctx, report = visible_report(request, name)
    if as_of:
        return RedirectResponse(f"/reports/{name}/numbers/as-of-{as_of}/{ids}", 303)
    wanted, day, of_script = ids.upper().split("+"), edition.removeprefix("as-of-"), "hx-request" in request.headers
    sees, most = caller_of(request).sees, MANY if rows == "all" else FEW
    traced = None
    if day == edition:
        traced = await run_in_threadpool(_at_once, ctx, report, wanted[0], edition, most)
    if traced is None and (of_script or rows == "whole"):
        try:
            traced = await state_of(request.scope).heavy.of(_again, report, wanted[0], edition, most)
        except MendableError as problem:
            raise _for(ctx, report, sees, problem) from None
    way = await run_in_threadpool(_way, ctx, report, sees, traced) if traced else {"traced": None}
    shown: dict[str, Any] = {
        "shelved": await run_in_threadpool(shelved_report, ctx, report),
        "ids": wanted,
        "edition": edition,
        "day": day,
    }
    shown |= way | {"is_again": day != edition, "is_all": most == MANY}
    if of_script:
        return part(request, "number_way.html.j2", **shown)
    return page(request, REPORTS, "number.html.j2", **shown)


def _at_once(ctx: Context, report: str, number: str, edition: str, most: int) -> TracedNumber | None:
    return trace_as_it_stands(ctx, report, number, edition=edition, most=most)


def _again(ctx: Context, report: str, number: str, edition: str, most: int) -> TracedNumber:
    """In the process for heavy work: what was known then is made again."""
    day = edition.removeprefix("as-of-")
    which: dict[str, Any] = {"edition": edition} if day == edition else {"as_of": day}
    return trace_number(ctx, report, number, most=most, **which)


def _for(ctx: Context, report: str, sees: Sees, problem: MendableError) -> MendableError:
    """The problem, without the names of files that are kept to others."""
    if hides_below(ctx.catalog, report, sees):
        return NotFound("what was known then cannot be made again from what you see; ask an engineer")
    return problem


def _way(ctx: Context, report: str, sees: Sees, traced: TracedNumber) -> dict[str, Any]:
    steps = WayDown(ctx.catalog, sees).steps(traced.under)
    hides = hides_below(ctx.catalog, report, sees)
    at = traced.known_at or dt.datetime.now().astimezone()
    return {
        "traced": traced,
        "value": format_value(traced.number.value),
        "steps": steps,
        "first": next(file_rows_of(steps), None),
        "today": [] if hides else [(table, rows, format_value(total)) for table, rows, total in traced.today],
        "notices": () if hides else traced.notices,
        "models": []
        if hides
        else list({one.record.run_id: one for one in models_behind(ctx, traced.under, at)}.values()),
        "sheet_address": sheet_address,
        "watch_address": watch_address,
        "entered": entered_rows(ctx, file_rows_of(steps)),
    }


def sheet_address(row: FileRow) -> str:
    """Where the sheet is shown around the cells of a row."""
    where = {"path": row.path, "sha256": row.sha256, "sheet": row.sheet, "row": row.row}
    return f"/sheet?{urlencode(where)}&{urlencode({'cells': ','.join(row.cells.values())})}"


def watch_address(watch: dict[str, Any]) -> str:
    """Where an alert on a value is asked for."""
    entity = {f"e.{name}": value for name, value in watch["entity"].items()}
    return f"/alerts?{urlencode({'table': watch['table'], 'column': watch['column'], **entity})}#new"


@router.get("/sheet", **needs("viewer"))
async def sheet_page(
    request: Request,
    path: Annotated[str, Query(max_length=1000)],
    sha256: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")],
    sheet: Annotated[str, Query(max_length=300)] = "",
    cells: Annotated[str, Query(max_length=2000)] = "",
    row: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """The rows of a file around some of its cells, from the archive; to htmx the table alone."""
    ctx, state = state_of(request.scope).ctx, state_of(request.scope)
    file = await run_in_threadpool(archived_file, ctx, path, sha256, caller_of(request).sees)
    wanted = [cell for cell in cells.split(",") if cell][:50]
    window = await run_in_threadpool(_read, ctx, state.reader, file, sheet, wanted, row)
    shown: dict[str, Any] = {"file": file, "window": window, "cells": wanted, "archive": archive_address(file)}
    if "hx-request" in request.headers:
        return part(request, "sheet.html.j2", **shown)
    return page(request, REPORTS, "sheet_page.html.j2", **shown)


def _read(ctx: Context, at_hand: Any, file: FileInArchive, sheet: str, cells: list[str], row: int) -> SheetWindow:
    with at_hand.use() as reader:
        return window_of(ctx, reader, file, sheet, cells, row)


def archive_address(file: FileInArchive) -> str:
    """Where a file is had as it was read."""
    return f"/archive?{urlencode({'path': file.path, 'sha256': file.sha256})}"


@router.get("/archive", **needs("viewer"))
async def download(
    request: Request,
    path: Annotated[str, Query(max_length=1000)],
    sha256: Annotated[str, Query(pattern=r"^[0-9a-f]{64}$")],
) -> Response:
    """The file as it was read, byte for byte, to whoever sees all that is read from it."""
    ctx = state_of(request.scope).ctx
    file = await run_in_threadpool(archived_file, ctx, path, sha256, caller_of(request).sees)
    headers = {"Cache-Control": "private, no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse(file.original, filename=file.name, headers=headers, media_type="application/octet-stream")
