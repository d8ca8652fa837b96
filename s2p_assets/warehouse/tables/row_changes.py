"""The rows of a table as it was at one moment beside those of a later one, both restored in one connection.

What a table was at a moment is restored by `as_of.py`; which files stood then is for the ledger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.tables.keys import key_expressions
from s2p_assets.warehouse.tables.restored_places import TEMPORARY_SCHEMA, as_of_table
from s2p_assets.warehouse.tables.table_declaration import TableDeclaration

_BEFORE, _CHANGES = (sql.Identifier(TEMPORARY_SCHEMA, name) for name in ("s2p before", "s2p changes"))


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that differs: `change` is `new`, `changed` or `withdrawn`; `before`, `after`: its columns, None for none.

    `files`: ids in the ledger of where it stood before, stands after, and what hides it now, as far as known.
    """

    change: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    files: tuple[int | None, ...]


def set_aside(conn: psycopg.Connection, made: TableDeclaration) -> None:
    """Keep a restored table as what was before; all else that was restored is dropped, so that it can be anew."""
    held = as_of_table(made.domain, made.name)
    conn.execute(sql.SQL("create temporary table {} as select * from {}").format(_BEFORE, held))
    restored = conn.execute(
        "select relname, relkind = 'v' from pg_class where relnamespace = pg_my_temp_schema()"
        " and relkind in ('r', 'v') and relname <> 's2p before' order by relkind = 'v' desc"
    ).fetchall()
    for name, is_view in restored:
        drop = sql.SQL("drop view if exists {} cascade" if is_view else "drop table if exists {} cascade")
        conn.execute(drop.format(sql.Identifier(TEMPORARY_SCHEMA, name)))


def compare_rows(conn: psycopg.Connection, made: TableDeclaration, changed_files: Sequence[int]) -> None:
    """Put the rows that differ from those set aside into a temporary table, which the other functions read.

    Without a key rows are compared by all their values, those alike by number; of these the ones of `changed_files`
    come last, so that what came or went is theirs.
    """
    of_workbook = isinstance(made, Workbook)
    key = _key_of(made)
    equal = [
        sql.SQL("{} = {}").format(a, b)
        for a, b in zip(key_expressions(made.columns, key, "a"), key_expressions(made.columns, key, "b"), strict=True)
    ]
    others = [column.name for column in made.columns if column.name not in key]
    differs = [sql.SQL("a.{0} is distinct from b.{0}").format(sql.Identifier(name)) for name in others]
    command = sql.SQL(
        "create temporary table {changes} as select case when b._number is null then 'new'"
        " when a._number is null then 'withdrawn' else 'changed' end as change, {before} as before, {after} as after,"
        " {files}, null::bigint as newer from {earlier} b full join {later} a on a._number = b._number and {equal}"
        " where b._number is null or a._number is null{differs}"
    ).format(
        changes=_CHANGES,
        before=_as_json(made, "b"),
        after=_as_json(made, "a"),
        files=sql.SQL(
            "b._file as file_before, b._sheet as sheet_before, b._row as row_before, a._file as file_after"
            if of_workbook
            else "null::bigint as file_before, null::bigint as file_after"
        ),
        earlier=_numbered(made, _BEFORE, changed_files),
        later=_numbered(made, as_of_table(made.domain, made.name), changed_files),
        equal=sql.SQL(" and ").join(equal) if equal else sql.SQL("true"),
        differs=sql.SQL(" or ") + sql.SQL(" or ").join(differs) if differs else sql.SQL(""),
    )
    conn.execute(command)
    if of_workbook:
        held = as_of_table(made.domain, f"{made.name}__rows")
        hidden = sql.SQL(
            "update {} c set newer = r._superseded_by from {} r where c.change = 'withdrawn'"
            " and (r._file, r._sheet, r._row) = (c.file_before, c.sheet_before, c.row_before)"
        )
        conn.execute(hidden.format(_CHANGES, held))


def _key_of(made: TableDeclaration) -> tuple[str, ...]:
    return tuple(made.key) or tuple(column.name for column in made.columns)


def _numbered(made: TableDeclaration, place: sql.Identifier, changed_files: Sequence[int]) -> sql.Composable:
    """The rows of a table, those that are alike in its key numbered; where a key is declared each is the first."""
    if made.key:
        return sql.SQL("(select *, 1 as _number from {})").format(place)
    alike = sql.SQL(", ").join(key_expressions(made.columns, _key_of(made), ""))
    last = sql.SQL(" order by _file = any({}), _file, _sheet, _row").format(sql.Literal(list(changed_files)))
    order = last if isinstance(made, Workbook) else sql.SQL("")
    return sql.SQL("(select *, row_number() over (partition by {}{}) as _number from {})").format(alike, order, place)


def _as_json(made: TableDeclaration, alias: str) -> sql.Composable:
    names = sql.SQL(", ").join(sql.Identifier(alias, column.name) for column in made.columns)
    return sql.SQL("case when {}._number is not null then (select to_jsonb(r) from (select {}) r) end").format(
        sql.Identifier(alias), names
    )


def change_counts(conn: psycopg.Connection) -> dict[str, int]:
    """How many rows are new, changed and withdrawn."""
    return dict(conn.execute(sql.SQL("select change, count(*) from {} group by 1").format(_CHANGES)).fetchall())


def changed_columns(conn: psycopg.Connection) -> dict[str, int]:
    """Of the changed rows, in how many each column has another value."""
    query = sql.SQL(
        "select b.key, count(*) from {} c, jsonb_each(c.before) b where c.change = 'changed'"
        " and b.value is distinct from c.after -> b.key group by 1 order by 2 desc, 1"
    )
    return dict(conn.execute(query.format(_CHANGES)).fetchall())


def changes_by_files(conn: psycopg.Connection) -> list[tuple[tuple[int | None, ...], int]]:
    """(where rows stood before, where they stand after, what hides them) → how many differ."""
    query = sql.SQL("select file_after, file_before, newer, count(*) from {} group by 1, 2, 3 order by 4 desc")
    return [((*files,), count) for *files, count in conn.execute(query.format(_CHANGES)).fetchall()]


def changed_rows(conn: psycopg.Connection, made: TableDeclaration, most: int | None) -> Iterator[ChangedRow]:
    """The rows that differ, at most so many, those that changed first, in the order of the key."""
    keys = (sql.SQL("coalesce(after, before) -> {}").format(sql.Literal(name)) for name in _key_of(made))
    query = sql.SQL(
        "select change, before, after, file_after, file_before, newer from {} order by change, {} limit {}"
    ).format(_CHANGES, sql.SQL(", ").join(keys), sql.Literal(most))
    for change, before, after, *files in conn.execute(query):
        yield ChangedRow(change, before, after, tuple(files))
