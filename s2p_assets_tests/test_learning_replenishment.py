"""Promises of the order arithmetic, with the worked example of a textbook."""

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.intervals import Spread
from s2p_assets.learning.replenishment import (
    Policy,
    days_of_cover,
    demand_over,
    from_then,
    order_quantity,
    plan,
    run_out_days,
    safety_stock,
)


def test_the_textbook_example_of_the_fixed_time_period_model() -> None:
    """Jacobs & Chase: 10 a day, σ 3, review 30 days, lead time 14, 98 % (z = 2.05), 150 in stock: order 331."""
    expected = demand_over(np.full((1, 30), 10.0), [30 + 14])
    quantile = expected + 2.05 * 3 * np.sqrt(30 + 14)
    assert expected[0] == 440
    assert safety_stock(quantile, expected)[0] == pytest.approx(40.8, abs=0.05)
    assert order_quantity(quantile, quantile, [150], [0])[0] == 331


def test_an_order_comes_in_whole_packs_and_at_least_the_minimum() -> None:
    position = {"reorder_point": 50, "order_up_to": 60, "on_hand": [30, 30, 30, 50, 10], "on_order": [5, 5, 5, 0, 0]}
    packs, least = [1, 12, 12, 12, 10], [0, 0, 40, 40, 0]
    assert order_quantity(**position, pack_size=packs, minimum_order=least).tolist() == [25, 36, 48, 0, 50]


def test_demand_goes_on_beyond_the_horizon_as_its_mean() -> None:
    means = np.array([[1.0, 2.0, 3.0]])
    assert [demand_over(means, [periods])[0] for periods in (0, 0.5, 1.5, 3, 5)] == [0, 0.5, 2, 6, 10]


def test_weeks_that_have_passed_since_the_forecast_began_are_not_counted_again() -> None:
    assert from_then(np.array([[1.0, 2.0, 3.0]]), 0.5).tolist() == [[1.5, 2.5, 2.5]]
    assert from_then(np.array([[1.0, 2.0, 3.0]]), -1.0).tolist() == [[1.0, 2.0, 3.0]]


def test_cover_follows_the_forecast_week_by_week() -> None:
    means = np.array([[7.0, 14.0], [7.0, 14.0], [0.0, 0.0], [7.0, 14.0], [0.0, 7.0]])
    assert days_of_cover([7, 14, 5, -3, 0], means, 7).tolist() == [7.0, 10.5, np.inf, 0.0, 7.0]


def test_stock_that_lasts_for_years_has_no_day_on_which_it_ends() -> None:
    days = run_out_days(pd.Timestamp("2024-05-01"), [0.0, 2.9, np.inf, 5000.0, np.nan], within_days=1000)
    assert days[:2].tolist() == [pd.Timestamp("2024-05-01"), pd.Timestamp("2024-05-03")]
    assert days[2:].isna().all()


def items(**changes: object) -> pd.DataFrame:
    one = {"on_hand": 10.0, "on_order": 0.0, "lead_time_days": 14.0, "pack_size": 1.0, "minimum_order": 0.0}
    return pd.DataFrame([one | changes])


def certain(residuals: list[float]) -> Spread:
    known = np.array(residuals)
    return Spread(exponent=0.5, least=1.0, of_step=(known,) * 4, of_sum=(known,) * 4)


def test_levels_cover_lead_time_and_review_and_add_up() -> None:
    means = np.full((1, 4), 25.0)
    row = plan(items(), means, certain([0.0] * 18 + [2.0]), Policy(cover_days=14), days_per_period=7).iloc[0]
    assert row["demand_over_lead_time"] == 75
    assert row["safety_stock"] == pytest.approx(2 * np.sqrt(75))
    assert row["reorder_point"] == row["demand_over_lead_time"] + row["safety_stock"]
    assert row["order_up_to"] == pytest.approx(row["reorder_point"] + 50)
    assert row["order_quantity"] == np.ceil(row["order_up_to"] - 10)


def test_an_item_that_was_never_counted_is_not_ordered_blindly() -> None:
    row = plan(items(on_hand=np.nan), np.full((1, 4), 25.0), certain([0.0]), Policy(), days_per_period=7).iloc[0]
    assert np.isnan([row["order_quantity"], row["days_of_cover"]]).all()
    assert row["reorder_point"] == 75


def test_an_item_that_nobody_wants_is_not_ordered() -> None:
    row = plan(items(on_hand=0.0), np.zeros((1, 4)), certain([0.0, 9.0]), Policy(), days_per_period=7).iloc[0]
    assert (row["reorder_point"], row["order_quantity"], row["days_of_cover"]) == (0, 0, np.inf)


@pytest.mark.parametrize("wrong", [{"service_level": 1.0}, {"review_days": 0}, {"cover_days": -1}])
def test_an_impossible_policy_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="needs 0 < service_level < 1"):
        Policy(**wrong)
