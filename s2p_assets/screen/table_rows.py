"""Area 3, Tables: one cell's history, one row as a form, the rows of a phone, what an entry did, and downloads.

The grid is in `tables.py`. What may be entered is decided by the services of entries; nothing is checked here.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, RedirectResponse, Response

from s2p_assets.api.caller import caller_of, needs
from s2p_assets.api.forms import form_fields
from s2p_assets.api.guard import state_of
from s2p_assets.api.routes.tables import require_sources
from s2p_assets.catalog.catalog import Readable
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.screen import tables as grids
from s2p_assets.screen.rendering import page, part
from s2p_assets.services import tables
from s2p_assets.services.entries.recording import EntryTerms, Recorded, record
from s2p_assets.services.entries.rows import EntryRefused, RowChange, RowChanged
from s2p_assets.services.entries.telling import cell_changes, entry_named
from s2p_assets.services.entries.undoing import UndoTerms, preview_undo, undo
from s2p_assets.services.errors import NotFound
from s2p_assets.services.files_under import files_under_cell
from s2p_assets.warehouse.tables.current_rows import row_etag
from s2p_assets.warehouse.tables.exports import FORMATS
from s2p_assets.warehouse.tables.row_query import QueryInvalid
from s2p_assets.warehouse.trace.traced_rows import NotTraceable

router = APIRouter()
AREA = grids.AREA
LIST_ROWS = 20
LIST_COLUMNS = 4
OWN_FIELDS = ("reason", "etag", "sure", "column", "search", "cursor", "action")
IN_WORDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "ne": "not"}
MOST_FIELDS, MOST_BYTES = 1_200, 1 << 20


@dataclass(frozen=True)
class FieldOfRow:
    """A column in a form: what stands in it, what stood there, what is wrong with it, and what somebody else wrote."""

    column: Column
    title: str
    value: str
    was: str = ""
    options: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    theirs: str | None = None
    fixed: bool = False


@dataclass(frozen=True)
class RowForm:
    """One row as a form. `etag`: the version that it shows; `key`: its address, None for a new one."""

    title: str
    fields: tuple[FieldOfRow, ...]
    etag: str = ""
    key: str | None = None
    reason: str = ""
    faults: tuple[str, ...] = ()
    may_be_sure: bool = False
    is_conflict: bool = False
    source: Mapping[str, Any] | None = field(default=None)


@router.get("/tables/{name}/cell", **needs("viewer"))
async def one_cell(request: Request, name: str, column: str) -> Response:
    """What one cell is, where it is from, and what was said of it before."""
    ctx, declared = grids.table_for(request, name)
    shown = _column(declared, column)
    key = _address(request)
    found = await run_in_threadpool(tables.one_row, ctx, declared, key)
    value, history, files, closed = _as_text(found["row"][column]), [], [], False
    if isinstance(declared, Workbook) and declared.key:
        whole = {one: _as_text(found["row"][one]) for one in declared.key}
        history = await run_in_threadpool(cell_changes, ctx, declared, whole, column)
    elif not isinstance(declared, Workbook | DbtModel):
        try:
            require_sources(ctx, declared, caller_of(request))
            files = await run_in_threadpool(files_under_cell, ctx, declared, dict(key), column)
        except NotFound:
            closed = True
        except NotTraceable:
            files = []
    return part(
        request,
        "table_cell.html.j2",
        table=declared,
        column=shown,
        title=grids.column_title(shown, declared),
        value=value,
        row=grids.key_query(declared, found["row"]),
        called=", ".join(_as_text(found["row"][one]) for one in declared.key),
        source=found["source"],
        history=history,
        files=files,
        closed=closed,
        text=_as_text,
        rules=_rules(shown),
    )


@router.get("/tables/{name}/list", **needs("viewer"))
async def list_of_rows(request: Request, name: str, search: str = "", cursor: str = "") -> Response:
    """Some rows as a list, for a phone: each leads to its form."""
    ctx, declared = grids.table_for(request, name)
    place = grids.PLACE if isinstance(declared, Workbook) else ()
    columns = ",".join([*(column.name for column in declared.columns), *place])
    asked = tables.TableQuestion((), columns, "", cursor, LIST_ROWS + 1, search)
    rows, behind = await run_in_threadpool(tables.rows_of, ctx, declared, asked)
    first = [one for one in declared.columns if one.name not in declared.key][:LIST_COLUMNS]
    shown = [
        {
            "address": grids.key_query(declared, row),
            "called": ", ".join(_as_text(row[one]) for one in declared.key) or f"row {row.get('_row', '')}",
            "values": [(grids.column_title(one, declared), _as_text(row[one.name])) for one in first],
        }
        for row in rows
    ]
    return part(request, "table_list.html.j2", table=declared, rows=shown, behind=behind, is_first=not cursor)


@router.get("/tables/{name}/row/new", **needs("editor"))
async def new_row(request: Request, name: str) -> Response:
    """The form of a row that is not there yet."""
    ctx, workbook = _entered(request, name)
    state_of(request.scope).entering.get_ready()
    options = await run_in_threadpool(grids.options_of, ctx, workbook)
    fields = tuple(_field(one, workbook, {}, options) for one in workbook.columns)
    form = RowForm(f"Add a row to {grids.title_of(workbook)}", fields)
    return page(request, AREA, "table_row.html.j2", table=workbook, form=form, edited=True)


@router.get("/tables/{name}/row", **needs("viewer"))
async def one_row(request: Request, name: str) -> Response:
    """One row by itself: all of its values, and for editors a form of them."""
    ctx, declared = grids.table_for(request, name)
    found = await run_in_threadpool(tables.one_row, ctx, declared, _address(request))
    edited = grids.may_edit(caller_of(request), declared)
    if edited:
        state_of(request.scope).entering.get_ready()
    options = await run_in_threadpool(grids.options_of, ctx, declared) if edited else {}
    row = found["row"]
    fields = tuple(_field(one, declared, row, options, fixed=one.name in declared.key) for one in declared.columns)
    called = ", ".join(_as_text(row[one]) for one in declared.key)
    form = RowForm(
        called or f"A row of {grids.title_of(declared)}",
        fields,
        etag=row_etag(row["_file"], row["_sheet"], row["_row"]) if isinstance(declared, Workbook) else "",
        key=grids.key_query(declared, row),
        source=found["source"],
    )
    return page(request, AREA, "table_row.html.j2", table=declared, form=form, edited=edited)


@router.post("/tables/{name}/row/new", **needs("editor"))
async def add_row(request: Request, name: str) -> Response:
    """Add a row; refused with every finding beside its field, and what was typed kept."""
    return await _enter(request, name, "add")


@router.post("/tables/{name}/row", **needs("editor"))
async def change_row(request: Request, name: str) -> Response:
    """Change or withdraw the row of this address, if it is still the one that was looked at."""
    return await _enter(request, name, "change")


async def _enter(request: Request, name: str, action: str) -> Response:
    ctx, workbook = _entered(request, name)
    typed = await form_fields(request, MOST_BYTES, MOST_FIELDS)
    if typed.get("action") == "withdraw":
        action = "withdraw"
    names = {column.name for column in workbook.columns}
    given = {one: typed.get(f"value.{one}", "").strip() for one in names if f"value.{one}" in typed}
    if action == "change":
        given = {one: value for one, value in given.items() if value != typed.get(f"was.{one}", "").strip()}
        if not given:
            return RedirectResponse(f"/tables/{workbook.full_name}/row?{request.url.query}", 303)
    values = {one: value or None for one, value in given.items()} if action != "withdraw" else {}
    key = dict(_address(request)) if action != "add" and workbook.key else {}
    change = RowChange(action, values, key, typed.get("etag") or None)  # type: ignore[arg-type]
    terms = EntryTerms(caller_of(request).name, typed.get("reason", ""), sure="sure" in typed)

    def store() -> Recorded:
        with state_of(request.scope).entering.use() as reader:
            return record(ctx, reader, workbook, [change], terms)

    try:
        done = await run_in_threadpool(store)
    except EntryRefused as refused:
        return await _again(request, workbook, typed, action, refused)
    except RowChanged as changed:
        return await _again(request, workbook, typed, action, changed)
    return RedirectResponse(f"/tables/{workbook.full_name}/entries/{done.name}?saved=1", 303)


async def _again(
    request: Request, workbook: Workbook, typed: Mapping[str, str], action: str, why: EntryRefused | RowChanged
) -> Response:
    """The form as it was typed, with what is wrong beside it, or with what somebody else wrote meanwhile."""
    ctx, now = state_of(request.scope).ctx, None
    options = await run_in_threadpool(grids.options_of, ctx, workbook)
    faults: dict[str | None, list[str]] = {}
    if isinstance(why, EntryRefused):
        for one in why.findings:
            faults.setdefault(one.column, []).append(one.message)
    else:
        now = why.rows.get(0)
        gone = "Somebody else withdrew this row." if now is None else "Somebody else changed this row since you looked."
        faults[None] = [f"{gone} Nothing of yours is stored yet."]
    fields = []
    for column in workbook.columns:
        was = typed.get(f"was.{column.name}", "")
        theirs = _as_text(now.values[column.name]) if now else None
        mine = typed.get(f"value.{column.name}", was)
        if theirs is not None and mine.strip() == was.strip():
            mine = theirs  # only they changed it
        fixed = column.name in workbook.key and action != "add"
        shown = theirs if theirs is not None and theirs not in (was, mine) else None
        fields.append(
            FieldOfRow(
                column,
                grids.column_title(column, workbook),
                mine,
                theirs if theirs is not None else was,
                tuple(options.get(column.name, ())),
                tuple(faults.pop(column.name, ())),
                shown,
                fixed,
            )
        )
    form = RowForm(
        typed.get("title", grids.title_of(workbook)),
        tuple(fields),
        etag=now.etag if now else typed.get("etag", ""),
        key=request.url.query if action != "add" else None,
        reason=typed.get("reason", ""),
        faults=tuple(message for found in faults.values() for message in found),
        may_be_sure=isinstance(why, EntryRefused) and why.may_be_sure,
        is_conflict=isinstance(why, RowChanged),
    )
    status = 412 if form.is_conflict else 422
    return page(request, AREA, "table_row.html.j2", status, table=workbook, form=form, edited=True)


@router.get("/tables/{name}/entries/{entry}", **needs("viewer"))
async def one_entry(request: Request, name: str, entry: str, saved: bool = False) -> Response:
    """What somebody entered at once: who, when, why, and what became what."""
    _, workbook = _entered(request, name)
    return await _shown_entry(request, workbook, entry, saved=saved)


@router.post("/tables/{name}/entries/{entry}/undo", **needs("editor"))
async def take_back(request: Request, name: str, entry: str) -> Response:
    """Take an entry back, if what it would do is still what was looked at; a reason is asked for."""
    ctx, workbook = _entered(request, name)
    typed = await form_fields(request)
    terms = UndoTerms(
        caller_of(request).name, typed.get("reason", ""), version=typed.get("version") or None, sure="sure" in typed
    )

    def done() -> None:
        with state_of(request.scope).entering.use() as reader:
            undo(ctx, reader, workbook.full_name, entry, terms)

    try:
        await run_in_threadpool(done)
    except EntryRefused as refused:
        return await _shown_entry(request, workbook, entry, fault=str(refused), typed=typed, status=422)
    except RowChanged:
        fault = "It would do something else by now, as somebody changed these rows: look again, then decide."
        return await _shown_entry(request, workbook, entry, fault=fault, typed=typed, status=412)
    return RedirectResponse(f"/tables/{workbook.full_name}/entries/{entry}?undone=1", 303)


async def _shown_entry(
    request: Request,
    workbook: Workbook,
    entry: str,
    *,
    saved: bool = False,
    fault: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """An entry, with what taking it back would do for who may."""
    ctx = state_of(request.scope).ctx
    found = await run_in_threadpool(entry_named, ctx, workbook.full_name, entry)
    undoing = None
    if found.standing and caller_of(request).may("editor"):
        undoing = await run_in_threadpool(preview_undo, ctx, workbook.full_name, entry)
    titles = {column.name: grids.column_title(column, workbook) for column in workbook.columns}
    shown = {"titles": titles, "text": _as_text, "saved": saved, "fault": fault, "typed": typed or {}}
    return page(request, AREA, "table_entry.html.j2", status, table=workbook, entry=found, undoing=undoing, **shown)


@router.get("/tables/{name}/download", **needs("viewer"))
async def download(request: Request, name: str, kind: str = "csv", search: str = "", sort: str = "") -> Response:
    """All rows that are looked for, as a file."""
    ctx, declared = grids.table_for(request, name)
    if kind not in FORMATS:
        raise QueryInvalid(f"a table is written as {', '.join(FORMATS)}, not as {kind[:20]!r}")
    filters = tuple(
        (one, value) for one, value in request.query_params.multi_items() if one not in (*grids.OWN, "kind")
    )
    asked = tables.TableQuestion(filters, sort=sort, search=search)
    ctx.settings.spool.mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(prefix="download-", dir=ctx.settings.spool)
    target = Path(folder.name) / f"{declared.full_name}.{kind}"
    try:
        if kind == "csv":
            await run_in_threadpool(tables.export, ctx, declared.full_name, asked, kind, target)
        else:
            await state_of(request.scope).heavy.of(tables.export, declared.full_name, asked, kind, target)
    except BaseException:
        folder.cleanup()
        raise
    done = BackgroundTask(folder.cleanup)
    return FileResponse(
        target, media_type=FORMATS[kind], filename=target.name, headers={"Cache-Control": "no-store"}, background=done
    )


def _entered(request: Request, name: str) -> tuple[Any, Workbook]:
    ctx, declared = grids.table_for(request, name)
    if not isinstance(declared, Workbook):
        raise NotFound(f"{name[:80]} is made from other tables; rows are entered in workbooks")
    return ctx, declared


def _address(request: Request) -> tuple[tuple[str, str], ...]:
    """The key in an address; an empty value is a missing one."""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name not in OWN_FIELDS]
    return tuple((name, value) if value else (f"{name}.null", "true") for name, value in pairs)


def _column(declared: Readable, name: str) -> Column:
    found = next((column for column in declared.columns if column.name == name), None)
    if found is None:
        raise NotFound(f"{declared.full_name} has no column {name[:80]!r}")
    return found


def _field(
    column: Column, declared: Readable, row: Mapping[str, Any], options: Mapping[str, list[str]], *, fixed: bool = False
) -> FieldOfRow:
    value = _as_text(row.get(column.name))
    title = grids.column_title(column, declared)
    return FieldOfRow(column, title, value, value, tuple(options.get(column.name, ())), fixed=fixed)


def _as_text(value: Any) -> str:
    """As it is typed: nothing for a missing value, ISO days, `true` and `false`."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rules(column: Column) -> list[str]:
    """What the contract says of a column's values, beside its description."""
    rules = (str(rule).partition(" ") for rule in column.rules)
    found = [f"{IN_WORDS[name]} {bound}" for name, _, bound in rules if name in IN_WORDS]
    if column.allowed_values:
        found.append(f"one of {', '.join(map(str, column.allowed_values))}")
    return found if column.nullable else ["must be filled", *found]
