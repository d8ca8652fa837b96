"""Columns into and out of PostgreSQL with COPY, exact in both directions.

Out it goes as CSV: strings always in quotes, missing values bare, so that "" and nothing stay two things. In it goes
in binary, or as CSV where a value has no exact binary form.
Which rows are copied, and when, belongs to `load.py` and `store.py`.
"""

import io
from collections.abc import Sequence
from typing import Any

import psycopg
import pyarrow
import pyarrow.csv
from psycopg import sql

from s2p_assets.warehouse.tables.binary_rows import HEADER, TRAILER, binary_rows, can_be_binary

BATCH_ROWS = 1 << 15
READ_BLOCK_BYTES = 1 << 23  # no row may be longer


def copy_in(conn: psycopg.Connection, target: sql.Identifier, tables: Sequence[pyarrow.Table]) -> None:
    """Append the rows of `tables`, which have the same columns in the same order, in one COPY.

    Columns are matched by name. Raises psycopg.DataError or IntegrityError for what does not fit.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, tables[0].column_names))
    types = _types(conn, target, tables[0].column_names)
    batches = (batch for table in tables for batch in table.to_batches(BATCH_ROWS))
    binary = can_be_binary(tables, types)
    copy_format = sql.SQL("binary" if binary else "csv")
    command = sql.SQL("copy {} ({}) from stdin (format {})").format(target, names, copy_format)
    with conn.cursor() as cursor, cursor.copy(command) as copy:
        if binary:
            copy.write(HEADER)
        for batch in batches:
            copy.write(binary_rows(batch, types) if binary else _csv(batch))
        if binary:
            copy.write(TRAILER)


def _types(conn: psycopg.Connection, target: sql.Identifier, names: Sequence[str]) -> list[str]:
    """The PostgreSQL types of these columns, "" for a column that is not there."""
    query = "select attname::text, atttypid::regtype::text from pg_attribute where attrelid = %s::regclass"
    found: dict[str, str] = dict(conn.execute(query, (target.as_string(conn),)).fetchall())
    return [found.get(name, "") for name in names]


def _csv(batch: pyarrow.RecordBatch) -> memoryview:
    buffer = pyarrow.BufferOutputStream()
    pyarrow.csv.write_csv(batch, buffer, pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed"))
    return memoryview(buffer.getvalue())


def copied_csv(schema: pyarrow.Schema) -> dict[str, Any]:
    """The options by which pyarrow reads the CSV that PostgreSQL's COPY writes, as the columns of `schema`."""
    return {
        "read_options": pyarrow.csv.ReadOptions(column_names=schema.names, block_size=READ_BLOCK_BYTES),
        "parse_options": pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        "convert_options": pyarrow.csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    }


def copy_out(conn: psycopg.Connection, query: sql.Composable, schema: pyarrow.Schema) -> pyarrow.Table:
    """The rows of `query`, whose columns are those of `schema`, in order."""
    buffer = io.BytesIO()
    with conn.cursor() as cursor, cursor.copy(sql.SQL("copy ({}) to stdout (format csv)").format(query)) as copy:
        for part in copy:
            buffer.write(part)
    if not buffer.tell():
        return schema.empty_table()
    return pyarrow.csv.read_csv(pyarrow.py_buffer(buffer.getbuffer()), **copied_csv(schema))
