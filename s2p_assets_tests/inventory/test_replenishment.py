"""Promises of the order arithmetic: worked examples of textbooks, and stockpyl as the oracle."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import stockpyl.loss_functions
import stockpyl.newsvendor

from s2p_assets.inventory.replenishment import (
    ReplenishmentPolicy,
    critical_ratio,
    days_of_cover,
    demand_over_periods,
    expected_short,
    order_quantity,
    plan_orders,
    run_out_dates,
    safety_stock,
    shifted_forecast,
)
from s2p_assets.learning.forecasting.intervals import ErrorDistribution, ErrorUnit, Residuals


def test_the_textbook_example_of_the_fixed_time_period_model() -> None:
    """Jacobs & Chase: 10 a day, σ 3, review 30 days, lead time 14, 98 % (z = 2.05), 150 in stock: order 331."""
    expected = demand_over_periods(np.full((1, 30), 10.0), [30 + 14])
    quantile = expected + 2.05 * 3 * np.sqrt(30 + 14)
    assert expected[0] == 440
    assert safety_stock(quantile, expected)[0] == pytest.approx(40.8, abs=0.05)
    assert order_quantity(quantile, quantile, [150], [0])[0] == 331


def test_an_order_comes_in_whole_packs_and_at_least_the_minimum() -> None:
    position: dict[str, Any] = {
        "reorder_point": 50,
        "order_up_to": 60,
        "on_hand": [30, 30, 30, 50, 10],
        "on_order": [5, 5, 5, 0, 0],
    }
    packs, least = [1, 12, 12, 12, 10], [0, 0, 40, 40, 0]
    assert order_quantity(**position, pack_size=packs, minimum_order=least).tolist() == [25, 36, 48, 0, 50]


def test_demand_goes_on_beyond_the_horizon_as_its_mean() -> None:
    means = np.array([[1.0, 2.0, 3.0]])
    assert [demand_over_periods(means, [periods])[0] for periods in (0, 0.5, 1.5, 3, 5)] == [0, 0.5, 2, 6, 10]


def test_weeks_that_have_passed_since_the_forecast_began_are_not_counted_again() -> None:
    assert shifted_forecast(np.array([[1.0, 2.0, 3.0]]), 0.5).tolist() == [[1.5, 2.5, 2.5]]
    assert shifted_forecast(np.array([[1.0, 2.0, 3.0]]), -1.0).tolist() == [[1.0, 2.0, 3.0]]


def test_cover_follows_the_forecast_week_by_week() -> None:
    means = np.array([[7.0, 14.0], [7.0, 14.0], [0.0, 0.0], [7.0, 14.0], [0.0, 7.0]])
    assert days_of_cover([7, 14, 5, -3, 0], means, 7).tolist() == [7.0, 10.5, np.inf, 0.0, 7.0]


def test_stock_that_lasts_for_years_has_no_day_on_which_it_ends() -> None:
    days = run_out_dates(pd.Timestamp("2024-05-01"), [0.0, 2.9, np.inf, 5000.0, np.nan], within_days=1000)
    assert days[:2].tolist() == [pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-03")]
    assert days[2:].isna().all()


def items(**changes: object) -> pd.DataFrame:
    one = {"on_hand": 10.0, "on_order": 0.0, "lead_time_days": 14.0, "pack_size": 1.0, "minimum_order": 0.0}
    return pd.DataFrame([one | changes])


def certain(residuals: list[float]) -> ErrorDistribution:
    known = np.array(residuals)
    return ErrorDistribution(Residuals(ErrorUnit(0.5, 1.0), of_step=(known,) * 4, of_sum=(known,) * 4))


def test_levels_cover_lead_time_and_review_and_add_up() -> None:
    means = np.full((1, 4), 25.0)
    row = plan_orders(
        items(), means, certain([0.0] * 18 + [2.0]), ReplenishmentPolicy(cover_days=14), days_per_period=7
    ).iloc[0]
    assert row["demand_over_lead_time"] == 75
    assert row["safety_stock"] == pytest.approx(2 * np.sqrt(75))
    assert row["reorder_point"] == row["demand_over_lead_time"] + row["safety_stock"]
    assert row["order_up_to"] == pytest.approx(row["reorder_point"] + 50)
    assert row["order_quantity"] == np.ceil(row["order_up_to"] - 10)


def test_an_item_that_was_never_counted_is_not_ordered_blindly() -> None:
    row = plan_orders(
        items(on_hand=np.nan), np.full((1, 4), 25.0), certain([0.0]), ReplenishmentPolicy(), days_per_period=7
    ).iloc[0]
    assert np.isnan([row["order_quantity"], row["days_of_cover"]]).all()
    assert row["reorder_point"] == 75


def test_an_item_that_nobody_wants_is_not_ordered() -> None:
    row = plan_orders(
        items(on_hand=0.0), np.zeros((1, 4)), certain([0.0, 9.0]), ReplenishmentPolicy(), days_per_period=7
    ).iloc[0]
    assert (row["reorder_point"], row["order_quantity"], row["days_of_cover"]) == (0, 0, np.inf)


@pytest.mark.parametrize("wrong", [{"service_level": 1.0}, {"review_days": 0}, {"cover_days": -1}])
def test_an_impossible_policy_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs 0 < service_level < 1"):
        ReplenishmentPolicy(**wrong)


def normal_sums(deviation: float, samples: int = 20_001) -> ErrorDistribution:
    """The spread of independent normal periods: of the sum of k periods, deviation·√k."""
    ranks = np.arange(1, samples + 1) / (samples + 1)
    standard = scipy.stats.norm.ppf(ranks) * deviation
    return ErrorDistribution(Residuals(ErrorUnit(0.5, 1e-9), (standard,) * 4, (standard,) * 4))


def test_the_newsvendor_example_of_snyder_and_shen() -> None:
    """Example 4.3, the newspapers: h = 0.18, p = 0.70, N(50, 8²): ratio 0.795, stock 56.6; stockpyl says the same."""
    ratio = float(critical_ratio(0.70, 0.18))
    assert ratio == pytest.approx(0.7955, abs=5e-5)
    level, _ = stockpyl.newsvendor.newsvendor_normal(0.18, 0.70, 50, 8)
    quantile = normal_sums(8 / np.sqrt(50)).sum_quantiles([50.0], [1.0], [ratio])[0, 0]
    assert quantile == pytest.approx(level, abs=0.01)
    assert quantile == pytest.approx(56.6, abs=0.01)


@pytest.mark.parametrize(("lead", "review"), [(7, 7), (21, 7), (0, 14)])
def test_the_base_stock_level_over_lead_time_and_review_is_stockpyls(lead: int, review: int) -> None:
    """Means of 100 a week, σ 15 a week, Cu 3 and Co 0.2: our quantile of the sum against the oracle's base stock."""
    weeks = (lead + review) // 7
    # stockpyl counts the period of the review beside the lead time itself.
    level, _ = stockpyl.newsvendor.newsvendor_normal(0.2, 3.0, 100, 15, lead_time=weeks - 1)
    one = items(lead_time_days=float(lead), service_level=float(critical_ratio(3.0, 0.2)), on_hand=0.0)
    policy = ReplenishmentPolicy(review_days=review)
    row = plan_orders(one, np.full((1, 4), 100.0), normal_sums(1.5), policy, days_per_period=7).iloc[0]
    assert row["reorder_point"] == pytest.approx(level, abs=0.05)
    assert row["safety_stock"] == pytest.approx(level - 100 * weeks, abs=0.05)
    assert row["order_quantity"] == np.ceil(row["order_up_to"])


@pytest.mark.parametrize("stock", [60.0, 100.0, 130.0])
def test_the_units_expected_short_are_stockpyls_loss_function(stock: float) -> None:
    short = expected_short(normal_sums(1.5), [100.0], [1.0], [stock], points=2000)[0]
    assert short == pytest.approx(stockpyl.loss_functions.normal_loss(stock, 100, 15)[0], abs=0.05)


def test_a_unit_that_loses_nothing_is_not_worth_holding_and_one_that_costs_nothing_always_is() -> None:
    assert critical_ratio([-1.0, 0.0, 5.0, 1.0], [1.0, 1.0, 0.0, 1.0]).tolist() == [0.0, 0.0, 1.0, 0.5]
    assert np.isnan(critical_ratio([np.nan, 0.0], [1.0, 0.0])).all()
    with pytest.raises(ValueError, match="below 0"):
        critical_ratio(1.0, -0.1)


def test_each_item_has_its_own_service_level_and_the_policys_where_it_has_none() -> None:
    three = pd.concat([items(service_level=level) for level in (0.5, np.nan, 0.99)], ignore_index=True)
    rows = plan_orders(
        three, np.full((3, 4), 25.0), normal_sums(1.0), ReplenishmentPolicy(service_level=0.9), days_per_period=7
    )
    z = scipy.stats.norm.ppf([0.5, 0.9, 0.99])
    assert rows["safety_stock"].tolist() == pytest.approx((z * np.sqrt(75)).tolist(), abs=0.02)
    with pytest.raises(ValueError, match="below 1"):
        plan_orders(
            items(service_level=1.0), np.full((1, 4), 25.0), normal_sums(1.0), ReplenishmentPolicy(), days_per_period=7
        )


def test_nothing_is_ever_negative() -> None:
    random = np.random.default_rng(5)
    many = pd.DataFrame(
        {
            "on_hand": random.integers(-20, 200, 300).astype(float),
            "on_order": random.integers(0, 90, 300).astype(float),
            "lead_time_days": random.integers(0, 60, 300).astype(float),
            "pack_size": random.integers(1, 24, 300).astype(float),
            "minimum_order": random.integers(0, 50, 300).astype(float),
            "service_level": random.uniform(0.01, 0.99, 300).round(2),
        }
    )
    rows = plan_orders(
        many, random.gamma(1.0, 20.0, (300, 4)), normal_sums(2.0), ReplenishmentPolicy(), days_per_period=7
    )
    assert (rows >= 0).all(axis=None)
    assert (rows["order_quantity"] % many["pack_size"] == 0).all()
    assert (rows["shortage_if_ordered"] <= rows["shortage_if_not_ordered"]).all()
