"""What a stream costs: rows a CPU second of s2p and PostgreSQL, against a consumer that inserts row by row and
FastStream with batch inserts; latency at a steady rate, to the row and to the feature that the API serves; idle cost;
memory; and row for row after many kills.

    uv run --with 'faststream[confluent]' python -m s2p_assets_tests.benchmarks.streams
    uv run python -m s2p_assets_tests.benchmarks.streams --only kills --kills 200
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import psycopg
import pytest

from s2p_assets.services.streams.telling import streams_status
from s2p_assets_tests.api.served import start
from s2p_assets_tests.benchmarks.metering import tree_cpu, tree_memory
from s2p_assets_tests.free_ports import free_port
from s2p_assets_tests.streams.acme import (
    SHOP,
    TOPIC,
    Acme,
    acme_home,
    kill_in_turn,
    sale,
    sent_rows,
    stop,
    until,
    web_sales_tables,
)
from s2p_assets_tests.streams.broker import Broker, lasting_broker, running_broker

PARTS = ("throughput", "latency", "features", "kills")
RIVAL_TABLE = (
    "create table {} (order_no text not null, line bigint not null, sku text not null, quantity bigint not null,"
    " price numeric not null, sold_at timestamp not null, note text, primary key (order_no, line))"
)
INSERT = "insert into {} values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing"


def main() -> None:
    """Print a line for each measurement."""
    given = _arguments()
    if given.role:
        _ROLES[given.role](given)
        return
    with (
        running_broker() as broker,
        tempfile.TemporaryDirectory(prefix="s2p-streams-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
        acme_home(Path(folder), patch, kafka=broker.address) as acme,
    ):
        acme.ctx.warehouse.url  # noqa: B018  starts PostgreSQL
        for part in given.only:
            _PARTS[part](acme, broker, given)


def _throughput(acme: Acme, broker: Broker, given: argparse.Namespace) -> None:
    """The same events for each, one after the other, in topics of their own."""
    figures = {}
    for name, rows in (("s2p", given.rows), ("row by row", given.rival_rows), ("faststream", given.rival_rows * 8)):
        if name == "faststream" and not find_spec("faststream"):
            print("faststream: not installed here; uv run --with 'faststream[confluent]' …")
            continue
        topic = TOPIC if name == "s2p" else name.replace(" ", "-")
        broker.topic(topic)
        broker.send(topic, [orjson.dumps(sale(number)) for number in range(rows)])
        figures[name] = _measured(acme, broker, name, topic, rows)
    for name, rate in figures.items():
        times = f", s2p {figures['s2p'] / rate:.1f} ×" if name != "s2p" else ""
        print(f"{name}: {rate:,.0f} rows per CPU second of the consumer and PostgreSQL{times}")


def _measured(acme: Acme, broker: Broker, name: str, topic: str, rows: int) -> float:
    """Rows a CPU second from the first stored row to the last: what a process costs to start is no part of it."""
    table = "acme.shop" if name == "s2p" else f"public.{topic.replace('-', '_')}"
    if name == "s2p":
        process = acme.command("stream")
    else:
        with acme.ctx.warehouse.connect() as connection:
            connection.execute(RIVAL_TABLE.format(table))
        words = [sys.executable, "-m", __spec__.name, "--role", name.replace(" ", "-")]
        words += ["--url", acme.ctx.warehouse.url, "--address", broker.address, "--topic", topic, "--table", table]
        process = subprocess.Popen(words, env=acme.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: _count(acme, table) > 0, f"{name}: the first row")
    first, cpu = _count(acme, table), _cpu(acme, process.pid)
    until(lambda: _count(acme, table) >= rows, f"{name}: {rows} rows")
    spent = _cpu(acme, process.pid) - cpu
    peak = tree_memory(process.pid)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    print(f"{name}: {rows - first:,} rows in {spent:.2f} CPU s, {peak:.0f} MB")
    return (rows - first) / max(spent, 0.01)  # all in the first batch: give it more rows


def _count(acme: Acme, table: str) -> int:
    with acme.ctx.warehouse.connect() as connection:
        query: Any = f"select count(*) from {table}"
        return int((connection.execute(query).fetchone() or (0,))[0])


def _cpu(acme: Acme, pid: int) -> float:
    postmaster = int((acme.ctx.settings.home / "postgres/data/postmaster.pid").read_text().split()[0])
    return tree_cpu(pid) + tree_cpu(postmaster)


def _latency(acme: Acme, broker: Broker, given: argparse.Namespace) -> None:
    """Event to visible row at a steady rate, then the cost of a process that has nothing to do."""
    from confluent_kafka import Producer

    broker.topic("warm")
    if not streams_status(acme.ctx)[0]["events"]:
        broker.topic(TOPIC)
    process = acme.command("stream")
    known = streams_status(acme.ctx)[0]["events"]
    broker.send(TOPIC, [orjson.dumps(sale(9_000_000 + number)) for number in range(3)])
    until(lambda: streams_status(acme.ctx)[0]["events"] >= known + 3, "it reads every partition")
    producer, begun, base = Producer({"bootstrap.servers": broker.address, "linger.ms": 1}), time.time(), 10_000_000
    for number in range(given.rate * given.seconds):
        while time.time() < begun + number / given.rate:
            producer.poll(0.001)
        event = sale(base + number, at=f"{_utc(time.time())}Z")
        producer.produce(TOPIC, orjson.dumps(event), partition=number % 3)
    producer.flush(30)
    until(lambda: streams_status(acme.ctx)[0]["lag"] == 0, "all is read")
    with acme.ctx.warehouse.connect() as connection:
        found = connection.execute(
            "select percentile_cont(array[0.5, 0.99]) within group (order by extract(epoch from _loaded_at - sold_at"
            " at time zone current_setting('timezone'))) from acme.shop__rows where order_no >= 'O3333333'"
        ).fetchone()
    print(f"event to row at {given.rate:,} events/s, median and p99: {found[0][0]:.2f} s, {found[0][1]:.2f} s")  # type: ignore[index]
    _idle(process, given)
    stop(process)


def _idle(process: "subprocess.Popen[str]", given: argparse.Namespace) -> None:
    """What a process costs that has nothing to do."""
    cpu = tree_cpu(process.pid)
    time.sleep(given.idle)
    spent = tree_cpu(process.pid) - cpu
    print(f"idle: {100 * spent / given.idle:.2f} % of a core; {tree_memory(process.pid):.0f} MB")


def _features(_: Acme, broker: Broker, given: argparse.Namespace) -> None:
    """Event to feature, as the API's door serves it, at a steady rate over many articles with some months behind."""
    shop = f"{TOPIC}-features"
    with (
        tempfile.TemporaryDirectory(prefix="s2p-features-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
        acme_home(Path(folder), patch, tables=web_sales_tables("shop"), topic=shop, kafka=broker.address) as acme,
    ):
        broker.topic(shop)
        days = [dt.datetime.now(dt.UTC).date() - dt.timedelta(days=ago) for ago in range(given.days, 0, -1)]
        sold = enumerate(day for day in days for _ in range(given.articles))
        old = [_sold(given, number, f"{day}T10:00:00Z") for number, day in sold]
        broker.send(shop, old)
        process = acme.command("stream")
        until(lambda: _count(acme, "acme.web_sales_features") >= len(old), "what was sold before")
        company: Any = SimpleNamespace(folder=acme.folder, environment=acme.environ)
        door = start(company, port := free_port(), S2P_OPEN="true")
        try:
            lags, spent = _lags(acme, broker, given, shop, port, process.pid)
        finally:
            door.terminate()
            door.wait()
        time.sleep(5)  # what came last is made
        _idle(process, given)
        stop(process)
    print(
        f"event to feature at {given.rate:,} events/s, {given.articles:,} articles: median"
        f" {lags[len(lags) // 2]:.1f} s, longest of {len(lags)} {lags[-1]:.1f} s;"
        f" {spent:.2f} of a core of reader and PostgreSQL"
    )


def _sold(given: argparse.Namespace, number: int, at: str, sku: str = "") -> bytes:
    return orjson.dumps(sale(number, item={"sku": sku or f"{number % given.articles:04d}"}, at=at))


def _lags(
    acme: Acme, broker: Broker, given: argparse.Namespace, topic: str, port: int, pid: int
) -> tuple[list[float], float]:
    """Seconds until each event of one article, one a second, is in its features; the part of a core that it took."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 1})
    sent, found, base = list[float](), list[float](), 20_000_000
    ended, begun, cpu = threading.Event(), time.time(), _cpu(acme, pid)

    def look() -> None:
        url = f"http://127.0.0.1:{port}/api/v1/features/acme_web_sales_features/online"
        with httpx.Client() as client:
            while not ended.is_set() and len(found) < given.rate * given.seconds:
                answer = client.get(url, params={"sku": "probe"})
                if answer.status_code == 200:
                    known = answer.json()["row"]["lines_7"]
                    found.extend(time.time() - one for one in sent[len(found) : known])
                time.sleep(0.1)

    watching = threading.Thread(target=look)
    watching.start()
    for number in range(given.rate * given.seconds):
        while time.time() < begun + number / given.rate:
            producer.poll(0.001)
        now = time.time()
        is_probe = number % given.rate == 0
        producer.produce(topic, _sold(given, base + number, f"{_utc(now)}Z", "probe" if is_probe else ""))
        if is_probe:
            sent.append(now)
    producer.flush(30)
    spent = (_cpu(acme, pid) - cpu) / (time.time() - begun)
    until(lambda: len(found) == len(sent), "every event of the one article")
    ended.set()
    watching.join()
    return sorted(found), spent


def _utc(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1000):03d}"


def _kills(_: Acme, __: Broker, given: argparse.Namespace) -> None:
    """SIGKILL of the reader, of PostgreSQL and of a broker in turn at random moments, while events come: then row for
    row. The broker's events lie in an S3, so that they outlive it as those of a company's do.
    """
    topic, base, each, sent = f"{TOPIC}-kills", 1_000_000, 300, 0
    chance = random.Random(given.kills)
    with (
        lasting_broker() as broker,
        tempfile.TemporaryDirectory(prefix="s2p-kills-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
        acme_home(Path(folder), patch, topic=topic, kafka=broker.address) as acme,
    ):
        acme.ctx.warehouse.url  # noqa: B018  starts PostgreSQL
        broker.topic(topic)
        process = acme.command("stream")
        for turn in range(given.kills):
            events = [orjson.dumps(sale(base + number)) for number in range(sent, sent + each)]
            seconds = chance.uniform(0.2, 4.0)
            selling = threading.Thread(target=_sell, args=(broker, topic, events, seconds))
            selling.start()
            process = kill_in_turn(acme, process, turn, seconds, broker)
            selling.join()
            sent += each
        wanted = set(sent_rows(range(base, base + sent)))
        while (stored := _count(acme, "acme.shop")) < len(wanted):
            until(lambda stored=stored: _count(acme, "acme.shop") > stored, "more rows")  # type: ignore[misc]
        rows, (status,) = acme.rows(SHOP), [one for one in streams_status(acme.ctx) if one["name"] == SHOP]
        stop(process)
    print(
        f"{given.kills} kills: {sent:,} events sent, {status['events']:,} came, {len(rows):,} rows, "
        f"{len(set(rows)):,} of them different; said: {status['notices'] or 'nothing'}"
    )
    assert sorted(rows) == sorted(wanted)


def _sell(broker: Broker, topic: str, events: list[bytes], seconds: float) -> None:
    """A few at a time, from before the kill until after it."""
    for first in range(0, len(events), 100):
        broker.send(topic, events[first : first + 100])
        time.sleep(seconds / 2)


def _values(said: dict[str, Any]) -> tuple[Any, ...]:
    return (
        *(said["order"], said["line"], said["item"]["sku"], said["qty"], said["price"]),
        said["at"].removesuffix("Z"),
        said.get("note"),
    )


def _row_by_row(given: argparse.Namespace) -> None:
    """The usual consumer: an event, an insert, a commit."""
    from confluent_kafka import Consumer

    consumer = Consumer(
        {"bootstrap.servers": given.address, "group.id": "rows", "auto.offset.reset": "earliest"}
        | {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
    )
    consumer.subscribe([given.topic])
    query: Any = INSERT.format(given.table)
    with psycopg.connect(given.url) as connection:
        while True:
            message = consumer.poll(1.0)
            if message and not message.error():
                connection.execute(query, _values(json.loads(message.value() or b"")))
                connection.commit()


def _faststream(given: argparse.Namespace) -> None:
    """FastStream as its manual has it for batches: a list of events, inserted by `executemany`."""
    FastStream: Any = import_module("faststream").FastStream  # noqa: N806  not installed but for this
    KafkaBroker: Any = import_module("faststream.confluent").KafkaBroker  # noqa: N806

    broker = KafkaBroker(given.address)
    query: Any = INSERT.format(given.table)
    connection = psycopg.connect(given.url)

    @broker.subscriber(given.topic, batch=True, max_records=1_000, group_id="fast", auto_offset_reset="earliest")
    async def take(events: list[dict[str, Any]]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(query, [_values(event) for event in events])
        connection.commit()

    asyncio.run(FastStream(broker).run())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rival-rows", type=int, default=30_000)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--articles", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--idle", type=float, default=30.0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    for word in ("role", "url", "address", "topic", "table"):
        parser.add_argument(f"--{word}", help=argparse.SUPPRESS)
    return parser.parse_args()


_PARTS = {"throughput": _throughput, "latency": _latency, "features": _features, "kills": _kills}
_ROLES = {"row-by-row": _row_by_row, "faststream": _faststream}

if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
