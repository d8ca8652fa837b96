"""What people entered, as the database knows it: each entry with person, time and reason, and its rows.

The rows themselves are loaded as those of every file are; what may be entered is decided in the services.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, LiteralString, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from s2p_assets.contracts.entered import EntryAction, EntryKind
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.files.archive import ArchivedFile
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

EndedHow = Literal["undone", "released", "lapsed"]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A row of an entry. `key`: its values, empty where the kind of workbook has none; all values are as JSON.

    `columns`: those that the person gave other values; `before`: the row that it was made on, `base_…`: where that
    stood; `sheet`, `row`: where it stands in the entry's workbook. `ended_…`: when, how, by whom and why it ended.
    """

    path: str
    number: int
    action: EntryAction
    key: dict[str, Any]
    columns: list[str]
    before: dict[str, Any] | None
    after: dict[str, Any]
    base_file: int | None
    base_sheet: str | None
    base_row: int | None
    sheet: str
    row: int
    ended_at: dt.datetime | None = None
    ended_how: EndedHow | None = None
    ended_by: str | None = None
    ended_why: str | None = None

    @property
    def shown_key(self) -> str:
        """Which row it is, in a sentence."""
        return ", ".join(str(value) for value in (self.key or self.after).values() if value is not None)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person entered at once. `name`: what it is asked for by; `rows`: in the order in which they were given."""

    path: str
    workbook: str
    kind: EntryKind
    reason: str
    made_by: str
    made_at: dt.datetime
    rows: tuple[EntryRow, ...] = field(default=())

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2].removesuffix(".xlsx")

    @property
    def standing(self) -> tuple[EntryRow, ...]:
        """The rows that have not ended."""
        return tuple(row for row in self.rows if row.ended_at is None)


_ROW_FIELDS: LiteralString = (
    "path, number, action, key, columns, before, after, base_file, base_sheet, base_row, sheet, row,"
    " ended_at, ended_how, ended_by, ended_why"
)


def insert_entry(conn: psycopg.Connection, entry: Entry) -> None:
    """Record an entry and its rows."""
    conn.execute(
        "insert into s2p.entries (path, workbook, kind, reason, made_by, made_at) values (%s, %s, %s, %s, %s, %s)",
        (entry.path, entry.workbook, entry.kind, entry.reason, entry.made_by, entry.made_at),
    )
    insert_rows(conn, entry.rows)


def find_entries(
    conn: psycopg.Connection,
    *,
    workbooks: Collection[str] | None = None,
    names: Collection[str] | None = None,
    key: Mapping[str, Any] | None = None,
    kind: EntryKind | None = None,
    is_standing: bool | None = None,
    most: int = 1000,
) -> list[Entry]:
    """Entries, the newest first, at most `most`: of these workbooks, by these names, with a row of this key.

    `is_standing`: whether any of their rows has not ended.
    """
    ensure_own_tables(conn)
    standing: LiteralString = "exists (select 1 from s2p.entry_rows r where r.path = e.path and r.ended_at is null)"
    asked: list[tuple[LiteralString, Any]] = [
        ("e.workbook = any(%s)", None if workbooks is None else list(workbooks)),
        ("e.path like any(%s)", None if names is None else [f"%/{_like(name)}.xlsx" for name in names]),
        (
            "exists (select 1 from s2p.entry_rows r where r.path = e.path and r.key = %s)",
            None if key is None else Jsonb(dict(key)),
        ),
        ("e.kind = %s", kind),
        (f"%s = {standing}", is_standing),
    ]
    where: LiteralString = " and ".join(["true", *(term for term, value in asked if value is not None)])
    query: LiteralString = "select path, workbook, kind, reason, made_by, made_at from s2p.entries e where "
    values = [value for _, value in asked if value is not None]
    found = conn.execute(query + where + " order by made_at desc, path desc limit %s", (*values, most)).fetchall()
    rows = _rows_of(conn, [path for path, *_ in found])
    return [replace(Entry(*about), rows=tuple(rows.get(about[0], ()))) for about in found]


def _like(name: str) -> str:
    return name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _rows_of(conn: psycopg.Connection, paths: Sequence[str]) -> dict[str, list[EntryRow]]:
    found: dict[str, list[EntryRow]] = {}
    with conn.cursor(row_factory=class_row(EntryRow)) as cursor:
        query = f"select {_ROW_FIELDS} from s2p.entry_rows where path = any(%s) order by path, number"  # noqa: S608  a constant
        for row in cursor.execute(query, (list(paths),)):
            found.setdefault(row.path, []).append(row)
    return found


def has_standing(conn: psycopg.Connection, workbook: str) -> bool:
    """Whether anything that people entered in this kind of workbook is in force."""
    ensure_own_tables(conn)
    query = "select 1 from s2p.files where workbook = %s and entered is not null and is_loaded limit 1"
    return conn.execute(query, (workbook,)).fetchone() is not None


def insert_rows(conn: psycopg.Connection, rows: Iterable[EntryRow]) -> None:
    """Record rows of an entry that is known."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into s2p.entry_rows (path, number, action, key, columns, before, after, base_file, base_sheet,"
            " base_row, sheet, row) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    *(row.path, row.number, row.action, Jsonb(row.key), row.columns),
                    None if row.before is None else Jsonb(row.before),
                    *(Jsonb(row.after), row.base_file, row.base_sheet, row.base_row, row.sheet, row.row),
                )
                for row in rows
            ],
        )


def end_rows(
    conn: psycopg.Connection, rows: Iterable[EntryRow], how: EndedHow, *, by: str | None, why: str | None
) -> None:
    """Record that these rows ended."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "update s2p.entry_rows set ended_at = now(), ended_how = %s, ended_by = %s, ended_why = %s"
            " where path = %s and number = %s and ended_at is null",
            [(how, by, why, row.path, row.number) for row in rows],
        )


def place_rows(conn: psycopg.Connection, rows: Iterable[EntryRow]) -> None:
    """Record what rows that have not ended say now, and where they stand in the newest version of their workbook."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "update s2p.entry_rows set sheet = %s, row = %s, columns = %s, before = %s, after = %s, base_file = %s,"
            " base_sheet = %s, base_row = %s where path = %s and number = %s",
            [
                (
                    *(row.sheet, row.row, row.columns, None if row.before is None else Jsonb(row.before)),
                    *(Jsonb(row.after), row.base_file, row.base_sheet, row.base_row, row.path, row.number),
                )
                for row in rows
            ],
        )


class EntryVersion(NamedTuple):
    """The newest version of the workbook of an entry, as the ledger has it."""

    id: int
    sha256: str
    as_of_ns: int


def entry_version(conn: psycopg.Connection, path: str) -> EntryVersion | None:
    """The version of an entry's workbook that is in force; None where none is."""
    query = "select id, sha256, as_of_ns from s2p.files where path = %s and status = 'current' and is_loaded"
    row = conn.execute(query, (path,)).fetchone()
    return EntryVersion(*row) if row else None


def kept_entries(
    conn: psycopg.Connection, workbook: Workbook, archive: Path
) -> dict[str, tuple[ArchivedFile, EntryKind]]:
    """The workbooks of entries that are in force, as the archive keeps them: path → copy and kind.

    What lies on the share under these paths counts for nothing: anybody could have put it there.
    """
    query = (
        "select path, sha256, size, mtime_ns, archived, as_of_ns, entered from s2p.files"
        " where workbook = %s and entered is not null and status = 'current'"
    )
    return {
        path: (ArchivedFile(sha256, size, mtime_ns, archive / archived, as_of_ns), entered)
        for path, sha256, size, mtime_ns, archived, as_of_ns, entered in conn.execute(query, (workbook.full_name,))
    }


class ShownEntry(NamedTuple):
    """The newest version of an entry's workbook, as s2p wrote it on the share."""

    size: int
    mtime_ns: int
    sha256: str


def shown_entries(conn: psycopg.Connection, paths: Sequence[str]) -> dict[str, ShownEntry]:
    """Of these paths, those that are of entries."""
    query = (
        "select path, size, mtime_ns, sha256 from s2p.files"
        " where path = any(%s) and entered is not null and status <> 'replaced'"
    )
    return {path: ShownEntry(*rest) for path, *rest in conn.execute(query, (list(paths),))} if paths else {}


class Told(NamedTuple):
    """Something that became of an entry and is told: `key` makes it one matter, `which` row, and `why`."""

    workbook: str
    key: str
    which: str
    why: str
    made_by: str
    made_at: dt.datetime
    reason: str


def lapsed_rows(conn: psycopg.Connection, since: dt.datetime) -> list[Told]:
    """The rows of corrections that lapsed since a moment."""
    ensure_own_tables(conn)
    query = (
        f"select {_ROW_FIELDS}, e.workbook, e.made_by, e.made_at, e.reason from s2p.entry_rows r"  # noqa: S608  a constant
        " join s2p.entries e using (path) where r.ended_how = 'lapsed' and r.ended_at >= %s order by r.ended_at, number"
    )
    found = []
    for *fields, workbook, made_by, made_at, reason in conn.execute(query, (since,)):
        row = EntryRow(*fields)
        key = f"{row.path}:{row.number}"
        found.append(Told(workbook, key, row.shown_key, row.ended_why or "", made_by, made_at, reason))
    return found


def overwritten_entries(
    conn: psycopg.Connection, workbook: str, place: tuple[str, str], since: dt.datetime
) -> list[Told]:
    """The entries of a kind of workbook rows of which files that were loaded since supersede: one for each file."""
    if not has_standing(conn, workbook):
        return []
    query = sql.SQL(
        "select e.workbook, e.path || ':' || w.path || ':' || w.sha256, '', count(*), w.path, e.made_by, e.made_at,"
        " e.reason"
        " from {} r join s2p.files f on f.id = r._file and f.entered = 'entry'"
        " join s2p.files w on w.id = r._superseded_by and w.entered is null and w.loaded_at >= %s"
        " join s2p.entries e on e.path = f.path group by e.path, w.path, w.sha256 order by 2"
    ).format(sql.Identifier(place[0], f"{place[1]}__rows"))
    return [
        Told(name, key, which, f"{path}, which is newer, has {count:,} of its rows", *about)
        for name, key, which, count, path, *about in conn.execute(query, (since,))
    ]
