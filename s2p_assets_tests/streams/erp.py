"""The ERP of a company: a PostgreSQL of its own, whose table of stock is followed."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from s2p_assets.contracts.stream import Stream
from s2p_assets.services.streams.capturing import ChangeCapture
from s2p_assets.services.streams.telling import streams_status
from s2p_assets.warehouse.server.embedded import release_server, start_server
from s2p_assets_tests.streams.acme import Acme, acme_home, until

STOCK = "acme_stock"
FAILED: list[BaseException] = []
"""What a follower in this process failed with: there is no use in waiting for it then."""
SHELF = '''"""Stock of the ERP."""

from s2p_assets import Code, Integer, Money, PostgresTable, Row, Stream, Text, Timestamp, column


class Stock(Row):
    """What the ERP says there is of an article in a warehouse."""

    sku: Code = column("Article", "article", description="The article")
    warehouse: Code = column("Warehouse", description="Where it lies")
    quantity: Integer = column("Quantity", "qty", description="Pieces", ge=0)
    cost: Money = column("Cost", description="Cost of one piece", nullable=True)
    counted_at: Timestamp = column("Counted at", description="When it was last counted", nullable=True)
    note: Text = column("Note", description="What was said", nullable=True)


stock = Stream(
    rows=Stock,
    source=PostgresTable("public.stock", "erp"),
    owner="erp@example.com",
    key=("sku", "warehouse"),
    every="30 seconds",
)
'''
TABLE = (
    "create table public.stock (article text, warehouse text, qty integer not null, cost numeric(10, 2),"
    " counted_at timestamptz, note text, primary key (article, warehouse))"
)
COLUMNS = "sku, warehouse, quantity, cost, note"


@dataclass
class Erp:
    """The server; `kill` and `start` as often as one likes."""

    folder: Path
    url: str = ""

    def start(self) -> None:
        self.url = start_server(self.folder)

    def do(self, *commands: str) -> list[Any]:
        """Each a transaction of its own; what the last one gives."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for command in commands:
                done = connection.execute(command)
            return done.fetchall() if done.description else []

    def rows(self) -> list[tuple[Any, ...]]:
        return self.do("select article, warehouse, qty, cost, note from public.stock order by 1, 2")

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, how)
        deadline = time.monotonic() + 60
        with contextlib.suppress(ProcessLookupError):
            while time.monotonic() < deadline:
                os.kill(pid, 0)
                time.sleep(0.05)


@contextlib.contextmanager
def running_erp(folder: Path) -> Iterator[Erp]:
    """A PostgreSQL that writes a logical log, with a table of stock."""
    erp = Erp(folder)
    erp.start()
    erp.do("alter system set wal_level = 'logical'", TABLE)
    erp.kill(signal.SIGINT)
    erp.start()
    try:
        yield erp
    finally:
        release_server(folder)


@contextlib.contextmanager
def company_with_erp(folder: Path, erp: Erp, **more: Any) -> Iterator[Acme]:
    """Its home, with the one stream that follows the ERP."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("s2p_assets_tests.streams.acme.SHELF", {"acme_stock.py": SHELF})
        with acme_home(folder, patch, source_databases=f"erp={erp.url}", **more) as home:
            yield home


def stock_rows(acme: Acme) -> list[tuple[Any, ...]]:
    """What stands of the ERP's stock here."""
    with acme.ctx.warehouse.connect() as connection:
        query: Any = f"select {COLUMNS} from acme.stock order by sku, warehouse"
        return connection.execute(query).fetchall()


def status_of(acme: Acme) -> dict[str, Any]:
    (found,) = streams_status(acme.ctx)
    return found


def problem_of(acme: Acme) -> str:
    """What keeps whoever follows the ERP from it."""
    return " ".join(str(one["problem"]) for one in status_of(acme)["readers"] if one["problem"])


@contextlib.contextmanager
def following(acme: Acme, stream: Stream | None = None) -> Iterator[ChangeCapture]:
    """Follow in a thread of this process for as long as the block lasts."""
    ended = threading.Event()
    FAILED.clear()
    capture = ChangeCapture(acme.ctx, stream or acme.ctx.catalog.streams[STOCK], ended)

    def run() -> None:
        try:
            capture.run()
        except BaseException as error:
            FAILED.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield capture
    finally:
        ended.set()
        thread.join(60)
    assert not FAILED, FAILED


def until_equal(acme: Acme, erp: Erp, what: str) -> None:
    """Wait until the table here is row for row that of the ERP."""
    try:
        until(lambda: FAILED or stock_rows(acme) == erp.rows(), what)
        if FAILED:
            raise FAILED[0]
    except TimeoutError:
        here, there = set(stock_rows(acme)), set(erp.rows())
        raise AssertionError(
            f"{what}: {sorted(here - there, key=str)[:3]} here, {sorted(there - here, key=str)[:3]} there,"
            f" {problem_of(acme)}"
        ) from None


def insert(numbers: Sequence[int], warehouse: str = "W1") -> str:
    values = ", ".join(f"('{n:05d}', '{warehouse}', {n % 90}, {n % 7}.25, now(), null)" for n in numbers)
    return f"insert into public.stock values {values}"


def change_at_random(erp: Erp, chance: random.Random, times: int) -> None:
    """Rows come, change, change their key and go, in transactions of their own."""
    for _ in range(times):
        number = chance.randrange(400)
        erp.do(
            chance.choice(
                [
                    insert([number], "W3") + " on conflict (article, warehouse) do update set qty = excluded.qty + 1",
                    f"update public.stock set qty = qty + 1 where article < '{number:05d}'",
                    f"delete from public.stock where article = '{number:05d}'",
                    f"update public.stock set warehouse = 'W{chance.randrange(10**6)}' where article = '{number:05d}'"
                    " and warehouse = 'W3'",
                ]
            )
        )


def never_doubled(acme: Acme) -> bool:
    """Whether no key stands twice."""
    with acme.ctx.warehouse.connect() as connection:
        doubled = "select 1 from acme.stock group by sku, warehouse having count(*) > 1"
        return connection.execute(doubled).fetchone() is None
