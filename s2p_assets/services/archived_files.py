"""A file as it was read, kept in the archive: who may have it, who handed it in, and its cells for a page.

Where a number's way down to a file leads is `trace.py`'s.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg
from psycopg.rows import dict_row

from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.own_faults import tell_own_fault
from s2p_assets.spreadsheet.reading_desk import FileToRead
from s2p_assets.spreadsheet.sandbox import ReadingProcessDied, Sandbox
from s2p_assets.spreadsheet.sheet_window import SheetWindow, read_window
from s2p_assets.warehouse.trace.file_rows import FileRow

FilePlace = tuple[str, str, int]
ENTRIES = "s2p-entries"

LEDGER_SQL = (
    "select f.workbook, f.path, f.sha256, f.archived, f.owner, f.loaded_at, f.status, f.verdict, h.handed_in_by,"
    " h.handed_in_at, e.made_by as entered_by, e.reason"
    " from s2p.files f left join s2p.handed_in h on h.path = f.path and h.sha256 = f.sha256"
    " left join s2p.entries e on e.path = f.path"
    " where f.path = %s and f.sha256 = %s order by f.id desc"
)
ENTERED_SQL = (
    "select e.made_by, e.made_at, e.reason, e.kind, b.path, b.sha256, r.base_sheet, r.base_row, r.columns, r.before"
    " from s2p.entries e left join s2p.entry_rows r on r.path = e.path and r.sheet = %s and r.row = %s"
    " left join s2p.files b on b.id = r.base_file where e.path = %s limit 1"
)


@dataclass(frozen=True)
class EnteredRow:
    """A row that somebody entered: who, when and why. `base`: the row of a file that it stands in place of, if any;
    `before`: what stood there in the columns that were changed.
    """

    entered_by: str
    entered_at: dt.datetime
    reason: str
    is_correction: bool
    base: FileRow | None
    before: Mapping[str, Any]


@dataclass(frozen=True)
class FileInArchive:
    """A version of a file. `handed_in_by`: who sent it through the door, None for who saved it on the share.

    `entered_by`, `reason`: set where a person entered it row by row.
    """

    path: str
    sha256: str
    original: Path
    workbook: str | None
    owner: str | None
    loaded_at: dt.datetime | None
    status: str
    verdict: str | None
    handed_in_by: str | None
    handed_in_at: dt.datetime | None
    entered_by: str | None = None
    reason: str | None = None

    @property
    def name(self) -> str:
        return PurePosixPath(self.path).name


def archived_file(ctx: Context, path: str, sha256: str, sees: Callable[[str], bool]) -> FileInArchive:
    """The version with these bytes at this path. Raises NotFound, also for what is kept to others.

    A file that several kinds of workbook were read from is for who sees them all.
    """
    with ctx.warehouse.reading() as connection:
        found = _in_ledger(connection, path, sha256)
    books = {one["workbook"] for one in found if one["workbook"]}
    kept = next((one for one in found if one["archived"]), None)
    if kept is None or not books or not all(sees(book) for book in books):
        raise NotFound(f"{path[:200]}: the archive has no such file")
    archive = ctx.settings.archive.resolve()
    original = (archive / kept["archived"]).resolve()
    if not original.is_relative_to(archive) or not original.is_file():
        raise NotFound(f"{path[:200]}: the archive holds it no longer")
    return FileInArchive(original=original, **{name: value for name, value in kept.items() if name != "archived"})


def _in_ledger(connection: psycopg.Connection, path: str, sha256: str) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(LEDGER_SQL, (path, sha256)).fetchall()


def entered_rows(ctx: Context, rows: Iterable[FileRow]) -> dict[FilePlace, EnteredRow]:
    """Of rows of files those that somebody entered, by path, sheet and row."""
    places = {(row.path, row.sheet, row.row) for row in rows if row.path.startswith(f"{ENTRIES}/")}
    found = {}
    with ctx.warehouse.reading() as connection:
        for path, sheet, row in places:
            if known := connection.execute(ENTERED_SQL, (sheet, row, path)).fetchone():
                found[path, sheet, row] = _entered(*known)
    return found


def _entered(*known: Any) -> EnteredRow:
    by, at, reason, kind, path, sha256, sheet, row, columns, before = known
    base = FileRow(path, sheet or "", row or 0, {}, None, None, sha256, None, None) if path else None
    changed = {name: (before or {}).get(name) for name in columns or ()}
    return EnteredRow(by, at, reason, kind == "correction", base, changed if before else {})


def window_of(
    ctx: Context, reader: Sandbox, file: FileInArchive, sheet: str, cells: Sequence[str], row: int
) -> SheetWindow:
    """The rows of a file around some of its cells, read in the bounds of the settings."""
    book = ctx.catalog.workbooks.get(file.workbook or "")
    encoding = book.encoding if book else None
    try:
        original = FileToRead(file.original.absolute())
        return reader.run(read_window, original, file.name, sheet, tuple(cells), row, encoding)
    except ReadingProcessDied as error:
        return SheetWindow(sheet, problem=str(error))
    except RuntimeError as fault:  # what a damaged file provokes, the reader tells itself
        return SheetWindow(sheet, problem=tell_own_fault(f"showing {file.path}", fault))
