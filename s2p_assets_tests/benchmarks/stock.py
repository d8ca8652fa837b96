"""What forecasts are worth in the warehouse: real demand, day by day, under each way to forecast and to order.

How good forecasts are by themselves is not measured here; the arithmetic is that of `inventory/replenishment.py`.

    uv run python -m s2p_assets_tests.benchmarks.stock [--days 280] [--series 432] [--lead 7] [--review 7]
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.inventory.replenishment import demand_over_periods, order_quantity
from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.intervals import ErrorDistribution, deviations, error_distribution
from s2p_assets.learning.forecasting.metrics import coverage
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.series import Matrix

M5 = Path(__file__).parents[3] / "shared" / "data" / "forecasting" / "m5_subset" / "sample.csv"
DAILY = ForecastTask("sku", "day", "units", every="D", horizon=28, season_length=7, folds=8, step=28)
FIRST_DAY = pd.Timestamp("2011-01-29")
DAYS_LEARNED_FROM = 800
FILL_RATE, CYCLE_SERVICE = 0.97, 0.95
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
TRUE_INTERVALS = {0.8: (0.1, 0.9), 0.95: (0.025, 0.975)}

OWN, BY_VOLUME = "conformal by own deviation", "conformal by volume"

Levels = Callable[[float], Matrix]


@dataclass(frozen=True)
class Terms:
    """Days from order to arrival, and from one look to the next."""

    lead: int
    review: int

    @property
    def protection(self) -> int:
        return self.lead + self.review


@dataclass(frozen=True)
class Kept:
    """How a policy did: share of the units asked for that were sold, units in stock over units asked for a day
    (so: days of stock), and the share of protection intervals whose demand stayed within the level ordered up to.
    """

    fill: float
    days_of_stock: float
    cycles: float


@dataclass(frozen=True)
class Foreseen:
    """What a forecaster said at each look (looks × series × steps), the deviations known then (looks × series), and the
    spread of its backtest.
    """

    means: Matrix
    deviations: Matrix
    error_distribution: ErrorDistribution

    def levels(self, terms: Terms, *, by_volume: bool = False) -> Levels:
        """Service level → level to order up to (looks × series): the conformal quantile of the sum.

        In units of each series' own deviation, as the re-order plan has it, or of a power of its volume.
        """
        looks, series, steps = self.means.shape
        periods = np.full(looks * series, float(terms.protection))
        total = demand_over_periods(self.means.reshape(-1, steps), periods)
        own = None if by_volume else self.deviations.ravel()
        return lambda service: self.error_distribution.sum_quantiles(total, periods, [service], own)[:, 0].reshape(
            looks, series
        )

    def textbook(self, terms: Terms, demand: Matrix, looks: list[int]) -> Levels:
        """mean + z · σ · √L, σ being the standard deviation of the series' daily demand over the last 13 weeks."""
        count, series, steps = self.means.shape
        periods = np.full(count * series, float(terms.protection))
        total = demand_over_periods(self.means.reshape(-1, steps), periods).reshape(count, series)
        deviation = np.array([demand[look - 91 : look].std(axis=0, ddof=1) for look in looks])
        return lambda service: total + stats.norm.ppf(service) * deviation * np.sqrt(terms.protection)


def simulate(demand: Matrix, levels: Matrix, terms: Terms) -> Kept:
    """Periodic review with lost sales: `demand` (days × series) from the first look on, `levels` (looks × series).

    Every `review` days stock and open orders are raised to the level, in whole units; an order arrives `lead` days
    later, before the shop opens. It begins with the first level in stock; the first protection interval does not count.
    """
    days, series = demand.shape
    level = np.ceil(np.maximum(levels, 0.0) - 1e-9)
    on_hand, arriving = level[0].copy(), np.zeros((days + terms.lead + 1, series))
    sold, held = np.zeros((days, series)), np.zeros((days, series))
    for day in range(days):
        if day % terms.review == 0:
            up_to = level[day // terms.review]
            arriving[day + terms.lead] += order_quantity(up_to, up_to, on_hand, arriving[day:].sum(axis=0))
        on_hand = on_hand + arriving[day]
        arriving[day] = 0.0
        sold[day] = np.minimum(on_hand, demand[day])
        on_hand = on_hand - sold[day]
        held[day] = on_hand
    counted = slice(terms.protection, None)
    asked = demand[counted]
    return Kept(sold[counted].sum() / asked.sum(), held[counted].sum() / asked.sum(), _cycles(demand, level, terms))


def _cycles(demand: Matrix, level: Matrix, terms: Terms) -> float:
    """Share of (look, series) whose demand until the order of the next look arrives was at most the level."""
    asked = sums(demand, terms.review, terms.protection)
    return float((asked <= level[: len(asked)]).mean())


def sums(demand: Matrix, every: int, length: int) -> Matrix:
    """Demand of the `length` days after each look (looks × series), as far as they are known."""
    starts = range(0, len(demand) - length + 1, every)
    return np.array([demand[start : start + length].sum(axis=0) for start in starts])


def stock_for(fill: float, demand: Matrix, levels: Levels, terms: Terms) -> tuple[float, float]:
    """Days of stock at which the fill rate is reached, and the service level that it takes; NaN when none does."""
    found = [simulate(demand, levels(service), terms) for service in LEVELS]
    fills, stocks = np.array([kept.fill for kept in found]), np.array([kept.days_of_stock for kept in found])
    if fills.max() < fill:
        return float("nan"), float("nan")
    return float(np.interp(fill, fills, stocks)), float(np.interp(fill, fills, LEVELS))


def level_for(fill: float, demand: Matrix, levels: Levels, terms: Terms) -> float:
    """Level over demand, both of the protection interval, at which the fill rate is reached were each the only one."""
    asked = sums(demand, terms.review, terms.protection)
    fills, over = [], []
    for service in LEVELS:
        level = levels(service)[: len(asked)]
        fills.append(np.minimum(level, asked).sum() / asked.sum())
        over.append(level.sum() / asked.sum())
    return float(np.interp(fill, fills, over)) if max(fills) >= fill else float("nan")


def foresee(
    forecaster: Forecaster, history: pd.DataFrame, looks: list[pd.Timestamp], task: ForecastTask = DAILY
) -> Foreseen:
    """Backtest and fit on what was known before the first look; at each look forecast from what was known then."""
    known = history[history["day"] < looks[0]]
    backtest = rolling_origin(forecaster, known, task)
    fitted = forecaster.fit(known.assign(censored=False), task)
    means, own = [], []
    for look in looks:
        since = look - pd.Timedelta(days=DAYS_LEARNED_FROM)
        seen = history[(history["day"] < look) & (history["day"] >= since)]
        rows = fitted.forecast(seen, task.horizon)
        own.append(deviations(seen, task).to_numpy())
        means.append(rows.pivot(index="entity", columns="step", values="mean").to_numpy())
    return Foreseen(np.array(means), np.array(own), error_distribution(backtest, task))


def m5(series: int, days: int, file: Path = M5) -> tuple[pd.DataFrame, Matrix, list[pd.Timestamp]]:
    """The last days of so many M5 series: as a history, and (days × series) of the days simulated."""
    wide = pd.read_csv(file).set_index("id").filter(like="d_").T
    wide.index = pd.date_range(FIRST_DAY, periods=len(wide), freq="D", name="day")
    wide = wide.iloc[-(days + DAYS_LEARNED_FROM + DAILY.folds * DAILY.step) :]
    started = wide.columns[(wide.iloc[: -days - DAYS_LEARNED_FROM // 2] > 0).any()]
    wide = wide[sorted(started)[:: max(len(started) // series, 1)][:series]].astype(float)
    history = wide.reset_index().melt("day", var_name="sku", value_name="units").sort_values(["sku", "day"])
    return history.reset_index(drop=True), wide.iloc[-days:].to_numpy(), list(wide.index[-days:])


def lines(days: int, series: int, terms: Terms, file: Path = M5, task: ForecastTask = DAILY) -> Iterator[str]:
    """The table, line by line as it is measured."""
    history, demand, dates = m5(series, days, file)
    at = list(range(0, days, terms.review))
    yield f"{demand.shape[1]} series, {days} days, {demand.mean():.2f} units a day; {terms}"
    wide = history.pivot(index="day", columns="sku", values="units").to_numpy()
    looks = [len(wide) - days + day for day in at]
    forecasters: dict[str, Forecaster] = {
        "boosting": Boosting(),
        "moving average": MovingAverage(periods=28),
        "seasonal naive": SeasonalNaive(recent=28),
    }
    needed: dict[str, float] = {}
    single: dict[str, float] = {}
    for name, forecaster in forecasters.items():
        began = time.process_time()
        seen = foresee(forecaster, history, [dates[day] for day in at], task)
        seconds = time.process_time() - began
        policies = {f"{name} + {OWN}": seen.levels(terms), f"{name} + {BY_VOLUME}": seen.levels(terms, by_volume=True)}
        if name != "seasonal naive":
            policies |= {f"{name} + z·σ·√L": seen.textbook(terms, wide, looks)}
        for policy, levels in policies.items():
            needed[policy], service = stock_for(FILL_RATE, demand, levels, terms)
            single[policy] = level_for(FILL_RATE, demand, levels, terms)
            kept = simulate(demand, levels(CYCLE_SERVICE), terms)
            yield (
                f"{policy:43} {FILL_RATE:.0%} fill: {needed[policy]:5.2f} days of stock at level {service:.3f},"
                f" single intervals {single[policy]:.2f} of demand;"
                f" at {CYCLE_SERVICE:.0%}: {kept.cycles:.1%} of intervals kept, fill {kept.fill:.1%},"
                f" {kept.days_of_stock:.2f} days; {seconds:.0f} CPU s"
            )
        for length in (7, 14, 28):
            yield f"{name:43} sums of {length:2} days: {_covered(seen, demand, terms, length)}"
    for found, what in ((needed, "stock on hand, simulated"), (single, "level of single intervals")):
        for intervals in (OWN, BY_VOLUME):
            ratio = found[f"boosting + {intervals}"] / found[f"moving average + {intervals}"]
            yield f"{FILL_RATE:.0%} fill, boosting over moving average, both {intervals}, {what}: {ratio:.3f} (≤ 0.87)"
        ratio = found[f"boosting + {OWN}"] / found[f"moving average + {BY_VOLUME}"]
        yield f"{FILL_RATE:.0%} fill, boosting {OWN} over moving average {BY_VOLUME}, {what}: {ratio:.3f}"


def _covered(seen: Foreseen, demand: Matrix, terms: Terms, length: int) -> str:
    actual = sums(demand, terms.review, length)
    means = seen.means[: len(actual)]
    periods = np.full(actual.size, float(length))
    total = demand_over_periods(means.reshape(-1, means.shape[2]), periods)
    told = []
    for share, levels in TRUE_INTERVALS.items():
        low, high = seen.error_distribution.sum_quantiles(
            total, periods, levels, seen.deviations[: len(actual)].ravel()
        ).T
        whole_low, whole_high = np.ceil(low - 1e-9), np.ceil(high - 1e-9)
        told.append(
            f"{share:.0%} interval {coverage(actual.ravel(), low, high):.1%}"
            f" (in whole units {coverage(actual.ravel(), whole_low, whole_high):.1%})"
        )
    return ", ".join(told)


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("days", 280), ("series", 432), ("lead", 7), ("review", 7), ("folds", DAILY.folds)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--data", type=Path, default=M5, help="the file of the M5 subset")
    asked = parser.parse_args()
    if not asked.data.exists():
        raise SystemExit(f"{asked.data} is not here; the M5 subset is needed")
    task = replace(DAILY, folds=asked.folds)
    for line in lines(asked.days, asked.series, Terms(asked.lead, asked.review), asked.data, task):
        print(line, flush=True)


if __name__ == "__main__":
    main()
