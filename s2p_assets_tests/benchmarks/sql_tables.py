"""What a demand table of a million sales costs in SQL and in pandas, and a change in one of its 1,000 workbooks.

    uv run python -m s2p_assets_tests.benchmarks.sql_tables                       # a million sales
    uv run python -m s2p_assets_tests.benchmarks.sql_tables --sales 100000

CPU seconds of the making process and of PostgreSQL together, and the most memory that the making process and
PostgreSQL's had beyond what both had before; the same table, of the same rows, in the same run. Linux alone.
"""

import argparse
import os
import re
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import psycopg

from s2p_assets.contracts.columns import Code, Date, Integer, Number, Row, column
from s2p_assets.contracts.validation import conform, declaration_violations
from s2p_assets.warehouse.server import embedded
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.sql_tables.changed_keys import index_followed
from s2p_assets.warehouse.sql_tables.making import make_sql_table
from s2p_assets.warehouse.tables import store
from s2p_assets.warehouse.tables.content_versions import content_version
from s2p_assets.warehouse.tables.own_tables import ensure_own_tables
from s2p_assets_tests.sql_shelf import python_table, read, written

FILES = 1_000
SKUS = 5_000


class FileSale(Row):
    """A line of a workbook of sales."""

    file: Integer = column(description="The workbook")
    sku: Code = column(description="What was sold")
    shop: Code = column(description="Where")
    day: Date = column(description="When")
    units: Integer = column(description="Pieces")


class WeeklyDemand(Row):
    """An article in a week."""

    sku: Code = column(description="What was sold")
    week: Date = column(description="Monday of the week")
    units: Number = column(description="Pieces")
    returned: Number = column(description="Pieces that came back", ge=0)


SOURCE = python_table("file_sales", FileSale, ("file", "sku", "shop", "day"))
PANDAS = python_table("pandas_demand", WeeklyDemand, ("sku", "week"))
QUERY = """
select sku, date_trunc('week', day::timestamp)::date as week, sum(units::float8) as units,
    coalesce(-sum(units::float8) filter (where units < 0), 0) as returned
from file_sales group by 1, 2
"""
BARE = QUERY.replace("from file_sales", "from acme.file_sales")
COLUMNS = {"sku": "Code", "week": "Date", "units": "Number", "returned": "Number, ge: 0"}
SALES = """
insert into acme.file_sales
select n / {size} as file, (hashint4(n) & 65535) % {skus} as sku, (n / {size}) % 50 as shop,
    date '2024-01-01' + (n / {size} / 50) * 7 + n % 7 as day, case when n % 40 = 0 then -1 else 1 + n % 9 end
from generate_series(0, {sales} - 1) n on conflict do nothing
"""


@dataclass
class Cost:
    """CPU seconds, and mebibytes beyond those of before."""

    seconds: float = 0.0
    mebibytes: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)


def _processes(backend: int) -> list[psutil.Process]:
    return [psutil.Process(), psutil.Process(backend)]


def _private(processes: list[psutil.Process]) -> float:
    """Memory of their own; PostgreSQL's shared buffers are there anyway."""
    states = [Path(f"/proc/{one.pid}/status").read_text(encoding="ascii") for one in processes]
    return sum(int(found) for state in states for found in re.findall(r"RssAnon:\s+(\d+)", state)) / 1024


def _cpu(processes: list[psutil.Process]) -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + sum(sum(one.cpu_times()[:2]) for one in processes[1:])


def measured(conn: psycopg.Connection, work: Callable[[], Any]) -> Cost:
    """What `work` costs this process and the backend of its connection."""
    conn.execute("set max_parallel_workers_per_gather = 0")  # whose CPU nobody would count
    processes, cost = _processes(conn.info.backend_pid), Cost()
    before, began = _private(processes), _cpu(processes)

    def watch() -> None:
        while not cost.ended.wait(0.05):
            cost.mebibytes = max(cost.mebibytes, _private(processes) - before)

    watching = threading.Thread(target=watch)
    watching.start()
    work()
    cost.ended.set()
    watching.join()
    cost.seconds = _cpu(processes) - began
    return cost


def by_pandas(conn: psycopg.Connection) -> None:
    """As the asset of a Python table makes it: read, built, held against its declaration, stored."""
    sales = store.read_rows(conn, "acme", "file_sales", SOURCE.columns)
    week = sales["day"].dt.to_period("W").dt.start_time
    lines = sales.assign(week=week, returned=(-sales["units"]).clip(lower=0))
    made = lines.groupby(["sku", "week"], as_index=False)[["units", "returned"]].sum()
    frame = conform(made.astype({"units": float, "returned": float}), WeeklyDemand)
    assert not declaration_violations(frame, WeeklyDemand)
    content_version(frame)
    store.replace_table(conn, PANDAS, frame)


def bare_insert(conn: psycopg.Connection) -> None:
    """What PostgreSQL itself asks for: the select, and its rows stored with their key; nothing is checked or noted."""
    fields = "sku text not null, week date not null, units float8 not null, returned float8 not null"
    conn.execute(f"create table acme.bare ({fields}, unique (sku, week))")
    conn.execute(f"insert into acme.bare {BARE}".encode())


def change_one_file(conn: psycopg.Connection) -> None:
    """One of the workbooks again, with other numbers and without some of its lines."""
    conn.execute("delete from acme.file_sales where file = %s and units = 3", (FILES // 2,))
    conn.execute("update acme.file_sales set units = units + 1 where file = %s", (FILES // 2,))


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Print the costs; returned are the ratios that are to be reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sales", type=int, default=1_000_000)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="s2p-sql-", ignore_cleanup_errors=True) as place:
        os.chmod(place, 0o755)
        url = embedded.start_server(Path(place) / "postgres")
        try:
            return _ratios(url, Path(place), given.sales)
        finally:
            embedded.release_server(Path(place) / "postgres")


def _ratios(url: str, place: Path, sales: int) -> dict[str, float]:
    with connect(url) as conn:
        ensure_own_tables(conn)
        store.replace_table(conn, SOURCE, pd.DataFrame(columns=[one.name for one in SOURCE.columns]))
        conn.execute(SALES.format(size=max(sales // FILES, 1), skus=SKUS, sales=sales).encode())
        conn.execute("create index on acme.file_sales (file)")
        conn.execute("vacuum analyze acme.file_sales")
        table = read(written(place, QUERY, COLUMNS, ("sku", "week"), name="plain"), SOURCE)
        parts = "incremental: [sku, week]\n"
        parted = read(written(place, QUERY, COLUMNS, ("sku", "week"), parts, name="parted"), SOURCE)
        index_followed(conn, parted)  # as the asset has it of larger sources
        costs = {}
    for name, work in {
        "pandas": by_pandas,
        "the bare select": lambda conn: conn.execute(f"select sum(units) from ({BARE}) q"),
        "the bare insert of it": bare_insert,
        "SQL": lambda conn: make_sql_table(conn, table),
        "SQL, incremental, whole": lambda conn: make_sql_table(conn, parted),
        "a workbook changed": change_one_file,
        "SQL, incremental, that again": lambda conn: print("remade:", make_sql_table(conn, parted).remade),
        "SQL, whole, of the same": lambda conn: make_sql_table(conn, table),
    }.items():
        with connect(url) as conn:
            costs[name] = cost = measured(conn, lambda work=work, conn=conn: work(conn))  # type: ignore[misc]
        print(f"{name:32} {cost.seconds:7.2f} CPU s {cost.mebibytes:8.1f} MiB")
    with connect(url) as conn:
        differing = "(table acme.plain except table acme.parted) union all (table acme.parted except table acme.plain)"
        assert conn.execute(differing).fetchall() == []
    ratios = {
        "CPU of pandas'": costs["SQL"].seconds / costs["pandas"].seconds,
        "CPU of the bare insert's": costs["SQL"].seconds / costs["the bare insert of it"].seconds,
        "the bare insert of pandas'": costs["the bare insert of it"].seconds / costs["pandas"].seconds,
        "memory of pandas'": costs["SQL"].mebibytes / costs["pandas"].mebibytes,
        "one workbook, of the whole": costs["SQL, incremental, that again"].seconds
        / costs["SQL, whole, of the same"].seconds,
    }
    for name, ratio in ratios.items():
        print(f"{name:32} {ratio:7.3f}")
    return ratios


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s")
