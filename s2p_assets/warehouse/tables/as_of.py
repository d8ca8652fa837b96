"""The tables as of an earlier time, restored in temporary tables of one connection.

Which files were loaded then is read from the ledger; reading their archived bytes again, and computing derived tables
of them, is for others.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

import pandas as pd
import psycopg
import pyarrow
from psycopg import sql

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.stream import Stream
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.copying import copy_in
from s2p_assets.warehouse.tables.keys import key_expressions
from s2p_assets.warehouse.tables.not_stored import NotStored
from s2p_assets.warehouse.tables.restored_places import TEMPORARY_SCHEMA, as_of_table
from s2p_assets.warehouse.tables.superseding import NEWEST_FIRST, WITHDRAWS, withdraw_alike
from s2p_assets.warehouse.tables.table_declaration import TableDeclaration
from s2p_assets.warehouse.tables.workbook_rows import rows_of_file
from s2p_assets.warehouse.tables.workbook_tables import rows_table, source_columns


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A version of a file whose rows were loaded at a given time.

    `is_loaded`: they still are. `rows`: how many were loaded of it. `archived`: the original, relative to the archive.
    `entered`: whether a person entered them.
    """

    id: int
    path: str
    sha256: str
    archived: str | None
    contract_version: str
    rows: int
    is_loaded: bool
    loaded_at: dt.datetime
    entered: bool = False


def loaded_versions_at(conn: psycopg.Connection, workbook: Workbook, as_of: dt.datetime) -> list[LoadedVersion]:
    """The versions of files whose rows were in a workbook's table at `as_of`, in the order of their loading."""
    rows = conn.execute(
        "select id, path, sha256, archived, contract_version, rows_accepted, is_loaded, loaded_at,"
        " entered is not null from s2p.files"
        " where workbook = %s and loaded_at <= %s and (withdrawn_at is null or withdrawn_at > %s) order by id",
        (workbook.full_name, as_of, as_of),
    )
    return [LoadedVersion(*row) for row in rows]


def first_loaded_at(conn: psycopg.Connection) -> dt.datetime | None:
    """When the first file was loaded, None before that."""
    row = conn.execute("select min(loaded_at) from s2p.files").fetchone()
    return row[0] if row else None


def restore_workbook(
    conn: psycopg.Connection,
    workbook: Workbook,
    files: Sequence[LoadedVersion],
    read_again: Iterable[tuple[LoadedVersion, pyarrow.Table]],
    as_of: dt.datetime,
) -> None:
    """Put a workbook's table as it was into this connection: the rows of `files`, and which of them were superseded.

    Rows loaded today are copied in the database; `read_again` gives those of the other files, in the contract's
    columns with `_sheet` and `_row`. Raises NotStored when the table is not as the contract declares it.
    """
    held = as_of_table(workbook.domain, f"{workbook.name}__rows")
    _create_temporary(conn, held, workbook.columns, source_columns(workbook))
    is_marked = bool(workbook.key) and not isinstance(workbook, Stream)
    rows_again = iter(read_again)
    for stands, some in groupby(files, key=lambda file: file.is_loaded):  # in the order of their loading
        if stands:
            _copy_loaded(conn, workbook, held, [file.id for file in some], as_of, is_marked=is_marked)
            continue
        for file, rows in islice(rows_again, len(list(some))):
            if rows.num_rows:
                copy_in(conn, held, [rows_of_file(rows, file.id, workbook)])
    moved = 0
    if workbook.key:
        which = _unsettled(workbook, held, files) if is_marked else sql.SQL("true")
        moved = _mark_superseded(conn, workbook, held, which)
    elif any(file.entered for file in files):
        withdraw_alike(conn, held, workbook.columns)
    names = [*(column.name for column in workbook.columns), *(name for name, *_ in source_columns(workbook)[:3])]
    view = sql.SQL("create temporary view {} as select {} from {} where _superseded_by is null{}")
    place = sql.Identifier(f"{workbook.domain}.{workbook.name}")
    in_order = sql.SQL(" order by _file, ctid" if moved else "")
    conn.execute(view.format(place, sql.SQL(", ").join(map(sql.Identifier, names)), held, in_order))


def restore_derived(conn: psycopg.Connection, made: TableDeclaration, frame: pd.DataFrame) -> None:
    """Put a derived table as it was into a temporary table of this connection."""
    place = begin_derived(conn, made)
    copy_in(conn, place, [store.declared_rows(frame, made)])
    conn.execute(sql.SQL("analyze {}").format(place))


def begin_derived(conn: psycopg.Connection, made: TableDeclaration) -> sql.Identifier:
    """A temporary table for a derived table as it was, empty yet."""
    place = as_of_table(made.domain, made.name)
    _create_temporary(conn, place, made.columns)
    return place


def read_as_of(conn: psycopg.Connection, domain: str, name: str, columns: Sequence[Column]) -> pd.DataFrame:
    """A table that was put into this connection, as `store.read_rows` returns one."""
    return store.read_rows(conn, TEMPORARY_SCHEMA, f"{domain}.{name}", columns)


def _create_temporary(
    conn: psycopg.Connection,
    place: sql.Identifier,
    columns: Iterable[Column],
    more: Iterable[tuple[str, str, bool, str]] = (),
) -> None:
    fields = [(column.name, column.postgres_type) for column in columns] + [(name, kind) for name, kind, *_ in more]
    declared = (sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind in fields)  # kinds are our own
    conn.execute(sql.SQL("create temporary table {} ({})").format(place, sql.SQL(", ").join(declared)))


def _copy_loaded(
    conn: psycopg.Connection,
    workbook: Workbook,
    held: sql.Identifier,
    files: list[int],
    as_of: dt.datetime,
    *,
    is_marked: bool,
) -> None:
    """`is_marked`: with which file each row is superseded by now, which stays true where that file stood then."""
    places = source_columns(workbook)[: 4 if is_marked else 3]
    names = [*(column.name for column in workbook.columns), *(name for name, *_ in places)]
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    command: sql.Composed = sql.SQL("insert into {} ({}) select {} from {} where _file = any(%s)").format(
        held, listed, listed, rows_table(workbook.domain, workbook.name)
    )
    if isinstance(workbook, Stream):  # a day of it grows: of its rows those that were stored by then
        command += sql.SQL(" and _loaded_at <= {}").format(sql.Literal(as_of))
    try:
        conn.execute(command, (files,))
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        reason = (error.diag.message_primary or "").strip()
        raise NotStored(
            f"{workbook.domain}.{workbook.name} is not stored as declared ({reason}); run s2p run first"
        ) from None


def _unsettled(workbook: Workbook, held: sql.Identifier, files: Sequence[LoadedVersion]) -> sql.Composed:
    """Which rows `r` have a key of which another file may have been the newest: that of a file read again, or of one
    that came later.
    """
    key = sql.SQL(", ").join(key_expressions(workbook.columns, workbook.key, "r"))
    other = sql.SQL(", ").join(key_expressions(workbook.columns, workbook.key, "o"))
    again, loaded = (sql.Literal([file.id for file in files if file.is_loaded is stands]) for stands in (False, True))
    return sql.SQL(
        "({key}) in (select {other} from {held} o where o._file = any({again})"
        " or o._superseded_by is not null and o._superseded_by <> all({loaded}))"
    ).format(key=key, other=other, held=held, again=again, loaded=loaded)


def _mark_superseded(conn: psycopg.Connection, workbook: Workbook, held: sql.Identifier, which: sql.Composable) -> int:
    """Of the files that hold a key the newest wins, as in `superseding.py`; every row of a key is of `which`, or none.

    Those that a file superseded which came later are: all losers of a key point to its winner. How many were marked.
    """
    command = sql.SQL(
        "update {held} r set _superseded_by = case when s.number > 1 or s.withdraws then s.winner end"
        " from (select r.ctid as place, r._file, {withdraws} as withdraws,"
        " first_value(r._file) over of_key as winner, row_number() over of_key as number"
        " from {held} r join s2p.files f on f.id = r._file where {which}"
        " window of_key as (partition by {key} order by {newest_first}, r._row desc)) s"
        " where r.ctid = s.place and (s.number > 1 or s.withdraws or r._superseded_by is not null)"
    )
    key = sql.SQL(", ").join(key_expressions(workbook.columns, workbook.key, "r"))
    terms = {"held": held, "key": key, "withdraws": WITHDRAWS, "newest_first": NEWEST_FIRST, "which": which}
    marked = conn.execute(command.format(**terms)).rowcount
    conn.execute(sql.SQL("analyze {}").format(held))
    return marked
