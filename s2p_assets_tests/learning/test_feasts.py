"""Promises of feasts that move: a series that sells before Easter is known by its past, and noise makes no feast."""

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.feasts import feast_factors
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets.learning.forecasting.series import Panel, panel

WEEKLY = ForecastTask("sku", "week", "units")
TIMES = pd.date_range("2023-01-02", periods=166, freq="W-MON")
AHEAD = pd.date_range("2026-03-09", periods=8, freq="W-MON")
EASTERS = [pd.Timestamp(day) for day in ("2023-04-09", "2024-03-31", "2025-04-20", "2026-04-05")]
SELLING, OTHERS = slice(0, 8), slice(8, 24)


def demand(times: int, uplift: float, *, seed: int = 1) -> Panel:
    """24 series of 30 to 90 a week; the first eight sell `uplift` times as much in the two weeks up to Easter."""
    random = np.random.default_rng(seed)
    mean = np.tile(random.uniform(30, 90, 24), (times, 1))
    for day in EASTERS:
        before = (TIMES[:times] > day - pd.Timedelta(days=14)) & (TIMES[:times] <= day)
        mean[np.ix_(before, np.arange(24)[SELLING])] *= uplift
    return Panel(TIMES[:times], pd.Index([f"S{at:02d}" for at in range(24)]), random.poisson(mean).astype(float))


def test_what_sells_before_easter_is_expected_to_when_easter_comes_on_another_date() -> None:
    factors = feast_factors(demand(166, 3.0), AHEAD)
    inside = (EASTERS[-1] - pd.Timedelta(days=14) < AHEAD) & (EASTERS[-1] >= AHEAD)
    assert inside.sum() == 2
    assert (factors[inside][:, SELLING].mean(axis=1) > 2.4).all()
    assert (factors[inside][:, SELLING].mean(axis=1) < 3.6).all()
    assert np.abs(factors[inside][:, OTHERS] - 1).max() < 0.25
    assert np.abs(factors[~inside].mean(axis=1) - 1).max() < 0.1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_noise_no_feast_is_made(seed: int) -> None:
    factors = feast_factors(demand(166, 1.0, seed=seed), TIMES)
    assert np.abs(factors - 1).max() < 0.25
    assert np.abs(factors - 1).mean() < 0.01


@pytest.mark.parametrize(("times", "every"), [(80, "W-MON"), (166, "D")], ids=["seen once", "days"])
def test_a_feast_seen_once_and_periods_that_are_no_weeks_have_none(times: int, every: str) -> None:
    past = demand(times, 3.0)
    days = pd.date_range("2025-01-01", periods=times, freq="D") if every == "D" else past.times
    assert (feast_factors(Panel(days, past.entities, past.values), days) == 1).all()


def test_orthodox_easter_is_another_day() -> None:
    past = demand(166, 3.0)
    western, orthodox = (feast_factors(past, AHEAD, country)[:, SELLING].max() for country in ("DE", "GR"))
    assert western > 2
    assert orthodox < 0.7 * western


def test_smoothing_forecasts_the_weeks_before_easter() -> None:
    past = demand(166, 3.0)
    rows = pd.DataFrame(past.values, past.times, past.entities).rename_axis("week").reset_index()
    history = rows.melt("week", var_name="sku", value_name="units").sort_values(["sku", "week"])
    task = WEEKLY
    made = Smoothing().fit(history, task).forecast(history, 8)
    weeks = made.pivot(index="step", columns="entity", values="mean").to_numpy() / panel(history, task).values.mean(
        axis=0
    )
    assert weeks[:, SELLING].max() > 2
    assert weeks[:, OTHERS].max() < 1.4
