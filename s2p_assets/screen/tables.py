"""Area 3, Tables: every table that somebody sees, and one of them as a grid whose pages come from the server.

What one cell's history is, and rows as forms, is in `table_rows.py`; entering rows goes through the API's entries.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from s2p_assets.api.answers import to_json
from s2p_assets.api.caller import Caller, caller_of, needs
from s2p_assets.api.guard import state_of
from s2p_assets.catalog.catalog import Readable
from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.screen.area import Area
from s2p_assets.screen.rendering import packed, page
from s2p_assets.services import tables
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.warehouse.tables.current_rows import row_etag
from s2p_assets.warehouse.tables.references import referenced_values
from s2p_assets.warehouse.tables.row_query import QueryInvalid, count_sql, cursor_of, page_sql, places_sql

router = APIRouter()
AREA = Area("Tables", "/tables", 3)
PLACE = ("_file", "_sheet", "_row")
"""Where a workbook's row stands, which is its version too."""
OWN = ("limit", "cursor", "skip", "every", "sort", "search")
NOT_THERE = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedColumnError)
MOST_OPTIONS = 500
PAGE_ROWS = 200
MOST_PLACES = 2_000
"""Of which the grid knows where they are without asking, however many rows there are."""
KINDS = {
    "workbook": "Workbooks",
    "table": "Tables made of them",
    "features": "Features",
    "deliveries": "Deliveries",
    "stream": "Streams",
    "dbt": "Made by dbt",
}


@dataclass(frozen=True)
class ListedTable:
    """A table as the list shows it. `is_edited`: whether whoever looks may change rows of it."""

    name: str
    title: str
    says: str
    rows: int
    changed_at: Any
    is_edited: bool


@router.get("/tables", **needs("viewer"))
async def all_tables(request: Request) -> Response:
    """The tables by domain, workbooks first; whatever is kept to others is not there."""
    ctx, caller = state_of(request.scope).ctx, caller_of(request)
    fresh = await run_in_threadpool(tables.freshness, ctx)
    domains: dict[str, dict[str, list[ListedTable]]] = {}
    for one in tables.visible(ctx.catalog, caller.sees):
        kind = KINDS[tables.kind_of_table(one)]
        known = fresh.get(one.full_name, {"rows": 0, "changed_at": None})
        shown = ListedTable(
            one.full_name,
            title_of(one),
            sentence_of(one),
            known["rows"],
            known["changed_at"],
            may_edit(caller, one),
        )
        domains.setdefault(one.domain, {name: [] for name in KINDS.values()})[kind].append(shown)
    return page(request, AREA, "tables.html.j2", domains=domains)


@router.get("/tables/{name}", **needs("viewer"))
async def one_table(
    request: Request, name: str, page_rows: Annotated[int, Query(alias="page", ge=1, le=tables.MOST_ROWS)] = PAGE_ROWS
) -> Response:
    """One table as a grid, `page` of its rows asked for at once; on a phone as a list of its rows."""
    ctx, declared = table_for(request, name)
    caller = caller_of(request)
    edited = may_edit(caller, declared)
    if edited:
        state_of(request.scope).entering.get_ready()
    options = await run_in_threadpool(options_of, ctx, declared) if edited else {}
    known = (await run_in_threadpool(tables.freshness, ctx)).get(declared.full_name, {"rows": 0, "changed_at": None})
    grid = {
        "name": declared.full_name,
        "key": list(declared.key),
        "edited": edited,
        "columns": [_grid_column(one, declared, options) for one in declared.columns],
        "page": page_rows,
        "places": MOST_PLACES,
    }
    shown = {"title": title_of(declared), "says": declared.description, "rows": known["rows"]}
    shown |= {"changed_at": known["changed_at"], "owner": getattr(declared, "owner", ""), "edited": edited}
    return page(request, AREA, "table.html.j2", table=declared, grid=to_json(grid).decode(), **shown)


@router.get("/tables/{name}/rows", **needs("viewer"))
async def rows_of_page(
    request: Request, name: str, limit: int = PAGE_ROWS, cursor: str = "", skip: int = 0
) -> Response:
    """A page of rows as JSON, with where each stands; with the first page how many rows there are.

    `cursor`: where the page before ended, or one of the places; `skip`: how many rows behind it are left out.
    """
    if not (1 <= limit <= tables.MOST_ROWS and 0 <= skip <= tables.MOST_SKIPPED):
        raise QueryInvalid(f"a page has 1 to {tables.MOST_ROWS:,} rows, and begins behind a place")
    declared, asked = _question(request, name)
    query = tables.query_of(declared, replace(asked, cursor=cursor, skip=skip, limit=limit + 1))
    found = await _asked(request, declared, page_sql(query))
    count = None if cursor or skip else (await _asked(request, declared, count_sql(query)))[0][0]
    rows, behind = tables.cut_page(query, [(row["row"], row["at"]) for row in found])
    if may_edit(caller_of(request), declared):
        rows = [_with_version(row) for row in rows]
    content = b'{"rows":[' + b",".join(rows) + b"]," + to_json({"next": behind, "count": count})[1:]
    return _packed_json(request, content)


@router.get("/tables/{name}/places", **needs("viewer"))
async def places_of_rows(request: Request, name: str, every: int = PAGE_ROWS) -> Response:
    """Where each `every`-th row stands in the order, so that a page is asked for from any of them on."""
    if every < 1:
        raise QueryInvalid("the places of rows are told for every row or for fewer")
    declared, asked = _question(request, name)
    query = tables.query_of(declared, asked)
    found = await _asked(request, declared, places_sql(query, every, MOST_PLACES))
    return _packed_json(request, to_json({"places": [cursor_of(query, row["at"]) for row in found]}))


def _question(request: Request, name: str) -> tuple[Readable, tables.TableQuestion]:
    """The table, and what is looked for in it."""
    _, declared = table_for(request, name)
    given = request.query_params
    filters = tuple((one, value) for one, value in given.multi_items() if one not in OWN)
    place = PLACE if isinstance(declared, Workbook) else ()
    columns = ",".join([*(column.name for column in declared.columns), *place])
    return declared, tables.TableQuestion(filters, columns, given.get("sort", ""), search=given.get("search", ""))


async def _asked(request: Request, declared: Readable, query: tuple[str, list[Any]]) -> list[Any]:
    """Its rows. Raises NotStored and QueryInvalid."""
    pool: asyncpg.Pool = state_of(request.scope).pool
    text, values = query
    try:
        return await pool.fetch(text, *values)
    except NOT_THERE:
        raise tables.not_stored(declared.full_name) from None
    except (asyncpg.DataError, asyncpg.CannotCoerceError) as error:
        raise QueryInvalid(str(error)) from None


def _packed_json(request: Request, content: bytes) -> Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(*packed(request, content, 200, headers))


def _with_version(row: bytes) -> bytes:
    known = orjson.loads(row)
    return row[:-1] + b',"_etag":' + to_json(row_etag(known["_file"], known["_sheet"], known["_row"])) + b"}"


def table_for(request: Request, name: str) -> tuple[Context, Readable]:
    """The table of that name; for who may not see it, it is not there. Raises NotFound."""
    ctx: Context = state_of(request.scope).ctx
    declared = tables.table_named(ctx.catalog, name)
    if not caller_of(request).sees(declared.full_name):
        raise NotFound(f"there is no table {name[:80]!r}")
    return ctx, declared


def may_edit(caller: Caller, declared: Readable) -> bool:
    """Whether rows of the table may be entered by whoever asks: what is made of others is not entered."""
    return isinstance(declared, Workbook) and caller.may("editor")


def options_of(ctx: Context, declared: Readable) -> dict[str, list[str]]:
    """Column → the only values that it takes, where they are few and known."""
    found = {one.name: list(map(str, one.allowed_values)) for one in declared.columns if one.allowed_values is not None}
    if isinstance(declared, Workbook) and declared.references:
        with ctx.warehouse.reading() as connection:
            there = referenced_values(connection, declared)
        found |= {name: sorted(map(str, values.to_pylist())) for name, values in there.items()}
    return {name: values for name, values in found.items() if len(values) <= MOST_OPTIONS}


def title_of(declared: Readable) -> str:
    """`retail_price_list` → `Price list`."""
    return declared.name.replace("_", " ").capitalize()


def column_title(column: Column, declared: Readable) -> str:
    """As people write it in their workbooks; of a column that is made, its name."""
    if isinstance(declared, Workbook) and column.headers:
        return column.headers[0]
    return column.name.replace("_", " ").capitalize()


def sentence_of(declared: Readable) -> str:
    """The first sentence of what a table is."""
    return declared.description.strip().partition("\n")[0]


def key_query(declared: Readable, row: dict[str, Any]) -> str:
    """How an address names a row: by its key, or where it has none by its place."""
    names = declared.key or (PLACE if isinstance(declared, Workbook) else tuple(c.name for c in declared.columns))
    return urlencode({name: "" if row[name] is None else str(row[name]) for name in names})


def _grid_column(column: Column, declared: Readable, options: dict[str, list[str]]) -> dict[str, Any]:
    return {
        "name": column.name,
        "title": column_title(column, declared),
        "kind": column.kind,
        "says": column.description,
        "unit": column.unit,
        "nullable": column.nullable,
        "is_key": column.name in declared.key,
        "options": options.get(column.name),
    }
