"""What `s2p demo --no-ui` costs from an empty folder to its links: CPU seconds of all processes and of PostgreSQL.

uv run python -m s2p_assets_tests.benchmarks.demo [--all]
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from s2p_assets.warehouse.server.embedded import release_server, start_server
from s2p_assets_tests.benchmarks.metering import REAPED_SECONDS, tree_cpu

MOST_CPU_SECONDS = 55.0


def cost_of_demo(home: Path, shelves: str, *words: str) -> tuple[float, float]:
    """CPU seconds of the command with its children, and of PostgreSQL, which is started before and stopped after."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("S2P_", "DAGSTER_"))}
    environment["S2P_SHELVES"] = shelves
    start_server(home / "postgres")
    try:
        postmaster = int((home / "postgres/data/postmaster.pid").read_text().split()[0])
        before, own = tree_cpu(postmaster), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-m", "s2p_assets.cli", "demo", "--no-ui", *words],
            env=environment | {"S2P_HOME": str(home)},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        then = resource.getrusage(resource.RUSAGE_CHILDREN)
        time.sleep(REAPED_SECONDS)
        spent = then.ru_utime + then.ru_stime - own.ru_utime - own.ru_stime
        return spent, tree_cpu(postmaster) - before
    finally:
        release_server(home / "postgres")


def main() -> None:
    """Run the demo once in a folder of its own and print its cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--shelves", default="s2p_assets", help="those of another company, for a small one")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        own, server = cost_of_demo(Path(folder) / "home", asked.shelves, *(["--all"] if asked.all else []))
    print(f"demo: {own + server:.1f} CPU s (reach ≤ {MOST_CPU_SECONDS:.0f}), {server:.1f} of them PostgreSQL's")


if __name__ == "__main__":
    main()
