"""From a stored row back to the file, sheet and row that it was read from.

Following a report's number to the rows behind it belongs to those who made the number.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from s2p_assets.spreadsheet.contract import Workbook
from s2p_assets.warehouse.schema import rows_table

CELLS_AT_MOST = 1000


@dataclass(frozen=True, slots=True)
class Cell:
    """One stored value and where it was written.

    `path` is relative to the share, `archived` the kept original (relative to the archive when none was given),
    `headers` the sheet's header cells as written, `superseded_by` the path of a newer file that holds the row's
    key, None for a row that stands.
    """

    path: str
    sheet: str
    row: int
    column: str
    value: Any
    headers: tuple[str, ...]
    loaded_at: dt.datetime
    run_id: str | None
    sha256: str
    archived: Path | None
    superseded_by: str | None


def cells_of(
    conn: psycopg.Connection,
    workbook: Workbook,
    where: Mapping[str, Any],
    columns: tuple[str, ...] = (),
    archive: Path | None = None,
) -> list[Cell]:
    """The cells of the rows whose columns have the values of `where`, superseded rows too, newest file first.

    `columns`: only these; by default all that are declared. At most 1000 rows. Raises KeyError naming a column
    that the workbook does not have.
    """
    declared = {column.name: column for column in workbook.columns}
    chosen = columns or tuple(declared)
    unknown = [name for name in (*chosen, *where) if name not in declared and name not in ("_file", "_sheet", "_row")]
    if unknown:
        raise KeyError(
            f"{workbook.domain}.{workbook.thing} has no column {', '.join(unknown)}; it has {', '.join(declared)}"
        )
    terms = [sql.SQL("r.{} is not distinct from {}").format(sql.Identifier(name), sql.Placeholder()) for name in where]
    query = sql.SQL(
        "select f.path, r._sheet, r._row, f.headers -> r._sheet, f.loaded_at, f.run_id, f.sha256, f.archived, n.path,"
        " {values} from {rows} r join s2p.files f on f.id = r._file left join s2p.files n on n.id = r._superseded_by"
        " where {terms} order by f.as_of_ns desc, f.id desc, r._sheet, r._row limit {limit}"
    ).format(
        values=sql.SQL(", ").join(sql.Identifier("r", name) for name in chosen),
        rows=rows_table(workbook.domain, workbook.thing),
        terms=sql.SQL(" and ").join(terms) if terms else sql.SQL("true"),
        limit=sql.Literal(CELLS_AT_MOST),
    )
    return [
        Cell(
            path=path,
            sheet=sheet,
            row=row,
            column=name,
            value=value,
            headers=tuple(headers or ()),
            loaded_at=loaded_at,
            run_id=run_id,
            sha256=sha256,
            archived=(archive or Path()) / kept if kept else None,
            superseded_by=newer,
        )
        for path, sheet, row, headers, loaded_at, run_id, sha256, kept, newer, *values in conn.execute(
            query, list(where.values())
        )
        for name, value in zip(chosen, values, strict=True)
    ]
