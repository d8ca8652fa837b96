"""One smoke test of the whole: the real daemon on the embedded PostgreSQL, from a dropped file to the report."""

import contextlib
import datetime as dt
import json
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from s2p_assets_tests.small_company import SmallCompany, build, order_rows, save

pytestmark = pytest.mark.long

PATIENCE_SECONDS = 240
BEAT_SECONDS = 2.0


@dataclass(frozen=True)
class Up:
    """A small company whose servers are up; what they say goes to a log in its folder."""

    company: SmallCompany
    port: int
    servers: "subprocess.Popen[str]"

    @property
    def latest(self) -> Path:
        return self.company.share / "s2p-reports/acme-takings/latest.html"

    def wait_for(self, what: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_there():
            assert self.servers.poll() is None, (self.company.folder / "up.log").read_text()[-3000:]
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE_SECONDS} s"
            time.sleep(0.5)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """Not below pytest's own folder, which is closed to the user that PostgreSQL runs as when we are root."""
    with tempfile.TemporaryDirectory(prefix="s2p-daemon-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        company = build(folder)
        settings = {"S2P_PORT": str(port), "S2P_LOOK_SECONDS": "2", "S2P_OPEN": "1"}
        with (folder / "up.log").open("w") as log:
            servers = company.start("up", env=settings, stdout=log, stderr=log)
        yield Up(company, port, servers)
        servers.send_signal(signal.SIGTERM)
        servers.wait(60)


def test_a_file_dropped_while_s2p_is_up_reaches_the_report_by_itself(up: Up) -> None:
    up.wait_for("first report", up.latest.exists)
    page = urllib.request.urlopen(f"http://127.0.0.1:{up.port}/dagster/server_info", timeout=PATIENCE_SECONDS)
    assert page.status == 200
    assert "97,531" not in up.latest.read_text()
    order = ["77-1", "NEW-1", 1, 97531.0, dt.date(2026, 1, 20)]
    save(up.company.share / "orders/New.xlsx", [order_rows(77)[0], order], 90)
    up.wait_for("report of the new order", lambda: "97,531" in up.latest.read_text())
    assert (up.company.home / "postgres").is_dir()


@contextmanager
def throttled(servers: "subprocess.Popen[str]", part: float) -> Iterator[None]:
    """All processes of the servers have `part` of the time, and stand still for the rest, as beside many others."""
    ended = threading.Event()

    def send(number: int) -> None:
        for process in psutil.Process(servers.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def hold_up() -> None:
        while not ended.is_set():
            send(signal.SIGSTOP)
            ended.wait((1 - part) * BEAT_SECONDS)
            send(signal.SIGCONT)
            ended.wait(part * BEAT_SECONDS)

    holding = threading.Thread(target=hold_up)
    holding.start()
    try:
        yield
    finally:
        ended.set()
        holding.join()


def test_a_file_dropped_on_a_machine_that_hardly_moves_reaches_the_report_too(up: Up) -> None:
    up.wait_for("first report", up.latest.exists)
    order = ["78-1", "NEW-2", 1, 86420.0, dt.date(2026, 1, 21)]
    with throttled(up.servers, part=0.2):
        save(up.company.share / "orders/Later.xlsx", [order_rows(78)[0], order], 91)
        up.wait_for("report of it", lambda: "86,420" in up.latest.read_text())
    with up.company.database() as connection:
        failed = connection.execute("select count(*) from dagster.runs where status = 'FAILURE'").fetchone()
    assert failed == (0,)


def test_one_port_serves_reports_api_and_dagster_with_its_websockets(up: Up) -> None:
    up.wait_for("first report", up.latest.exists)
    for path in ("/", "/api/v1/status", "/reports/acme-takings/latest.html", "/dagster/", "/dagster/asset-groups"):
        with urllib.request.urlopen(f"http://127.0.0.1:{up.port}{path}", timeout=PATIENCE_SECONDS) as page:
            assert page.status == 200
    asked = {"type": "connection_init", "payload": {}}
    address = f"ws://127.0.0.1:{up.port}/dagster/graphql"
    with connect(address, subprotocols=[Subprotocol("graphql-ws")], proxy=None) as socket_of_a_browser:
        socket_of_a_browser.send(json.dumps(asked))
        assert json.loads(socket_of_a_browser.recv(30))["type"] == "connection_ack"
    with pytest.raises(InvalidStatus):
        connect(address, origin=Origin("https://evil.example"), proxy=None)


def test_dagster_listens_on_no_port(up: Up) -> None:
    """Every port that belongs to the servers is the door's, or takes requests for definitions on loopback."""
    up.wait_for("first report", up.latest.exists)
    ours = psutil.Process(up.servers.pid)
    ports = {
        connection.laddr.port
        for process in [ours, *ours.children(recursive=True)]
        if "dagster_webserver" in " ".join(process.cmdline()) or process.pid == ours.pid
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert ports == set()


def test_stopping_in_the_midst_of_work_is_quiet_and_leaves_nothing_running(up: Up) -> None:
    up.wait_for("Dagster UI", up.answers)
    order = ["79-1", "NEW-3", 1, 75310.0, dt.date(2026, 1, 22)]
    save(up.company.share / "orders/Last.xlsx", [order_rows(79)[0], order], 92)
    up.wait_for("work under way", lambda: "Last.xlsx" in (up.company.folder / "up.log").read_text())
    up.servers.send_signal(signal.SIGTERM)
    up.servers.wait(60)
    assert not up.answers()
    assert "Traceback" not in (up.company.folder / "up.log").read_text(), "what was under way is no fault"
    deadline = time.monotonic() + 30
    while (up.company.home / "postgres/data/postmaster.pid").exists():
        assert time.monotonic() < deadline, "PostgreSQL still runs"
        time.sleep(0.5)
