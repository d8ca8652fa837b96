"""How fast workbooks come into the database, against other ways and against what the machine can do at most.

Run by hand: `uv run python -m s2p_assets_tests.benchmarks.ingestion`. How costs are taken is in `metering.py`,
what is loaded in `generated.py` and on the shelf `company/workbooks/`.
"""

import argparse
import importlib.util
import io
import json
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from s2p_assets.contracts.validation import pandera_model
from s2p_assets_tests.benchmarks.metering import Cost, apart, reported

MODULE = "s2p_assets_tests.benchmarks.ingestion"
SHELF = "s2p_assets_tests.benchmarks.company"
GIB = 1024.0
CHANGES = 5


# ── The work. Each function runs in a process of its own and imports what it needs, as a user's program would.


def load_one(given: dict[str, Any]) -> None:
    """A workbook into the database with s2p's rooms: archived, read in the sandbox, checked, copied, noted."""
    with reported(given["server"], whole=True) as said:
        from s2p_assets.spreadsheet.sandbox import Sandbox
        from s2p_assets.warehouse.files.archive import archive_file
        from s2p_assets.warehouse.files.ledger import ledger_entry
        from s2p_assets.warehouse.files.load import load_file
        from s2p_assets.warehouse.server.connection import connect
        from s2p_assets_tests.benchmarks.company.workbooks.company_sales import sales

        file = Path(given["file"])
        with Sandbox(compiled_cutter=given["cutter"] == "compiled") as sandbox, connect(given["url"]) as connection:
            kept = archive_file(file, Path(given["archive"]))
            reading = sandbox.read(kept.stored, [sales], display_name=f"sales/{file.name}")
            entry = ledger_entry(reading, kept, f"sales/{file.name}", sales)
            loaded = load_file(connection, sales, entry, reading.rows)
            said |= {"verdict": reading.verdict, "rows": loaded.rows}


def pandas_load(given: dict[str, Any]) -> None:
    """The same with what one finds in most companies: `pandas.read_excel` (openpyxl), pandera, `to_sql`."""
    with reported(given["server"], whole=True) as said:
        import pandas as pd
        from sqlalchemy import create_engine

        from s2p_assets_tests.benchmarks.company.workbooks.company_sales import sales

        frame = pd.read_excel(given["file"], engine="openpyxl")
        names = {column.headers[0]: column.name for column in sales.columns}
        types = {column.name: pd.ArrowDtype(column.arrow_type) for column in sales.columns}
        frame = frame.rename(columns=names)
        frame["order_no"] = frame["order_no"].astype(str)
        frame["sold_on"] = frame["sold_on"].dt.date
        valid = pandera_model(sales.rows).validate(frame.astype(types), lazy=True)
        if valid["order_no"].duplicated().any():
            raise ValueError("the key repeats")
        engine = create_engine(given["url"].replace("postgresql://", "postgresql+psycopg2://"))
        valid.to_sql("sales_by_pandas", engine, index=False, if_exists="replace", chunksize=10_000)
        said["rows"] = len(valid)


def polars_load(given: dict[str, Any]) -> None:
    """`polars.read_excel` and its own way into a database, without any check."""
    with reported(given["server"], whole=True) as said:
        import polars as pl

        frame = pl.read_excel(given["file"], engine="calamine")
        engine_url = given["url"].replace("postgresql://", "postgresql+psycopg2://")
        frame.write_database("sales_by_polars", engine_url, if_table_exists="replace", engine="sqlalchemy")
        said["rows"] = len(frame)


def floors(given: dict[str, Any]) -> None:
    """fastexcel to Arrow and a binary COPY of the same Arrow table: nothing is checked, kept or noted."""
    with reported(given["server"], whole=True) as said:
        import fastexcel
        import psycopg
        import pyarrow

        table = pyarrow.Table.from_batches([fastexcel.read_excel(given["file"]).load_sheet(0).to_arrow()])
        read = time.process_time()
        with psycopg.connect(given["url"]) as connection, connection.cursor() as cursor:
            said["copy"] = _copied(cursor, table)
        said |= {"rows": table.num_rows, "read": read, "copied": time.process_time() - read}


def _copied(cursor: Any, table: Any) -> str:
    """Copies an Arrow table, in binary where `pgpq` is installed; says which way it took."""
    types = {"int64": "bigint", "double": "double precision", "string": "text", "large_string": "text"}
    types |= {"date32[day]": "date", "timestamp[ms]": "timestamp", "timestamp[us]": "timestamp", "bool": "boolean"}
    columns = ", ".join(f'"{field.name}" {types[str(field.type)]}' for field in table.schema)
    cursor.execute(f"create table sales_at_the_floor ({columns})")
    if importlib.util.find_spec("pgpq"):
        from pgpq import ArrowToPostgresBinaryEncoder

        encoder = ArrowToPostgresBinaryEncoder(table.schema)
        with cursor.copy("copy sales_at_the_floor from stdin with (format binary)") as copy:
            copy.write(encoder.write_header())
            for batch in table.to_batches(65_536):
                copy.write(encoder.write_batch(batch))
            copy.write(encoder.finish())
        return "binary (pgpq)"
    import pyarrow
    import pyarrow.csv

    with cursor.copy("copy sales_at_the_floor from stdin with (format csv)") as copy:
        for batch in table.to_batches(65_536):
            buffer = pyarrow.BufferOutputStream()
            pyarrow.csv.write_csv(batch, buffer, pyarrow.csv.WriteOptions(include_header=False))
            copy.write(memoryview(buffer.getvalue()))
    return "CSV (pgpq is not installed)"


def pandas_csvs(given: dict[str, Any]) -> None:
    """A folder of CSV files into the database as one finds it everywhere: `read_csv`, `to_sql`, without any check."""
    with reported(given["server"], whole=True) as said:
        import pandas as pd
        from sqlalchemy import create_engine

        engine = create_engine(given["url"].replace("postgresql://", "postgresql+psycopg2://"))
        said["rows"] = 0
        for file in sorted(Path(given["folder"]).glob("*.csv")):
            frame = pd.read_csv(file, parse_dates=["InvoiceDate"], dtype={"InvoiceNo": str, "StockCode": str})
            frame.to_sql("orders_by_pandas", engine, index=False, if_exists="append")
            said["rows"] += len(frame)


def take_orders(given: dict[str, Any]) -> None:
    """The same folder with s2p, the whole process with its reader: read, checked, archived, noted, loaded."""
    with reported(given["server"], whole=True) as said:
        from s2p_assets.services.context import open_context
        from s2p_assets.services.ingest import ingest, store_ingest
        from s2p_assets.settings import read_settings

        ctx = open_context(read_settings())
        workbook = ctx.catalog.workbooks["company_orders"]
        with ctx.reader() as reader, ctx.warehouse.connect() as connection:
            intake = ingest(ctx, workbook, reader, run_id="benchmark", progress=lambda _: None)
            store_ingest(connection, workbook, intake, "benchmark")
            said |= {"files": len(intake.files), "rows": intake.rows_accepted}


def take_and_store(given: dict[str, Any]) -> None:
    """What is new or changed on the share, from the look to the table, with a reader that is already running."""
    from s2p_assets.services.context import open_context
    from s2p_assets.services.ingest import ingest, store_ingest
    from s2p_assets.settings import read_settings
    from s2p_assets.spreadsheet.sandbox import Sandbox

    ctx = open_context(read_settings())
    workbook = ctx.catalog.workbooks["company_sales"]
    with Sandbox() as reader:
        reader.run(os.getpid)
        with ctx.warehouse.connect() as connection, reported(given["server"]) as said:
            intake = ingest(ctx, workbook, reader, run_id="benchmark", progress=lambda _: None)
            store_ingest(connection, workbook, intake, "benchmark")
            said |= {"files": len(intake.files), "rows": intake.rows_accepted}
            said["verdicts"] = sorted({taken.verdict for taken in intake.files})


def look_at_share(given: dict[str, Any]) -> None:
    """One look of the share sensor when nothing has changed; counts folders listed and files of the share opened."""
    import dagster as dg

    from s2p_assets.graph.share_sensor import share_sensor
    from s2p_assets.services.context import open_context
    from s2p_assets.settings import read_settings

    settings = read_settings()
    sensor = share_sensor(open_context(settings))
    cursor = None
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            cursor = cast("dg.SensorResult", sensor(dg.build_sensor_context(instance=instance, cursor=cursor))).cursor
        share, opened = str(settings.share), [0]
        listed: Counter[str] = Counter()

        def audit(event: str, arguments: tuple[Any, ...]) -> None:
            if event in ("os.scandir", "os.listdir") and str(arguments[0]).startswith(share):
                listed[str(arguments[0])] += 1
            elif event == "open" and str(arguments[0]).startswith(share):
                opened[0] += 1

        sys.addaudithook(audit)
        with reported(given["server"]) as said:
            sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
            below = [times for folder, times in listed.items() if folder != share]
            said |= {"listed": max(below), "folders": len(below), "top": listed[share], "opened": opened[0]}


def run_all(given: dict[str, Any]) -> None:
    """`s2p run`, the whole command."""
    with reported(given["server"], whole=True) as said:
        from s2p_assets.cli import app

        with redirect_stdout(io.StringIO()):
            app(["run", "--json"], standalone_mode=False)
        said["done"] = True


def validate(given: dict[str, Any]) -> None:
    """Reading the cells of an opened workbook and putting the rules to them; opening and inflating are not counted."""
    from s2p_assets.contracts.findings import ReadResult
    from s2p_assets.spreadsheet.book import Book, open_book
    from s2p_assets.spreadsheet.reading import _read_book
    from s2p_assets_tests.benchmarks.company.workbooks.company_sales import sales

    file = Path(given["file"])
    with open_book(file) as book:
        opened = Book(book.file_format, _Opened(list(book.sheets())))
    _read_book(opened, ReadResult(file), [sales], [sales], {})
    with reported(None) as said:
        reading = ReadResult(file)
        _read_book(opened, reading, [sales], [sales], {})
        said |= {"rows": reading.rows_read, "returned": reading.rows_returned, "findings": len(reading.findings)}


@dataclass
class _Opened:
    """A workbook whose sheets are in memory already."""

    held: list[Any]

    def sheets(self) -> Iterator[Any]:
        return iter(self.held)

    def close(self) -> None:
        self.held.clear()


def mark_copy(given: dict[str, Any]) -> None:
    """The marked copy for a file's owner."""
    from s2p_assets.spreadsheet.reading import read_file
    from s2p_assets.spreadsheet.returned.copies import write_returned
    from s2p_assets_tests.benchmarks.company.workbooks.company_sales import sales

    file = Path(given["file"])
    reading = read_file(file, [sales])
    reading.rows = None
    with reported(None) as said:
        copy = write_returned(file, reading, Path(given["copy"]), name=file.name, owner="sales@example.com")
        said |= {"cells": len(reading.findings), "bytes": copy.stat().st_size}


def inflate_and_deflate(given: dict[str, Any]) -> None:
    """The least that any change to a workbook costs: every member unpacked and packed again."""
    import zipfile

    with (
        reported(None),
        zipfile.ZipFile(given["file"]) as source,
        zipfile.ZipFile(given["copy"], "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for member in source.namelist():
            with source.open(member) as held, target.open(member, "w") as copy:
                shutil.copyfileobj(held, copy, 1 << 20)


WORK: dict[str, Callable[[dict[str, Any]], None]] = {
    work.__name__: work
    for work in (
        load_one,
        pandas_load,
        polars_load,
        floors,
        pandas_csvs,
        take_orders,
        take_and_store,
        look_at_share,
        run_all,
        validate,
        mark_copy,
        inflate_and_deflate,
    )
}


# ── The lines of the table.


@dataclass
class Line:
    """One measured promise. `within`: whether the reach is kept; None: there was nothing to compare with."""

    what: str
    reach: str
    measured: str
    within: bool | None
    notes: list[str] = field(default_factory=list)


@dataclass
class Bench:
    """Where the benchmark works: a folder, a PostgreSQL of its own, a number of rows, and the part of files taken."""

    folder: Path
    rows: int
    server_url: str
    server: int
    part: float = 1.0

    def some(self, files: int) -> int:
        """How many of so many files are taken."""
        return max(2, round(files * self.part))

    def share_of_rows(self, thousandths: int) -> int:
        return max(1, self.rows * thousandths // 1000)

    @cached_property
    def big_file(self) -> Path:
        return self.workbook("big", self.rows)

    def loaded(self, cutter: str) -> Cost:
        """What it costs to load the largest workbook with this cutter, into a database that has s2p's own tables."""
        from s2p_assets.warehouse.server.connection import connect
        from s2p_assets.warehouse.tables.own_tables import ensure_own_tables

        archive, url = str(self.folder / "archive" / cutter), self.database(cutter)
        with connect(url) as connection:
            ensure_own_tables(connection)
        return self.do("load_one", url=url, archive=archive, file=str(self.big_file), cutter=cutter)

    @staticmethod
    def cutters(*, pure: float, compiled: float) -> list[tuple[str, float]]:
        """The cutters there are here, with the reach of each."""
        from s2p_assets.spreadsheet.readers.compiled_cutter import compiled_cutter

        return [("pure", pure), *([("compiled", compiled)] if compiled_cutter() else [])]

    def workbook(self, name: str, rows: int, *, bad: int = 0, first: int = 0) -> Path:
        from s2p_assets_tests.benchmarks.generated import sales, write_workbook

        return write_workbook(self.folder / f"{name}.xlsx", sales(rows, first=first), bad=bad)

    def share(self, name: str, files: int, rows: int) -> Path:
        """A home with a share of `files` workbooks of `rows` rows each."""
        from s2p_assets_tests.benchmarks.generated import sales, write_workbook

        home = self.folder / name
        for number in range(files):
            place = home / "share" / "sales" / f"sales {number:04}.xlsx"
            write_workbook(place, sales(rows, first=number * rows, seed=number + 1), age_seconds=7200 - number)
        return home

    def database(self, name: str) -> str:
        from s2p_assets.warehouse.server.connection import connect

        with connect(self.server_url) as connection:
            connection.execute(f'drop database if exists "{name}" with (force)')
            connection.execute(f'create database "{name}"')
        return self.server_url.replace("/postgres?", f"/{name}?")

    def do(self, work: str, *, home: Path | None = None, shelf: str = SHELF, url: str = "", **given: Any) -> Cost:
        place = home or self.folder
        environment = {"S2P_HOME": str(place), "S2P_DATABASE_URL": url, "S2P_SHELVES": shelf, "S2P_SHARE": ""}
        environment |= {"DAGSTER_HOME": str(place / "dagster")}
        cost = apart(MODULE, work, {"server": self.server, "url": url} | given, environment)
        figures = f"{cost.cpu:8.2f} CPU s (PostgreSQL {cost.server_cpu:.2f}) {cost.wall:8.2f} s {cost.peak:7.0f} MiB"
        print(f"  {work:<20} {figures}  {dict(cost.said)}", flush=True)
        return cost


def whole_process(bench: Bench) -> Iterator[Line]:
    """Workbook to validated rows against pandas, with both cutters, and its memory."""
    peer = bench.do("pandas_load", url=bench.database("pandas"), file=str(bench.big_file))
    notes = []
    if importlib.util.find_spec("polars"):
        polars = bench.do("polars_load", url=bench.database("polars"), file=str(bench.big_file))
        notes.append(f"polars without any check {polars.cpu:.1f}")
    what = f"workbook → validated rows in PostgreSQL, {bench.rows:,} rows × 8 columns"
    for cutter, reach in bench.cutters(pure=15, compiled=20):
        own = bench.loaded(cutter)
        assert own.said["rows"] == peer.said["rows"]
        clock = f"by the clock {own.wall:.0f} against {peer.wall:.0f} s, {peer.wall / own.wall:.1f} ×"
        told = [f"{own.cpu:.1f} CPU s, of which PostgreSQL {own.server_cpu:.1f}, against {peer.cpu:.1f}", clock, *notes]
        yield _at_least(f"{what}, {cutter}, against pandas + pandera + to_sql", peer.cpu / own.cpu, reach, told)
    peak = own.peak / GIB
    yield Line("peak memory of it", "≤ 1.2 GiB", f"{peak:.2f} GiB", peak <= 1.2, ["without PostgreSQL's"])


def its_floors(bench: Bench) -> Iterator[Line]:
    """Workbook to validated rows against the sum of its floors, with both cutters."""
    floor = bench.do("floors", url=bench.database("floors"), file=str(bench.big_file))
    note = f"floors {floor.cpu:.1f} CPU s: fastexcel {floor.said['read']:.1f}, COPY in {floor.said['copy']}"
    for cutter, reach in bench.cutters(pure=1.45, compiled=1.15):
        own = bench.loaded(cutter)
        assert own.said["rows"] == floor.said["rows"] == bench.rows
        told = [f"{own.cpu:.1f} CPU s, of which PostgreSQL {own.server_cpu:.1f}", note]
        yield _at_most(
            f"{bench.rows:,} rows, {cutter}, against the sum of its floors", own.cpu / floor.cpu, reach, told
        )


def many_small(bench: Bench) -> Iterator[Line]:
    """100 workbooks against one with the same rows."""
    each, files = bench.share_of_rows(5), bench.some(100)
    many = bench.share("many", files, each)
    one = bench.share("one", 1, files * each)
    costs = [bench.do("take_and_store", home=home, url=bench.database(home.name)) for home in (many, one)]
    assert costs[0].said["rows"] == costs[1].said["rows"] == files * each
    yield _at_most(
        f"{files} workbooks × {each:,} rows against one of {files * each:,}", costs[0].cpu / costs[1].cpu, 1.5
    )


def thousand_files(bench: Bench) -> Iterator[Line]:
    """1,000 workbooks of 100 rows, whose cost is that of files, not of rows."""
    files, each = max(10, bench.share_of_rows(1)), 100
    cost = bench.do("take_and_store", home=bench.share("hundreds", files, each), url=bench.database("hundreds"))
    assert cost.said["rows"] == files * each
    what, reach = f"{files:,} workbooks × {each} rows, CPU a file", 25.0
    measured = 1000 * cost.cpu / files
    note = f"{cost.cpu:.1f} CPU s, of which PostgreSQL {cost.server_cpu:.1f}"
    yield Line(what, f"≤ {reach:g} ms", f"{measured:.1f} ms", measured <= reach, [note])


def csv_exports(bench: Bench) -> Iterator[Line]:
    """305 daily CSV exports of 542,000 rows in all, against pandas and `to_sql` in a loop."""
    from s2p_assets_tests.benchmarks.generated import write_orders

    files, each = max(3, bench.share_of_rows(1) * 305 // 1000), 1777
    home = bench.folder / "exports"
    folder = home / "share" / "orders"
    for day in range(files):
        write_orders(folder / f"orders {day:03}.csv", each, day=day, age_seconds=7200 - day)
    own = bench.do("take_orders", home=home, url=bench.database("exports"))
    peer = bench.do("pandas_csvs", folder=str(folder), url=bench.database("exports_by_pandas"))
    assert own.said["rows"] == peer.said["rows"] == files * each
    notes = [f"{own.cpu:.1f} CPU s, of which PostgreSQL {own.server_cpu:.1f}, against {peer.cpu:.1f}"]
    yield _at_most(
        f"{files} CSV files of {files * each:,} rows against pandas + to_sql", own.cpu / peer.cpu, 0.7, notes
    )


def changed_file(bench: Bench) -> Iterator[Line]:
    """One changed file among 1,000, against the same file into an empty database; and the same bytes renamed."""
    from s2p_assets.warehouse.server.connection import connect
    from s2p_assets_tests.benchmarks.generated import sales, write_workbook

    each, files = bench.share_of_rows(5), max(bench.some(1000), 2 * CHANGES + 2)
    home, url = bench.share("thousand", files, each), bench.database("thousand")
    bench.do("take_and_store", home=home, url=url)
    folder = home / "share" / "sales"
    again, fresh = 0.0, 0.0
    for number in range(files // 2, files // 2 + CHANGES):
        file = folder / f"sales {number:04}.xlsx"
        write_workbook(file, sales(each, first=number * each, seed=5000 + number), age_seconds=60)
        redropped = bench.do("take_and_store", home=home, url=url)
        alone = bench.folder / f"alone {number}"
        (alone / "share" / "sales").mkdir(parents=True)
        shutil.copy2(file, alone / "share" / "sales")
        first = bench.do("take_and_store", home=alone, url=bench.database("alone"))
        assert redropped.said["rows"] == first.said["rows"] == each
        again, fresh = again + redropped.cpu, fresh + first.cpu
    what = f"one changed file ({each:,} rows) among {files:,} loaded, against the same file into an empty database"
    yield _at_most(what, again / fresh, 1.3, [f"{CHANGES} times: {again:.2f} against {fresh:.2f} CPU s"])

    with connect(url) as connection:
        before = _newest_row(connection)
        (folder / "sales 0000.xlsx").rename(folder / "sales 0000 final.xlsx")
        shutil.copy2(folder / "sales 0001.xlsx", folder / "sales 0001 copy.xlsx")
        bench.do("take_and_store", home=home, url=url)
        same = before == _newest_row(connection)
    what = "unchanged content under a new name (one file renamed, one copied)"
    yield Line(what, "no row written", "none" if same else "rows were written", same)


def _newest_row(connection: Any) -> tuple[Any, ...]:
    """The youngest transaction that wrote a row that stands, and how many there are."""
    query = "select count(*), max(xmin::text::bigint), max(xmax::text::bigint) from company.sales__rows"
    return connection.execute(query).fetchone()


def share_look(bench: Bench) -> Iterator[Line]:
    """A look of the sensor at 100,000 unchanged files in 100 folders."""
    home = bench.folder / "look"
    each = bench.some(1000)
    for folder in range(100):
        place = home / "share" / "sales" / "retail" / f"{folder:03}"
        place.mkdir(parents=True)
        for number in range(each):
            (place / f"till {number:04}.xlsx").touch()
    cost = bench.do("look_at_share", home=home, shelf="s2p_assets", url=bench.database("look"))
    passes, opened = cost.said["listed"], cost.said["opened"]
    within = cost.cpu <= 2 and passes == 1 and not opened
    measured = f"{cost.cpu:.2f} CPU s, {cost.wall:.2f} s; {passes} pass, {opened} files opened"
    what, reach = f"one look at a share of {100 * each:,} unchanged files", "≤ 2 s, one pass, nothing opened"
    yield Line(what, reach, measured, within, [f"the top folder itself is listed {cost.said['top']} times"])


def batch(bench: Bench) -> Iterator[Line]:
    """`s2p run` over 500 dropped workbooks, against the same rows in one."""
    each, files = bench.share_of_rows(1), bench.some(500)
    homes = bench.share("apart", files, each), bench.share("together", 1, files * each)
    costs = [bench.do("run_all", home=home, url=bench.database(home.name)) for home in homes]
    what = f"`s2p run` over {files} workbooks × {each:,} rows, against the same rows in one"
    yield _at_most(what, costs[0].cpu / costs[1].cpu, 3, [f"{costs[0].cpu:.1f} against {costs[1].cpu:.1f} CPU s"])


def bad_rows(bench: Bench) -> Iterator[Line]:
    """Cells and rules with one bad row in a hundred, against none."""
    bad = bench.do("validate", file=str(bench.workbook("bad", bench.rows, bad=bench.share_of_rows(10))))
    good = bench.do("validate", file=str(bench.big_file))
    what = f"validating {bench.rows:,} rows with 1 % bad, against none"
    yield _at_most(what, bad.cpu / good.cpu, 1.5, [f"{bad.cpu:.2f} against {good.cpu:.2f} CPU s, without unpacking"])


def marked_copy(bench: Bench) -> Iterator[Line]:
    """The copy with the bad cells marked, against unpacking and packing the file."""
    rows = min(100_000, bench.rows)
    file = str(bench.workbook("to mark", rows, bad=rows // 100))
    own = bench.do("mark_copy", file=file, copy=str(bench.folder / "marked.xlsx"))
    floor = bench.do("inflate_and_deflate", file=file, copy=str(bench.folder / "packed.xlsx"))
    what = f"the marked copy of {rows:,} rows with {rows // 100:,} bad cells, against unpacking and packing"
    line = _at_most(what, own.cpu / floor.cpu, 5, [f"{own.peak:.0f} MiB more than before it"])
    line.reach, line.within = f"{line.reach}, ≤ 100 MB", bool(line.within) and own.peak <= 100
    yield line


LINES: dict[str, Callable[[Bench], Iterator[Line]]] = {
    line.__name__.replace("_", "-"): line
    for line in (
        whole_process,
        its_floors,
        many_small,
        thousand_files,
        csv_exports,
        changed_file,
        share_look,
        batch,
        bad_rows,
        marked_copy,
    )
}


def _at_most(what: str, ratio: float, reach: float, notes: list[str] | None = None) -> Line:
    return Line(what, f"≤ {reach:g} ×", f"{ratio:.2f} ×", ratio <= reach, notes or [])


def _at_least(what: str, ratio: float, reach: float, notes: list[str] | None = None) -> Line:
    return Line(what, f"≥ {reach:g} × faster", f"{ratio:.1f} ×", ratio >= reach, notes or [])


@contextmanager
def _bench(rows: int, part: float) -> Iterator[Bench]:
    from s2p_assets.warehouse.server import embedded

    with tempfile.TemporaryDirectory(prefix="s2p benchmark ", ignore_cleanup_errors=True) as folder:
        place = Path(folder) / "postgres"
        url = embedded.start_server(place)
        server = int((place / "data" / "postmaster.pid").read_text().splitlines()[0])
        try:
            yield Bench(Path(folder), rows, url, server, part)
        finally:
            embedded.release_server(place)


def main() -> None:
    """Measures the lines that are asked for and prints them as a Markdown table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the largest workbook")
    parser.add_argument("--part", type=float, default=1.0, help="the part of the files, for a first look")
    parser.add_argument("--only", nargs="+", choices=list(LINES), default=list(LINES), metavar="NAME")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        WORK[given.work[0]](json.loads(given.work[1]))
        return
    lines: list[Line] = []
    with _bench(given.rows, given.part) as bench:
        for name in given.only:
            print(f"{name}: {' '.join((LINES[name].__doc__ or '').split())}", flush=True)
            lines += LINES[name](bench)
    print("\n| what | reach | measured | kept | |\n|---|---|---|---|---|")
    for line in lines:
        kept = {True: "yes", False: "**no**", None: ""}[line.within]
        print(f"| {line.what} | {line.reach} | {line.measured} | {kept} | {'; '.join(line.notes)} |")


if __name__ == "__main__":
    main()
