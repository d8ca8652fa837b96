"""Foreign keys between workbooks as the tables know them: what may be referred to, and what refers to nothing.

How a file's cells are held against it belongs to the spreadsheet room.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pyarrow
import pyarrow.compute as pc
from psycopg import sql

from s2p_assets.contracts.workbook import Reference, ReferenceValues, Workbook
from s2p_assets.warehouse.tables.copying import copy_out

MAX_CELLS_SHOWN = 20
FEW_VALUES = 10_000


@dataclass(frozen=True, slots=True)
class DanglingReference:
    """Stored cells whose value is gone from where they refer to: how many, and the first of them."""

    reference: Reference
    count: int
    cells: tuple[str, ...]


def referenced_values(conn: psycopg.Connection, workbook: Workbook) -> dict[str, pyarrow.Array]:
    """What each referring column of `workbook` may hold by now: nothing, where nothing was loaded there."""
    return {reference.column: _values(conn, workbook, reference) for reference in workbook.references}


def values_referred_to(
    conn: psycopg.Connection, workbook: Workbook, rows: Sequence[Mapping[str, Any]]
) -> dict[str, pyarrow.Array]:
    """As `referenced_values` for these few rows: of what is there, all that could be meant by them.

    Values that are nearly the same are there too, so that a reader may name them.
    """
    found = {}
    for reference in workbook.references:
        every = _values(conn, workbook, reference)
        if len(every) > FEW_VALUES:
            wanted = {str(row.get(reference.column, "")) for row in rows}
            texts = every.cast(pyarrow.string())
            mask = pc.is_in(texts, pyarrow.array(sorted(wanted), pyarrow.string()))
            every = pyarrow.concat_arrays([every.filter(mask), every.slice(0, FEW_VALUES)])
        found[reference.column] = every
    return found


def _values(conn: psycopg.Connection, workbook: Workbook, reference: Reference) -> pyarrow.Array:
    kind = next(column.arrow_type for column in workbook.columns if column.name == reference.column)
    if not _exists(conn, reference):
        return pyarrow.array([], kind)
    query = sql.SQL("select distinct {0} from {1} where {0} is not null").format(
        sql.Identifier(reference.target_column), _referenced_table(reference)
    )
    return copy_out(conn, query, pyarrow.schema([(reference.target_column, kind)])).column(0).combine_chunks()


def _referenced_table(reference: Reference) -> sql.Identifier:
    return sql.Identifier(reference.domain, reference.name)


def _exists(conn: psycopg.Connection, reference: Reference) -> bool:
    row = conn.execute("select to_regclass(%s)", (_referenced_table(reference).as_string(conn),)).fetchone()
    return bool(row and row[0])


def files_to_read_again(conn: psycopg.Connection, workbook: Workbook, there: ReferenceValues, rule: str) -> list[str]:
    """The paths of files that `rule` sent back, wholly or in part, for a value that is there by now."""
    if not workbook.references:
        return []
    sent_back = conn.execute(
        "select f.path, found.finding->>'column', array_agg(distinct found.finding->>'value')"
        " from s2p.files f cross join jsonb_array_elements(f.findings) found(finding)"
        " where f.workbook = %s and f.status = 'current' and f.verdict in ('returned', 'partly')"
        " and found.finding->>'rule' = %s group by 1, 2",
        (workbook.full_name, rule),
    ).fetchall()
    held = {column: {str(value) for value in values.to_pylist()} for column, values in there.items()}
    return sorted(
        {
            path
            for path, column, values in sent_back
            if any(value in held.get(column, ()) if value else held.get(column) for value in values)
        }
    )


def dangling_references(conn: psycopg.Connection, workbook: Workbook) -> list[DanglingReference]:
    """The references of stored rows that lead nowhere, since what they referred to was withdrawn or renamed."""
    found = []
    for reference in workbook.references:
        if not _exists(conn, reference):
            continue
        query = sql.SQL(
            "select f.path, r._sheet, f.column_letters->r._sheet->>%s || r._row, r.{column}, count(*) over ()"
            " from {ours} r join s2p.files f on f.id = r._file where r.{column} is not null"
            " and not exists (select 1 from {there} t where t.{other} = r.{column})"
            " order by f.path, r._sheet, r._row limit %s"
        ).format(
            column=sql.Identifier(reference.column),
            ours=sql.Identifier(workbook.domain, workbook.name),
            there=_referenced_table(reference),
            other=sql.Identifier(reference.target_column),
        )
        rows = conn.execute(query, (reference.column, MAX_CELLS_SHOWN)).fetchall()
        if rows:
            cells = tuple(f"{path} › {sheet} › {cell}: '{value}'" for path, sheet, cell, value, _ in rows)
            found.append(DanglingReference(reference, rows[0][-1], cells))
    return found
