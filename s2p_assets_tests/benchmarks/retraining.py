"""When a model in service asks to learn again: how often by chance, and how surely when demand has changed.

A simulated company is learned from once; then the product's own signals look at it week by week.

    uv run python -m s2p_assets_tests.benchmarks.retraining [--seeds 20] [--weeks 13] [--model demand_combination]
"""

import argparse
import datetime as dt
import time

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.monitoring.forecast_error import recent_error
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import ModelVersion
from s2p_assets_tests.benchmarks.candidates import shelf_contest, shelf_models
from s2p_assets_tests.benchmarks.demand_simulations import PRICED, SKUS, WEEKS, Simulated, company

LOOKS_A_YEAR, WITHIN = 52, 4
MOST_ALARMS, LEAST_POWER = 1.0, 0.8
THIRD = list(range(0, SKUS, 3))
CHANGES: dict[str, tuple[float, list[int]]] = {
    "all SKUs + 30 %": (1.3, list(range(SKUS))),
    "all SKUs - 30 %": (0.7, list(range(SKUS))),
    "a third of them x 3": (3.0, THIRD),
    "a third of them / 3": (1 / 3, THIRD),
}


def changed(seed: int, times: float, whom: list[int], since: int) -> Simulated:
    """The company of that seed, its demand `times` as much for `whom` from week `since` on."""
    one = company(seed)
    one.mean[since:, whom] *= times
    return one.draw(whom)


def known(simulated: Simulated, weeks: int, task: ForecastTask) -> pd.DataFrame:
    rows = simulated.history()
    last = rows.loc[rows["units"].notna(), task.time].min() + pd.Timedelta(weeks=weeks - 1)
    return rows[rows["units"].notna() & (rows[task.time] <= last)].reset_index(drop=True)


def asks(made: ModelVersion[ForecastTask], history: pd.DataFrame) -> bool:
    found = recent_error(made, history)
    return found is not None and found.is_above


def looked_at(seed: int, weeks: int, model: str) -> tuple[list[bool], dict[str, list[bool]]]:
    """Whether each look asked: `weeks` looks at demand that goes on as it did, and those after each change."""
    begin = WEEKS - weeks
    contest = shelf_contest(PRICED)
    declared = next(one for one in shelf_models(PRICED) if one.name == model)
    steady = company(seed).draw(range(SKUS))
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    history = known(steady, begin, PRICED)
    made = train(declared, contest, history, feature_version="f", trained_at=at, run_id="r")
    quiet = [asks(made, known(steady, begin + week, PRICED)) for week in range(1, weeks + 1)]
    found = {}
    for name, (times, whom) in CHANGES.items():
        after = changed(seed, times, whom, begin)
        after.sold[:begin] = steady.sold[:begin]
        found[name] = [asks(made, known(after, begin + week, PRICED)) for week in range(1, WITHIN + 1)]
    return quiet, found


def alarms(quiet: list[bool]) -> int:
    """How often it cried wolf; a look right after an alarm is the same alarm, for a training follows it."""
    found, last = 0, -WITHIN
    for week, asked in enumerate(quiet):
        if asked and week - last >= WITHIN:
            found, last = found + 1, week
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--weeks", type=int, default=13)
    parser.add_argument("--model", default="demand_combination")
    asked = parser.parse_args()
    began = time.process_time()
    runs = [looked_at(seed, asked.weeks, asked.model) for seed in range(1, asked.seeds + 1)]
    looks = asked.weeks * asked.seeds
    a_year = sum(alarms(quiet) for quiet, _ in runs) / looks * LOOKS_A_YEAR
    print(f"{_kept(a_year <= MOST_ALARMS)} false alarms a year: {a_year:.2f} (at most {MOST_ALARMS}), {looks} looks")
    for name in CHANGES:
        power = np.mean([any(found[name]) for _, found in runs])
        by_week = [np.mean([any(found[name][:week]) for _, found in runs]) for week in range(1, WITHIN + 1)]
        weeks = ", ".join(f"{share:.2f}" for share in by_week)
        print(f"{_kept(bool(power >= LEAST_POWER))} {name}: found within four weeks in {power:.2f} (by week {weeks})")
    print(f"{time.process_time() - began:.0f} CPU s")


def _kept(is_so: bool) -> str:
    return "kept    " if is_so else "NOT kept"


if __name__ == "__main__":
    main()
