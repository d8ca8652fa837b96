"""A company with a till that pushes and a web shop whose orders are a Kafka topic. Its broker is in `broker.py`."""

import contextlib
import functools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson
import pytest

from s2p_assets import tables as retail_tables
from s2p_assets.services.context import Context, open_context
from s2p_assets.services.streams.consuming import StreamConsumer
from s2p_assets.services.streams.telling import streams_status
from s2p_assets.settings import Settings

PATIENCE_SECONDS = 120.0
ROWS = '''

class Sale(Row):
    """One line of a sale."""

    order_no: Code = column("Order", "order", description="Number of the order")
    line: Integer = column("Line", description="Number of the line", ge=1)
    sku: Code = column("SKU", "item.sku", description="The article")
    quantity: Integer = column("Quantity", "qty", description="Pieces", ne=0)
    price: Money = column("Price", description="Price of one piece", ge=0)
    sold_at: Timestamp = column("Sold at", "at", description="When it was sold")
    note: Text = column("Note", description="What was said", nullable=True)

    @row_rule("a return of more than 100 pieces", at="quantity")
    def returns_are_small(cls, rows: Frame) -> Series:
        return rows["quantity"] >= -100
'''
WORDS = (
    "from s2p_assets import Code, Frame, Integer, Kafka, Money, Push, Row, Series, Stream, Text, Timestamp\n"
    "from s2p_assets import column, row_rule"
)
TILL, SHOP, TOPIC = "acme_till", "acme_shop", "acme-orders"
SHELF = {
    "acme_till.py": f'"""Tills."""\n\n{WORDS}\n{ROWS}\n\n'
    'till = Stream(rows=Sale, source=Push(), owner="till@example.com", key=("order_no", "line"), max_event_kb=4)\n',
    "acme_shop.py": f'"""The web shop."""\n\n{WORDS}\n{ROWS}\n\n'
    'shop = Stream(rows=Sale, source=Kafka("acme-orders"), owner="shop@example.com", key=("order_no", "line"),'
    ' every="30 seconds", max_event_kb=64)\n',
}


@dataclass
class Acme:
    """The installation, and how its processes are started."""

    folder: Path
    ctx: Context
    environ: dict[str, str]
    started: "list[subprocess.Popen[str]]" = field(default_factory=list)

    def rows(self, name: str, columns: str = "order_no, line, quantity") -> list[tuple[Any, ...]]:
        """The rows of a stream's table that count."""
        with self.ctx.warehouse.connect() as connection:
            table = f"acme.{name.removeprefix('acme_')}"
            return connection.execute(f"select {columns} from {table} order by order_no, line").fetchall()

    def reader_problem(self) -> str | None:
        """What keeps who reads the web shop from it, as they say; one that was killed is silent."""
        said = [one["problem"] for one in streams_status(self.ctx)[0]["readers"]]
        return next((problem for problem in said if problem), None)

    def command(self, *words: str, **more: str) -> "subprocess.Popen[str]":
        """`s2p` in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "s2p_assets.cli", *words],
            env=self.environ | more,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.started.append(process)
        return process


@contextlib.contextmanager
def acme_home(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    tables: Mapping[str, str] | None = None,
    topic: str = TOPIC,
    **more: Any,
) -> Iterator[Acme]:
    """Its shelves in a package of their own, and a home with an embedded PostgreSQL. `tables`: file → its text.

    `topic`: that of the web shop.
    """
    package = f"acme_{abs(hash(str(folder)))}"
    shelf = folder / package / "streams"
    shelf.mkdir(parents=True)
    (folder / package / "__init__.py").touch()  # a package of no file would be found once more in the working folder
    for name, text in SHELF.items():
        (shelf / name).write_text(text.replace(f'"{TOPIC}"', f'"{topic}"'))
    (folder / package / "tables").mkdir()
    for name, text in (tables or {}).items():
        (folder / package / "tables" / name).write_text(text)
    (folder / "share").mkdir()
    monkeypatch.syspath_prepend(str(folder))
    settings = Settings(home=folder / "home", share=folder / "share", shelves=(package,), **more)
    given = {"S2P_HOME": str(settings.home), "S2P_SHARE": str(settings.share), "S2P_SHELVES": package}
    given |= {f"S2P_{name.upper()}": str(value) for name, value in more.items()}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("S2P_")}
    acme = Acme(folder, open_context(settings), plain | given | {"PYTHONPATH": str(folder)})
    try:
        yield acme
    finally:
        for process in acme.started:
            if process.poll() is None:
                process.kill()
                process.communicate()


@contextlib.contextmanager
def reading(acme: Acme) -> Iterator[None]:
    """Read in a thread of this process for as long as the block lasts."""
    ended, failed = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            StreamConsumer(acme.ctx, [acme.ctx.catalog.streams[SHOP]], ended).run()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(60)
    assert not failed, failed


def web_sales_tables(stream: str) -> dict[str, str]:
    """The sample's tables of web sales, in SQL, of this stream of the company's."""
    shelf = Path(str(retail_tables.__file__)).parent
    renamed = {"web_orders": stream, "unit_price": "price", "ordered_at": "sold_at"}
    return {
        f"acme_{name}.sql": functools.reduce(
            lambda text, words: text.replace(*words), renamed.items(), (shelf / f"retail_{name}.sql").read_text()
        )
        for name in ("web_sales_by_day", "web_sales_features")
    }


def sale(number: int, **other: Any) -> dict[str, Any]:
    """A line of a sale as a program sends it."""
    return {
        "order": f"O{number // 3:06d}",
        "line": number % 3 + 1,
        "item": {"sku": f"{number % 50:04d}"},
        "qty": 1 + number % 4,
        "price": 9.99,
        "at": f"2026-11-{number % 27 + 1:02d}T10:{number % 60:02d}:00.250Z",
    } | other


def lines(sales: Sequence[dict[str, Any]]) -> bytes:
    return b"\n".join(orjson.dumps(one) for one in sales)


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until it holds; what fails meanwhile, as a table that is not there yet, is asked again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            if holds():
                return
        time.sleep(0.1)
    raise TimeoutError(f"{what}: not within {PATIENCE_SECONDS:.0f} s")


def stop(process: "subprocess.Popen[str]") -> str:
    """End a command as a person does; what it said."""
    process.send_signal(signal.SIGTERM)
    said, wrong = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, wrong
    return said + wrong


def sent_rows(numbers: Iterable[int]) -> list[tuple[str, int, int]]:
    """The rows of sales with these numbers."""
    return [(f"O{number // 3:06d}", number % 3 + 1, 1 + number % 4) for number in numbers]


class Killable(Protocol):
    """A server that can be killed and started again as often as one likes."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


def kill_in_turn(
    acme: Acme, process: "subprocess.Popen[str]", turn: int, seconds: float, server: Killable
) -> "subprocess.Popen[str]":
    """After so many seconds the reader, PostgreSQL or the server that is read, by SIGKILL; who reads then."""
    time.sleep(seconds)
    if turn % 3 == 2:
        server.kill()
        server.start()
        return process
    if turn % 3 == 1:
        until(lambda: _kill_postgres(acme), "PostgreSQL is there to be killed")
        return process
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return acme.command("stream")


def _kill_postgres(acme: Acme) -> bool:
    pid = (acme.ctx.settings.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
    os.kill(int(pid), signal.SIGKILL)
    acme.ctx.warehouse.__dict__.pop("url", None)
    return True
