"""What following a table of another PostgreSQL costs: changes a CPU second, from row there to row here, idle, memory;
and row for row after many kills of the reader, of s2p's PostgreSQL and of the other one.

    uv run python -m s2p_assets_tests.benchmarks.capturing
    uv run python -m s2p_assets_tests.benchmarks.capturing --only kills --kills 200
"""

import argparse
import os
import random
import signal
import tempfile
import time
from pathlib import Path

import psycopg

from s2p_assets.warehouse.changes.pgoutput import lsn_number
from s2p_assets.warehouse.changes.progress import followed_table
from s2p_assets_tests.benchmarks.metering import tree_cpu, tree_memory
from s2p_assets_tests.streams.acme import Acme, kill_in_turn, stop, until
from s2p_assets_tests.streams.erp import (
    STOCK,
    Erp,
    change_at_random,
    company_with_erp,
    never_doubled,
    running_erp,
    status_of,
    stock_rows,
    until_equal,
)

PARTS = ("throughput", "latency", "kills")


def main() -> None:
    """Print a line for each measurement."""
    given = _arguments()
    with (
        tempfile.TemporaryDirectory(prefix="s2p-capturing-", ignore_cleanup_errors=True) as folder,
        running_erp(Path(folder) / "erp") as erp,
        company_with_erp(Path(folder), erp) as acme,
    ):
        acme.ctx.warehouse.url  # noqa: B018  starts PostgreSQL
        for part in given.only:
            _PARTS[part](acme, erp, given)


def _throughput(acme: Acme, erp: Erp, given: argparse.Namespace) -> None:
    """A snapshot, then rows that come, change and go, made while the reader is held and then read."""
    numbers = f"generate_series(1, {given.rows}) n"
    values = "to_char(n, 'FM0000000'), '{}', n % 90, n % 7 + 0.25, now(), null"
    erp.do(f"insert into public.stock select {values.format('W1')} from {numbers}")
    process = acme.command("stream")
    until(lambda: _position(acme), "the snapshot")
    print(f"a snapshot of {given.rows:,} rows and the start: {tree_cpu(process.pid):.2f} CPU s of s2p")
    by_key = f"from {numbers} where article = to_char(n, 'FM0000000') and warehouse = 'W1'"
    for name, command in (
        ("rows that came", f"insert into public.stock select {values.format('W2')} from {numbers}"),
        ("rows that changed", f"update public.stock set qty = qty + 1, counted_at = now() {by_key}"),
        ("rows that went", f"delete from public.stock using {by_key.removeprefix('from ')}"),
    ):
        until(lambda: _position(acme) >= _end(erp), "all before")
        os.kill(process.pid, signal.SIGSTOP)
        for first in range(1, given.rows + 1, given.batch):
            last = min(first + given.batch - 1, given.rows)
            erp.do(command.replace(numbers, f"generate_series({first}, {last}) n"))
        ours, theirs, end = _cpu(acme, process.pid), tree_cpu(_postmaster(erp.folder)), _end(erp)
        os.kill(process.pid, signal.SIGCONT)
        until(lambda end=end: _position(acme) >= end, name)  # type: ignore[misc]
        ours, theirs = _cpu(acme, process.pid) - ours, tree_cpu(_postmaster(erp.folder)) - theirs
        print(
            f"{name}, {given.batch:,} a transaction: {given.rows / ours:,.0f} changes a CPU second of s2p and its"
            f" PostgreSQL, {given.rows / (ours + theirs):,.0f} with the other one; {tree_memory(process.pid):.0f} MB"
        )
    assert stock_rows(acme) == erp.rows()
    stop(process)


def _position(acme: Acme) -> int:
    with acme.ctx.warehouse.connect() as connection:
        known = followed_table(connection, STOCK)
    return known.position if known else 0


def _end(erp: Erp) -> int:
    return lsn_number(erp.do("select pg_current_wal_lsn()::text")[0][0])


def _latency(acme: Acme, erp: Erp, given: argparse.Namespace) -> None:
    """From the commit there to the row here at a steady rate; then what it costs to have nothing to do."""
    process = acme.command("stream")
    until(lambda: status_of(acme)["readers"], "it reads")
    begun = time.time()
    with psycopg.connect(erp.url, autocommit=True) as connection:
        for number in range(given.rate * given.seconds):
            time.sleep(max(0.0, begun + number / given.rate - time.time()))
            values = f"'L{number:07d}', 'W9', 1, 1, clock_timestamp(), null"
            connection.execute(f"insert into public.stock values ({values})")
    end = _end(erp)
    until(lambda: _position(acme) >= end, "all is read")
    with acme.ctx.warehouse.connect() as connection:
        found = connection.execute(
            "select percentile_cont(array[0.5, 0.99]) within group (order by extract(epoch from _loaded_at - counted_at"
            " at time zone current_setting('timezone'))) from acme.stock__rows where warehouse = 'W9'"
        ).fetchone()
    median, p99 = (found or [[0.0, 0.0]])[0]
    print(f"row there to row here at {given.rate:,} a second, median and p99: {median:.2f} s, {p99:.2f} s")
    ours, theirs = tree_cpu(process.pid), tree_cpu(_postmaster(erp.folder))
    time.sleep(given.idle)
    ours, theirs = tree_cpu(process.pid) - ours, tree_cpu(_postmaster(erp.folder)) - theirs
    print(
        f"idle: {100 * ours / given.idle:.2f} % of a core here, {100 * theirs / given.idle:.2f} % there;"
        f" {tree_memory(process.pid):.0f} MB"
    )
    stop(process)


def _kills(acme: Acme, erp: Erp, given: argparse.Namespace) -> None:
    """SIGKILL of the reader, of s2p's PostgreSQL and of the other one in turn, while rows change: then row for row."""
    chance, process = random.Random(given.kills), acme.command("stream")
    for turn in range(given.kills):
        change_at_random(erp, chance, 30)
        process = kill_in_turn(acme, process, turn, chance.uniform(0.2, 4.0), erp)
    change_at_random(erp, chance, 5)
    until_equal(acme, erp, "row for row")
    stop(process)
    rows = len(stock_rows(acme))
    print(f"{given.kills} kills: {rows:,} rows, the same here and there; doubled: {not never_doubled(acme)}")


def _cpu(acme: Acme, pid: int) -> float:
    return tree_cpu(pid) + tree_cpu(_postmaster(acme.ctx.settings.home / "postgres"))


def _postmaster(folder: Path) -> int:
    return int((folder / "data/postmaster.pid").read_text().split()[0])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--idle", type=float, default=30.0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    return parser.parse_args()


_PARTS = {"throughput": _throughput, "latency": _latency, "kills": _kills}

if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
