"""Promises of the scores: every measure per fold and class, on what was known at the cutoff alone."""

from dataclasses import replace

import numpy as np
import pytest

from s2p_assets.learning.forecasting.backtest import rolling_origin
from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.scores import demand_classes, forecast_scores
from s2p_assets.learning.forecasting.series import panel
from s2p_assets_tests.learning.histories import WEEKLY, odd, seasonal, weekly


def test_series_are_classed_as_syntetos_and_boylan_do() -> None:
    past = panel(
        weekly(
            {
                "smooth": [9, 10, 11, 10] * 5,
                "intermittent": [0, 0, 10, 10] * 5,
                "erratic": [1, 1, 1, 40] * 5,
                "lumpy": [0, 0, 1, 40] * 5,
                "nothing": [0] * 20,
            }
        ),
        WEEKLY,
    )
    found = demand_classes(past).to_dict()
    assert found.pop("nothing") == "intermittent"
    assert all(name == kind for name, kind in found.items())


def test_scores_are_given_per_model_fold_and_class_and_over_all() -> None:
    history = seasonal(4, 80)
    backtests = {"naive": rolling_origin(SeasonalNaive(), history, WEEKLY)}
    backtests["average"] = rolling_origin(MovingAverage(), history, WEEKLY)
    table = forecast_scores(backtests, history, WEEKLY)
    overall = table[table["series"] == "all"]
    assert len(overall) == 2 * 3
    assert (overall["entities"] == 4).all()
    by_class = table[table["series"] != "all"].groupby(["model", "fold"])["entities"].sum()
    assert (by_class == 4).all()


def test_the_overall_rmsse_is_the_mean_over_series_scaled_by_what_was_known() -> None:
    history = weekly({"a": [2.0, 4.0] * 10, "b": [20.0, 40.0] * 10})
    backtest = rolling_origin(MovingAverage(periods=1), history, WEEKLY)
    row = forecast_scores({"last": backtest}, history, WEEKLY).query("series == 'all'").iloc[0]
    assert row["rmsse"] == pytest.approx(np.sqrt(0.5))
    assert row["mase"] == pytest.approx(0.5)


def test_censored_weeks_are_not_scored() -> None:
    history = weekly({"a": [5.0, 7.0] * 15, "b": [5.0, 7.0] * 15})
    cut = history.assign(censored=history["sku"] == "b")
    cut.loc[cut["censored"], "units"] = 0.0
    table = forecast_scores({"m": rolling_origin(MovingAverage(), cut, WEEKLY)}, cut, WEEKLY)
    assert table.query("series == 'all'")["entities"].tolist() == [1, 1, 1]


def test_odd_series_leave_the_overall_scores_whole() -> None:
    table = forecast_scores({"m": rolling_origin(MovingAverage(), odd(), WEEKLY)}, odd(), WEEKLY)
    assert np.isfinite(table.query("series == 'all'")[["wape", "rmsse", "mase", "bias"]].to_numpy()).all()


def test_series_that_never_change_can_still_be_compared() -> None:
    flat = weekly({"a": [5.0] * 30})
    table = forecast_scores({"m": rolling_origin(MovingAverage(), training_rows(flat, WEEKLY), WEEKLY)}, flat, WEEKLY)
    assert table.query("series == 'all'")["rmsse"].tolist() == [0.0] * 3


def test_series_weigh_in_wrmsse_as_they_sold_of_late() -> None:
    history = weekly({"dear": [2.0, 4.0] * 10, "given away": [20.0, 20.0, 60.0, 60.0] * 5})
    history["unit_price"] = history["sku"].map({"dear": 100.0, "given away": 0.0})
    by_units, by_money = (
        forecast_scores({"m": rolling_origin(MovingAverage(periods=4), history, one)}, history, one).query(
            "series == 'all'"
        )
        for one in (WEEKLY, replace(WEEKLY, price="unit_price"))
    )
    assert by_money["wrmsse"].tolist() == pytest.approx([0.5] * 3)
    given_away = 2 * by_units["rmsse"] - 0.5
    assert by_units["wrmsse"].tolist() == pytest.approx((given_away * 160 / 172 + 0.5 * 12 / 172).tolist())


def test_ranges_are_judged_by_the_errors_of_earlier_folds_alone() -> None:
    history = seasonal(30, 90)
    table = forecast_scores({"m": rolling_origin(MovingAverage(), history, WEEKLY)}, history, WEEKLY).query(
        "series == 'all'"
    )
    assert table["coverage_80"].isna().tolist() == [True, False, False]
    assert table["coverage_80"].dropna().between(0.6, 0.95).all()
    assert (table["coverage_95"].dropna() > table["coverage_80"].dropna()).all()
    assert (table["pinball"].dropna() < table["mase"].iloc[1:]).all()


def test_the_class_of_a_series_is_what_it_was_at_the_cutoff() -> None:
    history = weekly({"a": [9.0, 10.0] * 20, "b": [9.0, 10.0] * 15 + [0.0, 50.0, 0.0, 0.0, 90.0] * 2})
    table = forecast_scores({"m": rolling_origin(MovingAverage(), history, WEEKLY)}, history, WEEKLY)
    assert set(table.query("fold == 1")["series"]) == {"all", "smooth"}
