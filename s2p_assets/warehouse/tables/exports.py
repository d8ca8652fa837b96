"""The rows of a query written to a file of columns, a block at a time, however many they are.

Frames for s2p's own work are read by `store.py`.
"""

import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from s2p_assets.contracts.columns import Kind, arrow_type
from s2p_assets.contracts.errors import MendableError
from s2p_assets.warehouse.tables.copying import copied_csv

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Format → its media type."""
SHEET_ROWS, CELL_LETTERS = 1_048_576, 32_767


class TooManyRows(MendableError):
    """There are more rows than a file of this format can hold."""


def write_rows(
    connection: psycopg.Connection,
    query: Any,
    values: Sequence[Any],
    schema: Sequence[tuple[str, Kind]],
    kind: str,
    target: Path,
) -> None:
    """Write the rows of `query`, whose columns are those of `schema`, to `target`; values are exact, in UTF-8.

    In `xlsx` numbers are Excel's, and no text is a formula. Raises TooManyRows for more than a sheet has.
    """
    named = {f"v{at}": value for at, value in enumerate(values, 1)}
    literal = connection.cursor()
    text = psycopg.ClientCursor(connection).mogrify(query, named)
    if kind == "csv":
        with target.open("wb") as file, literal.copy(f"copy ({text}) to stdout (format csv, header)") as copy:
            for part in copy:
                file.write(part)
        return
    with tempfile.TemporaryFile(dir=target.parent) as spooled:
        with literal.copy(f"copy ({text}) to stdout (format csv)") as copy:
            for part in copy:
                spooled.write(part)
        spooled.seek(0)
        if kind == "xlsx":
            _write_sheet(spooled, schema, target)
        else:
            _write_columns(spooled, schema, kind, target)


def _write_columns(spooled: Any, schema: Sequence[tuple[str, Kind]], kind: str, target: Path) -> None:
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    wanted = pyarrow.schema([pyarrow.field(name, arrow_type(one)) for name, one in schema])
    writer = (
        pyarrow.parquet.ParquetWriter(target, wanted)
        if kind == "parquet"
        else pyarrow.ipc.new_stream(str(target), wanted)
    )
    with writer:
        for batch in _batches(spooled, wanted):
            writer.write_batch(batch)


def _write_sheet(spooled: Any, schema: Sequence[tuple[str, Kind]], target: Path) -> None:
    import pyarrow
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    wanted = pyarrow.schema([pyarrow.field(name, arrow_type(one)) for name, one in schema])
    with xlsxwriter.Workbook(str(target), {**options, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        for column, (name, _) in enumerate(schema):
            sheet.write_string(0, column, name, bold)
        sheet.freeze_panes(1, 0)
        number = 0
        for batch in _batches(spooled, wanted):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                if number >= SHEET_ROWS:
                    raise TooManyRows(f"a sheet of Excel has {SHEET_ROWS:,} rows at most: filter first, or take CSV")
                for column, value in enumerate(values):
                    if isinstance(value, str):
                        sheet.write_string(number, column, value[:CELL_LETTERS])
                    elif value is not None:
                        sheet.write(number, column, float(value) if isinstance(value, Decimal) else value)


def _batches(spooled: Any, schema: Any) -> Any:
    import pyarrow.csv

    if not spooled.read(1):
        return
    spooled.seek(0)
    yield from pyarrow.csv.open_csv(spooled, **copied_csv(schema))
