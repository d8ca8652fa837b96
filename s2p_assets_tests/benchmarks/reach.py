"""What is in service on public demand beside the best plain model and the best peer, one row a set, in one run.

The sets are those of `demand_sets.py`; each measure of each model is in `forecasting.py`. By hand:

    uv run --with statsforecast --with lightgbm python -m s2p_assets_tests.benchmarks.reach [--sets …] [--sample 60]
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting import lags
from s2p_assets.learning.forecasting.backtest import forecast_cutoffs, rolling_origin
from s2p_assets.learning.forecasting.learnable import sold_rows
from s2p_assets.learning.forecasting.scores import ALL, forecast_scores
from s2p_assets.learning.forecasting.series import Matrix, forecast_rows, panel
from s2p_assets_tests.benchmarks.demand_sets import DATA, JUDGED, Set, sets
from s2p_assets_tests.benchmarks.forecasting import PLAIN, OneByOne, crowned, models, statsforecast_peers

SHOWN = ("boosting", "smoothing", "SES", "SES, prices", "moving average", "seasonal naive", "combination")
MEMBERS = ("boosting", "smoothing", "SES, prices")
FEWEST_OF_CLASS = 30
DEAREST = ("sf AutoTheta", "sf AutoETS")


@dataclass(frozen=True)
class LightGbmOnLags:
    """One LightGBM for all series: lags, means, the same period a season ago, time of year and known columns."""

    task: ForecastTask | None = field(default=None, repr=False)
    booster: Any = field(default=None, repr=False)

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> "LightGbmOnLags":
        import lightgbm  # type: ignore[import-not-found,unused-ignore]

        values = panel(history, task).values
        first = min(task.season_length, len(values) // 2)
        at, series = np.nonzero(~np.isnan(values[first : len(values) - 1]))
        random = np.random.default_rng(1)
        drawn = random.integers(0, len(at), min(100_000, len(at) * 2))
        at, series, step = at[drawn] + first, series[drawn], random.integers(1, task.horizon + 1, len(drawn))
        there = at + step < len(values)
        at, series, step = at[there], series[there], step[there]
        scale = _scale(values)[at, series]
        terms = {"objective": "tweedie", "learning_rate": 0.05, "num_leaves": 31, "verbose": -1, "num_threads": 1}
        rows = lightgbm.Dataset(_lagged(history, task, at, series, step), values[at + step, series] / scale)
        return replace(self, task=task, booster=lightgbm.train(terms, rows, 300))

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        assert self.task is not None
        past = panel(history, self.task)
        step, series = (axis.ravel() for axis in np.indices((horizon, len(past.entities))))
        at = np.full(len(step), len(past.times) - 1)
        told = self.booster.predict(_lagged(history, self.task, at, series, step + 1))
        means = told * _scale(past.values)[at, series]
        return forecast_rows(past, means.reshape(horizon, -1), self.task)

    def save(self, folder: Path) -> None:
        raise NotImplementedError("a peer is only measured")

    @classmethod
    def load(cls, folder: Path) -> "LightGbmOnLags":
        raise NotImplementedError("a peer is only measured")


def _scale(values: Matrix) -> Matrix:
    return np.fmax(lags.moving_mean(values, 52), 0.1)


def _lagged(history: pd.DataFrame, task: ForecastTask, at: Any, series: Any, step: Any) -> Matrix:
    past = panel(history, task)
    values, scale = past.values, _scale(past.values)[at, series]
    columns = [lags.lag(values, back)[at, series] / scale for back in range(8)]
    columns += [lags.moving_mean(values, width)[at, series] / scale for width in (4, 13, 26, 52)]
    season = at + step - task.season_length * -(-step // task.season_length)
    columns.append(np.where(season >= 0, values[np.maximum(season, 0), series], np.nan) / scale)
    times = pd.date_range(past.times[0], periods=len(past.times) + task.horizon, freq=task.every)
    columns += [step, times[at + step].dayofyear.to_numpy(), times[at + step].dayofweek.to_numpy(), np.log(scale)]
    for name in task.known:
        known = panel(history, task, name)
        then = pd.DataFrame(known.values, known.times, known.entities).reindex(times, columns=past.entities).to_numpy()
        columns += [then[at + step, series], then[at + step, series] - lags.moving_mean(then, 26)[at, series]]
    return np.column_stack(columns).astype(float)


def peers(task: ForecastTask) -> dict[str, Forecaster]:
    """AutoTheta, AutoETS, SES, ADIDA and TSB of statsforecast, and LightGBM on lags."""
    from statsforecast import models as theirs  # type: ignore[import-not-found,unused-ignore]

    found: dict[str, Forecaster] = {**statsforecast_peers(task), "LightGBM": LightGbmOnLags()}
    if "sf TSB" in found:
        ets = theirs.AutoETS(season_length=task.season_length if task.season_length <= 24 else 1)
        found["sf AutoETS"] = OneByOne(
            lambda _, values, ahead: (
                np.maximum(np.nan_to_num(ets.forecast(values.astype(float), len(ahead))["mean"]), 0.0)
                if len(values) > 3 and values.any()
                else np.full(len(ahead), values.mean())
            )
        )
    return found


def judged_task(one: Set) -> ForecastTask:
    """The newest folds alone, at the very cutoffs that all six have."""
    ends = forecast_cutoffs(sold_rows(one.history, one.task), one.task)
    step = len(pd.date_range(ends[-2], ends[-1], freq=one.task.every)) - 1
    return replace(one.task, folds=JUDGED, step=step)


def measured(one: Set) -> dict[str, Any]:
    """A row of the table."""
    ours = {name: forecaster for name, forecaster in models(one).items() if name in SHOWN}
    backtests, cpu = {}, {}
    for name, forecaster in ours.items():
        if name != "combination":
            before = time.process_time()
            backtests[name] = rolling_origin(forecaster, one.history, one.task)
            cpu[name] = time.process_time() - before
    combination: Any = ours["combination"]
    backtests["combination"] = combination.combine([backtests[name] for name in MEMBERS], one.task)
    newest = max(backtests["combination"]["fold"])
    earlier = {name: rows[rows["fold"] <= newest - JUDGED] for name, rows in backtests.items()}
    serves = crowned(earlier, one)
    for name, forecaster in peers(one.task).items():
        before = time.process_time()
        rows = rolling_origin(forecaster, one.history, judged_task(one))
        cpu[name] = (time.process_time() - before) * newest / JUDGED
        backtests[name] = rows.assign(fold=rows["fold"] + newest - JUDGED)
    table = forecast_scores(backtests, one.history, one.task)
    shown = table[table["fold"] > newest - JUDGED].groupby(["series", "model"])[["rmsse", "bias", "entities"]].mean()
    return _row(one, shown, serves, cpu)


def _row(one: Set, shown: Any, serves: str, cpu: dict[str, float]) -> dict[str, Any]:
    rmsse: Any = shown["rmsse"].unstack("series")
    plain = rmsse.loc[list(PLAIN)].min()
    others = rmsse.loc[[name for name in rmsse.index if name.startswith("sf ") or name == "LightGBM"], ALL]
    counts: Any = shown["entities"].xs(serves, level="model").drop(ALL)
    classes = {str(name): rmsse.loc[serves, name] / plain[name] for name in counts.index[counts >= FEWEST_OF_CLASS]}
    worst = max(classes, key=lambda name: classes[name], default="")
    dear = sum(cpu.get(name, np.nan) for name in DEAREST)
    return {
        "set": one.name,
        "series": one.history["sku"].nunique(),
        "in service": serves,
        "RMSSE": rmsse.loc[serves, ALL],
        "of best plain": rmsse.loc[serves, ALL] / plain[ALL],
        "of boosting": rmsse.loc[serves, ALL] / rmsse.loc["boosting", ALL],
        "worst class of 30": f"{classes[worst]:.3f} {worst}" if worst else "none",
        "of best peer": rmsse.loc[serves, ALL] / others.min(),
        "best peer": others.idxmin(),
        "bias": shown["bias"].unstack("series").loc[serves, ALL],
        "CPU of AutoTheta + AutoETS": sum(cpu[name] for name in MEMBERS) / dear,
    }


def as_markdown(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"| {' | '.join(rows[0])} |"
    yield "|---" * len(rows[0]) + "|"
    for row in rows:
        yield f"| {' | '.join(f'{value:.3f}' if isinstance(value, float) else str(value) for value in row.values())} |"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sample", type=int, help="series per set; all without it")
    arguments.add_argument("--sets", default="avocado,walmart-weekly,m5-weekly,m5-monthly,store-item-weekly,m5-daily")
    arguments.add_argument("--data", type=Path, default=DATA, help="the folder of the public demand data")
    chosen = arguments.parse_args()
    wanted = chosen.sets.split(",")
    rows = []
    for name in wanted:
        for one in sets([name], chosen.sample, chosen.data):
            if one.name == name:
                rows.append(measured(one))
                print("\n".join(as_markdown(rows[-1:])), flush=True)
    print("\n" + "\n".join(as_markdown(rows)))
    against = float(np.exp(np.mean([np.log(row["of best peer"]) for row in rows])))
    print(f"\ngeometric mean against the best peer {against:.3f} (reach 0.97), each at most 1.02; plain at most 1.00")


if __name__ == "__main__":
    main()
