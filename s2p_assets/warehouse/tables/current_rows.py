"""Rows that a workbook's table shows, by their keys or their places: what they say, and which version of them it is.

Pages of rows are in `row_query.py`; rows that others supersede, in `superseding.py`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from s2p_assets.contracts.entered import EntryKind
from s2p_assets.contracts.workbook import Reference, Workbook
from s2p_assets.warehouse.tables.keys import key_expressions
from s2p_assets.warehouse.tables.superseding import NEWEST_FIRST, WITHDRAWS, values_hash
from s2p_assets.warehouse.tables.workbook_tables import rows_table


@dataclass(frozen=True, slots=True)
class CurrentRow:
    """A row that counts: its values by column, and the file, sheet and row that it was read from.

    `as_of_ns`: when that file was written; `entered`: what it is of what people entered.
    """

    values: dict[str, Any]
    file: int
    sheet: str
    row: int
    path: str
    as_of_ns: int
    entered: EntryKind | None

    @property
    def etag(self) -> str:
        return row_etag(self.file, self.sheet, self.row)


def row_etag(file: int, sheet: str, row: int) -> str:
    """The version of a row, as `If-Match` names it; another file, or another version of one, makes it another."""
    place = hashlib.md5(sheet.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:8]
    return f'"{file}.{place}.{row}"'


def rows_with_keys(
    conn: psycopg.Connection, workbook: Workbook, keys: Sequence[Mapping[str, Any]], *, beneath: bool = False
) -> list[CurrentRow | None]:
    """For each key the row that counts, or None. `beneath`: the one that would, were there no corrections."""
    if not keys:
        return []
    counts = sql.SQL("r._superseded_by is null")
    if beneath:
        counts = sql.SQL("f.entered is distinct from 'correction'")
    return _first_of_each(conn, workbook, keys, counts, sql.SQL("f.as_of_ns desc, f.id desc"))


def rows_without(
    conn: psycopg.Connection, workbook: Workbook, keys: Sequence[Mapping[str, Any]], file: int
) -> list[CurrentRow | None]:
    """For each key the row that would count if the rows of `file` were not there, None where none would."""
    if not keys:
        return []
    others = sql.SQL("r._file <> {file}").format(file=file)
    return _first_of_each(conn, workbook, keys, others, NEWEST_FIRST)


def _first_of_each(
    conn: psycopg.Connection,
    workbook: Workbook,
    keys: Sequence[Mapping[str, Any]],
    counts: sql.Composable,
    order: sql.Composable,
) -> list[CurrentRow | None]:
    """For each key the first in `order` of its rows that count; None where none does, or it withdraws."""
    query = sql.SQL(
        "select distinct on (k._number) k._number, {withdraws}, {columns},"
        " r._file, r._sheet, r._row, f.path, f.as_of_ns, f.entered from {keys} join {rows} r on {equal}"
        " join s2p.files f on f.id = r._file where {counts} order by k._number, {order}"
    ).format(
        withdraws=WITHDRAWS,
        columns=_columns(workbook),
        keys=_keys(workbook),
        rows=rows_table(workbook.domain, workbook.name),
        equal=_equal(workbook),
        counts=counts,
        order=order,
    )
    values = [[key[name] for key in keys] for name in workbook.key]
    found = {
        number: None if withdraws else _row(workbook, rest) for number, withdraws, *rest in conn.execute(query, values)
    }
    return [found.get(number) for number in range(1, len(keys) + 1)]


def rows_at(conn: psycopg.Connection, workbook: Workbook, etags: Sequence[str]) -> list[CurrentRow | None]:
    """For each version of a row, as `row_etag` names it, that row where it counts, else None."""
    places = [etag.strip('"').split(".") for etag in etags]
    known = [(int(place[0]), int(place[2])) if _is_place(place) else (0, 0) for place in places]
    query = sql.SQL(
        "select {columns}, r._file, r._sheet, r._row, f.path, f.as_of_ns, f.entered"
        " from unnest(%s::bigint[], %s::bigint[]) k(file, row) join {rows} r on r._file = k.file and r._row = k.row"
        " join s2p.files f on f.id = r._file where r._superseded_by is null"
    ).format(columns=_columns(workbook), rows=rows_table(workbook.domain, workbook.name))
    asked = ([file for file, _ in known], [row for _, row in known])
    found = {row.etag: row for row in (_row(workbook, one) for one in conn.execute(query, asked))}
    return [found.get(etag if etag.startswith('"') else f'"{etag}"') for etag in etags]


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row that a file holds for a key, whether it counts or not; whose the file is, and who handed it in."""

    row: CurrentRow
    counts: bool
    owner: str
    handed_in_by: str | None


def rows_of_key(conn: psycopg.Connection, workbook: Workbook, key: Mapping[str, Any]) -> list[HeldRow]:
    """Every row that files hold now for a key, the one that counts first."""
    query = sql.SQL(
        "select r._superseded_by is null, f.owner,"
        " (select h.handed_in_by from s2p.handed_in h where h.path = f.path and h.sha256 = f.sha256), {columns},"
        " r._file, r._sheet, r._row, f.path, f.as_of_ns, f.entered from {keys} join {rows} r on {equal}"
        " join s2p.files f on f.id = r._file order by {newest_first} limit 500"
    ).format(
        columns=_columns(workbook),
        keys=_keys(workbook),
        rows=rows_table(workbook.domain, workbook.name),
        equal=_equal(workbook),
        newest_first=NEWEST_FIRST,
    )
    found = conn.execute(query, [[key[name]] for name in workbook.key])
    return [HeldRow(_row(workbook, rest), counts, owner, by) for counts, owner, by, *rest in found]


def vain_withdrawals(conn: psycopg.Connection, workbook: Workbook) -> set[tuple[str, str, int]]:
    """Path, sheet and row of what withdraws a row that no file holds; of a kind of workbook without a key."""
    query = sql.SQL(
        """
        with stones as (
            select f.path, r._sheet, r._row, r._file, {content} as content,
                row_number() over (partition by r._file, {content} order by r.ctid desc) as number
            from {rows} r join s2p.files f on f.id = r._file where {withdraws}
        ), hidden as (
            select r._superseded_by as file, {content} as content, count(*) as rows
            from {rows} r where r._superseded_by <> r._file group by 1, 2
        )
        select s.path, s._sheet, s._row from stones s
        left join hidden h on (h.file, h.content) = (s._file, s.content)
        where s.number > coalesce(h.rows, 0)
        """
    ).format(
        rows=rows_table(workbook.domain, workbook.name), withdraws=WITHDRAWS, content=values_hash(workbook.columns)
    )
    return {(path, sheet, row) for path, sheet, row in conn.execute(query)}


def newest_of_keys(
    conn: psycopg.Connection, workbook: Workbook, keys: Sequence[Mapping[str, Any]]
) -> list[tuple[int, bool]]:
    """For each key when the newest file with it was written, and whether a correction has it; (0, False) for none."""
    query = sql.SQL(
        "select k._number, max(f.as_of_ns), bool_or(f.entered is not distinct from 'correction')"
        " from {keys} join {rows} r on {equal} join s2p.files f on f.id = r._file group by k._number"
    ).format(keys=_keys(workbook), rows=rows_table(workbook.domain, workbook.name), equal=_equal(workbook))
    values = [[key[name] for key in keys] for name in workbook.key]
    found = {number: (as_of_ns, is_corrected) for number, as_of_ns, is_corrected in conn.execute(query, values)}
    return [found.get(number, (0, False)) for number in range(1, len(keys) + 1)]


def holders_of_value(conn: psycopg.Connection, workbook: Workbook, column: str, value: Any) -> list[CurrentRow]:
    """The rows that count and hold a value, two of them at most."""
    query = sql.SQL(
        "select {columns}, r._file, r._sheet, r._row, f.path, f.as_of_ns, f.entered from {rows} r"
        " join s2p.files f on f.id = r._file where r._superseded_by is null and r.{column} = %s limit 2"
    ).format(columns=_columns(workbook), rows=rows_table(workbook.domain, workbook.name), column=sql.Identifier(column))
    return [_row(workbook, found) for found in conn.execute(query, (value,))]


def count_referring(conn: psycopg.Connection, reference: Reference, workbook: Workbook, value: Any) -> int:
    """How many rows of `workbook` refer to a value that one row alone holds where it is referred to; else 0."""
    there = sql.SQL("select count(*) from {} where {} = %s")
    held = there.format(sql.Identifier(reference.domain, reference.name), sql.Identifier(reference.target_column))
    ours = there.format(sql.Identifier(workbook.domain, workbook.name), sql.Identifier(reference.column))
    try:
        with conn.transaction():
            (rows,) = conn.execute(held, (value,)).fetchone() or (0,)
            (count,) = conn.execute(ours, (value,)).fetchone() or (0,) if rows <= 1 else (0,)
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return 0
    return int(count)


def _keys(workbook: Workbook) -> sql.Composed:
    """The keys that are asked for, as `k`, each with its number from 1."""
    declared = {column.name: column for column in workbook.columns}
    kinds = [sql.SQL(declared[name].postgres_type) for name in workbook.key]
    return sql.SQL("unnest({}) with ordinality k({}, _number)").format(
        sql.SQL(", ").join(sql.SQL("%s::{}[]").format(kind) for kind in kinds),
        sql.SQL(", ").join(map(sql.Identifier, workbook.key)),
    )


def _equal(workbook: Workbook) -> sql.Composed:
    terms = (key_expressions(workbook.columns, workbook.key, alias) for alias in ("k", "r"))
    return sql.SQL(" and ").join(sql.SQL("{} = {}").format(one, other) for one, other in zip(*terms, strict=True))


def _is_place(parts: Sequence[str]) -> bool:
    return len(parts) == 3 and all(
        part.isascii() and part.isdigit() and len(part) < 18 for part in (parts[0], parts[2])
    )


def _columns(workbook: Workbook) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("r.{}").format(sql.Identifier(column.name)) for column in workbook.columns)


def _row(workbook: Workbook, found: Sequence[Any]) -> CurrentRow:
    names = [column.name for column in workbook.columns]
    return CurrentRow(dict(zip(names, found, strict=False)), *found[len(names) :])
