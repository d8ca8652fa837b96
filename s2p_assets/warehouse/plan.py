"""What a file would change in its workbook's table, found out by looking only.

Loading it for good belongs to `load.py`; the rules by which rows stand or give way are those of `standing.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import psycopg
import pyarrow
from psycopg import sql

from s2p_assets.columns import Column
from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse import file_versions, ledger, recognition
from s2p_assets.warehouse.copying import copy_in
from s2p_assets.warehouse.keys import key_terms
from s2p_assets.warehouse.ledger import Entry, LedgerFile
from s2p_assets.warehouse.load import RowsRefused, rows_of_file
from s2p_assets.warehouse.recognition import Known
from s2p_assets.warehouse.workbook_tables import ensure_workbook_table, rows_table

EXAMPLES = 3

_PLANNED = sql.Identifier("pg_temp", "planned")
_COMPARED = sql.Identifier("pg_temp", "compared")
_FRESH = sql.Identifier("pg_temp", "fresh")
_MOVED = sql.Identifier("pg_temp", "moved")


@dataclass(frozen=True, slots=True)
class Example:
    """One row: its key (all its values in a workbook without a key), and column → (old value, new value).

    `file`: the path of the other file that the row is about.
    """

    key: dict[str, Any]
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """How the amounts of one money column move.

    `up`, `down`: how many; `mean_up`, `mean_down`: by which share of the old amount on average, 0.05 for 5 %,
    None where none moves or the old amounts are 0; `biggest`: the one that moves by the largest share.
    """

    column: str
    up: int
    down: int
    mean_up: float | None
    mean_down: float | None
    biggest: Example


@dataclass(frozen=True, slots=True)
class Plan:
    """What dropping a file would do to what the table shows.

    `path`: where on the share, as far as is known. `replaces`: the file whose place it takes; `namesakes`: paths of
    others with its name. `known`: its bytes are known, as `ledger.recognise` says, by the file `known_as`; no row
    would be loaded then. `new + changed + unchanged + giving_way` are the rows of the file: `giving_way` rows would
    be superseded at once by newer files, see `gives_way_to`, by path. `supersedes`: the rows of other files that
    would give way to it, by path, among the changed and unchanged. `withdrawn`: rows that would go with the
    version before; of these, `shown_again` would show the row of an older file. `columns`: how many of the changed
    rows change in which column. `examples`: at most three rows for each of these words.
    """

    path: str
    replaces: LedgerFile | None = None
    namesakes: tuple[str, ...] = ()
    known: Known | None = None
    known_as: LedgerFile | None = None
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    giving_way: int = 0
    withdrawn: int = 0
    shown_again: int = 0
    columns: dict[str, int] = field(default_factory=dict)
    supersedes: dict[str, int] = field(default_factory=dict)
    gives_way_to: dict[str, int] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    examples: dict[str, list[Example]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the file would lie, and which ledger files would lose their rows by it, unless a copy takes them over."""

    path: str
    replaces: LedgerFile | None
    namesakes: tuple[str, ...]
    leaving: list[int]
    heirs: dict[int, str]


@contextmanager
def only_looking(conn: psycopg.Connection) -> Iterator[None]:
    """A transaction that sees the database as of one moment and is rolled back at the end."""
    with conn.transaction(force_rollback=True):
        conn.execute("set transaction isolation level repeatable read")
        yield


def plan_rows(
    conn: psycopg.Connection, workbook: Workbook, entry: Entry, rows: pyarrow.Table, *, on_share: bool
) -> Plan:
    """What `load_file` would do with these, told by what the table shows now and would show then.

    `on_share`: `entry.path` is a path on the share; else the file takes the place of a loaded file of its name, the
    newest where there are several. Must be called within `only_looking`. Raises RowsRefused and ContractChanged.
    """
    ensure_workbook_table(conn, workbook)
    place = _place_of(conn, workbook, entry.path, on_share)
    at = Entry(place.path, entry.sha256, entry.size, entry.mtime_ns, entry.contract_version, "accepted", entry.owner)
    known, known_as = recognition.known_as(conn, workbook.name, at) or (None, None)
    nothing = Plan(place.path, place.replaces, place.namesakes, known, known_as)
    if known == "unchanged":
        return replace(nothing, unchanged=rows.num_rows)
    _bring_in(conn, workbook, entry, rows.slice(0, 0) if known else rows)
    told = _by_key(conn, workbook, entry, place) if workbook.key else _by_content(conn, workbook, place)
    if known:
        told["unchanged"] = rows.num_rows
    return replace(nothing, **told)


def _place_of(conn: psycopg.Connection, workbook: Workbook, path: str, on_share: bool) -> _Place:
    standing = ledger.standing(conn, workbook)
    namesakes: list[str] = []
    if not on_share:
        name = PurePosixPath(path).name.casefold()
        loaded = [file for file in standing.values() if PurePosixPath(file.path).name.casefold() == name]
        path, *namesakes = [file.path for file in sorted(loaded, key=_age)] or [path]
    held = conn.execute(
        "select id from s2p.files where workbook = %s and path = %s and holds", (workbook.name, path)
    ).fetchall()
    heirs = {id_: heir for id_, _, heir, _, _ in file_versions.heirs_of(conn, [id_ for (id_,) in held])}
    leaving = [id_ for (id_,) in held if id_ not in heirs]
    return _Place(path, standing.get(path), tuple(namesakes), leaving, heirs)


def _age(file: LedgerFile) -> tuple[bool, int, int]:
    return not file.holds, -file.mtime_ns, -file.id


def _bring_in(conn: psycopg.Connection, workbook: Workbook, entry: Entry, rows: pyarrow.Table) -> None:
    stored = rows_table(workbook.domain, workbook.thing)
    conn.execute(sql.SQL("create temporary table planned (like {}) on commit drop").format(stored))
    try:
        copy_in(conn, _PLANNED, [rows_of_file(rows, 0, workbook)])
    except (psycopg.DataError, psycopg.IntegrityError, pyarrow.ArrowInvalid, UnicodeError) as error:
        reason = " ".join(str(error).split())
        raise RowsRefused(f"{entry.path}: its rows cannot be stored ({reason}); correct the file") from None
    conn.execute(sql.SQL("analyze {}").format(_PLANNED))
    conn.execute("set local work_mem = '64MB'")


def _by_key(conn: psycopg.Connection, workbook: Workbook, entry: Entry, place: _Place) -> dict[str, Any]:
    _compare(conn, workbook, entry, place)
    found = conn.execute(sql.SQL("select fate, count(*) from {} group by fate").format(_COMPARED)).fetchall()
    fates: dict[str, int] = dict(found)
    files = _Files(conn, place.heirs)
    examples = {fate: _examples(conn, workbook, sql.SQL("fate = {}").format(fate), files) for fate in fates}
    others = sql.SQL("fate in ('changed', 'unchanged') and standing_file <> all({})").format(place.leaving)
    examples["superseding"] = _examples(conn, workbook, others, files)
    withdrawn, shown_again, examples["withdrawn"] = _withdrawn(conn, workbook, place)
    return {
        **{fate: fates.get(fate, 0) for fate in ("new", "changed", "unchanged", "giving_way")},
        "withdrawn": withdrawn,
        "shown_again": shown_again,
        "columns": _changed_columns(conn, workbook),
        "supersedes": _by_file(conn, "standing_file", others, files),
        "gives_way_to": _by_file(conn, "newer_file", sql.SQL("fate = 'giving_way'"), files),
        "moves": tuple(_moves(conn, workbook, fates.get("new", 0))),
        "examples": {word: rows for word, rows in examples.items() if rows and word != "unchanged"},
    }


def _compare(conn: psycopg.Connection, workbook: Workbook, entry: Entry, place: _Place) -> None:
    """Each planned row beside the row that stands for its key now, and what would become of it.

    A newer file keeps its key; of two written at the same time the one loaded later wins, which is this one.
    """
    same = [
        sql.SQL("(planned).{0} is not distinct from (standing).{0}").format(sql.Identifier(column.name))
        for column in _values(workbook)
    ]
    command = sql.SQL(
        """
        create temporary table compared on commit drop as
        with held as (
            select p.ctid as place, r as standing, r._file, r._superseded_by, f.as_of_ns
            from {planned} p join {rows} r on {equal} join s2p.files f on f.id = r._file
        ), newer as (
            select distinct on (place) place, _file from held
            where as_of_ns > {as_of} and _file <> all({leaving}) order by place, as_of_ns desc, _file desc
        ), beside as (
            select p as planned, h.standing, h._file as standing_file, n._file as newer_file
            from {planned} p
            left join held h on h.place = p.ctid and h._superseded_by is null
            left join newer n on n.place = p.ctid
        )
        select *, case when newer_file is not null then 'giving_way' when standing_file is null then 'new'
            when {same} then 'unchanged' else 'changed' end as fate
        from beside
        """
    ).format(
        planned=_PLANNED,
        rows=rows_table(workbook.domain, workbook.thing),
        equal=_equal(workbook, workbook.key, "p", "r"),
        as_of=entry.mtime_ns,
        leaving=place.leaving,
        same=sql.SQL(" and ").join(same) if same else sql.SQL("true"),
    )
    conn.execute(command)


def _values(workbook: Workbook) -> list[Column]:
    return [column for column in workbook.columns if column.name not in workbook.key]


def _equal(workbook: Workbook, key: Sequence[str], one: str, other: str) -> sql.Composed:
    terms = (key_terms(workbook.columns, key, alias) for alias in (one, other))
    return sql.SQL(" and ").join(sql.SQL("{} = {}").format(a, b) for a, b in zip(*terms, strict=True))


class _Files:
    """The paths of ledger files, those that a copy takes over under the copy's path."""

    def __init__(self, conn: psycopg.Connection, heirs: Mapping[int, str]) -> None:
        self._conn = conn
        self._known = dict(heirs)

    def path(self, id_: int) -> str:
        if id_ not in self._known:
            row = self._conn.execute("select path from s2p.files where id = %s", (id_,)).fetchone()
            self._known[id_] = row[0] if row else str(id_)
        return self._known[id_]


def _by_file(conn: psycopg.Connection, name: str, which: sql.Composable, files: _Files) -> dict[str, int]:
    query = sql.SQL("select {0}, count(*) from {1} where {2} group by {0} order by count(*) desc, {0}")
    found = conn.execute(query.format(sql.Identifier(name), _COMPARED, which)).fetchall()
    return {files.path(id_): count for id_, count in found}


def _examples(conn: psycopg.Connection, workbook: Workbook, which: sql.Composable, files: _Files) -> list[Example]:
    names = [column.name for column in _values(workbook)]
    query = sql.SQL(
        "select coalesce(newer_file, standing_file), {} from {} where {} order by (planned)._sheet, (planned)._row"
        " limit {}"
    ).format(
        sql.SQL(", ").join([*_parts("planned", workbook.key), *_parts("planned", names), *_parts("standing", names)]),
        _COMPARED,
        which,
        EXAMPLES,
    )
    found = []
    for file, *values in conn.execute(query).fetchall():
        key, rest = values[: len(workbook.key)], values[len(workbook.key) :]
        pairs = zip(names, rest[len(names) :], rest[: len(names)], strict=True)
        changes = {name: (old, new) for name, old, new in pairs if file is not None and old != new}
        found.append(
            Example(dict(zip(workbook.key, key, strict=True)), changes, None if file is None else files.path(file))
        )
    return found


def _parts(row: str, names: Sequence[str]) -> list[sql.Composable]:
    return [sql.SQL("({}).{}").format(sql.Identifier(row), sql.Identifier(name)) for name in names]


def _changed_columns(conn: psycopg.Connection, workbook: Workbook) -> dict[str, int]:
    names = [column.name for column in _values(workbook)]
    if not names:
        return {}
    counts = [
        sql.SQL("count(*) filter (where (planned).{0} is distinct from (standing).{0})").format(sql.Identifier(name))
        for name in names
    ]
    query = sql.SQL("select {} from {} where fate = 'changed'").format(sql.SQL(", ").join(counts), _COMPARED)
    row = conn.execute(query).fetchone() or ()
    return {name: count for name, count in zip(names, row, strict=True) if count}


def _withdrawn(conn: psycopg.Connection, workbook: Workbook, place: _Place) -> tuple[int, int, list[Example]]:
    """Rows shown now that would go; how many of them for an older file's row; some of their keys."""
    terms = {
        "rows": rows_table(workbook.domain, workbook.thing),
        "planned": _PLANNED,
        "leaving": sql.Literal(place.leaving),
        "same": _equal(workbook, workbook.key, "p", "r"),
        "older": _equal(workbook, workbook.key, "o", "r"),
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
    in_order = sql.SQL(" order by r._sheet, r._row limit {}").format(EXAMPLES)
    found = conn.execute(sql.SQL("select {key}").format(**terms) + going + in_order).fetchall()
    return count, again, [Example(dict(zip(workbook.key, key, strict=True))) for key in found]


def _moves(conn: psycopg.Connection, workbook: Workbook, rows_new: int) -> Iterator[Move]:
    """The money columns whose amounts differ from those that stand.

    An amount is compared with the one of its key; where the key has days and holds nothing for this one, with the
    newest one before it of the same rest of the key: a price list of April moves the prices of March.
    """
    amounts = [column.name for column in _values(workbook) if column.kind == "money"]
    if not amounts:
        return
    _pair_amounts(conn, workbook, amounts, rows_new)
    for number, name in enumerate(amounts):
        new, old = (sql.Identifier(f"{which}{number}") for which in ("new", "old"))
        query = sql.SQL(
            "select count(*) filter (where {new} > {old}), count(*) filter (where {new} < {old}),"
            " (avg(({new} - {old}) / {old}) filter (where {new} > {old} and {old} > 0))::float8,"
            " (avg(({new} - {old}) / {old}) filter (where {new} < {old} and {old} > 0))::float8 from {moved}"
        ).format(new=new, old=old, moved=_MOVED)
        up, down, mean_up, mean_down = conn.execute(query).fetchone() or (0, 0, None, None)
        if up or down:
            biggest = _biggest(conn, workbook, name, new, old)
            yield Move(name, up, down, mean_up, mean_down, biggest)


def _pair_amounts(conn: psycopg.Connection, workbook: Workbook, amounts: Sequence[str], rows_new: int) -> None:
    """`moved`: the key of each new or changed row as `key0` …, its amounts as `new0` …, those that stand as `old0` …"""
    pairs = [("key", "planned", workbook.key), ("new", "planned", amounts), ("old", "standing", amounts)]
    same_key = _listed(
        (part, f"{word}{number}") for word, row, names in pairs for number, part in enumerate(_parts(row, names))
    )
    command = sql.SQL("create temporary table moved on commit drop as select {} from {} where fate = 'changed'")
    conn.execute(command.format(same_key, _COMPARED))
    kinds = {column.name: column.kind for column in workbook.columns}
    days = [name for name in workbook.key if kinds[name] in ("day", "moment")]
    rest = [name for name in workbook.key if name not in days]
    if rows_new and days and rest:
        command = sql.SQL(
            "create temporary table fresh on commit drop as select (planned).* from {} where fate = 'new'"
        )
        conn.execute(command.format(_COMPARED))
        conn.execute(sql.SQL("analyze {}").format(_FRESH))
        conn.execute(sql.SQL("insert into {} ").format(_MOVED) + _pairs_by_day(workbook, amounts, days, rest))


def _pairs_by_day(workbook: Workbook, amounts: Sequence[str], days: Sequence[str], rest: Sequence[str]) -> sql.Composed:
    """Each new row beside the last standing one before it of the same rest of the key.

    `known` counts the standing rows of the same rest of the key up to a day, so it names the last of them.
    """
    terms: dict[str, Sequence[sql.Composable]] = {
        "who": key_terms(workbook.columns, rest, ""),
        "day": key_terms(workbook.columns, days, ""),
        "key": [sql.Identifier(name) for name in workbook.key],
        "new": [sql.Identifier(name) for name in amounts],
    }
    labels = {word: [sql.Identifier(f"{word}{number}") for number in range(len(terms[word]))] for word in terms}
    pairs = [("n", label) for label in (*labels["key"], *labels["new"])] + [("o", label) for label in labels["new"]]
    return sql.SQL(
        """
        with before as (
            select {taken} from {rows} r
            where _superseded_by is null and exists (select 1 from {fresh} p where {together})
        ), numbered as (
            select *, count(*) filter (where not mine) over (partition by {who} order by {day}) as known
            from (select {taken}, true as mine from {fresh} union all select *, false from before) every_row
        )
        select {pairs} from numbered n join numbered o on {same} and o.known = n.known where n.mine and not o.mine
        """
    ).format(
        taken=_listed(
            (term, f"{word}{number}") for word, listed in terms.items() for number, term in enumerate(listed)
        ),
        fresh=_FRESH,
        rows=rows_table(workbook.domain, workbook.thing),
        together=_equal(workbook, rest, "p", "r"),
        who=sql.SQL(", ").join(labels["who"]),
        day=sql.SQL(", ").join(labels["day"]),
        pairs=sql.SQL(", ").join(sql.SQL("{}.{}").format(sql.Identifier(row), label) for row, label in pairs),
        same=sql.SQL(" and ").join(sql.SQL("o.{0} = n.{0}").format(label) for label in labels["who"]),
    )


def _listed(terms: Iterable[tuple[sql.Composable, str]]) -> sql.Composed:
    """`term as label, …`"""
    return sql.SQL(", ").join(sql.SQL("{} as {}").format(term, sql.Identifier(label)) for term, label in terms)


def _biggest(
    conn: psycopg.Connection, workbook: Workbook, name: str, new: sql.Identifier, old: sql.Identifier
) -> Example:
    keys = [sql.Identifier(f"key{number}") for number in range(len(workbook.key))]
    query = sql.SQL(
        "select {old}, {new}, {keys} from {moved} where {new} <> {old}"
        " order by abs(({new} - {old}) / nullif({old}, 0)) desc nulls last, abs({new} - {old}) desc, {keys} limit 1"
    ).format(old=old, new=new, keys=sql.SQL(", ").join(keys), moved=_MOVED)
    was, becomes, *key = conn.execute(query).fetchone() or (None, None)
    return Example(dict(zip(workbook.key, key, strict=True)), {name: (was, becomes)})


def _by_content(conn: psycopg.Connection, workbook: Workbook, place: _Place) -> dict[str, Any]:
    """Without a key a row is its values, and belongs to its file alone: it comes, stays or goes."""
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in workbook.columns)
    coming = sql.SQL("(select {} from {})").format(names, _PLANNED)
    going = sql.SQL("(select {} from {} where _file = any({}))").format(
        names, rows_table(workbook.domain, workbook.thing), sql.Literal(place.leaving)
    )
    new, some_new = _without(conn, workbook, coming, going)
    withdrawn, some_withdrawn = _without(conn, workbook, going, coming)
    (count,) = conn.execute(sql.SQL("select count(*) from {}").format(_PLANNED)).fetchone() or (0,)
    examples = {"new": some_new, "withdrawn": some_withdrawn}
    return {
        "new": new,
        "unchanged": count - new,
        "withdrawn": withdrawn,
        "examples": {word: rows for word, rows in examples.items() if rows},
    }


def _without(
    conn: psycopg.Connection, workbook: Workbook, these: sql.Composed, those: sql.Composed
) -> tuple[int, list[Example]]:
    """How many of `these` rows are not among `those`, each of which matches one; with examples."""
    rest = sql.SQL("({} except all {}) rest").format(these, those)
    (count,) = conn.execute(sql.SQL("select count(*) from {}").format(rest)).fetchone() or (0,)
    query = sql.SQL("select * from {} order by 1 limit {}").format(rest, EXAMPLES)
    some = conn.execute(query).fetchall() if count else []
    names = [column.name for column in workbook.columns]
    return count, [Example(dict(zip(names, row, strict=True))) for row in some]
