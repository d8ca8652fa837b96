"""The rows of a planned file beside those that its workbook's table shows.

How far amounts of money move is worked out in `amount_changes.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.amount_changes import changes_in_amounts
from s2p_assets.warehouse.files.ledger import LedgerEntry
from s2p_assets.warehouse.files.load_plan import (
    COMPARED_ROWS,
    MAX_EXAMPLES,
    PLANNED_ROWS,
    ExampleRow,
    PlannedPath,
    Repeated,
    equal_keys,
    fields_of,
    value_columns,
)
from s2p_assets.warehouse.tables.workbook_tables import rows_table

NUMERIC_KINDS = ("number", "money", "percent", "integer")
FEWEST_REPEATED = 2
REPEATED_SHARE = 0.9
PAIR = ("planned", "stored")
KNOWN: LiteralString = "(stored).{0} is not null"
RESTATED: LiteralString = f"{KNOWN} and (planned).{{0}} is distinct from (stored).{{0}}"
OUT_OF_THE_ORDINARY: LiteralString = (
    f"{RESTATED} and ((planned).{{0}} is null or abs((planned).{{0}}::float8 - (stored).{{0}}::float8)"
    " > {1} * abs((stored).{0}::float8))"
)


def compare_by_key(
    conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, planned_file: PlannedPath
) -> dict[str, Any]:
    _compare(conn, workbook, entry, planned_file)
    found = conn.execute(sql.SQL("select change, count(*) from {} group by change").format(COMPARED_ROWS)).fetchall()
    counts: dict[str, int] = dict(found)
    files = _FilePaths(conn, planned_file.copies)
    examples = {change: _examples(conn, workbook, sql.SQL("change = {}").format(change), files) for change in counts}
    others = sql.SQL("change in ('changed', 'unchanged') and stored_file <> all({})").format(
        planned_file.withdrawn_files
    )
    examples["superseding"] = _examples(conn, workbook, others, files)
    withdrawn, shown_again, examples["withdrawn"] = _withdrawn(conn, workbook, planned_file)
    own = sql.SQL("stored_file = any({})").format(planned_file.withdrawn_files)
    names = [column.name for column in value_columns(workbook)]
    return {
        "rows_before": _count_shown(conn, workbook, planned_file),
        "settled": _count_values(conn, workbook, own, {name: _of(KNOWN, name) for name in names}),
        "restated": _count_values(conn, workbook, own, _restated(workbook)),
        "overwritten": _rows_by_file(conn, "stored_file", _overwritten(workbook, planned_file), files),
        "overlapping": _overlapping(conn, workbook, entry.path, planned_file),
        "largest": tuple(_largest_changes(conn, workbook, files)),
        **{change: counts.get(change, 0) for change in ("new", "changed", "unchanged", "giving_way")},
        "withdrawn": withdrawn,
        "shown_again": shown_again,
        "columns": _changed_columns(conn, workbook),
        "supersedes": _rows_by_file(conn, "stored_file", others, files),
        "gives_way_to": _rows_by_file(conn, "newer_file", sql.SQL("change = 'giving_way'"), files),
        "moves": tuple(changes_in_amounts(conn, workbook, counts.get("new", 0))),
        "examples": {word: rows for word, rows in examples.items() if rows and word != "unchanged"},
    }


_NEWER = {
    True: sql.SQL("as_of_ns > {} and entered is not distinct from 'correction'"),
    False: sql.SQL("(as_of_ns > {} or entered is not distinct from 'correction')"),
}
"""Which stored rows a planned one gives way to; of a correction, and of anything else."""


def _compare(conn: psycopg.Connection, workbook: Workbook, entry: LedgerEntry, planned_file: PlannedPath) -> None:
    """Each planned row beside the stored row with its key, and how the row would be loaded.

    A newer file keeps its key; of two written at the same time the one loaded later wins, which is this one.
    """
    same = [
        sql.SQL("(planned).{0} is not distinct from (stored).{0}").format(sql.Identifier(column.name))
        for column in value_columns(workbook)
    ]
    command = sql.SQL(
        """
        create temporary table compared on commit drop as
        with held as (
            select p.ctid as place, r as stored, r._file, r._superseded_by, f.as_of_ns, f.entered
            from {planned} p join {rows} r on {equal} join s2p.files f on f.id = r._file
        ), newer as (
            select distinct on (place) place, _file from held
            where {newer} and _file <> all({leaving})
            order by place, (entered is not distinct from 'correction') desc, as_of_ns desc, _file desc
        ), beside as (
            select p as planned, h.stored, h._file as stored_file, n._file as newer_file
            from {planned} p
            left join held h on h.place = p.ctid and h._superseded_by is null
            left join newer n on n.place = p.ctid
        )
        select *, case when newer_file is not null then 'giving_way' when stored_file is null then 'new'
            when {same} then 'unchanged' else 'changed' end as change
        from beside
        """
    ).format(
        planned=PLANNED_ROWS,
        rows=rows_table(workbook.domain, workbook.name),
        equal=equal_keys(workbook, workbook.key, "p", "r"),
        newer=_NEWER[entry.entered == "correction"].format(sql.Literal(entry.as_of_ns)),
        leaving=planned_file.withdrawn_files,
        same=sql.SQL(" and ").join(same) if same else sql.SQL("true"),
    )
    conn.execute(command)


class _FilePaths:
    """The paths of ledger files, those whose rows a copy takes over under the copy's path."""

    def __init__(self, conn: psycopg.Connection, copies: Mapping[int, str]) -> None:
        self._conn = conn
        self._known = dict(copies)

    def path(self, id_: int) -> str:
        if id_ not in self._known:
            row = self._conn.execute("select path from s2p.files where id = %s", (id_,)).fetchone()
            self._known[id_] = row[0] if row else str(id_)
        return self._known[id_]


def _rows_by_file(conn: psycopg.Connection, name: str, which: sql.Composable, files: _FilePaths) -> dict[str, int]:
    query = sql.SQL("select {0}, count(*) from {1} where {2} group by {0} order by count(*) desc, {0}")
    found = conn.execute(query.format(sql.Identifier(name), COMPARED_ROWS, which)).fetchall()
    return {files.path(id_): count for id_, count in found}


def _examples(
    conn: psycopg.Connection, workbook: Workbook, which: sql.Composable, files: _FilePaths
) -> list[ExampleRow]:
    names = [column.name for column in value_columns(workbook)]
    query = sql.SQL(
        "select coalesce(newer_file, stored_file), {} from {} where {} order by (planned)._sheet, (planned)._row"
        " limit {}"
    ).format(
        sql.SQL(", ").join(
            [*fields_of("planned", workbook.key), *fields_of("planned", names), *fields_of("stored", names)]
        ),
        COMPARED_ROWS,
        which,
        MAX_EXAMPLES,
    )
    found = []
    for file, *values in conn.execute(query).fetchall():
        key, rest = values[: len(workbook.key)], values[len(workbook.key) :]
        pairs = zip(names, rest[len(names) :], rest[: len(names)], strict=True)
        changes = {name: (old, new) for name, old, new in pairs if file is not None and old != new}
        found.append(
            ExampleRow(dict(zip(workbook.key, key, strict=True)), changes, None if file is None else files.path(file))
        )
    return found


def _changed_columns(conn: psycopg.Connection, workbook: Workbook) -> dict[str, int]:
    names = [column.name for column in value_columns(workbook)]
    if not names:
        return {}
    counts = [
        sql.SQL("count(*) filter (where (planned).{0} is distinct from (stored).{0})").format(sql.Identifier(name))
        for name in names
    ]
    query = sql.SQL("select {} from {} where change = 'changed'").format(sql.SQL(", ").join(counts), COMPARED_ROWS)
    row = conn.execute(query).fetchone() or ()
    return {name: count for name, count in zip(names, row, strict=True) if count}


def _count_shown(conn: psycopg.Connection, workbook: Workbook, planned_file: PlannedPath) -> int:
    query = sql.SQL("select count(*) from {} where _file = any({}) and _superseded_by is null").format(
        rows_table(workbook.domain, workbook.name), sql.Literal(planned_file.withdrawn_files)
    )
    (count,) = conn.execute(query).fetchone() or (0,)
    return int(count)


def _of(condition: LiteralString, name: str) -> sql.Composed:
    return sql.SQL(condition).format(sql.Identifier(name))


def _restated(workbook: Workbook) -> dict[str, sql.Composed]:
    """By column, that a stored value becomes another one, by more than changes in the ordinary course of things."""
    ordinary = sql.Literal(workbook.ordinary_change)
    return {
        column.name: sql.SQL(OUT_OF_THE_ORDINARY).format(sql.Identifier(column.name), ordinary)
        if workbook.ordinary_change and column.kind in NUMERIC_KINDS
        else _of(RESTATED, column.name)
        for column in value_columns(workbook)
    }


def _count_values(
    conn: psycopg.Connection, workbook: Workbook, which: sql.Composable, conditions: Mapping[str, sql.Composed]
) -> dict[str, int]:
    """By column, how many values of the rows that come again fulfil its condition; columns with none are left out."""
    if not conditions:
        return {}
    counts = [sql.SQL("count(*) filter (where {})").format(condition) for condition in conditions.values()]
    query = sql.SQL("select {} from {} where change in ('changed', 'unchanged') and {}").format(
        sql.SQL(", ").join(counts), COMPARED_ROWS, which
    )
    row = conn.execute(query).fetchone() or ()
    return {name: count for name, count in zip(conditions, row, strict=True) if count}


def _overwritten(workbook: Workbook, planned_file: PlannedPath) -> sql.Composable:
    """Rows of other files that get another value where they have one."""
    columns = [sql.SQL("({})").format(column) for column in _restated(workbook).values()]
    other = sql.SQL(" or ").join(columns) if columns else sql.SQL("false")
    leaving = planned_file.withdrawn_files
    return sql.SQL("change = 'changed' and stored_file <> all({}) and ({})").format(leaving, other)


def _overlapping(conn: psycopg.Connection, workbook: Workbook, path: str, planned_file: PlannedPath) -> dict[str, int]:
    """By path, how many planned rows are for over half of the days of a row with another period, or that for theirs.

    Under its own path, those that overlap others of the file itself.
    """
    if workbook.spans is None:
        return {}
    first, last = (sql.Identifier(name) for name in workbook.spans)
    names = [name for name in workbook.key if name not in workbook.spans]
    query = sql.SQL(
        """
        with others as (
            select {fields}, {first}, {last}, _file, null::tid as place from {rows}
            where _superseded_by is null and _file <> all({leaving})
            union all select {fields}, {first}, {last}, 0, ctid from {planned}
        )
        select coalesce(f.path, {path}), count(distinct p.ctid) from {planned} p join others r on {same}
        left join s2p.files f on f.id = r._file
        where p.{first} <= r.{last} and r.{first} <= p.{last} and (p.{first}, p.{last}) <> (r.{first}, r.{last})
        and 2 * (least(p.{last}, r.{last})::date - greatest(p.{first}, r.{first})::date + 1)
            > least(p.{last}::date - p.{first}::date, r.{last}::date - r.{first}::date) + 1
        group by 1 order by 2 desc, 1
        """
    ).format(
        fields=sql.SQL(", ").join(map(sql.Identifier, names)) if names else sql.SQL("1"),
        first=first,
        last=last,
        rows=rows_table(workbook.domain, workbook.name),
        leaving=sql.Literal(planned_file.withdrawn_files),
        planned=PLANNED_ROWS,
        path=sql.Literal(path),
        same=equal_keys(workbook, names, "p", "r") if names else sql.SQL("true"),
    )
    return dict(conn.execute(query).fetchall())


def _largest_changes(conn: psycopg.Connection, workbook: Workbook, files: _FilePaths) -> Iterator[ExampleRow]:
    for column in value_columns(workbook):
        if column.kind not in NUMERIC_KINDS:
            continue
        new, old = (sql.SQL("({}).{}").format(sql.Identifier(row), sql.Identifier(column.name)) for row in PAIR)
        query = sql.SQL(
            "select stored_file, {old}, {new}, {keys} from {compared} where change = 'changed' and {new} <> {old}"
            " order by abs({new}::float8 - {old}::float8) / nullif(abs({old}::float8), 0) desc nulls first,"
            " abs({new}::float8 - {old}::float8) desc, {keys} limit 1"
        ).format(old=old, new=new, keys=sql.SQL(", ").join(fields_of("planned", workbook.key)), compared=COMPARED_ROWS)
        if found := conn.execute(query).fetchone():
            file, was, becomes, *key = found
            yield ExampleRow(dict(zip(workbook.key, key, strict=True)), {column.name: (was, becomes)}, files.path(file))


def _withdrawn(
    conn: psycopg.Connection, workbook: Workbook, planned_file: PlannedPath
) -> tuple[int, int, list[ExampleRow]]:
    """Rows shown now that would go; how many of them for an older file's row; some of their keys."""
    terms = {
        "rows": rows_table(workbook.domain, workbook.name),
        "planned": PLANNED_ROWS,
        "leaving": sql.Literal(planned_file.withdrawn_files),
        "same": equal_keys(workbook, workbook.key, "p", "r"),
        "older": equal_keys(workbook, workbook.key, "o", "r"),
        "key": sql.SQL(", ").join(sql.Identifier("r", name) for name in workbook.key),
    }
    going = sql.SQL(
        " from {rows} r where r._file = any({leaving}) and r._superseded_by is null"
        " and not exists (select 1 from {planned} p where {same})"
    ).format(**terms)
    counts = sql.SQL(
        "select count(*), count(*) filter (where exists (select 1 from {rows} o"
        " where o._superseded_by = r._file and o._file <> all({leaving}) and {older}))"
    ).format(**terms)
    count, again = conn.execute(counts + going).fetchone() or (0, 0)
    in_order = sql.SQL(" order by r._sheet, r._row limit {}").format(MAX_EXAMPLES)
    found = conn.execute(sql.SQL("select {key}").format(**terms) + going + in_order).fetchall()
    return count, again, [ExampleRow(dict(zip(workbook.key, key, strict=True))) for key in found]


def compare_by_content(conn: psycopg.Connection, workbook: Workbook, planned_file: PlannedPath) -> dict[str, Any]:
    """Without a key a row is its values, and belongs to its file alone: it is added, kept or withdrawn."""
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in workbook.columns)
    coming = sql.SQL("(select {} from {})").format(names, PLANNED_ROWS)
    going = sql.SQL("(select {} from {} where _file = any({}))").format(
        names, rows_table(workbook.domain, workbook.name), sql.Literal(planned_file.withdrawn_files)
    )
    new, some_new = _except_all(conn, workbook, coming, going)
    withdrawn, some_withdrawn = _except_all(conn, workbook, going, coming)
    (count,) = conn.execute(sql.SQL("select count(*) from {}").format(PLANNED_ROWS)).fetchone() or (0,)
    examples = {"new": some_new, "withdrawn": some_withdrawn}
    common = _common(conn, workbook, planned_file)
    return {
        "new": new,
        "unchanged": count - new,
        "rows_before": withdrawn + count - new,
        "common": {path: rows for path, rows, *_ in common},
        "repeated": dict(_repeated(conn, workbook, common)),
        "withdrawn": withdrawn,
        "examples": {word: rows for word, rows in examples.items() if rows},
    }


def _day(workbook: Workbook) -> str | None:
    """The column that says of which day a row is; None where no column or the key says it."""
    return next((column.name for column in workbook.columns if column.kind in ("date", "timestamp")), None)


def _repeated(
    conn: psycopg.Connection, workbook: Workbook, common: Sequence[tuple[str, int, int, Any, Any]]
) -> Iterator[tuple[str, Repeated]]:
    """The files that hold a stretch of days as this one does: exports that overlap, not lines alike by chance."""
    day = _day(workbook)
    for path, count, file, first, last in common:
        if day is None or count < FEWEST_REPEATED or first is None:
            continue
        query = sql.SQL(
            "select least((select count(*) from {planned} where {day} between %(first)s and %(last)s),"
            " (select count(*) from {rows} where _file = %(file)s and {day} between %(first)s and %(last)s))"
        ).format(planned=PLANNED_ROWS, rows=rows_table(workbook.domain, workbook.name), day=sql.Identifier(day))
        (there,) = conn.execute(query, {"first": first, "last": last, "file": file}).fetchone() or (0,)
        if count >= REPEATED_SHARE * there:
            yield path, Repeated(count, first, last)


def _common(
    conn: psycopg.Connection, workbook: Workbook, planned_file: PlannedPath
) -> list[tuple[str, int, int, Any, Any]]:
    """(path, rows, ledger id, first and last day) of each file that holds rows of this one too.

    Rows are counted as often as both have them.
    """
    names = [column.name for column in workbook.columns]
    day = sql.Identifier("p", _day(workbook) or "_times")
    query = sql.SQL(
        """
        with ours as (select {fields}, count(*) as _times from {planned} group by {fields}),
        theirs as (
            select r._file, {their_fields}, count(*) as _times from {rows} r where r._file <> all({leaving})
            and exists (select 1 from ours p where {same}) group by r._file, {their_fields}
        )
        select f.path, sum(least(p._times, r._times))::bigint, f.id, min({day}), max({day})
        from ours p join theirs r on {same} join s2p.files f on f.id = r._file group by f.path, f.id
        """
    ).format(
        fields=sql.SQL(", ").join(map(sql.Identifier, names)),
        their_fields=sql.SQL(", ").join(sql.Identifier("r", name) for name in names),
        planned=PLANNED_ROWS,
        rows=rows_table(workbook.domain, workbook.name),
        leaving=sql.Literal(planned_file.withdrawn_files),
        same=equal_keys(workbook, names, "p", "r"),
        day=day,
    )
    return conn.execute(query).fetchall()


def _except_all(
    conn: psycopg.Connection, workbook: Workbook, these: sql.Composed, those: sql.Composed
) -> tuple[int, list[ExampleRow]]:
    """How many of `these` rows are not among `those`, each of which matches one; with examples."""
    rest = sql.SQL("({} except all {}) rest").format(these, those)
    (count,) = conn.execute(sql.SQL("select count(*) from {}").format(rest)).fetchone() or (0,)
    query = sql.SQL("select * from {} order by 1 limit {}").format(rest, MAX_EXAMPLES)
    some = conn.execute(query).fetchall() if count else []
    names = [column.name for column in workbook.columns]
    return count, [ExampleRow(dict(zip(names, row, strict=True))) for row in some]
