"""Tables as other programs see them: what there is, what a column means, a row with its source and its history.

The SQL of a page is in the warehouse's `row_query.py`; walking a value back to cells is `trace.py`.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from s2p_assets.catalog.catalog import Catalog, Readable, key_of
from s2p_assets.contracts.columns import Column, Kind
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.deliveries import DeliveryTable
from s2p_assets.contracts.feature_set import FeatureSet
from s2p_assets.contracts.sql_table import SqlTable
from s2p_assets.contracts.stream import Stream
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.kept_aliases import kept_aliases, read_by_aliases
from s2p_assets.warehouse.tables.dbt_tables import ROW_NUMBER, typed_rows
from s2p_assets.warehouse.tables.exports import write_rows
from s2p_assets.warehouse.tables.not_stored import NotStored
from s2p_assets.warehouse.tables.restored_places import TEMPORARY_SCHEMA
from s2p_assets.warehouse.tables.row_query import (
    QueryInvalid,
    RowQuery,
    cursor_of,
    page_sql,
    parse_cursor,
    parse_filters,
    parse_value,
    rows_sql,
    sql_name,
)
from s2p_assets.warehouse.tables.workbook_tables import rows_table

MOST_ROWS = 10_000
MOST_SKIPPED = 1_000_000
SOURCE_KINDS: dict[str, Kind] = {"_file": "integer", "_sheet": "text", "_row": "integer"}


@dataclass(frozen=True)
class TableQuestion:
    """What somebody asked of a table, as it was written."""

    filters: tuple[tuple[str, str], ...] = ()
    columns: str = ""
    sort: str = ""
    cursor: str = ""
    limit: int | None = None
    search: str = ""
    skip: int = 0


def table_named(catalog: Catalog, name: str) -> Readable:
    """A table by its name, `retail_demand` or `retail.demand`. Raises NotFound."""
    plain = name.replace(".", "_", 1)
    for one in catalog.readable():
        if one.full_name == plain:
            return one
    raise NotFound(f"there is no table {name[:80]!r}; /api/v1/tables lists them")


def kinds_of(declared: Readable) -> dict[str, Kind]:
    """The kind of value of each column; of a workbook's, where the row was read from too."""
    kinds = {column.name: column.kind for column in declared.columns}
    if isinstance(declared, DbtModel):
        return kinds if declared.key else kinds | {ROW_NUMBER: "integer"}
    return kinds | (SOURCE_KINDS if isinstance(declared, Workbook) else {})


def rows_place(declared: Readable) -> str:
    """What its rows are selected from: what dbt makes has the declared types by a cast, and its rows in an order."""
    name = sql_name(declared.domain, declared.name)
    return typed_rows(declared) if isinstance(declared, DbtModel) else name


def query_of(declared: Readable, asked: TableQuestion, *, place: str = "") -> RowQuery:
    """The question to a table. Raises QueryInvalid."""
    kinds, place = kinds_of(declared), place or rows_place(declared)
    chosen = tuple(dict.fromkeys(filter(None, asked.columns.split(","))))
    tie = tuple(SOURCE_KINDS) if isinstance(declared, Workbook) else declared.key or (ROW_NUMBER,)
    sort = tuple({name.removeprefix("-"): name.startswith("-") for name in filter(None, asked.sort.split(","))}.items())
    query = RowQuery(
        table=declared.full_name,
        place=place,
        kinds=kinds,
        tie=tie,
        columns=chosen or tuple(column.name for column in declared.columns),
        filters=parse_filters(asked.filters, kinds),
        search=asked.search.strip(),
        sort=sort,
        limit=asked.limit,
        skip=asked.skip,
    )
    if unknown := [name for name in (*query.columns, *(name for name, _ in sort)) if name not in kinds]:
        raise QueryInvalid(
            f"{declared.full_name} has no column {', '.join(unknown)[:200]}; it has {', '.join(sorted(kinds))}"
        )
    if asked.cursor:
        after = parse_cursor(query, asked.cursor)
        query = RowQuery(**{**vars(query), "after": after})
    return query


def kind_of_table(declared: Readable) -> str:
    if isinstance(declared, Stream):
        return "stream"
    if isinstance(declared, Workbook):
        return "workbook"
    if isinstance(declared, FeatureSet):
        return "features"
    if isinstance(declared, DbtModel):
        return "dbt"
    return "deliveries" if isinstance(declared, DeliveryTable) else "table"


def describe(ctx: Context, declared: Readable) -> dict[str, Any]:
    """What a table is: one row is what, its columns in words, its key, owner and what it is made from."""
    under = [] if isinstance(declared, Workbook) else list(ctx.catalog.inputs_of(declared).values())
    entity: dict[str, Any] = {}
    if isinstance(declared, FeatureSet) or (isinstance(declared, SqlTable) and declared.event_time):
        entity = {"entity": declared.entity, "event_time": declared.event_time}
    return {
        "name": declared.full_name,
        "domain": declared.domain,
        "kind": kind_of_table(declared),
        "description": declared.description,
        "owner": getattr(declared, "owner", None),
        "key": list(declared.key),
        **entity,
        "made_from": [str(key) for key in under],
        "columns": [_column(declared, column) for column in _as_read(ctx, declared)],
    }


def _as_read(ctx: Context, declared: Readable) -> tuple[Column, ...]:
    """The columns, those of a workbook with the headers that people matched to them."""
    if isinstance(declared, Workbook):
        return read_by_aliases([declared], kept_aliases(ctx.settings))[0].columns
    return declared.columns


def _column(declared: Readable, column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "description": column.description,
        "unit": column.unit,
        "nullable": column.nullable,
        "is_key": column.name in declared.key,
        "headers": list(column.headers) if isinstance(declared, Workbook) else [],
        "rules": list(column.rules),
        "allowed_values": list(column.allowed_values) if column.allowed_values is not None else None,
        "derived_from": list(column.derived_from),
    }


def freshness(ctx: Context) -> dict[str, dict[str, Any]]:
    """Table → when its content became what it is, how many rows it has, and the version of its content."""
    with ctx.warehouse.reading() as connection:
        made = connection.execute("select domain || '_' || table_name, stored_at, rows, version from s2p.contents")
        found: dict[str, dict[str, Any]] = {
            name: {"changed_at": at, "rows": rows, "version": version[:16]} for name, at, rows, version in made
        }
        loaded = connection.execute(
            "select workbook, max(greatest(loaded_at, withdrawn_at)), sum(rows_accepted) filter (where is_loaded),"
            " md5(string_agg(sha256 || contract_version, ' ' order by as_of_ns, id) filter (where is_loaded))"
            " from s2p.files where loaded_at is not null group by workbook"
        )
        for name, at, rows, version in loaded:
            shown = {"changed_at": at, "rows": int(rows or 0), "version": (version or "empty")[:16]}
            found[name] = shown
    return found


def one_row(ctx: Context, declared: Readable, key: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The one row with these values, and where it was read from. Raises NotFound, also where several have them."""
    kinds = kinds_of(declared)
    query = query_of(declared, TableQuestion(filters=tuple(key), columns=",".join(kinds), limit=2))
    if not key:
        raise QueryInvalid(f"name the row by its key: {' and '.join(declared.key) or '_file, _sheet and _row'}")
    with ctx.warehouse.reading() as connection:
        rows = fetch_rows(connection, query)
        if len(rows) != 1:
            values = " and ".join(f"{name}={value}" for name, value in key)
            many = "more than one row" if rows else "no row"
            raise NotFound(f"{many} of {declared.full_name} has {values[:200]}")
        source = _source(connection, rows[0]) if isinstance(declared, Workbook) else None
    return {"row": rows[0], "source": source}


def rows_of(ctx: Context, declared: Readable, asked: TableQuestion) -> tuple[list[dict[str, Any]], str | None]:
    """A page of rows that was asked for with one more, and the cursor of the next; None after the last."""
    query = query_of(declared, asked)
    text, values = page_sql(query)
    with ctx.warehouse.reading() as connection:
        named = {f"v{at}": value for at, value in enumerate(values, 1)}
        with asked_of(declared.full_name):
            found = connection.execute(in_psycopg(text), named).fetchall()
    rows, cursor = cut_page(query, [(row, at) for row, at in found])
    return [json.loads(row) for row in rows], cursor


def fetch_rows(connection: psycopg.Connection, query: RowQuery) -> list[dict[str, Any]]:
    text, values = rows_sql(query)
    with connection.cursor(row_factory=dict_row) as cursor, asked_of(query.table):
        return cursor.execute(in_psycopg(text), {f"v{at}": value for at, value in enumerate(values, 1)}).fetchall()


@contextmanager
def asked_of(table: str) -> Iterator[None]:
    """What PostgreSQL has against a question in words. Raises NotStored, and QueryInvalid for values of other types."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedColumn):
        raise not_stored(table) from None
    except (psycopg.errors.CannotCoerce, psycopg.DataError) as error:
        message = error.diag.message_primary or str(error)
        raise QueryInvalid(f"{table} cannot be read as it is declared: {message}; correct what declares it") from None


def in_psycopg(text: str) -> Any:
    """A query with `$1` as psycopg takes it; its own text holds no other dollar, as no declared name does."""
    import re

    return sql.SQL(re.sub(r"\$(\d+)", r"%(v\1)s", text.replace("%", "%%")))


def not_stored(table: str) -> NotStored:
    return NotStored(f"{table} is not stored yet; it is made when its data has come")


def _source(connection: psycopg.Connection, row: Mapping[str, Any]) -> dict[str, Any] | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        query = "select path, owner, loaded_at, sha256 from s2p.files where id = %s"
        file = cursor.execute(query, (row["_file"],)).fetchone()
    return (file or {}) | {"sheet": row["_sheet"], "row": row["_row"]}


def row_history(ctx: Context, declared: Readable, key: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Every row that files hold now for a key, newest first: which one counts, and whose the others are.

    Raises QueryInvalid where a table is made from others, or has no key.
    """
    if not isinstance(declared, Workbook) or not declared.key:
        raise QueryInvalid(f"{declared.full_name} is not kept by key in workbooks; ask for its trace, or as of a day")
    given = dict(key)
    if set(given) != set(declared.key):
        raise QueryInvalid(f"name the whole key: {', '.join(declared.key)}")
    kinds = kinds_of(declared)
    values = [parse_value(name, kinds[name], given[name]) for name in declared.key]
    names = sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(column.name)) for column in declared.columns)
    where = sql.SQL(" and ").join(sql.SQL("r.{} = %s").format(sql.Identifier(name)) for name in declared.key)
    query = sql.SQL(
        "select {}, f.path as _path, r._sheet, r._row, f.owner as _owner, to_timestamp(f.as_of_ns / 1e9) as _saved_at,"
        " f.loaded_at as _loaded_at, r._superseded_by is null as _counts, newer.path as _superseded_by"
        " from {} r join s2p.files f on f.id = r._file left join s2p.files newer on newer.id = r._superseded_by"
        " where {} order by f.as_of_ns desc, f.id desc limit 500"
    ).format(names, rows_table(declared.domain, declared.name), where)
    with ctx.warehouse.reading() as connection, connection.cursor(row_factory=dict_row) as cursor:
        try:
            return cursor.execute(query, values).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise not_stored(declared.full_name) from None


def page_as_of(ctx: Context, name: str, asked: TableQuestion, day: str) -> tuple[list[bytes], str | None, list[str]]:
    """A page of what a table held at the end of a day: (rows as JSON, cursor, notices). Raises NotFound."""
    from s2p_assets.services.as_of import open_as_of, parse_as_of  # pandas, for the process of heavy work

    declared = table_named(ctx.catalog, name)
    query_of(declared, asked)
    with open_as_of(ctx, parse_as_of(day), lambda _: None) as known:
        known.restore(key_of(declared))
        place = sql_name(TEMPORARY_SCHEMA, f"{declared.domain}.{declared.name}")
        query = query_of(declared, asked, place=place)
        text, values = page_sql(query)
        named = {f"v{at}": value for at, value in enumerate(values, 1)}
        rows = known.connection.execute(in_psycopg(text), named).fetchall()
        page, cursor = cut_page(query, [(row, at) for row, at in rows])
        return page, cursor, known.notices


def export_as_of(ctx: Context, name: str, asked: TableQuestion, day: str, kind: str, target: Path) -> list[str]:
    """What a table held at a moment, written to a file in one of `FORMATS`; returns notices. Raises NotFound."""
    from s2p_assets.services.as_of import open_as_of, parse_as_of  # pandas, for the process of heavy work

    declared = table_named(ctx.catalog, name)
    query_of(declared, asked)
    with open_as_of(ctx, parse_as_of(day), lambda _: None) as known:
        known.restore(key_of(declared))
        place = sql_name(TEMPORARY_SCHEMA, f"{declared.domain}.{declared.name}")
        _write(known.connection, declared, query_of(declared, asked, place=place), kind, target)
        return known.notices


def _write(connection: psycopg.Connection, declared: Readable, query: RowQuery, kind: str, target: Path) -> None:
    text, values = rows_sql(query)
    kinds = kinds_of(declared)
    write_rows(connection, in_psycopg(text), values, [(name, kinds[name]) for name in query.columns], kind, target)


def cut_page(query: RowQuery, rows: Sequence[tuple[str, Sequence[str | None]]]) -> tuple[list[bytes], str | None]:
    """The rows of a page that was asked for with one more, and the cursor of the next; None after the last."""
    more = query.limit is not None and len(rows) >= query.limit
    shown = rows[:-1] if more else rows
    return [row.encode() for row, _ in shown], cursor_of(query, shown[-1][1]) if more and shown else None


def export(ctx: Context, name: str, asked: TableQuestion, kind: str, target: Path) -> None:
    """All rows that were asked for, written to a file as csv, parquet or arrow. Raises NotStored."""
    declared = table_named(ctx.catalog, name)
    query = query_of(declared, asked)
    with ctx.warehouse.reading() as connection, asked_of(declared.full_name):
        _write(connection, declared, query, kind, target)


def visible(catalog: Catalog, sees: Callable[[str], bool]) -> Iterable[Readable]:
    """The tables that somebody sees, by name."""
    return sorted((one for one in catalog.readable() if sees(one.full_name)), key=lambda one: one.full_name)


def last_change(versions: Mapping[str, Mapping[str, Any]], name: str) -> dt.datetime | None:
    found = versions.get(name)
    return found["changed_at"] if found else None
