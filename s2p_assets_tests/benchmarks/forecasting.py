"""Forecasts on public demand, ours and others' side by side in one run: accuracy, honesty of ranges, CPU seconds.

The models are the product's own, through its own backtest, scores and choice; nothing is tuned here. By hand:

    python -m s2p_assets_tests.benchmarks.forecasting [--sample 60] [--sets m5-daily,…] [--peers] [--ablate]
"""

import argparse
import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.fingerprint import code_version, fingerprint_of
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.backtest_cache import cached_backtest
from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.lifecycle import forecast_new_entities, forecast_with_lifecycle
from s2p_assets.learning.forecasting.metrics import bias
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.combination import Combination
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.prophet_total import ProphetTotal
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets.learning.forecasting.models.weighted_combination import WeightedCombination
from s2p_assets.learning.forecasting.scores import ALL, SCORE_COLUMNS, forecast_losses, forecast_scores
from s2p_assets.learning.forecasting.series import Panel, forecast_rows, future_times, panel
from s2p_assets.learning.row_hashes import sorted_row_hashes
from s2p_assets.learning.selection.champion import choose_champion
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.versions import ModelVersion
from s2p_assets.models.retail_demand_champion import demand_champion
from s2p_assets_tests.benchmarks.demand_sets import DATA, JUDGED, Set, sampled, sets

PLAIN = ("seasonal naive", "moving average", "SES")
MEASURES = [name for name in SCORE_COLUMNS if name not in ("model", "fold", "cutoff", "series", "entities")]
PROPHET_SERIES = 8


def models(one: Set) -> dict[str, Forecaster]:
    """The candidates of the retail shelf, as they would be on a shelf for this set."""
    price = next(iter(one.task.known), None)
    return {
        "seasonal naive": SeasonalNaive(),
        "moving average": MovingAverage(periods=one.recent),
        "SES": Smoothing(season=False, prices=False),
        "SES, prices": Smoothing(season=False),
        "smoothing": Smoothing(),
        "Prophet, total": ProphetTotal(recent=one.recent),
        "boosting": Boosting(price=price),
        "mean of two": Combination((Boosting(price), MovingAverage(periods=one.recent)), weights=(2.0, 1.0)),
        "combination": WeightedCombination(
            (Boosting(price), Smoothing(), Smoothing(season=False)), weights=(2.0, 1.0, 1.0)
        ),
    }


@dataclass(frozen=True)
class OneByOne:
    """A peer that forecasts one series at a time: `say(times, values, coming)` gives the means to come."""

    say: Callable[[pd.DatetimeIndex, np.ndarray, pd.DatetimeIndex], np.ndarray]
    task: ForecastTask | None = field(default=None, repr=False)

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> "OneByOne":
        return replace(self, task=task)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        assert self.task is not None
        past = panel(history, self.task)
        ahead = future_times(past.times[-1], horizon, self.task)
        means = [self._one(past, at, ahead) for at in range(len(past.entities))]
        return forecast_rows(past, np.column_stack(means), self.task)

    def _one(self, past: Panel, at: int, ahead: pd.DatetimeIndex) -> np.ndarray:
        there = ~np.isnan(past.values[:, at])
        return np.nan_to_num(self.say(past.times[there], past.values[there, at], ahead))

    def save(self, folder: Path) -> None:
        raise NotImplementedError("a peer is only measured")

    @classmethod
    def load(cls, folder: Path) -> "OneByOne":
        raise NotImplementedError("a peer is only measured")


def prophet_per_sku() -> OneByOne:
    def say(times: pd.DatetimeIndex, values: np.ndarray, ahead: pd.DatetimeIndex) -> np.ndarray:
        from s2p_assets.learning.forecasting.models.prophet_total import _new_prophet

        if len(values) < 3:
            return np.full(len(ahead), values.mean())
        fitted = _new_prophet(uncertainty_samples=0).fit(pd.DataFrame({"ds": times, "y": values}))
        return fitted.predict(pd.DataFrame({"ds": ahead}))["yhat"].clip(lower=0.0).to_numpy()

    return OneByOne(say)


def statsforecast_peers(task: ForecastTask) -> dict[str, OneByOne]:
    """AutoTheta, SES (optimised), TSB and ADIDA of statsforecast, where it is installed."""
    try:
        from statsforecast import models as theirs  # type: ignore[import-not-found]
    except ImportError:
        print("statsforecast is not installed: its models are left out (uv pip install statsforecast)")
        return {}
    made: dict[str, Any] = {
        "sf AutoTheta": theirs.AutoTheta(season_length=task.season_length),
        "sf SES": theirs.SimpleExponentialSmoothingOptimized(),
        "sf TSB": theirs.TSB(alpha_d=0.1, alpha_p=0.1),
        "sf ADIDA": theirs.ADIDA(),
    }

    def saying(one: Any) -> OneByOne:
        def say(_: pd.DatetimeIndex, values: np.ndarray, ahead: pd.DatetimeIndex) -> np.ndarray:
            if len(values) < 3 or not values.any():
                return np.full(len(ahead), values.mean())
            return np.maximum(np.asarray(one.forecast(values.astype(float), len(ahead))["mean"]), 0.0)

        return OneByOne(say)

    return {name: saying(one) for name, one in made.items()}


def measured(forecaster: Forecaster, one: Set) -> tuple[pd.DataFrame, float]:
    """The backtest and its CPU seconds."""
    before = time.process_time()
    return cached_backtest(forecaster, one.history, one.task), time.process_time() - before


def compare(one: Set, peers: bool) -> None:
    backtests, cpu = {}, {}
    others = statsforecast_peers(one.task) if peers else {}
    for name, forecaster in models(one).items():
        backtests[name], cpu[name] = measured(forecaster, one)
    newest = max(backtests[PLAIN[0]]["fold"])
    for name, forecaster in others.items():
        rows, cpu[name] = measured(forecaster, replace(one, task=replace(one.task, folds=JUDGED)))
        backtests[name] = rows.assign(fold=rows["fold"] + newest - JUDGED)
    table = forecast_scores(backtests, one.history, one.task)
    folds = sorted(table["fold"].unique())
    judged, earlier = folds[-JUDGED:], folds[:-JUDGED] or folds[-JUDGED:]
    ours = {name: rows[rows["fold"].isin(earlier)] for name, rows in backtests.items() if name not in others}
    champion = crowned(ours, one)
    print(f"\n## {one.name}: {one.history['sku'].nunique()} series, horizon {one.task.horizon}, {len(judged)} folds")
    print(f"champion, chosen on the {len(earlier)} folds before: {champion}\n")
    shown = table[table["fold"].isin(judged)].groupby(["series", "model"])[MEASURES].mean()
    naive = shown.xs("seasonal naive", level="model")["rmsse"]
    shown.insert(0, "ratio", shown["rmsse"] / naive.reindex(shown.index.get_level_values("series")).to_numpy())
    shown["cpu_s"] = [cpu[model] if series == ALL else np.nan for series, model in shown.index]
    print(shown.round(3).to_string())
    print()
    for line in reach(one, shown, champion, list(others)):
        print(line)
    if peers:
        print(against_prophet(one, cpu[champion], len(folds)))


def crowned(backtests: dict[str, pd.DataFrame], one: Set) -> str:
    """Who the product's own contest makes champion, knowing nothing but these folds."""
    contest = replace(
        demand_champion,
        task=one.task,
        baselines=PLAIN,
        build=wraps(demand_champion.build)(lambda losses, incumbent: choose_champion(losses, incumbent, "combination")),
    )
    until = max(rows["time"].max() for rows in backtests.values())
    known = one.history[one.history["time"] <= until]
    seen = sorted_row_hashes(known)
    stood = {}
    for name, rows in backtests.items():
        forecaster = models(one)[name]
        stood[name] = ModelVersion(
            domain="benchmark",
            name=name,
            contest=one.name,
            version=name,
            fingerprint=fingerprint_of(forecaster, one.task),
            learner=forecaster,
            task=one.task,
            backtest=rows,
            scores=forecast_scores({name: rows}, known, one.task),
            losses=forecast_losses(rows, known, one.task, name),
            feature_version="",
            trained_at=dt.datetime.fromtimestamp(0, dt.UTC),
            run_id="",
            code_version=code_version(type(forecaster)),
            learned_from=seen,
        )
    outcome = promote(contest, stood)
    print(f"\n{outcome.champion.why}")
    return outcome.champion.model_name


def reach(one: Set, shown: pd.DataFrame, champion: str, others: list[str]) -> Iterator[str]:
    """Each line of the reach: the figure, the bound, kept or not."""
    rmsse = shown["rmsse"].unstack("series")
    overall: Any = shown.loc[(ALL, champion)]
    if one.reach:
        yield _line("champion / seasonal naive", overall["ratio"], at_most=one.reach)
    for series in rmsse.columns:
        best = rmsse.loc[list(PLAIN), series].min()
        bound = 0.98 if series == ALL else 1.0
        yield _line(f"champion / best plain, {series}", rmsse.loc[champion, series] / best, at_most=bound)
    if others:
        yield _line("champion / best of statsforecast", overall["rmsse"] / rmsse.loc[others, ALL].min(), at_most=1.0)
    yield _line("coverage of 80 %", overall["coverage_80"], at_least=0.78, at_most=0.82)
    yield _line("coverage of 95 %", overall["coverage_95"], at_least=0.94, at_most=0.96)


def _line(what: str, figure: float, *, at_most: float, at_least: float = 0.0) -> str:
    kept = at_least <= round(figure, 3) <= at_most
    bound = f"{at_least} to {at_most}" if at_least else f"<= {at_most}"
    return f"{'kept    ' if kept else 'NOT kept'}  {what}: {figure:.3f} ({bound})"


def against_prophet(one: Set, champion_cpu: float, folds: int) -> str:
    """CPU of the champion's backtest against Prophet per SKU on the same folds, told from a few series and one fold."""
    few = replace(one, history=sampled(one.history, PROPHET_SERIES), task=replace(one.task, folds=1))
    rolling_origin(prophet_per_sku(), sampled(one.history, 1), few.task)
    _, cpu = measured(prophet_per_sku(), few)
    whole = cpu / PROPHET_SERIES * one.history["sku"].nunique() * folds
    line = _line("CPU of the champion / Prophet per SKU, same folds", champion_cpu / whole, at_most=0.2)
    return f"{line}; {champion_cpu:.0f} s against {whole:.0f} s extrapolated from {PROPHET_SERIES} series and one fold"


def ablate(one: Set) -> None:
    """What each part is worth: RMSSE with it over RMSSE without it, on all folds, and bias where stock ran out."""
    print(f"\n## {one.name}: with a part, as a share of the RMSSE without it")
    pairs: dict[str, tuple[Forecaster, Forecaster]] = {
        "seasons in smoothing": (Smoothing(), Smoothing(season=False)),
        "boosting on top of smoothing": (Boosting(), Smoothing()),
        "the combination instead of boosting": (models(one)["combination"], models(one)["boosting"]),
    }
    for name, (whole, without) in pairs.items():
        found = {"with": measured(whole, one)[0], "without": measured(without, one)[0]}
        table = forecast_scores(found, one.history, one.task).query("series == @ALL").groupby("model")["rmsse"].mean()
        print(f"{table['with'] / table['without']:.3f}  {name}")
    if one.task.country:
        plain = replace(one, task=replace(one.task, country=None))
        found = {"with": measured(Smoothing(), one)[0], "without": measured(Smoothing(), plain)[0]}
        table = forecast_scores(found, one.history, one.task).query("series == @ALL").groupby("model")["rmsse"].mean()
        print(f"{table['with'] / table['without']:.3f}  the holidays of {one.task.country}, in smoothing")
    if one.task.known:
        boosting, unknown = models(one)["boosting"], replace(one, task=replace(one.task, known=()))
        found = {"with": measured(boosting, one)[0], "without": measured(boosting, unknown)[0]}
        table = forecast_scores(found, one.history, one.task).query("series == @ALL").groupby("model")["rmsse"].mean()
        print(f"{table['with'] / table['without']:.3f}  the price known in advance, in boosting")
    print(of_the_new(one))
    print(of_the_dead(one))
    short = _with_stock_outs(one.history)
    for name, censored in (("known as such", "censored"), ("taken as no demand", None)):
        sold_out = replace(one, history=short, task=replace(one.task, censored=censored))
        truth = (
            measured(Smoothing(), sold_out)[0]
            .drop(columns="actual")
            .merge(one.history.rename(columns={"sku": "entity", "units": "actual"}), on=["entity", "time"])
        )
        print(f"bias {bias(truth['actual'], truth['mean']):+.3f}  smoothing with 7 % of the periods sold out, {name}")


def of_the_new(one: Set) -> str:
    """How far off the first horizon of series that began within the history is told, by peers and without."""
    known = training_rows(one.history, one.task)
    past, horizon = panel(known, one.task), one.task.horizon
    first = (~np.isnan(past.values)).argmax(axis=0)
    errors = []
    for start in np.unique(first[(first >= one.task.year) & (first + horizon <= len(past.times))]):
        listed = pd.DataFrame({one.task.entity: past.entities[first == start]})
        before = known[known[one.task.time] < past.times[start]]
        told = forecast_new_entities(before, listed, one.task, horizon).set_index("entity")["mean"]
        usual = float(np.nanmean(past.values[max(start - horizon, 0) : start]))
        sold = pd.Series(past.values[start : start + horizon, first == start].mean(axis=0), listed[one.task.entity])
        errors += [(abs(sold[sku] - told[sku]), abs(sold[sku] - usual), sold[sku]) for sku in told.index]
    if not errors:
        return "no series began within the history"
    by_peers, by_all, by_none = np.mean(errors, axis=0)
    shares = f"{by_peers / by_all:.3f} of taking the usual level of all, {by_peers / by_none:.3f} of expecting none"
    return f"{len(errors)} series that began: error of their first level by peers {shares}"


def of_the_dead(one: Set) -> str:
    """What is still forecast of series that were ended on purpose two thirds of a year before the end."""
    names = pd.Series(sorted(one.history["sku"].unique()))
    dead = set(names.sample(frac=0.1, random_state=1))
    stop = one.history["time"].max() - pd.Timedelta(days=240)
    sold = one.history["units"].mask(one.history["sku"].isin(dead) & (one.history["time"] > stop), 0.0)
    known = training_rows(one.history.assign(units=sold), one.task)
    fitted = Boosting().fit(known, one.task)
    rows = {"without": fitted.forecast(known, 1), "with": forecast_with_lifecycle(fitted, known, one.task, 1)}
    left = {how: float(said.loc[said["entity"].isin(dead), "mean"].sum()) for how, said in rows.items()}
    named = rows["with"].loc[rows["with"]["life"].notna(), "entity"]
    usual = one.history.loc[one.history["sku"].isin(dead)].groupby("sku")["units"].mean().sum()
    return (
        f"{len(dead)} series ended: boosting expects {left['without'] / usual:.1%} of their usual demand, "
        f"{left['with'] / usual:.1%} with the ended at zero; {named.isin(dead).sum()} were found, "
        f"and {(~named.isin(dead)).sum()} others"
    )


def _with_stock_outs(history: pd.DataFrame) -> pd.DataFrame:
    """`history` with 7 % of its periods, in runs of three, without stock and so without sales."""
    begins = pd.Series(np.random.default_rng(1).random(len(history)) < 0.07 / 3)
    out = begins | begins.shift(1, fill_value=False) | begins.shift(2, fill_value=False)
    return history.assign(units=history["units"].mask(out.to_numpy(), 0.0), censored=out.to_numpy())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sample", type=int, help="series per set; all without it")
    arguments.add_argument("--sets", default="m5-daily,m5-weekly,m5-monthly,store-item-90,store-item-weekly")
    arguments.add_argument("--peers", action="store_true", help="also statsforecast and Prophet per SKU")
    arguments.add_argument("--ablate", action="store_true", help="what each part is worth, instead of the comparison")
    arguments.add_argument("--data", type=Path, default=DATA, help="the folder of the public demand data")
    chosen = arguments.parse_args()
    if not chosen.data.exists():
        print(f"nothing measured: the public demand data is not at {chosen.data}")
        return
    wanted = chosen.sets.split(",")
    for one in sets(wanted, chosen.sample, chosen.data):
        if one.name in wanted:
            ablate(one) if chosen.ablate else compare(one, chosen.peers)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
