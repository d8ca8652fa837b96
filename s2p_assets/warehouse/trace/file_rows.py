"""The files at the end of a trace: which file a row was read from, and which of its cells hold the values.

Which rows lie under a row is found in `tracer.py`.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.trace.ledger_views import LedgerView

RowValues = Mapping[str, Any]
CellLocator = Callable[[RowValues, RowValues], tuple[str, int, dict[str, str]]]
"""A found row and the file's places → its sheet, its row, and the cells of its columns."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """The row of a file that a stored row was read from.

    `path` is relative to the share, `archived` the kept original, `superseded_by` the path of a newer file that
    holds the row's key, None for a current row. `cells`: column → address of its cell; a value that was read
    from the sheet's or the file's name has none. `row`: 0 where it is of a whole sheet, or a rejected cell.
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


def files_of_rows(
    conn: psycopg.Connection, archive: Path | None, source: object, columns: Sequence[str], found: Sequence[RowValues]
) -> list[FileRow | None]:
    """The file of each row that was found at `source`; None for rows that were derived from others."""
    if isinstance(source, Workbook):
        return _files(
            conn, archive, found, "_file", lambda row, letters: _workbook_cells(source, row, columns, letters)
        )
    if isinstance(source, LedgerView):
        return _files(conn, archive, found, "file", _ledger_cell)
    return [None] * len(found)


def _files(
    conn: psycopg.Connection, archive: Path | None, found: Sequence[RowValues], by: str, where: CellLocator
) -> list[FileRow | None]:
    """`by`: the column with the file's number in the ledger."""
    ids = sorted({id_ for row in found for id_ in (row[by], row.get("_superseded_by")) if id_})
    query = "select id, path, loaded_at, run_id, sha256, archived, column_letters from s2p.files where id = any(%s)"
    files = {id_: rest for id_, *rest in conn.execute(query, (ids,))} if ids else {}
    rows: list[FileRow | None] = []
    for row in found:
        path, loaded_at, run_id, sha256, archived, column_letters = files[row[by]]
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
