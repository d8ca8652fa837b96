"""One smoke test of the whole: the real daemon on the embedded PostgreSQL, from a dropped file to the report."""

import datetime as dt
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest

pytestmark = pytest.mark.long

PATIENCE_SECONDS = 240


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write(file: Path, header: list[str], rows: list[list[object]]) -> None:
    """A workbook, saved as Excel saves it: beside its place, then renamed into it."""
    book = openpyxl.Workbook()
    for row in [header, *rows]:
        book.worksheets[0].append(row)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"~{file.name}.tmp")
    book.save(beside)
    beside.replace(file)


def drop_prices(share: Path) -> None:
    header = ["SKU", "Description", "MSRP", "T2 cost", "Item cost", "Effective date"]
    write(share / "prices/Prices.xlsx", header, [["A-1", "Lamp", 20, 12, 8, dt.date(2025, 1, 1)]])


def drop_sales(share: Path, weeks: int, quantity: int) -> None:
    days = [dt.date(2025, 1, 6) + dt.timedelta(weeks=week) for week in range(weeks)]
    rows = [["A-1", quantity, day, day + dt.timedelta(days=6)] for day in days]
    write(share / "sales/retail/Sales.xlsx", ["SKU", "Quantity", "From date", "To date"], rows)


def wait_for(what: str, is_there: Callable[[], bool], servers: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_there():
        assert servers.poll() is None, "the servers ended by themselves"
        assert time.monotonic() < deadline, f"no {what} within {PATIENCE_SECONDS} s"
        time.sleep(1)


@pytest.fixture
def home() -> Iterator[Path]:
    """Not below pytest's own folder, which is closed to the user that PostgreSQL runs as when we are root."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="s2p-daemon-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def servers(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("S2P_", "DAGSTER_"))}
    environment = inherited | {"S2P_HOME": str(home), "S2P_PORT": str(port), "S2P_LOOK_SECONDS": "2"}
    with (home / "up.log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "s2p_assets.cli", "up"], env=environment, stdout=log, stderr=log
        )
    started.port = port  # type: ignore[attr-defined]
    yield started
    started.send_signal(signal.SIGTERM)
    started.wait(60)


def test_a_file_dropped_while_s2p_is_up_reaches_the_report_by_itself(
    home: Path, servers: "subprocess.Popen[bytes]"
) -> None:
    share, reports = home / "share", home / "share/s2p-reports/retail-weekly-outlook"
    latest = reports / "latest.html"
    share.mkdir(exist_ok=True)
    drop_prices(share)
    drop_sales(share, 20, 7)
    wait_for("first report", latest.exists, servers)
    page = urllib.request.urlopen(f"http://127.0.0.1:{servers.port}/server_info", timeout=10)  # type: ignore[attr-defined]
    assert page.status == 200
    drop_sales(share, 21, 9)
    newer = re.compile("31 May 2025|1 June 2025")
    wait_for("report of the new week", lambda: bool(newer.search(latest.read_text())), servers)
    assert (home / "postgres").is_dir()


def test_stopping_leaves_nothing_running(home: Path, servers: "subprocess.Popen[bytes]") -> None:
    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", servers.port)) == 0  # type: ignore[attr-defined]

    wait_for("Dagster UI", answers, servers)
    servers.send_signal(signal.SIGTERM)
    servers.wait(60)
    assert not answers()
    deadline = time.monotonic() + 30
    while (home / "postgres/data/postmaster.pid").exists():
        assert time.monotonic() < deadline, "PostgreSQL still runs"
        time.sleep(0.5)
