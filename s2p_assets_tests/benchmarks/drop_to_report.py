"""What a changed sales file costs at a running `s2p up`, from its drop to the reports: by the clock and in CPU.

    uv run python -m s2p_assets_tests.benchmarks.drop_to_report                   # the retail company
    uv run python -m s2p_assets_tests.benchmarks.drop_to_report --drops 3 --load 20
    uv run python -m s2p_assets_tests.benchmarks.drop_to_report --steps           # and when each step began and ended
    uv run python -m s2p_assets_tests.benchmarks.drop_to_report --small --drops 1    # a company of two workbooks

Linux alone, as costs are read from `/proc`.
"""

import argparse
import contextlib
import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, LiteralString

import openpyxl
import psutil
import psycopg

from s2p_assets.samples.retail_share import write_share
from s2p_assets.settings import Settings, read_settings
from s2p_assets.warehouse.server.connection import connect, database_url
from s2p_assets_tests import small_company
from s2p_assets_tests.benchmarks.metering import tree_cpu
from s2p_assets_tests.free_ports import free_port

REPORTS = ("retail-weekly-outlook", "acme-takings")
"""What people wait for, of the retail company and of the small one."""
CHANGED = """
    select path from s2p.files where workbook = any(array['retail_retail_sales', 'acme_orders'])
    and verdict = 'accepted' and is_loaded and (path like '%/____/%.xlsx' or path like 'orders/Orders%.xlsx')
    order by path desc limit 1
"""
QUANTITY = ("Quantity", "Qty")
PATIENCE_SECONDS = 1800.0
NEWEST = "select coalesce(max(id), 0) from dagster.event_logs"
UNFINISHED = """
    select (select count(*) from dagster.runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED'))
    + (select count(*) from dagster.job_ticks where status = 'STARTED')
"""
FAILED = "select count(*) from dagster.runs where status = 'FAILURE'"
STEPS = """
    select extract(epoch from timestamp at time zone 'UTC'), run_id, dagster_event_type, step_key
    from dagster.event_logs where id > %s and dagster_event_type = any(%s) order by id
"""
SHOWN = ["STEP_START", "STEP_SUCCESS", "STEP_FAILURE", "PIPELINE_START", "PIPELINE_SUCCESS", "PIPELINE_ENQUEUED"]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--drops", type=int, default=2, help="so many changed files, one after the other")
    parser.add_argument("--load", type=int, default=0, help="so many busy processes beside")
    parser.add_argument("--skus", type=int, default=60, help="the size of the company")
    parser.add_argument("--small", action="store_true", help="a company of two workbooks, a table and a report")
    parser.add_argument("--steps", action="store_true", help="show when each step began and ended")
    parser.add_argument("--quiet", type=float, default=8.0, help="seconds without an event after which it is over")
    parser.add_argument("--home", type=Path, help="keep the company here, and take the one that is here already")
    given = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        place = given.home or Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        settings = _installation(place, 0 if given.small else given.skus)
        servers, postgres = stack.enter_context(_up(settings))
        conn = stack.enter_context(connect(database_url(settings)))
        _wait_until_quiet(conn, -1, given.quiet)
        print("| drop | outlook, s | all, s | CPU s | of it PostgreSQL | failed runs |\n|---|---|---|---|---|---|")
        stack.enter_context(_busy(given.load))
        for number in range(given.drops):
            said = _drop(settings, conn, (servers, postgres), given.quiet, steps=given.steps)
            print(f"| {number + 1} | {said} |", flush=True)


def _installation(place: Path, skus: int) -> Settings:
    """The retail company in `place`, made and processed where it is not there yet; the environment names it.

    Without any SKU the small company of the tests.
    """
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o755)
    os.environ |= {
        "S2P_HOME": f"{place}/home",
        "S2P_SHARE": f"{place}/share",
        "S2P_RESULTS": f"{place}/results",
        "S2P_PORT": str(free_port()),
        "S2P_OPEN": "1",
    }
    if not skus:
        company = small_company.SmallCompany(place)
        os.environ |= {"S2P_SHELVES": "small_shelves", "PYTHONPATH": company.environment["PYTHONPATH"]}
    settings = read_settings()
    if not settings.reports.exists():
        settings.share.mkdir(exist_ok=True)
        if skus:
            list(write_share(settings.share, until=dt.date(2026, 3, 31), skus=skus))
        else:
            small_company.build(place)
        subprocess.run(
            [sys.executable, "-m", "s2p_assets.cli", "run", "--json"], check=False, stdout=subprocess.DEVNULL
        )
    return settings


@contextlib.contextmanager
def _up(settings: Settings) -> Iterator[tuple[int, int]]:
    """`s2p up`; the process ids of it and of PostgreSQL's postmaster."""
    database_url(settings)
    postmaster = int((settings.home / "postgres/data/postmaster.pid").read_text().splitlines()[0])
    with (settings.home / "up.log").open("w") as log:
        command = [sys.executable, "-m", "s2p_assets.cli", "up"]
        servers = subprocess.Popen(command, start_new_session=True, stdout=log, stderr=log)
    try:
        with socket.socket() as probe:
            while probe.connect_ex(("127.0.0.1", settings.port)):
                time.sleep(0.5)
        yield servers.pid, postmaster
    finally:
        servers.send_signal(signal.SIGTERM)
        servers.wait(60)


@contextlib.contextmanager
def _busy(processes: int) -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in busy:
            one.kill()
            one.wait()


def _drop(settings: Settings, conn: psycopg.Connection, pids: tuple[int, int], quiet: float, *, steps: bool) -> str:
    """One changed file, and a line of what came of it. `pids`: of the servers and of PostgreSQL."""
    newest, failed = _number(conn, NEWEST), _number(conn, FAILED)
    spent, postgres_spent = sum(map(tree_cpu, pids)), tree_cpu(pids[1])
    watch = _ProcessWatch(*pids) if steps else None
    begun = time.time()
    _change(settings.share / str(_first(conn, CHANGED)))
    _wait_until_quiet(conn, newest, quiet)
    cpu, postgres_cpu = sum(map(tree_cpu, pids)) - spent, tree_cpu(pids[1]) - postgres_spent
    made = {page.parent.name: page.stat().st_mtime - begun for page in settings.reports.glob("*/latest.html")}
    renewed = {name: seconds for name, seconds in made.items() if seconds > 0}
    if watch is not None:
        spent_by = watch.ended()
        for at, run, event, step in conn.execute(STEPS, (newest, SHOWN)):
            print(f"  {float(at) - begun:7.2f}  {run[:8]}  {event:18} {spent_by(float(at))}  {step or ''}")
    failures = _number(conn, FAILED) - failed
    outlook = next((f"{renewed[name]:.1f}" for name in REPORTS if name in renewed), "not made")
    return f"{outlook} | {max(renewed.values(), default=0.0):.1f} | {cpu:.1f} | {postgres_cpu:.1f} | {failures}"


class _ProcessWatch:
    """Samples what each process has spent; afterwards it tells what all had spent at a moment.

    Of what is forked for a run and ends with it, the last sample counts.
    """

    NAMES = ("zygote", "code server", "daemon", "web server")

    def __init__(self, servers: int, postmaster: int) -> None:
        self._servers, self._postmaster = servers, postmaster
        self._names: dict[int, str] = {}
        self._first: dict[int, float] = {}
        self._samples: list[tuple[float, dict[str, float]]] = []
        self._last: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def ended(self) -> Callable[[float], str]:
        self._over.set()
        self._thread.join()
        return self._told

    def _told(self, at: float) -> str:
        spent = next((spent for seen, spent in reversed(self._samples) if seen <= at), {})
        return "  ".join(f"{name} {cpu:5.2f}" for name, cpu in sorted(spent.items()))

    def _sample(self) -> None:
        while not self._over.wait(0.04):
            for one in self._processes():
                with contextlib.suppress(psutil.Error):
                    times = one.cpu_times()
                    self._last[one.pid] = times.user + times.system
                    self._first.setdefault(one.pid, 0.0 if len(self._samples) > 1 else self._last[one.pid])
            spent: dict[str, float] = {}
            for pid, cpu in self._last.items():
                name = self._names.get(pid, "others")
                spent[name] = spent.get(name, 0.0) + cpu - self._first[pid]
            self._samples.append((time.time(), spent))

    def _processes(self) -> Iterator[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            for one in psutil.Process(self._servers).children():
                below = one.children()
                is_zygote = any("zygote" in part for part in one.cmdline())
                self._names.setdefault(one.pid, "zygote" if is_zygote else "door")
                for place, child in enumerate(below):
                    known = self.NAMES[place + 1] if is_zygote and place < 3 else "run"
                    self._names.setdefault(child.pid, known if is_zygote else "door")
                    for deeper in child.children(recursive=True):
                        self._names.setdefault(deeper.pid, "reader")
                        yield deeper
                    yield child
                yield one
            for one in psutil.Process(self._postmaster).children():
                self._names.setdefault(one.pid, "postgres")
                yield one


def _change(file: Path) -> None:
    """One more unit sold, saved beside the file and put in its place, as Excel does."""
    book = openpyxl.load_workbook(file)
    cell = next(
        row[column]
        for sheet in book.worksheets
        for column in [_column(sheet)]
        if column is not None
        for row in sheet.iter_rows()
        if isinstance(row[column].value, int)
    )
    cell.value += 1
    beside = file.with_name("~dropped.tmp")
    book.save(beside)
    beside.replace(file)


def _column(sheet: "openpyxl.worksheet.worksheet.Worksheet") -> int | None:
    for row in sheet.iter_rows(max_row=20, values_only=True):
        found = [place for place, value in enumerate(row) if str(value).startswith(QUANTITY)]
        if found:
            return found[0]
    return None


def _wait_until_quiet(conn: psycopg.Connection, newest: int, quiet: float) -> None:
    """Return when something has happened since `newest`, and then nothing for `quiet` s, with no run unfinished."""
    begun, seen, since = time.monotonic(), newest, time.monotonic()
    while time.monotonic() - begun < PATIENCE_SECONDS:
        now = _number(conn, NEWEST)
        if now != seen or _number(conn, UNFINISHED):
            seen, since = now, time.monotonic()
        elif seen > newest and time.monotonic() - since > quiet:
            return
        time.sleep(0.25)
    raise TimeoutError("nothing came of it; see up.log in the home")


def _number(conn: psycopg.Connection, query: LiteralString) -> int:
    return int(_first(conn, query))


def _first(conn: psycopg.Connection, query: LiteralString) -> Any:
    row = conn.execute(query).fetchone()
    assert row is not None, "the sample company has no such file"
    return row[0]


if __name__ == "__main__":
    main()
