"""Promises of backtests: no look ahead, honest about how many folds there are."""

import logging
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting.backtest import BACKTEST_COLUMNS, forecast_cutoffs, rolling_origin
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.prophet_total import ProphetTotal
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.series import TooLittleHistory
from s2p_assets_tests.learning.histories import WEEKLY, seasonal, weekly


def test_folds_end_a_horizon_before_the_end_and_lie_a_step_apart() -> None:
    history = seasonal(2, 60)
    last = history["week"].max()
    assert forecast_cutoffs(history, WEEKLY) == [last - pd.Timedelta(weeks=weeks) for weeks in (12, 8, 4)]


def test_each_entity_has_every_step_of_every_fold_beside_what_was_sold() -> None:
    history = seasonal(3, 60)
    backtest = rolling_origin(MovingAverage(), history, WEEKLY)
    assert list(backtest.columns) == list(BACKTEST_COLUMNS)
    assert len(backtest) == 3 * 3 * 4
    assert ((backtest["time"] - backtest["cutoff"]).dt.days == 7 * backtest["step"]).all()
    sold = history.set_index(["sku", "week"])["units"]
    assert backtest["actual"].tolist() == [sold[key] for key in zip(backtest["entity"], backtest["time"], strict=True)]


@pytest.mark.parametrize("forecaster", [SeasonalNaive(), MovingAverage(), ProphetTotal(), Boosting(trees=5)])
def test_what_comes_after_a_cutoff_changes_no_forecast_from_it(forecaster: Forecaster) -> None:
    history = seasonal(3, 110)
    first = forecast_cutoffs(history, WEEKLY)[0]
    after = history["week"] > first
    changed = history.assign(units=history["units"].where(~after, 9 * history["units"] + 50))
    one, other = (rolling_origin(forecaster, rows, WEEKLY).query("fold == 1")["mean"] for rows in (history, changed))
    np.testing.assert_allclose(one, other)


def test_a_short_history_has_fewer_folds_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        backtest = rolling_origin(MovingAverage(), seasonal(2, 13), WEEKLY)
    assert backtest["fold"].unique().tolist() == [1, 2]
    assert "only 2 of 3 folds" in caplog.text


def test_a_history_without_room_for_one_whole_fold_is_measured_on_its_second_half() -> None:
    backtest = rolling_origin(MovingAverage(), weekly({"a": [1] * 7}), WEEKLY)
    assert backtest["fold"].unique().tolist() == [1]
    assert backtest["step"].tolist() == [1, 2, 3]


def test_a_single_period_is_no_history() -> None:
    with pytest.raises(TooLittleHistory, match="1 period of history; a backtest needs 2"):
        rolling_origin(MovingAverage(), weekly({"a": [1]}), WEEKLY)


def test_a_series_younger_than_a_cutoff_is_left_out_of_that_fold() -> None:
    history = seasonal(2, 60)
    young = history[(history["sku"] == "000") | (history["week"] > history["week"].max() - pd.Timedelta(weeks=6))]
    backtest = rolling_origin(MovingAverage(), young, WEEKLY)
    assert backtest.groupby("fold")["entity"].nunique().to_dict() == {1: 1, 2: 1, 3: 2}


def test_without_a_step_the_folds_cover_a_year_or_what_the_history_has() -> None:
    task = ForecastTask("sku", "week", "units", horizon=4)
    long, short = (forecast_cutoffs(seasonal(1, weeks), task) for weeks in (160, 40))
    assert [(later - earlier).days for earlier, later in pairwise(long)] == [56] * 5
    assert len(short) == 6
    assert (short[-1] - short[0]).days == 5 * 3 * 7
