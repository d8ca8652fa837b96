"""Rows that changed and rows that went, into the table of their stream, set by set: what is there already stays.

In one statement a batch, as the rows of a table elsewhere change over and over. A deleted row leaves one that says so,
which nobody sees; so that the past can be restored, and a day be forgotten. Rows that only come are in
`streams/loading.py`.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
import pyarrow
import pyarrow.compute as pc
from psycopg import sql

from s2p_assets.contracts.stream import DELETED, Stream
from s2p_assets.warehouse.tables.copying import copy_in
from s2p_assets.warehouse.tables.keys import key_expressions
from s2p_assets.warehouse.tables.workbook_tables import rows_table

SCHEMA = "pg_temp"


def apply_changes(
    conn: psycopg.Connection,
    stream: Stream,
    rows: pyarrow.Table,
    gone: pyarrow.Table,
    day: int,
    *,
    may_be_old: bool = False,
) -> dict[str, int]:
    """Store rows and take back those that are `gone` (the columns of the key), the last of each key by `_row`.

    `may_be_old`: leave out what is older than what is known of its key. How many were stored, repeated and replaced.
    """
    asked = rows.num_rows + gone.num_rows
    if not asked:
        return {"rows": 0, "repeated": 0, "replaced": 0}
    place = _fill(conn, stream, rows, gone)
    if may_be_old:
        conn.execute(_statement(_OLD, stream, place, day))
    conn.execute("set local enable_seqscan = off")  # a batch is small beside the table, whatever is known of it
    counted = conn.execute(_statement(_APPLY, stream, place, day)).fetchone()
    conn.execute("set local enable_seqscan = on")
    assert counted is not None
    replaced, stones, stored = counted
    conn.execute(sql.SQL("delete from {}").format(place))
    return {"rows": stones + stored, "repeated": asked - stones - stored, "replaced": replaced}


def _fill(conn: psycopg.Connection, stream: Stream, rows: pyarrow.Table, gone: pyarrow.Table) -> sql.Identifier:
    """The last of each key, in a table of this connection."""
    key = list(stream.key)
    places = pyarrow.concat_tables([rows.select([*key, "_row"]), gone.select([*key, "_row"])], promote_options="none")
    last = places.group_by(key).aggregate([("_row", "max")]).column("_row_max")
    place = sql.Identifier(SCHEMA, _name(stream))
    fields = [(column.name, column.postgres_type) for column in stream.columns]
    fields += [("_sheet", "text"), ("_row", "bigint"), ("_gone", "boolean")]
    declared = (sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind in fields)  # kinds are our own
    with conn.transaction():
        conn.execute(
            sql.SQL("create temporary table if not exists {} ({}) on commit delete rows").format(
                sql.Identifier(_name(stream)), sql.SQL(", ").join(declared)
            )
        )
    for part, is_gone in ((rows, False), (gone, True)):
        kept = part if last.length() == places.num_rows else part.filter(pc.is_in(part.column("_row"), last))
        if kept.num_rows:
            kept = kept.append_column("_gone", pyarrow.repeat(pyarrow.scalar(is_gone), kept.num_rows))
            copy_in(conn, place, [kept])
    return place


def _name(stream: Stream) -> str:
    return f"changes_{stream.full_name}"[:63]


def _statement(words: str, stream: Stream, place: sql.Identifier, day: int) -> sql.Composed:
    ours, theirs = (key_expressions(stream.columns, stream.key, alias) for alias in ("k", "r"))
    names = [column.name for column in stream.columns]

    def listed(alias: str) -> sql.Composed:
        return sql.SQL(", ").join(sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names)

    return sql.SQL(words).format(
        changed=place,
        rows=rows_table(stream.domain, stream.name),
        equal=sql.SQL(" and ").join(
            sql.SQL("{} = {}").format(one, other) for one, other in zip(ours, theirs, strict=True)
        ),
        of_row=listed("r"),
        of_change=listed("k"),
        columns=listed(""),
        day=sql.Literal(day),
        deleted=sql.Literal(DELETED),
    )


_OLD = """
delete from {changed} k using {rows} r
where {equal} and r._row > k._row and (r._superseded_by is null or right(r._sheet, 8) = {deleted})
"""
_APPLY = """
with standing as materialized (
    select k.ctid as change, r.ctid as place, k._gone,
        not k._gone and row({of_row}) is not distinct from row({of_change}) as same
    from {changed} k join {rows} r on {equal} where r._superseded_by is null
), replaced as (
    update {rows} r set _superseded_by = {day} from standing s where r.ctid = s.place and not s.same returning 1
), stones as (
    insert into {rows} ({columns}, _file, _sheet, _row, _superseded_by)
    select {of_row}, {day}, k._sheet || {deleted}, k._row, {day}
    from standing s join {rows} r on r.ctid = s.place join {changed} k on k.ctid = s.change where s._gone returning 1
), stored as (
    insert into {rows} ({columns}, _file, _sheet, _row)
    select {of_change}, {day}, k._sheet, k._row
    from {changed} k left join standing s on s.change = k.ctid where not k._gone and s.same is not true returning 1
)
select (select count(*) from replaced), (select count(*) from stones), (select count(*) from stored)
"""


def note_seen(conn: psycopg.Connection, stream: Stream, keys: pyarrow.Table | None) -> None:
    """Remember keys that a snapshot holds, to the end of the transaction; None: nothing was seen yet."""
    place = sql.Identifier(SCHEMA, f"seen_{stream.full_name}"[:63])
    if keys is None:
        conn.execute(sql.SQL("drop table if exists {}").format(place))
        declared = {column.name: column.postgres_type for column in stream.columns}
        fields = (sql.SQL("{} " + declared[name]).format(sql.Identifier(name)) for name in stream.key)
        conn.execute(
            sql.SQL("create temporary table {} ({}) on commit drop").format(
                sql.Identifier(f"seen_{stream.full_name}"[:63]), sql.SQL(", ").join(fields)
            )
        )
    elif keys.num_rows:
        copy_in(conn, place, [keys.select(list(stream.key))])


def standing_keys(conn: psycopg.Connection, stream: Stream, most: int, *, unseen: bool = False) -> list[dict[str, Any]]:
    """The keys of rows that stand, so many at most; `unseen`: of those that the snapshot did not hold."""
    query = sql.SQL("select {} from {} r where r._superseded_by is null").format(
        sql.SQL(", ").join(sql.Identifier("r", name) for name in stream.key), rows_table(stream.domain, stream.name)
    )
    if unseen:
        ours, theirs = (key_expressions(stream.columns, stream.key, alias) for alias in ("k", "r"))
        query += sql.SQL(" and not exists (select 1 from {} k where {})").format(
            sql.Identifier(SCHEMA, f"seen_{stream.full_name}"[:63]),
            sql.SQL(" and ").join(
                sql.SQL("{} = {}").format(one, other) for one, other in zip(ours, theirs, strict=True)
            ),
        )
    rows = conn.execute(query + sql.SQL(" limit {}").format(sql.Literal(most)))
    return [dict(zip(stream.key, row, strict=True)) for row in rows]


def standing_row(conn: psycopg.Connection, stream: Stream, key: Sequence[Any]) -> dict[str, Any] | None:
    """The row that stands of a key, by column."""
    names = [column.name for column in stream.columns]
    terms = (sql.SQL("{} is not distinct from %s").format(sql.Identifier(name)) for name in stream.key)
    query = sql.SQL("select {} from {} where _superseded_by is null and {}").format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        rows_table(stream.domain, stream.name),
        sql.SQL(" and ").join(terms),
    )
    row = conn.execute(query, list(key)).fetchone()
    return dict(zip(names, row, strict=True)) if row else None
