"""Promises of the choice: same folds, no flapping, never worse than the plain models."""

import numpy as np
import pandas as pd
import pytest

from s2p_assets.learning.backtest import rolling_origin
from s2p_assets.learning.champion import choose, classes, scores
from s2p_assets.learning.forecasters.moving_average import MovingAverage
from s2p_assets.learning.forecasters.seasonal_naive import SeasonalNaive
from s2p_assets.learning.series import learnable, panel
from s2p_assets_tests.learning_histories import WEEKLY, odd, seasonal, weekly

FLOOR = ("naive", "average")


def scored(**rmsse: list[float]) -> pd.DataFrame:
    rows = [
        {
            "model": name,
            "cutoff": pd.Timestamp("2024-01-01") + pd.Timedelta(weeks=fold),
            "series": "all",
            "rmsse": value,
        }
        for name, values in rmsse.items()
        for fold, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_the_first_champion_is_the_one_with_the_lowest_error() -> None:
    choice = choose(scored(a=[0.9, 0.9, 0.9], b=[0.8, 0.8, 0.95]), None)
    assert choice.name == "b"
    assert "no champion before" in choice.why


@pytest.mark.parametrize(
    ("challenger", "stays"),
    [
        ([0.70, 0.70, 0.91], False),
        ([0.895, 0.895, 0.895], True),
        ([0.10, 0.91, 0.91], True),
        ([0.90, 0.90, 0.90], True),
    ],
    ids=["clearly better", "by less than 1 %", "on one fold only", "just as good"],
)
def test_a_challenger_must_be_clearly_better_on_most_folds(challenger: list[float], stays: bool) -> None:
    choice = choose(scored(old=[0.9, 0.9, 0.9], new=challenger), "old")
    assert choice.name == ("old" if stays else "new")
    assert choice.why.startswith("old stays" if stays else "new replaces old: RMSSE 0.770")


def test_a_champion_worse_than_a_plain_model_goes_at_once() -> None:
    table = scored(old=[0.900, 0.900, 0.900], naive=[0.899, 0.899, 0.899], average=[1.0, 1.0, 1.0])
    assert choose(table, "old").name == "old"
    assert choose(table, "old", floor=FLOOR).name == "naive"


def test_a_champion_that_no_longer_stands_is_replaced() -> None:
    choice = choose(scored(a=[0.9], b=[0.8]), "gone")
    assert (choice.name, "gone is not compared" in choice.why) == ("b", True)


def test_models_scored_on_different_folds_are_not_compared() -> None:
    with pytest.raises(ValueError, match="not scored on every fold: b"):
        choose(scored(a=[0.9, 0.9], b=[0.8]), None)


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
    found = classes(past).to_dict()
    assert found.pop("nothing") == "intermittent"
    assert all(name == kind for name, kind in found.items())


def test_scores_are_given_per_model_fold_and_class_and_over_all() -> None:
    history = seasonal(4, 80)
    backtests = {"naive": rolling_origin(SeasonalNaive(), history, WEEKLY)}
    backtests["average"] = rolling_origin(MovingAverage(), history, WEEKLY)
    table = scores(backtests, history, WEEKLY)
    overall = table[table["series"] == "all"]
    assert len(overall) == 2 * 3
    assert (overall["entities"] == 4).all()
    by_class = table[table["series"] != "all"].groupby(["model", "fold"])["entities"].sum()
    assert (by_class == 4).all()


def test_the_overall_rmsse_is_the_mean_over_series_scaled_by_what_was_known() -> None:
    history = weekly({"a": [2.0, 4.0] * 10, "b": [20.0, 40.0] * 10})
    backtest = rolling_origin(MovingAverage(periods=1), history, WEEKLY)
    row = scores({"last": backtest}, history, WEEKLY).query("series == 'all'").iloc[0]
    assert row["rmsse"] == pytest.approx(np.sqrt(0.5))
    assert row["mase"] == pytest.approx(0.5)


def test_censored_weeks_are_not_scored() -> None:
    history = weekly({"a": [5.0, 7.0] * 15, "b": [5.0, 7.0] * 15})
    cut = history.assign(censored=history["sku"] == "b")
    cut.loc[cut["censored"], "units"] = 0.0
    table = scores({"m": rolling_origin(MovingAverage(), cut, WEEKLY)}, cut, WEEKLY)
    assert table.query("series == 'all'")["entities"].tolist() == [1, 1, 1]


def test_odd_series_leave_the_overall_scores_whole() -> None:
    table = scores({"m": rolling_origin(MovingAverage(), odd(), WEEKLY)}, odd(), WEEKLY)
    assert np.isfinite(table.query("series == 'all'")[["wape", "rmsse", "mase", "bias"]].to_numpy()).all()


def test_series_that_never_change_can_still_be_compared() -> None:
    flat = weekly({"a": [5.0] * 30})
    table = scores({"m": rolling_origin(MovingAverage(), learnable(flat, WEEKLY), WEEKLY)}, flat, WEEKLY)
    assert table.query("series == 'all'")["rmsse"].tolist() == [0.0] * 3
