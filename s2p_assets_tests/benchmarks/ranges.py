"""What share of public demand fell into the ranges that were told of it, by volume, kind of demand, step and sum.

A year of origins four weeks apart; each range knows the six folds, eight weeks apart, that were over by its origin.

    uv run python -m s2p_assets_tests.benchmarks.ranges [--sets avocado,…] [--sample 150] [--peers]
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.backtest_cache import cached_backtest
from s2p_assets.learning.forecasting.intervals import error_distribution
from s2p_assets.learning.forecasting.learnable import lean_training_rows
from s2p_assets.learning.forecasting.scores import demand_classes
from s2p_assets.learning.forecasting.series import Matrix, Panel, panel, regular_history
from s2p_assets_tests.benchmarks.demand_sets import DATA, Set, sets
from s2p_assets_tests.benchmarks.forecasting import models

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
JUDGED, KNOWN, EVERY, FEWEST_SERIES = 10, 6, 2, 30
OFF_80, OFF_95 = 4.0, 2.0
LENGTHS = (2, 3, 4)


@dataclass(frozen=True)
class Judged:
    """Rows told of (entity, fold, step, actual, mean, a column per level, kind, volume), single periods and sums."""

    singles: pd.DataFrame
    sums: pd.DataFrame


def weighted_interval_score(actual: Matrix, found: Matrix) -> Matrix:
    """Of the median and the ranges of 80 and 95 %, after Bracher et al. (2021), a row each."""
    score = 0.5 * np.abs(actual - found[:, 2])
    for low, high, missed in ((found[:, 1], found[:, 3], 0.2), (found[:, 0], found[:, 4], 0.05)):
        outside = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
        score = score + missed / 2 * (high - low + 2 / missed * outside)
    return np.asarray(score / 2.5)


def told(one: Set) -> Judged:
    """What the product's weighted mean told of the judged folds."""
    apart = max(one.task.horizon // 2, 1)
    task = replace(one.task, folds=JUDGED + KNOWN * EVERY, step=apart)
    backtest = cached_backtest(models(one)["combination"], one.history, task)
    past = panel(lean_training_rows(one.history, task), task)
    singles, sums = [], []
    for fold in sorted(backtest["fold"].unique())[-JUDGED:]:
        rows = backtest[backtest["fold"] == fold]
        cutoff = rows["cutoff"].iloc[0]
        over = backtest.groupby("fold")["time"].max()
        before = over.index[over <= cutoff][::-1][::EVERY][:KNOWN]
        errors = error_distribution(backtest[backtest["fold"].isin(before)], task)
        rows = rows.assign(**_kinds(rows, past, cutoff, task.year))
        counted = rows[~rows["censored"].astype(bool)]
        quantiles = errors.quantiles(counted["mean"], counted["step"], LEVELS, counted["deviation"])
        singles.append(_with(counted, quantiles))
        for length in sorted({*LENGTHS, task.horizon} - {1}):
            summed = _sums(rows, length)
            periods = np.full(len(summed), float(length))
            quantiles = errors.sum_quantiles(summed["mean"], periods, LEVELS, summed["deviation"])
            sums.append(_with(summed, quantiles).assign(step=length))
    return Judged(pd.concat(singles), pd.concat(sums))


def _kinds(rows: pd.DataFrame, past: Panel, cutoff: pd.Timestamp, year: int) -> dict[str, Any]:
    until = Panel(past.times, past.entities, past.values[past.times <= cutoff])
    volume = np.nan_to_num(until.values[-year:]).mean(axis=0)
    third = np.array(["low", "middle", "high"])[np.searchsorted(np.quantile(volume, [1 / 3, 2 / 3]), volume)]
    at = past.entities.astype(str).get_indexer(pd.Index(rows["entity"].astype(str)))
    return {"kind": demand_classes(until).to_numpy()[at], "volume": third[at]}


def _sums(rows: pd.DataFrame, length: int) -> pd.DataFrame:
    part = rows[rows["step"] <= length]
    whole = part.groupby("entity", observed=True)["censored"].transform("sum") == 0
    named: dict[str, Any] = {"actual": "sum", "mean": "sum", "step": "size"}
    named |= dict.fromkeys(("deviation", "kind", "volume"), "first")
    found = part[whole].groupby("entity", observed=True).agg(named).reset_index()
    return found[found["step"] == length]


def _with(rows: pd.DataFrame, quantiles: Matrix) -> pd.DataFrame:
    named = {str(level): quantiles[:, at] for at, level in enumerate(LEVELS)}
    return rows.assign(**named, score=weighted_interval_score(rows["actual"].to_numpy(float), quantiles))


def classes(found: Judged) -> Iterator[tuple[str, pd.DataFrame]]:
    singles, sums = found.singles, found.sums
    yield "all", singles
    for name in ("volume", "kind"):
        yield from ((f"{name} {value!s}", rows) for value, rows in singles.groupby(name))
    yield "first step", singles[singles["step"] == 1]
    yield "last step", singles[singles["step"] == singles["step"].max()]
    for length, rows in sums.groupby("step"):
        yield f"sum of {length!s}", rows
        if length in (3, singles["step"].max()):
            for name in ("volume", "kind"):
                yield from ((f"sum of {length!s}, {name} {value!s}", part) for value, part in rows.groupby(name))


def table(found: Judged) -> pd.DataFrame:
    """Class → series, percent covered by the ranges of 80 and 95 %, below and above the former, and what is 0."""
    rows = {}
    for name, part in classes(found):
        actual = part["actual"]
        rows[name] = {
            "series": part["entity"].nunique(),
            "80": 100 * actual.between(part["0.1"], part["0.9"]).mean(),
            "below": 100 * (actual < part["0.1"]).mean(),
            "above": 100 * (actual > part["0.9"]).mean(),
            "95": 100 * actual.between(part["0.025"], part["0.975"]).mean(),
            "zero": 100 * (actual == 0).mean(),
        }
    shown = pd.DataFrame(rows).T
    return shown[shown["series"] >= FEWEST_SERIES]


def conformal_peers(one: Set, singles: pd.DataFrame, series: int = 60) -> dict[str, tuple[float, float]]:
    """statsforecast's conformal ranges on some of the same rows: model → its score over the actuals, and ours there."""
    from statsforecast import StatsForecast  # type: ignore[import-not-found]
    from statsforecast import models as theirs
    from statsforecast.utils import ConformalIntervals  # type: ignore[import-not-found]

    task = one.task
    names = sorted(singles["entity"].astype(str).unique())[:: max(singles["entity"].nunique() // series, 1)]
    history = regular_history(one.history, task)
    frame = pd.DataFrame(
        {"unique_id": history[task.entity].astype(str), "ds": history[task.time], "y": history[task.target]}
    )
    intervals = ConformalIntervals(h=task.horizon, n_windows=KNOWN)
    peers: dict[str, Any] = {
        "SES": theirs.SimpleExponentialSmoothingOptimized(prediction_intervals=intervals),
        "ADIDA": theirs.ADIDA(prediction_intervals=intervals),
        "AutoTheta": theirs.AutoTheta(season_length=task.season_length, prediction_intervals=intervals),
    }
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in peers}
    for cutoff in sorted(singles["cutoff"].unique())[::3]:
        known = frame[(frame["ds"] <= cutoff) & frame["unique_id"].isin(names)]
        long = known.groupby("unique_id")["ds"].size()
        known = known[known["unique_id"].isin(long.index[long >= (KNOWN + 2) * task.horizon])]
        ours = singles[singles["cutoff"] == cutoff].assign(unique_id=singles["entity"].astype(str), ds=singles["time"])
        for name, model in peers.items():
            said = StatsForecast([model], freq=task.every).forecast(df=known, h=task.horizon, level=[80, 95])
            said.columns = [column.removeprefix(f"{model.alias}-") for column in said.columns]
            rows = ours.merge(said.rename(columns={model.alias: "m"}), on=["unique_id", "ds"])
            told_ranges = rows[["lo-95", "lo-80", "m", "hi-80", "hi-95"]].to_numpy(float).clip(min=0)
            score = weighted_interval_score(rows["actual"].to_numpy(float), told_ranges).sum()
            found[name].append((score, rows["score"].sum(), rows["actual"].sum()))
    totals = {name: np.sum(parts, axis=0) for name, parts in found.items()}
    return {name: (total[0] / total[2], total[1] / total[2]) for name, total in totals.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default="avocado,walmart-weekly,m5-weekly,m5-monthly,store-item-weekly")
    parser.add_argument("--sample", type=int, default=150)
    parser.add_argument("--peers", action="store_true", help="also statsforecast's conformal ranges")
    parser.add_argument("--data", type=Path, default=DATA)
    asked = parser.parse_args()
    for name in asked.sets.split(","):
        for one in (found for found in sets([name], asked.sample, asked.data) if found.name == name):
            judged = told(one)
            shown = table(judged)
            off = ((shown["80"] - 80).abs() > OFF_80) | ((shown["95"] - 95).abs() > OFF_95)
            score = judged.singles["score"].sum() / judged.singles["actual"].sum()
            print(f"\n## {one.name}: {off.sum()} of {len(shown)} classes off; weighted interval score {score:.4f}")
            print(shown.round(1).assign(off=np.where(off, "*", "")).to_string(), flush=True)
            for peer, (theirs, ours) in conformal_peers(one, judged.singles).items() if asked.peers else ():
                print(f"{'kept    ' if ours <= theirs else 'NOT kept'} {peer} conformal {theirs:.4f}, ours {ours:.4f}")


if __name__ == "__main__":
    main()
