"""The rows of a query written to a file of columns, a block at a time, however many they are.

Frames for s2p's own work are read by `store.py`.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from s2p_assets.contracts.columns import Kind, arrow_type
from s2p_assets.warehouse.tables.copying import copied_csv

if TYPE_CHECKING:
    import pyarrow

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
    wanted = arrow_fields(schema)
    with spooled_batches(connection, text, wanted, target.parent) as batches:
        if kind == "xlsx":
            from s2p_assets.warehouse.tables.sheet_export import write_sheet

            write_sheet(batches, schema, target)
        else:
            _write_columns(batches, wanted, kind, target)


def arrow_fields(fields: Sequence[tuple[str, Kind]]) -> "pyarrow.Schema":
    """The schema of columns with these names and kinds."""
    import pyarrow

    return pyarrow.schema([pyarrow.field(name, arrow_type(one)) for name, one in fields])


@contextmanager
def spooled_batches(
    connection: psycopg.Connection, query: str, schema: "pyarrow.Schema", folder: Path
) -> "Iterator[Iterator[pyarrow.RecordBatch]]":
    """The rows of a query as batches of Arrow, from a file in `folder` that is there for as long as the block lasts."""
    with tempfile.TemporaryFile(dir=folder) as spooled:
        with connection.cursor().copy(f"copy ({query}) to stdout (format csv)") as copy:
            for part in copy:
                spooled.write(part)
        spooled.seek(0)
        yield _batches(spooled, schema)


def _write_columns(batches: "Iterator[pyarrow.RecordBatch]", wanted: "pyarrow.Schema", kind: str, target: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    writer = (
        pyarrow.parquet.ParquetWriter(target, wanted)
        if kind == "parquet"
        else pyarrow.ipc.new_stream(str(target), wanted)
    )
    with writer:
        for batch in batches:
            writer.write_batch(batch)


def _batches(spooled: Any, schema: "pyarrow.Schema") -> "Iterator[pyarrow.RecordBatch]":
    import pyarrow.csv

    if not spooled.read(1):
        return
    spooled.seek(0)
    yield from pyarrow.csv.open_csv(spooled, **copied_csv(schema))
