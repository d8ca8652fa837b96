"""Demand with known truth and one change in it: what the product forecasts of it, over what is then sold on average.

1 is right, of what ended and what is out of season 0. Candidates of the shelf (without Prophet, for its time) are
fitted, tried and judged by the product's own contest, over several seeds; one row a case, the plain models beside:

    uv run python -m s2p_assets_tests.benchmarks.demand_simulations [--cases easter,…] [--seeds 3] [--quick]
"""

import argparse
import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.forecasts import forecast_series
from s2p_assets.learning.selection.promotion import promote
from s2p_assets.learning.training import train
from s2p_assets.learning.versions import Champion
from s2p_assets_tests.benchmarks.candidates import shelf_contest, shelf_models

LEAST, MOST = 0.8, 1.25
WEEKS, SKUS, AHEAD = 156, 40, 8
PRICED = ForecastTask("sku", "week", "units", known=("price",), price="price", censored="censored", peers=("category",))


@dataclass(frozen=True)
class Simulated:
    """A company's weeks, and what is then sold on average: `truth` (weeks to come × SKUs).

    `sold`, `price`, `censored`: (weeks, those to come included × SKUs). `asked`: the SKUs that something befell.
    """

    sold: np.ndarray
    truth: np.ndarray
    price: np.ndarray
    censored: np.ndarray
    asked: np.ndarray
    end: pd.Timestamp
    task: ForecastTask = PRICED

    def history(self) -> pd.DataFrame:
        """As the product takes it: the weeks to come hold their price alone."""
        weeks, skus = self.sold.shape
        times = pd.date_range(end=self.end, periods=weeks, freq="W-MON")
        times = pd.date_range(times[0], periods=weeks + AHEAD, freq="W-MON")
        blank = np.full((AHEAD, skus), np.nan)
        rows = pd.DataFrame(
            {
                "sku": np.repeat([f"S{at:03d}" for at in range(skus)], weeks + AHEAD),
                "week": np.tile(times, skus),
                "units": np.vstack([self.sold, blank]).T.ravel(),
                "price": self.price.T.ravel(),
                "censored": np.vstack([self.censored, np.zeros_like(blank, bool)]).T.ravel(),
                "category": np.repeat([f"C{at % 4}" for at in range(skus)], weeks + AHEAD),
            }
        )
        ahead = (rows["week"] > self.end) & bool(self.task.known)
        return rows[rows["units"].notna() | ahead].reset_index(drop=True)


@dataclass
class Company:
    """What the cases change: expected demand and prices over the weeks known and to come, and how it is drawn."""

    random: np.random.Generator
    end: pd.Timestamp
    mean: np.ndarray
    price: np.ndarray

    @property
    def times(self) -> pd.DatetimeIndex:
        return pd.date_range(self.end - pd.Timedelta(weeks=WEEKS - 1), periods=WEEKS + AHEAD, freq="W-MON")

    def draw(self, asked: Sequence[int], **more: object) -> Simulated:
        shape = 6.0
        sold = self.random.poisson(self.random.gamma(shape, self.mean[:WEEKS] / shape)).astype(float)
        none = np.zeros_like(sold, dtype=bool)
        return replace(
            Simulated(sold, self.mean[WEEKS:], self.price, none, np.asarray(asked), self.end),
            **more,  # type: ignore[arg-type]
        )


def company(seed: int, end: str = "2026-03-02") -> Company:
    """Forty SKUs of 5 to 120 units a week, one yearly season in all, slow growth or decline of their own."""
    random = np.random.default_rng(seed)
    level = np.exp(random.uniform(np.log(5), np.log(120), SKUS))
    made = Company(
        random,
        pd.Timestamp(end),
        np.empty(0),
        np.round(np.full((WEEKS + AHEAD, 1), 1.0) * 10 + random.gamma(3, 4, SKUS), 2),
    )
    season = 1 + 0.2 * np.sin(2 * np.pi * (made.times.dayofyear.to_numpy() - 80) / 365)
    trend = np.exp(np.outer(np.arange(WEEKS + AHEAD) - WEEKS, random.normal(0, 0.001, SKUS)))
    made.mean = season[:, None] * trend * level
    return made


FEW = [3, 11, 19, 27, 35]


def steady(seed: int) -> Simulated:
    return company(seed).draw(range(SKUS))


def undelivered(weeks: int) -> Callable[[int], Simulated]:
    def made(seed: int) -> Simulated:
        found = company(seed).draw(range(SKUS))
        found.sold[-weeks:] = 0.0
        return found

    return made


def christmas(seasons: int) -> Callable[[int], Simulated]:
    """Sold in the nine weeks before Christmas alone; seen so many times, and then to come."""

    def made(seed: int) -> Simulated:
        one = company(seed, "2025-10-20")
        day = one.times.dayofyear.to_numpy()
        inside = (day >= 298) & (day <= 359)
        there = inside & (one.times >= one.end - pd.Timedelta(days=365 * seasons + 30))
        one.mean[:, FEW] = np.where(there[:, None], 60.0, 0.0)
        return one.draw(FEW)

    return made


def shifted(times: float, ago: int, whom: list[int] | range = FEW) -> Callable[[int], Simulated]:
    def made(seed: int) -> Simulated:
        one = company(seed)
        one.mean[WEEKS - ago :, list(whom)] *= times
        return one.draw(list(whom))

    return made


def big_order(seed: int) -> Simulated:
    one = company(seed)
    found = one.draw(FEW)
    found.sold[-3, FEW] += 100 * one.mean[WEEKS - 3, FEW]
    return found


def offer_ended(since: int, known: bool) -> Callable[[int], Simulated]:
    """A fifth off for six weeks and 2.4 times the sales, over since so many weeks; other SKUs had offers before."""

    def made(seed: int) -> Simulated:
        one = company(seed)
        _offers(one)
        at = slice(WEEKS - 6 - since, WEEKS - since)
        one.mean[at, FEW] *= 2.4
        one.price[at, FEW] *= 0.8
        if known:
            return one.draw(FEW)
        return one.draw(FEW, task=replace(PRICED, known=(), price=None))

    return made


def _offers(one: Company) -> None:
    """Two weeks of a tenth to a fifth off, now and then, in a half of the others; elasticity 4."""
    for at in range(0, SKUS, 2):
        begin = int(one.random.integers(0, 20))
        while at not in FEW and begin < WEEKS - 4:
            off = float(one.random.choice([0.1, 0.15, 0.2]))
            one.mean[begin : begin + 2, at] *= (1 - off) ** -4.0
            one.price[begin : begin + 2, at] *= 1 - off
            begin += int(one.random.integers(10, 30))


def price_unseen(seed: int) -> Simulated:
    """Two fifths off to come, where no more than a fifth was ever; elasticity 2.5."""
    one = company(seed)
    for at in range(SKUS):
        begin = int(one.random.integers(0, 20))
        while begin < WEEKS - 4:
            off = float(one.random.choice([0.1, 0.15, 0.2]))
            one.mean[begin : begin + 2, at] *= (1 - off) ** -2.5
            one.price[begin : begin + 2, at] *= 1 - off
            begin += int(one.random.integers(10, 30))
    one.mean[WEEKS:, FEW] *= 0.6**-2.5
    one.price[WEEKS:, FEW] *= 0.6
    return one.draw(FEW)


def out_of_stock(weeks: int) -> Callable[[int], Simulated]:
    def made(seed: int) -> Simulated:
        found = company(seed).draw(FEW)
        found.sold[-weeks:, FEW] = 0.0
        found.censored[-weeks:, FEW] = True
        return found

    return made


def ended(ago: int) -> Callable[[int], Simulated]:
    """What is forecast of it over what it sold before: 0 is right."""

    def made(seed: int) -> Simulated:
        one = company(seed)
        found = one.draw(FEW)
        found.sold[-ago:, FEW] = 0.0
        return found

    return made


def easter(seed: int) -> Simulated:
    """A third of the SKUs sell three times as much in the two weeks up to Easter Monday."""
    from dateutil.easter import easter as easter_day  # type: ignore[import-untyped]

    one = company(seed, "2026-03-02")
    some = list(range(0, SKUS, 3))
    for year in range(2023, 2027):
        day = pd.Timestamp(easter_day(year))
        inside = (one.times > day - pd.Timedelta(days=14)) & (one.times <= day)
        one.mean[:, some] *= np.where(inside, 3.0, 1.0)[:, None]
    return one.draw(some)


def ramp(by: float, weeks: int, whom: Sequence[int]) -> Callable[[int], Simulated]:
    """Growth or decline of so much a week, over so many weeks and on."""

    def made(seed: int) -> Simulated:
        one = company(seed)
        grown = np.clip(np.arange(WEEKS + AHEAD) - (WEEKS - weeks), 0, None)
        one.mean[:, list(whom)] *= np.exp(by * grown)[:, None]
        return one.draw(list(whom))

    return made


def own_season(years: int) -> Callable[[int], Simulated]:
    """Sells four times as much in early summer as in early winter, seen so many times, where others have no season."""

    def made(seed: int) -> Simulated:
        one = company(seed)
        wave = np.exp(0.7 * np.sin(2 * np.pi * (one.times.dayofyear.to_numpy() - 80) / 365))
        one.mean[:, FEW] *= wave[:, None]
        one.mean[: WEEKS - 52 * years, FEW] = 0.0
        return _from_first_sale(one.draw(FEW))

    return made


def _from_first_sale(found: Simulated) -> Simulated:
    begun = np.cumsum(found.sold > 0, axis=0) > 0
    return replace(found, sold=np.where(begun, found.sold, np.nan))


def out_of_season(seed: int) -> Simulated:
    """Sold in the nine weeks before Christmas alone, and asked in July: nothing is right."""
    one = company(seed, "2025-07-07")
    day = one.times.dayofyear.to_numpy()
    one.mean[:, FEW] = np.where((day >= 298) & (day <= 359), 60.0, 0.0)[:, None]
    found = one.draw(FEW)
    return replace(found, truth=np.where(np.isin(np.arange(SKUS), FEW), 60.0, found.truth))


def seldom(silent: int) -> Callable[[int], Simulated]:
    """Sells once in four weeks, and by chance not for so many: it has not ended."""

    def made(seed: int) -> Simulated:
        one = company(seed)
        one.mean[:, FEW] = 0.3
        found = one.draw(FEW)
        found.sold[-silent:, FEW] = 0.0
        return found

    return made


def first_year(weeks: int) -> Callable[[int], Simulated]:
    """A company that has sold for so many weeks."""

    def made(seed: int) -> Simulated:
        found = company(seed).draw(range(SKUS))
        found.sold[: WEEKS - weeks] = np.nan
        return found

    return made


def dearer(seed: int) -> Simulated:
    """A tenth dearer for good, a quarter ago; elasticity 2."""
    one = company(seed)
    _offers(one)
    one.price[WEEKS - 13 :, FEW] *= 1.1
    one.mean[WEEKS - 13 :, FEW] *= 1.1**-2.0
    return one.draw(FEW)


CASES: dict[str, Callable[[int], Simulated]] = {
    "steady": steady,
    "undelivered-2": undelivered(2),
    "undelivered-4": undelivered(4),
    "christmas-1": christmas(1),
    "christmas-2": christmas(2),
    "christmas-3": christmas(3),
    "times-3": shifted(3.0, 6),
    "third": shifted(1 / 3, 6),
    "third-13": shifted(1 / 3, 13),
    "all-double": shifted(2.0, 6, range(SKUS)),
    "all-half": shifted(0.5, 6, range(SKUS)),
    "big-order": big_order,
    "offer-ended-1": offer_ended(1, True),
    "offer-ended-unknown-2": offer_ended(2, False),
    "price-unseen": price_unseen,
    "out-of-stock-10": out_of_stock(10),
    "out-of-stock-30": out_of_stock(30),
    "ended-4": ended(4),
    "ended-13": ended(13),
    "ended-20": ended(20),
    "easter": easter,
    "ramp-up": ramp(0.02, 40, FEW),
    "ramp-down": ramp(-0.02, 40, FEW),
    "ramp-all": ramp(0.01, 100, range(SKUS)),
    "own-season-2": own_season(2),
    "own-season-3": own_season(3),
    "out-of-season": out_of_season,
    "seldom-6": seldom(6),
    "seldom-10": seldom(10),
    "first-year-30": first_year(30),
    "first-year-52": first_year(52),
    "dearer": dearer,
}
ENDED = {"ended-4", "ended-13", "ended-20", "out-of-season"}
COLUMNS = ("combination", "boosting", "smoothing", "moving_average", "seasonal_naive")
LEFT_OUT = {"demand_prophet"}


def simulate(name: str, seed: int, quick: bool) -> dict[str, tuple[float, float]]:
    """Model → forecast over truth of what was asked, and the sum of errors over it, week by week."""
    one = CASES[name](seed)
    history, moment = one.history(), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    task = replace(one.task, folds=2) if quick else one.task
    contest = shelf_contest(task)
    made = {
        model.name: train(model, contest, history, feature_version="f", trained_at=moment, run_id="r")
        for model in shelf_models(task)
        if model.name not in LEFT_OUT
    }
    crowned = promote(contest, made).champion
    found = {}
    for label, version in {**made, f"in service: {crowned.model_name}": crowned.model}.items():
        rows = forecast_series(Champion("d", "c", version, "", version.scores), history)
        means = rows.pivot(index="week", columns="sku", values="mean").to_numpy()[:, one.asked]
        truth = one.truth[:, one.asked]
        found[label] = (float(means.sum() / truth.sum()), float(np.abs(means - truth).sum() / truth.sum()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="two folds instead of six")
    asked = parser.parse_args()
    outside, lines = [], []
    for name in asked.cases.split(","):
        began = time.process_time()
        runs = [simulate(name, seed, asked.quick) for seed in range(1, asked.seeds + 1)]
        served = [next(found for label, found in run.items() if label.startswith("in service")) for run in runs]
        ratios = [ratio for ratio, _ in served]
        right = np.mean(ratios) <= 1 - LEAST if name in ENDED else LEAST <= np.mean(ratios) <= MOST
        outside += [] if right else [name]
        others = [np.mean([run[f"demand_{column}"][0] for run in runs]) for column in COLUMNS]
        error = np.mean([error for _, error in served])
        cells = [f"{np.mean(ratios):.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}", f"{error:.2f}"]
        cells += [f"{ratio:.2f}" for ratio in others] + ["yes" if right else "**no**"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        print(f"{lines[-1]} {time.process_time() - began:.0f} CPU s", flush=True)
    print(f"\n| case | in service | by seed | WAPE | {' | '.join(COLUMNS)} | kept |")
    print("|---" * (len(COLUMNS) + 5) + "|\n" + "\n".join(lines))
    print(f"{len(outside)} outside {LEAST} to {MOST} of truth: {', '.join(outside) or 'none'}")


if __name__ == "__main__":
    main()
