"""The table, indexes and view of each kind of workbook, brought along when its contract changes.

Rows are brought in by `load.py`; tables that are derived from others are in `derived_tables.py`.
"""

import contextlib
from collections.abc import Iterator

import psycopg
from psycopg import sql

from s2p_assets.contracts.stream import DELETED, Stream
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.warehouse.tables.ddl import (
    ContractChanged,
    alter_table,
    column_type,
    comment_on_column,
    create_table,
    drop_indexes,
    explain_dependents,
    wanted_columns,
)
from s2p_assets.warehouse.tables.introspection import StoredColumn, stored_columns, table_oid
from s2p_assets.warehouse.tables.keys import key_expressions
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

SOURCE_COLUMNS = (
    ("_file", "bigint", True, "s2p.files.id of the file that the row was read from"),
    ("_sheet", "text", True, "The sheet that the row was read from"),
    ("_row", "integer", True, "The row number in that sheet, counted from 1"),
    ("_superseded_by", "bigint", False, "s2p.files.id of the newer file that holds the same key"),
)
OF_EVENTS = (
    SOURCE_COLUMNS[0],
    ("_sheet", "text", True, "The topic and partition that the event came from"),
    ("_row", "bigint", True, "The event's offset there"),
    SOURCE_COLUMNS[3],
    ("_loaded_at", "timestamp with time zone", False, "When the row was stored"),
)
_JOINED = ("code", "date", "timestamp")


def source_columns(workbook: Workbook) -> tuple[tuple[str, str, bool, str], ...]:
    """The columns that say where a row comes from, beside those of its contract."""
    return OF_EVENTS if isinstance(workbook, Stream) else SOURCE_COLUMNS


def rows_table(domain: str, name: str) -> sql.Identifier:
    """The physical table behind a workbook's view: superseded rows too."""
    return sql.Identifier(domain, f"{name}__rows")


def ensure_workbook_table(conn: psycopg.Connection, workbook: Workbook, *, reload: bool = False) -> None:
    """Bring `<domain>.<name>__rows`, its indexes and the view `<domain>.<name>` to the contract.

    A new column is added, empty until its files are read again; a column no longer declared is kept and no
    longer written; a changed type is cast where no stored value changes by it. Raises ContractChanged when one
    would; with `reload` the table is emptied instead and every file counts as never read.
    """
    ensure_own_tables(conn)
    version = contract_version(workbook)
    wanted = wanted_columns(workbook.columns) + [StoredColumn(*field) for field in source_columns(workbook)]
    known = conn.execute("select contract_version from s2p.workbooks where name = %s", (workbook.full_name,)).fetchone()
    if known == (version,) and not reload and _is_current(conn, workbook, wanted):
        return
    with conn.transaction():
        advisory_lock(conn, "tables")
        _register_workbook(conn, workbook, version)
        if table_oid(conn, workbook.domain, f"{workbook.name}__rows") is None:
            create_table(conn, workbook.domain, f"{workbook.name}__rows", wanted, workbook.description)
            _index_rows(conn, workbook)
            if isinstance(workbook, Stream):
                place = rows_table(workbook.domain, workbook.name)
                conn.execute(sql.SQL("alter table {} alter _loaded_at set default now()").format(place))
        else:
            _migrate_rows_table(conn, workbook, wanted, reload)
        _migrate_view(conn, workbook)


def needs_reload(conn: psycopg.Connection, workbook: Workbook) -> tuple[str, ...]:
    """The columns whose stored values do not survive the contract's new types; empty: nothing needs a reload."""
    name = f"{workbook.name}__rows"
    stored = {field.name: field for field in stored_columns(conn, workbook.domain, name)}
    return tuple(
        field.name
        for field in wanted_columns(workbook.columns)
        if field.name in stored and not _casts_without_loss(conn, workbook.domain, name, stored[field.name], field)
    )


@contextlib.contextmanager
def deferred_indexes(conn: psycopg.Connection, workbook: Workbook) -> Iterator[None]:
    """Fill an empty table without its indexes, which are then built at once: a third of the work of row by row.

    That of superseded rows stays, as new rows are none. Does nothing special for a table that holds rows. Needs a
    transaction around it.
    """
    rows = rows_table(workbook.domain, workbook.name)
    was_empty = conn.execute(sql.SQL("select 1 from {} limit 1").format(rows)).fetchone() is None
    if was_empty:
        drop_indexes(conn, workbook.domain, f"{workbook.name}__rows", but_on="_superseded_by")
    yield
    if was_empty:
        _index_files_and_keys(conn, workbook)


def analyze_rows(conn: psycopg.Connection, workbook: Workbook) -> None:
    """Have PostgreSQL look at the columns by which rows are found and joined; its autovacuum looks at all, later."""
    asked = [one.name for one in workbook.columns if one.name in workbook.key or one.kind in _JOINED]
    names = sql.SQL(", ").join(map(sql.Identifier, [*asked, "_file", "_superseded_by"]))
    conn.execute(sql.SQL("analyze {} ({})").format(rows_table(workbook.domain, workbook.name), names))


def _is_current(conn: psycopg.Connection, workbook: Workbook, wanted: list[StoredColumn]) -> bool:
    """Whether the table has the wanted columns; one that is still empty of a required value may lack `not null`."""
    stored = {
        (field.name, field.type, field.description)
        for field in stored_columns(conn, workbook.domain, f"{workbook.name}__rows")
    }
    return {(field.name, field.type, field.description) for field in wanted} <= stored and _view_is_current(
        conn, workbook
    )


def _register_workbook(conn: psycopg.Connection, workbook: Workbook, version: str) -> None:
    conn.execute(
        "insert into s2p.workbooks (name, domain, table_name, key, contract_version)"
        " values (%s, %s, %s, %s, %s) on conflict (name) do update"
        " set domain = excluded.domain, table_name = excluded.table_name, key = excluded.key,"
        " contract_version = excluded.contract_version",
        (workbook.full_name, workbook.domain, workbook.name, list(workbook.key), version),
    )


def _index_rows(conn: psycopg.Connection, workbook: Workbook) -> None:
    rows = rows_table(workbook.domain, workbook.name)
    conn.execute(sql.SQL("create index on {} (_superseded_by) where _superseded_by is not null").format(rows))
    _index_files_and_keys(conn, workbook)


def _index_files_and_keys(conn: psycopg.Connection, workbook: Workbook) -> None:
    rows = rows_table(workbook.domain, workbook.name)
    name = f"{workbook.name}__key"
    conn.execute(sql.SQL("create index on {} (_file)").format(rows))
    conn.execute(sql.SQL("drop index if exists {}").format(sql.Identifier(workbook.domain, name)))
    if workbook.key:
        terms = sql.SQL(", ").join(key_expressions(workbook.columns, workbook.key, ""))
        if isinstance(workbook, Stream) and workbook.is_captured:
            _index_standing(conn, workbook, terms)
        else:
            conn.execute(sql.SQL("create index {} on {} ({})").format(sql.Identifier(name), rows, terms))


def _index_standing(conn: psycopg.Connection, stream: Stream, terms: sql.Composable) -> None:
    """The keys that stand and those that were deleted: a row that changes all day is looked up among its own past."""
    rows = rows_table(stream.domain, stream.name)
    which = {"key": "_superseded_by is null", "deleted": f"right(_sheet, {len(DELETED)}) = '{DELETED}'"}
    for name, condition in which.items():
        index = sql.Identifier(f"{stream.name}__{name}")
        conn.execute(sql.SQL("drop index if exists {}").format(sql.Identifier(stream.domain, f"{stream.name}__{name}")))
        conn.execute(sql.SQL("create index {} on {} ({}) where " + condition).format(index, rows, terms))


def _migrate_rows_table(conn: psycopg.Connection, workbook: Workbook, wanted: list[StoredColumn], reload: bool) -> None:
    name = f"{workbook.name}__rows"
    unfit = needs_reload(conn, workbook)
    if reload:
        _truncate_rows(conn, workbook)
    elif unfit:
        raise ContractChanged(
            f"{workbook.domain}.{workbook.name}: stored values of {', '.join(unfit)} do not fit the contract's new "
            "type; take the type back, or load the workbook's files anew (reload)"
        )
    stored = stored_columns(conn, workbook.domain, name)
    types = {field.name: field.type for field in wanted}
    if any(types.get(field.name, field.type) != field.type for field in stored):
        _drop_view(conn, workbook)
    alter_table(conn, workbook.domain, name, stored=stored, wanted=wanted, description=workbook.description)
    drop_indexes(conn, workbook.domain, name)
    _index_rows(conn, workbook)


def _truncate_rows(conn: psycopg.Connection, workbook: Workbook) -> None:
    conn.execute(sql.SQL("truncate {}").format(rows_table(workbook.domain, workbook.name)))
    conn.execute(
        "update s2p.files set is_loaded = false, contract_version = '',"
        " withdrawn_at = case when is_loaded then now() else withdrawn_at end"
        " where workbook = %s and status <> 'forgotten'",
        (workbook.full_name,),
    )


def _casts_without_loss(conn: psycopg.Connection, domain: str, name: str, old: StoredColumn, new: StoredColumn) -> bool:
    """Whether every stored value comes back unchanged when cast to the new type and back."""
    if old.type == new.type:
        return True
    column = sql.Identifier(old.name)
    back = sql.SQL("{}::{}::{}").format(column, column_type(new), column_type(old))
    query = sql.SQL("select 1 from {} where {} is distinct from {} limit 1")
    try:
        with conn.transaction():
            return conn.execute(query.format(sql.Identifier(domain, name), back, column)).fetchone() is None
    except (psycopg.DataError, psycopg.errors.CannotCoerce):
        return False


def _view_columns(workbook: Workbook) -> list[str]:
    return [*(column.name for column in workbook.columns), "_file", "_sheet", "_row"]


def _view_is_current(conn: psycopg.Connection, workbook: Workbook) -> bool:
    return {field.name for field in stored_columns(conn, workbook.domain, workbook.name)} == set(
        _view_columns(workbook)
    )


def _drop_view(conn: psycopg.Connection, workbook: Workbook) -> None:
    try:
        conn.execute(sql.SQL("drop view if exists {}").format(sql.Identifier(workbook.domain, workbook.name)))
    except psycopg.errors.DependentObjectsStillExist as error:
        raise ContractChanged(explain_dependents(f"{workbook.domain}.{workbook.name}", error)) from None


def _migrate_view(conn: psycopg.Connection, workbook: Workbook) -> None:
    """Columns are added behind those that the view has, so that the views that people built on it may stay."""
    view, wanted = sql.Identifier(workbook.domain, workbook.name), _view_columns(workbook)
    shown = [field.name for field in stored_columns(conn, workbook.domain, workbook.name)]
    if not set(shown) <= set(wanted):
        _drop_view(conn, workbook)
        shown = []
    conn.execute(
        sql.SQL("create or replace view {} as select {} from {} where _superseded_by is null").format(
            view,
            sql.SQL(", ").join(map(sql.Identifier, [*shown, *(name for name in wanted if name not in shown)])),
            rows_table(workbook.domain, workbook.name),
        )
    )
    conn.execute(sql.SQL("comment on view {} is {}").format(view, sql.Literal(workbook.description)))
    for field in [*wanted_columns(workbook.columns), *(StoredColumn(*field) for field in source_columns(workbook)[:3])]:
        comment_on_column(conn, view, field)
