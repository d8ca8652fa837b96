"""Every kept benchmark can be started: on input so small that its figures mean nothing, but its code runs."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from s2p_assets_tests.warm_commands import warm_commands

FOLDER = Path(__file__).parent
DAYS, SERIES = 1200, 2
INGESTION = ("whole-process", "many-small", "share-look", "bad-rows")
"""One of each kind of work; the others do the same more often, and `batch` is `s2p run`."""
STARTED: dict[str, list[str]] = {
    "ingestion": ["--rows", "100", "--part", "0.003", "--only", *INGESTION],
    "reports": ["--skus", "12", "--rows", "200", "--most-traces", "2"],
    "scale": ["--skus", "6", "--weeks", "80", "--warm-up", "0"],
    "stock": ["--days", "14", "--series", "2", "--folds", "1", "--data", "{data}/m5_subset/sample.csv"],
    "demand_simulations": ["--cases", "steady", "--seeds", "1", "--quick"],
    "forecasting": ["--sets", "m5-monthly", "--data", "{data}"],
    "reach": ["--sets", "m5-monthly", "--data", "{data}"],
    "orders": ["--sets", "", "--seeds", "1"],
    "ranges": ["--sets", "m5-monthly", "--data", "{data}"],
    "retraining": ["--seeds", "1", "--weeks", "4", "--model", "demand_moving_average"],
    "outcomes": ["--only", "small noise"],
    "streams": ["--rows", "3000", "--rival-rows", "300", "--only", "throughput"],
    "capturing": ["--rows", "500", "--only", "throughput"],
    "sql_tables": ["--sales", "2000"],
    "lakehouse": ["--rows", "25000"],
    "beyond_one_machine": ["--skus", "20"],
    "prompt": ["--empty", "--times", "1"],
    "demo": ["--shelves", "s2p_assets_tests.benchmarks.company"],
    "drop_to_report": ["--small", "--drops", "1", "--quiet", "3"],
    "week": [
        *("--files", "20", "--owners", "1", "--days", "1", "--bursts", "2", "--patience", "100"),
        *("--disturbances", "--no-undisturbed"),
    ],
    "at_rest": ["--empty", "--settle", "4", "--seconds", "1"],
}
NO_BENCHMARKS = {
    *("__init__", "generated", "metering", "demand_sets", "outcome_sets", "candidates", "week_company"),
    "test_benchmarks",
}
"""What they share."""
STARTED_ELSEWHERE = {"door", "screen", "storm"}
"""By `api/test_benchmark.py` and `api/test_bounds.py`."""


def test_none_is_forgotten() -> None:
    assert {file.stem for file in FOLDER.glob("*.py")} - NO_BENCHMARKS == set(STARTED) | STARTED_ELSEWHERE


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up sales in the files of the M5 competition."""
    folder = tmp_path_factory.mktemp("data")
    days = [f"d_{day + 1}" for day in range(DAYS)]
    (folder / "m5_subset").mkdir()
    sold = pd.DataFrame(np.random.default_rng(1).poisson(3, (SERIES, DAYS)), columns=days)
    sold.insert(0, "id", [f"FOODS_1_00{number}_CA_1" for number in range(SERIES)])
    sold.to_csv(folder / "m5_subset" / "sample.csv", index=False)
    dates = pd.date_range("2011-01-29", periods=DAYS).strftime("%Y-%m-%d")
    pd.DataFrame({"d": days, "date": dates}).to_csv(folder / "m5_subset" / "calendar.csv", index=False)
    return folder


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="costs are read from /proc")
@pytest.mark.parametrize("name", STARTED)
def test_it_runs_to_its_end_on_tiny_input(name: str, data: Path, folder: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("S2P_", "DAGSTER_"))}
    words = [word.format(data=data) for word in STARTED[name]]
    environment |= {"S2P_HOME": str(folder / "home"), "TMPDIR": str(folder)}
    module = f"s2p_assets_tests.benchmarks.{name}"
    code, out, err = warm_commands().run(tuple(words), environment, Path.cwd(), 280, module)
    assert code == 0, out + err
    assert out.strip()
