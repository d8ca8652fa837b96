"""Area 5, Deals and races: cases with an outcome to come, how probable it is, why, and how far to trust that.

Which cases there are is declared on the shelves: tables made with the champion of a contest about outcomes.
"""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.forms import form_fields
from s2p_assets.api.guard import state_of
from s2p_assets.contracts.columns import Column
from s2p_assets.screen.area import Area
from s2p_assets.screen.rendering import form_answer, page, part
from s2p_assets.screen.wording import domain_title
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.planning import cases
from s2p_assets.services.planning.cases import CaseTable

router = APIRouter()
AREA = Area("Deals and races", "/deals", 5)
MOST_COLUMNS = 6


@router.get("/deals", **needs("viewer"))
async def all_cases(request: Request) -> Response:
    """Every table of open cases, the likeliest first."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    shown = [await run_in_threadpool(_listed, ctx, one) for one in cases.case_tables(ctx.catalog, caller.sees)]
    return page(request, AREA, "deals.html.j2", tables=shown)


@router.get("/deals/{name}/doubts", **needs("viewer"))
async def doubts(request: Request, name: str) -> Response:
    """A line on the cases that are told more or less than any past case was: part of the page of all."""
    _visible(request, name)
    found = await state_of(request.scope).heavy.of(cases.doubtful_cases, name)
    return part(request, "deal_doubts.html.j2", doubtful=found, name=name)


@router.get("/deals/{name}/case", **needs("viewer"))
async def one_case(request: Request, name: str, entity: str) -> Response:
    """One stored case: each of its outcomes with reasons, and how far to trust it."""
    ctx, one = _visible(request, name)
    rows = await run_in_threadpool(cases.stored_cases, ctx, one)
    row = next((row for row in rows if str(row[one.task.entity]) == entity), None)
    if row is None:
        raise NotFound(f"there is no open {_called(one)} {entity[:80]!r}")
    heavy = state_of(request.scope).heavy
    answers = [
        (_outcome(contest.task.target), await heavy.of(cases.explain_case, name, contest.full_name, entity))
        for contest in one.contests
    ]
    return page(
        request,
        AREA,
        "deal.html.j2",
        name=name,
        title=row[_naming(one)],
        called=_called(one),
        answers=answers,
        table=one.table,
    )


@router.get("/deals/{name}/new", **needs("viewer"))
async def new_case(request: Request, name: str) -> Response:
    """A form for a case that is not in any workbook yet."""
    ctx, one = _visible(request, name)
    fields = await run_in_threadpool(cases.typed_fields, ctx, one)
    if not fields:
        raise NotFound("such cases come from several kinds of workbook, and cannot be typed in")
    return page(request, AREA, "deal_new.html.j2", name=name, fields=fields, typed={}, faults={}, called=_called(one))


@router.post("/deals/{name}/new", **needs("viewer"))
async def score_case(request: Request, name: str) -> Response:
    """The probability of what was typed, which is not stored; refused with the words beside each field."""
    ctx, one = _visible(request, name)
    typed = await form_fields(request, fields=60)
    fields = await run_in_threadpool(cases.typed_fields, ctx, one)
    faults: dict[str, str] = {}
    answer = None
    try:
        answer = await state_of(request.scope).heavy.of(cases.score_typed, name, typed)
    except cases.TypedWrong as wrong:
        faults = wrong.faults
    outcome = _outcome(one.task.target)
    return form_answer(
        request,
        "deal_typed.html.j2",
        faults,
        faults=faults,
        name=name,
        fields=fields,
        typed=typed,
        answer=answer,
        outcome=outcome,
        called=_called(one),
    )


def _visible(request: Request, name: str) -> tuple[Context, CaseTable]:
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    for one in cases.case_tables(ctx.catalog, caller.sees):
        if one.table.full_name == name:
            return ctx, one
    raise NotFound(f"there are no such cases: {name[:80]!r}")


def _listed(ctx: Context, one: CaseTable) -> dict[str, Any]:
    """A table of cases as the page lists it: what names a case, its probabilities, and the reasons that were stored."""
    rows = cases.stored_cases(ctx, one)
    chances = [column for column in one.shown if column.kind == "percent"]
    naming = _naming(one)
    others = [column for column in one.shown if column not in chances and column.name not in (one.task.entity, naming)]
    same = {column.name for column in others if rows and len({row[column.name] for row in rows}) == 1}
    labels = [column for column in others if column.name not in same and not column.name.endswith("_id")]
    return {
        "name": one.table.full_name,
        "title": f"{domain_title(one.table.domain)}: {one.table.name.replace('_', ' ')}",
        "says": one.table.description.partition("\n")[0],
        "entity": one.task.entity,
        "naming": naming,
        "chances": chances,
        "labels": labels[:MOST_COLUMNS],
        "shared": [
            (_heading(column), rows[0][column.name]) for column in others if column.name in same and len(rows) > 1
        ],
        "rows": rows,
        "has_reasons": any("reasons" in row for row in rows),
        "is_typed": cases.typed_in_from(ctx.catalog, one) is not None,
        "heading": _heading,
    }


def _naming(one: CaseTable) -> str:
    """The column with what people call a case: `driver_name` for `driver_id` where there is one."""
    spoken = f"{one.task.entity.removesuffix('_id')}_name"
    return spoken if spoken in {column.name for column in one.table.columns} else one.task.entity


def _heading(column: Column) -> str:
    """`top_ten_probability` → `Top ten`."""
    plain = column.name.removesuffix("_probability").replace("_", " ")
    return plain.capitalize()


def _outcome(target: str) -> str:
    """`did_not_finish` → `Did not finish`."""
    return target.replace("_", " ").capitalize()


def _called(one: CaseTable) -> str:
    """`opportunity_id` → `opportunity`."""
    return one.task.entity.removesuffix("_id").replace("_", " ")
