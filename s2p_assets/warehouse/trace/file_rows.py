"""The files at the end of a trace: which file a row was read from, and which of its cells hold the values; who handed
it in, and of what a person entered, who, when and why, and the row of the file beneath.

Which rows lie under a row is found in `tracer.py`.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from s2p_assets.contracts.entered import ENTRIES_FOLDER, EntryAction, EntryKind
from s2p_assets.contracts.stream import DELETED, Stream, fields_in
from s2p_assets.contracts.values import as_json
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.streams.kept_events import events_at
from s2p_assets.warehouse.trace.ledger_views import LedgerView

RowValues = Mapping[str, Any]
CellLocator = Callable[[RowValues, RowValues], tuple[str, int, dict[str, str]]]
"""A found row and the file's places → its sheet, its row, and the cells of its columns."""


@dataclass(frozen=True, slots=True)
class EnteredBy:
    """Who entered a row, when and why. `columns`: those that the person gave other values.

    `before`: what the row said before, by column; `over`: the row of the file that it overrides, None for a new row.
    """

    by: str
    at: dt.datetime
    reason: str
    kind: EntryKind
    action: EntryAction
    columns: tuple[str, ...]
    before: dict[str, Any]
    over: "FileRow | None"


@dataclass(frozen=True, slots=True)
class FileRow:
    """The row of a file that a stored row was read from.

    `path` is relative to the share, `archived` the kept original, `superseded_by` the path of a newer file that
    holds the row's key, None for a current row. `cells`: column → address of its cell; a value that was read
    from the sheet's or the file's name has none. `row`: 0 where it is of a whole sheet, or a rejected cell.
    `handed_in_by`: who sent the file through the door, and when. `entered`: of what a person entered; `cells` are then
    those of the columns that the person gave, the others are beneath. `event`: of a stream, the event as it came; its
    topic and partition are the `sheet`, its offset the `row`, and `cells` are the fields of the event.
    """

    path: str
    sheet: str
    row: int
    cells: dict[str, str]
    loaded_at: dt.datetime | None
    run_id: str | None
    sha256: str
    archived: Path | None
    superseded_by: str | None
    handed_in_by: str | None = None
    handed_in_at: dt.datetime | None = None
    entered: EnteredBy | None = None
    event: str | None = None


def files_of_rows(
    conn: psycopg.Connection, archive: Path | None, source: object, columns: Sequence[str], found: Sequence[RowValues]
) -> list[FileRow | None]:
    """The file of each row that was found at `source`; None for rows that were derived from others."""
    if isinstance(source, Workbook):
        return _rows_of_workbook(conn, archive, source, columns, found)
    if isinstance(source, LedgerView):
        return _files(conn, archive, found, "file", _ledger_cell)
    return [None] * len(found)


def _rows_of_workbook(
    conn: psycopg.Connection, archive: Path | None, source: Workbook, columns: Sequence[str], found: Sequence[RowValues]
) -> list[FileRow | None]:
    def place(row: RowValues, letters: RowValues) -> tuple[str, int, dict[str, str]]:
        return _workbook_cells(source, row, columns, letters)

    files = _files(conn, archive, found, "_file", place)
    if isinstance(source, Stream):
        return _with_events(conn, source, columns, found, files)
    entered = [path for file in files if file and (path := file.path).startswith(f"{ENTRIES_FOLDER}/")]
    if not entered:
        return files
    known = _entered_rows(conn, entered)
    beneath = [_entry_of(known, source, row, one.path if one else "") for row, one in zip(found, files, strict=True)]
    bases = [entry.base for entry in beneath if entry and entry.base]
    under = _rows_of_workbook(conn, archive, source, columns, bases) if bases else []
    over = iter(under)
    return [
        one if one is None or entry is None else _with_person(one, entry, next(over) if entry.base else None)
        for one, entry in zip(files, beneath, strict=True)
    ]


def _with_events(
    conn: psycopg.Connection,
    stream: Stream,
    columns: Sequence[str],
    found: Sequence[RowValues],
    files: Sequence[FileRow | None],
) -> list[FileRow | None]:
    places = [(row["_file"], row["_sheet"].removesuffix(DELETED), row["_row"]) for row in found]
    events = events_at(conn, places)
    return [
        replace(file, event=shown, cells=fields_in(events[place], stream, columns))
        if file and place in events and (shown := events[place].decode("utf-8", "backslashreplace"))
        else file
        for place, file in zip(places, files, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _EnteredRow:
    """A row as it was entered; `base`: the row beneath, with the place that it was read from."""

    about: tuple[Any, ...]
    action: EntryAction
    key: dict[str, Any]
    columns: tuple[str, ...]
    before: dict[str, Any]
    base: dict[str, Any] | None
    place: tuple[str, int]


def _entered_rows(conn: psycopg.Connection, paths: Sequence[str]) -> dict[str, list[_EnteredRow]]:
    """By path the rows of entries, those that have not ended first."""
    query = (
        "select r.path, e.made_by, e.made_at, e.reason, e.kind, r.action, r.key, r.columns, r.before, r.base_file,"
        " r.base_sheet, r.base_row, r.sheet, r.row from s2p.entry_rows r join s2p.entries e using (path)"
        " where r.path = any(%s) order by r.ended_at is not null, r.number desc"
    )
    rows: dict[str, list[_EnteredRow]] = {}
    for path, by, at, reason, kind, action, key, columns, before, *where in conn.execute(query, (list(set(paths)),)):
        file, base_sheet, base_row, sheet, row = where
        base = (before or {}) | {"_file": file, "_sheet": base_sheet, "_row": base_row} if file else None
        entry = _EnteredRow((by, at, reason, kind), action, key, tuple(columns), before or {}, base, (sheet, row))
        rows.setdefault(path, []).append(entry)
    return rows


def _entry_of(
    known: Mapping[str, list[_EnteredRow]], source: Workbook, row: RowValues, path: str
) -> _EnteredRow | None:
    key = {name: as_json(row[name]) for name in source.key}
    of_path = known.get(path, [])
    same = (one for one in of_path if (one.key == key if source.key else one.place == (row["_sheet"], row["_row"])))
    return next(same, None)


def _with_person(file: FileRow, entry: _EnteredRow, over: FileRow | None) -> FileRow:
    by, at, reason, kind = entry.about
    given = {name: cell for name, cell in file.cells.items() if over is None or name in entry.columns}
    before = {name: entry.before.get(name) for name in file.cells} if over else {}
    return replace(
        file, cells=given, entered=EnteredBy(by, at, reason, kind, entry.action, entry.columns, before, over)
    )


def _files(
    conn: psycopg.Connection, archive: Path | None, found: Sequence[RowValues], by: str, where: CellLocator
) -> list[FileRow | None]:
    """`by`: the column with the file's number in the ledger."""
    ids = sorted({id_ for row in found for id_ in (row[by], row.get("_superseded_by")) if id_})
    query = (
        "select f.id, f.path, f.loaded_at, f.run_id, f.sha256, f.archived, f.column_letters, h.handed_in_by,"
        " h.handed_in_at from s2p.files f left join s2p.handed_in h on h.path = f.path and h.sha256 = f.sha256"
        " where f.id = any(%s)"
    )
    files = {id_: rest for id_, *rest in conn.execute(query, (ids,))} if ids else {}
    rows: list[FileRow | None] = []
    for row in found:
        path, loaded_at, run_id, sha256, archived, column_letters, handed_in_by, handed_in_at = files[row[by]]
        sheet, number, cells = where(row, column_letters)
        newer = row.get("_superseded_by")
        rows.append(
            FileRow(
                path=path,
                sheet=sheet,
                row=number,
                cells=cells,
                loaded_at=loaded_at,
                run_id=run_id,
                sha256=sha256,
                archived=(archive or Path()) / archived if archived else None,
                superseded_by=files[newer][0] if newer else None,
                handed_in_by=handed_in_by,
                handed_in_at=handed_in_at,
            )
        )
    return rows


def _workbook_cells(
    workbook: Workbook, row: RowValues, columns: Sequence[str], column_letters: RowValues
) -> tuple[str, int, dict[str, str]]:
    here = column_letters.get(row["_sheet"], {})
    period = str(row.get(workbook.period.name)) if workbook.period else ""
    cells = {}
    for name in columns:
        place = here.get(name)
        if isinstance(place, Mapping):  # of a wide table: by period, whose own cell has its row too
            place = place.get(period)
        if place:
            cells[name] = place if place[-1].isdigit() else f"{place}{row['_row']}"
    return row["_sheet"], row["_row"], cells


def _ledger_cell(row: RowValues, _: RowValues) -> tuple[str, int, dict[str, str]]:
    return row["sheet"] or "", 0, {"value": row["cell"]} if row.get("cell") else {}
