"""Which rows of a workbook's table are superseded, and what becomes of them when a file's rows are withdrawn.

Of the files that hold a key the newest wins, by the time its bytes were written, then by ledger id; the rows of
the others stay and point to the winner in `_superseded_by`. What a person corrected wins over all of them. A row that
says that its key was withdrawn points to its own file, so that no row of the key is shown. The same files therefore
give the same table, in whatever order they were loaded. Bringing rows in belongs to `load.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from s2p_assets.contracts.columns import Column
from s2p_assets.contracts.entered import WITHDRAWN_SHEET
from s2p_assets.contracts.stream import DELETED, STREAMS_FOLDER
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.tables.keys import key_expressions
from s2p_assets.warehouse.tables.workbook_tables import rows_table

NEWEST_FIRST = sql.SQL("(f.entered is not distinct from 'correction') desc, f.as_of_ns desc, f.id desc")
"""The order of the files `f` that hold a key; the first wins it."""
WITHDRAWS = sql.SQL(
    "((f.entered is not null and r._sheet = {}) or (right(r._sheet, {}) = {} and starts_with(f.path, {})))"
).format(*map(sql.Literal, (WITHDRAWN_SHEET, len(DELETED), DELETED, f"{STREAMS_FOLDER}/")))
"""Whether a row `r` of a file `f` says that its key was withdrawn."""


@dataclass(frozen=True, slots=True)
class Supersession:
    """`rows` rows of file `loser` are superseded by file `winner`; both are ledger ids."""

    loser: int
    winner: int
    rows: int


def withdraw_rows(conn: psycopg.Connection, workbook: str, files: Sequence[int]) -> tuple[int, int]:
    """Delete the rows of these files; older rows that they had superseded are shown again.

    Returns (rows deleted, rows shown again). Needs the workbook's lock.
    """
    known = conn.execute("select domain, table_name, key from s2p.workbooks where name = %s", (workbook,)).fetchone()
    if not files or known is None:
        return 0, 0
    domain, name, key = known
    place, ids = rows_table(domain, name), list(files)
    deleted = conn.execute(sql.SQL("delete from {} where _file = any(%s)").format(place), (ids,)).rowcount
    if not key:
        again = sql.SQL("update {} set _superseded_by = null where _superseded_by = any(%s)").format(place)
        return deleted, conn.execute(again, (ids,)).rowcount
    days = conn.execute(
        "select 1 from s2p.files where id = any(%s) and starts_with(path, %s)", (ids, f"{STREAMS_FOLDER}/")
    )
    return deleted, _restore(conn, place, key, ids, is_stream=bool(days.fetchone()))


def _restore(
    conn: psycopg.Connection, place: sql.Identifier, key: Sequence[str], gone: list[int], *, is_stream: bool
) -> int:
    """Every loser of a key points to its winner, so only the rows that point to `gone` are weighed again.

    Not so in a stream, whose row points to what took its place, which another may have followed: there all rows of a
    key decide.
    """
    command = sql.SQL(
        """
        with settled as (
            select r.ctid as place, {withdraws} as withdraws, first_value(r._file) over of_key as winner,
                row_number() over of_key as number
            from {place} r join s2p.files f on f.id = r._file
            where {weighed}
            window of_key as (partition by {key} order by {newest_first}, r._row desc)
        ), changed as (
            update {place} r set _superseded_by = case when s.number > 1 or s.withdraws then s.winner end
            from settled s where r.ctid = s.place and r._superseded_by = any(%(gone)s) returning r._superseded_by
        )
        select count(*) from changed where _superseded_by is null
        """
    ).format(
        place=place,
        key=sql.SQL(", ").join(sql.Identifier("r", name) for name in key),
        weighed=sql.SQL("true" if is_stream else "r._superseded_by = any(%(gone)s)"),
        withdraws=WITHDRAWS,
        newest_first=NEWEST_FIRST,
    )
    row = conn.execute(command, {"gone": gone}).fetchone()
    return int(row[0]) if row else 0


def mark_superseded(conn: psycopg.Connection, workbook: Workbook, files: Sequence[int]) -> list[Supersession]:
    """Mark the superseded rows of every key that the rows of `files` hold, of all files. Needs the workbook's lock."""
    if not workbook.key:
        withdraw_alike(conn, rows_table(workbook.domain, workbook.name), workbook.columns)
        return []
    ours, theirs = (key_expressions(workbook.columns, workbook.key, alias) for alias in ("n", "r"))
    names = [sql.Identifier(f"k{number}") for number in range(len(ours))]
    equal = sql.SQL(" and ").join(
        sql.SQL("{} = k.{}").format(term, name) for term, name in zip(theirs, names, strict=True)
    )
    command = sql.SQL(
        """
        with held as (
            select distinct {ours} from {place} n where n._file = any(%(files)s)
        ), settled as (
            select r.ctid as place, r._file, r._superseded_by, {withdraws} as withdraws,
                first_value(r._file) over (partition by {names} order by {newest_first}) as winner
            from held k join {place} r on {equal} join s2p.files f on f.id = r._file
        ), decided as (
            select *, case when winner <> _file or withdraws then winner end as becomes from settled
        ), changed as (
            update {place} r set _superseded_by = d.becomes
            from decided d where r.ctid = d.place and d._superseded_by is distinct from d.becomes
            returning r._file, r._superseded_by
        )
        select _file, _superseded_by, count(*) from changed where _superseded_by <> _file group by 1, 2
        """
    ).format(
        place=rows_table(workbook.domain, workbook.name),
        ours=sql.SQL(", ").join(sql.SQL("{} as {}").format(t, n) for t, n in zip(ours, names, strict=True)),
        names=sql.SQL(", ").join(sql.SQL("k.{}").format(name) for name in names),
        equal=equal,
        withdraws=WITHDRAWS,
        newest_first=NEWEST_FIRST,
    )
    conn.execute("set local work_mem = '64MB'")
    return [Supersession(*row) for row in conn.execute(command, {"files": list(files)})]


def withdraw_alike(conn: psycopg.Connection, place: sql.Identifier, columns: Sequence[Column]) -> None:
    """Without a key: for each row that withdraws one, hide one row with the same values in the file that it is about.

    Of rows alike it is the very one that was looked at, as long as its file is the same. What a newer version of that
    file says again stays hidden; what withdraws nothing any more points to its own file all the same.
    """
    stones = sql.SQL("select 1 from {} r join s2p.files f on f.id = r._file where {} limit 1").format(place, WITHDRAWS)
    if conn.execute(stones).fetchone() is None:
        return
    command = sql.SQL(
        """
        with stones as (
            select r.ctid as place, r._file, r.{first} as first, {content} as content, f.path
            from {place} r join s2p.files f on f.id = r._file where {withdraws}
        ), numbered as (
            select *, row_number() over (partition by content order by _file, place) as number from stones
        ), bases as (
            select s.content, b.path, array_agg(row(e.base_file, e.base_sheet, e.base_row)::text) as meant from stones s
            join s2p.entry_rows e on e.path = s.path and e.action = 'withdraw' join s2p.files b on b.id = e.base_file
            group by 1, 2
        ), others as (
            select r.ctid as place, {content} as content, f.path, row(r._file, r._sheet, r._row)::text as this
            from {place} r join s2p.files f on f.id = r._file
            where not {withdraws} and (r.{first} in (select first from stones) or r.{first} is null)
        ), found as (
            select o.place, o.content,
                row_number() over (partition by o.content order by (o.this = any(b.meant)) desc, o.place) as number
            from others o join bases b on (b.content, b.path) = (o.content, o.path)
        ), hidden as (
            select place, _file as becomes from numbered
            union all select f.place, n._file from found f join numbered n using (content, number)
        )
        update {place} r set _superseded_by = h.becomes
        from {place} o left join hidden h on h.place = o.ctid
        where r.ctid = o.ctid and o._superseded_by is distinct from h.becomes
        """
    ).format(place=place, first=sql.Identifier(columns[0].name), content=values_hash(columns), withdraws=WITHDRAWS)
    conn.execute(command)


def values_hash(columns: Sequence[Column]) -> sql.Composed:
    """A hash of the values of a row `r`; amounts are the same however many zeros they end with."""
    values = [
        sql.SQL("trim_scale(r.{})" if column.postgres_type == "numeric" else "r.{}").format(sql.Identifier(column.name))
        for column in columns
    ]
    return sql.SQL("md5(row({})::text)").format(sql.SQL(", ").join(values))
