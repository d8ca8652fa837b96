"""Promises of the backtest of orders: figures of one position by hand, and by which forecast is ordered."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.inventory.order_backtest import (
    PastForecasts,
    forecasts_with_terms,
    order_backtest_of,
    order_choice,
    served_orders,
    why_ordered_by,
)
from s2p_assets.inventory.replenishment import ReplenishmentPolicy, plan_orders, stock_levels
from s2p_assets.learning.forecasting.intervals import error_distribution
from s2p_assets_tests.inventory.test_replenishment import certain

POLICY = ReplenishmentPolicy(service_level=0.9, review_days=7, cover_days=0, usual_lead_days=7)
WEEKLY = ForecastTask("entity", "time", "units")
NO_TERMS = pd.DataFrame(columns=["lead_time_days", "shelf_life_days"])


def backtest(factor: float = 1.0, *, folds: int = 5, series: int = 30, noise: float = 0.1) -> pd.DataFrame:
    """Steady demand of some dozen units a week, forecast `factor` times as high."""
    random = np.random.default_rng(3)
    level = np.exp(random.uniform(2, 4, series))
    rows = pd.MultiIndex.from_product([range(1, folds + 1), range(series), range(1, 9)]).to_frame(
        index=False, name=["fold", "entity", "step"]
    )
    usual = level[rows["entity"]]
    other = 1 + noise * random.normal(size=len(rows))
    rows = rows.assign(actual=random.poisson(usual).astype(float), mean=usual * factor * other, censored=False)
    return rows.assign(deviation=np.sqrt(usual), entity=rows["entity"].map("A{:02d}".format))


def tried(backtests: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What became of them, the forecast `own` being in service."""
    spreads = {name: error_distribution(rows, WEEKLY) for name, rows in backtests.items()}
    return order_backtest_of(backtests, spreads, NO_TERMS, POLICY, standing="own", days_per_period=7)


def one_position(actual: list[float], mean: float = 10.0, **item: Any) -> Any:
    items = pd.DataFrame([{"lead_time_days": 7.0, "deviation": 1.0, "shelf_life_days": np.nan} | item])
    past = PastForecasts(np.array([0]), items, np.full((1, len(actual)), mean), np.array([actual]))
    return served_orders(past, certain([0.0] * 9 + [4.0]), POLICY, days_per_period=7)


def test_stock_and_shortage_of_one_position_are_those_worked_out_by_hand() -> None:
    """Nearly 38 units are the level; 8 go in the lead time, and 5 or 57 in the review after it."""
    enough, short = one_position([8.0, 5.0]), one_position([8.0, 57.0])
    level = stock_levels(
        pd.DataFrame({"lead_time_days": [7.0], "deviation": [1.0]}),
        np.full((1, 2), 10.0),
        certain([0.0] * 9 + [4.0]),
        POLICY,
        days_per_period=7,
    ).up_to[0]
    assert enough.fill == 1.0
    assert enough.held[0] == pytest.approx((level - 8 + level - 13) / 2)
    assert short.short[0] == pytest.approx(65 - level)
    assert short.fill == pytest.approx(1 - (65 - level) / 57)


def test_what_perishes_is_counted_and_not_ordered_beyond_its_life() -> None:
    kept = one_position([8.0, 5.0, 1.0], shelf_life_days=7.0)
    assert kept.waste > 0
    assert one_position([8.0, 5.0, 1.0]).waste == 0
    items = pd.DataFrame({"on_hand": [0.0], "on_order": 0.0, "lead_time_days": 7, "pack_size": 1, "minimum_order": 0})
    wide, means = replace(POLICY, cover_days=28), np.full((1, 8), 10.0)
    long, brief = (
        plan_orders(items.assign(shelf_life_days=days), means, certain([0.0, 6.0]), wide, days_per_period=7).iloc[0]
        for days in (np.nan, 14.0)
    )
    assert brief["order_up_to"] == 30
    assert long["order_up_to"] > brief["order_up_to"]
    assert brief["reorder_point"] <= brief["order_up_to"]


def test_orders_follow_from_another_forecast_where_that_needs_less_stock_for_the_same_fill() -> None:
    found = tried({"own": backtest(1.5), "other": backtest()})
    assert order_choice(found.rename(columns={"name": "model"})) == "other"
    days = found.set_index("name")["stock_at_same_fill"]
    assert days["other"] < 0.95 * days["own"]
    assert why_ordered_by(found, "own").startswith("Orders follow from other: for the same fill")


@pytest.mark.parametrize(
    "backtests",
    [
        {"own": backtest(), "other": backtest(1.02)},
        {"own": backtest(1.5, folds=2), "other": backtest(folds=2)},
        {"own": backtest(1.5)},
        {"own": backtest().assign(censored=True).assign(censored=lambda rows: rows["step"] < 8)},
    ],
    ids=["hardly better", "too few folds", "alone", "nothing known"],
)
def test_orders_follow_from_the_forecast_in_service_otherwise(backtests: dict[str, pd.DataFrame]) -> None:
    found = tried(backtests)
    assert order_choice(found.rename(columns={"name": "model"})) == "own"
    assert why_ordered_by(found, "own").startswith("Orders follow from own, in service: ")


def test_a_lead_time_beyond_the_backtest_counts_as_the_longest_within_it_and_what_is_not_known_is_left_out() -> None:
    rows = backtest(folds=1, series=3).assign(censored=lambda rows: (rows["entity"] == "A01") & (rows["step"] == 2))
    terms = pd.DataFrame({"lead_time_days": [90.0], "shelf_life_days": [np.nan]}, index=["A00"])
    past = forecasts_with_terms(rows, terms, POLICY, days_per_period=7)
    assert past.items.set_index("entity")["lead_time_days"].to_dict() == {"A00": 49.0, "A02": 7.0}
