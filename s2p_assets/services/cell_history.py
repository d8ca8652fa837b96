"""What files and people say of one cell of a row, newest first; and the files under a cell of a table that is made.

The rows themselves are in `tables.py`; entering and taking back, in `entries/`.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from s2p_assets.catalog.catalog import Stored
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.services.context import Context
from s2p_assets.services.errors import NotFound
from s2p_assets.services.tables import row_history
from s2p_assets.services.trace import trace_table
from s2p_assets.warehouse.files.entries import Entry, find_entries
from s2p_assets.warehouse.trace.file_rows import FileRow
from s2p_assets.warehouse.trace.traced_rows import SourceRows

MOST_FOLLOWED = 12


@dataclass(frozen=True)
class CellVersion:
    """What one file, or one person's entry, says of a cell. `counts`: whether it is what the table shows.

    `entry`, `reason`: of what somebody entered, its name and why; `was`: what stood there before, where that is known.
    """

    value: Any
    who: str
    when: dt.datetime
    path: str
    sheet: str
    row: int
    counts: bool
    entry: str | None = None
    reason: str | None = None
    was: Any = None
    is_withdrawn: bool = False


def cell_history(ctx: Context, workbook: Workbook, key: Sequence[tuple[str, str]], column: str) -> list[CellVersion]:
    """Every version of a cell that files hold now, the newest first; what people entered with who, when and why."""
    rows = row_history(ctx, workbook, key)
    with ctx.warehouse.connect() as connection:
        entered = {one.path: one for one in find_entries(connection, workbooks=[workbook.full_name])}
    return [_version(row, column, entered.get(row["_path"])) for row in rows]


def _version(row: Mapping[str, Any], column: str, entry: Entry | None) -> CellVersion:
    place = (row["_sheet"], row["_row"])
    mine = next((one for one in (entry.rows if entry else ()) if (one.sheet, one.row) == place), None)
    return CellVersion(
        value=row[column],
        who=entry.made_by if entry else row["_owner"],
        when=entry.made_at if entry else row["_saved_at"],
        path=row["_path"],
        sheet=row["_sheet"],
        row=row["_row"],
        counts=row["_counts"],
        entry=entry.name if entry else None,
        reason=entry.reason if entry else None,
        was=(mine.before or {}).get(column) if mine else None,
        is_withdrawn=mine is not None and mine.action == "withdraw",
    )


def entry_of(ctx: Context, workbook: Workbook, name: str) -> Entry:
    """What somebody entered at once, by its name. Raises NotFound."""
    with ctx.warehouse.connect() as connection:
        found = find_entries(connection, workbooks=[workbook.full_name], names=[name])
    if not found:
        raise NotFound(f"nothing was entered in {workbook.full_name} by the name {name[:80]!r}")
    return found[0]


def files_under_cell(ctx: Context, declared: Stored, where: Mapping[str, str], column: str) -> list[FileRow]:
    """The rows of files that a cell of a table was made from, each once, the weightiest first. Raises NotTraceable."""
    found = trace_table(ctx, declared.full_name, where, (column,), most=MOST_FOLLOWED)
    known: dict[tuple[Any, ...], FileRow] = {}
    for file in _ends(found):
        known.setdefault((file.path, file.sheet, file.row), file)
    return list(known.values())[: MOST_FOLLOWED * 2]


def _ends(step: SourceRows) -> Iterator[FileRow]:
    for row in step.rows:
        if row.file:
            yield row.file
        for under in row.under:
            yield from _ends(under)
