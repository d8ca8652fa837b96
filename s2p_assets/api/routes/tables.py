"""Every table of every domain: what it is, its rows in pages or whole, one row, its history and its trace."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import asyncpg
from fastapi import APIRouter, Query, Request
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from s2p_assets.api.answers import etag_of, has_it, json_answer, not_modified, raw_answer, to_json
from s2p_assets.api.caller import Caller, caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.catalog.catalog import Readable, key_of
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services import tables
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.table_changes import table_changes
from s2p_assets.services.trace import trace_table
from s2p_assets.warehouse.tables.current_rows import row_etag
from s2p_assets.warehouse.tables.exports import FORMATS
from s2p_assets.warehouse.tables.row_query import QueryInvalid, page_sql, parse_value

router = APIRouter(tags=["tables"])
OWN = ("limit", "cursor", "sort", "columns", "as_of", "format")
"""What is no column: a column so called is filtered by `where.limit=…`."""
NOT_THERE = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedColumnError)
MOST_TRACED = 100

Limit = Annotated[int, Query(ge=1, le=tables.MOST_ROWS, description="Rows of a page")]
Cursor = Annotated[str, Query(max_length=10_000, description="`next` of the page before")]
Sort = Annotated[str, Query(max_length=1000, description="Columns, `-` before one for downwards: `-week,sku`")]
Columns = Annotated[str, Query(max_length=5000, description="Only these columns, separated by commas")]
AsOf = Annotated[
    str, Query(max_length=40, description="What was known then: `2026-03-31`, its end, or `2026-03-31T14:05`")
]


@router.get("/tables", summary="Every table", **needs("viewer"))
async def list_tables(request: Request) -> Response:
    """The tables that you see: what one row is, whose they are, when they changed."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    fresh = await run_in_threadpool(tables.freshness, ctx)
    return json_answer(
        [
            {name: value for name, value in tables.describe(ctx, one).items() if name != "columns"}
            | fresh.get(one.full_name, {"changed_at": None, "rows": 0, "version": None})
            for one in tables.visible(ctx.catalog, caller.sees)
        ]
    )


@router.get("/tables/{name}", summary="What a table is", **needs("viewer"))
async def describe_table(request: Request, name: str) -> Response:
    """Its columns in the contract's words, its key, what it is made from, and when it changed."""
    ctx, declared = _table(request, name)
    fresh = await run_in_threadpool(tables.freshness, ctx)
    known = fresh.get(declared.full_name, {"changed_at": None, "rows": 0, "version": None})
    return json_answer(tables.describe(ctx, declared) | known)


@router.get("/tables/{name}/rows", summary="Rows of a table", **needs("viewer"))
async def rows_of_table(
    request: Request,
    name: str,
    limit: Limit = 100,
    cursor: Cursor = "",
    sort: Sort = "",
    columns: Columns = "",
    as_of: AsOf = "",
    format: Literal["json", "csv", "parquet", "arrow"] = "json",  # noqa: A002  what everybody calls it
) -> Response:
    """A page of rows as JSON, or all of them as CSV, Parquet or Arrow.

    Filter by any column: `sku=0001`, `week.gte=2026-01-01`; operators are eq, ne, gt, gte, lt, lte, in (values
    separated by commas), has (text in it) and null (`true` or `false`).
    """
    ctx, declared = _table(request, name)
    asked = tables.TableQuestion(_filters(request), columns, sort, cursor, limit + 1)
    if format != "json":
        if cursor:
            raise QueryInvalid(f"a cursor is for JSON; {format} has all rows at once")
        whole = replace(asked, limit=limit if "limit" in request.query_params else None)
        return await _exported(request, ctx, declared, whole, format, as_of)
    if as_of:
        heavy = state_of(request.scope).heavy
        rows, behind, notices = await heavy.of(tables.page_as_of, declared.full_name, asked, as_of)
        return _page(rows, behind, notices=notices, as_of=as_of)
    query = tables.query_of(declared, asked)
    version = await _version(request, declared)
    etag = etag_of(version, request.url.query)
    if has_it(request, etag):
        return not_modified(etag)
    text, values = page_sql(query)
    try:
        found = await state_of(request.scope).pool.fetch(text, *values)
    except NOT_THERE:
        raise tables.not_stored(declared.full_name) from None
    except (asyncpg.DataError, asyncpg.CannotCoerceError) as error:
        raise QueryInvalid(str(error)) from None
    page, behind = tables.cut_page(query, [(row["row"], row["at"]) for row in found])
    return _page(page, behind, etag=etag, version=version)


@router.get("/tables/{name}/row", summary="One row", **needs("viewer"))
async def row_of_table(request: Request, name: str) -> Response:
    """The row with this key, written as filters, and the file, sheet and row it was read from."""
    ctx, declared = _table(request, name)
    found = await run_in_threadpool(tables.one_row, ctx, declared, _filters(request))
    return json_answer(found, etag=_row_version(declared, found["row"]) or etag_of(to_json(found)))


def _row_version(declared: Readable, row: Mapping[str, Any]) -> str | None:
    """The version of a workbook's row, which `If-Match` names when it is changed."""
    return row_etag(row["_file"], row["_sheet"], row["_row"]) if isinstance(declared, Workbook) else None


@router.get("/tables/{name}/history", summary="What files say of a key", **needs("viewer"))
async def history_of_row(request: Request, name: str) -> Response:
    """Of a workbook's row: every row that files hold now for its key, newest first, and which one counts."""
    ctx, declared = _table(request, name)
    return json_answer(await run_in_threadpool(tables.row_history, ctx, declared, _filters(request)))


@router.get("/tables/{name}/trace", summary="A value's way down to its cells", **needs("viewer"))
async def trace_row(
    request: Request, name: str, column: Annotated[list[str] | None, Query(description="Only these columns")] = None
) -> Response:
    """The rows with these values, down to files, sheets and cells; refused where they are kept to others."""
    ctx, declared = _table(request, name)
    caller = caller_of(request)
    require_sources(ctx, declared, caller)
    where = {key: value for key, value in _filters(request) if key != "column"}
    kinds = tables.kinds_of(declared)
    if not where:
        raise QueryInvalid(f"name the rows by their values; columns are {', '.join(kinds)}")
    for key, value in where.items():
        if key not in kinds:
            raise QueryInvalid(f"{declared.full_name} has no column {key[:80]!r}; it has {', '.join(kinds)}")
        parse_value(key, kinds[key], value)
    for one in column or ():
        if one not in kinds:
            raise QueryInvalid(f"{declared.full_name} has no column {one[:80]!r}; it has {', '.join(kinds)}")
    found = await run_in_threadpool(trace_table, ctx, declared.full_name, where, tuple(column or ()), most=MOST_TRACED)
    return json_answer(found)


async def answer_changes(request: Request, name: str, since: str, until: str, limit: int) -> Response:
    """How a table changed between two moments; it names files, so nothing of what is kept from this caller."""
    ctx, declared = _table(request, name)
    require_sources(ctx, declared, caller_of(request))
    heavy = state_of(request.scope).heavy
    return json_answer(await heavy.of(table_changes, declared.full_name, since, until, limit))


def require_sources(ctx: Context, declared: Readable, caller: Caller) -> None:
    """A trace shows cells: of nothing that is kept from this caller. Raises NotFound."""
    key = key_of(declared)
    below = map(str, ctx.catalog.upstream(key))
    hidden = [name for name in below if name in ctx.catalog.workbooks and not caller.sees(name)]
    if hidden:
        raise NotFound(f"{declared.full_name} is made from workbooks that are kept to others")


def _table(request: Request, name: str) -> tuple[Context, Readable]:
    """The table of that name; for who may not see it, it is not there."""
    ctx: Context = state_of(request.scope).ctx
    declared = tables.table_named(ctx.catalog, name)
    if not caller_of(request).sees(declared.full_name):
        raise NotFound(f"there is no table {name[:80]!r}; /api/v1/tables lists them")
    return ctx, declared


def _filters(request: Request) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in request.query_params.multi_items() if name not in OWN)


async def _version(request: Request, declared: Readable) -> str:
    """The version of a table's content."""
    pool: asyncpg.Pool = state_of(request.scope).pool
    if isinstance(declared, Workbook):
        query = (
            "select md5(string_agg(sha256 || contract_version, ' ' order by as_of_ns, id)) from s2p.files"
            " where workbook = $1 and is_loaded"
        )
        return str(await pool.fetchval(query, declared.full_name))[:16]
    if isinstance(declared, DbtModel):
        return str(time.time_ns())  # whoever runs dbt, nobody says when
    query = "select version from s2p.contents where domain = $1 and table_name = $2"
    return str(await pool.fetchval(query, declared.domain, declared.name))[:16]


def _page(rows: list[bytes], behind: str | None, *, etag: str | None = None, **more: Any) -> Response:
    head = to_json({"next": behind, "count": len(rows)} | more)
    return raw_answer(b'{"rows":[' + b",".join(rows) + b"]," + head[1:], etag=etag)


async def _exported(
    request: Request, ctx: Context, declared: Readable, asked: tables.TableQuestion, kind: str, as_of: str
) -> Response:
    tables.query_of(declared, asked)
    etag = etag_of(await _version(request, declared), request.url.query)
    if has_it(request, etag) and not as_of:
        return not_modified(etag)
    ctx.settings.spool.mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(prefix="export-", dir=ctx.settings.spool)
    target = Path(folder.name) / f"{declared.full_name}.{kind}"
    try:
        if as_of:
            heavy = state_of(request.scope).heavy
            await heavy.of(tables.export_as_of, declared.full_name, asked, as_of, kind, target)
        else:
            await run_in_threadpool(tables.export, ctx, declared.full_name, asked, kind, target)
    except BaseException:
        folder.cleanup()
        raise
    kept = {"Cache-Control": "no-store"} if as_of else {"ETag": etag, "Cache-Control": "private, no-cache"}
    return FileResponse(
        target,
        media_type=FORMATS[kind],
        filename=target.name,
        headers=kept,
        background=BackgroundTask(folder.cleanup),
    )
