"""What `s2p up` costs while nothing happens: CPU seconds a minute, connections a minute, memory.

    uv run python -m s2p_assets_tests.benchmarks.at_rest                    # the sample company, a minute
    uv run python -m s2p_assets_tests.benchmarks.at_rest --empty --seconds 10 --settle 5

Linux alone, as costs are read from `/proc`.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from s2p_assets.settings import read_settings
from s2p_assets.warehouse.server.connection import connect, database_url
from s2p_assets_tests.benchmarks.metering import tree_cpu, tree_memory
from s2p_assets_tests.free_ports import free_port

CONNECTIONS = "select sum(sessions) from pg_stat_database"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--empty", action="store_true", help="an installation without the sample company's files")
    parser.add_argument("--settle", type=float, default=90.0, help="seconds until it is taken to be at rest")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is measured")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="s2p-at-rest-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o755)
        os.environ |= {
            "S2P_HOME": f"{place}/home",
            "S2P_SHARE": f"{place}/share",
            "S2P_RESULTS": f"{place}/results",
            "S2P_PORT": str(free_port()),
            "S2P_OPEN": "1",
        }
        Path(f"{place}/share").mkdir()
        if not given.empty:
            subprocess.run([sys.executable, "-m", "s2p_assets.cli", "demo", "--all", "--no-ui"], check=True)
        _measure(given.settle, given.seconds)


def _measure(settle: float, seconds: float) -> None:
    url = database_url(read_settings())
    postmaster = int((read_settings().home / "postgres/data/postmaster.pid").read_text().splitlines()[0])
    servers = subprocess.Popen([sys.executable, "-m", "s2p_assets.cli", "up"], start_new_session=True)
    try:
        time.sleep(settle)
        assert servers.poll() is None, "s2p up has ended"
        with connect(url) as conn:
            begun, before = time.monotonic(), (tree_cpu(servers.pid), tree_cpu(postmaster), _connections(conn))
            time.sleep(seconds)
            per_minute = 60 / (time.monotonic() - begun)
            after = (tree_cpu(servers.pid), tree_cpu(postmaster), _connections(conn))
        own, postgres, connections = ((now - then) * per_minute for now, then in zip(after, before, strict=True))
        memory = tree_memory(servers.pid) + tree_memory(postmaster)
        print("| at rest | a minute |\n|---|---|")
        print(f"| CPU s, servers | {own:.1f} |\n| CPU s, PostgreSQL | {postgres:.1f} |")
        print(f"| connections | {connections:.0f} |\n| memory (PSS), MiB | {memory:.0f} |")
    finally:
        servers.send_signal(signal.SIGTERM)
        servers.wait(60)


def _connections(conn: psycopg.Connection) -> float:
    row = conn.execute(CONNECTIONS).fetchone()
    return float(row[0]) if row else 0.0


if __name__ == "__main__":
    main()
