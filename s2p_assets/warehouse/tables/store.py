"""The content of derived tables: replaced as a whole, named by a hash of what is in it, and read back.

Their DDL belongs to `derived_tables.py`; tables of workbooks are filled by `load.py`.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import psycopg
import pyarrow
from psycopg import sql

from s2p_assets.contracts.columns import Column, arrow_schema
from s2p_assets.contracts.dbt_model import DbtModel
from s2p_assets.contracts.stream import Stream
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.server.advisory_locks import advisory_lock
from s2p_assets.warehouse.tables.content_versions import rows_version
from s2p_assets.warehouse.tables.contract_versions import contract_version
from s2p_assets.warehouse.tables.copying import copy_in, copy_out
from s2p_assets.warehouse.tables.derived_tables import ensure_derived_table
from s2p_assets.warehouse.tables.not_stored import NotStored
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.tables.table_declaration import TableDeclaration

MAX_KEYS_SHOWN = 3


class DuplicateKey(Exception):
    """A key is in more than one row; one line that names the first such keys."""


@dataclass(frozen=True, slots=True)
class ReplaceResult:
    """The content of a table now; `changed`: whether it differs from the content before."""

    rows: int
    version: str
    changed: bool


def replace_table(conn: psycopg.Connection, table: TableDeclaration, frame: pd.DataFrame) -> ReplaceResult:
    """Make the rows of `frame` the content of the table, in one transaction; readers see the old rows until then.

    Nothing is written when the content is the same. Raises KeyRepeated, KeyError naming missing and undeclared
    columns, and psycopg.IntegrityError for a missing value in a column that is not optional.
    """
    rows = declared_rows(frame, table)
    _check_key(rows, table)
    version = rows_version(rows)
    ensure_derived_table(conn, table.domain, table.name, table.columns, key=table.key, description=table.description)
    identifier = sql.Identifier(table.domain, table.name)
    with conn.transaction():
        advisory_lock(conn, f"{table.domain}.{table.name}")
        if stored_version(conn, table.domain, table.name) == version:
            return ReplaceResult(rows.num_rows, version, changed=False)
        conn.execute(sql.SQL("delete from {}").format(identifier))
        copy_in(conn, identifier, [rows])
        set_version(conn, table, version, rows.num_rows)
        conn.execute(sql.SQL("analyze {}").format(identifier))
    return ReplaceResult(rows.num_rows, version, changed=True)


def replace_rows(
    conn: psycopg.Connection,
    table: TableDeclaration,
    frame: pd.DataFrame,
    is_part: Callable[[pd.DataFrame], "pd.Series[bool]"],
    *,
    by: Sequence[str],
) -> ReplaceResult:
    """Make the rows of `frame` the content of a part of the table, in one transaction; all other rows stay.

    `is_part`: which stored rows the part holds, all of them or none for the same values of the columns `by`. Several
    parts may be replaced at once by several processes. Nothing is written when the content is the same.
    Raises as `replace_table` does.
    """
    rows = declared_rows(frame, table)
    ensure_derived_table(conn, table.domain, table.name, table.columns, key=table.key, description=table.description)
    identifier = sql.Identifier(table.domain, table.name)
    with conn.transaction():
        advisory_lock(conn, f"{table.domain}.{table.name}")
        stored = read_rows(conn, table.domain, table.name, table.columns)
        old = stored[is_part(stored).to_numpy(bool)]
        whole = pyarrow.concat_tables([declared_rows(stored.drop(old.index), table), rows])
        _check_key(whole, table)
        version = rows_version(whole)
        if stored_version(conn, table.domain, table.name) == version:
            return ReplaceResult(whole.num_rows, version, changed=False)
        part = pyarrow.Table.from_pandas(old[list(by)].drop_duplicates(), preserve_index=False)
        same = sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in by)
        with conn.cursor() as cursor:
            values = list(zip(*(part.column(name).to_pylist() for name in by), strict=True))
            cursor.executemany(sql.SQL("delete from {} where ").format(identifier) + same, values)
        copy_in(conn, identifier, [rows])
        set_version(conn, table, version, whole.num_rows)
        conn.execute(sql.SQL("analyze {}").format(identifier))
    return ReplaceResult(whole.num_rows, version, changed=True)


def set_version(conn: psycopg.Connection, table: TableDeclaration | DbtModel, version: str, rows: int) -> None:
    """Note which content stands in a derived table."""
    conn.execute(
        "insert into s2p.contents (domain, table_name, version, rows) values (%s, %s, %s, %s)"
        " on conflict (domain, table_name) do update set version = excluded.version, rows = excluded.rows,"
        " stored_at = now()",
        (table.domain, table.name, version, rows),
    )


def stored_version(conn: psycopg.Connection, domain: str, name: str) -> str | None:
    """The content version of a derived table; None when it was never stored."""
    ensure_own_tables(conn)
    row = conn.execute(
        "select version from s2p.contents where domain = %s and table_name = %s", (domain, name)
    ).fetchone()
    return str(row[0]) if row else None


def read_rows(
    conn: psycopg.Connection,
    domain: str,
    name: str,
    columns: Sequence[Column],
    *,
    order: Sequence[str] = (),
    limit: int | None = None,
    cast: bool = False,
) -> pd.DataFrame:
    """The declared columns of a table or of a workbook's view, in rows sorted by `order`, at most `limit` of them.

    Text and codes are `string[pyarrow]`; numbers, money and percents float64; whole numbers int64, Int64 when
    optional; days and moments datetime64[ns], or [us] where a year such as 9999 asks for it; truth values bool,
    boolean when optional. Raises NotStored.
    `cast`: for a table that others make, whose columns may be of another type than is declared.
    """
    names = sql.SQL(", ").join(_cast(column) if cast else sql.Identifier(column.name) for column in columns)
    query = sql.SQL("select {} from {}").format(names, sql.Identifier(domain, name))
    if order:
        query += sql.SQL(" order by {}").format(sql.SQL(", ").join(map(sql.Identifier, order)))
    if limit is not None:
        query += sql.SQL(" limit {}").format(sql.Literal(limit))
    try:
        rows = copy_out(conn, query, arrow_schema(columns))
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedColumn) as error:
        reason = (error.diag.message_primary or "").strip()
        raise NotStored(f"{domain}.{name} is not stored as declared ({reason}); materialize it, then read it") from None
    return pd.DataFrame({column.name: _to_pandas(rows.column(column.name), column) for column in columns})


def _cast(column: Column) -> sql.Composable:
    return sql.SQL("{}::" + column.postgres_type).format(sql.Identifier(column.name))


def workbook_version(conn: psycopg.Connection, workbook: Workbook) -> str:
    """A hash of the content of a workbook's table: the contract, and the bytes of every file that holds rows in it."""
    ensure_own_tables(conn)
    if isinstance(workbook, Stream):
        return _stream_version(conn, workbook)
    files = conn.execute(
        "select sha256, contract_version from s2p.files where workbook = %s and is_loaded order by as_of_ns, id",
        (workbook.full_name,),
    ).fetchall()
    in_order = files if workbook.key else sorted(files)
    lines = [contract_version(workbook), *(" ".join(file) for file in in_order)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _stream_version(conn: psycopg.Connection, stream: Stream) -> str:
    """Of the days of a stream, which grow, how many rows each has taken."""
    days = conn.execute(
        "select id, rows_accepted, contract_version from s2p.files where workbook = %s and is_loaded order by id",
        (stream.full_name,),
    ).fetchall()
    lines = [contract_version(stream), *(" ".join(map(str, day)) for day in days)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def declared_rows(frame: pd.DataFrame, table: TableDeclaration) -> pyarrow.Table:
    """`frame` in the declared columns and types. Raises KeyError naming missing and undeclared columns."""
    names = [column.name for column in table.columns]
    missing = [name for name in names if name not in frame.columns]
    surplus = [name for name in frame.columns if name not in names]
    if missing or surplus:
        identifier = f"{table.domain}.{table.name}"
        raise KeyError(f"{identifier}: missing columns {missing}, undeclared columns {surplus}")
    arrays = [_to_arrow(frame[column.name], column) for column in table.columns]
    return pyarrow.table(arrays, schema=arrow_schema(table.columns))


def _to_arrow(values: pd.Series, column: Column) -> pyarrow.ChunkedArray:
    array = pyarrow.chunked_array([pyarrow.array(values, from_pandas=True)])
    try:
        return array.cast(column.arrow_type, safe=not pyarrow.types.is_temporal(array.type))
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError) as error:
        raise ValueError(f"column {column.name} is declared as {column.kind}: {error}") from None


def _check_key(rows: pyarrow.Table, table: TableDeclaration) -> None:
    keys = rows.select(list(table.key)).to_pandas(types_mapper=pd.ArrowDtype)
    repeated = keys[keys.duplicated()].drop_duplicates()
    if len(repeated):
        shown = "; ".join(
            ", ".join(f"{name} {value}" for name, value in zip(table.key, row, strict=True))
            for row in repeated.head(MAX_KEYS_SHOWN).itertuples(index=False, name=None)
        )
        more = f" and {len(repeated) - MAX_KEYS_SHOWN} more" if len(repeated) > MAX_KEYS_SHOWN else ""
        raise DuplicateKey(
            f"{table.domain}.{table.name}: more than one row for {shown}{more}; the key is ({', '.join(table.key)})"
        )


def _to_pandas(values: pyarrow.ChunkedArray, column: Column) -> pd.Series:
    if column.kind in ("text", "code"):
        return pd.Series(values.to_pandas(types_mapper={pyarrow.string(): pd.StringDtype("pyarrow")}.get))
    if column.kind == "integer":
        return _nullable(values, pd.Int64Dtype(), column)
    if column.kind == "boolean":
        return _nullable(values, pd.BooleanDtype(), column)
    if column.kind in ("date", "timestamp"):
        return _to_nanoseconds(pd.Series(values.cast(pyarrow.timestamp("us")).to_pandas()))
    return pd.Series(values.to_pandas())


def _nullable(values: pyarrow.ChunkedArray, dtype: Any, column: Column) -> pd.Series:
    if column.nullable or values.null_count:
        return pd.Series(values.to_pandas(types_mapper={values.type: dtype}.get))
    return pd.Series(values.to_pandas())


def _to_nanoseconds(values: pd.Series) -> pd.Series:
    try:
        return values.astype("datetime64[ns]")
    except pd.errors.OutOfBoundsDatetime:
        return values
