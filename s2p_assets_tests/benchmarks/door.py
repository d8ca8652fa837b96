"""What an answer of the door costs, beside pgbench's prepared look-up of the same rows in the same run.

    uv run python -m s2p_assets_tests.benchmarks.door                                # 100,000 entities, 10 million rows
    uv run python -m s2p_assets_tests.benchmarks.door --entities 2000 --history 20 --requests 2000

CPU is that of the server and PostgreSQL for the door, of pgbench and PostgreSQL for pgbench. Linux alone.
"""

import argparse
import asyncio
import datetime as dt
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import psutil
import psycopg

from s2p_assets.services import access
from s2p_assets.services.context import Context, open_context
from s2p_assets.services.feature_store import FeatureQuery
from s2p_assets.settings import Settings
from s2p_assets.warehouse.server.connection import connect
from s2p_assets.warehouse.tables.derived_tables import ensure_derived_table
from s2p_assets_tests.api.served import start
from s2p_assets_tests.benchmarks.metering import tree_cpu
from s2p_assets_tests.free_ports import free_port
from s2p_assets_tests.small_company import SmallCompany

CLIENTS = 8
WEEKS_AHEAD = 8
FEATURES = 18
CHECKED_ROWS = 5000
CHECKS = 10
"""The system tells the CPU time of a process in steps of 10 ms."""
SETTLED_SECONDS = 0.1
STOOD_SINCE = 1_700_000_000
"""When the shelves were saved: in a home that stands, their outline is kept."""
REACH = {
    "one entity": 6.5,
    "100 entities in one request": 40.0,
    "forecast of an entity, 8 weeks": 6.5,
    "point-in-time join": 1.5,
    "check of a workbook": 1.3,
}
COLUMNS = "\n".join(f'    f{at}: Number = column(description="Feature {at}")' for at in range(FEATURES))
SHELVES = {
    "workbooks/bench_sales.py": '''"""Sales."""

from s2p_assets import Date, Integer, Number, Row, Workbook, column


class Sale(Row):
    """A sale."""

    item: Integer = column("Item", description="The item")
    week: Date = column("Week", description="Its week")
    units: Number = column("Units", description="Units sold")


sales = Workbook(rows=Sale, path="sales/*.xlsx", owner="sales@example.com", key=("item", "week"))
''',
    "features/bench_item_features.py": f'''"""Features."""

import pandas as pd

from s2p_assets import Date, Integer, Number, Row, column, feature_set


class ItemWeek(Row):
    """An item in a week."""

    item: Integer = column(description="The item")
    week: Date = column(description="Its week")
{COLUMNS}
    units: Number = column(description="Units sold", derived_from="sales.units")


@feature_set(rows=ItemWeek, entity=("item",), event_time="week", owner="sales@example.com")
def item_features(sales: pd.DataFrame) -> pd.DataFrame:
    """One row per item and week."""
    return sales
''',
    "models/bench_item_champion.py": '''"""The contest."""

from s2p_assets import ForecastTask, Frame, choose_champion, contest

TASK = ForecastTask(entity="item", time="week", target="units", horizon=8)


@contest(features="item_features", task=TASK, baselines=("item_mean",), owner="sales@example.com")
def item_champion(losses: Frame, incumbent: str | None) -> str:
    """The model that forecasts."""
    return choose_champion(losses, incumbent)
''',
    "models/bench_item_mean.py": '''"""The mean."""

from s2p_assets import forecasters, model


@model(contest="item_champion", owner="sales@example.com")
def item_mean() -> forecasters.MovingAverage:
    """The mean."""
    return forecasters.MovingAverage(periods=4)
''',
    "tables/bench_item_forecast.py": '''"""The forecast."""

import pandas as pd

from s2p_assets import Champion, Date, Integer, Number, Row, column, table


class Forecast(Row):
    """An item in a coming week."""

    item: Integer = column(description="The item")
    week: Date = column(description="Its week")
    mean: Number = column(description="Expected")
    q10: Number = column(description="Below this in 1 of 10")
    q90: Number = column(description="Above this in 1 of 10")


@table(rows=Forecast, key=("item", "week"), owner="sales@example.com")
def item_forecast(item_features: pd.DataFrame, item_champion: Champion) -> pd.DataFrame:
    """The next eight weeks."""
    return item_features
''',
}


@dataclass
class Bench:
    """One installation with rows that were made up, its server, and what was measured."""

    ctx: Context
    company: SmallCompany
    server: "subprocess.Popen[str]"
    port: int
    token: str
    postmaster: int
    entities: int
    requests: int
    measured: dict[str, tuple[float, float]] = field(default_factory=dict)

    def cpu(self) -> float:
        """CPU seconds that the door and PostgreSQL have spent."""
        times = psutil.Process(self.server.pid).cpu_times()
        return times.user + times.system + tree_cpu(self.postmaster)


def main(arguments: Sequence[str] | None = None) -> dict[str, tuple[float, float]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--history", type=int, default=100, help="weeks of each entity")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--joined", type=int, default=20_000, help="(entity, time) in the point-in-time join")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="s2p-bench-door-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o755)
        bench = _begin(Path(place), given.entities, given.history, given.requests)
        try:
            _measure(bench, given.joined)
        finally:
            bench.server.terminate()
            bench.server.wait(30)
            sys.path.remove(place)
        return bench.measured


def _begin(folder: Path, entities: int, history: int, requests: int) -> Bench:
    for name, source in SHELVES.items():
        file = folder / "bench_shelves" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        for package in (file.parent, file.parent.parent):
            (package / "__init__.py").touch()
        file.write_text(source)
    for file in (folder / "bench_shelves").rglob("*.py"):
        os.utime(file, (STOOD_SINCE, STOOD_SINCE))
    company, port = SmallCompany(folder), free_port()
    company.share.mkdir()
    company.home.mkdir()
    sys.path.insert(0, str(folder))
    ctx = open_context(Settings(home=company.home, share=company.share, shelves=("bench_shelves",), port=port))
    assert not ctx.catalog.faults, ctx.catalog.faults
    _fill(ctx, entities, history)
    token = access.add_token(ctx, "benchmark", "editor", groups=(), workbooks=(), days=1, created_by="the benchmark")
    postmaster = int((company.home / "postgres/data/postmaster.pid").read_text().splitlines()[0])
    return Bench(
        ctx, company, start(company, port, S2P_SHELVES="bench_shelves"), port, token, postmaster, entities, requests
    )


def _fill(ctx: Context, entities: int, history: int) -> None:
    """Rows for every entity and week, the last of them weeks ahead; one forecast of eight weeks."""
    features, forecast = ctx.catalog.features["bench_item_features"], ctx.catalog.tables["bench_item_forecast"]
    numbers = ", ".join(f"random() as f{at}" for at in range(FEATURES))
    weeks = f"current_date - extract(isodow from current_date)::int + 1 + 7 * ({WEEKS_AHEAD} - w)"
    with ctx.warehouse.connect() as connection:
        for made in (features, forecast):
            ensure_derived_table(
                connection, made.domain, made.name, made.columns, key=made.key, description=made.description
            )
            connection.execute(
                "insert into s2p.contents (domain, table_name, version, rows) values (%s, %s, md5(random()::text), 0)",
                (made.domain, made.name),
            )
        connection.execute(
            f"insert into bench.item_features select e, {weeks}, {numbers}, random() * 100"
            f" from generate_series(1, {entities}) e, generate_series(0, {history - 1}) w"
        )
        connection.execute(
            f"insert into bench.item_forecast select e, {weeks}, random(), random(), random()"
            f" from generate_series(1, {entities}) e, generate_series(0, {WEEKS_AHEAD - 1}) w"
        )
        connection.execute("vacuum analyze bench.item_features")
        connection.execute("vacuum analyze bench.item_forecast")


def _measure(bench: Bench, joined: int) -> None:
    base = _pgbench(bench)
    print(f"pgbench's prepared look-up: {base * 1e6:.0f} µs CPU\n")
    one = "/api/v1/features/bench_item_features/online"
    first = 1 + (7919 % bench.entities)

    def get(path: str) -> Callable[[int], bytes]:
        return lambda at: _request(bench, "GET", f"{path}?item={1 + at * first % bench.entities}")

    def many(at: int) -> bytes:
        asked = [{"item": 1 + (at * first + more) % bench.entities} for more in range(100)]
        return _request(bench, "POST", one, json.dumps({"entities": asked}).encode())

    for name, made, count in (
        ("one entity", get(one), bench.requests),
        ("100 entities in one request", many, max(bench.requests // 20, 20)),
        ("forecast of an entity, 8 weeks", get("/api/v1/forecasts/bench_item_forecast"), bench.requests),
    ):
        asyncio.run(_load(bench, made, min(count, 200)))
        begun, before = time.perf_counter(), bench.cpu()
        asyncio.run(_load(bench, made, count))
        wall, spent = time.perf_counter() - begun, (bench.cpu() - before) / count
        bench.measured[name] = (spent, spent / max(base, 1e-6))
        if name == "one entity":
            _p99(bench, made, count / wall)
    bench.measured["point-in-time join"] = _join(bench, joined)
    bench.measured["check of a workbook"] = _check(bench)
    _entries(bench)
    print("| what | µs CPU | as much as | reach |\n|---|---|---|---|")
    for name, (spent, ratio) in bench.measured.items():
        print(f"| {name} | {spent * 1e6:,.0f} | {ratio:.2f} | {REACH[name]} |")
    print(f"\nmemory of the door: {psutil.Process(bench.server.pid).memory_info().rss / 2**20:.0f} MB (reach 200)")


def _pgbench(bench: Bench) -> float:
    """CPU seconds of pgbench and PostgreSQL for one look-up."""
    program, url = shutil.which("pgbench"), bench.ctx.warehouse.url
    query = "select * from bench.item_features where item = {item} and week <= current_date order by week desc limit 1"
    if program is None:
        return _psycopg(bench, query.format(item="%s"))
    script = bench.company.folder / "look-up.sql"
    script.write_text(f"\\set item random(1, {bench.entities})\n{query.format(item=':item')};\n")
    each = max(bench.requests // CLIENTS, 100)
    command = [program, "-n", "-M", "prepared", "-f", str(script), "-c", str(CLIENTS), "-t", str(each), url]
    before = tree_cpu(bench.postmaster) + _children_cpu()
    subprocess.run(command, check=True, capture_output=True)
    time.sleep(0.5)
    return (tree_cpu(bench.postmaster) + _children_cpu() - before) / (each * CLIENTS)


def _psycopg(bench: Bench, query: str) -> float:
    before, own = tree_cpu(bench.postmaster), time.process_time()
    with connect(bench.ctx.warehouse.url) as connection:
        for at in range(bench.requests):
            connection.execute(query, (1 + at % bench.entities,), prepare=True).fetchone()
    return (tree_cpu(bench.postmaster) - before + time.process_time() - own) / bench.requests


def _children_cpu() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _request(bench: Bench, method: str, path: str, body: bytes = b"") -> bytes:
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {bench.token}"]
    head += [f"Content-Length: {len(body)}", "Content-Type: application/json"] if body else []
    return "\r\n".join([*head, "", ""]).encode() + body


async def _load(bench: Bench, made: Callable[[int], bytes], count: int) -> None:
    """`count` requests over some connections, each as soon as the one before is answered."""
    waiting = iter(range(count))

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        for at in waiting:
            await _ask(reader, writer, made(at))
        writer.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
        raise RuntimeError(f"{head!r} {body!r}")
    return body


def _p99(bench: Bench, made: Callable[[int], bytes], saturation: float) -> None:
    """The latency at half of what it can answer, each request sent at its time whatever the others do."""
    took: list[float] = []

    async def client(number: int, pause: float, count: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port)
        due = time.perf_counter() + pause * number / CLIENTS
        for at in range(count):
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await _ask(reader, writer, made(at))
            took.append(time.perf_counter() - due)
            due += pause
        writer.close()

    async def clients() -> None:
        pause = CLIENTS / (saturation / 2)
        await asyncio.gather(*(client(at, pause, max(bench.requests // CLIENTS // 4, 20)) for at in range(CLIENTS)))

    asyncio.run(clients())
    p99 = statistics.quantiles(took, n=100)[-1]
    print(f"{saturation:.0f} requests a second at most; at half of it p99 {p99 * 1000:.1f} ms (reach 10)\n")


def _join(bench: Bench, count: int) -> tuple[float, float]:
    """A point-in-time join through the door, and the bare SQL of the same."""
    query = FeatureQuery(bench.ctx.catalog.features["bench_item_features"])
    items = [1 + at * 31 % bench.entities for at in range(count)]
    days = [dt.date.today() - dt.timedelta(days=at % 300) for at in range(count)]  # noqa: DTZ011
    text = query.joined_sql(tuple(query.kinds), max_age=False).replace("$1", "%(items)s").replace("$2", "%(days)s")
    with psycopg.connect(bench.ctx.warehouse.url, autocommit=True) as connection:
        connection.execute(text, {"items": items, "days": days}).fetchall()
        before, own = tree_cpu(bench.postmaster), time.process_time()
        connection.execute(text, {"items": items, "days": days}).fetchall()
        time.sleep(0.1)
        bare = tree_cpu(bench.postmaster) - before + time.process_time() - own
    asked = {"entities": [{"item": item} for item in items], "times": [day.isoformat() for day in days]}
    body = json.dumps(asked | {"format": "arrow"}).encode()
    spent = [_spent(bench, _request(bench, "POST", "/api/v1/features/bench_item_features/offline", body)) for _ in "12"]
    return spent[-1], spent[-1] / max(bare, 0.01)


def _check(bench: Bench) -> tuple[float, float]:
    """A workbook checked through the door, and read by the same reader without it."""
    book, file = openpyxl.Workbook(), bench.company.folder / "Sales.xlsx"
    book.worksheets[0].append(["Item", "Week", "Units"])
    for at in range(CHECKED_ROWS):
        book.worksheets[0].append([at, dt.date(2026, 1, 5) + dt.timedelta(weeks=at % 20), at / 7])
    book.save(file)
    known = list(bench.ctx.catalog.workbooks.values())
    with bench.ctx.reader() as reader:
        reader.read(file, known)
        before, own = _with_children(), time.process_time()
        for _ in range(CHECKS):
            reader.read(file, known)
        bare = (_with_children() - before + time.process_time() - own) / CHECKS
    request = _request(bench, "POST", "/api/v1/check?name=Sales.xlsx", file.read_bytes())
    _spent(bench, request, children=True)
    spent = statistics.mean(_spent(bench, request, children=True) for _ in range(CHECKS))
    return spent, spent / max(bare, 0.001)


def _entries(bench: Bench) -> None:
    """Rows that somebody enters, until they are stored and answered; the first of all starts the reader."""
    number = itertools.count()
    for rows, times, reach in ((1, 6, 0.3), (500, 3, 1.0)):
        took, spent = [], []
        for _ in range(times):
            new = [
                {"action": "add", "values": {"item": 10**6 + next(number), "week": "2026-01-05", "units": 1.5}}
                for _ in range(rows)
            ]
            body = json.dumps({"reason": "the benchmark", "rows": new}).encode()
            begun = time.perf_counter()
            spent.append(
                _spent(bench, _request(bench, "POST", "/api/v1/tables/bench_sales/entries", body), children=True)
            )
            took.append(time.perf_counter() - begun - SETTLED_SECONDS)
        clock, cpu = statistics.median(took[1:]), statistics.median(spent[1:])
        print(f"an entry of {rows} rows: {clock:.2f} s by the clock (reach {reach}), {cpu:.2f} s CPU\n")


def _with_children() -> float:
    return sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True))


def _spent(bench: Bench, request: bytes, *, children: bool = False) -> float:
    """CPU seconds for one request, of the readers that the door keeps too."""

    def cpu() -> float:
        own: Any = psutil.Process(bench.server.pid)
        return bench.cpu() + (sum(sum(one.cpu_times()[:2]) for one in own.children(recursive=True)) if children else 0)

    async def once() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", bench.port, limit=1 << 26)
        await _ask(reader, writer, request)
        writer.close()

    before = cpu()
    asyncio.run(once())
    time.sleep(SETTLED_SECONDS)
    return cpu() - before


if __name__ == "__main__":
    main()
