"""A table as a person at a terminal asks for it, as it stands or as it was known at a moment: some rows, or a file.

Pages for other programs are in `tables.py`; what was known then is made again in `as_of.py`.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from s2p_assets.catalog.catalog import Readable, key_of
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.tables import TableQuestion, asked_of, export, export_as_of, in_psycopg, query_of
from s2p_assets.warehouse.tables.restored_places import TEMPORARY_SCHEMA
from s2p_assets.warehouse.tables.row_query import QueryInvalid, count_sql, page_sql, sql_name

if TYPE_CHECKING:
    from s2p_assets.services.as_of import Progress

FILE_KINDS = {".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet"}
"""How a file's name ends → the format that it is written in."""


@dataclass(frozen=True)
class ShownRows:
    """Some rows of a table. `more`: how many there are behind; `notices`: what could not be had as it was."""

    table: str
    as_of: str | None
    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    more: int
    notices: list[str]


def read_filters(terms: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """`sku=0001`, `week.gte=2026-01-01` as the API's filters. Raises QueryInvalid."""
    pairs = [term.partition("=") for term in terms]
    if wrong := [name for name, equals, _ in pairs if not equals or not name]:
        raise QueryInvalid(f"{wrong[0][:80]!r} is no filter; write it as sku=0001 or week.gte=2026-01-01")
    return tuple((name, value) for name, _, value in pairs)


def show_rows(
    ctx: Context, declared: Readable, asked: TableQuestion, as_of: str | None, progress: "Progress"
) -> ShownRows:
    """The first rows of a table, `asked.limit` of them. Raises QueryInvalid, NotFound and NotStored."""
    query_of(declared, asked)
    with _held(ctx, declared, as_of, progress) as (connection, place, notices):
        query = query_of(declared, asked, place=place)
        with asked_of(declared.full_name):
            rows = [json.loads(row) for row, _ in _answers(connection, *page_sql(query))]
            ((count,),) = _answers(connection, *count_sql(query))
        return ShownRows(declared.full_name, as_of, query.columns, rows, count - len(rows), list(notices))


@contextmanager
def _held(
    ctx: Context, declared: Readable, as_of: str | None, progress: "Progress"
) -> Iterator[tuple[psycopg.Connection, str, list[str]]]:
    """(connection, where the table stands in it, notices)."""
    if as_of is None:
        with ctx.warehouse.reading() as connection:
            yield connection, "", []
        return
    from s2p_assets.services.as_of import open_as_of, parse_as_of  # pandas, which a table of now does not need

    with open_as_of(ctx, parse_as_of(as_of), progress) as known:
        known.restore(key_of(declared))
        yield known.connection, sql_name(TEMPORARY_SCHEMA, f"{declared.domain}.{declared.name}"), known.notices


def _answers(connection: psycopg.Connection, text: str, values: list[Any]) -> list[tuple[Any, ...]]:
    named = {f"v{at}": value for at, value in enumerate(values, 1)}
    return connection.execute(in_psycopg(text), named).fetchall()


def write_table(ctx: Context, declared: Readable, asked: TableQuestion, as_of: str | None, target: Path) -> list[str]:
    """Write the rows asked for as CSV, Excel or Parquet, by the ending of `target`; nothing half-done is left there.

    Returns what could not be had as it was. Raises QueryInvalid, NotFound and NotStored.
    """
    kind = FILE_KINDS.get(target.suffix.lower())
    if kind is None:
        raise NotFound(f"{target}: a table is written as {', '.join(FILE_KINDS)}; name it so")
    if not target.parent.is_dir():
        raise NotFound(f"{target}: there is no folder {target.parent}; make it first")
    if target.is_dir():
        raise NotFound(f"{target} is a folder; name a file")
    draft = target.with_name(f".{target.name}.tmp")
    try:
        if as_of is None:
            export(ctx, declared.full_name, asked, kind, draft)
            notices: list[str] = []
        else:
            notices = export_as_of(ctx, declared.full_name, asked, as_of, kind, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return notices
