"""Reports and their editions, the numbers in them with their way down to cells, and how all of it stands."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.answers import json_answer
from s2p_assets.api.caller import Caller, caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.catalog.paths import kinds_at
from s2p_assets.services import trace
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.report_editions import edition_numbers, list_reports
from s2p_assets.services.status import read_status
from s2p_assets.services.way_down import hides_below

router = APIRouter(tags=["reports"])
DAY = r"^\d{4}-\d\d-\d\d$"
MOST_TRACED = 100


@router.get("/reports", summary="Every report", **needs("viewer"))
async def reports(request: Request) -> Response:
    """The reports that you see, with every edition and where it is served."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    return json_answer(await run_in_threadpool(list_reports, ctx, caller.sees))


@router.get("/reports/{name}/numbers", summary="The numbers of an edition", **needs("viewer"))
async def numbers(
    request: Request,
    name: str,
    edition: Annotated[str | None, Query(pattern=DAY, description="Of which day; by default the newest")] = None,
) -> Response:
    """Every number by its id, as the report shows on hover, with what it was made from."""
    ctx, report = _report(request, name)
    return json_answer(await run_in_threadpool(edition_numbers, ctx, report, edition))


@router.get("/reports/{name}/numbers/{id}/trace", summary="A number's way down to its cells", **needs("viewer"))
async def trace_number(
    request: Request,
    name: str,
    id: Annotated[str, Path(max_length=40)],  # noqa: A002  what it is called in a report
    edition: Annotated[str | None, Query(pattern=DAY)] = None,
    as_of: Annotated[str | None, Query(max_length=40, description="As the report is made again of that day")] = None,
) -> Response:
    """The stored rows under a number, and the files, sheets and cells under them; as it was known then."""
    ctx, report = _report(request, name)
    caller = caller_of(request)
    if hides_below(ctx.catalog, report, caller.sees):
        raise NotFound(f"{report} is made from tables or workbooks that are kept to others")
    heavy = state_of(request.scope).heavy
    return json_answer(await heavy.of(_traced, report, id, edition, as_of))


def _traced(ctx: Context, report: str, number: str, edition: str | None, as_of: str | None) -> trace.TracedNumber:
    return trace.trace_number(ctx, report, number, edition=edition, as_of=as_of, most=MOST_TRACED)


@router.get("/status", summary="How it all stands", tags=["status"], **needs("viewer"))
async def status(request: Request) -> Response:
    """The object of `s2p status --json`, of what you see: loaded, waiting, returned, held, models, reports."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    return json_answer(status_for(ctx, caller, await run_in_threadpool(read_status, ctx)))


def status_for(ctx: Context, caller: Caller, status: dict[str, Any]) -> dict[str, Any]:
    """Of a status what a caller sees: named by workbook, table or path."""
    books = list(ctx.catalog.workbooks.values())

    def sees(one: Any) -> bool:
        if isinstance(one, str):
            return all(caller.sees(name) for name in kinds_at(one, books))
        if "workbook" in one:
            return one["workbook"] is None or caller.sees(one["workbook"])
        if "table" in one:
            return caller.sees(str(one["table"]).replace(".", "_", 1))
        return caller.sees(one["name"]) if "name" in one else caller.may("editor")

    return {
        name: [one for one in listed if sees(one)] if isinstance(listed, list) and name != "faults" else listed
        for name, listed in status.items()
    }


def _report(request: Request, name: str) -> tuple[Context, str]:
    ctx: Context = state_of(request.scope).ctx
    plain = name.replace("-", "_").replace(".", "_", 1)
    if plain not in ctx.catalog.reports or not caller_of(request).sees(plain):
        raise NotFound(f"no report {name[:80]!r}; /api/v1/reports lists them")
    return ctx, plain
