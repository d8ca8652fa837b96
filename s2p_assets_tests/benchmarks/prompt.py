"""What a question at the prompt costs, as multiples of `python -c "import psycopg"` in the same run.

    uv run python -m s2p_assets_tests.benchmarks.prompt                     # the sample company, made for it
    S2P_HOME=.s2p uv run python -m s2p_assets_tests.benchmarks.prompt --here --times 9

CPU seconds of the whole process and its children, PostgreSQL's not; the least of several times, in turns, as a loaded
machine only adds to them. Linux alone.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl

from s2p_assets.settings import read_settings
from s2p_assets.warehouse.server.connection import connect, database_url

FLOOR = ("-c", "import psycopg")
CLI = ("-m", "s2p_assets.cli")
MOST_CHECK_SECONDS = 2.0
QUESTIONS: dict[str, tuple[tuple[str, ...], float]] = {
    "--help": (("--help",), 2),
    "status": (("status",), 3),
    "trace of a row": (("trace", "retail_price_list", "sku={sku}"), 4),
    "trace of a number": (("trace", "retail_weekly_outlook", "F1"), 4),
    "why": (("why", "retail_demand_champion"), 3),
    "champion": (("champion", "retail_demand_champion"), 3),
    "a wrong name": (("report", "retail_weekly_outlok"), 3),
}
"""What is asked, and the multiples of the floor that it may cost."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--here", action="store_true", help="the home of the settings, as it is")
    parser.add_argument("--empty", action="store_true", help="a home in which nothing is loaded or trained")
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="s2p-prompt-", ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o755)
        if not given.here:
            os.environ |= {
                "S2P_HOME": f"{place}/home",
                "S2P_SHARE": f"{place}/share",
                "S2P_RESULTS": f"{place}/results",
            }
            Path(place, "share").mkdir()
            if not given.empty:
                _costs((*CLI, "demo", "--no-ui"))
        with connect(database_url(read_settings())) as conn:  # the server runs for as long as this process
            found = None if given.empty else conn.execute("select sku from retail.price_list limit 1").fetchone()
        _measure(_price_list(Path(place)), str(found[0]) if found else "A-1", given.times)


def _measure(prices: Path, sku: str, times: int) -> None:
    questions = {name: tuple(word.format(sku=sku) for word in words) for name, (words, _) in QUESTIONS.items()}
    questions |= {name: (name, str(prices)) for name in ("check", "plan")}
    _costs((*CLI, "status"))  # the outline of the shelves is kept from here on
    commands = {"": FLOOR} | {name: (*CLI, *words) for name, words in questions.items()}
    least = dict.fromkeys(commands, float("inf"))
    for _ in range(times):
        for name, command in commands.items():
            least[name] = min(least[name], _costs(command))
    floor = least[""]
    print(f"| asked | CPU s | × import psycopg ({floor:.3f} CPU s) | reach | kept |\n|---|---|---|---|---|")
    for name, (_, reach) in QUESTIONS.items():
        multiple = least[name] / floor
        print(f"| {name} | {least[name]:.3f} | {multiple:.2f} | ≤ {reach:g} × | {_kept(multiple <= reach)} |")
    kept = _kept(least["check"] <= MOST_CHECK_SECONDS)
    print(f"| check | {least['check']:.3f} | {least['check'] / floor:.2f} | ≤ {MOST_CHECK_SECONDS:g} CPU s | {kept} |")
    print(f"| plan | {least['plan']:.3f} | {least['plan'] / floor:.2f} | | |")


def _kept(within: bool) -> str:
    return "yes" if within else "**no**"


def _costs(command: Sequence[str]) -> float:
    """CPU seconds of a command and of its children, whatever it answers; a traceback is no answer."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    if "Traceback" in answer.stderr:
        raise RuntimeError(f"{' '.join(command)}: {answer.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _price_list(folder: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["SKU", "Description", "MSRP", "T2 cost", "Item cost", "Effective date"])
    for number in range(20):
        sheet.append([f"A-{number}", "Lamp", 20, 12, 8, "2026-01-01"])
    book.save(folder / "Prices.xlsx")
    return folder / "Prices.xlsx"


if __name__ == "__main__":
    main()
