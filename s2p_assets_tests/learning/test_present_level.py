"""Promises of what forecasters learn from: late is not zero, moved levels are followed, and no more than lasted."""

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.forecasting.late_sources import mark_undelivered
from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.lifecycle import seasonal_means, silent_ceilings
from s2p_assets.learning.forecasting.present_level import filled_in, level_factors, undelivered_periods
from s2p_assets_tests.learning.histories import WEEKLY, seasonal

WEEKS, SKUS = 130, 30
FLAT = np.ones((WEEKS, 1))


def sold(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(40.0, (WEEKS, SKUS)).astype(float)


@pytest.mark.parametrize("weeks", [1, 2, 4])
def test_weeks_in_which_hardly_any_article_sold_count_as_undelivered(weeks: int) -> None:
    values = sold()
    values[-weeks:, 2:] = 0.0
    assert np.flatnonzero(undelivered_periods(values, 52)).tolist() == list(range(WEEKS - weeks, WEEKS))


def test_what_closes_every_year_or_for_good_or_is_few_is_no_missing_delivery() -> None:
    holidays, closed, few = sold(), sold(), sold()[:, :5]
    holidays[[60, 112], :] = 0.0
    closed[-30:, :] = 0.0
    few[-2:] = 0.0
    assert np.flatnonzero(undelivered_periods(holidays, 52)).tolist() == [60]
    assert not undelivered_periods(closed, 52)[-20:].any()
    assert not undelivered_periods(few, 52).any()


def test_a_closed_weekday_is_no_missing_delivery() -> None:
    days = np.random.default_rng(1).poisson(20.0, (140, SKUS)).astype(float)
    days[6::7] = 0.0
    assert not undelivered_periods(days, 365).any()
    days[-3:] = 0.0
    assert undelivered_periods(days, 365)[-3:-1].all()


def test_an_undelivered_week_is_marked_in_a_table_of_weeks() -> None:
    rows = seasonal(20, 60)
    last = rows["week"] == rows["week"].max()
    rows.loc[last, "units"] = 0.0
    assert mark_undelivered(rows, key="sku", value="units").tolist() == last.tolist()
    assert training_rows(rows, WEEKLY).loc[last.to_numpy(), "units"].sum() > 100


def test_a_long_stock_out_is_filled_in_along_the_season() -> None:
    season = 1 + 0.6 * np.sin(2 * np.pi * np.arange(WEEKS) / 52)[:, None]
    values = np.tile(40 * season, (1, SKUS))
    unknown = np.zeros(values.shape, dtype=bool)
    unknown[-30:, 3] = True
    cut = np.where(unknown, 0.0, values)
    np.testing.assert_allclose(filled_in(cut, unknown, season)[-30:, 3], values[-30:, 3], rtol=0.05)


@pytest.mark.parametrize("times", [3.0, 1 / 3])
def test_a_level_that_moved_lifts_or_lowers_all_before_it(times: float) -> None:
    values = sold()
    values[-6:, 4] *= times
    factors = level_factors(values, FLAT, 52)
    assert factors[50, 4] == pytest.approx(times, rel=0.25)
    assert (factors[-6:, 4] == 1).all()
    assert (np.delete(factors, 4, axis=1) == 1).all()


@pytest.mark.parametrize("weekly", [0.02, -0.02])
def test_a_slope_is_no_moved_level(weekly: float) -> None:
    slope = np.exp(weekly * np.arange(WEEKS))[:, None]
    values = np.random.default_rng(1).poisson(40.0 * slope / slope.mean(), (WEEKS, SKUS)).astype(float)
    moved = np.abs(np.log(level_factors(values, FLAT, 52))) > 0.05
    assert moved.any(axis=0).mean() < 0.1


@pytest.mark.parametrize(("weeks", "times"), [(6, 1 / 3), (13, 1 / 3), (6, 3.0)])
def test_a_level_that_lasts_is_taken_for_no_dip_that_is_over(weeks: int, times: float) -> None:
    """Of noisy articles: what is a little less low in the newest weeks is low still."""
    random, right = np.random.default_rng(4), []
    for _ in range(5):
        values = random.poisson(random.gamma(6.0, 40.0 / 6, (WEEKS, SKUS))).astype(float)
        values[-weeks:, :5] = random.poisson(random.gamma(6.0, 40.0 * times / 6, (weeks, 5)))
        right += (np.abs(np.log(level_factors(values, FLAT, 52)[40, :5] / times)) < 0.5).tolist()
    assert np.mean(right) >= 0.75


def test_an_offer_that_is_over_again_is_brought_back_to_what_lay_around_it() -> None:
    values = sold()
    values[-9:-3, 4] *= 2.5
    assert level_factors(values, FLAT, 52)[-9:-3, 4] == pytest.approx(1 / 2.5, rel=0.2)


def test_a_season_of_its_own_is_no_moved_level() -> None:
    values = sold()
    for peak in (WEEKS - 6, WEEKS - 58, WEEKS - 110):
        values[peak : peak + 6, 4] *= 3.0
    assert (level_factors(values, FLAT, 52)[:, 4] == 1).all()


@pytest.mark.parametrize("since", [40, 52, 60])
@pytest.mark.parametrize("times", [5.0, 100.0, 1000.0])
def test_what_has_stood_for_long_is_not_moved_within(since: int, times: float) -> None:
    values = sold()
    values[:-since, 3] *= times
    factors = level_factors(values, FLAT, 52)[-since:, 3]
    np.testing.assert_allclose(factors, 1.0)


def test_where_moved_levels_came_back_before_little_is_expected_to_last() -> None:
    random, values = np.random.default_rng(3), sold()
    for at in range(SKUS):
        for begin in random.choice(np.arange(56, WEEKS - 14, 12), 3, replace=False):
            values[begin : begin + 6, at] *= 3.0
    values[-6:, 4] *= 3.0
    assert level_factors(values, FLAT, 52)[50, 4] < 2.4


def test_steady_demand_is_left_as_it_is() -> None:
    assert (level_factors(sold(), FLAT, 52) == 1).mean() > 0.95


def test_what_sold_every_week_and_fell_silent_is_expected_no_more() -> None:
    values = sold()
    values[-4:, 2] = 0.0
    most = silent_ceilings(values, 52, 8)
    assert most[2] < 4
    assert np.isinf(np.delete(most, 2)).all()


def test_where_what_fell_silent_came_back_it_is_expected_again() -> None:
    values = sold()
    for at in range(SKUS):
        for begin in (60, 80, 100):
            values[begin + at % 7 : begin + at % 7 + 5, at] = 0.0
    values[-4:, 2] = 0.0
    assert silent_ceilings(values, 52, 8)[2] > 20


def test_what_sells_before_christmas_alone_is_expected_then() -> None:
    values = np.zeros((104, 3))
    values[40:49, 0] = values[92:101, 0] = 60.0
    values[92:101, 1] = 60.0
    values[::30, 2] = 1.0
    means = seasonal_means(values[:88], 52, 8)
    assert means[5:7, 0].tolist() == [60.0, 60.0]
    assert means[0, 0] == 0
    assert np.isnan(means[:, 2]).all()
    assert seasonal_means(values[:144], 52, 8).shape == (8, 3)


def test_a_frame_changed_in_place_is_looked_at_anew() -> None:
    from s2p_assets.learning.remembered import MadeOfFrame

    made = MadeOfFrame(lambda frame: float(frame["x"].sum()))
    frame = pd.DataFrame({"x": [1.0, 2.0]})
    assert (made(frame), made(frame)) == (3.0, 3.0)
    frame.loc[0, "x"] = 5.0
    assert made(frame) == 7.0
