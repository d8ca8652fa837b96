"""Days of stock at equal fill: what the plan orders by, the champion's forecast alone, and a moving average.

Which forecast is ordered by is settled on the first folds, as the product does; judged are the folds after them, on
public demand and on simulated demand that falls while a forecast looks a year back:

    uv run python -m s2p_assets_tests.benchmarks.orders [--sets avocado,…] [--sample 120] [--seeds 4]
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.inventory.order_backtest import (
    ServedOrders,
    days_at_fill,
    forecasts_with_terms,
    order_backtest_of,
    served_orders,
)
from s2p_assets.inventory.replenishment import ReplenishmentPolicy
from s2p_assets.learning.forecasting.backtest_cache import cached_backtest
from s2p_assets.learning.forecasting.intervals import error_distribution
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets.learning.forecasting.scores import forecast_losses
from s2p_assets.learning.selection.champion import choose_champion
from s2p_assets_tests.benchmarks.demand_sets import DATA, sets
from s2p_assets_tests.benchmarks.demand_simulations import PRICED, SKUS, company
from s2p_assets_tests.benchmarks.forecasting import models

FIRST, JUDGED = 6, 4
LEVELS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
FILLS = (0.95, 0.97)
PLAIN = "moving average"
POLICY = ReplenishmentPolicy(service_level=0.95, review_days=7, cover_days=14)
FALL_A_YEAR = 0.68
"""So that what looks a year back is too high by 47 %."""


@dataclass(frozen=True)
class Judged:
    """Of one set: the champion, by what is ordered, and days of stock at equal fill by fill and forecast."""

    champion: str
    serves: str
    bias: float
    days: dict[float, dict[str, float]]


def judged(
    forecasters: dict[str, Forecaster], history: pd.DataFrame, task: ForecastTask, champion: str | None = None
) -> Judged:
    """`champion`: the one in service, as if pinned; without it, whom the contest's rule chooses on the first folds."""
    task = replace(task, folds=FIRST + JUDGED, step=max(task.horizon // 2, 1))
    backtests = {name: cached_backtest(one, history, task) for name, one in forecasters.items()}
    folds = sorted(next(iter(backtests.values()))["fold"].unique())
    early, late = folds[:-JUDGED], folds[-JUDGED:]
    first = {name: rows[rows["fold"].isin(early)] for name, rows in backtests.items()}
    if champion is None:
        losses = [forecast_losses(rows, history, task, name) for name, rows in first.items()]
        champion = choose_champion(pd.concat(losses, ignore_index=True), None, "combination")
    spreads = {name: error_distribution(rows, task) for name, rows in first.items()}
    terms = pd.DataFrame(columns=["lead_time_days", "shelf_life_days"])
    tried = order_backtest_of(first, spreads, terms, POLICY, standing=champion, days_per_period=7)
    serves = str(tried.loc[tried["serves"], "name"].iloc[0])
    found = {}
    for name in {champion, serves, PLAIN}:
        past = forecasts_with_terms(
            backtests[name][backtests[name]["fold"].isin(late)], terms, POLICY, days_per_period=7
        )
        asked = (replace(POLICY, service_level=level) for level in LEVELS)
        found[name] = [served_orders(past, spreads[name], one, days_per_period=7) for one in asked]
    told = backtests[champion][backtests[champion]["fold"].isin(late)]
    bias = float(told["mean"].sum() / told["actual"].sum() - 1)
    return Judged(champion, serves, bias, {fill: _days(found, fill) for fill in FILLS})


def _days(found: dict[str, list[ServedOrders]], fill: float) -> dict[str, float]:
    return {name: days_at_fill(curve, fill, POLICY) for name, curve in found.items()}


def falling(seed: int) -> pd.DataFrame:
    """Three years of forty SKUs that fall by a third a year, with the season of all."""
    one = company(seed)
    one.mean *= (FALL_A_YEAR ** (np.arange(len(one.mean)) / 52))[:, None]
    return one.draw(range(SKUS)).history()


def results(wanted: list[str], sample: int, seeds: int, data: Path = DATA) -> Iterator[tuple[str, Judged]]:
    for name in wanted:
        for one in (found for found in sets([name], sample, data) if found.name == name):
            yield one.name, judged(models(one), one.history, one.task)
    plain: dict[str, Forecaster] = {
        "seasonal naive": SeasonalNaive(recent=8),
        PLAIN: MovingAverage(periods=13),
        "SES": Smoothing(season=False),
        "smoothing": Smoothing(),
    }
    for seed in range(seeds):
        yield f"falling, seed {seed}", judged(plain, falling(seed), PRICED, "seasonal naive")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default="avocado,walmart-weekly,m5-weekly,store-item-weekly")
    parser.add_argument("--sample", type=int, default=120)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--data", type=Path, default=DATA)
    asked = parser.parse_args()
    for name, found in results(list(filter(None, asked.sets.split(","))), asked.sample, asked.seeds, asked.data):
        print(f"{name}: champion {found.champion} ({found.bias:+.0%}), ordered by {found.serves}")
        for fill, days in found.days.items():
            before, now = days[found.champion] / days[PLAIN], days[found.serves] / days[PLAIN]
            print(
                f"  {fill:.0%} fill: {days[found.serves]:.1f} days of stock, the moving average {days[PLAIN]:.1f}:"
                f" champion alone {before:.2f} of it, as ordered {now:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
