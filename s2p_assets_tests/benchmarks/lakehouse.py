"""What a million rows cost as a Delta table, what a changed file of them writes, and what a past state of them costs.

    uv run python -m s2p_assets_tests.benchmarks.lakehouse                   # a million rows of 400 workbooks
    uv run python -m s2p_assets_tests.benchmarks.lakehouse --rows 100000

CPU seconds of this process and of PostgreSQL together; megabytes as they lie on the disk. The rows are put into the
table of a kind of workbook as loading leaves them there; reading the files is another benchmark's.
"""

import argparse
import datetime as dt
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pyarrow
from psycopg import sql

from s2p_assets.contracts.columns import Boolean, Code, Date, Integer, Money, Number, Row, Text, column
from s2p_assets.contracts.workbook import Workbook
from s2p_assets.warehouse.lakehouse.buckets import BUCKET, BucketedRows, buckets_for
from s2p_assets.warehouse.lakehouse.delta_tables import Commit, Lakehouse
from s2p_assets.warehouse.server import embedded
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.as_of import loaded_versions_at, read_as_of, restore_workbook
from s2p_assets.warehouse.tables.copying import copy_out
from s2p_assets.warehouse.tables.exports import arrow_fields, spooled_batches
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets.warehouse.tables.workbook_tables import ensure_workbook_table, rows_table
from s2p_assets_tests.benchmarks.sql_tables import measured

ROWS_A_FILE = 2_500


class Line(Row):
    """A line of a receipt."""

    receipt: Code = column("Receipt", description="Its number")
    day: Date = column("Day", description="When")
    shop: Code = column("Shop", description="Where")
    sku: Code = column("SKU", description="What was sold")
    name: Text = column("Name", description="What it is called")
    quantity: Integer = column("Quantity", description="Pieces")
    price: Money = column("Price", description="Of a piece", unit="EUR")
    weight: Number = column("Weight", description="Of a piece", unit="kg")
    returned: Boolean = column("Returned", description="Whether it came back")


Line.__module__ = "shelf.acme_lines"
BOOK = Workbook(rows=Line, path="lines/*.xlsx", owner="a@example.com", key=("receipt", "sku"))
PLACE = rows_table(BOOK.domain, BOOK.name)
LEDGER = """
insert into s2p.files (workbook, path, sha256, size, mtime_ns, as_of_ns, contract_version, verdict, owner, is_loaded,
    loaded_at, rows_read, rows_accepted)
select %s, 'lines/' || n || '.xlsx', md5(n || ' ' || %s::text), 1, 1, n, '', 'accepted', 'a', true,
    clock_timestamp(), {size}, {size}
from unnest(%s::int[]) n
"""
ROWS = """
insert into {place} (receipt, day, shop, sku, name, quantity, price, weight, returned, _file, _sheet, _row)
select 'R' || g / 4, date '2024-01-01' + ((g * 7919::bigint) %% 900)::int, 'S' || (g * 31::bigint) %% 40,
    lpad(((g * 104729::bigint) %% 5000)::text, 5, '0') || '-' || g %% 4, 'Article ' || (g * 104729::bigint) %% 5000,
    (g * 13::bigint) %% 30, round(((g * 7907::bigint) %% 10000) / 100.0, 2) + {raised},
    ((g * 17::bigint) %% 977) / 10.0, g %% 50 = 0, f.id, 'Sheet', g %% {size} + 2
from s2p.files f, lateral (select split_part(split_part(f.path, '/', 2), '.', 1)::int as n) o,
    lateral generate_series(n * {size}, (n + 1) * {size} - 1) g where f.is_loaded and n = any(%s)
"""


def load(conn: psycopg.Connection, files: Sequence[int], raised: int = 0) -> None:
    """The rows of some files, in the place of those that were loaded of them before."""
    conn.execute("set jit = off")
    paths = [f"lines/{number}.xlsx" for number in files]
    gone = conn.execute(
        "update s2p.files set is_loaded = false, status = 'replaced', withdrawn_at = clock_timestamp()"
        " where is_loaded and path = any(%s) returning id",
        (paths,),
    ).fetchall()
    conn.execute(sql.SQL("delete from {} where _file = any(%s)").format(PLACE), ([number for (number,) in gone],))
    conn.execute(LEDGER.replace("{size}", str(ROWS_A_FILE)).encode(), (BOOK.full_name, raised, list(files)))
    rows = ROWS.replace("{size}", str(ROWS_A_FILE)).replace("{raised}", str(raised))
    conn.execute(sql.SQL(rows).format(place=PLACE), (list(files),))


def export(conn: psycopg.Connection, lake: Lakehouse, folder: Path) -> int:
    """The table to the lakehouse, as the service does it; how many buckets were written."""
    rows, known = BucketedRows(BOOK, sql.Identifier(BOOK.domain, BOOK.name)), lake.written(BOOK.domain, BOOK.name)
    count = buckets_for(rows.count(conn), known.count if known else 1)
    now = rows.buckets(conn, count)
    only = {one for one in now if now[one] != known.buckets.get(one)} if known else None
    fields = arrow_fields([*rows.fields, (BUCKET, "integer")])
    commit = Commit(dt.datetime.now(dt.UTC), "x", count, now)
    with spooled_batches(conn, rows.query(count, only).as_string(conn), fields, folder) as batches:
        lake.replace(BOOK.domain, BOOK.name, pyarrow.RecordBatchReader.from_batches(fields, batches), commit, only)
    return len(now) if only is None else len(only)


def megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def read_past(conn: psycopg.Connection, moment: dt.datetime, again: Callable[[int], pyarrow.Table]) -> int:
    """The table as it was at a moment; `again`: the rows of a file that was replaced since."""
    files = loaded_versions_at(conn, BOOK, moment)
    replaced = ((file, again(file.id)) for file in files if not file.is_loaded)
    restore_workbook(conn, BOOK, files, replaced, moment)
    return len(read_as_of(conn, BOOK.domain, BOOK.name, BOOK.columns))


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Print the costs; returned are the figures that are to be reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="s2p-lake-", ignore_cleanup_errors=True) as place:
        os.chmod(place, 0o755)
        url = embedded.start_server(Path(place) / "postgres")
        try:
            return _figures(url, Path(place), given.rows)
        finally:
            embedded.release_server(Path(place) / "postgres")


def _figures(url: str, place: Path, rows: int) -> dict[str, float]:
    lake = Lakehouse(str(place / "lake"))
    with connect(url) as conn:
        ensure_own_tables(conn)
        ensure_workbook_table(conn, BOOK)
        load(conn, range(rows // ROWS_A_FILE))
        conn.execute(sql.SQL("vacuum analyze {}").format(PLACE))
        first = conn.execute("select clock_timestamp()").fetchall()[0][0]
        kept = copy_out(conn, sql.SQL("select {} from {} where _file = 8").format(_names(), PLACE), _schema())
    costs = {
        "whole": _measured(url, lambda conn: export(conn, lake, place)),
        "read now": _measured(url, lambda conn: len(store.read_rows(conn, BOOK.domain, BOOK.name, BOOK.columns))),
        "as it was, nothing changed since": _measured(url, lambda conn: read_past(conn, first, lambda _: kept)),
    }
    whole = megabytes(place / "lake")
    with connect(url) as conn:
        load(conn, [7], raised=1)
    costs["a file changed"] = _measured(url, lambda conn: export(conn, lake, place))
    changed = megabytes(place / "lake") - whole
    costs["as it was, a file changed since"] = _measured(url, lambda conn: read_past(conn, first, lambda _: kept))
    for name, seconds in costs.items():
        print(f"{name:36} {seconds:7.2f} CPU s")
    figures = {
        "megabytes of the whole": whole,
        "megabytes of a file of 2,500 rows": changed,
        "as it was, of reading now": costs["as it was, nothing changed since"] / costs["read now"],
        "the same, a file changed since": costs["as it was, a file changed since"] / costs["read now"],
    }
    for name, figure in figures.items():
        print(f"{name:36} {figure:7.3f}")
    return figures


def _measured(url: str, work: Callable[[psycopg.Connection], int]) -> float:
    found = []
    with connect(url) as conn:
        seconds = measured(conn, lambda: found.append(work(conn))).seconds
    print(found)
    return seconds


def _names() -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, [*(one.name for one in BOOK.columns), "_sheet", "_row"]))


def _schema() -> pyarrow.Schema:
    return arrow_fields([*((one.name, one.kind) for one in BOOK.columns), ("_sheet", "text"), ("_row", "integer")])


if __name__ == "__main__":
    main()
