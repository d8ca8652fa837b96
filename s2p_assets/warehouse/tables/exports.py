"""The rows of a query written to a file of columns, a block at a time, however many they are.

Frames for s2p's own work are read by `store.py`.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from s2p_assets.contracts.columns import Kind, arrow_type
from s2p_assets.warehouse.tables.copying import copied_csv

FORMATS = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Format → its media type."""


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

    from s2p_assets.warehouse.tables.sheet_export import write_sheet

    wanted = pyarrow.schema([pyarrow.field(name, arrow_type(one)) for name, one in schema])
    write_sheet(_batches(spooled, wanted), schema, target)


def _batches(spooled: Any, schema: Any) -> Any:
    import pyarrow.csv

    if not spooled.read(1):
        return
    spooled.seek(0)
    yield from pyarrow.csv.open_csv(spooled, **copied_csv(schema))
