"""Rows that people and programs enter: added, changed, withdrawn, taken back; and what was entered before."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.answers import json_answer
from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.api.routes.tables import answer_changes
from s2p_assets.contracts.entered import EntryAction, EntryKind
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.entries.recording import EntryTerms, Recorded, record
from s2p_assets.services.entries.rows import LONGEST_REASON, MOST_ROWS, RowChange, enterable
from s2p_assets.services.entries.telling import cell_changes, entries_of, entry_as_json, entry_named, row_changes
from s2p_assets.services.entries.undoing import Undoing, UndoTerms, preview_undo, release, undo
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.tables.row_query import QueryInvalid

router = APIRouter(tags=["entries"])
OWN = ("reason", "kind", "sure")
"""What is no column: a column so called is `where.reason=…`."""
OF_CHANGES = ("of_column", "from", "to", "limit")
MOST_CHANGES = 10_000
Value = str | bool | int | Annotated[float, Field(allow_inf_nan=False)] | None
Values = dict[str, Value]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, description="Why, in a sentence")]
Kind = Annotated[EntryKind, Field(description="A correction holds until it is released or its source cell changes")]
Sure = Annotated[bool, Field(description="Also where there is a question about what it changes")]
ReasonAsked = Annotated[str, Query(min_length=1, max_length=LONGEST_REASON, description="Why, in a sentence")]
IfMatch = Annotated[str | None, Header(max_length=200, description="The ETag of the row that you looked at")]


class RowToEnter(BaseModel):
    """A row to be added, changed or withdrawn."""

    model_config = ConfigDict(extra="forbid")
    action: EntryAction
    key: Values = Field(default_factory=dict, max_length=50, description="Which row; for a new one, nothing")
    values: Values = Field(default_factory=dict, max_length=500, description="Column → value")
    etag: str | None = Field(None, max_length=200, description="The version of the row that you looked at")


class RowsToEnter(BaseModel):
    """Rows with one reason, stored all or not at all."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason
    kind: Kind = "entry"
    sure: Sure = False
    rows: list[RowToEnter] = Field(min_length=1, max_length=MOST_ROWS)


class RowToChange(BaseModel):
    """Values of one row that become others."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason
    kind: Kind = "entry"
    sure: Sure = False
    values: Values = Field(min_length=1, max_length=500)


class TakenBack(BaseModel):
    """An entry that is taken back, or some rows of it."""

    model_config = ConfigDict(extra="forbid")
    reason: Reason
    rows: list[int] | None = Field(None, max_length=MOST_ROWS, description="Only these of its rows, by their numbers")
    sure: Sure = False


EntryName = Annotated[str, Path(max_length=100, description="`2026-11-29-140752-24656782`")]
Rows = Annotated[list[int] | None, Query(description="Only these of its rows, by their numbers")]


@router.post("/tables/{name}/entries", summary="Enter rows", status_code=201, **needs("editor"))
async def enter_rows(request: Request, name: str, entered: RowsToEnter) -> Response:
    """Add, change and withdraw rows of a workbook at once, under its contract: all of them, or none.

    A row that is changed or withdrawn names the version that was looked at; if somebody changed it since, nothing is
    stored (412). Every cell that the contract does not take is a finding (422).
    """
    changes = [RowChange(row.action, row.values, row.key, row.etag) for row in entered.rows]
    return await _record(request, name, changes, _terms(request, entered))


@router.patch("/tables/{name}/row", summary="Change a row", **needs("editor"))
async def change_row(request: Request, name: str, entered: RowToChange, if_match: IfMatch = None) -> Response:
    """Give some values of the row with this key, written as filters, others."""
    change = RowChange("change", entered.values, _key(request), if_match)
    return await _record(request, name, [change], _terms(request, entered))


@router.delete("/tables/{name}/row", summary="Withdraw a row", **needs("editor"))
async def withdraw_row(
    request: Request,
    name: str,
    reason: ReasonAsked,
    kind: EntryKind = "entry",
    sure: bool = False,
    if_match: IfMatch = None,
) -> Response:
    """The row with this key, written as filters, is shown no more; without a key the one of `If-Match`."""
    change = RowChange("withdraw", {}, _key(request), if_match)
    return await _record(request, name, [change], EntryTerms(caller_of(request).name, reason, kind, sure))


def _terms(request: Request, entered: RowsToEnter | RowToChange) -> EntryTerms:
    return EntryTerms(caller_of(request).name, entered.reason, entered.kind, entered.sure)


@router.get("/entries", summary="What people entered", **needs("viewer"))
async def list_entries(
    request: Request,
    workbook: Annotated[str | None, Query(max_length=200)] = None,
    kind: EntryKind | None = None,
    standing: Annotated[bool | None, Query(description="Whether it counts still, in part or in whole")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """Who entered what, when and why, and what became of it, the newest first."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)

    def listed() -> Any:
        return entries_of(ctx, caller.sees, workbook=workbook, kind=kind, is_standing=standing, most=limit)

    return json_answer(await run_in_threadpool(listed))


@router.get("/tables/{name}/entries/{entry}", summary="One entry", **needs("viewer"))
async def show_entry(request: Request, name: str, entry: EntryName) -> Response:
    """Its rows, what they changed, and which of them ended."""
    ctx, workbook = entered_workbook(request, name)
    found = await run_in_threadpool(entry_named, ctx, workbook.full_name, entry)
    return json_answer(entry_as_json(found))


@router.get("/tables/{name}/entries/{entry}/undo", summary="What an undo would do", **needs("viewer"))
async def show_undo(request: Request, name: str, entry: EntryName, row: Rows = None) -> Response:
    """Row by row what is shown now and what would be shown; nothing is done. `ETag` names what you looked at."""
    ctx, workbook = entered_workbook(request, name)
    found = await run_in_threadpool(preview_undo, ctx, workbook.full_name, entry, row)
    return json_answer(found, etag=found.version)


@router.post("/tables/{name}/entries/{entry}/undo", summary="Undo an entry", **needs("editor"))
async def undo_entry(
    request: Request, name: str, entry: EntryName, asked: TakenBack, if_match: IfMatch = None
) -> Response:
    """The rows beneath are shown again. With `If-Match`, only where it would do what you looked at."""
    return await _take_back(request, name, entry, undo, _undo_terms(request, asked, if_match))


@router.post("/tables/{name}/entries/{entry}/release", summary="Release a correction", **needs("editor"))
async def release_correction(
    request: Request, name: str, entry: EntryName, asked: TakenBack, if_match: IfMatch = None
) -> Response:
    """Files say again what is in its rows."""
    return await _take_back(request, name, entry, release, _undo_terms(request, asked, if_match))


@router.get("/tables/{name}/changes", summary="What changed: a table, a row or a cell", **needs("viewer"))
async def changes_of_row(
    request: Request,
    name: str,
    of_column: Annotated[str | None, Query(max_length=200, description="Only what is about this column")] = None,
    since: Annotated[str | None, Query(alias="from", max_length=40, description="The earlier day or moment")] = None,
    until: Annotated[str | None, Query(alias="to", max_length=40, description="The later day or moment")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_CHANGES, description="Rows of a table that changed")] = 100,
) -> Response:
    """Of any table, with `from` and `to`: the rows that changed, and the files, entries and streams that did it.

    Of a row, named by its key: who said what of it, when and why; people, and the files that hold it now.
    """
    key = _key(request, *OF_CHANGES)
    if since and until:
        if key or of_column:
            raise QueryInvalid(f"all of {name[:80]} is compared; leave out {', '.join(key) or 'of_column'}")
        return await answer_changes(request, name, since, until, limit)
    if since or until:
        raise QueryInvalid("name both moments, as from=2026-03-31&to=2026-04-30")
    ctx, workbook = entered_workbook(request, name)
    if not workbook.key:
        raise QueryInvalid(f"{workbook.full_name} has no key, so that its rows have no history")
    if of_column is None:
        return json_answer(await run_in_threadpool(row_changes, ctx, workbook, key))
    return json_answer(await run_in_threadpool(cell_changes, ctx, workbook, key, of_column))


def _undo_terms(request: Request, asked: TakenBack, if_match: str | None) -> UndoTerms:
    return UndoTerms(caller_of(request).name, asked.reason, asked.rows, if_match, asked.sure)


async def _take_back(
    request: Request, name: str, entry: str, how: Callable[..., Undoing], terms: UndoTerms
) -> Response:
    ctx, workbook = entered_workbook(request, name)

    def take_back() -> Undoing:
        with state_of(request.scope).entering.use() as reader:
            return how(ctx, reader, workbook.full_name, entry, terms)

    return json_answer(await run_in_threadpool(take_back))


async def _record(request: Request, name: str, changes: list[RowChange], terms: EntryTerms) -> Response:
    ctx, workbook = entered_workbook(request, name)

    def store() -> Recorded:
        with state_of(request.scope).entering.use() as reader:
            return record(ctx, reader, workbook, changes, terms)

    done = await run_in_threadpool(store)
    answer = json_answer(done, 201)
    if len(done.rows) == 1 and done.rows[0].etag:
        answer.headers["ETag"] = done.rows[0].etag
    return answer


def entered_workbook(request: Request, name: str) -> tuple[Context, Workbook]:
    """The kind of workbook of that name; for who may not see it, it is not there. Raises NotFound and NotEnterable."""
    ctx: Context = state_of(request.scope).ctx
    if not caller_of(request).sees(name.replace(".", "_", 1)):
        raise NotFound(f"there is no table {name[:80]!r}; /api/v1/tables lists them")
    return ctx, enterable(ctx, name)


def _key(request: Request, *others: str) -> dict[str, Any]:
    own = {*OWN, *others}
    asked = ((name, value) for name, value in request.query_params.multi_items() if name not in own)
    return {name.removeprefix("where."): value for name, value in asked}
