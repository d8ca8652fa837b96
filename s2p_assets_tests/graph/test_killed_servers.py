"""What `s2p up` promises when a part of it is killed: the next run goes on, and nothing stays behind."""

import datetime as dt
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from s2p_assets.graph.running.warm_pass import PASS, identity, pass_of_servers
from s2p_assets.graph.running.zygote_requests import socket_file
from s2p_assets.settings import Settings, read_settings
from s2p_assets_tests import small_company
from s2p_assets_tests.small_company import SmallCompany, order_rows, save

pytestmark = pytest.mark.long

PATIENCE_SECONDS = 240


@dataclass
class Up:
    """A small company whose servers are up."""

    company: SmallCompany
    process: "subprocess.Popen[str]"

    @property
    def report(self) -> str:
        page = self.company.share / "s2p-reports/acme-takings/latest.html"
        return page.read_text() if page.exists() else ""

    @property
    def zygote(self) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if "zygote" in " ".join(child.cmdline()))

    def runs(self) -> list[psutil.Process]:
        """The processes of runs: each leads a process group of its own."""
        try:
            return [child for child in self.zygote.children() if _leads_a_group(child)]
        except (psutil.NoSuchProcess, StopIteration):
            return []

    def drop(self, number: int, price: float) -> None:
        order = [f"{number}-1", f"NEW-{number}", 1, price, dt.date(2026, 1, number - 71)]
        save(self.company.share / f"orders/New {number}.xlsx", [order_rows(77)[0], order], number)

    def wait_for(self, what: str, is_there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_there():
            assert time.monotonic() < deadline, f"no {what} within {PATIENCE_SECONDS} s"
            time.sleep(0.05)

    def unfinished(self) -> int:
        query = "select count(*) from dagster.runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED')"
        with self.company.database() as connection:
            return int((connection.execute(query).fetchone() or (0,))[0])


def _leads_a_group(process: psutil.Process) -> bool:
    fields = Path(f"/proc/{process.pid}/stat")
    return fields.exists() and int(fields.read_text().rpartition(")")[2].split()[2]) == process.pid


@pytest.fixture(scope="module")
def up(folder: Path) -> Iterator[Up]:
    company = small_company.build(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    with (folder / "up.log").open("w") as log:
        process = company.start("up", env={"S2P_PORT": port}, stdout=log, stderr=log)
    started = Up(company, process)
    started.wait_for("first report", lambda: bool(started.report))
    yield started
    process.send_signal(signal.SIGTERM)
    process.wait(60)


@pytest.fixture
def settings(up: Up, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """As `s2p` reads them in the company's folder."""
    for name, value in up.company.environment.items():
        if name.startswith("S2P_"):
            monkeypatch.setenv(name, value)
    return read_settings()


def test_what_is_forked_from_is_whole_and_holds_no_connection(up: Up) -> None:
    assert up.zygote.net_connections() == []
    opened = {one.laddr for one in up.zygote.net_connections("unix")}
    assert not [address for address in opened if "PGSQL" in str(address)]


def test_a_killed_run_is_made_again(up: Up) -> None:
    up.drop(91, 97531.0)
    up.wait_for("run", lambda: bool(up.runs()))
    up.runs()[0].kill()
    up.wait_for("report of what the killed run was about", lambda: "97,531" in up.report)
    up.wait_for("end of its runs", lambda: not up.unfinished())


def test_a_pass_beside_the_servers_is_made_by_a_process_that_they_fork(up: Up, settings: Settings) -> None:
    up.drop(94, 64208.0)
    said: list[str] = []
    made = pass_of_servers(settings, said.append)
    assert made is not None
    assert (made["failures"], made["waits"]) == ([], [])
    assert "64,208" in up.report, "by the pass, or by the servers, for which it waits"
    assert "looking at the share" in said
    assert pass_of_servers(settings.model_copy(update={"locale": "de_DE"}), said.append) is None


def test_s2p_run_beside_the_servers_says_what_it_says_alone(up: Up) -> None:
    answer = up.company.run("run", "--json")
    assert answer.code == 1, "as something there needs a person"
    assert {"workbooks", "runs", "failures", "waits", "unclaimed"} <= set(json.loads(answer.out))


def test_a_pass_ends_with_the_one_who_asked_for_it(up: Up, settings: Settings) -> None:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(socket_file(settings, "runs")))
        asking.sendall(json.dumps({"do": PASS, "run": identity(settings)}).encode() + b"\n")
        pid = json.loads(asking.makefile().readline())["pid"]
    up.wait_for("end of the pass", lambda: not psutil.pid_exists(pid))
    assert pass_of_servers(settings, lambda _: None) is not None, "the turn is free again"
    assert not up.unfinished()


def test_new_code_on_a_shelf_is_what_the_next_run_makes(up: Up) -> None:
    shelf = up.company.folder / "small_shelves/reports/acme_takings.py"
    shelf.write_text(shelf.read_text().replace("Takings", "All takings"))
    up.wait_for("report by the new code", lambda: "All takings" in up.report)


def test_a_killed_zygote_begins_anew_and_the_next_run_goes_on(up: Up) -> None:
    zygote = up.zygote
    family = zygote.children(recursive=True)
    up.drop(92, 86420.0)
    up.wait_for("run", lambda: bool(up.runs()))
    family += up.runs()
    zygote.kill()
    up.wait_for("end of all that it had forked", lambda: not any(map(_is_alive, family)))
    up.wait_for("report after the kill", lambda: "86,420" in up.report)
    up.wait_for("end of its runs", lambda: not up.unfinished())


def test_nothing_stays_behind_a_killed_s2p_up(up: Up) -> None:
    family = psutil.Process(up.process.pid).children(recursive=True)
    servers = [one for one in family if (words := _command(one)) and "postgres" not in words]
    up.drop(93, 75319.0)
    up.wait_for("run", lambda: bool(up.runs()))
    servers += up.runs()
    up.process.kill()
    up.process.wait()
    up.wait_for("end of its servers", lambda: not any(map(_is_alive, servers)))
    up.company.run()
    assert "75,319" in up.report
    assert not up.unfinished()


def _command(process: psutil.Process) -> str:
    """Its command line; empty for one that has ended."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
